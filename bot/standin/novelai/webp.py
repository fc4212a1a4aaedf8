"""Writes lossless WebP with the metadata in EXIF, as the service answers ``image_format: webp``."""

import json
from collections.abc import Mapping
from io import BytesIO

from PIL import Image

_TITLE, _DESCRIPTION, _SOFTWARE, _EXIF, _USER_COMMENT = 0x010D, 0x010E, 0x0131, 0x8769, 0x9286


def webp(picture: Image.Image, fields: Mapping[str, str]) -> bytes:
    """
    RGBA *picture* as VP8L with its texts (metadata.md 1.1, measured on a native file).

    The ``UserComment`` says ASCII and holds UTF-8; a Description that is not ASCII begins with four NULs: the service's
    own slip, kept. ``Software`` of EXIF is the Source.
    """
    description = fields["Description"]
    slipped = description if description.isascii() else "\0\0\0\0" + description
    exif = Image.Exif()
    exif[_TITLE] = fields["Title"]
    exif[_DESCRIPTION] = slipped.encode(errors="replace")
    exif[_SOFTWARE] = fields["Source"]
    outer = json.dumps({**fields, "Description": slipped}, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    exif.get_ifd(_EXIF)[_USER_COMMENT] = b"ASCII\0\0\0" + outer.encode(errors="replace")
    packed = BytesIO()
    picture.save(packed, "WEBP", lossless=True, exact=True, quality=20, method=0, exif=exif)
    return packed.getvalue()
