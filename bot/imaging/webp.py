"""WebP: its RIFF chunks."""

import struct
from collections.abc import Iterator

from bot.domain.claims import Carrier
from bot.domain.errors import Mistake
from bot.imaging.header import CHUNKS_MAX, MANIFEST_MAX, TEXT_MAX, Header, decoded

_ALPHA_IS_USED = 1 << 28


def read_webp(data: bytes) -> Header:
    """Walk the chunks. Raises `Mistake` ``image.broken``, or struct.error, where there is no size."""
    bodies: dict[bytes, memoryview] = {}
    for kind, body in _chunks(data):
        bodies.setdefault(kind, body)
    width, height = _size(bodies)
    exif, xmp = bodies.get(b"EXIF"), bodies.get(b"XMP ")
    manifest = bodies.get(b"C2PA")
    return Header(
        format="WEBP", width=width, height=height, spans=((0, len(data)),), hiding=_hiding(bodies),
        recoloured=b"ICCP" in bodies,
        animated=b"ANIM" in bodies or b"ANMF" in bodies, whole=b"VP8L" in bodies or b"VP8 " in bodies,
        exif=bytes(exif).removeprefix(b"Exif\0\0") if exif is not None and len(exif) <= TEXT_MAX else None,
        xmp=decoded(bytes(xmp)) if xmp is not None and len(xmp) <= TEXT_MAX else None,
        manifest=bytes(manifest[:MANIFEST_MAX]) if manifest is not None else None,
    )  # fmt: skip


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    at, seen, view = 12, 0, memoryview(data)
    while at + 8 <= len(data) and seen < CHUNKS_MAX:
        kind, length = struct.unpack_from("<4sI", data, at)
        # A body may be cut where the file ends; what is read of it is only its beginning.
        yield kind, view[at + 8 : at + 8 + length]
        at, seen = at + 8 + length + (length & 1), seen + 1


def _size(bodies: dict[bytes, memoryview]) -> tuple[int, int]:
    """From the first chunk, as libwebp has it; a later one that says otherwise says it to nobody."""
    kind, body = next(iter(bodies.items()), (b"", memoryview(b"")))
    if kind == b"VP8X" and len(body) >= 10:
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8L" and len(body) >= 5:
        bits = _lossless_bits(body)
        return 1 + (bits & 0x3FFF), 1 + ((bits >> 14) & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", body, 6)
        return width & 0x3FFF, height & 0x3FFF
    raise Mistake("image.broken")


def _lossless_bits(body: memoryview) -> int:
    return int.from_bytes(body[1:5], "little")


def _hiding(bodies: dict[bytes, memoryview]) -> tuple[Carrier, ...]:
    """Colours survive only without loss; alpha is lossless beside lossy colours too, unless it was told not to be."""
    if b"VP8L" in bodies:
        has_alpha = bool(_lossless_bits(bodies[b"VP8L"]) & _ALPHA_IS_USED)
        return (Carrier.ALPHA, Carrier.RGB) if has_alpha else (Carrier.RGB,)
    return (Carrier.ALPHA,) if b"ALPH" in bodies or b"ANMF" in bodies else ()
