"""What a moderator does from a member's record: warn, pause, block, hide behind a spoiler, lift; and the user menu."""

import discord
from discord import app_commands
from discord.ext import commands

from bot import wording
from bot.client import Naibot
from bot.domain.guild import REASON_LENGTH
from bot.domain.request import Requester
from bot.services.moderation import Moderation
from bot.services.sanctions import Sanctions
from cogs.ui.admin import moderator_of
from cogs.ui.answer import acknowledge, acknowledge_press, tell
from cogs.ui.controls import Form, Press
from cogs.ui.record import (
    PAUSE_CHOICES,
    Person,
    blocked_text,
    check_target,
    draw_record,
    member_of,
    pause_seconds,
    show_record,
)
from cogs.ui.requester import Interaction


class Record(commands.Cog):
    """Each handler asks again who presses, and whom it is about."""

    def __init__(self, client: Naibot, sanctions: Sanctions, moderation: Moderation) -> None:
        self._client = client
        self._sanctions = sanctions
        self._moderation = moderation
        self._menu = app_commands.ContextMenu(name=wording.MENU_RECORD, callback=self.chosen)
        self._menu.default_permissions = discord.Permissions(moderate_members=True)
        self._menu.allowed_installs = app_commands.AppInstallationType(guild=True, user=False)
        self._menu.allowed_contexts = app_commands.AppCommandContext(guild=True)

    async def cog_load(self) -> None:
        """Menus cannot be declared in a class."""
        self._client.tree.add_command(self._menu)

    async def cog_unload(self) -> None:
        """Take the menu away again."""
        self._client.tree.remove_command(self._menu.name, type=self._menu.type)

    async def chosen(self, interaction: Interaction, member: discord.Member | discord.User) -> None:
        """Apps → Member's record."""
        await show_record(interaction, self._sanctions, member.id, member)

    async def show(self, press: Press) -> None:
        """From a card about one of their cases."""
        moderator_of(press.interaction)
        await acknowledge(press.interaction, private=True)
        member = await member_of(press.interaction, press.number)
        await draw_record(press.interaction, self._sanctions, press.number, member)

    # --- warning -----------------------------------------------------------------------------------------------------

    async def ask_warning(self, press: Press) -> None:
        """Which words."""
        moderator_of(press.interaction)
        form = Form("mod", press.number, "warn", wording.FORM_WARN)
        form.ask("words", wording.FORM_WORDS, hint=wording.FORM_WORDS_HINT, limit=REASON_LENGTH)
        await press.interaction.response.send_modal(form)

    async def warn(self, press: Press) -> None:
        """The form came back."""
        requester, member = await self._begin(press)
        case = await self._sanctions.warn(requester, press.number, press.fields.get("words", ""))
        await self._end(press, member, wording.say("warned", member=f"<@{press.number}>", case=case.id))

    # --- pausing, blocking -------------------------------------------------------------------------------------------

    async def ask_pause(self, press: Press) -> None:
        """How long, and why."""
        moderator_of(press.interaction)
        form = Form("mod", press.number, "pause", wording.FORM_PAUSE)
        form.offer("duration", wording.FORM_DURATION, PAUSE_CHOICES)
        form.ask("words", wording.FORM_WORDS, hint=wording.FORM_WORDS_HINT, limit=REASON_LENGTH)
        await press.interaction.response.send_modal(form)

    async def pause(self, press: Press) -> None:
        """The form came back."""
        requester, member = await self._begin(press)
        await self._keep_out(press, requester, member, pause_seconds(press.fields.get("duration", "")))

    async def ask_block(self, press: Press) -> None:
        """Why; it lasts until somebody lifts it."""
        moderator_of(press.interaction)
        form = Form("mod", press.number, "block", wording.FORM_BLOCK)
        form.ask("words", wording.FORM_WORDS, hint=wording.FORM_WORDS_HINT, limit=REASON_LENGTH, required=False)
        await press.interaction.response.send_modal(form)

    async def block(self, press: Press) -> None:
        """The form came back."""
        requester, member = await self._begin(press)
        await self._keep_out(press, requester, member, None)

    async def _keep_out(self, press: Press, requester: Requester, member: Person | None, seconds: float | None) -> None:
        words = press.fields.get("words", "")
        _, block, taken = await self._sanctions.pause(requester, press.number, seconds, words)
        await self._end(press, member, blocked_text(block, taken, self._client.mentions))

    # --- at once -----------------------------------------------------------------------------------------------------

    async def spoiler(self, press: Press) -> None:
        """All their pictures behind a spoiler, or (``off``) not any more."""
        requester, member = await self._begin(press)
        hides = press.arg != "off"
        await self._sanctions.hide(requester, press.number, hides)
        key = "spoiler.ordered" if hides else "spoiler.ended"
        await self._end(press, member, wording.say(key, member=f"<@{press.number}>"))

    async def lift(self, press: Press) -> None:
        """End a pause or a block."""
        requester, member = await self._begin(press)
        await self._moderation.unblock(requester, press.number)
        await self._end(press, member, wording.say("unblocked", member=f"<@{press.number}>"))

    # --- parts -------------------------------------------------------------------------------------------------------

    async def _begin(self, press: Press) -> tuple[Requester, Person | None]:
        """Who acts, and on whom. Raises `Refused` ``moderator.only`` or ``block.admin``."""
        interaction = press.interaction
        requester = moderator_of(interaction)
        message = interaction.message
        if message is not None and message.flags.ephemeral:
            await acknowledge_press(interaction)
        else:
            # Only a card that is this moderator's own is drawn anew.
            await acknowledge(interaction, private=True)
        member = await member_of(interaction, press.number)
        check_target(member)
        return requester, member

    async def _end(self, press: Press, member: Person | None, said: str) -> None:
        await draw_record(press.interaction, self._sanctions, press.number, member)
        await tell(press.interaction, said)


async def setup(client: Naibot) -> None:
    """Add the cog and register its controls."""
    services = client.services
    cog = Record(client, services.sanctions, services.moderation)
    client.control("mod", "record", press=cog.show)
    client.control("mod", "warn", press=cog.ask_warning, submit=cog.warn)
    client.control("mod", "pause", press=cog.ask_pause, submit=cog.pause)
    client.control("mod", "block", press=cog.ask_block, submit=cog.block)
    client.control("mod", "spoiler", press=cog.spoiler)
    client.control("mod", "lift", press=cog.lift)
    await client.add_cog(cog)
