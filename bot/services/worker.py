"""The worker of one account: takes the next job in fair order, has its picture made, and settles it."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.domain.anlas import UNKNOWN, Account, price
from bot.domain.errors import Forbidden, Refused, StoreError, UpstreamError
from bot.domain.guild import GuildConfig
from bot.domain.job import Job, JobState, Settlement
from bot.domain.request import Picture, Request
from bot.domain.rules import judge, never_spends
from bot.ports import AuditStore, Clock, JobStore, NovelAI
from bot.services.accounts import Accounts
from bot.services.bell import Bell
from bot.services.closing import Closing
from bot.services.deliveries import RETRY
from bot.services.guilds import Guilds
from bot.services.moderation import Moderation

log = logging.getLogger(__name__)

LEASE = 300.0
"""Seconds; longer than connecting and reading may take."""
RENEW_EVERY = 60.0
SEND_MARGIN = 30.0
"""Seconds before the lease's end after which nothing more is sent."""
TRIES = 3
PRICE_PATIENCE = 600.0
"""Seconds a job waits for an account on which it costs what was said."""
LATE = 86_400.0
"""Seconds after which a job that could not be made is taken back."""
BACK_OFF = {"failed.busy": 5.0, "failed.account": 60.0, "failed.down": 15.0}


class NotSent(Exception):
    """The job was taken away (cancelled, or the lease was lost) before anything was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds between one generation's end and the next, between a job's tries, and between those of its delivery."""

    gap: float = 1.0
    retry: float = 2.0
    settle_retry: float = 1.0
    delivery: tuple[float, ...] = RETRY


