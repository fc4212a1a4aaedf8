"""What other processes on the same database did: what is kept in memory here follows, and who waits here is told."""

from bot.domain.case import HOUSE
from bot.ports import AuditStore
from bot.services.accounts import Accounts
from bot.services.bell import Bell
from bot.services.guilds import Guilds
from bot.services.moderation import Moderation

LOOK_EVERY = 1.0
"""Seconds. Settings, words and blocks of another process hold here after twice this, at the latest."""
MOST = 1_000
DIRECT = 0
"""The scope of direct messages. Like what holds everywhere, a line about them is of no server."""


class Neighbours:
    """
    Reads the audit forward, where every change stands since the transaction that made it.

    Its ids become visible in their order, because write transactions come one after the other.
    """

    def __init__(
        self, audit: AuditStore, guilds: Guilds, moderation: Moderation, accounts: Accounts, bell: Bell
    ) -> None:
        self._audit = audit
        self._guilds = guilds
        self._moderation = moderation
        self._accounts = accounts
        self._bell = bell
        self._read = 0

    async def begin(self) -> None:
        """Read from here on; called before settings, words and blocks are loaded."""
        self._read = await self._audit.newest_entry()

    async def look(self) -> None:
        """Follow what happened since the last look."""
        while happened := await self._audit.happenings(self._read, MOST):
            for guild_id in dict.fromkeys(each.guild_id for each in happened if _changes_settings(each.kind)):
                if guild_id is not None:
                    await self._guilds.reload(guild_id)
                for each in (HOUSE, DIRECT) if guild_id is None else (guild_id,):
                    await self._moderation.reload(each)
            if any(each.kind == "account.stopped" for each in happened):
                await self._follow_stops()
            for job_id in dict.fromkeys(each.job_id for each in happened if each.kind.startswith("job.")):
                if job_id is not None:
                    self._bell.ring(job_id)
            # Last, so that what failed half-way is done again.
            self._read = happened[-1].id

    async def _follow_stops(self) -> None:
        for entry in await self._audit.entries(self._read, ("account.stopped",), MOST):
            self._accounts.stop_named(str(entry.record.data.get("account")))


def _changes_settings(kind: str) -> bool:
    """Whether a line may be about a server's settings; some are read for nothing."""
    return not kind.startswith(("job.", "account.", "refused", "rules.", "filter."))
