"""Tells whoever listens in this process that a job changed; lossy on purpose, because the database has the truth."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

_UNHEARD = 1_000


class Listener:
    """One listener's unread job ids, the oldest forgotten first."""

    def __init__(self, *, to_show: bool = False) -> None:
        self._jobs: asyncio.Queue[int] = asyncio.Queue(_UNHEARD)
        self.to_show = to_show

    def put(self, job_id: int) -> None:
        """Note a change; never blocks and never fails."""
        if self._jobs.full():
            self._jobs.get_nowait()
        self._jobs.put_nowait(job_id)

    async def next(self, within: float) -> int | None:
        """The next changed job, or None after *within* seconds."""
        try:
            async with asyncio.timeout(within):
                return await self._jobs.get()
        except TimeoutError:
            return None

    def drain(self) -> None:
        """Forget what was not read."""
        while not self._jobs.empty():
            self._jobs.get_nowait()


class Bell:
    """Rung with a job's id at each change."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def ring(self, job_id: int, *, to_show: bool = True) -> None:
        """Tell every listener; *to_show* is whether it may have an end now that is to be shown."""
        for listener in self._listeners:
            if to_show or not listener.to_show:
                listener.put(job_id)

    @contextmanager
    def listen(self, *, to_show: bool = False) -> Iterator[Listener]:
        """Hear every ring from now on, or only of ends *to_show*."""
        listener = Listener(to_show=to_show)
        self._listeners.append(listener)
        try:
            yield listener
        finally:
            self._listeners.remove(listener)
