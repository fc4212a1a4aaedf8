"""Fetching attachments from Discord: bounded by the declared size, then by what really comes."""

from collections.abc import AsyncIterator
from functools import partial
from urllib.parse import urlsplit

import aiohttp

from bot.domain.claims import Inspection
from bot.domain.errors import Mistake
from bot.services.darkroom import BYTES_MAX, Darkroom
from bot.settings import Settings

PIECE = 64 * 1024
HOSTS = ("cdn.discordapp.com", "media.discordapp.net")
"""Where Discord keeps what people attach."""


async def look_at(web: aiohttp.ClientSession, darkroom: Darkroom, url: str, size: int) -> Inspection:
    """
    What the image behind *url* says of itself; *size* is what Discord declares, in bytes.

    Raises `Mistake` with the image's codes.
    """
    if size > BYTES_MAX:
        raise Mistake("image.large", limit_mb=BYTES_MAX // 1024**2)
    return await darkroom.inspect(partial(fetch, web, url))


async def fetch(web: aiohttp.ClientSession, url: str) -> AsyncIterator[bytes]:
    """An attachment piece by piece. Raises `Mistake` ``image.gone``."""
    try:
        async with web.get(url, allow_redirects=False) as response:
            if response.status != 200:
                raise Mistake("image.gone")
            async for piece in response.content.iter_chunked(PIECE):
                yield piece
    except aiohttp.ClientError as error:
        raise Mistake("image.gone") from error


def is_from_discord(url: str, settings: Settings) -> bool:
    """Whether an address is one of Discord's own files; in the practice room, of the stand-in's."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if settings.is_practice:
        return parts.netloc == urlsplit(settings.discord_api).netloc
    return parts.scheme == "https" and parts.netloc in HOSTS
