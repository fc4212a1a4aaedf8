"""The PostgreSQL driver: a pool of asyncpg's connections, one write transaction at a time over all processes."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg

from bot.adapters.store.database import held
from bot.adapters.store.dialect import defined, numbered, reshaped_table
from bot.adapters.store.driver import Row, Session, T, Value, Work, unbroken
from bot.domain.errors import StoreError

log = logging.getLogger(__name__)

CONNECTIONS = 4
CONNECT_TIME = 10.0
STATEMENT_TIME = 60.0
"""Seconds."""
_SESSION = {
    "application_name": "naibot",
    # A process that is stopped within a transaction would hold up all others.
    "idle_in_transaction_session_timeout": "10s",
    "lock_timeout": "12s",
    "jit": "off",
}
# The lock is the database's own; it ends with the transaction, however that ends. One for each schema.
_BEGIN = "BEGIN; SELECT pg_advisory_xact_lock(1852989794, hashtext(coalesce(current_schema(), '')))"
# A process that is stopped between the messages of one statement is "active" to the server, which then waits for it
# without end, and takes no cancel meanwhile (PostgreSQL 15): who is kept waiting by one ends its connection.
_FREE = """
SELECT pg_terminate_backend(held.pid) FROM pg_locks AS held JOIN pg_stat_activity AS who ON who.pid = held.pid
WHERE held.locktype = 'advisory' AND held.granted AND held.classid = 1852989794
    AND held.objid = CAST(hashtext(coalesce(current_schema(), '')) AS bigint) & 4294967295
    AND who.datname = current_database() AND who.wait_event = 'ClientRead'
    AND who.state_change < clock_timestamp() - INTERVAL '10 s'"""
_LOOK = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_FAILURES = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    ValueError,
    OverflowError,
)


class PostgresSession(Session):
    """Statements on one connection to PostgreSQL."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def run(self, sql: str, *values: Value) -> int:
        """Execute one statement; how many rows it changed."""
        with _translated():
            # Without values asyncpg would run several statements as one; with them it prepares the one.
            answer = await self._connection.execute(numbered(sql), *values)
        return int(last) if (last := answer.rpartition(" ")[2]).isdigit() else 0

    async def rows(self, sql: str, *values: Value) -> list[Row]:
        """All rows of one statement."""
        with _translated():
            return [dict(record) for record in await self._connection.fetch(numbered(sql), *values)]

    async def many(self, sql: str, rows: list[tuple[Value, ...]]) -> None:
        """One statement for each of *rows*, in few answers."""
        with _translated():
            await self._connection.executemany(numbered(sql), rows)

    async def version(self) -> int:
        """What the table of migrations says."""
        # Not by to_regclass, which may remember that there was none while another process made it (15.20, tried).
        sql = "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = current_schema() AND tablename = ?"
        if await self.row(sql, "migrations") is None:
            return 0
        return int((await self.one("SELECT COALESCE(MAX(version), 0) AS version FROM migrations"))["version"])

    async def set_version(self, version: int) -> None:
        """Nothing to do: the table says it."""

    async def define(self, statement: str) -> None:
        """In PostgreSQL's words. Raises `StoreError` where only SQLite could reshape the rows that are there."""
        table = reshaped_table(statement)
        if table is None:
            await self.run(defined(statement))
        elif await self.row(f"SELECT 1 AS n FROM {table} LIMIT 1") is not None:  # noqa: S608 (a name of a migration's)
            raise StoreError("store.broken", table=table)

    async def damages(self) -> list[str]:
        """PostgreSQL has no such question."""
        return []

    async def close(self) -> None:
        """End the connection."""
        with _translated():
            await self._connection.close(timeout=CONNECT_TIME)


class DatabaseClock:
    """Unix seconds by the database's clock, so that leases mean the same moment to every process."""

    def __init__(self) -> None:
        self._ahead = time.time() - time.monotonic()

    def __call__(self) -> float:
        return time.monotonic() + self._ahead

    async def set(self, session: Session) -> None:
        """Ask the database; off by no more than half of the time that the answer took."""
        asked = time.monotonic()
        row = await session.one("SELECT EXTRACT(EPOCH FROM clock_timestamp())::double precision AS now")
        self._ahead = row["now"] - (asked + time.monotonic()) / 2


