"""Patterns that an operator writes: which are taken, and how many are tried on a prompt within a fixed time."""

import math
import re
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import regex

from bot.domain.errors import Mistake
from bot.domain.words import readings

TIMEOUT = 0.02
"""Seconds that all patterns of a server may take on one prompt; `regex` measures them itself."""
TRIAL = 0.01
"""Seconds that a new pattern may take on a sample; on 400 letters alike that is more than the square of them takes."""
_FLAGS = regex.IGNORECASE | regex.MULTILINE
_NAMED = re.compile(r"\(\?(?!:|=|!|<=|<!|>)|\(\*|\\[1-9gLK]")
"""What would mean something else in a row with others: names, references, flags, comments, verbs."""
_TIMES = re.compile(r"\{[^}]*")
_TIMES_MOST = 1_000
"""Repetitions that a pattern may write down, multiplied: `regex` writes them out when it compiles."""
# Every sign stands behind what repeats, or the search would be over for want of one.
_TAIL = "\u2603" + string.printable
_HARD_TO_READ = tuple(part * (400 // len(part)) + _TAIL for part in ("a", "x, ", "1", "ab", " ", "aA1_-. "))


@dataclass(frozen=True, slots=True)
class Match:
    """A pattern that was found; *as_written* and not only behind disguises, or not *timed_out* before it was known."""

    pattern: str
    as_written: bool
    timed_out: bool = False


class Patterns:
    """Groups of patterns, one search for each; of a group the first that is found is told."""

    def __init__(self, groups: Sequence[Sequence[str]]) -> None:
        self._groups = [(tuple(group), _row(group)) for group in groups if group]

    def found_in(self, texts: Sequence[str]) -> Iterator[Match]:
        """The groups' matches in *texts*, as they were written and as they are read behind disguises."""
        if not self._groups:
            return
        written = "\n".join(texts)
        read = "\n".join(" ".join(readings(text)[0]) for text in texts)
        for patterns, row in self._groups:
            match = _search(patterns, row, written, read, TIMEOUT / len(self._groups) / 2)
            if match is not None:
                yield match


def _row(patterns: Sequence[str]) -> regex.Pattern[str]:
    return regex.compile("|".join(f"(?P<p{n}>{pattern})" for n, pattern in enumerate(patterns)), _FLAGS)


def _search(
    patterns: tuple[str, ...], row: regex.Pattern[str], written: str, read: str, seconds: float
) -> Match | None:
    try:
        for text in (written, read):
            if (found := row.search(text, timeout=seconds)) is not None:
                return Match(patterns[_which(found)], text is written)
    except TimeoutError:
        return Match(patterns[0], True, timed_out=True)
    return None


def _which(found: regex.Match[str]) -> int:
    return next(int(name[1:]) for name, text in found.groupdict().items() if text is not None)


def check_pattern(pattern: str, samples: Sequence[str]) -> None:
    """
    Raise `Mistake` for a pattern that cannot be used.

    Codes: ``pattern.broken`` (*why*), ``pattern.named`` (names, references, flags), ``pattern.large`` (repetitions),
    ``pattern.empty`` (it is found in nothing at all, and so in everything), ``pattern.slow`` (*example*; on *samples*,
    and where there are any on texts made to be slow).
    """
    if _NAMED.search(pattern):
        raise Mistake("pattern.named")
    numbers = (int(n) for braces in _TIMES.findall(pattern) for n in re.findall(r"[0-9]+", braces))
    if math.prod(max(n, 1) for n in numbers) > _TIMES_MOST:
        raise Mistake("pattern.large", limit=_TIMES_MOST)
    try:
        compiled = regex.compile(pattern, _FLAGS)
    except (regex.error, ValueError, OverflowError, RecursionError) as error:
        raise Mistake("pattern.broken", why=str(error)) from error
    if compiled.search("") is not None:
        raise Mistake("pattern.empty")
    for text in (*samples, *(_HARD_TO_READ if samples else ())):
        try:
            compiled.search(text, timeout=TRIAL)
        except TimeoutError as error:
            raise Mistake("pattern.slow", example=text[:60]) from error
