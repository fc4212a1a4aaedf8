"""
Two processes of the bot on one PostgreSQL: one is stopped or killed in the middle of a job, the other ends it.

`python -m tests.drills.pauses --database URL`: at every point of a job's life, from its admission on, one process gets
SIGSTOP and wakes when another has taken its leases and is done. It must then change no row of a job and show nothing;
stopped before `send` it must not have NovelAI draw either. Then one is killed at the points of a job's life while six
jobs wait, and the other ends them all; NovelAI, which counts, never meets two generations at once. Exit code 1 where
that does not hold.
"""

import argparse
import asyncio
import logging
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from bot.domain.errors import StoreError
from bot.standin.discord import lantern
from tests.drills import crash_matrix
from tests.drills.crashing import Plan
from tests.drills.laws import verdict
from tests.drills.scenes import SCENES, SMALL
from tests.drills.theatre import Bot, Stuck, Theatre, open_theatre, until, while_alive

LEASE = 6.0
"""Seconds for which an account is leased here; 300 in the product."""
WAKE = 3.0
"""Seconds in which a process that woke would have done what it must not do."""
SENDS, SENT = "store send before", "store send after"
KILLS = ("store claim after", "store send after", "novelai body whole", "novelai answer halfway", "store settle after")
SHARDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one stop or kill brought to light."""

    name: str
    was_sent: bool = False
    missed: bool = False
    broken: tuple[str, ...] = ()


def shard_of(guild_id: int) -> int:
    """Which shard a server belongs to (discord.md 4)."""
    return (guild_id >> 22) % SHARDS


def start(theatre: Theatre, name: str, *, near: bool, plan: Plan | None = None) -> Bot:
    """A process; *near* is the one that hears what people do in Lantern."""
    mine = shard_of(lantern.LANTERN)
    shard = mine if near else 1 - mine
    plan = plan or Plan(lease=LEASE)
    return theatre.start(plan, name, SHARD_COUNT=str(SHARDS), SHARD_IDS=str(shard))


# --- stopped ---------------------------------------------------------------------------------------------------------


async def stop_at(point: str, theatre: Theatre, *, was_sent: bool) -> Result:
    """Stop one process at *point*, let the other end the job, wake the first and compare."""
    plan = Plan(point=point, signal=signal.SIGSTOP, armed=False, lease=LEASE)
    here = start(theatre, "here", near=True, plan=plan)
    await theatre.connected(here)
    here.send(signal.SIGUSR1)
    await SCENES["slow"].act(theatre)
    try:
        await until(lambda: here.is_stopped, 15.0, point)
    except Stuck:
        return Result(name=point, missed=True)
    if not await theatre.jobs("judge"):
        # It stopped before the wish came, and may take it when it wakes.
        return Result(name=point, missed=True)
    there = start(theatre, "there", near=False)
    await theatre.connected(there)
    await theatre.idle(there)
    before = await _seen(theatre)
    here.send(signal.SIGCONT)
    await asyncio.sleep(WAKE)
    broken = [f"{what} changed" for what, old, new in _pairs(before, await _seen(theatre), was_sent) if old != new]
    for bot in (here, there):
        bot.send(signal.SIGKILL)
        await bot.ended()
    broken += (await verdict(theatre, {}, may_fail=False, name="judge")).broken
    return Result(name=point, was_sent=was_sent, broken=tuple(broken))


async def _seen(theatre: Theatre) -> tuple[object, object, object]:
    """The jobs, what stands in the studio with the time of its last change, and how often NovelAI was asked."""
    jobs = await theatre.jobs("judge")
    in_studio = [
        (shown.message["id"], shown.message["content"], shown.revision, shown.deleted)
        for shown in theatre.discord.world.newest(lantern.STUDIO)
    ]
    return jobs, in_studio, len(theatre.novelai.calls)


def _pairs(
    before: tuple[object, ...], after: tuple[object, ...], was_sent: bool
) -> Sequence[tuple[str, object, object]]:
    names = ("a job", "what is shown", "what NovelAI was asked")
    # Bytes that the kernel has nobody can hold back.
    return list(zip(names, before, after, strict=True))[: 2 if was_sent else 3]


async def stops(place: "Places", only: str) -> list[Result]:
    """Every point of a free job's life."""
    points = await _points(place)
    results = []
    for n, point in enumerate(points):
        if only not in point:
            continue
        async with open_theatre(*place.next()) as theatre:
            results.append(await _tried(stop_at(point, theatre, was_sent=n > points.index(SENDS)), point))
    return results


