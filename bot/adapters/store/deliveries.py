"""The verbs of delivery: which ends still have to be shown, and what is cleared away afterwards."""

from dataclasses import replace

from bot.adapters.store.audit import note
from bot.adapters.store.books import move
from bot.adapters.store.driver import Database, Row, Session, Value
from bot.adapters.store.rows import job_of, place_columns, place_of
from bot.domain.job import Delivery, Job

_NEXT = """
UPDATE jobs SET delivery_lease = ?, delivery_tries = delivery_tries + 1
WHERE delivery = 'PENDING' AND delivery_lease <= ? AND id = (
    SELECT id FROM jobs WHERE delivery = 'PENDING' AND delivery_lease <= ? AND delivery_not_before <= ?
    ORDER BY settled_at, id LIMIT 1)
RETURNING *"""


class Deliveries:
    """The verbs of `DeliveryStore`."""

    _db: Database

    async def next_delivery(self, now: float, lease: float) -> Job | None:
        """See `DeliveryStore.next_delivery`."""
        async with self._db.tx() as session:
            row = await session.row(_NEXT, now + lease, now, now, now)
        # Read after the commit: a row that cannot be read keeps its lease, and the others come by.
        return job_of(row) if row is not None else None

    async def undelivered(self, now: float) -> int:
        """See `DeliveryStore.undelivered`."""
        sql = "SELECT COUNT(*) AS n FROM jobs WHERE delivery = 'PENDING' AND delivery_not_before <= ?"
        async with self._db.read() as session:
            return int((await session.one(sql, now))["n"])

    async def shown(self, job_id: int, now: float, message_id: int | None) -> bool:
        """PENDING → SHOWN, in the message *message_id* where that is a new one."""
        async with self._db.tx() as session:
            before = await _pending(session, job_id)
            if before is None:
                return False
            changes: dict[str, Value] = {"delivery": Delivery.SHOWN, "delivered_at": now}
            place = place_of(before)
            if place is not None and message_id is not None:
                changes |= place_columns(replace(place, message_id=message_id))
            after = await move(session, before, **changes)
            if after is not None:
                await note(session, now, "job.shown", after)
        return after is not None

    async def retry_delivery(self, job_id: int, not_before: float) -> bool:
        """Offer it again from *not_before* on."""
        async with self._db.tx() as session:
            changed = await session.run(
                "UPDATE jobs SET delivery_lease = 0, delivery_not_before = ? WHERE id = ? AND delivery = 'PENDING'",
                not_before,
                job_id,
            )
        return changed > 0

    async def lapse(self, job_id: int, now: float) -> bool:
        """PENDING → LAPSED: nobody saw it, so the charge goes back; what was spent stays spent."""
        async with self._db.tx() as session:
            before = await _pending(session, job_id)
            if before is None:
                return False
            after = await move(
                session, before, delivery=Delivery.LAPSED, delivered_at=now, charged_anlas=0, charged_pictures=0
            )
            if after is not None:
                await note(session, now, "job.lapsed", after, given_back=before["charged_anlas"])
        return after is not None

    async def hold(self, job_id: int, now: float, until: float) -> bool:
        """See `DeliveryStore.hold`: by the lease that deliveries have, so that the result waits for the edit."""
        async with self._db.tx() as session:
            changed = await session.run(
                "UPDATE jobs SET delivery_lease = ? WHERE id = ? AND delivery = 'NONE' AND delivery_lease <= ?",
                until,
                job_id,
                now,
            )
        return changed > 0

    async def let_go(self, job_id: int, until: float) -> None:
        """See `DeliveryStore.let_go`."""
        async with self._db.tx() as session:
            await session.run("UPDATE jobs SET delivery_lease = 0 WHERE id = ? AND delivery_lease = ?", job_id, until)

    async def note_nonce(self, job_id: int, nonce: str) -> bool:
        """Write down a new message's nonce; False when it was noted before, or there is no such job."""
        async with self._db.tx() as session:
            added = await session.run(
                "INSERT INTO nonces (job_id, nonce) SELECT id, ? FROM jobs WHERE id = ? ON CONFLICT DO NOTHING",
                nonce,
                job_id,
            )
        return added > 0

    async def forget_tokens(self, now: float) -> int:
        """Erase interaction tokens that have expired, and drafts and changes nobody answered; how many tokens."""
        async with self._db.tx() as session:
            await session.run("DELETE FROM drafts WHERE expires_at <= ?", now)
            await session.run("DELETE FROM pending WHERE expires_at <= ?", now)
            return await session.run("UPDATE jobs SET token = NULL WHERE token IS NOT NULL AND token_expires <= ?", now)

    async def forget_requests(self, admitted_before: float) -> int:
        """Forget what ended and delivered jobs asked for, admitted before that moment; how many."""
        async with self._db.tx() as session:
            return await session.run(
                "UPDATE jobs SET request = NULL WHERE admitted_at < ? AND request IS NOT NULL "
                "AND delivery <> 'PENDING' AND state IN ('DONE', 'BLOCKED', 'FAILED', 'CANCELLED')",
                admitted_before,
            )

    async def purge_pictures(self, shown_before: float) -> int:
        """Delete the bytes of pictures shown (or lapsed) before that moment; how many pictures."""
        async with self._db.tx() as session:
            # Starts from the pictures, which are few, and not from the jobs that were ever shown.
            return await session.run(
                "DELETE FROM blobs WHERE kind = 'picture' AND EXISTS (SELECT 1 FROM jobs WHERE jobs.id = blobs.job_id "
                "AND jobs.delivery IN ('SHOWN', 'LAPSED') AND jobs.delivered_at < ?)",
                shown_before,
            )


async def _pending(session: Session, job_id: int) -> Row | None:
    return await session.row("SELECT * FROM jobs WHERE id = ? AND delivery = 'PENDING'", job_id)
