"""
Metadata in the lowest bits of the pixels: column by column, highest bit first.

Layout: 15 ASCII bytes of magic, 32 bits of length in bits, payload (metadata.md 1.2). Whole columns are cut out and
turned, so that no pixel is touched in Python.
"""

import zlib
from dataclasses import dataclass, field

from PIL import Image

from bot.domain.claims import Carrier

MAGIC_BITS = 15 * 8
HEAD_BITS = MAGIC_BITS + 32
PAYLOAD_MAX = 4 * 1024 * 1024
"""Bytes as they lie in the pixels."""
TEXT_MAX = 2 * 1024 * 1024
"""Bytes unpacked."""
_BITS = bytes(0x30 + (value & 1) for value in range(256))
_GZIP = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """Text that was found in the pixels."""

    carrier: Carrier
    text: str = field(repr=False)


def read_hidden(image: Image.Image) -> Hidden | None:
    """The text hidden in *image*'s alpha channel, or in its colours; None where there is none that can be read."""
    if image.mode == "RGBA" and (found := _read(image, "A", b"stealth_pnginfo", b"stealth_pngcomp")) is not None:
        return Hidden(carrier=Carrier.ALPHA, text=found)
    if image.mode in ("RGB", "RGBA") and (found := _read(image, "RGB", b"stealth_rgbinfo", b"stealth_rgbcomp")):
        return Hidden(carrier=Carrier.RGB, text=found)
    return None


def _read(image: Image.Image, channels: str, plain: bytes, packed: bytes) -> str | None:
    capacity = image.width * image.height * len(channels)
    if capacity < HEAD_BITS:
        return None
    head = _take(image, channels, 0, HEAD_BITS)
    magic, length = head[:15], int.from_bytes(head[15:], "big")
    if magic not in (plain, packed):
        return None
    if length % 8 or not length or HEAD_BITS + length > capacity or length // 8 > PAYLOAD_MAX:
        return None
    payload = _take(image, channels, HEAD_BITS, length)
    text = payload if magic == plain else _unpacked(payload)
    return None if text is None else text.decode(errors="replace")


def _take(image: Image.Image, channels: str, start: int, length: int) -> bytes:
    """*length* bits from bit *start*, as bytes; only the columns that hold them are looked at."""
    per_column = image.height * len(channels)
    first, last = start // per_column, -(-(start + length) // per_column)
    columns = image.crop((first, 0, last, image.height))
    columns = columns.getchannel("A") if channels == "A" else columns.convert("RGB")
    values = columns.transpose(Image.Transpose.TRANSPOSE).tobytes()
    offset = start - first * per_column
    digits = values[offset : offset + length].translate(_BITS)
    return int(digits, 2).to_bytes(length // 8, "big")


def _unpacked(payload: bytes) -> bytes | None:
    unpacker = zlib.decompressobj(_GZIP)
    try:
        text = unpacker.decompress(payload, TEXT_MAX + 1)
    except zlib.error:
        return None
    return text if unpacker.eof and len(text) <= TEXT_MAX else None
