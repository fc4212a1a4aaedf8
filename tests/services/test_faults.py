"""The short form of the fault matrix; the whole of it is `python -m tests.drills.fault_matrix`."""

from pathlib import Path

import pytest

from tests.drills.fault_matrix import SHORT, Cell, run_cell


@pytest.mark.parametrize("cell", SHORT, ids=" × ".join)
async def test_whatever_fails_the_member_has_an_answer_and_the_quota_adds_up(tmp_path: Path, cell: Cell) -> None:
    """Each fault of Discord and of the database, met by different answers of NovelAI."""
    verdict = await run_cell(cell, tmp_path)

    assert () == verdict.wrong, verdict.ends
