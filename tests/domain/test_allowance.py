"""Which of several limits counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.allowance import Allowance, Allowed, Target, Whose, allowed, target_of
from bot.domain.errors import Mistake

EVERYBODY = Allowed(limit=25, whose=Whose.GUILD)
MEASURE = "pictures_day"
limits = st.one_of(st.none(), st.integers(0, 1_000))
stated = st.one_of(st.just({}), limits.map(lambda n: {MEASURE: n}))


@given(st.one_of(st.none(), stated), st.lists(stated, max_size=4))
def test_ones_own_then_the_highest_role_then_everybodys(
    own: dict[str, int | None] | None, roles: list[dict[str, int | None]]
) -> None:
    """None is no limit and so the highest; what is not stated falls through."""
    given_roles = [(id_, Allowance(stated=each)) for id_, each in enumerate(roles)]
    found = allowed(MEASURE, EVERYBODY, None if own is None else Allowance(stated=own), given_roles)

    if own:
        assert Allowed(limit=own[MEASURE], whose=Whose.MEMBER) == found
    elif values := [each[MEASURE] for each in roles if each]:
        highest = None if None in values else max(n for n in values if n is not None)
        assert (highest, Whose.ROLE) == (found.limit, found.whose)
        assert found.role_id is not None
        assert highest == roles[found.role_id][MEASURE]
    else:
        assert EVERYBODY == found


def test_each_measure_by_itself() -> None:
    """A role that gives pictures says nothing of Anlas."""
    role = Allowance(stated={"pictures_day": 50})
    default = Allowed(limit=0, whose=Whose.GUILD)

    assert 50 == allowed("pictures_day", default, None, [(1, role)]).limit
    assert default == allowed("anlas_day", default, None, [(1, role)])


@pytest.mark.parametrize(
    "wrong", [{"pictures_day": -1}, {"pictures_day": 1_001}, {"waiting": None}, {"waiting": 0}, {"flying": 1}]
)
def test_what_is_out_of_bounds_is_refused(wrong: dict[str, int | None]) -> None:
    """Also where it comes from a row that somebody else wrote."""
    with pytest.raises(Mistake):
        Allowance(stated=wrong)


def test_targets_are_written_and_read() -> None:
    """As changes keep them; anything else is nobody's."""
    target = Target(whose=Whose.ROLE, id=2**62)

    assert target == target_of(str(target))
    for text in ("guild.1", "role.", "role.x", "role.-1", "5", "role." + "9" * 30):
        with pytest.raises(Mistake):
            target_of(text)
