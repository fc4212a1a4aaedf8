"""A file whose text was stripped, with the text that its pixels still hold written back; no pixel is touched."""

import binascii
import hashlib
import struct
from collections.abc import Iterator, Mapping
from io import BytesIO

from bot.domain.claims import Carrier, Inspection
from bot.domain.errors import Mistake
from bot.imaging import png
from bot.imaging.decode import hiding_places, load_pixels, read_header
from bot.imaging.header import TEXTS_MAX, Header
from bot.imaging.inspection import inspect_image
from bot.imaging.jsontext import parse_object
from bot.imaging.stealth import read_hidden

KEYWORD_MAX = 79
"""Bytes of a text chunk's name (PNG specification, 11.3.4)."""
_HIDDEN = (Carrier.ALPHA, Carrier.RGB)
ROWS = 64
"""Rows that are looked at together."""
_EFFORT = 3
"""zlib's level for a file that was no PNG: higher ones take several times as long for a few hundredths."""


def restored(data: bytes, trusted: Mapping[str, bytes]) -> bytes:
    """
    *data* as a PNG that says in text chunks what its pixels hide.

    A PNG keeps every byte it has and gets chunks in front of its pixels; of a WebP the very same pixels are written,
    transparency included. The result is inspected with the *trusted* keys before it is given away: pixels, hidden
    text and signature are the same, and the text chunks say so too. Raises `Mistake` ``restore.none`` where nothing
    is hidden, where that was not stripped, or where it does not come out so.
    """
    header = read_header(data)
    before = inspect_image(data, trusted=trusted)
    if not before.claims or any(claim.carrier not in _HIDDEN for claim in before.claims):
        raise Mistake("restore.none")
    is_png = header.format == "PNG"
    whole = _with_texts(data if is_png else _as_png(data, header), _texts(data, header))
    if not _says_the_same(before, inspect_image(whole, trusted=trusted)):
        raise Mistake("restore.none")
    if not is_png and not _looks_the_same(data, whole):
        raise Mistake("restore.none")
    return whole


def _texts(data: bytes, header: Header) -> dict[str, str]:
    """Keyword → text: NovelAI's and ComfyUI's are an object of texts, the web UI's is one plain text."""
    image = load_pixels(data, header)
    hidden = read_hidden(image, hiding_places(data, header)) if image is not None else ()
    if not hidden:
        raise Mistake("restore.none")
    try:
        found = parse_object(hidden[0].text)
    except ValueError:
        return {"parameters": hidden[0].text}
    texts = {name: text for name, text in found.items() if isinstance(text, str) and _is_keyword(name)}
    return dict(list(texts.items())[:TEXTS_MAX])


def _is_keyword(name: str) -> bool:
    return name.isascii() and name.isprintable() and name == name.strip() and 0 < len(name) <= KEYWORD_MAX


def _as_png(data: bytes, header: Header) -> bytes:
    image = load_pixels(data, header)
    if image is None:
        raise Mistake("restore.none")
    out = BytesIO()
    image.save(out, "PNG", compress_level=_EFFORT)
    return out.getvalue()


def _with_texts(data: bytes, texts: Mapping[str, str]) -> bytes:
    """Behind the header chunk, where NovelAI has them."""
    at = len(png.MAGIC) + 12 + struct.unpack_from(">I", data, len(png.MAGIC))[0]
    return b"".join([data[:at], *_chunks(texts), data[at:]])


def _chunks(texts: Mapping[str, str]) -> Iterator[bytes]:
    """``tEXt`` for ASCII and ``iTXt`` for the rest, as NovelAI writes them (metadata.md 1.1)."""
    for name, text in texts.items():
        kind = b"tEXt" if text.isascii() else b"iTXt"
        rest = b"" if text.isascii() else b"\0\0\0\0"
        body = kind + name.encode() + b"\0" + rest + text.encode(errors="replace")
        yield struct.pack(">I", len(body) - 4) + body + struct.pack(">I", binascii.crc32(body))


def _says_the_same(before: Inspection, after: Inspection) -> bool:
    """What was hidden is still hidden and worth as much, and is now said openly with the same signature."""
    hidden = tuple(claim for claim in after.claims if claim.carrier in _HIDDEN)
    open_ = [claim for claim in after.claims if claim.carrier is Carrier.PNG_TEXT]
    first = before.claims[0]
    return (
        hidden == before.claims
        and after.verdict is before.verdict
        and any((claim.signature, claim.prompt) == (first.signature, first.prompt) for claim in open_)
    )


def _looks_the_same(before: bytes, after: bytes) -> bool:
    """One after the other: both pictures at once are more than this process may take."""
    pixels = _digest(before)
    return pixels is not None and pixels == _digest(after)


def _digest(data: bytes) -> object:
    image = load_pixels(data, read_header(data))
    if image is None:
        return None
    seen = hashlib.sha256()
    for top in range(0, image.height, ROWS):
        seen.update(image.crop((0, top, image.width, min(top + ROWS, image.height))).tobytes())
    return image.mode, image.size, seen.digest()
