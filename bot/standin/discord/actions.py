"""What a person can do in a client, and nothing else: use a command, press, choose, fill a form."""

from contextlib import suppress
from typing import Any

from bot.standin.discord import lantern
from bot.standin.discord.components import LABEL, ROW, TEXT, walk
from bot.standin.discord.errors import ApiError
from bot.standin.discord.gateway import Gateway, NotConnected
from bot.standin.discord.interactions import AUTOCOMPLETE, COMMAND, COMPONENT, FORM, Interaction, Interactions
from bot.standin.discord.messages import Writer, outward
from bot.standin.discord.resolved import Resolver
from bot.standin.discord.world import Json, World

SINGLE = (4, 21, 23)
"""Text input, radio group and checkbox submit one value; every other field a list."""


class Impossible(Exception):
    """No client could do that; the text says why."""


class Actions:
    """Turns what a person does into the event that the bot gets."""

    def __init__(self, world: World, interactions: Interactions, gateway: Gateway) -> None:
        self._world = world
        self._interactions = interactions
        self._gateway = gateway
        self._writer = Writer(world)

    async def act(self, user_id: int, channel_id: int, wish: Json) -> Interaction:
        """Do what *wish* says. Raises `Impossible`, or `NotConnected` while the bot is away."""
        match wish.get("kind"):
            case "slash":
                return await self._slash(user_id, channel_id, wish)
            case "complete":
                return await self._complete(user_id, channel_id, wish)
            case "menu":
                return await self._menu(user_id, channel_id, wish)
            case "press":
                return await self._press(user_id, channel_id, wish)
            case "fill":
                return await self._fill(user_id, wish)
            case _:
                raise Impossible("there is no such thing to do")

    async def post(self, user_id: int, channel_id: int, wish: Json) -> Json:
        """Say something in a channel, with files. Raises `Impossible`."""
        ids = [str(each) for each in wish.get("files") or []]
        if any(id_ not in self._world.uploads for id_ in ids):
            raise Impossible("there is no such file")
        blobs = [self._world.blobs[int(id_)] for id_ in ids]
        author = self._world.people[user_id]
        try:
            message = self._writer.posted(channel_id, author, str(wish.get("text") or ""), blobs)
        except ApiError as error:
            raise Impossible(str(error.body["message"])) from error
        await self._tell("MESSAGE_CREATE", user_id, channel_id, outward(message), with_user=False)
        return message

    async def react(self, user_id: int, wish: Json) -> Json:
        """Put a reaction to a message that everybody sees, or take one's own away. Raises `Impossible`."""
        message, emoji = self._seen(user_id, int(wish["message"])), str(wish.get("emoji"))
        if emoji not in message.get("_reactions", {}) or self._world.shown[int(message["id"])].to is not None:
            raise Impossible("there is no such reaction on that message")
        if self._world.react(int(message["id"]), user_id, emoji):
            data = {
                "user_id": str(user_id), "channel_id": message["channel_id"], "message_id": message["id"],
                "message_author_id": message["author"]["id"], "emoji": {"id": None, "name": emoji}, "burst": False,
                "type": 0,
            }  # fmt: skip
            await self._tell("MESSAGE_REACTION_ADD", user_id, int(message["channel_id"]), data, with_user=True)
        return message

    async def _tell(self, event: str, user_id: int, channel_id: int, data: Json, *, with_user: bool) -> None:
        """What happened in a channel, to an application that is there and sees it; else nobody hears of it."""
        if channel_id in self._world.unreachable or self._world.is_absent(channel_id):
            return
        guild_id = self._guild_of(channel_id)
        if guild_id is not None:
            member = self._world.member(self._world.people[user_id], lantern.PERMISSIONS[user_id], guild_id)
            kept = {name: value for name, value in member.items() if with_user or name != "user"}
            data = data | {"guild_id": str(guild_id), "member": kept}
        with suppress(NotConnected):
            await self._gateway.event(event, data, guild_id)

    def commands_for(self, user_id: int, channel_id: int) -> list[Json]:
        """The commands that this person may use here."""
        permissions = lantern.PERMISSIONS[user_id]
        guild_id = self._guild_of(channel_id)
        context = 0 if guild_id else 1
        is_adult_place = guild_id is None or self._world.channels[channel_id]["nsfw"]
        own = self._world.commands.get(guild_id, []) if guild_id else []
        every = [*own, *self._world.commands.get(None, [])]
        return [
            command
            for command in every
            if (command.get("contexts") is None or context in command["contexts"])
            and (is_adult_place or not command["nsfw"])
            and (guild_id not in self._world.absent or 1 in command["integration_types"])
            and (
                guild_id is None
                or command["default_member_permissions"] is None
                or int(command["default_member_permissions"]) & permissions
            )
        ]

    def _command(self, user_id: int, channel_id: int, name: str, kind: int) -> Json:
        for command in self.commands_for(user_id, channel_id):
            if command["name"] == name and command["type"] == kind:
                return command
        raise Impossible(f"there is no command {name!r} here for this person")

    async def _slash(self, user_id: int, channel_id: int, wish: Json) -> Interaction:
        command = self._command(user_id, channel_id, str(wish.get("name")), 1)
        resolver = self._resolver(channel_id)
        options = [resolver.option(option) for option in wish.get("options") or []]
        data = _named(command) | {"options": options}
        return await self._send(COMMAND, user_id, channel_id, resolver.within(data))

    async def _complete(self, user_id: int, channel_id: int, wish: Json) -> Interaction:
        """Ask for the choices of the one option that has the focus."""
        command = self._command(user_id, channel_id, str(wish.get("name")), 1)
        options = [_focused(option, str(wish["focused"])) for option in wish["options"]]
        data = _named(command) | {"options": options}
        return await self._send(AUTOCOMPLETE, user_id, channel_id, data)

    def _resolver(self, channel_id: int) -> Resolver:
        return Resolver(self._world, self._guild_of(channel_id))

    def _guild_of(self, channel_id: int) -> int | None:
        guild_id = self._world.channels[channel_id].get("guild_id")
        return int(guild_id) if guild_id else None

    async def _menu(self, user_id: int, channel_id: int, wish: Json) -> Interaction:
        """The menu of a message, or of a person."""
        if wish.get("user") is not None:
            return await self._user_menu(user_id, channel_id, wish)
        command = self._command(user_id, channel_id, str(wish.get("name")), 3)
        message = self._seen(user_id, int(wish["message"]))
        resolved = {"messages": {message["id"]: outward(message)}}
        data = _named(command) | {"target_id": message["id"], "resolved": resolved}
        return await self._send(COMMAND, user_id, channel_id, data)

    async def _user_menu(self, user_id: int, channel_id: int, wish: Json) -> Interaction:
        command = self._command(user_id, channel_id, str(wish.get("name")), 2)
        resolver = self._resolver(channel_id)
        resolver.person(int(wish["user"]))
        data = _named(command) | {"target_id": str(wish["user"])}
        return await self._send(COMMAND, user_id, channel_id, resolver.within(data))

    async def _press(self, user_id: int, channel_id: int, wish: Json) -> Interaction:
        message = self._seen(user_id, int(wish["message"]))
        custom_id = wish.get("custom_id")
        component = next((c for c in walk(message["components"]) if c.get("custom_id") == custom_id), None)
        if component is None or component.get("disabled"):
            raise Impossible("there is no such button on that message")
        data: Json = {"custom_id": custom_id, "component_type": component["type"], "id": component["id"]}
        resolver = self._resolver(int(message["channel_id"]))
        if wish.get("values") is not None:
            data["values"] = [str(value) for value in wish["values"]]
            resolver.select(component["type"], data["values"])
        label = _label_of(component, data.get("values"))
        place = int(message["channel_id"])
        return await self._send(COMPONENT, user_id, place, resolver.within(data), message, label)

    async def _fill(self, user_id: int, wish: Json) -> Interaction:
        opener = self._interactions.by_id.get(int(wish["interaction"]))
        if opener is None or opener.form is None or opener.user_id != user_id:
            raise Impossible("no form is open")
        values, resolver, form = wish.get("values") or {}, self._resolver(opener.channel_id), opener.form
        parts = [_filled(part, values, resolver) for part in form["components"]]
        data = {"custom_id": form["custom_id"], "components": parts}
        # Taken before anything is awaited: of two clicks one submits.
        opener.form = None
        try:
            return await self._send(
                FORM, user_id, opener.channel_id, resolver.within(data), opener.source, str(form["title"])
            )
        except NotConnected:
            opener.form = form
            raise

    def _seen(self, user_id: int, message_id: int) -> Json:
        shown = self._world.shown.get(message_id)
        if shown is None or shown.deleted or shown.to not in (None, user_id):
            raise Impossible("that message is not there")
        return shown.message

    async def _send(
        self, kind: int, user_id: int, channel_id: int, data: Json, message: Json | None = None, label: str = ""
    ) -> Interaction:
        interaction = self._interactions.born(kind, user_id, channel_id, message)
        interaction.data, interaction.label = data, label
        # An interaction of somebody's own application goes to the first shard of all.
        guild_id = None if interaction.is_own_app else interaction.guild_id
        await self._gateway.event("INTERACTION_CREATE", self._payload(interaction, data), guild_id)
        return interaction

    def _payload(self, interaction: Interaction, data: Json) -> Json:
        world, guild_id = self._world, interaction.guild_id
        user = interaction.user
        permissions = lantern.PERMISSIONS[interaction.user_id]
        payload: dict[str, Any] = {
            "id": str(interaction.id), "application_id": str(lantern.APPLICATION), "type": interaction.kind,
            "token": interaction.token, "version": 1, "data": data,
            "channel": world.channels[interaction.channel_id], "channel_id": str(interaction.channel_id),
            "locale": "en-US", "entitlements": [],
            "app_permissions": str(world.app_permissions(interaction.channel_id)),
            "attachment_size_limit": interaction.limit, "context": 0 if guild_id else 1,
            "authorizing_integration_owners":
                {"1": str(interaction.user_id)} if interaction.is_own_app else {"0": str(guild_id or 0)},
        }  # fmt: skip
        if guild_id is None:
            payload["user"] = user
        else:
            guild = world.guilds[guild_id]
            payload |= {
                "guild_id": str(guild_id),
                "guild": {"id": str(guild_id), "locale": guild["preferred_locale"], "features": guild["features"]},
                "guild_locale": guild["preferred_locale"],
                "member": world.member(user, permissions, guild_id),
            }
        if interaction.source is not None:
            payload["message"] = outward(interaction.source)
        return payload


