"""The look at a picture: what it comes to, by rating, words and place."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from bot.domain.errors import ClassifierError
from bot.domain.job import Job, JobState, Settlement
from bot.domain.rating import Rating, Showing
from bot.domain.request import Context, Generate, Picture, Requester
from bot.services.checks import Checks, Doubt
from tests.builders import a_request, a_requester
from tests.conftest import Rig

DONE = Settlement(state=JobState.DONE, charged_anlas=0, charged_pictures=1, spent=0)


@dataclass
class Judge:
    """Rates one picture after the other as it was told; fails once it was told nothing more."""

    ratings: list[Rating] = field(default_factory=list)

    async def rate(self, data: bytes) -> Rating:
        """The next rating."""
        del data
        if not self.ratings:
            raise ClassifierError("rating.failed")
        return self.ratings.pop(0)


def _rated(explicit: float, sexy: float = 0.0) -> Rating:
    return Rating(drawing=1.0 - explicit - sexy, hentai=explicit, neutral=0.0, porn=0.0, sexy=sexy)


def _picture() -> Picture:
    return Picture(data=b"\x89PNG", media_type="image/png", seed=1)


async def _looked(
    house: Rig, request: Generate, ratings: Sequence[Rating], requester: Requester | None = None, n: int = 1
) -> tuple[Showing, Doubt | None, Settlement, bool]:
    services = house.house.services
    job = await house.studio.submit(a_requester(), a_request())
    assert isinstance(job, Job)
    job = replace(job, requester=requester or job.requester)
    checks = Checks(Judge(list(ratings)), services.guilds, services.moderation, house.clock)
    look = await checks.look(job, request, [_picture()] * n)
    settlement, filing = checks.settlement(job, look, DONE)
    return look.showing, look.doubt, settlement, filing is not None


@pytest.mark.parametrize(
    ("explicit", "state", "hidden"),
    [(0.1, JobState.DONE, False), (0.5, JobState.DONE, True), (0.9, JobState.HELD, False)],
)
async def test_the_rating_decides_in_safe_places(house: Rig, explicit: float, state: JobState, hidden: bool) -> None:
    """Shown, hidden behind a spoiler, or held with its case and nothing charged yet."""
    _, _, settlement, has_case = await _looked(house, a_request(), [_rated(explicit)])

    assert (state, hidden) == (settlement.state, settlement.hidden)
    assert (state is JobState.HELD) == has_case == (settlement.charged_pictures is None)


async def test_what_the_undesired_content_turns_around_counts_at_the_picture(house: Rig) -> None:
    """It was judged before anything was drawn, so a picture of it is judged by it."""
    request = a_request("1girl, smile, bed", undesired_content="-1::loli::")
    *_, settlement, has_case = await _looked(house, request, [_rated(0.9)])

    assert (JobState.BLOCKED, "locked.picture", True, True) == (
        settlement.state,
        settlement.reason,
        settlement.forgets,
        has_case,
    )


async def test_each_of_several_pictures_may_be_what_is_never_shown(house: Rig) -> None:
    """Whichever is worst otherwise."""
    request = a_request("child, smile", samples=2)
    *_, settlement, _ = await _looked(house, request, [_rated(0.05, sexy=0.9), _rated(0.6)], n=2)

    assert ("locked.picture", True) == (settlement.reason, settlement.forgets)


async def test_what_cannot_be_rated_is_held_where_somebody_decides(house: Rig) -> None:
    """Fails closed."""
    _, doubt, settlement, has_case = await _looked(house, a_request(), [])

    assert (Doubt.UNRATED, JobState.HELD, True) == (doubt, settlement.state, has_case)


async def test_in_direct_messages_a_failing_check_blames_nobody(house: Rig) -> None:
    """Not shown, not charged, and no case against its member."""
    alone = a_requester(guild_id=None, context=Context.DM)
    _, _, settlement, has_case = await _looked(house, a_request(), [], alone)

    assert (JobState.BLOCKED, "blocked.unrated", False) == (settlement.state, settlement.reason, has_case)


async def test_without_a_classifier_everything_is_shown(house: Rig) -> None:
    """An admin accepted that."""
    services = house.house.services
    job = await house.studio.submit(a_requester(), a_request())
    assert isinstance(job, Job)
    checks = Checks(None, services.guilds, services.moderation, house.clock)

    assert Showing.SHOW == (await checks.look(job, a_request(), [_picture()])).showing
