"""Writing messages: files, references, lengths, and what cards may hold."""

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.standin.discord import components, embeds, lantern
from bot.standin.discord.errors import check_types, empty_message, invalid, no_history, too_large
from bot.standin.discord.mentions import is_author_pinged, pinged, pinged_roles
from bot.standin.discord.proxy import proxied
from bot.standin.discord.world import CARD, EPHEMERAL, FILE_LIMIT, LOADING, Blob, Json, World

CONTENT_MAX, ALT_MAX, FILES_MAX = 2_000, 1_024, 10
SPOILER = 1 << 3
"""A flag of an attachment (Discord's documentation, resources/message, 2026-08)."""
_TYPES: dict[str, type] = {"content": str, "flags": int, "components": list, "embeds": list, "attachments": list}
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
        check_types("", body, _TYPES)
        if any(len(blob.data) > limit for blob in files.values()):
            raise too_large()
        message = (
            copy.deepcopy(old) if old else self._blank(channel_id, {**(extra or {}), **self._reply(body, channel_id)})
        )
        flags = body.get("flags") or 0
        every = self._files(body, files, channel_id, message, is_edit=old is not None)
        shown = self._shown(body, message, every, is_card=bool((message["flags"] | flags) & CARD))
        if not (shown["content"] or shown["embeds"] or shown["components"] or every):
            raise empty_message()
        if old and not old["flags"] & LOADING:
            message["edited_timestamp"] = self._world.now()
        message["flags"] = (message["flags"] & (EPHEMERAL | CARD)) | (flags & _SETTABLE)
        if to is not None:
            message["flags"] |= EPHEMERAL
        used = _used(shown["components"], shown["embeds"])
        message |= shown | {"attachments": [file for file in every if file["url"] not in used], "_files": every}
        message["mentions"] = self._mentions(message, body)
        message["mention_roles"] = pinged_roles(_text(message), body.get("allowed_mentions"), self._world.mentionable)
        return self._world.put(message, to, by)

    def _shown(self, body: Json, message: Json, every: list[Json], *, is_card: bool) -> Json:
        """Content, embeds and components as they will stand, references put to their files."""
        by_name = {each["filename"]: each for each in every}
        parts = copy.deepcopy(_kept(body, "components", message) or [])
        components.check(parts, is_card=is_card, link=lambda url: _linked("components", url, by_name))
        shown = embeds.check(copy.deepcopy(_kept(body, "embeds", message) or []))
        for media, key in embeds.media_of(shown):
            media[key] = _linked("embeds", media[key], by_name)
            media[f"proxy_{key}"] = proxied(media[key])
        content = _kept(body, "content", message) or ""
        if len(content) > CONTENT_MAX:
            raise invalid("content", "BASE_TYPE_MAX_LENGTH", "Must be 2000 or fewer in length.")
        if is_card and (content or shown):
            code, name = "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", "content" if content else "embeds"
            raise invalid(name, code, f"The '{name}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2")
        return {"content": content, "embeds": shown, "components": parts}

    def _reply(self, body: Json, channel_id: int) -> Json:
        """What a message has that answers another."""
        wanted = body.get("message_reference")
        if not isinstance(wanted, dict):
            return {}
        if self._world.denied.get(channel_id, 0) & lantern.HISTORY:
            raise no_history()
        id_ = str(wanted.get("message_id"))
        answered = self._world.shown.get(int(id_)) if id_.isdecimal() else None
        if answered is None or answered.deleted or answered.to is not None:
            if wanted.get("fail_if_not_exists", True):
                raise invalid("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
            return {}
        about = {"type": 0, "message_id": id_, "channel_id": str(channel_id)}
        return {"type": 19, "message_reference": about, "referenced_message": outward(answered.message)}

    def _mentions(self, message: Json, body: Json) -> list[Json]:
        allowed = body.get("allowed_mentions")
        named = pinged(_text(message), allowed, self._world.people)
        author = message.get("referenced_message", {}).get("author")
        return [*named, author] if author and author not in named and is_author_pinged(allowed) else named

    def _blank(self, channel_id: int, extra: Json) -> Json:
        world = self._world
        return {
            "id": str(world.snowflake()), "channel_id": str(channel_id), "type": 0, "author": world.bot,
            "timestamp": world.now(), "edited_timestamp": None, "tts": False, "mention_everyone": False,
            "mentions": [], "mention_roles": [], "attachments": [], "embeds": [], "components": [], "content": "",
            "pinned": False, "flags": 0, "application_id": str(lantern.APPLICATION), "_files": [], **extra,
        }  # fmt: skip

    def posted(self, channel_id: int, author: Json, content: str, files: list[Blob]) -> Json:
        """What a person says in a channel. Raises as `write` does for what is too long, too much or nothing."""
        if len(content) > CONTENT_MAX:
            raise invalid("content", "BASE_TYPE_MAX_LENGTH", "Must be 2000 or fewer in length.")
        if len(files) > FILES_MAX:
            raise invalid("attachments", "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
        if any(len(blob.data) > self._world.file_limit(channel_id) for blob in files):
            raise too_large()
        if not (content or files):
            raise empty_message()
        message = self._blank(channel_id, {"author": author, "content": content})
        del message["application_id"]
        kept = [self._world.attach(channel_id, blob) for blob in files]
        everybody = {**self._world.people, lantern.APPLICATION: self._world.bot}
        message |= {"attachments": kept, "_files": kept, "mentions": pinged(content, None, everybody)}
        return self._world.put(message, None, 0)

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
        if not all(isinstance(each, dict) and "id" in each for each in listed):
            raise invalid("attachments", "BASE_TYPE_REQUIRED", "This field is required")
        if len(listed) > FILES_MAX:
            raise invalid("attachments", "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
        return [self._file(each, kept, files, channel_id, message) for each in listed]

    def _file(
        self, wanted: Json, kept: Mapping[str, Json], files: Mapping[int, Blob], channel_id: int, message: Json
    ) -> Json:
        check_types("attachments", wanted, {"description": str, "filename": str, "is_spoiler": bool})
        id_, description = str(wanted["id"]), wanted.get("description")
        if len(description or "") > ALT_MAX:
            raise invalid("attachments.description", "BASE_TYPE_MAX_LENGTH", "Must be 1024 or fewer in length.")
        changed = {"description": description} if description else {}
        if "is_spoiler" in wanted:
            changed["flags"] = SPOILER if wanted["is_spoiler"] else 0
        if id_ in kept:
            return kept[id_] | changed
        if not id_.isdecimal() or int(id_) not in files:
            raise invalid("attachments", "ATTACHMENT_NOT_FOUND", f"no file for attachment {id_[:20]}")
        blob = files[int(id_)]
        blob = replace(blob, filename=str(wanted.get("filename") or blob.filename))
        ephemeral = bool(message["flags"] & EPHEMERAL)
        return self._world.attach(channel_id, blob, ephemeral=ephemeral) | changed


def _text(message: Json) -> str:
    """Everything in which somebody may be named."""
    texts = [part["content"] for part in components.walk(message["components"]) if part.get("content")]
    return "\n".join([message["content"], *texts])


def _kept(body: Json, name: str, message: Json) -> Any:
    return body[name] if name in body else message.get(name)


def _linked(where: str, url: Any, by_name: Mapping[str, Json]) -> Any:
    if not isinstance(url, str) or not url.startswith("attachment://"):
        return url
    name = url.removeprefix("attachment://")
    if name not in by_name:
        code = "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND"
        raise invalid(where, code, f"The referenced attachment {url[:100]} was not found")
    return by_name[name]["url"]


def _used(parts: list[Json], shown: list[Json]) -> set[str]:
    """The files that components or embeds show; these are no attachments of the message."""
    in_parts = {media["url"] for part in components.walk(parts) for media in components.media_of(part)}
    return in_parts | {media[key] for media, key in embeds.media_of(shown)}


def outward(message: Json, viewer: int = lantern.APPLICATION) -> Json:
    """A message as it goes over the wire to *viewer*."""
    told = {name: value for name, value in message.items() if not name.startswith("_")}
    reactions = [_reaction(emoji, who, viewer) for emoji, who in message.get("_reactions", {}).items()]
    return told | ({"reactions": reactions} if reactions else {})


def _reaction(emoji: str, who: list[int], viewer: int) -> Json:
    return {
        "emoji": {"id": None, "name": emoji}, "count": len(who), "count_details": {"burst": 0, "normal": len(who)},
        "burst_colors": [], "me": viewer in who, "me_burst": False,
    }  # fmt: skip


def heard(message: Json, *, is_direct: bool, reads: bool) -> Json:
    """A message as the application hears of it: without the intent others' words and files are kept from it."""
    is_told = reads or is_direct or message["author"]["id"] == str(lantern.APPLICATION)
    if is_told or any(each["id"] == str(lantern.APPLICATION) for each in message["mentions"]):
        return message
    return message | {"content": "", "embeds": [], "attachments": [], "components": []}
