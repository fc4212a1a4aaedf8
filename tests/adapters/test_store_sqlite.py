"""What holds of the store on SQLite: one process a folder, transactions that always end, a schema that is known."""

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from bot.adapters.store import books, deliveries, jobs
from bot.adapters.store import database as module
from bot.adapters.store.database import FILE, SqliteDatabase, open_database
from bot.adapters.store.driver import Session
from bot.adapters.store.ledger import differences, examine
from bot.adapters.store.migrate import Step, migrate, shipped_steps
from bot.adapters.store.store import SqlStore, open_store
from bot.domain.admission import Level, Standing, Ticket
from bot.domain.errors import Refused, StoreError
from bot.domain.guild import Spoiler
from bot.domain.job import Job, JobState, Settlement
from bot.domain.request import Picture
from tests.builders import GUILD, a_place, a_request, a_requester, an_application

NOON = 1_800_014_400.0
ROOT = Path(__file__).parents[2]
DONE = Settlement(state=JobState.DONE, charged_anlas=0, charged_pictures=1, spent=0)


def _first(standing: Standing) -> Ticket:
    return Ticket(turn=standing.last_turn + 1)


@asynccontextmanager
async def _opened(folder: Path) -> AsyncIterator[SqlStore]:
    store = await open_store(folder)
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    """An empty store in the test's folder."""
    async with _opened(tmp_path) as opened:
        yield opened


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    """A database without a schema, in the test's folder."""
    opened = await open_database(tmp_path)
    try:
        yield opened
    finally:
        await opened.close()


def _sql(folder: Path, sql: str, *values: object) -> list[tuple[object, ...]]:
    """What somebody does to the file behind the store's back."""
    with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as connection:
        return connection.execute(sql, values).fetchall()


async def _admit(store: SqlStore, user_id: int = 1) -> Job:
    return await store.admit(an_application(a_requester(user_id)), NOON, _first)


# --- transactions


async def test_a_task_cancelled_inside_a_transaction_leaves_the_store_usable(database: SqliteDatabase) -> None:
    """Wherever the cancellation strikes, the transaction is undone whole and the next one works."""
    async with database.tx() as session:
        await session.run("CREATE TABLE t (n INTEGER)")

    async def write() -> None:
        async with database.tx() as session:
            for n in range(100):
                await session.run("INSERT INTO t VALUES (?)", n)

    for turns in range(1, 40, 3):
        task = asyncio.create_task(write())
        for _ in range(turns):
            await asyncio.sleep(0)
        await asyncio.sleep(turns / 20_000)
        for _ in range(turns % 4):  # impatient: again, while it is being undone
            task.cancel()
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async with database.tx() as session:
            assert (await session.one("SELECT COUNT(*) AS n FROM t"))["n"] in (0, 100)
            await session.run("DELETE FROM t")


async def test_work_in_one_go_is_written_whole_or_not_at_all(database: SqliteDatabase) -> None:
    """What it returns comes back after the commit; whatever leaves it otherwise undoes it and goes on to the caller."""

    async def work(session: Session, n: int, end: Exception | None = None) -> int:
        await session.run("INSERT INTO t VALUES (?)", n)
        if end is not None:
            raise end
        return int((await session.one("SELECT SUM(n) AS n FROM t"))["n"])

    await database.write(lambda session: session.run("CREATE TABLE t (n INTEGER)"))
    assert 3 == await database.write(lambda session: work(session, 3))
    for end in (Refused("gone"), StoreError("store.broken")):
        with pytest.raises(type(end)) as raised:
            await database.write(partial(work, n=4, end=end))
        assert raised.value is end
    with pytest.raises(StoreError):
        await database.write(lambda session: session.run("INSERT INTO nowhere VALUES (1)"))

    assert [{"n": 3}] == await database.look(lambda session: session.rows("SELECT n FROM t"))


async def test_work_in_one_go_awaits_nothing_but_its_session(database: SqliteDatabase) -> None:
    """It runs in the connection's thread, which has no loop; who waits there for something else learns it at once."""

    async def work(session: Session) -> None:
        await session.run("INSERT INTO t VALUES (1)")
        await asyncio.sleep(0)

    await database.write(lambda session: session.run("CREATE TABLE t (n INTEGER)"))
    with pytest.raises(TypeError):
        await database.write(work)

    assert [] == await database.look(lambda session: session.rows("SELECT n FROM t"))
    assert 1 == await database.write(lambda session: session.run("INSERT INTO t VALUES (1)"))