class Worker:
    """Makes pictures on one account, one at a time."""

    def __init__(
        self,
        client: NovelAI,
        accounts: Accounts,
        jobs: JobStore,
        audit: AuditStore,
        guilds: Guilds,
        moderation: Moderation,
        bell: Bell,
        closing: Closing,
        clock: Clock,
        *,
        holder: str,
        pace: Pace | None = None,
    ) -> None:
        self._client = client
        self._accounts = accounts
        self._jobs = jobs
        self._audit = audit
        self._guilds = guilds
        self._moderation = moderation
        self._bell = bell
        self._closing = closing
        self._clock = clock
        self._holder = holder
        self._pace = pace or Pace()
        self._waits_until = 0.0
        self._is_refused = False

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
        if self._accounts.is_stopped(self._client) or self._clock() < self._waits_until:
            return False
        job = await self._jobs.claim(self._client.account_id, self._holder, self._clock(), LEASE)
        if job is None:
            return False
        send_by = time.monotonic() + LEASE - SEND_MARGIN
        async with self._renewed(job):
            self._bell.ring(job.id)
            try:
                await self._make(job, send_by)
            except StoreError:
                log.exception("job %s: the database failed on the way; it is put right first", job.id)
                await self._put_right(job)
        self._bell.ring(job.id)
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

    async def _make(self, job: Job, send_by: float) -> None:
        account = await self._accounts.fresh(self._client)
        request = job.request
        if request is None or job.tries > TRIES:
            return await self._fail(job, "failed.novelai", spent=job.spent)
        try:
            if not await self._may_send(job, request, account):
                return None
            pictures = await self._client.run(request, lambda: self._send(job), deadline=send_by)
        except NotSent:
            return None
        except UpstreamError as error:
            return await self._failed_upstream(job, error)
        self._is_refused = False
        done = Settlement(state=JobState.DONE, charged_anlas=job.price, charged_pictures=job.pictures, spent=job.price)
        await self._settle(job, done, pictures)
        await self._watch_balance(job, account)
        return None

    async def _may_send(self, job: Job, request: Request, account: Account) -> bool:
        """Ask rules, never-spend and price once more, for this account; False when the job was dealt with."""
        config = self._guilds.config(job.requester)
        try:
            judge(job.requester, request, self._moderation.ground(job.requester))
            current = price(request, account).total
        except Refused as refusal:
            log.info("job %s may not be made any more: %s", job.id, refusal.code)
            await self._settle(job, _unpaid(JobState.BLOCKED, "blocked.rules"))
            if isinstance(refusal, Forbidden):
                await self._moderation.note_refusal(job.requester, refusal)
            return False
        if job.price and (code := self._never_spends(job, config)):
            await self._fail(job, code)
            return False
        if account == UNKNOWN:
            # Whether it draws anything free is not known, so nothing is sent to it until it can be read again.
            await self._back_off(job, UpstreamError("failed.down", billed=False, again=True))
            return False
        if current > job.price:
            await self._wait_for_price(job)
            return False
        return True

    def _never_spends(self, job: Job, config: GuildConfig | None) -> str | None:
        return never_spends(config or GuildConfig(), self._guilds.house, is_direct=not job.requester.scope)

    async def _wait_for_price(self, job: Job) -> None:
        if self._clock() - job.admitted_at > PRICE_PATIENCE:
            return await self._fail(job, "failed.price")
        await self._jobs.hand_back(job, self._clock() + BACK_OFF["failed.down"], give_back_try=True)
        await self._accounts.read(self._client)
        return None

    async def _send(self, job: Job) -> None:
        if self._closing.has_begun:
            await self._jobs.hand_back(job, self._clock(), give_back_try=True)
            raise NotSent
        if not await self._jobs.send(job, self._clock(), job.price):
            raise NotSent
        self._bell.ring(job.id)

    async def _failed_upstream(self, job: Job, error: UpstreamError) -> None:
        log.warning("job %s: NovelAI failed: %s (billed: %s)", job.id, error, error.billed)
        if error.again:
            return await self._back_off(job, error)
        if error.billed is False:
            return await self._fail(job, error.code)
        if job.price:
            await self._fail(job, error.code, spent=job.price)
            await self._audit.write(self._clock(), "account.lost", job_id=job.id, data={"anlas": job.price})
            return None
        if job.tries >= TRIES:
            return await self._fail(job, error.code)
        wait = self._pace.retry * 2 ** (job.tries - 1)
        await self._hand_back(job, self._clock() + wait, give_back_try=False)
        return None

    async def _back_off(self, job: Job, error: UpstreamError) -> None:
        """Refused and not billed: the account pauses, the job keeps its turn and its tries."""
        now = self._clock()
        if now - job.admitted_at > LATE:
            return await self._fail(job, "failed.late")
        wait = error.retry_after or BACK_OFF.get(error.code, self._pace.retry)
        self._waits_until = now + wait
        await self._hand_back(job, now + wait, give_back_try=True)
        if error.code == "failed.account":
            await self._accounts.read(self._client)
            await self._tell_refused(job)
        return None

    async def _tell_refused(self, job: Job) -> None:
        """Once for each time that NovelAI stops taking the account; a picture that comes back ends it."""
        if not self._is_refused:
            self._is_refused = True
            await self._audit.write(self._clock(), "account.refused", job_id=job.id)

    async def _fail(self, job: Job, reason: str, *, spent: int = 0) -> None:
        await self._settle(job, _unpaid(JobState.FAILED, reason, spent=spent))

    async def _settle(self, job: Job, settlement: Settlement, pictures: Sequence[Picture] = ()) -> None:
        """Settle, however long the database takes: the picture waits in memory and nothing else is claimed."""
        await self._patiently(job, lambda: self._jobs.settle(job, self._clock(), settlement, pictures))

    async def _hand_back(self, job: Job, not_before: float, *, give_back_try: bool) -> None:
        """Back into the queue, however long the database takes: only this process knows that nothing was billed."""
        await self._patiently(job, lambda: self._jobs.hand_back(job, not_before, give_back_try=give_back_try))

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

    async def _watch_balance(self, job: Job, before: Account) -> None:
        after = await self._accounts.read(self._client)
        if before.anlas is None or after.anlas is None:
            return
        drift = before.anlas - after.anlas - job.price
        if not drift:
            return
        log.error("account %s: balance moved by %s Anlas more than job %s", self._client.account_id, drift, job.id)
        await self._audit.write(self._clock(), "account.drift", job_id=job.id, data={"anlas": drift})
        if not job.price and after.anlas < before.anlas:
            self._accounts.stop(self._client)
            await self._audit.write(self._clock(), "account.stopped", job_id=job.id)

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


def _unpaid(state: JobState, reason: str, *, spent: int = 0) -> Settlement:
    return Settlement(state=state, charged_anlas=0, charged_pictures=0, spent=spent, reason=reason)
