"""The card that says what an image says of itself: verdict first, then settings, never more than was signed."""

import io
import json
from typing import Any

import discord
import msgspec
from discord import ui

from bot import wording
from bot.domain.claims import Character, Claim, Inspection, Note, Signature, Signer, Verdict, shown_claim, to_json
from bot.domain.errors import Refused
from cogs.ui.controls import button

METADATA = "metadata.json"
PROMPT_MAX = 900
UNDESIRED_MAX = 500
CHARACTER_MAX = 250
CHARACTERS_MAX = 4
VALUE_MAX = 60

ACCENTS = {
    Verdict.SIGNED: 0x2E8B57,
    Verdict.ALTERED: 0xC77D0A,
    Verdict.UNCHECKED: 0x708090,
    Verdict.UNSIGNED: 0x708090,
    Verdict.NONE: 0x708090,
}
COLUMNS = "ABCDE"


def card_of(inspection: Inspection, name: str, *, shared: bool = False) -> ui.LayoutView:
    """The card of one image; its texts together stay within Discord's 4,000 characters."""
    claim = shown_claim(inspection)
    card = ui.LayoutView(timeout=None)
    box: ui.Container[ui.LayoutView] = ui.Container(accent_colour=ACCENTS[inspection.verdict])
    for text in _texts(inspection, claim, name):
        box.add_item(ui.TextDisplay(text))
    box.add_item(ui.File(f"attachment://{METADATA}"))
    card.add_item(box)
    if claim is not None and claim.prompt and not shared:
        copy = button("look", 0, "copy", wording.BUTTON_COPY_PROMPT, emoji="📋")
        card.add_item(ui.ActionRow(copy, button("look", 0, "share", wording.BUTTON_SHARE, emoji="👁️")))
    return card


def metadata_of(inspection: Inspection, name: str) -> discord.File:
    """The card's own memory: nothing else is kept of a stranger's image."""
    memory = {"name": name[:100], "size": inspection.size, **to_json(inspection)}
    text = json.dumps(memory, ensure_ascii=False, indent=1)
    return discord.File(io.BytesIO(text.encode(errors="replace")), filename=METADATA)


def remembered(metadata: object) -> tuple[Inspection, str]:
    """What a card was made of. Raises `Refused` ``gone`` where it is not such a memory."""
    try:
        inspection = msgspec.convert(metadata, Inspection)
        name = metadata["name"]  # type: ignore[index]
    except (msgspec.ValidationError, KeyError, TypeError) as error:
        raise Refused("gone") from error
    return inspection, str(name)


def _texts(inspection: Inspection, claim: Claim | None, name: str) -> list[str]:
    headline, line = _verdict(inspection, claim)
    texts = [f"### {headline}\n{line}"]
    texts += [_note(note, claim) for note in inspection.notes]
    if claim is not None:
        texts += _claim_texts(inspection, claim)
    texts.append(f"-# {_carriers(inspection)} · {wording.inline(name, VALUE_MAX)}")
    return texts


def _verdict(inspection: Inspection, claim: Claim | None) -> tuple[str, str]:
    key = f"verdict.{inspection.verdict.value}"
    data: dict[str, object] = {}
    if claim is not None and claim.signature is Signature.VALID and claim.signer is Signer.STANDIN:
        key = "verdict.signed_standin"
    elif inspection.verdict is Verdict.UNSIGNED and claim is not None and claim.generator != "NovelAI":
        key, data = "verdict.other", {"generator": wording.plain(wording.cut(claim.generator or "?", VALUE_MAX))}
    return wording.say(key, data), wording.say(f"{key}.line")


def _note(note: Note, claim: Claim | None) -> str:
    added = len(claim.added) if claim is not None else 0
    key = "note.fields_added_one" if note is Note.FIELDS_ADDED and added == 1 else f"note.{note.value}"
    return wording.say(key, n=added)


def _claim_texts(inspection: Inspection, claim: Claim) -> list[str]:
    texts = [_model_line(inspection, claim)]
    if claim.prompt:
        texts.append(wording.say("inspect.prompt", prompt=wording.block(claim.prompt, PROMPT_MAX)))
    if claim.undesired_content:
        undesired = wording.block(claim.undesired_content, UNDESIRED_MAX)
        texts.append(wording.say("inspect.undesired", undesired_content=undesired))
    for n, character in enumerate(claim.characters[:CHARACTERS_MAX], 1):
        prompt = wording.block(character.prompt, CHARACTER_MAX)
        texts.append(wording.say("inspect.character", n=n, place=_place(character), prompt=prompt))
    if settings := _settings(claim):
        texts.append(settings)
    return texts


def _model_line(inspection: Inspection, claim: Claim) -> str:
    parts = [f"**{wording.plain(wording.cut(claim.model or claim.generator or '?', VALUE_MAX))}**"]
    if claim.signature is Signature.VALID and "model_name" not in claim.settings:
        parts[0] += f" {wording.MODEL_NOT_SIGNED}"
    parts.append(f"{inspection.width}×{inspection.height}")
    return " · ".join(parts)


def _place(character: Character) -> str:
    if character.x is None or character.y is None:
        return ""
    column = COLUMNS[min(max(int(character.x * 5), 0), 4)]
    return f" at {column}{min(max(int(character.y * 5), 0), 4) + 1}"


SETTINGS = ("seed", "steps", "sampler", "noise_schedule", "scale", "cfg_rescale", "strength", "noise")


def _settings(claim: Claim) -> str:
    found: list[str] = []
    for name in SETTINGS:
        value: Any = claim.settings.get(name)
        if value is None or value is False:
            continue
        found.append(_setting(name, value))
    return " · ".join(found)


def _setting(name: str, value: Any) -> str:
    written = wording.number(value) if isinstance(value, float) else str(value)
    match name:
        case "steps":
            return f"{wording.plain(wording.cut(written, VALUE_MAX))} steps"
        case "sampler":
            return wording.SAMPLERS.get(written) or wording.plain(wording.cut(written, VALUE_MAX))
        case "noise_schedule":
            return wording.plain(wording.cut(written, VALUE_MAX))
        case _:
            label = {"scale": "Prompt Guidance", "cfg_rescale": "rescale"}.get(name, name)
            return f"{label} {wording.plain(wording.cut(written, VALUE_MAX))}"


def _carriers(inspection: Inspection) -> str:
    states = [
        f"{wording.CARRIERS[claim.carrier.value]}: {wording.SIGNATURES[claim.signature.value]}"
        for claim in inspection.claims
    ]
    return " · ".join([*states, f"{wording.megabytes(inspection.size)} {inspection.format}"])
