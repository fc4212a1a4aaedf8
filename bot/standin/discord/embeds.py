"""Embeds: their lengths, and the files that they show."""

from collections.abc import Iterator
from typing import Any

from bot.standin.discord.errors import check_types, invalid

Json = dict[str, Any]

TOTAL_MAX, EMBEDS_MAX, FIELDS_MAX = 6_000, 10, 25
_LENGTHS = {"title": 256, "description": 4_096, "footer.text": 2_048, "author.name": 256, "name": 256, "value": 1_024}

_SHAPE: dict[str, type] = {
    "title": str, "description": str, "footer": dict, "author": dict, "image": dict, "thumbnail": dict, "fields": list,
}  # fmt: skip
_PART_SHAPE: dict[str, type] = {"text": str, "name": str, "value": str, "url": str, "icon_url": str}


def check(embeds: list[Any]) -> list[Json]:
    """
    The embeds of a request, or Discord's refusal.

    At most 10, each part within its own length and all of them together within 6,000 characters (Discord's
    documentation, resources/message, 2026-08).
    """
    if not all(isinstance(embed, dict) for embed in embeds):
        raise invalid("embeds", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
    if len(embeds) > EMBEDS_MAX:
        raise invalid("embeds", "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
    total = 0
    for n, embed in enumerate(embeds):
        _check_shape(f"embeds.{n}", embed)
        if len(embed.get("fields") or []) > FIELDS_MAX:
            raise invalid(f"embeds.{n}.fields", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
        for name, text in _texts(embed):
            if len(text) > _LENGTHS[name]:
                code = "BASE_TYPE_MAX_LENGTH"
                raise invalid(f"embeds.{n}.{name}", code, f"Must be {_LENGTHS[name]} or fewer in length.")
            total += len(text)
    if total > TOTAL_MAX:
        raise invalid("embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000")
    return [embed | {"type": "rich"} for embed in embeds]


def _check_shape(path: str, embed: Json) -> None:
    check_types(path, embed, _SHAPE)
    for part in ("footer", "author", "image", "thumbnail"):
        check_types(f"{path}.{part}", embed.get(part) or {}, _PART_SHAPE)
    for field in embed.get("fields") or []:
        if not isinstance(field, dict):
            raise invalid(f"{path}.fields", "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
        check_types(f"{path}.fields", field, _PART_SHAPE)


def media_of(embeds: list[Json]) -> Iterator[tuple[Json, str]]:
    """Where an embed names a file: the object, and the key of the address in it."""
    for embed in embeds:
        for part, key in (("image", "url"), ("thumbnail", "url"), ("author", "icon_url"), ("footer", "icon_url")):
            if isinstance(embed.get(part), dict) and embed[part].get(key):
                yield embed[part], key


def _texts(embed: Json) -> Iterator[tuple[str, str]]:
    for name in ("title", "description"):
        yield name, str(embed.get(name) or "")
    for part, key in (("footer", "text"), ("author", "name")):
        yield f"{part}.{key}", str((embed.get(part) or {}).get(key) or "")
    for field in embed.get("fields") or []:
        for key in ("name", "value"):
            yield key, str(field.get(key) or "")
