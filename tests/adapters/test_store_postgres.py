"""What only PostgreSQL has: several processes at once, connections that are lost, a clock of its own."""

import asyncio
import struct
import time
import urllib.parse
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from bot.adapters.store import postgres as module
from bot.adapters.store.driver import Row
from bot.adapters.store.migrate import Step, migrate, shipped_steps
from bot.adapters.store.postgres import PostgresDatabase, open_postgres
from bot.adapters.store.store import SharedStore, open_store
from bot.domain.admission import Limits, Standing, decide
from bot.domain.errors import LimitReached, StoreError
from bot.domain.job import Job, JobState
from tests import postgres
from tests.adapters.conftest import differences
from tests.builders import a_requester, an_application
from tests.neighbour import NOON, neighbour

pytestmark = postgres.needed
LEASE = 300.0
NEXT = Step(version=len(shipped_steps()) + 1, name="9999_next.sql", sql="CREATE TABLE next (a REAL NOT NULL) STRICT;")


def _turn(standing: Standing) -> int:
    calm = replace(standing, last_admitted=None)
    return decide(pictures=1, anlas=0, now=NOON, limits=Limits(waiting=1_000), standing=calm)


async def _end(backend: Row, url: str) -> None:
    """End a connection as a server does that is started anew."""
    killer = await asyncpg.connect(url)
    await killer.execute("SELECT pg_terminate_backend($1)", backend["pid"])
    await killer.close()


async def test_the_law_of_two_hundred_holds_from_two_processes(tmp_path: Path) -> None:
    """Each wishes for a hundred at the same moment; together they get the twenty that are left."""
    url = postgres.url_of(tmp_path)
    async with (
        neighbour("admit", url, tmp_path / "a", 100, 20) as first,
        neighbour("admit", url, tmp_path / "b", 100, 20) as second,
    ):
        for each in (first, second):
            assert each.stdin is not None
            each.stdin.write(b"\n")
        answers = [(await each.communicate())[0] for each in (first, second)]

    assert 20 == sum(map(int, answers))
    assert [] == await differences(tmp_path)


async def test_both_processes_claim_and_no_job_is_claimed_twice(tmp_path: Path) -> None:
    """Two stores, an account each, forty jobs."""
    url = postgres.url_of(tmp_path)
    stores = [await open_store(tmp_path / name, url) for name in "ab"]
    for n in range(40):
        await stores[n % 2].admit(an_application(a_requester(n)), NOON, _turn)

    async def take_all(n: int) -> list[int]:
        taken = []
        while (job := await stores[n].claim(f"account-{n}", f"holder-{n}", NOON, LEASE)) is not None:
            taken.append(job.id)
            await stores[n].cancel(job.id, NOON, "cancelled")
        return taken

    mine, theirs = await asyncio.gather(take_all(0), take_all(1))

    assert 40 == len({*mine, *theirs}) == len(mine) + len(theirs)
    assert mine
    assert theirs
    for store in stores:
        await store.close()
    assert [] == await differences(tmp_path)


async def test_a_start_takes_back_its_own_and_what_ran_out(tmp_path: Path) -> None:
    """What another process holds is left alone; what this folder's last process held is known to be dead."""
    url = postgres.url_of(tmp_path)
    mine, theirs = await open_store(tmp_path / "a", url), await open_store(tmp_path / "b", url)
    for n in range(2):
        await mine.admit(an_application(a_requester(n)), NOON, _turn)
    left = await mine.claim("account-1", mine.holder, NOON, LEASE)
    other = await theirs.claim("account-2", theirs.holder, NOON, LEASE)
    await mine.close()

    again = await open_store(tmp_path / "a", url)
    touched = await again.recover(NOON + 1, again.holder)

    assert left is not None
    assert other is not None
    assert (again.holder != theirs.holder, [left.id]) == (True, [job.id for job in touched])
    assert await theirs.send(other, NOON + 1, 0)
    await again.close()
    await theirs.close()


async def test_processes_that_start_at_once_bring_the_schema_up_once(tmp_path: Path) -> None:
    """Each step is applied by one of them."""
    url = postgres.url_of(tmp_path)
    stores = await asyncio.gather(*(open_store(tmp_path / str(n), url) for n in range(4)))
    for store in stores:
        assert await store.is_empty()
        await store.close()


