"""Who asks: all of Discord's person, place and permissions that the rules may look at."""

import discord

from bot.client import Naibot
from bot.domain.request import Context, Requester

Interaction = discord.Interaction[Naibot]


def requester_of(interaction: Interaction) -> Requester:
    """Who asks, with all that the rules may look at."""
    channel = interaction.channel
    parent = getattr(channel, "parent", None)
    permissions = interaction.permissions
    role_ids = tuple(role.id for role in getattr(interaction.user, "roles", ()))
    context = _context(interaction)
    # As somebody's own app the bot knows nothing of the server, and its rights there mean nothing to it.
    in_guild = context is Context.GUILD
    config = interaction.client.services.guilds.config_of(interaction.guild_id)
    has_role = config is not None and config.moderator_role in role_ids
    return Requester(
        user_id=interaction.user.id,
        guild_id=interaction.guild_id,
        channel_id=interaction.channel_id or 0,
        parent_id=getattr(channel, "parent_id", None) if isinstance(channel, discord.Thread) else None,
        role_ids=role_ids,
        age_restricted=bool(getattr(parent or channel, "nsfw", False)),
        may_moderate=in_guild and (permissions.moderate_members or permissions.administrator or has_role),
        may_manage=in_guild and (permissions.manage_guild or permissions.administrator),
        context=context,
        locale=str(interaction.locale),
    )


def _context(interaction: Interaction) -> Context:
    if interaction.guild_id is None:
        return Context.DM
    return Context.GUILD if interaction.is_guild_integration() else Context.USER_INSTALL
