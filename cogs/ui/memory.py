"""A card's own memory: the `metadata.json` that it carries, read back as warily as any stranger's file."""

from typing import Any

import discord

from bot.domain.errors import Mistake, Refused
from bot.imaging.jsontext import parse_object
from cogs.ui.images import Images
from cogs.ui.inspection import METADATA, METADATA_BYTES, Look, recalled


async def looks_of(images: Images, message: discord.Message | None) -> tuple[Look, ...]:
    """What the card in *message* was made of. Raises `Refused` ``gone``."""
    try:
        body = await images.fetch_whole(_url_of(message), METADATA_BYTES)
        return recalled(parse_object(body.decode()))
    except (Mistake, ValueError) as error:
        raise Refused("gone") from error


async def look_at(images: Images, message: discord.Message | None, n: int) -> Look:
    """
    Image *n* (from 1) of a card; 0, which cards of one image once said, is the first. Raises `Refused` ``gone``.
    """
    looks = await looks_of(images, message)
    if not 0 <= n <= len(looks):
        raise Refused("gone")
    return looks[max(n, 1) - 1]


def _url_of(message: discord.Message | None) -> str:
    for item in _files(message.components if message is not None else ()):
        if METADATA in item.media.url:
            return str(item.media.url)
    raise Refused("gone")


def _files(components: Any) -> Any:
    for component in components:
        if isinstance(component, discord.FileComponent):
            yield component
        yield from _files(getattr(component, "children", ()))
