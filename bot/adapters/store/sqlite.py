"""The SQLite driver: one connection in a thread of its own, ``?`` parameters, rows as dictionaries."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiosqlite

from bot.adapters.store.driver import Row, Session, Value
from bot.domain.errors import StoreError

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


class SqliteSession(Session):
    """Statements on one SQLite connection."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open on the connection."""
        return self._connection.in_transaction

    async def run(self, sql: str, *values: Value) -> int:
        """Execute one statement; how many rows it changed."""
        with _translated():
            cursor = await self._connection.execute(sql, values)
            return cursor.rowcount

    async def rows(self, sql: str, *values: Value) -> list[Row]:
        """All rows of one statement; a statement with RETURNING is finished when this returns."""
        with _translated():
            return list(await self._connection.execute_fetchall(sql, values))  # type: ignore[arg-type]

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

    async def close(self) -> None:
        """Close the connection and end its thread, which would otherwise keep the process alive."""
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
