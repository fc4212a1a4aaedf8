"""Writing messages: files, references, lengths, and what cards may hold."""

import copy
from collections.abc import Mapping
from typing import Any

from bot.standin.discord import components, lantern
from bot.standin.discord.errors import empty_message, invalid, too_large
from bot.standin.discord.world import CARD, EPHEMERAL, FILE_LIMIT, LOADING, Blob, Json, World

CONTENT_MAX, ALT_MAX, FILES_MAX = 2_000, 1_024, 10
_SETTABLE = 4 | CARD | 4096


class Writer:
    """Turns a request body into a message, new or edited."""

    def __init__(self, world: World) -> None:
        self._world = world

    def write(
        self,
        body: Json,
        files: Mapping[int, Blob],
        channel_id: int,
        *,
        old: Json | None = None,
        to: int | None = None,
        limit: int = FILE_LIMIT,
        extra: Json | None = None,
        by: int | None = None,
    ) -> Json:
        """Check and store for interaction *by*; *to* makes it ephemeral, *extra* is laid over a new message."""
        if any(len(blob.data) > limit for blob in files.values()):
            raise too_large()
        message = copy.deepcopy(old) if old else self._blank(channel_id, extra or {})
        flags = body.get("flags") or 0
        is_card = bool((message["flags"] | flags) & CARD)
        every = self._files(body, files, channel_id, message, is_edit=old is not None)
        by_name = {each["filename"]: each for each in every}
        parts = _kept(body, "components", message) or []
        parts = copy.deepcopy(parts)
        components.check(parts, is_card=is_card, link=lambda url: _linked(url, by_name))
        content = _kept(body, "content", message) or ""
        _check_content(content, body, is_card=is_card)
        if not (content or every or parts):
            raise empty_message()
        used = {media["url"] for part in components.walk(parts) for media in components.media_of(part)}
        if old and not old["flags"] & LOADING:
            message["edited_timestamp"] = self._world.now()
        message["flags"] = (message["flags"] & (EPHEMERAL | CARD)) | (flags & _SETTABLE)
        if to is not None:
            message["flags"] |= EPHEMERAL
        message |= {"content": content, "components": parts, "attachments": [a for a in every if a["url"] not in used]}
        message["_files"] = every
        return self._world.put(message, to, by)

    def _blank(self, channel_id: int, extra: Json) -> Json:
        world = self._world
        return {
            "id": str(world.snowflake()), "channel_id": str(channel_id), "type": 0, "author": world.bot,
            "timestamp": world.now(), "edited_timestamp": None, "tts": False, "mention_everyone": False,
            "mentions": [], "mention_roles": [], "attachments": [], "embeds": [], "components": [], "content": "",
            "pinned": False, "flags": 0, "application_id": str(lantern.APPLICATION), "_files": [], **extra,
        }  # fmt: skip

    def placeholder(self, channel_id: int, to: int | None, extra: Json) -> Json:
        """The message of a deferral, which says that the application is thinking."""
        message = self._blank(channel_id, extra)
        message["flags"] = LOADING | (EPHEMERAL if to is not None else 0)
        return self._world.put(message, to)

    def _files(
        self, body: Json, files: Mapping[int, Blob], channel_id: int, message: Json, *, is_edit: bool
    ) -> list[Json]:
        """Files that are kept, in the order in which the body lists them, and new ones."""
        kept = {each["id"]: each for each in message["_files"]}
        if is_edit and "attachments" not in body and not files:
            return list(kept.values())
        listed = body.get("attachments")
        if listed is None:
            listed = [*kept.values(), *({"id": n} for n in files)]
        if len(listed) > FILES_MAX:
            raise invalid("attachments", "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
        return [self._file(each, kept, files, channel_id, message) for each in listed]

    def _file(
        self, wanted: Json, kept: Mapping[str, Json], files: Mapping[int, Blob], channel_id: int, message: Json
    ) -> Json:
        id_, description = str(wanted["id"]), wanted.get("description")
        if len(description or "") > ALT_MAX:
            raise invalid("attachments.description", "BASE_TYPE_MAX_LENGTH", "Must be 1024 or fewer in length.")
        if id_ in kept:
            return kept[id_] | ({"description": description} if description else {})
        if not id_.isdigit() or int(id_) not in files:
            raise invalid("attachments", "ATTACHMENT_NOT_FOUND", f"no file for attachment {id_[:20]}")
        ephemeral = bool(message["flags"] & EPHEMERAL)
        return self._world.attach(channel_id, files[int(id_)], description=description, ephemeral=ephemeral)


def _kept(body: Json, name: str, message: Json) -> Any:
    return body[name] if name in body else message.get(name)


def _linked(url: Any, by_name: Mapping[str, Json]) -> Any:
    if not isinstance(url, str) or not url.startswith("attachment://"):
        return url
    name = url.removeprefix("attachment://")
    if name not in by_name:
        code = "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND"
        raise invalid("components", code, f"The referenced attachment {url[:100]} was not found")
    return by_name[name]["url"]


def _check_content(content: str, body: Json, *, is_card: bool) -> None:
    if len(content) > CONTENT_MAX:
        raise invalid("content", "BASE_TYPE_MAX_LENGTH", "Must be 2000 or fewer in length.")
    if is_card and (content or body.get("embeds")):
        code = "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"
        raise invalid("content", code, "The 'content' field cannot be used when using MessageFlags.IS_COMPONENTS_V2")
    if body.get("embeds"):
        raise invalid("embeds", "NOT_PRETENDED", "embeds are not in the stand-in")


def outward(message: Json) -> Json:
    """A message as it goes over the wire."""
    return {name: value for name, value in message.items() if not name.startswith("_")}
