"""
The only place outside the stand-in that opens an untrusted image: bounds first, then the decoder.

Containers are walked by hand, so that size, text and EXIF are known without a decoder; Pillow then sees a PNG of
nothing but its pixels, which takes text bombs, colour profiles and animations out of its hands.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO

from PIL import Image

from bot.domain.errors import Mistake

BYTES_MAX = 25 * 1024 * 1024
PIXELS_MAX = 16_777_216
"""What NovelAI's own inspector takes (metadata.md 1.2)."""
TEXT_MAX = 2 * 1024 * 1024
"""Bytes of text in one file, unpacked."""
CHUNKS_MAX = 20_000
TEXTS_MAX = 200
SIDE_MAX = 1 << 31

_PNG = b"\x89PNG\r\n\x1a\n"
_PIXEL_CHUNKS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT"})
_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """
    What a container says before anything is decoded.

    *texts* are PNG text chunks in their order, *exif* the raw TIFF block. *pixel_data* is what the decoder may see.
    """

    format: str
    width: int
    height: int
    texts: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    exif: bytes | None = field(default=None, repr=False)
    frames: bool = False
    pixel_data: bytes = field(repr=False)


def read_header(data: bytes) -> Header:
    """
    Walk the container of *data*.

    Raises `Mistake` ``image.large`` (over 25 MiB), ``image.type`` (not PNG, JPEG, WebP or GIF) or ``image.broken``
    (no readable header).
    """
    if len(data) > BYTES_MAX:
        raise Mistake("image.large", limit_mb=BYTES_MAX // 1024**2)
    try:
        header = _header_of(data)
    except (struct.error, IndexError) as error:
        raise Mistake("image.broken") from error
    if not (0 < header.width < SIDE_MAX and 0 < header.height < SIDE_MAX):
        raise Mistake("image.broken")
    return header


def _header_of(data: bytes) -> Header:
    if data.startswith(_PNG):
        return _png(data)
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    if data[:6] in (b"GIF87a", b"GIF89a"):
        width, height = struct.unpack_from("<HH", data, 6)
        return Header(format="GIF", width=width, height=height, pixel_data=data, frames=data.count(b"\x21\xf9\x04") > 1)
    raise Mistake("image.type")


def load_pixels(header: Header) -> Image.Image | None:
    """
    The first frame, decoded; None where the pixels are damaged.

    The caller has checked the pixel bound. Pillow's exceptions end here.
    """
    try:
        image = Image.open(BytesIO(header.pixel_data), formats=(header.format,))
        image.load()
    except (OSError, ValueError, SyntaxError, TypeError, IndexError, KeyError, EOFError, ZeroDivisionError,
            struct.error, zlib.error, MemoryError, OverflowError, Image.DecompressionBombError):  # fmt: skip
        return None
    return image if image.size == (header.width, header.height) else None


# --- PNG -------------------------------------------------------------------------------------------------------------


def _png(data: bytes) -> Header:
    width, height = struct.unpack_from(">II", data, 16)
    if data[12:16] != b"IHDR":
        raise Mistake("image.broken")
    texts: list[tuple[str, str]] = []
    pixels = [_PNG]
    exif, frames, cut, budget = None, False, False, TEXT_MAX
    for kind, body, whole in _png_chunks(data):
        if kind in _PIXEL_CHUNKS:
            pixels.append(whole)
            cut = cut or not whole
        elif kind in (b"tEXt", b"zTXt", b"iTXt") and len(texts) < TEXTS_MAX:
            found = _png_text(kind, body, budget)
            if found is not None:
                texts.append(found)
                budget -= len(found[1])
        elif kind == b"eXIf" and len(body) <= TEXT_MAX:
            exif = body
        frames = frames or kind == b"acTL"
    pixels.append(_END)
    return Header(
        format="PNG", width=width, height=height, texts=tuple(texts), exif=exif, frames=frames,
        # Pillow may make something of half the pixels; nobody could have signed that.
        pixel_data=b"" if cut else b"".join(pixels),
    )  # fmt: skip


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Kind, body and the whole chunk, up to IEND or the first one that does not fit the file."""
    at, seen = len(_PNG), 0
    while at + 8 <= len(data) and seen < CHUNKS_MAX:
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if kind == b"IEND":
            return
        if end > len(data):
            if kind == b"IDAT":
                yield kind, b"", b""
            return
        yield kind, data[at + 8 : end - 4], data[at:end]
        at, seen = end, seen + 1


def _png_text(kind: bytes, body: bytes, budget: int) -> tuple[str, str] | None:
    name, _, rest = body.partition(b"\0")
    packed = False
    if kind == b"zTXt":
        packed, rest = True, rest[1:]
    elif kind == b"iTXt":
        packed, rest = rest[:1] == b"\1", rest[2:]
        rest = rest.split(b"\0", 2)[-1]
    text = _inflated(rest, budget) if packed else rest[: budget + 1]
    if text is None or len(text) > budget:
        return None
    return name[:79].decode("latin-1"), _decoded(text)


def _inflated(packed: bytes, budget: int) -> bytes | None:
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(packed, budget + 1)
    except zlib.error:
        return None
    return text if unpacker.eof else None


def _decoded(text: bytes) -> str:
    """UTF-8 where it is that, else Latin-1, as the specification has it."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1")


# --- WebP, JPEG ------------------------------------------------------------------------------------------------------


def _webp(data: bytes) -> Header:
    size, exif, frames = None, None, False
    for kind, body in _riff_chunks(data):
        if kind == b"VP8X":
            size = (1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little"))
        elif kind == b"VP8L" and size is None:
            bits = int.from_bytes(body[1:5], "little")
            size = (1 + (bits & 0x3FFF), 1 + ((bits >> 14) & 0x3FFF))
        elif kind == b"VP8 " and size is None:
            width, height = struct.unpack_from("<HH", body, 6)
            size = (width & 0x3FFF, height & 0x3FFF)
        elif kind == b"EXIF" and len(body) <= TEXT_MAX:
            exif = body.removeprefix(b"Exif\0\0")
        frames = frames or kind == b"ANIM"
    if size is None:
        raise Mistake("image.broken")
    return Header(format="WEBP", width=size[0], height=size[1], exif=exif, frames=frames, pixel_data=data)


def _riff_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at, seen = 12, 0
    while at + 8 <= len(data) and seen < CHUNKS_MAX:
        kind, length = struct.unpack_from("<4sI", data, at)
        # A body may be cut where the file ends; what is read of it is only its beginning.
        yield kind, data[at + 8 : at + 8 + length]
        at, seen = at + 8 + length + (length & 1), seen + 1


_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def _jpeg(data: bytes) -> Header:
    exif = None
    at, seen = 2, 0
    while at + 4 <= len(data) and seen < CHUNKS_MAX:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at] != 0xFF:
            break
        body = data[at + 4 : at + 2 + length]
        if marker in _SOF:
            height, width = struct.unpack_from(">HH", body, 1)
            return Header(format="JPEG", width=width, height=height, exif=exif, pixel_data=data)
        if marker == 0xE1 and exif is None and body.startswith(b"Exif\0\0"):
            exif = body[6:]
        # Fill bytes before a marker are allowed.
        at += 1 if marker == 0xFF else 2 + max(length, 2)
        seen += 1
    raise Mistake("image.broken")
