"""The verbs of delivery: which ends still have to be shown, and what is cleared away afterwards."""

from collections.abc import Sequence
from dataclasses import replace

from bot.adapters.store.audit import note
from bot.adapters.store.books import move
from bot.adapters.store.driver import Database, Row, Session, Value, writing
from bot.adapters.store.rows import job_of, jobs_of, place_columns, place_of
from bot.domain.job import Delivery, Job, Likeness, Noted
from bot.domain.request import Place

_NEXT = """
UPDATE jobs SET delivery_lease = ?, delivery_tries = delivery_tries + 1
WHERE delivery = 'PENDING' AND delivery_lease <= ? AND id = (
    SELECT id FROM jobs WHERE delivery = 'PENDING' AND delivery_lease <= ? AND delivery_not_before <= ?
    ORDER BY settled_at, id LIMIT 1)
RETURNING *"""
_EXPIRING = """
SELECT * FROM jobs WHERE token IS NOT NULL AND token_expires > ? AND token_expires <= ?
AND state IN ('QUEUED', 'RUNNING', 'SENT') ORDER BY id"""
_INBOX = "SELECT * FROM jobs WHERE user_id = ? AND delivery = 'INBOX' ORDER BY id LIMIT ?"
_OVER = "SELECT * FROM jobs WHERE delivery = 'INBOX' AND inbox_until <= ? ORDER BY user_id, id"
_FORGET = """
UPDATE jobs SET request = NULL WHERE admitted_at < ? AND request IS NOT NULL
AND delivery NOT IN ('PENDING', 'INBOX') AND state IN ('DONE', 'BLOCKED', 'FAILED', 'CANCELLED')"""
_GIVEN_BACK: dict[str, Value] = {"delivery": Delivery.LAPSED, "charged_anlas": 0, "charged_pictures": 0}


