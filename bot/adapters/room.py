"""Shows the practice room what goes on inside the bot; with a real Discord it does not exist."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import aiohttp

EVERY = 0.1
"""Seconds between looks; what did not change is not sent again."""
AT_LEAST = 5.0
"""Seconds after which it is sent all the same, for a stand-in that was started anew."""
DEADLINE = aiohttp.ClientTimeout(total=5)


class Room:
    """POSTs *snapshot* to *url* at each change, at most ten times a second."""

    def __init__(self, url: str, snapshot: Callable[[], Awaitable[dict[str, object]]]) -> None:
        self._url = url
        self._snapshot = snapshot

    async def run(self) -> None:
        """Look and send until cancelled; a room that is away is sent the next look."""
        last, sent_at = "", 0.0
        async with aiohttp.ClientSession(timeout=DEADLINE, trust_env=False) as session:
            try:
                while True:
                    current = json.dumps(await self._snapshot())
                    if current != last or time.monotonic() - sent_at > AT_LEAST:
                        with suppress(aiohttp.ClientError, TimeoutError):
                            await self._send(session, current)
                            last, sent_at = current, time.monotonic()
                    await asyncio.sleep(EVERY)
            except asyncio.CancelledError:
                # What was finished last is waited for by somebody.
                with suppress(aiohttp.ClientError, TimeoutError):
                    await self._send(session, json.dumps(await self._snapshot()))
                raise

    async def _send(self, session: aiohttp.ClientSession, snapshot: str) -> None:
        """*seq* grows over restarts of the bot too, so that the newest snapshot is known."""
        body = {"seq": time.time_ns() // 1_000_000, **json.loads(snapshot)}
        async with session.post(self._url, json=body) as response:
            response.raise_for_status()
