"""What a classifier thinks of a picture, and what follows: it is shown, hidden behind a spoiler, or held for review."""

from dataclasses import dataclass, fields
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """
    How likely a picture is of each kind, 0 to 1; the five add up to about 1 (nsfwjs's classes).

    *drawing* and *neutral* are harmless, drawn and photographed; *hentai* and *porn* are explicit, likewise; *sexy* is
    suggestive. Raises ValueError for anything that is no probability.
    """

    drawing: float
    hentai: float
    neutral: float
    porn: float
    sexy: float

    def __post_init__(self) -> None:
        # Also what is not a number: it compares with nothing, and would be shown.
        if not all(0.0 <= getattr(self, each.name) <= 1.0 for each in fields(self)):
            raise ValueError(f"no rating: {self}")

    @property
    def explicit(self) -> float:
        """How likely it is explicit, drawn or not."""
        return min(self.hentai + self.porn, 1.0)

    @property
    def suggestive(self) -> float:
        """How likely it is at least suggestive; never below *explicit*."""
        return min(self.explicit + self.sexy, 1.0)


class Showing(StrEnum):
    """How a rated picture may be shown."""

    SHOW = "show"
    SPOILER = "spoiler"
    HOLD = "hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Openly shown below *shown*, held for review from *held* on, hidden behind a spoiler between them."""

    shown: float
    held: float


LIMITS = Limits(shown=0.40, held=0.70)
"""
Safe places. None of some eighty safe pictures was rated above 0.15 (52 of them in ``tests/bench/bench_classifier.py``,
at most 0.07), so 0.40 leaves room on both sides; from 0.70 on the classifier is surer than not by more than two to one.
"""
STRICT = Limits(shown=0.20, held=0.20)
"""
Where the text speaks of minors, anywhere: just above what safe pictures are rated, and a person looks at once, because
no spoiler makes such a picture right. What is suggestive counts like what is explicit.
"""


def limits_for(*, minor_coded: bool) -> Limits:
    """The limits that a picture is held against."""
    return STRICT if minor_coded else LIMITS


def weighed(rating: Rating, *, minor_coded: bool) -> float:
    """The figure that is held against the limits."""
    return rating.suggestive if minor_coded else rating.explicit


def showing(rating: Rating, *, safe: bool, minor_coded: bool, limits: Limits | None = None) -> Showing:
    """
    How a picture so rated may be shown; *safe* is whether its place keeps pictures safe.

    Elsewhere everything may be shown, unless the text is *minor_coded*. *limits* default to those of `limits_for`.
    """
    if not safe and not minor_coded:
        return Showing.SHOW
    limits = limits or limits_for(minor_coded=minor_coded)
    figure = weighed(rating, minor_coded=minor_coded)
    if figure >= limits.held:
        return Showing.HOLD
    return Showing.SPOILER if figure >= limits.shown else Showing.SHOW
