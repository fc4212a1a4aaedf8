"""What the services need of the world: protocols that adapters implement. Times are unix seconds."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from bot.domain.admission import Standing
from bot.domain.anlas import Account
from bot.domain.change import Change, Pending
from bot.domain.guild import Block, GuildConfig
from bot.domain.job import Application, Draft, Job, Likeness, Noted, Settlement
from bot.domain.model import TokenizerKind
from bot.domain.record import Entry, Record
from bot.domain.request import Picture, Place, Request, Requester
from bot.domain.tokens import TokenCount

Clock = Callable[[], float]
"""Unix seconds; settable in tests."""

OPERATOR_UNREACHED = "operator.unreached"
"""Under this key the house remembers why the operator could not be told; empty once they could."""

Decide = Callable[[Standing], int]
"""The pure decision inside `JobStore.admit`: the turn, or raises `LimitReached`."""


class NovelAI(Protocol):
    """One NovelAI account."""

    @property
    def account_id(self) -> str:
        """A name of the account that is safe to store and log: never the token."""

    async def account(self) -> Account:
        """Read tier and balance. Raises `UpstreamError`."""

    async def run(self, request: Request, send: Callable[[], Awaitable[None]], *, deadline: float) -> list[Picture]:
        """
        Make the pictures of *request* (its seed is drawn).

        Connects, awaits *send* (which may raise, then nothing is sent), checks that *deadline* (a value of
        `time.monotonic`) has not passed, and only then writes the first byte of the body. Raises `UpstreamError`
        (see its *billed* and *again*) for everything that is not pictures.
        """


class Tokenizer(Protocol):
    """Counts tokens as the service does."""

    async def count(self, kind: TokenizerKind, text: str, limit: int, *, characters: Sequence[str] = ()) -> TokenCount:
        """
        Count *text* together with the prompts of *characters*: they share *limit* (nai-api.md 2.2).

        The table is loaded at first use, off the event loop; without one the count says that it is an estimate.
        """


class JobStore(Protocol):
    """
    The queue and the ledger: each verb is one transaction, and each may be repeated without harm.

    Verbs that return bool answer whether a row changed; of two that race, one gets True. *fence* voids the writes
    of an older holder of the account. All raise `StoreError`.
    """

    async def propose(self, requester: Requester, request: Request, price: int, expires_at: float) -> Draft: ...
    async def draft(self, draft_id: int) -> Draft | None: ...
    async def drop_draft(self, draft_id: int) -> bool: ...

    async def admit(self, application: Application, now: float, decide: Decide, *, draft_id: int | None = None) -> Job:
        """
        Write the job of *application*, or return the one that its key, or a double press, made already.

        Locks house, guild and member, reads the `Standing`, asks *decide*, inserts, counts. With *draft_id* the
        draft is consumed in the same transaction; a draft that is gone raises `Refused` ``draft.gone``, unless its
        key was admitted already.
        """

    async def standing(self, requester: Requester, now: float) -> Standing:
        """The member's standing without locks, to be shown."""

    async def get(self, job_id: int) -> Job | None: ...
    async def waiting(self) -> Sequence[Job]:
        """Every QUEUED job in fair order, then none else."""

    async def recent(self, since: float) -> Sequence[Job]:
        """Jobs admitted since *since* that have an interaction, oldest first."""

    async def place(self, job_id: int, place: Place) -> bool:
        """Note where the job is shown, once its message exists."""

    async def claim(self, account: str, holder: str, now: float, lease: float) -> Job | None:
        """
        Lease *account* until now + lease seconds, take its next job and count a try: QUEUED → RUNNING.

        None where another holder's lease lives, the account already has a job in RUNNING or SENT, or nothing waits
        (then no lease is kept). A member's own cap of running jobs holds. The job carries the new fence.
        """

    async def renew(self, job: Job, until: float) -> bool: ...
    async def send(self, job: Job, now: float, spent: int) -> bool:
        """RUNNING → SENT: the last write before the first byte of the body; *spent* Anlas are believed paid."""

    async def hand_back(self, job: Job, not_before: float, *, give_back_try: bool) -> bool:
        """RUNNING or SENT → QUEUED at its old turn, not before *not_before*; *spent* goes back to 0."""

    async def settle(self, job: Job, now: float, settlement: Settlement, pictures: Sequence[Picture] = ()) -> bool:
        """
        RUNNING or SENT → an end: state, charge, spent, the pictures' bytes, ``delivery = PENDING``, the audit line.

        Input images go. The counters of the window in which the job was admitted are put right. Frees the account.
        """

    async def cancel(self, job_id: int, now: float, reason: str) -> bool:
        """
        QUEUED or RUNNING → CANCELLED, charged nothing; False once it was sent or ended.

        *reason* is the code of what its member is told; it is delivered like every end, so that no waiting message
        outlives its job.
        """

    async def of_member(self, guild_id: int, user_id: int) -> Sequence[Job]:
        """What a member is still waiting for in one server (0: direct messages), in fair order."""

    async def of_guild(self, guild_id: int) -> Sequence[Job]:
        """What is waited for in one server, in fair order."""

    async def is_first(self, job: Job) -> bool:
        """Whether *job* is the first of its member's in its server that became a picture."""

    async def last_prompts(self, guild_id: int, most: int) -> Sequence[str]:
        """The newest prompts of one server, as far as requests are kept."""

    async def pictures(self, job_id: int) -> Sequence[Picture]: ...

    async def recover(self, now: float) -> Sequence[Job]:
        """
        After a start, with every other lease known to be dead: RUNNING → QUEUED at its old turn, SENT and free the
        same, SENT and paid → FAILED ``failed.answer`` (charged 0, spent stays); leases of accounts and deliveries
        end. Returns the jobs it touched.
        """


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
    async def save(self, guild_id: int, config: GuildConfig, record: Record | None = None) -> None: ...
    async def grant(self, guild_id: int, user_id: int, now: float, *, pictures: int = 0, anlas: int = 0) -> None:
        """Extra pictures or Anlas for the running day."""

    async def is_empty(self) -> bool:
        """Whether the store never held a server or a job (a seed applies only then)."""

    async def words(self) -> Sequence[tuple[int, str]]:
        """Every word that servers refuse: (server, word as it was entered)."""

    async def add_word(self, guild_id: int, text: str, record: Record) -> bool: ...
    async def remove_word(self, guild_id: int, text: str, record: Record) -> bool: ...

    async def blocks(self) -> Sequence[Block]: ...
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

        Of the jobs ids, amounts and times stay, because the ledger is made of them.
        """

    async def recall(self, key: str) -> str | None:
        """What the house remembers under *key*."""

    async def remember(self, key: str, value: str) -> None: ...


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


class Store(JobStore, DeliveryStore, GuildStore, AuditStore, Protocol):
    """All of it, as the composition root sees it."""
