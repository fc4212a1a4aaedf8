"""The card that says what an image says of itself: verdict first, then settings, never more than was signed."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import discord
import msgspec
from discord import ui

from bot import wording
from bot.domain.claims import (
    Carrier,
    Character,
    Claim,
    Inspection,
    Scalar,
    Signature,
    Verdict,
    headline,
    shown_claim,
    to_json,
)
from bot.domain.errors import Refused
from cogs.ui.controls import button

METADATA = "metadata.json"
METADATA_BYTES = 256 * 1024
"""What the buttons read back."""
CARD_MAX = 3_900
"""Characters of all texts together; Discord takes 4,000."""
PROMPT_MAX = 900
UNDESIRED_MAX = 500
CHARACTER_MAX = 250
CHARACTERS_MAX = 4
SETTINGS_MAX = 14
VALUE_MAX = 60

ACCENTS = {
    Verdict.SIGNED: 0x2E8B57,
    Verdict.ALTERED: 0xC77D0A,
    Verdict.UNCHECKED: 0x708090,
    Verdict.UNSIGNED: 0x708090,
    Verdict.NONE: 0x708090,
}


def card_of(inspection: Inspection, name: str, *, shared: bool = False) -> ui.LayoutView:
    """The card of one image; its texts together stay within Discord's 4,000 characters."""
    claim = shown_claim(inspection)
    card = ui.LayoutView(timeout=None)
    box: ui.Container[ui.LayoutView] = ui.Container(accent_colour=ACCENTS[inspection.verdict])
    for text in texts_of(inspection, name):
        box.add_item(ui.TextDisplay(text))
    box.add_item(ui.File(f"attachment://{METADATA}"))
    card.add_item(box)
    if claim is not None and claim.prompt and not shared:
        copy = button("look", 0, "copy", wording.BUTTON_COPY_PROMPT, emoji="📋")
        card.add_item(ui.ActionRow(copy, button("look", 0, "share", wording.BUTTON_SHARE, emoji="👁️")))
    return card


def texts_of(inspection: Inspection, name: str) -> list[str]:
    """What stands on the card; where escaping made the texts too long, they are cut harder."""
    for share in (1.0, 0.6, 0.35, 0.15):
        texts = [text for text in _texts(inspection, name, share) if text]
        if sum(map(len, texts)) <= CARD_MAX:
            break
    return texts


def metadata_of(inspection: Inspection, name: str) -> discord.File:
    """The card's own memory: nothing else is kept of a stranger's image."""
    return discord.File(io.BytesIO(metadata_bytes(inspection, name)), filename=METADATA)


def metadata_bytes(inspection: Inspection, name: str) -> bytes:
    """As much of an inspection as the buttons read back: all claims, or the shown one, or what is left of its texts."""
    shown = shown_claim(inspection)
    only = replace(inspection, claims=(shown,) if shown else ())
    cut = replace(only, claims=(_shortened(shown),) if shown else ())
    for kept in (inspection, only, cut):
        memory = {"name": name[:100], "size": inspection.size, **to_json(kept)}
        body = json.dumps(memory, ensure_ascii=False, indent=1).encode(errors="replace")
        if len(body) <= METADATA_BYTES:
            break
    return body


def _shortened(claim: Claim) -> Claim:
    def short(text: str | None) -> str | None:
        return None if text is None else text[:4_000]

    characters = tuple(
        replace(each, prompt=each.prompt[:500], undesired_content=each.undesired_content[:500])
        for each in claim.characters
    )
    return replace(
        claim,
        prompt=short(claim.prompt),
        undesired_content=short(claim.undesired_content),
        characters=characters,
        settings=dict(list(claim.settings.items())[:30]),
        added=claim.added[:30],
    )


def remembered(metadata: object) -> tuple[Inspection, str]:
    """What a card was made of. Raises `Refused` ``gone`` where it is not such a memory."""
    try:
        inspection = msgspec.convert(metadata, Inspection)
        name = metadata["name"]  # type: ignore[index]
    except (msgspec.ValidationError, KeyError, TypeError) as error:
        raise Refused("gone") from error
    return inspection, str(name)


def _texts(inspection: Inspection, name: str, share: float) -> Iterator[str]:
    claim = shown_claim(inspection)
    yield _verdict(inspection, claim)
    added, is_signed = (len(claim.added), claim.signature is Signature.VALID) if claim else (0, False)
    for note in inspection.notes:
        yield wording.inspection_note(note.value, added=added, is_signed=is_signed)
    if claim is not None:
        yield from _claim_texts(inspection, claim, lambda limit: int(limit * share))
    yield f"-# {_carriers(inspection)} · {wording.inline(name, VALUE_MAX)}"


