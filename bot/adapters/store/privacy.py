"""The verbs of one person: what is kept about them, how it is erased, and what nobody keeps for ever."""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from bot.adapters.store.audit import NO_STEP, about, note_record
from bot.adapters.store.deliveries import end_in_inbox, lapse
from bot.adapters.store.driver import Database, Row, Session
from bot.adapters.store.rows import conduct_of, draft_of, entry_of, jobs_of, notice_of, to_json
from bot.domain.case import Notice, Report
from bot.domain.conduct import Conduct
from bot.domain.job import Delivery, Draft, Job
from bot.domain.privacy import Kept
from bot.domain.record import Entry, Record
from bot.domain.request import Context, Requester

WORDED: Mapping[str, str] = {
    "member.blocked": "reason",
    "member.warned": "reason",
    "member.granted": "reason",
    "member.reset": "reason",
    "picture.deleted": "reason",
    "case.opened": "words",
    "case.decided": "words",
}
"""Kinds of lines in which people's own words may stand, and where; a case's ``reason`` is a code."""
READ = "privacy.read"
"""Under this key the house remembers up to which line of the audit words were erased because they are old."""
AT_ONCE = 2_000
"""Lines of the audit that one transaction looks through."""
_ENDED = "state IN ('DONE', 'BLOCKED', 'FAILED', 'CANCELLED')"
_UNFINISHED = f"(NOT {_ENDED} OR delivery = 'PENDING')"
_STANDS = """(needs_ack = 1
OR EXISTS (SELECT 1 FROM blocks WHERE blocks.case_id = cases.id AND (blocks.until IS NULL OR blocks.until > ?))
OR EXISTS (SELECT 1 FROM cases AS appeal WHERE appeal.parent_id = cases.id AND appeal.state = 'OPEN'))"""
_OVER = f"user_id = ? AND state = 'CLOSED' AND NOT {_STANDS}"
# An appeal goes after its case, never before it: there is one for each.
_GOES = f"""{_OVER} AND carded >= version
AND NOT EXISTS (SELECT 1 FROM cases AS parent WHERE parent.id = cases.parent_id)"""
_SEEN_BY_OTHERS = """(state = 'DONE' AND guild_id <> 0 AND (delivery = 'SHOWN' OR shown_as IS NOT NULL)
AND place IS NOT NULL AND place NOT LIKE ?)"""
_ALONE = '%"ephemeral":true%'
"""In a place's JSON: its member alone sees it."""
_WORDS_OF_CASES = f"""
UPDATE cases SET data = '{{}}', words = '' WHERE state = 'CLOSED' AND (data <> '{{}}' OR words <> '')
AND decided_at < ? AND NOT {_STANDS}"""
_WORDS_OF_REPORTS = """
UPDATE reports SET words = '' WHERE words <> '' AND at < ?
AND NOT EXISTS (SELECT 1 FROM cases WHERE cases.id = reports.case_id AND cases.state = 'OPEN')"""
_NUMBERS = """
SELECT COUNT(*) AS jobs, COUNT(request) AS requests, COUNT(CASE WHEN delivery = 'INBOX' THEN 1 END) AS inbox
FROM jobs WHERE user_id = ?"""
_BYTES = """
SELECT COUNT(CASE WHEN blobs.kind = 'picture' THEN 1 END) AS pictures,
COUNT(CASE WHEN blobs.kind <> 'picture' THEN 1 END) AS images
FROM jobs JOIN blobs ON blobs.job_id = jobs.id WHERE jobs.user_id = ?"""
_ROWS_OF = {
    "drafts": "SELECT COUNT(*) AS n FROM drafts WHERE user_id = ?",
    "cases": "SELECT COUNT(*) AS n FROM cases WHERE user_id = ?",
    "reports": "SELECT COUNT(*) AS n FROM reports WHERE user_id = ?",
    "limits": "SELECT COUNT(*) AS n FROM allowances WHERE whose = 'member' AND id = ?",
    "blocks": "SELECT COUNT(*) AS n FROM blocks WHERE user_id = ?",
}

# ruff: noqa: S608
# The statements here are put together from this module's own constants.


