"""Backup and restore as an operator types them, and what a start says of a folder it may not use."""

import asyncio
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bot.adapters.store.database import FILE, LOCK, open_database
from bot.adapters.store.migrate import migrate, shipped_steps
from bot.adapters.store.store import open_store
from bot.domain.admission import Ticket
from bot.domain.request import Picture
from tests.builders import an_application
from tests.shell.room import ROOT, naibot

NOON = 1_800_014_400.0
TOKENS = {
    "DISCORD_TOKEN": "practice-room",
    "NOVELAI_TOKENS": "pst-standin",
    "DISCORD_API": "http://127.0.0.1:1/api/v10",
    "DISCORD_GATEWAY": "ws://127.0.0.1:1/gateway",
    "NOVELAI_API": "http://127.0.0.1:1",
}
"""Settings that are in order, and meet nobody."""


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    """A data folder with one job that waits."""
    folder = tmp_path / "data"
    store = await open_store(folder)
    await store.admit(an_application(price=30), NOON, lambda seen: Ticket(turn=seen.last_turn + 1))
    await store.close()
    return folder


def _sql(file: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        return connection.execute(sql).fetchall()


async def _refused(*arguments: str) -> str:
    """The one line that the command ends with, instead of working."""
    code, out, errors = await naibot(*arguments, env={**os.environ, **TOKENS})
    assert (code, out) in ((1, ""), (78, "")), errors
    [line] = errors.splitlines()
    return line


async def _checked(data: Path) -> str:
    _, out, _ = await naibot("check", "--offline", "--data", str(data), env={**os.environ, **TOKENS})
    return out


async def test_a_backup_is_saved_and_restored_in_words(tmp_path: Path, data: Path) -> None:
    """What was saved, from when, what became of what waited, and where the old database is."""
    copy = tmp_path / "copy.sqlite3"

    saved = await naibot("backup", "--data", str(data), str(copy))
    restored = await naibot("restore", "--data", str(data), str(copy))
    checked = await _checked(data)

    assert (0, "") == (saved[0], saved[2])
    assert saved[1].startswith(f"Saved {copy}: 0.")
    assert " MB, jobs 1, members 1." in saved[1]
    [kept] = data.glob("naibot.before-restore-*.sqlite3")
    assert (0, "") == (restored[0], restored[2])
    assert "last written 15 Jan 2027 12:00 UTC" in restored[1]
    assert "1 picture was waiting" in restored[1]
    assert str(kept) in restored[1]
    assert "✓ The ledger adds up" in checked


async def test_backups_lie_in_the_data_folder_that_the_environment_names(data: Path) -> None:
    """Without a word on the command line."""
    code, out, _ = await naibot("backup", env={**os.environ, "DATA_DIR": str(data)})

    [made] = (data / "backups").iterdir()
    assert 0 == code
    assert str(made) in out


async def test_a_refusal_is_one_sentence(tmp_path: Path, data: Path) -> None:
    """And names the file."""
    mine = tmp_path / "mine"
    mine.write_text("mine")

    assert f"{mine} is there already" in await _refused("backup", "--data", str(data), str(mine))
    assert "no database" in await _refused("backup", "--data", str(tmp_path))
    assert f"{mine} is no backup of Naibot" in await _refused("restore", "--data", str(data), str(mine))
    assert f"no file {tmp_path / 'x'}" in await _refused("restore", "--data", str(data), str(tmp_path / "x"))
    assert "mine" == mine.read_text()


async def test_a_full_disk_leaves_nothing(tmp_path: Path, data: Path) -> None:
    """Neither half a backup nor half a restore, one sentence each, and the database as it was."""
    store = await open_store(data)
    job = await store.claim("a", "holder", NOON, 300)
    assert job is not None
    await store._db.close()
    with closing(sqlite3.connect(data / FILE)) as connection:
        connection.execute(
            "INSERT INTO blobs VALUES (?, 'picture', 0, 'image/png', 1, ?)",
            (job.id, Picture(data=os.urandom(2_000_000), media_type="image/png", seed=1).data),
        )
        connection.commit()
    copy = tmp_path / "copy.sqlite3"
    assert 0 == (await naibot("backup", "--data", str(data), str(copy)))[0]
    before = (data / FILE).read_bytes()

    for command in (
        ["backup", "--data", str(data), str(tmp_path / "more")],
        ["restore", "--data", str(data), str(copy)],
    ):
        ended = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-B", "-m", "bot", *command],
            cwd=ROOT,
            capture_output=True,
            text=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000)),
        )
        assert (1, "") == (ended.returncode, ended.stdout)
        assert 1 == len(ended.stderr.splitlines()), ended.stderr

    assert before == (data / FILE).read_bytes()
    assert {"data", "copy.sqlite3"} == {path.name for path in tmp_path.iterdir()}
    assert set() == {path.name for path in data.iterdir()} - {FILE, LOCK, f"{FILE}-wal", f"{FILE}-shm"}


async def test_two_of_us_never_have_one_folder(data: Path, tmp_path: Path) -> None:
    """A second `run` and a `restore` are refused in one sentence; a backup and a check are not."""
    copy = tmp_path / "copy.sqlite3"
    store = await open_store(data)
    try:
        assert 0 == (await naibot("backup", "--data", str(data), str(copy)))[0]
        assert "✓ The ledger adds up" in await _checked(data)
        assert "Another Naibot uses this data folder" in await _refused("run", "--data", str(data))
        assert "Another Naibot uses this data folder" in await _refused("restore", "--data", str(data), str(copy))
        assert 1 == len(await store.waiting())
    finally:
        await store.close()


async def test_a_newer_folder_is_refused_by_every_command(data: Path, tmp_path: Path) -> None:
    """In one sentence, and without a change."""
    copy = tmp_path / "copy.sqlite3"
    assert 0 == (await naibot("backup", "--data", str(data), str(copy)))[0]
    for file in (data / FILE, copy):
        _sql(file, "PRAGMA user_version = 99")

    assert "✗ The data folder was written by a newer Naibot" in await _checked(data)
    for command in ("run", "backup"):
        assert "was written by a newer Naibot" in await _refused(command, "--data", str(data))
    assert f"{copy} was written by a newer Naibot" in await _refused("restore", "--data", str(data), str(copy))
    assert [(99,)] == _sql(data / FILE, "PRAGMA user_version")


async def test_a_start_that_migrates_keeps_a_copy_first(tmp_path: Path) -> None:
    """The database of an older Naibot lies beside the new one, and can be restored."""
    database = await open_database(tmp_path)
    await migrate(database, tmp_path / FILE, shipped_steps()[:1])
    await database.close()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run", "--data", str(tmp_path), cwd=ROOT, env={**os.environ, **TOKENS},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    async with asyncio.timeout(30):
        while [(len(shipped_steps()),)] != _sql(tmp_path / FILE, "PRAGMA user_version"):
            await asyncio.sleep(0.05)
    if process.returncode is None:
        process.send_signal(signal.SIGKILL)
    await process.wait()

    [copy] = tmp_path.glob("*.before-0002.sqlite3")
    assert [(1,)] == _sql(copy, "PRAGMA user_version")
    assert 0 == (await naibot("restore", "--data", str(tmp_path), str(copy)))[0]
