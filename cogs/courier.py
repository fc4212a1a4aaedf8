"""Shows what became of a job where it was asked for, until it is shown."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from enum import Enum, auto
from typing import Any

import aiohttp
import discord
from discord import ui
from discord.ext import commands

from bot import wording
from bot.client import Naibot
from bot.domain.job import Job, JobState
from bot.domain.request import Generate, Place
from bot.reach import within
from bot.services.deliveries import Deliveries, Parcel
from bot.services.guilds import Guilds
from bot.services.loops import keep_alive
from bot.services.studio import Studio
from cogs.ui import replies

log = logging.getLogger(__name__)

AT_ONCE = 4
"""Deliveries under way at the same time."""
GRACE = 0.5
"""Seconds a new job has to start before its message says that it waits."""
EDIT_TIME = 15.0
UPLOAD_TIME = 45.0
"""Seconds, less than a delivery's lease; discord.py has no deadlines of its own."""
DELIVERY_TIME = 50.0
"""Seconds after which a parcel is shown no more, less than its lease: another process may be showing it."""
UNPLACED = 60.0
"""Seconds after which a job without a message gets one of its own."""
LOOK_BACK = 50
OWN_WISH = "cancelled"
"""The reason of an end that its member wished for."""


class Outcome(Enum):
    """How an attempt to show something ended."""

    SHOWN = auto()
    GONE = auto()
    FORBIDDEN = auto()
    TOO_LARGE = auto()
    TOKEN_DEAD = auto()
    LATER = auto()


_GONE = {10003, 10004, 10008, 50007}
_FORBIDDEN = {50001, 50013}
_TOKEN_DEAD = {10015, 50027, 10062}
_TOO_LARGE = 40005


def outcome_of(error: BaseException) -> Outcome:
    """What a failure of Discord's means for a delivery; everything unknown is worth another try."""
    match error:
        case discord.HTTPException(code=code) if code in _TOKEN_DEAD:
            return Outcome.TOKEN_DEAD
        case discord.HTTPException(code=code) if code in _GONE:
            return Outcome.GONE
        case discord.HTTPException(code=code) if code in _FORBIDDEN:
            return Outcome.FORBIDDEN
        case discord.HTTPException(code=code, status=status) if code == _TOO_LARGE or status == 413:
            return Outcome.TOO_LARGE
        case _:
            return Outcome.LATER


