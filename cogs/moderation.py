"""`/mod`: who may use the bot here."""

import discord
from discord import app_commands
from discord.ext import commands

from bot import wording
from bot.client import Naibot
from bot.domain.errors import Refused
from bot.domain.guild import REASON_LENGTH, Block
from bot.services.moderation import Moderation
from bot.services.sanctions import Sanctions
from cogs.ui.admin import moderator_of
from cogs.ui.answer import acknowledge, tell
from cogs.ui.requester import Interaction

DURATIONS = [app_commands.Choice(name=label, value=value) for value, label in wording.DURATIONS.items()]


@app_commands.default_permissions(moderate_members=True)
@app_commands.allowed_contexts(guilds=True)
@app_commands.allowed_installs(guilds=True)
class Mod(commands.GroupCog, group_name="mod", group_description=wording.MOD):
    """Moderate Members, or the role that the server chose, is asked for again inside."""

    def __init__(self, moderation: Moderation, sanctions: Sanctions) -> None:
        self._moderation = moderation
        self._sanctions = sanctions

    @app_commands.command(name="block", description=wording.MOD_BLOCK)
    @app_commands.describe(member=wording.MOD_MEMBER, duration=wording.MOD_DURATION, reason=wording.MOD_REASON)
    @app_commands.choices(duration=DURATIONS)
    async def block(
        self,
        interaction: Interaction,
        member: discord.Member | discord.User,
        duration: str | None = None,
        reason: app_commands.Range[str, 0, REASON_LENGTH] | None = None,
    ) -> None:
        """Their waiting pictures are taken back, and they are told when they come again."""
        requester = moderator_of(interaction)
        if isinstance(member, discord.Member) and _manages(member):
            raise Refused("block.admin")
        await acknowledge(interaction, private=True)
        seconds = float(duration) if duration in wording.DURATIONS and duration != "0" else None
        _, block, taken = await self._sanctions.pause(requester, member.id, seconds, reason or "")
        await tell(interaction, _blocked_text(block, taken, interaction.client.mentions))

    @app_commands.command(name="unblock", description=wording.MOD_UNBLOCK)
    @app_commands.describe(member=wording.MOD_MEMBER)
    async def unblock(self, interaction: Interaction, member: discord.User) -> None:
        """Lift a block before its time."""
        requester = moderator_of(interaction)
        await acknowledge(interaction, private=True)
        await self._moderation.unblock(requester, member.id)
        await tell(interaction, wording.say("unblocked", member=member.mention))


def _manages(member: discord.Member) -> bool:
    permissions = member.resolved_permissions
    return permissions is not None and (permissions.manage_guild or permissions.administrator)


def _blocked_text(block: Block, taken: int, mentions: dict[str, str]) -> str:
    data: dict[str, object] = {"member": block.user_id, "reason": block.reason, "until": block.until}
    text = wording.explain("blocked" if block.until is not None else "blocked.lasting", data, mentions)
    if not taken:
        return text
    return f"{text}\n{wording.counted('blocked.taken', taken)}"


async def setup(client: Naibot) -> None:
    """Add the cog."""
    await client.add_cog(Mod(client.services.moderation, client.services.sanctions))
