"""A form about a picture: what it holds, what was typed into it, and the request that comes of both."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bot.domain.character import Character, parse_characters, written_characters
from bot.domain.errors import Mistake
from bot.domain.model import CAPABILITIES
from bot.domain.request import Generate, parse_size

_NUMBERS = re.compile(r"(\d{1,4})(?:\s*[/ ]\s*(\d{1,3}(?:[.,]\d{1,4})?))?", re.ASCII)
_SEED = re.compile(r"\d{1,12}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """
    *request* is what it began with. *left_out* says what an image had and the request has not, and how many of it.

    *typed* holds what somebody entered and could not be used, by field: ``prompt``, ``undesired``, ``size``,
    ``characters``, ``seed``, ``numbers`` (steps and Prompt Guidance).
    """

    request: Generate = field(repr=False)
    left_out: Mapping[str, int] = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def texts(self) -> dict[str, str]:
        """What each field holds when the form opens."""
        held = written(self.request)
        return {name: self.typed.get(name, text) for name, text in held.items()}


def typed_texts(typed: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the fields ask for and what they want kept out, also where they make no request."""
    lines = [part.partition("//") for line in typed.get("characters", "").splitlines() for part in line.split("|")]
    asked = (typed.get("prompt", ""), *(asked for asked, _, _ in lines))
    undesired = (typed.get("undesired", ""), *(undesired for _, _, undesired in lines))
    return tuple(filter(None, asked)), tuple(filter(None, undesired))


def written(request: Generate) -> dict[str, str]:
    """
    A request as the texts of a form's fields.

    Where characters are described one by one they have a field, a line each; else the size has one.
    """
    prompt, sampling, row = request.prompt, request.sampling, CAPABILITIES[request.sampling.model]
    lines = {"characters": "\n".join(" ".join(written_characters([each]).split()) for each in prompt.characters)}
    return {
        "prompt": prompt.text,
        **({"undesired": prompt.undesired_content} if row.undesired_content else {}),
        **(lines if row.characters else {"size": f"{request.size.width}x{request.size.height}"}),
        "seed": "" if sampling.seed is None else str(sampling.seed),
        "numbers": f"{sampling.steps} / {sampling.cfg_scale:g}",
    }


def filled(sheet: Sheet, typed: Mapping[str, str]) -> Generate:
    """
    The request with what was typed; a field that nobody touched says exactly what it said before.

    Raises `Mistake` with ``numbers.unknown``, ``seed.unknown`` and those of the values themselves.
    """
    held = written(sheet.request)
    changed = {name: text for name, text in typed.items() if name in held and _bare(text) != _bare(held[name])}
    request = sheet.request
    prompt, sampling, size = request.prompt, request.sampling, request.size
    if "prompt" in changed:
        prompt = replace(prompt, text=changed["prompt"])
    if "undesired" in changed:
        prompt = replace(prompt, undesired_content=changed["undesired"])
    if "characters" in changed:
        prompt = replace(prompt, characters=_characters(changed["characters"]))
    if "seed" in changed:
        sampling = replace(sampling, seed=_seed(changed["seed"]))
    if "numbers" in changed:
        steps, cfg_scale = _numbers(changed["numbers"])
        sampling = replace(sampling, steps=steps, cfg_scale=sampling.cfg_scale if cfg_scale is None else cfg_scale)
    if "size" in changed:
        size = parse_size(changed["size"])
    return replace(request, prompt=prompt, sampling=sampling, size=size)


def _bare(text: str) -> str:
    """Discord trims what is typed and has its own ends of lines."""
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def _characters(text: str) -> tuple[Character, ...]:
    """One a line, or with bars between them as in the command's option."""
    lines = [line for line in text.splitlines() if line.strip()]
    return tuple(each for line in lines for each in parse_characters(line))


def _seed(text: str) -> int | None:
    if not text.strip():
        return None
    if not _SEED.fullmatch(text.strip()):
        raise Mistake("seed.unknown")
    return int(text)


def _numbers(text: str) -> tuple[int, float | None]:
    found = _NUMBERS.fullmatch(text.strip())
    if found is None:
        raise Mistake("numbers.unknown")
    return int(found[1]), float(found[2].replace(",", ".")) if found[2] else None
