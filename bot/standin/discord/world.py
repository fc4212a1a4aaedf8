"""What exists: people, servers, channels, messages, files. The one writer of all of it."""

import io
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from PIL import Image

from bot.standin.discord import lantern
from bot.standin.discord.bell import Bell
from bot.standin.discord.errors import (
    cannot_message,
    missing_access,
    missing_permissions,
    unknown_channel,
    unknown_message,
)
from bot.standin.discord.proxy import proxied

Json = dict[str, Any]

EPOCH = 1_420_070_400_000
EPHEMERAL, LOADING, CARD = 1 << 6, 1 << 7, 1 << 15
FILE_LIMIT = 10 * 1024 * 1024
FILE_LIMITS = (FILE_LIMIT, FILE_LIMIT, 50 * 1024 * 1024, 100 * 1024 * 1024)
"""Bytes of a file by a server's boost tier; the upper two as discord.py 2.7.1 has them."""
FILE_LIFE = 86_400
USER_INSTALL_PERMISSIONS = 1 << 15 | 1 << 14 | 1 << 17
"""Attach Files, Embed Links, Mention Everyone: what an application may where it is only somebody's own."""


@dataclass(frozen=True, slots=True)
class Blob:
    """One stored file."""

    filename: str
    media_type: str
    data: bytes = field(repr=False)


@dataclass(slots=True)
class Shown:
    """A message with what Discord keeps beside it: who may see it, when it last changed, and for whom."""

    message: Json
    to: int | None = None
    changes: dict[int, int] = field(default_factory=dict)
    """Interaction → revision of its last change; 0 for changes that no interaction made."""
    revision: int = 0
    deleted: bool = False

    def last_change(self, interaction: int, jobs: Sequence[str]) -> int:
        """When *interaction* changed it last, or (for a message of its own) one of the interaction's *jobs*."""
        nonce = str(self.message.get("nonce", ""))
        is_of_job = any(nonce.startswith(f"{job}-") for job in jobs)
        return max(self.changes.get(interaction, 0), self.changes.get(0, 0) if is_of_job else 0)


