"""The SQLite driver: one connection in a thread of its own, ``?`` parameters, rows as dictionaries."""

import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVarTuple

import aiosqlite

from bot.adapters.store.driver import Row, Session, T, Value, Work
from bot.domain.errors import StoreError

log = logging.getLogger(__name__)

V = TypeVarTuple("V")

BUSY_MS = 5_000
JOURNAL_BYTES = 64 * 1024 * 1024

# FULL: in WAL mode NORMAL may lose the last commits at a power cut, and a lost commit is a lost charge.
_WRITER = (
    f"PRAGMA busy_timeout = {BUSY_MS}",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    f"PRAGMA journal_size_limit = {JOURNAL_BYTES}",
)
_READER = (f"PRAGMA busy_timeout = {BUSY_MS}",)


class _Sqlite(Session):
    """What only SQLite has, in statements."""

    async def version(self) -> int:
        """SQLite keeps a number in the file's head."""
        return int((await self.one("PRAGMA user_version"))["user_version"])

    async def set_version(self, version: int) -> None:
        """Set that number; it belongs to the transaction."""
        await self.run(f"PRAGMA user_version = {version:d}")

    async def define(self, statement: str) -> None:
        """As it is written."""
        await self.run(statement)

    async def damages(self) -> list[str]:
        """What SQLite says of its file."""
        answers = [str(row["quick_check"]) for row in await self.rows("PRAGMA quick_check")]
        return [answer for answer in answers if answer != "ok"]


class SqliteSession(_Sqlite):
    """
    Statements on one SQLite connection, which are run one after the other in the thread that aiosqlite has for it.

    The caller closes it: that thread keeps the process alive.
    """

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open on the connection."""
        return self._connection.in_transaction

    async def run(self, sql: str, *values: Value) -> int:
        """Execute one statement; how many rows it changed."""
        return await self._there(_run, sql, values)

    async def rows(self, sql: str, *values: Value) -> list[Row]:
        """All rows of one statement; a statement with RETURNING is finished when this returns."""
        return await self._there(_rows, sql, values)

    async def whole(self, work: Work[T]) -> T:
        """All of *work* in the connection's thread, in one go."""
        return await self._there(_whole, work)

    async def transact(self, work: Work[T]) -> T:
        """The same as one transaction: committed where *work* returns, undone where it raises."""
        return await self._there(_transact, work)

    async def _there(self, do: Callable[[sqlite3.Connection, *V], T], *values: *V) -> T:
        # What all of aiosqlite's own methods come down to, and the only one that takes several statements (0.22.1).
        with _translated():
            return await self._connection._execute(do, self._connection._conn, *values)  # type: ignore[no-any-return, no-untyped-call]

    async def close(self) -> None:
        """Close the connection and end its thread."""
        with _translated():
            await self._connection.close()


async def connect(file: Path, *, writable: bool) -> SqliteSession:
    """
    Open *file*, which must exist; the caller closes the session.

    Raises `StoreError` ``store.broken``.
    """
    session = await _connect(_address(file, writable))
    try:
        for pragma in _WRITER if writable else _READER:
            await session.rows(pragma)
    except BaseException:
        await session.close()
        raise
    return session


async def connect_nowhere() -> SqliteSession:
    """An empty database that lives as long as its session; the caller closes it."""
    return await _connect(":memory:")


async def _connect(address: str) -> SqliteSession:
    with _translated():
        connection = await aiosqlite.connect(address, uri=True, isolation_level=None)
        connection.row_factory = _as_dictionary  # type: ignore[assignment]
    return SqliteSession(connection)


# --- in the connection's thread


def _run(connection: sqlite3.Connection, sql: str, values: Sequence[Value]) -> int:
    with _translated():
        return connection.execute(sql, values).rowcount


def _rows(connection: sqlite3.Connection, sql: str, values: Sequence[Value]) -> list[Row]:
    with _translated():
        return connection.execute(sql, values).fetchall()


class _Here(_Sqlite):
    """What *work* gets in the connection's thread: its awaits never wait."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def run(self, sql: str, *values: Value) -> int:
        return _run(self._connection, sql, values)

    async def rows(self, sql: str, *values: Value) -> list[Row]:
        return _rows(self._connection, sql, values)

    async def close(self) -> None:
        """Whoever opened it closes it."""


def _whole(connection: sqlite3.Connection, work: Work[T]) -> T:
    running = work(_Here(connection))
    try:
        running.send(None)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    running.close()
    raise TypeError("a transaction awaits nothing but its session")


def _transact(connection: sqlite3.Connection, work: Work[T]) -> T:
    _run(connection, "BEGIN IMMEDIATE", ())
    try:
        answer = _whole(connection, work)
        _run(connection, "COMMIT", ())
    except BaseException:
        _undo(connection)
        raise
    return answer


def _undo(connection: sqlite3.Connection) -> None:
    """Leave no transaction behind; where even that fails the next one fails too, and tries again."""
    try:
        if connection.in_transaction:
            _run(connection, "ROLLBACK", ())
    except StoreError:
        log.exception("a transaction could not be rolled back")


def _address(file: Path, writable: bool) -> str:
    """A URI, because only so a file can be opened without being made, or read only."""
    return f"{file.absolute().as_uri()}?mode={'rw' if writable else 'ro'}"


def _as_dictionary(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> Row:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


@contextmanager
def _translated() -> Iterator[None]:
    """The seam of the driver's errors; it answers ValueError and OverflowError to values it cannot hold."""
    try:
        yield
    except (sqlite3.Error, ValueError, OverflowError) as error:
        raise StoreError("store.broken") from error
