"""`/compare`: two images' settings side by side, with the differences."""

import asyncio

import discord
from discord import app_commands
from discord.ext import commands

from bot import wording
from bot.client import Naibot
from bot.domain.errors import Mistake, Refused
from bot.domain.rules import judge_member
from bot.services.darkroom import Darkroom
from bot.services.moderation import Moderation
from cogs.ui.answer import acknowledge, fill_placeholder, note, show_card, tell
from cogs.ui.comparison import Letter, Side, comparison_card, letter_of
from cogs.ui.images import Images
from cogs.ui.inspection import Look
from cogs.ui.requester import Interaction, requester_of
from cogs.ui.sharing import judge_looks


class Compare(commands.Cog):
    """Reads two images one after the other; nothing is kept."""

    def __init__(self, client: Naibot, darkroom: Darkroom, moderation: Moderation) -> None:
        self._images = Images(client)
        self._darkroom = darkroom
        self._moderation = moderation

    @app_commands.command(name="compare", description=wording.COMPARE)
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.describe(first=wording.INSPECT_IMAGE, second=wording.INSPECT_IMAGE, share=wording.INSPECT_SHARE)
    async def compare(
        self, interaction: Interaction, first: discord.Attachment, second: discord.Attachment, share: bool = False
    ) -> None:
        """Acknowledged privately; everybody sees it once its texts passed this place's rules."""
        judge_member(self._moderation.ground(requester_of(interaction)))
        await acknowledge(interaction, private=True)
        sides = [
            await self._look(which, image) for which, image in zip(wording.COMPARE_WHICH, (first, second), strict=True)
        ]
        letter = await asyncio.to_thread(letter_of, *sides)
        await show_card(interaction, *comparison_card(letter))
        if share:
            await self._share(interaction, sides, letter)

    async def _look(self, which: str, image: discord.Attachment) -> Side:
        """Raises `Mistake` ``compare.image``, which says which of the two it was."""
        try:
            inspection = await self._darkroom.inspect(self._images.reader(self._images.attached(image)))
        except Mistake as error:
            raise Mistake("compare.image", which=which, why=wording.explain(error.code, error.data)) from error
        return Side(inspection=inspection, name=image.filename)

    async def _share(self, interaction: Interaction, sides: list[Side], letter: Letter) -> None:
        """A bot's words escape the server's own filters, so both images' texts pass the rules first."""
        requester = requester_of(interaction)
        ground = self._moderation.ground(requester)
        try:
            looks = [Look(name=side.name, inspection=side.inspection) for side in sides]
            await asyncio.to_thread(judge_looks, looks, requester, ground)
        except Refused as refusal:
            await tell(interaction, wording.SHARE_REFUSED)
            await note(interaction, refusal)
            return
        card, files = comparison_card(letter)
        await fill_placeholder(interaction)
        await interaction.followup.send(view=card, files=files)


async def setup(client: Naibot) -> None:
    """Add the cog."""
    await client.add_cog(Compare(client, client.services.darkroom, client.services.moderation))
