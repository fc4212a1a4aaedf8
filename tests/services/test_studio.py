"""From a wish to a job: price first, limits held, nothing counted twice."""

import asyncio
from dataclasses import replace

import pytest

from bot.domain.errors import LimitReached, Refused
from bot.domain.job import Draft, Job, JobState
from bot.services.studio import Occasion
from tests.builders import GUILD, LARGE, a_request, a_requester
from tests.conftest import OPEN, Rig


async def test_a_free_picture_is_admitted_at_once(house: Rig) -> None:
    """Price 0: no question, and the seed is drawn by us."""
    job = await house.studio.submit(a_requester(), a_request())

    assert isinstance(job, Job)
    assert (JobState.QUEUED, 0) == (job.state, job.price)
    assert job.request is not None
    assert job.request.sampling.seed


async def test_a_price_is_a_question_first(house: Rig) -> None:
    """Above 0 nothing is reserved before the yes, and the yes reserves exactly what was said."""
    alice = a_requester()
    await house.guilds.grant(alice, anlas=50)

    draft = await house.studio.submit(alice, a_request(size=LARGE))
    assert isinstance(draft, Draft)
    assert (30, 0) == (draft.price, (await house.studio.quota(alice)).anlas_used)

    job = await house.studio.confirm(alice, draft.id)
    assert isinstance(job, Job)
    assert (30, 20) == (job.price, (await house.studio.quota(alice)).anlas_left)


async def test_two_yeses_to_one_question_are_one_job(house: Rig) -> None:
    """A draft is consumed once, however often and however fast it is confirmed."""
    alice = a_requester()
    await house.guilds.grant(alice, anlas=100)
    draft = await house.studio.submit(alice, a_request(size=LARGE))

    outcomes = await asyncio.gather(*(house.studio.confirm(alice, draft.id) for _ in range(5)), return_exceptions=True)

    jobs = {outcome.id for outcome in outcomes if isinstance(outcome, Job)}
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert 1 == len(jobs)
    assert all("draft.gone" == refusal.code for refusal in refused)
    assert 30 == (await house.studio.quota(alice)).anlas_used


async def test_only_the_asker_may_say_yes(house: Rig) -> None:
    """Somebody else's press of Spend is refused."""
    alice = a_requester(1)
    await house.guilds.grant(alice, anlas=50)
    draft = await house.studio.submit(alice, a_request(size=LARGE))

    with pytest.raises(Refused, match=r"not\.yours"):
        await house.studio.confirm(a_requester(2), draft.id)


async def test_a_question_is_gone_after_fifteen_minutes(house: Rig) -> None:
    """An old draft answers that it is too old."""
    alice = a_requester()
    await house.guilds.grant(alice, anlas=50)
    draft = await house.studio.submit(alice, a_request(size=LARGE))
    house.clock.advance(15 * 60)

    with pytest.raises(Refused, match=r"draft\.gone"):
        await house.studio.confirm(alice, draft.id)


async def test_a_price_that_rose_is_asked_again(house: Rig) -> None:
    """When the account loses its free sample between question and answer, the answer is a new question."""
    alice = a_requester()
    await house.guilds.grant(alice, anlas=200)
    draft = await house.studio.submit(alice, a_request(samples=2))
    assert isinstance(draft, Draft)
    house.novelai.account.tier = 2
    await house.read_account()

    asked_again = await house.studio.confirm(alice, draft.id)

    assert isinstance(asked_again, Draft)
    assert (20, 40) == (draft.price, asked_again.price)
    assert 0 == (await house.studio.quota(alice)).anlas_used


async def test_never_spend_offers_the_free_size(house: Rig) -> None:
    """Where nothing is spent, a price is refused and the cure comes along."""
    await house.guilds.save(GUILD, replace(OPEN, never_spend=True))

    with pytest.raises(Refused) as caught:
        await house.studio.submit(a_requester(), a_request(size=LARGE))

    assert "price.never" == caught.value.code
    assert "832×1216" == str(caught.value.data["request"].size)  # type: ignore[attr-defined]


async def test_an_account_that_was_not_read_lately_draws_nothing_free(house: Rig) -> None:
    """After ten minutes without a reading, with never-spend on, nothing is made."""
    await house.guilds.save(GUILD, replace(OPEN, never_spend=True))
    house.clock.advance(601)

    with pytest.raises(Refused, match=r"price\.nofree"):
        await house.studio.submit(a_requester(), a_request())


async def test_two_hundred_at_once_with_twenty_left(house: Rig) -> None:
    """Exactly 20 are admitted, the others are told which limit binds, and each admission is one job."""
    await house.guilds.save(GUILD, replace(OPEN, pictures_day=20, waiting=20))
    alice = a_requester()

    outcomes = await asyncio.gather(
        *(house.studio.submit(alice, a_request(), Occasion(key=f"event-{n}")) for n in range(200)),
        return_exceptions=True,
    )

    admitted = {outcome.id for outcome in outcomes if isinstance(outcome, Job)}
    refused = [outcome for outcome in outcomes if isinstance(outcome, LimitReached)]
    assert (20, 180) == (len(admitted), len(refused))
    assert 0 == (await house.studio.quota(alice)).pictures_left


async def test_one_event_is_one_job(house: Rig) -> None:
    """The same interaction delivered ten times at once makes one job and reserves one picture."""
    alice = a_requester()

    jobs = await asyncio.gather(*(house.studio.submit(alice, a_request(), Occasion(key="same")) for _ in range(10)))

    assert 1 == len({job.id for job in jobs})
    assert 1 == (await house.studio.quota(alice)).pictures_used


async def test_a_double_click_is_one_job_and_a_later_press_another(house: Rig) -> None:
    """Two presses within 2 s are one; 3 s apart they are two."""
    alice = a_requester()

    async def press(key: str) -> int:
        outcome = await house.studio.submit(alice, a_request(), Occasion(key=key, origin="300:reroll"))
        return outcome.id

    first, second = await press("a"), await press("b")
    house.clock.advance(3)
    third = await press("c")

    assert first == second != third


async def test_cancel_costs_nothing_and_is_the_owners(house: Rig) -> None:
    """A waiting picture can be taken back by its member or a moderator, and counts for nothing."""
    alice = a_requester(1)
    job = await house.studio.submit(alice, a_request())

    with pytest.raises(Refused, match=r"not\.yours"):
        await house.studio.cancel(a_requester(2), job.id)
    await house.studio.cancel(a_requester(3, may_moderate=True), job.id)

    ended = await house.jobs.get(job.id)
    assert ended is not None
    assert (JobState.CANCELLED, 0) == (ended.state, ended.charged_pictures)
    assert 0 == (await house.studio.quota(alice)).pictures_used


async def test_what_is_never_made_reaches_no_queue(house: Rig) -> None:
    """The locked tier refuses before anything is written down."""
    with pytest.raises(Refused, match="locked"):
        await house.studio.submit(a_requester(), a_request("loli, nude"))

    assert [] == list(await house.jobs.waiting())


async def test_an_idle_bot_still_knows_what_is_free(house: Rig) -> None:
    """A reading grows old while nobody draws, and is renewed in time; one that failed is tried again."""
    accounts = house.house.services.accounts
    for minutes in (6, 6, 6):
        house.clock.advance(minutes * 60)
        await accounts.refresh()
        assert house.studio.foresee(a_requester(), a_request()).is_free

    house.clock.advance(601)
    assert not accounts.draws_free
    await accounts.refresh()
    assert accounts.draws_free