class Privacy:
    """The verbs of `PrivacyStore`."""

    _db: Database

    # --- reading

    async def kept_of(self, user_id: int) -> Kept:
        """See `PrivacyStore.kept_of`."""
        async with self._db.read() as session:
            numbers = {**await session.one(_NUMBERS, user_id), **await session.one(_BYTES, user_id)}
            for name, sql in _ROWS_OF.items():
                numbers[name] = (await session.one(sql, user_id))["n"]
        return Kept(**numbers)

    async def unfinished_of(self, user_id: int) -> Sequence[Job]:
        """See `PrivacyStore.unfinished_of`."""
        async with self._db.read() as session:
            sql = f"SELECT * FROM jobs WHERE user_id = ? AND {_UNFINISHED} ORDER BY id"
            return jobs_of(await session.rows(sql, user_id))

    async def jobs_of(self, user_id: int, most: int, before: Job | None = None) -> Sequence[Job]:
        """See `PrivacyStore.jobs_of`."""
        older = "AND admitted_at <= ? AND (admitted_at < ? OR id < ?)" if before is not None else ""
        values = [before.admitted_at, before.admitted_at, before.id] if before is not None else []
        async with self._db.read() as session:
            sql = f"SELECT * FROM jobs WHERE user_id = ? {older} ORDER BY admitted_at DESC, id DESC LIMIT ?"
            return jobs_of(await session.rows(sql, user_id, *values, most))

    async def drafts_of(self, user_id: int) -> Sequence[Draft]:
        """What waits for a member's yes."""
        async with self._db.read() as session:
            rows = await session.rows("SELECT * FROM drafts WHERE user_id = ? ORDER BY id", user_id)
        return [draft_of(row) for row in rows]

    async def notices_of(self, user_id: int) -> Sequence[Notice]:
        """What a member was told, or has to be told."""
        async with self._db.read() as session:
            rows = await session.rows("SELECT * FROM notices WHERE user_id = ? ORDER BY id", user_id)
        return [notice_of(row) for row in rows]

    async def reports_made(self, user_id: int) -> Sequence[tuple[int, Report]]:
        """See `PrivacyStore.reports_made`."""
        async with self._db.read() as session:
            rows = await session.rows("SELECT * FROM reports WHERE user_id = ? ORDER BY case_id", user_id)
        return [
            (row["case_id"], Report(user_id=row["user_id"], reason=row["reason"], words=row["words"])) for row in rows
        ]

    async def conducts_of(self, user_id: int) -> Sequence[tuple[int, Conduct]]:
        """See `PrivacyStore.conducts_of`."""
        async with self._db.read() as session:
            rows = await session.rows("SELECT * FROM conduct WHERE user_id = ? ORDER BY guild_id", user_id)
        return [(row["guild_id"], conduct_of(row)) for row in rows]

    async def lines_about(self, user_id: int, after: int, until: int) -> Sequence[Entry]:
        """See `PrivacyStore.lines_about`."""
        named, values = about(user_id)
        async with self._db.read() as session:
            sql = f"SELECT * FROM audit WHERE id > ? AND id <= ? AND {NO_STEP} AND {named} ORDER BY id"
            rows = await session.rows(sql, after, until, *values)
        return [entry_of(row) for row in rows]

    # --- erasing

    async def forget_member(self, user_id: int, now: float, lines: Sequence[int] = ()) -> int:
        """See `PrivacyStore.forget_member`."""
        async with self._db.tx() as session:
            await _forget_jobs(session, user_id, now)
            for table in ("drafts", "pending"):
                await session.run(f"DELETE FROM {table} WHERE user_id = ?", user_id)
            await session.run("UPDATE reports SET words = '' WHERE user_id = ?", user_id)
            await _forget_cases(session, user_id, now)
            await _forget_lines(session, user_id, now, lines)
            # Without an id: that somebody was forgotten is on record, and not who.
            await note_record(session, Record(at=now, kind="member.forgotten"))
            left = await session.one(f"SELECT COUNT(*) AS n FROM jobs WHERE user_id = ? AND NOT {_ENDED}", user_id)
        return int(left["n"])

    async def forget_decisions(self, before: float, now: float) -> None:
        """See `PrivacyStore.forget_decisions`."""
        async with self._db.tx() as session:
            await session.run(_WORDS_OF_CASES, before, now)
            await session.run(_WORDS_OF_REPORTS, before)
            await session.run("DELETE FROM notices WHERE state <> 'PENDING' AND at < ?", before)
            await session.run("DELETE FROM blocks WHERE until < ?", before)
            # Of what was said so long ago no heat is left.
            await session.run("DELETE FROM conduct WHERE spoiler = 0 AND heat_at < ?", before)
            await _forget_old_lines(session, before)


