"""How many tokens a prompt has, where its tags lie among them, and what of it the model ignores."""

from collections.abc import Iterable
from dataclasses import dataclass, field

MIXED_MAX = 6
"""Parts that ``|`` makes of one prompt; further bars stay in the last (web bundle read 2026-09)."""
UNKNOWN_MAX = 16
"""Distinct unknown characters that a count names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagSpan:
    """One tag of a prompt and the positions of its *first* and *last* token, both counted from 0."""

    text: str = field(repr=False)
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCount:
    """
    The count of a prompt.

    *n* tokens of at most *limit*; *spans* are its tags in order, empty where the count *is_estimate*; *unknown* are
    the distinct characters that mean nothing to the model, at most `UNKNOWN_MAX` of them.
    """

    n: int
    limit: int
    spans: tuple[TagSpan, ...] = field(default=(), repr=False)
    unknown: tuple[str, ...] = field(default=(), repr=False)
    is_estimate: bool = False

    @property
    def is_over(self) -> bool:
        """Whether the model reads less than was typed."""
        return self.n > self.limit

    @property
    def last_read(self) -> TagSpan | None:
        """The last tag before the one that the limit cuts; None where nothing is cut, or no tag is wholly read."""
        read = None
        for span in self.spans:
            if span.last >= self.limit:
                return read if span.first else None
            read = span
        return read if self.is_over else None


def straddling_tags(spans: Iterable[TagSpan], chunk: int) -> tuple[TagSpan, ...]:
    """
    Tags that a chunk boundary cuts in two.

    The CLIP models read a prompt in chunks of *chunk* tokens and never look
    across a boundary, so a tag that lies on one is understood as two halves.
    """
    return tuple(s for s in spans if s.first // chunk != s.last // chunk)


def mixed_parts(text: str) -> tuple[str, ...]:
    """
    The parts of a prompt that are tokenized one by one.

    Of ``||a|b||`` the site counts the longest choice (the last of several), then ``|`` mixes up to `MIXED_MAX`
    prompts (readers of the web bundle, 2026-09; one compared 1,520 prompts with the site and found no difference).
    """
    halves = text.split("||")
    chosen = "".join(_longest(half) if n % 2 else half for n, half in enumerate(halves))
    return tuple(chosen.split("|", MIXED_MAX - 1))


def _longest(choices: str) -> str:
    return max(reversed(choices.split("|")), key=lambda choice: len(choice.encode("utf-16-le", "surrogatepass")))
