"""The canary: what must be refused is put before the rules, and nothing is made while it is not."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bot.app import open_house
from bot.domain import locked
from bot.domain.change import Change, What
from bot.domain.disguise import HardWords
from bot.domain.errors import Refused
from bot.domain.job import Job, JobState
from bot.domain.locked import hash_of
from bot.domain.record import Record
from bot.domain.wordlist import Rule, RuleKind, Then
from bot.domain.words import Phrases
from bot.services.canary import is_refused
from tests.builders import GUILD, a_request, a_requester
from tests.conftest import QUICK, Rig

ADMIN = a_requester(9, may_manage=True)


def _added(text: str, kind: RuleKind = RuleKind.WORD, then: Then = Then.REFUSE) -> Change:
    return Change(what=What.WORD_ADDED, name=text, value={"kind": kind.value, "then": then.value})


@contextmanager
def _broken_lock() -> Iterator[None]:
    """As by an update that lost the lists: both compiled sets of the locked tier find nothing."""
    kept = locked._PHRASES, locked._HARD
    locked._PHRASES, locked._HARD = Phrases([]), HardWords([])
    try:
        yield
    finally:
        locked._PHRASES, locked._HARD = kept
        locked.read_anew()


async def _lines(house: Rig, kind: str) -> list[dict[str, Any]]:
    return [dict(entry.record.data) for entry in await house.jobs.entries(0, [kind], 99)]


async def test_a_lock_that_lets_its_canary_pass_stops_everything_until_it_does_not(house: Rig) -> None:
    """Nothing is taken and nothing waiting is drawn; the operator is told once, also over a restart, and at the end."""
    waiting = await house.studio.submit(a_requester(), a_request())
    canary = house.house.services.moderation.canary
    assert isinstance(waiting, Job)
    with _broken_lock():
        await canary.listen()
        await canary.listen()
        with pytest.raises(Refused, match=r"filter\.down"):
            await house.studio.submit(a_requester(2), a_request())
        assert not await house.worker.step()
        assert [{}] == await _lines(house, "filter.down")
        assert await house.jobs.recall("filter.down")
        again = type(canary)(house.jobs, house.jobs, house.clock, list)
        await again.load()
        with pytest.raises(Refused, match=r"filter\.down"):
            again.check()
        await again.listen()
        assert [{}] == await _lines(house, "filter.down")

    await canary.listen()

    assert [{}] == await _lines(house, "filter.up")
    assert await house.worker.step()
    done = await house.jobs.get(waiting.id)
    assert done is not None
    assert JobState.DONE is done.state


async def test_a_servers_list_that_lets_its_canary_pass_stops_everything(house: Rig) -> None:
    """The compiled set that members meet is the one that is asked, not a fresh copy; compiled anew it works."""
    moderation = house.house.services.moderation
    await moderation.apply(ADMIN, _added("gore"))
    await moderation.canary.listen()
    assert not moderation.canary.is_silent
    broken = moderation.list_of(GUILD)
    broken._phrases, broken._hard = Phrases([]), HardWords([])
    assert not is_refused(broken)

    await moderation.canary.listen()
    assert moderation.canary.is_silent

    await moderation.reload(GUILD)
    await moderation.canary.listen()
    assert not moderation.canary.is_silent


async def test_a_list_that_fails_outright_counts_as_one_that_refuses_nothing(house: Rig) -> None:
    """A bug in the filter is no reason to go on without it."""
    moderation = house.house.services.moderation
    await moderation.apply(ADMIN, _added("gore"))
    moderation.list_of(GUILD)._by_phrase.clear()

    await moderation.canary.listen()

    assert moderation.canary.is_silent


async def test_it_is_asked_at_the_start(house: Rig) -> None:
    """Before anybody is served; a process that finds it broken says so at once."""
    assert await house.jobs.recall("filter.down") in (None, "")
    await house.house.store.close()
    with _broken_lock():
        async with open_house(house.settings, clock=house.clock, pace=QUICK) as opened:
            assert opened.services.moderation.canary.is_silent
    async with open_house(house.settings, clock=house.clock, pace=QUICK) as opened:
        assert not opened.services.moderation.canary.is_silent


async def test_of_a_locked_refusal_only_a_hash_ids_rule_and_time_are_kept(house: Rig) -> None:
    """No word of it, in the audit or anywhere else in the store."""
    with pytest.raises(Refused, match="locked") as caught:
        await house.studio.submit(a_requester(7), a_request("loli, nude, zebra"))
    await house.house.services.moderation.note_refusal(a_requester(7), caught.value)  # type: ignore[arg-type]

    [entry] = await house.jobs.entries(0, ["refused"], 9)
    record = entry.record
    assert {"code": "locked", "channel": 200, "sha256": hash_of(["loli, nude, zebra"])} == dict(record.data)
    assert (GUILD, 7, None) == (record.guild_id, record.actor, record.job_id)
    kept = b"".join(file.read_bytes() for file in house.settings.data_dir.rglob("*") if file.is_file())
    assert b"locked" in kept
    assert b"zebra" not in kept


async def test_what_is_only_to_be_noted_is_on_record_with_its_job_and_drawn(house: Rig) -> None:
    """The rule and the place, never the prompt."""
    await house.house.services.moderation.apply(ADMIN, _added("gore", then=Then.LOG))
    job = await house.studio.submit(a_requester(), a_request("gore, zebra"))
    await house.studio.submit(a_requester(2), a_request("a cat"))

    [entry] = await house.jobs.entries(0, ["rules.logged"], 9)
    assert isinstance(job, Job)
    assert (job.id, {"rule": "gore", "channel": 200}) == (entry.record.job_id, dict(entry.record.data))
    assert await house.worker.step()


async def test_a_slow_pattern_is_told_once_an_hour(house: Rig) -> None:
    """However often it is met; the prompt that it could not read is refused."""
    moderation = house.house.services.moderation
    rule = Rule(text="(x+)+(?:$|q$)", kind=RuleKind.PATTERN)
    # As one that was taken by an earlier version: today it would be refused.
    await house.jobs.add_word(GUILD, rule, Record(at=house.clock(), kind="word.added", guild_id=GUILD))
    await moderation.reload(GUILD)

    for hour in (0, 0, 1):
        house.clock.advance(hour * 3_600.0)
        with pytest.raises(Refused, match=r"word\.slow") as caught:
            await house.studio.submit(a_requester(), a_request("x" * 2_000 + "!"))
        await moderation.note_refusal(a_requester(), caught.value)  # type: ignore[arg-type]

    assert [{"server": GUILD}] * 2 == await _lines(house, "rules.slow")
