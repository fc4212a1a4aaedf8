"""The verdict on an image: header, carriers, signature, in this order and each within its bounds."""

from collections.abc import Iterator, Mapping
from functools import lru_cache

from bot.domain.claims import Carrier, Claim, Inspection, Note, Signature, foremost, verdict_of
from bot.domain.errors import Mistake
from bot.imaging.decode import hiding_places, load_pixels, read_header
from bot.imaging.generators.novelai import Check
from bot.imaging.header import Header
from bot.imaging.readers import claims_of
from bot.imaging.signature import FIELD, NOVELAI, Checked, Colours, check_comment
from bot.imaging.stealth import Hidden, read_hidden


def inspect_image(data: bytes, *, trusted: Mapping[str, bytes] = NOVELAI) -> Inspection:
    """
    What the image in *data* says of itself, verified with the *trusted* public keys by name.

    Synchronous and bounded (25 MiB, pixels up to 16,777,216); run it in a thread. Pixels are decoded only where they
    may hide something or something is signed. Raises `Mistake` with ``image.type``, ``image.large`` or
    ``image.broken``.
    """
    header = read_header(data)
    hidden, colours, is_damaged = _looked_at(data, header)
    claims = tuple(claims_of(header, hidden, _checker(colours, trusted)))
    if is_damaged and not claims:
        raise Mistake("image.broken")
    return Inspection(
        format=header.format,
        width=header.width,
        height=header.height,
        size=len(data),
        verdict=verdict_of(claims),
        claims=claims,
        notes=tuple(_notes(claims, header, colours, is_damaged=is_damaged)),
    )


def _looked_at(data: bytes, header: Header) -> tuple[tuple[Hidden, ...], Colours | None, bool]:
    """What the pixels hide, what a signature would cover, and whether they are damaged."""
    is_signed = _is_signed(header)
    # Where the pixels are needed anyhow, nothing is saved by looking at the first of them before.
    places = header.hiding if is_signed else hiding_places(data, header)
    if not places and not is_signed:
        return (), None, not header.whole
    image = load_pixels(data, header)
    if image is None:
        return (), None, header.small
    hidden = read_hidden(image, places)
    # What an animation shows is more than was signed: any other frame may be anything.
    may_verify = not header.animated and (is_signed or any(FIELD in each.text for each in hidden))
    return hidden, Colours(image) if may_verify else None, False


def _is_signed(header: Header) -> bool:
    """Whether the file's own text speaks of a signature; what is hidden in the pixels is not known yet."""
    exif = header.exif or b""
    in_exif = any(FIELD.encode(encoding) in exif for encoding in ("ascii", "utf-16-be", "utf-16-le"))
    return in_exif or any(FIELD in text for _, text in header.texts)


def _checker(colours: Colours | None, trusted: Mapping[str, bytes]) -> Check:
    @lru_cache(maxsize=8)
    def check(comment: str) -> Checked:
        return check_comment(comment, colours, trusted)

    return check


def _notes(claims: tuple[Claim, ...], header: Header, colours: Colours | None, *, is_damaged: bool) -> Iterator[Note]:
    shown = foremost(claims)
    in_pixels = [claim for claim in claims if claim.carrier in (Carrier.ALPHA, Carrier.RGB)]
    if in_pixels and len(in_pixels) == len(claims):
        yield Note.RECOVERED
    if shown is not None and any(_differs(claim, shown) for claim in claims):
        yield Note.DISAGREE
    if shown is not None and shown.signature is Signature.VALID:
        if shown.added:
            yield Note.FIELDS_ADDED
        if header.recoloured or (colours is not None and not colours.opaque):
            yield Note.APPEARANCE
    if is_damaged:
        yield Note.DAMAGED
    if header.animated:
        yield Note.FRAMES


def _differs(claim: Claim, shown: Claim) -> bool:
    """
    Whether a claim tells of another picture: its prompt or its seed differ.

    Of two valid ones both are NovelAI's word: text and alpha differ in the references they mention (metadata.md 1.3).
    """
    if claim.signature is shown.signature is Signature.VALID or claim.carrier is Carrier.C2PA:
        return False
    return _told(claim) != _told(shown)


def _told(claim: Claim) -> tuple[object, object]:
    return claim.prompt, claim.settings.get("seed", claim.settings.get("Seed"))
