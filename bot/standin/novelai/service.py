"""
The pretend NovelAI's endpoints: who asks, what it costs, one thing at a time, and what went over the wire.

It imports nothing of the bot's own price, prompt or imaging code. Its tokens are ``pst-standin`` and ``pst-standin-…``;
its signature proves nothing. How it fails on request is in ``bot/standin/README.md``.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiohttp import web

from bot.standin import guard
from bot.standin.novelai import answers, billing, director, generation, stream, suggestions, tools
from bot.standin.novelai.account import Accounts, AccountState
from bot.standin.novelai.body import body_of
from bot.standin.novelai.catalogue import MODELS, Family
from bot.standin.novelai.faults import FAULTS, Fault, FaultBook, known_fault
from bot.standin.novelai.metadata import tool_file
from bot.standin.novelai.order import Order, order_of
from bot.standin.novelai.refusal import ServiceError, invalid

BODY_MAX = 64 * 1024 * 1024
PAGE = "https://novelai.net"
"""Clients that imitate the browser send it as ``Origin``; the service takes it, and so does the stand-in."""
DRAWN_AT_ONCE = 2

T = TypeVar("T")
Handler = Callable[["Job"], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request for paid work and what became of it."""

    at: float
    status: int
    request: Mapping[str, Any] = field(repr=False)
    billed: int = 0
    images: tuple[bytes, ...] = field(default=(), repr=False)
    path: str = "/ai/generate-image"


@dataclass(slots=True)
class Job:
    """Paid work in hand: who asked for what, how it shall fail, and what it costs as soon as that is known."""

    http: web.Request
    account: AccountState
    body: Mapping[str, Any] = field(repr=False)
    fault: Fault | None
    price: int = 0
    usage: float = 0.0

    def fails(self, name: str) -> bool:
        """Whether it shall fail in that way."""
        return self.fault is not None and self.fault.name == name