async def test_a_newer_or_changed_schema_is_refused(tmp_path: Path) -> None:
    """Nothing is touched; the steps of others are taken without a rewrite."""
    url = postgres.url_of(tmp_path)
    database = await open_postgres(url, None)
    await migrate(database, tmp_path, (*shipped_steps(), NEXT))
    async with database.tx() as session:
        assert 1 == await session.run("INSERT INTO next (a) VALUES (?)", 0.5)
    with pytest.raises(StoreError, match=r"store\.tampered"):
        await migrate(database, tmp_path, (*shipped_steps(), replace(NEXT, sql="SELECT 1;")))
    await database.close()

    with pytest.raises(StoreError, match=r"store\.newer"):
        await open_store(tmp_path / "a", url)


async def test_rows_that_only_sqlite_could_reshape_stop_the_step(tmp_path: Path) -> None:
    """An empty table has none; else the step fails whole, and loudly."""
    database = await open_postgres(postgres.url_of(tmp_path), None)
    await migrate(database, tmp_path, shipped_steps())
    json = replace(NEXT, sql="CREATE TABLE later (a REAL);\nUPDATE words SET text = json_set(text, '$.a', 1);")
    async with database.tx() as session:
        await session.run("INSERT INTO words (guild_id, text) VALUES (1, 'a')")

    with pytest.raises(StoreError):
        await migrate(database, tmp_path, (*shipped_steps(), json))

    async with database.read() as session:
        assert (await session.one("SELECT to_regclass('later') IS NULL AS gone"))["gone"]
    await database.close()


async def test_a_lost_connection_fails_at_most_the_verb_that_ran(tmp_path: Path) -> None:
    """One that was lost while it lay idle is not noticed at all by a write."""
    url = postgres.url_of(tmp_path)
    store = await open_store(tmp_path, url)
    database = store._db
    assert isinstance(database, PostgresDatabase)
    async with database.read() as session:
        idle = await session.one("SELECT pg_backend_pid() AS pid")
    await _end(idle, url)
    await store.remember("a", "1")

    async def lose_it() -> None:
        async with database.tx() as session:
            await session.run("UPDATE meta SET value = '2'")
            await _end(await session.one("SELECT pg_backend_pid() AS pid"), url)
            await session.run("UPDATE meta SET value = '3'")

    with pytest.raises(StoreError, match=r"store\.broken"):
        await lose_it()

    assert "1" == await store.recall("a")
    await store.close()


async def test_who_is_stopped_within_a_transaction_holds_up_nobody_for_long(tmp_path: Path) -> None:
    """The server ends it after ten seconds; when it wakes, it has changed nothing."""
    url = postgres.url_of(tmp_path)
    stopped, other = await open_store(tmp_path / "a", url), await open_store(tmp_path / "b", url)
    began, woken = time.monotonic(), asyncio.Event()

    async def be_stopped() -> None:
        async with stopped._db.tx() as session:
            await session.run("INSERT INTO meta (key, value) VALUES ('a', 'stopped')")
            await woken.wait()

    stopping = asyncio.create_task(be_stopped())
    await asyncio.sleep(0.2)
    await other.remember("a", "other")
    waited = time.monotonic() - began
    woken.set()
    with pytest.raises(StoreError):
        await stopping

    assert 5 < waited < 20
    assert "other" == await stopped.recall("a")
    await stopped.close()
    await other.close()


async def test_a_cancelled_verb_leaves_nothing_behind(tmp_path: Path) -> None:
    """Neither rows nor the lock, at whichever statement it was cancelled."""
    store = await open_store(tmp_path, postgres.url_of(tmp_path))
    for moment in range(30):
        task = asyncio.create_task(store.admit(an_application(key=f"k-{moment}"), NOON, _turn))
        await asyncio.sleep(moment * 0.0005)
        task.cancel()
        answer = (await asyncio.gather(task, return_exceptions=True))[0]
        assert isinstance(answer, Job | asyncio.CancelledError), answer
    async with asyncio.timeout(5):
        await store.admit(an_application(key="last"), NOON, _turn)
    await store.close()
    assert [] == await differences(tmp_path)


