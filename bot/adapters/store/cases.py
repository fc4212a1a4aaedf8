"""The verbs of cases: each is one transaction with what comes of it, and of two that decide one wins."""

from collections.abc import Sequence

import msgspec

from bot.adapters.store.audit import note, note_record
from bot.adapters.store.books import lock_guild, lock_house, lock_member, move, open_books, standing_of
from bot.adapters.store.driver import Database, Row, Session, Value
from bot.adapters.store.guilds import put_block
from bot.adapters.store.rows import case_of, cases_of, conduct_of, job_of, notice_of, to_json
from bot.domain.case import UNDONE, Case, CaseKind, CaseState, Decision, Filing, Notice, Report, Ruling
from bot.domain.conduct import Conduct, heat_at
from bot.domain.job import Delivery, Job, JobState
from bot.domain.record import Record
from bot.ports import Decide

BLOCKED_PICTURE = "blocked.picture"
"""The code of what a member reads whose picture was held and not shown."""
DECLINED = "declined"
"""Likewise of a wish that nobody approved."""
_ID_MAX = 2**63 - 1
_COVERED = 2
"""In `jobs.hidden`: hidden after it was shown. 1 is what the classifier said before."""

_NEXT_CARD = """
UPDATE cases SET card_not_before = ? WHERE carded < version AND id = (
    SELECT id FROM cases WHERE carded < version AND card_not_before <= ? ORDER BY card_not_before, id LIMIT 1)
AND card_not_before <= ? RETURNING *"""
_NEXT_NOTICE = """
UPDATE notices SET not_before = ?, tries = tries + 1 WHERE state = 'PENDING' AND id = (
    SELECT id FROM notices WHERE state = 'PENDING' AND not_before <= ? ORDER BY not_before, id LIMIT 1)
AND not_before <= ? RETURNING *"""
_CLOSE = """
UPDATE cases SET state = 'CLOSED', decision = ?, decided_at = ?, actor = ?, words = ?, needs_ack = ?,
version = version + 1, card_not_before = 0 WHERE id = ? AND state = 'OPEN' RETURNING *"""


