"""Brings a database to this program's schema: numbered files, applied once each, known by their hashes."""

import hashlib
import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from bot.adapters.store.database import SqliteDatabase
from bot.adapters.store.driver import Database, Row, Session
from bot.adapters.store.sqlite import connect_nowhere
from bot.domain.errors import StoreError

_NAME = re.compile(r"(\d{4})_\w+\.sql", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One file of `migrations/`: *version* is the schema's after it."""

    version: int
    name: str
    sql: str = field(repr=False)

    @property
    def sha256(self) -> str:
        """The hash that is remembered of an applied step."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def shipped_steps() -> tuple[Step, ...]:
    """Every step of this program, in order, numbered from 1 without a gap."""
    folder = resources.files("bot.adapters.store") / "migrations"
    found = {file.name: _NAME.fullmatch(file.name) for file in folder.iterdir()}
    return tuple(
        Step(version=int(match[1]), name=name, sql=(folder / name).read_text(encoding="utf-8"))
        for name, match in sorted(found.items())
        if match
    )


async def migrate(database: Database, file: Path, steps: Sequence[Step]) -> None:
    """
    Apply the steps that the database lacks, each in one transaction with its number.

    Of processes that start at the same moment each step is applied by one. A copy is kept of an SQLite *file* as it
    was; what was in PostgreSQL its own tools keep.
    Raises `StoreError`: ``store.newer``, ``store.tampered`` (with *name*), or ``store.broken`` where a step fails.
    """
    async with database.tx() as session:
        version = await check_schema(session, steps)
    if version == len(steps):
        return
    if version and isinstance(database, SqliteDatabase):
        await database.copy_to(file.with_name(f"{file.stem}.before-{version + 1:04}{file.suffix}"))
    for step in steps[version:]:
        async with database.tx() as session:
            if await check_schema(session, steps) < step.version:
                await _apply(session, step)


async def check_schema(session: Session, steps: Sequence[Step]) -> int:
    """The schema's version, 0 for an empty file. Raises `StoreError` ``store.newer`` or ``store.tampered``."""
    version = await session.version()
    if not 0 <= version <= len(steps):
        raise StoreError("store.newer", version=version, known=len(steps))
    applied = await session.rows("SELECT version, sha256 FROM migrations") if version else []
    hashes = {row["version"]: row["sha256"] for row in applied}
    for step in steps[:version]:
        if hashes.get(step.version) != step.sha256:
            raise StoreError("store.tampered", name=step.name)
    return version


async def schema_of(session: Session) -> list[Row]:
    """Every table, index, view and trigger, as it was written down."""
    return await session.rows(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite~_%' ESCAPE '~' "
        "ORDER BY type, name"
    )


async def schema_after(steps: Sequence[Step]) -> list[Row]:
    """The schema that *steps* make of an empty database."""
    session = await connect_nowhere()
    try:
        for step in steps:
            await _apply(session, step)
        return await schema_of(session)
    finally:
        await session.close()


async def _apply(session: Session, step: Step) -> None:
    for statement in _statements(step.sql):
        await session.define(statement)
    await session.run(
        "INSERT INTO migrations (version, name, sha256) VALUES (?, ?, ?)", step.version, step.name, step.sha256
    )
    await session.set_version(step.version)


def _statements(sql: str) -> Iterator[str]:
    """One by one, because the driver's own way to run a script commits the transaction it runs in."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement
