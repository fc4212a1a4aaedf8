"""What still has to be shown, and how it stands with what is being waited for."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from statistics import median

from bot.domain.admission import Quota, quota_of
from bot.domain.case import Case
from bot.domain.errors import Refused
from bot.domain.job import Delivery, Job, JobState, Likeness, Noted
from bot.domain.request import Picture, Place, Preview, Requester
from bot.ports import CaseStore, Clock, DeliveryStore, JobStore
from bot.services.bell import Bell, Listener
from bot.services.guilds import Guilds
from bot.services.patience import Patience, Pause
from bot.services.previews import Previews

LEASE = 60.0
"""Seconds for which one courier has a delivery to itself."""
LINE_LEASE = 20.0
"""Seconds for which a waiting message may be edited; longer than the courier's deadline for that."""
RETRY = (2.0, 5.0, 15.0, 60.0, 120.0, 300.0, 600.0, 600.0, 600.0)
"""Seconds between attempts; after the last one it waits in its member's inbox."""
INBOX_LIFE = 7 * 86_400.0
"""Seconds that something waits in the inbox; then the charge goes back."""
INBOX_LINES = 10
LATE_START = 160.0
"""
Seconds before the end of a token at which its message asks for a fresh one: twelve minutes after the interaction, the
courier's own margin deducted.
"""
USUAL_DURATION = 6.0
"""Seconds a picture takes of whose shape none was made yet."""
REMEMBERED = 50
KNOWN_FOR = 30.0
"""Seconds for which a shape's usual duration is not read again."""
MOST = 1_000
_DECIDED = (JobState.BLOCKED, JobState.CANCELLED)
UNPLACED_PAUSE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A job's end, with its pictures, what its member has left, and the case in which it was decided."""

    job: Job
    pictures: Sequence[Picture]
    quota: Quota
    case: Case | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """
    How a waiting job stands: *ahead* jobs before it, *starts_at* in unix seconds.

    *pause* is what holds everybody up, *preview* how far it is drawn.
    """

    job: Job
    ahead: int
    starts_at: float
    pause: Pause | None = None
    preview: Preview | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """How many jobs wait, and about how many *seconds* they will take."""

    n: int
    seconds: float