def _named(command: Json) -> Json:
    """What every use of a command says of it; one of a single server names that too."""
    return {name: command[name] for name in ("id", "name", "type", "guild_id") if name in command}


def _focused(option: Json, name: str) -> Json:
    if option.get("options"):
        return option | {"options": [_focused(each, name) for each in option["options"]]}
    return option | ({"focused": True} if option["name"] == name else {})


def _label_of(component: Json, values: list[str] | None) -> str:
    """What is written on a button, or on the entries that were chosen."""
    chosen = [option["label"] for option in component.get("options") or [] if option["value"] in (values or ())]
    return ", ".join(chosen) or str(component.get("label") or "")


def _filled(part: Json, values: Json, resolver: Resolver) -> Json:
    """One row of a submitted form; a field that nobody touched keeps what it holds."""
    if part["type"] == TEXT:
        return {"type": TEXT, "id": part["id"]}
    field = part["component"] if part["type"] == LABEL else part["components"][0]
    filled: Json = {"type": field["type"], "id": field["id"], "custom_id": field["custom_id"]}
    value = values.get(field["custom_id"], _held(field))
    if field["type"] in SINGLE:
        filled["value"] = value
    else:
        filled["values"] = [str(each) for each in value]
        resolver.select(field["type"], filled["values"])
    if part["type"] == LABEL:
        return {"type": LABEL, "id": part["id"], "component": filled}
    return {"type": ROW, "id": part["id"], "components": [filled]}


def _held(field: Json) -> Any:
    """What a field holds when its form opens."""
    chosen = [option["value"] for option in field.get("options") or [] if option.get("default")]
    chosen += [each["id"] for each in field.get("default_values") or []]
    match field["type"]:
        case 4:
            return field.get("value") or ""
        case 21:
            return chosen[0] if chosen else None
        case 23:
            return bool(field.get("default"))
        case _:
            return chosen
