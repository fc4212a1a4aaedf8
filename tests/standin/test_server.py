"""`naibot standin`: what it prints and writes, and how it ends."""

import asyncio
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from bot.standin.discord import lantern
from tests.shell.room import ROOT


@asynccontextmanager
async def _standin(*arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """The process and its first line."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "standin", *arguments, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(20):
            yield process, (await process.stdout.readline()).decode().strip()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_one_port_serves_both_and_the_settings_say_where(tmp_path: Path) -> None:
    """The room's address comes first; the settings can be sourced by a shell, and only their owner reads them."""
    env = tmp_path / "it's here" / "room.env"
    env.parent.mkdir()
    env.touch(0o644)
    async with _standin("--discord", "--env", str(env)) as (_, address), aiohttp.ClientSession() as session:
        async with session.get(address) as response:
            assert "practice room" in await response.text()
        script = (
            f'. "{env}"; for n in STANDIN_URL NOVELAI_API DISCORD_TOKEN OPERATORS SEED; do eval echo \\"\\$$n\\"; done'
        )
        shell = await asyncio.create_subprocess_exec("sh", "-c", script, stdout=asyncio.subprocess.PIPE)
        told = (await shell.communicate())[0].decode().splitlines()

    base = address.partition("/room/")[0]
    assert 0o600 == env.stat().st_mode & 0o777
    assert [address, base, "practice-room", str(lantern.ADA)] == told[:4]
    seed = json.loads(Path(told[4]).read_text())
    assert {str(lantern.LANTERN), str(lantern.NEW_SERVER)} == set(seed["guilds"])
    assert [lantern.STUDIO, lantern.NIGHT_STUDIO] == seed["guilds"][str(lantern.LANTERN)]["channels"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, None])
async def test_it_ends_when_told_and_with_its_parent(how: signal.Signals | None) -> None:
    """SIGTERM, SIGINT, and the end of standard input; each a clean end."""
    async with _standin("--with-parent") as (process, address):
        assert address.startswith("http://127.0.0.1:")
        if how is None:
            assert process.stdin is not None
            process.stdin.close()
        else:
            process.send_signal(how)
        async with asyncio.timeout(10):
            assert 0 == await process.wait()


async def test_a_port_that_is_taken_is_named() -> None:
    """No traceback, exit code 2."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        async with _standin("--port", port) as (process, first):
            _, said = await process.communicate()

    assert ("", 2) == (first, process.returncode)
    assert (f"port {port} cannot be used", False) == (said.decode().partition(":")[0], "Traceback" in said.decode())


async def test_a_fault_that_there_is_not_is_named() -> None:
    """With the names of those that there are."""
    async with _standin("--fault", "nonsense") as (process, first):
        _, said = await process.communicate()

    assert ("", 2, True) == (first, process.returncode, b"a fault is NAME" in said)
