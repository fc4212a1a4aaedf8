"""The law of what is asked of the audit, proved of every adapter of the `Store` port."""

import pytest

from bot.domain.admission import Ticket
from bot.domain.job import JobState, Settlement
from bot.domain.record import Question, Record
from bot.ports import Store
from tests.builders import GUILD, an_application

NOON = 1_800_014_400.0
SETTING, BLOCKED, ENDED = "setting.changed", "member.blocked", "job.settled"


async def _write(store: Store, kind: str = SETTING, *, at: float = NOON, guild_id: int = GUILD, **more: object) -> int:
    actor = more.pop("actor", 9)
    assert isinstance(actor, int)
    return await store.write(at, kind, guild_id=guild_id, actor=actor, data=more)


def _asking(*kinds: str, **more: object) -> Question:
    return Question(guild_id=GUILD, kinds=kinds or (SETTING, BLOCKED), **more)  # type: ignore[arg-type]


async def _found(store: Store, question: Question, **page: int) -> list[int]:
    return [line.id for line in await store.asked(question, most=page.pop("most", 99), **page)]


async def test_the_newest_lines_of_one_server_come_first(store: Store) -> None:
    """No other server's, none of another kind, and none that is older than was asked for."""
    first = await _write(store)
    second = await _write(store, BLOCKED, at=NOON + 10, member=5)
    await _write(store, guild_id=GUILD + 1)
    await _write(store, "refused")
    await store.write(NOON, SETTING)

    assert [second, first] == await _found(store, _asking())
    assert [first] == await _found(store, _asking(SETTING))
    assert [second] == await _found(store, _asking(since=NOON + 1))
    assert [] == await _found(store, _asking("word.added"))


async def test_pages_are_turned_either_way(store: Store) -> None:
    """Older ones newest first, newer ones oldest first; every line is on one page."""
    ids = [await _write(store) for _ in range(7)]

    assert ids[:-4:-1] == await _found(store, _asking(), most=3)
    assert ids[3:0:-1] == await _found(store, _asking(), most=3, before=ids[4])
    assert ids[2:5] == await _found(store, _asking(), most=3, after=ids[1])


@pytest.mark.parametrize(("data", "is_found"), [
    ({"member": 5}, True),
    ({"member": 5, "until": None}, True),
    ({"target": "member.5"}, True),
    ({"member": 55}, False),
    ({"target": "role.5"}, False),
    ({"reason": '"member":5,'}, False),
    ({"reason": '","member":5}'}, False),
])  # fmt: skip
async def test_a_member_is_found_where_they_are_named(store: Store, data: dict[str, object], is_found: bool) -> None:
    """Not where somebody's words only look like it."""
    line = await _write(store, BLOCKED, **data)

    assert ([line] if is_found else []) == await _found(store, _asking(member=5))


async def test_a_member_is_found_by_what_they_did(store: Store) -> None:
    """As well as by what was done to them."""
    line = await _write(store, actor=5)

    assert [line] == await _found(store, _asking(member=5))


async def test_a_job_has_one_line_unless_its_steps_are_asked_for(store: Store) -> None:
    """Its end; by its number all of them, of this server alone. Nowhere is a prompt."""
    job = await store.admit(an_application(), NOON, lambda _: Ticket(turn=1))
    assert await store.claim("account", "holder", NOON, 300) is not None
    running = await store.get(job.id)
    assert running is not None
    assert await store.send(running, NOON, 0)
    done = Settlement(state=JobState.DONE, charged_anlas=0, charged_pictures=1, spent=0)
    assert await store.settle(running, NOON, done)
    deleted = await store.write(NOON, "picture.deleted", guild_id=GUILD, actor=9, job_id=job.id)

    ends = await store.asked(_asking(ENDED, "picture.deleted"), most=9)
    assert ["picture.deleted", ENDED] == [line.record.kind for line in ends]
    assert deleted == ends[0].id
    steps = await store.asked(_asking(job_id=job.id), most=9)
    expected = ["picture.deleted", ENDED, "job.sent", "job.claimed", "job.admitted"]
    assert expected == [line.record.kind for line in steps]
    assert not [line for line in steps if "cherry" in str(line.record.data)]
    elsewhere = Question(guild_id=GUILD + 1, kinds=(ENDED,), job_id=job.id)
    assert [] == list(await store.asked(elsewhere, most=9))


async def test_a_record_of_its_own_is_found(store: Store) -> None:
    """Lines that a verb wrote in its own transaction too."""
    await store.order_spoiler(GUILD, 1, True, Record(at=NOON, kind="member.hidden", guild_id=GUILD, actor=9))

    assert 1 == len(await store.asked(_asking("member.hidden"), most=9))
