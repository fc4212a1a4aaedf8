"""What the bot's Discord account sees without connecting: who it is, its servers, and what it may do there."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import aiohttp
import discord

from bot.client import LoginRefused, point_at
from bot.settings import Settings

LOOK_TIME = 60.0
GUILDS_MAX = 200
PERMISSIONS = 274_878_008_320
"""View Channel, Send Messages (also in threads), Attach Files, Read Message History: all that drawing ever uses."""
REACTING = 64
"""Add Reactions: what auto-inspect uses beside them."""
NEEDED = tuple(name for name, is_set in discord.Permissions(PERMISSIONS) if is_set)
WATCHING = ("view_channel", "read_message_history", "add_reactions")
"""What auto-inspect needs in a channel."""


class DiscordAway(Exception):
    """Discord could not be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One channel: its name (None where it is gone), and the names of the permissions that the bot lacks there."""

    name: str | None
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The channels of a server that are asked about: where it draws, and where it looks at images unasked."""

    drawn: tuple[int, ...] = ()
    watched: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One server the bot is in; *rooms* and *watched* are what was asked about, None where it could not be read."""

    id: int
    name: str
    rooms: tuple[Room, ...] | None = ()
    watched: tuple[Room, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Everything; *identifies* is how many more times the bot may connect within the next *reset_after* seconds."""

    application_id: int
    name: str
    has_endpoint: bool
    may_read: bool
    """Whether the portal lets it have the message content intent."""
    identifies: int
    reset_after: float
    servers: tuple[Server, ...]
    is_whole: bool
    """Whether these are all its servers."""

    def invitation(self, *, reacts: bool) -> str:
        """The address by which the bot is invited; with Add Reactions where it *reacts*."""
        permissions = discord.Permissions(PERMISSIONS | REACTING if reacts else PERMISSIONS)
        scopes = ("bot", "applications.commands")
        return discord.utils.oauth_url(self.application_id, permissions=permissions, scopes=scopes)


async def look_around(settings: Settings, wanted: Mapping[int, Wanted]) -> Surroundings:
    """
    Log in by REST alone and look at what is *wanted* by server. Raises `LoginRefused` and `DiscordAway`.
    """
    point_at(settings)
    client = discord.Client(intents=discord.Intents.none(), max_messages=None)
    try:
        async with asyncio.timeout(LOOK_TIME), client:
            await client.login(settings.discord_token)
            return await _look(client, wanted)
    except discord.LoginFailure as error:
        raise LoginRefused from error
    except (discord.HTTPException, aiohttp.ClientError, TimeoutError, OSError) as error:
        raise DiscordAway from error


async def _look(client: discord.Client, wanted: Mapping[int, Wanted]) -> Surroundings:
    about, user = client.application, client.user
    if about is None or user is None:
        raise DiscordAway
    _, _, limit = await client.http.get_bot_gateway()
    servers = [
        await _server(client, guild, wanted.get(guild.id, Wanted()))
        async for guild in client.fetch_guilds(limit=GUILDS_MAX, with_counts=False)
    ]
    return Surroundings(
        application_id=about.id,
        name=user.name,
        has_endpoint=about.interactions_endpoint_url is not None,
        may_read=about.flags.gateway_message_content or about.flags.gateway_message_content_limited,
        identifies=int(limit["remaining"]),
        reset_after=limit["reset_after"] / 1_000,
        servers=tuple(servers),
        is_whole=len(servers) < GUILDS_MAX,
    )


async def _server(client: discord.Client, partial: discord.Guild, wanted: Wanted) -> Server:
    if not (wanted.drawn or wanted.watched) or client.user is None:
        return Server(id=partial.id, name=partial.name)
    try:
        guild = await client.fetch_guild(partial.id, with_counts=False)
        me = await guild.fetch_member(client.user.id)
        found = {channel.id: channel for channel in await guild.fetch_channels()}
    except (discord.Forbidden, discord.NotFound, discord.InvalidData):
        return Server(id=partial.id, name=partial.name, rooms=None)
    return Server(
        id=guild.id,
        name=guild.name,
        rooms=tuple(_room(found.get(id_), me, NEEDED) for id_ in wanted.drawn),
        watched=tuple(_room(found.get(id_), me, WATCHING) for id_ in wanted.watched),
    )


def _room(channel: discord.abc.GuildChannel | None, me: discord.Member, needed: Iterable[str]) -> Room:
    if channel is None:
        return Room(name=None)
    permissions = channel.permissions_for(me)
    return Room(name=channel.name, lacking=tuple(name for name in needed if not getattr(permissions, name)))