async def test_who_is_cancelled_during_work_in_one_go_learns_of_it_after_its_end(database: SqliteDatabase) -> None:
    """As with a commit that runs: it is not known before whether it was written."""
    await database.write(lambda session: session.run("CREATE TABLE t (n INTEGER)"))
    inside, goes_on = threading.Event(), threading.Event()

    async def work(session: Session) -> None:
        inside.set()
        goes_on.wait(10)
        await session.run("INSERT INTO t VALUES (1)")

    task = asyncio.create_task(database.write(work))
    assert await asyncio.to_thread(inside.wait, 10)
    task.cancel()
    await asyncio.sleep(0.05)
    assert not task.done()
    goes_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert [{"n": 1}] == await database.look(lambda session: session.rows("SELECT n FROM t"))


async def test_verbs_cancelled_at_any_moment_happen_or_do_not(store: SqlStore, tmp_path: Path) -> None:
    """A job is admitted whole or not at all, and the ledger adds up."""
    for delay in range(30):
        task = asyncio.create_task(_admit(store))
        await asyncio.sleep(delay / 10_000)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    assert [] == await differences(tmp_path)
    assert len(await store.waiting()) == (await store.standing(a_requester(), NOON)).pictures


async def test_a_deadline_undoes_a_transaction_and_is_still_a_timeout(database: SqliteDatabase) -> None:
    """The writer is free for the next task, nothing was written, and the caller hears `TimeoutError`."""
    async with database.tx() as session:
        await session.run("CREATE TABLE t (n INTEGER)")

    async def write() -> None:
        async with asyncio.timeout(0.002), database.tx() as session:
            while True:
                await session.run("INSERT INTO t VALUES (1)")

    ends = await asyncio.gather(*(write() for _ in range(5)), return_exceptions=True)

    assert {TimeoutError} == {type(end) for end in ends}
    async with database.read() as session:
        assert 0 == (await session.one("SELECT COUNT(*) AS n FROM t"))["n"]


async def test_a_full_disk_loses_no_settlement(store: SqlStore, database_full: "Full") -> None:
    """A settlement that cannot be written is a `StoreError`, changes nothing, and works once there is room."""
    await _admit(store)
    job = await store.claim("account", "holder", NOON, 300)
    assert job is not None
    assert await store.send(job, NOON, 0)
    big = Picture(data=os.urandom(2_000_000), media_type="image/png", seed=1)

    await database_full.limit()
    with pytest.raises(StoreError, match=r"store\.broken"):
        await store.settle(job, NOON, DONE, [big])
    current = await store.get(job.id)
    await database_full.lift()

    assert current is not None
    assert (JobState.SENT, None) == (current.state, current.charged_anlas)
    assert await store.settle(job, NOON, DONE, [big])
    assert [big] == list(await store.pictures(job.id))


