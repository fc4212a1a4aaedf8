"""Discord's media proxy: where the small copy of a file lies, and what it is."""

import io
import re
import warnings

from PIL import Image

SIDE, QUALITY = 400, 80
_FILES = re.compile(r"/((?:ephemeral-)?attachments/)")


def proxied(url: str) -> str:
    """Where a smaller copy of a file lies, which is not the file."""
    return _FILES.sub(r"/proxy/\1", url, count=1)


def smaller(data: bytes) -> bytes | None:
    """A lossy WebP without what the file said of itself; None for what is no picture."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP", "GIF")) as image:
                image.thumbnail((SIDE, SIDE))
                out = io.BytesIO()
                image.convert("RGB").save(out, "WEBP", quality=QUALITY)
                return out.getvalue()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
