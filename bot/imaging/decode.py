"""
The only place outside the stand-in that opens an untrusted image: bounds first, then the decoder.

Containers are walked by hand, so that size, text and EXIF are known without a decoder; Pillow then sees a PNG of
nothing but its pixels, which takes text bombs, colour profiles and animations out of its hands.
"""

import struct
import zlib
from io import BytesIO

from PIL import Image
from PIL.WebPImagePlugin import WebPImageFile

from bot.domain.claims import Carrier
from bot.domain.errors import Mistake
from bot.imaging import png
from bot.imaging.header import BYTES_MAX, PIXELS_MAX, SIDE_MAX, Header
from bot.imaging.jpeg import read_jpeg, scans
from bot.imaging.webp import read_webp

SCANS_MAX = 16
"""Scans of a JPEG of the largest size; of a smaller one as many more."""


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
    if data.startswith(png.MAGIC):
        return png.read_png(data)
    if data.startswith(b"\xff\xd8\xff"):
        return read_jpeg(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return read_webp(data)
    if data[:6] in (b"GIF87a", b"GIF89a"):
        width, height = struct.unpack_from("<HH", data, 6)
        animated = data.count(b"\x21\xf9\x04") > 1
        return Header(format="GIF", width=width, height=height, spans=(), animated=animated)
    raise Mistake("image.type")


def hiding_places(data: bytes, header: Header) -> tuple[Carrier, ...]:
    """The carriers that the pixels may be: nothing is decoded for this, and of an ordinary PNG one row is inflated."""
    if not header.small or not header.whole:
        return ()
    return png.marked(data, header) if header.format == "PNG" else header.hiding


def load_pixels(data: bytes, header: Header) -> Image.Image | None:
    """
    The first frame, decoded, as RGB or RGBA; None where the pixels are damaged or more than 16,777,216.

    Pillow's exceptions end here.
    """
    if not header.small or not header.whole or _is_endless(data, header):
        return None
    try:
        image = _opened(data, header)
        if image.size != (header.width, header.height):
            return None
        image.load()
        return _in_colour(image)
    except (OSError, ValueError, SyntaxError, TypeError, IndexError, KeyError, EOFError, ZeroDivisionError,
            struct.error, zlib.error, MemoryError, OverflowError, Image.DecompressionBombError):  # fmt: skip
        return None


def _is_endless(data: bytes, header: Header) -> bool:
    return header.format == "JPEG" and scans(data) * header.pixels > SCANS_MAX * PIXELS_MAX


class _StillWebP(WebPImageFile):
    """Lets libwebp's two canvases go before Pillow makes room for its own: that is a third of the peak."""

    def load_prepare(self) -> None:
        self._decoder = None
        super().load_prepare()


def _opened(data: bytes, header: Header) -> Image.Image:
    if header.format == "WEBP":
        return _StillWebP(BytesIO(data))
    if header.format == "PNG":
        view = memoryview(data)
        data = b"".join([*(view[start:end] for start, end in header.spans), png.END])
    return Image.open(BytesIO(data), formats=(header.format,))


def _in_colour(image: Image.Image) -> Image.Image:
    if image.mode in ("RGB", "RGBA"):
        return image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")
