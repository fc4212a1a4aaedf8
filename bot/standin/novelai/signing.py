"""Signs a picture and its Comment as the service does, with a key that proves nothing, and hides text in alpha."""

import base64
import gzip
import json
import struct
from collections.abc import Mapping

from nacl.signing import SigningKey
from PIL import Image, ImageChops

SEED = bytes.fromhex("31757c5d0fd2d74ae2d044e99d5d04ff8715a0937deaba0e45336ccb89fd022a")
"""The private half of the stand-in's key. It ships with the program, so anybody can sign with it."""
MAGIC = b"stealth_pngcomp"
_BITS = bytes(digit & 1 for digit in range(256))
_EVEN = bytes(level & 254 for level in range(256))


def signed(picture: Image.Image, comment: Mapping[str, object]) -> dict[str, object]:
    """
    *comment* with ``signed_hash`` as its last key (metadata.md 2).

    Ed25519 over the RGB bytes and the Comment as `json.dumps` writes it; alpha is not signed.
    """
    message = picture.tobytes("raw", "RGB") + json.dumps(comment).encode()
    return {**comment, "signed_hash": base64.b64encode(SigningKey(SEED).sign(message).signature).decode()}


def hidden(picture: Image.Image, fields: Mapping[str, str]) -> Image.Image:
    """
    RGBA *picture* with *fields*, packed, in the lowest bits of its alpha, column by column (metadata.md 1.2).

    What does not fit is left out. Alpha beyond the text stays as it is.
    """
    packed = gzip.compress(json.dumps(fields).encode(), mtime=0)
    payload = MAGIC + struct.pack(">I", len(packed) * 8) + packed
    columns = -(-len(payload) * 8 // picture.height)
    if columns > picture.width:
        return picture
    alpha = picture.getchannel("A")
    strip = alpha.crop((0, 0, columns, picture.height))
    alpha.paste(ImageChops.add(strip.point(_EVEN), _plane(payload, columns, strip)), (0, 0))
    painted = picture.copy()
    painted.putalpha(alpha)
    return painted


def _plane(payload: bytes, columns: int, strip: Image.Image) -> Image.Image:
    """The bits as a picture of noughts and ones; where there are none, the strip's own."""
    bits = "".join(f"{byte:08b}" for byte in payload).encode().translate(_BITS)
    own = strip.transpose(Image.Transpose.TRANSPOSE).tobytes().translate(_BITS)
    whole = bits + own[len(bits) :]
    return Image.frombytes("L", (strip.height, columns), whole).transpose(Image.Transpose.TRANSPOSE)
