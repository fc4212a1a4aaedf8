"""What the worker does with a job: made once, charged once, and nothing for what failed."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.store.ledger import differences
from bot.app import open_house
from bot.domain.errors import LimitReached
from bot.domain.guild import GuildConfig
from bot.domain.job import Delivery, Job, JobState, Settlement
from bot.domain.request import Requester, Size
from bot.services.deliveries import USUAL_DURATION
from bot.services.patience import PRICE_PATIENCE
from bot.services.studio import Occasion
from tests.builders import GUILD, LARGE, a_place, a_request, a_requester
from tests.conftest import OPEN, QUICK, Rig


async def _paid_job(house: Rig, requester: Requester) -> Job:
    await house.guilds.grant(requester, anlas=50)
    draft = await house.studio.submit(requester, a_request(size=LARGE))
    job = await house.studio.confirm(requester, draft.id)
    assert isinstance(job, Job)
    return job


async def _now(house: Rig, job: Job) -> Job:
    current = await house.jobs.get(job.id)
    assert current is not None
    return current


async def test_the_bytes_kept_are_the_bytes_novelai_sent(house: Rig) -> None:
    """A picture passes through untouched, with its seed."""
    job = await house.studio.submit(a_requester(), a_request(seed=1234567, size=Size(width=64, height=64)))

    assert await house.worker.step()

    [picture] = await house.jobs.pictures(job.id)
    assert house.novelai.calls[-1].images == (picture.data,)
    assert 1234567 == picture.seed
    assert (JobState.DONE, Delivery.PENDING) == ((await _now(house, job)).state, (await _now(house, job)).delivery)


async def test_refused_by_novelai_costs_the_member_nothing(house: Rig) -> None:
    """A paid job that NovelAI fails is charged nothing and remembered as spent."""
    alice = a_requester()
    job = await _paid_job(house, alice)
    house.novelai.fail_next(503)

    await house.worker.step()

    ended = await _now(house, job)
    assert (JobState.FAILED, 0, 30) == (ended.state, ended.charged_anlas, ended.spent)
    assert 50 == (await house.studio.quota(alice)).anlas_left
    assert 1 == len(house.novelai.calls)


async def test_a_free_picture_is_tried_three_times(house: Rig) -> None:
    """What costs nothing may be sent again after a 5xx; after three tries it has failed, charged nothing."""
    job = await house.studio.submit(a_requester(), a_request())
    house.novelai.fail_next(500, times=3)

    for _ in range(4):
        await house.worker.step()

    ended = await _now(house, job)
    assert (JobState.FAILED, 0, 3) == (ended.state, ended.charged_pictures, len(house.novelai.calls))


@pytest.mark.parametrize("status", [429, 409, 401, 402, 403])
async def test_a_refusal_that_was_not_billed_gives_the_place_back(house: Rig, status: int) -> None:
    """The job keeps its turn and its tries, the account pauses, and then it is made."""
    job = await _paid_job(house, a_requester())
    house.novelai.fail_next(status)

    await house.worker.step()
    waiting = await _now(house, job)
    house.clock.advance(120)
    await house.worker.step()

    assert (JobState.QUEUED, job.turn, 0, 0) == (waiting.state, waiting.turn, waiting.tries, waiting.spent)
    assert JobState.DONE == (await _now(house, job)).state


@pytest.mark.parametrize("status", [400, 404, 413])
async def test_a_request_that_novelai_does_not_take_fails_at_no_cost(house: Rig, status: int) -> None:
    """It is not repeated, and nothing is believed spent."""
    job = await _paid_job(house, a_requester())
    house.novelai.fail_next(status)

    await house.worker.step()

    ended = await _now(house, job)
    assert (JobState.FAILED, 0, 0) == (ended.state, ended.charged_anlas, ended.spent)


async def test_rules_are_asked_again_at_the_moment_of_claim(house: Rig) -> None:
    """A channel that was closed while a job waited makes nothing and charges nothing."""
    job = await house.studio.submit(a_requester(), a_request())
    await house.guilds.save(GUILD, GuildConfig())

    await house.worker.step()

    assert JobState.BLOCKED == (await _now(house, job)).state
    assert [] == list(house.novelai.calls)


async def test_never_spend_is_asked_again_at_the_moment_of_claim(house: Rig) -> None:
    """An admin who switches spending off stops the paid jobs that still wait."""
    job = await _paid_job(house, a_requester())
    await house.guilds.save(GUILD, replace(OPEN, never_spend=True))

    await house.worker.step()

    assert (JobState.FAILED, "price.never") == ((await _now(house, job)).state, (await _now(house, job)).reason)
    assert [] == list(house.novelai.calls)


async def test_a_job_is_never_sent_where_it_would_cost_more_than_was_said(house: Rig) -> None:
    """The account that lost its free sample does not draw a free job; after ten minutes the job is given up."""
    job = await house.studio.submit(a_requester(), a_request())
    house.novelai.account.tier = 1
    await house.read_account()

    await house.worker.step()
    waiting = await _now(house, job)
    house.clock.advance(PRICE_PATIENCE + 60)
    await house.read_account()
    await house.worker.step()

    assert (JobState.QUEUED, 0) == (waiting.state, waiting.tries)
    assert (JobState.FAILED, "failed.price") == ((await _now(house, job)).state, (await _now(house, job)).reason)
    assert [] == list(house.novelai.calls)


async def test_nothing_is_sent_to_an_account_that_cannot_be_read(house: Rig, tmp_path: Path) -> None:
    """However long it takes within a day, the job keeps its place, and is not told that its price rose."""
    settings = replace(house.settings, novelai_tokens=("pst-other",), data_dir=tmp_path / "other")
    async with open_house(settings, clock=house.clock, pace=QUICK) as other:
        await other.services.guilds.save(GUILD, replace(OPEN, anlas_day=100))
        draft = await other.services.studio.submit(a_requester(), a_request())
        job = await other.services.studio.confirm(a_requester(), draft.id)
        for _ in range(3):
            await other.services.workers[0].step()
            house.clock.advance(PRICE_PATIENCE)

        waiting = await other.store.get(job.id)

    assert waiting is not None
    assert (JobState.QUEUED, 0, 20) == (waiting.state, waiting.tries, waiting.price)
    assert [] == list(house.novelai.calls)


async def test_an_account_that_paid_for_a_free_job_is_stopped(house: Rig) -> None:
    """A balance that fell after a job priced 0 means the price is wrong: nothing more is sent."""
    first = await house.studio.submit(a_requester(1), a_request())
    second = await house.studio.submit(a_requester(2), a_request())

    async with house.novelai.hold():
        working = asyncio.create_task(house.worker.step())
        while (await _now(house, first)).state is not JobState.SENT:
            await asyncio.sleep(0.01)
        house.novelai.account.anlas -= 5
    await working

    assert not await house.worker.step()
    assert JobState.QUEUED == (await _now(house, second)).state


async def test_a_cancelled_job_is_not_sent(house: Rig) -> None:
    """Cancel wins until `send`."""
    alice = a_requester()
    job = await house.studio.submit(alice, a_request())
    await house.studio.cancel(alice, job.id)

    assert not await house.worker.step()
    assert [] == list(house.novelai.calls)


async def test_after_a_crash_each_job_is_where_it_belongs(house: Rig, tmp_path: Path) -> None:
    """
    A new process finds: what waited, waiting; what was sent for nothing, waiting again; what was sent and paid,
    failed at no charge. The ledger adds up.
    """
    paid = await _paid_job(house, a_requester(1))
    waiting = await house.studio.submit(a_requester(2), a_request())
    async with house.novelai.hold():
        working = asyncio.create_task(house.worker.step())
        while (await _now(house, paid)).state is not JobState.SENT:
            await asyncio.sleep(0.01)
        copy = tmp_path / "after"
        copy.mkdir()
        for file in (tmp_path / "data").iterdir():
            (copy / file.name).write_bytes(file.read_bytes())
    await working

    async with open_house(replace(house.settings, data_dir=copy), pace=QUICK) as reopened:
        lost, kept = await reopened.store.get(paid.id), await reopened.store.get(waiting.id)

    assert lost is not None
    assert kept is not None
    assert (JobState.FAILED, "failed.answer", 0, 30) == (lost.state, lost.reason, lost.charged_anlas, lost.spent)
    assert (JobState.QUEUED, Delivery.PENDING) == (kept.state, lost.delivery)
    assert [] == await differences(copy)


async def test_what_could_not_be_shown_costs_nothing(house: Rig) -> None:
    """A delivery that lapses gives the charge back."""
    alice = a_requester()
    await _paid_job(house, alice)
    await house.worker.step()
    parcel = await house.deliveries.next()
    assert parcel is not None

    await house.deliveries.lapse(parcel.job)

    assert 0 == (await house.studio.quota(alice)).anlas_used
    assert Delivery.LAPSED == (await _now(house, parcel.job)).delivery


async def test_what_is_kept_and_for_how_long(house: Rig) -> None:
    """An hour after it was shown the picture's bytes are gone, after 30 days the request; the amounts stay."""
    job = await house.studio.submit(a_requester(), a_request(size=Size(width=64, height=64)))
    await house.worker.step()
    await house.deliveries.shown(job, 300)
    upkeep = house.house.services.upkeep

    house.clock.advance(3_500)
    await upkeep.tidy()
    assert 1 == len(await house.jobs.pictures(job.id))
    house.clock.advance(200)
    await upkeep.tidy()
    assert 0 == len(await house.jobs.pictures(job.id))
    assert (await _now(house, job)).request is not None
    house.clock.advance(30 * 86_400)
    await upkeep.tidy()

    assert (None, 1) == ((await _now(house, job)).request, (await _now(house, job)).charged_pictures)