class PostgresDatabase:
    """
    A pool of connections; built by `open_postgres`, closed by its caller.

    Every write transaction waits its turn at one lock of the database's. So all verbs are as serial as SQLite makes
    them, ids of the audit become visible in their order, and no two transactions can block one another.
    """

    is_shared = True

    def __init__(self, pool: Any, resources: AsyncExitStack) -> None:
        self._pool = pool
        self._turn = asyncio.Lock()
        self._resources = resources

    @asynccontextmanager
    async def tx(self) -> AsyncIterator[PostgresSession]:
        """
        One write transaction, READ COMMITTED behind the lock.

        A commit whose answer is lost raises `StoreError` though it may have happened; every verb may be repeated.
        """
        async with self._turn:
            connection = await self._begin()
            try:
                yield PostgresSession(connection)
                await unbroken(_execute(connection, "COMMIT"))
            except BaseException:
                await unbroken(_undo(connection))
                raise
            finally:
                await unbroken(self._release(connection))

    async def write(self, work: Work[T]) -> T:
        """*work* as one write transaction."""
        async with self.tx() as session:
            return await work(session)

    async def look(self, work: Work[T]) -> T:
        """*work* on one reader."""
        async with self.read() as session:
            return await work(session)

    async def _begin(self) -> Any:
        """A connection in a transaction; one that had died meanwhile is noticed here, where nothing is lost yet."""
        for is_last in (False, True):
            connection = await self._acquire()
            try:
                await _execute(connection, _BEGIN)
            except BaseException as error:
                await unbroken(_undo(connection))
                is_lost = _is_lost(connection)
                if not is_last and isinstance(error.__cause__, asyncpg.LockNotAvailableError):
                    await unbroken(_execute(connection, _FREE))
                    is_lost = True
                await unbroken(self._release(connection))
                if is_last or not is_lost or not isinstance(error, StoreError):
                    raise
            else:
                return connection
        raise StoreError("store.broken")

    @asynccontextmanager
    async def read(self) -> AsyncIterator[PostgresSession]:
        """A reader, which sees everything that was committed before each statement."""
        connection = await self._acquire()
        try:
            yield PostgresSession(connection)
        finally:
            await unbroken(self._release(connection))

    async def _acquire(self) -> Any:
        with _translated():
            return await self._pool.acquire()

    async def _release(self, connection: Any) -> None:
        with _translated():
            await self._pool.release(connection)

    async def close(self) -> None:
        """Wait for the running transaction, close every connection, free the folder."""
        async with self._turn:
            await unbroken(self._resources.aclose())


async def _execute(connection: Any, sql: str) -> None:
    with _translated():
        await connection.execute(sql)


async def _undo(connection: Any) -> None:
    """Leave no transaction behind; a connection that cannot even do that is given up, and the server undoes it."""
    try:
        await _execute(connection, "ROLLBACK")
    except StoreError:
        if not _is_lost(connection):
            connection.terminate()


def _is_lost(connection: Any) -> bool:
    """Whether the connection has ended; the pool takes one that has from whoever has it."""
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:
        return True


async def open_postgres(url: str, folder: Path | None) -> PostgresDatabase:
    """
    Connect to the database of *url*; a *folder* is this process's own, and held as with SQLite.

    Raises `StoreError`: ``store.locked`` for the folder, ``store.away`` where the database cannot be used.
    """
    async with AsyncExitStack() as stack:
        if folder is not None:
            stack.enter_context(held(folder))
        with _reached():
            pool = await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=CONNECTIONS,
                timeout=CONNECT_TIME,
                command_timeout=STATEMENT_TIME,
                server_settings=_SESSION,
                init=_prepare,
                reset=_leave,
            )
        stack.push_async_callback(_close, pool)
        return PostgresDatabase(pool, stack.pop_all())
    raise AssertionError


@asynccontextmanager
async def looking_at_postgres(url: str) -> AsyncIterator[PostgresSession]:
    """One moment of a database, read only; bots may run on it meanwhile. Raises `StoreError` ``store.away``."""
    with _reached():
        connection = await asyncpg.connect(
            url, timeout=CONNECT_TIME, command_timeout=STATEMENT_TIME, server_settings=_SESSION
        )
        await _prepare(connection)
    session = PostgresSession(connection)
    try:
        await _execute(connection, _LOOK)
        yield session
    finally:
        await unbroken(session.close())


async def _prepare(connection: Any) -> None:
    """Sums of whole numbers come as numeric, and are whole numbers to us."""
    await connection.set_type_codec("numeric", schema="pg_catalog", encoder=str, decoder=_number, format="text")


def _number(text: str) -> int | float:
    value = Decimal(text)
    return int(value) if value == value.to_integral_value() else float(value)


async def _leave(_connection: Any) -> None:
    """A connection goes back as it is: nothing of ours outlives a transaction."""


async def _close(pool: Any) -> None:
    """In order, and soon: a server that is away must not hold up the end."""
    try:
        await asyncio.wait_for(pool.close(), CONNECT_TIME)
    except (*_FAILURES, TimeoutError):
        pool.terminate()


@contextmanager
def _translated() -> Iterator[None]:
    """The seam of the driver's errors; it answers ValueError and OverflowError to values it cannot hold."""
    try:
        yield
    except _FAILURES as error:
        raise StoreError("store.broken") from error


@contextmanager
def _reached() -> Iterator[None]:
    """While connecting: what the server says is told; what the address says of itself is not, it holds a password."""
    try:
        yield
    except (asyncpg.PostgresError, OSError) as error:
        raise StoreError("store.away", why=str(error) or type(error).__name__) from error
    except (asyncpg.InterfaceError, ValueError) as error:
        raise StoreError("store.away", why="it is no address of a PostgreSQL database") from error
