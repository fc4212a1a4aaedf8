"""Who may enter the queue, and at which turn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.admission import Limits, Standing, day_of, decide, next_turn
from bot.domain.errors import LimitReached

NOON = 1_800_014_400.0


def _decide(limits: Limits, standing: Standing, *, pictures: int = 1, anlas: int = 0) -> int:
    return decide(pictures=pictures, anlas=anlas, now=NOON, limits=limits, standing=standing)


@pytest.mark.parametrize(
    ("code", "limits", "standing", "anlas"),
    [
        ("quota.day", Limits(pictures_day=20), Standing(pictures=20), 0),
        ("quota.day", Limits(pictures_day=0), Standing(), 0),
        ("quota.anlas", Limits(anlas_day=50), Standing(anlas=30), 21),
        ("quota.waiting", Limits(waiting=3), Standing(waiting=3), 0),
        ("cooldown", Limits(cooldown=3), Standing(last_admitted=NOON - 2.9), 0),
        ("budget.house", Limits(house_pictures_day=5), Standing(house_pictures=5), 0),
        ("budget.house", Limits(house_anlas_day=5), Standing(house_anlas=5), 1),
    ],
)
def test_the_limit_that_binds_is_named(code: str, limits: Limits, standing: Standing, anlas: int) -> None:
    """Every limit that applies must hold, and the refusal names the one that does not."""
    with pytest.raises(LimitReached) as caught:
        _decide(limits, standing, anlas=anlas)

    assert code == caught.value.code


def test_free_pictures_need_no_anlas() -> None:
    """An Anlas limit of none at all leaves the free sizes alone."""
    assert 1 == _decide(Limits(anlas_day=0, house_anlas_day=0), Standing())


def test_extra_raises_the_limit_of_the_day() -> None:
    """What an admin granted is added to the limit."""
    assert 1 == _decide(Limits(pictures_day=1), Standing(pictures=1, extra_pictures=1))


@given(st.floats(0, 4e9))
def test_a_day_holds_its_moment(now: float) -> None:
    """Every moment lies in its own day of 86,400 seconds."""
    day = day_of(now)

    assert day.start <= now < day.end
    assert 86_400 == day.end - day.start


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
