"""JPEG: its segments up to the pixels. No bit of a lossy pixel holds a message, so the pixels are never the carrier."""

import struct
from collections.abc import Iterator

from bot.domain.errors import Mistake
from bot.imaging.header import CHUNKS_MAX, MANIFEST_MAX, TEXT_MAX, Header, decoded

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_SCAN, _END, _APP1, _APP11, _COMMENT = 0xDA, 0xD9, 0xE1, 0xEB, 0xFE
_EXIF, _XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"


def read_jpeg(data: bytes) -> Header:
    """Walk the segments. Raises `Mistake` ``image.broken`` where no frame says its size."""
    size: tuple[int, int] | None = None
    found: dict[str, bytes] = {}
    manifest = bytearray()
    has_scan = False
    for marker, body in _segments(data):
        has_scan |= marker == _SCAN
        if marker in _FRAMES and size is None:
            height, width = struct.unpack_from(">HH", body, 1)
            size = width, height
        elif marker == _APP11 and bytes(body[:2]) == b"JP" and len(manifest) < MANIFEST_MAX:
            manifest += body
        elif (named := _named(marker, body)) is not None:
            found.setdefault(*named)
    if size is None:
        raise Mistake("image.broken")
    return Header(
        format="JPEG", width=size[0], height=size[1], spans=((0, len(data)),), whole=has_scan,
        exif=found.get("exif"),
        xmp=decoded(found["xmp"]) if "xmp" in found else None,
        comment=decoded(found["comment"].rstrip(b"\0")) if "comment" in found else None,
        manifest=bytes(manifest) if b"c2pa" in manifest else None,
    )  # fmt: skip


def scans(data: bytes) -> int:
    """
    How often a decoder has to go over the picture; entropy-coded data cannot hold the marker.

    A progressive file needs about ten; one of a few hundred bytes may ask for thousands.
    """
    return data.count(b"\xff\xda")


def _segments(data: bytes) -> Iterator[tuple[int, memoryview]]:
    """Marker and body of each segment, up to the first scan."""
    at, seen, view = 2, 0, memoryview(data)
    while at + 4 <= len(data) and seen < CHUNKS_MAX and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _END:
            return
        if marker == 0xFF:
            # Fill bytes before a marker are allowed.
            at, seen = at + 1, seen + 1
            continue
        if marker not in _ALONE:
            yield marker, view[at + 4 : at + 2 + length]
        if marker == _SCAN:
            return
        at, seen = at + (2 if marker in _ALONE else 2 + max(length, 2)), seen + 1


def _named(marker: int, body: memoryview) -> tuple[str, bytes] | None:
    if len(body) > TEXT_MAX:
        return None
    if marker == _COMMENT:
        return "comment", bytes(body)
    if marker == _APP1 and bytes(body[: len(_EXIF)]) == _EXIF:
        return "exif", bytes(body[len(_EXIF) :])
    if marker == _APP1 and bytes(body[: len(_XMP)]) == _XMP:
        return "xmp", bytes(body[len(_XMP) :])
    return None
