"""
NovelAI fails × Discord fails × the database fails: the member has an answer each time, and the quota adds up.

`python -m tests.drills.fault_matrix [--short]`. Every cell is a bot of its own with a picture that costs and a free
one. The faults begin when the first was sent and end after a second or two; then the cell must come to rest. Nothing
of ours is replaced: NovelAI and Discord are the stand-ins, the database really is locked, full or read-only.
"""

import argparse
import asyncio
import contextlib
import itertools
import logging
import os
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bot.adapters.novelai import client as novelai_client
from bot.adapters.store.database import FILE
from bot.adapters.store.ledger import differences
from bot.domain.errors import StoreError
from bot.domain.job import Delivery, Job, JobState
from bot.services import accounts, breaker
from bot.services.loops import keep_alive
from bot.services.worker import Pace
from bot.standin.discord import lantern
from bot.standin.discord.components import walk
from tests.stage import Stage, open_stage, text_of

STORE_WINDOW, WINDOW = 0.7, 1.7
"""Seconds that the faults of the database last, and those of Discord; NovelAI's stay."""
REST = 60.0
"""Seconds a cell has to come to rest after them."""
PACE = Pace(gap=0.0, retry=0.05, settle_retry=0.05, delivery=(0.1, 0.2, 0.4, 0.8, 1.6, 3.2))

UPSTREAM = ("none", "429", "500", "502", "slow", "cut", "truncated", "badzip", "html")
"""Faults of the pretended NovelAI; `slow` is past the client's (shortened) patience."""
DISCORD: dict[str, tuple[tuple[str, str, int, int], ...]] = {
    "none": (),
    "404/10008": (("PATCH", "/messages/", 404, 10008),),
    "404/10062": (("POST", "/callback", 404, 10062),),
    "401/50027": (("PATCH", "/webhooks/", 401, 50027), ("POST", "/webhooks/", 401, 50027)),
    "413/40005": (("PATCH", "/messages/", 413, 40005),),
    "503": (("PATCH", "/messages/", 503, 0), ("POST", "/messages", 503, 0), ("POST", "/webhooks/", 503, 0)),
    "dropped": (("PATCH", "/messages/", 0, 0), ("POST", "/messages", 0, 0), ("POST", "/webhooks/", 0, 0)),
}
"""Method, part of the path, status, and Discord's own number; status 0 cuts the connection."""
STORE = ("none", "locked", "full", "read-only")
SHORT = (
    ("none", "404/10008", "none"),
    ("none", "413/40005", "read-only"),
    ("429", "dropped", "full"),
    ("500", "401/50027", "locked"),
    ("cut", "503", "none"),
    ("html", "404/10062", "none"),
)
"""Each fault of Discord and of the database once, with different answers of NovelAI."""

CLOSED = ("none", "full")
"""With these faults of the database the member takes no direct messages, so that the inbox is the last rung."""

