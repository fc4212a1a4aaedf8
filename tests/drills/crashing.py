"""
The real bot, killed or stopped by its own hand at one named point of a job's life.

`python -m tests.drills.crashing POINT[@N]` is `naibot run` with its parts wrapped at their seams: the store's verbs and
NovelAI's, taken from the ports; the bytes to NovelAI and back; every call to Discord. At the Nth time that it comes by
POINT, it sends itself SIGKILL. `-` for POINT kills nowhere. Product code knows nothing of it.
"""

import argparse
import ctypes
import functools
import importlib.util
import inspect
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import discord
import httpx
from discord.ext import commands

from bot import app, ports, reach, serving
from bot.adapters.novelai.client import NovelAIClient
from bot.services import worker

_READS = """
account allowances asked blocks blocks_of case case_of_job cases conduct conducts conducts_of config configs draft
drafts_of durations entries expiring get greeted happenings in_hand in_inbox inbox inputs is_empty is_first jobs_of
kept_change kept_of last_prompts left_before line lines_about made newest_entry notices_of of_guild of_member
pictures posted recall recent reports_by reports_made reports_of standing suggest_tags undecided undelivered
unfinished_of unread waiting words words_of
"""
READS = frozenset(_READS.split())
"""Verbs that change nothing. A verb that is not named here is a point; so is every new one."""
HURRIED = (
    ("cogs.courier", "UNPLACED", 2.0),
    ("bot.services.worker", "RENEW_EVERY", 0.4),
    ("bot.services.deliveries", "LEASE", 10.0),
    ("bot.services.deliveries", "LINE_LEASE", 5.0),
    ("bot.services.cases", "CARD_LEASE", 3.0),
    ("cogs.docket", "CARD_TIME", 2.0),
    ("bot.services.lead", "IDENTIFY_GAP", 0.2),
    ("bot.app", "TIDY_EVERY", 2.0),
    ("cogs.courier", "DELIVERY_TIME", 8.0),
    ("cogs.ui.ways", "EDIT_TIME", 3.0),
    ("cogs.ui.lines", "EDIT_TIME", 3.0),
    ("cogs.ui.farewell", "EDIT_TIME", 3.0),
    ("cogs.ui.asides", "EDIT_TIME", 3.0),
    # A gap moves Discord's clock alone, so what it forgot of a nonce is old for the bot at once, too.
    ("cogs.ui.ways", "NONCE_LIFE", 0.0),
    ("cogs.ui.desk", "NONCE_LIFE", 0.0),
)
"""The product's long waits, short, in seconds: what is waited for is the same."""
NOWHERE = "-"
PR_SET_PDEATHSIG = 1
"""Of Linux's prctl(2)."""
_PLACEHOLDER = re.compile(r"/\{[^}]*\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """
    Where the bot ends: at the *nth* time that it comes by *point*, by *signal*.

    Unless *armed*, passes count from SIGUSR1 on. The names of all points that it came by go to *trace*. *lease* is
    how many seconds an account is leased, None for the product's own.
    """

    point: str = NOWHERE
    nth: int = 1
    signal: int = signal.SIGKILL
    armed: bool = True
    trace: Path | None = None
    lease: float | None = None


class Tripwire:
    """Counts the passes of one point."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._left = plan.nth
        self._is_armed = plan.armed
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._trace = os.open(plan.trace, flags, 0o600) if plan.trace else None
        signal.signal(signal.SIGUSR1, self._arm)

    def _arm(self, *_: object) -> None:
        self._is_armed = True

    def passed(self, point: str) -> None:
        """The bot comes by *point*; it may end here."""
        if not self._is_armed:
            return
        if self._trace is not None:
            os.write(self._trace, f"{point}\n".encode())
        if point == self._plan.point:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), self._plan.signal)

    def around(self, name: str, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """*call* with a point before it, and one after it where it came back with something."""

        says_nothing = inspect.signature(call).return_annotation in (None, "None", inspect.Signature.empty)

        @functools.wraps(call)
        async def wrapped(*arguments: Any, **options: Any) -> Any:
            self.passed(f"{name} before")
            answer = await call(*arguments, **options)
            # A claim of nothing, or a row that did not change, is no step of anybody's life.
            if says_nothing or answer or name.startswith("discord"):
                self.passed(f"{name} after")
            return answer

        return wrapped


def verbs_of(port: type) -> frozenset[str]:
    """The asynchronous verbs of a port, its bases' included."""
    return frozenset(
        name
        for base in port.__mro__
        for name, member in vars(base).items()
        if inspect.iscoroutinefunction(member) and not name.startswith("_")
    )


# --- the seams -------------------------------------------------------------------------------------------------------


def wrap(wire: Tripwire) -> None:
    """Put *wire* around everything with which this process reaches the world."""
    _wrap_store(wire)
    for verb in sorted(verbs_of(ports.NovelAI) - READS):
        setattr(NovelAIClient, verb, wire.around(f"novelai {verb}", getattr(NovelAIClient, verb)))
    _wrap_wire(wire)
    for library in (reach.Adapter, discord.http.HTTPClient):
        _wrap_discord(wire, library)


def _wrap_store(wire: Tripwire) -> None:
    opened = app.open_store

    async def open_store(*arguments: Any, **options: Any) -> Any:
        store = await opened(*arguments, **options)
        for verb in sorted(verbs_of(ports.Store) - READS):
            setattr(store, verb, wire.around(f"store {verb}", getattr(store, verb)))
        return store

    app.open_store = open_store  # type: ignore[assignment]


class _Told(httpx.AsyncByteStream):
    """A body that is cut in two, with points before, between and behind its pieces."""

    def __init__(self, wire: Tripwire, name: str, stream: Any) -> None:
        self._wire, self._name, self._stream = wire, name, stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        is_first = True
        async for piece in self._stream:
            if is_first:
                self._wire.passed(f"{self._name} before its first byte")
                yield piece[: len(piece) // 2]
                self._wire.passed(f"{self._name} halfway")
                piece, is_first = piece[len(piece) // 2 :], False
            yield piece
        self._wire.passed(f"{self._name} whole")

    async def aclose(self) -> None:
        await self._stream.aclose()


def _wrap_wire(wire: Tripwire) -> None:
    handle = httpx.AsyncHTTPTransport.handle_async_request

    async def handled(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        if request.method != "POST":
            return await handle(self, request)
        wire.passed("novelai before connecting")
        request.stream = _Told(wire, "novelai body", request.stream)
        response = await handle(self, request)
        wire.passed("novelai answer begins")
        response.stream = _Told(wire, "novelai answer", response.stream)
        return response

    httpx.AsyncHTTPTransport.handle_async_request = handled  # type: ignore[method-assign]


def _wrap_discord(wire: Tripwire, library: Any) -> None:
    request = library.request

    async def requested(self: Any, route: discord.http.Route, *arguments: Any, **options: Any) -> Any:
        path = _PLACEHOLDER.sub("", route.path).strip("/")
        with_files = " with files" if options.get("files") else ""
        call = wire.around(f"discord {route.method} {path}{with_files}", request)
        return await call(self, route, *arguments, **options)

    library.request = requested


def _hurry(plan: Plan) -> None:
    load = commands.Bot.load_extension

    async def loaded(self: commands.Bot, name: str, **options: Any) -> None:
        # discord.py executes an extension anew, whatever is set in its module.
        await load(self, name, **options)
        _set(name)

    commands.Bot.load_extension = loaded  # type: ignore[method-assign]
    for module, _, _ in HURRIED:
        if importlib.util.find_spec(module) is not None:
            importlib.import_module(module)
            _set(module)
    if plan.lease is not None:
        worker.LEASE, worker.SEND_MARGIN = plan.lease, plan.lease / 4


def _set(module: str) -> None:
    for name, constant, seconds in HURRIED:
        if name == module and hasattr(sys.modules[module], constant):
            setattr(sys.modules[module], constant, seconds)


# --- running ---------------------------------------------------------------------------------------------------------


def perform(plan: Plan, environ: Mapping[str, str], folder: Path) -> None:
    """`naibot run` in this process, until the point; what it says goes to ``bot.log`` in *folder*."""
    said = os.open(folder / "bot.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(said, stream)
    # Nobody is left behind by a drill that is ended.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    _hurry(plan)
    wrap(Tripwire(plan))
    sys.exit(serving.run(environ, folder))


def main() -> int:
    """One bot, by hand."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("point", metavar="POINT[@N]")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--stop", action="store_true", help="SIGSTOP instead of SIGKILL")
    parser.add_argument("--trace", type=Path, help="a file that gets the name of every point that is passed")
    told = parser.parse_args()
    point, _, nth = told.point.partition("@")
    by = signal.SIGSTOP if told.stop else signal.SIGKILL
    wrap(Tripwire(Plan(point=point, nth=int(nth or 1), signal=by, trace=told.trace)))
    return serving.run(os.environ, told.data)


if __name__ == "__main__":
    sys.exit(main())
