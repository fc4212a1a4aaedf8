"""`/help`: what the bot does, what one may use here, and who runs it."""

from discord import app_commands
from discord.ext import commands

from bot import wording
from bot.client import Naibot
from bot.domain.admission import Measure
from bot.domain.errors import Refused
from bot.domain.request import Requester
from bot.domain.rules import judge_place, keeps_safe
from bot.services.guilds import Guilds
from bot.services.moderation import Moderation
from bot.services.studio import Studio
from cogs.ui.answer import acknowledge, show_card
from cogs.ui.cards import help_card
from cogs.ui.requester import Interaction, requester_of


class Help(commands.Cog):
    """The first word a stranger types. It never refuses."""

    def __init__(self, studio: Studio, guilds: Guilds, moderation: Moderation) -> None:
        self._studio = studio
        self._guilds = guilds
        self._moderation = moderation

    @app_commands.command(name="help", description=wording.HELP)
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    async def help(self, interaction: Interaction) -> None:
        """A private card."""
        await acknowledge(interaction, private=True)
        requester, mentions = requester_of(interaction), interaction.client.mentions
        lines = await self._lines(requester, mentions)
        if requester.may_manage:
            lines.append(wording.say("help.admin", mentions))
        await show_card(interaction, help_card(lines, mentions, self._guilds.house.operators))

    async def _lines(self, requester: Requester, mentions: dict[str, str]) -> list[str]:
        """What may be done here, or why not and where instead."""
        ground = self._moderation.ground(requester)
        try:
            judge_place(requester, ground)
        except Refused as refusal:
            return [wording.explain(refusal.code, refusal.data, mentions)]
        gauge = (await self._studio.quota(requester)).tightest(Measure.PICTURES)
        may = (
            wording.say("help.open", left=wording.count(gauge.left), window=wording.WINDOWS[gauge.span])
            if gauge is not None
            else wording.HELP_OPEN_UNLIMITED
        )
        safety = wording.HELP_SAFE if keeps_safe(requester, ground) else wording.HELP_ADULT
        return [f"{may} {safety}"]


async def setup(client: Naibot) -> None:
    """Add the cog."""
    services = client.services
    await client.add_cog(Help(services.studio, services.guilds, services.moderation))
