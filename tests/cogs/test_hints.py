"""What a member is told about the tokens of their prompt, and about nobody else's."""

from bot.domain.tokens import TagSpan, TokenCount
from cogs.ui.replies import hints
from tests.builders import a_request

SKY = TagSpan(text="blue *sky*", first=220, last=223)
RED = TagSpan(text="red hat", first=225, last=226)


def said(tokens: TokenCount) -> str:
    """The hints of one prompt."""
    return hints(a_request(), tokens, first_kept_days=None)


def test_a_prompt_that_is_read_needs_no_hint() -> None:
    """Up to the limit itself."""
    assert "" == said(TokenCount(n=225, limit=225))
    assert "" == said(TokenCount(n=3, limit=1_471, is_estimate=True))


def test_a_long_prompt_names_the_last_tag_that_is_read() -> None:
    """As the member wrote it, harmless in Markdown."""
    found = said(TokenCount(n=227, limit=225, spans=(SKY, RED)))

    assert "227" in found
    assert r'after "blue \*sky\*" is ignored' in found


def test_a_long_prompt_of_one_tag_names_none() -> None:
    """There is nothing before the tag that is cut."""
    assert 'after "' not in said(TokenCount(n=300, limit=225, spans=(TagSpan(text="x", first=0, last=299),)))


def test_an_estimate_says_that_it_is_one() -> None:
    """Where NovelAI's own table is missing."""
    assert "about 800 tokens" in said(TokenCount(n=800, limit=703, is_estimate=True))


def test_unknown_characters_are_named() -> None:
    """Each of them, and none that could not be seen."""
    assert "V3: 小 ^" in said(TokenCount(n=9, limit=512, unknown=("小", "^")))
    assert "" == said(TokenCount(n=9, limit=512, unknown=("\u200b",)))
