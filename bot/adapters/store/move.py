"""Moves a data folder's database into PostgreSQL: all of it, counted and audited, or nothing."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bot.adapters.store.database import FILE, SqliteDatabase, is_file, open_database
from bot.adapters.store.driver import Row, Session
from bot.adapters.store.ledger import unlawful
from bot.adapters.store.migrate import migrate, shipped_steps
from bot.domain.errors import StoreError

if TYPE_CHECKING:
    from bot.adapters.store.postgres import PostgresSession

ROWS_AT_ONCE = 500
BLOBS_AT_ONCE = 8
_USED = ("jobs", "audit", "members", "drafts", "words", "blocks", "meta")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What is in the new database now."""

    jobs: int
    members: int
    rows: int


async def move(folder: Path, url: str) -> Moved:
    """
    Copy the database in *folder*, which no bot uses meanwhile, into the empty one of *url*; the file stays as it is.

    An older schema is brought to this program's first, with a copy kept.
    Raises `StoreError`: ``store.missing``, ``store.locked``, ``store.newer``, ``store.tampered``, ``store.away``,
    ``store.driver``, ``migrate.full``, ``migrate.failed``.
    """
    if not is_file(folder / FILE):
        raise StoreError("store.missing")
    try:
        from bot.adapters.store.postgres import open_postgres
    except ImportError as error:
        raise StoreError("store.driver") from error
    source = await open_database(folder)
    try:
        await migrate(source, folder / FILE, shipped_steps())
        target = await open_postgres(url, None)
        try:
            await migrate(target, folder / FILE, shipped_steps())
            async with target.tx() as session:
                return await _pour(source, session)
        finally:
            await target.close()
    except StoreError as error:
        if error.code != "store.broken":
            raise
        raise StoreError("migrate.failed", why=str(error.__cause__ or error)) from error
    finally:
        await source.close()


async def _pour(source: SqliteDatabase, target: "PostgresSession") -> Moved:
    for table in _USED:
        if await target.row(f"SELECT 1 AS n FROM {table} LIMIT 1") is not None:  # noqa: S608 (ours)
            raise StoreError("migrate.full")
    counts = {}
    async with source.read() as reader:
        for table in await _tables(reader):
            await target.run(f"DELETE FROM {table}")  # noqa: S608 (names of our own schema, here and below)
            async for rows in _batches(reader, table):
                await _write(target, table, rows)
            counts[table] = await _compared(reader, target, table)
        await _go_on_numbering(reader, target)
    for difference in await unlawful(target):
        raise StoreError("migrate.failed", why=str(difference))
    return Moved(jobs=counts["jobs"], members=counts["members"], rows=sum(counts.values()))


async def _tables(reader: Session) -> list[str]:
    """Every table but that of the migrations, each behind those it refers to."""
    found = await reader.rows(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~' "
        "AND name <> 'migrations' ORDER BY name"
    )
    parents: Mapping[str, set[str]] = {
        row["name"]: {key["table"] for key in await reader.rows(f"PRAGMA foreign_key_list({row['name']})")}
        for row in found
    }
    order: list[str] = []
    while rest := [name for name in parents if name not in order]:
        order += [name for name in rest if parents[name] - {name} <= set(order)]
    return order


async def _batches(reader: Session, table: str) -> AsyncIterator[list[Row]]:
    """The rows of a table in the order in which SQLite keeps them."""
    last, most = -1, BLOBS_AT_ONCE if table == "blobs" else ROWS_AT_ONCE
    sql = f"SELECT rowid AS _row, * FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT ?"  # noqa: S608
    while rows := await reader.rows(sql, last, most):
        yield rows
        last = rows[-1]["_row"]


async def _write(target: "PostgresSession", table: str, rows: list[Row]) -> None:
    columns = [column for column in rows[0] if column != "_row"]
    marks = ", ".join("?" * len(columns))
    sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608
    await target.many(sql, [tuple(row[column] for column in columns) for row in rows])


async def _compared(reader: Session, target: Session, table: str) -> int:
    sql = f"SELECT COUNT(*) AS n FROM {table}"  # noqa: S608
    here, there = await reader.one(sql), await target.one(sql)
    if here != there:
        raise StoreError("migrate.failed", why=f"{table}: {here['n']} rows, copied {there['n']}")
    return int(here["n"])


async def _go_on_numbering(reader: Session, target: Session) -> None:
    """Ids that were ever given are given to nobody else: they stand in buttons."""
    for row in await reader.rows("SELECT name, seq FROM sqlite_sequence WHERE seq > 0"):
        await target.rows("SELECT setval(pg_get_serial_sequence(?, 'id'), ?) AS seq", row["name"], row["seq"])
