"""What the services need of the world: protocols that adapters implement. Times are unix seconds."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Protocol

from bot.domain.admission import Standing, Ticket
from bot.domain.allowance import Allowance, Target
from bot.domain.anlas import Account
from bot.domain.calendar import Span
from bot.domain.case import BOT, Case, CaseKind, Filing, Notice, Report, Ruling
from bot.domain.change import Change, Pending
from bot.domain.conduct import Conduct
from bot.domain.guild import Block, GuildConfig
from bot.domain.inputs import Inputs
from bot.domain.job import Application, Draft, Job, Likeness, Noted, Settlement
from bot.domain.model import Model, TokenizerKind
from bot.domain.privacy import Kept
from bot.domain.rating import Rating
from bot.domain.record import Entry, Happening, Question, Record
from bot.domain.request import Picture, Place, Preview, Request, Requester
from bot.domain.sheet import Sheet
from bot.domain.tags import SuggestedTag
from bot.domain.tokens import TokenCount
from bot.domain.tools import EncodeVibe
from bot.domain.wordlist import Rule

Clock = Callable[[], float]
"""Unix seconds; settable in tests."""

FILTER_DOWN = "filter.down"
"""Under this key the house remembers that the filter let its canary pass; empty once it does not."""
OPERATOR_UNREACHED = "operator.unreached"
"""Under this key the house remembers why the operator could not be told; empty once they could."""

ACCOUNT_STOPPED = "account.stopped."
"""
Under this and an account's id the house remembers since when (unix seconds) nothing is sent to it; empty once the
operator gave their word (`naibot resume`).
"""
ACCOUNT_REFUSED = "account.refused."
"""Likewise that NovelAI does not take the account, and that the operator was told; empty once it is taken again."""

COMMANDS_TOLD = "command_digest"
"""Under this key the house remembers which commands Discord was told last; with a server's id, which for it alone."""
OPERATOR_GUILD_TOLD = "operator_guild"
"""Likewise which server the operator's commands were told for."""

STARTS = "starts"
"""Under this key the house remembers when it was started, until it is stopped in order."""

ALL = 2**63 - 1
"""As many as there are."""

Decide = Callable[[Standing], Ticket]
"""The pure decision inside `JobStore.admit`: the place in the fair order, or raises `LimitReached`."""


class NovelAI(Protocol):
    """One NovelAI account."""

    @property
    def account_id(self) -> str:
        """A name of the account that is safe to store and log: never the token."""

    async def account(self) -> Account:
        """Read tier, balance and V5's usage bar. Raises `UpstreamError`."""

    async def run(
        self,
        request: Request,
        send: Callable[[], Awaitable[None]],
        *,
        deadline: float,
        inputs: Inputs | None = None,
        watch: Callable[[Preview], None] | None = None,
    ) -> list[Picture]:
        """
        Make the pictures of *request* (its seed is drawn) from *inputs* (all that ``request.inputs`` names).

        Connects, awaits *send* (which may raise, then nothing is sent), checks that *deadline* (a value of
        `time.monotonic`) has not passed, and only then writes the first byte of the body; by *deadline* it also gives
        up. Never posts twice. With *watch*, what is drawn is streamed, and *watch* is called in the event loop with
        each preview; it must neither wait nor raise. Raises `UpstreamError` (see its *billed* and *again*) for
        everything that is not pictures. Removing a background gives three pictures: masked, generated, blend.
        """

    async def encode_vibe(
        self, request: EncodeVibe, image: bytes, send: Callable[[], Awaitable[None]], *, deadline: float
    ) -> bytes:
        """Have *image* (PNG) encoded as a vibe; it is paid, and *send*, *deadline* and errors are those of `run`."""

    async def suggest_tags(self, model: Model, text: str, *, japanese: bool = False) -> tuple[SuggestedTag, ...]:
        """Tags that begin like *text*, best first; costs nothing. Raises `UpstreamError`."""


class Tokenizer(Protocol):
    """Counts tokens as the service does."""

    async def count(self, kind: TokenizerKind, text: str, limit: int, *, characters: Sequence[str] = ()) -> TokenCount:
        """
        Count *text* together with the prompts of *characters*: they share *limit* (nai-api.md 2.2).

        The table is loaded at first use, off the event loop; without one the count says that it is an estimate.
        """


