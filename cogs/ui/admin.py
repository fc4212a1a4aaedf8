"""Who may change a server's settings, asked by every handler that does."""

import discord

from bot.domain.errors import Refused
from bot.domain.guild import GuildConfig
from bot.domain.request import Requester
from bot.domain.rules import check_admin, check_moderator
from cogs.ui.requester import Interaction, requester_of


def admin_of(interaction: Interaction) -> tuple[Requester, discord.Guild, GuildConfig]:
    """Who asks, their server and its settings. Raises `Refused` for whoever may not change them."""
    requester = requester_of(interaction)
    ground = interaction.client.services.moderation.ground(requester)
    check_admin(requester, ground)
    if interaction.guild is None or ground.guild is None:
        raise Refused("admin.only")
    return requester, interaction.guild, ground.guild


def moderator_of(interaction: Interaction) -> Requester:
    """Who asks. Raises `Refused` for whoever does not moderate here."""
    requester = requester_of(interaction)
    check_moderator(requester, interaction.client.services.moderation.ground(requester))
    return requester
