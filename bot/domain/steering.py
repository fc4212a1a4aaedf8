"""
Safe steering: which tags ask for what is kept out, and whether an undesired content takes its weight away.

NovelAI has no safety switch, only text (nai-api.md 5.3). In places that keep pictures safe the undesired content
therefore begins with ``nsfw, `` (`bot.domain.prompt`), and nothing else in the request may undo that.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bot.domain.words import fold

STEER = "nsfw, "
"""What the undesired content begins with in places that keep pictures safe."""

_ASKING = frozenset(
    {("nsfw",), ("explicit",), ("rating", "explicit"), ("rating", "questionable"), ("rating", "sensitive")}
)
_NUMBER = r"(?:\d++(?:\.\d*+)?+|\.\d*+)"
_WEIGHT = re.compile(rf"-?{_NUMBER}?+::")
_PIECE = re.compile(
    rf"(?P<weight>{_WEIGHT.pattern})|(?P<end>[,|\n;，、]|\.\s)|{_NUMBER}|[{{}}\[\]]|[^-\d.:,|\n;，、{{}}\[\]]++|.",
    re.DOTALL,
)
SEGMENT_WEIGHT = re.compile(r":(-?(?:\d++(?:\.\d++)?+|\.\d++))\s*+$")
"""The weight at the end of a segment of a mixed text (V3)."""
_BRACKET = {"{": 1.05, "[": 1 / 1.05, "}": 1 / 1.05, "]": 1.05}
_EPSILON = 1e-6


@dataclass(frozen=True, slots=True)
class _Tag:
    text: str
    weight: float


def asking_tag(prompt: str) -> str | None:
    """The tag with which *prompt* asks for what is kept out, however it is disguised; None where none does."""
    return next((_bare(tag.text) for tag in _tags(prompt) if _asks(tag.text)), None)


def weakening_tag(undesired_content: str) -> str | None:
    """The tag whose weight *undesired_content* takes away (``[nsfw]``, ``-1::nsfw::``), or None."""
    for tag in _tags(undesired_content):
        if _asks(tag.text) and tag.weight < 1 - _EPSILON:
            return _bare(tag.text)
    first, bar, _ = undesired_content.partition("|")
    # A segment of a mixed text has one weight (V3), and the first one is ours too.
    if bar and (weight := SEGMENT_WEIGHT.search(first)) and float(weight[1]) < 1:
        return STEER.rstrip(", ")
    return None


def _asks(tag: str) -> bool:
    words = fold(tag)
    while words and words[-1].isdecimal():
        words = words[:-1]
    return words in _ASKING


def _bare(tag: str) -> str:
    return _WEIGHT.sub("", tag).strip("{}[]() \t")[:40].strip()


def _tags(text: str) -> Iterator[_Tag]:
    """The tags of *text*, each with the least weight that any part of it has."""
    factor, brackets = 1.0, 1.0
    words, weight = "", float("inf")
    for match in _PIECE.finditer(text):
        piece = match[0]
        if match["weight"]:
            # A bare "::" ends the weight (nai-api.md 5.1). Brackets count on: V3 does not let it close them.
            factor = _number(piece.removesuffix("::"))
        elif match["end"]:
            yield _Tag(words, weight)
            words, weight = "", float("inf")
        else:
            brackets *= _BRACKET.get(piece, 1.0)
            if piece not in _BRACKET and not piece.isspace():
                weight = min(weight, factor * brackets)
            words += piece
    yield _Tag(words, weight)


def _number(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0 if text == "-" else 1.0
