"""What the composer holds, a whole line or a command with its values, as a wish; by the grammar of ``--say``."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot import wording
from bot.standin.discord import lantern
from bot.standin.discord.actions import Actions
from bot.standin.discord.world import Json
from bot.standin.say.grammar import (
    GROUP,
    SUBCOMMAND,
    Names,
    Unsendable,
    Upload,
    convert,
    parse_command,
    split_values,
    split_verb,
)

ATTACHMENT = 11


class Misfit(Unsendable):
    """A value that does not fit its option."""

    def __init__(self, option: str, why: str) -> None:
        super().__init__(why)
        self.option = option


class Lines:
    """Reads lines for one room."""

    def __init__(self, actions: Actions) -> None:
        self._actions = actions

    def wish(self, user_id: int, channel_id: int, body: Json) -> Json:
        """
        The wish of ``{"text"}``, or of ``{"command", "values", "files"}`` with texts and uploads by option.

        Raises `Unsendable`, or `Misfit` where one option is at fault.
        """
        commands = self._actions.commands_for(user_id, channel_id)
        if "command" in body:
            return _assembled(commands, body, names(channel_id))
        command = parse_command(_slash(str(body.get("text"))), commands, names(channel_id))
        return {"kind": "slash", "name": command.name, "options": [_without_files(each) for each in command.options]}

    def apart(self, user_id: int, channel_id: int, text: str) -> Json:
        """A whole line as the command's path and its values, as they were written. Raises `Unsendable`."""
        commands = self._actions.commands_for(user_id, channel_id)
        # What cannot be sent stays a line, so that nothing of it is lost.
        parse_command(_slash(text), commands, names(channel_id))
        path, options, rest = _path_of(commands, _slash(text))
        return {"command": " ".join(path), "values": split_values(rest, [option["name"] for option in options])}


def names(channel_id: int) -> Names:
    """Whom and where one can name in that channel: channels of its own server also by their name alone."""
    here = (server for server in lantern.GUILDS if channel_id in (id_ for id_, _, _ in server[2]))
    guild_id, _, own = next(here, (None, "", ()))
    channels = {name.casefold(): str(id_) for name, id_ in lantern.PLACES.items()}
    return Names(
        people={name.casefold(): str(id_) for id_, name in lantern.PEOPLE.values()},
        channels={**channels, **{name.casefold(): str(id_) for id_, name, _ in own}},
        roles={name.casefold(): id_ for name, id_ in roles_of(guild_id).items()},
    )


def roles_of(guild_id: int | None) -> dict[str, str]:
    """The roles of a server by name, those that nobody has left out."""
    held = {id_ for (guild, _), ids in lantern.ROLES_OF.items() if guild == guild_id for id_ in ids}
    return {name: str(id_) for name, id_ in lantern.ROLES.items() if id_ in held}


def _slash(text: str) -> str:
    if not text.strip().startswith("/"):
        raise Unsendable(wording.PAGE_ONLY_COMMANDS)
    return split_verb(text)[1]


def _without_files(option: Json) -> Json:
    if "options" in option:
        return option | {"options": [_without_files(each) for each in option["options"]]}
    if isinstance(option["value"], Upload):
        raise Misfit(option["name"], wording.PAGE_FILE_BY_BUTTON)
    return option


def _path_of(commands: Sequence[Mapping[str, Any]], text: str) -> tuple[list[str], Sequence[Json], str]:
    """The names that lead to a command or subcommand, its options, and what follows."""
    found: Mapping[str, Any] = {"options": [c for c in commands if c.get("type", 1) == 1]}
    path: list[str] = []
    while not path or _is_group(found):
        name, _, text = text.strip().partition(" ")
        inner = next((each for each in found.get("options") or [] if each["name"] == name), None)
        if inner is None:
            raise Unsendable(wording.say("page.no_command", name=" ".join([*path, name])[:60]))
        path, found = [*path, name], inner
    return path, found.get("options") or [], text.strip()


def _is_group(found: Mapping[str, Any]) -> bool:
    return any(each["type"] in (SUBCOMMAND, GROUP) for each in found.get("options") or [])


def _assembled(commands: Sequence[Mapping[str, Any]], body: Json, known: Names) -> Json:
    path, options, _ = _path_of(commands, str(body["command"]))
    values, files = body.get("values") or {}, body.get("files") or {}
    given = [each for each in options if each["name"] in values or each["name"] in files]
    for option in options:
        if option.get("required") and option not in given:
            raise Misfit(option["name"], wording.say("page.missing", name=option["name"]))
    sent: list[Json] = [_value(option, values, files, known) for option in given]
    for name, kind in reversed(list(zip(path[1:], _kinds(commands, path), strict=True))):
        sent = [{"name": name, "type": kind, "options": sent}]
    return {"kind": "slash", "name": path[0], "options": sent}


def _value(option: Json, values: Mapping[str, Any], files: Mapping[str, Any], known: Names) -> Json:
    name = option["name"]
    if option["type"] == ATTACHMENT:
        return {"name": name, "type": ATTACHMENT, "value": str(files.get(name))}
    try:
        return {"name": name, "type": option["type"], "value": convert(option, str(values[name]), known)}
    except Unsendable as error:
        raise Misfit(name, str(error)) from error


def _kinds(commands: Sequence[Mapping[str, Any]], path: Sequence[str]) -> list[int]:
    """The types of the names after the first: group, subcommand."""
    kinds, options = (
        [],
        next(c for c in commands if c["name"] == path[0] and c.get("type", 1) == 1).get("options") or [],
    )
    for name in path[1:]:
        inner = next(each for each in options if each["name"] == name)
        kinds.append(int(inner["type"]))
        options = inner.get("options") or []
    return kinds
