"""The practice room and the bot as two processes, as an operator runs them."""

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from bot.practice import read_env
from tests.shell.room import ROOT


@asynccontextmanager
async def process(*arguments: str, env: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m bot` with *arguments*; killed at the end if it still runs."""
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", *arguments, cwd=ROOT, env=env,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, limit=1 << 22,
    )  # fmt: skip
    try:
        yield running
    finally:
        if running.returncode is None:
            running.send_signal(signal.SIGKILL)
        await running.wait()


@asynccontextmanager
async def standin(folder: Path, *arguments: str) -> AsyncIterator[tuple[str, dict[str, str]]]:
    """The practice room; its page's address, and an environment that meets it."""
    env_file = folder / "w.env"
    async with process("standin", "--discord", "--env", str(env_file), *arguments, env={**os.environ}) as room:
        yield await line_of(room), {**os.environ, **read_env(env_file)}


@asynccontextmanager
async def bot(folder: Path, env: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """`naibot run`, connected."""
    async with process("run", "--data", str(folder), env=env) as running:
        assert "READY naibot" == await line_of(running)
        yield running


async def line_of(running: asyncio.subprocess.Process) -> str:
    """The next line that it prints."""
    assert running.stdout is not None
    async with asyncio.timeout(30):
        return (await running.stdout.readline()).decode().strip()


async def ended(running: asyncio.subprocess.Process, within: float = 60) -> tuple[int, str, str]:
    """Exit code, and the rest of what it printed."""
    async with asyncio.timeout(within):
        out, err = await running.communicate()
    return running.returncode or 0, out.decode(), err.decode()


def count(folder: Path, state: str) -> int:
    """How many jobs are in *state*; read from the database file, as an operator could."""
    [path] = list(folder.glob("naibot.sqlite3")) or [None]
    if path is None:
        return 0
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as reading:
        return int(reading.execute("SELECT COUNT(*) FROM jobs WHERE state = ?", (state,)).fetchone()[0])


async def wait_for(folder: Path, state: str, n: int) -> None:
    """Until *n* jobs are in *state*."""
    async with asyncio.timeout(30):
        while count(folder, state) < n:
            await asyncio.sleep(0.05)