class Courier(commands.Cog):
    """Edits waiting messages, and turns them into results. The only writer of a job's message."""

    def __init__(self, client: Naibot, deliveries: Deliveries, guilds: Guilds, studio: Studio) -> None:
        self._client = client
        self._studio = studio
        self._deliveries = deliveries
        self._guilds = guilds
        self._locks: dict[int, tuple[asyncio.Lock, int]] = {}
        self._last_line: dict[int, str] = {}
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

    # --- waiting messages --------------------------------------------------------------------------------------------

    async def _keep_lines(self) -> None:
        await self._client.wait_until_ready()
        with self._deliveries.listen() as changes:
            for job in await self._deliveries.waiting():
                self._spawn(self._refresh_line(job.id))
            while True:
                if (job_id := await changes.next(within=60.0)) is not None:
                    self._spawn(self._refresh_line(job_id))
                    await self._refresh_next(job_id)

    async def _refresh_next(self, job_id: int) -> None:
        """When a job starts, the one behind it is next; nobody else's message changes."""
        waiting = await self._deliveries.waiting()
        if waiting and waiting[0].id != job_id:
            self._spawn(self._refresh_line(waiting[0].id))

    async def _refresh_line(self, job_id: int) -> None:
        if job_id not in self._last_line:
            await asyncio.sleep(GRACE)
        with suppress(TimeoutError):
            # From before it is looked up: what it says may not be true any more when a stopped process wakes.
            async with within(EDIT_TIME), self._lock(job_id):
                await self._write_line(job_id)

    async def _write_line(self, job_id: int) -> None:
        outlook = await self._deliveries.outlook(job_id)
        if outlook is None:
            self._last_line.pop(job_id, None)
            return
        kind = "drawing" if outlook.job.state is not JobState.QUEUED else "next" if not outlook.ahead else "queued"
        place = outlook.job.place
        if place is None or place.message_id is None or self._last_line.get(job_id) == kind:
            return
        self._last_line[job_id] = kind
        text, view = replies.waiting_line(outlook, self._guilds.config(outlook.job.requester))
        outcome = await self._edit(place, text, view, [], EDIT_TIME)
        if outcome is not Outcome.SHOWN:
            log.info("waiting message of job %s: %s", job_id, outcome.name)

    # --- results -----------------------------------------------------------------------------------------------------

    async def _deliver_all(self) -> None:
        await self._client.wait_until_ready()
        with self._deliveries.listen() as changes:
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
            async with within(began + DELIVERY_TIME - time.monotonic()), self._lock(job.id):
                self._last_line.pop(job.id, None)
                await self._show(parcel)
        except Exception:
            log.exception("delivery of job %s failed", job.id)
            await self._deliveries.later(job)
        finally:
            self._slots.release()

    async def _show(self, parcel: Parcel) -> None:
        job, place = parcel.job, parcel.job.place
        if place is None:
            return await self._deliveries.lapse(job)
        if place.message_id is None and time.time() - job.admitted_at < UNPLACED:
            return await self._postpone(job)
        place = await self._with_stray(job, place)
        if job.state in (JobState.BLOCKED, JobState.CANCELLED):
            return await self._take_away(job, place)
        text, view = self._content(parcel)
        if any(len(picture.data) > place.file_limit for picture in parcel.pictures):
            return await self._give_up(job, place, Outcome.TOO_LARGE)
        outcome = Outcome.GONE
        if place.message_id is not None:
            outcome = await self._edit(place, text, view, self._files(parcel), UPLOAD_TIME)
        if outcome is Outcome.SHOWN:
            await self._hint(job, place)
            return await self._deliveries.shown(job, place.message_id)
        if outcome is Outcome.LATER:
            return await self._postpone(job)
        if outcome is Outcome.GONE and not place.ephemeral:
            return await self._post(parcel, place, text, view)
        return await self._give_up(job, place, outcome)

    async def _hint(self, job: Job, place: Place) -> None:
        """
        What a member should know of their own prompt, said to them alone.

        Not before the picture: a follow-up that came first would become the public waiting message itself.
        """
        hook = self._hook(place)
        if hook is None or not isinstance(job.request, Generate) or job.state is not JobState.DONE:
            return
        tokens = await self._studio.count_tokens(job.request)
        is_first = await self._studio.is_first(job)
        days = self._guilds.house.retention_days if is_first else None
        if text := replies.hints(job.request, tokens, first_kept_days=days):
            await self._attempt(lambda: hook.send(text, ephemeral=True), EDIT_TIME)

    def _content(self, parcel: Parcel) -> tuple[str, ui.View]:
        job = parcel.job
        config = self._guilds.config(job.requester)
        if job.state is JobState.DONE and parcel.pictures:
            return replies.done_text(parcel, config), replies.done_row(job.id)
        return replies.failed_text(job), replies.failed_row(job.id)

    @staticmethod
    def _files(parcel: Parcel) -> list[discord.File]:
        return replies.picture_files(parcel.job, parcel.pictures)

    async def _post(self, parcel: Parcel, place: Place, text: str, view: ui.View) -> None:
        """A new message where the old one is gone; its nonce is noted first, and after a gap it is looked for."""
        job = parcel.job
        channel = self._client.get_partial_messageable(place.channel_id)
        nonce = f"{job.id}-0"
        sent: discord.Message | None = None

        async def post() -> None:
            nonlocal sent
            if not await self._deliveries.note_nonce(job, nonce):
                sent = await self._find_posted(channel, job)
            sent = sent or await channel.send(text, view=view, files=self._files(parcel), nonce=nonce)

        outcome = await self._attempt(post, UPLOAD_TIME)
        if outcome is Outcome.SHOWN:
            await self._deliveries.shown(job, sent.id if sent else None)
        elif outcome is Outcome.LATER:
            await self._postpone(job)
        else:
            await self._give_up(job, place, outcome)

    async def _with_stray(self, job: Job, place: Place) -> Place:
        """
        *place* with the waiting message that was posted, and lost with the process that posted it before it was noted.

        Found by its interaction, which a follow-up names too.
        """
        if place.message_id is not None or place.ephemeral:
            return place
        channel = self._client.get_partial_messageable(place.channel_id)
        found: list[int] = []

        async def look() -> None:
            async for message in channel.history(limit=LOOK_BACK):
                about = message.interaction_metadata
                if about is not None and about.id == job.interaction and message.content == wording.STARTING:
                    found.append(message.id)

        await self._attempt(look, EDIT_TIME)
        return replace(place, message_id=next(iter(found), None))

    async def _find_posted(self, channel: discord.PartialMessageable, job: Job) -> discord.Message | None:
        async for message in channel.history(limit=LOOK_BACK):
            names = [attachment.filename.removeprefix("SPOILER_") for attachment in message.attachments]
            if message.author == self._client.user and any(name.startswith(f"{job.id}-") for name in names):
                return message
        return None

    async def _take_away(self, job: Job, place: Place) -> None:
        """The waiting message goes. What the member did not do themselves they are told alone, or else in its place."""
        told = None if job.reason == OWN_WISH else replies.failed_text(job)
        hook = self._hook(place)
        if told is not None and (hook is None or place.ephemeral):
            outcome = await self._edit(place, told, None, [], EDIT_TIME)
        else:
            outcome = await self._attempt(lambda: self._remove(job, hook, place, told), EDIT_TIME)
        if outcome is Outcome.TOKEN_DEAD and told is None:
            outcome = await self._attempt(lambda: self._remove(job, None, place, None), EDIT_TIME)
        if outcome is Outcome.LATER:
            return await self._postpone(job)
        return await self._deliveries.shown(job, None if told is None else place.message_id)

    async def _remove(self, job: Job, hook: discord.Webhook | None, place: Place, told: str | None) -> None:
        """Delete the message of *place* after what is *told*, once; somebody may have deleted it before."""
        message_id = place.message_id
        if hook is None:
            if message_id is not None and not place.ephemeral:
                channel = self._client.get_partial_messageable(place.channel_id)
                await channel.get_partial_message(message_id).delete()
            return
        if told is not None and await self._deliveries.note_nonce(job, f"{job.id}-told"):
            if message_id is not None:
                # It may still be a "thinking…", which what is told would fill in public.
                with suppress(discord.NotFound):
                    await hook.edit_message(message_id, content="…", view=None)
            await hook.send(told, ephemeral=True)
        if message_id is not None:
            await hook.delete_message(message_id)

    async def _give_up(self, job: Job, place: Place, outcome: Outcome) -> None:
        """It cannot be shown here: the charge goes back, and the waiting message says so if it still can."""
        log.warning("job %s could not be shown: %s", job.id, outcome.name)
        await self._deliveries.lapse(job)
        key = "undelivered.large" if outcome is Outcome.TOO_LARGE else "undelivered"
        await self._edit(place, wording.say(key), None, [], EDIT_TIME)

    async def _postpone(self, job: Job) -> None:
        await self._deliveries.later(job)

    # --- Discord -----------------------------------------------------------------------------------------------------

    def _hook(self, place: Place) -> discord.Webhook | None:
        """The interaction's own way to its messages, while its token lives."""
        if place.token is None or place.token_expires <= time.time() or self._client.application_id is None:
            return None
        # As discord.py makes an interaction's own follow-up webhook; a partial one may not send ephemerally.
        data: Any = {"id": self._client.application_id, "type": 3, "token": place.token}
        return discord.Webhook.from_state(data, state=self._client._connection)

    async def _edit(
        self, place: Place, text: str, view: ui.View | None, files: list[discord.File], deadline: float
    ) -> Outcome:
        """Edit the message of *place*: by its token while that lives, then through the channel."""
        if place.message_id is None:
            return Outcome.GONE
        message_id, outcome = place.message_id, Outcome.TOKEN_DEAD
        hook = self._hook(place)
        if hook is not None:

            async def by_token() -> None:
                await hook.edit_message(message_id, content=text, view=view, attachments=files)

            outcome = await self._attempt(by_token, deadline)
        if outcome is not Outcome.TOKEN_DEAD or place.ephemeral:
            return outcome
        channel = self._client.get_partial_messageable(place.channel_id)

        async def by_channel() -> None:
            for file in files:
                file.reset()
            await channel.get_partial_message(message_id).edit(content=text, view=view, attachments=files)

        return await self._attempt(by_channel, deadline)

    async def _attempt(self, act: Callable[[], Awaitable[object]], deadline: float) -> Outcome:
        """The seam where discord.py's failures become ours."""
        try:
            async with within(deadline):
                await act()
        except (discord.HTTPException, aiohttp.ClientError, TimeoutError, OSError) as error:
            log.info("Discord refused: %s %s", type(error).__name__, getattr(error, "code", ""))
            return outcome_of(error)
        return Outcome.SHOWN

    @asynccontextmanager
    async def _lock(self, job_id: int) -> AsyncIterator[None]:
        """One writer at a time for a job's message; the lock goes with its last user."""
        lock, users = self._locks.get(job_id, (asyncio.Lock(), 0))
        self._locks[job_id] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._locks.pop(job_id)
            if users > 1:
                self._locks[job_id] = (lock, users - 1)


async def setup(client: Naibot) -> None:
    """Add the cog."""
    services = client.services
    await client.add_cog(Courier(client, services.deliveries, services.guilds, services.studio))
