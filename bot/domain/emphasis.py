"""Prompts as lists of tags with their weights, in NovelAI's way of writing them and in the web UIs'."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

WEIGHT_MAX = 1_000_000.0
_DIGITS = 4
"""Decimals of a weight: brackets multiply, and ``{{a}}`` is 1.1025."""
_NUMBER = r"(?:\d++(?:\.\d*+)?+|\.\d++)"
_PIECE = re.compile(
    rf"(?P<weight>-?{_NUMBER}?+::)|(?P<end>[,|\n])|(?P<bracket>[{{}}\[\]])|[^-\d.:,|\n{{}}\[\]]++|{_NUMBER}|.",
    re.DOTALL,
)
_BRACKETS: Mapping[str, float] = MappingProxyType({"{": 1.05, "[": 1 / 1.05, "}": 1 / 1.05, "]": 1.05})
_ROUND = re.compile(
    rf"(?P<escaped>\\.)|(?P<close>:\s*+(?P<number>-?{_NUMBER})\s*+\))|(?P<end>[,\n])|[^\\:,\n()\[\]]++|.", re.DOTALL
)
_ROUND_BRACKETS: Mapping[str, float] = MappingProxyType({"(": 1.1, "[": 1 / 1.1})


@dataclass(frozen=True, slots=True)
class WeightedTag:
    """One tag without its marks of weight; *weight* is 1 where it has none."""

    text: str = field(repr=False)
    weight: float = 1.0

    @property
    def key(self) -> str:
        """What makes it the same tag however it is written."""
        return " ".join(self.text.replace("_", " ").casefold().split())


def weighted_tags(text: str, *, is_novelai: bool) -> tuple[WeightedTag, ...]:
    """
    The tags of a prompt in order, those without a letter or sign left out.

    NovelAI: ``{a}`` is 1.05, ``[a]`` 1/1.05, ``1.2::a, b::`` a number up to the next ``::`` (nai-api.md 5.1). Others:
    ``(a)`` is 1.1, ``[a]`` 1/1.1, ``(a:1.2)`` a number. A tag that is written in parts has its first part's weight.
    """
    parts = _novelai_parts(text) if is_novelai else _round_parts(text)
    return tuple(tag for tag in _tags(parts) if tag.text)


_Part = tuple[str, float] | None
"""A piece of a tag and its weight; None between two tags."""


def _tags(parts: Iterator[_Part]) -> Iterator[WeightedTag]:
    words: list[str] = []
    weight: float | None = None
    for part in parts:
        if part is None:
            yield _tag(words, weight)
            words, weight = [], None
            continue
        words.append(part[0])
        if weight is None and part[0].strip():
            weight = part[1]
    yield _tag(words, weight)


def _tag(words: list[str], weight: float | None) -> WeightedTag:
    return WeightedTag(" ".join("".join(words).split()), round(_bounded(1.0 if weight is None else weight), _DIGITS))


def _bounded(weight: float) -> float:
    return min(max(weight, -WEIGHT_MAX), WEIGHT_MAX)


def _novelai_parts(text: str) -> Iterator[_Part]:
    number, brackets = 1.0, 1.0
    for match in _PIECE.finditer(text):
        if match["end"]:
            yield None
        elif match["weight"]:
            number = _number(match[0].removesuffix("::"))
        elif match["bracket"]:
            brackets = min(max(brackets * _BRACKETS[match[0]], 1 / WEIGHT_MAX), WEIGHT_MAX)
        else:
            yield match[0], _bounded(number) * brackets


def _round_parts(text: str) -> Iterator[_Part]:
    """The number of ``(a, b:1.2)`` is known only at its end, so every bracket's weight is looked up first."""
    pieces = list(_ROUND.finditer(text))
    weights, factor = _round_weights(pieces), 1.0
    opened: list[float] = []
    for n, match in enumerate(pieces):
        if n in weights:
            opened.append(factor)
            factor = _bounded(factor * weights[n])
        elif opened and (match["close"] or match[0] in ")]"):
            factor = opened.pop()
        elif match["end"]:
            yield None
        else:
            yield match[0].removeprefix("\\") if match["escaped"] else match[0], factor


def _round_weights(pieces: list[re.Match[str]]) -> dict[int, float]:
    """Weights by the place of their opening bracket; what is never closed counts as closed at the end."""
    weights: dict[int, float] = {}
    opened: list[int] = []
    for n, match in enumerate(pieces):
        if match[0] in _ROUND_BRACKETS:
            weights[n] = _ROUND_BRACKETS[match[0]]
            opened.append(n)
        elif opened and (match["close"] or match[0] in (")", "]")):
            at = opened.pop()
            weights[at] = _bounded(float(match["number"])) if match["close"] else weights[at]
    return weights


def _number(text: str) -> float:
    """A bare ``::`` ends a weight."""
    try:
        return float(text) if text else 1.0
    except ValueError:
        return -1.0
