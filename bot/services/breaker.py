"""The breaker: stops calling NovelAI while it is down, and lets one try through when it is time to look again."""

import logging
from collections import deque
from collections.abc import Collection

from bot.ports import Clock

log = logging.getLogger(__name__)

TRIPS = 3
"""Failures in a row, on whichever accounts, after which nothing is sent."""
WAIT_MIN, WAIT_MAX = 15.0, 300.0
"""Seconds until the next look; doubled each time it was in vain."""


class Breaker:
    """
    One for all accounts: it is the service that is down, not an account.

    Closed it lets everybody through. Open it lets nobody through before its time, and then one at a time, until
    something was answered.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: deque[int | None] = deque(maxlen=TRIPS)
        self._looks = 0
        self._until: float | None = None
        self._looking: str | None = None
        self._tried: set[int] = set()

    @property
    def tried(self) -> Collection[int]:
        """The jobs that failed since it opened: others are tried before them, for one of these may be the reason."""
        return self._tried

    def forget_tried(self) -> None:
        """All that waits was tried; begin anew."""
        self._tried.clear()

    @property
    def is_open(self) -> bool:
        """Whether the service counts as down, also while somebody looks again."""
        return self._until is not None

    @property
    def paused_until(self) -> float | None:
        """When somebody looks again (unix seconds); None where nothing is held up."""
        return self._until if self._until is not None and self._until > self._clock() else None

    def enter(self, who: str) -> bool:
        """Whether *who* may speak to the service now; whoever was let in says `leave`."""
        if self._until is None:
            return True
        if self._looking is not None or self.paused_until is not None:
            return False
        self._looking = who
        return True

    def leave(self, who: str) -> None:
        """What *who* did is over."""
        if self._looking == who:
            self._looking = None

    def note_failure(self, job_id: int | None) -> None:
        """
        The service did not do its work: a status of 500 or more, silence, a cut, a broken answer.

        *job_id* is None where no job can be the cause (no connection). What fails for one job alone may be that job's
        fault: NovelAI answers 500 to some requests that it cannot read (nai-api.md 7).
        """
        if self.paused_until is not None:
            return
        self._failures.append(job_id)
        if self._until is not None and job_id is not None:
            self._tried.add(job_id)
        if self._until is not None or self._is_down():
            wait = min(WAIT_MIN * 2.0 ** min(self._looks, 10), WAIT_MAX)
            self._looks += 1
            self._until = self._clock() + wait
            log.warning("NovelAI is down: nothing is sent for %.0f s", wait)

    def note_answer(self) -> None:
        """The service works, whatever it answered."""
        self._failures.clear()
        self._tried.clear()
        self._looks = 0
        if self._until is not None:
            self._until = None
            log.info("NovelAI is back")

    def _is_down(self) -> bool:
        causes = set(self._failures)
        return len(self._failures) == TRIPS and (None in causes or len(causes) > 1)
