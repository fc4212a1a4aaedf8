"""
Kills the bot at every named point of a job's life, starts it again, and judges what is left.

`python -m tests.drills.crash_matrix`: each scene is played once to learn which points it comes by, then once for each
of them with a SIGKILL there; a second time with Discord's clock put forward, past what it remembers of a nonce. The
table at the end says what became of the jobs; with `--both` it is one table of both databases. Exit code 1 where a law
did not hold.
"""

import argparse
import asyncio
import logging
import random
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.standin.discord import lantern
from tests.drills.crashing import NOWHERE, Plan
from tests.drills.laws import Verdict, verdict
from tests.drills.scenes import SCENES, Scene
from tests.drills.theatre import Bot, Stuck, Theatre, open_theatre, until, while_alive
from tests.postgres import SERVER

GAPS = (0.0, 400.0, 1_000.0)
"""Seconds between a crash and the next start: at once; past the nonce's life (300 s); past the token's (900 s)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One kill: at the *nth* pass of *point* in *scene*, with *gap* seconds until the next start."""

    scene: str
    point: str
    nth: int = 1
    gap: float = 0.0

    def __str__(self) -> str:
        return f"{self.scene}: {self.point}@{self.nth}" + (f" +{self.gap:.0f} s" if self.gap else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of it; *waiting* jobs were found by the next start, *missed* says that the point never came."""

    case: Case
    database: str = ""
    verdict: Verdict = field(default_factory=Verdict)
    jobs: int = 0
    waiting: int = 0
    missed: bool = False


async def play(case: Case, folder: Path, database: str | None = None) -> Outcome:
    """Play one case in a world of its own."""
    async with open_theatre(folder, database) as theatre:
        try:
            outcome = await _played(case, SCENES[case.scene], theatre)
        except Stuck as stuck:
            outcome = Outcome(case=case, verdict=Verdict(broken=(f"waited in vain for {stuck}",)))
    return replace(outcome, database=name_of(database))


def name_of(database: str | None) -> str:
    """What a database is called in the table."""
    return "SQLite" if database is None else "PostgreSQL"


async def _played(case: Case, scene: Scene, theatre: Theatre) -> Outcome:
    bot = await _opened(scene, theatre, Plan(point=case.point, nth=case.nth, armed=scene.at_start))
    if await while_alive(bot, scene.act(theatre)):
        await theatre.idle(bot)
    missed = not bot.has_ended
    bot.send(signal.SIGKILL)
    await bot.ended()
    if not bot.was_killed:
        raise Stuck(f"a bot that is killed: {bot.log()}")
    crashed = {job.id: job for job in await theatre.jobs()}
    theatre.clock.ahead += case.gap
    await _recovered(theatre)
    found = await verdict(theatre, crashed, may_fail=scene.may_fail)
    waiting = sum(job.state.is_waiting or job.delivery == "PENDING" for job in crashed.values())
    return Outcome(case=case, verdict=found, jobs=len(crashed), waiting=waiting, missed=missed)


async def _opened(scene: Scene, theatre: Theatre, plan: Plan) -> Bot:
    """The bot that will die, armed, with the scene's past behind it."""
    if scene.at_start:
        past = theatre.start()
        await theatre.connected(past)
        await _done(scene, theatre, past)
        past.send(signal.SIGKILL)
        await past.ended()
        return theatre.start(plan)
    bot = theatre.start(plan)
    await theatre.connected(bot)
    await _done(scene, theatre, bot)
    bot.send(signal.SIGUSR1)
    return bot


async def _done(scene: Scene, theatre: Theatre, bot: Bot) -> None:
    if scene.before is not None:
        await while_alive(bot, scene.before(theatre))


async def _recovered(theatre: Theatre) -> None:
    """A clean bot, until nothing is left to do, and then stopped in order."""
    bot = theatre.start()
    await theatre.connected(bot)
    await theatre.idle(bot)
    # What would be shown twice comes now, and the card of a picture that is held.
    await asyncio.sleep(0.3)
    with suppress(Stuck):
        await until(lambda: not theatre.is_held or theatre.button("approve", lantern.MIA), 8.0, "the card")
    bot.send(signal.SIGTERM)
    await bot.ended()


# --- which points there are ------------------------------------------------------------------------------------------


async def points_of(scene: Scene, folder: Path, database: str | None = None) -> list[str]:
    """Every point that a scene comes by, as often as it does, in that order."""
    async with open_theatre(folder, database) as theatre:
        trace = folder / "trace"
        bot = await _opened(scene, theatre, Plan(point=NOWHERE, armed=scene.at_start, trace=trace))
        await theatre.connected(bot)
        await while_alive(bot, scene.act(theatre))
        await theatre.idle(bot)
        if bot.has_ended:
            raise Stuck(f"a bot that ends: {bot.log()}")
        bot.send(signal.SIGKILL)
        await bot.ended()
        return trace.read_text().splitlines()


def cases_of(scene: str, points: Sequence[str]) -> list[Case]:
    """A kill at the first and at the last pass of each point."""
    return [
        Case(scene=scene, point=point, nth=nth)
        for point, passes in Counter(points).items()
        for nth in sorted({1, min(passes, 3)})
    ]


def later(cases: Iterable[Case]) -> list[Case]:
    """The same once more after a pause, of both lengths in turn."""
    firsts = [case for case in cases if case.nth == 1]
    return [
        Case(scene=case.scene, point=case.point, gap=GAPS[1 + n % 2])
        for n, case in enumerate(firsts)
        if case.point.startswith(("discord", "store", "novelai answer"))
    ]


# --- all of them -----------------------------------------------------------------------------------------------------


class Matrix:
    """Plays many cases, some at once, and says how far it is."""

    def __init__(self, folder: Path, database: str | None, at_once: int, minutes: float) -> None:
        self._folder, self._database = folder, database
        self._until = time.monotonic() + minutes * 60
        self._slots = asyncio.Semaphore(at_once)
        self._n = 0

    async def cases(self, scenes: Sequence[str]) -> list[Case]:
        """Every case of *scenes*."""
        found = await asyncio.gather(*(self._points(name) for name in scenes))
        return [case for name, points in zip(scenes, found, strict=True) for case in cases_of(name, points)]

    async def play(self, cases: Sequence[Case]) -> list[Outcome]:
        """Play them in no order, as many as there is time for."""
        shuffled = random.Random(0).sample(cases, len(cases))
        played = await asyncio.gather(*map(self._play, shuffled))
        return [outcome for outcome in played if outcome is not None]

    async def _points(self, name: str) -> list[str]:
        async with self._slots:
            return await points_of(SCENES[name], *self._place())

    async def _play(self, case: Case) -> Outcome | None:
        async with self._slots:
            if time.monotonic() > self._until:
                return None
            outcome = await play(case, *self._place())
        for law in outcome.verdict.broken:
            print(f"BROKEN {case} on {outcome.database}: {law}", flush=True)
        return outcome

    def _place(self) -> tuple[Path, str | None]:
        self._n += 1
        return self._folder / f"{self._n:04}", self._database


# --- the table -------------------------------------------------------------------------------------------------------

HEADINGS = tuple(
    "kills,no job,jobs,open,shown,told,taken back,given back,doubles,unanswered,laws".split(",")  # noqa: SIM905
)
"""*open* are jobs that the crash left unfinished; the others are of `Verdict`."""


def table(outcomes: Sequence[Outcome], *, full: bool) -> str:
    """Databases, scenes, then points; with *full* every point of every scene."""
    done = [each for each in outcomes if not each.missed]
    parts = [
        _part("database", done, lambda each: each.database),
        _part("scene", done, lambda each: each.case.scene),
        _part("point", done, lambda each: f"{each.case.point}  × {each.case.scene}" if full else each.case.point),
        _part("next start", done, lambda each: f"after {each.case.gap:.0f} s"),
    ]
    missed = len(outcomes) - len(done)
    broken = sum(bool(each.verdict.broken) for each in outcomes)
    end = f"{len(done)} kills, {broken} broken; {missed} points did not come by a second time, and were not counted"
    return "\n\n".join([*parts, end])


def _part(what: str, outcomes: Sequence[Outcome], key) -> str:  # type: ignore[no-untyped-def]
    rows: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        rows[key(outcome)].append(outcome)
    width = max(map(len, (*rows, what, "all")))
    lines = [f"{what:{width}}  " + "  ".join(f"{heading:>{max(6, len(heading))}}" for heading in HEADINGS)]
    lines += [f"{name:{width}}  {_figures(group)}" for name, group in sorted(rows.items())]
    lines.append(f"{'all':{width}}  {_figures(outcomes)}")
    return "\n".join(lines)


def _figures(outcomes: Sequence[Outcome]) -> str:
    verdicts = [each.verdict for each in outcomes]
    figures: list[object] = [
        len(outcomes),
        sum(not each.jobs for each in outcomes),
        sum(each.jobs for each in outcomes),
        sum(each.waiting for each in outcomes),
        sum(each.delivered for each in verdicts),
        sum(each.told for each in verdicts),
        sum(each.taken_back for each in verdicts),
        sum(each.given_back for each in verdicts),
        sum(each.doubles for each in verdicts),
        sum(each.unanswered for each in verdicts),
        "BROKEN" if any(each.broken for each in verdicts) else "ok",
    ]
    return "  ".join(f"{figure!s:>{max(6, len(heading))}}" for heading, figure in zip(HEADINGS, figures, strict=True))


async def drill(told: argparse.Namespace) -> int:
    """Play the matrix on each database and print its table; the exit code."""
    # Of every connection that dies with a bot.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    began = time.monotonic()
    databases = [None, told.database or f"{SERVER}/postgres"] if told.both else [told.database]
    outcomes: list[Outcome] = []
    left_out = 0
    for database in databases:
        n, played = await _on(database, told, told.minutes / len(databases))
        outcomes += played
        left_out += n - len(played)
    print(table(outcomes, full=told.full))
    print(f"{left_out} were left out for want of time; {time.monotonic() - began:.0f} s")
    return int(any(each.verdict.broken for each in outcomes))


async def _on(database: str | None, told: argparse.Namespace, minutes: float) -> tuple[int, Sequence[Outcome]]:
    """How many cases there are on one database, and what became of those for which there was time."""
    with tempfile.TemporaryDirectory(prefix="crash-matrix-") as folder:
        matrix = Matrix(Path(folder), database, told.at_once, minutes)
        cases = [case for case in await matrix.cases(told.scene or list(SCENES)) if told.point in case.point]
        cases += later(cases)
        print(f"{len(cases)} kills on {name_of(database)}", flush=True)
        return len(cases), await matrix.play(cases)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scene", action="append", choices=sorted(SCENES), help="only this one; may be repeated")
    parser.add_argument("--point", default="", help="only points with this in their name")
    parser.add_argument("--database", metavar="URL", help="PostgreSQL instead of SQLite, in schemas of its own")
    parser.add_argument("--both", action="store_true", help="SQLite, and then PostgreSQL: URL, or that of the tests")
    parser.add_argument("--at-once", type=int, default=2, help="how many cases are played at once")
    parser.add_argument("--minutes", type=float, default=600, help="begin no further kill after that time")
    parser.add_argument("--full", action="store_true", help="a line for each point of each scene")
    return asyncio.run(drill(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
