"""The card that says what an image says of itself: verdict first, then settings, never more than was signed."""

import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import discord
import msgspec
from discord import ui

from bot import wording
from bot.domain.claims import (
    Carrier,
    Character,
    Claim,
    Inspection,
    Note,
    Scalar,
    Signature,
    Verdict,
    headline,
    model_of,
    shown_claim,
    to_json,
)
from bot.domain.errors import Refused
from cogs.ui.controls import Control, button
from cogs.ui.images import IMAGES_MAX

METADATA = "metadata.json"
METADATA_BYTES = 256 * 1024
"""What the buttons read back."""
CARD_MAX = 3_000
"""Characters of all texts about images together; Discord takes 4,000 on a card."""
CARD_BYTES = 9_000
"""Their bytes; Discord answers 500 from about 10,170 on (discord.md 4)."""
PROMPT_MAX = 900
UNDESIRED_MAX = 500
CHARACTER_MAX = 250
CHARACTERS_MAX = 4
SETTINGS_MAX = 14
VALUE_MAX = 60
SHARES = (1.0, 0.6, 0.35, 0.2, 0.1, 0.05)
"""How much of each text is shown, where more is too much."""
KEPT = 2
"""Texts that stay in any case: heading and verdict."""

ACCENTS = {
    Verdict.SIGNED: 0x2E8B57,
    Verdict.ALTERED: 0xC77D0A,
    Verdict.UNCHECKED: 0x708090,
    Verdict.UNSIGNED: 0x708090,
    Verdict.NONE: 0x708090,
}
UNREADABLE = 0x708090


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """
    One image of a card: what was found in it, or the *error* (code and sentence) that says why nothing could be read.

    *url* is where it can be fetched again while Discord keeps it.
    """

    name: str
    inspection: Inspection | None = field(default=None, repr=False)
    error: tuple[str, str] | None = None
    url: str | None = field(default=None, repr=False)

    @property
    def claim(self) -> Claim | None:
        """The one whose settings are shown."""
        return shown_claim(self.inspection) if self.inspection is not None else None

    @property
    def is_recovered(self) -> bool:
        """Whether its text was stripped, and could be written back."""
        return self.inspection is not None and Note.RECOVERED in self.inspection.notes and self.url is not None


def card_of(inspection: Inspection, name: str, *, shared: bool = False) -> ui.LayoutView:
    """The card of one image; its texts together stay within Discord's 4,000 characters."""
    return cards_of([Look(name=name, inspection=inspection)], shared=shared)


def cards_of(looks: Sequence[Look], *, shared: bool = False) -> ui.LayoutView:
    """The one card of one to four images; nothing on a *shared* one is to be pressed by others."""
    card = ui.LayoutView(timeout=None)
    for n, (look, texts) in enumerate(zip(looks, _fitted(looks), strict=True), 1):
        card.add_item(_box(look, texts, alone=len(looks) == 1))
        if not shared and (controls := list(_controls(look, n, alone=len(looks) == 1))):
            card.add_item(ui.ActionRow(*controls))
    if len(looks) > 1:
        if any(look.inspection is not None and _is_stripped(look.inspection) for look in looks):
            card.add_item(ui.TextDisplay(wording.INSPECT_SITES))
        card.add_item(_file())
        if not shared and any(_has_prompt(look) for look in looks):
            card.add_item(ui.ActionRow(button("look", 0, "share", wording.BUTTON_SHARE, emoji="👁️")))
    return card


def _box(look: Look, texts: Sequence[str], *, alone: bool) -> ui.Container[ui.LayoutView]:
    """One image; one of several stands in a single text, so that a card of four has few enough parts."""
    colour = ACCENTS[look.inspection.verdict] if look.inspection is not None else UNREADABLE
    box: ui.Container[ui.LayoutView] = ui.Container(accent_colour=colour)
    for text in texts if alone else ["\n".join(texts)]:
        box.add_item(ui.TextDisplay(text))
    return box.add_item(_file()) if alone else box


def _is_stripped(inspection: Inspection) -> bool:
    """Whether it may help to know who takes what away."""
    return inspection.verdict is Verdict.NONE or Note.RECOVERED in inspection.notes


def _file() -> ui.File[ui.LayoutView]:
    return ui.File(f"attachment://{METADATA}")


def _has_prompt(look: Look) -> bool:
    return look.claim is not None and bool(look.claim.prompt)


def _controls(look: Look, n: int, *, alone: bool) -> Iterator[Control]:
    if _has_prompt(look):
        yield button("look", n, "use", wording.BUTTON_USE, emoji="♻️")
        yield button("look", n, "copy", wording.BUTTON_COPY_PROMPT, emoji="📋")
        if alone:
            yield button("look", n, "share", wording.BUTTON_SHARE, emoji="👁️")
    if look.is_recovered:
        yield button("look", n, "restore", wording.BUTTON_RESTORED, emoji="⬇️")


