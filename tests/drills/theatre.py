"""A pretended Discord and NovelAI that outlive the bot before them, and the bot as a process that may die."""

import asyncio
import json
import multiprocessing
import os
import secrets
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot import wording
from bot.adapters.store import ledger
from bot.adapters.store.store import open_store
from bot.domain.job import Job
from bot.ports import STARTS
from bot.standin.discord import Discord, lantern
from bot.standin.discord.actions import Impossible
from bot.standin.discord.components import walk
from bot.standin.discord.gateway import NotConnected
from bot.standin.discord.interactions import Interaction
from bot.standin.novelai import NovelAI
from tests.drills import crashing
from tests.drills.crashing import Plan

Json = dict[str, Any]
START_TIME = 40.0
IDLE_TIME = 60.0
"""Seconds in which a bot that was started is connected, and in which everything that waits has ended."""

# Forked from a process that has everything imported and runs nothing: a start costs tens of milliseconds.
_MAKER = multiprocessing.get_context("forkserver")
_MAKER.set_forkserver_preload(["tests.drills.crashing", "cogs.courier"])


class Stuck(Exception):
    """Something that should have happened did not."""


class Clock:
    """Discord's clock, which may be put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


class Bot:
    """One process of the bot."""

    def __init__(self, plan: Plan, environ: Mapping[str, str], folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.born = time.time()
        self._process = _MAKER.Process(target=crashing.perform, args=(plan, dict(environ), folder), daemon=True)
        self._process.start()

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.exitcode is not None

    @property
    def was_killed(self) -> bool:
        """Whether SIGKILL ended it."""
        return self._process.exitcode == -signal.SIGKILL

    @property
    def is_stopped(self) -> bool:
        """Whether SIGSTOP holds it."""
        return _state_of(self._process.pid) == "T"

    def send(self, signal_: int) -> None:
        """Send a signal, if there is still somebody."""
        if not self.has_ended and self._process.pid is not None:
            os.kill(self._process.pid, signal_)

    async def ended(self, within: float = 40.0) -> None:
        """Wait for its end. Raises `Stuck`."""
        await until(lambda: self.has_ended, within, "the process's end")

    def log(self) -> str:
        """The end of what it said."""
        return (self.folder / "bot.log").read_text(errors="replace")[-4_000:]


def _state_of(pid: int | None) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


async def until(true: Callable[[], object], within: float, what: str) -> None:
    """Wait until something holds. Raises `Stuck`."""
    try:
        async with asyncio.timeout(within):
            while not true():
                await asyncio.sleep(0.02)
    except TimeoutError as error:
        raise Stuck(what) from error


@dataclass
class Theatre:
    """Both services, one folder (or database), and the people who ask for pictures."""

    discord: Discord
    novelai: NovelAI
    address: str
    folder: Path
    database: str | None
    clock: Clock = field(default_factory=Clock)
    asked: list[Interaction] = field(default_factory=list)
    """What people did since a bot was started last."""
    bots: list[Bot] = field(default_factory=list)

    # --- the bot

    def environ(self, **more: str) -> dict[str, str]:
        """The settings with which a bot meets this place."""
        return {
            **self.discord.settings(),
            "NOVELAI_API": self.address,
            "NOVELAI_TOKENS": "pst-standin",
            "NEVER_SPEND": "off",
            "SEED": str(self.folder / "seed.json"),
            **({"DATABASE_URL": self.database} if self.database else {}),
            **more,
        }

    def start(self, plan: Plan | None = None, name: str = "bot", **more: str) -> Bot:
        """Start a bot in the folder of that *name*."""
        self.asked.clear()
        self.bots.append(Bot(plan or Plan(), self.environ(**more), self.folder / name))
        return self.bots[-1]

    async def connected(self, bot: Bot) -> None:
        """Until *bot* hears what people do, or has ended. Raises `Stuck`."""
        gateway, world = self.discord.gateway, self.discord.world
        await until(lambda: bot.has_ended or (gateway.is_connected and None in world.commands), START_TIME, "READY")
        # The ones of a process that was killed count until their sockets are found closed.
        snapshot = self.discord.room.backstage
        await until(
            lambda: bot.has_ended or (snapshot.snapshot["seq"] > bot.born * 1_000 and gateway.is_connected),
            START_TIME,
            "the first snapshot",
        )

    async def idle(self, bot: Bot) -> None:
        """Until everything that was asked was handled, and every job has ended and is delivered. Raises `Stuck`."""
        room = self.discord.room.backstage

        def is_idle() -> bool:
            about, seq = room.snapshot["interactions"], room.snapshot["seq"]
            ids = {str(each.id) for each in self.asked}
            if seq <= bot.born * 1_000 or not ids <= about.keys():
                return False
            jobs = [job for each in about.values() for job in each["jobs"]]
            waits = ("QUEUED", "RUNNING", "SENT")
            is_over = all(job["state"] not in waits and job["delivery"] != "PENDING" for job in jobs)
            return is_over and not any(each["handlers"] for each in about.values())

        await until(lambda: bot.has_ended or is_idle(), IDLE_TIME, "idleness")

    # --- the people

    async def ask(self, by: int = lantern.ANN, **options: object) -> Interaction:
        """Use ``/generate``."""
        kinds = {str: 3, int: 4, bool: 5}
        given = [{"name": key, "type": kinds[type(value)], "value": value} for key, value in options.items()]
        wish = {"kind": "slash", "name": "generate", "options": given}
        return await self._act(by, lantern.STUDIO, wish)

    async def press(self, verb: str, by: int = lantern.ANN, within: float = 20.0) -> Interaction:
        """Press the newest button of that verb which *by* sees, once it is there."""
        await until(lambda: self.button(verb, by), within, f"a button {verb}")
        message, custom_id = self.button(verb, by) or ({}, "")
        wish = {"kind": "press", "message": message["id"], "custom_id": custom_id}
        return await self._act(by, int(message["channel_id"]), wish)

    async def _act(self, by: int, at: int, wish: Json) -> Interaction:
        made = await self.discord.actions.act(by, at, wish)
        self.asked.append(made)
        return made

    def button(self, verb: str, by: int) -> tuple[Json, str] | None:
        for shown in self.discord.world.visible(by):
            for part in walk(shown.message["components"]) if not shown.deleted else ():
                custom_id = str(part.get("custom_id", ""))
                if custom_id.split(":")[2:3] == [verb]:
                    return shown.message, custom_id
        return None

    @property
    def is_held(self) -> bool:
        """Whether some message says that its picture waits for a moderator."""
        return any(wording.HELD in message["content"] for message in self.messages())

    def messages(self) -> list[Json]:
        """Every message that stands, whoever sees it, newest first."""
        return [shown.message for shown in self.discord.world.newest() if not shown.deleted]

    # --- the book-keeping

    async def jobs(self, name: str = "bot") -> list[Job]:
        """Every job, as the store has it while no bot holds the folder; a crash loop is forgiven."""
        folder = self.folder / name
        store = await open_store(folder, *self._url)
        try:
            await store.remember(STARTS, "")
            return list(await store.recent(0.0))
        finally:
            await store.close()

    async def differences(self, name: str = "bot") -> list[str]:
        """What the ledger's own audit finds."""
        return [str(each) for each in (await ledger.examine(self.folder / name, *self._url)).differences]

    @property
    def _url(self) -> tuple[Any, ...]:
        return (self.database,) if self.database else ()