class Deliveries:
    """The verbs of `DeliveryStore`."""

    _db: Database

    async def next_delivery(self, now: float, lease: float) -> Job | None:
        """See `DeliveryStore.next_delivery`."""
        row = await self._db.write(lambda session: session.row(_NEXT, now + lease, now, now, now))
        # Read after the commit: a row that cannot be read keeps its lease, and the others come by.
        return job_of(row) if row is not None else None

    @writing
    async def hold_delivery(self, session: Session, job: Job, until: float) -> bool:
        """See `DeliveryStore.hold_delivery`."""
        changed = await session.run(
            "UPDATE jobs SET delivery_lease = ? WHERE id = ? AND delivery = 'PENDING' AND delivery_tries = ?",
            until,
            job.id,
            job.delivery_tries,
        )
        return changed > 0

    async def undelivered(self, now: float) -> int:
        """See `DeliveryStore.undelivered`."""
        sql = "SELECT COUNT(*) AS n FROM jobs WHERE delivery = 'PENDING' AND delivery_not_before <= ?"
        async with self._db.read() as session:
            return int((await session.one(sql, now))["n"])

    @writing
    async def shown(self, session: Session, job_id: int, now: float, message_id: int | None) -> bool:
        """PENDING → SHOWN, in the message *message_id* where that is a new one."""
        before = await pending(session, job_id)
        if before is None:
            return False
        changes: dict[str, Value] = {"delivery": Delivery.SHOWN, "delivered_at": now, **moved(before, message_id)}
        after = await move(session, before, **changes)
        if after is not None:
            await note(session, now, "job.shown", after)
        return after is not None

    @writing
    async def retry_delivery(
        self, session: Session, job_id: int, not_before: float, *, give_back_try: bool = False
    ) -> bool:
        """Offer it again from *not_before* on."""
        changed = await session.run(
            "UPDATE jobs SET delivery_lease = 0, delivery_not_before = ?, delivery_tries = delivery_tries - ? "
            "WHERE id = ? AND delivery = 'PENDING'",
            not_before,
            int(give_back_try),
            job_id,
        )
        return changed > 0

    async def lapse(self, job_id: int, now: float) -> bool:
        """PENDING → LAPSED: nobody saw it, so the charge goes back; what was spent stays spent."""
        async with self._db.tx() as session:
            before = await pending(session, job_id)
            return before is not None and await lapse(session, before, now) is not None

    @writing
    async def hold(self, session: Session, job_id: int, now: float, until: float) -> bool:
        """See `DeliveryStore.hold`: by the lease that deliveries have, so that the result waits for the edit."""
        changed = await session.run(
            "UPDATE jobs SET delivery_lease = ? WHERE id = ? AND delivery = 'NONE' AND delivery_lease <= ?",
            until,
            job_id,
            now,
        )
        return changed > 0

    @writing
    async def let_go(self, session: Session, job_id: int, until: float) -> None:
        """See `DeliveryStore.let_go`."""
        await session.run("UPDATE jobs SET delivery_lease = 0 WHERE id = ? AND delivery_lease = ?", job_id, until)

    @writing
    async def note_nonce(self, session: Session, job_id: int, nonce: str, now: float) -> Noted:
        """See `DeliveryStore.note_nonce`."""
        added = await session.run(
            "INSERT INTO nonces (job_id, nonce, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", job_id, nonce, now
        )
        row = await session.one("SELECT * FROM nonces WHERE job_id = ? AND nonce = ?", job_id, nonce)
        return Noted(is_new=added > 0, at=row["at"], message_id=row["message_id"])

    @writing
    async def note_posted(self, session: Session, job_id: int, nonce: str, message_id: int) -> None:
        """Write down which message became of a nonce."""
        sql = "UPDATE nonces SET message_id = ? WHERE job_id = ? AND nonce = ?"
        await session.run(sql, message_id, job_id, nonce)

    async def posted(self, job_id: int) -> Sequence[int]:
        """See `DeliveryStore.posted`."""
        sql = "SELECT nonce, message_id FROM nonces WHERE job_id = ? AND message_id IS NOT NULL ORDER BY message_id"
        async with self._db.read() as session:
            rows = await session.rows(sql, job_id)
        # ``5-2`` is a part, ``5-dm2`` went to its member alone, ``5-nudge`` has no picture.
        return [row["message_id"] for row in rows if row["nonce"].removeprefix(f"{job_id}-").isdecimal()]

    async def expiring(self, now: float, before: float) -> Sequence[Job]:
        """See `DeliveryStore.expiring`."""
        async with self._db.read() as session:
            return jobs_of(await session.rows(_EXPIRING, now, before))

    async def renew_place(self, job_id: int, user_id: int, place: Place) -> bool:
        """See `DeliveryStore.renew_place`."""
        columns = place_columns(place)
        async with self._db.tx() as session:
            changed = await session.run(
                "UPDATE jobs SET place = ?, token = ?, token_expires = ?, delivery_not_before = 0 "
                "WHERE id = ? AND user_id = ? AND (state IN ('QUEUED', 'RUNNING', 'SENT') OR delivery = 'PENDING')",
                *columns.values(),
                job_id,
                user_id,
            )
        return changed > 0

    # --- the inbox

    @writing
    async def keep(
        self,
        session: Session,
        job_id: int,
        now: float,
        until: float,
        *,
        shown_as: Likeness | None = None,
        message_id: int | None = None,
    ) -> bool:
        """See `DeliveryStore.keep`."""
        before = await pending(session, job_id)
        if before is None:
            return False
        until = before["inbox_until"] or until
        kept: dict[str, Value] = {"delivery": Delivery.INBOX, "delivered_at": now, "inbox_until": until}
        if shown_as is not None:
            kept |= {"shown_as": shown_as, **moved(before, message_id)}
        after = await move(session, before, **kept)
        if after is not None:
            await note(session, now, "job.kept", after, until=until, shown_as=shown_as)
        return after is not None

    async def inbox(self, user_id: int, most: int) -> Sequence[Job]:
        """See `DeliveryStore.inbox`."""
        async with self._db.read() as session:
            return jobs_of(await session.rows(_INBOX, user_id, most))

    async def in_inbox(self, user_id: int) -> int:
        """See `DeliveryStore.in_inbox`."""
        sql = "SELECT COUNT(*) AS n FROM jobs WHERE user_id = ? AND delivery = 'INBOX'"
        async with self._db.read() as session:
            return int((await session.one(sql, user_id))["n"])

    async def collect(self, job_id: int, user_id: int, now: float, place: Place, interaction: int) -> bool:
        """See `DeliveryStore.collect`."""
        async with self._db.tx() as session:
            sql = "SELECT * FROM jobs WHERE id = ? AND user_id = ? AND delivery = 'INBOX'"
            before = await session.row(sql, job_id, user_id)
            if before is None:
                return False
            due: dict[str, Value] = {"delivery_lease": 0, "delivery_not_before": 0, "delivery_tries": 0}
            where = {**place_columns(place), "interaction": interaction}
            after = await move(session, before, delivery=Delivery.PENDING, **due, **where)
            if after is not None:
                # The message is another one now, and what was posted around the old one is not part of it.
                await session.run("DELETE FROM nonces WHERE job_id = ?", job_id)
                await note(session, now, "job.collected", after)
        return after is not None

    async def lapse_inbox(self, now: float) -> Sequence[Job]:
        """See `DeliveryStore.lapse_inbox`."""
        async with self._db.tx() as session:
            ended = [await end_in_inbox(session, before, now) for before in await session.rows(_OVER, now)]
        return jobs_of([row for row in ended if row is not None])

    # --- clearing away

    async def forget_tokens(self, now: float) -> int:
        """Erase interaction tokens that have expired, and drafts and changes nobody answered; how many tokens."""
        async with self._db.tx() as session:
            await session.run("DELETE FROM drafts WHERE expires_at <= ?", now)
            await session.run("DELETE FROM pending WHERE expires_at <= ?", now)
            return await session.run("UPDATE jobs SET token = NULL WHERE token IS NOT NULL AND token_expires <= ?", now)

    async def forget_requests(self, admitted_before: float) -> int:
        """Forget what ended and delivered jobs asked for, admitted before that moment; how many."""
        async with self._db.tx() as session:
            return await session.run(_FORGET, admitted_before)

    async def purge_pictures(self, shown_before: float) -> int:
        """Delete the bytes of pictures shown before that moment, and of any that lapsed; how many pictures."""
        async with self._db.tx() as session:
            # Starts from the pictures, which are few, and not from the jobs that were ever shown.
            return await session.run(
                "DELETE FROM blobs WHERE kind = 'picture' AND EXISTS (SELECT 1 FROM jobs WHERE jobs.id = blobs.job_id "
                "AND (jobs.delivery = 'LAPSED' OR (jobs.delivery = 'SHOWN' AND jobs.delivered_at < ?)))",
                shown_before,
            )


