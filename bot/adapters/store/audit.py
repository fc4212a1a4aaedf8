"""The record of what was decided and changed, append-only."""

from collections.abc import Mapping, Sequence

from bot.adapters.store.driver import Database, Row, Session
from bot.adapters.store.rows import entry_of, to_json
from bot.domain.record import Entry, Happening, Record


async def note(session: Session, now: float, kind: str, job: Row, **data: object) -> None:
    """One line about a job, in the transaction that changed it: ids, amounts and codes, never prompts or tokens."""
    await _insert(session, now, kind, job["guild_id"] or None, job["user_id"], job["id"], data)


async def note_record(session: Session, record: Record) -> None:
    """One line that a service composed."""
    await _insert(session, record.at, record.kind, record.guild_id, record.actor, record.job_id, record.data)


async def _insert(
    session: Session,
    now: float,
    kind: str,
    guild_id: int | None,
    actor: int | None,
    job_id: int | None,
    data: Mapping[str, object],
) -> int:
    row = await session.one(
        "INSERT INTO audit (at, kind, guild_id, actor, job_id, data) VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
        now,
        kind,
        guild_id,
        actor,
        job_id,
        to_json(data),
    )
    return int(row["id"])


class Audit:
    """The verbs of `AuditStore`."""

    _db: Database

    async def write(
        self,
        now: float,
        kind: str,
        *,
        guild_id: int | None = None,
        actor: int | None = None,
        job_id: int | None = None,
        data: Mapping[str, object] | None = None,
    ) -> int:
        """Append one line; its id."""
        async with self._db.tx() as session:
            return await _insert(session, now, kind, guild_id, actor, job_id, data or {})

    async def newest_entry(self) -> int:
        """The id of the newest line, 0 where there is none."""
        async with self._db.read() as session:
            return int((await session.one("SELECT COALESCE(MAX(id), 0) AS id FROM audit"))["id"])

    async def entries(self, after: int, kinds: Sequence[str], most: int) -> Sequence[Entry]:
        """See `AuditStore.entries`."""
        marks = ", ".join("?" * len(kinds))
        async with self._db.read() as session:
            rows = await session.rows(
                f"SELECT * FROM audit WHERE id > ? AND kind IN ({marks}) ORDER BY id LIMIT ?",  # noqa: S608 (marks)
                after,
                *kinds,
                most,
            )
        return [entry_of(row) for row in rows]

    async def happenings(self, after: int, most: int) -> Sequence[Happening]:
        """See `AuditStore.happenings`."""
        async with self._db.read() as session:
            rows = await session.rows(
                "SELECT id, kind, guild_id, job_id FROM audit WHERE id > ? ORDER BY id LIMIT ?", after, most
            )
        return [Happening(**row) for row in rows]
