"""From a carrier's raw text to a claim: NovelAI's PNG text, EXIF and hidden JSON."""

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image

from bot.domain.claims import Carrier, Character, Claim, Scalar
from bot.imaging.decode import Header
from bot.imaging.signature import Checked, RepeatedKey, parse_object

TEXT_MAX = 20_000
"""Characters of a prompt that are kept."""
VALUE_MAX = 500
SETTINGS_MAX = 100
CHARACTERS_MAX = 32

Check = Callable[[str], Checked]

_MODELS: dict[str, str] = {
    **dict.fromkeys(("1D44365E", "F4D50568"), "NovelAI Diffusion V1 Curated"),
    **dict.fromkeys(("81274D13", "3B3287AF"), "NovelAI Diffusion V1 Full"),
    **dict.fromkeys(("4CC42576", "1D09C008", "1D09D794", "F64BA557"), "NovelAI Diffusion Furry V1"),
    **dict.fromkeys(("49BFAF6A", "F1022D28"), "NovelAI Diffusion V2"),
    **dict.fromkeys(("B0BDF6C1", "C1E1DE52", "7BCCAA2C", "1120E6A9", "8BA2AF87"), "NovelAI Diffusion V3"),
    **dict.fromkeys(("4BE8C60C", "C8704949", "37C2B166", "F306816B", "9CC2F394"), "NovelAI Diffusion Furry V3"),
    **dict.fromkeys(
        ("37442FCA", "4F49EC75", "CA4B7203", "79F47848", "F6302A9D", "44FD40FE"), "NovelAI Diffusion V4 Full"
    ),
    **dict.fromkeys(("7ABFFA2A", "C1CCBA86", "770A9E12", "C5E578FD"), "NovelAI Diffusion V4 Curated"),
    **dict.fromkeys(("4BDE2A90", "1229B44F", "B9F340FD", "F3D95188"), "NovelAI Diffusion V4.5 Full"),
    **dict.fromkeys(("C02D4F98", "5AB81C7C", "B5A2A797", "5BB76870"), "NovelAI Diffusion V4.5 Curated"),
    **dict.fromkeys(("0ADF9AB7", "657484A5"), "NovelAI Diffusion V5 Full"),
    **dict.fromkeys(("93F4BD30", "70AB5786"), "NovelAI Diffusion V5 Full Medium"),
    "DB276663": "NovelAI Diffusion V5 Curated",
}
"""The last word of ``Source`` → model (metadata.md 3); an unknown one is shown as it is."""

_USER_COMMENT, _EXIF_IFD, _SOFTWARE, _DESCRIPTION = 0x9286, 0x8769, 0x0131, 0x010E
_TITLES = ("AI generated image", "NovelAI generated image", "AI augmented image")


def text_claim(header: Header, check: Check) -> Claim | None:
    """The claim of PNG text chunks; of a repeated keyword the first counts."""
    fields: dict[str, str] = {}
    for name, text in header.texts:
        fields.setdefault(name, text)
    return _novelai_claim(Carrier.PNG_TEXT, fields, check)


def exif_claim(header: Header, check: Check) -> Claim | None:
    """The claim of an EXIF user comment."""
    comment = _user_comment(header.exif) if header.exif else None
    return None if comment is None else _json_claim(Carrier.EXIF, comment, check)


def hidden_claim(carrier: Carrier, text: str, check: Check) -> Claim | None:
    """The claim of text that was hidden in the pixels."""
    return _json_claim(carrier, text, check)


