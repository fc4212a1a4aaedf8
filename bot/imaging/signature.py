"""
NovelAI's signature: Ed25519 over the RGB bytes of every pixel and the Comment as it stands in the file.

The public key is NovelAI's own (novelai-image-metadata @3d9c7b7, checked on 24 valid and 12 invalid files); nothing
is normalised before it is verified.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from nacl._sodium import ffi, lib
from PIL import Image

from bot.domain.claims import Signature, Signer
from bot.imaging.jsontext import SIZE_MAX, parse_object

NOVELAI: Mapping[str, bytes] = MappingProxyType(
    {"novelai": base64.b64decode("Y2JcQAOhLwzwSDUJPNgL04nS0Tbqm7cSRc4xk0vRMic=")}
)
STANDIN: Mapping[str, bytes] = MappingProxyType(
    {"standin": base64.b64decode("kHhD9ePwNACtXUvKNdSvBAx2hgc7jFL8zHHq32nW4Co=")}
)
"""The practice room's key. Its private half ships with the stand-in, so it proves nothing."""

FIELD = "signed_hash"
SIGNATURE_BYTES = 64
OPAQUE = 254
"""Alpha of a picture that hides text in its lowest bit and is otherwise not transparent (metadata.md 1.2)."""
NAMES_MAX = 100
_uncleared = ffi.new_allocator(should_clear_after_alloc=False)
"""Clearing 50 MB at once, which are then written over, holds up the loop. Nothing is read that was not written."""
_STRIP = 1 << 16
"""Pixels that are turned into bytes at once: few enough to stay in the processor's own memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """
    What became of a Comment: *fields* are the ones to believe, *added* the names of keys behind the signature.

    *fields* is None where the Comment is not an object, or repeats a key.
    """

    signature: Signature
    signer: Signer | None = None
    fields: Mapping[str, Any] | None = field(default=None, repr=False)
    added: tuple[str, ...] = ()


class Colours:
    """
    The RGB bytes of a picture, row by row, with room for a signature in front and for text behind.

    *opaque* is whether nothing of the picture is see-through: alpha is not signed, and what it hides nobody sees. The
    image may be let go as soon as this is made.
    """

    def __init__(self, image: Image.Image) -> None:
        self.opaque = "transparency" not in image.info and _is_opaque(image)
        self._end = SIGNATURE_BYTES + image.width * image.height * 3
        self._memory = _uncleared("unsigned char[]", self._end + SIZE_MAX)
        self._signed = ffi.buffer(self._memory)
        at, rows = SIGNATURE_BYTES, max(1, _STRIP // image.width)
        for top in range(0, image.height, rows):
            strip = image.crop((0, top, image.width, min(top + rows, image.height)))
            colours = strip.tobytes("raw", "RGB")
            self._signed[at : at + len(colours)] = colours
            at += len(colours)

    def signed(self, key: bytes, signature: bytes, text: bytes) -> bool:
        """
        Whether *key* (32 bytes) made *signature* (64 bytes) over these colours and *text* (at most `SIZE_MAX`).

        This is the function of libsodium that `VerifyKey.verify` ends in. PyNaCl's way to it copies the message twice,
        which of a picture of 50 MB is more than this process may take; libsodium itself copies nothing where nobody
        asks for a copy. A test holds the two together.
        """
        end = self._end + len(text)
        self._signed[:SIGNATURE_BYTES] = signature
        self._signed[self._end : end] = text
        return int(lib.crypto_sign_open(ffi.NULL, ffi.NULL, self._memory, end, key)) == 0


def _is_opaque(image: Image.Image) -> bool:
    return image.mode != "RGBA" or image.getchannel("A").getextrema()[0] >= OPAQUE  # type: ignore[operator]


def check_comment(comment: str, colours: Colours | None, trusted: Mapping[str, bytes]) -> Checked:
    """
    Verify a Comment over *colours* (None: the pixels cannot be looked at) with the *trusted* keys by name.

    The fields come from the very text that was verified. Raises nothing: hostile text is at worst unreadable.
    """
    try:
        fields = parse_object(comment)
    except ValueError:
        return Checked(signature=Signature.INVALID if FIELD in comment else Signature.ABSENT)
    if FIELD not in fields:
        return Checked(signature=Signature.ABSENT, fields=fields)
    names = list(fields)
    behind = names[names.index(FIELD) + 1 :]
    added = tuple(behind[:NAMES_MAX])
    signed = _signed_text(comment)
    signature = _signature_bytes(fields[FIELD])
    if signature is None or signed is None:
        return Checked(signature=Signature.INVALID, fields=_without(fields))
    if colours is None:
        return Checked(signature=Signature.UNCHECKED, fields=_without(fields, *behind), added=added)
    for name, key in trusted.items():
        if colours.signed(key, signature, signed.encode()):
            return Checked(signature=Signature.VALID, signer=Signer(name), fields=parse_object(signed), added=added)
    return Checked(signature=Signature.INVALID, fields=_without(fields))


def _without(fields: Mapping[str, Any], *names: str) -> dict[str, Any]:
    hidden = {FIELD, *names}
    return {name: value for name, value in fields.items() if name not in hidden}


def _signature_bytes(value: object) -> bytes | None:
    try:
        found = base64.b64decode(value, validate=True) if isinstance(value, str) and len(value) <= 100 else b""
    except ValueError:
        return None
    return found if len(found) == SIGNATURE_BYTES else None


def _signed_text(comment: str) -> str | None:
    """
    What may have been signed: the text in front of the signature, to the letter.

    NovelAI writes the signature as the last key (metadata.md 2). Its own verifier parses and writes the object anew;
    that is left out on purpose: what is shown is then what was signed, whoever's parser looks at it. None where the
    text in front is not an object by itself, or no ASCII, which `json.dumps` always writes.
    """
    cut = comment.find(f', "{FIELD}": ')
    signed = f"{comment[:cut]}}}"
    if cut < 0 or not signed.isascii():
        return None
    try:
        parse_object(signed)
    except ValueError:
        return None
    return signed
