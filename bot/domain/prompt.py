"""The text that is really sent: quality tags and undesired-content presets are words that the client adds."""

import math
import re
from dataclasses import dataclass, field, replace

from bot.domain.character import RANDOM_CHOICE_OR_BAR, Character, Position
from bot.domain.model import Capabilities, UcPreset
from bot.domain.presets import TRANSPARENT
from bot.domain.request import Generate, Prompt, Size
from bot.domain.steering import SEGMENT_WEIGHT, STEER

_COUNTED = re.compile(r"(?<!\w)1(?=(?:girl|boy)(?!\w))")
_TEXT_BLOCK = re.compile(r"(?<!\w)text:(?!:)", re.IGNORECASE)
_SLOTS = (0.5, 0.3, 0.7, 0.1, 0.9)
_MIDDLE = Position(x=0.5, y=0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class CharacterWording:
    """One character as it goes over the wire."""

    prompt: str = field(repr=False)
    undesired_content: str = field(repr=False)
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """
    Prompt and undesired content as they go over the wire, and each character's.

    *is_placed* says whether the characters' positions count; else the model chooses.
    """

    prompt: str = field(repr=False)
    undesired_content: str = field(repr=False)
    characters: tuple[CharacterWording, ...] = ()
    is_placed: bool = False


def worded(request: Generate) -> Wording:
    """
    The full texts of a request, built as the site builds them (nai-api.md 2.5 to 2.7, web bundle 2026-10).

    Where pictures are kept safe every undesired content begins with ``nsfw, `` in any case; the site leaves it out for
    the preset none, for Curated models, for prompts that name it, and for characters.
    """
    row, prompt = request.row, request.prompt
    placed = [each for each in prompt.characters if each.position is not None]
    is_placed = bool(placed) and len(prompt.characters) >= row.positions_from
    return Wording(
        prompt=_with_quality_tags(prompt, row),
        undesired_content=_steered(_undesired_content(prompt, row), is_safe=request.safe),
        characters=tuple(
            _character(each, row, _place(each, n) if is_placed else _MIDDLE, is_safe=request.safe)
            for n, each in enumerate(prompt.characters)
        ),
        is_placed=is_placed,
    )


def is_steered_by_us(request: Generate) -> bool:
    """
    Whether `worded` puts ``nsfw`` into the picture's undesired content where the site would have left it out.

    The member should know. What characters get beside it follows from that, and is not said each time.
    """
    usual = worded(replace(request, safe=False))
    return request.safe and worded(request).undesired_content != usual.undesired_content


def sent_preset(request: Generate) -> UcPreset:
    """The preset whose text is sent: where a mask goes to another model, that model's nearest one."""
    return request.row.nearest_preset(request.prompt.uc_preset)


def _steered(undesired_content: str, *, is_safe: bool) -> str:
    """Once, also where it is all there was: so reads what is taken over from a picture that was kept safe."""
    if not is_safe:
        return undesired_content
    own = undesired_content.removeprefix(STEER)
    return STEER if own.strip(", ") == STEER.strip(", ") else STEER + own


def _character(each: Character, row: Capabilities, position: Position, *, is_safe: bool) -> CharacterWording:
    """The site counts people in the base prompt, so the first ``1girl`` of a character loses its number."""
    own = each.undesired_content.strip() or row.character_uc
    return CharacterWording(
        prompt=_COUNTED.sub("", each.prompt.strip(), count=1),
        undesired_content=_steered(own, is_safe=is_safe) if row.undesired_content else "",
        position=position,
    )


def _place(each: Character, n: int) -> Position:
    """Its own place; else the slot that the site gives to the *n*-th character."""
    return each.position or Position(x=_SLOTS[n % len(_SLOTS)], y=0.5)


def _with_quality_tags(prompt: Prompt, row: Capabilities) -> str:
    text = prompt.text.strip()
    tags = _missing_tags(prompt, row, text)
    if not tags:
        return text
    if row.quality_first:
        return f"{tags}, {text}"
    first, rest = _first_segment(text, row)
    weight = SEGMENT_WEIGHT.search(first) if rest.startswith("|") else None
    end = len(first[: weight.start()].rstrip()) if weight else len(first)
    body, tail = first[:end].rstrip(" ,"), first[end:]
    if not body:
        return f"{tags}{tail}{rest}" if rest.startswith("|") else f"{tags}, {rest}"
    return f"{body}, {tags}{tail}{rest}"


def _missing_tags(prompt: Prompt, row: Capabilities, text: str) -> str:
    """What goes behind the first segment; what the whole text holds already is not said twice."""
    wanted = [TRANSPARENT] if prompt.transparent else []
    wanted += [row.quality_tags] if prompt.quality_tags else []
    return ", ".join(tags for tags in wanted if tags not in text)


def _first_segment(text: str, row: Capabilities) -> tuple[str, str]:
    """*text* cut at its first bar, or before what shall be written in the picture (V4 and later)."""
    bar = next((found for found in RANDOM_CHOICE_OR_BAR.finditer(text) if found[0] == "|"), None)
    end = bar.start() if bar else len(text)
    block = _TEXT_BLOCK.search(text, 0, end) if row.characters else None
    if block:
        end = len(text[: block.start()].rstrip(", \r\n"))
    return text[:end], text[end:]


def _undesired_content(prompt: Prompt, row: Capabilities) -> str:
    own = prompt.undesired_content.strip().strip(",").strip() if row.undesired_content else ""
    preset = row.uc_presets[row.nearest_preset(prompt.uc_preset)]
    if not preset:
        return own or row.uc_when_empty
    damper = STEER if row.damps_nsfw and "nsfw" not in prompt.text.casefold() else ""
    return f"{damper}{preset}, {own}" if own else f"{damper}{preset}"


def variety_sigma(base: float, size: Size) -> float:
    """Variety+'s ``skip_cfg_above_sigma`` for a size; exactly *base* at 832×1216 (nai-api.md 2.4)."""
    latents = (size.width // 8) * (size.height // 8)
    return base * math.sqrt(latents / (104 * 152))
