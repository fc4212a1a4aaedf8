"""
What the store costs: ``python -m tests.bench.bench_store [FOLDER]``.

Prints admissions and claim-to-settle rounds a second on SQLite and, where a server is at hand, on PostgreSQL; each
beside the same statements run bare through sqlite3 and asyncpg, in the same run; and what both cost once many jobs
have finished.
"""

import asyncio
import itertools
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import asyncpg

from bot.adapters.store.database import FILE
from bot.adapters.store.dialect import numbered
from bot.adapters.store.store import SqlStore, open_store
from bot.domain.admission import Limits, Standing, Ticket, decide
from bot.domain.allowance import Caps
from bot.domain.job import JobState, Settlement
from bot.domain.request import Picture
from tests import postgres
from tests.builders import a_requester, an_application

NOON = 1_800_014_400.0
ROUNDS = 500
FINISHED = 1_000_000
WAITING, MEMBERS = 10_000, 500
TURN = 25
PICTURE = Picture(data=bytes(1_000_000), media_type="image/png", seed=1)
DONE = Settlement(state=JobState.DONE, charged_anlas=0, charged_pictures=1, spent=0)
LIMITS = Limits(pictures_day=10**9, anlas_week=10**9, house=Caps(pictures_week=10**9), waiting=10**9)
TEXT = "x" * 600
"""About as long as requester and request of a job are."""

Values = Sequence[Any]
Statements = Sequence[tuple[str, Values]]
Transact = Callable[[Statements], Awaitable[None]]
_keys = itertools.count(1)


# --- bare: what the verbs ask of the database, and nothing around it


def _admission(n: int) -> Statements:
    user = n % 50 + 1
    return [
        ("UPDATE house SET version = version + 1 RETURNING *", []),
        ("SELECT * FROM jobs WHERE key = ?", [f"bare-{n}"]),
        ("INSERT INTO guilds (id) VALUES (?) ON CONFLICT (id) DO UPDATE SET version = guilds.version + 1 RETURNING *",
         [1]),
        ("INSERT INTO members (guild_id, user_id) VALUES (?, ?) ON CONFLICT (guild_id, user_id) "
         "DO UPDATE SET version = members.version + 1 RETURNING *", [1, user]),
        ("SELECT * FROM usage WHERE guild_id IN (0, ?) AND user_id IN (0, ?)", [1, user]),
        ("SELECT COUNT(*) AS n FROM jobs WHERE guild_id = ? AND user_id = ? AND state = 'QUEUED'", [1, user]),
        ("INSERT INTO jobs (key, state, guild_id, user_id, requester, kind, request, price, pictures, turn, "
         "admitted_at) VALUES (?, 'QUEUED', ?, ?, ?, 'generate', ?, 0, 1, ?, ?) RETURNING *",
         [f"bare-{next(_keys)}", 1, user, TEXT, TEXT, n, NOON]),
        ("UPDATE members SET last_turn = ?, last_admitted = ? WHERE guild_id = ? AND user_id = ?", [n, NOON, 1, user]),
        ("UPDATE usage SET pictures = pictures + 1 WHERE guild_id IN (0, ?) AND user_id IN (0, ?)", [1, user]),
        _line("job.admitted"),
    ]  # fmt: skip


def _round(job: int, data: bytes | None) -> Sequence[Statements]:
    blob = "INSERT INTO blobs (job_id, kind, n, media_type, seed, data) VALUES (?, 'picture', 0, 'image/png', 1, ?)"
    return [
        [
            ("SELECT * FROM accounts WHERE id = ?", ["a"]),
            ("SELECT * FROM jobs WHERE account = ? AND state IN ('RUNNING', 'SENT')", ["a"]),
            ("SELECT * FROM jobs WHERE state = 'QUEUED' AND not_before <= ? ORDER BY turn, id LIMIT 1", [NOON]),
            ("INSERT INTO accounts (id, fence, holder, leased_until) VALUES (?, 1, ?, ?) ON CONFLICT (id) DO UPDATE "
             "SET fence = accounts.fence + 1 RETURNING fence", ["a", "h", NOON]),
            ("UPDATE jobs SET state = 'RUNNING', account = 'a', tries = 1 WHERE id = ? RETURNING *", [job]),
            ("UPDATE house SET now_turn = ? WHERE now_turn < ?", [1, 1]),
            _line("job.claimed"),
        ],
        [
            ("SELECT * FROM jobs WHERE id = ?", [job]),
            ("SELECT id FROM accounts WHERE id = ? AND leased_until >= ?", ["a", NOON]),
            ("UPDATE jobs SET state = 'SENT', sent_at = ? WHERE id = ? RETURNING *", [NOON, job]),
            _line("job.sent"),
        ],
        [
            ("SELECT * FROM jobs WHERE id = ?", [job]),
            *([(blob, [job, data])] if data else []),
            ("UPDATE jobs SET state = 'DONE', charged_anlas = 0, charged_pictures = 1, settled_at = ?, "
             "delivery = 'PENDING' WHERE id = ? RETURNING *", [NOON, job]),
            _line("job.settled"),
            ("UPDATE accounts SET holder = NULL, leased_until = 0 WHERE id = ?", ["a"]),
        ],
    ]  # fmt: skip


def _line(kind: str) -> tuple[str, Values]:
    sql = "INSERT INTO audit (at, kind, guild_id, actor, job_id, data) VALUES (?, ?, ?, ?, ?, ?) RETURNING id"
    return sql, [NOON, kind, 1, 1, 1, '{"price":0}']


