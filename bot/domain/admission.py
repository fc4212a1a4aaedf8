"""Whether a job may enter the queue, and at which turn: one pure decision inside one write transaction."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.domain.errors import LimitReached

PRIORITY_STEP = 1
DOUBLE_CLICK = 2.0
"""Seconds within which the same person's press of the same button counts once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A span of unix seconds over which usage is counted; *end* is when it starts again."""

    start: float
    end: float


def day_of(now: float) -> Window:
    """The UTC day that holds *now*."""
    midnight = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return Window(start=midnight.timestamp(), end=(midnight + timedelta(days=1)).timestamp())


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a member may do here, by day; None is no limit. *cooldown* is seconds between two wishes."""

    pictures_day: int | None = None
    anlas_day: int | None = None
    waiting: int = 3
    cooldown: float = 0.0
    house_pictures_day: int | None = None
    house_anlas_day: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """
    What the ledger holds at this moment, read under its locks.

    *pictures* and *anlas* are the member's charged-or-else-reserved of the window, without the extra that an admin
    granted for it; *house_anlas* sums the greater of reserved and spent. *now_turn* is the highest turn claimed so
    far, *last_turn* the member's last one.
    """

    now_turn: int = 0
    last_turn: int = 0
    pictures: int = 0
    anlas: int = 0
    extra_pictures: int = 0
    extra_anlas: int = 0
    waiting: int = 0
    last_admitted: float | None = None
    house_pictures: int = 0
    house_anlas: int = 0


def next_turn(*, now_turn: int, last_turn: int, step: int = PRIORITY_STEP) -> int:
    """
    A member's next place in the fair order.

    Between two consecutive starts of one member, and between the admission and the start of a member's only waiting
    job, no other member starts more than ``step + 1`` jobs.
    """
    return max(now_turn + step - 1, last_turn + step)


def decide(*, pictures: int, anlas: int, now: float, limits: Limits, standing: Standing) -> int:
    """
    The turn of a job of *pictures* pictures and *anlas* Anlas, or `LimitReached` with the limit that binds.

    Codes: ``cooldown``, ``quota.waiting``, ``quota.day``, ``quota.anlas``, ``budget.house``; those of a window carry
    ``reset`` (unix seconds).
    """
    window = day_of(now)
    _check_pace(now, limits, standing)
    _check_window("quota.day", pictures, standing.pictures, limits.pictures_day, standing.extra_pictures, window)
    _check_window("quota.anlas", anlas, standing.anlas, limits.anlas_day, standing.extra_anlas, window)
    _check_window("budget.house", pictures, standing.house_pictures, limits.house_pictures_day, 0, window)
    _check_window("budget.house", anlas, standing.house_anlas, limits.house_anlas_day, 0, window)
    return next_turn(now_turn=standing.now_turn, last_turn=standing.last_turn)


def _check_pace(now: float, limits: Limits, standing: Standing) -> None:
    if standing.waiting >= limits.waiting:
        raise LimitReached("quota.waiting", n=standing.waiting, limit=limits.waiting)
    # A clock that was put back must not make a cooldown last until it catches up.
    if standing.last_admitted is not None and 0 <= now - standing.last_admitted < limits.cooldown:
        raise LimitReached("cooldown", t=standing.last_admitted + limits.cooldown)


def _check_window(code: str, wanted: int, used: int, limit: int | None, extra: int, window: Window) -> None:
    if limit is not None and wanted and used + wanted > limit + extra:
        raise LimitReached(code, used=used, limit=limit + extra, reset=window.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What a member has used of today's limits and what is left; a limit of None is no limit."""

    pictures_used: int
    pictures_limit: int | None
    anlas_used: int
    anlas_limit: int | None
    resets_at: float

    @property
    def pictures_left(self) -> int | None:
        """Pictures left today, None for no limit."""
        return None if self.pictures_limit is None else max(0, self.pictures_limit - self.pictures_used)

    @property
    def anlas_left(self) -> int | None:
        """Anlas left today, None for no limit."""
        return None if self.anlas_limit is None else max(0, self.anlas_limit - self.anlas_used)


def quota_of(limits: Limits, standing: Standing, now: float) -> Quota:
    """The quota as a person asks for it."""
    return Quota(
        pictures_used=standing.pictures,
        pictures_limit=None if limits.pictures_day is None else limits.pictures_day + standing.extra_pictures,
        anlas_used=standing.anlas,
        anlas_limit=None if limits.anlas_day is None else limits.anlas_day + standing.extra_anlas,
        resets_at=day_of(now).end,
    )
