"""Small copies of images from outside, for a look in passing."""

from io import BytesIO

from PIL import Image

from bot.domain.errors import Mistake
from bot.imaging.decode import load_pixels, read_header

SIDE = 512
"""Pixels of the longer side, at most."""
PIXELS_MAX = 4_194_304
"""Of the image it is made of: NovelAI's previews are smaller than the picture, and no picture has more than 3 MP."""
QUALITY = 70
_FORMATS = ("JPEG", "PNG", "WEBP")


def thumbnail(data: bytes) -> bytes | None:
    """*data* as a WebP of at most 512 pixels a side, of its pixels alone; None where it is no such image."""
    try:
        header = read_header(data)
    except Mistake:
        return None
    if header.format not in _FORMATS or header.width * header.height > PIXELS_MAX:
        return None
    if (image := load_pixels(data, header)) is None:
        return None
    image = image.convert("RGB")
    image.thumbnail((SIDE, SIDE), Image.Resampling.BILINEAR)
    packed = BytesIO()
    image.save(packed, "WEBP", quality=QUALITY, method=2)
    return packed.getvalue()