class Full:
    """Fills the disk, as far as SQLite can see."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    async def limit(self) -> None:
        """No page more than there are."""
        await self._set("SELECT page_count AS n FROM pragma_page_count")

    async def lift(self) -> None:
        """Room again."""
        await self._set("SELECT 1000000 AS n")

    async def _set(self, sql: str) -> None:
        async with self._store._db.tx() as session:
            pages = (await session.one(sql))["n"]
            await session.rows(f"PRAGMA max_page_count = {pages}")


@pytest.fixture
def database_full(store: SqlStore) -> Full:
    """A disk that can be full."""
    return Full(store)


async def test_a_closed_store_answers_with_store_errors(tmp_path: Path) -> None:
    """A verb that comes too late hears `StoreError`, and closing twice is no harm."""
    store = await open_store(tmp_path)
    await store.close()
    await store.close()

    with pytest.raises(StoreError):
        await _admit(store)
    with pytest.raises(StoreError):
        await store.waiting()


async def test_values_no_row_can_hold_are_store_errors(store: SqlStore) -> None:
    """Half a surrogate pair, or a number over 64 bits, is refused and leaves nothing behind."""
    for wish in (
        an_application(key="\ud83d"),
        replace(an_application(), interaction=2**64),
    ):
        with pytest.raises(StoreError):
            await store.admit(wish, NOON, _first)

    assert [] == list(await store.waiting())


async def test_an_erased_token_stands_nowhere_in_the_row(store: SqlStore, tmp_path: Path) -> None:
    """What expired is gone from every column, not only from the one that is read."""
    await store.admit(an_application(place=a_place(token="s3cr3t", token_expires=NOON)), NOON, _first)
    assert "s3cr3t" in str(_sql(tmp_path, "SELECT * FROM jobs"))

    await store.forget_tokens(NOON)

    assert "s3cr3t" not in str(_sql(tmp_path, "SELECT * FROM jobs"))


# --- processes


async def test_a_second_opener_is_refused(store: SqlStore, tmp_path: Path) -> None:
    """Two bots on one folder would both believe that every other lease is dead."""
    with pytest.raises(StoreError, match=r"store\.locked"):
        async with _opened(tmp_path):
            pass

    assert 0 == (await examine(tmp_path)).jobs


async def test_a_closed_folder_can_be_opened_again(tmp_path: Path) -> None:
    """Closing folds the log into the file and frees the folder."""
    async with _opened(tmp_path) as store:
        await _admit(store)

    assert not (tmp_path / f"{FILE}-wal").exists()
    async with _opened(tmp_path) as store:
        assert 1 == len(await store.waiting())


async def test_what_people_wrote_is_for_the_operator_alone(store: SqlStore, tmp_path: Path) -> None:
    """Prompts lie in these files, so nobody else on the machine may read them."""
    await _admit(store)

    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}

    assert {0o600} == set(modes.values()), modes


@pytest.mark.parametrize("make", ["file", "database"])
async def test_a_folder_that_cannot_be_used_is_a_store_error(tmp_path: Path, make: str) -> None:
    """A file in the folder's place, or something that is no database, is named as broken and left as it is."""
    folder = tmp_path / "data"
    if make == "file":
        folder.write_bytes(b"mine")
    else:
        folder.mkdir()
        (folder / FILE).write_bytes(b"this is no database at all" * 100)

    with pytest.raises(StoreError, match=r"store\.broken"):
        await open_store(folder)


