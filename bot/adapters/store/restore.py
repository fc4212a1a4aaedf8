"""Puts a backup in a database's place, so that nothing which may have happened since happens a second time."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.store.audit import note, note_record
from bot.adapters.store.backup import Contents, copy, failing_as, give_to_owner, publish, stamp, sync, verify
from bot.adapters.store.books import move
from bot.adapters.store.database import FILE, LOCK, held, is_file, open_database
from bot.adapters.store.driver import Session, Value
from bot.adapters.store.migrate import migrate, shipped_steps
from bot.adapters.store.sqlite import connect
from bot.domain.errors import StoreError
from bot.domain.job import Delivery, JobState
from bot.domain.record import Record
from bot.ports import COMMANDS_TOLD, STARTS

STAGE = ".restoring"
"""A folder in the data folder, in which the new database is made ready."""
REASON = "failed.restored"
LEAP = 1_000_000
_LOGS = ("-wal", "-journal")
_DAMAGED = {"SQLITE_CORRUPT", "SQLITE_NOTADB"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What the backup held, how many jobs were *ended* and ends *dropped*, and where the old database is *kept*."""

    contents: Contents
    ended: int
    dropped: int
    kept: Path | None


async def restore(folder: Path, file: Path, now: float) -> Restored:
    """
    Put the backup *file* in the place of the folder's database, which is kept beside it.

    Everything is made ready and verified apart, so that a process killed anywhere leaves the old database or the new
    one. Raises `StoreError`: ``store.locked``, ``restore.missing``, ``restore.foreign``, ``restore.newer``,
    ``restore.failed``.
    """
    with failing_as("restore.failed", file):
        is_there = is_file(file)
    if not is_there:
        raise StoreError("restore.missing", path=str(file))
    with held(folder), failing_as("restore.failed", file):
        stage = _emptied(folder / STAGE)
        try:
            contents = await _fetch(file, stage / FILE)
            ended, dropped = await _make_ready(stage, now)
            await verify(stage / FILE)
            kept = await _keep(folder, now)
            give_to_owner(folder, stage / FILE, folder / LOCK, *([kept] if kept else []))
            _install(stage / FILE, folder / FILE)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    return Restored(contents=contents, ended=ended, dropped=dropped, kept=kept)


async def _fetch(file: Path, target: Path) -> Contents:
    """
    Copy the backup; what it holds.

    The backup itself is verified, and not the copy alone, because damaged indexes would be made anew in a copy.
    """
    try:
        contents = await verify(file)
    except StoreError as error:
        if error.code == "store.newer":
            raise StoreError("restore.newer", path=str(file)) from error
        if error.code in ("store.missing", "store.tampered") or _name_of(error) == "SQLITE_NOTADB":
            raise StoreError("restore.foreign", path=str(file)) from error
        raise
    os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    await copy(file, target)
    return contents


# --- what a copy of yesterday means today


async def _make_ready(stage: Path, now: float) -> tuple[int, int]:
    """Bring the copy to this program's schema and to today; how many jobs were ended and ends dropped."""
    database = await open_database(stage)
    try:
        await migrate(database, stage / FILE, shipped_steps())
        async with database.tx() as session:
            ended, dropped = await _end_all(session, now), await _drop_all(session, now)
            # What waited for a yes may have had it.
            await session.run("DELETE FROM drafts")
            await session.run("DELETE FROM pending")
            # Discord has been told other commands since, perhaps by another version.
            await session.run("DELETE FROM meta WHERE key = ? OR key LIKE ?", STARTS, f"{COMMANDS_TOLD}%")
            await _leap(session, now)
            await note_record(session, Record(at=now, kind="store.restored", data={"ended": ended, "dropped": dropped}))
    finally:
        await database.close()
    return ended, dropped


async def _end_all(session: Session, now: float) -> int:
    """
    End every job that waited, at no charge and without a word; what was spent on it stays spent.

    It may have been drawn, paid and shown since, in a message that a word of failure would take the picture from.
    """
    waiting = await session.rows(
        "SELECT * FROM jobs WHERE state IN ('PROPOSED', 'QUEUED', 'RUNNING', 'SENT', 'HELD') ORDER BY id"
    )
    for before in waiting:
        is_undecided = before["state"] in (JobState.PROPOSED, JobState.HELD)
        end: dict[str, Value] = {
            "state": JobState.CANCELLED if is_undecided else JobState.FAILED,
            "charged_anlas": 0,
            "charged_pictures": 0,
            "reason": REASON,
        }
        after = await move(session, before, **end, settled_at=now, delivery=Delivery.NONE)
        if after is None:
            raise StoreError("store.broken", job=before["id"])
        await note(session, now, "job.settled", after, **end, spent=after["spent"])
    await session.run("DELETE FROM blobs WHERE kind <> 'picture'")
    await session.run(
        "DELETE FROM blobs WHERE job_id IN (SELECT job_id FROM cases WHERE state = 'OPEN' AND kind = 'held')"
    )
    # What was decided since cannot be decided again, and nobody is told twice.
    await session.run(
        "UPDATE cases SET state = 'CLOSED', decision = 'expired', decided_at = ?, carded = version "
        "WHERE state = 'OPEN'",
        now,
    )
    await session.run("UPDATE notices SET state = 'UNREACHED' WHERE state = 'PENDING'")
    return len(waiting)


