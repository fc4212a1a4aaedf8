"""One policy; the locked tier reads through disguises and leaves the innocent alone."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import Refused
from bot.domain.guild import GuildConfig, HouseConfig
from bot.domain.request import Context, Requester
from bot.domain.rules import judge, judge_words
from bot.domain.words import find_phrase, fold
from tests.builders import CHANNEL, a_request, a_requester
from tests.shared import shared

OPEN = GuildConfig(channels=(CHANNEL,))
HOUSE = HouseConfig()


@pytest.mark.parametrize(
    ("requester", "guild", "house", "code"),
    [
        (a_requester(), None, HOUSE, "not.served"),
        (a_requester(), GuildConfig(), HOUSE, "place.none"),
        (a_requester(channel_id=999), OPEN, HOUSE, "place"),
        (a_requester(guild_id=None, context=Context.DM), OPEN, HOUSE, "direct.off"),
        (a_requester(context=Context.USER_INSTALL), OPEN, HOUSE, "direct.off"),
    ],
)
def test_where_pictures_may_not_be_made(
    requester: Requester, guild: GuildConfig | None, house: HouseConfig, code: str
) -> None:
    """Nothing is drawn before an admin picked a channel, nor outside of it."""
    with pytest.raises(Refused) as caught:
        judge(requester, a_request(), guild, house)

    assert code == caught.value.code


def test_where_pictures_may_be_made() -> None:
    """In a chosen channel, in its threads, and in direct messages where the operator allows them."""
    thread = Requester(user_id=1, guild_id=100, channel_id=201, parent_id=CHANNEL)

    judge(a_requester(), a_request(), OPEN, HOUSE)
    judge(thread, a_request(), OPEN, HOUSE)
    judge(a_requester(guild_id=None, context=Context.DM), a_request(), None, HouseConfig(direct=True))


@pytest.mark.parametrize(
    "text", ["loli, nude", "{{lo{li}}}, 1.2::nsfw::", "sh0ta, rating:explicit", "n s f w, a little girl", "lolicon"]
)
def test_what_is_never_made(text: str) -> None:
    """Sexual words with words for minors are refused, however they are written."""
    with pytest.raises(Refused, match="locked"):
        judge_words(text)


@pytest.mark.parametrize(
    "text",
    [
        "1girl, nude beach towel",
        "children playing, park",
        "1girl, 2boys, 4koma",
        "mother and child, smile",
        "lollipop, nsfw",
    ],
)
def test_the_innocent_pass_the_locked_tier(text: str) -> None:
    """One half of the pair alone is not the pair, and a look-alike is not the word."""
    judge_words(text)


def test_common_disguises_are_read_through() -> None:
    """Nine of ten known disguises fold to the word itself, and no innocent text does."""
    study = json.loads(shared("data/disguises.json").read_text())
    rule = {(study["word"],)}

    missed = [text for text in study["disguises"] if not find_phrase(fold(text), rule)]
    wronged = [text for text in study["innocent"] if find_phrase(fold(text), rule)]

    assert len(missed) <= len(study["disguises"]) // 10
    assert not wronged


@given(st.text(max_size=300))
def test_any_text_can_be_folded(text: str) -> None:
    """Folding takes whatever people type, and what it gives is plain and lower-case."""
    assert all(word and word.isascii() and word == word.casefold() for word in fold(text))
