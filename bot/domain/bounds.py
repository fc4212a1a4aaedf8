"""The bounds that several values share, and the checks that they make of themselves."""

from bot.domain.errors import Mistake

AREA_MAX = 3_145_728
"""Pixels; NovelAI refuses more (web bundle, 2026-10)."""


def check_range(option: str, value: float, low: float, high: float) -> None:
    """Raise `Mistake` ``option.range`` unless low ≤ value ≤ high; NaN is out of every range."""
    if not low <= value <= high:
        raise Mistake("option.range", option=option, low=low, high=high)


def check_text(option: str, text: str, most: int) -> None:
    """Raise `Mistake` ``option.range`` for more than *most* characters, ``prompt.unreadable`` for half a character."""
    if any("\ud800" <= c <= "\udfff" for c in text):
        # No encoding can send or store it.
        raise Mistake("prompt.unreadable")
    check_range(option, len(text), 0, most)
