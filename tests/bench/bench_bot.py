"""
What Naibot adds to a picture beside a bare discord.py and httpx bot: latency and CPU, both driven in the same run.

Each bot is a process of its own and has stand-ins of its own in another; only the bot's CPU is counted. Linux only.
"""

import asyncio
import io
import json
import os
import statistics
import sys
import tempfile
import time
import zipfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import discord
import httpx
import yarl
from discord import app_commands

from bot.adapters.novelai.wire import encode
from bot.domain.request import SIZES
from tests.builders import a_request
from tests.shell import processes

ROUNDS, WARMING = 20, 2
"""Together no more than a member's pictures a day (25)."""
PATIENCE = 60.0
REST = 1.2
"""Seconds after each picture: longer than Naibot leaves its account alone, and what it tidies up is counted."""
PROMPT, SIZE, SEED = "autumn leaves, rain, sunset", "square", 21
"""A picture that is free, of a model that does not stream, and about as large as the stand-in's become."""
CPU_OF_PROCESS = 2
"""Linux: the clock of process *n* is ``~n << 3 | 2``; it holds the threads that have ended too."""
STRING, INTEGER = 3, 4

Json = dict[str, Any]


# --- the bare bot


def bare() -> None:
    """Serve one command: defer, ask, unpack, edit."""
    discord.http.Route.BASE = os.environ["DISCORD_API"]
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(os.environ["DISCORD_GATEWAY"])
    body = encode(a_request(PROMPT, size=SIZES[SIZE], seed=SEED))
    headers = {"Authorization": f"Bearer {os.environ['NOVELAI_TOKENS']}"}
    novelai = httpx.AsyncClient(base_url=os.environ["NOVELAI_API"], headers=headers, timeout=PATIENCE, trust_env=False)
    client = discord.Client(intents=discord.Intents(guilds=True))
    tree = app_commands.CommandTree(client)

    @tree.command(description="Make a picture")
    async def generate(interaction: discord.Interaction, prompt: str, size: str, seed: int) -> None:
        await interaction.response.defer()
        answer = await novelai.post("/ai/generate-image", json=body)
        with zipfile.ZipFile(io.BytesIO(answer.raise_for_status().content)) as archive:
            picture = archive.read(archive.namelist()[0])
        await interaction.edit_original_response(attachments=[discord.File(io.BytesIO(picture), "picture.png")])

    @client.event
    async def on_ready() -> None:
        await tree.sync()
        print("READY bare", flush=True)

    client.run(os.environ["DISCORD_TOKEN"], log_handler=None)


# --- the one who asks


@dataclass(kw_only=True)
class Bench:
    """One bot with its room; *seconds* from a command to the message with the file, *cpu* of that and of the rest."""

    pid: int
    room: str
    web: aiohttp.ClientSession
    feed: aiohttp.ClientResponse
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    size: int = 0

    def __str__(self) -> str:
        late, cpu = statistics.median(self.seconds) * 1000, statistics.median(self.cpu) * 1000
        return f"{late:6.0f} ms to the message with {self.size:,} bytes   {cpu:6.1f} ms CPU"

    async def turn(self) -> None:
        """One picture and the rest after it, measured."""
        before, began = self._used(), time.perf_counter()
        await self.picture()
        self.seconds.append(time.perf_counter() - began)
        await asyncio.sleep(REST)
        self.cpu.append(self._used() - before)

    async def picture(self) -> None:
        """Ask for one picture, and wait until everybody sees it."""
        options = [
            {"name": "prompt", "type": STRING, "value": PROMPT},
            {"name": "size", "type": STRING, "value": SIZE},
            {"name": "seed", "type": INTEGER, "value": SEED},
        ]
        wish = {"kind": "slash", "name": "generate", "options": options, "as": "member", "in": "studio"}
        async with asyncio.timeout(PATIENCE), self.web.post(f"{self.room}act", json=wish) as response:
            response.raise_for_status()
            self.size = await self._shown((await response.json())["interaction"])

    async def _shown(self, interaction: str) -> int:
        """Bytes of the file, once the answer to *interaction* has it."""
        async for line in self.feed.content:
            changes = json.loads(line[5:]) if line.startswith(b"data:") else []
            # The other events of the feed are objects.
            for message in (each.get("message") for each in changes if isinstance(changes, list)):
                if message and message["attachments"] and message["interaction_metadata"]["id"] == interaction:
                    return int(message["attachments"][0]["size"])
        raise RuntimeError("the room has closed")

    def _used(self) -> float:
        """Seconds of CPU so far, of all its threads; neither bot has children."""
        return time.clock_gettime(~self.pid << 3 | CPU_OF_PROCESS)


@asynccontextmanager
async def naibot(folder: Path, env: Mapping[str, str]) -> AsyncIterator[int]:
    """`naibot run` as it meets a real Discord: it tells no practice room what goes on inside; its process id."""
    real = {name: value for name, value in env.items() if name != "BACKSTAGE_URL"}
    async with processes.bot(folder, real) as running:
        yield running.pid


@asynccontextmanager
async def bare_bot(_folder: Path, env: Mapping[str, str]) -> AsyncIterator[int]:
    """The bare bot, connected; its process id."""
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __spec__.name, "bare", cwd=processes.ROOT, env=env, stdout=asyncio.subprocess.PIPE
    )
    try:
        if await processes.line_of(running) != "READY bare":
            raise RuntimeError("the bare bot does not connect")
        yield running.pid
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()


@asynccontextmanager
async def bench_of(kind: Any, folder: Path) -> AsyncIterator[Bench]:
    """A bot of *kind* in a room of its own, asked a few times already."""
    folder.mkdir()
    async with (
        processes.standin(folder) as (room, env),
        kind(folder / "data", env) as pid,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None), trust_env=False) as web,
        web.get(f"{room}feed", params={"as": "member"}) as feed,
    ):
        bench = Bench(pid=pid, room=room, web=web, feed=feed)
        for _ in range(WARMING):
            await bench.picture()
        await asyncio.sleep(REST)
        yield bench


async def main() -> None:
    """Ask both in turns; print the medians of latency and CPU of a picture, and the ratios."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        floor = await stack.enter_async_context(bench_of(bare_bot, folder / "bare"))
        ours = await stack.enter_async_context(bench_of(naibot, folder / "naibot"))
        for _ in range(ROUNDS):
            await floor.turn()
            await ours.turn()
    print(f"bare bot  {floor}")
    print(f"naibot    {ours}")
    late, cpu = map(statistics.median, (ours.seconds, ours.cpu))
    late_bare, cpu_bare = map(statistics.median, (floor.seconds, floor.cpu))
    print(
        f"added     {(late - late_bare) * 1000:6.0f} ms, ratio {late / late_bare:.2f}   CPU ratio {cpu / cpu_bare:.2f}"
    )


if __name__ == "__main__":
    bare() if sys.argv[1:] == ["bare"] else asyncio.run(main())
