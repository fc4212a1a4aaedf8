"""Pictures while they are made: the latest step of each job, in memory, lossy, and no more often than every 2 s."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from bot.domain.request import Preview
from bot.services.bell import Bell
from bot.services.darkroom import Darkroom

EVERY = 2.0
"""Seconds between two offers of one job."""
AT_ONCE = 2
"""Previews that wait for the darkroom; more would keep it from strangers' images, so their steps go without picture."""


class Previews:
    """The latest `Preview` of each job that is drawn; its picture is a small WebP, or None where none is shown."""

    def __init__(self, darkroom: Darkroom, bell: Bell, *, every: float = EVERY) -> None:
        self._darkroom = darkroom
        self._bell = bell
        self._every = every
        self._latest: dict[int, Preview] = {}
        self._developing: set[asyncio.Task[None]] = set()

    def latest(self, job_id: int) -> Preview | None:
        """How far a job is; None before its first step and after its end."""
        return self._latest.get(job_id)

    @contextmanager
    def of(self, job_id: int, *, shows: bool) -> Iterator[Callable[[Preview], None]]:
        """
        What takes the previews of a job as they come from the service, for as long as the block lasts.

        It neither waits nor raises. Without *shows* their pictures are dropped, and step and bar are all that is told.
        """
        making = _Making(self, job_id, shows)
        try:
            yield making.take
        finally:
            making.end()

    def offer(self, job_id: int, preview: Preview) -> None:
        """Make this the latest one."""
        self._latest[job_id] = preview
        self._bell.ring(job_id, to_show=False)

    def forget(self, job_id: int) -> None:
        """The job is drawn, or will not be."""
        self._latest.pop(job_id, None)

    def develop(self, job_id: int, preview: Preview) -> asyncio.Task[None] | None:
        """Offer *preview* once it is a small WebP, or never if it cannot be one; None while the darkroom is busy."""
        if len(self._developing) >= AT_ONCE or preview.picture is None:
            return None
        task = asyncio.create_task(self._develop(job_id, preview, preview.picture), name=f"preview-{job_id}")
        self._developing.add(task)
        task.add_done_callback(self._developing.discard)
        return task

    async def _develop(self, job_id: int, preview: Preview, picture: bytes) -> None:
        small = await self._darkroom.shrink(picture)
        if small is not None:
            self.offer(job_id, replace(preview, picture=small))

    @property
    def every(self) -> float:
        """Seconds between two offers of one job."""
        return self._every


class _Making:
    """One job's previews."""

    def __init__(self, previews: Previews, job_id: int, shows: bool) -> None:
        self._previews = previews
        self._job_id = job_id
        self._shows = shows
        self._next = 0.0
        self._task: asyncio.Task[None] | None = None

    def take(self, preview: Preview) -> None:
        """One preview as it came."""
        if time.monotonic() < self._next or (self._task is not None and not self._task.done()):
            return
        self._next = time.monotonic() + self._previews.every
        if self._shows and preview.picture is not None:
            self._task = self._previews.develop(self._job_id, preview)
            if self._task is not None:
                return
        self._previews.offer(self._job_id, replace(preview, picture=None))

    def end(self) -> None:
        """Nothing of it is offered any more."""
        if self._task is not None:
            self._task.cancel()
        self._previews.forget(self._job_id)
