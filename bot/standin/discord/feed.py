"""What one person sees, as it happens: a stream of server-sent events for the page."""

import json
from contextlib import suppress

from aiohttp import web

from bot.standin.discord import lantern
from bot.standin.discord.backstage import Backstage
from bot.standin.discord.gateway import Gateway
from bot.standin.discord.interactions import COMMAND, COMPONENT, FORM, Interaction, Interactions
from bot.standin.discord.messages import outward
from bot.standin.discord.tour import Tour
from bot.standin.discord.world import Json, Shown, World

TICK = 0.5
"""Seconds after which it looks again even if no bell rang: the bot came or went, NovelAI was called."""
SILENCE = 20
"""Ticks after which a comment finds out whether anybody still listens."""
HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_VERBS = {COMMAND: "used", COMPONENT: "pressed", FORM: "sent"}


class Feed:
    """Streams for as many pages as are open."""

    def __init__(self, world: World, interactions: Interactions, gateway: Gateway, backstage: Backstage) -> None:
        self._world = world
        self._interactions = interactions
        self._gateway = gateway
        self._backstage = backstage
        self._tour = Tour(world, interactions)

    async def serve(self, request: web.Request, user_id: int) -> web.StreamResponse:
        """Everything that *user_id* sees, then every change, until the page goes away."""
        response = web.StreamResponse(headers=HEADERS)
        await response.prepare(request)
        since, told, silence = _last_seen(request), "", 0
        with suppress(ConnectionError):
            while request.transport is not None and not request.transport.is_closing():
                silence += 1
                messages, since = self._changes(user_id, since)
                if messages:
                    await response.write(_event("messages", json.dumps(messages), since))
                if (room := json.dumps(self.room())) != told:
                    await response.write(_event("room", room, since))
                    told, silence = room, 0
                if silence > SILENCE:
                    await response.write(b":\n\n")
                    silence = 0
                await self._world.bell.heard(TICK)
        return response

    def room(self) -> Json:
        """What is the same for everybody: whether the bot is there, which commands, the tour, the backstage."""
        every = [command for commands in self._world.commands.values() for command in commands]
        return {
            "connected": self._gateway.is_connected and None in self._world.commands,
            "commands": max((command["version"] for command in every), default=""),
            "tour": self._tour.steps(self._backstage.snapshot),
            "backstage": self._backstage.view(),
        }

    def _changes(self, user_id: int, since: int) -> tuple[list[Json], int]:
        """What changed after revision *since*, oldest first; of what is gone only that it is gone."""
        if since == self._world.revision:
            return [], since
        changed = [s for s in self._world.visible(user_id) if s.revision > since]
        told = [self._told(s, user_id) for s in reversed(changed) if not (s.deleted and since == 0)]
        return told, self._world.revision

    def _told(self, shown: Shown, user_id: int) -> Json:
        message = shown.message
        if shown.deleted:
            return {"id": message["id"], "place": place_of(message), "deleted": True}
        about = message.get("interaction_metadata", {})
        asked = self._interactions.by_id.get(int(about.get("id", 0)))
        return {
            "id": message["id"],
            "place": place_of(message),
            "message": outward(message, user_id) | {"files": message["_files"]},
            "ephemeral": shown.to is not None,
            "asked": None if asked is None else self._asked(asked),
        }

    def _asked(self, interaction: Interaction) -> Json:
        """What a person did, to stand over the answer: ``Ann used /generate`` with its options."""
        data = interaction.data
        is_slash = interaction.kind == COMMAND and data.get("type") == 1
        chosen = ", ".join(map(self._chosen, data.get("values") or []))
        path, options = [str(data.get("name") or "")], data.get("options") or []
        while options and "value" not in options[0]:
            path.append(options[0]["name"])
            options = options[0].get("options") or []
        return {
            "who": interaction.user["global_name"],
            "verb": "chose" if chosen else _VERBS.get(interaction.kind, "used"),
            "what": "/" + " ".join(path) if is_slash else interaction.label or chosen or path[0],
            "options": [[each["name"], self._written(each)] for each in options],
        }

    def _chosen(self, value: str) -> str:
        """Whom or what an entry of a select means that has no label of its own."""
        channel = self._world.channels.get(int(value)) if value.isdecimal() else None
        return f"#{channel.get('name', '')}" if channel else f"@{_named(value)}"

    def _written(self, option: Json) -> str:
        """A value as a person would write it."""
        value = str(option["value"])
        match option["type"]:
            case 6 | 8 | 9:
                return "@" + _named(value)
            case 7:
                return f"#{self._world.channels[int(value)].get('name', '')}"
            case 11:
                return str(self._world.uploads.get(value, {}).get("filename", ""))
            case _:
                return value


def _named(id_: str) -> str:
    known = {str(each): name for each, name in lantern.PEOPLE.values()} | {
        str(each): name for name, each in lantern.ROLES.items()
    }
    return known.get(id_, id_)


def place_of(message: Json) -> str:
    """The name by which a page knows the channel."""
    return next((name for name, id_ in lantern.PLACES.items() if str(id_) == message["channel_id"]), "dm")


def _last_seen(request: web.Request) -> int:
    """The revision up to which a page that comes back has seen everything."""
    # A stream that the browser opens again has the header; one that the page opens again can only ask for it.
    text = request.headers.get("Last-Event-ID") or request.query.get("since", "0")
    return int(text) if text.isdecimal() and len(text) < 20 else 0


def _event(name: str, data: str, revision: int) -> bytes:
    return f"event: {name}\nid: {revision}\ndata: {data}\n\n".encode()
