"""How often this house was started lately without ever being stopped; a crash loop waits before it goes to Discord."""

import json
import math

from bot.domain.shards import Shards
from bot.ports import STARTS, Clock, GuildStore

SPAN = 3_600.0
"""Seconds for which a start counts."""
UNHINDERED = 4
"""Starts within the span that wait for nothing."""
WAIT_MIN, WAIT_MAX = 5.0, 300.0
"""
Seconds. Discord allows 1,000 identifies a day and then resets the token (discord.md 4): one start every five minutes is
288 a day.
"""


class Restarts:
    """Counts starts."""

    def __init__(self, store: GuildStore, clock: Clock, shards: Shards | None = None) -> None:
        # Other processes' starts are none of this one's.
        self._key = STARTS if shards is None or shards.are_all else f"{STARTS}.{shards.mine[0]}"
        self._store = store
        self._clock = clock

    async def begin(self) -> float:
        """Note this start; how many seconds to wait before Discord is spoken to, 0 for all but a crash loop."""
        now = self._clock()
        starts = [at for at in _read(await self._store.recall(self._key)) if now - SPAN < at <= now]
        await self._store.remember(self._key, json.dumps([*starts, now][-50:]))
        over = len(starts) - UNHINDERED
        return 0.0 if over < 0 else min(WAIT_MIN * 2.0 ** min(over, 10), WAIT_MAX)

    async def end(self) -> None:
        """This process ends because it was told to."""
        await self._store.remember(self._key, "")


def _read(kept: str | None) -> list[float]:
    """The moments that were kept; a value that is none of ours counts as nothing."""
    try:
        starts = json.loads(kept or "[]")
        return [float(at) for at in starts if math.isfinite(at)] if isinstance(starts, list) else []
    except (ValueError, TypeError, OverflowError, RecursionError):
        return []