@asynccontextmanager
async def open_theatre(folder: Path, database: str | None = None) -> AsyncIterator[Theatre]:
    """A new world, where Lantern is set up; in *database* it has a schema of its own while it lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "seed.json").write_text(json.dumps(lantern.seed()))
    clock = Clock()
    discord, novelai = Discord(clock=clock), NovelAI()
    async with novelai.serve() as address, discord.serve(), _schema(database) as url:
        theatre = Theatre(discord, novelai, address, folder, url, clock)
        try:
            yield theatre
        finally:
            for bot in theatre.bots:
                bot.send(signal.SIGKILL)


@asynccontextmanager
async def _schema(database: str | None) -> AsyncIterator[str | None]:
    if database is None:
        yield None
        return
    import asyncpg

    name = f"drill_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(database)
    try:
        await connection.execute(f"CREATE SCHEMA {name}")
        yield f"{database}{'&' if '?' in database else '?'}search_path={name}"
        await connection.execute(f"DROP SCHEMA {name} CASCADE")
    finally:
        await connection.close()


async def while_alive(bot: Bot, act: Awaitable[None]) -> bool:
    """Do *act*, as far as the bot lives; whether it came to its end."""
    acting = asyncio.ensure_future(act)
    watching = asyncio.ensure_future(_gone(bot))
    try:
        await asyncio.wait({acting, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not acting.done():
            return False
        try:
            acting.result()
        except (NotConnected, Impossible):
            await until(lambda: bot.has_ended, 5.0, "somebody who hears")
            return False
        return True
    finally:
        for task in (acting, watching):
            task.cancel()
        await asyncio.gather(acting, watching, return_exceptions=True)


async def _gone(bot: Bot) -> None:
    while not bot.has_ended:
        await asyncio.sleep(0.02)