class Cases:
    """The verbs of `CaseStore`."""

    _db: Database

    # --- opening

    async def file_case(self, filing: Filing, now: float) -> Case:
        """See `CaseStore.file_case`."""
        async with self._db.tx() as session:
            return case_of(await open_case(session, filing, now))

    async def sanction(self, filing: Filing, ruling: Ruling, now: float, record: Record | None = None) -> Case:
        """See `CaseStore.sanction`."""
        async with self._db.tx() as session:
            row = await open_case(session, filing, now)
            await _carry_out(session, row, ruling, now)
            if record is not None:
                await note_record(session, record)
        return case_of(row)

    async def report(self, filing: Filing, report: Report, now: float) -> tuple[Case, int] | None:
        """See `CaseStore.report`."""
        async with self._db.tx() as session:
            row = await open_case(session, filing, now)
            added = await session.run(
                "INSERT INTO reports (case_id, user_id, reason, words, at) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT DO NOTHING",
                row["id"],
                report.user_id,
                report.reason,
                report.words,
                now,
            )
            if not added:
                return None
            count = int((await session.one("SELECT COUNT(*) AS n FROM reports WHERE case_id = ?", row["id"]))["n"])
            if count > 1:
                row = await session.one(
                    "UPDATE cases SET version = version + 1, card_not_before = 0 WHERE id = ? RETURNING *", row["id"]
                )
        return case_of(row), count

    async def reports_of(self, case_id: int) -> Sequence[Report]:
        """See `CaseStore.reports_of`."""
        async with self._db.read() as session:
            rows = await session.rows("SELECT * FROM reports WHERE case_id = ? ORDER BY at, user_id", case_id)
        return [Report(user_id=row["user_id"], reason=row["reason"], words=row["words"]) for row in rows]

    async def reports_by(self, user_id: int, since: float) -> int:
        """See `CaseStore.reports_by`."""
        async with self._db.read() as session:
            row = await session.one("SELECT COUNT(*) AS n FROM reports WHERE user_id = ? AND at >= ?", user_id, since)
        return int(row["n"])

    # --- reading

    async def case(self, case_id: int) -> Case | None:
        """One case."""
        if not 0 < case_id <= _ID_MAX:
            return None
        async with self._db.read() as session:
            row = await session.row("SELECT * FROM cases WHERE id = ?", case_id)
        return case_of(row) if row is not None else None

    async def case_of_job(self, job_id: int, kind: CaseKind | None = None) -> Case | None:
        """See `CaseStore.case_of_job`."""
        which, values = ("AND kind = ?", [kind.value]) if kind is not None else ("", [])
        async with self._db.read() as session:
            row = await session.row(
                f"SELECT * FROM cases WHERE job_id = ? {which} ORDER BY id DESC LIMIT 1",  # noqa: S608 (ours)
                job_id,
                *values,
            )
        return case_of(row) if row is not None else None

    async def cases(
        self,
        *,
        guild_id: int | None = None,
        user_id: int | None = None,
        kinds: Sequence[CaseKind] = (),
        is_open: bool | None = None,
        most: int,
    ) -> Sequence[Case]:
        """See `CaseStore.cases`."""
        where, values = _asked(guild_id, user_id, kinds, is_open)
        order = "id" if is_open else "id DESC"
        async with self._db.read() as session:
            rows = await session.rows(
                f"SELECT * FROM cases WHERE {where} ORDER BY {order} LIMIT ?",  # noqa: S608 (ours)
                *values,
                most,
            )
        return cases_of(rows)

    async def unread(self, guild_id: int | None = None) -> Sequence[Case]:
        """See `CaseStore.unread`."""
        whose, values = ("AND guild_id = ?", [guild_id]) if guild_id is not None else ("", [])
        async with self._db.read() as session:
            rows = await session.rows(
                f"SELECT * FROM cases WHERE needs_ack = 1 {whose} ORDER BY guild_id, user_id, id",  # noqa: S608 (ours)
                *values,
            )
        return cases_of(rows)

    # --- deciding

    async def decide(self, case_id: int, ruling: Ruling, now: float) -> Case | None:
        """See `CaseStore.decide`."""
        async with self._db.tx() as session:
            row = await _close(session, case_id, ruling, now)
            if row is None:
                return None
            await _rule_on_job(session, row, ruling, now)
            await _carry_out(session, row, ruling, now)
            if row["kind"] == CaseKind.REPORT:
                await _tell_reporters(session, row, ruling, now)
            if row["parent_id"] is not None and ruling.decision in (Decision.LIFTED, Decision.APOLOGISED):
                await _lift(session, row["parent_id"])
        return case_of(row)

    async def approve(self, case_id: int, ruling: Ruling, price: int, now: float, decide: Decide) -> Job | None:
        """See `CaseStore.approve`."""
        async with self._db.tx() as session:
            house = await lock_house(session)
            row = await _close(session, case_id, ruling, now)
            before = await _job_in(session, row, JobState.PROPOSED) if row is not None else None
            if row is None or before is None:
                return None
            guild = await lock_guild(session, before["guild_id"])
            member = await lock_member(session, before["guild_id"], before["user_id"])
            books = await open_books(session, guild, before["user_id"], now)
            ticket = decide(await standing_of(session, house, member, books))
            queued: dict[str, Value] = {"state": JobState.QUEUED, "turn": ticket.turn, "step": ticket.step}
            reserved: dict[str, Value] = {"price": price, "charged_anlas": None, "charged_pictures": None}
            after = await move(
                session, before, **queued, **reserved, reason=None, admitted_at=now, approver=ruling.actor
            )
            if after is None:
                return None
            sql = "UPDATE members SET last_turn = ? WHERE guild_id = ? AND user_id = ? AND last_turn < ?"
            await session.run(sql, ticket.turn, before["guild_id"], before["user_id"], ticket.turn)
            await note(session, now, "job.admitted", after, price=price, turn=ticket.turn, approver=ruling.actor)
        return job_of(after)

    async def expire_cases(self, now: float) -> Sequence[Case]:
        """See `CaseStore.expire_cases`."""
        expired = Ruling(decision=Decision.EXPIRED, actor=0)
        async with self._db.tx() as session:
            due = await session.rows(
                "SELECT id FROM cases WHERE state = 'OPEN' AND due_at <= ? ORDER BY due_at, id", now
            )
            closed = [row for each in due if (row := await _close(session, each["id"], expired, now)) is not None]
            for row in closed:
                await _rule_on_job(session, row, expired, now)
        return cases_of(closed)

    async def acknowledge(self, case_id: int, user_id: int, now: float) -> bool:
        """See `CaseStore.acknowledge`."""
        async with self._db.tx() as session:
            row = await session.row(
                "UPDATE cases SET needs_ack = 0 WHERE id = ? AND user_id = ? AND needs_ack = 1 RETURNING *",
                case_id,
                user_id,
            )
            if row is not None:
                await note_case(session, row, "case.read", user_id, now)
        return row is not None

    # --- cards and notices

    async def next_card(self, now: float, until: float) -> Case | None:
        """See `CaseStore.next_card`."""
        async with self._db.tx() as session:
            row = await session.row(_NEXT_CARD, until, now, now)
        return case_of(row) if row is not None else None

    async def carded(self, case: Case, channel_id: int | None, message_id: int | None) -> None:
        """See `CaseStore.carded`."""
        async with self._db.tx() as session:
            await session.run(
                "UPDATE cases SET carded = ?, card_channel = ?, card_message = ?, card_not_before = 0 "
                "WHERE id = ? AND carded < ?",
                case.version,
                channel_id,
                message_id,
                case.id,
                case.version,
            )

    async def retry_card(self, case_id: int, not_before: float) -> None:
        """See `CaseStore.retry_card`."""
        async with self._db.tx() as session:
            await session.run("UPDATE cases SET card_not_before = ? WHERE id = ?", not_before, case_id)

    async def note_undone(self, case_id: int) -> None:
        """See `CaseStore.note_undone`."""
        async with self._db.tx() as session:
            row = await session.one("SELECT data FROM cases WHERE id = ?", case_id)
            data = msgspec.json.decode(row["data"])
            if not data.get(UNDONE):
                sql = "UPDATE cases SET data = ?, version = version + 1, card_not_before = 0 WHERE id = ?"
                await session.run(sql, to_json({**data, UNDONE: True}), case_id)

    async def next_notice(self, now: float, until: float) -> Notice | None:
        """See `CaseStore.next_notice`."""
        async with self._db.tx() as session:
            row = await session.row(_NEXT_NOTICE, until, now, now)
        return notice_of(row) if row is not None else None

    async def told(self, notice_id: int, *, reached: bool) -> None:
        """See `CaseStore.told`."""
        async with self._db.tx() as session:
            state = "TOLD" if reached else "UNREACHED"
            await session.run("UPDATE notices SET state = ? WHERE id = ?", state, notice_id)

    # --- conduct

    async def conduct(self, guild_id: int, user_id: int) -> Conduct:
        """See `CaseStore.conduct`."""
        async with self._db.read() as session:
            row = await session.row("SELECT * FROM conduct WHERE guild_id = ? AND user_id = ?", guild_id, user_id)
        return conduct_of(row)

    async def conducts(self) -> Sequence[tuple[int, int, Conduct]]:
        """See `CaseStore.conducts`."""
        async with self._db.read() as session:
            rows = await session.rows("SELECT * FROM conduct WHERE spoiler = 1")
        return [(row["guild_id"], row["user_id"], conduct_of(row)) for row in rows]

    async def heat_up(self, guild_id: int, user_id: int, degrees: float, now: float) -> tuple[float, float]:
        """See `CaseStore.heat_up`."""
        async with self._db.tx() as session:
            row = await session.row("SELECT * FROM conduct WHERE guild_id = ? AND user_id = ?", guild_id, user_id)
            before = heat_at(conduct_of(row), now)
            await session.run(
                "INSERT INTO conduct (guild_id, user_id, heat, heat_at) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (guild_id, user_id) DO UPDATE SET heat = excluded.heat, heat_at = excluded.heat_at",
                guild_id,
                user_id,
                before + degrees,
                now,
            )
        return before, before + degrees

    async def order_spoiler(self, guild_id: int, user_id: int, spoiler: bool, record: Record) -> None:
        """See `CaseStore.order_spoiler`."""
        async with self._db.tx() as session:
            await session.run(
                "INSERT INTO conduct (guild_id, user_id, spoiler) VALUES (?, ?, ?) "
                "ON CONFLICT (guild_id, user_id) DO UPDATE SET spoiler = excluded.spoiler",
                guild_id,
                user_id,
                int(spoiler),
            )
            await note_record(session, record)

    async def cover(self, job_id: int, covers: bool, record: Record) -> bool:
        """See `CaseStore.cover`: one bit of the column is the classifier's, the other one the moderators'."""
        change = f"(hidden | {_COVERED})" if covers else f"(hidden & ~{_COVERED})"
        async with self._db.tx() as session:
            changed = await session.run(
                f"UPDATE jobs SET hidden = {change} WHERE id = ? AND hidden <> {change}",  # noqa: S608 (ours)
                job_id,
            )
            if changed:
                await note_record(session, record)
        return changed > 0

    async def made(self, guild_id: int, user_id: int) -> int:
        """See `CaseStore.made`."""
        sql = "SELECT COALESCE(SUM(pictures), 0) AS n FROM jobs WHERE user_id = ? AND guild_id = ? AND state = 'DONE'"
        async with self._db.read() as session:
            return int((await session.one(sql, user_id, guild_id))["n"])