def _verdict(inspection: Inspection, claim: Claim | None) -> str:
    key = f"verdict.{headline(inspection)}"
    is_manifest = claim is not None and claim.carrier is Carrier.C2PA
    line = wording.VERDICT_CREDENTIALS_LINE if is_manifest else wording.say(f"{key}.line")
    return f"### {wording.say(key, generator=_flat(claim.generator) if claim else '')}\n{line}"


def _claim_texts(inspection: Inspection, claim: Claim, fit: Callable[[int], int]) -> Iterator[str]:
    yield _model_line(inspection, claim)
    if claim.prompt:
        yield wording.say("inspect.prompt", prompt=wording.block(claim.prompt, fit(PROMPT_MAX)))
    if claim.undesired_content:
        undesired = wording.block(claim.undesired_content, fit(UNDESIRED_MAX))
        yield wording.say("inspect.undesired", undesired_content=undesired)
    for n, character in enumerate(claim.characters[:CHARACTERS_MAX], 1):
        yield _character(n, character, fit(CHARACTER_MAX))
    if more := len(claim.characters[CHARACTERS_MAX:]):
        yield wording.counted("inspect.more_characters", more)
    yield _settings(claim)
    if _is_cut(claim, fit):
        yield wording.INSPECT_WHOLE


def _is_cut(claim: Claim, fit: Callable[[int], int]) -> bool:
    texts = [(claim.prompt, PROMPT_MAX), (claim.undesired_content, UNDESIRED_MAX)]
    texts += [(text, CHARACTER_MAX) for each in claim.characters for text in (each.prompt, each.undesired_content)]
    return any(len(text or "") > fit(limit) for text, limit in texts)


def _character(n: int, character: Character, limit: int) -> str:
    place = wording.place(character.x, character.y)
    text = wording.say("inspect.character", n=n, place=place, prompt=wording.block(character.prompt, limit))
    if not character.undesired_content:
        return text
    undesired = wording.block(character.undesired_content, limit)
    return text + "\n" + wording.say("inspect.character_undesired", n=n, undesired_content=undesired)


def _model_line(inspection: Inspection, claim: Claim) -> str:
    parts = [f"**{_flat(claim.model or claim.generator or '?')}**"]
    if claim.signature is Signature.VALID and "model_name" not in claim.settings:
        parts[0] += f" {wording.MODEL_NOT_SIGNED}"
    kind = claim.settings.get("request_type") or claim.settings.get("req_type")
    if isinstance(kind, str) and claim.generator == "NovelAI":
        parts.append(wording.KINDS.get(kind) or _flat(kind))
    parts.append(f"{inspection.width}×{inspection.height}")
    return " · ".join(parts)


NOVELAI_SETTINGS = (
    "seed", "steps", "sampler", "noise_schedule", "scale", "cfg_rescale", "strength", "noise", "sm", "sm_dyn",
    "dynamic_thresholding", "skip_cfg_above_sigma", "reference_strength_multiple", "director_reference_strengths",
)  # fmt: skip


def _settings(claim: Claim) -> str:
    """NovelAI's in its own order and words, another generator's as it wrote them."""
    if claim.generator == "NovelAI":
        found = ((name, claim.settings.get(name)) for name in NOVELAI_SETTINGS)
        parts = [_novelai_setting(name, value) for name, value in found if not _is_unset(value)]
    else:
        shown = [(name, value) for name, value in claim.settings.items() if not _is_unset(value)]
        parts = [f"{_flat(name)} {_flat(_written(value))}" for name, value in shown[:SETTINGS_MAX]]
    return " · ".join(parts)


def _is_unset(value: Scalar) -> bool:
    return value is None or value is False or value == ""


def _novelai_setting(name: str, value: Scalar) -> str:
    written = _written(value)
    match name:
        case "steps":
            return wording.say("setting.steps", value=_flat(written))
        case "sampler":
            return wording.SAMPLERS.get(written) or _flat(written)
        case "noise_schedule":
            return _flat(written)
        case "skip_cfg_above_sigma":
            return wording.SETTING_VARIETY
    label = wording.SETTING_WORDS.get(name, name)
    return label if value is True else f"{label} {_flat(written.strip('[]'))}"


def _written(value: Scalar) -> str:
    return wording.number(value) if isinstance(value, float) else str(value)


def _flat(text: str) -> str:
    """A file's text in a sentence."""
    return wording.plain(wording.cut(text, VALUE_MAX))


def _carriers(inspection: Inspection) -> str:
    states = [
        f"{wording.CARRIERS[claim.carrier.value]}: {wording.SIGNATURES[claim.signature.value]}"
        for claim in inspection.claims
    ]
    return " · ".join([*states, f"{wording.megabytes(inspection.size)} {inspection.format}"])
