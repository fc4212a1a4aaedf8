"""Copies of a database that can be trusted: made beside a bot that runs, opened and verified before they are kept."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot.adapters.store.database import FILE, looking_at
from bot.adapters.store.driver import Session, unbroken
from bot.adapters.store.ledger import unlawful
from bot.adapters.store.migrate import check_schema, schema_after, schema_of, shipped_steps
from bot.adapters.store.sqlite import connect
from bot.domain.errors import StoreError

FOLDER = "backups"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """How much a verified database holds, and when a bot last wrote to its record (unix seconds; None: never)."""

    jobs: int
    members: int
    written_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A backup that was kept; *size* in bytes."""

    path: Path
    size: int
    contents: Contents


async def back_up(folder: Path, target: Path | None, now: float) -> Backup:
    """
    Copy the folder's database as it stands at one moment to *target*, which must not exist.

    Where *target* is a folder the file gets a name with the time in it; without one it goes to ``backups`` in the
    data folder. A copy that does not hold, or does not fit, leaves nothing behind.
    Raises `StoreError`: ``store.missing``, ``store.newer``, ``store.tampered``, ``backup.exists``, ``backup.failed``.
    """
    with failing_as("backup.failed", target or folder / FOLDER):
        await _require_database(folder)
        path = _named(folder, target, now)
    with failing_as("backup.failed", path), _draft(path) as draft:
        await copy(folder / FILE, draft)
        contents = await verify(draft)
        size = sync(draft)
        if target is None:
            give_to_owner(folder, draft)
        publish(draft, path)
    return Backup(path=path, size=size, contents=contents)


async def _require_database(folder: Path) -> None:
    async with looking_at(folder / FILE) as session:
        if not await check_schema(session, shipped_steps()):
            raise StoreError("store.missing")


async def copy(source: Path, target: Path) -> None:
    """
    Write *source* as it stands at one moment, its log included, to the empty file *target*.

    By ``VACUUM INTO``, which a read-only connection may do while another process writes (SQLite 3.40.1, WAL, tried
    2026-11-27) and which copies no deleted rows; it does not sync the new file.
    """
    session = await connect(source, writable=False)
    try:
        await session.run("VACUUM INTO ?", _full(target))
    finally:
        await unbroken(session.close())


async def verify(file: Path) -> Contents:
    """
    Open *file* and see that it is a sound database with a schema of ours and, in this program's, a true ledger.

    Raises `StoreError`: ``store.missing``, ``store.newer``, ``store.tampered``, ``store.unsound``, ``store.broken``.
    """
    steps = shipped_steps()
    async with looking_at(file) as session:
        version = await check_schema(session, steps)
        if not version or await schema_of(session) != await schema_after(steps[:version]):
            raise StoreError("store.missing")
        await _require_sound(session)
        # An older schema lacks what the audit reads; it is audited once it was migrated.
        for difference in await unlawful(session) if version == len(steps) else ():
            raise StoreError("store.unsound", why=str(difference))
        return await _contents(session)


async def _require_sound(session: Session) -> None:
    for row in await session.rows("PRAGMA integrity_check"):
        if row["integrity_check"] != "ok":
            raise StoreError("store.unsound", why=row["integrity_check"])
    for row in await session.rows("PRAGMA foreign_key_check"):
        raise StoreError("store.unsound", why=f"{row['table']} {row['rowid']}: {row['parent']}")


async def _contents(session: Session) -> Contents:
    row = await session.one(
        "SELECT (SELECT COUNT(*) FROM jobs) AS jobs, (SELECT COUNT(*) FROM members) AS members, "
        "(SELECT MAX(at) FROM audit) AS written_at"
    )
    return Contents(**row)


# --- files


def stamp(now: float) -> str:
    """The moment as it stands in the names of files, in UTC."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y%m%d-%H%M%S")


def _full(file: Path) -> str:
    """Beginning with a slash, so that SQLite takes no name for an address."""
    return str(file.absolute())


def sync(file: Path) -> int:
    """Have *file* on the disk, whatever happens to the power; its size in bytes."""
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
        return os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)


def publish(draft: Path, path: Path) -> None:
    """Give *draft* its name *path*; whatever has that name already stays. Raises `StoreError` ``backup.exists``."""
    try:
        os.link(draft, path)
    except FileExistsError as error:
        raise StoreError("backup.exists", path=str(path)) from error
    except OSError:
        # A file system without links, such as a stick's.
        _require_free(path)
        draft.rename(path)
    else:
        draft.unlink()
    sync(path.parent)


@contextmanager
def failing_as(code: str, path: Path) -> Iterator[None]:
    """Whatever the disk or the database says in the block is *why* of a `StoreError` *code* about *path*."""
    try:
        yield
    except OSError as error:
        raise StoreError(code, path=str(path), why=error.strerror or str(error)) from error
    except StoreError as error:
        if error.code not in ("store.broken", "store.unsound"):
            raise
        raise StoreError(code, path=str(path), why=error.data.get("why") or str(error.__cause__ or error)) from error


def give_to_owner(folder: Path, *paths: Path) -> None:
    """Root may work in the data folder of a bot that is somebody else, to whom root's files would be closed."""
    if os.geteuid() == 0:
        owner = folder.stat()
        for path in paths:
            os.chown(path, owner.st_uid, owner.st_gid)


def _named(folder: Path, target: Path | None, now: float) -> Path:
    """Where the backup goes; only the folder in the data folder is made where it is missing."""
    if target is None:
        target = folder / FOLDER
        target.mkdir(mode=0o700, exist_ok=True)
        give_to_owner(folder, target)
    path = target / f"{Path(FILE).stem}-{stamp(now)}{Path(FILE).suffix}" if target.is_dir() else target
    _require_free(path)
    return path


def _require_free(path: Path) -> None:
    if os.path.lexists(path):
        raise StoreError("backup.exists", path=str(path))


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """An empty file beside *path*, for its owner's eyes alone, and gone after the block unless it was published."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(descriptor)
    draft = Path(name)
    try:
        yield draft
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
            for beside in ("-journal", "-wal", "-shm"):
                draft.with_name(draft.name + beside).unlink(missing_ok=True)
