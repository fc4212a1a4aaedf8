"""InvokeAI: ``invokeai_metadata``, before it ``sd-metadata``, before it the command line in ``Dream``."""

from itertools import pairwise
from typing import Any

from bot.domain.claims import Scalar
from bot.imaging.generators.reading import Fields, Reading, name_of, object_of, prompt_of, settings_of, value_of

LINE_MAX = 20_000
_FLAGS = {"-s": "steps", "-S": "seed", "-W": "width", "-H": "height", "-C": "cfg_scale", "-A": "sampler"}


def read_invokeai(fields: Fields) -> Reading | None:
    """The newest of the three forms."""
    if found := fields.parsed("invokeai_metadata"):
        return _current(found)
    if found := fields.parsed("sd-metadata"):
        return _former(found)
    return _dream(fields.text("Dream")[:LINE_MAX]) if "Dream" in fields else None


def _current(found: dict[str, Any]) -> Reading:
    model = object_of(found.get("model")) or {}
    return Reading(
        generator="InvokeAI",
        model=name_of(model.get("name") or model.get("model_name") or found.get("model")),
        prompt=prompt_of(found.get("positive_prompt")),
        undesired_content=prompt_of(found.get("negative_prompt")),
        settings=settings_of(found, "positive_prompt", "negative_prompt", "model"),
    )


def _former(found: dict[str, Any]) -> Reading:
    image = object_of(found.get("image")) or {}
    prompt = image.get("prompt")
    if isinstance(prompt, list):
        first = prompt[0] if prompt else None
        prompt = first.get("prompt") if isinstance(first, dict) else None
    wanted, undesired = _bracketed(prompt if isinstance(prompt, str) else "")
    return Reading(
        generator="InvokeAI",
        model=name_of(found.get("model_weights") or found.get("model")),
        prompt=wanted,
        undesired_content=undesired,
        settings=settings_of(image, "prompt"),
    )


def _dream(line: str) -> Reading:
    """``"prompt [undesired]" -s 50 -S 123 …``"""
    quote = line.rfind('"')
    wanted, undesired = _bracketed(line[:quote].lstrip().removeprefix('"') if quote > 0 else line)
    words = line[quote + 1 :].split()
    settings: dict[str, Scalar] = {_FLAGS[flag]: _number(value) for flag, value in pairwise(words) if flag in _FLAGS}
    return Reading(generator="InvokeAI", prompt=wanted, undesired_content=undesired, settings=settings)


def _bracketed(text: str) -> tuple[str | None, str | None]:
    """What stands in the last square brackets is not wanted."""
    start, end = text.rfind("["), text.rfind("]")
    if 0 <= start < end:
        return prompt_of(text[:start] + text[end + 1 :]), prompt_of(text[start + 1 : end])
    return prompt_of(text), None


def _number(text: str) -> Scalar:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else value_of(text)
