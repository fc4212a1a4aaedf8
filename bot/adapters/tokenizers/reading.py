"""What a tokenizer makes of one text: the count, and where each tag lies among the tokens."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple, Protocol

from bot.domain.tokens import TagSpan

SPACE = r"\t-\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
r"""What ``\s`` means to the site's JavaScript, for use in a character class; Python's has others."""


class Run(NamedTuple):
    """*n* tokens that stand for the characters from *start* to before *end*."""

    start: int
    end: int
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One text: *n* tokens, its tags among them, and the distinct characters that the model does not know."""

    n: int
    spans: tuple[TagSpan, ...] = ()
    unknown: tuple[str, ...] = ()
    is_estimate: bool = False


class Reader(Protocol):
    """One of the service's tokenizers."""

    def read(self, text: str) -> Reading:
        """Any text has a reading; nothing raises."""


def spans_of(tags: Sequence[str], cleaned: Sequence[str], runs: Sequence[Run]) -> tuple[TagSpan, ...]:
    """
    Where *tags* lie.

    *cleaned* is what the tokenizer makes of each tag before it counts; *runs* lie in order in those, joined by commas.
    A run that holds a comma and its neighbours (``),(``) belongs to every tag it touches.
    """
    starts, ends = [run.start for run in runs], [run.end for run in runs]
    tokens = [0, *accumulate(run.n for run in runs)]
    found = []
    offset = 0
    for tag, clean in zip(tags, cleaned, strict=True):
        begin = offset + len(clean) - len(clean.lstrip())
        first, behind = bisect_right(ends, begin), bisect_left(starts, offset + len(clean.rstrip()))
        if clean.strip() and first < behind:
            found.append(TagSpan(text=tag.strip(), first=tokens[first], last=tokens[behind] - 1))
        offset += len(clean) + 1
    return tuple(found)