@asynccontextmanager
async def _bare_sqlite(folder: Path) -> AsyncIterator[Transact]:
    """Each transaction in one go in a thread of its own, which keeps the loop free: no less can be asked."""
    with closing(sqlite3.connect(folder / FILE, isolation_level=None, check_same_thread=False)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        with ThreadPoolExecutor(max_workers=1) as thread:

            def in_one_go(statements: Statements) -> None:
                connection.execute("BEGIN IMMEDIATE")
                for sql, values in statements:
                    connection.execute(sql, values).fetchall()
                connection.execute("COMMIT")

            async def transact(statements: Statements) -> None:
                await asyncio.get_running_loop().run_in_executor(thread, in_one_go, statements)

            yield transact


@asynccontextmanager
async def _bare_postgres(folder: Path) -> AsyncIterator[Transact]:
    connection = await asyncpg.connect(_url(folder))

    async def transact(statements: Statements) -> None:
        async with connection.transaction():
            for sql, values in statements:
                await connection.fetch(numbered(sql), *values)

    yield transact
    await connection.close()


# --- ours


async def _admit(store: SqlStore, n: int, members: int = 50) -> None:
    def turn(standing: Standing) -> Ticket:
        return decide(pictures=1, anlas=0, now=NOON, limits=LIMITS, standing=standing)

    await store.admit(an_application(a_requester(n % members + 1)), NOON, turn)


async def _make(store: SqlStore, pictures: list[Picture]) -> None:
    job = await store.claim("account", "holder", NOON, 300)
    if job is None:
        raise RuntimeError("nothing waits")
    await store.send(job, NOON, 0)
    await store.settle(job, NOON, DONE, pictures)


async def _finish_many(store: SqlStore) -> None:
    """Copies of the first job, finished; half of them by one member, a month ago and today."""
    async with store._db.tx() as session:
        job = await session.one("SELECT * FROM jobs ORDER BY id LIMIT 1")
        changed = {
            "key": "'old-' || n.value",
            "user_id": "1 + (n.value % 2) * (n.value % 50)",
            "state": "'DONE'",
            "charged_anlas": "0",
            "charged_pictures": "1",
            "admitted_at": f"{NOON} - (n.value % 30) * 86400",
            "settled_at": f"{NOON}",
            "delivery": "'SHOWN'",
        }
        names = [name for name in job if name != "id"]
        values = ", ".join(changed.get(name, f"jobs.{name}") for name in names)
        await session.run(
            f"WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < {FINISHED}) "  # noqa: S608
            f"INSERT INTO jobs ({', '.join(names)}) SELECT {values} FROM jobs, n WHERE jobs.id = {job['id']}"
        )
    if store.is_shared:
        async with store._db.read() as session:
            await session.run("ANALYZE jobs")


# --- measuring


async def _rate(rounds: int, *actions: Callable[[int], Awaitable[object]]) -> list[float]:
    """How many a second of each action, in turns of a few, so that a busy machine is unfair to none."""
    spent = [0.0 for _ in actions]
    for start in range(0, rounds, TURN):
        for k, action in enumerate(actions):
            began = time.perf_counter()
            for n in range(start, min(start + TURN, rounds)):
                await action(n)
            spent[k] += time.perf_counter() - began
    return [rounds / each for each in spent]


async def _round_of(transact: Transact, job: int, data: bytes | None) -> None:
    for statements in _round(job, data):
        await transact(statements)


def _say(what: str, rate: float, beside: float, of: str) -> None:
    print(f"  {what:38} {rate:7.0f} /s   {rate / beside:5.2f} of {of} ({beside:.0f} /s)")


async def _measure(name: str, transact: Transact, store: SqlStore) -> None:
    print(name)
    await _rate(TURN, lambda n: transact(_admission(n)), lambda n: _admit(store, n))
    bare, admitted = await _rate(ROUNDS, lambda n: transact(_admission(n)), lambda n: _admit(store, n))
    bare_made, made = await _rate(ROUNDS // 2, lambda n: _round_of(transact, n + 1, None), lambda _: _make(store, []))
    bare_heavy, heavy = await _rate(
        ROUNDS // 10,
        lambda n: _round_of(transact, n + 1 + ROUNDS // 2, PICTURE.data),
        lambda _: _make(store, [PICTURE]),
    )
    _say("admit", admitted, bare, "bare")
    _say("claim + send + settle", made, bare_made, "bare")
    _say("the same with a picture of 1 MB", heavy, bare_heavy, "bare")
    await _finish_many(store)
    [full] = await _rate(ROUNDS, lambda n: _admit(store, n))
    [claimed] = await _rate(ROUNDS // 2, lambda _: _make(store, []))
    _say(f"admit after {FINISHED:,} finished jobs", full, admitted, "empty")
    _say("claim + send + settle after them", claimed, made, "empty")


def _url(folder: Path) -> str:
    return postgres.url_of(folder).replace("&synchronous_commit=off", "")


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
        await _admit(store, n, MEMBERS)
    jobs = await store.waiting()
    admit = await _timed(ROUNDS, lambda n: _admit(store, n, MEMBERS))
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
        ours, bare = Path(name) / "ours", Path(name) / "bare"
        await (await open_store(bare)).close()
        store = await open_store(ours)
        async with _bare_sqlite(bare) as transact:
            await _measure("SQLite, beside sqlite3", transact, store)
        await store.close()
        await _queue(Path(name) / "queue")
        if not postgres.is_there():
            print("PostgreSQL: no server at hand")
            return
        await (await open_store(bare, _url(bare))).close()
        store = await open_store(ours, _url(ours))
        async with _bare_postgres(bare) as transact:
            await _measure("PostgreSQL, beside asyncpg", transact, store)
        await store.close()


if __name__ == "__main__":
    asyncio.run(main())
