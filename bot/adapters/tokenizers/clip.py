"""
CLIP's byte-pair encoding, as NovelAI's site counts V3 prompts.

HTML entities are undone twice, white space is collapsed, text is lower-cased; braces count as typed and there are no
start and end tokens (dependencies.md 1, public fixtures).
"""

import html
import lzma
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Self

import regex

from bot.domain.tokens import TokenCount

TABLE = "clip_merges.txt.xz"
_WORD = regex.compile(
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+", regex.IGNORECASE
)
_SPECIAL = ("<|startoftext|>", "<|endoftext|>")
_END = "</w>"


def _byte_letters() -> tuple[str, ...]:
    """GPT-2's letters: printable bytes are themselves, the rest are moved behind U+0100."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return tuple(chr(byte) if byte in printable else chr(next(others)) for byte in range(256))


_LETTERS = _byte_letters()


class Clip:
    """The tokenizer; 12 MB once loaded."""

    def __init__(self, ranks: dict[tuple[str, str], int]) -> None:
        self._ranks = ranks
        self._length = lru_cache(maxsize=4_096)(self._count_word)

    @classmethod
    def load(cls) -> Self:
        """Read the shipped table of merges; takes a few tenths of a second."""
        packed = files(__package__).joinpath(TABLE).read_bytes()
        lines = lzma.decompress(packed).decode().splitlines()[1:]
        pairs = (tuple(line.split()) for line in lines)
        return cls({(pair[0], pair[1]): rank for rank, pair in enumerate(pairs) if len(pair) == 2})

    def count(self, text: str, limit: int) -> TokenCount:
        """The tokens of *text*; *ignored_from* begins with the first tag that is not wholly read."""
        total = self._tokens(text)
        if total <= limit:
            return TokenCount(n=total, limit=limit)
        return TokenCount(n=total, limit=limit, ignored_from=self._behind(text, limit))

    def _behind(self, text: str, limit: int) -> str:
        start = used = 0
        for piece in text.split(","):
            used += self._tokens(piece) + (1 if start else 0)
            if used > limit:
                return text[start:].strip()
            start += len(piece) + 1
        return text[start:].strip()

    def _tokens(self, text: str) -> int:
        cleaned = " ".join(html.unescape(html.unescape(text)).split()).lower()
        return sum(1 if word in _SPECIAL else self._length(word) for word in _WORD.findall(cleaned))

    def _count_word(self, word: str) -> int:
        letters = [_LETTERS[byte] for byte in word.encode()]
        parts = [*letters[:-1], letters[-1] + _END]
        while len(parts) > 1:
            ranked = [(self._ranks.get(pair, -1), n) for n, pair in enumerate(pairwise(parts))]
            known = [(rank, n) for rank, n in ranked if rank >= 0]
            if not known:
                break
            parts = self._merged(parts, min(known)[1])
        return len(parts)

    @staticmethod
    def _merged(parts: list[str], at: int) -> list[str]:
        """Merge the pair at *at* wherever it stands."""
        first, second = parts[at], parts[at + 1]
        merged: list[str] = []
        n = 0
        while n < len(parts):
            if n + 1 < len(parts) and (parts[n], parts[n + 1]) == (first, second):
                merged.append(first + second)
                n += 2
            else:
                merged.append(parts[n])
                n += 1
        return merged
