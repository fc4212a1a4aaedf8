"""Several processes on one database: one queue, one generation at a time, caches that follow, one who tells the log."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bot.app import House, open_house
from bot.domain.case import HOUSE
from bot.domain.guild import Block
from bot.domain.job import Delivery, JobState
from bot.domain.record import Record
from bot.domain.request import Size
from bot.domain.shards import Shards
from bot.domain.wordlist import Rule
from bot.services.lead import IDENTIFY_GAP, TERM
from bot.services.loops import every
from bot.services.neighbours import LOOK_EVERY
from bot.services.worker import LEASE
from bot.standin.novelai import NovelAI
from tests import postgres
from tests.adapters.conftest import differences
from tests.builders import CHANNEL, GUILD, a_request, a_requester
from tests.conftest import OPEN, QUICK, Clock, Rig, settings_for
from tests.neighbour import neighbour

pytestmark = postgres.needed
TINY = Size(width=64, height=64)
SMALL = a_request(seed=1, size=TINY)
BOUND = 2.0
"""Seconds after which a change of another process holds here: the promise of deploy/README.md."""


@asynccontextmanager
async def _house(
    folder: Path, name: str, novelai: tuple[NovelAI, str], clock: Clock | None = None, shards: Shards | None = None
) -> AsyncIterator[Rig]:
    """One process's house on the database of *folder*."""
    settings = settings_for(novelai[1], folder / name, shards=shards or Shards())
    settings = replace(settings, database_url=postgres.url_of(folder))
    clock = clock or Clock()
    async with open_house(settings, clock=clock, pace=QUICK) as opened:
        rig = Rig(house=opened, novelai=novelai[0], clock=clock, settings=settings)
        await rig.read_account()
        rig.guilds.are_known.set()
        yield rig


@asynccontextmanager
async def _following(house: House) -> AsyncIterator[None]:
    following = asyncio.create_task(every(LOOK_EVERY, "neighbours", house.services.neighbours.look))
    try:
        yield
    finally:
        following.cancel()


async def _states(rig: Rig, ids: list[int]) -> set[JobState]:
    return {(await rig.studio.job(id_)).state for id_ in ids}


async def _ask(rig: Rig, members: range) -> list[int]:
    return [(await rig.studio.submit(a_requester(n), a_request(seed=n + 1, size=TINY))).id for n in members]


async def test_two_processes_share_the_queue_and_one_that_is_killed_loses_nothing(
    tmp_path: Path, novelai: tuple[NovelAI, str]
) -> None:
    """
    Both draw on one account; one is killed while NovelAI draws for it; the other ends what waits. NovelAI, which
    refuses two at once, never had to.
    """
    standin, address = novelai
    clock = Clock()
    async with _house(tmp_path, "a", novelai, clock) as here:
        await here.guilds.save(GUILD, OPEN)
        async with neighbour("work", postgres.url_of(tmp_path), address, tmp_path / "b") as there:
            together = await _ask(here, range(1, 25))
            mine = 0
            while {JobState.DONE} != await _states(here, together):
                mine += await here.worker.step()
                await asyncio.sleep(0.001)
            # Whoever is quicker at its end takes the next; the other one is no idle spectator for ever.
            assert mine < 24

            async with standin.hold():
                rest = await _ask(here, range(31, 37))
                async with asyncio.timeout(20):
                    while JobState.SENT not in await _states(here, rest):
                        await asyncio.sleep(0.02)
                there.send_signal(signal.SIGKILL)
                await there.wait()
            async with asyncio.timeout(20):
                while standin.account.busy:
                    await asyncio.sleep(0.02)
        # As long as its lease lives nobody can know that it is dead.
        assert not await here.worker.step()
        clock.advance(LEASE + 1)
        await here.read_account()
        await here.house.services.upkeep.reap()
        while await here.worker.step():
            pass

        assert {JobState.DONE} == await _states(here, [*together, *rest])
        assert {Delivery.PENDING} == {(await here.studio.job(n)).delivery for n in [*together, *rest]}
    assert 429 not in [call.status for call in standin.calls]
    assert 31 == len(standin.calls)
    assert [] == await differences(tmp_path)


