"""Waiting messages: what they say of the line and of the drawing, and whether they ask for a fresh token."""

import asyncio
import heapq
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from bot.domain.job import JobState
from bot.reach import within
from bot.services.deliveries import Deliveries, Outlook
from bot.services.guilds import Guilds
from cogs.ui import replies
from cogs.ui.packing import forming
from cogs.ui.turns import Turns
from cogs.ui.ways import EDIT_TIME, Letter, Outcome, Ways

log = logging.getLogger(__name__)

GRACE = 0.5
"""Seconds a new job has to start before its message says that it waits."""
BEGUN = 3.0
"""Seconds more for a picture that is drawn already: so long Discord's own "thinking…" says as much."""
LOOK_EVERY = 15.0
"""Seconds between two looks for starts that slipped and for tokens that are about to die."""
LOOK_AT = 200
"""Waiting messages whose start is looked at again, every so many seconds."""
SLIP = 60.0
"""Seconds by which a start may slip before its message says so."""
PASSED = 30.0
"""Seconds after which a message no longer names a start that has passed."""

Spawn = Callable[[Awaitable[None]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a waiting message said last: how its job *stands*, its start, and whether it can be collected."""

    stands: str
    starts_at: float
    collects: bool

    @property
    def is_in_line(self) -> bool:
        """Whether it names a start, which may slip."""
        return self.stands in ("queued", "next") or self.stands.startswith("paused")

    def is_news_after(self, before: "Said | None", now: float) -> bool:
        """Whether the message must be edited; never because somebody else's job moved."""
        if before is None or (before.stands, before.collects) != (self.stands, self.collects):
            return True
        if not self.is_in_line:
            return False
        return self.starts_at - before.starts_at > SLIP or before.starts_at + PASSED < now


class Lines:
    """Edits waiting messages when their job is next, starts, goes on, pauses or slips."""

    def __init__(self, ways: Ways, deliveries: Deliveries, guilds: Guilds, turns: Turns) -> None:
        self._ways = ways
        self._deliveries = deliveries
        self._guilds = guilds
        self._turns = turns
        self._said: dict[int, Said] = {}
        self._due: set[int] = set()
        """Jobs whose message is about to be looked at, so that one look answers many rings."""

    async def keep(self, spawn: Spawn) -> None:
        """Follow what changes, for ever; each message is edited in a task of its own."""
        with self._deliveries.listen() as changes:
            for job in (*await self._deliveries.waiting(), *await self._deliveries.undecided()):
                spawn(self.refresh(job.id))
            looked = time.monotonic()
            while True:
                if (job_id := await changes.next(within=LOOK_EVERY)) is not None:
                    spawn(self._follow(job_id, spawn))
                if time.monotonic() - looked >= LOOK_EVERY:
                    looked = time.monotonic()
                    spawn(self._refresh_late())
                    for job in await self._deliveries.expiring():
                        spawn(self.refresh(job.id))

    async def _refresh_late(self) -> None:
        """Look at the messages whose start was to come soonest: one of them may have slipped."""
        for job_id in soonest(self._said, LOOK_AT):
            await self.refresh(job_id)

    async def _follow(self, job_id: int, spawn: Spawn) -> None:
        if job_id not in self._due:
            await self.refresh(job_id)
            if self._said.keys() - {job_id}:
                await self._refresh_next(job_id, spawn)

    async def _refresh_next(self, job_id: int, spawn: Spawn) -> None:
        """When a job starts, the one behind it is next; nobody else's message changes."""
        waiting = await self._deliveries.waiting(most=1)
        if waiting and waiting[0].id != job_id:
            spawn(self.refresh(waiting[0].id))

    async def refresh(self, job_id: int) -> None:
        """Bring one message up to date, where that is still a waiting one."""
        self._due.add(job_id)
        try:
            is_new = job_id not in self._said
            if is_new:
                await asyncio.sleep(GRACE)
            if await self._look(job_id, waits=is_new):
                await asyncio.sleep(BEGUN)
                await self._look(job_id, waits=False)
        finally:
            self._due.discard(job_id)

    async def _look(self, job_id: int, *, waits: bool) -> bool:
        """Write what there is to say; whether that *waits*, because the picture may come first."""
        with suppress(TimeoutError):
            # From before it is looked up: what it says may not be true any more when a stopped process wakes.
            async with within(EDIT_TIME), self._turns.of(job_id):
                # What changes from here on is for another look.
                self._due.discard(job_id)
                return await self._write(job_id, waits=waits)
        return False

    async def _write(self, job_id: int, *, waits: bool) -> bool:
        outlook = await self._deliveries.outlook(job_id)
        if outlook is None:
            self.forget(job_id)
            return False
        if waits and job_id not in self._said and _has_just_begun(outlook):
            return True
        said = Said(
            stands=_standing(outlook), starts_at=outlook.starts_at, collects=self._deliveries.wants_token(outlook)
        )
        place = outlook.job.place
        if place is None or place.message_id is None or not said.is_news_after(self._said.get(job_id), time.time()):
            return False
        async with self._deliveries.editing(outlook.job) as is_ours:
            if is_ours:
                self._said[job_id] = said
                outcome = await self._ways.edit(place, self._letter(outlook, said))
                if outcome is not Outcome.SHOWN:
                    log.info("waiting message of job %s: %s", job_id, outcome.name)
        return False

    def _letter(self, outlook: Outlook, said: Said) -> Letter:
        config = self._guilds.config(outlook.job.requester)
        text, view = replies.waiting_line(outlook, config, collects=said.collects)
        picture = outlook.preview.picture if outlook.preview is not None else None
        return Letter(text=text, view=view, files=[forming(picture)] if picture is not None else ())

    def forget(self, job_id: int) -> None:
        """Its message is no waiting one any more."""
        self._said.pop(job_id, None)


def soonest(said: Mapping[int, Said], most: int) -> list[int]:
    """Of messages that name a start, those whose start comes soonest; nothing else can slip."""
    in_line = [job_id for job_id, each in said.items() if each.is_in_line]
    return heapq.nsmallest(most, in_line, key=lambda job_id: said[job_id].starts_at)


def _has_just_begun(outlook: Outlook) -> bool:
    state = outlook.job.state
    is_drawn = state is not JobState.QUEUED and not state.is_undecided
    return is_drawn and outlook.preview is None and outlook.pause is None


def _standing(outlook: Outlook) -> str:
    if outlook.job.state.is_undecided:
        return outlook.job.state.lower()
    if outlook.pause is not None:
        return f"paused {outlook.pause}"
    if outlook.job.state is not JobState.QUEUED:
        return f"drawing {outlook.preview.step if outlook.preview is not None else 0}"
    return "queued" if outlook.ahead else "next"