def _asked(
    guild_id: int | None, user_id: int | None, kinds: Sequence[CaseKind], is_open: bool | None
) -> tuple[str, list[Value]]:
    parts: list[str] = ["TRUE"]
    values: list[Value] = []
    for column, value in (("guild_id", guild_id), ("user_id", user_id)):
        if value is not None:
            parts.append(f"{column} = ?")
            values.append(value)
    if kinds:
        parts.append(f"kind IN ({', '.join('?' * len(kinds))})")
        values += [kind.value for kind in kinds]
    if is_open is not None:
        parts.append(f"state = '{CaseState.OPEN if is_open else CaseState.CLOSED}'")
    return " AND ".join(parts), values


async def open_case(session: Session, filing: Filing, now: float) -> Row:
    """The new case, or the one that is open about the same job or case already."""
    closed = filing.decision is not None
    columns: dict[str, Value] = {
        "guild_id": filing.guild_id,
        "user_id": filing.user_id,
        "kind": filing.kind,
        "state": CaseState.CLOSED if closed else CaseState.OPEN,
        "reason": filing.reason,
        "channel_id": filing.channel_id,
        "job_id": filing.job_id,
        "parent_id": filing.parent_id,
        "data": to_json(filing.data),
        "opened_at": now,
        "due_at": filing.due_at,
        "decision": filing.decision,
        "decided_at": now if closed else None,
        "actor": filing.actor,
        "words": filing.words,
        "needs_ack": int(filing.needs_ack),
        # What is closed from the start has no card; the audit and its member's list have it.
        "carded": 1 if closed else 0,
    }
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    row = await session.row(
        f"INSERT INTO cases ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING RETURNING *",  # noqa: S608 (ours)
        *columns.values(),
    )
    if row is not None:
        await note_case(session, row, "case.opened", filing.actor, now, **_said(row))
        return row
    if filing.parent_id is not None:
        return await session.one("SELECT * FROM cases WHERE parent_id = ? AND state = 'OPEN'", filing.parent_id)
    sql = "SELECT * FROM cases WHERE job_id = ? AND kind = ? AND state = 'OPEN'"
    return await session.one(sql, filing.job_id, filing.kind)


