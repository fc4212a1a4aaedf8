"""What a rating means for showing a picture."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.rating import LIMITS, STRICT, Limits, Rating, Showing, showing

ORDER = list(Showing)
"""From the freest to the strictest."""


def a_rating(*, hentai: float = 0.0, porn: float = 0.0, sexy: float = 0.0) -> Rating:
    """A drawing, as far as it is nothing else."""
    return Rating(drawing=max(1 - hentai - porn - sexy, 0.0), hentai=hentai, neutral=0.0, porn=porn, sexy=sexy)


@pytest.mark.parametrize(
    ("explicit", "expected"),
    [
        (0.0, Showing.SHOW),
        (0.39, Showing.SHOW),
        (0.40, Showing.SPOILER),
        (0.69, Showing.SPOILER),
        (0.70, Showing.HOLD),
        (0.82, Showing.HOLD),
        (1.0, Showing.HOLD),
    ],
)
@pytest.mark.parametrize("drawn", [True, False])
def test_in_safe_places_two_limits_part_shown_hidden_and_held(
    explicit: float, expected: Showing, *, drawn: bool
) -> None:
    """Whether it is explicit as a drawing or as a photograph."""
    rating = a_rating(hentai=explicit) if drawn else a_rating(porn=explicit)

    assert expected is showing(rating, safe=True, minor_coded=False)


def test_explicit_is_both_kinds_together() -> None:
    """A picture between drawing and photograph does not slip through in two halves."""
    assert Showing.HOLD is showing(a_rating(hentai=0.36, porn=0.36), safe=True, minor_coded=False)


def test_elsewhere_everything_is_shown() -> None:
    """Where pictures are not kept safe."""
    assert Showing.SHOW is showing(a_rating(hentai=1.0), safe=False, minor_coded=False)


@pytest.mark.parametrize("safe", [True, False])
@pytest.mark.parametrize("rating", [a_rating(hentai=0.2), a_rating(porn=0.2), a_rating(sexy=0.2)])
def test_where_the_text_speaks_of_minors_a_person_looks_soon_and_everywhere(rating: Rating, *, safe: bool) -> None:
    """Suggestive is enough, no place lifts it, and there is no spoiler."""
    assert Showing.HOLD is showing(rating, safe=safe, minor_coded=True)
    assert Showing.SHOW is showing(a_rating(hentai=0.19), safe=safe, minor_coded=True)


def test_limits_may_be_others() -> None:
    """A server's own, one day."""
    limits = Limits(shown=0.1, held=0.9)

    assert Showing.SPOILER is showing(a_rating(hentai=0.5), safe=True, minor_coded=False, limits=limits)


kinds = st.floats(0.0, 1.0)


@given(kinds, kinds, kinds, st.booleans())
def test_what_is_more_explicit_or_minor_coded_is_never_shown_more_freely(
    hentai: float, sexy: float, less: float, safe: bool
) -> None:
    """The decision only ever grows stricter."""
    more, milder = a_rating(hentai=hentai, sexy=sexy), a_rating(hentai=hentai * less, sexy=sexy * less)

    def strictness(rating: Rating, *, minor_coded: bool) -> int:
        return ORDER.index(showing(rating, safe=safe, minor_coded=minor_coded))

    for minor_coded in (False, True):
        assert strictness(milder, minor_coded=minor_coded) <= strictness(more, minor_coded=minor_coded)
    assert strictness(more, minor_coded=False) <= strictness(more, minor_coded=True)


@pytest.mark.parametrize("wrong", [math.nan, -0.1, 1.1, math.inf])
def test_no_rating_is_made_of_what_is_no_probability(wrong: float) -> None:
    """NaN is below no limit and would be shown as if it were."""
    with pytest.raises(ValueError, match="no rating"):
        a_rating(hentai=wrong)


def test_the_strict_limits_are_below_the_others() -> None:
    """And each pair is in order."""
    assert STRICT.shown <= STRICT.held <= LIMITS.shown < LIMITS.held
