"""Channels and roles of a server: which ones people mean, and what the bot may do there."""

import re
from collections.abc import Iterable

import discord

from bot import wording
from bot.domain.errors import Mistake
from bot.domain.guild import Kind

DRAWING = ("view_channel", "send_messages", "attach_files", "read_message_history")
WRITING = ("view_channel", "send_messages")

_MENTION = re.compile(r"<(?:#|@&)(\d{1,19})>|[#@]?([^\s,<>]+)")

DRAWABLE = (
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.forum,
    discord.ChannelType.voice,
    discord.ChannelType.stage_voice,
)
WRITABLE = (discord.ChannelType.text, discord.ChannelType.news)


def missing(channel: discord.abc.GuildChannel, needed: Iterable[str]) -> list[str]:
    """The names of the permissions that the bot lacks in *channel*."""
    permissions = channel.permissions_for(channel.guild.me)
    return [wording.PERMISSIONS[name] for name in needed if not getattr(permissions, name)]


def posting_line(guild: discord.Guild, channel_id: int, needed: Iterable[str] = DRAWING) -> str:
    """Whether the bot can post in a channel, and else what it lacks there."""
    channel = guild.get_channel(channel_id)
    if channel is None:
        return wording.SETUP_GONE
    where = f"<#{channel_id}>"
    if lacking := missing(channel, needed):
        return wording.say("setup.cannot", channel=where, permissions=wording.listed(lacking))
    return wording.say("setup.can", channel=where)


def chosen(guild: discord.Guild, kind: Kind, values: Iterable[str]) -> tuple[int, ...]:
    """
    The ids of what was chosen in a select, as far as this server has them.

    Raises `Mistake` ``setting.place`` for an id that means nothing here.
    """
    found = []
    for value in values:
        id_ = int(value) if value.isascii() and value.isdecimal() else 0
        found.append(_known(guild, kind, id_))
    return tuple(found)


def named(guild: discord.Guild, kind: Kind, text: str) -> tuple[int, ...]:
    """The ids of channels or of a role as people write them: a mention, a name, an id. Raises as `chosen`."""
    if text.casefold().strip() in (wording.NOT_SET, ""):
        return ()
    if kind is Kind.ROLE and (role := _role_called(guild, text)) is not None:
        return (_known(guild, kind, role.id),)
    if (whole := _channel_called(guild, text.strip().removeprefix("#"))) is not None:
        return (_known(guild, kind, whole.id),)
    ids = []
    for match in _MENTION.finditer(text):
        by_name = None if match[1] else _channel_called(guild, match[2])
        word = match[1] or match[2]
        id_ = by_name.id if by_name is not None else int(word) if word.isascii() and word.isdecimal() else 0
        ids.append(_known(guild, kind, id_))
    return tuple(dict.fromkeys(ids))


def _known(guild: discord.Guild, kind: Kind, id_: int) -> int:
    role = guild.get_role(id_) if kind is Kind.ROLE else None
    is_known = role is not None and not role.is_default()
    # Everybody has the default role: whoever chose it would make everybody a moderator.
    if not is_known and _channel(guild, kind, id_) is None:
        raise Mistake("setting.place")
    return id_


def _channel(guild: discord.Guild, kind: Kind, id_: int) -> discord.abc.GuildChannel | None:
    channel = guild.get_channel(id_) if kind is not Kind.ROLE else None
    kinds = DRAWABLE if kind is Kind.CHANNELS else WRITABLE
    return channel if channel is not None and channel.type in kinds else None


def _channel_called(guild: discord.Guild, name: str) -> discord.abc.GuildChannel | None:
    return next((each for each in guild.channels if each.name.casefold() == name.casefold()), None)


def _role_called(guild: discord.Guild, text: str) -> discord.Role | None:
    name = text.strip().removeprefix("@").casefold()
    return next((role for role in guild.roles if role.name.casefold() == name), None)
