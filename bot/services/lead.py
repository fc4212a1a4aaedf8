"""What only one of several processes does at a time: a log is told by one, and Discord is met one after the other."""

import asyncio
import logging
from itertools import count

from bot.domain.errors import StoreError
from bot.ports import Clock, GuildStore

log = logging.getLogger(__name__)

TERM = 30.0
"""Seconds for which a process leads; after its death another follows."""
IDENTIFY_GAP = 5.25
"""Seconds. Discord takes one identify in 5 s of each bucket (discord.md 4); the rest is for clocks and the wire."""
LOOK = 0.25


class Lead:
    """Leases of tasks, in the database that the processes share; a process that is alone has them all."""

    def __init__(self, store: GuildStore, holder: str, clock: Clock, *, is_alone: bool) -> None:
        self._store = store
        self._holder = holder
        self._clock = clock
        self._is_alone = is_alone
        self._numbers = count(1)

    @property
    def counts(self) -> bool:
        """Whether there may be other processes."""
        return not self._is_alone

    async def has(self, task: str) -> bool:
        """Whether this process does *task* now; it may go on doing so for half a minute."""
        if self._is_alone:
            return True
        now = self._clock()
        return await self._store.lead(task, self._holder, now, now + TERM)

    async def identify(self, bucket: int) -> None:
        """Wait until this process may identify; nobody else does in the next five seconds."""
        # Each call is a holder of its own, so that a process does not go before its own last one either.
        caller = f"{self._holder}/{next(self._numbers)}"
        while not await self._may_identify(bucket, caller):  # noqa: ASYNC110 - no event comes from another process
            await asyncio.sleep(LOOK)

    async def _may_identify(self, bucket: int, caller: str) -> bool:
        now = self._clock()
        try:
            return await self._store.lead(f"identify.{bucket}", caller, now, now + IDENTIFY_GAP)
        except StoreError:
            log.exception("waiting for the database before Discord is met")
            return False
