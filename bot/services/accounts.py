"""The pool of NovelAI accounts: what was read of each, which may work now, and which wait for their owner."""

import asyncio
import logging
import random
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from bot.domain.anlas import UNKNOWN, Account, Price, price
from bot.domain.errors import UpstreamError
from bot.domain.job import Job
from bot.domain.request import Request
from bot.ports import ACCOUNT_REFUSED, ACCOUNT_STOPPED, AuditStore, Clock, GuildStore, NovelAI

log = logging.getLogger(__name__)

FRESH = 600.0
"""Seconds for which a reading of tier and balance is believed."""
RECENT = 30.0
"""Seconds for which a balance counts as the one before a free job, if nothing was drawn on the account since."""
READ_AGAIN = (15.0, 300.0)
"""Seconds, first and at most, until an account that did not answer is read again."""
PROBE = (60.0, 3_600.0)
"""Seconds, first and at most, until an account that NovelAI refused is read again."""
BUSY = (5.0, 60.0)
"""Seconds, first and at most, for which an account rests after a 429 (nai-api.md 7)."""
JITTER = 0.3
"""The part by which such a rest is made longer at random, so that several do not come back together."""
PREFER = 30.0
"""Seconds for which a job is left to another account that draws it for less."""
PASSING_MOST = 500


@dataclass(slots=True)
class Seat:
    """What is known of one account. *fence* is the lease under which it was read; moments are unix seconds."""

    account: Account = UNKNOWN
    read_at: float = 0.0
    fence: int = -1
    misses: int = 0
    next_read: float = 0.0
    busy: int = 0
    rests_until: float = 0.0
    is_out: bool = False
    is_told: bool = False
    refusals: int = 0
    is_stopped: bool = False
    passing: dict[int, float] = field(default_factory=dict)
    """Jobs that this account leaves to others, and until when."""


def _doubled(span: tuple[float, float], n: int) -> float:
    first, most = span
    return min(first * 2.0 ** min(n, 12), most)


