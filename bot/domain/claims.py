"""What an image says of itself: claims by carrier, the verdict over them, and their JSON."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from bot.domain.model import CAPABILITIES, model_named

Scalar = str | int | float | bool | None


class Carrier(StrEnum):
    """Where in a file metadata sits; Content Credentials are a carrier that is recognised and not read."""

    PNG_TEXT = "png_text"
    EXIF = "exif"
    COMMENT = "comment"
    XMP = "xmp"
    ALPHA = "alpha"
    RGB = "rgb"
    C2PA = "c2pa"


class Signature(StrEnum):
    """What became of checking a claim; unchecked means that the pixels are damaged or too many."""

    VALID = "valid"
    INVALID = "invalid"
    ABSENT = "absent"
    UNCHECKED = "unchecked"


class Signer(StrEnum):
    """Whose key verified a claim."""

    NOVELAI = "novelai"
    STANDIN = "standin"


class Verdict(StrEnum):
    """What all claims of an image come to."""

    SIGNED = "signed"
    ALTERED = "altered"
    UNCHECKED = "unchecked"
    UNSIGNED = "unsigned"
    NONE = "none"


class Note(StrEnum):
    """Remarks beside the verdict."""

    RECOVERED = "recovered"
    DISAGREE = "disagree"
    FIELDS_ADDED = "fields_added"
    DAMAGED = "damaged"
    PREVIEW = "preview"
    FRAMES = "frames"
    APPEARANCE = "appearance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Character:
    """A character of V4 and later; *x* and *y* are 0 to 1 over the picture, None where the model chose."""

    prompt: str = field(repr=False)
    undesired_content: str = field(default="", repr=False)
    x: float | None = None
    y: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """
    What one carrier says.

    *settings* are in the generator's own words. Everything but *generator* and *model* is read from the very text
    that was verified, where a signature is valid; *added* names the keys behind it, which were not signed.
    """

    carrier: Carrier
    generator: str
    model: str | None = None
    prompt: str | None = field(default=None, repr=False)
    undesired_content: str | None = field(default=None, repr=False)
    characters: tuple[Character, ...] = ()
    settings: Mapping[str, Scalar] = field(default_factory=dict)
    signature: Signature = Signature.ABSENT
    signer: Signer | None = None
    added: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What was found in one image; *size* is bytes."""

    format: str
    width: int
    height: int
    size: int
    verdict: Verdict
    claims: tuple[Claim, ...]
    notes: tuple[Note, ...]


def verdict_of(claims: Iterable[Claim]) -> Verdict:
    """Signed if some claim is valid, else altered, unchecked, unsigned; none where nothing is claimed."""
    found = {claim.signature for claim in claims}
    for signature, verdict in (
        (Signature.VALID, Verdict.SIGNED),
        (Signature.INVALID, Verdict.ALTERED),
        (Signature.UNCHECKED, Verdict.UNCHECKED),
        (Signature.ABSENT, Verdict.UNSIGNED),
    ):
        if signature in found:
            return verdict
    return Verdict.NONE


_ORDER = tuple(Carrier)


def shown_claim(inspection: Inspection) -> Claim | None:
    """The one claim whose settings a person sees: the valid one, else text, else alpha."""
    return foremost(inspection.claims)


def foremost(claims: Iterable[Claim]) -> Claim | None:
    """The valid one of *claims*, else the first in the order of `Carrier`."""
    return min(
        claims, key=lambda claim: (claim.signature is not Signature.VALID, _ORDER.index(claim.carrier)), default=None
    )


def model_of(claim: Claim) -> str | None:
    """The model as people call it; V5 signs its id (metadata.md 1.3)."""
    found = model_named(claim.model or "") if claim.generator == NOVELAI else None
    return CAPABILITIES[found].name if found is not None else claim.model


NOVELAI = "NovelAI"
"""What NovelAI's claims have for a generator."""
UNNAMED_CREDENTIALS = "Content Credentials"
"""The generator of a claim whose manifest names nobody that is known."""


def headline(inspection: Inspection) -> str:
    """The verdict as a person is told it: whose key it was, or who is said to have made an unsigned picture."""
    claim = shown_claim(inspection)
    if claim is not None and claim.signature is Signature.VALID and claim.signer is Signer.STANDIN:
        return "signed_standin"
    if inspection.verdict is not Verdict.UNSIGNED or claim is None or claim.generator == NOVELAI:
        return inspection.verdict.value
    return "credentials" if claim.generator == UNNAMED_CREDENTIALS else "other"


def noted(inspection: Inspection, note: Note) -> Inspection:
    """The same with a remark more, in the order of `Note`."""
    notes = {*inspection.notes, note}
    return replace(inspection, notes=tuple(each for each in Note if each in notes))


def to_json(inspection: Inspection) -> dict[str, object]:
    """The object of `naibot inspect --json`, without its file's name."""
    return {
        "format": inspection.format,
        "width": inspection.width,
        "height": inspection.height,
        "verdict": inspection.verdict.value,
        "claims": [_claim_json(claim) for claim in inspection.claims],
        "notes": [note.value for note in inspection.notes],
    }


def _claim_json(claim: Claim) -> dict[str, object]:
    return {
        "carrier": claim.carrier.value,
        "generator": claim.generator,
        "model": claim.model,
        "prompt": claim.prompt,
        "undesired_content": claim.undesired_content,
        "characters": [
            {"prompt": each.prompt, "undesired_content": each.undesired_content, "x": each.x, "y": each.y}
            for each in claim.characters
        ],
        "settings": dict(claim.settings),
        "signature": claim.signature.value,
        "signer": claim.signer.value if claim.signer else None,
        "added": list(claim.added),
    }
