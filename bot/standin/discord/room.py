"""The room one types into: a small JSON interface under an address with a token, on loopback only."""

import json
import re
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from bot.standin.discord import lantern
from bot.standin.discord.actions import Actions, Impossible
from bot.standin.discord.gateway import Gateway, NotConnected
from bot.standin.discord.interactions import Interactions
from bot.standin.discord.messages import outward
from bot.standin.discord.world import Blob, Json, Shown, World

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

UPLOAD_MAX = 26 * 1024 * 1024
"""Bytes; a little more than the bot takes, so that its own limit can be met."""
SNAPSHOT_MAX = 4 * 1024 * 1024
LOCAL = ("127.0.0.1", "localhost", "[::1]")
_NAME = re.compile(r"[^\w.()\- ]+")
WELCOME = "This is the practice room. Speak to it with: naibot try --at {address} --say '/generate prompt:1girl'\n"


class Room:
    """People, places, messages and the backstage, for the driver and for a page."""

    def __init__(self, world: World, interactions: Interactions, gateway: Gateway) -> None:
        self._world = world
        self._interactions = interactions
        self._gateway = gateway
        self._actions = Actions(world, interactions, gateway)
        self._backstage: Json = {"seq": 0, "interactions": {}, "queue": [], "ledger": {}}
        self.token = secrets.token_urlsafe(16)

    @property
    def path(self) -> str:
        """The path that only its owner knows."""
        return f"/room/{self.token}/"

    def add_routes(self, app: web.Application) -> None:
        """Serve the room."""
        for method, path, handler in (
            ("GET", "", self._welcome),
            ("GET", "world", self._describe),
            ("GET", "messages", self._messages),
            ("POST", "files", self._upload),
            ("POST", "act", self._act),
            ("GET", "interactions/{id:[0-9]{1,20}}", self._interaction),
            ("GET", "backstage", self._show_backstage),
            ("POST", "backstage", self._take_backstage),
        ):
            app.router.add_route(method, self.path + path, _local(handler))

    async def _welcome(self, request: web.Request) -> web.Response:
        return web.Response(text=WELCOME.format(address=f"{self._world.base}{self.path}"))

    async def _describe(self, request: web.Request) -> web.Response:
        """Who and what there is, and the commands that this person may use in this place."""
        user_id, channel_id = self._where(request.query.get("as", "member"), request.query.get("in", "studio"))
        return web.json_response(
            {
                "connected": self._gateway.is_connected and None in self._world.commands,
                "revision": self._world.revision,
                "people": {key: {"id": str(id_), "name": name} for key, (id_, name) in lantern.PEOPLE.items()},
                "roles": {name: str(id_) for name, id_ in lantern.ROLES.items()},
                "places": {name: str(id_) for name, id_ in lantern.PLACES.items()},
                "commands": self._actions.commands_for(user_id, channel_id),
            }
        )

    async def _messages(self, request: web.Request) -> web.Response:
        """
        What one person sees, newest first; with ``since`` what ``interaction`` or one of its ``jobs`` changed after
        it, anywhere. What else the bot says meanwhile (a log, a welcome) is nobody's answer.
        """
        user_id, channel_id = self._where(request.query.get("as", "member"), request.query.get("in", "studio"))
        if "since" in request.query:
            since, by = _number(request, "since"), _number(request, "interaction")
            jobs = [job for job in request.query.get("jobs", "").split(",") if job]
            found = [s for s in self._world.visible(user_id) if s.last_change(by, jobs) > since]
        else:
            found = [s for s in self._world.visible(user_id, channel_id) if not s.deleted]
        return web.json_response({"revision": self._world.revision, "messages": [_described(s) for s in found]})

    async def _upload(self, request: web.Request) -> web.Response:
        name = _NAME.sub("_", request.query.get("name", "file"))[-100:] or "file"
        data = await _bounded(request, UPLOAD_MAX)
        media_type = _media_type(name)
        blob = Blob(name, media_type, data)
        attachment = self._world.attach(lantern.STUDIO, blob, ephemeral=True)
        self._world.uploads[attachment["id"]] = attachment
        return web.json_response({"id": attachment["id"]})

    async def _act(self, request: web.Request) -> web.Response:
        wish = await _json(request)
        try:
            user_id, channel_id = self._where(str(wish.get("as")), str(wish.get("in")))
            interaction = await self._actions.act(user_id, channel_id, wish)
        except Impossible as error:
            return _refused(str(error))
        except NotConnected:
            return web.json_response({"error": "the bot is not connected"}, status=503)
        except (KeyError, TypeError, ValueError) as error:
            return _refused(f"that cannot be done: {type(error).__name__}")
        return web.json_response({"interaction": str(interaction.id)})

    async def _interaction(self, request: web.Request) -> web.Response:
        """How one interaction was answered so far."""
        interaction = self._interactions.by_id.get(int(request.match_info["id"]))
        if interaction is None:
            return web.json_response({"error": "unknown"}, status=404)
        return web.json_response(
            {
                "acknowledged": interaction.acknowledged,
                "lapsed": self._interactions.has_lapsed(interaction),
                "form": interaction.form,
                "choices": interaction.choices,
            }
        )

    async def _show_backstage(self, request: web.Request) -> web.Response:
        return web.json_response(self._backstage)

    async def _take_backstage(self, request: web.Request) -> web.Response:
        """The bot's own snapshot; an older one that arrives late is not kept."""
        snapshot = await _json(request)
        if isinstance(snapshot.get("seq"), int) and snapshot["seq"] >= self._backstage["seq"]:
            self._backstage = snapshot
        return web.json_response({})

    def _where(self, person: str, place: str) -> tuple[int, int]:
        if person not in lantern.PEOPLE:
            raise web.HTTPBadRequest(text="there is no such person")
        user_id = lantern.PEOPLE[person][0]
        if place == "dm":
            channel = self._world.direct_channel(user_id)
            return user_id, int(channel["id"]) if channel else 0
        if place not in lantern.PLACES:
            raise web.HTTPBadRequest(text="there is no such place")
        return user_id, lantern.PLACES[place]


