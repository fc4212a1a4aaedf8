"""The REST routes that the bot uses; every other one names itself in its refusal."""

import json
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from aiohttp import BodyPartReader, web

from bot.standin.discord import commands, errors, lantern
from bot.standin.discord.interactions import Interactions
from bot.standin.discord.messages import Writer, heard, outward
from bot.standin.discord.world import Blob, Json, World

T = TypeVar("T")

PREFIX = "/api/v10"
CHUNK = 1 << 16
NONCE_LIFE = 300.0
_FILE_PART = re.compile(r"files\[(\d{1,2})\]")
CONTENT_LIMITED = 1 << 19
"""An application's flag: the message content intent, of an application in few servers (resources/application)."""
REQUEST_MAX = 25 * 1024 * 1024
"""Bytes of a whole request that makes a message (Discord's documentation, resources/message, 2026-08)."""
HISTORY_DEFAULT, HISTORY_MAX, NONCE_MAX, EMOJI_MAX = 50, 100, 25, 16
OPERATIONS = {
    "callback": "create_interaction_response",
    "follow_up": "execute_webhook",
    "edit_follow_up": "update_original_webhook_message",
    "create": "create_message",
    "edit": "update_message",
    "sync": "bulk_set_application_commands",
    "message": "get_message",
    "history": "list_messages",
    "direct": "create_dm",
    "channel": "get_channel",
    "original": "get_original_webhook_message",
    "gateway": "get_bot_gateway",
    "guilds": "list_my_guilds",
    "channels": "list_guild_channels",
}
GATEWAY_ONLY = (
    "members", "channels", "threads", "presences", "voice_states", "stage_instances", "guild_scheduled_events",
    "soundboard_sounds", "unavailable", "large", "joined_at", "member_count",
)  # fmt: skip
"""What Discord says of a server over the gateway alone."""


class Judge(Protocol):
    """Validates against Discord's own description; only tests bring one."""

    def request(self, operation: str, body: object) -> tuple[str, str, str] | None:
        """Path, code and message of what is wrong with a request body."""

    def reply(self, operation: str, body: object) -> None:
        """Raises where a reply of the stand-in is not what the description says."""


@dataclass(slots=True)
class Fault:
    """
    A failure to come: the next *times* requests of *method* whose path holds *part*.

    With *is_done* the request is carried out first, and only its answer is lost.
    """

    method: str
    part: str
    status: int
    times: int
    after: float
    is_done: bool = False
    code: int = 0
    """Discord's own number of the failure; 0 where it does not say."""


