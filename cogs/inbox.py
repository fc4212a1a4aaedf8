"""`/inbox`: what could not be shown waits here, and is collected with a fresh token."""

import asyncio
import logging

import aiohttp
import discord
from discord import app_commands
from discord.ext import commands

from bot import wording
from bot.client import Naibot
from bot.domain.errors import Refused
from bot.services.deliveries import Deliveries
from cogs.ui.answer import acknowledge, acknowledge_press, show_card
from cogs.ui.controls import Press
from cogs.ui.inbox import inbox_card
from cogs.ui.options import is_private_message, place_of
from cogs.ui.requester import Interaction, requester_of

log = logging.getLogger(__name__)

AT_ONCE = 5
"""Follow-ups of one interaction where the bot is somebody's own app (discord.md 4)."""


class Inbox(commands.Cog):
    """The card, and its buttons; the courier does the showing."""

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries

    @app_commands.command(name="inbox", description=wording.INBOX)
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    async def inbox(self, interaction: Interaction) -> None:
        """What waits for the one who asks, from every server."""
        await acknowledge(interaction, private=True)
        await self._show(interaction)

    async def show_own(self, press: Press) -> None:
        """Another card's button."""
        await acknowledge(press.interaction, private=True)
        await self._show(press.interaction)

    async def _show(self, interaction: Interaction) -> None:
        jobs, total = await self._deliveries.inbox(interaction.user.id)
        await show_card(interaction, inbox_card(jobs, total))

    async def take(self, press: Press) -> None:
        """From the card into a message of its own; from a waiting message into that, which has a fresh token now."""
        interaction, requester = press.interaction, requester_of(press.interaction)
        await acknowledge_press(interaction)
        message = interaction.message
        if _is_card(message):
            await self._collect(interaction, press.number)
            await self._show(interaction)
            return
        if message is None:
            raise Refused("inbox.gone")
        place = place_of(interaction, message.id, ephemeral=is_private_message(message))
        await self._deliveries.renew(requester, press.number, place, interaction.id)

    async def take_all(self, press: Press) -> None:
        """As many as one press may bring; the card shows what is left."""
        interaction = press.interaction
        await acknowledge_press(interaction)
        if not _is_card(interaction.message):
            raise Refused("inbox.gone")
        jobs, _ = await self._deliveries.inbox(interaction.user.id)
        refused: Refused | None = None
        taken = 0
        for job in jobs:
            try:
                await self._collect(interaction, job.id)
            except Refused as refusal:
                refused = refusal
            else:
                taken += 1
            if taken == AT_ONCE:
                break
        await self._show(interaction)
        if refused is not None and not taken:
            raise refused

    async def _collect(self, interaction: Interaction, job_id: int) -> None:
        """A private message is made for it first: an edit of it delivers, and never the message's making."""
        requester = requester_of(interaction)
        await self._deliveries.in_inbox(requester, job_id)
        message = await interaction.followup.send(wording.STARTING, ephemeral=True, wait=True)
        place = place_of(interaction, message.id, ephemeral=True)
        try:
            await self._deliveries.collect(requester, job_id, place, interaction.id)
        except Refused:
            await _withdraw(message)
            raise


def _is_card(message: discord.Message | None) -> bool:
    """Whether that is somebody's own inbox, which is redrawn, and no message that everybody sees."""
    return message is not None and message.flags.components_v2 and message.flags.ephemeral


async def _withdraw(message: discord.WebhookMessage) -> None:
    """Somebody was quicker, with another press; what remains is tidied as well as it goes."""
    try:
        async with asyncio.timeout(5.0):
            await message.delete()
    except (discord.HTTPException, aiohttp.ClientError, TimeoutError) as error:
        log.info("a placeholder stays: %s", type(error).__name__)


async def setup(client: Naibot) -> None:
    """Add the cog and register its controls."""
    cog = Inbox(client.services.deliveries)
    client.control("inbox", "take", press=cog.take)
    client.control("inbox", "all", press=cog.take_all)
    client.control("me", "inbox", press=cog.show_own)
    await client.add_cog(cog)