class World:
    """The pretended Discord's state."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.base = ""
        self.revision = 0
        self.shown: dict[int, Shown] = {}
        self.blobs: dict[int, Blob] = {}
        self.channels: dict[int, Json] = {}
        self.guilds: dict[int, Json] = {}
        self.commands: dict[int | None, list[Json]] = {}
        self.uploads: dict[str, Json] = {}
        """Files that a person put into an option or a form, by id."""
        self.unreachable: set[int] = set()
        """Channels that the application does not see, and people who take no direct messages."""
        self.denied: dict[int, int] = {}
        """Permissions that the application has not in a channel."""
        self.file_limits = FILE_LIMITS
        self.absent: set[int] = set()
        """Servers that the application is not in; people may use it there as their own."""
        self.grants_content = True
        """Whether the portal lets the application have the message content intent."""
        self.bell = Bell()
        """Rings at each change that a person may see."""
        self._count = 0
        self.bot = _user(lantern.APPLICATION, lantern.BOT_NAME, is_bot=True)
        self.people = {id_: _user(id_, name) for id_, name in lantern.PEOPLE.values()}
        for guild_id, name, channels in lantern.GUILDS:
            self._add_guild(guild_id, name, channels)
        for n, person in enumerate(self.people.values()):
            self.channels[lantern.DIRECT + n] = _direct(lantern.DIRECT + n, person)

    @property
    def mentionable(self) -> frozenset[int]:
        """The roles that anyone may mention."""
        roles = (role for guild in self.guilds.values() for role in guild["roles"])
        return frozenset(int(role["id"]) for role in roles if role["mentionable"])

    def snowflake(self) -> int:
        """A new id, later than every one before."""
        self._count = (self._count + 1) % 4096
        return (int(self.clock() * 1000) - EPOCH) << 22 | self._count

    def now(self) -> str:
        """The time as Discord writes it."""
        return time.strftime("%Y-%m-%dT%H:%M:%S.000000+00:00", time.gmtime(self.clock()))

    def _add_guild(self, guild_id: int, name: str, channels: tuple[tuple[int, str, bool], ...]) -> None:
        for position, (id_, channel, nsfw) in enumerate(channels):
            self.channels[id_] = _channel(id_, channel, guild_id, position, nsfw=nsfw)
        self.guilds[guild_id] = {
            "id": str(guild_id), "name": name, "owner_id": str(lantern.ADA), "features": [],
            "preferred_locale": "en-US", "member_count": 5, "roles": _roles(guild_id),
            "emojis": [], "stickers": [], "members": [self.member(self.bot, lantern.BOT_PERMISSIONS, guild_id)],
            "channels": [self.channels[id_] for id_, _, _ in channels], "threads": [], "presences": [],
            "voice_states": [], "stage_instances": [], "guild_scheduled_events": [], "soundboard_sounds": [],
            "unavailable": False, "large": False, "joined_at": self.now(), "icon": None, "verification_level": 0,
            "default_message_notifications": 0, "explicit_content_filter": 0, "mfa_level": 0, "nsfw_level": 0,
            "premium_tier": 0, "system_channel_flags": 0, "system_channel_id": _general(channels), "afk_timeout": 300,
        }  # fmt: skip

    def member(self, user: Json, permissions: int, guild_id: int | None) -> Json:
        """A person in a server."""
        roles = lantern.ROLES_OF.get((guild_id or 0, int(user["id"])), ())
        return {
            "user": user, "nick": None, "avatar": None, "banner": None, "roles": [str(id_) for id_ in roles],
            "joined_at": self.now(),
            "premium_since": None, "deaf": False, "mute": False, "flags": 0, "pending": False,
            "communication_disabled_until": None, "permissions": str(permissions),
        }  # fmt: skip

    # --- channels ----------------------------------------------------------------------------------------------------

    def channel(self, channel_id: int) -> Json:
        """A channel that the application may use; raises what Discord answers else."""
        if channel_id not in self.channels:
            raise unknown_channel()
        if channel_id in self.unreachable or self.is_absent(channel_id):
            raise missing_access()
        if self.denied.get(channel_id, 0) & lantern.VIEW:
            raise missing_access()
        return self.channels[channel_id]

    def is_absent(self, channel_id: int) -> bool:
        """Whether that is a channel of a server which the application is not in."""
        return int(self.channels[channel_id].get("guild_id") or 0) in self.absent

    def app_permissions(self, channel_id: int) -> int:
        """What the application may do in a channel."""
        if self.is_absent(channel_id):
            return USER_INSTALL_PERMISSIONS
        hidden = lantern.VIEW if channel_id in self.unreachable else 0
        return lantern.BOT_PERMISSIONS & ~self.denied.get(channel_id, 0) & ~hidden

    def file_limit(self, channel_id: int) -> int:
        """Bytes of a file that anybody may post in a channel: more where its server is boosted."""
        guild = self.guilds.get(int(self.channels.get(channel_id, {}).get("guild_id") or 0))
        return self.file_limits[guild["premium_tier"] if guild is not None else 0]

    def with_denials(self, channel: Json) -> Json:
        """The channel with an overwrite for what the application may not do there."""
        denied = self.denied.get(int(channel["id"]), 0)
        if not denied:
            return channel
        overwrite = {"id": str(lantern.APPLICATION), "type": 1, "allow": "0", "deny": str(denied)}
        return channel | {"permission_overwrites": [*channel["permission_overwrites"], overwrite]}

    def delete_channel(self, channel_id: int) -> Json:
        """A channel is gone, and with it its messages; returns what it was."""
        for shown in [s for s in self.newest(channel_id) if not s.deleted]:
            self.remove(int(shown.message["id"]))
        channel = self.channels.pop(channel_id)
        guild = self.guilds[int(channel["guild_id"])]
        guild["channels"] = [each for each in guild["channels"] if each is not channel]
        return channel

    def check_sending(self, channel_id: int, *, files: bool) -> None:
        """Raise what Discord answers where the application may not send, or not with files."""
        channel = self.channel(channel_id)
        if channel["type"] == 1 and int(channel["recipients"][0]["id"]) in self.unreachable:
            raise cannot_message()
        needed = lantern.SEND | (lantern.ATTACH if files else 0)
        if needed & self.denied.get(channel_id, 0):
            raise missing_permissions()

    def direct_channel(self, user_id: int) -> Json | None:
        """The direct messages with one person."""
        return next(
            (c for c in self.channels.values() if c["type"] == 1 and c["recipients"][0]["id"] == str(user_id)), None
        )

    # --- files -------------------------------------------------------------------------------------------------------

    def attach(self, channel_id: int, blob: Blob, *, ephemeral: bool = False) -> Json:
        """Store a file; its attachment object, with an address that expires."""
        id_ = self.snowflake()
        self.blobs[id_] = blob
        kind = "ephemeral-attachments" if ephemeral else "attachments"
        born = int(self.clock())
        url = (
            f"{self.base}/{kind}/{channel_id}/{id_}/{quote(blob.filename)}"
            f"?ex={born + FILE_LIFE:x}&is={born:x}&hm={'0' * 64}"
        )
        made: Json = {
            "id": str(id_), "filename": blob.filename, "size": len(blob.data), "url": url, "proxy_url": proxied(url),
            "content_type": blob.media_type,
        }  # fmt: skip
        if size := _size_of(blob):
            made |= {"width": size[0], "height": size[1]}
        return made | ({"ephemeral": True} if ephemeral else {})

    # --- messages ----------------------------------------------------------------------------------------------------

    def put(self, message: Json, to: int | None, by: int | None = None) -> Json:
        """Store what interaction *by* made or changed; *to* is the one person who sees an ephemeral message."""
        id_ = int(message["id"])
        kept = self.shown.setdefault(id_, Shown(message=message, to=to))
        kept.message = message
        self._changed(kept, by)
        return message

    def react(self, message_id: int, user_id: int, emoji: str) -> bool:
        """Put somebody's reaction to a message, or take it away again; whether it is there now."""
        reactions = self.find(message_id).message.setdefault("_reactions", {})
        who = reactions.setdefault(emoji, [])
        is_new = user_id not in who
        if is_new:
            who.append(user_id)
        else:
            who.remove(user_id)
        if not who:
            del reactions[emoji]
        self._changed(self.shown[message_id], 0)
        return is_new

    def remove(self, message_id: int, by: int | None = None) -> None:
        """Delete a message; what it was stays as a trace for the room."""
        self._changed(self.find(message_id), by)
        self.shown[message_id].deleted = True

    def _changed(self, shown: Shown, by: int | None) -> None:
        """What the channel's own routes do is put to the interaction that made the message."""
        self.revision += 1
        shown.revision = self.revision
        maker = int(shown.message.get("interaction_metadata", {}).get("id", 0))
        shown.changes[maker if by is None else by] = self.revision
        self.bell.ring()

    def find(self, message_id: int) -> Shown:
        """A message that exists."""
        shown = self.shown.get(message_id)
        if shown is None or shown.deleted:
            raise unknown_message()
        return shown

    def public(self, message_id: int, channel_id: int) -> Json:
        """A message as the channel's own routes see it: ephemeral ones are not there."""
        shown = self.find(message_id)
        if shown.to is not None or int(shown.message["channel_id"]) != channel_id:
            raise unknown_message()
        return shown.message

    def visible(self, user_id: int, channel_id: int | None = None) -> Iterator[Shown]:
        """What one person sees, newest first; deleted ones included."""
        for shown in self.newest(channel_id):
            channel = self.channels.get(int(shown.message["channel_id"]), {"type": 0})
            is_theirs = channel["type"] != 1 or channel["recipients"][0]["id"] == str(user_id)
            if is_theirs and shown.to in (None, user_id):
                yield shown

    def newest(self, channel_id: int | None = None) -> Iterator[Shown]:
        """Every message there was, newest first, whoever sees it."""
        for shown in sorted(self.shown.values(), key=lambda each: -int(each.message["id"])):
            if channel_id is None or int(shown.message["channel_id"]) == channel_id:
                yield shown


