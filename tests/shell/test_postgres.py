"""PostgreSQL as an operator meets it: `migrate-store`, `check`, `backup`, `run`, and that SQLite needs none of it."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest

from bot.adapters.store.store import HOLDER, open_store
from bot.domain.admission import Ticket
from bot.domain.guild import Block, GuildConfig
from bot.domain.job import Delivery, Job, JobState, Settlement
from bot.domain.record import Record
from bot.domain.request import Picture
from bot.domain.wordlist import Rule
from bot.ports import Store
from tests import postgres
from tests.builders import GUILD, a_place, a_requester, an_application
from tests.shell.processes import bot, standin
from tests.shell.room import ROOT, naibot, say

NOON = 1_790_000_000.0
PICTURE = Picture(data=b"\x00\xff" * 500_000, media_type="image/png", seed=7)
DONE = Settlement(state=JobState.DONE, charged_anlas=30, charged_pictures=1, spent=30)
TOKENS = {
    **os.environ,
    "DISCORD_TOKEN": "practice-room",
    "NOVELAI_TOKENS": "pst-standin",
    "DISCORD_API": "http://127.0.0.1:1/api/v10",
    "DISCORD_GATEWAY": "ws://127.0.0.1:1/gateway",
    "NOVELAI_API": "http://127.0.0.1:1",
}


async def _live(store: Store) -> None:
    """A bit of everything that a store holds."""
    record = Record(at=NOON, kind="test", guild_id=GUILD, actor=1, data={"wörd": "👋"})
    await store.save(GUILD, GuildConfig(channels=(1, 2**62)), NOON)
    await store.add_word(GUILD, Rule(text="Gore"), record)
    await store.block(Block(guild_id=GUILD, user_id=2**63 - 1, until=NOON, reason="b", actor=1), record)
    for n in range(1_100):
        wish = an_application(a_requester(n % 7), price=30, place=a_place(), key=f"key-of-{n}")
        await store.admit(wish, NOON, lambda seen: Ticket(turn=seen.last_turn + 1))
    for n in range(3):
        job = await store.claim(f"account-{n}", "holder", NOON, 300)
        assert job is not None
        await store.send(job, NOON, 30)
        if n:
            await store.settle(job, NOON, DONE, [PICTURE])
    await store.propose(a_requester(), an_application().request, 30, NOON + 900)
    await store.note_nonce(1, "1-0", NOON)
    await store.note_greeting(GUILD, "asked", NOON)
    await store.remember("a", "b")


async def _everything(store: Store) -> list[object]:
    jobs = [await store.get(n) for n in range(1, 1_101)]
    return [
        jobs,
        [await store.pictures(n) for n in range(1, 10)],
        await store.configs(),
        await store.words(),
        await store.blocks(),
        await store.draft(1),
        await store.entries(0, ("test", "job.admitted", "job.settled"), 5_000),
        await store.standing(a_requester(3), NOON),
        await store.greeted("asked"),
        await store.recall("a"),
    ]


@postgres.needed
async def test_a_store_moves_whole_and_goes_on(tmp_path: Path) -> None:
    """Every row is there, the ledger adds up, ids go on; nothing is overwritten, and the file stays as it is."""
    data, url = tmp_path / "data", postgres.url_of(tmp_path)
    store = await open_store(data)
    await _live(store)
    before = await _everything(store)
    environ = {**TOKENS, "DATABASE_URL": url}

    code, out, err = await naibot("migrate-store", "--data", str(data), env=environ)
    assert (1, "") == (code, out)
    assert "Another Naibot uses this data folder" in err
    await store.close()
    code, out, err = await naibot("migrate-store", "--data", str(data), env=environ)
    assert (0, "") == (code, err)
    assert "jobs 1100, members 7" in out
    code, out, err = await naibot("migrate-store", "--data", str(data), env=environ)
    assert (1, "") == (code, out)
    assert "in use already" in err

    moved = await open_store(tmp_path / "other", url)
    assert before == await _everything(moved)
    job = await moved.admit(an_application(), NOON, lambda seen: Ticket(turn=seen.last_turn + 1))
    draft = await moved.propose(a_requester(), an_application().request, 30, NOON + 900)
    assert (1_101, 2) == (job.id, draft.id)
    await moved.close()
    kept = await open_store(data)
    assert before == await _everything(kept)
    await kept.close()


@postgres.needed
async def test_a_move_that_does_not_add_up_is_undone(tmp_path: Path) -> None:
    """A counter that somebody changed is found, and PostgreSQL is as empty as before."""
    data, url = tmp_path / "data", postgres.url_of(tmp_path)
    store = await open_store(data)
    await _live(store)
    await store.close()
    with closing(sqlite3.connect(data / "naibot.sqlite3", isolation_level=None)) as connection:
        connection.execute("UPDATE members SET last_turn = last_turn + 1 WHERE user_id = 3")

    code, _, err = await naibot("migrate-store", "--data", str(data), env={**TOKENS, "DATABASE_URL": url})

    assert code == 1
    assert "Nothing was copied: member 100/3" in err
    empty = await open_store(tmp_path / "other", url)
    assert await empty.is_empty()
    await empty.close()


async def test_a_move_from_or_to_nowhere_is_one_sentence(tmp_path: Path) -> None:
    """And makes no folder."""
    for environ, code, words in (
        ({}, 78, "does not name a PostgreSQL database"),
        ({"DATABASE_URL": "mysql://h/d"}, 78, "must be the address"),
        ({"DATABASE_URL": "postgresql://u@127.0.0.1:1/d"}, 1, "There is no database in this data folder"),
    ):
        found, out, err = await naibot("migrate-store", "--data", str(tmp_path / "d"), env={**TOKENS, **environ})
        assert (code, "", 1) == (found, out, len(err.splitlines()))
        assert words in err
    assert not (tmp_path / "d").exists()


@postgres.needed
async def test_check_audits_the_ledger_there(tmp_path: Path) -> None:
    """Empty, sound, and false; beside a bot that has it open."""
    url = postgres.url_of(tmp_path)

    async def check(*options: str) -> tuple[int, str]:
        code, out, _ = await naibot("check", "--data", str(tmp_path), *options, env={**TOKENS, "DATABASE_URL": url})
        return code, out

    assert "is empty; the first start fills it" in (await check("--ledger"))[1]
    store = await open_store(tmp_path, url)
    await _live(store)
    code, out = await check("--offline")
    assert (0, True) == (code, "The ledger adds up: 1100 jobs, 7 members." in out)
    connection = await asyncpg.connect(url)
    await connection.execute(
        "UPDATE usage SET anlas = anlas + 1 WHERE level = 'house'; UPDATE jobs SET account = NULL WHERE state = 'SENT'"
    )
    await connection.close()
    code, out = await check("--ledger")
    assert code == 1
    assert "house by day: anlas" in out
    assert "running nowhere" in out
    await store.close()


@postgres.needed
async def test_two_bots_run_and_one_is_killed(tmp_path: Path) -> None:
    """`naibot run` twice, a shard each: the one that remains draws and shows what the other had taken a wish for."""
    servers, url = tmp_path / "servers", postgres.url_of(tmp_path)
    async with standin(tmp_path) as (address, settings):
        environ = settings | {"DATABASE_URL": url, "SHARD_COUNT": "2"}

        async def ask(prompt: str) -> str:
            return (await naibot("try", "--at", address, *say(f"/generate prompt:{prompt}"), env=environ))[2]

        async with bot(tmp_path / "direct", environ | {"SHARD_IDS": "0"}):
            async with bot(servers, environ | {"SHARD_IDS": "1"}) as killed:
                assert "" == await ask("1girl size:64x64")
                asking = asyncio.create_task(ask("1boy, river"))
                store = await open_store(tmp_path / "looking", url)
                await _until(store, lambda job: job.place is not None and job.place.message_id is not None)
                killed.send_signal(signal.SIGKILL)
                await killed.wait()
            async with store._db.tx() as session:
                # Five minutes later, should it have died with the account.
                dead = f"%-{(servers / HOLDER).read_text()}"
                await session.run("UPDATE accounts SET leased_until = 0 WHERE holder LIKE ?", dead)
            await _until(store, lambda job: job.delivery is Delivery.SHOWN)
            assert JobState.DONE == (await _job(store)).state
            asking.cancel()
            _, out, _ = await naibot("check", "--ledger", "--data", str(tmp_path / "direct"), env=environ)
        await store.close()

    assert "The ledger adds up: 2 jobs" in out


async def _job(store: Store) -> Job:
    """The second job that was asked for."""
    async with asyncio.timeout(30):
        while (job := await store.get(2)) is None:
            await asyncio.sleep(0.02)
    return job


async def _until(store: Store, true: Callable[[Job], bool]) -> None:
    async with asyncio.timeout(60):
        while not true(await _job(store)):
            await asyncio.sleep(0.02)


async def test_backups_are_postgres_own_business(tmp_path: Path) -> None:
    """One sentence, and nothing is written."""
    environ = {**TOKENS, "DATABASE_URL": "postgresql://u:s3cret@127.0.0.1:1/d"}
    for command in (["backup"], ["restore", "x"]):
        code, out, err = await naibot(*command, "--data", str(tmp_path / "d"), env=environ)
        assert (1, "", 1) == (code, out, len(err.splitlines()))
        assert "pg_dump" in err
        assert "s3cret" not in err
    assert not (tmp_path / "d").exists()


async def test_a_database_that_is_away_ends_the_start_in_one_sentence(tmp_path: Path) -> None:
    """Exit code 1: starting again may help."""
    environ = {**TOKENS, "DATABASE_URL": "postgresql://u:s3cret@127.0.0.1:1/d"}
    code, out, err = await naibot("run", "--data", str(tmp_path), env=environ)
    assert (1, "", 1) == (code, out, len(err.splitlines()))
    assert "The database that DATABASE_URL names cannot be used" in err
    assert "s3cret" not in err


@pytest.mark.parametrize("url", [None, "postgresql://u@127.0.0.1:1/d"])
def test_asyncpg_is_loaded_only_where_it_is_used(tmp_path: Path, url: str | None) -> None:
    """A house on SQLite, opened and closed, has not even looked for it; with an address it is said if it is missing."""
    code = f"""
import asyncio, sys
from pathlib import Path
sys.modules["asyncpg"] = None
from bot import serving, checkup, __main__
from bot.adapters.store.store import open_store
from bot.domain.errors import StoreError
from bot.domain.wordlist import Rule

async def main():
    try:
        await (await open_store(Path({str(tmp_path)!r}), {url!r})).close()
    except StoreError as error:
        print(error.code)
    else:
        print("fine")

asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ("fine" if url is None else "store.driver") == done.stdout.strip(), done.stderr