def texts_of(inspection: Inspection, name: str) -> list[str]:
    """What stands on the card of one image."""
    return _fitted([Look(name=name, inspection=inspection)])[0]


def _fitted(looks: Sequence[Look]) -> list[list[str]]:
    """
    The texts of each image; where that is too much together, all are cut harder.

    Where the escapes of hostile texts are too much even then, the longest go: the verdicts stay.
    """
    for share in SHARES:
        if share != SHARES[-1] and sum(_least(look, share) for look in looks) > CARD_MAX:
            continue
        every = [_texts_of(look, n, len(looks), share) for n, look in enumerate(looks, 1)]
        if _fits([text for texts in every for text in texts], 1):
            return every
    for texts in every:
        while not _fits(texts, len(looks)) and len(texts) > KEPT:
            texts.remove(max(texts[KEPT:], key=len))
    return every


def _least(look: Look, share: float) -> int:
    """Fewer characters than its texts will have: what cannot fit is not written out to learn that."""
    claim = look.claim
    if claim is None:
        return 0
    texts = [(claim.prompt, PROMPT_MAX), (claim.undesired_content, UNDESIRED_MAX)]
    for each in claim.characters[: max(1, int(CHARACTERS_MAX * share))]:
        texts += [(each.prompt, CHARACTER_MAX), (each.undesired_content, CHARACTER_MAX)]
    # Cutting at a comma takes up to a fifth, and what is unseen is taken out.
    return sum(min(len(text or ""), int(limit * share)) for text, limit in texts) // 2


def _fits(texts: Sequence[str], sharers: int) -> bool:
    text = "\n".join(texts)
    return len(text) <= CARD_MAX // sharers and len(text.encode(errors="replace")) <= CARD_BYTES // sharers


def _texts_of(look: Look, n: int, count: int, share: float) -> list[str]:
    """A heading for one of several; then verdict or error, and the rest."""
    heads = count == 1
    heading = wording.say("inspect.heading", n=n, count=count, name=wording.inline(look.name, VALUE_MAX))
    first = [] if heads else [heading]
    if look.inspection is None:
        return [*first, f"**{wording.VERDICT_ERROR}**\n{wording.plain(look.error[1][:300]) if look.error else ''}"]
    return [*first, *(text for text in _texts(look.inspection, look.name, share, heads=heads) if text)]


def metadata_of(inspection: Inspection, name: str) -> discord.File:
    """The card's own memory: nothing else is kept of a stranger's image."""
    return memory_of([Look(name=name, inspection=inspection)])


def memory_of(looks: Sequence[Look]) -> discord.File:
    """The memory of a card of several images."""
    return discord.File(io.BytesIO(memory_bytes(looks)), filename=METADATA)


def metadata_bytes(inspection: Inspection, name: str) -> bytes:
    """The memory of a card of one image."""
    return memory_bytes([Look(name=name, inspection=inspection)])


def memory_bytes(looks: Sequence[Look]) -> bytes:
    """
    As much of an inspection as the buttons read back: all claims, or the shown one, or what is left of its texts.

    One image is an object as `naibot inspect --json` has it; several are a list called ``images``.
    """
    for keep in _KEEPING:
        kept = [replace(look, inspection=keep(look.inspection) if look.inspection else None) for look in looks]
        if sum(map(_length, kept)) > METADATA_BYTES:
            continue
        images = list(map(_memory, kept))
        memory: dict[str, object] = images[0] if len(images) == 1 else {"images": images}
        # Python's own indenting takes twenty times as long.
        body = json.dumps(memory, ensure_ascii=False).encode(errors="replace")
        if len(body := msgspec.json.format(body, indent=1)) <= METADATA_BYTES:
            return body
    raise AssertionError("the least of four images fits")


def _length(look: Look) -> int:
    """About how many characters there are: what is far too much is not written out to learn that."""
    claims = look.inspection.claims if look.inspection is not None else ()
    texts = [text for claim in claims for text in (claim.prompt or "", claim.undesired_content or "")]
    texts += [text for claim in claims for each in claim.characters for text in (each.prompt, each.undesired_content)]
    return sum(map(len, texts))


def _memory(look: Look) -> dict[str, object]:
    about: dict[str, object] = {"name": look.name[:100]}
    if look.url is not None:
        about["url"] = look.url[:2_000]
    if look.inspection is None:
        code, message = look.error or ("", "")
        return {**about, "error": {"code": code, "message": message}}
    return {**about, "size": look.inspection.size, **to_json(look.inspection)}


def _all_claims(inspection: Inspection) -> Inspection:
    return inspection


def _shown_claim(inspection: Inspection) -> Inspection:
    shown = shown_claim(inspection)
    return replace(inspection, claims=(shown,) if shown else ())


def _cut_claim(inspection: Inspection, limit: int) -> Inspection:
    """Texts of at most *limit* characters, an eighth of that for each character's."""
    shown = shown_claim(inspection)
    return replace(inspection, claims=(_shortened(shown, limit),) if shown else ())


