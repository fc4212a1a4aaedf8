"""
NovelAI's signature: Ed25519 over the RGB bytes of every pixel and the Comment as Python's `json.dumps` writes it.

The public key is NovelAI's own (novelai-image-metadata @3d9c7b7, checked on 24 valid and 12 invalid files); nothing
is normalised before it is verified.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from nacl.bindings import (
    crypto_core_ed25519_is_valid_point,
    crypto_core_ed25519_scalar_reduce,
    crypto_core_ed25519_sub,
    crypto_scalarmult_ed25519_base_noclamp,
    crypto_scalarmult_ed25519_noclamp,
)
from nacl.exceptions import CryptoError

from bot.domain.claims import Signature, Signer

NOVELAI: Mapping[str, bytes] = MappingProxyType(
    {"novelai": base64.b64decode("Y2JcQAOhLwzwSDUJPNgL04nS0Tbqm7cSRc4xk0vRMic=")}
)
STANDIN: Mapping[str, bytes] = MappingProxyType(
    {"standin": base64.b64decode("kHhD9ePwNACtXUvKNdSvBAx2hgc7jFL8zHHq32nW4Co=")}
)
"""The practice room's key. Its private half ships with the stand-in, so it proves nothing."""

FIELD = "signed_hash"
_ORDER = 2**252 + 27742317777372353535851937790883648493


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


class RepeatedKey(ValueError):
    """Two readers of such an object need not see the same value."""


def check_comment(comment: str, rgb: bytes | None, trusted: Mapping[str, bytes]) -> Checked:
    """
    Verify a Comment over *rgb* (None: the pixels cannot be looked at) with the *trusted* keys by name.

    The fields come from the very text that was verified. Raises nothing: hostile text is at worst unreadable.
    """
    try:
        fields = parse_object(comment)
    except (ValueError, RecursionError):
        return Checked(signature=Signature.INVALID if FIELD in comment else Signature.ABSENT)
    if FIELD not in fields:
        return Checked(signature=Signature.ABSENT, fields=fields)
    names = list(fields)
    behind = tuple(names[names.index(FIELD) + 1 :])
    if rgb is None:
        return Checked(signature=Signature.UNCHECKED, fields=_without(fields, behind), added=behind)
    signature = _signature_bytes(fields[FIELD])
    if signature is not None:
        for text in _signed_texts(comment, fields, behind):
            for name, key in trusted.items():
                if verify(key, signature, rgb, text.encode()):
                    believed = parse_object(text)
                    return Checked(signature=Signature.VALID, signer=Signer(name), fields=believed, added=behind)
    return Checked(signature=Signature.INVALID, fields=_without(fields, ()))


def parse_object(text: str) -> dict[str, Any]:
    """A JSON object without repeated keys. Raises ValueError (RecursionError where it is too deep)."""
    value = json.loads(text, object_pairs_hook=_unique)
    if not isinstance(value, dict):
        raise ValueError("not an object")  # noqa: TRY004 - one kind of failure for all unreadable text
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise RepeatedKey
    return found


def _without(fields: Mapping[str, Any], behind: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != FIELD and name not in behind}


def _signature_bytes(value: object) -> bytes | None:
    try:
        found = base64.b64decode(value, validate=True) if isinstance(value, str) and len(value) <= 100 else b""
    except ValueError:
        return None
    return found if len(found) == 64 else None


def _signed_texts(comment: str, fields: Mapping[str, Any], behind: tuple[str, ...]) -> Iterator[str]:
    """What may have been signed: the raw text before the signature, then the same fields written anew."""
    signed = _without(fields, behind)
    raw = comment[: max(comment.find(f', "{FIELD}": '), 0)] + "}"
    try:
        if parse_object(raw) == signed:
            yield raw
    except (ValueError, RecursionError):
        pass
    written = json.dumps(signed)
    if written != raw:
        yield written


def verify(key: bytes, signature: bytes, *parts: bytes) -> bool:
    """
    Pure Ed25519 over the concatenation of *parts*, without copying them.

    PyNaCl's own function joins and copies the message three times, which a picture of 50 MB cannot afford here.
    """
    point, scalar = signature[:32], signature[32:]
    if int.from_bytes(scalar, "little") >= _ORDER or not crypto_core_ed25519_is_valid_point(key):
        return False
    digest = hashlib.sha512(point + key)
    for part in parts:
        digest.update(part)
    challenge = crypto_core_ed25519_scalar_reduce(digest.digest())
    try:
        expected = crypto_core_ed25519_sub(
            crypto_scalarmult_ed25519_base_noclamp(scalar), crypto_scalarmult_ed25519_noclamp(challenge, key)
        )
    except CryptoError:
        return False
    return expected == point
