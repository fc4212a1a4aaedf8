"""No silence: errors of commands, forms without a home, and controls that nobody knows any more."""

from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Naibot
from bot.domain.errors import Mistake, Refused
from cogs.ui.answer import apologise, handled
from cogs.ui.controls import ID, Control, submit
from cogs.ui.requester import Interaction


class Errors(commands.Cog):
    """Takes what no other cog answers."""

    def __init__(self, client: Naibot) -> None:
        self._client = client

    async def answer_command_error(
        self, interaction: discord.Interaction[Any], error: app_commands.AppCommandError
    ) -> None:
        """The tree's `on_error`."""
        if isinstance(error, app_commands.TransformerError):
            # A channel or member that Discord knows and this process does not (any more).
            await apologise(interaction, Mistake("option.gone"))
            return
        await apologise(interaction, getattr(error, "original", error))

    @commands.Cog.listener()
    async def on_app_command_completion(self, interaction: Interaction, _command: object) -> None:
        """A command is through."""
        self._client.services.activity.end(interaction.id)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: Interaction) -> None:
        """Every submitted form, and components whose id `Control` does not match; nothing else."""
        if interaction.type is discord.InteractionType.modal_submit:
            await submit(interaction)
        elif interaction.type is discord.InteractionType.component and not ID.fullmatch(_custom_id(interaction)):
            async with handled(interaction):
                raise Refused("gone")


def _custom_id(interaction: Interaction) -> str:
    data: Any = interaction.data or {}
    return str(data.get("custom_id", ""))


async def setup(client: Naibot) -> None:
    """Add the cog, and give the tree its words for errors."""
    cog = Errors(client)
    client.tree.answer_error = cog.answer_command_error
    client.add_dynamic_items(Control)
    await client.add_cog(cog)
