"""Putting things right at the start, and keeping them so: recovery, expired tokens, pictures, inboxes, servers."""

import logging

from bot.domain.guild import HouseConfig
from bot.ports import Clock, DeliveryStore, JobStore
from bot.services.bell import Bell
from bot.services.departures import Departures

log = logging.getLogger(__name__)

DAY = 86_400.0
PICTURE_LIFE = 3_600.0
"""Seconds a picture is kept after it was shown."""


class Upkeep:
    """The housekeeper."""

    def __init__(
        self,
        jobs: JobStore,
        deliveries: DeliveryStore,
        departures: Departures,
        house: HouseConfig,
        bell: Bell,
        clock: Clock,
    ) -> None:
        self._house = house
        self._departures = departures
        self._jobs = jobs
        self._deliveries = deliveries
        self._bell = bell
        self._clock = clock

    async def recover(self) -> None:
        """After a start: whatever an earlier process left unfinished is put back, or ended at no charge."""
        for job in await self._jobs.recover(self._clock()):
            log.info("job %s recovered: %s %s", job.id, job.state, job.reason or "")
            self._bell.ring(job.id)

    async def tidy(self) -> None:
        """
        Erase dead tokens, pictures that were shown an hour ago, and requests older than the operator keeps them.

        What lay in an inbox for a week gives its charge back, and servers that left a month ago are forgotten.
        """
        now = self._clock()
        for job in await self._deliveries.lapse_inbox(now):
            self._bell.ring(job.id)
        await self._deliveries.forget_requests(now - self._house.retention_days * DAY)
        await self._deliveries.forget_tokens(now)
        await self._deliveries.purge_pictures(now - PICTURE_LIFE)
        await self._departures.forget()