Cell = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one cell: *ends* of its jobs, and everything that must not be."""

    cell: Cell
    ends: tuple[str, ...] = ()
    wrong: tuple[str, ...] = field(default=())
    seconds: float = 0.0


# --- the faults of the database


@asynccontextmanager
async def _broken(stage: Stage, how: str) -> AsyncIterator[None]:
    """The database as an operator may find it: held by another program, on a full disk, or read-only."""
    async with _BREAKS[how](stage):
        yield


@asynccontextmanager
async def _sound(_stage: Stage) -> AsyncIterator[None]:
    yield


@asynccontextmanager
async def _locked(stage: Stage) -> AsyncIterator[None]:
    await _pragma(stage, "busy_timeout = 20")
    other = await asyncio.to_thread(_hold, stage.settings.data_dir / FILE)
    try:
        yield
    finally:
        await asyncio.to_thread(other.close)
        await _pragma(stage, "busy_timeout = 5000")


def _hold(file: Path) -> sqlite3.Connection:
    other = sqlite3.connect(file, timeout=10, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    return other


@asynccontextmanager
async def _full(stage: Stage) -> AsyncIterator[None]:
    await _pragma(stage, "max_page_count = 1")
    try:
        yield
    finally:
        await _pragma(stage, "max_page_count = 1073741823")


@asynccontextmanager
async def _read_only(stage: Stage) -> AsyncIterator[None]:
    await _pragma(stage, "query_only = ON")
    try:
        yield
    finally:
        await _pragma(stage, "query_only = OFF")


async def _pragma(stage: Stage, what: str) -> None:
    await stage.house.store._db._writer.rows(f"PRAGMA {what}")  # type: ignore[attr-defined]


_BREAKS: dict[str, Callable[[Stage], AbstractAsyncContextManager[None]]] = {
    "none": _sound, "locked": _locked, "full": _full, "read-only": _read_only,
}  # fmt: skip


# --- one cell


async def run_cell(cell: Cell, folder: Path) -> Verdict:
    """A bot, two wishes, a second of faults, and what is left when all is quiet."""
    began = time.monotonic()
    with _hurried():
        return await _run(cell, folder, began)


@contextlib.contextmanager
def _hurried() -> Iterator[None]:
    """The patience of the client and of the worker, shortened for as long as a cell runs."""
    timeout, busy, wait = novelai_client.TIMEOUT, accounts.BUSY, breaker.WAIT_MIN
    novelai_client.TIMEOUT = httpx.Timeout(connect=5, read=1.0, write=5, pool=5)
    accounts.BUSY, breaker.WAIT_MIN = (0.2, 0.5), 0.2
    try:
        yield
    finally:
        novelai_client.TIMEOUT, accounts.BUSY, breaker.WAIT_MIN = timeout, busy, wait


async def _run(cell: Cell, folder: Path, began: float) -> Verdict:
    async with open_stage(folder, working=False, pace=PACE) as stage:
        stage.novelai.pace.slow = 2.0
        try:
            async with asyncio.timeout(REST + WINDOW):
                await _play(stage, cell)
        except TimeoutError:
            return Verdict(cell=cell, wrong=("it never came to rest",), seconds=time.monotonic() - began)
        jobs = list(await stage.house.store.recent(0.0))
        wrong = [*await _unanswered(stage, cell, jobs), *_miscounted(jobs), *await _unlawful(stage, jobs)]
    ends = tuple(map(_end_of, jobs)) or ("nothing admitted",)
    return Verdict(cell=cell, ends=ends, wrong=tuple(wrong), seconds=time.monotonic() - began)


def _end_of(job: Job) -> str:
    shown = f"/{job.shown_as}" if job.shown_as else ""
    return f"{job.state}/{job.delivery}{shown}" + (f" ({job.reason})" if job.reason else "")


async def _play(stage: Stage, cell: Cell) -> None:
    upstream, discord, store = cell
    at_once = "callback" in str(DISCORD[discord])
    if at_once:
        _spoil(stage, discord)
    await _ask(stage, waits=not at_once)
    if upstream != "none":
        stage.novelai.fail_next(upstream, 1 if upstream == "429" else 99)
    _spoil(stage, discord)
    if store in CLOSED:
        stage.discord.world.unreachable.add(lantern.ANN)
    async with stage.novelai.hold():
        working = asyncio.create_task(keep_alive("worker", stage.house.services.workers[0].run, pause=0.1))
        if not at_once:
            await _until_sent(stage)
        breaking = asyncio.create_task(_break_for_a_while(stage, store))
        await asyncio.sleep(0.05)
    await breaking
    await asyncio.sleep(WINDOW - STORE_WINDOW)
    stage.discord.rest.faults.clear()
    try:
        await _rest(stage)
    finally:
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working


async def _until_sent(stage: Stage) -> None:
    while not any(job.sent_at is not None for job in await stage.house.store.recent(0.0)):
        await asyncio.sleep(0.01)


async def _break_for_a_while(stage: Stage, store: str) -> None:
    async with _broken(stage, store):
        await asyncio.sleep(STORE_WINDOW)


async def _ask(stage: Stage, *, waits: bool) -> None:
    """One picture that costs, which will be under way when the faults begin, and one for nothing behind it."""
    if not waits:
        await stage.slash("generate", prompt="1girl", size="64x64", seed=7)
        await asyncio.sleep(0.3)
        return
    question = await stage.answered(await stage.slash("generate", prompt="1girl", size="64x64", steps=29))
    label = next(str(part["label"]) for part in walk(question["components"]) if "Spend" in str(part.get("label")))
    await stage.press(question, label)
    while not await stage.house.store.waiting():
        await asyncio.sleep(0.01)
    free = await stage.slash("generate", prompt="1girl", size="64x64", seed=7)
    await stage.until(lambda: "in line" in str(stage.discord.world.shown.get(free.original or 0)))
    while len([job for job in await stage.house.store.waiting() if job.place and job.place.message_id]) < 2:
        await asyncio.sleep(0.01)
    await stage.until(lambda: not stage.house.services.activity.running)


def _spoil(stage: Stage, discord: str) -> None:
    for method, part, status, code in DISCORD[discord]:
        stage.discord.fail_next(method, part, status, times=999, code=code)


async def _rest(stage: Stage) -> None:
    """Until nothing waits, runs or is on its way; once everybody was told that NovelAI is away, it comes back."""
    while True:
        if stage.house.services.workers[0]._breaker.is_open:
            stage.novelai._faults.left.clear()
        with contextlib.suppress(StoreError):
            jobs = await stage.house.store.recent(0.0)
            if all(not job.state.is_waiting and job.delivery is not Delivery.PENDING for job in jobs):
                return
        await asyncio.sleep(0.05)


# --- what must hold


async def _unanswered(stage: Stage, cell: Cell, jobs: Sequence[Job]) -> list[str]:
    """Every job is shown to its member, told, or in the inbox; a picture is in one message, and no more."""
    wrong = []
    if not jobs and cell[1] != "404/10062":
        wrong.append("nothing was admitted")
    inbox = {job.id for job in await stage.house.store.inbox(lantern.ANN, 99)}
    for job in jobs:
        messages = list(_shown_to_ann(stage, job))
        originals = sum(file["filename"].endswith(".png") for m in messages for file in m["attachments"])
        if job.delivery is Delivery.INBOX and job.id in inbox:
            continue
        if job.state is JobState.DONE and originals != 1:
            wrong.append(f"job {job.id} is in {originals} messages")
        if job.state is not JobState.DONE and not any("Nothing was charged" in text_of(m) for m in messages):
            wrong.append(f"job {job.id} ended as {job.state} ({job.reason}) and nobody was told")
    return wrong


def _shown_to_ann(stage: Stage, job: Job) -> Iterator[dict[str, Any]]:
    world = stage.discord.world
    for shown in world.visible(lantern.ANN):
        names = [file["filename"] for file in shown.message["attachments"]]
        is_its = job.place is not None and str(job.place.message_id) == shown.message["id"]
        is_its = is_its or any(name.startswith(f"{job.id}-") for name in names)
        if not shown.deleted and (is_its or f"job {job.id}" in text_of(shown.message)):
            yield shown.message


def _miscounted(jobs: Sequence[Job]) -> list[str]:
    """Charged is what was delivered or lies in the inbox, and nothing is reserved."""
    wrong = []
    for job in jobs:
        owed = (job.price, job.pictures) if job.state is JobState.DONE else (0, 0)
        if (job.charged_anlas, job.charged_pictures) != owed:
            wrong.append(f"job {job.id} ({job.state}) is charged {job.charged_anlas} and {job.charged_pictures}")
        if job.delivery not in (Delivery.SHOWN, Delivery.INBOX):
            wrong.append(f"job {job.id} ended {job.delivery}")
    return wrong


async def _unlawful(stage: Stage, jobs: Sequence[Job]) -> list[str]:
    wrong = [str(each) for each in await differences(stage.settings.data_dir)]
    if jobs:
        standing = await stage.house.store.standing(jobs[0].requester, time.time())
        sums = sum(job.charged_pictures or 0 for job in jobs), sum(job.charged_anlas or 0 for job in jobs)
        if (standing.pictures, standing.anlas) != sums:
            wrong.append(f"the quota says {standing.pictures}, {standing.anlas}; the jobs {sums}")
    return wrong


# --- all of them


def _in_process(cell: Cell) -> Verdict:
    logging.disable(logging.CRITICAL)
    # discord.py and asyncio complain of what is broken on purpose.
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(run_cell(cell, Path(folder)))


def main() -> int:
    """Run the matrix in two processes, and print what became of it."""
    parser = argparse.ArgumentParser(description="Faults of NovelAI × Discord × the database.")
    parser.add_argument("--short", action="store_true", help="the few cells of the gate")
    cells = SHORT if parser.parse_args().short else tuple(itertools.product(UPSTREAM, DISCORD, STORE))
    began = time.monotonic()
    verdicts = []
    with ProcessPoolExecutor(2) as pool:
        for verdict in pool.map(_in_process, cells):
            verdicts.append(verdict)
            for wrong in verdict.wrong:
                print("WRONG", " × ".join(verdict.cell), ":", wrong, flush=True)
    _print_table(verdicts, time.monotonic() - began)
    return int(any(verdict.wrong for verdict in verdicts))


def _print_table(verdicts: Sequence[Verdict], seconds: float) -> None:
    """For each answer of NovelAI: how many cells, how their jobs ended, and how many cells are wrong."""
    out = [f"{'NovelAI':<10} {'cells':>5} {'wrong':>5}  ends"]
    for upstream in UPSTREAM:
        rows = [verdict for verdict in verdicts if verdict.cell[0] == upstream]
        if not rows:
            continue
        ends = Counter(end for verdict in rows for end in verdict.ends)
        told = ", ".join(f"{n} {end}" for end, n in sorted(ends.items()))
        out.append(f"{upstream:<10} {len(rows):>5} {sum(bool(v.wrong) for v in rows):>5}  {told}")
    wrong = sum(bool(verdict.wrong) for verdict in verdicts)
    slowest = max(verdict.seconds for verdict in verdicts)
    out.append(f"{len(verdicts)} cells in {seconds:.0f} s (the slowest {slowest:.1f} s), {wrong} wrong")
    print("\n".join(out))


if __name__ == "__main__":
    sys.exit(main())