async def test_a_refusal_leaves_the_connection_clean(tmp_path: Path) -> None:
    """As many refusals as there are connections, and more, and the next verb works."""
    store = await open_store(tmp_path, postgres.url_of(tmp_path))

    def never(_: Standing) -> int:
        raise LimitReached("quota.day")

    answers = await asyncio.gather(
        *(store.admit(an_application(), NOON, never) for _ in range(20)), return_exceptions=True
    )
    assert {LimitReached} == {type(answer) for answer in answers}
    assert JobState.QUEUED == (await store.admit(an_application(), NOON, _turn)).state
    await store.close()


async def test_its_clock_is_the_databases(tmp_path: Path) -> None:
    """Not this machine's, which a test cannot put wrong; only that it is asked, and goes on between."""
    store = await open_store(tmp_path, postgres.url_of(tmp_path))
    assert isinstance(store, SharedStore)
    before = store.clock()
    async with store._db.read() as session:
        theirs = (await session.one("SELECT EXTRACT(EPOCH FROM clock_timestamp())::float8 AS now"))["now"]
    assert before - 0.05 <= theirs <= store.clock() + 0.05
    store.clock._ahead += 1_000.0  # type: ignore[attr-defined]
    await store.set_clock()
    assert abs(store.clock() - theirs) < 5
    await store.close()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql://postgres@127.0.0.1:1/x", "Connect call failed"),
        (f"{postgres.SERVER}/naibot_no_such_database", "does not exist"),
        ("postgresql://u:s3cret@127.0.0.1:no/x", "no address"),
    ],
)
async def test_a_database_that_is_not_there_is_said_without_its_password(tmp_path: Path, url: str, why: str) -> None:
    """In one sentence, for the operator."""
    with pytest.raises(StoreError, match=r"store\.away") as caught:
        await open_store(tmp_path, url)
    assert why in str(caught.value.data["why"])
    assert "s3cret" not in str(caught.value)


async def test_who_is_stopped_within_a_statement_holds_up_nobody_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Between the messages of one statement a stopped process counts as active: who waits for its lock ends its session.
    """
    monkeypatch.setitem(module._SESSION, "lock_timeout", "1s")
    monkeypatch.setattr(module, "_FREE", module._FREE.replace("10 s", "1 s"))
    store = await open_store(tmp_path / "a", postgres.url_of(tmp_path))
    reader, writer = await _in_the_middle_of_a_statement(postgres.url_of(tmp_path))
    try:
        await asyncio.sleep(1.2)
        began = time.monotonic()
        await store.remember("key", "value")
        assert time.monotonic() - began < 5
        async with asyncio.timeout(5):
            assert b"57P01" in await reader.read(), "its session was ended by an administrator's command"
    finally:
        writer.close()
        await store.close()


async def _in_the_middle_of_a_statement(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """
    A session that took the lock, sent the first message of a statement, and says nothing more.

    By hand, in the server's own protocol (PostgreSQL 15, 55.2): no driver stops there.
    """
    at = urllib.parse.urlsplit(url)
    schema = urllib.parse.parse_qs(at.query)["search_path"][0]
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    told = {"user": at.username or "postgres", "database": at.path[1:], "search_path": schema}
    body = b"".join(f"{name}\0{value}\0".encode() for name, value in told.items()) + b"\0"
    writer.write(struct.pack(">II", len(body) + 8, 196_608) + body)
    await _until_ready(reader)
    writer.write(_message(b"Q", module._BEGIN.encode() + b"\0"))
    await _until_ready(reader)
    writer.write(_message(b"P", b"\0SELECT 1\0" + struct.pack(">H", 0)) + _message(b"H", b""))
    return reader, writer


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack(">I", len(body) + 4) + body


async def _until_ready(reader: asyncio.StreamReader) -> None:
    while True:
        kind, length = struct.unpack(">cI", await reader.readexactly(5))
        await reader.readexactly(length - 4)
        assert kind != b"E"
        if kind == b"Z":
            return