class Rest:
    """The API."""

    def __init__(self, world: World, interactions: Interactions, judge: Judge | None = None) -> None:
        self._world = world
        self._interactions = interactions
        self._writer = Writer(world)
        self._judge = judge
        self._nonces: dict[tuple[int, str], tuple[float, int]] = {}
        self.faults: list[Fault] = []
        self.requests: deque[tuple[str, str, int]] = deque(maxlen=2_000)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        path = request.path.removeprefix(PREFIX)
        status = 500
        try:
            fault = self._fault(request.method, path)
            answer = await self._answer(request, path) if fault is None or fault.is_done else None
            if fault is not None:
                status = fault.status
                return await _failed(request, fault)
        except errors.ApiError as error:
            status = error.status
            return _reply(error.body, status)
        else:
            status = 204 if answer is None else 200
            return _reply(answer, status)
        finally:
            self.requests.append((request.method, path, status))

    def _fault(self, method: str, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.times > 0 and fault.method == method and fault.part in path:
                fault.times -= 1
                return fault
        return None

    async def _answer(self, request: web.Request, path: str) -> object:
        by_token = path.startswith(("/interactions/", "/webhooks/"))
        if not by_token and request.headers.get("Authorization") != f"Bot {lantern.TOKEN}":
            raise errors.unauthorized()
        body, files = await _read(request)
        parts = path.strip("/").split("/")
        match (request.method, *parts):
            case (_, "interactions", id_, token, "callback"):
                self._check("callback", body)
                answer = self._interactions.answer(_id(id_), token, body, files)
                return answer if request.query.get("with_response") in ("1", "true") else None
            case (method, "webhooks", application, token, *rest):
                return self._webhook(method, application, token, rest, body, files)
            case (method, "channels", channel, *rest):
                return self._channel(method, _id(channel), rest, body, files, request)
            case ("PUT", "applications", _, "commands"):
                return self._sync(None, body)
            case ("PUT", "applications", _, "guilds", guild, "commands"):
                return self._sync(self._entered(_id(guild)), body)
            case _:
                return self._application(request.method, parts, body)

    def _application(self, method: str, parts: list[str], body: Json) -> object:
        match (method, *parts):
            case ("GET", "users", "@me"):
                return self._world.bot
            case ("GET", "oauth2", "applications", "@me") | ("GET", "applications", "@me"):
                return self._about()
            case ("GET", "gateway", "bot"):
                limits = {"total": 1_000, "remaining": 999, "reset_after": 0, "max_concurrency": 1}
                url = f"{self._world.base.replace('http', 'ws')}/gateway"
                return self._replied("gateway", {"url": url, "shards": 1, "session_start_limit": limits})
            case ("GET", "applications", _, "commands"):
                return self._replied("sync", self._world.commands.get(None, []))
            case ("GET", "applications", _, "guilds", guild, "commands"):
                return self._replied("sync", self._world.commands.get(self._entered(_id(guild)), []))
            case ("GET", "users", "@me", "guilds"):
                present = [guild for id_, guild in self._world.guilds.items() if id_ not in self._world.absent]
                return self._replied("guilds", [_briefly(guild) for guild in present])
            case ("GET", "guilds", guild, *rest):
                return self._guild(_id(guild), rest)
            case ("POST", "users", "@me", "channels"):
                return self._replied("direct", self._open_direct(_id(str(body.get("recipient_id")))))
            case _:
                raise errors.not_in_the_standin(method, "/".join(parts))

    def _guild(self, guild_id: int, rest: list[str]) -> object:
        match rest:
            case []:
                guild = self._known_guild(guild_id)
                return {name: value for name, value in guild.items() if name not in GATEWAY_ONLY} | {"region": "none"}
            case ["channels"]:
                channels = self._known_guild(guild_id)["channels"]
                return self._replied("channels", [self._world.with_denials(each) for each in channels])
            case ["members", user] if _id(user) == lantern.APPLICATION:
                self._known_guild(guild_id)
                return self._world.member(self._world.bot, lantern.BOT_PERMISSIONS, guild_id)
            case ["members", user]:
                self._known_guild(guild_id)
                return self._person(guild_id, _id(user))
            case _:
                raise errors.not_in_the_standin("GET", "/".join(["guilds", str(guild_id), *rest]))

    def _person(self, guild_id: int, user_id: int) -> Json:
        if user_id not in self._world.people:
            raise errors.unknown_member()
        member = self._world.member(self._world.people[user_id], lantern.PERMISSIONS[user_id], guild_id)
        return {name: value for name, value in member.items() if name != "permissions"}

    def _entered(self, guild_id: int) -> int:
        """The server, whose commands the application may set."""
        if guild_id not in self._world.guilds or guild_id in self._world.absent:
            raise errors.missing_access()
        return guild_id

    def _known_guild(self, guild_id: int) -> Json:
        if guild_id not in self._world.guilds or guild_id in self._world.absent:
            raise errors.unknown_guild()
        return self._world.guilds[guild_id]

    def _about(self) -> Json:
        return {
            "id": str(lantern.APPLICATION), "name": lantern.BOT_NAME, "icon": None, "description": "",
            "bot_public": True, "bot_require_code_grant": False, "verify_key": "00" * 32,
            "owner": self._world.people[lantern.ADA], "team": None, "summary": "",
            "flags": CONTENT_LIMITED if self._world.grants_content else 0,
            "integration_types_config": {"0": {}, "1": {}},
        }  # fmt: skip

    def _sync(self, guild_id: int | None, definitions: list[Json]) -> list[Json]:
        self._check("sync", definitions)
        commands.check(definitions)
        world, where = self._world, {} if guild_id is None else {"guild_id": str(guild_id)}
        world.commands[guild_id] = [
            commands.registered(each, world.snowflake(), world.snowflake(), lantern.APPLICATION) | where
            for each in definitions
        ]
        return self._replied("sync", world.commands[guild_id])

    def _open_direct(self, user_id: int) -> Json:
        channel = self._world.direct_channel(user_id)
        if channel is None:
            raise errors.cannot_message()
        return channel

    def _webhook(
        self, method: str, application: str, token: str, rest: list[str], body: Json, files: Mapping[int, Blob]
    ) -> object:
        interaction = self._interactions.alive(_id(application), token)
        match (method, *rest):
            case ("POST",):
                self._check("follow_up", body)
                return self._replied("follow_up", outward(self._interactions.follow_up(interaction, body, files)))
            case ("PATCH", "messages", which):
                self._check("edit_follow_up", body)
                edited = self._interactions.edit(interaction, which, body, files)
                return self._replied("edit_follow_up", outward(edited))
            case ("GET", "messages", which):
                found = self._world.find(self._interactions.reach(interaction, which))
                return self._replied("original", outward(found.message))
            case ("DELETE", "messages", which):
                self._world.remove(self._interactions.reach(interaction, which), interaction.id)
                return None
            case _:
                raise errors.not_in_the_standin(method, "webhooks/…/" + "/".join(rest))

    def _channel(
        self, method: str, channel_id: int, rest: list[str], body: Json, files: Mapping[int, Blob], request: web.Request
    ) -> object:
        channel = self._world.channel(channel_id)
        match (method, *rest):
            case ("GET",):
                return self._replied("channel", channel)
            case ("POST", "messages"):
                self._check("create", body)
                return self._replied("create", outward(self._create(channel_id, body, files)))
            case ("GET", "messages"):
                if self._world.denied.get(channel_id, 0) & lantern.HISTORY:
                    return self._replied("history", [])
                return self._replied(
                    "history", self._history(channel_id, request.query.get("limit", str(HISTORY_DEFAULT)))
                )
            case ("GET", "messages", message):
                return self._replied("message", self._heard(self._world.public(_id(message), channel_id)))
            case ("PATCH", "messages", message):
                self._check("edit", body)
                old = self._own(_id(message), channel_id)
                limit = self._world.file_limit(channel_id)
                edited = self._writer.write(body, files, channel_id, old=old, limit=limit)
                return self._replied("edit", outward(edited))
            case ("PUT", "messages", message, "reactions", emoji, "@me"):
                self._react(_id(message), channel_id, emoji)
                return None
            case ("DELETE", "messages", message):
                if self._world.public(_id(message), channel_id)["author"]["id"] != self._world.bot["id"]:
                    raise errors.missing_permissions()
                self._world.remove(_id(message))
                return None
            case _:
                raise errors.not_in_the_standin(method, f"channels/…/{'/'.join(rest)}")

    def _react(self, message_id: int, channel_id: int, emoji: str) -> None:
        """The application's own reaction; put twice it stays one."""
        reactions = self._world.public(message_id, channel_id).get("_reactions", {})
        needed = lantern.HISTORY | (0 if emoji in reactions else lantern.REACT)
        if needed & self._world.denied.get(channel_id, 0):
            raise errors.missing_permissions()
        if emoji.isascii() or len(emoji) > EMOJI_MAX:
            raise errors.unknown_emoji()
        if lantern.APPLICATION not in reactions.get(emoji, ()):
            self._world.react(message_id, lantern.APPLICATION, emoji)

    def _heard(self, message: Json) -> Json:
        is_direct = self._world.channels[int(message["channel_id"])]["type"] == 1
        return heard(outward(message), is_direct=is_direct, reads=self._world.grants_content)

    def _own(self, message_id: int, channel_id: int) -> Json:
        message = self._world.public(message_id, channel_id)
        if message["author"]["id"] != self._world.bot["id"]:
            raise errors.not_the_author()
        return message

    def _create(self, channel_id: int, body: Json, files: Mapping[int, Blob]) -> Json:
        """A new message; the same nonce within some minutes is the same message."""
        self._world.check_sending(channel_id, files=bool(files))
        nonce, now = str(body.get("nonce") or ""), self._world.clock()
        if len(nonce) > NONCE_MAX:
            raise errors.invalid("nonce", "NONCE_TYPE_INVALID_FORMAT", "Must be 25 or fewer in length.")
        if nonce and body.get("enforce_nonce"):
            at, message_id = self._nonces.get((channel_id, nonce), (0.0, 0))
            known = self._world.shown.get(message_id)
            if now - at < NONCE_LIFE and known is not None and not known.deleted:
                return known.message
        extra, limit = {"nonce": nonce} if nonce else None, self._world.file_limit(channel_id)
        message = self._writer.write(body, files, channel_id, extra=extra, limit=limit)
        if nonce:
            self._nonces[channel_id, nonce] = (now, int(message["id"]))
        return message

    def _history(self, channel_id: int, limit: str) -> list[Json]:
        if not limit.isdecimal() or not 1 <= int(limit) <= HISTORY_MAX:
            raise errors.invalid("limit", "NUMBER_TYPE_RANGE", "int value should be between 1 and 100.")
        public = [s.message for s in self._world.newest(channel_id) if s.to is None and not s.deleted]
        return [self._heard(message) for message in public[: int(limit)]]

    def _check(self, route: str, body: object) -> None:
        wrong = self._judge.request(OPERATIONS[route], body) if self._judge is not None else None
        if wrong is not None:
            raise errors.invalid(*wrong)

    def _replied(self, route: str, body: T) -> T:
        if self._judge is not None:
            self._judge.reply(OPERATIONS[route], body)
        return body


def _briefly(guild: Json) -> Json:
    return {
        "id": guild["id"], "name": guild["name"], "icon": None, "banner": None, "owner": False,
        "permissions": str(lantern.BOT_PERMISSIONS), "features": [],
    }  # fmt: skip


def _reply(answer: object, status: int) -> web.Response:
    """Exactly ``application/json``: discord.py compares the header for equality."""
    headers = {"X-RateLimit-Limit": "50", "X-RateLimit-Remaining": "49", "X-RateLimit-Reset-After": "1.000"}
    if answer is None:
        return web.Response(status=204, headers=headers)
    body = json.dumps(answer).encode()
    return web.Response(body=body, status=status, headers={"Content-Type": "application/json", **headers})


async def _failed(request: web.Request, fault: Fault) -> web.StreamResponse:
    if fault.status == 0:
        if request.transport is not None:
            request.transport.close()
        return web.Response(status=500)
    if fault.status == 429:
        # Without a Via header discord.py takes it for a ban and gives up at once.
        response = _reply({"message": "You are being rate limited.", "retry_after": fault.after, "global": False}, 429)
        response.headers.update({"Retry-After": str(fault.after), "Via": "1.1 google", "X-RateLimit-Scope": "user"})
        return response
    said = "Internal Server Error" if not fault.code else "as the fault says"
    return _reply({"message": said, "code": fault.code}, fault.status)


def _id(text: str) -> int:
    if not text.isdecimal() or len(text) > 20:
        raise errors.not_a_snowflake(text)
    return int(text)


def _parsed(raw: bytes, *, is_list: bool) -> Any:
    """A body as JSON; an object, but for the one route that takes a list."""
    try:
        body = json.loads(raw) if raw else ([] if is_list else {})
    except (ValueError, RecursionError) as error:
        raise errors.bad_json() from error
    if not isinstance(body, list if is_list else dict):
        raise errors.bad_json()
    return body


async def _read(request: web.Request) -> tuple[Any, dict[int, Blob]]:
    if not request.content_type.startswith("multipart/"):
        return _parsed(await request.read(), is_list=request.method == "PUT"), {}
    body: Any = {}
    files: dict[int, Blob] = {}
    left = REQUEST_MAX
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        data = await _part(part, left)
        left -= len(data)
        if part.name == "payload_json":
            body = _parsed(data, is_list=False)
        elif (match := _FILE_PART.fullmatch(part.name or "")) and part.filename:
            media_type = part.headers.get("Content-Type", "application/octet-stream")
            files[int(match[1])] = Blob(part.filename, _media_type(part.filename, media_type), data)
    return body, files


async def _part(part: BodyPartReader, left: int) -> bytes:
    """One part of at most *left* bytes. What is too much is read and thrown away, so that its sender hears why."""
    kept = bytearray()
    size = 0
    while chunk := await part.read_chunk(CHUNK):
        size += len(chunk)
        if size <= left:
            kept += chunk
    if size > left:
        raise errors.too_large()
    return bytes(kept)


_BY_ENDING = {".png": "image/png", ".webp": "image/webp", ".jpg": "image/jpeg", ".gif": "image/gif",
              ".json": "application/json", ".txt": "text/plain; charset=utf-8"}  # fmt: skip


def _media_type(filename: str, told: str) -> str:
    """By the ending, as Discord does; what the bot told otherwise."""
    return next((kind for ending, kind in _BY_ENDING.items() if filename.lower().endswith(ending)), told)