async def withdraw_held(session: Session, before: Row, now: float, actor: int) -> None:
    """Close what was open about a job that *actor* took back: its member, a moderator or the house; its pictures go."""
    gone = Ruling(decision=Decision.WITHDRAWN, actor=actor)
    sql = "SELECT id FROM cases WHERE job_id = ? AND state = 'OPEN' AND kind IN ('held', 'proposal')"
    for each in await session.rows(sql, before["id"]):
        await _close(session, each["id"], gone, now)
    await session.run("DELETE FROM blobs WHERE job_id = ?", before["id"])


async def note_case(session: Session, case: Row, kind: str, actor: int | None, now: float, **more: object) -> None:
    """One line about a case: who, about whom, why and how; never a prompt."""
    names = {"case": "id", "kind": "kind", "reason": "reason", "member": "user_id", "channel": "channel_id"}
    data = {**{name: case[column] for name, column in names.items()}, **more}
    guild_id = case["guild_id"] or None
    record = Record(at=now, kind=kind, guild_id=guild_id, actor=actor, job_id=case["job_id"], data=data)
    await note_record(session, record)


async def _close(session: Session, case_id: int, ruling: Ruling, now: float) -> Row | None:
    if not 0 < case_id <= _ID_MAX:
        return None
    row = await session.row(_CLOSE, ruling.decision, now, ruling.actor, ruling.words, int(ruling.needs_ack), case_id)
    if row is not None and ruling.block is not None:
        data = to_json({**case_of(row).data, "until": ruling.block.until})
        row = await session.one("UPDATE cases SET data = ? WHERE id = ? RETURNING *", data, case_id)
    if row is not None:
        await note_case(session, row, "case.decided", ruling.actor, now, **_said(row))
    return row


