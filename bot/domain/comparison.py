"""What two images say of themselves, side by side: the settings that differ, and prompts tag by tag."""

import math
import re
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from types import MappingProxyType
from typing import Any

from bot.domain.claims import Character, Claim, Inspection, Scalar, shown_claim
from bot.domain.emphasis import WeightedTag, weighted_tags

_ALIASES: Mapping[str, str] = MappingProxyType({"cfg": "scale", "cfg scale": "scale", "cfg_scale": "scale"})
"""What NovelAI calls otherwise; names are compared in lower case."""
_OF_THE_FILE = ("size", "generator", "model")
_DECIMAL = re.compile(r"-?\d{1,20}(?:\.\d{1,20})?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingDifference:
    """A setting that is not the same; None where an image does not have it."""

    name: str
    old: Scalar
    new: Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A tag that both have, with other weights."""

    text: str = field(repr=False)
    old: float
    new: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDifference:
    """
    How one prompt differs from another.

    *missing* and *added* are tags that only the first and only the second has. *is_reordered*: those that both have
    stand in another order. *is_rewritten*: the texts differ, and nothing of the rest says how. *is_long*: they differ,
    and are too long to say in what.
    """

    missing: tuple[WeightedTag, ...] = ()
    added: tuple[WeightedTag, ...] = ()
    shifted: tuple[Shift, ...] = ()
    is_reordered: bool = False
    is_rewritten: bool = False
    is_long: bool = False

    def __bool__(self) -> bool:
        tags = self.missing or self.added or self.shifted
        return bool(tags or self.is_reordered or self.is_rewritten or self.is_long)


SAME_TEXT = TextDifference()
COMPARED_MAX = 60_000
"""Characters of two images' texts together that are taken apart: a quarter of a second at worst."""
_NOBODY = Character(prompt="")


@dataclass(frozen=True, slots=True, kw_only=True)
class CharacterDifference:
    """The *n*-th character (from 1) of both; *old* or *new* is None where only one image has so many."""

    n: int
    old: Character | None
    new: Character | None
    prompt: TextDifference
    undesired_content: TextDifference

    @property
    def is_moved(self) -> bool:
        """Whether both have it, in different places."""
        if self.old is None or self.new is None:
            return False
        return (self.old.x, self.old.y) != (self.new.x, self.new.y)

    def __bool__(self) -> bool:
        is_alone = self.old is None or self.new is None
        return is_alone or self.is_moved or bool(self.prompt or self.undesired_content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Everything that differs; *same* counts settings, texts and characters that do not."""

    settings: tuple[SettingDifference, ...]
    prompt: TextDifference
    undesired_content: TextDifference
    characters: tuple[CharacterDifference, ...]
    same: int

    @property
    def is_equal(self) -> bool:
        """Whether nothing differs."""
        return not (self.settings or self.prompt or self.undesired_content or self.characters)


def compare(first: Inspection, second: Inspection) -> Comparison:
    """
    The shown claims of two images, compared.

    False, empty and not set are the same. Of two generators only those settings are compared that both of them write:
    that one has no word for what the other says is no difference of the pictures.
    """
    one, other = shown_claim(first), shown_claim(second)
    settings = list(_settings(_named(first, one), _named(second, other), is_strict=_have_one_language(one, other)))
    pairs = list(zip(_texts(one), _texts(other), strict=True))
    reader = _Reader((_is_novelai(one), _is_novelai(other)))
    prompt, undesired = (reader.compare(*pair) for pair in pairs)
    characters = list(_characters(one, other, reader))
    equal = [each for each in settings if each.old == each.new]
    equal_texts = [text for text, other_text in pairs if text and text == other_text]
    return Comparison(
        settings=tuple(each for each in settings if each.old != each.new),
        prompt=prompt,
        undesired_content=undesired,
        characters=tuple(filter(None, characters)),
        same=len(equal) + len(equal_texts) + sum(not each for each in characters),
    )


# --- settings --------------------------------------------------------------------------------------------------------


def _named(inspection: Inspection, claim: Claim | None) -> dict[str, tuple[str, Scalar]]:
    """Settings by the name that is compared, each with its own name; what the file itself is comes first."""
    size = f"{inspection.width}×{inspection.height}"
    found: dict[str, Scalar] = {"size": size}
    if claim is not None:
        found |= {"generator": claim.generator, "model": claim.model}
        for name, value in claim.settings.items():
            if not _is_size(name, value, inspection):
                found.setdefault(name, value)
    folded: dict[str, tuple[str, Scalar]] = {}
    for name, value in found.items():
        if (plain := _value(value)) is not None:
            folded.setdefault(_folded(name), (name, plain))
    return folded


def _is_size(name: str, value: Scalar, inspection: Inspection) -> bool:
    """Whether a setting only repeats how large the image is."""
    match name.casefold():
        case "width":
            return value == inspection.width
        case "height":
            return value == inspection.height
        case "size":
            return str(value) == f"{inspection.width}x{inspection.height}"
    return False


def _folded(name: str) -> str:
    low = name.casefold()
    return _ALIASES.get(low, low)


def _value(value: Scalar) -> Scalar:
    """A value to compare; None where it is not set. Some generators write numbers as text."""
    if value is None or value is False or value == "":
        return None
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return float(value) if "." in value else int(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _have_one_language(first: Claim | None, second: Claim | None) -> bool:
    return first is None or second is None or first.generator == second.generator


def _settings(
    first: Mapping[str, tuple[str, Scalar]], second: Mapping[str, tuple[str, Scalar]], *, is_strict: bool
) -> Iterator[SettingDifference]:
    for key in dict.fromkeys([*first, *second]):
        if not is_strict and not (key in first and key in second) and key not in _OF_THE_FILE:
            continue
        name, old = first.get(key, ("", None))
        other, new = second.get(key, ("", None))
        yield SettingDifference(name=name or other, old=old, new=new)


# --- texts -----------------------------------------------------------------------------------------------------------


def compare_texts(first: str, second: str, *, is_novelai: tuple[bool, bool] = (True, True)) -> TextDifference:
    """How *second* differs from *first*; empty where they are the same to the letter."""
    if first == second:
        return SAME_TEXT
    old = weighted_tags(first, is_novelai=is_novelai[0])
    new = weighted_tags(second, is_novelai=is_novelai[1])
    missing, added, shifted = _paired(_only_in(old, new), _only_in(new, old))
    is_reordered = _shared(old, new) != _shared(new, old)
    found = TextDifference(missing=missing, added=added, shifted=shifted, is_reordered=is_reordered)
    return found or TextDifference(is_rewritten=True)


def _only_in(tags: Sequence[WeightedTag], others: Sequence[WeightedTag]) -> list[WeightedTag]:
    """The *tags* that *others* do not have with the same weight, each as often as it is too many."""
    left = Counter((each.key, each.weight) for each in others)
    return [each for each in tags if not _taken(left, (each.key, each.weight))]


def _shared(tags: Sequence[WeightedTag], others: Sequence[WeightedTag]) -> list[str]:
    """The keys that both have, whatever their weights, in the order of *tags*."""
    left = Counter(each.key for each in others)
    return [each.key for each in tags if _taken(left, each.key)]


def _taken(left: Counter[Any], key: object) -> bool:
    left[key] -= 1
    return left[key] >= 0


def _paired(
    old: Sequence[WeightedTag], new: Sequence[WeightedTag]
) -> tuple[tuple[WeightedTag, ...], tuple[WeightedTag, ...], tuple[Shift, ...]]:
    """Tags that are only in one and only in the other; of those with the same words one is the other, shifted."""
    waiting: dict[str, deque[WeightedTag]] = {}
    for each in old:
        waiting.setdefault(each.key, deque()).append(each)
    added, shifted = [], []
    for each in new:
        if before := waiting.get(each.key):
            shifted.append(Shift(text=each.text, old=before.popleft().weight, new=each.weight))
        else:
            added.append(each)
    kept = Counter(each.key for each in old) - Counter({key: len(each) for key, each in waiting.items()})
    return tuple(each for each in old if not _taken(kept, each.key)), tuple(added), tuple(shifted)


# --- claims ----------------------------------------------------------------------------------------------------------


def _texts(claim: Claim | None) -> tuple[str, str]:
    return ("", "") if claim is None else (claim.prompt or "", claim.undesired_content or "")


def _is_novelai(claim: Claim | None) -> bool:
    return claim is None or claim.generator == "NovelAI"


class _Reader:
    """Takes texts apart as long as there are not too many of them."""

    def __init__(self, is_novelai: tuple[bool, bool]) -> None:
        self._is_novelai = is_novelai
        self._left = COMPARED_MAX

    def compare(self, first: str, second: str) -> TextDifference:
        if first != second and len(first) + len(second) > self._left:
            return TextDifference(is_long=True)
        self._left -= len(first) + len(second) if first != second else 0
        return compare_texts(first, second, is_novelai=self._is_novelai)


def _characters(first: Claim | None, second: Claim | None, reader: _Reader) -> Iterator[CharacterDifference]:
    """Character by character in their order, as the model numbers them."""
    old = first.characters if first is not None else ()
    new = second.characters if second is not None else ()
    for n, (one, other) in enumerate(zip_longest(old, new), 1):
        left, right = one or _NOBODY, other or _NOBODY
        yield CharacterDifference(
            n=n,
            old=one,
            new=other,
            prompt=reader.compare(left.prompt, right.prompt),
            undesired_content=reader.compare(left.undesired_content, right.undesired_content),
        )
