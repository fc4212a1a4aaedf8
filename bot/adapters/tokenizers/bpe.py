"""Byte-pair merges: how many tokens a word of any length becomes, in n·log n."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from heapq import heapify, heappop, heappush

CACHED_MAX = 64
"""Letters; a longer word is counted anew, so that the cache stays small whatever people type."""


def _byte_letters() -> tuple[str, ...]:
    """GPT-2's letters: printable bytes are themselves, the rest are moved behind U+0100."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return tuple(chr(byte) if byte in printable else chr(next(others)) for byte in range(256))


_LETTERS = _byte_letters()


def ranked(merges: Iterable[str]) -> dict[str, int]:
    """The rank of each merge, written ``left right`` in byte letters (which hold no blank)."""
    return {merge: rank for rank, merge in enumerate(merges)}


class BytePairs:
    """A table of merges; *end* is what marks a word's last letter (``</w>`` in CLIP's)."""

    def __init__(self, ranks: Mapping[str, int], end: str = "") -> None:
        self._ranks = ranks
        self._end = end
        self._cached = lru_cache(maxsize=4_096)(self._count)

    def count(self, word: str) -> int:
        """The tokens of one non-empty word."""
        return self._cached(word) if len(word) <= CACHED_MAX else self._count(word)

    def _count(self, word: str) -> int:
        letters = [_LETTERS[byte] for byte in word.encode("utf-8", "surrogatepass")]
        letters[-1] += self._end
        return _Chain(letters, self._ranks).merged()


class _Chain:
    """The parts of one word, linked so that a merge costs the same anywhere in it; a part that was absorbed is ""."""

    def __init__(self, parts: list[str], ranks: Mapping[str, int]) -> None:
        self._parts = parts
        self._ranks = ranks
        self._after = list(range(1, len(parts) + 1))
        self._before = list(range(-1, len(parts) - 1))
        self._left = len(parts)
        self._heap: list[tuple[int, int]] = []

    def merged(self) -> int:
        """Merge until nothing merges; how many parts are left."""
        ranks = ((self._rank(at), at) for at in range(len(self._parts) - 1))
        self._heap = [(rank, at) for rank, at in ranks if rank is not None]
        heapify(self._heap)
        while self._heap:
            # As GPT-2 does: the lowest pair everywhere, from the left, before the pairs that this makes.
            for at in self._joined(self._heap[0][0]):
                self._offer(self._before[at])
                self._offer(at)
        return self._left

    def _joined(self, rank: int) -> list[int]:
        joined = []
        while self._heap and self._heap[0][0] == rank:
            at = heappop(self._heap)[1]
            if self._rank(at) == rank:
                self._join(at)
                joined.append(at)
        return joined

    def _join(self, at: int) -> None:
        absorbed = self._after[at]
        self._parts[at] += self._parts[absorbed]
        self._parts[absorbed] = ""
        self._after[at] = self._after[absorbed]
        if self._after[at] < len(self._parts):
            self._before[self._after[at]] = at
        self._left -= 1

    def _offer(self, at: int) -> None:
        rank = self._rank(at) if at >= 0 else None
        if rank is not None:
            heappush(self._heap, (rank, at))

    def _rank(self, at: int) -> int | None:
        """The rank of the pair that begins at *at*; None where none does."""
        if not self._parts[at] or self._after[at] == len(self._parts):
            return None
        return self._ranks.get(f"{self._parts[at]} {self._parts[self._after[at]]}")
