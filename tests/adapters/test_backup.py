"""Backups hold what was there, restores make nothing happen twice, and no moment is a bad one to be killed in."""

import asyncio
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from bot.adapters.store.backup import back_up, verify
from bot.adapters.store.database import FILE, LOCK, open_database
from bot.adapters.store.ledger import differences, examine
from bot.adapters.store.migrate import migrate, shipped_steps
from bot.adapters.store.restore import LEAP, restore
from bot.adapters.store.store import SqlStore, open_store
from bot.domain.admission import Standing, Ticket
from bot.domain.errors import StoreError
from bot.domain.job import Delivery, Job, JobState, Settlement
from bot.domain.request import Picture
from tests.adapters.test_store_sqlite import ADMIT_FOR_EVER
from tests.builders import a_place, a_request, a_requester, an_application

NOON = 1_800_014_400.0
LATER = NOON + 600
ROOT = Path(__file__).parents[2]
DONE = Settlement(state=JobState.DONE, charged_anlas=30, charged_pictures=1, spent=30)
PICTURE = Picture(data=os.urandom(300_000), media_type="image/png", seed=1)


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
def data(tmp_path: Path) -> Path:
    """A data folder, beside which a test may keep its backups."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    return folder


def _sql(file: Path, *statements: str) -> list[tuple[object, ...]]:
    """What somebody does to a file behind the store's back."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        return [row for sql in statements for row in connection.execute(sql).fetchall()]


async def _admit(store: SqlStore, user_id: int = 1) -> Job:
    return await store.admit(an_application(a_requester(user_id), price=30), NOON, _first)


async def _claimed(store: SqlStore, account: str, user_id: int) -> Job:
    job = await _admit(store, user_id)
    claimed = await store.claim(account, "holder", NOON, 300)
    assert claimed is not None
    assert claimed.id == job.id
    return claimed


async def _sent(store: SqlStore, account: str, user_id: int, spent: int) -> Job:
    job = await _claimed(store, account, user_id)
    assert await store.send(job, NOON, spent)
    return job


async def _drawn(store: SqlStore, account: str, user_id: int) -> Job:
    job = await _sent(store, account, user_id, 30)
    assert await store.settle(job, NOON, DONE, [PICTURE])
    return job


