"""Waiting messages: what they say of the line, and whether they ask for a fresh token."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from bot.domain.job import JobState
from bot.services.deliveries import Deliveries, Outlook
from bot.services.guilds import Guilds
from cogs.ui import replies
from cogs.ui.turns import Turns
from cogs.ui.ways import Letter, Outcome, Ways

log = logging.getLogger(__name__)

GRACE = 0.5
"""Seconds a new job has to start before its message says that it waits."""
LOOK_EVERY = 20.0
"""Seconds between two looks for messages whose token is about to die."""

Spawn = Callable[[Awaitable[None]], None]
Said = tuple[str, bool]
"""What a waiting message said last: where its job stands, and whether it can be collected."""


class Lines:
    """Edits waiting messages when their job is next or starts, and never because somebody else's moved."""

    def __init__(self, ways: Ways, deliveries: Deliveries, guilds: Guilds, turns: Turns) -> None:
        self._ways = ways
        self._deliveries = deliveries
        self._guilds = guilds
        self._turns = turns
        self._said: dict[int, Said] = {}

    async def keep(self, spawn: Spawn) -> None:
        """Follow what changes, for ever; each message is edited in a task of its own."""
        with self._deliveries.listen() as changes:
            for job in await self._deliveries.waiting():
                spawn(self.refresh(job.id))
            loop = asyncio.get_running_loop()
            looked = loop.time()
            while True:
                if (job_id := await changes.next(within=LOOK_EVERY)) is not None:
                    spawn(self.refresh(job_id))
                    await self._refresh_next(job_id, spawn)
                if loop.time() - looked >= LOOK_EVERY:
                    looked = loop.time()
                    for job in await self._deliveries.expiring():
                        spawn(self.refresh(job.id))

    async def _refresh_next(self, job_id: int, spawn: Spawn) -> None:
        """When a job starts, the one behind it is next; nobody else's message changes."""
        waiting = await self._deliveries.waiting()
        if waiting and waiting[0].id != job_id:
            spawn(self.refresh(waiting[0].id))

    async def refresh(self, job_id: int) -> None:
        """Bring one message up to date, where that is still a waiting one."""
        if job_id not in self._said:
            await asyncio.sleep(GRACE)
        async with self._turns.of(job_id):
            outlook = await self._deliveries.outlook(job_id)
            if outlook is None:
                self.forget(job_id)
                return
            said = _standing(outlook), self._deliveries.wants_token(outlook)
            place = outlook.job.place
            if place is None or place.message_id is None or self._said.get(job_id) == said:
                return
            self._said[job_id] = said
            config = self._guilds.config(outlook.job.requester)
            text, view = replies.waiting_line(outlook, config, collects=said[1])
            outcome = await self._ways.edit(place, Letter(text=text, view=view))
            if outcome is not Outcome.SHOWN:
                log.info("waiting message of job %s: %s", job_id, outcome.name)

    def forget(self, job_id: int) -> None:
        """Its message is no waiting one any more."""
        self._said.pop(job_id, None)


def _standing(outlook: Outlook) -> str:
    if outlook.job.state is not JobState.QUEUED:
        return "drawing"
    return "queued" if outlook.ahead else "next"