class Deliveries:
    """The courier's desk."""

    def __init__(
        self,
        jobs: JobStore,
        store: DeliveryStore,
        cases: CaseStore,
        guilds: Guilds,
        patience: Patience,
        previews: Previews,
        bell: Bell,
        clock: Clock,
        *,
        accounts: int = 1,
        retry: Sequence[float] = RETRY,
    ) -> None:
        self._patience = patience
        self._previews = previews
        self._retry = retry
        self._jobs = jobs
        self._store = store
        self._cases = cases
        self._guilds = guilds
        self._bell = bell
        self._clock = clock
        self._accounts = max(1, accounts)
        self._known: dict[str, tuple[float, float]] = {}

    def listen(self, *, to_show: bool = False) -> AbstractContextManager[Listener]:
        """Hear which jobs changed, or have an end *to_show*, in this process and without a promise."""
        return self._bell.listen(to_show=to_show)

    async def next(self) -> Parcel | None:
        """The next end to be shown, leased to the caller for 60 s; None when nothing waits."""
        job = await self._store.next_delivery(self._clock(), LEASE)
        return await self.parcel_of(job) if job is not None else None

    async def parcel_of(self, job: Job) -> Parcel:
        """All that is said and shown of an end."""
        pictures = await self._jobs.pictures(job.id) if job.state is JobState.DONE else ()
        now = self._clock()
        standing = await self._jobs.standing(job.requester, now)
        quota = quota_of(self._guilds.limits(job.requester), standing, now)
        case = await self._cases.case_of_job(job.id) if job.state in _DECIDED else None
        return Parcel(job=job, pictures=pictures, quota=quota, case=case)

    async def undelivered(self) -> int:
        """How many ends could be shown now, or are being shown."""
        return await self._store.undelivered(self._clock())

    async def hold(self, job: Job) -> bool:
        """Have it for another 60 s; False once somebody else has it, or it is over."""
        return await self._store.hold_delivery(job, self._clock() + LEASE)

    async def shown(self, job: Job, message_id: int | None) -> None:
        """The member has it."""
        await self._store.shown(job.id, self._clock(), message_id)
        self._bell.ring(job.id, to_show=False)

    async def later(self, job: Job) -> bool:
        """Could not be shown now: try again after a while; False when that was the last try and the inbox has it."""
        if job.delivery_tries > len(self._retry):
            await self.keep(job)
            return False
        await self._store.retry_delivery(job.id, self._clock() + self._retry[max(job.delivery_tries, 1) - 1])
        return True

    async def soon(self, job: Job) -> None:
        """Its message does not exist yet: that was no try."""
        await self._store.retry_delivery(job.id, self._clock() + UNPLACED_PAUSE, give_back_try=True)

    async def keep(self, job: Job, *, shown_as: Likeness | None = None, message_id: int | None = None) -> None:
        """It waits in its member's inbox, where it counts as delivered; see `DeliveryStore.keep`."""
        now = self._clock()
        await self._store.keep(job.id, now, now + INBOX_LIFE, shown_as=shown_as, message_id=message_id)
        self._bell.ring(job.id, to_show=False)

    async def lapse(self, job: Job) -> None:
        """It can never be shown: the member gets the charge back."""
        await self._store.lapse(job.id, self._clock())
        self._bell.ring(job.id, to_show=False)

    @asynccontextmanager
    async def editing(self, job: Job) -> AsyncIterator[bool]:
        """
        Whether the waiting message of *job* may be edited in the block: one process does, and not after the result.

        The process of its shard edits it, as long as no other shows its end; one that is alone need not ask.
        """
        if self._guilds.house.shards.are_all:
            yield True
            return
        now = self._clock()
        until = now + LINE_LEASE
        if not self._guilds.house.shards.serve(job.requester.scope) or not await self._store.hold(job.id, now, until):
            yield False
            return
        try:
            yield True
        finally:
            await self._store.let_go(job.id, until)

    async def note_nonce(self, job: Job, nonce: str) -> Noted:
        """Write down a new message's nonce before it is sent, or say what was noted of it before."""
        return await self._store.note_nonce(job.id, nonce, self._clock())

    async def note_posted(self, job: Job, nonce: str, message_id: int) -> None:
        """Write down which message became of a nonce."""
        await self._store.note_posted(job.id, nonce, message_id)

    async def messages_of(self, job: Job) -> Sequence[int]:
        """The messages in its channel that show a job's pictures, as far as is known."""
        placed = [job.place.message_id] if job.place is not None and job.place.message_id is not None else []
        return list(dict.fromkeys([*placed, *await self._store.posted(job.id)]))

    def seconds_since(self, at: float) -> float:
        """How long ago that was."""
        return self._clock() - at

    # --- the inbox

    async def inbox(self, user_id: int) -> tuple[Sequence[Job], int]:
        """The ten oldest of what waits in a member's inbox, and how much waits there in all."""
        return await self._store.inbox(user_id, INBOX_LINES), await self._store.in_inbox(user_id)

    async def count_inbox(self, user_id: int) -> int:
        """How much waits in a member's inbox, over all servers."""
        return await self._store.in_inbox(user_id)

    async def in_inbox(self, requester: Requester, job_id: int) -> Job:
        """
        What *requester* may collect where they stand.

        Raises `Refused` ``inbox.gone``, without saying whose it is, and ``inbox.age`` for a picture from an
        age-restricted channel in one that is not.
        """
        job = await self._jobs.get(job_id)
        if job is None or job.user_id != requester.user_id or job.delivery is not Delivery.INBOX:
            raise Refused("inbox.gone")
        if not _may_collect(requester, job):
            raise Refused("inbox.age")
        return job

    async def collect(self, requester: Requester, job_id: int, place: Place, interaction: int) -> None:
        """Show at *place* what waits in the inbox. Raises as `in_inbox` does."""
        await self.in_inbox(requester, job_id)
        if not await self._store.collect(job_id, requester.user_id, self._clock(), place, interaction):
            raise Refused("inbox.gone")
        self._bell.ring(job_id)

    async def renew(self, requester: Requester, job_id: int, place: Place, interaction: int) -> None:
        """
        A fresh token for the message *place* of one's own job; what waits in the inbox is shown in it.

        Raises `Refused` ``inbox.gone`` where that is not the job's message, or nothing is to come any more.
        """
        job = await self._jobs.get(job_id)
        is_its_message = job is not None and job.place is not None and job.place.message_id == place.message_id
        if not is_its_message:
            raise Refused("inbox.gone")
        if await self._store.renew_place(job_id, requester.user_id, place):
            self._bell.ring(job_id)
        else:
            await self.collect(requester, job_id, place, interaction)

    async def expiring(self) -> Sequence[Job]:
        """What is waited for at places whose token is about to die."""
        now = self._clock()
        return await self._store.expiring(now, now + LATE_START)

    def wants_token(self, outlook: Outlook) -> bool:
        """Whether its message should ask for a fresh token: it has no other way, and the start passes 12 minutes."""
        place = outlook.job.place
        if place is None or not place.needs_token:
            return False
        start = outlook.starts_at if outlook.job.state is JobState.QUEUED else self._clock()
        return max(start, self._clock()) > place.token_expires - LATE_START

    # --- the line

    async def pictures(self, job_id: int) -> Sequence[Picture]:
        """The pictures of a job, while they are kept."""
        return await self._jobs.pictures(job_id)

    async def outlook(self, job_id: int) -> Outlook | None:
        """How a job that has not ended stands: waited for, or waiting for somebody's decision; None once it has."""
        job = await self._jobs.get(job_id)
        if job is None or not (job.state.is_waiting or job.state.is_undecided):
            return None
        return next(iter(await self.outlooks([job])))

    async def outlooks(self, jobs: Sequence[Job]) -> Sequence[Outlook]:
        """How several jobs stand."""
        now, pause = self._clock(), self._patience.pause()
        begin = pause.until if pause is not None and pause.until is not None else now
        busy = [await self._usual(shape) - (now - since) for shape, since in await self._jobs.in_hand()]
        in_hand = sum(max(0.0, seconds) for seconds in busy)
        return [await self._outlook(job, begin, in_hand, pause) for job in jobs]

    async def _outlook(self, job: Job, begin: float, busy: float, pause: Pause | None) -> Outlook:
        if job.state is not JobState.QUEUED:
            return Outlook(job=job, ahead=0, starts_at=begin, preview=self._previews.latest(job.id))
        before = await self._jobs.line(before=job)
        wait = (busy + await self._seconds(before)) / self._accounts
        return Outlook(job=job, ahead=sum(before.values()), starts_at=max(begin + wait, job.not_before), pause=pause)

    async def line(self) -> Line:
        """The whole line at this moment."""
        shapes = await self._jobs.line()
        return Line(n=sum(shapes.values()), seconds=await self._seconds(shapes) / self._accounts)

    async def undecided(self) -> Sequence[Job]:
        """What waits for somebody's decision."""
        return await self._jobs.undecided(MOST)

    async def waiting(self, guild_id: int | None = None, most: int = MOST) -> Sequence[Job]:
        """The first queued jobs in fair order, of all or of one server."""
        return await self._jobs.waiting(guild_id, most)

    async def _seconds(self, shapes: Mapping[str, int]) -> float:
        """How long that many jobs of each shape take one account."""
        return sum([n * await self._usual(shape) for shape, n in shapes.items()])

    async def _usual(self, shape: str) -> float:
        """
        The median of the last 50 pictures of that model and size; the database remembers them through a restart.

        It is asked again after half a minute.
        """
        seconds, until = self._known.get(shape, (USUAL_DURATION, 0.0))
        now = self._clock()
        if not until - KNOWN_FOR <= now < until:
            durations = await self._jobs.durations(shape, REMEMBERED)
            seconds = median(durations) if durations else USUAL_DURATION
            self._known[shape] = (seconds, now + KNOWN_FOR)
        return seconds


def _may_collect(requester: Requester, job: Job) -> bool:
    """A picture that was not kept safe is shown in age-restricted channels and direct messages only."""
    is_safe = job.state is not JobState.DONE or (job.request is not None and job.request.safe)
    return is_safe or requester.guild_id is None or requester.age_restricted