def _writing(folder: Path) -> subprocess.Popen[str]:
    """A process that admits and settles jobs until it is killed, a line for each."""
    return subprocess.Popen(
        [sys.executable, "-c", ADMIT_FOR_EVER, str(folder), "x"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def _left(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


# --- backup


async def test_a_backup_made_while_jobs_are_admitted_adds_up(tmp_path: Path, data: Path) -> None:
    """Each is one moment: nothing that was answered before it lacks, and its ledger is true."""
    process = _writing(data)
    try:
        assert process.stdout is not None
        answered, held = 0, []
        for n in range(5):
            for _ in range(25):
                answered += bool(process.stdout.readline())
            backup = await back_up(data, tmp_path / f"{n}", NOON)
            assert answered <= backup.contents.jobs
            (tmp_path / f"of-{n}").mkdir()
            shutil.copy(backup.path, tmp_path / f"of-{n}" / FILE)
            assert [] == await differences(tmp_path / f"of-{n}")
            held.append(backup.contents.jobs)
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()

    assert held == sorted(set(held))


async def test_a_backup_has_a_name_of_its_own_and_is_for_its_owners_eyes(tmp_path: Path, data: Path) -> None:
    """Without a name it lies dated in the data folder; a folder gets it under that name; nothing else is left."""
    async with _opened(data) as store:
        await _drawn(store, "a", 1)
        ours = await back_up(data, None, NOON)
        theirs = await back_up(data, tmp_path, NOON)

    assert data / "backups" / "naibot-20270115-120000.sqlite3" == ours.path
    assert tmp_path / ours.path.name == theirs.path
    assert {theirs.path.name, "data"} == _left(tmp_path)
    assert {ours.path.name} == _left(data / "backups")
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in (ours.path, theirs.path)}
    assert 0o700 == stat.S_IMODE(ours.path.parent.stat().st_mode)
    assert (1, 1, ours.path.stat().st_size) == (ours.contents.jobs, ours.contents.members, ours.size)
    assert ours.size > len(PICTURE.data)


async def test_a_backup_overwrites_nothing(tmp_path: Path, data: Path) -> None:
    """A file, or even a link that leads nowhere, stays as it is."""
    async with _opened(data):
        pass
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")

    for name in ("mine", "link"):
        with pytest.raises(StoreError, match=r"backup\.exists"):
            await back_up(data, tmp_path / name, NOON)

    assert "mine" == (tmp_path / "mine").read_text()
    assert {"mine", "link", "data"} == _left(tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE usage SET anlas = anlas + 1",
        "UPDATE jobs SET state = 'ODD'",
        "DELETE FROM members",
        "CREATE TABLE t (n)",
    ],
)
async def test_a_copy_that_does_not_hold_is_not_kept(tmp_path: Path, data: Path, damage: str) -> None:
    """The ledger, the rows that belong together, the schema: what is not ours or not true is no backup."""
    async with _opened(data) as store:
        await _admit(store)
    _sql(data / FILE, "PRAGMA foreign_keys = OFF", damage)

    with pytest.raises(StoreError):
        await back_up(data, tmp_path / "copy", NOON)

    assert {"data"} == _left(tmp_path)


async def test_a_backup_needs_a_database_and_a_folder(tmp_path: Path, data: Path) -> None:
    """Neither is made."""
    with pytest.raises(StoreError, match=r"store\.missing"):
        await back_up(data, None, NOON)
    assert set() == _left(data)
    (data / FILE).write_bytes(b"no database" * 1_000)
    with pytest.raises(StoreError, match=r"backup\.failed.*not a database"):
        await back_up(data, None, NOON)
    (data / FILE).unlink()
    async with _opened(data):
        pass
    with pytest.raises(StoreError, match=r"backup\.failed"):
        await back_up(data, tmp_path / "nowhere" / "copy", NOON)
    assert {"data"} == _left(tmp_path)


# --- restore


async def test_nothing_that_waited_is_drawn_paid_or_shown_again(tmp_path: Path, data: Path) -> None:
    """
    Whatever the backup caught under way ends silently and at no charge; what was spent stays spent.

    Everything that was over is as it was, pictures and charges too.
    """
    async with _opened(data) as store:
        shown = await _drawn(store, "a", 1)
        assert await store.next_delivery(NOON, 60) is not None
        assert await store.shown(shown.id, NOON, 300)
        waiting = [
            await _drawn(store, "a", 2),
            await _sent(store, "b", 3, 30),
            await _sent(store, "c", 4, 0),
            await _claimed(store, "d", 5),
            await _admit(store, 6),
        ]
        draft = await store.propose(a_requester(), a_request(), 0, LATER + 900)
        backup = await back_up(data, tmp_path / "copy", NOON)
        kept_shown = await store.get(shown.id)

    restored = await restore(data, backup.path, LATER)

    assert (4, 1, 6) == (restored.ended, restored.dropped, restored.contents.jobs)
    assert NOON == restored.contents.written_at
    async with _opened(data) as store:
        assert [] == await store.recover(LATER)
        assert [] == await store.waiting()
        assert await store.claim("a", "holder", LATER, 300) is None
        assert await store.next_delivery(LATER + 3_600, 60) is None
        assert await store.draft(draft.id) is None
        ends = [await store.get(job.id) for job in waiting]
        assert [Delivery.LAPSED, *[Delivery.NONE] * 4] == [job.delivery for job in ends if job]
        assert [JobState.DONE, *[JobState.FAILED] * 4] == [job.state for job in ends if job]
        assert [30, 30, 0, 0, 0] == [job.spent for job in ends if job]
        assert {(0, 0)} == {(job.charged_anlas, job.charged_pictures) for job in ends if job}
        assert {"failed.restored"} == {job.reason for job in ends[1:] if job}
        assert kept_shown == await store.get(shown.id)
        assert [PICTURE] == list(await store.pictures(shown.id))
        assert 60 + 30 == (await store.standing(a_requester(), NOON)).house_anlas
    assert [] == await differences(data)


async def test_what_lies_in_an_inbox_can_still_be_collected(tmp_path: Path, data: Path) -> None:
    """A restore leaves it there, bytes and charge too: nobody but its member meets it, at worst twice."""
    async with _opened(data) as store:
        kept = await _drawn(store, "a", 1)
        assert await store.keep(kept.id, NOON, LATER + 86_400)
        backup = await back_up(data, tmp_path / "copy", NOON)

    restored = await restore(data, backup.path, LATER)

    assert 0 == restored.dropped
    async with _opened(data) as store:
        assert [kept.id] == [job.id for job in await store.inbox(kept.user_id, 10)]
        assert await store.collect(kept.id, kept.user_id, LATER, a_place(), 5)
        assert [PICTURE] == list(await store.pictures(kept.id))
    assert [] == await differences(data)


async def test_ids_never_come_back(tmp_path: Path, data: Path) -> None:
    """Buttons of a job that was lost must not lead to another member's, however often the backup is restored."""
    async with _opened(data) as store:
        await _admit(store)
        backup = await back_up(data, tmp_path / "copy", NOON)
        ids = [(await _admit(store)).id]

    for now in (LATER, LATER + 100, 5.0):
        await restore(data, backup.path, now)
        async with _opened(data) as store:
            ids.append((await _admit(store)).id)
            draft = await store.propose(a_requester(), a_request(), 0, NOON)

    assert [2, int(LATER) + 1, int(LATER) + 101, LEAP + 2] == ids
    assert LEAP < draft.id


async def test_what_was_there_is_kept_with_its_log(tmp_path: Path, data: Path) -> None:
    """Also what a killed bot had committed to the log alone; and no log is left that would be played into the new."""
    async with _opened(data):
        backup = await back_up(data, tmp_path / "copy", NOON)
    process = _writing(data)
    assert process.stdout is not None
    answered = [process.stdout.readline() for _ in range(9)]
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert (data / f"{FILE}-wal").stat().st_size

    restored = await restore(data, backup.path, NOON)

    assert data / "naibot.before-restore-20270115-120000.sqlite3" == restored.kept
    assert {FILE, LOCK, restored.kept.name} == _left(data)
    assert 0 == (await examine(data)).jobs
    assert len(answered) <= (await verify(restored.kept)).jobs
    assert 0o600 == stat.S_IMODE(restored.kept.stat().st_mode)


async def test_a_damaged_database_is_replaced_and_kept_as_it_is(tmp_path: Path, data: Path) -> None:
    """That is what backups are for; its bytes and its log stay for whoever can read more out of them."""
    async with _opened(data) as store:
        job = await _drawn(store, "a", 1)
        backup = await back_up(data, tmp_path / "copy", NOON)
    (data / FILE).write_bytes(b"rubbish" * 1_000)
    (data / f"{FILE}-wal").write_bytes(b"more rubbish")

    restored = await restore(data, backup.path, NOON)

    assert restored.kept is not None
    assert b"rubbish" * 1_000 == restored.kept.read_bytes()
    assert b"more rubbish" == restored.kept.with_name(f"{restored.kept.name}-wal").read_bytes()
    async with _opened(data) as store:
        assert [PICTURE] == list(await store.pictures(job.id))


async def test_a_new_machine_needs_nothing_but_the_backup(tmp_path: Path, data: Path) -> None:
    """The folder is made, closed to others, and there was nothing to keep."""
    async with _opened(data) as store:
        await _admit(store)
        backup = await back_up(data, tmp_path / "copy", NOON)

    restored = await restore(tmp_path / "new", backup.path, NOON)

    assert restored.kept is None
    assert {FILE, LOCK} == _left(tmp_path / "new")
    assert 1 == (await examine(tmp_path / "new")).jobs
    modes = {path: stat.S_IMODE(path.stat().st_mode) & 0o077 for path in (tmp_path / "new", tmp_path / "new" / FILE)}
    assert {0} == set(modes.values())


async def test_a_backup_of_an_older_schema_is_brought_to_this_one(tmp_path: Path, data: Path) -> None:
    """As a database of that age would be at a start."""
    database = await open_database(tmp_path / "old")
    await migrate(database, tmp_path / "old" / FILE, shipped_steps()[:1])
    await database.close()
    backup = await back_up(tmp_path / "old", tmp_path / "copy", NOON)

    await restore(data, backup.path, NOON)

    assert [(len(shipped_steps()),)] == _sql(data / FILE, "PRAGMA user_version")
    assert [] == await differences(data)
    assert [(1,)] == _sql(backup.path, "PRAGMA user_version")


def _half(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _scratched(file: Path) -> None:
    """A page in the middle, filled with something else."""
    with file.open("r+b") as opened:
        opened.seek(4_096 * 3)
        opened.write(b"\xff" * 4_096)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda file: file.unlink(), "restore.missing"),
        (lambda file: file.write_bytes(b""), "restore.foreign"),
        (lambda file: file.write_bytes(os.urandom(50_000)), "restore.foreign"),
        (lambda file: (file.unlink(), _sql(file, "CREATE TABLE jobs (id)")), "restore.foreign"),
        (lambda file: _sql(file, "UPDATE migrations SET sha256 = 'other'"), "restore.foreign"),
        (
            lambda file: _sql(file, "CREATE TRIGGER t AFTER UPDATE ON jobs BEGIN DELETE FROM audit; END"),
            "restore.foreign",
        ),
        (lambda file: _sql(file, "PRAGMA user_version = 99"), "restore.newer"),
        (_half, "restore.failed"),
        (_scratched, "restore.failed"),
        (lambda file: _sql(file, "UPDATE usage SET anlas = anlas + 1"), "restore.failed"),
    ],
    ids=["missing", "empty", "noise", "other", "other-steps", "trigger", "newer", "half", "scratched", "ledger"],
)  # fmt: skip
async def test_what_is_no_sound_backup_changes_nothing(tmp_path: Path, data: Path, spoil: object, code: str) -> None:
    """The database is the same to the byte, and nothing lies beside it."""
    async with _opened(data) as store:
        for n in range(5):
            await _drawn(store, "a", n)
        backup = await back_up(data, tmp_path / "copy", NOON)
    before = (data / FILE).read_bytes()
    spoil(backup.path)  # type: ignore[operator]

    with pytest.raises(StoreError, match=code.replace(".", r"\.")):
        await restore(data, backup.path, NOON)

    assert before == (data / FILE).read_bytes()
    assert {FILE, LOCK} == _left(data)


