"""What a member waits for and has used: `/quota`, `/queue`, `/cancel`, and the way back from the waiting line."""

import discord
from discord import app_commands
from discord.ext import commands

from bot import wording
from bot.client import Naibot
from bot.domain.errors import Refused
from bot.domain.guild import DIRECT_CONFIG
from bot.domain.request import Context, Requester
from bot.domain.rules import judge_place, never_spends
from bot.services.deliveries import Deliveries
from bot.services.guilds import Guilds
from bot.services.moderation import Moderation
from bot.services.studio import Studio
from cogs.ui.admin import moderator_of
from cogs.ui.answer import acknowledge, acknowledge_press, show_card, tell
from cogs.ui.cards import ALL, LINES_MAX, card, choices_of, queue_card, quota_card
from cogs.ui.controls import Press
from cogs.ui.requester import Interaction, requester_of

CLOSED = ("not.served", "direct.off", "place.none", "place.unchecked")
ANLAS_KEYS = {"price.house": "quota.anlas_house", "price.never": "quota.anlas_never"}


class Queue(commands.Cog):
    """The waiting line as its members see it. These commands read, so they work wherever the bot is."""

    def __init__(self, studio: Studio, deliveries: Deliveries, guilds: Guilds, moderation: Moderation) -> None:
        self._studio = studio
        self._deliveries = deliveries
        self._guilds = guilds
        self._moderation = moderation

    # --- quota -------------------------------------------------------------------------------------------------------

    @app_commands.command(name="quota", description=wording.QUOTA)
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.describe(member=wording.QUOTA_MEMBER)
    async def quota(self, interaction: Interaction, member: discord.User | None = None) -> None:
        """Never refused; another member's figures are for moderators."""
        requester = requester_of(interaction)
        if member is not None and member.id != requester.user_id:
            moderator_of(interaction)
        await acknowledge(interaction, private=True)
        whose = requester if member is None else _as(requester, member)
        if (closed := self._closed(whose, interaction.client.mentions)) is not None:
            await show_card(interaction, card([wording.QUOTA_HEADING, closed]))
            return
        config = self._guilds.config(whose) or DIRECT_CONFIG
        shown = quota_card(
            await self._studio.quota(whose),
            self._guilds.allowed(whose),
            await self._studio.waiting(whose),
            config,
            self._anlas_key(whose),
            None if whose.user_id == requester.user_id else whose.user_id,
            await self._deliveries.count_inbox(whose.user_id),
        )
        await show_card(interaction, shown)

    def _closed(self, requester: Requester, mentions: dict[str, str]) -> str | None:
        """Why nobody draws anything here, so that figures would mislead; None where somebody does."""
        try:
            judge_place(requester, self._moderation.ground(requester))
        except Refused as refusal:
            if refusal.code in CLOSED:
                return wording.explain(refusal.code, refusal.data, mentions)
        return None

    def _anlas_key(self, requester: Requester) -> str:
        config = self._guilds.config(requester) or DIRECT_CONFIG
        limit = self._guilds.allowed(requester)["anlas_day"].limit
        if requester.context is not Context.GUILD:
            return "quota.anlas_direct"
        forbidden = never_spends(config, self._guilds.house)
        if forbidden is not None:
            return ANLAS_KEYS[forbidden]
        return "quota.anlas_unlimited" if limit is None else "quota.anlas_today"

    # --- queue -------------------------------------------------------------------------------------------------------

    @app_commands.command(name="queue", description=wording.QUEUE)
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.describe(everyone=wording.QUEUE_EVERYONE)
    async def queue(self, interaction: Interaction, everyone: bool = False) -> None:
        """One's own waiting pictures; the whole line for moderators, without prompts."""
        if everyone:
            moderator_of(interaction)
        await acknowledge(interaction, private=True)
        await self._show_queue(interaction, everyone=everyone)

    async def show_own(self, press: Press) -> None:
        """Quota's button."""
        await acknowledge(press.interaction, private=True)
        await self._show_queue(press.interaction, everyone=False)

    async def _show_queue(self, interaction: Interaction, *, everyone: bool) -> None:
        requester, line = requester_of(interaction), await self._deliveries.line()
        if everyone:
            jobs = await self._deliveries.waiting(requester.scope, LINES_MAX + 1)
        else:
            jobs = await self._studio.waiting(requester)
        outlooks = await self._deliveries.outlooks(jobs[: LINES_MAX + 1])
        await show_card(interaction, queue_card(outlooks, line, everyone=everyone))

    async def withdraw(self, press: Press) -> None:
        """Take one back from the card, and draw the card anew."""
        await acknowledge_press(press.interaction)
        requester = requester_of(press.interaction)
        await self._studio.cancel(requester, press.number)
        await self._show_queue(press.interaction, everyone=press.arg is not None and requester.may_moderate)

    # --- cancel ------------------------------------------------------------------------------------------------------

    @app_commands.command(name="cancel", description=wording.CANCEL)
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.describe(job=wording.CANCEL_JOB)
    async def cancel(self, interaction: Interaction, job: str | None = None) -> None:
        """The newest, one, or all; the courier takes the waiting messages away."""
        await acknowledge(interaction, private=True)
        requester = requester_of(interaction)
        if job == ALL:
            n = await self._studio.cancel_all(requester)
            await tell(interaction, wording.CANCELLED if n == 1 else wording.say("cancelled.many", n=n))
            return
        await self._studio.cancel(requester, await self._chosen(requester, job))
        await tell(interaction, wording.CANCELLED)

    async def _chosen(self, requester: Requester, job: str | None) -> int:
        if job is None:
            waiting = await self._studio.waiting(requester)
            if not waiting:
                raise Refused("cancel.none")
            return max(each.id for each in waiting)
        if not job.isascii() or not job.isdecimal() or len(job) > 19:
            raise Refused("cancel.over")
        return int(job)

    @cancel.autocomplete("job")
    async def complete_job(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        """One's own waiting ones."""
        return choices_of(await self._studio.waiting(requester_of(interaction)), current)

    async def cancel_one(self, press: Press) -> None:
        """The waiting message's own button."""
        await acknowledge_press(press.interaction)
        await self._studio.cancel(requester_of(press.interaction), press.number)
        await tell(press.interaction, wording.CANCELLED)


def _as(requester: Requester, member: discord.User | discord.Member) -> Requester:
    """Another member in the same place."""
    return Requester(
        user_id=member.id,
        guild_id=requester.guild_id,
        channel_id=requester.channel_id,
        parent_id=requester.parent_id,
        role_ids=tuple(role.id for role in getattr(member, "roles", ())),
        context=requester.context,
    )


async def setup(client: Naibot) -> None:
    """Add the cog and register its controls."""
    services = client.services
    cog = Queue(services.studio, services.deliveries, services.guilds, services.moderation)
    client.control("job", "cancel", press=cog.cancel_one)
    client.control("job", "withdraw", press=cog.withdraw)
    client.control("me", "queue", press=cog.show_own)
    await client.add_cog(cog)