def _user(id_: int, name: str, *, is_bot: bool = False) -> Json:
    return {
        "id": str(id_), "username": name.lower(), "discriminator": "0", "global_name": name, "avatar": None,
        "bot": is_bot, "public_flags": 0, "flags": 0, "avatar_decoration_data": None, "collectibles": None,
        "primary_guild": None, "banner": None, "accent_color": None,
    }  # fmt: skip


def _roles(guild_id: int) -> list[Json]:
    named = {id_: name for name, id_ in lantern.ROLES.items()}
    held = dict.fromkeys(id_ for (guild, _), ids in lantern.ROLES_OF.items() if guild == guild_id for id_ in ids)
    return [
        _role(guild_id, "@everyone", lantern.MEMBER),
        *(_role(id_, named[id_], 0) | {"mentionable": True} for id_ in held),
    ]


def _role(id_: int, name: str, permissions: int) -> Json:
    colours = {"primary_color": 0, "secondary_color": None, "tertiary_color": None}
    return {
        "id": str(id_), "name": name, "permissions": str(permissions), "position": 0, "color": 0,
        "colors": colours, "hoist": False, "managed": False, "mentionable": False, "flags": 0, "icon": None,
        "unicode_emoji": None,
    }  # fmt: skip


def _channel(id_: int, name: str, guild_id: int, position: int, *, nsfw: bool) -> Json:
    return {
        "id": str(id_), "type": 0, "name": name, "guild_id": str(guild_id), "position": position, "nsfw": nsfw,
        "permission_overwrites": [], "topic": None, "parent_id": None, "rate_limit_per_user": 0,
        "last_message_id": None, "flags": 0,
    }  # fmt: skip


def _general(channels: tuple[tuple[int, str, bool], ...]) -> str | None:
    """The channel of a server in which Discord itself would speak."""
    return next((str(id_) for id_, name, _ in channels if name == "general"), None)


def _direct(id_: int, person: Json) -> Json:
    return {"id": str(id_), "type": 1, "recipients": [person], "last_message_id": None, "flags": 0}


def _size_of(blob: Blob) -> tuple[int, int] | None:
    """Width and height from the header; the pixels are not decoded."""
    if not blob.media_type.startswith("image/"):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(blob.data), formats=("PNG", "JPEG", "WEBP", "GIF")) as image:
                return image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
