"""Smaller copies of a picture: the very same pixels as lossless WebP, checked, and a preview to look at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO

from PIL import Image

from bot.domain.claims import Carrier, Claim, Inspection, Signature
from bot.domain.errors import Mistake
from bot.imaging.decode import load_pixels, read_header
from bot.imaging.header import PIXELS_MAX
from bot.imaging.inspection import inspect_image

PREVIEW_SIDE = 1_024
"""Pixels of a preview's longer side."""
PREVIEW_QUALITY = 82
_METHOD, _EFFORT = 2, 60
"""Past these WebP takes several times as long for one or two hundredths of the size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A WebP file; *is_signed* is whether the hidden metadata is there and its signature verifies."""

    data: bytes = field(repr=False)
    is_signed: bool = False


def exact_copy(data: bytes, trusted: Mapping[str, bytes]) -> Copy | None:
    """
    The same pixels as lossless WebP, colours under full transparency included; None where that cannot be vouched for.

    It is read back before it is given away: every pixel is the original's, what lies hidden in them says the same,
    and a signature that verified still verifies with the *trusted* keys. Text chunks are gone, as WebP has none.
    """
    image = _opened(data)
    if image is None:
        return None
    image = image.convert("RGBA" if "A" in image.getbands() or "transparency" in image.info else "RGB")
    out = BytesIO()
    try:
        image.save(out, "WEBP", lossless=True, exact=True, quality=_EFFORT, method=_METHOD)
    except (OSError, ValueError, MemoryError):
        return None
    made = out.getvalue()
    if not _same_pixels(image, made):
        return None
    del image
    before, after = _hidden_claim(data, trusted), _hidden_claim(made, trusted)
    if (before is None) != (after is None) or (before is not None and before != after):
        return None
    return Copy(data=made, is_signed=after is not None and after.signature is Signature.VALID)


def preview(data: bytes) -> Copy | None:
    """A lossy WebP of at most 1,024 pixels a side, to look at; None where the picture cannot be read."""
    image = _opened(data)
    if image is None:
        return None
    image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    out = BytesIO()
    try:
        image.convert("RGB").save(out, "WEBP", quality=PREVIEW_QUALITY)
    except (OSError, ValueError, MemoryError):
        return None
    return Copy(data=out.getvalue())


def _opened(data: bytes) -> Image.Image | None:
    try:
        header = read_header(data)
    except Mistake:
        return None
    return load_pixels(data, header) if header.width * header.height <= PIXELS_MAX else None


def _same_pixels(image: Image.Image, made: bytes) -> bool:
    again = _opened(made)
    if again is None or again.size != image.size:
        return False
    # WebP drops an alpha channel that is opaque throughout; as pixels that is the same picture.
    return again.convert(image.mode).tobytes() == image.tobytes()


def _hidden_claim(data: bytes, trusted: Mapping[str, bytes]) -> Claim | None:
    try:
        found: Inspection = inspect_image(data, trusted=trusted)
    except Mistake:
        return None
    return next((claim for claim in found.claims if claim.carrier in (Carrier.ALPHA, Carrier.RGB)), None)
