"""The REST routes that the bot uses; every other one names itself in its refusal."""

import json
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from aiohttp import BodyPartReader, web

from bot.standin.discord import commands, errors, lantern
from bot.standin.discord.interactions import Interactions
from bot.standin.discord.messages import Writer, outward
from bot.standin.discord.world import Blob, Json, World

T = TypeVar("T")

PREFIX = "/api/v10"
NONCE_LIFE = 300.0
_FILE_PART = re.compile(r"files\[(\d{1,2})\]")
OPERATIONS = {
    "callback": "create_interaction_response",
    "follow_up": "execute_webhook",
    "edit_follow_up": "update_original_webhook_message",
    "create": "create_message",
    "edit": "update_message",
    "sync": "bulk_set_application_commands",
}


class Judge(Protocol):
    """Validates against Discord's own description; only tests bring one."""

    def request(self, operation: str, body: object) -> tuple[str, str, str] | None:
        """Path, code and message of what is wrong with a request body."""

    def reply(self, operation: str, body: object) -> None:
        """Raises where a reply of the stand-in is not what the description says."""


@dataclass(slots=True)
class Fault:
    """A failure to come: the next *times* requests of *method* whose path holds *part*."""

    method: str
    part: str
    status: int
    times: int
    after: float


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
            if (fault := self._fault(request.method, path)) is not None:
                status = fault.status
                return await _failed(request, fault)
            answer = await self._answer(request, path)
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
                answer = self._interactions.answer(int(id_), token, body, files)
                return answer if request.query.get("with_response") in ("1", "true") else None
            case (method, "webhooks", application, token, *rest):
                return self._webhook(method, application, token, rest, body, files)
            case (method, "channels", channel, *rest):
                return self._channel(method, int(channel), rest, body, files, request)
            case _:
                return self._application(request.method, parts, body)

    def _application(self, method: str, parts: list[str], body: Json) -> object:
        match (method, *parts):
            case ("GET", "users", "@me"):
                return self._world.bot
            case ("GET", "oauth2", "applications", "@me") | ("GET", "applications", "@me"):
                return self._about()
            case ("PUT", "applications", _, "commands") | ("PUT", "applications", _, "guilds", _, "commands"):
                return self._sync(int(parts[3]) if "guilds" in parts else None, body)
            case ("GET", "applications", _, "commands"):
                return self._world.commands.get(None, [])
            case ("POST", "users", "@me", "channels"):
                return self._open_direct(int(body.get("recipient_id", 0)))
            case _:
                raise errors.not_in_the_standin(method, "/".join(parts))

    def _about(self) -> Json:
        return {
            "id": str(lantern.APPLICATION), "name": lantern.BOT_NAME, "icon": None, "description": "",
            "bot_public": True, "bot_require_code_grant": False, "verify_key": "00" * 32,
            "owner": self._world.people[lantern.ADA], "team": None, "flags": 0, "summary": "",
            "integration_types_config": {"0": {}, "1": {}},
        }  # fmt: skip

    def _sync(self, guild_id: int | None, body: object) -> list[Json]:
        self._check("sync", body)
        definitions = body if isinstance(body, list) else []
        commands.check(definitions)
        world = self._world
        world.commands[guild_id] = [
            commands.registered(each, world.snowflake(), world.snowflake(), lantern.APPLICATION) for each in definitions
        ]
        return self._replied("sync", world.commands[guild_id])

    def _open_direct(self, user_id: int) -> Json:
        channel = self._world.direct_channel(user_id)
        if channel is None or user_id in self._world.unreachable:
            raise errors.cannot_message()
        return channel

    def _webhook(
        self, method: str, application: str, token: str, rest: list[str], body: Json, files: Mapping[int, Blob]
    ) -> object:
        interaction = self._interactions.alive(int(application), token)
        match (method, *rest):
            case ("POST",):
                self._check("follow_up", body)
                return self._replied("follow_up", outward(self._interactions.follow_up(interaction, body, files)))
            case ("PATCH", "messages", which):
                self._check("edit_follow_up", body)
                edited = self._interactions.edit(interaction, which, body, files)
                return self._replied("edit_follow_up", outward(edited))
            case ("GET", "messages", which):
                return outward(self._world.find(self._interactions.reach(interaction, which)).message)
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
                return channel
            case ("POST", "messages"):
                self._check("create", body)
                return self._replied("create", outward(self._create(channel_id, body, files)))
            case ("GET", "messages"):
                return self._history(channel_id, min(int(request.query.get("limit", "50")), 100))
            case ("GET", "messages", message):
                return outward(self._world.public(int(message), channel_id))
            case ("PATCH", "messages", message):
                self._check("edit", body)
                old = self._own(int(message), channel_id)
                return self._replied("edit", outward(self._writer.write(body, files, channel_id, old=old)))
            case ("DELETE", "messages", message):
                self._own(int(message), channel_id)
                self._world.remove(int(message))
                return None
            case _:
                raise errors.not_in_the_standin(method, f"channels/…/{'/'.join(rest)}")

    def _own(self, message_id: int, channel_id: int) -> Json:
        message = self._world.public(message_id, channel_id)
        if message["author"]["id"] != self._world.bot["id"]:
            raise errors.not_the_author()
        return message

    def _create(self, channel_id: int, body: Json, files: Mapping[int, Blob]) -> Json:
        """A new message; the same nonce within some minutes is the same message."""
        nonce, now = str(body.get("nonce") or ""), self._world.clock()
        if nonce and body.get("enforce_nonce"):
            at, message_id = self._nonces.get((channel_id, nonce), (0.0, 0))
            if now - at < NONCE_LIFE:
                return self._world.public(message_id, channel_id)
        message = self._writer.write(body, files, channel_id)
        if nonce:
            self._nonces[channel_id, nonce] = (now, int(message["id"]))
        return message

    def _history(self, channel_id: int, limit: int) -> list[Json]:
        public = [s.message for s in self._world.visible(0, channel_id) if s.to is None and not s.deleted]
        return [outward(message) for message in public[:limit]]

    def _check(self, route: str, body: object) -> None:
        wrong = self._judge.request(OPERATIONS[route], body) if self._judge is not None else None
        if wrong is not None:
            raise errors.invalid(*wrong)

    def _replied(self, route: str, body: T) -> T:
        if self._judge is not None:
            self._judge.reply(OPERATIONS[route], body)
        return body


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
    return _reply({"message": "Internal Server Error", "code": 0}, fault.status)


async def _read(request: web.Request) -> tuple[Json, dict[int, Blob]]:
    if not request.content_type.startswith("multipart/"):
        raw = await request.read()
        return (json.loads(raw) if raw else {}), {}
    body: Json = {}
    files: dict[int, Blob] = {}
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        data = bytes(await part.read())
        if part.name == "payload_json":
            body = json.loads(data)
        elif (match := _FILE_PART.fullmatch(part.name or "")) and part.filename:
            media_type = part.headers.get("Content-Type", "application/octet-stream")
            files[int(match[1])] = Blob(part.filename, _media_type(part.filename, media_type), data)
    return body, files


_BY_ENDING = {".png": "image/png", ".webp": "image/webp", ".jpg": "image/jpeg", ".gif": "image/gif",
              ".json": "application/json", ".txt": "text/plain; charset=utf-8"}  # fmt: skip


def _media_type(filename: str, told: str) -> str:
    """By the ending, as Discord does; what the bot told otherwise."""
    return next((kind for ending, kind in _BY_ENDING.items() if filename.lower().endswith(ending)), told)