class Accounts:
    """
    The accounts this process may use.

    Out of the pool is one that NovelAI refuses (401, 402, 403) until it can be read again, and one that paid for a free
    picture until the operator's word; both are remembered, and the operator is told once.
    """

    def __init__(self, clients: Sequence[NovelAI], memory: GuildStore, audit: AuditStore, clock: Clock) -> None:
        self.clients = tuple(clients)
        self._memory = memory
        self._audit = audit
        self._clock = clock
        self._seats = {client.account_id: Seat() for client in self.clients}

    async def load(self) -> None:
        """What this or another process wrote down of accounts that wait for their owner, and whether they still do."""
        for id_, seat in self._seats.items():
            seat.is_told = bool(await self._memory.recall(ACCOUNT_REFUSED + id_))
            was_stopped = seat.is_stopped
            is_stopped = bool(await self._memory.recall(ACCOUNT_STOPPED + id_))
            if was_stopped is is_stopped:
                # Also where it was stopped while that was read.
                continue
            seat.is_stopped = is_stopped
            if is_stopped:
                log.error("account %s is stopped: `naibot resume %s` lets it work again", id_, id_)

    # --- reading -----------------------------------------------------------------------------------------------------

    def known(self, client: NovelAI) -> Account:
        """The last reading, or `UNKNOWN` when it is older than ten minutes or the account was stopped."""
        seat = self._seats[client.account_id]
        is_fresh = self._clock() - seat.read_at <= FRESH
        return seat.account if is_fresh and not seat.is_stopped else UNKNOWN

    async def read(self, client: NovelAI, fence: int = -1) -> Account:
        """
        Ask NovelAI now, under the lease *fence* where there is one.

        An account that does not answer gives `UNKNOWN`; what was read of it before stays known for its ten minutes.
        """
        seat = self._seats[client.account_id]
        try:
            account = await client.account()
        except UpstreamError as error:
            log.warning("account %s could not be read: %s", client.account_id, error)
            seat.next_read = self._clock() + _doubled(READ_AGAIN, seat.misses)
            seat.misses += 1
            if error.code == "failed.account":
                seat.account = UNKNOWN
                await self._take_out(client, None)
            return UNKNOWN
        self._note(client, account, fence)
        return account

    def _note(self, client: NovelAI, account: Account, fence: int) -> None:
        seat = self._seats[client.account_id]
        if _prices(seat.account) != _prices(account):
            seat.passing.clear()
        seat.account, seat.read_at, seat.fence, seat.misses = account, self._clock(), fence, 0
        if not seat.is_out or self._clock() < seat.next_read:
            return
        if account.active:
            log.info("account %s is back", client.account_id)
            seat.is_out = False
        else:
            seat.next_read = self._clock() + _doubled(PROBE, seat.refusals)
            seat.refusals += 1

    async def read_all(self, within: float) -> None:
        """Ask for every account before anybody is served; one that does not answer in time is `UNKNOWN`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await asyncio.gather(*map(self.read, self.clients))

    async def refresh(self) -> None:
        """
        Ask for what will soon be too old, and look whether the operator gave their word.

        Nobody draws while the bot is idle, and without this the next wish would find nothing free.
        """
        await self.load()
        for client in self.clients:
            seat = self._seats[client.account_id]
            is_old = seat.account == UNKNOWN or self._clock() - seat.read_at > FRESH / 2
            if is_old and self._clock() >= seat.next_read:
                await self.read(client)

    async def ready(self, client: NovelAI) -> Account | None:
        """What the account is known to be if it may work now; None while it rests, is out, stopped, or unknown."""
        seat = self._seats[client.account_id]
        if seat.is_stopped or self._clock() < seat.rests_until:
            return None
        if seat.is_out or self.known(client) == UNKNOWN:
            if self._clock() < seat.next_read:
                return None
            await self.read(client)
        account = self.known(client)
        return None if account == UNKNOWN or seat.is_out or seat.is_stopped else account

    async def before(self, client: NovelAI, job: Job, *, anew: bool) -> Account | None:
        """
        The account as it is before *job*, whose lease is held; `UNKNOWN` where nothing is known of it.

        Read *anew* for paid work. For free work a reading of the last 30 s will do, if nobody had the account since.
        None where it was to be read anew and did not answer, but an older reading would do.
        """
        seat = self._seats[client.account_id]
        is_ours = seat.fence in (job.fence, job.fence - 1) and self._clock() - seat.read_at <= RECENT
        if is_ours and not anew:
            return self.known(client)
        account = await self.read(client, job.fence)
        return account if account != UNKNOWN else None

    async def after(self, client: NovelAI, job: Job, spent: int) -> Account | None:
        """The account after *job*; None where it did not answer, and then *spent* is taken off what is known."""
        account = await self.read(client, job.fence)
        if account != UNKNOWN:
            return account
        seat = self._seats[client.account_id]
        if seat.account.anlas is not None:
            seat.account = replace(seat.account, anlas=seat.account.anlas - spent)
            seat.fence = job.fence
        return None

    # --- who may work ------------------------------------------------------------------------------------------------

    def rest(self, client: NovelAI, seconds: float) -> None:
        """Send nothing to this account for a while."""
        seat = self._seats[client.account_id]
        seat.rests_until = max(seat.rests_until, self._clock() + seconds)

    def rest_when_busy(self, client: NovelAI, retry_after: float | None) -> float:
        """How many seconds it rests after a 429: as long as NovelAI wishes, else longer each time; and a bit more."""
        seat = self._seats[client.account_id]
        wait = _doubled(BUSY, seat.busy) if retry_after is None else retry_after
        seat.busy += 1
        wait *= random.uniform(1, 1 + JITTER)  # noqa: S311 - no secret
        self.rest(client, wait)
        return wait

    async def note_made(self, client: NovelAI) -> None:
        """A picture came back: NovelAI takes the account, and is not busy with it."""
        seat = self._seats[client.account_id]
        seat.busy = seat.refusals = 0
        seat.is_out = False
        if seat.is_told:
            seat.is_told = False
            await self._memory.remember(ACCOUNT_REFUSED + client.account_id, "")

    async def refuse(self, client: NovelAI, job: Job) -> None:
        """
        NovelAI does not take the account: it leaves the pool until it can be read again, the operator is told once.

        *job* is left to others for longer than that, for it may be the job that is not taken.
        """
        await self._take_out(client, job.id)
        wait = self._seats[client.account_id].next_read - self._clock()
        self.pass_over(client, job.id, 2 * wait)

    async def _take_out(self, client: NovelAI, job_id: int | None) -> None:
        seat, now, id_ = self._seats[client.account_id], self._clock(), client.account_id
        seat.is_out = True
        seat.next_read = now + _doubled(PROBE, seat.refusals)
        seat.refusals += 1
        if not seat.is_told:
            seat.is_told = True
            await self._audit.write(now, "account.refused", job_id=job_id, data={"account": id_})
            await self._memory.remember(ACCOUNT_REFUSED + id_, str(now))

    def is_stopped(self, client: NovelAI) -> bool:
        """Whether this account waits for the operator's word."""
        return self._seats[client.account_id].is_stopped

    async def stop(self, client: NovelAI, job: Job) -> None:
        """Send nothing more to this account until the operator's word, over restarts."""
        id_ = client.account_id
        try:
            await self._memory.remember(ACCOUNT_STOPPED + id_, str(self._clock()))
        finally:
            self.stop_named(id_)
        await self._audit.write(self._clock(), "account.stopped", job_id=job.id, data={"account": id_})

    def stop_named(self, account_id: str) -> None:
        """The same in this process alone, where another one that uses the account found out."""
        if account_id in self._seats:
            self._seats[account_id].is_stopped = True

    # --- which job ---------------------------------------------------------------------------------------------------

    def pass_over(self, client: NovelAI, job_id: int, seconds: float) -> None:
        """Leave a job to other accounts, at most until what this one is known to be changes."""
        passing = self._seats[client.account_id].passing
        passing.pop(job_id, None)
        passing[job_id] = self._clock() + seconds
        if len(passing) > PASSING_MOST:
            del passing[next(iter(passing))]

    def passing(self, client: NovelAI) -> Collection[int]:
        """The jobs that this account leaves to others now."""
        now = self._clock()
        return [id_ for id_, until in self._seats[client.account_id].passing.items() if until > now]

    def leaves_it(self, client: NovelAI, job: Job, request: Request, cost: int) -> bool:
        """Whether *job*, which costs *cost* here, is left to an account that draws it for less; once for each job."""
        if not cost or job.id in self._seats[client.account_id].passing:
            return False
        others = (other for other in self.clients if other is not client and self._may_work_soon(other))
        if any(price(request, self.known(other)).total < cost for other in others):
            self.pass_over(client, job.id, PREFER)
            return True
        return False

    def _may_work_soon(self, client: NovelAI) -> bool:
        seat = self._seats[client.account_id]
        is_able = not seat.is_out and self.known(client) != UNKNOWN
        return is_able and seat.rests_until <= self._clock() + PREFER

    def price_out(self, request: Request, most: int) -> bool:
        """Whether every account is known and able, and none of them makes *request* for *most* Anlas."""
        are_able = all(self._may_work_soon(client) for client in self.clients)
        return are_able and all(price(request, self.known(client)).total > most for client in self.clients)

    def cheapest(self, request: Request) -> Price:
        """The lowest price of *request* on any account. Raises `Refused` ``price.refused``."""
        prices = [price(request, self.known(client)) for client in self.clients] or [price(request, UNKNOWN)]
        return min(prices, key=lambda each: each.total)

    @property
    def draws_free(self) -> bool:
        """Whether some account draws small pictures for nothing."""
        return any(self.known(client).draws_free for client in self.clients)

    # --- what holds everybody up -------------------------------------------------------------------------------------

    @property
    def are_out(self) -> bool:
        """Whether every account waits for its owner."""
        seats = self._seats.values()
        return bool(seats) and all(seat.is_out or seat.is_stopped for seat in seats)

    @property
    def unread_until(self) -> float | None:
        """When the next account is read, if none is known because they do not answer; else None."""
        silent = [
            self._seats[client.account_id]
            for client in self.clients
            if not (self._seats[client.account_id].is_out or self._seats[client.account_id].is_stopped)
        ]
        if not silent or not all(seat.misses and self._clock() - seat.read_at > FRESH for seat in silent):
            return None
        return min(seat.next_read for seat in silent)


def _prices(account: Account) -> tuple[int, bool, bool]:
    """What decides which jobs an account makes, but for its balance."""
    return account.tier, account.active, account.bar_is_used_up
