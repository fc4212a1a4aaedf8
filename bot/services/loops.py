"""Keeps background work alive: a loop that fails is logged and goes on after a pause."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

PAUSE = 2.0


async def keep_alive(name: str, work: Callable[[], Awaitable[None]], pause: float = PAUSE) -> None:
    """Run *work* to its end; after a failure once more, *pause* seconds later."""
    while True:
        try:
            return await work()
        except Exception:
            log.exception("%s failed, going on in %.0f s", name, pause)
            await asyncio.sleep(pause)


async def every(seconds: float, name: str, work: Callable[[], Awaitable[object]]) -> None:
    """Do *work* every *seconds* until cancelled; a failure is logged and the next time comes."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("%s failed", name)
        await asyncio.sleep(seconds)
