"""The room one types into: a small JSON interface under an address with a token, on loopback only."""

import json
import re
import secrets
from typing import Any

from aiohttp import web

from bot.standin import guard
from bot.standin.discord import lantern
from bot.standin.discord.actions import Actions, Impossible
from bot.standin.discord.backstage import Backstage
from bot.standin.discord.feed import Feed
from bot.standin.discord.gateway import Gateway, NotConnected
from bot.standin.discord.interactions import Interactions
from bot.standin.discord.lines import Lines, Misfit, roles_of
from bot.standin.discord.messages import outward
from bot.standin.discord.page import Page
from bot.standin.discord.world import Blob, Json, Shown, World
from bot.standin.say.grammar import Unsendable

UPLOADS_MAX = 512 * 1024 * 1024
"""Bytes of all uploads together; they are kept until the room closes."""
UPLOAD_MAX = 26 * 1024 * 1024
"""Bytes; a little more than the bot takes, so that its own limit can be met."""
SNAPSHOT_MAX = 4 * 1024 * 1024
LISTEN = 0.25
"""Seconds between two looks at an interaction that nobody answers."""
_NAME = re.compile(r"[^\w.()\- ]+")


class Room:
    """People, places, messages and the backstage, for the driver and for a page."""

    def __init__(self, world: World, interactions: Interactions, gateway: Gateway) -> None:
        self._world = world
        self._interactions = interactions
        self._gateway = gateway
        self._actions = Actions(world, interactions, gateway)
        self.backstage = Backstage()
        self._lines = Lines(self._actions)
        self._feed = Feed(world, interactions, gateway, self.backstage)
        self._page = Page()
        self._uploaded = 0
        self.token = secrets.token_urlsafe(16)

    @property
    def path(self) -> str:
        """The path that only its owner knows."""
        return f"/room/{self.token}/"

    def add_routes(self, app: web.Application) -> None:
        """Serve the room."""
        for method, path, handler in (
            ("GET", "", self._page.index),
            ("GET", "page/{name}", self._page.file),
            ("GET", "words", self._page.words),
            ("GET", "feed", self._follow),
            ("POST", "line", self._say),
            ("POST", "parse", self._parse),
            ("POST", "faults", self._set_faults),
            ("GET", "world", self._describe),
            ("GET", "messages", self._messages),
            ("POST", "files", self._upload),
            ("POST", "act", self._act),
            ("GET", "interactions/{id:[0-9]{1,20}}", self._interaction),
            ("GET", "backstage", self._show_backstage),
            ("POST", "backstage", self._take_backstage),
        ):
            app.router.add_route(method, self.path + path, guard.guarded(handler))

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
                "servers": self._servers(),
                "bot": {"id": self._world.bot["id"], "name": lantern.BOT_NAME},
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
        self._uploaded += len(data)
        if self._uploaded > UPLOADS_MAX:
            raise web.HTTPRequestEntityTooLarge(max_size=UPLOADS_MAX, actual_size=self._uploaded)
        media_type = _media_type(name)
        blob = Blob(name, media_type, data)
        attachment = self._world.attach(lantern.STUDIO, blob, ephemeral=True)
        self._world.uploads[attachment["id"]] = attachment
        return web.json_response({name: attachment.get(name) for name in ("id", "filename", "size", "url", "width")})

    async def _act(self, request: web.Request) -> web.Response:
        wish = await _json(request)
        return await self._do(*self._where(str(wish.get("as")), str(wish.get("in"))), wish)

    async def _say(self, request: web.Request) -> web.Response:
        """What the composer holds, as a whole line or by options; read as ``--say`` reads it."""
        body = await _json(request)
        user_id, channel_id = self._where(str(body.get("as")), str(body.get("in")))
        try:
            wish = self._lines.wish(user_id, channel_id, body)
        except (TypeError, AttributeError):
            return _refused("that is no line")
        except Unsendable as error:
            # A person's slip is an answer, and no fault of the page that a browser would complain of.
            option = error.option if isinstance(error, Misfit) else None
            return web.json_response({"error": str(error), "option": option})
        return await self._do(user_id, channel_id, wish)

    async def _parse(self, request: web.Request) -> web.Response:
        """A whole line taken apart; null where it is none that could be sent."""
        body = await _json(request)
        try:
            where = self._where(str(body.get("as")), str(body.get("in")))
            return web.json_response(self._lines.apart(*where, str(body.get("text"))))
        except Unsendable:
            return web.json_response(None)

    async def _do(self, user_id: int, channel_id: int, wish: Json) -> web.Response:
        try:
            if wish.get("kind") == "post":
                return _done(await self._actions.post(user_id, channel_id, wish))
            if wish.get("kind") == "react":
                return _done(await self._actions.react(user_id, wish))
            interaction = await self._actions.act(user_id, channel_id, wish)
        except Impossible as error:
            return _refused(str(error))
        except NotConnected:
            return web.json_response({"error": "the bot is not connected"}, status=503)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            return _refused(f"that cannot be done: {type(error).__name__}")
        return web.json_response({"interaction": str(interaction.id)})

    async def _interaction(self, request: web.Request) -> web.Response:
        """How one interaction was answered so far; with ``wait`` once it was, or its time is up."""
        interaction = self._interactions.by_id.get(int(request.match_info["id"]))
        if interaction is None:
            return web.json_response({"error": "unknown"}, status=404)
        while "wait" in request.query and interaction.acknowledged is None:
            if self._interactions.has_lapsed(interaction):
                break
            await self._world.bell.heard(LISTEN)
        return web.json_response(
            {
                "acknowledged": interaction.acknowledged,
                "lapsed": self._interactions.has_lapsed(interaction),
                "form": interaction.form,
                "choices": interaction.choices,
            }
        )

    async def _show_backstage(self, request: web.Request) -> web.Response:
        return web.json_response(self.backstage.snapshot)

    async def _take_backstage(self, request: web.Request) -> web.Response:
        """The bot's own snapshot; an older one that arrives late is not kept."""
        self.backstage.take(await _json(request))
        return web.json_response({})

    async def _set_faults(self, request: web.Request) -> web.Response:
        """One fault on or off: two pages that switch different ones do not undo each other."""
        try:
            wanted = await _json(request)
            self.backstage.switch_fault(str(wanted.get("name")), on=wanted.get("on") is True)
        except ValueError as error:
            return _refused(str(error))
        self._world.bell.ring()
        return web.json_response({})

    async def _follow(self, request: web.Request) -> web.StreamResponse:
        """What one person sees, as it happens."""
        user_id, _ = self._where(request.query.get("as", "member"), "dm")
        return await self._feed.serve(request, user_id)

    def _servers(self) -> list[Json]:
        """Servers with their channels, for the list at the side."""
        keys = {id_: key for key, id_ in lantern.PLACES.items()}
        return [
            {
                "id": str(guild_id),
                "name": name,
                "channels": [
                    {"id": str(id_), "name": channel, "place": keys[id_], "adult": adult}
                    for id_, channel, adult in channels
                ],
                "roles": [{"id": id_, "name": role} for role, id_ in roles_of(guild_id).items()],
            }
            for guild_id, name, channels in lantern.GUILDS
        ]

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


def _number(request: web.Request, name: str) -> int:
    text = request.query.get(name, "0")
    if not text.isdecimal() or len(text) > 20:
        raise web.HTTPBadRequest(text=f"{name} must be a number")
    return int(text)


def _done(message: Json) -> web.Response:
    """What is no interaction: nobody has to answer it."""
    return web.json_response({"message": message["id"]})


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