async def test_a_delivery_is_one_couriers_for_a_minute(house: Rig) -> None:
    """Nobody else gets it meanwhile; after the minute it is offered again."""
    await house.studio.submit(a_requester(), a_request(size=Size(width=64, height=64)))
    await house.worker.step()

    first, second = await house.deliveries.next(), await house.deliveries.next()
    house.clock.advance(61)
    again = await house.deliveries.next()

    assert first is not None
    assert second is None
    assert again is not None
    assert first.job.id == again.job.id


async def test_fair_order_lets_the_newcomer_in(house: Rig) -> None:
    """Somebody with one wish is not kept behind ten of somebody else's."""
    await house.guilds.save(GUILD, replace(OPEN, waiting=20))
    small = a_request(size=Size(width=64, height=64))
    for _ in range(10):
        await house.studio.submit(a_requester(1), small)
    wish = await house.studio.submit(a_requester(2), small)

    for _ in range(3):
        await house.worker.step()

    assert JobState.DONE == (await _now(house, wish)).state


async def test_what_could_not_be_started_in_a_day_is_taken_back_and_told(house: Rig) -> None:
    """However it came that nobody took it: nothing is charged, and its end is delivered."""
    alice = a_requester()
    job = await house.studio.submit(alice, a_request(), Occasion(place=a_place()))
    house.clock.advance(23 * 3_600)
    await house.house.services.upkeep.tidy()
    assert isinstance(job, Job)
    assert JobState.QUEUED == (await _now(house, job)).state
    house.clock.advance(3_700)
    await house.house.services.upkeep.tidy()

    ended = await _now(house, job)
    assert (JobState.FAILED, "failed.late", 0) == (ended.state, ended.reason, ended.charged_pictures)
    parcel = await house.deliveries.next()
    assert parcel is not None
    assert job.id == parcel.job.id