def _described(shown: Shown) -> Json:
    message = outward(shown.message)
    message["files"] = shown.message["_files"]
    names = {str(id_): name for name, id_ in lantern.PLACES.items()}
    return {
        "message": message,
        "ephemeral": shown.to is not None,
        "deleted": shown.deleted,
        "place": names.get(message["channel_id"], "dm"),
        "revision": shown.revision,
    }


_KINDS = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp", "gif": "image/gif"}


def _media_type(name: str) -> str:
    return _KINDS.get(name.rpartition(".")[2].lower(), "application/octet-stream")


def _local(handler: Handler) -> Handler:
    """Answer only under a loopback name: a page of some other site may have that name point here."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        if request.host.rsplit(":", 1)[0] not in LOCAL:
            raise web.HTTPForbidden
        return await handler(request)

    return guarded


def _number(request: web.Request, name: str) -> int:
    text = request.query.get(name, "0")
    if not text.isdecimal() or len(text) > 20:
        raise web.HTTPBadRequest(text=f"{name} must be a number")
    return int(text)


def _refused(why: str) -> web.Response:
    return web.json_response({"error": why}, status=400)


async def _bounded(request: web.Request, most: int) -> bytes:
    """A body of at most *most* bytes; more is not kept."""
    data = bytearray()
    async for chunk in request.content.iter_any():
        data += chunk
        if len(data) > most:
            raise web.HTTPRequestEntityTooLarge(max_size=most, actual_size=len(data))
    return bytes(data)


async def _json(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await _bounded(request, SNAPSHOT_MAX))
    except (ValueError, RecursionError) as error:
        raise web.HTTPBadRequest(text="the body must be JSON") from error
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="the body must be an object")
    return body