async def _drop_all(session: Session, now: float) -> int:
    """
    Show no end that was still to be shown: its picture may have been shown, and deleted, since.

    What lies in the inbox stays there: nobody but its member meets it, and at worst they collect it twice.
    """
    pending = await session.rows("SELECT * FROM jobs WHERE delivery = 'PENDING' ORDER BY id")
    for before in pending:
        lapsed: dict[str, Value] = {"delivery": Delivery.LAPSED, "charged_anlas": 0, "charged_pictures": 0}
        after = await move(session, before, **lapsed, delivered_at=now)
        if after is None:
            raise StoreError("store.broken", job=before["id"])
        await note(session, now, "job.lapsed", after, given_back=before["charged_anlas"])
    return len(pending)


async def _leap(session: Session, now: float) -> None:
    """
    Go on with ids that were never given: buttons of lost jobs must not meet somebody else's.

    Ids begin at 1 or at a restore's second and grow slower than one a second, so none has reached this second. The
    least leap is for a clock that is wrong.
    """
    tables = await session.rows("SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%'")
    for table in tables:
        row = await session.row("SELECT seq FROM sqlite_sequence WHERE name = ?", table["name"])
        newest = max((row["seq"] if row is not None else 0) + LEAP, int(now))
        await session.run("DELETE FROM sqlite_sequence WHERE name = ?", table["name"])
        await session.run("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", table["name"], newest)


# --- files


def _emptied(stage: Path) -> Path:
    """The stage, without what a killed restore left in it."""
    if stage.exists():
        shutil.rmtree(stage)
    stage.mkdir(mode=0o700)
    return stage


async def _keep(folder: Path, now: float) -> Path | None:
    """
    A copy, byte for byte, of the database that will be replaced, since it may be damaged; None where there is none.

    Not a second name for the file: a bot that writes under the first one would change it.
    """
    old = folder / FILE
    if not is_file(old):
        return None
    kept = folder / f"{old.stem}.before-restore-{stamp(now)}{old.suffix}"
    draft = folder / STAGE / kept.name
    # Before anything opens it: SQLite throws the log of a file away whose head it cannot read.
    _duplicate(old, draft)
    if await _fold(old):
        _duplicate(old, draft)
    for beside in (*_LOGS, ""):
        if is_file(_beside(draft, beside)):
            publish(_beside(draft, beside), _beside(kept, beside))
    return kept


def _duplicate(source: Path, target: Path) -> None:
    for beside in (*_LOGS, ""):
        _beside(target, beside).unlink(missing_ok=True)
        if is_file(_beside(source, beside)):
            shutil.copyfile(_beside(source, beside), _beside(target, beside))
            _beside(target, beside).chmod(0o600)
            sync(_beside(target, beside))


async def _fold(file: Path) -> bool:
    """
    Fold the log into the file, so that the file alone is the whole database; False where it is too damaged for that.

    A log that lay beside the new file would be played into it, and without its log the old file is an older one.
    """
    try:
        session = await connect(file, writable=True)
        try:
            folded = await session.one("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            await session.close()
    except StoreError as error:
        if _name_of(error) in _DAMAGED:
            return False
        raise
    if folded["busy"]:
        raise StoreError("store.locked")
    return True


def _install(ready: Path, file: Path) -> None:
    sync(ready)
    for beside in (*_LOGS, "-shm"):
        _beside(file, beside).unlink(missing_ok=True)
    ready.replace(file)
    sync(file.parent)


def _beside(file: Path, ending: str) -> Path:
    """What SQLite keeps beside a database under its name and an ending."""
    return file.with_name(file.name + ending)


def _name_of(error: StoreError) -> str:
    """SQLite's name of what happened, without its details."""
    name = getattr(error.__cause__, "sqlite_errorname", "")
    return "_".join(name.split("_")[:2])
