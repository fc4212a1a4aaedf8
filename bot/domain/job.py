"""The job: one row that is order, reservation, receipt and parcel slip; and the draft, which waits for a yes."""

from dataclasses import dataclass, field
from enum import StrEnum

from bot.domain.admission import PRIORITY_STEP
from bot.domain.inputs import Inputs
from bot.domain.request import Generate, Place, Request, Requester
from bot.domain.sheet import Sheet
from bot.domain.tools import Direct, Upscale


class JobState(StrEnum):
    """Where a job stands; the transitions are `MOVES`."""

    PROPOSED = "PROPOSED"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SENT = "SENT"
    HELD = "HELD"
    DONE = "DONE"
    BLOCKED = "BLOCKED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_waiting(self) -> bool:
        """Whether it still waits for its picture."""
        return self in (JobState.QUEUED, JobState.RUNNING, JobState.SENT)

    @property
    def is_undecided(self) -> bool:
        """Whether it waits for somebody's decision."""
        return self in (JobState.PROPOSED, JobState.HELD)


MOVES: dict[JobState, frozenset[JobState]] = {
    JobState.PROPOSED: frozenset({JobState.QUEUED, JobState.CANCELLED}),
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED, JobState.FAILED}),
    JobState.RUNNING: frozenset(
        {JobState.SENT, JobState.QUEUED, JobState.CANCELLED, JobState.BLOCKED, JobState.FAILED}
    ),
    JobState.SENT: frozenset({JobState.DONE, JobState.HELD, JobState.BLOCKED, JobState.FAILED, JobState.QUEUED}),
    JobState.HELD: frozenset({JobState.DONE, JobState.BLOCKED, JobState.CANCELLED}),
    JobState.DONE: frozenset(),
    JobState.BLOCKED: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.CANCELLED: frozenset(),
}


class Delivery(StrEnum):
    """Whether the end of a job was shown to its member."""

    NONE = "NONE"
    PENDING = "PENDING"
    SHOWN = "SHOWN"
    INBOX = "INBOX"
    LAPSED = "LAPSED"


class Likeness(StrEnum):
    """In what form a picture was shown whose original waits in the inbox: the very same pixels, or a small copy."""

    WEBP = "webp"
    PREVIEW = "preview"


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """
    What is known of a new message's nonce: whether it was noted just now or *at* that moment before.

    *message_id* is the message that Discord made of it, None as long as that is not known.
    """

    is_new: bool
    at: float = 0.0
    message_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """
    What a member applies for: everything `admit` writes down.

    *key* makes it one job however often the event arrives (the interaction's or the draft's id); *origin* names
    message and verb of a button press, None for a command; *interaction* is the id it is answered under. *inputs* are
    the images that the request begins with.
    """

    key: str
    requester: Requester
    place: Place | None
    request: Request
    price: int
    origin: str | None = None
    interaction: int | None = None
    inputs: Inputs = field(default_factory=dict, repr=False)

    @property
    def pictures(self) -> int:
        """How many pictures are reserved."""
        return self.request.pictures

    @property
    def shape(self) -> str:
        """Model and size: jobs of one shape take about equally long."""
        return shape_of(self.request)


def shape_of(request: Request) -> str:
    """What decides how long a request takes: model and size, or the tool."""
    match request:
        case Generate():
            return f"{request.sampling.model} {request.size}"
        case Direct():
            return str(request.tool)
        case Upscale():
            return "upscale"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """
    One row of the queue and the ledger.

    *price* and *pictures* are what the member was told. *charged_anlas* and *charged_pictures* are None while they
    are reserved, then what the member pays. *spent* is what the account is believed to have paid. *turn* is the
    place in the fair order, *step* the lane in which it was given. Times are unix seconds. *reason* is the code of
    the sentence for an end without a picture. *request* is None once it was forgotten. *delivered_at* is when it was
    shown, or put into the inbox, where it stays until *inbox_until*.
    """

    id: int
    state: JobState
    delivery: Delivery
    requester: Requester
    place: Place | None
    request: Request | None = field(repr=False)
    price: int
    pictures: int
    charged_anlas: int | None = None
    charged_pictures: int | None = None
    spent: int = 0
    turn: int = 0
    step: int = PRIORITY_STEP
    tries: int = 0
    not_before: float = 0.0
    account: str | None = None
    fence: int = 0
    reason: str | None = None
    origin: str | None = None
    interaction: int | None = None
    admitted_at: float = 0.0
    claimed_at: float | None = None
    sent_at: float | None = None
    settled_at: float | None = None
    delivery_tries: int = 0
    """How often somebody set out to show it, the time under way included."""
    delivered_at: float | None = None
    inbox_until: float | None = None
    shown_as: Likeness | None = None
    hidden: bool = False
    """Shown behind a spoiler because of what the picture is, whatever its member asked for."""
    approver: int | None = None
    """Who said yes to it, where it was a suggestion."""

    @property
    def user_id(self) -> int:
        """Whose job it is."""
        return self.requester.user_id


DRAFT_LIFE = 15 * 60.0
"""Seconds until a draft is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """
    What waits for a person's yes. It reserves nothing, is gone after 15 minutes and is consumed once.

    *sheet* is the form to fill, where that comes first.
    """

    id: int
    requester: Requester
    request: Request = field(repr=False)
    price: int
    expires_at: float
    sheet: Sheet | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """
    How a job ends: its last state, what the member pays, what the account is believed to have paid, and why.

    *reason* is the code of the sentence to show where there is no picture. What is HELD has not ended: it is charged
    None, which keeps its reservation. *hidden* pictures are shown behind a spoiler.
    """

    state: JobState
    charged_anlas: int | None
    charged_pictures: int | None
    spent: int
    reason: str | None = None
    hidden: bool = False
    silent: bool = False
    """True where nobody can be told: a row that cannot be read has no place to show anything."""