class Classifier(Protocol):
    """Looks at pictures and says what they are."""

    async def rate(self, data: bytes) -> Rating:
        """
        Rate a picture or an image of at most 25 MiB (PNG, JPEG, WebP, GIF; of several frames the first).

        Works off the event loop, one picture after the other. Raises `ClassifierError`, after some twenty seconds at
        the latest: then nobody knows what it shows.
        """


class JobStore(Protocol):
    """
    The queue and the ledger: each verb is one transaction, and each may be repeated without harm.

    Verbs that return bool answer whether a row changed; of two that race, one gets True. *fence* voids the writes
    of an older holder of the account. All raise `StoreError`.
    """

    async def propose(
        self, requester: Requester, request: Request, price: int, expires_at: float, *, sheet: Sheet | None = None
    ) -> Draft:
        """Keep what waits for a yes; *sheet* is a form about *request* that has to be filled first."""

    async def draft(self, draft_id: int) -> Draft | None: ...
    async def drop_draft(self, draft_id: int) -> bool: ...

    async def admit(self, application: Application, now: float, decide: Decide, *, draft_id: int | None = None) -> Job:
        """
        Write the job of *application*, or return the one that its key, or a double press, made already.

        Locks house, guild and member, reads the `Standing`, asks *decide*, inserts, counts, keeps the inputs. With
        *draft_id* the
        draft is consumed in the same transaction; a draft that is gone raises `Refused` ``draft.gone``, unless its
        key was admitted already.
        """

    async def suggest(
        self, application: Application, now: float, filing: Filing, *, draft_id: int | None = None
    ) -> tuple[Job, Case | None]:
        """
        Write the job of *application* as PROPOSED, with its case and for the same reason; it reserves nothing.

        *draft_id* is a draft that is consumed with it; raises `Refused` ``draft.gone`` where there is none. The job of
        the same key, or of the same press, comes back as it is instead, with its newest such case, if it has one.
        """

    async def standing(self, requester: Requester, now: float) -> Standing:
        """The member's standing without locks, to be shown."""

    async def get(self, job_id: int) -> Job | None: ...
    async def waiting(self, guild_id: int | None = None, most: int = ALL) -> Sequence[Job]:
        """Every QUEUED job in fair order, or the first *most* of them, or those of one server (0: direct messages)."""

    async def undecided(self, most: int) -> Sequence[Job]:
        """The oldest jobs that wait for somebody's decision: PROPOSED and HELD."""

    async def line(self, before: Job | None = None) -> Mapping[str, int]:
        """How many jobs of each shape ('' where it is not known) are QUEUED, or are so before *before*."""

    async def in_hand(self) -> Sequence[tuple[str, float]]:
        """Shape of every job that is being made, and when it was claimed."""

    async def durations(self, shape: str, most: int) -> Sequence[float]:
        """Seconds from claim to settlement of the last *most* pictures of one shape."""

    async def recent(self, since: float) -> Sequence[Job]:
        """Jobs admitted since *since* that have an interaction, oldest first."""

    async def place(self, job_id: int, place: Place) -> bool:
        """Note where the job is shown, once its message exists."""

    async def claim(
        self,
        account: str,
        holder: str,
        now: float,
        lease: float,
        *,
        at_least: int = 0,
        passing: Collection[int] = (),
    ) -> Job | None:
        """
        Lease *account* until now + lease seconds, take its next job and count a try: QUEUED → RUNNING.

        Jobs priced below *at_least* Anlas and those in *passing* (ids) are left to other accounts. None where another
        holder's lease lives, the account rests, it already has a job in RUNNING or SENT, or nothing waits (then no
        lease is kept). A member's own cap of running jobs holds; one whom it held back while others started goes on
        from now, not from where they fell behind. The job carries the new fence.
        """

    async def inputs(self, job_id: int) -> Inputs:
        """The images that the job begins with, as they were admitted; none once it has ended."""

    async def renew(self, job: Job, until: float) -> bool: ...
    async def send(self, job: Job, now: float, spent: int) -> bool:
        """RUNNING → SENT: the last write before the first byte of the body; *spent* Anlas are believed paid."""

    async def send_more(self, job: Job, now: float, spent: int) -> bool:
        """A job that is SENT sends another body (a vibe was encoded first); *spent* is believed paid by then."""

    async def hand_back(self, job: Job, not_before: float, *, give_back_try: bool, rest_until: float = 0.0) -> bool:
        """
        RUNNING or SENT → QUEUED at its old turn, not before *not_before*; *spent* goes back to 0.

        Until *rest_until* nobody claims anything on the account, this holder and later processes included.
        """

    async def settle(
        self,
        job: Job,
        now: float,
        settlement: Settlement,
        pictures: Sequence[Picture] = (),
        *,
        rest_until: float = 0.0,
        filing: Filing | None = None,
    ) -> bool:
        """
        RUNNING or SENT → an end: state, charge, spent, the pictures' bytes, ``delivery = PENDING``, the audit line.

        Or → HELD, with its reservation and no delivery; *filing* opens its case in the same transaction, as it does
        for an end that is on record as one. Input images go. The counters of the window in which the job was admitted
        are put right. Frees the account, for everybody from *rest_until* on.
        """

    async def rest(self, job: Job, until: float) -> bool:
        """The account that *job* left to rest does so until *until*; False once somebody else had it."""

    async def abandon(self, job_id: int, now: float, reason: str) -> bool:
        """QUEUED → FAILED, charged nothing: no account could make it in time; *reason* is the code of why."""

    async def cancel(self, job_id: int, now: float, reason: str, *, actor: int = BOT) -> bool:
        """
        QUEUED, RUNNING, HELD or PROPOSED → CANCELLED, charged nothing; False once it was sent or ended.

        What was open about it is closed as withdrawn by *actor*, and what the account paid for a held one stays spent.

        *reason* is the code of what its member is told; it is delivered like every end, so that no waiting message
        outlives its job.
        """

    async def give_up(self, admitted_before: float, now: float, reason: str) -> Sequence[Job]:
        """QUEUED since before that moment → FAILED with *reason*, charged nothing; the jobs that ended."""

    async def of_member(self, guild_id: int, user_id: int) -> Sequence[Job]:
        """What a member is still waiting for in one server (0: direct messages), in fair order."""

    async def of_guild(self, guild_id: int) -> Sequence[Job]:
        """What has not ended in one server, in fair order; also what waits for somebody's decision."""

    async def is_first(self, job: Job) -> bool:
        """Whether *job* is the first of its member's in its server that became a picture."""

    async def last_prompts(self, guild_id: int, most: int) -> Sequence[str]:
        """The newest prompts of one server, as far as requests are kept."""

    async def pictures(self, job_id: int) -> Sequence[Picture]: ...

    async def recover(self, now: float, holder: str | None = None) -> Sequence[Job]:
        """
        After a start: RUNNING → QUEUED at its old turn, SENT and free the same, SENT and paid → FAILED
        ``failed.answer`` (charged 0, spent stays). Returns the jobs it touched.

        Where no other process can be at work, every lease is known to be dead, those of deliveries too. Where the
        database is shared, it is only those that ran out and those of *holder*, whose process this one follows.
        Accounts that rest go on resting.
        """

    async def reap(self, now: float) -> Sequence[Job]:
        """The same for accounts whose lease ran out, at any time: their process died, or lost the database."""


