"""What the verbs need of a database: statements with ``?``, rows as dictionaries, transactions that always end."""

import asyncio
import functools
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from bot.domain.errors import StoreError

Value = int | float | str | bytes | None
Row = dict[str, Any]

T = TypeVar("T")
P = ParamSpec("P")


class Session(ABC):
    """
    Runs statements on one connection.

    Every failure of the driver's is a `StoreError` ``store.broken``, with the driver's own words as its cause.
    """

    @abstractmethod
    async def run(self, sql: str, *values: Value) -> int:
        """Execute one statement; how many rows it changed."""

    @abstractmethod
    async def rows(self, sql: str, *values: Value) -> list[Row]:
        """All rows of one statement; a statement with RETURNING is finished when this returns."""

    async def row(self, sql: str, *values: Value) -> Row | None:
        """The first row, None where there is none."""
        return next(iter(await self.rows(sql, *values)), None)

    async def one(self, sql: str, *values: Value) -> Row:
        """The one row that must be there."""
        for row in await self.rows(sql, *values):
            return row
        raise StoreError("store.broken")

    @abstractmethod
    async def version(self) -> int:
        """The schema's version, 0 where there is none."""

    @abstractmethod
    async def set_version(self, version: int) -> None:
        """Note the schema's version, where the database keeps it apart from the table of migrations."""

    @abstractmethod
    async def define(self, statement: str) -> None:
        """Run one statement of a migration; those are written in SQLite's words."""

    @abstractmethod
    async def damages(self) -> list[str]:
        """What the database itself finds wrong with its files; empty where it cannot be asked."""

    @abstractmethod
    async def close(self) -> None:
        """End the connection."""


Work = Callable[[Session], Coroutine[Any, Any, T]]
"""Statements in their order, with what is decided between them; it awaits nothing but its session."""


class Database(Protocol):
    """
    One database as the verbs use it; the caller closes it.

    Write transactions come one after the other, over all processes: so the verbs may read and then write.
    """

    @property
    def is_shared(self) -> bool:
        """Whether other processes may work on it at the same time."""

    def tx(self) -> AbstractAsyncContextManager[Session]:
        """One write transaction: committed at the end of the block, undone by whatever leaves it otherwise."""

    def read(self) -> AbstractAsyncContextManager[Session]:
        """A reader, which sees everything that was committed before each statement."""

    async def write(self, work: Work[T]) -> T:
        """*work* as one write transaction, which a cancelled task learns of at its end; see `writing`."""

    async def look(self, work: Work[T]) -> T:
        """*work* on one reader; see `looking`."""

    async def close(self) -> None:
        """Wait for the running transaction and let the database go."""


class _Verbs(Protocol):
    _db: Database


V = TypeVar("V", bound=_Verbs)


def writing(
    verb: Callable[Concatenate[V, Session, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[V, P], Coroutine[Any, Any, T]]:
    """
    A verb whose body is one write transaction: committed where it returns, undone where it raises.

    The body awaits nothing but its session. So SQLite's driver runs the whole of it in the connection's thread, where
    a hop for each statement would cost more than the statements do; `Database.tx` is for what awaits something else.
    """

    @functools.wraps(verb)
    async def written(self: V, /, *values: P.args, **options: P.kwargs) -> T:
        return await self._db.write(lambda session: verb(self, session, *values, **options))

    return written


def looking(
    verb: Callable[Concatenate[V, Session, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[V, P], Coroutine[Any, Any, T]]:
    """The same for a verb that only reads, with several statements."""

    @functools.wraps(verb)
    async def looked(self: V, /, *values: P.args, **options: P.kwargs) -> T:
        return await self._db.look(lambda session: verb(self, session, *values, **options))

    return looked


async def unbroken(action: Awaitable[T]) -> T:
    """Await *action* to its end even when the task is cancelled meanwhile; the cancellation comes after it."""
    inner = asyncio.ensure_future(action)
    cancelled: asyncio.CancelledError | None = None
    while not inner.done():
        try:
            await asyncio.wait([inner])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled from (None if inner.cancelled() else inner.exception())
    return inner.result()
