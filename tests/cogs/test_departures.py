"""Servers that remove the bot: what waits there is taken back, and after a month they are forgotten."""

import asyncio
from pathlib import Path

from bot.adapters.store.ledger import differences
from bot.domain.job import Delivery, JobState
from bot.standin.discord import Discord, lantern
from bot.standin.novelai import NovelAI
from tests.conftest import Clock
from tests.stage import Stage, open_stage, play

DAY = 86_400


async def _ended(stage: Stage, job_id: int) -> JobState:
    async with asyncio.timeout(10):
        while True:
            job = await stage.house.store.get(job_id)
            if job is not None and not job.state.is_waiting:
                return job.state
            await asyncio.sleep(0.01)


async def test_what_waits_in_a_server_that_removes_the_bot_is_taken_back(tmp_path: Path) -> None:
    """Its member is told alone, and nothing is charged."""
    async with open_stage(tmp_path, working=False) as stage:
        await stage.asked()
        await stage.discord.remove_application(lantern.LANTERN)

        assert JobState.CANCELLED == await _ended(stage, 1)
        assert Delivery.SHOWN == (await stage.delivered(1)).delivery
        told = [*stage.private_words(), *(message["content"] for message in stage.direct_words())]
        assert [True] == ["removed from that server" in words for words in told]
        assert [] == await differences(tmp_path)


async def test_a_picture_under_way_when_the_bot_is_removed_reaches_its_member(tmp_path: Path) -> None:
    """It was sent already; the channel is closed to the bot, so it comes by direct message."""
    clock = Clock()
    async with open_stage(tmp_path, working=False, clock=clock) as stage:
        stage.novelai.slow_seconds = 0.6
        await stage.asked("1girl, !slow")
        making = asyncio.create_task(stage.house.services.workers[0].step())
        await asyncio.sleep(0.3)
        clock.advance(900)
        await stage.discord.remove_application(lantern.LANTERN)
        assert await making

        assert Delivery.SHOWN == (await stage.delivered(1)).delivery
        assert 1 == len(stage.direct_words()[0]["attachments"])


async def test_after_a_month_nothing_is_left_of_it(tmp_path: Path) -> None:
    """Settings, words, prompts and log; the operator is asked again when it comes back. The ledger adds up."""
    clock = Clock()
    async with open_stage(tmp_path, clock=clock, house={"guilds": frozenset({lantern.NEW_SERVER})}) as stage:
        await stage.said("generate", prompt="1girl", size="64x64")
        await stage.said("rules add", by=lantern.ADA, text="gore")
        await stage.discord.remove_application(lantern.LANTERN)
        await stage.until(lambda: stage.client.get_guild(lantern.LANTERN) is None)
        clock.advance(29 * DAY)
        await stage.house.services.upkeep.tidy()
        assert stage.house.services.guilds.config_of(lantern.LANTERN) is not None
        clock.advance(2 * DAY)
        await stage.house.services.upkeep.tidy()

        assert stage.house.services.guilds.config_of(lantern.LANTERN) is None
        assert stage.house.services.guilds.config_of(lantern.NEW_SERVER) is not None
        assert [] == list(await stage.house.store.words())
        job = await stage.house.store.get(1)
        assert job is not None
        assert (None, None) == (job.request, job.place)
        assert [] == await differences(tmp_path)
        await stage.discord.invite_application(lantern.LANTERN)
        await stage.until(lambda: stage.client.get_guild(lantern.LANTERN) is not None)
        assert "not open in this server" in await stage.said("generate", prompt="1girl", size="64x64")


async def test_a_server_that_comes_back_within_the_month_is_as_it_was(tmp_path: Path) -> None:
    """Also when it left and came while the bot was away."""
    clock = Clock()
    discord, novelai = Discord(clock=clock), NovelAI()
    async with novelai.serve() as address, discord.serve():
        async with play(tmp_path, discord, novelai, address, clock=clock) as stage:
            await stage.said("rules add", by=lantern.ADA, text="gore")
        discord.world.absent.add(lantern.LANTERN)
        async with play(tmp_path, discord, novelai, address, clock=clock) as stage:
            await stage.until(stage.house.services.guilds.are_known.is_set)
            async with asyncio.timeout(5):
                while not await stage.house.store.left_before(clock() + 1):
                    await asyncio.sleep(0.01)
        clock.advance(20 * DAY)
        discord.world.absent.clear()
        async with play(tmp_path, discord, novelai, address, clock=clock) as stage:
            async with asyncio.timeout(5):
                while await stage.house.store.left_before(clock() + 1):
                    await asyncio.sleep(0.01)
            clock.advance(20 * DAY)
            await stage.house.services.upkeep.tidy()

            assert "does not allow" in await stage.said("generate", prompt="gore", size="64x64")
