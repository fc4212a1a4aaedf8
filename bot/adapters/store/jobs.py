"""The verbs of the queue: each is one transaction, and a repeated one changes nothing."""

import logging
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from bot.adapters.store.audit import note
from bot.adapters.store.books import (
    NOTHING,
    lock_guild,
    lock_house,
    lock_member,
    look,
    move,
    open_books,
    post,
    standing_of,
)
from bot.adapters.store.cases import open_case, withdraw_held
from bot.adapters.store.driver import Database, Row, Session, Value, looking, writing
from bot.adapters.store.rows import (
    SHEET,
    case_of,
    columns_of,
    draft_of,
    input_of,
    job_of,
    jobs_of,
    kind_of,
    picture_of,
    place_columns,
    to_json,
)
from bot.domain.admission import DOUBLE_CLICK, Standing, Ticket, caught_up
from bot.domain.case import BOT, Case, Filing
from bot.domain.errors import Refused, StoreError
from bot.domain.inputs import Inputs
from bot.domain.job import MOVES, Application, Delivery, Draft, Job, JobState, Settlement
from bot.domain.request import Picture, Place, Request, Requester
from bot.domain.sheet import Sheet
from bot.ports import ALL, Decide

log = logging.getLogger(__name__)

RECENT_MOST = 1_000
"""Jobs; `recent` tells of no more, the newest ones."""
_ID_MAX = 2**63 - 1
BYTES = "application/octet-stream"
_REST = "(rest)"
"""Holds the lease of an account that rests: nobody's name, so nobody may claim it before its time."""

_ON_ACCOUNT = "SELECT * FROM jobs WHERE account = ? AND state IN ('RUNNING', 'SENT')"
# A free account is nobody's, and no job lies on it.
_DEAD = "holder IS NOT NULL AND leased_until <= ?"
_DEAD_OR_MINE = f"({_DEAD} OR holder = ?)"
# A member who has as many jobs running as their server allows is passed over, not waited for.
_NEXT = """
SELECT jobs.* FROM jobs LEFT JOIN guilds ON guilds.id = jobs.guild_id
WHERE jobs.state = 'QUEUED' AND jobs.not_before <= ? AND jobs.price >= ? AND jobs.id NOT IN ({passing})
AND COALESCE(guilds.running, 1) > (
    SELECT COUNT(*) FROM jobs AS live
    WHERE live.guild_id = jobs.guild_id AND live.user_id = jobs.user_id AND live.state IN ('RUNNING', 'SENT'))
ORDER BY jobs.turn, jobs.id LIMIT 1"""

_LINE = """
SELECT shape, COUNT(*) AS n FROM jobs
WHERE state = 'QUEUED' AND (turn < ? OR (turn = ? AND id < ?)) GROUP BY shape"""
_DURATIONS = """
SELECT settled_at - claimed_at AS seconds FROM jobs WHERE shape = ? AND state = 'DONE'
ORDER BY settled_at DESC LIMIT ?"""
_UNFINISHED = ("IN ('RUNNING', 'SENT')", "= 'QUEUED'", "= 'HELD'", "= 'PROPOSED'")
_LATE = "SELECT * FROM jobs WHERE state = 'QUEUED' AND admitted_at < ? ORDER BY turn, id LIMIT ?"


