"""NovelAI: Source, Comment and its signature, from V1 to V5."""

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from bot.domain.claims import Carrier, Character, Claim, Scalar, Signature
from bot.imaging.generators.reading import INTEGER_MAX, SETTINGS_MAX, VALUE_MAX, clean, name_of, prompt_of, value_of
from bot.imaging.jsontext import RepeatedKey, parse_object
from bot.imaging.signature import FIELD, Checked

CHARACTERS_MAX = 32
"""V5 takes 22 (metadata.md 1.3)."""
Check = Callable[[str], Checked]

MODELS: dict[str, str] = {
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

_TITLES = ("AI generated image", "NovelAI generated image", "AI augmented image")
_SOURCE = re.compile(r"(?:NovelAI|Stable) Diffusion(?: XL| V[\d.]{1,4})?(?: [0-9A-F]{8})?")
_OWN_KEYS = (FIELD, "request_type", "req_type", "v4_prompt")


def novelai_claim(carrier: Carrier, fields: Mapping[str, str], check: Check) -> Claim | None:
    """
    The claim of one Comment; *fields* may also hold ``Source``, ``Description``, ``Software`` and ``Title``.

    None where nothing says NovelAI. What a valid signature covers is read from the verified text and nothing else.
    """
    comment = fields.get("Comment", "")
    if not _is_novelai(fields, comment):
        return None
    checked = check(comment)
    believed = checked.fields or {}
    return Claim(
        carrier=carrier,
        generator="NovelAI",
        model=_model(checked, fields.get("Source", "")),
        prompt=_prompt(believed) or _described(checked, fields),
        undesired_content=prompt_of(believed.get("uc")) or prompt_of(_caption(believed, "v4_negative_prompt")),
        characters=_characters(believed),
        settings=_settings(believed),
        signature=checked.signature,
        signer=checked.signer,
        added=tuple(clean(name[:VALUE_MAX]) for name in checked.added),
    )


def wrapped_claim(carrier: Carrier, text: str, around: Mapping[str, str], check: Check) -> Claim | None:
    """The claim of an object that holds the Comment as a string, or of the Comment itself; *around* lies beside it."""
    try:
        outer = parse_object(text)
    except RepeatedKey:
        # Nobody knows which of the two was meant, so none of it is shown; but that it spoke of a signature is said.
        return novelai_claim(carrier, {"Software": "NovelAI", "Comment": text}, check) if FIELD in text else None
    except ValueError:
        return None
    if not isinstance(outer.get("Comment"), str):
        return novelai_claim(carrier, {**around, "Comment": text}, check)
    inner = {name: value for name, value in outer.items() if isinstance(value, str)}
    return novelai_claim(carrier, {**around, **inner}, check)


def _is_novelai(fields: Mapping[str, str], comment: str) -> bool:
    """By its Software or Title, or by keys in the Comment that nobody else writes."""
    if fields.get("Software") == "NovelAI" or fields.get("Title") in _TITLES or f'"{FIELD}"' in comment:
        return True
    try:
        found = parse_object(comment)
    except ValueError:
        return False
    return any(key in found for key in _OWN_KEYS) or {"uc", "steps", "sampler"} <= found.keys()


def _model(checked: Checked, source: str) -> str | None:
    """
    V5 writes the name into the signed text; before, it is looked up, in a text that was never signed.

    So beside a valid signature stands nothing that NovelAI would not have written there.
    """
    source = source.strip()
    if signed := name_of((checked.fields or {}).get("model_name")):
        return signed
    if known := MODELS.get(source.rpartition(" ")[2]):
        return known
    return None if checked.signature is Signature.VALID and not _SOURCE.fullmatch(source) else name_of(source)


def _described(checked: Checked, fields: Mapping[str, str]) -> str | None:
    """V1 wrote its prompt nowhere but in the Description, which no signature ever covered."""
    if checked.signature is Signature.VALID or "req_type" in (checked.fields or {}):
        return None
    return prompt_of(fields.get("Description", "").lstrip("\0"))


def _prompt(believed: Mapping[str, Any]) -> str | None:
    return prompt_of(believed.get("prompt")) or prompt_of(_caption(believed, "v4_prompt"))


def _block(believed: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    block = believed.get(name)
    caption = block.get("caption") if isinstance(block, dict) else None
    return caption if isinstance(caption, dict) else {}


def _caption(believed: Mapping[str, Any], name: str) -> object:
    return _block(believed, name).get("base_caption")


def _characters(believed: Mapping[str, Any]) -> tuple[Character, ...]:
    wanted = _captions(believed, "v4_prompt")
    unwanted = _captions(believed, "v4_negative_prompt")
    is_placed = _is_placed(believed)
    return tuple(
        _character(caption, unwanted[n] if n < len(unwanted) else None, is_placed=is_placed)
        for n, caption in enumerate(wanted[:CHARACTERS_MAX])
    )


def _captions(believed: Mapping[str, Any], name: str) -> list[Any]:
    captions = _block(believed, name).get("char_captions")
    return captions if isinstance(captions, list) else []


def _is_placed(believed: Mapping[str, Any]) -> bool:
    """Whether the positions were used: the model may have been left to choose, and the fields hold something anyway."""
    block = believed.get("v4_prompt")
    return isinstance(block, dict) and block.get("use_coords") is not False


def _character(caption: object, unwanted: object, *, is_placed: bool) -> Character:
    fields = caption if isinstance(caption, dict) else {}
    against = unwanted if isinstance(unwanted, dict) else {}
    x, y = _center(fields.get("centers")) if is_placed else (None, None)
    return Character(
        prompt=prompt_of(fields.get("char_caption")) or "",
        undesired_content=prompt_of(against.get("char_caption")) or "",
        x=x,
        y=y,
    )


def _center(centers: object) -> tuple[float | None, float | None]:
    first = centers[0] if isinstance(centers, list) and centers else None
    if not isinstance(first, dict):
        return None, None
    x, y = first.get("x"), first.get("y")
    if not isinstance(x, int | float) or not isinstance(y, int | float):
        return None, None
    return (float(x), float(y)) if 0 <= x <= 1 and 0 <= y <= 1 else (None, None)


def _settings(believed: Mapping[str, Any]) -> dict[str, Scalar]:
    """The fields in the service's own words: texts, numbers, and lists of numbers (of vibes and references) as text."""
    found: dict[str, Scalar] = {}
    for name, value in believed.items():
        if name in ("prompt", "uc") or isinstance(value, dict) or len(found) >= SETTINGS_MAX:
            continue
        if not isinstance(value, list):
            found[clean(name[:VALUE_MAX])] = value_of(value)
        elif value and len(value) <= CHARACTERS_MAX and all(_is_number(each) for each in value):
            found[clean(name[:VALUE_MAX])] = json.dumps(value)
    if (drawn := _drawn(believed)) is not None:
        found["actual_prompts"] = value_of(drawn)
    return found


def _drawn(believed: Mapping[str, Any]) -> str | None:
    """What V5's randomiser made of ``{a|b}`` in the prompt (metadata.md 1.3; not measured on a real file)."""
    actual = believed.get("actual_prompts")
    side = actual.get("prompt") if isinstance(actual, dict) else None
    caption = side.get("base_caption") if isinstance(side, dict) else None
    return caption if isinstance(caption, str) and caption != believed.get("prompt") else None


def _is_number(value: object) -> bool:
    return math.isfinite(value) if isinstance(value, float) else isinstance(value, int) and abs(value) < INTEGER_MAX
