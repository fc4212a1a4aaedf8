"""
What the store costs: ``python -m tests.bench.bench_store``.

Prints admissions and claim-to-settle rounds a second, each beside a bare `sqlite3` loop that writes one small row a
transaction on the same disk in the same run; what an admission costs once a million jobs have finished; and what 10,000
waiting jobs of 500 members do to admission, place and claim (99th percentile).
"""

import asyncio
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

from bot.adapters.store.database import FILE
from bot.adapters.store.store import SqlStore, open_store
from bot.domain.admission import Limits, Standing, Ticket, decide
from bot.domain.allowance import Caps
from bot.domain.job import Application, JobState, Settlement
from bot.domain.request import Picture
from tests.builders import a_requester, an_application

NOON = 1_800_014_400.0
ROUNDS = 500
FINISHED = 1_000_000
WAITING, MEMBERS = 10_000, 500
PICTURE = Picture(data=bytes(1_000_000), media_type="image/png", seed=1)
DONE = Settlement(state=JobState.DONE, charged_anlas=0, charged_pictures=1, spent=0)
LIMITS = Limits(pictures_day=10**9, anlas_week=10**9, house=Caps(pictures_week=10**9), waiting=10**9)


def _bare(folder: Path) -> float:
    """Transactions a second of the plainest loop there is."""
    with closing(sqlite3.connect(folder / "bare", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE t (n INTEGER)")
        began = time.perf_counter()
        for n in range(ROUNDS):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO t VALUES (?)", (n,))
            connection.execute("COMMIT")
        return ROUNDS / (time.perf_counter() - began)


async def _rate(rounds: int, action: Callable[[int], Awaitable[object]]) -> float:
    began = time.perf_counter()
    for n in range(rounds):
        await action(n)
    return rounds / (time.perf_counter() - began)


async def _admit(store: SqlStore, n: int) -> None:
    wish: Application = an_application(a_requester(n + 1))

    def turn(standing: Standing) -> Ticket:
        return decide(pictures=1, anlas=0, now=NOON, limits=LIMITS, standing=standing)

    await store.admit(wish, NOON, turn)


async def _make(store: SqlStore, pictures: list[Picture]) -> None:
    job = await store.claim("account", "holder", NOON, 300)
    if job is None:
        raise RuntimeError("nothing waits")
    await store.send(job, NOON, 0)
    await store.settle(job, NOON, DONE, pictures)


def _finish_many(folder: Path) -> None:
    """Copies of the first job, finished; half of them by one member, a month ago and today."""
    with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(jobs)")]
        changed = {
            "id": "NULL",
            "key": "'old-' || n.value",
            "user_id": "1 + (n.value % 2) * (n.value % 50)",
            "state": "'DONE'",
            "charged_anlas": "0",
            "charged_pictures": "1",
            "admitted_at": f"{NOON} - (n.value % 30) * 86400",
            "settled_at": f"{NOON}",
            "delivery": "'SHOWN'",
        }
        values = ", ".join(changed.get(column, f"jobs.{column}") for column in columns)
        connection.execute(
            f"WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < {FINISHED}) "  # noqa: S608
            f"INSERT INTO jobs SELECT {values} FROM jobs, n WHERE jobs.id = (SELECT MIN(id) FROM jobs)"
        )


async def _timed(rounds: int, action: Callable[[int], Awaitable[object]]) -> float:
    """The 99th percentile of one call, in milliseconds."""
    took = []
    for n in range(rounds):
        began = time.perf_counter()
        await action(n)
        took.append(time.perf_counter() - began)
    return 1_000 * sorted(took)[int(rounds * 0.99) - 1]


async def _queue(folder: Path) -> None:
    """A line of 10,000 jobs: what it costs to join it, to know one's place in it, and to take from it."""
    store = await open_store(folder)
    for n in range(WAITING):
        await _admit(store, n % MEMBERS)
    jobs = await store.waiting()
    admit = await _timed(ROUNDS, lambda n: _admit(store, n % MEMBERS))
    place = await _timed(ROUNDS, lambda n: store.line(before=jobs[-1 - n]))
    claim = await _timed(ROUNDS, lambda n: store.claim(f"account-{n}", "holder", NOON, 300))
    await store.close()
    print(
        f"with {WAITING:,} waiting, 99th percentile:  "
        f"admit {admit:.2f} ms   place {place:.2f} ms   claim {claim:.2f} ms"
    )


async def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as name:
        folder = Path(name)
        bare = _bare(folder)
        store = await open_store(folder)
        empty = await _rate(ROUNDS, lambda n: _admit(store, n % 50))
        made = await _rate(ROUNDS // 2, lambda _: _make(store, []))
        heavy = await _rate(ROUNDS // 10, lambda _: _make(store, [PICTURE]))
        _finish_many(folder)
        full = await _rate(ROUNDS, lambda n: _admit(store, n % 50))
        claimed = await _rate(ROUNDS // 2, lambda _: _make(store, []))
        await store.close()
        queue = folder / "queue"
        queue.mkdir()
        await _queue(queue)
    print(f"bare sqlite3, one row a transaction  {bare:8.0f} /s")
    print(f"admit                                {empty:8.0f} /s   {empty / bare:5.2f} of bare")
    print(f"claim + send + settle                {made:8.0f} /s   {made / bare:5.2f} of bare")
    print(f"the same with a picture of 1 MB      {heavy:8.0f} /s   {heavy / bare:5.2f} of bare")
    print(f"admit after {FINISHED:,} finished jobs  {full:8.0f} /s   {full / empty:5.2f} of empty")
    print(f"claim + send + settle after them     {claimed:8.0f} /s   {claimed / made:5.2f} of empty")


if __name__ == "__main__":
    asyncio.run(main())