async def _points(place: "Places") -> list[str]:
    """In the order in which they come; what is said to the log channel is no part of a job's life."""
    passed = await crash_matrix.points_of(SCENES["slow"], *place.next())
    of_job = dict.fromkeys(passed[passed.index("store admit after") :])
    return [point for point in of_job if point.partition(" ")[0] != "store" or _is_of_job(point)]


def _is_of_job(point: str) -> bool:
    return point.split()[1] in ("admit", "claim", "renew", "send", "settle", "next_delivery", "shown", "note_nonce")


# --- killed ----------------------------------------------------------------------------------------------------------


async def kill_at(point: str, theatre: Theatre) -> Result:
    """Kill one process at the second pass of *point* while others wait; the other ends what is left."""
    plan = Plan(point=point, nth=2, armed=False, lease=LEASE)
    here = start(theatre, "here", near=True, plan=plan)
    await theatre.connected(here)
    here.send(signal.SIGUSR1)
    there = start(theatre, "there", near=False)
    await while_alive(here, _six(theatre))
    try:
        await until(lambda: here.has_ended, 30.0, point)
    except Stuck:
        return Result(name=f"killed: {point}", missed=True)
    theatre.asked.clear()
    await theatre.idle(there)
    there.send(signal.SIGTERM)
    await there.ended()
    found = await verdict(theatre, {}, may_fail=False, name="judge")
    broken = list(found.broken)
    if found.delivered + found.given_back + found.told < len(await theatre.jobs("judge")):
        broken.append("the other did not end everything")
    if 429 in [call.status for call in theatre.novelai.calls]:
        broken.append("two generations at once")
    return Result(name=f"killed: {point}", broken=tuple(broken))


async def _six(theatre: Theatre) -> None:
    people = (lantern.ANN, lantern.BEN, lantern.MIA)
    for n in range(6):
        await theatre.ask(people[n % 3], prompt="1girl", size=SMALL)
    await asyncio.Event().wait()


async def kills(place: "Places", only: str) -> list[Result]:
    """Every one of `KILLS`."""
    results = []
    for point in KILLS:
        if only not in point:
            continue
        async with open_theatre(*place.next()) as theatre:
            results.append(await _tried(kill_at(point, theatre), f"killed: {point}"))
    return results


# --- all of it -------------------------------------------------------------------------------------------------------


class Places:
    """A folder and a database for each world."""

    def __init__(self, folder: Path, database: str) -> None:
        self._folder, self._database, self._n = folder, database, count(1)

    def next(self) -> tuple[Path, str]:
        """The next one."""
        return self._folder / f"{next(self._n):03}", self._database


async def _tried(trying, name: str) -> Result:  # type: ignore[no-untyped-def]
    try:
        result = await trying
    except (Stuck, StoreError) as error:
        result = Result(name=name, broken=(f"waited in vain: {error!r} ({error.__cause__!r})",))
    print(_line(result), flush=True)
    return result


def _line(result: Result) -> str:
    when = "after send" if result.was_sent else ""
    told = "did not come by" if result.missed else "; ".join(result.broken) or "ok"
    return f"{result.name:44} {when:10}  {told}"


async def drill(database: str, only: str) -> int:
    """Both parts; the exit code."""
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pauses-") as folder:
        places = Places(Path(folder), database)
        results = [*await stops(places, only), *await kills(places, only)]
    broken = sum(bool(result.broken) for result in results)
    missed = sum(result.missed for result in results)
    done = len(results) - missed
    print(f"{done} stops and kills, {broken} broken, {missed} missed, {time.monotonic() - began:.0f} s")
    return int(broken > 0)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", metavar="URL", required=True)
    parser.add_argument("--point", default="", help="only points with this in their name")
    told = parser.parse_args()
    return asyncio.run(drill(told.database, told.point))


if __name__ == "__main__":
    sys.exit(main())