async def test_what_another_process_changes_holds_here_within_two_seconds(
    tmp_path: Path, novelai: tuple[NovelAI, str]
) -> None:
    """Settings, a word, a block and their ends; a server that was admitted; an account that was stopped; a job."""
    async with (
        _house(tmp_path, "a", novelai) as there,
        _house(tmp_path, "b", novelai) as here,
        _following(here.house),
    ):
        other, services, member = there.house.services, here.house.services, a_requester(7)
        admin = a_requester(9, may_manage=True, may_moderate=True)

        async def holds(true: object) -> None:
            began = time.monotonic()
            while not true():  # type: ignore[operator]
                assert time.monotonic() - began < BOUND
                await asyncio.sleep(0.01)

        await there.guilds.save(GUILD, OPEN)
        await holds(lambda: here.guilds.config_of(GUILD) == OPEN)
        await other.moderation.set(admin, "pictures_day", 3)
        await holds(lambda: here.guilds.limits(member).pictures_day == 3)
        undo = await other.moderation.apply(admin, await other.moderation.word_change(admin, Rule(text="Gore")))
        await holds(lambda: list(services.moderation.words_of(GUILD)) == ["Gore"])
        await other.moderation.apply(admin, undo)
        await holds(lambda: not services.moderation.words_of(GUILD))
        await other.sanctions.pause(admin, 7, None, "spam")
        await holds(lambda: services.moderation.block_of(GUILD, 7))
        await other.moderation.unblock(admin, 7)
        await holds(lambda: not services.moderation.block_of(GUILD, 7))

        client = other.accounts.clients[0]
        await there.jobs.write(there.clock(), "account.stopped", data={"account": client.account_id})
        await holds(lambda: services.accounts.is_stopped(services.accounts.clients[0]))
        with here.house.bell.listen() as listener:
            job = await there.studio.submit(member, SMALL)
            assert job.id == await listener.next(within=BOUND)


async def test_a_block_in_direct_messages_holds_here_too(tmp_path: Path, novelai: tuple[NovelAI, str]) -> None:
    """So does its end: neither is of any server, and neither is what holds everywhere."""
    direct = a_requester(7, guild_id=None)
    async with _house(tmp_path, "a", novelai) as there, _house(tmp_path, "b", novelai) as here:
        services = here.house.services
        for guild_id in (0, HOUSE):
            block = Block(guild_id=guild_id, user_id=7, until=None, reason="", actor=0)
            record = Record(at=there.clock(), kind="member.blocked", guild_id=None, actor=0, data={"member": 7})
            await there.jobs.block(block, record)
            await services.neighbours.look()
            assert services.moderation.block_of(direct.scope, 7) is not None

            await there.jobs.unblock(guild_id, 7, replace(record, kind="member.unblocked"))
            await services.neighbours.look()
            assert services.moderation.block_of(direct.scope, 7) is None


async def test_two_admins_in_two_processes_do_not_undo_each_other(tmp_path: Path, novelai: tuple[NovelAI, str]) -> None:
    """A setting is changed in what is kept, not in what was read a while ago."""
    admin = a_requester(9, may_manage=True)
    async with _house(tmp_path, "a", novelai) as there, _house(tmp_path, "b", novelai) as here:
        await there.guilds.save(GUILD, OPEN)
        await here.guilds.reload(GUILD)
        await there.house.services.moderation.set(admin, "pictures_day", 3)
        await here.house.services.moderation.set(admin, "waiting", 2)

        kept = await here.jobs.config(GUILD)
        assert kept is not None
        assert (3, 2, (CHANNEL,)) == (kept.pictures_day, kept.waiting, kept.channels)