class NovelAI:
    """The service; each account does one thing at a time."""

    def __init__(
        self,
        faults: Mapping[str, int | None] | None = None,
        *,
        slow_seconds: float = 8.0,
        step_seconds: float = 0.0,
        rest_seconds: float = 0.0,
    ) -> None:
        """
        *slow_seconds* is what ``slow`` waits, *step_seconds* the time between two events of a stream, *rest_seconds*
        how long an account stays locked when its work is done.
        """
        self.accounts = Accounts()
        self.calls: deque[Call] = deque(maxlen=1_000)
        self.slow_seconds = slow_seconds
        self.step_seconds = step_seconds
        self.rest_seconds = rest_seconds
        self._faults = FaultBook(faults or {})
        self._drawing = asyncio.Semaphore(DRAWN_AT_ONCE)
        self._gate = asyncio.Event()
        self._gate.set()

    @property
    def account(self) -> AccountState:
        """The account of ``pst-standin``."""
        return self.accounts.first

    def fail_next(self, fault: int | str, times: int = 1) -> None:
        """Let the next *times* requests for paid work fail in that way."""
        self._faults.left[known_fault(str(fault))] = times

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Keep every answer, and every event of a stream, waiting until the block ends."""
        self._gate.clear()
        try:
            yield
        finally:
            self._gate.set()

    def add_routes(self, app: web.Application) -> None:
        """Serve the endpoints of the image host."""
        for path, handler in self._paid_routes().items():
            app.router.add_post(path, self._paid(handler))
        app.router.add_get("/ai/generate-image/suggest-tags", _answered(self._suggest))
        for path, told in self._user_routes().items():
            app.router.add_get(path, _answered(self._about_account(told)))
        app.router.add_get("/_standin/state", self._state)
        app.router.add_post("/_standin/faults", self._set_faults)
        app.router.add_post("/_standin/account", self._set_account)

    def app(self) -> web.Application:
        """The endpoints as an application of their own."""
        app = web.Application(client_max_size=BODY_MAX)
        self.add_routes(app)
        app.router.add_route("*", "/{tail:.*}", _not_here)
        return app

    @asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator[str]:
        """Serve on loopback; yields the address."""
        runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", port)
            await site.start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    def _paid_routes(self) -> Mapping[str, Handler]:
        return {
            "/ai/generate-image": self._generate,
            "/ai/generate-image-stream": self._stream,
            "/ai/augment-image": self._augment,
            "/ai/upscale": self._upscale,
            "/ai/encode-vibe": self._encode,
        }

    # --- paid work ---------------------------------------------------------------------------------------------------

    def _paid(self, handler: Handler) -> guard.Handler:
        """*handler* behind the token, the reading of the body, and the faults that need no work."""

        async def handled(request: web.Request) -> web.StreamResponse:
            job: Job | None = None
            try:
                account = self._account_of(request)
                body = await body_of(request)
                job = Job(request, account, body, self._fault_of(body))
                return await self._attempted(job, handler)
            except ServiceError as error:
                if job is not None and not isinstance(error, _Recorded):
                    self._record(job, error.status)
                return answers.refused(error)

        return handled

    async def _attempted(self, job: Job, handler: Handler) -> web.StreamResponse:
        if job.fault is not None and job.fault.status is not None:
            raise ServiceError(job.fault.status)
        if job.fails("hangup"):
            answers.hang_up(job.http)
            raise ServiceError(503)
        return await handler(job)

    def _account_of(self, request: web.Request) -> AccountState:
        guard.check(request, also=PAGE)
        return self.accounts.of(request.headers.get("Authorization"))

    def _fault_of(self, body: Mapping[str, Any]) -> Fault | None:
        parameters = body.get("parameters")
        seed = parameters.get("seed") if isinstance(parameters, dict) else None
        return self._faults.due(body.get("input", body.get("prompt")), seed)

    async def _generate(self, job: Job) -> web.StreamResponse:
        order = await self._order(job)

        def made() -> tuple[bytes, ...]:
            began = time.perf_counter()
            pictures = [generation.picture(order, n) for n in range(order.samples)]
            return _files(order, pictures, "none", began)

        files = await self._worked(job, made)
        return await answers.pictures(job.http, files, _seeds(order), job.fault)

    async def _augment(self, job: Job) -> web.StreamResponse:
        wanted = await self._off_loop(lambda: tools.augmentation_of(job.body))
        job.price = billing.tool(wanted.name, *wanted.source.size, opus=job.account.is_opus)

        def made() -> tuple[bytes, ...]:
            began = time.perf_counter()
            return tuple(tool_file(one, wanted.name, time.perf_counter() - began) for one in wanted.made())

        return await answers.archive(job.http, await self._worked(job, made), job.fault)

    async def _upscale(self, job: Job) -> web.StreamResponse:
        wanted = await self._off_loop(lambda: tools.upscaling_of(job.body))
        job.price = billing.upscale(*wanted.source.size)
        files = await self._worked(job, lambda: (director.upscaled(wanted.source, wanted.blur),))
        return await answers.pictures(job.http, files, (0,), job.fault)

    async def _encode(self, job: Job) -> web.StreamResponse:
        wanted = await self._off_loop(lambda: tools.encoding_of(job.body))
        job.price = billing.ENCODING
        [made] = await self._worked(
            job, lambda: (director.encoding(wanted.source, wanted.model, wanted.extracted),), pictures=False
        )
        return await answers.sent(job.http, made, "application/binary", job.fault)

    async def _order(self, job: Job) -> Order:
        """The order of a job, which then knows its price."""
        order = await self._off_loop(lambda: order_of(job.body))
        v5 = order.model.family is Family.V5
        opus = job.account.has_gift(v5=v5)
        job.price = billing.anlas(order.model.id, order.wanted, opus=opus)
        job.usage = billing.USAGE_OF_ONE if v5 and opus and billing.is_small(order.wanted) else 0.0
        return order

    async def _worked(
        self, job: Job, make: Callable[[], tuple[bytes, ...]], *, pictures: bool = True
    ) -> tuple[bytes, ...]:
        """What *make* makes, billed. The service works on when a client goes away, and keeps the account meanwhile."""
        job.account.afford(job.price)
        job.account.take()
        return await asyncio.shield(asyncio.ensure_future(self._work(job, make, pictures=pictures)))

    async def _work(self, job: Job, make: Callable[[], tuple[bytes, ...]], *, pictures: bool) -> tuple[bytes, ...]:
        try:
            await self._wait(job)
            made = await self._off_loop(make)
        finally:
            job.account.rest(self.rest_seconds)
        self._bill(job, made if pictures else ())
        return made

    async def _wait(self, job: Job) -> None:
        if job.fault is not None and job.fails("slow"):
            await asyncio.sleep(self.slow_seconds if job.fault.seconds is None else job.fault.seconds)
        await self._gate.wait()

    async def _off_loop(self, make: Callable[[], T]) -> T:
        async with self._drawing:
            return await asyncio.to_thread(make)

    def _bill(self, job: Job, images: tuple[bytes, ...]) -> None:
        """Take the price and note the call. Raises `ServiceError` where the answer to paid work is lost."""
        job.account.anlas -= job.price
        job.account.usage -= job.usage
        lost = job.fails("billed503") or job.fails("billedhangup")
        self._record(job, 503 if lost else 200, job.price, () if lost else images)
        if job.fails("billedhangup"):
            answers.hang_up(job.http)
        if lost:
            raise _Recorded(503)

    def _record(self, job: Job, status: int, billed: int = 0, images: tuple[bytes, ...] = ()) -> None:
        path = job.http.path
        self.calls.append(
            Call(at=time.time(), status=status, request=job.body, billed=billed, images=images, path=path)
        )

    # --- streams -----------------------------------------------------------------------------------------------------

    async def _stream(self, job: Job) -> web.StreamResponse:
        order = await self._order(job)
        kind = str(order.wanted.get("stream", "msgpack"))
        job.account.afford(job.price)
        if job.fault is not None and job.fault.name in ("html", "encoded", "gzip"):
            files = await self._worked(job, lambda: generation.draw_all(order))
            return await answers.sent(job.http, files[0], stream.KINDS[kind], job.fault)
        job.account.take()
        events: asyncio.Queue[stream.Event | None] = asyncio.Queue()
        work = asyncio.ensure_future(self._work_in_steps(job, order, kind, events))
        work.add_done_callback(lambda _: events.put_nowait(None))
        first = await events.get()
        if first is None:
            await work
            raise ServiceError(500)
        return await stream.sent(job.http, _emptied(first, events), kind, job.fault)

    async def _work_in_steps(
        self, job: Job, order: Order, kind: str, events: asyncio.Queue[stream.Event | None]
    ) -> None:
        """Previews, then the pictures; or, as asked for, an error where half of it would be over."""
        began, gen_id = time.perf_counter(), stream.new_id(order.seed)
        try:
            await self._wait(job)
            made = await self._off_loop(lambda: [generation.picture(order, n) for n in range(order.samples)])
            if not await self._step(job, order, made, gen_id, events):
                return
            files = await self._off_loop(lambda: _files(order, made, kind, began))
        finally:
            job.account.rest(self.rest_seconds)
        self._bill(job, files)
        for event in stream.finals(files, gen_id):
            events.put_nowait(event)

    async def _step(
        self, job: Job, order: Order, made: Sequence[Any], gen_id: int, events: asyncio.Queue[stream.Event | None]
    ) -> bool:
        """Whether every preview came."""
        left, half = iter(stream.previews(order, made, gen_id)), stream.frames(order) // 2
        while (event := await self._off_loop(lambda: next(left, None))) is not None:
            await asyncio.sleep(self.step_seconds)
            await self._gate.wait()
            events.put_nowait(event)
            if job.fails("streamerror") and event.fields["step_ix"] >= half:
                break
        if not job.fails("streamerror"):
            return True
        self._record(job, 500)
        events.put_nowait(stream.failure())
        return False

    # --- what is free ------------------------------------------------------------------------------------------------

    async def _suggest(self, request: web.Request) -> Any:
        """Answered without a token (nai-api.md 1.3, live)."""
        guard.check(request, also=PAGE)
        model, prompt = request.query.get("model"), request.query.get("prompt")
        if model not in MODELS:
            raise invalid(f"model {str(model)[:60]} doesn't exist")
        if prompt is None:
            raise invalid("prompt is required")
        wanted = suggestions.suggested_japanese if request.query.get("lang") == "jp" else suggestions.suggested
        return wanted(prompt)

    def _user_routes(self) -> Mapping[str, Callable[[AccountState], Any]]:
        priority = {"maxPriorityActions": 1_000, "nextRefillAt": 0, "taskPriority": 10}
        information = {"emailVerified": True, "emailVerificationLetterSent": True, "trialActivated": False}
        return {
            "/user/subscription": AccountState.subscription,
            "/user/priority": lambda _: priority,
            "/user/information": lambda _: information,
            "/user/data": lambda account: {
                "subscription": account.subscription(),
                "information": information,
                "priority": priority,
                "keystore": {"keystore": "", "changeIndex": 0},
                "settings": "",
            },
        }

    def _about_account(self, told: Callable[[AccountState], Any]) -> Callable[[web.Request], Awaitable[Any]]:
        async def answer(request: web.Request) -> Any:
            return told(self._account_of(request))

        return answer

    # --- what the practice room's backstage shows and sets ------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """The last calls, the account, the faults that are on, and the names of all there are."""
        calls = [
            {
                "at": call.at,
                "status": call.status,
                "billed": call.billed,
                "path": call.path,
                "model": str(call.request.get("model", call.request.get("req_type")))[:60],
                "prompt": str(call.request.get("input", call.request.get("prompt", "")))[:120],
            }
            for call in list(self.calls)[-20:]
        ]
        account = {
            "tier": self.account.tier,
            "active": self.account.active,
            "anlas": self.account.anlas,
            "usage": round(self.account.usage, 2),
        }
        return {"calls": calls, "account": account, "faults": self._faults.left, "known": sorted(FAULTS)}

    def set_faults(self, wanted: Mapping[str, Any]) -> None:
        """Fail like that from now on: name → how often, None for ever. Raises KeyError, TypeError or ValueError."""
        self._faults.left = {known_fault(str(name)): None if n is None else int(n) for name, n in wanted.items()}

    def switch_fault(self, name: str, *, on: bool) -> None:
        """Fail like that from now on, or no more; the others stay. Raises KeyError."""
        known = known_fault(name)
        self._faults.left.pop(known, None)
        if on:
            self._faults.left[known] = None

    async def _state(self, request: web.Request) -> web.Response:
        guard.check(request)
        return web.json_response(self.state())

    async def _set_faults(self, request: web.Request) -> web.Response:
        guard.check(request)
        try:
            self.set_faults(await request.json())
        except (ValueError, TypeError, AttributeError, KeyError):
            return answers.refused(ServiceError(400, "faults are an object: name → how often, or null for ever"))
        return await self._state(request)

    async def _set_account(self, request: web.Request) -> web.Response:
        guard.check(request)
        account = self.account
        try:
            wanted = await request.json()
            account.tier = int(wanted.get("tier", account.tier))
            account.active = bool(wanted.get("active", account.active))
            account.anlas = int(wanted.get("anlas", account.anlas))
            account.usage = float(wanted.get("usage", account.usage))
        except (ValueError, TypeError, AttributeError):
            error = ServiceError(400, "an account is an object with tier, active, anlas and usage")
            return answers.refused(error)
        return await self._state(request)


class _Recorded(ServiceError):
    """A failure that was paid for, and noted as such."""


def _files(order: Order, pictures: Sequence[Any], kind: str, began: float) -> tuple[bytes, ...]:
    return tuple(generation.finished(order, n, one, kind, began) for n, one in enumerate(pictures))


def _seeds(order: Order) -> list[int]:
    return [generation.seed_of(order, n) for n in range(order.samples)]


async def _emptied(first: stream.Event, events: asyncio.Queue[stream.Event | None]) -> AsyncIterator[stream.Event]:
    """The events as they come, until there are no more."""
    event: stream.Event | None = first
    while event is not None:
        yield event
        event = await events.get()


def _answered(read: Callable[[web.Request], Awaitable[Any]]) -> guard.Handler:
    """JSON of what *read* reads, or its refusal."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return web.json_response(await read(request))
        except ServiceError as error:
            return answers.refused(error)

    return answer


async def _not_here(request: web.Request) -> web.Response:
    return answers.refused(ServiceError(404, f"{request.method} {request.path[:100]} is not in the stand-in"))