async def test_limits_are_those_of_the_admission(house: Rig) -> None:
    """Rules and price are asked again when a job is claimed; a limit that sank meanwhile is not."""
    alice = a_requester()
    job = await house.studio.submit(alice, a_request())
    await house.guilds.save(GUILD, replace(OPEN, pictures_day=0, waiting=1))
    assert await house.worker.step()

    assert isinstance(job, Job)
    assert JobState.DONE == (await _now(house, job)).state
    with pytest.raises(LimitReached, match=r"quota\.none"):
        await house.studio.submit(alice, a_request())


async def test_a_start_is_foretold_by_what_pictures_of_that_shape_took(house: Rig) -> None:
    """The median of the last ones, those being made counted for what is left of them; without any, a guess."""
    await house.guilds.save(GUILD, replace(OPEN, waiting=20))
    jobs = [await house.studio.submit(a_requester(n), a_request()) for n in range(1, 4)]
    first, second, third = [await house.deliveries.outlook(job.id) for job in jobs]
    assert first is not None
    assert second is not None
    assert third is not None
    assert [0, 1, 2] == [each.ahead for each in (first, second, third)]
    assert second.starts_at - first.starts_at == pytest.approx(USUAL_DURATION, abs=1)
    assert third.starts_at - first.starts_at == pytest.approx(2 * USUAL_DURATION, abs=1)

    for seconds in (30.0, 50.0, 40.0):
        job = await house.jobs.claim("account", "holder", house.clock(), 300)
        assert job is not None
        await house.jobs.send(job, house.clock(), 0)
        done = Settlement(state=JobState.DONE, charged_anlas=0, charged_pictures=1, spent=0)
        await house.jobs.settle(job, house.clock() + seconds, done)
    again = [await house.studio.submit(a_requester(n), a_request()) for n in range(4, 6)]
    house.clock.advance(60)
    job = await house.jobs.claim("account", "holder", house.clock(), 300)
    assert job is not None
    waiting = await house.deliveries.outlook(again[1].id)
    assert waiting is not None
    assert waiting.starts_at - house.clock() == pytest.approx(40.0, abs=2)
    assert 40 == pytest.approx((await house.deliveries.line()).seconds, abs=1)
