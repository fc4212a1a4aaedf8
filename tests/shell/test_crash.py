"""The crash matrix in short: the bot killed where it hurts most. `tests.drills.crash_matrix` kills it everywhere."""

import asyncio
import importlib
import inspect
import re
from pathlib import Path

import pytest

from bot import ports
from bot.adapters.store.store import SqlStore
from tests.drills.crash_matrix import Case, Outcome, play
from tests.drills.crashing import HURRIED, READS, verbs_of

CASES = (
    Case(scene="paid", point="store place before"),
    Case(scene="paid", point="novelai body whole"),
    Case(scene="two", point="store claim after"),
    Case(scene="free", point="store send after"),
    Case(scene="free", point="novelai answer halfway"),
    Case(scene="free", point="discord PATCH webhooks/messages with files after", gap=1_000.0),
    Case(scene="deleted", point="discord POST channels/messages with files after", gap=400.0),
    Case(scene="restart paid", point="store recover after"),
)
AT_ONCE = 3


async def test_a_job_survives_the_process_that_has_it(tmp_path: Path) -> None:
    """
    SIGKILL after admission and claim, after `send`, in the middle of the answer, between showing and noting it, past
    what Discord remembers, and while an earlier crash is put right: every law holds after the next start.
    """
    slots = asyncio.Semaphore(AT_ONCE)

    async def played(n: int, case: Case) -> Outcome:
        async with slots:
            return await play(case, tmp_path / str(n))

    outcomes = await asyncio.gather(*(played(n, case) for n, case in enumerate(CASES)))

    assert [] == [f"{each.case}: {law}" for each in outcomes for law in each.verdict.broken]
    assert [] == [str(each.case) for each in outcomes if each.missed]
    assert [1, 1, 2, 1, 1, 1, 1, 1] == [each.jobs for each in outcomes]
    # What was paid for and had left is never drawn again; everything else is shown.
    assert [1, 0, 2, 1, 1, 1, 1, 0] == [each.verdict.delivered for each in outcomes]
    assert [0, 1, 0, 0, 0, 0, 0, 1] == [each.verdict.told for each in outcomes]


def test_the_drills_know_which_verbs_change_something() -> None:
    """Every verb of the store that does more than look is a point, and no other; no name is an old one."""
    verbs = verbs_of(ports.Store)
    looks = {
        verb
        for verb in verbs
        if re.search(r"@looking|_db\.read\(|\._find\(", inspect.getsource(getattr(SqlStore, verb)))
    }

    assert len(looks) > 25
    assert looks == READS & verbs
    assert verbs | verbs_of(ports.NovelAI) >= READS


@pytest.mark.parametrize(("module", "name", "seconds"), HURRIED)
def test_the_drills_shorten_waits_that_there_are(module: str, name: str, seconds: float) -> None:
    """A constant that moved would be waited for in full, or not be what is drilled."""
    assert seconds < getattr(importlib.import_module(module), name)
