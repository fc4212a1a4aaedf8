"""The record of what was decided and changed, append-only."""

from collections.abc import Mapping

from bot.adapters.store.database import Database
from bot.adapters.store.rows import to_json
from bot.adapters.store.sqlite import Row, Session


async def note(session: Session, now: float, kind: str, job: Row, **data: object) -> None:
    """One line about a job, in the transaction that changed it: ids, amounts and codes, never prompts or tokens."""
    await _insert(session, now, kind, job["guild_id"] or None, job["user_id"], job["id"], data)


async def note_member(session: Session, now: float, kind: str, guild_id: int, user_id: int, **data: object) -> None:
    """One line about a member."""
    await _insert(session, now, kind, guild_id or None, None, None, {"user_id": user_id, **data})


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
