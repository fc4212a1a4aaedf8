"""Makes a PNG as NovelAI does: text chunks, the same text in the alpha channel, and a signature that proves nothing."""

import base64
import gzip
import json
import struct
import zlib
from collections.abc import Mapping
from io import BytesIO

from nacl.signing import SigningKey
from PIL import Image

SEED = bytes.fromhex("31757c5d0fd2d74ae2d044e99d5d04ff8715a0937deaba0e45336ccb89fd022a")
"""The private half of the stand-in's key. It ships with the program, so anybody can sign with it."""
MAGIC = b"stealth_pngcomp"
_ALPHA = bytes(255 if digit == ord("1") else 254 for digit in range(256))


def signed_png(
    picture: Image.Image, comment: Mapping[str, object], *, title: str, source: str, seconds: float
) -> bytes:
    """
    *picture* (RGB) as an RGBA PNG with *comment* signed and embedded twice (metadata.md 1 and 2).

    The signature is Ed25519 over the RGB bytes and the Comment as `json.dumps` writes it; it is the last key.
    """
    message = picture.tobytes() + json.dumps(comment).encode()
    signature = base64.b64encode(SigningKey(SEED).sign(message).signature).decode()
    fields = {
        "Description": str(comment.get("prompt", "")),
        "Software": "NovelAI",
        "Source": source,
        "Generation time": f"{seconds:.4f}",
        "Comment": json.dumps({**comment, "signed_hash": signature}),
    }
    alpha = _alpha_with(json.dumps(fields).encode(), picture.size)
    painted = picture.copy()
    painted.putalpha(alpha)
    plain = BytesIO()
    painted.save(plain, "PNG", compress_level=4)
    return _with_text(plain.getvalue(), {"Title": title, **fields})


def _alpha_with(text: bytes, size: tuple[int, int]) -> Image.Image:
    """An alpha plane whose lowest bits hold *text*, packed, column by column; what does not fit is left out."""
    width, height = size
    packed = gzip.compress(text, mtime=0)
    payload = MAGIC + struct.pack(">I", len(packed) * 8) + packed
    bits = "".join(f"{byte:08b}" for byte in payload).encode()
    if len(bits) > width * height:
        return Image.new("L", size, 255)
    columns = bits.translate(_ALPHA).ljust(width * height, b"\xff")
    return Image.frombytes("L", (height, width), columns).transpose(Image.Transpose.TRANSPOSE)


def _with_text(png: bytes, fields: Mapping[str, str]) -> bytes:
    """*png* with text chunks behind its header."""
    head = 8 + 25
    return png[:head] + b"".join(_text_chunk(name, text) for name, text in fields.items()) + png[head:]


def _text_chunk(name: str, text: str) -> bytes:
    """tEXt for ASCII, iTXt for the rest, as the service writes them."""
    if text.isascii():
        return _chunk(b"tEXt", name.encode() + b"\0" + text.encode())
    return _chunk(b"iTXt", name.encode() + b"\0\0\0\0\0" + text.encode())


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
