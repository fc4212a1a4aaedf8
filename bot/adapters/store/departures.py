"""The verbs of servers that the bot is in no more: when it left them, and how they are forgotten."""

from collections.abc import Sequence

from bot.adapters.store.audit import note, note_record
from bot.adapters.store.books import move
from bot.adapters.store.deliveries import lapse
from bot.adapters.store.driver import Database, Session
from bot.adapters.store.rows import to_json
from bot.domain.job import JobState
from bot.domain.record import Record
from bot.domain.request import Requester

OF_GUILD = ("words", "blocks", "pending", "greetings", "audit", "allowances", "usage", "notices", "cases", "conduct")
"""Tables whose rows belong to the server in their column ``guild_id``, and go with it."""
GONE = "failed.left"
"""The code of why something ended that nobody decided in time."""


class Departures:
    """Part of the verbs of `GuildStore`."""

    _db: Database

    async def leave(self, guild_id: int, now: float) -> bool:
        """See `GuildStore.leave`."""
        async with self._db.tx() as session:
            sql = "UPDATE guilds SET left_at = ? WHERE id = ? AND left_at IS NULL"
            is_new = await session.run(sql, now, guild_id) > 0
            if is_new:
                await note_record(session, Record(at=now, kind="guild.left", guild_id=guild_id))
        return is_new

    async def come_back(self, guild_id: int) -> bool:
        """See `GuildStore.come_back`."""
        async with self._db.tx() as session:
            sql = "UPDATE guilds SET left_at = NULL WHERE id = ? AND left_at IS NOT NULL"
            return await session.run(sql, guild_id) > 0

    async def left_before(self, before: float) -> Sequence[int]:
        """See `GuildStore.left_before`."""
        async with self._db.read() as session:
            rows = await session.rows("SELECT id FROM guilds WHERE left_at < ? ORDER BY id", before)
        return [row["id"] for row in rows]

    async def forget_guild(self, guild_id: int, now: float) -> None:
        """See `GuildStore.forget_guild`."""
        async with self._db.tx() as session:
            await _end_undecided(session, guild_id, now)
            of_cases = "DELETE FROM reports WHERE case_id IN (SELECT id FROM cases WHERE guild_id = ?)"
            await session.run(of_cases, guild_id)
            for table in OF_GUILD:
                await session.run(f"DELETE FROM {table} WHERE guild_id = ?", guild_id)  # noqa: S608 (ours)
            await _forget_jobs(session, guild_id, now)
            await session.run("UPDATE guilds SET config = NULL, running = 1, left_at = NULL WHERE id = ?", guild_id)
            # Without its id: that a server was forgotten is on record, and not which.
            await note_record(session, Record(at=now, kind="guild.forgotten"))


async def _end_undecided(session: Session, guild_id: int, now: float) -> None:
    """Before their cases go: nobody can decide about them any more, and nobody is there to be told."""
    part = "SELECT * FROM jobs WHERE guild_id = ? AND state ="
    rows = await session.rows(f"{part} 'HELD' UNION ALL {part} 'PROPOSED'", guild_id, guild_id)
    for before in rows:
        after = await move(
            session,
            before,
            state=JobState.CANCELLED,
            charged_anlas=0,
            charged_pictures=0,
            reason=GONE,
            settled_at=now,
        )
        if after is not None:
            await note(session, now, "job.settled", after, state=JobState.CANCELLED, spent=after["spent"], reason=GONE)


async def _forget_jobs(session: Session, guild_id: int, now: float) -> None:
    """Everything but ids, amounts, states and times; they all ended long ago, and what nobody saw is given back."""
    unseen = "SELECT * FROM jobs WHERE guild_id = ? AND delivery IN ('PENDING', 'INBOX')"
    for row in await session.rows(unseen, guild_id):
        await lapse(session, row, now)
    of_guild = "SELECT id FROM jobs WHERE guild_id = ?"
    for table in ("blobs", "nonces"):
        await session.run(f"DELETE FROM {table} WHERE job_id IN ({of_guild})", guild_id)  # noqa: S608 (ours)
    await session.run(
        "UPDATE jobs SET request = NULL, place = NULL, token = NULL, token_expires = NULL, origin = NULL "
        "WHERE guild_id = ?",
        guild_id,
    )
    for row in await session.rows("SELECT DISTINCT user_id FROM jobs WHERE guild_id = ?", guild_id):
        nobody = to_json(Requester(user_id=row["user_id"], guild_id=guild_id, channel_id=0))
        sql = "UPDATE jobs SET requester = ? WHERE guild_id = ? AND user_id = ?"
        await session.run(sql, nobody, guild_id, row["user_id"])