def _python(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-X", "dev", "-c", code, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


ADMIT_FOR_EVER = """
import asyncio, pathlib, sys
from bot.adapters.store.store import open_store
from bot.domain.admission import Ticket
from bot.domain.job import JobState, Settlement
from tests.builders import a_requester, an_application

async def main():
    store = await open_store(pathlib.Path(sys.argv[1]))
    done = Settlement(state=JobState.DONE, charged_anlas=30, charged_pictures=1, spent=30)
    n = 0
    while True:
        n += 1
        wish = an_application(a_requester(n % 5), key=f"{sys.argv[2]}-{n}", price=30)
        await store.admit(wish, 1_800_014_400.0 + n, lambda standing: Ticket(turn=standing.last_turn + 1))
        if n % 2:
            job = await store.claim("account", "holder", 1_800_014_400.0 + n, 300)
            await store.send(job, 1_800_014_400.0 + n, 30)
            await store.settle(job, 1_800_014_400.0 + n, done)
        print(n, flush=True)

asyncio.run(main())
"""


async def test_a_process_killed_in_the_middle_leaves_a_ledger_that_adds_up(tmp_path: Path) -> None:
    """Every job whose admission was answered is there, and no counter differs, however often it happens."""
    answered = 0
    for life in range(3):
        process = _python(ADMIT_FOR_EVER, str(tmp_path), str(life))
        assert process.stdout is not None
        for _ in range(20 + 7 * life):
            answered += bool(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        answered += len(process.communicate()[0].splitlines())
        found = await examine(tmp_path)
        assert () == found.differences
        assert answered <= found.jobs <= answered + life + 1
        async with _opened(tmp_path) as store:
            await store.recover(NOON)
        assert [] == await differences(tmp_path)


EXIT = """
import asyncio, pathlib, sys
from bot.adapters.store.store import open_store
from bot.domain.errors import StoreError
from bot.domain.guild import Spoiler

async def main():
    store = await open_store(pathlib.Path(sys.argv[1]))
    try:
        if sys.argv[2] == "bug":
            raise RuntimeError("a bug")
        if sys.argv[2] == "locked":
            await open_store(pathlib.Path(sys.argv[1]))
    finally:
        await store.close()

asyncio.run(main())
"""


@pytest.mark.parametrize(("how", "code"), [("normal", 0), ("bug", 1), ("locked", 1)])
def test_the_process_ends_once_the_store_is_closed(tmp_path: Path, how: str, code: int) -> None:
    """No thread of the driver's keeps it alive, and nothing was left open."""
    process = _python(EXIT, str(tmp_path), how)

    _, errors = process.communicate(timeout=20)

    assert code == process.returncode
    assert "ResourceWarning" not in errors


# --- the schema


def _schema(folder: Path) -> list[tuple[object, ...]]:
    return _sql(folder, "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name")


NEXT = Step(
    version=len(shipped_steps()) + 1,
    name=f"{len(shipped_steps()) + 1:04}_next.sql",
    sql="CREATE TABLE extra (n INTEGER) STRICT;\nINSERT INTO extra VALUES (7);\n",
)


async def test_a_migrated_database_equals_a_fresh_one(tmp_path: Path) -> None:
    """Step by step or all at once, the schema is the same, and what was there is kept."""
    steps = (*shipped_steps(), NEXT)
    old, fresh = tmp_path / "old", tmp_path / "fresh"
    async with _opened(old) as store:
        job = await _admit(store)
    for folder in (old, fresh):
        database = await open_database(folder)
        await migrate(database, folder / FILE, steps)
        await database.close()

    assert _schema(fresh) == _schema(old)
    assert [(job.id,)] == _sql(old, "SELECT id FROM jobs")
    assert [(7,)] == _sql(old, "SELECT n FROM extra")


async def test_a_copy_is_kept_before_an_upgrade_and_only_then(tmp_path: Path) -> None:
    """The database as it was lies beside the new one; a fresh one has no past to keep."""
    async with _opened(tmp_path) as store:
        job = await _admit(store)
    assert [] == list(tmp_path.glob("*.before-*"))

    database = await open_database(tmp_path)
    await migrate(database, tmp_path / FILE, (*shipped_steps(), NEXT))
    await database.close()

    [copy] = tmp_path.glob("*.before-*")
    with closing(sqlite3.connect(copy)) as connection:
        assert [(job.id,)] == connection.execute("SELECT id FROM jobs").fetchall()
        assert (len(shipped_steps()),) == connection.execute("PRAGMA user_version").fetchone()
    assert 0o600 == stat.S_IMODE(copy.stat().st_mode)


async def test_a_step_that_fails_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    """Each step is one transaction with its number; a later program may try it again."""
    async with _opened(tmp_path):
        pass
    before = _schema(tmp_path)
    broken = replace(NEXT, sql="CREATE TABLE extra (n INTEGER) STRICT;\nINSERT INTO nowhere VALUES (1);\n")

    database = await open_database(tmp_path)
    with pytest.raises(StoreError, match=r"store\.broken"):
        await migrate(database, tmp_path / FILE, (*shipped_steps(), broken))
    await migrate(database, tmp_path / FILE, shipped_steps())
    await database.close()

    assert before == _schema(tmp_path)


async def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    """A program that does not know the schema must not write to it, nor judge it."""
    async with _opened(tmp_path):
        pass
    _sql(tmp_path, "PRAGMA user_version = 99")

    with pytest.raises(StoreError, match=r"store\.newer"):
        await open_store(tmp_path)
    with pytest.raises(StoreError, match=r"store\.newer"):
        await examine(tmp_path)


async def test_a_step_that_was_changed_after_it_was_applied_is_named(tmp_path: Path) -> None:
    """An applied file never changes; the error says which one did."""
    async with _opened(tmp_path):
        pass
    _sql(tmp_path, "UPDATE migrations SET sha256 = 'other'")

    with pytest.raises(StoreError, match=r"store\.tampered") as caught:
        await open_store(tmp_path)

    assert shipped_steps()[0].name == caught.value.data["name"]


def test_the_shipped_steps_are_numbered_without_a_gap() -> None:
    """A gap would be a step that is never applied."""
    versions = [step.version for step in shipped_steps()]

    assert versions
    assert list(range(1, len(versions) + 1)) == versions


# --- cost


def test_the_queue_never_looks_at_finished_jobs(tmp_path: Path) -> None:
    """Admission, claim and delivery read partial indexes, which hold no finished job, or one day's."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for step in shipped_steps():
            connection.executescript(step.sql)

        def indexes(sql: str) -> set[str]:
            values = (1,) * sql.count("?")
            plan = connection.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()
            lines = [line[3] for line in plan if " jobs" in line[3] or " live" in line[3]]
            return {line.partition("USING ")[2].removeprefix("INDEX ").split(" (")[0] for line in lines}

        assert {"jobs_in_order", "jobs_running"} == indexes(jobs._NEXT.format(passing="?, ?"))
        assert {"jobs_on_account"} == indexes(jobs._ON_ACCOUNT)
        assert {"jobs_waiting"} == indexes(books._WAITING)
        assert {"jobs_by_day"} == indexes(books.sums_of(Level.HOUSE))
        assert {"jobs_by_guild_day"} == indexes(books.sums_of(Level.GUILD))
        assert {"jobs_by_guild_day"} == indexes(books.sums_of(Level.HOUSE_GUILD))
        assert {"jobs_by_member_day"} == indexes(books.sums_of(Level.MEMBER))
        assert {"jobs_by_member_day"} == indexes(books.sums_of(Level.HOUSE_MEMBER))
        assert {"COVERING INDEX jobs_ahead"} == indexes(jobs._LINE)
        assert {"jobs_by_shape"} == indexes(jobs._DURATIONS)
        assert {"jobs_in_order"} == indexes(jobs._LATE)
        assert {"INTEGER PRIMARY KEY", "jobs_undelivered"} == indexes(deliveries._NEXT)
        assert {"jobs_with_token"} == indexes(deliveries._EXPIRING)
        assert {"jobs_in_inbox"} == indexes(deliveries._INBOX) == indexes(deliveries._OVER)
        assert {"jobs_with_request"} == indexes(deliveries._FORGET)


# --- the audit, and rows that somebody else wrote


async def test_the_audit_needs_a_database(tmp_path: Path) -> None:
    """It makes none, neither file nor folder."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(StoreError, match=r"store\.missing"):
            await differences(folder)

    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (
            "UPDATE usage SET anlas = anlas + 1 WHERE level = 'house' AND span = 'day'",
            "house by day: anlas 31, counted 30",
        ),
        ("UPDATE house SET now_turn = 9", "house: now_turn 9, counted 1"),
        (
            "UPDATE usage SET pictures = 0 WHERE level = 'guild' AND span = 'week'",
            f"guild {GUILD} by week: pictures 0, counted 1",
        ),
        (
            "UPDATE usage SET anlas = 0 WHERE level = 'member' AND span = 'day'",
            f"member {GUILD}/1 by day: anlas 0, counted 30",
        ),
        ("UPDATE members SET last_turn = 0", f"member {GUILD}/1: last_turn 0, counted 1"),
        ("UPDATE jobs SET state = 'ODD'", "job 1: state"),
        ("UPDATE jobs SET delivery = 'LAPSED'", "job 1: lapsed and charged"),
        ("UPDATE jobs SET delivery = 'NONE'", "job 1: charged and shown to nobody"),
        ("UPDATE jobs SET delivery = 'INBOX'", "job 1: in the inbox for ever"),
        ("UPDATE jobs SET delivery = 'INBOX', inbox_until = 1", "job 1: in the inbox without its picture"),
        ("UPDATE jobs SET state = 'FAILED'", "job 1: charged without a picture"),
        ("UPDATE jobs SET state = 'QUEUED'", "job 1: reserved or charged"),
        ("DELETE FROM jobs", "house by day: pictures 1, counted 0"),
    ],
)
async def test_the_audit_finds_every_damage(tmp_path: Path, damage: str, says: str) -> None:
    """What somebody changed behind the store's back is found and named."""
    async with _opened(tmp_path) as store:
        await store.admit(an_application(price=30), NOON, _first)
        job = await store.claim("account", "holder", NOON, 300)
        assert job is not None
        await store.send(job, NOON, 30)
        await store.settle(job, NOON, replace(DONE, charged_anlas=30, spent=30))
    assert [] == await differences(tmp_path)

    _sql(tmp_path, damage)

    assert says in [str(difference) for difference in await differences(tmp_path)]


