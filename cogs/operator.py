"""`/operator`: what whoever runs the bot does to somebody everywhere; registered in their own server alone."""

import discord
from discord import app_commands
from discord.ext import commands

from bot import wording
from bot.client import Naibot
from bot.domain.guild import REASON_LENGTH
from bot.domain.rules import check_operator
from bot.services.sanctions import Sanctions
from cogs.ui.answer import acknowledge, tell
from cogs.ui.record import blocked_text
from cogs.ui.requester import Interaction, requester_of


@app_commands.default_permissions(manage_guild=True)
class Operator(commands.GroupCog, group_name="operator", group_description=wording.OPERATOR):
    """Discord shows it to that server's admins; who runs the bot is asked again inside."""

    def __init__(self, sanctions: Sanctions) -> None:
        self._sanctions = sanctions

    @app_commands.command(name="block", description=wording.OPERATOR_BLOCK)
    @app_commands.describe(user=wording.OPERATOR_USER, reason=wording.OPERATOR_REASON)
    async def block(
        self, interaction: Interaction, user: discord.User, reason: app_commands.Range[str, 1, REASON_LENGTH]
    ) -> None:
        """Over every server and direct messages; what waits anywhere is taken back."""
        requester = requester_of(interaction)
        check_operator(requester, interaction.client.services.guilds.house)
        await acknowledge(interaction, private=True)
        _, block, taken = await self._sanctions.pause_everywhere(requester, user.id, None, reason)
        await tell(interaction, blocked_text(block, taken, interaction.client.mentions))

    @app_commands.command(name="unblock", description=wording.OPERATOR_UNBLOCK)
    @app_commands.describe(user=wording.OPERATOR_USER)
    async def unblock(self, interaction: Interaction, user: discord.User) -> None:
        """Take such a block back; those of servers stay."""
        requester = requester_of(interaction)
        check_operator(requester, interaction.client.services.guilds.house)
        await acknowledge(interaction, private=True)
        await self._sanctions.lift_everywhere(requester, user.id)
        await tell(interaction, wording.say("unblocked.everywhere", member=user.mention))


async def setup(client: Naibot) -> None:
    """Add the cog to the operator's server, where one is named."""
    guild_id = client.settings.house.operator_guild
    if guild_id is not None:
        await client.add_cog(Operator(client.services.sanctions), guild=discord.Object(guild_id))
