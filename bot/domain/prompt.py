"""The text that is really sent: quality tags and undesired-content presets are words that the client adds."""

import math
import re
from dataclasses import dataclass, field, replace

from bot.domain.model import CAPABILITIES, Capabilities
from bot.domain.request import Generate, Prompt, Size
from bot.domain.steering import SEGMENT_WEIGHT, STEER

_RANDOM_CHOICE_OR_BAR = re.compile(r"\|\|.*?\|\||\|+", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """Prompt and undesired content as they go over the wire."""

    prompt: str = field(repr=False)
    undesired_content: str = field(repr=False)


def worded(request: Generate) -> Wording:
    """
    The full texts of a request, built as the site builds them (nai-api.md 2.5 and 2.6, web bundle 2026-10).

    Where pictures are kept safe the undesired content begins with ``nsfw, `` in any case; the site leaves it out for
    the preset none, for Curated models, and for prompts that name it.
    """
    row = CAPABILITIES[request.sampling.model]
    undesired_content = _undesired_content(request.prompt, row)
    if request.safe:
        undesired_content = STEER + undesired_content.removeprefix(STEER)
    return Wording(prompt=_with_quality_tags(request.prompt, row), undesired_content=undesired_content)


def is_steered_by_us(request: Generate) -> bool:
    """Whether `worded` puts ``nsfw`` in where the site would have left it out: the member should know."""
    return request.safe and worded(request) != worded(replace(request, safe=False))


def _with_quality_tags(prompt: Prompt, row: Capabilities) -> str:
    text = prompt.text.strip()
    if not prompt.quality_tags or row.quality_tags in text:
        return text
    bar = next((found for found in _RANDOM_CHOICE_OR_BAR.finditer(text) if found[0] == "|"), None)
    first, rest = (text[: bar.start()], text[bar.start() :]) if bar else (text, "")
    weight = SEGMENT_WEIGHT.search(first) if bar else None
    end = len(first[: weight.start()].rstrip()) if weight else len(first)
    body, tail = first[:end], first[end:]
    return f"{body.rstrip(' ,')}, {row.quality_tags}{tail}{rest}"


def _undesired_content(prompt: Prompt, row: Capabilities) -> str:
    own = prompt.undesired_content.strip().strip(",").strip()
    preset = row.uc_presets[prompt.uc_preset]
    if not preset:
        return own or row.uc_when_empty
    damper = "nsfw, " if row.damps_nsfw and "nsfw" not in prompt.text.casefold() else ""
    return f"{damper}{preset}, {own}" if own else f"{damper}{preset}"


def variety_sigma(base: float, size: Size) -> float:
    """Variety+'s ``skip_cfg_above_sigma`` for a size; exactly *base* at 832×1216 (nai-api.md 2.4)."""
    latents = (size.width // 8) * (size.height // 8)
    return base * math.sqrt(latents / (104 * 152))
