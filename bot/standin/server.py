"""`naibot standin`: the pretended services on one port of this machine, until they are told to end."""

import asyncio
import json
import os
import shlex
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from aiohttp import web

from bot.standin.discord import lantern
from bot.standin.discord.service import BODY_MAX, Discord
from bot.standin.novelai import FAULTS, TOKEN, NovelAI, parse_fault

STEP_SECONDS = 0.1
"""Between two previews of a stream, so that a picture forms in about the time it takes at the real service."""


async def serve(*, port: int, with_discord: bool, env: Path | None, faults: Sequence[str], with_parent: bool) -> int:
    """
    Serve until SIGINT, SIGTERM, or (*with_parent*) the end of standard input; the exit code.

    The first line of stdout is the address: the room's with *with_discord*, else NovelAI's.
    """
    try:
        wanted = dict(map(parse_fault, faults))
    except (KeyError, ValueError):
        print(f"a fault is NAME or NAME=N; the names are: {', '.join(sorted(FAULTS))}", file=sys.stderr)
        return 2
    novelai, discord = NovelAI(wanted, step_seconds=STEP_SECONDS), Discord() if with_discord else None
    runner = web.AppRunner(_app(novelai, discord), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        if not await _listens(runner, port):
            return 2
        base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        if discord is not None:
            discord.opened_at(base)
        if env is not None:
            await asyncio.to_thread(_write_settings, env, _settings(base, discord))
        async with _ending(with_parent=with_parent) as ended:
            print(discord.address if discord is not None else base, flush=True)
            await ended.wait()
    finally:
        await runner.cleanup()
    return 0


async def _listens(runner: web.AppRunner, port: int) -> bool:
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
    except OSError as error:
        print(f"port {port} cannot be used: {error.strerror or error}", file=sys.stderr)
        return False
    return True


def _app(novelai: NovelAI, discord: Discord | None) -> web.Application:
    if discord is None:
        return novelai.app()
    app = web.Application(client_max_size=BODY_MAX)
    novelai.add_routes(app)
    discord.add_routes(app)
    discord.room.backstage.novelai = novelai
    return app


def _settings(base: str, discord: Discord | None) -> dict[str, str]:
    novelai = {"NOVELAI_TOKENS": TOKEN, "NOVELAI_API": base}
    if discord is None:
        return novelai
    return {**novelai, **discord.settings(), "DIRECT": "on", "NEVER_SPEND": "off"}


def _write_settings(path: Path, settings: dict[str, str]) -> None:
    """A file that a shell can source, readable by its owner alone; the seed lies beside it."""
    if "DISCORD_TOKEN" in settings:
        seed = path.resolve().with_suffix(".seed.json")
        seed.write_text(json.dumps(lantern.seed()))
        settings = {**settings, "SEED": str(seed)}
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        # A file that was there before keeps its own mode.
        os.fchmod(file.fileno(), 0o600)
        file.writelines(f"{name}={shlex.quote(value)}\n" for name, value in settings.items())


@asynccontextmanager
async def _ending(*, with_parent: bool) -> AsyncIterator[asyncio.Event]:
    """Set when this process is told to end; it listens before anybody can know its address."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_ in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signal_, ended.set)
    waiting = asyncio.create_task(_parent_gone(ended)) if with_parent else None
    yield ended
    if waiting is not None:
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting


async def _parent_gone(ended: asyncio.Event) -> None:
    """A parent that was killed closes the pipe, and nobody else can end this process."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(1_024):
        pass
    ended.set()