class DeliveryStore(Protocol):
    """Which ends still have to be shown."""

    async def next_delivery(self, now: float, lease: float) -> Job | None:
        """
        Take the oldest PENDING delivery whose turn has come, and keep others from it for *lease* seconds.

        Counts a try; the job's *delivery_tries* is the fence of whoever took it.
        """

    async def hold_delivery(self, job: Job, until: float) -> bool:
        """Keep others from it longer; False once it was shown, or somebody else took it."""

    async def undelivered(self, now: float) -> int:
        """How many PENDING deliveries there are whose turn has come."""

    async def shown(self, job_id: int, now: float, message_id: int | None) -> bool: ...
    async def retry_delivery(self, job_id: int, not_before: float, *, give_back_try: bool = False) -> bool: ...
    async def lapse(self, job_id: int, now: float) -> bool:
        """PENDING → LAPSED: nobody saw it, so the charge and the pictures go."""

    async def note_nonce(self, job_id: int, nonce: str, now: float) -> Noted:
        """Write down a new message's nonce before it is sent, or say what was noted of it before."""

    async def note_posted(self, job_id: int, nonce: str, message_id: int) -> None:
        """Write down which message became of a nonce."""

    async def posted(self, job_id: int) -> Sequence[int]:
        """The messages that were posted in the job's channel with its pictures, beside the one it is placed in."""

    async def keep(
        self, job_id: int, now: float, until: float, *, shown_as: Likeness | None = None, message_id: int | None = None
    ) -> bool:
        """
        PENDING → INBOX until *until*, or as long as it was to stay there before.

        *shown_as* is in what likeness it was shown, in the message *message_id* where that is a new one.
        """

    async def inbox(self, user_id: int, most: int) -> Sequence[Job]:
        """The oldest of what waits in a member's inbox, over all servers."""

    async def in_inbox(self, user_id: int) -> int:
        """How much waits in a member's inbox."""

    async def collect(self, job_id: int, user_id: int, now: float, place: Place, interaction: int) -> bool:
        """INBOX → PENDING, to be shown at *place*, and answered as *interaction*; False where it is not theirs."""

    async def renew_place(self, job_id: int, user_id: int, place: Place) -> bool:
        """A fresh token for the message of what is waited for, or could not be shown yet; then it is due at once."""

    async def expiring(self, now: float, before: float) -> Sequence[Job]:
        """What is waited for at places whose token dies *before* that moment."""

    async def lapse_inbox(self, now: float) -> Sequence[Job]:
        """
        End what lay in the inbox to its end: INBOX → LAPSED, and the charge goes back.

        What was shown as the same pixels has been delivered: INBOX → SHOWN.
        """

    async def hold(self, job_id: int, now: float, until: float) -> bool:
        """Keep everybody else from the message of a job that has not ended, while it is edited; see `let_go`."""

    async def let_go(self, job_id: int, until: float) -> None:
        """End the hold that lasts until *until*."""

    async def forget_tokens(self, now: float) -> int:
        """Erase interaction tokens that have expired."""

    async def forget_requests(self, admitted_before: float) -> int:
        """Forget what ended jobs asked for, admitted before that moment; ids, amounts and times stay."""

    async def purge_pictures(self, shown_before: float) -> int:
        """Delete the bytes of pictures shown before that moment."""


