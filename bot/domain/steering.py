"""
Safe steering: which tags ask for what is kept out, and whether an undesired content takes its weight away.

NovelAI has no safety switch, only text (nai-api.md 5.3). In places that keep pictures safe the undesired content
therefore begins with ``nsfw, `` (`bot.domain.prompt`), and nothing else in the request may undo that.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from bot.domain.words import Words, fold, unleet

STEER = "nsfw, "
"""What the undesired content begins with in places that keep pictures safe."""

_ASKING = frozenset(
    {("nsfw",), ("explicit",), ("rating", "explicit"), ("rating", "questionable"), ("rating", "sensitive")}
)
_NUMBER = r"(?:\d++(?:\.\d*+)?+|\.\d*+)"
_BEGINNINGS = tuple("".join(words) for words in _ASKING)
_NO_LETTER = re.compile(r"[^a-z]")
_WEIGHT = re.compile(rf"-?{_NUMBER}?+::")
_PIECE = re.compile(
    rf"(?P<weight>{_WEIGHT.pattern})|(?P<end>[,|;/\r\n\u2028\u2029，、。；])|{_NUMBER}|[{{}}\[\]]|[^-\d.:,|;/\r\n\u2028\u2029，、。；{{}}\[\]]++|.",
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

    @property
    def weakens(self) -> bool:
        return self.weight < 1 - _EPSILON


@lru_cache(maxsize=256)
def asking_tag(prompt: str) -> str | None:
    """The tag with which *prompt* asks for what is kept out, however it is disguised; None where none does."""
    return next((_bare(tag.text) for tag in _tags(prompt) if _asks(tag.text)), None)


@lru_cache(maxsize=256)
def weakening_tag(undesired_content: str) -> str | None:
    """The tag whose weight *undesired_content* takes away (``[nsfw]``, ``-1::nsfw::``), or None."""
    return next((_bare(tag.text) for tag in _tags(undesired_content) if _asks(tag.text) and tag.weakens), None)


@lru_cache(maxsize=256)
def asked_by(undesired_content: str) -> str:
    """
    What *undesired_content* asks for, because keeping it out is turned around; "" where nothing is.

    A tag with a weight below zero (``-1::hat::``), and all of it where segments are mixed (``a|hat:-5``, V3).
    """
    if is_mixed(undesired_content):
        return undesired_content
    return ", ".join(tag.text for tag in _tags(undesired_content) if tag.weight < 0)


def is_mixed(undesired_content: str) -> bool:
    """Whether it mixes segments (``a|b:-5``): these weigh against each other, and the first begins with ours (V3)."""
    return "|" in undesired_content


def _asks(tag: str) -> bool:
    """Also one sentence of several; the whole as well, for what is spelled with dots."""
    return any(_may_ask(part) and _only_asks(_without_numbers(fold(part))) for part in {tag, *tag.split(".")})


def _only_asks(words: Words) -> bool:
    """Whether *words* are what asks for it and nothing else, however often it is said."""
    asks = bool(words)
    while words and asks:
        said = next((phrase for phrase in _ASKING if words[: len(phrase)] == phrase), ())
        asks, words = bool(said), words[len(said) :]
    return asks


def _may_ask(tag: str) -> bool:
    """Whether it is worth folding: most tags are plain and begin with other letters."""
    return not tag.isascii() or _NO_LETTER.sub("", unleet(tag.casefold())).startswith(_BEGINNINGS)


def _without_numbers(words: Words) -> Words:
    while words and words[-1].isdecimal():
        words = words[:-1]
    return words


def _bare(tag: str) -> str:
    return _WEIGHT.sub("", tag).strip("{}[]() \t")[:40].strip()


def _tags(text: str) -> Iterator[_Tag]:
    """
    The tags of *text*, each with the least weight that any part of it has.

    What stands between brackets or weights counts by itself (``a[nsfw``) and together with its neighbours (``ns{fw}``).
    """
    factor, brackets = 1.0, 1.0
    whole, part = _Open(), _Open()
    for match in _PIECE.finditer(text):
        piece = match[0]
        if match["end"]:
            yield from {whole.closed(), part.closed()}
        elif match["weight"]:
            # A bare "::" ends the weight (nai-api.md 5.1). Brackets count on: V3 does not let it close them.
            yield part.closed()
            factor = _number(piece.removesuffix("::"))
        elif piece in _BRACKET:
            yield part.closed()
            brackets *= _BRACKET[piece]
        else:
            whole.add(piece, factor * brackets)
            part.add(piece, factor * brackets)
    yield from {whole.closed(), part.closed()}


class _Open:
    """A tag that is being read."""

    def __init__(self) -> None:
        self._text, self._weight = "", math.inf

    def add(self, piece: str, weight: float) -> None:
        self._text += piece
        if not piece.isspace():
            self._weight = min(self._weight, weight)

    def closed(self) -> _Tag:
        """What was read; from here on another tag is."""
        tag = _Tag(self._text, self._weight)
        self._text, self._weight = "", math.inf
        return tag


def _number(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0 if text == "-" else 1.0
