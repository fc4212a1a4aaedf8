"""Reads one field of a request, or refuses it in the service's words."""

import base64
import binascii
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image

from bot.standin.novelai.refusal import ServiceError, broken, invalid

SIDE_MIN = 64
AREA_MAX = 3_145_728
SOURCE_AREA_MAX = 16_777_216
"""Pixels of an image that is sent along; nothing larger is ever decoded."""
SEED_MAX = 4_294_967_295
FORMATS = ("PNG", "WEBP", "JPEG")

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Range:
    """Which numbers a field may hold."""

    low: float
    high: float
    whole: bool = False


def number(wanted: Fields, name: str, allowed: Range, default: float | None = None) -> float:
    """The number *name*; without a *default* it must be there."""
    value = wanted.get(name, default)
    if value is None:
        raise invalid(f"{name} is required")
    kinds = int if allowed.whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise invalid(f"{name} must be a number")
    if not allowed.low <= value <= allowed.high:
        raise invalid(f"{name} must be between {allowed.low} and {allowed.high}")
    return value


def one_of(wanted: Fields, name: str, allowed: Collection[object], default: object = None) -> Any:
    """One of *allowed*; without a *default* it must be there."""
    value = wanted.get(name, default)
    if isinstance(value, list | dict) or value not in allowed:
        raise invalid(f"{name} {str(value)[:60]!r} is not available")
    return value


def text(wanted: Fields, name: str, default: str | None = None) -> str:
    """The string *name*; without a *default* it must be there."""
    value = wanted.get(name, default)
    if not isinstance(value, str):
        raise invalid(f"{name} must be a string")
    return value


def listed(wanted: Fields, name: str) -> list[Any]:
    """The list *name*, empty where it is missing."""
    value = wanted.get(name)
    if value is not None and not isinstance(value, list):
        raise invalid(f"{name} must be a list")
    return value or []


def size(wanted: Fields) -> tuple[int, int]:
    """Width and height of the picture to make: multiples of 64 within 3 megapixels (nai-api.md 3)."""
    width, height = (int(number(wanted, name, Range(SIDE_MIN, AREA_MAX, whole=True))) for name in ("width", "height"))
    if width % 64 or height % 64 or width * height > AREA_MAX:
        raise invalid("width and height must be multiples of 64 within 3145728 pixels")
    return width, height


def binary(value: object, name: str) -> bytes:
    """The bytes of a base64 field; a data URL is none."""
    if not isinstance(value, str) or not value:
        raise invalid(f"{name} must be a base64 string")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid(f"{name} must be a base64 string") from error


def image(value: object, name: str) -> Image.Image:
    """
    The decoded picture of a base64 field; bounded before its pixels are read.

    Raises `ServiceError`: 400 for no base64, 500 for no picture.
    """
    return decoded(binary(value, name))


def decoded(data: bytes) -> Image.Image:
    """*data* as a picture with its pixels read. Raises `ServiceError` 413 for one too large, 500 for none."""
    try:
        opened = Image.open(BytesIO(data), formats=FORMATS)
        if opened.width * opened.height > SOURCE_AREA_MAX:
            raise ServiceError(413)
        opened.load()
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise broken() from error
    return opened


def is_image(data: bytes) -> bool:
    """Whether *data* begins as a PNG, JPEG or WebP does."""
    return data.startswith((b"\x89PNG", b"\xff\xd8\xff", b"RIFF"))
