"""Several processes before one Discord: each its shards, one queue, and every picture reaches its message."""

import asyncio
import time
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from bot.domain.shards import Shards
from bot.standin.discord import Discord, lantern
from bot.standin.novelai import NovelAI
from tests import postgres
from tests.stage import Stage, play, text_of


async def test_one_process_serves_several_shards_on_sqlite(tmp_path: Path) -> None:
    """All of them, five seconds apart, and nothing else is different."""
    novelai, discord = NovelAI(), Discord()
    async with (
        novelai.serve() as address,
        discord.serve(),
        play(tmp_path, discord, novelai, address, operator={"shards": Shards(count=2)}) as stage,
    ):
        assert {0, 1} == stage.client.shards.keys()  # type: ignore[attr-defined]
        assert {lantern.LANTERN, lantern.NEW_SERVER} == {guild.id for guild in stage.client.guilds}
        await stage.answered(await stage.slash("generate", prompt="1girl", size="64x64"))
        assert 1 == len(stage.pictures())


@postgres.needed
async def test_two_processes_serve_one_application(tmp_path: Path) -> None:
    """
    They identify five seconds apart; what was asked for through one, which then ends, the other makes and shows in
    the same message; and what comes back later is shown once.
    """
    novelai, discord = NovelAI(), Discord()

    async with novelai.serve() as address, discord.serve():

        def process(shard: int, *, working: bool) -> AbstractAsyncContextManager[Stage]:
            operator = {"shards": Shards(count=2, ids=(shard,))}
            url, folder = postgres.url_of(tmp_path), tmp_path / str(shard)
            return play(folder, discord, novelai, address, working=working, operator=operator, database_url=url)

        async with process(0, working=False) as direct:
            assert not direct.client.guilds
            began = time.monotonic()
            async with process(1, working=False) as servers:
                assert 4 < time.monotonic() - began < 15
                assert {lantern.LANTERN, lantern.NEW_SERVER} == {guild.id for guild in servers.client.guilds}
                await servers.slash("generate", prompt="1girl", size="64x64")
                await servers.until(lambda: any("in line" in text_of(s.message) for s in discord.world.visible(0)))
                await asyncio.sleep(0.3)
            working = asyncio.create_task(direct.house.services.workers[0].run())
            # A process that ends while it edits a message keeps it for as long as an edit may take.
            await direct.until(direct.pictures, within=40)
            [shown] = [s for s in discord.world.visible(0) if not s.deleted and s.message["attachments"]]
            assert "in line" not in text_of(shown.message)
            async with process(1, working=True) as servers:
                await servers.answered(await servers.slash("generate", prompt="1boy", size="64x64"))
            assert 2 == len(direct.pictures())
            working.cancel()
