"""Whether a job may enter the queue, and at which turn: one pure decision inside one write transaction."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import product

from bot.domain.allowance import Caps
from bot.domain.calendar import Span, Window, window_of
from bot.domain.errors import LimitReached

PRIORITY_STEP = 1
RELAXED_STEP = 4
"""How far apart the turns of a member are who has used up the quick pictures of the day."""
DOUBLE_CLICK = 2.0
"""Seconds within which the same person's press of the same button counts once."""


class Level(StrEnum):
    """
    Whose usage is counted: of all, of a server or a person over all, in the house's days; of a server or its member,
    in the server's own. A level's windows are those of its `parent`.
    """

    HOUSE = "house"
    HOUSE_GUILD = "house.guild"
    HOUSE_MEMBER = "house.member"
    GUILD = "guild"
    MEMBER = "member"

    @property
    def parent(self) -> "Level | None":
        """The level that decides when a window of this one begins and ends; None for one that follows a calendar."""
        return {Level.HOUSE_GUILD: Level.HOUSE, Level.HOUSE_MEMBER: Level.HOUSE, Level.MEMBER: Level.GUILD}.get(self)

    @property
    def is_members(self) -> bool:
        """Whether it counts what a member pays, and not what the operator does."""
        return self in (Level.MEMBER, Level.HOUSE_MEMBER)


