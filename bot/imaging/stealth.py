"""
Metadata in the lowest bits of the pixels: column by column, highest bit first.

Layout: 15 ASCII bytes of magic, 32 bits of length in bits, payload (metadata.md 1.2). Whole columns are cut out and
turned, a bounded number of bits at a time, so that no pixel is touched in Python and no length that a file states
makes us allocate anything.
"""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from PIL import Image

from bot.domain.claims import Carrier
from bot.imaging.header import TEXT_MAX

MAGIC_BITS = 15 * 8
HEAD_BITS = MAGIC_BITS + 32
SLAB_BITS = 1 << 20
"""Bits that are taken out at once; a multiple of 8."""
_BITS = bytes(0x30 + (value & 1) for value in range(256))
_GZIP = 31
_MAGICS = {
    Carrier.ALPHA: (b"stealth_pnginfo", b"stealth_pngcomp"),
    Carrier.RGB: (b"stealth_rgbinfo", b"stealth_rgbcomp"),
}
_CHANNELS = {Carrier.ALPHA: 1, Carrier.RGB: 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """Text that was found in the pixels."""

    carrier: Carrier
    text: str = field(repr=False)


def read_hidden(image: Image.Image, places: Iterable[Carrier]) -> tuple[Hidden, ...]:
    """The texts hidden in *image* (RGB or RGBA) in those of *places* where one can be read."""
    found = []
    for carrier in places:
        if carrier is Carrier.ALPHA and image.mode != "RGBA":
            continue
        text = _read(image, carrier)
        if text is not None:
            found.append(Hidden(carrier=carrier, text=text.decode(errors="replace")))
    return tuple(found)


def _read(image: Image.Image, carrier: Carrier) -> bytes | None:
    capacity = image.width * image.height * _CHANNELS[carrier]
    if capacity < HEAD_BITS:
        return None
    head = _take(image, carrier, 0, HEAD_BITS)
    magic, length = head[:15], int.from_bytes(head[15:], "big")
    plain, packed = _MAGICS[carrier]
    if magic not in (plain, packed) or length % 8 or not 0 < length <= capacity - HEAD_BITS:
        return None
    payload = _payload(image, carrier, length)
    return _unpacked(payload) if magic == packed else _joined(payload)


def _payload(image: Image.Image, carrier: Carrier, length: int) -> Iterator[bytes]:
    for at in range(0, length, SLAB_BITS):
        yield _take(image, carrier, HEAD_BITS + at, min(SLAB_BITS, length - at))


def _joined(pieces: Iterable[bytes]) -> bytes | None:
    text = bytearray()
    for piece in pieces:
        text += piece
        if len(text) > TEXT_MAX:
            return None
    return bytes(text)


def _unpacked(pieces: Iterable[bytes]) -> bytes | None:
    """The first member of a gzip stream, whole and with a good checksum."""
    unpacker, text = zlib.decompressobj(_GZIP), bytearray()
    try:
        for piece in pieces:
            text += unpacker.decompress(piece, TEXT_MAX + 1 - len(text))
            if unpacker.eof or len(text) > TEXT_MAX:
                break
    except zlib.error:
        return None
    return bytes(text) if unpacker.eof and len(text) <= TEXT_MAX else None


def _take(image: Image.Image, carrier: Carrier, start: int, length: int) -> bytes:
    """*length* bits from bit *start*, as bytes; only the columns that hold them are looked at."""
    channels = _CHANNELS[carrier]
    per_column = image.height * channels
    first, last = start // per_column, -(-(start + length) // per_column)
    top, bottom = 0, image.height
    offset = start - first * per_column
    if last - first == 1:
        # A picture may be one column of sixteen million pixels.
        top, bottom = offset // channels, -(-(offset + length) // channels)
        offset -= top * channels
    columns = image.crop((first, top, last, bottom))
    columns = columns.getchannel("A") if carrier is Carrier.ALPHA else columns.convert("RGB")
    values = columns.transpose(Image.Transpose.TRANSPOSE).tobytes()
    digits = values[offset : offset + length].translate(_BITS)
    return int(digits, 2).to_bytes(length // 8, "big")