async def test_a_job_that_cannot_be_read_holds_up_nobody(store: SqlStore, tmp_path: Path) -> None:
    """It is given up at no charge when its turn comes, hidden from the queue before, and the next one starts."""
    broken, good = await _admit(store, 1), await _admit(store, 2)
    _sql(tmp_path, "UPDATE jobs SET requester = '[]' WHERE id = ?", broken.id)

    with pytest.raises(StoreError):
        await store.get(broken.id)
    assert [good.id] == [job.id for job in await store.waiting()]
    claimed = await store.claim("account", "holder", NOON, 300)

    assert claimed is not None
    assert good.id == claimed.id
    assert [("FAILED", 0)] == _sql(tmp_path, "SELECT state, charged_anlas FROM jobs WHERE id = ?", broken.id)
    assert [] == await differences(tmp_path)


@pytest.mark.parametrize("request_", ["", "{", "null", '{"prompt": {"text": ""}}', "[" * 5_000])
async def test_a_request_that_cannot_be_read_counts_as_forgotten(
    store: SqlStore, tmp_path: Path, request_: str
) -> None:
    """The worker ends such a job; nothing else about it is lost."""
    job = await _admit(store)
    _sql(tmp_path, "UPDATE jobs SET request = ?", request_)

    assert replace(job, request=None) == await store.get(job.id)


