"""Tags among tokens: what a chunk cuts, what a limit hides, which parts are counted."""

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.tokens import MIXED_MAX, TagSpan, TokenCount, mixed_parts, straddling_tags


def spans(*sizes: int) -> tuple[TagSpan, ...]:
    """Tags of so many tokens, a comma of one between them."""
    found = []
    first = 0
    for n, size in enumerate(sizes):
        found.append(TagSpan(text=f"tag{n}", first=first, last=first + size - 1))
        first += size + 1
    return tuple(found)


def test_a_tag_on_a_border_is_cut_and_one_beside_it_is_not() -> None:
    """The borders of V3 lie between tokens 74 and 75, and 149 and 150."""
    tags = [
        TagSpan(text="ends before", first=72, last=74),
        TagSpan(text="cut", first=74, last=75),
        TagSpan(text="begins behind", first=75, last=76),
        TagSpan(text="cut again", first=148, last=151),
        TagSpan(text="longer than a chunk", first=150, last=225),
    ]

    assert ["cut", "cut again", "longer than a chunk"] == [tag.text for tag in straddling_tags(tags, 75)]


@given(st.lists(st.integers(1, 9), max_size=60), st.integers(1, 12))
def test_a_tag_is_cut_exactly_where_two_of_its_tokens_lie_in_different_chunks(sizes: list[int], chunk: int) -> None:
    """Said token by token."""
    tags = spans(*sizes)

    cut = {tag for tag in tags if len({n // chunk for n in range(tag.first, tag.last + 1)}) > 1}

    assert cut == set(straddling_tags(tags, chunk))


@given(st.lists(st.integers(1, 9), max_size=60), st.integers(1, 40))
def test_the_last_tag_read_is_the_one_before_the_first_that_is_cut(sizes: list[int], limit: int) -> None:
    """None where all is read, and where not even the first tag is."""
    tags = spans(*sizes)
    n = tags[-1].last + 1 if tags else 0
    whole = [tag for tag in tags if tag.last < limit]

    found = TokenCount(n=n, limit=limit, spans=tags)

    assert found.is_over == (n > limit)
    assert found.last_read == (whole[-1] if whole and found.is_over else None)


def test_a_mixed_part_that_begins_over_the_limit_has_no_last_tag() -> None:
    """The tag before it belongs to another part."""
    tags = (TagSpan(text="short", first=0, last=1), TagSpan(text="endless", first=0, last=9))

    assert TokenCount(n=10, limit=5, spans=tags).last_read is None


def test_bars_mix_and_double_bars_choose() -> None:
    """As the site takes a prompt apart before it counts."""
    assert ("a", " b") == mixed_parts("a| b")
    assert ("long hair, smile",) == mixed_parts("||bob|long hair||, smile")
    assert ("yx",) == mixed_parts("||ab|😀|yx||")
    assert ("a", "b") == mixed_parts("a|||||b")
    assert ("1", "2", "3", "4", "5", "6|7|8") == mixed_parts("1|2|3|4|5|6|7|8")


@given(st.text("a|b ", max_size=60))
def test_there_are_one_to_six_parts(text: str) -> None:
    """Whatever is typed, and without bars the text is its only part."""
    parts = mixed_parts(text)

    assert 1 <= len(parts) <= MIXED_MAX
    assert "|" in text or (text,) == parts
