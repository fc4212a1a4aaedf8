"""
CLIP's byte-pair encoding, as NovelAI's site counts V3 prompts.

HTML entities are undone twice and text is lower-cased; braces count as typed and there are no start and end tokens
(dependencies.md 1, public fixtures).
"""

import html
import lzma
from importlib.resources import files
from typing import Self

import regex

from bot.adapters.tokenizers.bpe import BytePairs, ranked
from bot.adapters.tokenizers.reading import SPACE, Reading, Run, spans_of

TABLE = "clip_merges.txt.xz"
_WORD = regex.compile(
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|" + rf"[^{SPACE}\p{{L}}\p{{N}}]+"
)
_SPECIAL = ("<|startoftext|>", "<|endoftext|>")


class Clip:
    """The tokenizer; about 10 MB once loaded."""

    def __init__(self, pairs: BytePairs) -> None:
        self._pairs = pairs

    @classmethod
    def load(cls) -> Self:
        """Read the shipped table of merges; takes some hundredths of a second."""
        packed = files(__package__).joinpath(TABLE).read_bytes()
        return cls(BytePairs(ranked(lzma.decompress(packed).decode().splitlines()[1:]), end="</w>"))

    def read(self, text: str) -> Reading:
        """The tokens of *text* and where its tags lie."""
        tags = text.split(",")
        cleaned = [html.unescape(html.unescape(tag)).lower() for tag in tags]
        runs = [Run(*word.span(), self._length(word[0])) for word in _WORD.finditer(",".join(cleaned))]
        return Reading(n=sum(run.n for run in runs), spans=spans_of(tags, cleaned, runs))

    def _length(self, word: str) -> int:
        return 1 if word in _SPECIAL else self._pairs.count(word)
