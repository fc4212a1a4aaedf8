"""What stands beside an interaction's ids: the people, roles, channels and files that they mean."""

from collections.abc import Iterable
from typing import Any

from bot.standin.discord import lantern
from bot.standin.discord.world import Json, World

SUBCOMMAND, GROUP = 1, 2
_OPTION_KINDS = {6: ("users",), 7: ("channels",), 8: ("roles",), 9: ("users", "roles"), 11: ("attachments",)}
_SELECT_KINDS = {5: ("users",), 6: ("roles",), 7: ("users", "roles"), 8: ("channels",), 19: ("attachments",)}


class Resolver:
    """Collects the objects of one interaction. Raises `KeyError` or `ValueError` for an id that means nothing."""

    def __init__(self, world: World, guild_id: int | None) -> None:
        self._world = world
        self._guild_id = guild_id
        self.found: dict[str, dict[str, Json]] = {}

    def option(self, option: Json) -> Json:
        """Resolve an option of a slash command, with those inside a subcommand."""
        if option["type"] in (SUBCOMMAND, GROUP):
            return option | {"options": [self.option(each) for each in option.get("options") or []]}
        self._add(_OPTION_KINDS.get(option["type"], ()), [option["value"]])
        return option

    def select(self, kind: int, values: Iterable[Any]) -> None:
        """Resolve what was chosen in a select or put into a form's field of *kind*."""
        self._add(_SELECT_KINDS.get(kind, ()), values)

    def within(self, data: Json) -> Json:
        """An interaction's data with what was found."""
        return data | {"resolved": self.found} if self.found else data

    def _add(self, kinds: tuple[str, ...], values: Iterable[Any]) -> None:
        for value in values if kinds else ():
            # @everyone is a role whose id is its server's.
            if "roles" in kinds and int(value) in (*lantern.ROLES.values(), self._guild_id):
                self._put("roles", value, self._role(int(value)))
            elif "users" in kinds:
                self.person(int(value))
            elif "channels" in kinds:
                channel = self._world.channels[int(value)]
                self._put("channels", value, channel | {"permissions": str(lantern.MEMBER)})
            else:
                self._put("attachments", value, self._world.uploads[str(value)])

    def person(self, id_: int) -> None:
        """Somebody, with what they are in this server."""
        person = self._world.people[id_]
        self._put("users", id_, person)
        member = self._world.member(person, lantern.PERMISSIONS[id_], self._guild_id)
        self._put("members", id_, {name: value for name, value in member.items() if name != "user"})

    def _role(self, id_: int) -> Json:
        roles: dict[str, Json] = {role["id"]: role for role in self._world.guilds[self._guild_id or 0]["roles"]}
        return roles[str(id_)]

    def _put(self, kind: str, id_: object, value: Json) -> None:
        self.found.setdefault(kind, {})[str(id_)] = value
