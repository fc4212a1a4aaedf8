"""
The pretend NovelAI's endpoints: who asks, what is wanted, what it costs, and in which form it is answered.

It imports nothing of the bot's own price, prompt or imaging code. Its tokens are ``pst-standin`` and ``pst-standin-…``;
its signature proves nothing. How it fails on request is in ``bot/standin/README.md``.
"""

import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

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
from bot.standin.novelai.work import Call, Files, Job, Lost, Pace, Workshop

BODY_MAX = 64 * 1024 * 1024
PAGE = "https://novelai.net"
"""Clients that imitate the browser send it as ``Origin``; the service takes it, and so does the stand-in."""

Handler = Callable[[Job], Awaitable[web.StreamResponse]]
_PRIORITY = {"maxPriorityActions": 1_000, "nextRefillAt": 0, "taskPriority": 10}
_INFORMATION = {"emailVerified": True, "emailVerificationLetterSent": True, "trialActivated": False}


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
        how long an account stays locked when its work is done; `pace` holds them.
        """
        self.accounts = Accounts()
        self.pace = Pace(slow_seconds, step_seconds, rest_seconds)
        self._workshop = Workshop(self.pace)
        self._faults = FaultBook(faults or {})

    @property
    def account(self) -> AccountState:
        """The account of ``pst-standin``."""
        return self.accounts.first

    @property
    def calls(self) -> deque[Call]:
        """The last requests for paid work, oldest first."""
        return self._workshop.calls

    def fail_next(self, fault: int | str, times: int = 1) -> None:
        """Let the next *times* requests for paid work fail in that way."""
        self._faults.left[known_fault(str(fault))] = times

    def hold(self) -> AbstractAsyncContextManager[None]:
        """Keep every answer, and every event of a stream, waiting until the block ends."""
        return self._workshop.hold()

    def add_routes(self, app: web.Application) -> None:
        """Serve the endpoints of the image host."""
        app.router.add_post("/ai/generate-image", self._paid(self._generate))
        app.router.add_post("/ai/generate-image-stream", self._paid(self._stream))
        app.router.add_post("/ai/augment-image", self._paid(self._augment))
        app.router.add_post("/ai/upscale", self._paid(self._upscale))
        app.router.add_post("/ai/encode-vibe", self._paid(self._encode))
        app.router.add_get("/ai/generate-image/suggest-tags", _answered(_suggest))
        app.router.add_get("/user/subscription", self._about_account(AccountState.subscription))
        app.router.add_get("/user/priority", self._about_account(lambda _: _PRIORITY))
        app.router.add_get("/user/information", self._about_account(lambda _: _INFORMATION))
        app.router.add_get("/user/data", self._about_account(_data))
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

    # --- paid work ---------------------------------------------------------------------------------------------------

    def _paid(self, handler: Handler) -> guard.Handler:
        """*handler* behind the token, the reading of the body, and the faults that need no work."""

        async def handled(request: web.Request) -> web.StreamResponse:
            job: Job | None = None
            try:
                account = self._account_of(request)
                body = await body_of(request)
                job = Job(request, account, body, self._fault_of(body))
                _fail_at_once(job)
                return await handler(job)
            except ServiceError as error:
                if job is not None and not isinstance(error, Lost):
                    self._workshop.record(job, error.status)
                return answers.refused(error, self.pace.retry_after)

        return handled

    def _account_of(self, request: web.Request) -> AccountState:
        guard.check(request, also=PAGE)
        return self.accounts.of(request.headers.get("Authorization"))

    def _fault_of(self, body: Mapping[str, Any]) -> Fault | None:
        parameters = body.get("parameters")
        seed = parameters.get("seed") if isinstance(parameters, dict) else None
        return self._faults.due(body.get("input", body.get("prompt")), seed)

    async def _generate(self, job: Job) -> web.StreamResponse:
        order = await self._order(job)
        files = await self._workshop.done(job, lambda: generation.draw_all(order))
        return await answers.pictures(job.http, files, generation.seeds(order), job.fault)

    async def _stream(self, job: Job) -> web.StreamResponse:
        order = await self._order(job)
        kind = str(order.wanted.get("stream", "msgpack"))
        if job.fails("html", "encoded", "gzip"):
            files = await self._workshop.done(job, lambda: generation.draw_all(order))
            return await answers.sent(job.http, files[0], stream.KINDS[kind], job.fault)
        return await stream.sent(job.http, await self._workshop.forming(job, order, kind), kind, job.fault)

    async def _order(self, job: Job) -> Order:
        """What a job is for; it then knows its price."""
        order = await self._workshop.off_loop(lambda: order_of(job.body))
        v5 = order.model.family is Family.V5
        opus = job.account.has_gift(v5=v5)
        job.price = billing.anlas(order.model.id, order.wanted, opus=opus)
        job.usage = billing.USAGE_OF_ONE if v5 and opus and billing.is_small(order.wanted) else 0.0
        return order

    async def _augment(self, job: Job) -> web.StreamResponse:
        wanted = await self._workshop.off_loop(lambda: tools.augmentation_of(job.body))
        job.price = billing.tool(wanted.name, *wanted.source.size, opus=job.account.is_opus)

        def made() -> Files:
            began = time.perf_counter()
            return tuple(tool_file(one, wanted.name, time.perf_counter() - began) for one in wanted.made())

        return await answers.archive(job.http, await self._workshop.done(job, made), job.fault)

    async def _upscale(self, job: Job) -> web.StreamResponse:
        wanted = await self._workshop.off_loop(lambda: tools.upscaling_of(job.body))
        job.price = billing.upscale(*wanted.source.size)
        files = await self._workshop.done(job, lambda: (director.upscaled(wanted.source, wanted.blur),))
        return await answers.pictures(job.http, files, (0,), job.fault)

    async def _encode(self, job: Job) -> web.StreamResponse:
        wanted = await self._workshop.off_loop(lambda: tools.encoding_of(job.body))
        job.price = billing.ENCODING
        [made] = await self._workshop.done(
            job, lambda: (director.encoding(wanted.source, wanted.model, wanted.extracted),), pictures=False
        )
        return await answers.sent(job.http, made, "application/binary", job.fault)

    # --- the account, and what the practice room's backstage shows and sets -------------------------------------------

    def _about_account(self, told: Callable[[AccountState], Any]) -> guard.Handler:
        async def read(request: web.Request) -> Any:
            return told(self._account_of(request))

        return _answered(read)

    def state(self) -> dict[str, Any]:
        """The last calls, the account, the faults that are on, and the names of all there are."""
        calls = [call.told() for call in list(self.calls)[-20:]]
        known = sorted(FAULTS)
        return {"calls": calls, "account": self.account.told(), "faults": self._faults.left, "known": known}

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
        try:
            self.account.change(await request.json())
        except (ValueError, TypeError, AttributeError):
            return answers.refused(ServiceError(400, "an account is an object with tier, active, anlas and usage"))
        return await self._state(request)


def _fail_at_once(job: Job) -> None:
    """Raises `ServiceError` for a fault that comes before any work."""
    if job.fault is not None and job.fault.status is not None:
        raise ServiceError(job.fault.status)
    if job.fails("hangup"):
        answers.hang_up(job.http)
        raise ServiceError(503)


async def _suggest(request: web.Request) -> Any:
    """Answered without a token (nai-api.md 1.3, live)."""
    guard.check(request, also=PAGE)
    model, prompt = request.query.get("model"), request.query.get("prompt")
    if model not in MODELS:
        raise invalid(f"model {str(model)[:60]} doesn't exist")
    if prompt is None:
        raise invalid("prompt is required")
    wanted = suggestions.suggested_japanese if request.query.get("lang") == "jp" else suggestions.suggested
    return wanted(prompt)


def _data(account: AccountState) -> dict[str, Any]:
    """``/user/data``."""
    return {
        "subscription": account.subscription(),
        "information": _INFORMATION,
        "priority": _PRIORITY,
        "keystore": {"keystore": "", "changeIndex": 0},
        "settings": "",
    }


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
