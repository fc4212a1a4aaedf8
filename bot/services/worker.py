"""The worker of one account: takes the next job in fair order, has its picture made, and settles it."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from bot.domain.anlas import ENCODING, UNKNOWN, Account, price
from bot.domain.case import Filing
from bot.domain.errors import Forbidden, Refused, StoreError, UpstreamError
from bot.domain.guild import GuildConfig
from bot.domain.inputs import Input, InputKind, Inputs
from bot.domain.job import Job, JobState, Settlement
from bot.domain.model import VibeForm
from bot.domain.rating import Showing
from bot.domain.request import Generate, Picture, Request
from bot.domain.rules import judge, never_spends, shows_previews
from bot.domain.tools import EncodeVibe
from bot.ports import AuditStore, Clock, JobStore, NovelAI
from bot.services.accounts import FRESH, Accounts
from bot.services.bell import Bell
from bot.services.breaker import Breaker
from bot.services.checks import LOCKED, Checks, Doubt
from bot.services.closing import Closing
from bot.services.deliveries import RETRY
from bot.services.guilds import Guilds
from bot.services.moderation import Moderation
from bot.services.patience import Patience
from bot.services.previews import Previews
from bot.services.sanctions import Sanctions

log = logging.getLogger(__name__)

LEASE = 300.0
"""Seconds; longer than connecting and reading may take."""
RENEW_EVERY = 60.0
SEND_MARGIN = 30.0
"""Seconds before the lease's end after which nothing more is sent."""
TRIES = 3
INTERNAL_ERROR = 500
READING = 25.0
"""Seconds, at most, that reading the balance takes afterwards; nobody else has the account until it is read."""
POOR = 60.0
"""Seconds for which a job is left to others that this account cannot pay for."""

T = TypeVar("T")


class NotSent(Exception):
    """The job was taken away (cancelled, blocked, or the lease was lost) before anything was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds between one generation's end and the next, between a job's tries, and between those of its delivery."""

    gap: float = 1.0
    retry: float = 2.0
    settle_retry: float = 1.0
    delivery: tuple[float, ...] = RETRY


@dataclass(slots=True, kw_only=True)
class Attempt:
    """
    A job on this account: *cost* is its price here, *send_by* a value of `time.monotonic`.

    *before* is the account as it was read, *spent* is what is believed paid as soon as a body was sent, *is_sent*
    whether one was.
    """

    job: Job
    request: Request
    cost: int
    send_by: float
    before: Account
    spent: int = 0
    is_sent: bool = False


