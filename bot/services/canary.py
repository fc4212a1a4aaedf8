"""The canary: whether what must be refused still is; while it is not, nothing is made."""

import asyncio
import logging
from collections.abc import Callable, Iterable

from bot.domain.errors import Forbidden, Refused
from bot.domain.guild import GuildConfig, HouseConfig
from bot.domain.locked import SONG as LOCKED_SONG
from bot.domain.locked import read_anew
from bot.domain.model import HOME_MODEL
from bot.domain.request import SIZES, Generate, Prompt, Requester, default_sampling
from bot.domain.rules import Ground, judge
from bot.domain.wordlist import NOTHING, SONG, Wordlist
from bot.ports import FILTER_DOWN, AuditStore, Clock, GuildStore

log = logging.getLogger(__name__)

LISTEN_EVERY = 3_600.0
"""Seconds."""
_PLACE = 1
_CONFIG = GuildConfig(channels=(_PLACE,), unchecked=True)
_BROKEN = (LookupError, TypeError, ValueError, AttributeError, RecursionError)


class Canary:
    """
    Puts two songs before the very judge that every wish meets: one for the locked tier, one for each server's list.

    That they were not refused is remembered over restarts, and the operator is told once, then and when they are.
    """

    def __init__(
        self, memory: GuildStore, audit: AuditStore, clock: Clock, lists: Callable[[], Iterable[Wordlist]]
    ) -> None:
        self._memory = memory
        self._audit = audit
        self._clock = clock
        self._lists = lists
        self.is_silent = False
        """Whether something that must be refused was not, so that nothing may be made."""

    def check(self) -> None:
        """Raise `Refused` ``filter.down`` while the filter does not refuse what it must."""
        if self.is_silent:
            raise Refused("filter.down")

    async def load(self) -> None:
        """Begin as silent as an earlier process ended."""
        self.is_silent = bool(await self._memory.recall(FILTER_DOWN))

    async def listen(self) -> None:
        """Sing before every list, and act on what comes of it."""
        sings = await self._sings()
        if sings is not self.is_silent:
            return
        self.is_silent = not sings
        if self.is_silent:
            log.critical("what must be refused is not: nothing is made until it is")
        await self._memory.remember(FILTER_DOWN, "" if sings else "1")
        await self._audit.write(self._clock(), "filter.up" if sings else "filter.down")

    async def _sings(self) -> bool:
        read_anew()
        for words in (NOTHING, *self._lists()):
            if not is_refused(words):
                return False
            # One list takes a millisecond, and there may be thousands.
            await asyncio.sleep(0)
        return True


def is_refused(words: Wordlist) -> bool:
    """Whether both songs are refused where *words* are the server's list."""
    ground = Ground(guild=_CONFIG, house=HouseConfig(), words=words)
    return _code(LOCKED_SONG, ground) == "locked" and _code(SONG, ground).startswith("word")


def _code(song: str, ground: Ground) -> str:
    """The code with which *song* is refused; "" where it is not, or where judging it fails."""
    request = Generate(
        prompt=Prompt(text=song), sampling=default_sampling(HOME_MODEL), size=SIZES["portrait"], samples=1, safe=True
    )
    try:
        judge(Requester(user_id=0, guild_id=_PLACE, channel_id=_PLACE), request, ground)
    except Forbidden as refusal:
        return refusal.code
    except _BROKEN:
        log.exception("the filter fails where it is asked about the canary")
    return ""