def _json_claim(carrier: Carrier, text: str, check: Check) -> Claim | None:
    """The outer object that holds the Comment as a string, or the Comment itself."""
    try:
        outer = parse_object(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(outer.get("Comment"), str):
        fields = {name: value for name, value in outer.items() if isinstance(value, str)}
        return _novelai_claim(carrier, fields, check)
    return _novelai_claim(carrier, {"Comment": text}, check)


def _novelai_claim(carrier: Carrier, fields: Mapping[str, str], check: Check) -> Claim | None:
    comment = fields.get("Comment", "")
    if not _is_novelai(fields, comment):
        return None
    checked = check(comment)
    believed = checked.fields or {}
    prompt = _prompt(believed)
    if prompt is None and "req_type" not in believed:
        # V1 wrote the prompt nowhere else; it is not covered by any signature.
        description = fields.get("Description")
        prompt = description[:TEXT_MAX] if description else None
    return Claim(
        carrier=carrier,
        generator="NovelAI",
        model=_model(believed, fields.get("Source", "")),
        prompt=prompt,
        undesired_content=_text(believed.get("uc")),
        characters=_characters(believed),
        settings=_settings(believed),
        signature=checked.signature,
        signer=checked.signer,
        added=checked.added,
    )


_OWN_KEYS = ("signed_hash", "request_type", "req_type", "v4_prompt")


def _is_novelai(fields: Mapping[str, str], comment: str) -> bool:
    """By its Software or Title, or by keys in the Comment that nobody else writes."""
    if fields.get("Software") == "NovelAI" or fields.get("Title") in _TITLES:
        return True
    try:
        found = parse_object(comment)
    except RepeatedKey:
        return "signed_hash" in comment
    except (ValueError, RecursionError):
        return False
    return any(key in found for key in _OWN_KEYS) or {"uc", "steps", "sampler"} <= found.keys()


def _model(believed: Mapping[str, Any], source: str) -> str | None:
    signed = believed.get("model_name")
    if isinstance(signed, str) and signed:
        return signed[:VALUE_MAX]
    return _MODELS.get(source.strip().rpartition(" ")[2], source.strip()[:VALUE_MAX]) or None


def _text(value: object) -> str | None:
    return value[:TEXT_MAX] if isinstance(value, str) else None


def _caption(block: object) -> Mapping[str, Any]:
    caption = block.get("caption") if isinstance(block, dict) else None
    return caption if isinstance(caption, dict) else {}


def _prompt(believed: Mapping[str, Any]) -> str | None:
    return _text(believed.get("prompt")) or _text(_caption(believed.get("v4_prompt")).get("base_caption"))


def _characters(believed: Mapping[str, Any]) -> tuple[Character, ...]:
    wanted = _captions(believed.get("v4_prompt"))
    unwanted = _captions(believed.get("v4_negative_prompt"))
    return tuple(
        _character(caption, unwanted[n] if n < len(unwanted) else None)
        for n, caption in enumerate(wanted[:CHARACTERS_MAX])
    )


def _captions(block: object) -> list[Any]:
    captions = _caption(block).get("char_captions")
    return captions if isinstance(captions, list) else []


def _character(caption: object, unwanted: object) -> Character:
    fields = caption if isinstance(caption, dict) else {}
    against = unwanted if isinstance(unwanted, dict) else {}
    x, y = _center(fields.get("centers"))
    return Character(
        prompt=_text(fields.get("char_caption")) or "",
        undesired_content=_text(against.get("char_caption")) or "",
        x=x,
        y=y,
    )


def _center(centers: object) -> tuple[float | None, float | None]:
    first = centers[0] if isinstance(centers, list) and centers else None
    if not isinstance(first, dict):
        return None, None
    x, y = first.get("x"), first.get("y")
    good = all(isinstance(side, int | float) and math.isfinite(side) and 0 <= side <= 1 for side in (x, y))
    return (float(x), float(y)) if good else (None, None)  # type: ignore[arg-type]


def _settings(believed: Mapping[str, Any]) -> dict[str, Scalar]:
    """The scalar fields in the service's own words; long texts are cut, what is no number is None."""
    found: dict[str, Scalar] = {}
    for name, value in believed.items():
        if name in ("prompt", "uc", "signed_hash") or isinstance(value, dict | list) or len(found) >= SETTINGS_MAX:
            continue
        found[name[:VALUE_MAX]] = _scalar(value)
    return found


def _scalar(value: Any) -> Scalar:
    if isinstance(value, str):
        return value[:VALUE_MAX]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, bool | int | float) else None


_PREFIXES: tuple[tuple[bytes, tuple[str, ...]], ...] = (
    (b"ASCII\0\0\0", ("utf-8", "latin-1")),
    (b"UNICODE\0", ("utf-16-be", "utf-16-le", "utf-8")),
    (b"\0\0\0\0\0\0\0\0", ("utf-8", "latin-1")),
)
_TAG = re.compile(r"^(ASCII\x00{3}|UNICODE\x00)")


def _user_comment(exif: bytes) -> str | None:
    """The user comment of an EXIF block, of whatever type a re-encoder made it."""
    try:
        tags = Image.Exif()
        tags.load(exif)
        value = tags.get_ifd(_EXIF_IFD).get(_USER_COMMENT) or tags.get(_USER_COMMENT)
    except (ValueError, TypeError, KeyError, IndexError, OSError, SyntaxError, ZeroDivisionError, OverflowError,
            AttributeError, RecursionError, MemoryError):  # fmt: skip
        return None
    if isinstance(value, str):
        return _TAG.sub("", value)
    return _decoded(value) if isinstance(value, bytes) else None


def _decoded(value: bytes) -> str | None:
    for prefix, encodings in _PREFIXES:
        if value.startswith(prefix):
            return _first_json(value[len(prefix) :], encodings)
    return _first_json(value, ("utf-8", "latin-1"))


def _first_json(value: bytes, encodings: tuple[str, ...]) -> str | None:
    """The first reading that is JSON: the order of UTF-16's bytes is not told, and often told wrong."""
    for encoding in encodings:
        try:
            text = value.decode(encoding).strip("\0 ")
            json.loads(text)
        except (ValueError, RecursionError):
            continue
        return text
    return None