@pytest.mark.parametrize("column", ["state", "delivery", "place"])
async def test_a_row_that_is_no_job_is_a_store_error(store: SqlStore, tmp_path: Path, column: str) -> None:
    """Never another error, so that the loops which expect `StoreError` live on."""
    job = await _admit(store)
    _sql(tmp_path, f"UPDATE jobs SET {column} = 'odd'")  # noqa: S608

    with pytest.raises(StoreError, match=r"store\.broken"):
        await store.get(job.id)


async def test_a_parcel_that_cannot_be_read_holds_up_nobody(store: SqlStore, tmp_path: Path) -> None:
    """It is offered once in each lease, and the others come by."""
    for user_id in (1, 2):
        await _admit(store, user_id)
        job = await store.claim("account", "holder", NOON, 300)
        assert job is not None
        await store.send(job, NOON, 0)
        await store.settle(job, NOON + user_id, DONE)
    _sql(tmp_path, "UPDATE jobs SET place = 'odd' WHERE user_id = 1")

    with pytest.raises(StoreError):
        await store.next_delivery(NOON + 9, 60)
    parcel = await store.next_delivery(NOON + 9, 60)

    assert parcel is not None
    assert 2 == parcel.user_id


async def test_settings_that_cannot_be_read_are_a_store_error(store: SqlStore, tmp_path: Path) -> None:
    """A server's settings out of bounds are not taken for safe ones."""
    _sql(tmp_path, "INSERT INTO guilds (id, config) VALUES (5, '{\"running\": 0}')")

    with pytest.raises(StoreError):
        await store.config(5)


async def test_drafts_that_cannot_be_read_are_a_store_error(store: SqlStore, tmp_path: Path) -> None:
    """Whatever kind of request a later program may have written."""
    draft = await store.propose(a_requester(), a_request(), 0, NOON + 900)
    _sql(tmp_path, "UPDATE drafts SET kind = 'later'")

    with pytest.raises(StoreError):
        await store.draft(draft.id)


async def test_settings_of_the_first_schema_are_read_by_this_one(tmp_path: Path) -> None:
    """The spoiler was a switch once: on is always, off is off, and nothing else changes."""
    database = await open_database(tmp_path)
    await migrate(database, tmp_path / FILE, shipped_steps()[:1])
    async with database.tx() as session:
        for guild_id, spoiler in ((1, "true"), (2, "false")):
            config = f'{{"channels":[5],"spoiler":{spoiler},"pictures_day":7}}'
            await session.run("INSERT INTO guilds (id, config) VALUES (?, ?)", guild_id, config)
        await session.run("INSERT INTO guilds (id) VALUES (3)")
    await database.close()

    async with _opened(tmp_path) as store:
        configs = await store.configs()

    assert {1: Spoiler.ALWAYS, 2: Spoiler.OFF} == {id_: config.spoiler for id_, config in configs.items()}
    assert {((5,), 7)} == {(config.channels, config.pictures_day) for config in configs.values()}


async def test_what_lies_free_goes_back_to_the_disk_at_a_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once it is most of the file; a little is left for the next pictures."""
    monkeypatch.setattr(module, "FREE_MOST", 100_000)
    opened = await open_database(tmp_path)
    async with opened.tx() as session:
        await session.run("CREATE TABLE t (data BLOB)")
        await session.run("INSERT INTO t VALUES (?)", b"x" * 1_000_000)
    async with opened.tx() as session:
        await session.run("DELETE FROM t")
    await opened.close()
    before = (tmp_path / FILE).stat().st_size
    await (await open_database(tmp_path)).close()

    assert before > 1_000_000
    assert (tmp_path / FILE).stat().st_size < 100_000