def _said(case: Row) -> dict[str, object]:
    """What was decided and said, as far as it was."""
    return {name: case[name] for name in ("decision", "words") if case[name]}


async def _job_in(session: Session, case: Row, state: JobState) -> Row | None:
    return await session.row("SELECT * FROM jobs WHERE id = ? AND state = ?", case["job_id"], state)


async def _rule_on_job(session: Session, case: Row, ruling: Ruling, now: float) -> None:
    """What a decision means for the picture that waited for it, and for a wish that did."""
    match case["kind"]:
        case CaseKind.HELD:
            before = await _job_in(session, case, JobState.HELD)
            if before is not None:
                await _release(session, before, now, shows=ruling.decision is Decision.APPROVED)
        case CaseKind.PROPOSAL:
            before = await _job_in(session, case, JobState.PROPOSED)
            if before is not None:
                await _end_job(session, before, now, JobState.CANCELLED, DECLINED)
        case _:
            pass


async def _release(session: Session, before: Row, now: float, *, shows: bool) -> None:
    if not shows:
        await _end_job(session, before, now, JobState.BLOCKED, BLOCKED_PICTURE)
        await session.run("DELETE FROM blobs WHERE job_id = ?", before["id"])
        return
    # What it cost where it was made, and never more than was said.
    anlas, pictures = min(before["spent"], before["price"]), before["pictures"]
    paid: dict[str, Value] = {"charged_anlas": anlas, "charged_pictures": pictures}
    after = await move(session, before, state=JobState.DONE, delivery=Delivery.PENDING, **paid)
    if after is not None:
        await note(session, now, "job.settled", after, state=JobState.DONE, **paid, spent=after["spent"])


async def _end_job(session: Session, before: Row, now: float, state: JobState, reason: str) -> None:
    nothing: dict[str, Value] = {"charged_anlas": 0, "charged_pictures": 0, "reason": reason}
    after = await move(session, before, state=state, delivery=Delivery.PENDING, settled_at=now, **nothing)
    if after is not None:
        await note(session, now, "job.settled", after, state=state, **nothing, spent=after["spent"])


async def _carry_out(session: Session, case: Row, ruling: Ruling, now: float) -> None:
    if ruling.block is not None:
        await put_block(session, ruling.block, case["id"])
    if ruling.notice:
        await _notify(session, case, case["user_id"], ruling.notice, now)


async def _tell_reporters(session: Session, case: Row, ruling: Ruling, now: float) -> None:
    """What came of it, without a word about anybody else."""
    code = "told.report.kept" if ruling.decision is Decision.DISMISSED else "told.report.acted"
    for row in await session.rows("SELECT user_id FROM reports WHERE case_id = ? ORDER BY at, user_id", case["id"]):
        await _notify(session, case, row["user_id"], code, now)


async def _notify(session: Session, case: Row, user_id: int, code: str, now: float) -> None:
    sql = "INSERT INTO notices (guild_id, user_id, case_id, code, at) VALUES (?, ?, ?, ?, ?)"
    await session.run(sql, case["guild_id"], user_id, case["id"], code, now)


async def _lift(session: Session, case_id: int) -> None:
    """Take back what a case did to its member, as far as it still holds; the heat it raised goes too."""
    await session.run("DELETE FROM blocks WHERE case_id = ?", case_id)
    await session.run("UPDATE cases SET needs_ack = 0 WHERE id = ?", case_id)
    row = await session.one("SELECT * FROM cases WHERE id = ?", case_id)
    sql = "UPDATE conduct SET heat = 0 WHERE guild_id = ? AND user_id = ?"
    await session.run(sql, row["guild_id"], row["user_id"])