class Jobs:
    """The verbs of `JobStore`."""

    _db: Database

    # --- drafts

    async def propose(
        self, requester: Requester, request: Request, price: int, expires_at: float, *, sheet: Sheet | None = None
    ) -> Draft:
        """Keep what waits for a yes, or the form that comes before it."""
        async with self._db.tx() as session:
            row = await session.one(
                "INSERT INTO drafts (user_id, requester, kind, request, price, expires_at) "
                "VALUES (?, ?, ?, ?, ?, ?) RETURNING *",
                requester.user_id,
                to_json(requester),
                SHEET if sheet is not None else kind_of(request),
                to_json(sheet or request),
                price,
                expires_at,
            )
        return draft_of(row)

    async def draft(self, draft_id: int) -> Draft | None:
        """A draft, None once it was consumed, dropped or cleared away."""
        row = await self._find("SELECT * FROM drafts WHERE id = ?", draft_id)
        return draft_of(row) if row is not None else None

    async def drop_draft(self, draft_id: int) -> bool:
        """Let a draft go."""
        async with self._db.tx() as session:
            return await session.run("DELETE FROM drafts WHERE id = ?", draft_id) > 0

    # --- admission

    @writing
    async def admit(
        self, session: Session, application: Application, now: float, decide: Decide, *, draft_id: int | None = None
    ) -> Job:
        """See `JobStore.admit`. Raises what *decide* raises, and then nothing was written."""
        requester = application.requester
        house = await lock_house(session)
        row = await _made_already(session, application, now)
        if row is None:
            if draft_id is not None:
                await _consume(session, draft_id, requester.user_id, now)
            guild = await lock_guild(session, requester.scope)
            member = await lock_member(session, requester.scope, requester.user_id)
            books = await open_books(session, guild, requester.user_id, now)
            ticket = decide(await standing_of(session, house, member, books))
            row = await _insert(session, application, now, ticket)
        return job_of(row)

    @writing
    async def suggest(
        self, session: Session, application: Application, now: float, filing: Filing, *, draft_id: int | None = None
    ) -> tuple[Job, Case | None]:
        """See `JobStore.suggest`."""
        requester = application.requester
        await lock_house(session)
        row = await _made_already(session, application, now)
        if row is not None:
            sql = "SELECT * FROM cases WHERE job_id = ? AND kind = ? ORDER BY id DESC LIMIT 1"
            known = await session.row(sql, row["id"], filing.kind)
            return job_of(row), case_of(known) if known is not None else None
        if draft_id is not None:
            await _consume(session, draft_id, requester.user_id, now)
        await lock_guild(session, requester.scope)
        await lock_member(session, requester.scope, requester.user_id)
        row = await _insert_proposed(session, application, now, filing.reason)
        case = await open_case(session, replace(filing, job_id=row["id"]), now)
        return job_of(row), case_of(case)

    @looking
    async def standing(self, session: Session, requester: Requester, now: float) -> Standing:
        """The member's standing without locks, to be shown."""
        return await look(session, requester.scope, requester.user_id, now)

    # --- reading

    async def get(self, job_id: int) -> Job | None:
        """One job."""
        row = await self._find("SELECT * FROM jobs WHERE id = ?", job_id)
        return job_of(row) if row is not None else None

    async def waiting(self, guild_id: int | None = None, most: int = ALL) -> Sequence[Job]:
        """See `JobStore.waiting`."""
        whose = "" if guild_id is None else "AND guild_id = ?"
        values = [most] if guild_id is None else [guild_id, most]
        async with self._db.read() as session:
            rows = await session.rows(
                f"SELECT * FROM jobs WHERE state = 'QUEUED' {whose} ORDER BY turn, id LIMIT ?",  # noqa: S608 (ours)
                *values,
            )
        return jobs_of(rows)

    async def undecided(self, most: int) -> Sequence[Job]:
        """See `JobStore.undecided`."""
        part = "SELECT * FROM jobs WHERE state ="
        async with self._db.read() as session:
            rows = await session.rows(
                f"SELECT * FROM ({part} 'HELD' UNION ALL {part} 'PROPOSED') AS open ORDER BY id LIMIT ?",  # noqa: S608
                most,
            )
        return jobs_of(rows)

    async def line(self, before: Job | None = None) -> Mapping[str, int]:
        """See `JobStore.line`."""
        turn, id_ = (before.turn, before.id) if before is not None else (_ID_MAX, _ID_MAX)
        async with self._db.read() as session:
            rows = await session.rows(_LINE, turn, turn, id_)
        return {row["shape"] or "": row["n"] for row in rows}

    async def in_hand(self) -> Sequence[tuple[str, float]]:
        """See `JobStore.in_hand`."""
        async with self._db.read() as session:
            rows = await session.rows(
                "SELECT COALESCE(shape, '') AS shape, claimed_at FROM jobs WHERE state IN ('RUNNING', 'SENT')"
            )
        return [(row["shape"], row["claimed_at"]) for row in rows]

    async def durations(self, shape: str, most: int) -> Sequence[float]:
        """See `JobStore.durations`."""
        async with self._db.read() as session:
            rows = await session.rows(_DURATIONS, shape, most)
        return [row["seconds"] for row in rows if row["seconds"] is not None]

    async def recent(self, since: float) -> Sequence[Job]:
        """Jobs admitted since *since* that have an interaction, oldest first; the newest 1,000 of them."""
        async with self._db.read() as session:
            rows = await session.rows(
                "SELECT * FROM jobs WHERE admitted_at >= ? AND interaction IS NOT NULL "
                "ORDER BY admitted_at DESC, id DESC LIMIT ?",
                since,
                RECENT_MOST,
            )
        return jobs_of(rows[::-1])

    async def of_member(self, guild_id: int, user_id: int) -> Sequence[Job]:
        """See `JobStore.of_member`."""
        # One statement for each partial index, or the planner would walk through all that the member ever had.
        part = "SELECT * FROM jobs WHERE guild_id = ? AND user_id = ? AND state"
        async with self._db.read() as session:
            rows = await session.rows(
                f"SELECT * FROM ({part} IN ('RUNNING', 'SENT') UNION ALL {part} = 'QUEUED') AS mine "  # noqa: S608 (ours)
                "ORDER BY turn, id",
                guild_id,
                user_id,
                guild_id,
                user_id,
            )
        return jobs_of(rows)

    async def of_guild(self, guild_id: int) -> Sequence[Job]:
        """See `JobStore.of_guild`."""
        # One statement for each partial index.
        parts = [f"SELECT * FROM jobs WHERE guild_id = ? AND state {states}" for states in _UNFINISHED]  # noqa: S608
        async with self._db.read() as session:
            rows = await session.rows(
                f"SELECT * FROM ({' UNION ALL '.join(parts)}) AS unfinished ORDER BY turn, id",  # noqa: S608 (ours)
                *[guild_id] * len(parts),
            )
        return jobs_of(rows)

    async def is_first(self, job: Job) -> bool:
        """See `JobStore.is_first`."""
        async with self._db.read() as session:
            row = await session.row(
                "SELECT id FROM jobs WHERE user_id = ? AND admitted_at <= ? AND guild_id = ? AND id < ? "
                "AND state = 'DONE' LIMIT 1",
                job.user_id,
                job.admitted_at,
                job.requester.scope,
                job.id,
            )
        return row is None

    async def last_prompts(self, guild_id: int, most: int) -> Sequence[str]:
        """See `JobStore.last_prompts`."""
        async with self._db.read() as session:
            rows = await session.rows(
                "SELECT * FROM jobs WHERE guild_id = ? AND request IS NOT NULL ORDER BY admitted_at DESC LIMIT ?",
                guild_id,
                most,
            )
        return [", ".join(job.request.prompts) for job in jobs_of(rows) if job.request is not None]

    async def pictures(self, job_id: int) -> Sequence[Picture]:
        """The pictures of a job in their order, while they are kept."""
        async with self._db.read() as session:
            rows = await session.rows("SELECT * FROM blobs WHERE job_id = ? AND kind = 'picture' ORDER BY n", job_id)
        return [picture_of(row) for row in rows]

    # --- the worker's verbs

    @writing
    async def place(self, session: Session, job_id: int, place: Place) -> bool:
        """Note where the job is shown, once its message exists."""
        columns = place_columns(place)
        changed = await session.run(
            "UPDATE jobs SET place = ?, token = ?, token_expires = ? WHERE id = ?", *columns.values(), job_id
        )
        return changed > 0

    async def inputs(self, job_id: int) -> Inputs:
        """See `JobStore.inputs`."""
        async with self._db.read() as session:
            rows = await session.rows("SELECT * FROM blobs WHERE job_id = ? AND kind <> 'picture'", job_id)
        return {input_of(row): row["data"] for row in rows}

    @writing
    async def claim(
        self,
        session: Session,
        account: str,
        holder: str,
        now: float,
        lease: float,
        *,
        at_least: int = 0,
        passing: Collection[int] = (),
    ) -> Job | None:
        """
        See `JobStore.claim`.

        A lease that ran out is treated like a crash first: what lay on the account goes back, or has failed.
        """
        if not await _is_free(session, account, holder, now):
            return None
        job = await _first(session, now, at_least, passing)
        if job is None:
            return None
        fence = await _lease(session, account, holder, now, now + lease)
        claimed = await move(
            session,
            job,
            state=JobState.RUNNING,
            account=account,
            fence=fence,
            tries=job["tries"] + 1,
            claimed_at=now,
            claimed_turn=job["turn"],
        )
        if claimed is None:
            raise StoreError("store.broken", job=job["id"])
        last_turn = await _catch_up(session, claimed)
        await session.run("UPDATE house SET now_turn = ? WHERE now_turn < ?", job["turn"], job["turn"])
        await _note_last_turn(session, claimed, last_turn)
        await note(session, now, "job.claimed", claimed, account=account, fence=fence, tries=claimed["tries"])
        return job_of(claimed)

    @writing
    async def renew(self, session: Session, job: Job, until: float) -> bool:
        """Hold the account longer; False once it belongs to nobody, or to somebody else."""
        changed = await session.run(
            "UPDATE accounts SET leased_until = ? WHERE id = ? AND fence = ? AND holder <> ?",
            until,
            job.account,
            job.fence,
            _REST,
        )
        return changed > 0

    @writing
    async def send(self, session: Session, job: Job, now: float, spent: int) -> bool:
        """See `JobStore.send`; False too where the lease has run out, because somebody may be taking the job back."""
        before = await _held(session, job, JobState.RUNNING)
        if before is None or not await _is_leased(session, before, now):
            return False
        after = await move(session, before, state=JobState.SENT, sent_at=now, spent=spent)
        if after is not None:
            await note(session, now, "job.sent", after, spent=spent)
        return after is not None

    @writing
    async def send_more(self, session: Session, job: Job, now: float, spent: int) -> bool:
        """See `JobStore.send_more`; False where the lease has run out, as for `send`."""
        before = await _held(session, job, JobState.SENT)
        if before is None or not await _is_leased(session, before, now):
            return False
        after = await move(session, before, spent=spent)
        if after is not None:
            await note(session, now, "job.sent", after, spent=spent)
        return after is not None

    @writing
    async def hand_back(
        self, session: Session, job: Job, not_before: float, *, give_back_try: bool, rest_until: float = 0.0
    ) -> bool:
        """See `JobStore.hand_back`."""
        before = await _held(session, job, JobState.RUNNING, JobState.SENT)
        if before is None:
            return False
        tries = max(0, before["tries"] - give_back_try)
        after = await _put_back(session, before, not_before=not_before, tries=tries)
        if after is not None:
            await _free(session, job, rest_until)
            await note(session, time.time(), "job.handed_back", after, not_before=not_before, tries=tries)
        return after is not None

    @writing
    async def settle(
        self,
        session: Session,
        job: Job,
        now: float,
        settlement: Settlement,
        pictures: Sequence[Picture] = (),
        *,
        rest_until: float = 0.0,
        filing: Filing | None = None,
    ) -> bool:
        """See `JobStore.settle`."""
        before = await _held(session, job, JobState.RUNNING, JobState.SENT)
        if before is None or settlement.state not in MOVES[JobState(before["state"])]:
            return False
        after = await _end(session, before, now, settlement)
        if after is None:
            return False
        await _keep(session, job.id, pictures)
        if filing is not None:
            await open_case(session, filing, now)
        await _free(session, job, rest_until)
        return True

    @writing
    async def rest(self, session: Session, job: Job, until: float) -> bool:
        """See `JobStore.rest`."""
        changed = await session.run(
            "UPDATE accounts SET leased_until = ? WHERE id = ? AND fence = ? AND holder = ?",
            until,
            job.account,
            job.fence,
            _REST,
        )
        return changed > 0

    async def abandon(self, job_id: int, now: float, reason: str) -> bool:
        """See `JobStore.abandon`."""
        ended = Settlement(state=JobState.FAILED, charged_anlas=0, charged_pictures=0, spent=0, reason=reason)
        async with self._db.tx() as session:
            before = await session.row("SELECT * FROM jobs WHERE id = ? AND state = 'QUEUED'", job_id)
            return before is not None and await _end(session, before, now, ended) is not None

    @writing
    async def cancel(self, session: Session, job_id: int, now: float, reason: str, *, actor: int = BOT) -> bool:
        """See `JobStore.cancel`."""
        ended = Settlement(state=JobState.CANCELLED, charged_anlas=0, charged_pictures=0, spent=0, reason=reason)
        before = await session.row("SELECT * FROM jobs WHERE id = ?", job_id)
        if before is None or JobState.CANCELLED not in MOVES[JobState(before["state"])]:
            return False
        ended = replace(ended, spent=before["spent"])
        after = await _end(session, before, now, ended)
        if after is not None and before["state"] in (JobState.HELD, JobState.PROPOSED):
            await withdraw_held(session, before, now, actor)
        elif after is not None and after["account"] is not None:
            await _free(session, job_of(after))
        return after is not None

    async def give_up(self, admitted_before: float, now: float, reason: str) -> Sequence[Job]:
        """See `JobStore.give_up`."""
        late = Settlement(state=JobState.FAILED, charged_anlas=0, charged_pictures=0, spent=0, reason=reason)
        async with self._db.tx() as session:
            rows = await session.rows(_LATE, admitted_before, RECENT_MOST)
            ended = [await _end(session, row, now, late) for row in rows]
        return jobs_of([row for row in ended if row is not None])

    async def recover(self, now: float, holder: str | None = None) -> Sequence[Job]:
        """See `JobStore.recover`."""
        async with self._db.tx() as session:
            if self._db.is_shared:
                return await _take_back_from(session, now, _DEAD_OR_MINE, now, holder)
            await session.run("UPDATE jobs SET delivery_lease = 0 WHERE delivery = 'PENDING'")
            await session.run("UPDATE cases SET card_not_before = 0 WHERE carded < version")
            await session.run("UPDATE notices SET not_before = 0 WHERE state = 'PENDING'")
            return await _take_back_from(session, now, "holder <> ?", _REST)

    async def reap(self, now: float) -> Sequence[Job]:
        """See `JobStore.reap`."""
        async with self._db.tx() as session:
            return await _take_back_from(session, now, _DEAD, now)

    async def _find(self, sql: str, id_: int) -> Row | None:
        # Ids come from buttons that anyone may forge; one that no row can have is not a failure of the database.
        if not 0 < id_ <= _ID_MAX:
            return None
        async with self._db.read() as session:
            return await session.row(sql, id_)