class GuildStore(Protocol):
    """
    Servers: their settings and words, who is blocked, what was granted, and what the house remembers of itself.

    Verbs that take a `Record` write that line of the audit in the same transaction.
    """

    async def config(self, guild_id: int) -> GuildConfig | None:
        """The settings of an admitted server, None where it was never admitted."""

    async def configs(self) -> Mapping[int, GuildConfig]: ...
    async def save(self, guild_id: int, config: GuildConfig, now: float, record: Record | None = None) -> None:
        """
        Keep a server's settings; a server that has some is admitted.

        With another time zone the running day and week end at that zone's next midnight and Monday. Usage stays.
        """

    async def allowances(self) -> Sequence[tuple[int, Target, Allowance]]:
        """What roles and members were given, with the server."""

    async def allow(self, guild_id: int, target: Target, allowance: Allowance | None, record: Record) -> None:
        """Give a role or a member limits of their own, in place of older ones; None takes them away."""

    async def grant(
        self,
        guild_id: int,
        user_id: int,
        now: float,
        *,
        pictures: int = 0,
        anlas: int = 0,
        record: Record,
    ) -> None:
        """Extra pictures or Anlas for the running day and week; less than nothing takes a grant back."""

    async def count_from(
        self, guild_id: int, user_id: int, starts: Mapping[Span, float], now: float, record: Record
    ) -> Mapping[Span, float]:
        """
        Count a member's usage of the running windows from *starts* on; from when it was counted before.

        Earlier jobs stay what they are; they only stop, or begin again, to count against the member's own limits.
        """

    async def is_empty(self) -> bool:
        """Whether the store never held a server or a job (a seed applies only then)."""

    async def words(self) -> Sequence[tuple[int, Rule]]:
        """Every rule on words, with its server."""

    async def words_of(self, guild_id: int) -> Sequence[Rule]: ...
    async def add_word(self, guild_id: int, rule: Rule, record: Record) -> bool: ...
    async def remove_word(self, guild_id: int, text: str, record: Record) -> bool: ...

    async def blocks(self) -> Sequence[Block]: ...
    async def blocks_of(self, guild_id: int) -> Sequence[Block]: ...
    async def block(self, block: Block, record: Record) -> None:
        """In place of an older block of that member."""

    async def unblock(self, guild_id: int, user_id: int, record: Record) -> bool: ...

    async def keep_change(self, guild_id: int, user_id: int, change: Change, expires_at: float) -> Pending: ...
    async def kept_change(self, pending_id: int) -> Pending | None: ...
    async def drop_change(self, pending_id: int) -> bool: ...

    async def greeted(self, kind: str) -> frozenset[int]:
        """The servers to which (or about which) a greeting of that kind was sent."""

    async def note_greeting(self, guild_id: int, kind: str, now: float) -> None: ...
    async def forget_greetings(self, guild_id: int) -> None: ...

    async def leave(self, guild_id: int, now: float) -> bool:
        """Note that the bot is in that server no more; False where that was noted before."""

    async def come_back(self, guild_id: int) -> bool:
        """The bot is in that server again; False where it was not known to have left."""

    async def left_before(self, before: float) -> Sequence[int]:
        """The servers that the bot left before that moment."""

    async def forget_guild(self, guild_id: int, now: float) -> None:
        """
        Delete what is kept of a server: settings, words, blocks, its part of the audit, and what its jobs asked for.
        What nobody decided ends untold, and costs nobody anything.

        Of the jobs ids, amounts and times stay, because the ledger is made of them.
        """

    async def recall(self, key: str) -> str | None:
        """What the house remembers under *key*."""

    async def remember(self, key: str, value: str) -> None: ...

    async def lead(self, task: str, holder: str, now: float, until: float) -> bool:
        """Take, or keep, what one process alone does, until *until*; False while another's lease of it lives."""


