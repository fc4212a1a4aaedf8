"""Images that people show: which ones a message holds, and fetching them from Discord's CDN and from nowhere else."""

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

import aiohttp
import discord

from bot.client import Naibot
from bot.domain.errors import Mistake
from bot.services.darkroom import BYTES_MAX, Read

IMAGES_MAX = 4
"""Images of one message or command that are looked at."""
PARTS_MAX = 200
"""Components and embeds of a message that are looked through."""
CDN, MEDIA = "cdn.discordapp.com", "media.discordapp.net"
PROXIES = ("images-ext-1.discordapp.net", "images-ext-2.discordapp.net")
"""Discord's own copies of pictures elsewhere; what lies elsewhere is never asked for."""
_PATHS = ("/attachments/", "/ephemeral-attachments/")
_PIECE = 64 * 1024
_SIGNATURE = ("ex", "is", "hm")
_KINDS = ("image/png", "image/jpeg", "image/webp", "image/gif")
_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".gif")
_NAME_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One image that somebody shows: *size* is bytes, as Discord says; of a preview the original is out of reach."""

    name: str
    url: str
    size: int | None = None
    is_preview: bool = False


class Images:
    """Fetches what Discord keeps; every address is checked, also one that a message or a file of ours names."""

    def __init__(self, client: Naibot) -> None:
        self._client = client
        settings = client.settings
        self._practice = urlsplit(settings.discord_api)[:2] if settings.is_practice else None

    def attached(self, attachment: discord.Attachment) -> Shown:
        """An option's or a message's attachment, by its original address."""
        url, is_preview = self._original(attachment.url) or (attachment.url, False)
        return Shown(name=attachment.filename, url=url, size=attachment.size, is_preview=is_preview)

    def of_message(self, message: discord.Message) -> tuple[Shown, ...]:
        """
        The first four images of a message: attachments, then media inside components, then inside embeds.

        Those of a forwarded message count as its own. Where nothing says that it is an image, the first file.
        """
        parts: list[Any] = [message, *message.message_snapshots]
        files = [each for part in parts for each in part.attachments]
        found: dict[str, Shown] = {}
        for shown in [*map(self.attached, filter(_is_image, files)), *self._media(parts)]:
            found.setdefault(shown.url.partition("?")[0], shown)
        return tuple(found.values())[:IMAGES_MAX] or tuple(map(self.attached, files[:1]))

    def _media(self, parts: Iterable[Any]) -> Iterator[Shown]:
        addresses = [pair for part in parts for pair in _addresses(part)]
        for url, proxy in addresses[:PARTS_MAX]:
            if (known := self._original(url) or self._original(proxy)) is not None:
                yield Shown(name=_name_of(known[0]), url=known[0], is_preview=known[1])

    def knows(self, url: str) -> bool:
        """Whether an address is one of Discord's own files; in the practice room, of the stand-in's."""
        return self._original(url) is not None

    def reader(self, shown: Shown) -> Read:
        """What the darkroom reads it with. Raises `Mistake` ``image.large`` for a size that says so beforehand."""
        if (shown.size or 0) > BYTES_MAX:
            raise Mistake("image.large", limit_mb=BYTES_MAX // 1024**2)
        return partial(self.fetch, shown.url)

    async def fetch(self, url: str) -> AsyncIterator[bytes]:
        """The bytes behind *url*, piece by piece. Raises `Mistake` ``image.gone``, also for every other host."""
        known = self._original(url)
        if known is None:
            raise Mistake("image.gone")
        try:
            async with self._client.web.get(known[0], allow_redirects=False) as response:
                if response.status != 200:
                    raise Mistake("image.gone")
                async for piece in response.content.iter_chunked(_PIECE):
                    yield piece
        except (aiohttp.ClientError, ValueError) as error:
            raise Mistake("image.gone") from error

    async def fetch_whole(self, url: str, limit: int) -> bytes:
        """At most *limit* bytes behind *url*. Raises `Mistake` ``image.gone``, also where there are more."""
        body = bytearray()
        async for piece in self.fetch(url):
            body += piece
            if len(body) > limit:
                raise Mistake("image.gone")
        return bytes(body)

    def _original(self, url: str | None) -> tuple[str, bool] | None:
        """
        The address to fetch, and whether only a preview lies there; None where it is not Discord's.

        The media proxy signs as the CDN does, so an address on it leads to the original (metadata.md 5).
        """
        try:
            scheme, host, path, query, _ = urlsplit(url or "")
        except ValueError:
            return None
        if self._practice is not None:
            # Nothing leaves the practice room, whatever a message there says.
            path = path.removeprefix("/proxy")
            is_there = (scheme, host) == self._practice and path.startswith(_PATHS)
            return (urlunsplit((scheme, host, path, _signed(query), "")), False) if is_there else None
        if scheme != "https":
            return None
        if host in (CDN, MEDIA) and path.startswith(_PATHS):
            return urlunsplit((scheme, CDN, path, _signed(query), "")), False
        if host in (MEDIA, *PROXIES):
            return urlunsplit((scheme, host, path, query, "")), True
        return None


def _signed(query: str) -> str:
    """The CDN's signature without what asks its proxy for a smaller or another file."""
    return urlencode([pair for pair in parse_qsl(query) if pair[0] in _SIGNATURE])


def _is_image(attachment: discord.Attachment) -> bool:
    return (attachment.content_type or "").startswith("image/") or attachment.filename.casefold().endswith(_ENDINGS)


def _addresses(part: Any) -> Iterator[tuple[str | None, str | None]]:
    """Address and proxy's address of every picture in a message's components and embeds."""
    for component in _walk(part.components):
        yield from _media_of(component)
    for embed in part.embeds:
        for media in (embed.image, embed.thumbnail):
            if media.url:
                yield media.url, media.proxy_url


def _walk(components: Iterable[Any]) -> Iterator[Any]:
    for component in components:
        yield component
        yield from _walk(getattr(component, "children", ()))
        if (beside := getattr(component, "accessory", None)) is not None:
            yield beside


def _media_of(component: Any) -> Iterator[tuple[str | None, str | None]]:
    items = getattr(component, "items", None)
    media = [item.media for item in items] if items is not None else [getattr(component, "media", None)]
    for each in media:
        if each is not None and _looks_like_an_image(each):
            yield each.url, each.proxy_url


def _looks_like_an_image(media: discord.UnfurledMediaItem) -> bool:
    if media.content_type:
        return media.content_type.partition(";")[0] in _KINDS
    return urlsplit(media.url).path.casefold().endswith(_ENDINGS)


def _name_of(url: str) -> str:
    return unquote(urlsplit(url).path.rpartition("/")[2])[-_NAME_MAX:] or "image"
