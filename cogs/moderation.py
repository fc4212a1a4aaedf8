"""`/mod`: who may use the bot here, and what members are told; the record itself is in `cogs/record.py`."""

import discord
from discord import app_commands
from discord.ext import commands

from bot import wording
from bot.client import Naibot
from bot.domain.guild import REASON_LENGTH
from bot.services.moderation import Moderation
from bot.services.sanctions import Sanctions
from cogs.ui.admin import moderator_of
from cogs.ui.answer import acknowledge, tell
from cogs.ui.casebook import open_numbers, show_case, show_cases
from cogs.ui.record import PAUSE_CHOICES, blocked_text, check_target, pause_seconds, show_record
from cogs.ui.requester import Interaction

NUMBER_MAX = 2**53 - 1
"""Discord's whole numbers end there."""
STATES = [app_commands.Choice(name=label, value=value) for value, label in wording.CASE_STATES.items()]
DURATIONS = [app_commands.Choice(name=label, value=value) for value, label in wording.DURATIONS.items()]
PAUSES = [app_commands.Choice(name=label, value=value) for value, label in PAUSE_CHOICES.items()]


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
        check_target(member)
        await acknowledge(interaction, private=True)
        seconds = float(duration) if duration in wording.DURATIONS and duration != "0" else None
        _, block, taken = await self._sanctions.pause(requester, member.id, seconds, reason or "")
        await tell(interaction, blocked_text(block, taken, interaction.client.mentions))

    @app_commands.command(name="unblock", description=wording.MOD_UNBLOCK)
    @app_commands.describe(member=wording.MOD_MEMBER)
    async def unblock(self, interaction: Interaction, member: discord.User) -> None:
        """Lift a block before its time."""
        requester = moderator_of(interaction)
        await acknowledge(interaction, private=True)
        await self._moderation.unblock(requester, member.id)
        await tell(interaction, wording.say("unblocked", member=member.mention))

    @app_commands.command(name="case", description=wording.MOD_CASE)
    @app_commands.describe(number=wording.MOD_CASE_NUMBER)
    async def case(self, interaction: Interaction, number: app_commands.Range[int, 1, NUMBER_MAX]) -> None:
        """Its card, also where there is no review channel."""
        await show_case(interaction, number)

    @case.autocomplete("number")
    async def complete_number(self, interaction: Interaction, current: str) -> list[app_commands.Choice[int]]:
        """Those that are open."""
        return await open_numbers(interaction, current)

    @app_commands.command(name="cases", description=wording.MOD_CASES)
    @app_commands.describe(state=wording.MOD_CASES_STATE, member=wording.MOD_CASES_MEMBER)
    @app_commands.choices(state=STATES)
    async def cases(
        self,
        interaction: Interaction,
        state: str = "open",
        member: discord.User | None = None,
    ) -> None:
        """Open ones the oldest first, others the newest first."""
        await show_cases(interaction, state, member.id if member is not None else None)

    @app_commands.command(name="warn", description=wording.MOD_WARN)
    @app_commands.describe(member=wording.MOD_MEMBER, reason=wording.MOD_WARN_REASON)
    async def warn(
        self,
        interaction: Interaction,
        member: discord.Member | discord.User,
        reason: app_commands.Range[str, 1, REASON_LENGTH],
    ) -> None:
        """They read it before their next picture, and press that they did."""
        requester = moderator_of(interaction)
        check_target(member)
        await acknowledge(interaction, private=True)
        case = await self._sanctions.warn(requester, member.id, reason)
        await tell(interaction, wording.say("warned", member=member.mention, case=case.id))

    @app_commands.command(name="timeout", description=wording.MOD_TIMEOUT)
    @app_commands.describe(member=wording.MOD_MEMBER, duration=wording.MOD_TIMEOUT_DURATION, reason=wording.MOD_REASON)
    @app_commands.choices(duration=PAUSES)
    async def timeout(
        self,
        interaction: Interaction,
        member: discord.Member | discord.User,
        duration: str,
        reason: app_commands.Range[str, 1, REASON_LENGTH],
    ) -> None:
        """A block that ends by itself."""
        requester = moderator_of(interaction)
        check_target(member)
        seconds = pause_seconds(duration)
        await acknowledge(interaction, private=True)
        _, block, taken = await self._sanctions.pause(requester, member.id, seconds, reason)
        await tell(interaction, blocked_text(block, taken, interaction.client.mentions))

    @app_commands.command(name="member", description=wording.MOD_RECORD)
    @app_commands.describe(member=wording.MOD_MEMBER)
    async def member(self, interaction: Interaction, member: discord.Member | discord.User) -> None:
        """Their record, for this moderator alone."""
        await show_record(interaction, self._sanctions, member.id, member)


async def setup(client: Naibot) -> None:
    """Add the cog."""
    await client.add_cog(Mod(client.services.moderation, client.services.sanctions))
