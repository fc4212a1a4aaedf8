"""What the practice room is shown of the bot: every interaction's jobs, and of a long queue only its front."""

import pytest

from bot.domain.admission import Ticket
from bot.services import backstage
from tests.builders import a_requester, an_application
from tests.conftest import Rig


@pytest.mark.parametrize(("n", "shown"), [(3, [1, 2, 3]), (4, [1, 2, 3])])
async def test_a_long_queue_shows_its_front_and_interactions_all_they_wait_for(
    house: Rig, monkeypatch: pytest.MonkeyPatch, n: int, shown: list[int]
) -> None:
    """So a snapshot stays small, and a line of `--say` still knows that its job waits, wherever it stands."""
    monkeypatch.setattr(backstage, "QUEUE_MOST", 3)
    for each in range(1, n + 1):
        asked = an_application(a_requester(user_id=each), interaction=1_000 + each)
        await house.jobs.admit(asked, house.clock(), lambda standing: Ticket(turn=standing.now_turn + 1))

    snapshot = await house.house.backstage.snapshot()

    assert shown == [job["id"] for job in snapshot["queue"]]  # type: ignore[attr-defined]
    assert snapshot["more"] == (n > 3)
    interactions: dict[str, dict[str, list[dict[str, object]]]] = snapshot["interactions"]  # type: ignore[assignment]
    assert ["QUEUED"] * n == [interactions[str(1_000 + each)]["jobs"][0]["state"] for each in range(1, n + 1)]


async def test_what_is_drawn_stands_before_what_waits(house: Rig) -> None:
    """A job that has left the queue is seen until it ends."""
    for each in (1, 2):
        asked = an_application(a_requester(user_id=each), interaction=1_000 + each)
        await house.jobs.admit(asked, house.clock(), lambda standing: Ticket(turn=standing.now_turn + 3))
    assert await house.jobs.claim("a", "me", house.clock(), 60.0)
    asked = an_application(a_requester(user_id=3), interaction=1_003)
    await house.jobs.admit(asked, house.clock(), lambda _: Ticket(turn=0))

    queue = (await house.house.backstage.snapshot())["queue"]

    assert [(1, "RUNNING"), (3, "QUEUED"), (2, "QUEUED")] == [(job["id"], job["state"]) for job in queue]  # type: ignore[attr-defined]
