"""A change of a server's set-up: what it changes, what it takes to undo it, and how long a yes or an undo may come."""

from dataclasses import dataclass, field
from enum import StrEnum

CHANGE_LIFE = 15 * 60.0
"""Seconds within which a change can be confirmed or taken back."""


QUESTION_LIFE = 24 * 3_600.0
"""Seconds within which the pages of a question can be turned."""


class What(StrEnum):
    """What a change is about."""

    SETTING = "setting"
    WORD_ADDED = "word.added"
    WORD_REMOVED = "word.removed"
    LIMITS = "limits"
    GRANT = "grant"
    RESET = "reset"
    AUDIT = "audit"
    """No change: a question to the audit, kept so that its pages can be turned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """
    One change: *name* is the setting's key, the word, whose limits they are, or the member's id; *value* what will
    hold, as JSON has it.

    Applied once, it gives the change that takes it back.
    """

    what: What
    name: str
    value: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A change that waits for one admin's press, to happen or to be undone; consumed once."""

    id: int
    guild_id: int
    user_id: int
    change: Change
    expires_at: float = field(default=0.0)
