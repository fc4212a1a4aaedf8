"""The crash matrix in short: the bot killed where it hurts most. `tests.drills.crash_matrix` kills it everywhere."""

import asyncio
from pathlib import Path

from tests.drills.crash_matrix import Case, Outcome, play

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