# --- admission's parts


async def _made_already(session: Session, application: Application, now: float) -> Row | None:
    """The job of this very event, or of the press of the same button a moment ago."""
    row = await session.row("SELECT * FROM jobs WHERE key = ?", application.key)
    if row is not None or application.origin is None:
        return row
    requester = application.requester
    return await session.row(
        "SELECT * FROM jobs WHERE guild_id = ? AND user_id = ? AND admitted_at BETWEEN ? AND ? AND origin = ? "
        "ORDER BY id DESC LIMIT 1",
        requester.scope,
        requester.user_id,
        now - DOUBLE_CLICK,
        now + DOUBLE_CLICK,
        application.origin,
    )


async def _consume(session: Session, draft_id: int, user_id: int, now: float) -> None:
    sql = "DELETE FROM drafts WHERE id = ? AND user_id = ? AND expires_at > ?"
    if not await session.run(sql, draft_id, user_id, now):
        raise Refused("draft.gone")


async def _insert_proposed(session: Session, application: Application, now: float, reason: str) -> Row:
    """A wish that waits for a yes: charged nothing, so that it weighs nothing, and without a turn."""
    nothing: dict[str, Value] = {"turn": 0, "charged_anlas": 0, "charged_pictures": 0, "reason": reason}
    row = await _write(session, application, now, state=JobState.PROPOSED, **nothing)
    await note(session, now, "job.proposed", row, price=row["price"], pictures=row["pictures"])
    return row