async def pending(session: Session, job_id: int) -> Row | None:
    """The row of an end that was not shown yet."""
    return await session.row("SELECT * FROM jobs WHERE id = ? AND delivery = 'PENDING'", job_id)


def moved(before: Row, message_id: int | None) -> dict[str, Value]:
    """The columns of a job's place once it is shown in *message_id*; none where that is no new message."""
    place = place_of(before)
    if place is None or message_id is None:
        return {}
    return place_columns(replace(place, message_id=message_id))


async def lapse(session: Session, before: Row, now: float) -> Row | None:
    """Nobody saw it, so charge and pictures go; what was spent stays spent."""
    after = await move(session, before, **_GIVEN_BACK, delivered_at=now)
    if after is not None:
        await session.run("DELETE FROM blobs WHERE job_id = ?", before["id"])
        await note(session, now, "job.lapsed", after, given_back=before["charged_anlas"])
    return after


async def end_in_inbox(session: Session, before: Row, now: float) -> Row | None:
    """Lapsed, unless it was shown as the very same pixels."""
    if before["shown_as"] != Likeness.WEBP:
        return await lapse(session, before, now)
    after = await move(session, before, delivery=Delivery.SHOWN, delivered_at=now)
    if after is not None:
        await note(session, now, "job.shown", after, shown_as=before["shown_as"])
    return after
