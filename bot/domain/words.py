"""Reading through disguises: folds text to plain lower-case words, so that a rule on a word finds it."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from anyascii import anyascii

# Numbers that are no weights are matched too, so that a long one is walked through once and not from each digit.
_WEIGHT_OR_NUMBER = re.compile(r"(?P<weight>-?(?:\d++(?:\.\d*+)?+|\.\d*+)?+::)|\d++")
_EMPHASIS = str.maketrans("", "", "{}[]()\\|")
_SEPARATORS = re.compile(r"[^a-z0-9@$+]+")
_LETTERS_AND_DIGITS = re.compile(r"(?=.*[a-z])(?=.*[0-9@$+])")
_COUNT_TAG = re.compile(r"\d+[a-z]+")
_LEET = str.maketrans("013457@$+", "oieastast")
_SPELLED_OUT = re.compile(r"(?<![a-z])[a-z](?:[^a-z0-9,]{1,2}[a-z](?![a-z])){2,}")

_CONTROLS = {n: None for n in (*range(32), 127)}

HIDDEN = ("Cf", "Cc", "Mn", "Me", "Co", "Cn")
"""Unicode categories that a reader does not see, or that only strike through."""


@lru_cache(maxsize=256)
def fold(text: str) -> tuple[str, ...]:
    """
    The words of *text* in plain ASCII: emphasis, weights, accents, look-alikes and spelling with digits undone.

    ``1girl`` and its kin keep their digits; ``n4k3d`` does not. Words spelled letter by letter are joined. The last
    texts are remembered, because a prompt is asked about several times on its way.
    """
    if text.isascii():
        visible = text.translate(_CONTROLS)
    else:
        visible = "".join(c for c in unicodedata.normalize("NFKD", text) if unicodedata.category(c) not in HIDDEN)
    unweighted = _WEIGHT_OR_NUMBER.sub(lambda m: "" if m["weight"] else m[0], visible.translate(_EMPHASIS))
    plain = (unweighted if unweighted.isascii() else anyascii(unweighted)).casefold()
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
    by_first: dict[str, list[tuple[str, ...]]] = {}
    for phrase in phrases:
        by_first.setdefault(phrase[0], []).append(phrase)
    for start, word in enumerate(words):
        for phrase in sorted(by_first.get(word, ()), key=len):
            if words[start : start + len(phrase)] == phrase:
                return phrase
    return None