async def _write(session: Session, application: Application, now: float, **more: Value) -> Row:
    columns: dict[str, Value] = {**columns_of(application), "delivery": Delivery.NONE, "admitted_at": now, **more}
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    row = await session.one(
        f"INSERT INTO jobs ({names}) VALUES ({marks}) RETURNING *",  # noqa: S608 (names of columns, from this package)
        *columns.values(),
    )
    for each, data in application.inputs.items():
        await session.run(
            "INSERT INTO blobs (job_id, kind, n, media_type, seed, data) VALUES (?, ?, ?, ?, 0, ?)",
            row["id"],
            each.kind,
            each.n,
            BYTES,
            data,
        )
    return row


async def _insert(session: Session, application: Application, now: float, ticket: Ticket) -> Row:
    row = await _write(session, application, now, state=JobState.QUEUED, turn=ticket.turn, step=ticket.step)
    await session.run(
        "UPDATE members SET last_turn = ?, last_admitted = ? WHERE guild_id = ? AND user_id = ?",
        ticket.turn,
        now,
        row["guild_id"],
        row["user_id"],
    )
    await post(session, row, NOTHING)
    await note(session, now, "job.admitted", row, price=row["price"], pictures=row["pictures"], turn=ticket.turn)
    return row


# --- accounts


