"""One line of the audit: what was decided or changed, where, by whom; never prompts or tokens."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """
    A line that is written in the transaction it is about.

    *at* is unix seconds, *actor* who did it, *data* what the sentence in the log needs.
    """

    at: float
    kind: str
    guild_id: int | None = None
    actor: int | None = None
    job_id: int | None = None
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line as it stands in the audit."""

    id: int
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """What a line is about, without what it says."""

    id: int
    kind: str
    guild_id: int | None
    job_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """
    Which lines of one server's audit are asked for: of *kinds*, by or about *member*, no older than *since*.

    The steps of jobs are not among them but for each one's end (``job.settled``); with *job_id* it is every line of
    that job, whatever its kind.
    """

    guild_id: int
    kinds: tuple[str, ...]
    member: int | None = None
    since: float = 0.0
    job_id: int | None = None
