"""Who may change a server's settings, asked by every handler that does."""

import discord

from bot.domain.errors import Forbidden, Refused
from bot.domain.guild import GuildConfig
from bot.domain.request import Requester
from bot.domain.rules import check_admin
from cogs.ui.requester import Interaction, requester_of


def admin_of(interaction: Interaction) -> tuple[Requester, discord.Guild, GuildConfig]:
    """Who asks, their server and its settings. Raises `Refused` for whoever may not change them."""
    requester = requester_of(interaction)
    config = interaction.client.services.guilds.config_of(requester.guild_id)
    if config is None and requester.scope:
        raise Forbidden("not.served")
    check_admin(requester)
    if interaction.guild is None or config is None:
        raise Refused("admin.only")
    return requester, interaction.guild, config