async def _is_free(session: Session, account: str, holder: str, now: float) -> bool:
    """Whether *holder* may take a job on *account*; what a dead holder left there is taken back first."""
    row = await session.row("SELECT * FROM accounts WHERE id = ?", account)
    is_live = row is not None and row["leased_until"] > now
    if row is not None and is_live and row["holder"] != holder:
        return False
    left = await session.rows(_ON_ACCOUNT, account)
    if is_live:
        return not left
    for job in left:
        await _take_back(session, job, now)
    return True


async def _lease(session: Session, account: str, holder: str, now: float, until: float) -> int:
    """Take the account; its new fence voids every write of an older holder."""
    row = await session.row(
        "INSERT INTO accounts (id, fence, holder, leased_until) VALUES (?, 1, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET fence = accounts.fence + 1, holder = excluded.holder, "
        "leased_until = excluded.leased_until "
        "WHERE accounts.leased_until <= ? OR accounts.holder = excluded.holder RETURNING fence",
        account,
        holder,
        until,
        now,
    )
    if row is None:
        raise StoreError("store.broken", account=account)
    return int(row["fence"])


async def _is_leased(session: Session, job: Row, now: float) -> bool:
    row = await session.row(
        "SELECT id FROM accounts WHERE id = ? AND fence = ? AND holder <> ? AND leased_until >= ?",
        job["account"],
        job["fence"],
        _REST,
        now,
    )
    return row is not None


