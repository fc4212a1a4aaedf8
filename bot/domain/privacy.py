"""What is kept about one person: how much of what, and what became of it when they had it erased."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """
    Rows about one person, over all servers and direct messages.

    *requests* are jobs whose prompt is still there, of all the *jobs* that are in the ledger; *pictures* and *images*
    are bytes that are kept, *inbox* what waits to be collected, *drafts* questions that were not answered. *cases* are
    about them, *reports* are theirs, *limits* and *blocks* were given to them, *lines* stand in the audit.
    """

    jobs: int = 0
    requests: int = 0
    pictures: int = 0
    images: int = 0
    inbox: int = 0
    drafts: int = 0
    cases: int = 0
    reports: int = 0
    limits: int = 0
    blocks: int = 0
    lines: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What came of an erasure: how many jobs were *taken_back* first, and how many are *drawing* and stay for now."""

    taken_back: int = 0
    drawing: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """Everything about one person as JSON; *left_out* are the oldest jobs, for which there was no room."""

    data: bytes
    left_out: int = 0
