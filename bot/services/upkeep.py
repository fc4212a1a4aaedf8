"""Putting things right at the start, and keeping them so: recovery, expired tokens, pictures, inboxes, servers."""

import logging
from collections.abc import Sequence

from bot.domain.guild import HouseConfig
from bot.domain.job import Job
from bot.ports import Clock, DeliveryStore, JobStore, PrivacyStore
from bot.services.bell import Bell
from bot.services.cases import Cases
from bot.services.departures import Departures

log = logging.getLogger(__name__)

DAY = 86_400.0
LATE = "failed.late"
"""Why a job ends that could not be made in time."""
PICTURE_LIFE = 3_600.0
"""Seconds a picture is kept after it was shown."""


class Upkeep:
    """The housekeeper."""

    def __init__(
        self,
        jobs: JobStore,
        deliveries: DeliveryStore,
        privacy: PrivacyStore,
        departures: Departures,
        cases: Cases,
        house: HouseConfig,
        bell: Bell,
        clock: Clock,
        *,
        holder: str | None = None,
    ) -> None:
        self._holder = holder
        self._house = house
        self._departures = departures
        self._cases = cases
        self._jobs = jobs
        self._deliveries = deliveries
        self._privacy = privacy
        self._bell = bell
        self._clock = clock

    async def recover(self) -> None:
        """After a start: whatever an earlier process left unfinished is put back, or ended at no charge."""
        self._tell(await self._jobs.recover(self._clock(), self._holder))

    async def reap(self) -> None:
        """The same for what lies on an account whose lease ran out: its process died, and may be another's."""
        self._tell(await self._jobs.reap(self._clock()))

    def _tell(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            log.info("job %s recovered: %s %s", job.id, job.state, job.reason or "")
            self._bell.ring(job.id)

    async def tidy(self) -> None:
        """
        Take back what could not be started in time; erase dead tokens, pictures that were shown an hour ago, and
        requests and words of decisions older than the operator keeps them.

        What nobody decided in time is discarded, what lay in an inbox for a week gives its charge back, and servers
        that left a month ago are forgotten.
        """
        now = self._clock()
        await self.reap()
        for job in await self._jobs.give_up(now - self._house.late, now, LATE):
            log.info("job %s could not be started in time", job.id)
            self._bell.ring(job.id)
        for job in await self._deliveries.lapse_inbox(now):
            self._bell.ring(job.id)
        await self._cases.expire()
        kept_since = now - self._house.retention_days * DAY
        await self._deliveries.forget_requests(kept_since)
        await self._privacy.forget_decisions(kept_since, now)
        await self._deliveries.forget_tokens(now)
        await self._deliveries.purge_pictures(now - PICTURE_LIFE)
        await self._departures.forget()
