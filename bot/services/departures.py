"""Servers that the bot is in no more: what waits there is taken back, and after a month they are forgotten."""

from collections.abc import Callable, Collection

from bot.ports import Clock, GuildStore, JobStore
from bot.services.bell import Bell
from bot.services.guilds import GREETINGS, Guilds
from bot.services.moderation import Moderation

REMEMBERED = 30 * 86_400.0
"""Seconds for which a server that removed the bot may come back to what it had set up."""
REASON = "failed.left"


class Departures:
    """Notes who left and who came back; every verb may be repeated without harm."""

    def __init__(
        self, store: GuildStore, jobs: JobStore, guilds: Guilds, moderation: Moderation, bell: Bell, clock: Clock
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._guilds = guilds
        self._moderation = moderation
        self._bell = bell
        self._clock = clock

    async def left(self, guild_id: int) -> None:
        """The bot is in that server no more: it greets again when invited again, and draws nothing meanwhile."""
        await self._store.leave(guild_id, self._clock())
        await self._guilds.left(guild_id)
        for job in await self._jobs.of_guild(guild_id):
            if await self._jobs.cancel(job.id, self._clock(), REASON):
                self._bell.ring(job.id)

    async def came(self, guild_id: int) -> None:
        """The bot is in that server (again)."""
        await self._store.come_back(guild_id)

    async def look_around(self, present: Collection[int], is_ours: Callable[[int], bool]) -> None:
        """Of the servers that this process would be told of (*is_ours*) the bot is in those *present* alone."""
        known = set(await self._store.configs())
        for kind in GREETINGS:
            known |= await self._store.greeted(kind)
        for guild_id in sorted(known - set(present)):
            if is_ours(guild_id):
                await self.left(guild_id)
        for guild_id in present:
            await self.came(guild_id)

    async def forget(self) -> None:
        """Delete what is kept of servers that left a month ago."""
        now = self._clock()
        gone = await self._store.left_before(now - REMEMBERED)
        for guild_id in gone:
            await self._store.forget_guild(guild_id, now)
        if gone:
            await self._guilds.load()
            await self._moderation.load()