async def _free(session: Session, job: Job, rest_until: float = 0.0) -> None:
    """Let the account go, or let it rest."""
    await session.run(
        "UPDATE accounts SET holder = ?, leased_until = ? WHERE id = ? AND fence = ?",
        _REST if rest_until else None,
        rest_until,
        job.account,
        job.fence,
    )


async def _catch_up(session: Session, claimed: Row) -> int:
    """
    Put what else the member waits for behind the job that was just claimed, if others started meanwhile; the last turn
    that was moved, or 0.

    Only a member whose running jobs were as many as allowed, or whose job had to wait, falls behind. Jobs come before
    house and member here as in every transition, so that none waits for another in a circle.
    """
    house = await session.one("SELECT now_turn FROM house")
    if claimed["turn"] >= house["now_turn"]:
        return 0
    rows = await session.rows(
        "SELECT id, turn, step FROM jobs WHERE guild_id = ? AND user_id = ? AND state = 'QUEUED' ORDER BY turn, id",
        claimed["guild_id"],
        claimed["user_id"],
    )
    waiting = {row["id"]: Ticket(turn=row["turn"], step=row["step"]) for row in rows}
    moved = caught_up(waiting, house["now_turn"])
    for id_, turn in moved.items():
        await session.run("UPDATE jobs SET turn = ? WHERE id = ? AND state = 'QUEUED'", turn, id_)
    return max(moved.values(), default=0)


async def _note_last_turn(session: Session, claimed: Row, turn: int) -> None:
    if turn:
        await session.run(
            "UPDATE members SET last_turn = ? WHERE guild_id = ? AND user_id = ? AND last_turn < ?",
            turn,
            claimed["guild_id"],
            claimed["user_id"],
            turn,
        )


