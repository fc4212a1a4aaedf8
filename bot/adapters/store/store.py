"""The store: every verb of the `Store` port on one database, SQLite's in a data folder or PostgreSQL's elsewhere."""

import os
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from bot.adapters.store.audit import Audit
from bot.adapters.store.cases import Cases
from bot.adapters.store.database import FILE, looking_at, open_database
from bot.adapters.store.deliveries import Deliveries
from bot.adapters.store.departures import Departures
from bot.adapters.store.driver import Database, Session
from bot.adapters.store.guilds import Guilds
from bot.adapters.store.jobs import Jobs
from bot.adapters.store.migrate import migrate, shipped_steps
from bot.adapters.store.privacy import Privacy
from bot.domain.errors import StoreError

HOLDER = "holder"
"""The file in a data folder with the name under which its process holds leases in a shared database."""


class SqlStore(Jobs, Deliveries, Cases, Guilds, Departures, Audit, Privacy):
    """
    The `Store` port; the caller closes it.

    *holder* is this process's name in leases, *clock* the one by which all who share the database go.
    """

    def __init__(self, database: Database, holder: str, clock: Callable[[], float] = time.time) -> None:
        self._db = database
        self.holder = holder
        self.clock = clock

    @property
    def is_shared(self) -> bool:
        """Whether other processes may work on the same database."""
        return self._db.is_shared

    async def close(self) -> None:
        """Finish the running transaction and free the folder; every later verb raises `StoreError`."""
        await self._db.close()


class SharedStore(SqlStore):
    """The same on PostgreSQL, by whose clock its leases go."""

    async def set_clock(self) -> None:
        """Ask the database what time it is."""
        from bot.adapters.store.postgres import DatabaseClock

        if isinstance(self.clock, DatabaseClock):
            async with self._db.read() as session:
                await self.clock.set(session)


async def open_store(folder: Path, url: str | None = None) -> SqlStore:
    """
    Open the store in *folder*, or in the database of *url*, brought to this program's schema where needed.

    The folder is this process's alone either way.
    Raises `StoreError`: ``store.locked``, ``store.newer``, ``store.tampered``, ``store.broken``, ``store.away``,
    ``store.driver``.
    """
    if url is not None:
        return await _open_shared(folder, url)
    database = await open_database(folder)
    await _migrated(database, folder)
    return SqlStore(database, holder=f"{os.getpid()}-{secrets.token_hex(4)}")


async def _open_shared(folder: Path, url: str) -> SharedStore:
    # Who keeps to SQLite need not have asyncpg.
    try:
        from bot.adapters.store.postgres import DatabaseClock, open_postgres
    except ImportError as error:
        raise StoreError("store.driver") from error
    database = await open_postgres(url, folder)
    await _migrated(database, folder)
    store = SharedStore(database, holder=_holder_of(folder), clock=DatabaseClock())
    try:
        await store.set_clock()
    except BaseException:
        await store.close()
        raise
    return store


async def _migrated(database: Database, folder: Path) -> None:
    try:
        await migrate(database, folder / FILE, shipped_steps())
    except BaseException:
        await database.close()
        raise


def _holder_of(folder: Path) -> str:
    """
    The folder's name in leases: the same after a restart, and that of no other process that lives, as it is held.

    With the machine's name, because folders are copied.
    """
    file = folder / HOLDER
    try:
        if not file.exists():
            file.write_text(secrets.token_hex(8))
        return f"{socket.gethostname()}-{file.read_text()[:64].strip()}"
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError("store.broken") from error


@asynccontextmanager
async def looking(folder: Path, url: str | None = None) -> AsyncIterator[Session]:
    """
    One moment of the database, read only.

    Raises `StoreError`: ``store.missing``, ``store.broken``, ``store.away``, ``store.driver``.
    """
    if url is None:
        async with looking_at(folder / FILE) as session:
            yield session
        return
    try:
        from bot.adapters.store.postgres import looking_at_postgres
    except ImportError as error:
        raise StoreError("store.driver") from error
    async with looking_at_postgres(url) as session:
        yield session
