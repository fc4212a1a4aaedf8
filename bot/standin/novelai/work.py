"""Paid work: one thing at a time for each account, made off the loop, billed when it is done, and noted."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiohttp import web
from PIL import Image

from bot.standin.novelai import answers, generation, stream
from bot.standin.novelai.account import AccountState
from bot.standin.novelai.faults import Fault
from bot.standin.novelai.order import Order
from bot.standin.novelai.refusal import ServiceError

DRAWN_AT_ONCE = 2
CALLS_KEPT = 1_000

T = TypeVar("T")
Files = tuple[bytes, ...]
Events = asyncio.Queue[stream.Event | None]


@dataclass(slots=True)
class Pace:
    """
    Seconds: what ``slow`` waits, between two events of a stream, and how long an account rests after its work.

    *retry_after* is what a 429 says, None for nothing.
    """

    slow: float = 8.0
    step: float = 0.0
    rest: float = 0.0
    retry_after: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request for paid work and what became of it."""

    at: float
    status: int
    request: Mapping[str, Any] = field(repr=False)
    billed: int = 0
    images: Files = field(default=(), repr=False)
    path: str = "/ai/generate-image"

    def told(self) -> dict[str, Any]:
        """What the room's backstage shows of it."""
        return {
            "at": self.at,
            "status": self.status,
            "billed": self.billed,
            "path": self.path,
            "model": str(self.request.get("model", self.request.get("req_type")))[:60],
            "prompt": str(self.request.get("input", self.request.get("prompt", "")))[:120],
        }


@dataclass(slots=True)
class Job:
    """Paid work in hand: who asked for what, how it shall fail, and what it costs as soon as that is known."""

    http: web.Request
    account: AccountState
    body: Mapping[str, Any] = field(repr=False)
    fault: Fault | None
    price: int = 0
    usage: float = 0.0

    def fails(self, *names: str) -> bool:
        """Whether it shall fail in one of those ways."""
        return self.fault is not None and self.fault.name in names


class Lost(ServiceError):
    """The answer to work that was paid for and noted is lost."""


class Workshop:
    """Does the work of all accounts."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.calls: deque[Call] = deque(maxlen=CALLS_KEPT)
        self._drawing = asyncio.Semaphore(DRAWN_AT_ONCE)
        self._gate = asyncio.Event()
        self._gate.set()

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Keep every answer, and every event of a stream, waiting until the block ends."""
        self._gate.clear()
        try:
            yield
        finally:
            self._gate.set()

    async def off_loop(self, make: Callable[[], T]) -> T:
        """What *make* returns, from a thread; two at once."""
        async with self._drawing:
            return await asyncio.to_thread(make)

    def record(self, job: Job, status: int, billed: int = 0, images: Files = ()) -> None:
        """Note what became of *job*."""
        path = job.http.path
        self.calls.append(
            Call(at=time.time(), status=status, request=job.body, billed=billed, images=images, path=path)
        )

    async def done(self, job: Job, make: Callable[[], Files], *, pictures: bool = True) -> Files:
        """
        What *make* makes, billed; noted in full if it is *pictures*.

        The service works on when a client goes away, and keeps the account meanwhile. Raises `ServiceError`: 402, 429,
        or `Lost`.
        """
        _begin(job)
        return await asyncio.shield(asyncio.ensure_future(self._do(job, make, pictures=pictures)))

    async def _do(self, job: Job, make: Callable[[], Files], *, pictures: bool) -> Files:
        try:
            await self._wait(job)
            made = await self.off_loop(make)
        finally:
            job.account.rest(self.pace.rest)
        self._bill(job, made if pictures else ())
        return made

    async def _wait(self, job: Job) -> None:
        if job.fault is not None and job.fails("slow"):
            await asyncio.sleep(self.pace.slow if job.fault.seconds is None else job.fault.seconds)
        await self._gate.wait()

    def _bill(self, job: Job, images: Files) -> None:
        """Take the price and note the call. Raises `Lost` where the answer shall not arrive."""
        job.account.anlas -= job.price
        job.account.usage -= job.usage
        lost = job.fails("billed503", "billedhangup")
        self.record(job, 503 if lost else 200, job.price, () if lost else images)
        if job.fails("billedhangup"):
            answers.hang_up(job.http)
        if lost:
            raise Lost(503)

    # --- step by step ------------------------------------------------------------------------------------------------

    async def forming(self, job: Job, order: Order, kind: str) -> AsyncIterator[stream.Event]:
        """
        The events of *order* as they come, billed before the first final. It begins when the first is there.

        Raises `ServiceError` as `done` does.
        """
        _begin(job)
        events: Events = asyncio.Queue()
        work = asyncio.ensure_future(self._form(job, order, kind, events))
        work.add_done_callback(lambda _: events.put_nowait(None))
        first = await events.get()
        if first is None:
            await work
            raise ServiceError(500)
        return _emptied(first, events)

    async def _form(self, job: Job, order: Order, kind: str, events: Events) -> None:
        began, gen_id = time.perf_counter(), stream.new_id(order.seed)
        try:
            await self._wait(job)
            made = await self.off_loop(lambda: generation.pictures(order))
            if not await self._preview(job, order, made, events):
                return
            files = await self.off_loop(lambda: generation.files(order, made, kind, began))
        finally:
            job.account.rest(self.pace.rest)
        try:
            self._bill(job, files)
        except Lost:
            answers.hang_up(job.http)
            return
        for event in stream.finals(files, gen_id):
            events.put_nowait(event)

    async def _preview(self, job: Job, order: Order, made: Sequence[Image.Image], events: Events) -> bool:
        """Whether every preview came; where an error is asked for, it comes when half of them are over."""
        left, half = stream.previews(order, made), stream.frames(order) // 2
        while (event := await self.off_loop(lambda: next(left, None))) is not None:
            await asyncio.sleep(self.pace.step)
            await self._gate.wait()
            events.put_nowait(event)
            if job.fails("streamerror") and event.fields["step_ix"] >= half:
                break
        if not job.fails("streamerror"):
            return True
        self.record(job, 500)
        events.put_nowait(stream.failure())
        return False


def _begin(job: Job) -> None:
    job.account.afford(job.price)
    job.account.take()


async def _emptied(first: stream.Event, events: Events) -> AsyncIterator[stream.Event]:
    """The events as they come, until there are no more."""
    event: stream.Event | None = first
    while event is not None:
        yield event
        event = await events.get()
