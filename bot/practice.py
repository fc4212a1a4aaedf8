"""`naibot try`: the practice room in a process of its own, the real bot in this one, and a driver that types."""

import asyncio
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from bot import app, wording
from bot.settings import read_settings
from bot.standin.discord import lantern
from bot.standin.say.driver import Driver, Line, NotAnswered, run
from bot.standin.say.grammar import Unsendable

OPENING_TIME = 20.0
CLOSED = 1
PERSON, PLACE = "member", "studio"


def lines_of(script: Sequence[tuple[str, str]]) -> list[Line]:
    """``--say``, ``--as`` and ``--in`` in their order, as lines with the person and the place that held for them."""
    person, place, lines = PERSON, PLACE, []
    for kind, value in script:
        match kind:
            case "as":
                person = value
            case "in":
                place = value
            case _:
                lines.append(Line(text=value, person=person, place=place))
    return lines


async def practise(
    script: Sequence[tuple[str, str]], *, out: Path | None, patience: float, address: str | None, data: Path | None
) -> int:
    """Run the lines of *script*, or what is typed; the exit code of design 4.2 (0, 1, 2 or 3)."""
    if address is not None:
        return await _talk(script, address, out, patience)
    with tempfile.TemporaryDirectory(prefix="naibot-") as folder:
        async with open_room(Path(folder)) as (address, environ):
            settings = read_settings(environ, data or Path(folder) / "data")
            serving = asyncio.create_task(app.run(settings))
            talking = asyncio.create_task(_talk(script, address, out, patience))
            await asyncio.wait({serving, talking}, return_when=asyncio.FIRST_COMPLETED)
            talking.cancel()
            serving.cancel()
            with suppress(asyncio.CancelledError):
                await serving
            return talking.result() if talking.done() and not talking.cancelled() else CLOSED


@asynccontextmanager
async def open_room(folder: Path) -> AsyncIterator[tuple[str, dict[str, str]]]:
    """Start the stand-in; yields its address and the settings that meet it. It ends with this process."""
    env = folder / "practice.env"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "standin", "--discord", "--with-parent", "--env", str(env),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        if process.stdout is None:
            raise RuntimeError(wording.TRY_GONE)
        async with asyncio.timeout(OPENING_TIME):
            address = (await process.stdout.readline()).decode().strip()
        if not address:
            raise RuntimeError(wording.TRY_GONE)
        yield address, read_env(env)
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def read_env(path: Path) -> dict[str, str]:
    """The settings of an ``--env`` file; nothing of this process's own environment is taken over."""
    pairs = (line.partition("=") for line in path.read_text().splitlines() if "=" in line)
    return {name: value.strip().strip("'\"") for name, _, value in pairs}


async def _talk(script: Sequence[tuple[str, str]], address: str, out: Path | None, patience: float) -> int:
    if lines := lines_of(script):
        return await run(lines, address=address, out=out, patience=patience, echo=_echo)
    return await _converse(address, out, patience)


async def _converse(address: str, out: Path | None, patience: float) -> int:
    """Read lines from the terminal until it ends."""
    print(wording.say("try.address", address=address))
    print(wording.TRY_TYPE, flush=True)
    person, place = PERSON, PLACE
    async with Driver(address, out=out, patience=patience, echo=_echo) as driver:
        async for text in _typed():
            verb, _, rest = text.partition(" ")
            if verb == "as" and rest in lantern.PEOPLE:
                person = rest
            elif verb == "in" and rest:
                place = rest
            else:
                await _say(driver, Line(text=text, person=person, place=place))
    return 0


async def _say(driver: Driver, line: Line) -> None:
    """A line that cannot be sent, or is not answered, does not end the conversation."""
    try:
        await driver.say(line)
    except Unsendable as error:
        _echo(f"  {error}")
    except NotAnswered:
        _echo(f"  {wording.TRY_UNANSWERED}")


async def _typed() -> AsyncIterator[str]:
    """Lines from the terminal; read in a thread that does not keep the process from ending."""
    lines: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        was_typed = False
        for line in sys.stdin:
            was_typed = True
            loop.call_soon_threadsafe(lines.put_nowait, line.strip() or " ")
        # Started without a terminal, there is nobody to type and nothing to end: the page is the room then.
        if was_typed or sys.stdin.isatty():
            loop.call_soon_threadsafe(lines.put_nowait, "")

    threading.Thread(target=read, daemon=True).start()
    while line := await lines.get():
        if line.strip():
            yield line


def _echo(text: str) -> None:
    print(text, flush=True)
