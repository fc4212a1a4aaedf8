"""The database of one data folder: who may open it, one writer, a few readers, and transactions that always end."""

import asyncio
import fcntl
import logging
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

from bot.adapters.store.driver import Session, T, Work, unbroken
from bot.adapters.store.sqlite import SqliteSession, connect
from bot.domain.errors import StoreError

FILE = "naibot.sqlite3"
LOCK = "naibot.lock"
READERS = 2
FREE_MOST = 64 * 1024 * 1024
"""Bytes that may lie free in the file before it is written anew."""

log = logging.getLogger(__name__)


class SqliteDatabase:
    """
    One writer and a few readers on one file.

    Built by `open_database`; the caller closes it, because an open connection's thread keeps the process alive.
    """

    is_shared = False

    def __init__(self, writer: SqliteSession, readers: list[SqliteSession], resources: AsyncExitStack) -> None:
        self._writer = writer
        self._turn = asyncio.Lock()
        self._readers: asyncio.Queue[SqliteSession] = asyncio.Queue()
        for reader in readers:
            self._readers.put_nowait(reader)
        self._resources = resources

    @asynccontextmanager
    async def tx(self) -> AsyncIterator[Session]:
        """
        One write transaction: committed at the end of the block, undone by whatever leaves it otherwise.

        A task that is cancelled inside leaves the connection as it found it; one that is cancelled while the
        commit runs learns of it after the commit.
        """
        async with self._turn:
            try:
                await self._writer.run("BEGIN IMMEDIATE")
                yield self._writer
                await unbroken(self._writer.run("COMMIT"))
            except BaseException:
                await unbroken(_undo(self._writer))
                raise

    @asynccontextmanager
    async def read(self) -> AsyncIterator[SqliteSession]:
        """A reader, which sees everything that was committed before each statement."""
        reader = await self._readers.get()
        try:
            yield reader
        finally:
            self._readers.put_nowait(reader)

    async def write(self, work: Work[T]) -> T:
        """*work* as one write transaction; a task that is cancelled meanwhile learns of it after its end."""
        async with self._turn:
            return await unbroken(self._writer.transact(work))

    async def look(self, work: Work[T]) -> T:
        """*work* on one reader."""
        async with self.read() as reader:
            return await reader.whole(work)

    async def copy_to(self, file: Path) -> None:
        """Write a compact copy of the database to *file*, in place of one that is there."""
        async with self._turn:
            _remove(file)
            await self._writer.run("VACUUM INTO ?", str(_touched(file)))

    async def close(self) -> None:
        """Wait for the running transaction, fold the log into the file, close every connection, free the folder."""
        async with self._turn:
            await unbroken(self._resources.aclose())


async def _undo(session: SqliteSession) -> None:
    """Leave no transaction behind; where even that fails the next `tx` fails too, and tries again."""
    try:
        # Answered only after every statement that a cancelled task left with the connection.
        await session.rows("SELECT 1")
        if session.in_transaction:
            await session.run("ROLLBACK")
    except StoreError:
        log.exception("a transaction could not be rolled back")


async def open_database(folder: Path) -> SqliteDatabase:
    """
    Open the folder's database for this process alone, with a file that may still be empty.

    Raises `StoreError`: ``store.locked`` while another process has it, ``store.broken`` where it cannot be used.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(held(folder))
        file = _touched(folder / FILE)
        writer = await connect(file, writable=True)
        stack.push_async_callback(_close_writer, writer)
        await _shrink(writer)
        readers = []
        for _ in range(READERS):
            reader = await connect(file, writable=False)
            stack.push_async_callback(reader.close)
            readers.append(reader)
        return SqliteDatabase(writer, readers, stack.pop_all())


@asynccontextmanager
async def looking_at(file: Path) -> AsyncIterator[Session]:
    """
    One moment of a database, read only; a bot may run on it meanwhile.

    Raises `StoreError` ``store.missing`` where there is none.
    """
    if not is_file(file):
        raise StoreError("store.missing")
    session = await connect(file, writable=False)
    try:
        await session.run("BEGIN")
        yield session
    finally:
        await unbroken(session.close())


def is_file(file: Path) -> bool:
    """Whether *file* is there and is a file."""
    try:
        return file.is_file()
    except OSError as error:
        raise StoreError("store.broken") from error


async def _shrink(writer: SqliteSession) -> None:
    """
    Give back to the disk what pictures and forgotten requests left free, once that is most of the file.

    Only at a start: it writes the whole file anew, and nobody waits yet.
    """
    pages = {name: (await writer.one(f"PRAGMA {name}"))[name] for name in ("freelist_count", "page_count", "page_size")}
    free = pages["freelist_count"]
    if free * pages["page_size"] > FREE_MOST and free * 2 > pages["page_count"]:
        log.info("the database is written anew without its free pages")
        await writer.rows("VACUUM")


async def _close_writer(writer: SqliteSession) -> None:
    try:
        await writer.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        await writer.close()


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """
    Have the folder, made where it is missing, for this process alone; the lock dies with the process.

    Raises `StoreError`: ``store.locked``, ``store.broken``.
    """
    descriptor = _take(folder)
    try:
        yield
    finally:
        os.close(descriptor)


def _take(folder: Path) -> int:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError("store.broken") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise StoreError("store.locked") from error
    return descriptor


def _remove(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError("store.broken") from error


def _touched(file: Path) -> Path:
    """Make sure that *file* exists, for its owner's eyes alone: it holds people's prompts. SQLite copies the mode."""
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreError("store.broken") from error
    return file
