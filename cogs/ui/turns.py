"""Whose turn it is to write a job's message: one writer at a time in this process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """A lock for each job; it goes with its last user."""

    def __init__(self) -> None:
        self._locks: dict[int, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def of(self, job_id: int) -> AsyncIterator[None]:
        """Have the job's message to oneself."""
        lock, users = self._locks.get(job_id, (asyncio.Lock(), 0))
        self._locks[job_id] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._locks.pop(job_id)
            if users > 1:
                self._locks[job_id] = (lock, users - 1)