class AuditStore(Protocol):
    """What was decided and changed, append-only."""

    async def write(
        self,
        now: float,
        kind: str,
        *,
        guild_id: int | None = None,
        actor: int | None = None,
        job_id: int | None = None,
        data: Mapping[str, object] | None = None,
    ) -> int: ...

    async def newest_entry(self) -> int:
        """The id of the newest line, 0 where there is none."""

    async def entries(self, after: int, kinds: Sequence[str], most: int) -> Sequence[Entry]:
        """The lines of *kinds* behind the line *after*, oldest first, at most *most*."""

    async def happenings(self, after: int, most: int) -> Sequence[Happening]:
        """What the lines behind the line *after* are about, of every kind, oldest first, at most *most*."""

    async def asked(
        self, question: Question, *, before: int | None = None, after: int | None = None, most: int
    ) -> Sequence[Entry]:
        """
        The newest lines that *question* is about, newest first, older than the line *before*.

        With *after* the oldest of those that are newer than that line, oldest first.
        """


class CaseStore(Protocol):
    """
    Cases, what was reported, what members must be told, and how they conduct themselves.

    Each verb is one transaction with its line of the audit. Of two that decide a case, one gets it.
    """

    async def file_case(self, filing: Filing, now: float) -> Case:
        """Open a case; the one that is open about the same job, or the same case, where there is one."""

    async def sanction(self, filing: Filing, ruling: Ruling, now: float, record: Record | None = None) -> Case:
        """Write down a case that is closed from the start, with the block and the notice that *ruling* has."""

    async def report(self, filing: Filing, report: Report, now: float) -> tuple[Case, int] | None:
        """Add a report to the open case about its job, opened if need be; None where that member reported it before."""

    async def reports_of(self, case_id: int) -> Sequence[Report]: ...
    async def reports_by(self, user_id: int, since: float) -> int:
        """How many reports a member made since that moment, over all servers."""

    async def case(self, case_id: int) -> Case | None: ...
    async def case_of_job(self, job_id: int, kind: CaseKind | None = None) -> Case | None:
        """The newest case about a job, of one kind where that is given."""

    async def cases(
        self,
        *,
        guild_id: int | None = None,
        user_id: int | None = None,
        kinds: Sequence[CaseKind] = (),
        is_open: bool | None = None,
        most: int,
    ) -> Sequence[Case]:
        """Cases as asked for: open ones oldest first, else the newest first."""

    async def unread(self, guild_id: int | None = None) -> Sequence[Case]:
        """Cases whose words their members must read first, of one server or of all."""

    async def decide(self, case_id: int, ruling: Ruling, now: float) -> Case | None:
        """
        OPEN → CLOSED; None where it was decided before. Members who reported its picture are told what came of it.

        A held picture is approved (HELD → DONE, charged, to be shown) or not (HELD → BLOCKED, charged nothing, its
        pictures deleted); a proposal that is not approved is cancelled. A lifted appeal ends the block and the wall of
        the case that it is about, and its member's heat.
        """

    async def approve(self, case_id: int, ruling: Ruling, price: int, now: float, decide: Decide) -> Job | None:
        """
        A proposal gets its yes: PROPOSED → QUEUED at *price*, admitted now; None where it was decided before.

        *decide* is that of `JobStore.admit`; what it raises leaves the proposal as it was.
        """

    async def expire_cases(self, now: float) -> Sequence[Case]:
        """Close what nobody decided in time: nothing is shown, drawn or charged."""

    async def acknowledge(self, case_id: int, user_id: int, now: float) -> bool:
        """The member has read what a moderator wrote; False where there is nothing of theirs to read."""

    async def next_card(self, now: float, until: float) -> Case | None:
        """A case whose card is missing or old, kept from others until *until*."""

    async def carded(self, case: Case, channel_id: int | None, message_id: int | None) -> None:
        """The card shows the case as *case* is; None where there is nowhere to show it."""

    async def retry_card(self, case_id: int, not_before: float) -> None: ...
    async def note_undone(self, case_id: int) -> None:
        """What was decided of a picture could not be done; its card has to say so. The second time is nothing new."""

    async def next_notice(self, now: float, until: float) -> Notice | None:
        """What a member has to be told next, kept from others until *until*, with a try counted."""

    async def told(self, notice_id: int, *, reached: bool) -> None:
        """It was told, or they cannot be reached."""

    async def conduct(self, guild_id: int, user_id: int) -> Conduct: ...
    async def conducts(self) -> Sequence[tuple[int, int, Conduct]]:
        """(server, member, conduct) of those about whom an order stands."""

    async def heat_up(self, guild_id: int, user_id: int, degrees: float, now: float) -> tuple[float, float]:
        """Raise a member's heat; what was left of it, and what it is now."""

    async def order_spoiler(self, guild_id: int, user_id: int, spoiler: bool, record: Record) -> None:
        """Have all of a member's pictures hidden behind a spoiler, or not any more."""

    async def cover(self, job_id: int, covers: bool, record: Record) -> bool:
        """
        Have a shown picture hidden, or not any more; False where it stood so already.

        What hid it before it was shown (the classifier) is kept apart and stays.
        """

    async def made(self, guild_id: int, user_id: int) -> int:
        """How many pictures a member had made in a server."""