class Measure(StrEnum):
    """What is counted."""

    PICTURES = "pictures"
    ANLAS = "anlas"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """
    What a member may do here; None is no limit, 0 is none at all.

    The first four are the member's own in this server. Past *quick_day* pictures the day's others are in the relaxed
    lane. *budget_day* is what the server may spend in Anlas. *house*, *guild* and *person* are the operator's caps:
    on all, on this server, on this person over all servers. *cooldown* is seconds between two wishes.
    """

    pictures_day: int | None = None
    pictures_week: int | None = None
    anlas_day: int | None = None
    anlas_week: int | None = None
    quick_day: int | None = None
    waiting: int = 3
    cooldown: float = 0.0
    budget_day: int | None = None
    house: Caps = field(default_factory=Caps)
    guild: Caps = field(default_factory=Caps)
    person: Caps = field(default_factory=Caps)

    @property
    def own(self) -> Caps:
        """The member's own limits."""
        return Caps(
            pictures_day=self.pictures_day,
            pictures_week=self.pictures_week,
            anlas_day=self.anlas_day,
            anlas_week=self.anlas_week,
        )

    def bounds(self) -> "Iterator[Bound]":
        """Every limit there is, the member's own first; all of them must hold."""
        levels = {
            Level.MEMBER: self.own,
            Level.GUILD: Caps(anlas_day=self.budget_day),
            Level.HOUSE_MEMBER: self.person,
            Level.HOUSE_GUILD: self.guild,
            Level.HOUSE: self.house,
        }
        for (level, caps), span, measure in product(levels.items(), Span, Measure):
            limit = getattr(caps, f"{measure}_{span}")
            if limit is not None:
                yield Bound(level=level, span=span, measure=measure, limit=limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """One limit: so many pictures or Anlas in a day or a week."""

    level: Level
    span: Span
    measure: Measure
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What was used of a window: charged or else reserved (the operator: the greater of that and spent), and extra."""

    window: Window = field(default_factory=lambda: Window(start=0.0, end=0.0))
    pictures: int = 0
    anlas: int = 0
    extra_pictures: int = 0
    extra_anlas: int = 0

    def used(self, measure: Measure) -> int:
        """Pictures or Anlas."""
        return self.pictures if measure is Measure.PICTURES else self.anlas

    def granted(self, measure: Measure) -> int:
        """What an admin granted on top of the limit."""
        return self.extra_pictures if measure is Measure.PICTURES else self.extra_anlas


UNUSED = Usage()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """
    What the ledger holds at this moment, read under its locks.

    *now_turn* is the highest turn claimed so far, *last_turn* the member's last one, *waiting* how many of their jobs
    wait. *usage* is by level and span.
    """

    now_turn: int = 0
    last_turn: int = 0
    waiting: int = 0
    last_admitted: float | None = None
    usage: Mapping[tuple[Level, Span], Usage] = field(default_factory=dict)

    def of(self, level: Level, span: Span = Span.DAY) -> Usage:
        """The usage of one level and span."""
        return self.usage.get((level, span), UNUSED)

    @property
    def pictures(self) -> int:
        """The member's pictures of the day."""
        return self.of(Level.MEMBER).pictures

    @property
    def anlas(self) -> int:
        """The member's Anlas of the day."""
        return self.of(Level.MEMBER).anlas

    @property
    def house_pictures(self) -> int:
        """Everybody's pictures of the day."""
        return self.of(Level.HOUSE).pictures

    @property
    def house_anlas(self) -> int:
        """Everybody's Anlas of the day."""
        return self.of(Level.HOUSE).anlas


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A place in the fair order: *turn*, and the *step* of the lane it was given in."""

    turn: int
    step: int = PRIORITY_STEP


def next_turn(*, now_turn: int, last_turn: int, step: int = PRIORITY_STEP) -> int:
    """
    A member's next place in the fair order.

    Between two consecutive starts of one member, and between the admission and the start of a member's only waiting
    job, no other member starts more than ``step + 1`` jobs.
    """
    return max(now_turn + step - 1, last_turn + step)


def caught_up(waiting: Mapping[int, Ticket], now_turn: int) -> dict[int, int]:
    """
    New turns for a member who was kept from starting while others did: by job, only those that change.

    *waiting* are the member's jobs in their order. Their first follows *now_turn* as if the member had just started
    there, so that nobody who fell behind passes the others with all they have.
    """
    moved, turn = {}, now_turn
    for id_, ticket in waiting.items():
        if ticket.turn >= turn + ticket.step:
            break
        turn += ticket.step
        moved[id_] = turn
    return moved


def decide(*, pictures: int, anlas: int, now: float, limits: Limits, standing: Standing) -> Ticket:
    """
    The place of a job of *pictures* pictures and *anlas* Anlas, or `LimitReached` with the limit that binds.

    Where several bind it is the one that resets last: before that, nothing goes. Codes: ``cooldown``,
    ``quota.waiting`` and those of `code_of`, which carry ``used``, ``limit``, ``window`` and ``reset`` (unix seconds).
    """
    _check_pace(now, limits, standing)
    wanted = {Measure.PICTURES: pictures, Measure.ANLAS: anlas}
    gauges = [gauge_of(bound, standing, now) for bound in limits.bounds()]
    over = [each for each in gauges if wanted[each.measure] and each.used + wanted[each.measure] > each.limit]
    if over:
        last = max(over, key=lambda each: each.resets_at)
        n = wanted[last.measure]
        data = {"used": last.used, "limit": last.limit, "wanted": n, "window": last.span, "reset": last.resets_at}
        raise LimitReached(code_of(last, n), **data)
    step = RELAXED_STEP if _is_relaxed(limits, standing) else PRIORITY_STEP
    turn = next_turn(now_turn=standing.now_turn, last_turn=standing.last_turn, step=step)
    return Ticket(turn=turn, step=step)


def _check_pace(now: float, limits: Limits, standing: Standing) -> None:
    if standing.waiting >= limits.waiting:
        raise LimitReached("quota.waiting", n=standing.waiting, limit=limits.waiting)
    # A clock that was put back must not make a cooldown last until it catches up.
    if standing.last_admitted is not None and 0 <= now - standing.last_admitted < limits.cooldown:
        raise LimitReached("cooldown", t=standing.last_admitted + limits.cooldown)


def _is_relaxed(limits: Limits, standing: Standing) -> bool:
    return limits.quick_day is not None and standing.pictures >= limits.quick_day


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """How a limit stands: *used* of *limit* (what was granted included), whole again at *resets_at* (unix seconds)."""

    level: Level
    span: Span
    measure: Measure
    used: int
    limit: int
    resets_at: float

    @property
    def left(self) -> int:
        """What may still be used."""
        return max(0, self.limit - self.used)


def gauge_of(bound: Bound, standing: Standing, now: float) -> Gauge:
    """How *bound* stands; the window of a level that nobody used yet is the house's."""
    usage = standing.of(bound.level, bound.span)
    window = usage.window if usage.window.holds(now) else window_of(bound.span, now)
    return Gauge(
        level=bound.level,
        span=bound.span,
        measure=bound.measure,
        used=usage.used(bound.measure),
        limit=bound.limit + usage.granted(bound.measure),
        resets_at=window.end,
    )


CODES: Mapping[tuple[Level, Measure], str] = {
    (Level.MEMBER, Measure.ANLAS): "quota.anlas",
    (Level.HOUSE_MEMBER, Measure.PICTURES): "quota.everywhere",
    (Level.HOUSE_MEMBER, Measure.ANLAS): "quota.anlas_everywhere",
    (Level.GUILD, Measure.PICTURES): "budget.server",
    (Level.GUILD, Measure.ANLAS): "budget.server",
    (Level.HOUSE_GUILD, Measure.PICTURES): "budget.server",
    (Level.HOUSE_GUILD, Measure.ANLAS): "budget.server",
    (Level.HOUSE, Measure.PICTURES): "budget.house",
    (Level.HOUSE, Measure.ANLAS): "budget.house",
}
NEVER: Mapping[tuple[Measure, bool], str] = {
    (Measure.PICTURES, True): "quota.none",
    (Measure.PICTURES, False): "quota.many",
    (Measure.ANLAS, True): "quota.anlas_none",
    (Measure.ANLAS, False): "quota.price",
}
"""Where waiting helps nothing: the limit is none at all (True), or smaller than this one wish."""


def code_of(gauge: Gauge, wanted: int) -> str:
    """The code of the sentence for a limit that *wanted* does not fit."""
    if gauge.level is Level.MEMBER and wanted > gauge.limit:
        return NEVER[gauge.measure, gauge.limit == 0]
    return CODES.get((gauge.level, gauge.measure), f"quota.{gauge.span}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What a member has used of the limits that apply to them, and what is left; a limit of None is no limit."""

    standing: Standing
    gauges: tuple[Gauge, ...]
    quick_limit: int | None = None

    def gauge(self, measure: Measure, span: Span = Span.DAY) -> Gauge | None:
        """The member's own limit of one measure and span; None is no limit."""
        wanted = (Level.MEMBER, span, measure)
        return next((each for each in self.gauges if (each.level, each.span, each.measure) == wanted), None)

    def used(self, measure: Measure, span: Span = Span.DAY) -> int:
        """What the member used here, limit or none."""
        return self.standing.of(Level.MEMBER, span).used(measure)

    def tightest(self, measure: Measure) -> Gauge | None:
        """Of all limits that apply the one that leaves the least."""
        return min((each for each in self.gauges if each.measure is measure), key=lambda each: each.left, default=None)

    @property
    def pictures_used(self) -> int:
        """Pictures used today."""
        return self.used(Measure.PICTURES)

    @property
    def pictures_left(self) -> int | None:
        """Pictures left by the tightest limit, None for no limit."""
        gauge = self.tightest(Measure.PICTURES)
        return None if gauge is None else gauge.left

    @property
    def anlas_used(self) -> int:
        """Anlas used today."""
        return self.used(Measure.ANLAS)

    @property
    def anlas_limit(self) -> int | None:
        """Anlas for today, None for no limit."""
        gauge = self.gauge(Measure.ANLAS)
        return None if gauge is None else gauge.limit

    @property
    def anlas_left(self) -> int | None:
        """Anlas left by the tightest limit, None for no limit."""
        gauge = self.tightest(Measure.ANLAS)
        return None if gauge is None else gauge.left


def quota_of(limits: Limits, standing: Standing, now: float) -> Quota:
    """The quota as a person asks for it."""
    return Quota(
        standing=standing,
        gauges=tuple(gauge_of(bound, standing, now) for bound in limits.bounds()),
        quick_limit=limits.quick_day,
    )