class Worker:
    """Makes pictures on one account, one at a time."""

    def __init__(
        self,
        client: NovelAI,
        accounts: Accounts,
        breaker: Breaker,
        patience: Patience,
        previews: Previews,
        jobs: JobStore,
        audit: AuditStore,
        guilds: Guilds,
        moderation: Moderation,
        checks: Checks,
        sanctions: Sanctions,
        bell: Bell,
        closing: Closing,
        clock: Clock,
        *,
        holder: str,
        pace: Pace | None = None,
    ) -> None:
        self._client = client
        self._accounts = accounts
        self._breaker = breaker
        self._patience = patience
        self._previews = previews
        self._jobs = jobs
        self._audit = audit
        self._guilds = guilds
        self._moderation = moderation
        self._checks = checks
        self._sanctions = sanctions
        self._bell = bell
        self._closing = closing
        self._clock = clock
        self._holder = holder
        self._pace = pace or Pace()

    async def run(self) -> None:
        """Work until the house closes; wakes at each change, and every second for jobs whose time has come."""
        await self._closing.comes_before(self._guilds.are_known)
        with self._bell.listen() as listener:
            while not self._closing.has_begun:
                listener.drain()
                if await self.step():
                    await asyncio.sleep(self._pace.gap)
                else:
                    await listener.next(within=1.0)

    async def step(self) -> bool:
        """Take one job to its end, or back into the queue; False when there was nothing to do."""
        await self._patience.look()
        if self._moderation.canary.is_silent:
            return False
        if not self._breaker.enter(self._client.account_id):
            return False
        try:
            job = await self._claim()
            if job is None:
                return False
            send_by = time.monotonic() + LEASE - SEND_MARGIN
            async with self._renewed(job):
                self._bell.ring(job.id, to_show=False)
                try:
                    await self._make(job, send_by)
                except StoreError:
                    log.exception("job %s: the database failed on the way; it is put right first", job.id)
                    await self._put_right(job)
            self._bell.ring(job.id)
        finally:
            self._breaker.leave(self._client.account_id)
        await self._patience.look()
        return True

    async def _put_right(self, job: Job) -> None:
        """
        Judge a job whose step broke off as after a crash, however long the database takes.

        It would else lie on this account, which takes nothing more, until the lease runs out.
        """
        await self._patiently(job, lambda: self._judge_again(job))

    async def _judge_again(self, job: Job) -> None:
        current = await self._jobs.get(job.id)
        if current is None or current.fence != job.fence:
            return
        if current.state is JobState.SENT and current.spent:
            await self._fail(job, "failed.answer", spent=current.spent)
        elif current.state in (JobState.RUNNING, JobState.SENT):
            await self._jobs.hand_back(job, self._clock() + self._pace.retry, give_back_try=False)

    async def _claim(self) -> Job | None:
        account = await self._accounts.ready(self._client)
        if account is None:
            return None
        job = await self._claim_for(account, self._breaker.tried)
        if job is None and self._breaker.tried:
            self._breaker.forget_tried()
            job = await self._claim_for(account, ())
        return job

    async def _claim_for(self, account: Account, tried: Collection[int]) -> Job | None:
        return await self._jobs.claim(
            self._client.account_id,
            self._holder,
            self._clock(),
            LEASE,
            at_least=0 if account.draws_free else 1,
            passing=[*self._accounts.passing(self._client), *tried],
        )

    async def _make(self, job: Job, send_by: float) -> None:
        request = job.request
        if request is None or job.tries > TRIES:
            return await self._fail(job, "failed.novelai", spent=job.spent)
        if (before := await self._before(job)) is None:
            return None
        if (cost := await self._cost(job, request, before)) is None:
            return None
        attempt = Attempt(job=job, request=request, cost=cost, send_by=send_by, before=before)
        try:
            pictures = await self._run(attempt)
        except NotSent:
            return None
        except UpstreamError as error:
            return await self._failed_upstream(attempt, error)
        self._breaker.note_answer()
        await self._accounts.note_made(self._client)
        return await self._done(attempt, pictures)

    # --- before it is sent -------------------------------------------------------------------------------------------

    async def _before(self, job: Job) -> Account | None:
        """
        The account as it is now; None when the job was handed back, because NovelAI does not answer.

        While it counts as down, this reading, which costs nothing, is the first look.
        """
        before = await self._accounts.before(self._client, job, anew=bool(job.price) or self._breaker.is_open)
        if before is None:
            before = UNKNOWN if self._breaker.is_open else self._accounts.known(self._client)
        if before != UNKNOWN:
            return before
        self._breaker.note_failure(None)
        await self._hand_back(job)
        return None

    async def _cost(self, job: Job, request: Request, account: Account) -> int | None:
        """Ask rules, never-spend and price once more, for this account; None when the job was dealt with."""
        try:
            approved = job.approver is not None or job.requester.may_moderate
            judge(job.requester, request, self._moderation.ground(job.requester), approved=approved)
            cost = price(request, account).total
        except Refused as refusal:
            log.info("job %s may not be made any more: %s", job.id, refusal.code)
            forgets = refusal.code == LOCKED
            await self._settle(job, replace(_unpaid(JobState.BLOCKED, "blocked.rules"), forgets=forgets))
            if isinstance(refusal, Forbidden):
                await self._sanctions.note_refusal(job.requester, refusal)
            return None
        if job.price and cost and (code := self._never_spends(job)):
            await self._fail(job, code)
            return None
        if self._is_left(job, request, cost, account):
            await self._hand_back(job)
            return None
        return cost

    def _never_spends(self, job: Job) -> str | None:
        config = self._guilds.config(job.requester) or GuildConfig()
        return never_spends(config, self._guilds.house, is_direct=not job.requester.scope)

    def _is_left(self, job: Job, request: Request, cost: int, account: Account) -> bool:
        """Whether it is left to another account: it costs more here than was said or is there, or less elsewhere."""
        if cost > job.price:
            self._accounts.pass_over(self._client, job.id, FRESH)
            return True
        if account.anlas is not None and cost > account.anlas:
            self._accounts.pass_over(self._client, job.id, POOR)
            return True
        return self._accounts.leaves_it(self._client, job, request, cost)

    # --- sending -----------------------------------------------------------------------------------------------------

    async def _run(self, attempt: Attempt) -> list[Picture]:
        job, request = attempt.job, attempt.request
        inputs = await self._jobs.inputs(job.id) if request.inputs else {}
        if inputs:
            await self._check_inputs(job, request, inputs)
        if isinstance(request, Generate) and request.row.vibes is VibeForm.ENCODING:
            request, inputs = await self._encoded(attempt, request, inputs)

        async def post(send: Callable[[], Awaitable[None]]) -> list[Picture]:
            return await self._post(attempt, request, inputs, send)

        return await self._sent(attempt, attempt.cost, post)

    async def _check_inputs(self, job: Job, request: Request, inputs: Inputs) -> None:
        """Nothing is drawn from an image that could not be shown here itself; it costs nobody anything."""
        look = await self._checks.look_at_inputs(job, request, inputs)
        if look.showing is Showing.HOLD:
            await self._settle(job, _unpaid(JobState.BLOCKED, "blocked.image"))
            raise NotSent

    async def _post(
        self, attempt: Attempt, request: Request, inputs: Inputs, send: Callable[[], Awaitable[None]]
    ) -> list[Picture]:
        """A free job whose stream broke is asked for again without one: streams are for first tries."""
        job, deadline = attempt.job, attempt.send_by
        if not isinstance(request, Generate) or not request.row.streams or job.tries > 1:
            return await self._client.run(request, send, deadline=deadline, inputs=inputs)
        shows = shows_previews(job.requester, request, self._moderation.ground(job.requester))
        with self._previews.of(job.id, shows=shows) as watch:
            return await self._client.run(request, send, deadline=deadline, inputs=inputs, watch=watch)

    async def _encoded(self, attempt: Attempt, request: Generate, inputs: Inputs) -> tuple[Generate, Inputs]:
        """Have the vibes encoded that are not, each paid before the picture; the request and inputs to draw from."""
        vibes, images = list(request.vibes), dict(inputs)
        for n, vibe in enumerate(vibes):
            place = Input(InputKind.VIBE, n)
            if vibe.encoded or place not in images:
                continue
            wanted = EncodeVibe(model=request.sampling.model, information_extracted=vibe.information_extracted)
            images[place] = await self._encode(attempt, wanted, images[place])
            vibes[n] = replace(vibe, encoded=True)
            await asyncio.sleep(self._pace.gap)
        return replace(request, vibes=tuple(vibes)), images

    async def _encode(self, attempt: Attempt, wanted: EncodeVibe, image: bytes) -> bytes:
        async def post(send: Callable[[], Awaitable[None]]) -> bytes:
            return await self._client.encode_vibe(wanted, image, send, deadline=attempt.send_by)

        return await self._sent(attempt, attempt.spent + ENCODING, post)

    async def _sent(
        self, attempt: Attempt, spent: int, post: Callable[[Callable[[], Awaitable[None]]], Awaitable[T]]
    ) -> T:
        """
        What *post* gets, with *spent* on the row before its first byte.

        What is refused without being billed is waited out here once an encoding was paid: a job that went back into the
        queue would pay for it again.
        """
        paid = attempt.spent
        while True:
            try:
                return await post(lambda: self._send(attempt, spent))
            except UpstreamError as error:
                if error.billed is not False:
                    raise
                attempt.spent = paid
                if not (paid and error.code == "failed.busy"):
                    raise
                wait = self._accounts.rest_when_busy(self._client, error.retry_after)
                if time.monotonic() + wait > attempt.send_by:
                    raise
                await asyncio.sleep(wait)

    async def _send(self, attempt: Attempt, spent: int) -> None:
        job = attempt.job
        if self._closing.has_begun and not attempt.is_sent:
            await self._hand_back(job)
            raise NotSent
        write = self._jobs.send_more if attempt.is_sent else self._jobs.send
        if not await write(job, self._clock(), spent):
            raise NotSent
        attempt.is_sent, attempt.spent = True, spent
        self._bell.ring(job.id, to_show=False)

    # --- what became of it -------------------------------------------------------------------------------------------

    async def _done(self, attempt: Attempt, pictures: Sequence[Picture]) -> None:
        """The member pays what it cost here, which may be less than was said."""
        job = attempt.job
        done = Settlement(
            state=JobState.DONE,
            charged_anlas=min(attempt.cost, job.price),
            charged_pictures=job.pictures,
            spent=attempt.spent,
        )
        look = await self._checks.look(job, attempt.request, pictures)
        settlement, filing = self._checks.settlement(job, look, done)
        kept = pictures if settlement.state is not JobState.BLOCKED else ()
        await self._settle(job, settlement, kept, keeping=True, filing=filing)
        if settlement.state is JobState.BLOCKED and look.doubt is not Doubt.UNRATED:
            await self._sanctions.note_picture(job, attempt.spent, is_locked=look.is_locked)
        await self._watch_balance(attempt)

    async def _failed_upstream(self, attempt: Attempt, error: UpstreamError) -> None:
        job = attempt.job
        log.warning("job %s: NovelAI failed: %s (billed: %s)", job.id, error, error.billed)
        if error.billed is False and error.again and not attempt.spent:
            return await self._back_off(job, error)
        if error.billed is False:
            self._breaker.note_answer()
        else:
            self._breaker.note_failure(job.id)
        if attempt.spent:
            return await self._lose(attempt, error)
        if error.billed is False:
            return await self._fail(job, error.code)
        return await self._try_again(job, error)

    async def _lose(self, attempt: Attempt, error: UpstreamError) -> None:
        """Paid, or believed to be: it is not sent again, and costs the member nothing."""
        job = attempt.job
        code = "failed.novelai" if error.again else error.code
        await self._settle(job, _unpaid(JobState.FAILED, code, spent=attempt.spent), keeping=True)
        data = {"anlas": attempt.spent, "account": self._client.account_id}
        await self._audit.write(self._clock(), "account.lost", job_id=job.id, data=data)
        await self._watch_balance(attempt)

    async def _try_again(self, job: Job, error: UpstreamError) -> None:
        """A free job: three times, or, while NovelAI is away, as long as it takes."""
        waits = self._breaker.is_open and _is_away(error)
        if job.tries >= TRIES and not waits:
            return await self._fail(job, error.code)
        now = self._clock()
        wait = now + self._pace.retry * 2 ** (job.tries - 1)
        await self._hand_back(job, wait, give_back_try=waits, rest_until=now + self._pace.gap)
        return None

    async def _back_off(self, job: Job, error: UpstreamError) -> None:
        """Refused and not billed: the account pauses or leaves the pool, the job keeps its turn and its tries."""
        now, rest = self._clock(), 0.0
        match error.code:
            case "failed.busy":
                self._breaker.note_answer()
                rest = now + self._accounts.rest_when_busy(self._client, error.retry_after)
            case "failed.account":
                self._breaker.note_answer()
                await self._accounts.refuse(self._client, job)
            case _:
                self._breaker.note_failure(None)
                self._accounts.rest(self._client, self._pace.retry)
        await self._hand_back(job, now, rest_until=rest)

    async def _fail(self, job: Job, reason: str, *, spent: int = 0) -> None:
        await self._settle(job, _unpaid(JobState.FAILED, reason, spent=spent))

    async def _settle(
        self,
        job: Job,
        settlement: Settlement,
        pictures: Sequence[Picture] = (),
        *,
        keeping: bool = False,
        filing: Filing | None = None,
    ) -> None:
        """
        Settle, however long the database takes: the picture waits in memory and nothing else is claimed.

        *keeping* the account: it rests until its balance was read.
        """

        def write() -> Awaitable[bool]:
            now = self._clock()
            rest_until = now + READING if keeping else 0.0
            return self._jobs.settle(job, now, settlement, pictures, rest_until=rest_until, filing=filing)

        await self._patiently(job, write)

    async def _hand_back(
        self, job: Job, not_before: float | None = None, *, give_back_try: bool = True, rest_until: float = 0.0
    ) -> None:
        """Back into the queue, however long the database takes: only this process knows that nothing was billed."""
        when = self._clock() if not_before is None else not_before
        await self._patiently(
            job, lambda: self._jobs.hand_back(job, when, give_back_try=give_back_try, rest_until=rest_until)
        )

    async def _patiently(self, job: Job, write: Callable[[], Awaitable[object]]) -> None:
        wait = self._pace.settle_retry
        while True:
            try:
                await write()
            except StoreError:
                log.exception("job %s: the database failed, trying again in %.0f s", job.id, wait)
                await asyncio.sleep(wait)
                wait = min(wait * 2, 30.0)
            else:
                return

    async def _watch_balance(self, attempt: Attempt) -> None:
        """Whether the balance moved by what is believed spent; then the account is free after its pause."""
        self._bell.ring(attempt.job.id)
        try:
            after = await self._accounts.after(self._client, attempt.job, attempt.spent)
            if after is not None:
                await self._note_drift(attempt, after)
        finally:
            await self._jobs.rest(attempt.job, self._clock() + self._pace.gap)

    async def _note_drift(self, attempt: Attempt, after: Account) -> None:
        before, job = attempt.before, attempt.job
        if before.anlas is None or after.anlas is None:
            return
        drift = before.anlas - after.anlas - attempt.spent
        if not drift:
            return
        account = self._client.account_id
        log.error("account %s: balance moved by %s Anlas more than job %s", account, drift, job.id)
        data = {"anlas": drift, "account": account}
        await self._audit.write(self._clock(), "account.drift", job_id=job.id, data=data)
        if not attempt.spent and drift > 0 and not _explains_itself(attempt, after):
            await self._accounts.stop(self._client, job)

    @asynccontextmanager
    async def _renewed(self, job: Job) -> AsyncIterator[None]:
        renewing = asyncio.create_task(self._renew(job), name=f"renew-{job.id}")
        try:
            yield
        finally:
            renewing.cancel()

    async def _renew(self, job: Job) -> None:
        while True:
            await asyncio.sleep(RENEW_EVERY)
            try:
                await self._jobs.renew(job, self._clock() + LEASE)
            except StoreError:
                log.exception("job %s: renewing the lease failed", job.id)


def _is_away(error: UpstreamError) -> bool:
    """
    Whether NovelAI does not answer (502 to 504 and the like, silence, a cut), so that it cannot be the job's fault.

    500 and what cannot be read may be (nai-api.md 7).
    """
    status = error.data.get("status")
    return status != INTERNAL_ERROR if isinstance(status, int) else "what" not in error.data


def _explains_itself(attempt: Attempt, after: Account) -> bool:
    """V5's bar ran out meanwhile, on the site for instance: the picture was not free any more, and the price knows."""
    has_bar = isinstance(attempt.request, Generate) and attempt.request.row.usage_bar
    return has_bar and after.bar_is_used_up


def _unpaid(state: JobState, reason: str, *, spent: int = 0) -> Settlement:
    return Settlement(state=state, charged_anlas=0, charged_pictures=0, spent=spent, reason=reason)
