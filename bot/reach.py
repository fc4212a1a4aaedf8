"""How discord.py reaches Discord for interactions: with deadlines, and past a connection that was dropped."""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from typing import Any

import aiohttp
import discord
from discord.http import Route
from discord.webhook.async_ import AsyncWebhookAdapter, async_context

log = logging.getLogger(__name__)

CALL_TIME = 20.0
UPLOAD_TIME = 120.0
"""Seconds for one call; discord.py has none of its own (discord.md 1)."""
_REPEATABLE = ("GET", "PATCH", "DELETE")
_ANSWERED_ALREADY = 40060
_UNKNOWN_MESSAGE = 10008
_LIBRARY_PAUSE = 1.0
"""Seconds discord.py waits, at least, before it repeats a call that Discord failed."""

_until: ContextVar[float] = ContextVar("until", default=math.inf)


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """
    Everything in the block within *seconds*, or `TimeoutError`; nothing is said to Discord later than that.

    asyncio's own deadline does not hold for a process that was stopped: it wakes in the middle of a step, and sends
    before the loop looks at the time, what somebody else may have said meanwhile.
    """
    kept = _until.set(min(_until.get(), time.monotonic() + seconds))
    try:
        async with asyncio.timeout(seconds):
            yield
    finally:
        _until.reset(kept)


def punctual() -> aiohttp.TraceConfig:
    """For a session that keeps to `within`: asked before a connection is sought, and again when there is one."""

    async def check(*_: object) -> None:
        if time.monotonic() > _until.get():
            raise TimeoutError

    trace = aiohttp.TraceConfig()
    for moment in (trace.on_request_start, trace.on_connection_create_end, trace.on_connection_reuseconn):
        moment.append(check)
    return trace


class Adapter(AsyncWebhookAdapter):
    """
    discord.py's way to Discord for answers to interactions.

    A dropped connection is tried once more where that cannot say anything twice. The first answer to an interaction
    is such a call: Discord takes one, and refuses the second with 40060, which then means that the first arrived.
    *application_id* gives the id once it is known.
    """

    def __init__(self, application_id: Callable[[], int | None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._application_id = application_id

    async def request(self, route: Route, session: aiohttp.ClientSession, **options: Any) -> Any:
        """One call. Raises what discord.py raises, and `TimeoutError`."""
        started, is_again = time.monotonic(), False
        async with asyncio.timeout(UPLOAD_TIME if options.get("multipart") else CALL_TIME):
            while True:
                try:
                    return await super().request(route, session, **options)
                except aiohttp.ClientConnectionError:
                    if is_again or not _is_repeatable(route):
                        raise
                except discord.HTTPException as error:
                    is_repeated = is_again or time.monotonic() - started > _LIBRARY_PAUSE
                    if is_repeated and _is_callback(route) and error.code == _ANSWERED_ALREADY:
                        return await self._callback_answer(route, session)
                    if route.method == "DELETE" and error.code == _UNKNOWN_MESSAGE:
                        # Gone already, perhaps by this very call: aiohttp repeats some by itself.
                        return None
                    raise
                log.info("a connection to Discord was dropped, trying once more")
                is_again = True
                for file in options.get("files") or ():
                    file.reset()

    async def _callback_answer(self, route: Route, session: aiohttp.ClientSession) -> dict[str, Any]:
        """What Discord would have answered to a callback that it took and whose answer was lost."""
        interaction: dict[str, Any] = {"id": str(route.webhook_id), "type": 2}
        path = "/webhooks/{webhook_id}/{webhook_token}/messages/@original"
        original = Route("GET", path, webhook_id=self._application_id(), webhook_token=route.webhook_token)
        with suppress(discord.NotFound):
            interaction["response_message_id"] = (await super().request(original, session))["id"]
        return {"interaction": interaction}


def _is_callback(route: Route) -> bool:
    return route.path.endswith("/callback")


def _is_repeatable(route: Route) -> bool:
    return route.method in _REPEATABLE or _is_callback(route)


def reach_carefully(application_id: Callable[[], int | None]) -> None:
    """Use `Adapter` in this task and in all that are started from it."""
    async_context.set(Adapter(application_id))
