"""The rungs on which an end is shown: by token, through the channel, by direct message; and below them the inbox."""

import logging
from collections.abc import Iterator
from enum import Enum, auto

import discord
from discord import ui

from bot import wording
from bot.client import Naibot
from bot.domain.job import Job, JobState, Likeness
from bot.domain.request import Place
from bot.services.deliveries import Deliveries, Parcel
from bot.services.guilds import Guilds
from cogs.ui import replies
from cogs.ui.asides import Asides
from cogs.ui.controls import row
from cogs.ui.packing import Enclosure, Packer, Packing
from cogs.ui.ways import FILE_LIMIT, Letter, Outcome, Ways, may_write_to

log = logging.getLogger(__name__)


class Rung(Enum):
    """One way to show an end."""

    TOKEN = auto()
    CHANNEL = auto()
    POST = auto()
    """A new message in the channel, for a job that never had one."""
    DIRECT = auto()


class Ladder:
    """Shows an end on the highest rung that holds. Called with the job's message to itself."""

    def __init__(
        self, client: Naibot, ways: Ways, packer: Packer, asides: Asides, deliveries: Deliveries, guilds: Guilds
    ) -> None:
        self._client = client
        self._ways = ways
        self._packer = packer
        self._asides = asides
        self._deliveries = deliveries
        self._guilds = guilds

    async def show(self, parcel: Parcel) -> None:
        """Shown, or kept in the inbox, or put off; whatever it is, it is on the row when this returns."""
        job, outcome = parcel.job, Outcome.GONE
        for n, rung in enumerate(self._rungs(job)):
            # The first is tried within the lease that it was taken with; see `DELIVERY_TIME`.
            if n and not await self._deliveries.hold(job):
                return
            outcome = await self._show_on(rung, parcel, outcome)
            if outcome is Outcome.SHOWN:
                return
            if outcome is Outcome.LATER:
                if not await self._deliveries.later(job):
                    await self._say_kept(job)
                return
        log.info("job %s could not be shown (%s) and waits in the inbox", job.id, outcome.name)
        await self._deliveries.keep(job)
        await self._say_kept(job)

    async def _say_kept(self, job: Job) -> None:
        """The message that waited says where it went, where it can still be reached."""
        if job.place is not None:
            text = wording.say("inbox.kept", self._client.mentions)
            await self._ways.edit(job.place, Letter(text=text, view=row(replies.collect_button(job.id))))

    def _rungs(self, job: Job) -> Iterator[Rung]:
        place = job.place
        if place is None:
            return
        if place.message_id is not None:
            if self._ways.hook(place) is not None:
                yield Rung.TOKEN
            if not place.needs_token:
                yield Rung.CHANNEL
        elif not place.needs_token:
            yield Rung.POST
        if may_write_to(job):
            yield Rung.DIRECT

    async def _show_on(self, rung: Rung, parcel: Parcel, why: Outcome) -> Outcome:
        """Show it on one rung, smaller and smaller where Discord finds it too large; *why* the rung above gave way."""
        place = parcel.job.place
        assert place is not None  # noqa: S101 - there is no rung without one
        limit = self._limit(rung, parcel, place)
        channel: discord.abc.Messageable = self._ways.channel(place)
        if rung is Rung.DIRECT:
            outcome, direct = await self._ways.direct(parcel.job.user_id)
            if direct is None:
                return outcome
            channel = direct
        can_post = rung is Rung.DIRECT or not place.needs_token
        while True:
            packing = await self._packer.pack(parcel.job, parcel.pictures, limit, can_post=can_post)
            if not packing.messages:
                return Outcome.TOO_LARGE
            outcome, message_id = await self._put(rung, parcel, channel, packing, why)
            if outcome is Outcome.TOO_LARGE and packing.largest:
                limit = packing.largest - 1
                continue
            if outcome is not Outcome.SHOWN:
                return outcome
            return await self._finish(rung, parcel, channel, packing, message_id)

    def _limit(self, rung: Rung, parcel: Parcel, place: Place) -> int:
        if rung is Rung.TOKEN:
            return place.file_limit
        return FILE_LIMIT if rung is Rung.DIRECT else self._ways.channel_limit(parcel.job.requester.guild_id)

    async def _put(
        self, rung: Rung, parcel: Parcel, channel: discord.abc.Messageable, packing: Packing, why: Outcome
    ) -> tuple[Outcome, int | None]:
        """The first message, which has the words and the buttons; and its id."""
        job, place = parcel.job, parcel.job.place
        assert place is not None  # noqa: S101
        text, view = self._content(parcel, packing.note)
        letter = Letter(text=text, view=view, files=packing.messages[0])
        match rung:
            case Rung.TOKEN:
                return await self._ways.edit_by_token(place, letter), place.message_id
            case Rung.CHANNEL:
                return await self._ways.edit_in_channel(place, letter), place.message_id
            case Rung.POST:
                return await self._ways.post(job, channel, f"{job.id}-0", letter)
            case Rung.DIRECT:
                words = f"{_preface(parcel, place, why)}\n{text}"
                return await self._ways.post(
                    job, channel, f"{job.id}-dm", Letter(text=words, view=view, files=letter.files)
                )

    async def _finish(
        self,
        rung: Rung,
        parcel: Parcel,
        channel: discord.abc.Messageable,
        packing: Packing,
        message_id: int | None,
    ) -> Outcome:
        """The other messages of a batch; then it is on the row, and then come asides."""
        job, likeness = parcel.job, packing.likeness
        of = len(packing.messages)
        for n, files in enumerate(packing.messages[1:], 2):
            outcome = await self._part(parcel, channel, rung, files, n, of)
            if outcome is Outcome.LATER:
                return outcome
            if outcome is not Outcome.SHOWN:
                likeness = Likeness.PREVIEW
        if rung is Rung.TOKEN:
            await self._asides.hint(job)
        if likeness is None:
            await self._deliveries.shown(job, message_id)
        else:
            await self._deliveries.keep(job, shown_as=likeness, message_id=message_id)
        if rung in (Rung.TOKEN, Rung.CHANNEL) and message_id is not None:
            await self._asides.nudge(job, message_id)
        return Outcome.SHOWN

    async def _part(
        self,
        parcel: Parcel,
        channel: discord.abc.Messageable,
        rung: Rung,
        files: tuple[Enclosure, ...],
        n: int,
        of: int,
    ) -> Outcome:
        job = parcel.job
        if not await self._deliveries.hold(job):
            return Outcome.LATER
        letter = Letter(text=wording.say("file.part", n=n, of=of, job=job.id), files=files)
        nonce = f"{job.id}-{'dm' if rung is Rung.DIRECT else ''}{n}"
        return (await self._ways.post(job, channel, nonce, letter))[0]

    def _content(self, parcel: Parcel, note: str) -> tuple[str, ui.View]:
        job = parcel.job
        if job.state is not JobState.DONE:
            return replies.failed_text(job), replies.failed_row(job.id)
        config = self._guilds.config(job.requester)
        text = replies.done_text(parcel, config)
        return (f"{text}\n{note}" if note else text), replies.done_row(job.id)


def _preface(parcel: Parcel, place: Place, why: Outcome) -> str:
    """Why a direct message comes, and from where."""
    where = f"<#{place.channel_id}>"
    if parcel.job.state is not JobState.DONE:
        return wording.say("direct.told", channel=where)
    reason = wording.WHY_FORBIDDEN if why is Outcome.FORBIDDEN else wording.WHY_GONE
    return wording.say("direct.picture", channel=where, why=reason)
