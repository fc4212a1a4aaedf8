"""
T5's unigram vocabulary, as NovelAI's site counts V4 and V4.5 prompts.

Braces and ``N::`` are taken out, nothing is lower-cased or normalized, every word gets U+2581 in front, every unknown
character is a token of its own (two where JavaScript needs two units for it), and the end is one more (dependencies.md
1, public fixtures; readers of the web bundle compared 1,520 prompts with the site, 2026-09).
"""

import lzma
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Self

from bot.adapters.tokenizers.reading import SPACE, Reading, Run, spans_of
from bot.domain.tokens import UNKNOWN_MAX

TABLE = "t5_unigram.tsv.xz"
WORD_START = "\u2581"
_SPACES = re.compile(f"[{SPACE}]+")
_BRACES = str.maketrans("", "", "{}[]")
_UNKNOWN = "<unk>"
_UNKNOWN_PENALTY = 10.0
"""SentencePiece's: so much less likely than the least likely piece."""


def without_weights(text: str) -> str:
    r"""What the site's ``-?\d*\.?\d*::`` leaves, in linear time: thousands of digits would take that for ever."""
    *weighted, rest = text.translate(_BRACES).split("::")
    return "".join(map(_without_number, weighted)) + rest


def _without_number(text: str) -> str:
    digits = "0123456789"
    text = text.rstrip(digits)
    if text.endswith("."):
        text = text[:-1].rstrip(digits)
    return text.removesuffix("-")


class T5:
    """The tokenizer; 4 MB once loaded. *scores* are the log probabilities of the pieces."""

    def __init__(self, scores: Mapping[str, float]) -> None:
        unknown = min(scores.values()) - _UNKNOWN_PENALTY
        self._scores = {**scores, _UNKNOWN: unknown}
        self._unknown = unknown
        self._longest = max(map(len, scores))

    @classmethod
    def load(cls) -> Self:
        """Read the shipped vocabulary; takes some hundredths of a second."""
        packed = files(__package__).joinpath(TABLE).read_bytes()
        rows = (line.split("\t") for line in lzma.decompress(packed).decode().splitlines())
        return cls({piece: float(score) for piece, score in rows})

    def read(self, text: str) -> Reading:
        """The tokens of *text* with the one that ends it, where its tags lie, and what T5 does not know."""
        if not text:
            return Reading(n=1)
        tags = text.split(",")
        cleaned = [without_weights(tag) for tag in tags]
        runs: list[Run] = []
        unknown: dict[str, None] = {}
        for start, word in _words(",".join(cleaned)):
            for run, piece in self._pieces(start, word):
                runs.append(run)
                if piece not in self._scores:
                    unknown[piece] = None
        n = sum(run.n for run in runs) + 1
        return Reading(n=n, spans=spans_of(tags, cleaned, runs), unknown=tuple(unknown)[:UNKNOWN_MAX])

    def _pieces(self, start: int, word: str) -> Iterator[tuple[Run, str]]:
        """The tokens of *word*; where the mark in front is one by itself, it stands for the first character."""
        marked = word if word.startswith(WORD_START) else WORD_START + word
        shift = start - (len(marked) - len(word))
        for begin, end in self._cuts(marked):
            piece = marked[begin:end]
            n = 1 if piece in self._scores else _units(piece)
            yield Run(max(begin + shift, start), max(end + shift, start + 1), n), piece

    def _cuts(self, word: str) -> list[tuple[int, int]]:
        """The likeliest way to cut *word* (Viterbi), in steps of word × longest piece."""
        best = [0.0] + [float("-inf")] * len(word)
        cut = [0] * (len(word) + 1)
        for begin in range(len(word)):
            for end, score in self._steps(word, begin):
                if best[begin] + score > best[end]:
                    best[end] = best[begin] + score
                    cut[end] = begin
        return _walked(cut)

    def _steps(self, word: str, begin: int) -> Iterator[tuple[int, float]]:
        """The pieces that begin at *begin*; a character that is none is unknown."""
        if word[begin] not in self._scores:
            yield begin + 1, self._unknown * _units(word[begin])
        for end in range(begin + 1, min(begin + self._longest, len(word)) + 1):
            score = self._scores.get(word[begin:end])
            if score is not None:
                yield end, score


def _units(character: str) -> int:
    """How many tokens an unknown character is: JavaScript walks over UTF-16."""
    return 2 if character > "\uffff" else 1


def _words(text: str) -> Iterator[tuple[int, str]]:
    """Words and where they begin; a blank at either end makes an empty one there, as in JavaScript's ``split``."""
    start = 0
    for gap in _SPACES.finditer(text):
        yield start, text[start : gap.start()]
        start = gap.end()
    yield start, text[start:]


def _walked(cut: list[int]) -> list[tuple[int, int]]:
    pieces = []
    end = len(cut) - 1
    while end > 0:
        pieces.append((cut[end], end))
        end = cut[end]
    return pieces[::-1]