async def test_nothing_is_restored_under_a_running_bot(tmp_path: Path, data: Path) -> None:
    """Nor beside somebody who reads at this very moment."""
    async with _opened(data) as store:
        await _admit(store)
        backup = await back_up(data, tmp_path / "copy", NOON)
        with pytest.raises(StoreError, match=r"store\.locked"):
            await restore(data, backup.path, NOON)
        await _admit(store)
        assert 2 == len(await store.waiting())
    with closing(sqlite3.connect(data / FILE, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"store\.locked"):
            await restore(data, backup.path, NOON)

    assert 2 == (await examine(data)).jobs


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
async def test_root_leaves_the_files_to_the_folders_owner(tmp_path: Path, data: Path) -> None:
    """A service's folder belongs to the service's user, to whom root's files would be closed."""
    async with _opened(data):
        pass
    for path in (data, *data.iterdir()):
        os.chown(path, 12_345, 12_345)

    backup = await back_up(data, None, NOON)
    await restore(data, backup.path, NOON)

    assert {12_345} == {path.stat().st_uid for path in data.rglob("*")}


KILLED_AT_EVERY_LINE = '''
import asyncio, os, pathlib, shutil, signal, sys
from bot.adapters.store import backup, restore
from bot.adapters.store.ledger import examine
from bot.adapters.store.store import open_store

root, every = pathlib.Path(sys.argv[1]), int(sys.argv[2])
copy, now = root / "copy", 1_800_014_400.0
WATCHED = {backup.__file__, restore.__file__}

def act(folder, stop, after=1):
    """Restore, and be killed before the line number *stop*; how many lines there were."""
    seen = 0
    def trace(frame, event, _):
        nonlocal seen
        if frame.f_code.co_filename not in WATCHED:
            return None
        if event == "line":
            seen += 1
            if seen == stop:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace
    sys.settrace(trace)
    asyncio.run(restore.restore(folder, copy, now + after))
    sys.settrace(None)
    return seen

async def start(folder):
    """What a start finds: how many jobs."""
    store = await open_store(folder)
    await store.recover(now)
    await store.close()
    found = await examine(folder)
    assert not found.differences, found.differences
    return found.jobs

def apart(action):
    """In a process of its own; what it answers, and the signal that ended it."""
    reader, writer = os.pipe()
    if not (child := os.fork()):
        code = 1
        try:
            os.write(writer, str(action()).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    said = os.read(reader, 99).decode()
    os.close(reader)
    status = os.waitpid(child, 0)[1]
    return said, os.waitstatus_to_exitcode(status)

def fresh(n):
    folder = root / f"try-{n}"
    shutil.copytree(root / "data", folder)
    return folder

lines, code = apart(lambda: act(fresh(0), 0))
assert code == 0
for n in range(1, int(lines) + 1, every):
    folder = fresh(n)
    _, code = apart(lambda: act(folder, n))
    assert code == -signal.SIGKILL, (n, code)
    jobs, code = apart(lambda: asyncio.run(start(folder)))
    assert code == 0, n
    again, code = apart(lambda: act(folder, 0, 2) and asyncio.run(start(folder)))
    left = sorted(path.name for path in folder.iterdir() if path.name.startswith("."))
    print(jobs, again, code, left, flush=True)
    shutil.rmtree(folder)
print("lines", lines)
'''


async def test_killed_at_any_line_of_a_restore_there_is_the_old_database_or_the_new_one(
    tmp_path: Path, data: Path
) -> None:
    """
    The old one has its three jobs, two of them in a dead bot's log alone, the new one has one.

    A start finds either and its ledger adds up, and the same restore works afterwards and clears away.
    """
    async with _opened(data) as store:
        await _admit(store)
        await back_up(data, tmp_path / "copy", NOON)
        for _ in range(2):
            await _admit(store)
        shutil.copytree(data, tmp_path / "crashed")
    data.rename(tmp_path / "closed")
    (tmp_path / "crashed").rename(data)
    assert (data / f"{FILE}-wal").stat().st_size

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED_AT_EVERY_LINE, str(tmp_path), os.environ.get("KILL_EVERY", "7"),
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    out, errors = await process.communicate()

    assert 0 == process.returncode, errors.decode()
    *found, last = out.decode().splitlines()
    assert {"3 1 0 []", "1 1 0 []"} == set(found), (last, found)
    assert found == sorted(found, reverse=True)
