"""The ways to a message: by its interaction's token, through its channel, anew; discord.py's errors end here."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

import aiohttp
import discord
from discord import ui

from bot import wording
from bot.client import Naibot
from bot.domain.job import Job
from bot.domain.request import Context, Place
from bot.reach import within
from bot.services.deliveries import Deliveries
from cogs.ui.packing import Enclosure

log = logging.getLogger(__name__)

EDIT_TIME = 15.0
UPLOAD_TIME = 45.0
"""Seconds, less than a delivery's lease; discord.py has no deadlines of its own."""
NONCE_LIFE = 60.0
"""Seconds for which Discord surely knows a nonce; it says "a few minutes" (resources/message, 2026-08)."""
LOOK_BACK = 50
PIECE = 64 * 1024
FILE_LIMIT = 10 * 1024 * 1024
"""Bytes of a file where nobody pays for more (discord.md 4, since 2025-01-16)."""


class Outcome(Enum):
    """How an attempt to show something ended."""

    SHOWN = auto()
    GONE = auto()
    FORBIDDEN = auto()
    TOO_LARGE = auto()
    TOKEN_DEAD = auto()
    LATER = auto()


_GONE = {10003, 10004, 10008}
# No access, no permission, no direct messages (50007, 50278), archived or locked thread, AutoMod.
_FORBIDDEN = {50001, 50013, 50007, 50278, 50083, 160005, 200000, 200001}
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What a message shall say and hold."""

    text: str
    view: ui.View | None = None
    files: Sequence[Enclosure] = ()

    @property
    def deadline(self) -> float:
        """Seconds it may take to be sent."""
        return UPLOAD_TIME if self.files else EDIT_TIME


def may_write_to(job: Job) -> bool:
    """
    Whether its member may be written to directly: not about what was private, and not by an application that is only
    their own, whose results wait in the inbox.
    """
    is_private = job.place is None or job.place.ephemeral
    return not is_private and job.requester.context is not Context.USER_INSTALL


class Ways:
    """Edits and posts for the courier, and says how it went."""

    def __init__(self, client: Naibot, deliveries: Deliveries) -> None:
        self._client = client
        self._deliveries = deliveries

    def hook(self, place: Place) -> discord.Webhook | None:
        """The interaction's own way to its messages, while its token lives."""
        if place.token is None or self._client.application_id is None:
            return None
        if self._deliveries.seconds_since(place.token_expires) >= 0:
            return None
        # As discord.py makes an interaction's own follow-up webhook; a partial one may not send ephemerally.
        data: Any = {"id": self._client.application_id, "type": 3, "token": place.token}
        return discord.Webhook.from_state(data, state=self._client._connection)

    def channel(self, place: Place) -> discord.PartialMessageable:
        """The channel of *place*, as far as the bot may use it."""
        return self._client.get_partial_messageable(place.channel_id)

    def channel_limit(self, guild_id: int | None) -> int:
        """Bytes of a file that the bot itself may post in a server: more where it is boosted."""
        guild = self._client.get_guild(guild_id or 0)
        return guild.filesize_limit if guild is not None else FILE_LIMIT

    async def edit_by_token(self, place: Place, letter: Letter) -> Outcome:
        """Edit the message of *place* by its interaction's token."""
        hook, message_id = self.hook(place), place.message_id
        if hook is None or message_id is None:
            return Outcome.TOKEN_DEAD

        async def edit() -> None:
            files = [each.file() for each in letter.files]
            await hook.edit_message(message_id, content=letter.text, view=letter.view, attachments=files)

        return await self.attempt(edit, letter.deadline)

    async def edit_in_channel(self, place: Place, letter: Letter) -> Outcome:
        """Edit the message of *place* as the bot's own, which outlives the token."""
        message_id = place.message_id
        if message_id is None or place.needs_token:
            return Outcome.GONE

        async def edit() -> None:
            message = self.channel(place).get_partial_message(message_id)
            files = [each.file() for each in letter.files]
            await message.edit(content=letter.text, view=letter.view, attachments=files)

        return await self.attempt(edit, letter.deadline)

    async def edit(self, place: Place, letter: Letter) -> Outcome:
        """Edit the message of *place*: by its token while that lives, then through the channel."""
        outcome = await self.edit_by_token(place, letter)
        if outcome is Outcome.TOKEN_DEAD and not place.needs_token:
            return await self.edit_in_channel(place, letter)
        return outcome

    async def remove(self, place: Place) -> Outcome:
        """Delete the message of *place*; one that is gone already is as good."""
        hook, message_id = self.hook(place), place.message_id
        if message_id is None:
            return Outcome.SHOWN
        outcome = Outcome.TOKEN_DEAD
        if hook is not None:
            outcome = await self.attempt(lambda: hook.delete_message(message_id), EDIT_TIME)
        if outcome is Outcome.TOKEN_DEAD and not place.needs_token:
            message = self.channel(place).get_partial_message(message_id)
            outcome = await self.attempt(message.delete, EDIT_TIME)
        return outcome

    async def message(self, place: Place) -> tuple[Outcome, discord.Message | None]:
        """The message of *place* as it is now; FORBIDDEN too where the bot itself can never see it."""
        message_id, found = place.message_id, list[discord.Message]()
        if message_id is None or place.needs_token:
            return Outcome.FORBIDDEN, None

        async def fetch() -> None:
            found.append(await self.channel(place).get_partial_message(message_id).fetch())

        outcome = await self.attempt(fetch, EDIT_TIME)
        return outcome, next(iter(found), None)

    async def enclosed(self, message: discord.Message) -> Sequence[Enclosure]:
        """The files of a message of the bot's own, as Discord keeps them; those that it does not give are left out."""
        files = [await self._fetched(each) for each in message.attachments if each.size <= FILE_LIMIT]
        return [file for file in files if file is not None]

    async def _fetched(self, attachment: discord.Attachment) -> Enclosure | None:
        data = bytearray()

        async def fetch() -> None:
            async with self._client.web.get(attachment.url, allow_redirects=False) as response:
                response.raise_for_status()
                async for piece in response.content.iter_chunked(PIECE):
                    data.extend(piece[: attachment.size - len(data)])

        outcome = await self.attempt(fetch, UPLOAD_TIME)
        if outcome is not Outcome.SHOWN or len(data) != attachment.size:
            return None
        name, alt = attachment.filename.removeprefix("SPOILER_"), attachment.description or ""
        return Enclosure(filename=name, data=bytes(data), alt=alt, spoiler=attachment.is_spoiler())

    async def direct(self, user_id: int) -> tuple[Outcome, discord.DMChannel | None]:
        """A person's direct messages. Discord opens them also where it would let nothing be sent."""
        found: list[discord.DMChannel] = []

        async def open_direct() -> None:
            found.append(await self._client.create_dm(discord.Object(user_id)))

        outcome = await self.attempt(open_direct, EDIT_TIME)
        return outcome, next(iter(found), None)

    async def post(
        self, job: Job, channel: discord.abc.Messageable, nonce: str, letter: Letter
    ) -> tuple[Outcome, int | None]:
        """
        A new message, once: its nonce is noted before it is sent, and after a gap it is looked for first.

        Returns its id too.
        """
        noted = await self._deliveries.note_nonce(job, nonce)
        if noted.message_id is not None:
            return Outcome.SHOWN, noted.message_id
        may_be_there = not noted.is_new and self._deliveries.seconds_since(noted.at) > NONCE_LIFE
        sent: list[discord.Message] = []

        async def send() -> None:
            found = await self._find(channel, letter) if may_be_there else None
            if found is None:
                files = [each.file() for each in letter.files]
                extra: dict[str, Any] = {"view": letter.view} if letter.view is not None else {}
                found = await channel.send(letter.text, files=files, nonce=nonce, **extra)
            sent.append(found)

        outcome = await self.attempt(send, letter.deadline)
        if outcome is not Outcome.SHOWN:
            return outcome, None
        await self._deliveries.note_posted(job, nonce, sent[0].id)
        return outcome, sent[0].id

    async def _find(self, channel: discord.abc.Messageable, letter: Letter) -> discord.Message | None:
        """The bot's message with the same files, or the same words where it has none."""
        names = {each.filename for each in letter.files}
        async for message in channel.history(limit=LOOK_BACK):
            held = {attachment.filename.removeprefix("SPOILER_") for attachment in message.attachments}
            is_same = names <= held if names else message.content == letter.text
            if message.author == self._client.user and is_same:
                return message
        return None

    async def with_stray(self, job: Job, place: Place) -> Place:
        """
        *place* with the waiting message that was posted, and lost with the process that posted it before it was noted.

        Found by its interaction, which a follow-up names too.
        """
        if place.needs_token:
            return place
        found: list[int] = []

        async def look() -> None:
            async for message in self.channel(place).history(limit=LOOK_BACK):
                about = message.interaction_metadata
                if about is not None and about.id == job.interaction and message.content == wording.STARTING:
                    found.append(message.id)

        await self.attempt(look, EDIT_TIME)
        return replace(place, message_id=next(iter(found), None))

    async def attempt(self, act: Callable[[], Awaitable[object]], deadline: float) -> Outcome:
        """The seam where discord.py's failures become ours."""
        try:
            async with within(deadline):
                await act()
        except (discord.HTTPException, aiohttp.ClientError, TimeoutError, OSError) as error:
            log.info("Discord refused: %s %s", type(error).__name__, getattr(error, "code", ""))
            return outcome_of(error)
        return Outcome.SHOWN
