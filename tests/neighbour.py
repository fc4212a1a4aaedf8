"""
Another process on the same database, for tests that need one: ``python -m tests.neighbour work|admit …``.

``work URL NOVELAI FOLDER`` opens the house, runs its workers and prints ``ready``; it is ended with a signal.
``admit URL FOLDER N LIMIT`` prints ``ready``, waits for a line, wishes for N pictures and prints how many it got.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from bot.adapters.store.store import open_store
from bot.app import open_house
from bot.domain.admission import Limits, Standing, decide
from bot.domain.job import Job
from tests.builders import an_application
from tests.conftest import QUICK, settings_for

NOON = 1_800_014_400.0


async def _work(url: str, novelai: str, folder: str) -> None:
    settings = replace(settings_for(novelai, Path(folder)), database_url=url)
    async with open_house(settings, pace=QUICK) as house:
        house.services.guilds.are_known.set()
        await house.services.accounts.refresh()
        print("ready", flush=True)
        await asyncio.gather(*(worker.run() for worker in house.services.workers))


async def _admit(url: str, folder: str, wishes: str, limit: str) -> None:
    limits = Limits(pictures_day=int(limit), waiting=1_000)

    def turn(standing: Standing) -> int:
        calm = replace(standing, last_admitted=None)
        return decide(pictures=1, anlas=0, now=NOON, limits=limits, standing=calm)

    store = await open_store(Path(folder), url)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    # Keys of its own, or it would be given the other process's jobs.
    applications = [replace(an_application(), key=f"{folder}-{n}") for n in range(int(wishes))]
    answers = await asyncio.gather(*(store.admit(each, NOON, turn) for each in applications), return_exceptions=True)
    print(sum(isinstance(answer, Job) for answer in answers), flush=True)
    await store.close()


@asynccontextmanager
async def neighbour(*arguments: object) -> AsyncIterator[asyncio.subprocess.Process]:
    """One, ready; killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "ignore", "-m", "tests.neighbour", *map(str, arguments),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            assert b"ready\n" == await process.stdout.readline()
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


if __name__ == "__main__":
    asyncio.run({"work": _work, "admit": _admit}[sys.argv[1]](*sys.argv[2:]))
