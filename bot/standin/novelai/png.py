"""Writes PNGs with text chunks where the service puts them, and reads the text of one that is sent."""

import struct
import zlib
from collections.abc import Mapping
from io import BytesIO

from PIL import Image

_HEAD = 8 + 25
_TAIL = 12
_DENSITY = struct.pack(">IIB", 2_834, 2_834, 1)
"""72 to the inch, as in every file of the newer server (metadata.md 1.1)."""


def png(picture: Image.Image, fields: Mapping[str, str], *, behind: bool = False, density: bool = True) -> bytes:
    """*picture* with text chunks before its pixels, or *behind* them, as V5 has them."""
    plain = BytesIO()
    picture.save(plain, "PNG", compress_level=4)
    data = plain.getvalue()
    text = b"".join(_text_chunk(name, value) for name, value in fields.items())
    head, body, tail = data[:_HEAD], data[_HEAD:-_TAIL], data[-_TAIL:]
    sized = head + (_chunk(b"pHYs", _DENSITY) if density else b"")
    return sized + body + text + tail if behind else sized + text + body + tail


def _text_chunk(name: str, text: str) -> bytes:
    """tEXt for ASCII, iTXt for the rest, as the service writes them."""
    if text.isascii():
        return _chunk(b"tEXt", name.encode() + b"\0" + text.encode(errors="replace"))
    return _chunk(b"iTXt", name.encode() + b"\0\0\0\0\0" + text.encode(errors="replace"))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
