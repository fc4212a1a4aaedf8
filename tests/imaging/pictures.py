"""Small pictures that carry what a test wants them to say."""

import base64
import gzip
import io
import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any

from nacl.signing import SigningKey
from PIL import Image

KEY = SigningKey(bytes(32))
TRUSTED = {"novelai": bytes(KEY.verify_key)}
COMMENT: dict[str, Any] = {
    "prompt": "1girl, smile",
    "steps": 28,
    "height": 48,
    "width": 40,
    "scale": 5.0,
    "seed": 1234567,
    "sampler": "k_euler_ancestral",
    "uc": "lowres",
    "request_type": "PromptGenerateRequest",
}


def a_picture(width: int = 40, height: int = 48) -> Image.Image:
    """RGB pixels that differ from one another."""
    data = bytes((x * 7 + y * 3 + c * 50) % 256 for y in range(height) for x in range(width) for c in range(3))
    return Image.frombytes("RGB", (width, height), data)


def signed(picture: Image.Image, comment: Mapping[str, Any] = COMMENT, key: SigningKey = KEY) -> str:
    """The Comment's text with its signature over *picture*, as NovelAI writes it."""
    message = picture.tobytes() + json.dumps(comment).encode()
    signature = base64.b64encode(key.sign(message).signature).decode()
    return json.dumps({**comment, "signed_hash": signature})


def png(picture: Image.Image, **texts: str) -> bytes:
    """A PNG with text chunks in front of its pixels."""
    plain = io.BytesIO()
    picture.save(plain, "PNG")
    data = plain.getvalue()
    chunks = b"".join(chunk(b"tEXt", name.encode() + b"\0" + text.encode()) for name, text in texts.items())
    return data[:33] + chunks + data[33:]


def an_image(width: int, height: int) -> bytes:
    """The beginning of a PNG, which is all that says its size."""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">II5B", width, height, 8, 2, 0, 0, 0))


def chunk(kind: bytes, body: bytes) -> bytes:
    """A PNG chunk with a good checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def hidden(
    picture: Image.Image, payload: bytes, *, magic: bytes = b"stealth_pngcomp", bits: int | None = None
) -> Image.Image:
    """*picture* with *payload* in the lowest bits of an alpha channel; *bits* is a length that may lie."""
    said = len(payload) * 8 if bits is None else bits
    stream = magic + struct.pack(">I", said) + payload
    digits = "".join(f"{byte:08b}" for byte in stream)
    width, height = picture.size
    alpha = Image.new("L", picture.size, 255)
    for n, digit in enumerate(digits[: width * height]):
        alpha.putpixel((n // height, n % height), 254 | int(digit))
    made = picture.copy()
    made.putalpha(alpha)
    return made


def packed(comment: str, **fields: str) -> bytes:
    """What NovelAI hides: gzip of an object that holds the Comment as a string."""
    return gzip.compress(json.dumps({"Software": "NovelAI", "Comment": comment, **fields}).encode())
