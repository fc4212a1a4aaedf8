"""Shows what became of a job where it was asked for, until it is shown or waits in the inbox."""

import asyncio
import logging
import time
from collections.abc import Awaitable
from dataclasses import replace

from discord.ext import commands

from bot import wording
from bot.client import Naibot
from bot.domain.errors import StoreError
from bot.domain.job import JobState
from bot.reach import within
from bot.services.darkroom import Darkroom
from bot.services.deliveries import Deliveries, Parcel
from bot.services.guilds import Guilds
from bot.services.loops import keep_alive
from bot.services.studio import Studio
from cogs.ui.asides import Asides
from cogs.ui.farewell import Farewell
from cogs.ui.ladder import Ladder
from cogs.ui.lines import Lines
from cogs.ui.packing import Packer
from cogs.ui.turns import Turns
from cogs.ui.ways import Letter, Ways

log = logging.getLogger(__name__)

DELIVERY_TIME = 50.0
"""Seconds after which a parcel is shown no more, less than its lease: another process may be showing it."""
AT_ONCE = 4
"""Deliveries under way at the same time."""
UNPLACED = 60.0
"""Seconds after which a job without a message gets one of its own."""
PUT_BACK_TRIES, PUT_BACK_PAUSE = 50, 1.0
"""While the database is away: about as long as the lease lives."""


class Courier(commands.Cog):
    """Edits waiting messages, and turns them into results. The only writer of a job's message."""

    def __init__(
        self, client: Naibot, deliveries: Deliveries, guilds: Guilds, studio: Studio, darkroom: Darkroom
    ) -> None:
        self._client = client
        self._deliveries = deliveries
        self._turns = Turns()
        self._ways = Ways(client, deliveries)
        self._lines = Lines(self._ways, deliveries, guilds, self._turns)
        self._farewell = Farewell(self._ways, deliveries)
        asides = Asides(self._ways, deliveries, guilds, studio, lambda: client.mentions)
        self._ladder = Ladder(client, self._ways, Packer(darkroom, client), asides, deliveries, guilds)
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    async def cog_load(self) -> None:
        """Start looking for work."""
        self._spawn(keep_alive("courier", self._deliver_all))
        self._spawn(keep_alive("waiting messages", self._keep_lines))

    async def cog_unload(self) -> None:
        """Stop; whatever was not shown is PENDING in the database."""
        for task in self._tasks:
            task.cancel()

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep_lines(self) -> None:
        await self._client.wait_until_ready()
        await self._lines.keep(self._spawn)

    async def _deliver_all(self) -> None:
        await self._client.wait_until_ready()
        with self._deliveries.listen(to_show=True) as changes:
            while True:
                changes.drain()
                await self._slots.acquire()
                began = time.monotonic()
                parcel = await self._next_parcel()
                if parcel is None:
                    await changes.next(within=1.0)
                else:
                    self._spawn(self._deliver(parcel, began))

    async def _next_parcel(self) -> Parcel | None:
        """The next parcel with a slot taken for it; the slot goes back where there is none."""
        parcel = None
        try:
            parcel = await self._deliveries.next()
        finally:
            if parcel is None:
                self._slots.release()
        return parcel

    async def _deliver(self, parcel: Parcel, began: float) -> None:
        """Show it while the parcel, taken at *began* (`time.monotonic`), is surely nobody else's."""
        job = parcel.job
        try:
            async with within(began + DELIVERY_TIME - time.monotonic()), self._turns.of(job.id):
                self._lines.forget(job.id)
                await self._show(parcel)
        except Exception:
            log.exception("delivery of job %s failed", job.id)
            await self._put_back(parcel)
        finally:
            self._slots.release()

    async def _put_back(self, parcel: Parcel) -> None:
        """It is tried again later; a database that is away is waited for as long as the lease lives."""
        for _ in range(PUT_BACK_TRIES):
            try:
                await self._deliveries.later(parcel.job)
            except StoreError:
                await asyncio.sleep(PUT_BACK_PAUSE)
            else:
                return

    async def _show(self, parcel: Parcel) -> None:
        job, place = parcel.job, parcel.job.place
        if place is not None and place.message_id is None:
            if self._deliveries.seconds_since(job.admitted_at) < UNPLACED:
                return await self._deliveries.soon(job)
            parcel = replace(parcel, job=replace(job, place=await self._ways.with_stray(job, place)))
            job, place = parcel.job, parcel.job.place
        if job.state in (JobState.BLOCKED, JobState.CANCELLED):
            await self._farewell.take_away(parcel)
        elif job.state is JobState.DONE and not parcel.pictures:
            # Nobody can show it any more, so nobody pays for it.
            await self._deliveries.lapse(job)
            if place is not None:
                await self._ways.edit(place, Letter(text=wording.UNDELIVERED))
        else:
            await self._ladder.show(parcel)


async def setup(client: Naibot) -> None:
    """Add the cog."""
    services = client.services
    courier = Courier(client, services.deliveries, services.guilds, services.studio, services.darkroom)
    await client.add_cog(courier)