async def test_the_log_is_told_by_one_and_after_its_death_by_another(
    tmp_path: Path, novelai: tuple[NovelAI, str]
) -> None:
    """Each line once, also those of the time between."""
    clock = Clock()
    async with _house(tmp_path, "a", novelai, clock) as first, _house(tmp_path, "b", novelai, clock) as second:
        tellers = [first.house.services.chronicle, second.house.services.chronicle]
        for rig in (first, second):
            await rig.guilds.save(GUILD, replace(OPEN, log_channel=900))
        assert [[], []] == [await teller.next() for teller in tellers]

        async def note(n: int) -> None:
            block = Block(guild_id=GUILD, user_id=n, until=None, reason="", actor=1)
            record = Record(at=clock(), kind="member.blocked", guild_id=GUILD, actor=1, data={"member": n})
            await first.jobs.block(block, record)

        async def told_by(teller: int) -> list[object]:
            return [entry.record.data["member"] for line in await tellers[teller].next() for entry in line.entries]

        await note(1)
        assert ([], [1]) == (await told_by(1), await told_by(0))
        await note(2)
        assert [] == await told_by(1)
        clock.advance(TERM + 1)
        assert ([2], []) == (await told_by(1), await told_by(0))


async def test_identifies_of_a_bucket_come_five_seconds_apart(tmp_path: Path, novelai: tuple[NovelAI, str]) -> None:
    """Over all processes; another bucket does not wait."""
    async with _house(tmp_path, "a", novelai) as first, _house(tmp_path, "b", novelai) as second:
        at: list[float] = []

        async def identify(rig: Rig, bucket: int) -> None:
            await rig.house.services.lead.identify(bucket)
            at.append(time.monotonic())

        await asyncio.gather(identify(first, 0), identify(second, 0), identify(first, 1))
        assert 5.0 <= at[2] - at[0] <= IDENTIFY_GAP + 1
        assert at[1] - at[0] < 1


@pytest.mark.parametrize("mine", [(0,), (1,)])
async def test_a_waiting_message_is_edited_by_its_shard_alone_and_not_after_the_result(
    tmp_path: Path, novelai: tuple[NovelAI, str], mine: tuple[int, ...]
) -> None:
    """`GUILD` is small, so it is of shard 0; while its line is edited nobody takes its delivery."""
    async with _house(tmp_path, "a", novelai, shards=Shards(count=2, ids=mine)) as rig:
        await rig.guilds.save(GUILD, OPEN)
        job = await rig.studio.submit(a_requester(1), SMALL)
        async with rig.deliveries.editing(job) as is_ours:
            assert is_ours == (mine == (0,))
            await rig.worker.step()
            assert is_ours == (await rig.deliveries.next() is None)
        if is_ours:
            assert await rig.deliveries.next() is not None


async def test_a_start_counts_its_own_crashes(tmp_path: Path, novelai: tuple[NovelAI, str]) -> None:
    """Eight processes that start together are no crash loop of one."""
    waits = []
    for n in range(8):
        async with _house(tmp_path, str(n), novelai, shards=Shards(count=8, ids=(n,))) as rig:
            waits.append(await rig.house.services.restarts.begin())
    assert [0.0] * 8 == waits


async def test_servers_of_other_shards_are_not_taken_for_lost(tmp_path: Path, novelai: tuple[NovelAI, str]) -> None:
    """A process sees its own servers alone; that it sees no others says nothing of them."""
    other = 1 << 22
    async with _house(tmp_path, "a", novelai, shards=Shards(count=2, ids=(0,))) as rig:
        for guild_id in (GUILD, other):
            await rig.guilds.note_greeting(guild_id, "asked")
        departures = rig.house.services.departures
        await departures.look_around([], rig.guilds.house.shards.serve)
        assert frozenset({other}) == await rig.guilds.greeted("asked")
