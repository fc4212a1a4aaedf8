"""EXIF: a bounded walk over a TIFF block for the few texts that generators write there."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

TAGS = {
    0x010D: "DocumentName",
    0x010E: "ImageDescription",
    0x010F: "Make",
    0x0110: "Model",
    0x0131: "Software",
    0x013B: "Artist",
    0x9286: "UserComment",
    0x9C9C: "XPComment",
}
_EXIF_IFD = 0x8769
_TEXT_TYPES = (1, 2, 7)
ENTRIES_MAX = 200
TEXT_MAX = 4 * 1024 * 1024
"""Bytes of all texts together: each tag may point at the same ones."""
_UNICODE = b"UNICODE\0"
_PREFIXES = (b"ASCII\0\0\0", b"JIS\0\0\0\0\0", bytes(8))


def read_exif(block: bytes) -> dict[str, str]:
    """The texts of *block* by tag; what is damaged is left out."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None:
        return {}
    tiff = _Tiff(block, order)
    found: dict[str, str] = {}
    try:
        [start] = struct.unpack_from(order + "I", block, 4)
        inner = _collect(tiff, start, found)
        if inner is not None:
            _collect(tiff, inner, found)
    except struct.error:
        pass
    return found


@dataclass(slots=True)
class _Tiff:
    block: bytes
    order: str
    budget: int = TEXT_MAX

    def entries(self, start: int) -> Iterator[tuple[int, int, int, int]]:
        """Tag, type, count and where the value field lies."""
        [count] = struct.unpack_from(self.order + "H", self.block, start)
        for n in range(min(count, ENTRIES_MAX)):
            at = start + 2 + n * 12
            tag, kind, length = struct.unpack_from(self.order + "HHI", self.block, at)
            yield tag, kind, length, at + 8

    def taken(self, start: int, length: int) -> bytes:
        """That part of the block; nothing of it where the budget is used up."""
        value = self.block[start : start + min(length, self.budget)]
        self.budget -= len(value)
        return value

    def pointer(self, at: int) -> int:
        [value] = struct.unpack_from(self.order + "I", self.block, at)
        return int(value)


def _collect(tiff: _Tiff, start: int, found: dict[str, str]) -> int | None:
    """Read one directory; gives where the EXIF directory lies."""
    inner = None
    try:
        for tag, kind, length, at in tiff.entries(start):
            if tag == _EXIF_IFD:
                inner = tiff.pointer(at)
            elif tag in TAGS and TAGS[tag] not in found and kind in _TEXT_TYPES:
                where = at if length <= 4 else tiff.pointer(at)
                found[TAGS[tag]] = _text(TAGS[tag], tiff.taken(where, length), tiff.order)
    except struct.error:
        # The block ends here; what was read so far stays.
        pass
    return inner


def _text(name: str, value: bytes, order: str) -> str:
    if name == "XPComment":
        return value.decode("utf-16-le", "replace").rstrip("\0")
    # Some write the kind of text once more in front of it, some write it into a plain text tag.
    if value.startswith(_UNICODE):
        return _wide(value[len(_UNICODE) :], order)
    for prefix in _PREFIXES:
        value = value.removeprefix(prefix)
    text = value.rstrip(b"\0 ")
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1")


def _wide(value: bytes, order: str) -> str:
    """UTF-16 of an order that is not told, and often told wrong: most texts hold ASCII, which shows it."""
    high, low = value[0::2].count(0), value[1::2].count(0)
    if high == low == 0:
        try:
            return value.decode().rstrip("\0 ")
        except UnicodeDecodeError:
            pass
    is_big = high > low if high != low else order == ">"
    return value.decode("utf-16-be" if is_big else "utf-16-le", "replace").lstrip("\ufeff").rstrip("\0 ")
