"""Whom a message pings: who is named in it, as far as ``allowed_mentions`` lets it."""

import re
from collections.abc import Container, Mapping
from typing import Any

Json = dict[str, Any]

_PERSON = re.compile(r"<@!?(\d{1,20})>")
_ROLE = re.compile(r"<@&(\d{1,20})>")


def pinged(text: str, allowed: object, people: Mapping[int, Json]) -> list[Json]:
    """
    The people whom *text* pings; without ``allowed_mentions`` everybody it names.

    @everyone is never pinged: the application has not the permission for it.
    """
    named = dict.fromkeys(int(id_) for id_ in _PERSON.findall(text))
    if isinstance(allowed, dict) and "users" not in _list(allowed, "parse"):
        listed = {str(id_) for id_ in _list(allowed, "users")}
        named = {id_: None for id_ in named if str(id_) in listed}
    return [people[id_] for id_ in named if id_ in people]


def pinged_roles(text: str, allowed: object, mentionable: Container[int]) -> list[str]:
    """The roles that *text* pings, of those that anyone may mention: the application may mention no others."""
    named = dict.fromkeys(_ROLE.findall(text))
    if isinstance(allowed, dict) and "roles" not in _list(allowed, "parse"):
        listed = {str(id_) for id_ in _list(allowed, "roles")}
        named = {id_: None for id_ in named if id_ in listed}
    return [id_ for id_ in named if int(id_) in mentionable]


def _list(allowed: Json, name: str) -> list[Any]:
    found = allowed.get(name)
    return found if isinstance(found, list) else []


def is_author_pinged(allowed: object) -> bool:
    """Whether a reply pings whom it answers."""
    return bool(allowed.get("replied_user")) if isinstance(allowed, dict) else True
