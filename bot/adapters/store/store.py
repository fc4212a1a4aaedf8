"""The store of one data folder: every verb of the `Store` port on one database."""

from pathlib import Path

from bot.adapters.store.audit import Audit
from bot.adapters.store.database import FILE, Database, open_database
from bot.adapters.store.deliveries import Deliveries
from bot.adapters.store.departures import Departures
from bot.adapters.store.guilds import Guilds
from bot.adapters.store.jobs import Jobs
from bot.adapters.store.migrate import migrate, shipped_steps


class SqlStore(Jobs, Deliveries, Guilds, Departures, Audit):
    """The `Store` port; the caller closes it."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def close(self) -> None:
        """Finish the running transaction and free the folder; every later verb raises `StoreError`."""
        await self._db.close()


async def open_store(folder: Path) -> SqlStore:
    """
    Open the store in *folder* for this process alone, made or brought to this program's schema where needed.

    Raises `StoreError`: ``store.locked``, ``store.newer``, ``store.tampered``, ``store.broken``.
    """
    database = await open_database(folder)
    try:
        await migrate(database, folder / FILE, shipped_steps())
    except BaseException:
        await database.close()
        raise
    return SqlStore(database)
