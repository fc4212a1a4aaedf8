"""Reading through disguises: folds text to plain lower-case words, so that a rule on a word finds it."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

from anyascii import anyascii

Words = tuple[str, ...]
"""Folded words in their order."""

# Numbers that are no weights are matched too, so that a long one is walked through once and not from each digit.
WEIGHT_OR_NUMBER = re.compile(r"(?P<weight>-?(?:\d++(?:\.\d*+)?+|\.\d*+)?+::)|\d++")
EMPHASIS = "{}[]()\\|"
_WITHOUT_EMPHASIS = {between: str.maketrans(dict.fromkeys(EMPHASIS, between)) for between in ("", " ")}
_SEPARATORS = re.compile(r"[^a-z0-9@$+]+")
_LETTERS_AND_DIGITS = re.compile(r"(?=.*[a-z])(?=.*[0-9@$+])")
_COUNT_TAG = re.compile(r"\d+[a-z]+")
_LEET = str.maketrans("013457@$+", "oieastast")
_SPELLED_OUT = re.compile(r"(?<![a-z])[a-z](?:[^a-z0-9,]{1,2}[a-z](?![a-z])){2,}")
_BLANKS = re.compile(r"\s")
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003ffff]")
_MARKS = re.compile(r"[\W_]+")

HIDDEN = ("Cf", "Cc", "Mn", "Me", "Co", "Cn")
"""Unicode categories that a reader does not see, or that only strike through."""
WHOLE_SENTENCES = dict.fromkeys((0xFDFA, 0xFDFB), " ")
"""Single signs that Unicode takes apart into sentences; 4,000 of them would be 72,000 letters."""
CONTROLS = dict.fromkeys((*range(32), 127))


def fold(text: str) -> Words:
    """
    The words of *text* in plain ASCII: emphasis, weights, accents, look-alikes and spelling with digits undone.

    ``1girl`` and its kin keep their digits; ``n4k3d`` does not. Words spelled letter by letter are joined.
    """
    return _fold(_visible(text), "")


@lru_cache(maxsize=256)
def readings(text: str) -> tuple[Words, Words]:
    """
    *text* folded twice: with emphasis and weights taken out of words (``na{ked}``), and with them between words
    (``naked|hat``). What is in either is in the text.

    The last texts are remembered, because a prompt is asked about several times on its way.
    """
    plain = _visible(text)
    joined = _fold(plain, "")
    is_one = "::" not in plain and plain.translate(_WITHOUT_EMPHASIS[""]) == plain
    return joined, joined if is_one else _fold(plain, " ")


def _visible(text: str) -> str:
    spaced = _BLANKS.sub(" ", text)
    if spaced.isascii():
        return spaced.translate(CONTROLS)
    spaced = spaced.translate(WHOLE_SENTENCES)
    return "".join(c for c in unicodedata.normalize("NFKD", spaced) if unicodedata.category(c) not in HIDDEN)


def _fold(visible: str, between: str) -> Words:
    bare = visible.translate(_WITHOUT_EMPHASIS[between])
    unweighted = bare
    if "::" in bare:
        unweighted = WEIGHT_OR_NUMBER.sub(lambda match: between if match["weight"] else match[0], bare)
    plain = (unweighted if unweighted.isascii() else anyascii(unweighted)).casefold()
    joined = _SPELLED_OUT.sub(lambda match: re.sub(r"[^a-z]", "", match[0]), plain)
    return tuple(word if word.isalpha() else _plain_word(word) for word in _SEPARATORS.split(joined) if word)


def _plain_word(word: str) -> str:
    if _COUNT_TAG.fullmatch(word) or not _LETTERS_AND_DIGITS.match(word):
        return word
    return unleet(word)


def unleet(text: str) -> str:
    """Digits and signs as the letters that they stand for."""
    return text.translate(_LEET)


@lru_cache(maxsize=256)
def composed(text: str) -> str:
    """*text* for scripts without blanks: as it is written, but for width, case, emphasis and what cannot be seen."""
    plain = unicodedata.normalize("NFKC", text.translate(WHOLE_SENTENCES)).translate(_WITHOUT_EMPHASIS[""])
    return "".join(c for c in plain.casefold() if c.isascii() or unicodedata.category(c) not in HIDDEN)


def is_unspaced(text: str) -> bool:
    """Whether *text* is of a script whose words stand without blanks, so that it is looked for as it is written."""
    return _UNSPACED.search(text) is not None


def find_in(text: str, phrases: Iterable[Words]) -> Words | None:
    """The first of *phrases* (folded) that stands in *text* in either reading; else None."""
    phrases = tuple(phrases)
    return next((found for words in readings(text) if (found := find_phrase(words, phrases))), None)


def find_phrase(words: Words, phrases: Iterable[Words]) -> Words | None:
    """The first of *phrases* (each a tuple of folded words) that stands in *words*, word for word; else None."""
    return next(Phrases(phrases).found_in(words), None)


class Phrases:
    """Folded phrases, compiled once: a thousand cost no more than one."""

    def __init__(self, phrases: Iterable[Words]) -> None:
        by_first: dict[str, set[Words]] = {}
        for phrase in phrases:
            by_first.setdefault(phrase[0], set()).add(phrase)
        self._by_first = {word: sorted(found, key=len) for word, found in by_first.items()}

    def found_in(self, words: Words) -> Iterator[Words]:
        """The phrases that stand in *words*, word for word, in their order."""
        for start in range(len(words)):
            yield from self.standing_at(start, words)

    def standing_at(self, start: int, words: Words) -> Iterator[Words]:
        """The phrases that begin with the word at *start*, the shortest first."""
        for phrase in self._by_first.get(words[start], ()):
            if words[start : start + len(phrase)] == phrase:
                yield phrase


def is_open_in(word: str, text: str) -> bool:
    """Whether *word* stands in *text* as it is, blanks and marks apart, so that repeating it tells nobody anything."""
    plain, wanted = (f" {_MARKS.sub(' ', each.casefold()).strip()} " for each in (text, word))
    return wanted in plain