def _shortened(claim: Claim, limit: int) -> Claim:
    def short(text: str | None) -> str | None:
        return None if text is None else text[:limit]

    characters = tuple(
        replace(each, prompt=each.prompt[: limit // 8], undesired_content=each.undesired_content[: limit // 8])
        for each in claim.characters
    )
    settings = {
        name[:limit]: value[:limit] if isinstance(value, str) else value
        for name, value in list(claim.settings.items())[:30]
    }
    return replace(
        claim,
        prompt=short(claim.prompt),
        undesired_content=short(claim.undesired_content),
        characters=characters,
        settings=settings,
        added=tuple(name[:limit] for name in claim.added[:30]),
    )


_KEEPING: tuple[Callable[[Inspection], Inspection], ...] = (
    _all_claims,
    _shown_claim,
    partial(_cut_claim, limit=4_000),
    partial(_cut_claim, limit=800),
    partial(_cut_claim, limit=80),
)


def remembered(metadata: object) -> tuple[Inspection, str]:
    """What a card of one image was made of. Raises `Refused` ``gone`` where it is not such a memory."""
    look = recalled(metadata)[0]
    if look.inspection is None:
        raise Refused("gone")
    return look.inspection, look.name


def recalled(metadata: object) -> tuple[Look, ...]:
    """What a card was made of, hostile as any file. Raises `Refused` ``gone`` where it is not such a memory."""
    try:
        images = msgspec.convert(metadata, _Memory).images or [metadata]
        return tuple(map(_recalled, images[:IMAGES_MAX]))
    except (msgspec.ValidationError, KeyError, TypeError) as error:
        raise Refused("gone") from error


class _Memory(msgspec.Struct):
    images: list[Any] = []


class _Image(msgspec.Struct):
    name: str
    url: str | None = None
    error: dict[str, str] | None = None


def _recalled(memory: object) -> Look:
    about = msgspec.convert(memory, _Image)
    if about.error is not None:
        error = about.error.get("code", ""), about.error.get("message", "")
        return Look(name=about.name, error=error, url=about.url)
    return Look(name=about.name, inspection=msgspec.convert(memory, Inspection), url=about.url)


def _texts(inspection: Inspection, name: str, share: float, *, heads: bool) -> Iterator[str]:
    claim = shown_claim(inspection)
    yield _verdict(inspection, claim, heads=heads)
    added, is_signed = (len(claim.added), claim.signature is Signature.VALID) if claim else (0, False)
    for note in inspection.notes:
        yield wording.inspection_note(note.value, added=added, is_signed=is_signed)
    if claim is not None:
        yield from _claim_texts(inspection, claim, share)
    if heads and _is_stripped(inspection):
        yield wording.INSPECT_SITES
    yield f"-# {_carriers(inspection)}" + (f" · {wording.inline(name, VALUE_MAX)}" if heads else "")


def _verdict(inspection: Inspection, claim: Claim | None, *, heads: bool) -> str:
    key = f"verdict.{headline(inspection)}"
    is_manifest = claim is not None and claim.carrier is Carrier.C2PA
    line = wording.VERDICT_CREDENTIALS_LINE if is_manifest else wording.say(f"{key}.line")
    verdict = wording.say(key, generator=_flat(claim.generator) if claim else "")
    return f"### {verdict}\n{line}" if heads else f"**{verdict}**\n{line}"


def _claim_texts(inspection: Inspection, claim: Claim, share: float) -> Iterator[str]:
    def fit(limit: int) -> int:
        return int(limit * share)

    yield _model_line(inspection, claim)
    if claim.prompt:
        yield wording.say("inspect.prompt", prompt=wording.block(claim.prompt, fit(PROMPT_MAX)))
    if claim.undesired_content:
        undesired = wording.block(claim.undesired_content, fit(UNDESIRED_MAX))
        yield wording.say("inspect.undesired", undesired_content=undesired)
    shown = max(1, fit(CHARACTERS_MAX))
    for n, character in enumerate(claim.characters[:shown], 1):
        yield _character(n, character, fit(CHARACTER_MAX))
    if more := len(claim.characters[shown:]):
        yield wording.counted("inspect.more_characters", more)
    yield _settings(claim, max(6, fit(SETTINGS_MAX)))
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
    parts = [f"**{_flat(model_of(claim) or claim.generator or '?')}**"]
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


def _settings(claim: Claim, most: int) -> str:
    """NovelAI's in its own order and words, another generator's as it wrote them."""
    if claim.generator == "NovelAI":
        found = ((name, claim.settings.get(name)) for name in NOVELAI_SETTINGS)
        parts = [_novelai_setting(name, value) for name, value in found if not _is_unset(value)][:most]
    else:
        shown = [(name, value) for name, value in claim.settings.items() if not _is_unset(value)]
        parts = [f"{_flat(name)} {_flat(_written(value))}" for name, value in shown[:most]]
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
