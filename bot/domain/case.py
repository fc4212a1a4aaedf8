"""The case: one question that a moderator decides, or one decision that its member may appeal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.domain.errors import Refused
from bot.domain.guild import Block
from bot.domain.job import Job
from bot.domain.request import Requester

HOUSE = -1
"""Stands for every server, where the operator decides."""
BOT = 0
"""Stands for the bot itself, where it decided."""


UNDONE = "undone"
"""In a case's data: what was decided of a picture could not be done to it."""


class CaseKind(StrEnum):
    """What a case is about."""

    HELD = "held"
    """A picture that waits for a look before it is shown."""
    PROPOSAL = "proposal"
    """A wish that waits for a yes before it is drawn."""
    REPORT = "report"
    """A shown picture that members reported."""
    REFUSAL = "refusal"
    """A wish that was refused, and counted; closed from the start."""
    SANCTION = "sanction"
    """A warning, a pause or a block; closed from the start."""
    APPEAL = "appeal"
    """Another case, to be looked at again."""


class CaseState(StrEnum):
    """Whether it waits for a decision."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"


class Decision(StrEnum):
    """How a case ended."""

    APPROVED = "approved"
    REJECTED = "rejected"
    WARNED = "warned"
    PAUSED = "paused"
    BLOCKED = "blocked"
    REFUSED = "refused"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    DISMISSED = "dismissed"
    HIDDEN = "hidden"
    DELETED = "deleted"
    UPHELD = "upheld"
    LIFTED = "lifted"
    APOLOGISED = "apologised"


DECISIONS: Mapping[CaseKind, frozenset[Decision]] = {
    CaseKind.HELD: frozenset({Decision.APPROVED, Decision.REJECTED, Decision.WARNED, Decision.BLOCKED}),
    CaseKind.PROPOSAL: frozenset({Decision.APPROVED, Decision.REJECTED}),
    CaseKind.REPORT: frozenset(
        {Decision.DISMISSED, Decision.HIDDEN, Decision.DELETED, Decision.WARNED, Decision.BLOCKED}
    ),
    CaseKind.REFUSAL: frozenset(),
    CaseKind.SANCTION: frozenset(),
    CaseKind.APPEAL: frozenset({Decision.UPHELD, Decision.LIFTED, Decision.APOLOGISED}),
}
"""What a moderator may decide, by kind; cases also expire and are withdrawn by themselves."""

APPEALABLE = frozenset(
    {
        Decision.REJECTED,
        Decision.WARNED,
        Decision.PAUSED,
        Decision.BLOCKED,
        Decision.REFUSED,
        Decision.DELETED,
    }
)
"""Decisions against a member; only those have an appeal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """
    What a case is opened with; *decision* is given where it is closed from the start.

    *guild_id* is 0 in direct messages, *user_id* whom it is about, *reason* a code, *due_at* (unix seconds) when it
    ends by itself. *data* is what its card says: scores, words, hashes; never a picture.
    """

    guild_id: int
    user_id: int
    kind: CaseKind
    reason: str
    channel_id: int
    job_id: int | None = None
    parent_id: int | None = None
    data: Mapping[str, object] = field(default_factory=dict)
    due_at: float | None = None
    decision: Decision | None = None
    actor: int | None = None
    words: str = ""
    needs_ack: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """
    One case as it stands.

    *words* are what the moderator wrote to the member. With *needs_ack* the member makes no pictures before they have
    read it. *version* grows with each change that its card shows, *carded* is the one shown in *card_message*.
    """

    id: int
    guild_id: int
    user_id: int
    kind: CaseKind
    state: CaseState
    reason: str
    channel_id: int
    job_id: int | None = None
    parent_id: int | None = None
    data: Mapping[str, object] = field(default_factory=dict)
    opened_at: float = 0.0
    due_at: float | None = None
    decision: Decision | None = None
    decided_at: float | None = None
    actor: int | None = None
    words: str = ""
    needs_ack: bool = False
    version: int = 1
    carded: int = 0
    card_channel: int | None = None
    card_message: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether it waits for a decision."""
        return self.state is CaseState.OPEN

    @property
    def is_appealable(self) -> bool:
        """Whether it was decided against its member, who may ask for a second look."""
        return not self.is_open and self.decision in APPEALABLE and self.kind is not CaseKind.APPEAL

    @property
    def is_of_house(self) -> bool:
        """Whether whoever runs the bot looks at an appeal of it, and no server's moderators."""
        return self.guild_id <= 0 or self.is_locked

    @property
    def is_locked(self) -> bool:
        """Whether it is about what is never made: nobody looks at it, and only the operator may lift it."""
        return self.reason == "locked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """
    A decision with what comes of it in the same transaction.

    *words* go to the member; *needs_ack* makes a wall of them. *block* keeps the member out. *notice* is the code of
    what the member is told by message, empty for nothing.
    """

    decision: Decision
    actor: int
    words: str = ""
    needs_ack: bool = False
    block: Block | None = None
    notice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one member said of a picture: *reason* is a code, *words* are their own."""

    user_id: int
    reason: str
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """
    A case with what its card says: *pictures* that its member made in that server, and *warnings* they had there.

    *job* is None where there is none or it is forgotten, *parent* the case that an appeal is about.
    """

    case: Case
    job: Job | None = None
    parent: Case | None = None
    pictures: int = 0
    warnings: int = 0
    reports: tuple[Report, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a member has to be told of a case: the code of a sentence."""

    id: int
    guild_id: int
    user_id: int
    case_id: int
    code: str
    tries: int = 0


def is_told(case: Case) -> bool:
    """Whether its member is told of a case: of a report only once something came of it, or they may guess whose."""
    return case.kind is not CaseKind.REPORT or case.decision in APPEALABLE


def check_decidable(case: Case, decision: Decision, requester: Requester) -> None:
    """
    Raise `Refused` unless *requester* may decide *case* so.

    Codes: ``case.gone`` (another server's, or no such decision), ``moderator.only``, ``case.own`` (nobody decides
    about themselves), ``case.house`` (the operator's). That it was decided already is found in the transaction.
    """
    if requester.scope != case.guild_id or decision not in DECISIONS[case.kind]:
        raise Refused("case.gone")
    if not requester.may_moderate:
        raise Refused("moderator.only")
    if requester.user_id == case.user_id:
        raise Refused("case.own")
    if case.is_locked:
        raise Refused("case.house")


def check_appealable(case: Case, requester: Requester) -> None:
    """Raise `Refused` ``case.gone``, ``appeal.none`` or ``not.yours`` unless *requester* may appeal *case*."""
    if case.user_id != requester.user_id:
        raise Refused("case.gone")
    if not case.is_appealable:
        raise Refused("appeal.none")