class PrivacyStore(Protocol):
    """What is kept about one person, over all servers, and how it is erased."""

    async def kept_of(self, user_id: int) -> Kept:
        """How much there is, in numbers; the audit's lines apart."""

    async def unfinished_of(self, user_id: int) -> Sequence[Job]:
        """A member's jobs that have not ended, or whose end was not shown yet; what lies in the inbox is not."""

    async def jobs_of(self, user_id: int, most: int, before: Job | None = None) -> Sequence[Job]:
        """A member's jobs, newest first, older than *before*."""

    async def drafts_of(self, user_id: int) -> Sequence[Draft]: ...
    async def notices_of(self, user_id: int) -> Sequence[Notice]: ...
    async def reports_made(self, user_id: int) -> Sequence[tuple[int, Report]]:
        """What a member reported, with the case."""

    async def conducts_of(self, user_id: int) -> Sequence[tuple[int, Conduct]]:
        """How a member conducts themselves, by server."""

    async def lines_about(self, user_id: int, after: int, until: int) -> Sequence[Entry]:
        """The audit's lines by or about a member among those behind *after* and up to *until*; no steps of jobs."""

    async def forget_member(self, user_id: int, now: float, lines: Sequence[int] = ()) -> int:
        """
        Erase what a member asked for, was shown, and wrote; how many of their jobs are being drawn and stay for now.

        Of ended jobs ids, amounts, states and times stay, because the ledger is made of them; what nobody saw lapses
        and its charge goes back. Closed cases go, unless a block of theirs stands, an appeal is open, or their words
        have still to be read. Words that people wrote in the *lines* of the audit go with their cases.
        """

    async def forget_decisions(self, before: float, now: float) -> None:
        """
        Erase words of what was decided before that moment: of cases, reports and the audit; a part at a time.

        Those of a case stay while a block of it stands, an appeal of it is open, or they have still to be read. What
        was told, blocks that have run out and heat that has gone are deleted.
        """


class Store(JobStore, DeliveryStore, CaseStore, GuildStore, AuditStore, PrivacyStore, Protocol):
    """All of it, as the composition root sees it."""