async def _forget_jobs(session: Session, user_id: int, now: float) -> None:
    unseen = "SELECT * FROM jobs WHERE user_id = ? AND delivery IN ('PENDING', 'INBOX')"
    for row in await session.rows(unseen, user_id):
        end = end_in_inbox if row["delivery"] == Delivery.INBOX else lapse
        await end(session, row, now)
    ended = f"user_id = ? AND {_ENDED}"
    await session.run(f"DELETE FROM blobs WHERE job_id IN (SELECT id FROM jobs WHERE {ended})", user_id)
    await session.run(
        "UPDATE jobs SET request = NULL, shape = NULL, token = NULL, token_expires = NULL, origin = NULL "
        f"WHERE {ended}",
        user_id,
    )
    # What others see they may report, and moderators hide: where it is stays known.
    await session.run(f"UPDATE jobs SET place = NULL WHERE {ended} AND NOT {_SEEN_BY_OTHERS}", user_id, _ALONE)
    nowhere = f"SELECT id FROM jobs WHERE {ended} AND place IS NULL"
    await session.run(f"DELETE FROM nonces WHERE job_id IN ({nowhere})", user_id)
    for row in await session.rows("SELECT DISTINCT guild_id FROM jobs WHERE user_id = ?", user_id):
        sql = f"UPDATE jobs SET requester = ? WHERE guild_id = ? AND {ended}"
        await session.run(sql, to_json(_nobody_in_particular(user_id, row["guild_id"])), row["guild_id"], user_id)


def _nobody_in_particular(user_id: int, guild_id: int) -> Requester:
    """Without channel, roles and language."""
    context = Context.GUILD if guild_id else Context.DM
    return Requester(user_id=user_id, guild_id=guild_id or None, channel_id=0, context=context)


async def _forget_cases(session: Session, user_id: int, now: float) -> None:
    """A closed case whose card is not drawn anew yet stays for it, without words."""
    await session.run(f"UPDATE cases SET data = '{{}}', words = '' WHERE {_OVER}", user_id, now)
    await session.run("DELETE FROM notices WHERE user_id = ? AND state <> 'PENDING'", user_id)
    # Cases first, then the appeals of those that went.
    going = f"SELECT id FROM cases WHERE {_GOES}"
    for _ in range(2):
        for table in ("reports", "notices"):
            await session.run(f"DELETE FROM {table} WHERE case_id IN ({going})", user_id, now)
        await session.run(f"DELETE FROM cases WHERE {_GOES}", user_id, now)


async def _forget_lines(session: Session, user_id: int, now: float, lines: Sequence[int]) -> None:
    """Words in the audit go as far as those of the case do that they belong to."""
    standing = f"SELECT id FROM cases WHERE user_id = ? AND (state = 'OPEN' OR {_STANDS})"
    cases = {row["id"] for row in await session.rows(standing, user_id, now)}
    sql = "SELECT guild_id FROM blocks WHERE user_id = ? AND (until IS NULL OR until > ?)"
    servers = {row["guild_id"] for row in await session.rows(sql, user_id, now)}
    for id_ in lines:
        row = await session.row("SELECT * FROM audit WHERE id = ?", id_)
        if row is None or (row["kind"] == "member.blocked" and row["guild_id"] in servers):
            continue
        # What they wrote about others as a moderator is the others', and on record.
        if msgspec.json.decode(row["data"]).get("member") == user_id:
            await _blank(session, row, unless_of=cases)


async def _forget_old_lines(session: Session, before: float) -> None:
    """Goes on where it stopped; each line is looked at once."""
    mark = await session.row("SELECT value FROM meta WHERE key = ?", READ)
    read = int(mark["value"]) if mark is not None else 0
    old = await session.one(
        "SELECT MAX(id) AS id FROM (SELECT id, at FROM audit WHERE id > ? ORDER BY id LIMIT ?) AS next WHERE at < ?",
        read,
        AT_ONCE,
        before,
    )
    if old["id"] is None:
        return
    kinds = ", ".join("?" * len(WORDED))
    sql = f"SELECT * FROM audit WHERE id > ? AND id <= ? AND kind IN ({kinds})"
    for row in await session.rows(sql, read, old["id"], *WORDED):
        await _blank(session, row)
    await session.run(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        READ,
        str(old["id"]),
    )


async def _blank(session: Session, row: Row, *, unless_of: Collection[int] = ()) -> None:
    key, data = WORDED.get(row["kind"]), msgspec.json.decode(row["data"])
    if key is None or not data.get(key) or data.get("case") in unless_of:
        return
    await session.run("UPDATE audit SET data = ? WHERE id = ?", to_json({**data, key: ""}), row["id"])
