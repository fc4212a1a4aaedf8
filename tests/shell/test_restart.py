"""Killed at the worst moment, the next start puts everything right."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.practice import read_env
from tests.shell.room import ROOT, naibot, say


@asynccontextmanager
async def _process(*arguments: str, env: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", *arguments, cwd=ROOT, env=env,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()


@asynccontextmanager
async def _bot(folder: Path, env: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    async with _process("run", "--data", str(folder), env=env) as process:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            assert b"READY naibot" in await process.stdout.readline()
        yield process


async def _wait_for(folder: Path, state: str, n: int) -> None:
    """Until *n* jobs are in *state*; read from the database file, as an operator could."""
    import sqlite3

    async with asyncio.timeout(30):
        while True:
            [path] = list(folder.glob("*.sqlite3")) or [None]
            if path is not None:
                with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as reading:
                    found = reading.execute("SELECT COUNT(*) FROM jobs WHERE state = ?", (state,)).fetchone()[0]
                reading.close()
                if found >= n:
                    return
            await asyncio.sleep(0.05)


async def test_kill_9_loses_nothing(tmp_path: Path) -> None:
    """
    Killed with one job on the wire and one queued: after the next start both are delivered into their old messages,
    each once, and the ledger adds up.
    """
    env_file, data = tmp_path / "w.env", tmp_path / "d"
    environ = {**os.environ}
    async with _process("standin", "--discord", "--env", str(env_file), env=environ) as standin:
        assert standin.stdout is not None
        address = (await standin.stdout.readline()).decode().strip()
        settings = {**environ, **read_env(env_file)}
        async with _bot(data, settings) as bot:
            typing = [
                asyncio.create_task(naibot("try", "--at", address, *say(line), "--timeout", "90", "--out", str(out)))
                for line, out in (
                    ("/generate prompt:1girl, !slow", tmp_path / "a"),
                    ("/generate prompt:1boy, river", tmp_path / "b"),
                )
            ]
            await _wait_for(data, "SENT", 1)
            await _wait_for(data, "QUEUED", 1)
            bot.send_signal(signal.SIGKILL)
        async with _bot(data, settings):
            answers = await asyncio.gather(*typing)
            _, beside, _ = await naibot("check", "--data", str(data))
    code, alone, _ = await naibot("check", "--data", str(data))

    assert [0, 0] == [answer[0] for answer in answers], answers
    assert [1, 1] == [len(list((tmp_path / name).glob("*.png"))) for name in "ab"]
    assert "adds up" in beside
    assert (0, True) == (code, "adds up" in alone)
