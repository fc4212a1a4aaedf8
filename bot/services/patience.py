"""How long jobs wait: what holds all of them up just now, and which have waited too long for an account."""

import logging
from dataclasses import dataclass

from bot.domain.errors import Refused
from bot.domain.job import Job
from bot.ports import Clock, JobStore
from bot.services.accounts import Accounts
from bot.services.bell import Bell
from bot.services.breaker import Breaker

log = logging.getLogger(__name__)

PRICE_PATIENCE = 600.0
"""Seconds a job waits for an account on which it costs what was said."""
LOOK_EVERY = 10.0
MOST = 1_000
"""Jobs that are looked at, the next ones first; the bell remembers no more rings than that either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """
    Why nothing starts just now: *code* is the key of its sentence (``paused.down``, ``paused.account``).

    *until* is when somebody looks again (unix seconds), None where that takes the operator.
    """

    code: str
    until: float | None = None


class Patience:
    """Jobs wait rather than fail while any account may still serve them; `Upkeep` ends what waits too long for that."""

    def __init__(self, jobs: JobStore, accounts: Accounts, breaker: Breaker, bell: Bell, clock: Clock) -> None:
        self._jobs = jobs
        self._accounts = accounts
        self._breaker = breaker
        self._bell = bell
        self._clock = clock
        self._told: Pause | None = None
        self._next_look = 0.0

    def pause(self) -> Pause | None:
        """What holds everybody up; None while some account works."""
        until = self._breaker.paused_until or self._accounts.unread_until
        if until is not None:
            return Pause(code="paused.down", until=until)
        return Pause(code="paused.account") if self._accounts.are_out else None

    async def look(self) -> None:
        """Ring for everything that waits when the pause changed, and end what has waited too long."""
        if (pause := self.pause()) != self._told:
            self._told = pause
            for job in await self._jobs.waiting(None, MOST):
                self._bell.ring(job.id)
        if self._clock() >= self._next_look:
            self._next_look = self._clock() + LOOK_EVERY
            await self._give_up()

    async def _give_up(self) -> None:
        for job in await self._jobs.waiting(None, MOST):
            reason = self._reason_to_give_up(job)
            if reason is not None and await self._jobs.abandon(job.id, self._clock(), reason):
                log.info("job %s waited too long: %s", job.id, reason)
                self._bell.ring(job.id)

    def _reason_to_give_up(self, job: Job) -> str | None:
        waited = self._clock() - job.admitted_at
        if waited <= PRICE_PATIENCE or self.pause() is not None or job.request is None:
            return None
        try:
            return "failed.price" if self._accounts.price_out(job.request, job.price) else None
        except Refused:
            return "failed.price"