# --- transitions


async def _first(session: Session, now: float, at_least: int, passing: Collection[int]) -> Row | None:
    """The first job that may start; one that cannot be read ends here, so that it holds up nobody."""
    # No id is 0: an empty list is no SQL.
    left_out = sorted({0, *passing})
    sql = _NEXT.format(passing=", ".join("?" * len(left_out)))
    while (row := await session.row(sql, now, at_least, *left_out)) is not None:
        try:
            job_of(row)
        except StoreError:
            log.exception("job %s cannot be read and is given up", row["id"])
            bug = Settlement(
                state=JobState.FAILED, charged_anlas=0, charged_pictures=0, spent=0, reason="failed.bug", silent=True
            )
            await _end(session, row, now, bug)
        else:
            return row
    return None


async def _held(session: Session, job: Job, *states: JobState) -> Row | None:
    """The row of a job that is still in the caller's hands."""
    row = await session.row("SELECT * FROM jobs WHERE id = ? AND fence = ?", job.id, job.fence)
    return row if row is not None and row["state"] in states else None


async def _end(session: Session, before: Row, now: float, settlement: Settlement) -> Row | None:
    # What is held waits for a moderator, and is nobody's parcel until then.
    is_private = settlement.silent or settlement.state is JobState.HELD
    after = await move(
        session,
        before,
        state=settlement.state,
        charged_anlas=settlement.charged_anlas,
        charged_pictures=settlement.charged_pictures,
        spent=settlement.spent,
        reason=settlement.reason,
        settled_at=now,
        hidden=int(settlement.hidden),
        delivery=Delivery.NONE if is_private else Delivery.PENDING,
    )
    if after is not None and settlement.forgets:
        await session.run("UPDATE jobs SET request = NULL WHERE id = ?", after["id"])
    if after is not None:
        await session.run("DELETE FROM blobs WHERE job_id = ? AND kind <> 'picture'", after["id"])
        await note(
            session,
            now,
            "job.settled",
            after,
            state=settlement.state,
            charged_anlas=settlement.charged_anlas,
            charged_pictures=settlement.charged_pictures,
            spent=settlement.spent,
            reason=settlement.reason,
        )
    return after


async def _put_back(session: Session, before: Row, *, not_before: float, tries: int) -> Row | None:
    return await move(session, before, state=JobState.QUEUED, account=None, spent=0, not_before=not_before, tries=tries)


async def _take_back(session: Session, before: Row, now: float) -> Row | None:
    """What becomes of a job whose holder is dead; a paid one may have been drawn, so it is not sent again."""
    if before["state"] == JobState.SENT and before["spent"]:
        lost = Settlement(
            state=JobState.FAILED, charged_anlas=0, charged_pictures=0, spent=before["spent"], reason="failed.answer"
        )
        return await _end(session, before, now, lost)
    after = await _put_back(session, before, not_before=before["not_before"], tries=before["tries"])
    if after is not None:
        await note(session, now, "job.recovered", after, tries=after["tries"])
    return after


async def _take_back_from(session: Session, now: float, dead: str, *values: Value) -> Sequence[Job]:
    """Free the accounts of which *dead* is true, and put what lay on them where it belongs."""
    accounts = await session.rows(
        f"UPDATE accounts SET holder = NULL, leased_until = 0 WHERE {dead} RETURNING id",  # noqa: S608 (ours)
        *values,
    )
    touched = [await _take_back(session, row, now) for each in accounts for row in await _lying_on(session, each["id"])]
    return sorted(jobs_of([row for row in touched if row is not None]), key=lambda job: (job.turn, job.id))


async def _lying_on(session: Session, account: str) -> list[Row]:
    return await session.rows(_ON_ACCOUNT, account)


async def _keep(session: Session, job_id: int, pictures: Sequence[Picture]) -> None:
    for n, picture in enumerate(pictures):
        await session.run(
            "INSERT INTO blobs (job_id, kind, n, media_type, seed, data) VALUES (?, 'picture', ?, ?, ?, ?)",
            job_id,
            n,
            picture.media_type,
            picture.seed,
            picture.data,
        )
