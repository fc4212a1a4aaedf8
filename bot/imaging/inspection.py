"""The verdict on an image: header, carriers, signature, in this order and each within its bounds."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from PIL import Image

from bot.domain.claims import Carrier, Claim, Inspection, Note, Signature, shown_claim, to_json, verdict_of
from bot.domain.errors import Mistake, NaibotError
from bot.imaging.decode import BYTES_MAX, PIXELS_MAX, Header, load_pixels, read_header
from bot.imaging.readers import exif_claim, hidden_claim, text_claim
from bot.imaging.signature import NOVELAI, Checked, check_comment
from bot.imaging.stealth import Hidden, read_hidden


def inspect_image(data: bytes, *, trusted: Mapping[str, bytes] = NOVELAI) -> Inspection:
    """
    What the image in *data* says of itself, verified with the *trusted* public keys by name.

    Synchronous and bounded (25 MiB, pixels up to 16,777,216); run it in a thread. Raises `Mistake` with
    ``image.type``, ``image.large`` or ``image.broken``.
    """
    header = read_header(data)
    size = len(data)
    image = load_pixels(header) if header.width * header.height <= PIXELS_MAX else None
    is_damaged = image is None and header.width * header.height <= PIXELS_MAX
    hidden = read_hidden(image) if image is not None else None
    rgb = _rgb(image) if image is not None and _may_be_signed(header, hidden) else None
    del image
    claims = _claims(header, hidden, rgb, trusted)
    if is_damaged and not claims:
        raise Mistake("image.broken")
    found = Inspection(
        format=header.format,
        width=header.width,
        height=header.height,
        size=size,
        verdict=verdict_of(claims),
        claims=claims,
        notes=(),
    )
    return _noted(found, header, is_damaged=is_damaged)


def _may_be_signed(header: Header, hidden: Hidden | None) -> bool:
    """Whether the colours are needed at all: most images carry nothing."""
    return hidden is not None or bool(header.texts) or header.exif is not None


def _rgb(image: Image.Image) -> bytes:
    return image.tobytes("raw", "RGB") if image.mode in ("RGB", "RGBA") else image.convert("RGB").tobytes()


def _claims(
    header: Header, hidden: Hidden | None, rgb: bytes | None, trusted: Mapping[str, bytes]
) -> tuple[Claim, ...]:
    @lru_cache(maxsize=4)
    def check(comment: str) -> Checked:
        return check_comment(comment, rgb, trusted)

    found = [text_claim(header, check), exif_claim(header, check)]
    if hidden is not None:
        found.append(hidden_claim(hidden.carrier, hidden.text, check))
    return tuple(claim for claim in found if claim is not None)


def _noted(found: Inspection, header: Header, *, is_damaged: bool) -> Inspection:
    shown = shown_claim(found)
    in_text = [claim for claim in found.claims if claim.carrier not in (Carrier.ALPHA, Carrier.RGB)]
    notes = [
        (Note.RECOVERED, bool(found.claims) and not in_text),
        (Note.DISAGREE, _disagree(found.claims, shown)),
        (Note.FIELDS_ADDED, shown is not None and shown.signature is Signature.VALID and bool(shown.added)),
        (Note.DAMAGED, is_damaged),
        (Note.FRAMES, header.frames),
    ]
    return Inspection(
        format=found.format,
        width=found.width,
        height=found.height,
        size=found.size,
        verdict=found.verdict,
        claims=found.claims,
        notes=tuple(note for note, holds in notes if holds),
    )


def _disagree(claims: Iterable[Claim], shown: Claim | None) -> bool:
    """Whether a signed claim stands beside one of another picture: prompt or seed differ, and it does not verify."""
    if shown is None or shown.signature is not Signature.VALID:
        return False
    return any(
        claim.signature is not Signature.VALID
        and (claim.prompt, claim.settings.get("seed")) != (shown.prompt, shown.settings.get("seed"))
        for claim in claims
    )


def inspect_files(
    paths: Iterable[str], *, trusted: Mapping[str, bytes], explain: Callable[[NaibotError], str]
) -> Iterator[dict[str, object]]:
    """An object for each file, as `naibot inspect --json` prints it; *explain* words an error."""
    for path in paths:
        try:
            inspection = inspect_image(_read(path), trusted=trusted)
        except NaibotError as error:
            yield {"file": path, "error": {"code": error.code, "message": explain(error)}}
        else:
            yield {"file": path, **to_json(inspection)}


def _read(path: str) -> bytes:
    """At most a byte more than is taken. Raises `Mistake` ``file.unreadable``."""
    try:
        with Path(path).open("rb") as file:
            return file.read(BYTES_MAX + 1)
    except OSError as error:
        raise Mistake("file.unreadable") from error
