"""Reading through disguises: folds text to plain lower-case words, so that a rule on a word finds it."""

import re
import unicodedata
from collections.abc import Iterable

from anyascii import anyascii

_WEIGHT = re.compile(r"-?\d*\.?\d*::")
_EMPHASIS = str.maketrans("", "", "{}[]()\\|")
_SEPARATORS = re.compile(r"[^a-z0-9@$+]+")
_LETTERS_AND_DIGITS = re.compile(r"(?=.*[a-z])(?=.*[0-9@$+])")
_COUNT_TAG = re.compile(r"\d+[a-z]+")
_LEET = str.maketrans("013457@$+", "oieastast")
_SPELLED_OUT = re.compile(r"(?<![a-z])[a-z](?:[^a-z0-9,]{1,2}[a-z](?![a-z])){2,}")

HIDDEN = ("Cf", "Cc", "Mn", "Me", "Co", "Cn")
"""Unicode categories that a reader does not see, or that only strike through."""


def fold(text: str) -> tuple[str, ...]:
    """
    The words of *text* in plain ASCII: emphasis, weights, accents, look-alikes and spelling with digits undone.

    ``1girl`` and its kin keep their digits; ``n4k3d`` does not. Words spelled letter by letter are joined.
    """
    visible = "".join(c for c in unicodedata.normalize("NFKD", text) if unicodedata.category(c) not in HIDDEN)
    plain = anyascii(_WEIGHT.sub("", visible.translate(_EMPHASIS))).casefold()
    joined = _SPELLED_OUT.sub(lambda match: re.sub(r"[^a-z]", "", match[0]), plain)
    return tuple(_unleet(word) for word in _SEPARATORS.split(joined) if word)


def _unleet(word: str) -> str:
    if _COUNT_TAG.fullmatch(word) or not _LETTERS_AND_DIGITS.match(word):
        return word
    return word.translate(_LEET)


def is_open_in(word: str, text: str) -> bool:
    """Whether *word* stands in *text* as it is, so that repeating it tells nobody anything."""
    return bool(re.search(rf"(?<!\w){re.escape(word.casefold())}(?!\w)", text.casefold()))


def find_phrase(words: tuple[str, ...], phrases: Iterable[tuple[str, ...]]) -> tuple[str, ...] | None:
    """The first of *phrases* (each a tuple of folded words) that stands in *words*, word for word; else None."""
    wanted = frozenset(phrases)
    longest = max(map(len, wanted), default=0)
    for start in range(len(words)):
        for length in range(1, longest + 1):
            if (gram := words[start : start + length]) in wanted and len(gram) == length:
                return gram
    return None
