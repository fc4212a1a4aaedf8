"""Auto-inspect: a 🔎 on images that say how they were made, and a direct message to whoever presses it."""

import logging
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import aiohttp
import discord
from discord import ui
from discord.ext import commands

from bot import wording
from bot.client import Naibot
from bot.domain.claims import Inspection
from bot.domain.errors import Forbidden
from bot.domain.request import Requester
from bot.domain.rules import judge_member
from bot.reach import within
from bot.services.activity import Activity
from bot.services.closing import Closing
from bot.services.lookout import IMAGE_BYTES, IMAGES_MAX, Lookout
from bot.services.moderation import Moderation
from cogs.ui.controls import Control
from cogs.ui.images import Images
from cogs.ui.inspection import card_of, metadata_of

log = logging.getLogger(__name__)

NEEDED = ("view_channel", "read_message_history", "add_reactions")
ACT_TIME = 60.0
"""Seconds for a reaction, or for an answer with its downloads."""
KINDS = ("image/png", "image/jpeg", "image/webp", "image/gif")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An image that says something."""

    name: str
    inspection: Inspection


class AutoInspect(commands.Cog):
    """Looks where an admin turned it on, at what others post; what is too much is dropped."""

    def __init__(
        self, client: Naibot, lookout: Lookout, moderation: Moderation, activity: Activity, closing: Closing
    ) -> None:
        self._client = client
        self._images_of = Images(client)
        self._lookout = lookout
        self._moderation = moderation
        self._activity = activity
        self._closing = closing

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """A new message: it gets the 🔎 if one of its images says something."""
        images = self._images(message)
        if not images or message.guild is None or not _may_react(message.channel, message.guild):
            return
        if self._closing.has_begun or not self._lookout.takes_message(message.guild.id, message.channel.id):
            return
        with self._handling(message.id):
            for image in images:
                if await self._look(image) is not None:
                    await self._quietly(message.add_reaction(wording.AUTO_INSPECT))
                    return

    @commands.Cog.listener()
    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        """Somebody pressed the 🔎 that the bot itself put there: they alone are told what the image says."""
        channel = self._channel_of(payload)
        member = payload.member
        if channel is None or member is None or member.bot or str(payload.emoji) != wording.AUTO_INSPECT:
            return
        if self._closing.has_begun or self._is_blocked(member, channel):
            return
        if not self._lookout.takes_question(channel.guild.id, member.id):
            return
        with self._handling(payload.message_id):
            await self._quietly(self._answer(member, channel.get_partial_message(payload.message_id)))

    async def _answer(self, member: discord.Member, partial_message: discord.PartialMessage) -> None:
        message = await partial_message.fetch()
        if not any(each.me and str(each.emoji) == wording.AUTO_INSPECT for each in message.reactions):
            return
        for image in self._images(message):
            if (found := await self._look(image)) is not None:
                card = _letter(found, message.jump_url, draws=self._client.settings.house.direct)
                await member.send(view=card, files=[metadata_of(found.inspection, found.name)])

    # --- which ones --------------------------------------------------------------------------------------------------

    def _images(self, message: discord.Message) -> list[discord.Attachment]:
        """The images of a message that are looked at: in a channel where it is on, not the bot's own, not too large."""
        guild = message.guild
        if guild is None or message.author == self._client.user:
            return []
        if not self._lookout.watches(guild.id, message.channel.id, getattr(message.channel, "parent_id", None)):
            return []
        return [each for each in message.attachments if self._is_readable(each)][:IMAGES_MAX]

    def _is_readable(self, image: discord.Attachment) -> bool:
        kind = (image.content_type or "").partition(";")[0]
        is_fit = kind in KINDS and 0 < image.size <= IMAGE_BYTES
        return is_fit and self._images_of.knows(image.url)

    def _channel_of(self, payload: discord.RawReactionActionEvent) -> discord.TextChannel | discord.Thread | None:
        """Where somebody pressed, if it is on there."""
        guild = self._client.get_guild(payload.guild_id or 0)
        channel = guild.get_channel_or_thread(payload.channel_id) if guild is not None else None
        if guild is None or channel is None or not hasattr(channel, "get_partial_message"):
            return None
        is_on = self._lookout.watches(guild.id, channel.id, getattr(channel, "parent_id", None))
        return channel if is_on else None  # type: ignore[return-value]

    def _is_blocked(self, member: discord.Member, channel: discord.TextChannel | discord.Thread) -> bool:
        """Whom a moderator keeps from using the bot presses in vain."""
        requester = Requester(user_id=member.id, guild_id=channel.guild.id, channel_id=channel.id)
        try:
            judge_member(self._moderation.ground(requester))
        except Forbidden:
            return True
        return False

    # --- doing it ----------------------------------------------------------------------------------------------------

    async def _look(self, image: discord.Attachment) -> Found | None:
        inspection = await self._lookout.look(partial(self._images_of.fetch, image.url))
        return Found(name=image.filename, inspection=inspection) if inspection is not None else None

    @contextmanager
    def _handling(self, id_: int) -> Iterator[None]:
        self._activity.begin(id_)
        try:
            yield
        finally:
            self._activity.end(id_)

    async def _quietly(self, act: Awaitable[object]) -> None:
        """Nobody asked for a message, so none says that something failed: no right to react, closed direct messages."""
        try:
            async with within(ACT_TIME):
                await act
        except (discord.HTTPException, aiohttp.ClientError, TimeoutError, OSError) as error:
            log.info("auto-inspect: %s %s", type(error).__name__, getattr(error, "code", ""))


def _may_react(channel: object, guild: discord.Guild) -> bool:
    if not isinstance(channel, discord.abc.GuildChannel | discord.Thread):
        return False
    permissions = channel.permissions_for(guild.me)
    return all(getattr(permissions, name) for name in NEEDED)


def _letter(found: Found, link: str, *, draws: bool) -> ui.LayoutView:
    """
    The card of an inspection, and where the image is.

    There is nobody in direct messages to show it to, and where the house does not draw there nothing to draw from it.
    """
    useless = (":share",) if draws else (":share", ":use")
    card = card_of(found.inspection, found.name)
    for row in [each for each in card.children if isinstance(each, ui.ActionRow)]:
        controls = [each for each in row.children if isinstance(each, Control)]
        for control in [each for each in controls if any(verb in each.custom_id for verb in useless)]:
            row.remove_item(control)
        if not row.children:
            card.remove_item(row)
    card.add_item(ui.TextDisplay(wording.say("auto.inspect.from", link=link)))
    return card


async def setup(client: Naibot) -> None:
    """Add the cog where the bot may read messages at all."""
    services = client.services
    if client.settings.house.message_content:
        await client.add_cog(
            AutoInspect(client, services.lookout, services.moderation, services.activity, services.closing)
        )
