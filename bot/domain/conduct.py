"""How a member conducts themselves: heat that refusals raise and time takes away, and what follows at each height."""

from dataclasses import dataclass
from enum import StrEnum

HALF_LIFE = 6 * 3_600.0
"""Seconds in which heat halves: an accident is forgotten by tomorrow, an evening of trying is not by then."""


class Offence(StrEnum):
    """What raises heat; an open word is an accident, a hidden one is a choice."""

    WORD = "word"
    DISGUISED = "disguised"
    LOCKED = "locked"
    PICTURE = "picture"
    """A picture that was made and could not be shown."""
    WARNED = "warned"


HEAT: dict[Offence, float] = {
    Offence.WORD: 0.5,
    Offence.DISGUISED: 2.0,
    Offence.LOCKED: 2.5,
    Offence.PICTURE: 1.0,
    Offence.WARNED: 1.0,
}
ANLAS_A_DEGREE = 20.0
"""A picture that was paid for and could not be shown also raises heat by one for so many Anlas."""


class Step(StrEnum):
    """What follows: nothing, a note that must be read, or a pause."""

    NONE = "none"
    NOTE = "note"
    PAUSE = "pause"
    BLOCK = "block"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequence:
    """A step, and for how many seconds a pause lasts."""

    step: Step
    seconds: float | None = None


_LADDER: tuple[tuple[float, Consequence], ...] = (
    (16.0, Consequence(step=Step.BLOCK)),
    (12.0, Consequence(step=Step.PAUSE, seconds=7 * 86_400.0)),
    (9.0, Consequence(step=Step.PAUSE, seconds=86_400.0)),
    (6.0, Consequence(step=Step.PAUSE, seconds=3_600.0)),
    (3.0, Consequence(step=Step.NOTE)),
)
_NOTHING = Consequence(step=Step.NONE)


def height_of(step: Step) -> float:
    """The heat at which *step* first follows."""
    return min(height for height, what in _LADDER if what.step is step)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """
    A member's record in one server: *heat* as it was at *heat_at* (unix seconds).

    *spoiler* is a moderator's order that all their pictures are hidden behind one.
    """

    heat: float = 0.0
    heat_at: float = 0.0
    spoiler: bool = False


def heat_at(conduct: Conduct, now: float) -> float:
    """What is left of the heat at *now*."""
    passed = max(0.0, now - conduct.heat_at)
    return float(conduct.heat * 0.5 ** (passed / HALF_LIFE))


def degrees(offence: Offence, spent: int = 0) -> float:
    """How much *offence* raises heat, where the house paid *spent* Anlas for it."""
    return HEAT[offence] + spent / ANLAS_A_DEGREE


def consequence(before: float, after: float) -> Consequence:
    """What follows when heat rises from *before* to *after*: the highest step that was not reached before."""
    for height, what in _LADDER:
        if after >= height:
            return what if before < height else _NOTHING
    return _NOTHING
