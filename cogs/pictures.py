"""What people do about a picture that is shown: report it (`/report`, menu, More…), or take it away."""

import aiohttp
import discord
from discord import app_commands
from discord.ext import commands

from bot import wording
from bot.client import Naibot
from bot.domain.errors import Refused
from bot.domain.job import Job
from bot.domain.request import Requester
from bot.reach import within
from bot.services.cases import REPORT_WORDS, Cases
from bot.services.studio import Studio, check_owner
from cogs.ui.answer import acknowledge, acknowledge_press, tell
from cogs.ui.controls import Form, Press, button, row
from cogs.ui.hiding import hide, remove, remove_message
from cogs.ui.pointing import Link, job_shown_in, pointed_at
from cogs.ui.requester import Interaction, requester_of
from cogs.ui.ways import Outcome

LINK_LENGTH = 200
LOOK_TIME = 5.0
LOOK_SOON = 1.0
"""Seconds to look at a linked message where a form, which is the acknowledgement, waits for it."""
OTHER = "other"


class Pictures(commands.Cog):
    """The moderators' card of a report is drawn elsewhere; who reported is on no card."""

    def __init__(self, client: Naibot, cases: Cases, studio: Studio) -> None:
        self._client = client
        self._cases = cases
        self._studio = studio
        report = app_commands.ContextMenu(name=wording.MENU_REPORT, callback=self.report_message)
        report.allowed_installs = app_commands.AppInstallationType(guild=True, user=False)
        report.allowed_contexts = app_commands.AppCommandContext(guild=True)
        delete = app_commands.ContextMenu(name=wording.MENU_DELETE, callback=self.delete_message)
        delete.allowed_installs = app_commands.AppInstallationType(guild=True, user=True)
        delete.allowed_contexts = app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True)
        self._menus = (report, delete)

    async def cog_load(self) -> None:
        """Menus cannot be declared in a class."""
        for menu in self._menus:
            self._client.tree.add_command(menu)

    async def cog_unload(self) -> None:
        """Take the menus away again."""
        for menu in self._menus:
            self._client.tree.remove_command(menu.name, type=menu.type)

    # --- reports -----------------------------------------------------------------------------------------------------

    @app_commands.command(name="report", description=wording.REPORT)
    @app_commands.allowed_installs(guilds=True)
    @app_commands.allowed_contexts(guilds=True)
    @app_commands.describe(picture=wording.REPORT_PICTURE, reason=wording.REPORT_REASON)
    async def report(
        self,
        interaction: Interaction,
        picture: app_commands.Range[str, 1, LINK_LENGTH],
        reason: app_commands.Range[str, 1, REPORT_WORDS] | None = None,
    ) -> None:
        """By a link or a number; without a reason the form asks for one."""
        meant = pointed_at(picture)
        if reason is None:
            await self._ask(interaction, await self._job_meant(interaction, meant, LOOK_SOON))
            return
        await acknowledge(interaction, private=True)
        job_id = await self._job_meant(interaction, meant, LOOK_TIME)
        await self._file(interaction, job_id, OTHER, reason)

    async def report_message(self, interaction: Interaction, message: discord.Message) -> None:
        """The message menu."""
        await self._ask(interaction, self._job_in(message), message.channel.id)

    async def report_job(self, press: Press) -> None:
        """More… → Report."""
        await self._ask(press.interaction, press.number)

    async def _ask(self, interaction: Interaction, job_id: int, channel_id: int | None = None) -> None:
        job = await self._cases.reportable_soon(requester_of(interaction), job_id)
        if channel_id is not None and not _stands_in(job, channel_id):
            raise Refused("picture.none")
        form = Form("job", job_id, "report", wording.FORM_REPORT)
        form.offer("what", wording.FORM_REPORT_WHAT, wording.REPORT_REASONS)
        more, hint = wording.FORM_REPORT_MORE, wording.FORM_REPORT_HINT
        form.ask("more", more, hint=hint, limit=REPORT_WORDS, required=False)
        await interaction.response.send_modal(form)

    async def report_with_words(self, press: Press) -> None:
        """The form came back."""
        await acknowledge(press.interaction, private=True)
        what = press.fields.get("what", OTHER)
        reason = what if what in wording.REPORT_REASONS else OTHER
        await self._file(press.interaction, press.number, reason, press.fields.get("more", ""))

    async def _file(self, interaction: Interaction, job_id: int, reason: str, words: str) -> None:
        case, hides = await self._cases.report(requester_of(interaction), job_id, reason, words)
        job = await self._cases.job_of(case) if hides else None
        is_hidden = job is not None and await hide(self._client, job) is Outcome.SHOWN
        await tell(interaction, wording.REPORT_HIDDEN if is_hidden else wording.REPORT_RECEIVED)

    # --- which picture -----------------------------------------------------------------------------------------------

    def _job_in(self, message: discord.Message) -> int:
        job_id = job_shown_in(message, self._client.application_id or 0)
        if job_id is None:
            raise Refused("picture.none")
        return job_id

    async def _job_meant(self, interaction: Interaction, meant: Link | int, seconds: float) -> int:
        """The job's number, or that of the one which a linked message of this server shows."""
        if isinstance(meant, int):
            return meant
        guild = interaction.guild
        is_here = guild is not None and guild.id == meant.guild_id
        if guild is None or not is_here or guild.get_channel_or_thread(meant.channel_id) is None:
            raise Refused("picture.none")
        channel = self._client.get_partial_messageable(meant.channel_id)
        try:
            async with within(seconds):
                message = await channel.fetch_message(meant.message_id)
        except (TimeoutError, aiohttp.ClientError, discord.DiscordServerError) as error:
            raise Refused("slow") from error
        except discord.HTTPException as error:
            raise Refused("picture.none") from error
        job = await self._studio.job_soon(self._job_in(message))
        if not _stands_in(job, meant.channel_id):
            raise Refused("picture.none")
        return job.id

    # --- taking away -------------------------------------------------------------------------------------------------

    async def delete(self, press: Press) -> None:
        """Delete a picture: at once for its member; a moderator is asked for a reason first."""
        interaction, requester = press.interaction, requester_of(press.interaction)
        job = await self._studio.job_soon(press.number)
        check_owner(requester, job)
        if requester.user_id != job.user_id:
            await interaction.response.send_modal(_reason_form(job))
            return
        await acknowledge_press(interaction)
        await self._delete(interaction, job, reason=None)

    async def delete_message(self, interaction: Interaction, message: discord.Message) -> None:
        """The message menu: the same, and in direct messages that one message alone."""
        requester, job = requester_of(interaction), await self._studio.job_soon(self._job_in(message))
        check_owner(requester, job)
        if not _stands_in(job, message.channel.id):
            await self._delete_copy(interaction, requester, job, message)
        elif requester.user_id != job.user_id:
            await interaction.response.send_modal(_reason_form(job))
        else:
            await acknowledge(interaction, private=True)
            await self._delete(interaction, job, reason=None)

    async def delete_with_reason(self, press: Press) -> None:
        """A moderator's form came back, opened by the button or by the menu."""
        interaction = press.interaction
        if interaction.message is None:
            await acknowledge(interaction, private=True)
        else:
            await acknowledge_press(interaction)
        job = await self._studio.job(press.number)
        check_owner(requester_of(interaction), job)
        await self._delete(interaction, job, reason=press.fields.get("reason"))

    async def _delete(self, interaction: Interaction, job: Job, *, reason: str | None) -> None:
        pressed = interaction.message
        if pressed is not None:
            # It goes by this press's own token, also where the bot does not see the channel.
            await interaction.delete_original_response()
        if pressed is None or _stands_in(job, pressed.channel.id):
            outcome = await remove(self._client, job, besides=pressed.id if pressed is not None else None)
            if outcome is not Outcome.SHOWN and pressed is None:
                await tell(interaction, wording.PICTURE_STUCK)
                return
        await self._confirm(interaction, job, reason=reason)

    async def _delete_copy(
        self, interaction: Interaction, requester: Requester, job: Job, message: discord.Message
    ) -> None:
        """What came by direct message, where its member alone may take it away."""
        if requester.guild_id is not None or requester.user_id != job.user_id:
            raise Refused("picture.none")
        await acknowledge(interaction, private=True)
        if await remove_message(self._client, message) not in (Outcome.SHOWN, Outcome.GONE):
            await tell(interaction, wording.PICTURE_STUCK)
            return
        await self._confirm(interaction, job, reason=None)

    async def _confirm(self, interaction: Interaction, job: Job, *, reason: str | None) -> None:
        requester = requester_of(interaction)
        await self._studio.note_deleted(requester, job, reason)
        if requester.user_id != job.user_id:
            await tell(interaction, wording.DELETED_ON_RECORD)
            return
        again = button("job", job.id, "again", wording.BUTTON_AGAIN)
        await tell(interaction, wording.DELETED, view=row(again))


def _stands_in(job: Job, channel_id: int) -> bool:
    return job.place is not None and job.place.channel_id == channel_id


def _reason_form(job: Job) -> Form:
    form = Form("job", job.id, "delete", wording.FORM_DELETE)
    form.ask("reason", wording.FORM_DELETE_REASON, hint=wording.FORM_DELETE_HINT)
    return form


async def setup(client: Naibot) -> None:
    """Add the cog and register its controls."""
    services = client.services
    cog = Pictures(client, services.cases, services.studio)
    client.control("job", "report", press=cog.report_job, submit=cog.report_with_words)
    client.control("job", "delete", press=cog.delete, submit=cog.delete_with_reason)
    await client.add_cog(cog)
