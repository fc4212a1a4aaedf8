"""Auto-inspect: where images are looked at unasked, and how often; what nobody asked for is dropped, not queued."""

from collections import deque

from bot.domain.claims import Inspection
from bot.domain.errors import Mistake
from bot.ports import Clock
from bot.services.darkroom import Darkroom, Read
from bot.services.guilds import Guilds

IMAGE_BYTES = 10 * 1024 * 1024
"""More is not read unasked; a member may still ask for it."""
IMAGES_MAX = 4
"""Of one message."""
LOOKING_MAX = 2
"""Messages that are read at the same time, of the four that the darkroom reads at all."""
KEYS_MAX = 10_000


class Throttle:
    """At most *limit* turns in *seconds*, for each key; forgotten when the process ends."""

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._turns: dict[int, deque[float]] = {}

    def has_room(self, key: int, now: float) -> bool:
        """Whether *key* has a turn left."""
        turns = self._turns.get(key)
        while turns and not 0 <= now - turns[0] < self._seconds:
            turns.popleft()
        return len(turns or ()) < self._limit

    def take(self, key: int, now: float) -> None:
        """One turn less for *key*."""
        turns = self._turns.pop(key, deque())
        turns.append(now)
        self._turns[key] = turns
        if len(self._turns) > KEYS_MAX:
            # Whoever had a turn longest ago.
            del self._turns[next(iter(self._turns))]


class Lookout:
    """Says whether an image is looked at; keeps nothing of it."""

    def __init__(self, darkroom: Darkroom, guilds: Guilds, clock: Clock) -> None:
        self._darkroom = darkroom
        self._guilds = guilds
        self._clock = clock
        self._looking = 0
        self._channels = Throttle(10, 60.0)
        self._servers = Throttle(30, 60.0)
        self._people = Throttle(5, 60.0)
        self._answers = Throttle(30, 60.0)

    def watches(self, guild_id: int, channel_id: int, parent_id: int | None = None) -> bool:
        """Whether an admin turned it on there; a thread is its channel's."""
        config = self._guilds.config_of(guild_id)
        if config is None or not self._guilds.house.message_content:
            return False
        return channel_id in config.auto_inspect or parent_id in config.auto_inspect

    def takes_message(self, guild_id: int, channel_id: int) -> bool:
        """Whether a message is read now; a turn of its channel and its server is taken where it is."""
        if self._darkroom.is_busy or self._looking >= LOOKING_MAX:
            return False
        return self._take((self._channels, channel_id), (self._servers, guild_id))

    def takes_question(self, guild_id: int, user_id: int) -> bool:
        """Whether somebody who pressed is answered, if need be after others; it takes a turn of both."""
        return self._take((self._people, user_id), (self._answers, guild_id))

    def _take(self, *wanted: tuple[Throttle, int]) -> bool:
        now = self._clock()
        if not all(throttle.has_room(key, now) for throttle, key in wanted):
            return False
        for throttle, key in wanted:
            throttle.take(key, now)
        return True

    async def look(self, read: Read) -> Inspection | None:
        """What an image says of itself; None where it says nothing, or cannot be read."""
        self._looking += 1
        try:
            inspection = await self._darkroom.inspect(read, IMAGE_BYTES)
        except Mistake:
            return None
        finally:
            self._looking -= 1
        return inspection if inspection.claims else None
