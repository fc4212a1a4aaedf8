"""Who may enter the queue, and at which turn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import wording
from bot.domain.admission import (
    CODES,
    NEVER,
    RELAXED_STEP,
    Gauge,
    Level,
    Limits,
    Measure,
    Standing,
    Ticket,
    Usage,
    caught_up,
    code_of,
    decide,
    next_turn,
    quota_of,
)
from bot.domain.allowance import Caps
from bot.domain.calendar import Span, Window, window_of
from bot.domain.errors import LimitReached

NOON = 1_800_014_400.0
DAY, WEEK = Span.DAY, Span.WEEK


def _used(level: Level, span: Span, *, window: Window | None = None, **used: int) -> Standing:
    usage = Usage(window=window or window_of(span, NOON), **used)
    return Standing(usage={(level, span): usage})


def _decide(limits: Limits, standing: Standing, *, pictures: int = 1, anlas: int = 0) -> Ticket:
    return decide(pictures=pictures, anlas=anlas, now=NOON, limits=limits, standing=standing)


@pytest.mark.parametrize(
    ("code", "limits", "standing", "anlas"),
    [
        ("quota.day", Limits(pictures_day=20), _used(Level.MEMBER, DAY, pictures=20), 0),
        ("quota.week", Limits(pictures_week=20), _used(Level.MEMBER, WEEK, pictures=20), 0),
        ("quota.none", Limits(pictures_day=0), Standing(), 0),
        ("quota.anlas", Limits(anlas_day=50), _used(Level.MEMBER, DAY, anlas=30), 21),
        ("quota.anlas", Limits(anlas_week=50), _used(Level.MEMBER, WEEK, anlas=30), 21),
        ("quota.price", Limits(anlas_day=20), Standing(), 21),
        ("quota.anlas_none", Limits(anlas_day=0), Standing(), 1),
        ("quota.waiting", Limits(waiting=3), Standing(waiting=3), 0),
        ("cooldown", Limits(cooldown=3), Standing(last_admitted=NOON - 2.9), 0),
        ("budget.server", Limits(budget_day=5), _used(Level.GUILD, DAY, anlas=5), 1),
        ("budget.server", Limits(guild=Caps(pictures_week=5)), _used(Level.HOUSE_GUILD, WEEK, pictures=5), 0),
        ("quota.everywhere", Limits(person=Caps(pictures_day=5)), _used(Level.HOUSE_MEMBER, DAY, pictures=5), 0),
        ("quota.anlas_everywhere", Limits(person=Caps(anlas_day=5)), _used(Level.HOUSE_MEMBER, DAY, anlas=5), 1),
        ("budget.house", Limits(house=Caps(pictures_day=5)), _used(Level.HOUSE, DAY, pictures=5), 0),
        ("budget.house", Limits(house=Caps(anlas_week=5)), _used(Level.HOUSE, WEEK, anlas=5), 1),
    ],
)
def test_the_limit_that_binds_is_named(code: str, limits: Limits, standing: Standing, anlas: int) -> None:
    """Every limit that applies must hold, and the refusal names the one that does not."""
    with pytest.raises(LimitReached) as caught:
        _decide(limits, standing, anlas=anlas)

    assert code == caught.value.code
    assert wording.explain(code, caught.value.data)


def test_of_several_limits_the_one_that_resets_last_is_named() -> None:
    """Who waits for the day to end finds the week still closed."""
    usage = {(Level.MEMBER, span): Usage(window=window_of(span, NOON), pictures=9) for span in Span}

    with pytest.raises(LimitReached) as caught:
        _decide(Limits(pictures_day=9, pictures_week=9), Standing(usage=usage))

    assert ("quota.week", window_of(WEEK, NOON).end) == (caught.value.code, caught.value.data["reset"])


def test_every_limit_has_its_sentence() -> None:
    """Whatever level, span and measure, whether waiting helps or not."""
    codes = {*CODES.values(), *NEVER.values()}
    for level in Level:
        for span in Span:
            for measure in Measure:
                gauge = Gauge(level=level, span=span, measure=measure, used=1, limit=2, resets_at=NOON)
                codes.add(code_of(gauge, 2))

    assert len(codes) > 10
    assert not [code for code in codes if not wording.has(code)]


def test_free_pictures_need_no_anlas() -> None:
    """An Anlas limit of none at all leaves the free sizes alone."""
    assert Ticket(turn=1) == _decide(Limits(anlas_day=0, house=Caps(anlas_day=0)), Standing())


def test_extra_raises_the_limit_of_the_day() -> None:
    """What an admin granted is added to the limit."""
    assert Ticket(turn=1) == _decide(Limits(pictures_day=1), _used(Level.MEMBER, DAY, pictures=1, extra_pictures=1))


@pytest.mark.parametrize(("used", "step"), [(0, 1), (24, 1), (25, RELAXED_STEP), (400, RELAXED_STEP)])
def test_past_the_quick_ones_comes_the_relaxed_lane(used: int, step: int) -> None:
    """Slower, and never refused."""
    ticket = _decide(Limits(quick_day=25), _used(Level.MEMBER, DAY, pictures=used))

    assert Ticket(turn=step, step=step) == ticket


def test_what_is_left_is_what_the_tightest_limit_leaves() -> None:
    """The member's own, the week's, or the operator's."""
    limits = Limits(pictures_day=25, pictures_week=30, house=Caps(pictures_day=100))
    usage = {
        (Level.MEMBER, DAY): Usage(window=window_of(DAY, NOON), pictures=5),
        (Level.MEMBER, WEEK): Usage(window=window_of(WEEK, NOON), pictures=28),
    }
    quota = quota_of(limits, Standing(usage=usage), NOON)

    assert 2 == quota.pictures_left
    tightest = quota.tightest(Measure.PICTURES)
    assert tightest is not None
    assert (WEEK, window_of(WEEK, NOON).end) == (tightest.span, tightest.resets_at)


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 4)), max_size=20), st.integers(0, 60))
def test_who_fell_behind_goes_on_from_now(chain: list[tuple[int, int]], now_turn: int) -> None:
    """Their jobs keep their order and stay a step apart; nobody's turn comes sooner, and none is moved needlessly."""
    turn, waiting = 0, {}
    for id_, (gap, step) in enumerate(chain):
        turn += max(gap, step)
        waiting[id_] = Ticket(turn=turn, step=step)
    moved = caught_up(waiting, now_turn)

    last = now_turn
    for id_, ticket in waiting.items():
        new = moved.get(id_, ticket.turn)
        assert new >= ticket.turn
        assert new >= last + ticket.step
        assert new in (ticket.turn, last + ticket.step)
        last = new


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(1, 4))
def test_nobody_is_overtaken_more_than_the_law_allows(arrivals: list[int], step: int) -> None:
    """
    Between the admission and the start of a member's only waiting job, no other member starts more than step + 1.

    Members arrive in any order, one job starts after every second arrival.
    """
    queue: list[tuple[int, int, int]] = []
    last: dict[int, int] = {}
    waiting_since: dict[int, list[int]] = {}
    now_turn = 0
    for id_, member in enumerate(arrivals):
        alone = not any(entry[2] == member for entry in queue)
        turn = next_turn(now_turn=now_turn, last_turn=last.get(member, 0), step=step)
        last[member] = turn
        queue.append((turn, id_, member))
        if alone:
            waiting_since[member] = []
        if id_ % 2:
            now_turn = _start(queue, waiting_since, now_turn, step)
    while queue:
        now_turn = _start(queue, waiting_since, now_turn, step)


def _start(queue: list[tuple[int, int, int]], waiting_since: dict[int, list[int]], now_turn: int, step: int) -> int:
    turn, _, member = min(queue)
    queue.remove(min(queue))
    overtakers = waiting_since.pop(member, [])
    assert all(overtakers.count(other) <= step + 1 for other in set(overtakers))
    for started in waiting_since.values():
        started.append(member)
    return max(now_turn, turn)
