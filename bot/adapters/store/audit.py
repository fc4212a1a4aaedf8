"""The record of what was decided and changed, append-only."""

from collections.abc import Mapping, Sequence

from bot.adapters.store.driver import Database, Row, Session, Value
from bot.adapters.store.rows import entry_of, to_json
from bot.domain.record import Entry, Happening, Question, Record

NO_STEP = "(kind < 'job.' OR kind > 'job/')"
"""True of every line that is no step of a job; as the index says it."""
ENDED = "job.settled"


def about(user_id: int) -> tuple[str, list[Value]]:
    """A condition that is true of lines by or about a member; text that people wrote cannot look like it in JSON."""
    sql = "(actor = ? OR data LIKE ? OR data LIKE ? OR data LIKE ?)"
    named = f'%"member":{user_id}'
    return sql, [user_id, f"{named},%", f"{named}}}%", f'%"target":"member.{user_id}"%']


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

    async def asked(
        self, question: Question, *, before: int | None = None, after: int | None = None, most: int
    ) -> Sequence[Entry]:
        """See `AuditStore.asked`."""
        upwards = after is not None
        where: list[str] = ["guild_id = ?"]
        values: list[Value] = [question.guild_id]
        for condition, bound in (("id < ?", before), ("id > ?", after)):
            if bound is not None:
                where.append(condition)
                values.append(bound)
        if question.since:
            where.append("at >= ?")
            values.append(question.since)
        if question.member is not None:
            condition, more = about(question.member)
            where.append(condition)
            values += more
        rows: list[Row] = []
        async with self._db.read() as session:
            for part, more in _parts(question):
                rows += await session.rows(
                    f"SELECT * FROM audit WHERE {' AND '.join([*where, part])} "  # noqa: S608 (ours)
                    f"ORDER BY id {'ASC' if upwards else 'DESC'} LIMIT ?",
                    *values,
                    *more,
                    most,
                )
        rows.sort(key=lambda row: row["id"], reverse=not upwards)
        return [entry_of(row) for row in rows[:most]]


def _parts(question: Question) -> list[tuple[str, list[Value]]]:
    """One statement for each index that has a part of the answer."""
    if question.job_id is not None:
        return [("job_id = ?", [question.job_id])]
    others: list[Value] = [kind for kind in question.kinds if kind != ENDED]
    parts: list[tuple[str, list[Value]]] = []
    if others:
        parts.append((f"{NO_STEP} AND kind IN ({', '.join('?' * len(others))})", others))
    if ENDED in question.kinds:
        parts.append((f"kind = '{ENDED}'", []))
    return parts
