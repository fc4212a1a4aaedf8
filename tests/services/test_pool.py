"""Several accounts: who makes what at which price, who rests, who is out, and what the service's absence does."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.store.ledger import differences, examine
from bot.adapters.store.resume import resume
from bot.domain.job import Job, JobState
from bot.domain.model import Model
from bot.services.accounts import BUSY, JITTER, PROBE
from bot.services.breaker import WAIT_MIN
from bot.services.patience import PRICE_PATIENCE, Pause
from bot.services.worker import Pace
from bot.standin.novelai import NovelAI
from tests.builders import LARGE
from tests.conftest import Clock
from tests.services.pool import Pool, a_pool

Service = tuple[NovelAI, str]


async def _until(true: object) -> None:
    async with asyncio.timeout(10):
        while not await true():  # type: ignore[operator]
            await asyncio.sleep(0.01)


async def _is(pool: Pool, job: Job, *states: JobState) -> bool:
    return (await pool.now(job)).state in states


# --- which account


async def test_a_free_job_is_made_where_it_is_free(tmp_path: Path, novelai: Service) -> None:
    """Of three accounts the two that have nothing free do not even touch it."""
    async with a_pool(tmp_path, *novelai, "a", "b", "c") as pool:
        pool.account("a").tier, pool.account("b").active = 2, False
        await pool.read()
        job = await pool.wish()

        assert [False, False] == [await pool.worker(word).step() for word in "ab"]
        assert (0, 0.0) == ((await pool.now(job)).tries, (await pool.now(job)).not_before)
        assert await pool.worker("c").step()

        assert (JobState.DONE, 0, 0) == ((await pool.now(job)).state, (await pool.now(job)).spent, job.price)
        assert [10_000] * 3 == [pool.account(word).anlas for word in "abc"]


async def test_a_job_is_sent_only_at_the_price_that_was_said(tmp_path: Path, novelai: Service) -> None:
    """Two pictures of which Opus draws one for nothing: the other account leaves them, and delays nobody."""
    async with a_pool(tmp_path, *novelai, "paper", "opus") as pool:
        pool.account("paper").tier = 0
        await pool.read()
        job = await pool.wish(samples=2)

        assert await pool.worker("paper").step()
        assert not await pool.worker("paper").step()
        assert (JobState.QUEUED, 0) == ((await pool.now(job)).state, (await pool.now(job)).tries)
        assert await pool.worker("opus").step()

        done = await pool.now(job)
        assert (JobState.DONE, 20, 20, 20) == (done.state, job.price, done.charged_anlas, done.spent)
        assert (10_000, 9_980) == (pool.account("paper").anlas, pool.account("opus").anlas)
        assert [] == await pool.told("account.drift")


async def test_a_paid_job_prefers_the_account_where_it_is_free(tmp_path: Path, novelai: Service) -> None:
    """Left for half a minute; what is made for nothing is charged as nothing. After that it is made and paid."""
    async with a_pool(tmp_path, *novelai, "paper", "opus") as pool:
        pool.account("paper").tier = 0
        await pool.read()
        first = await pool.wish_at(20)
        assert await pool.worker("paper").step()
        assert await pool.worker("opus").step()
        second = await pool.wish_at(20, 2)
        assert await pool.worker("paper").step()
        pool.clock.advance(31)
        assert await pool.worker("paper").step()

        free, paid = await pool.now(first), await pool.now(second)
        assert (JobState.DONE, 0, 0) == (free.state, free.charged_anlas, free.spent)
        assert (JobState.DONE, 20, 20) == (paid.state, paid.charged_anlas, paid.spent)
        assert [] == await pool.told("account.drift", "account.stopped")


async def test_v5_is_made_where_the_bar_is_not_used_up(tmp_path: Path, novelai: Service) -> None:
    """The other account goes on with what it draws for nothing, and takes the V5 job once only to look at it."""
    async with a_pool(tmp_path, *novelai, "a", "b") as pool:
        pool.account("a").usage = -1.0
        await pool.read()
        v5 = await pool.wish(1, model=Model.V5_FULL)
        v3 = await pool.wish(2)

        assert [True, True, False] == [await pool.worker("a").step() for _ in range(3)]
        assert (JobState.QUEUED, JobState.DONE) == ((await pool.now(v5)).state, (await pool.now(v3)).state)
        assert await pool.worker("b").step()

        assert (JobState.DONE, 0) == ((await pool.now(v5)).state, (await pool.now(v5)).spent)
        assert [10_000, 10_000] == [pool.account(word).anlas for word in "ab"]


async def test_each_account_draws_one_at_a_time(tmp_path: Path, novelai: Service) -> None:
    """Two accounts and six jobs: never two at once on one, so the service never says 429; each rests in between."""
    service, address = novelai
    service.pace.rest = 0.1
    async with a_pool(tmp_path, service, address, "a", "b", pace=Pace(gap=0.15, retry=0.0)) as pool:
        await pool.read()
        jobs = [await pool.wish(n) for n in range(1, 7)]
        pool.house.services.guilds.are_known.set()
        working = [asyncio.create_task(worker.run()) for worker in pool.house.services.workers]

        async def are_done() -> bool:
            return all([await _is(pool, job, JobState.DONE) for job in jobs])

        await _until(are_done)
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
        accounts = {(await pool.now(job)).account for job in jobs}

    assert [200] * 6 == [call.status for call in service.calls]
    assert 2 == len(accounts)


async def test_what_no_account_makes_at_its_price_fails_after_ten_minutes(tmp_path: Path, novelai: Service) -> None:
    """While one of them cannot be asked it goes on waiting."""
    async with a_pool(tmp_path, *novelai, "a", "b") as pool:
        gone = pool.account("b")
        pool.account("a").tier, gone.revoked = 1, True
        await pool.read()
        job = await pool.wish_at(0)
        pool.clock.advance(PRICE_PATIENCE + 1)
        await pool.worker("a").step()
        assert JobState.QUEUED == (await pool.now(job)).state

        gone.revoked, gone.tier = False, 1
        pool.clock.advance(PROBE[0])
        for word in "ab" * 2:
            await pool.worker(word).step()
            pool.clock.advance(11)

        assert (JobState.FAILED, "failed.price") == ((await pool.now(job)).state, (await pool.now(job)).reason)


# --- 429


async def test_a_busy_account_rests_longer_each_time(tmp_path: Path, novelai: Service) -> None:
    """5, 10, 20 s and a bit; neither it nor another process sends anything there meanwhile, and the job goes on."""
    service, address = novelai
    async with a_pool(tmp_path, service, address, "a") as pool:
        await pool.read()
        job = await pool.wish()
        for n in range(3):
            service.fail_next(429)
            assert await pool.worker("a").step()
            rest = BUSY[0] * 2**n
            pool.clock.advance(rest - 0.5)
            assert not await pool.worker("a").step()
            assert await pool.house.store.claim(pool.id_of("a"), "another process", pool.clock(), 300) is None
            pool.clock.advance(0.5 + rest * JITTER)
        assert await pool.worker("a").step()

        done = await pool.now(job)
        assert (JobState.DONE, 1, job.turn) == (done.state, done.tries, done.turn)


async def test_a_wish_of_the_services_is_honoured(tmp_path: Path, novelai: Service) -> None:
    """Retry-After, and never less; another account takes the job at once."""
    service, address = novelai
    service.pace.retry_after = 40
    async with a_pool(tmp_path, service, address, "a", "b") as pool:
        await pool.read()
        job, other = await pool.wish(1), await pool.wish(2)
        service.fail_next(429)
        await pool.worker("a").step()
        pool.clock.advance(39)

        assert not await pool.worker("a").step()
        assert await pool.worker("b").step()
        assert JobState.DONE == (await pool.now(job)).state
        pool.clock.advance(1 + 40 * JITTER)
        assert await pool.worker("a").step()
        assert JobState.DONE == (await pool.now(other)).state


# --- 401, 402


async def test_a_refused_account_leaves_the_pool_and_comes_back(tmp_path: Path, novelai: Service) -> None:
    """The operator hears of it once, the job is made elsewhere, and nothing but a reading is sent there meanwhile."""
    service, address = novelai
    async with a_pool(tmp_path, service, address, "a", "b") as pool:
        gone = pool.account("a")
        await pool.read()
        gone.revoked = True
        job = await pool.wish(1)
        pool.clock.advance(31)
        await pool.worker("a").step()
        assert await pool.worker("b").step()
        assert JobState.DONE == (await pool.now(job)).state
        second = await pool.wish(2)
        for _ in range(20):
            assert not await pool.worker("a").step()
            pool.clock.advance(61)
        assert 1 == len(await pool.told("account.refused"))
        assert [200] == [call.status for call in service.calls]

        gone.revoked = False
        pool.clock.advance(PROBE[1])
        assert await pool.worker("a").step()
        assert JobState.DONE == (await pool.now(second)).state


@pytest.mark.parametrize("status", [401, 402, 403])
async def test_all_accounts_out_is_said_and_jobs_wait(tmp_path: Path, novelai: Service, status: int) -> None:
    """The operator is told once, also over restarts; the members see it, and are told when it is over."""
    service, address = novelai
    clock = Clock()
    async with a_pool(tmp_path, service, address, "a", clock=clock) as pool:
        await pool.read()
        job = await pool.wish()
        service.fail_next(status)
        with pool.house.services.deliveries.listen() as listener:
            await pool.worker("a").step()
            listener.drain()
            await pool.worker("a").step()
            outlook = await pool.house.services.deliveries.outlook(job.id)
        assert outlook is not None
        assert Pause(code="paused.account") == outlook.pause
        assert 1 == len(await pool.told("account.refused"))
    async with a_pool(tmp_path, service, address, "a", clock=clock) as pool:
        service.fail_next(status)
        await pool.read()
        await pool.worker("a").step()
        assert 1 == len(await pool.told("account.refused"))
        clock.advance(2 * PROBE[0] + 1)
        await pool.worker("a").step()

        assert JobState.DONE == (await pool.now(job)).state
        assert pool.house.services.deliveries._patience.pause() is None


async def test_after_a_day_a_job_is_taken_back(tmp_path: Path, novelai: Service) -> None:
    """However long the account is out; it costs nothing."""
    async with a_pool(tmp_path, *novelai, "a") as pool:
        gone = pool.account("a")
        await pool.read()
        job = await pool.wish()
        gone.revoked = True
        pool.clock.advance(86_401)
        await pool.worker("a").step()
        await pool.house.services.upkeep.tidy()

        ended = await pool.now(job)
        assert (JobState.FAILED, "failed.late", 0) == (ended.state, ended.reason, ended.charged_pictures)


async def test_what_an_account_cannot_pay_it_leaves_to_others(tmp_path: Path, novelai: Service) -> None:
    """It is not sent there to be refused, so the account stays in the pool."""
    service, address = novelai
    async with a_pool(tmp_path, service, address, "poor", "rich") as pool:
        pool.account("poor").anlas = 29
        await pool.read()
        large, small = await pool.wish(1, size=LARGE), await pool.wish(2)
        assert [True, True, False] == [await pool.worker("poor").step() for _ in range(3)]
        assert (JobState.QUEUED, JobState.DONE) == ((await pool.now(large)).state, (await pool.now(small)).state)
        assert await pool.worker("rich").step()

        assert (JobState.DONE, 9_970) == ((await pool.now(large)).state, pool.account("rich").anlas)
        assert [] == await pool.told("account.refused", "account.drift")


# --- the breaker


async def test_a_service_that_is_down_is_left_alone_until_it_is_back(tmp_path: Path, novelai: Service) -> None:
    """After three failures of several jobs nobody calls; all wait, are told until when, and all are made in the end."""
    service, address = novelai
    async with a_pool(tmp_path, service, address, "a", "b", pace=Pace(gap=0.0, retry=2.0)) as pool:
        await pool.read()
        jobs = [await pool.wish(n) for n in range(1, 4)]
        service.set_faults({"503": None})
        for word in "aba":
            await pool.worker(word).step()
        calls = len(service.calls)
        assert [False, False] == [await pool.worker(word).step() for word in "ab"]
        outlook = await pool.house.services.deliveries.outlook(jobs[0].id)
        assert outlook is not None
        assert outlook.pause is not None
        assert ("paused.down", True) == (
            outlook.pause.code,
            WAIT_MIN - 2 < outlook.pause.until - pool.clock() <= WAIT_MIN,
        )
        for wait in (1, 2, 4):
            pool.clock.advance(WAIT_MIN * wait + 1)
            assert [True, False] == [await pool.worker(word).step() for word in "ab"]
        assert calls + 3 == len(service.calls)

        service.set_faults({})
        for _ in range(4):
            pool.clock.advance(300)
            for word in "ab":
                await pool.worker(word).step()
        assert [(JobState.DONE, 0)] * 3 == [((await pool.now(job)).state, job.price) for job in jobs]
        assert pool.house.services.deliveries._patience.pause() is None


async def test_nobody_answers_and_then_somebody_does(tmp_path: Path, clock: Clock) -> None:
    """No connection at all: the job keeps its place and its tries, members see when it is looked at again."""
    service = NovelAI()
    async with service.serve() as address:
        port = int(address.rsplit(":", 1)[1])
        pool_of = a_pool(tmp_path, service, address, "a", "b", clock=clock)
        pool = await pool_of.__aenter__()
        await pool.read()
        job = await pool.wish()
    try:
        for word in "ababab":
            await pool.worker(word).step()
        waiting = await pool.now(job)
        assert (JobState.QUEUED, 0, None) == (waiting.state, waiting.tries, waiting.reason)
        outlook = await pool.house.services.deliveries.outlook(job.id)
        assert outlook is not None
        assert outlook.pause is not None
        assert outlook.starts_at >= (outlook.pause.until or 0)
        clock.advance(1_000)
        await pool.worker("a").step()
        async with service.serve(port):
            clock.advance(1_000)
            for word in "ab" * 2:
                await pool.worker(word).step()
            assert JobState.DONE == (await pool.now(job)).state
    finally:
        await pool_of.__aexit__(None, None, None)


async def test_one_request_that_novelai_trips_over_stops_nobody(tmp_path: Path, novelai: Service) -> None:
    """It fails after three tries; others are made in between."""
    async with a_pool(tmp_path, *novelai, "a") as pool:
        await pool.read()
        bad = await pool.wish(1, text="1girl, !500")
        for _ in range(3):
            assert await pool.worker("a").step()
        good = await pool.wish(2)
        assert await pool.worker("a").step()

        assert (JobState.FAILED, JobState.DONE) == ((await pool.now(bad)).state, (await pool.now(good)).state)


# --- the balance


async def test_a_top_up_is_reported_and_stops_nothing(tmp_path: Path, novelai: Service) -> None:
    """Paid or free: the balance rose, which is no reason to stop."""
    service, address = novelai
    async with a_pool(tmp_path, service, address, "a", "b") as pool:
        await pool.read()
        for price, wanted in ((0, {}), (30, {"size": LARGE})):
            job = await pool.wish(price + 1, **wanted)
            async with service.hold():
                working = asyncio.create_task(pool.worker("a").step())
                await _until(lambda job=job: _is(pool, job, JobState.SENT))
                pool.account("a").anlas += 1_000
            await working
            assert JobState.DONE == (await pool.now(job)).state

        assert [("account.drift", -1_000)] * 2 == await pool.told("account.drift", "account.stopped")


async def test_paid_work_in_a_pool_leaves_no_difference(tmp_path: Path, novelai: Service) -> None:
    """Each account's balance falls by exactly what its jobs spent, and what moved between jobs alarms nobody."""
    async with a_pool(tmp_path, *novelai, "a", "b") as pool:
        await pool.read()
        for n in range(1, 7):
            await pool.wish(n, size=LARGE, model=Model.V5_FULL if n % 2 else Model.V3)
            pool.account("a").anlas -= 7
            assert await pool.worker("ab"[n % 2]).step()

        assert [] == await pool.told("account.drift", "account.stopped", "account.lost")
        spent = 10_000 * 2 - pool.account("a").anlas - pool.account("b").anlas - 6 * 7
        assert 3 * 30 + 3 * 45 == spent
        assert [] == await differences(tmp_path)


async def test_a_bar_that_runs_out_is_no_riddle(tmp_path: Path, novelai: Service) -> None:
    """V5 was free when it was sent and paid when it was drawn: that is reported, and its price is right again."""
    service, address = novelai
    async with a_pool(tmp_path, service, address, "a") as pool:
        await pool.read()
        await pool.wish(1)
        await pool.worker("a").step()
        job = await pool.wish(2, model=Model.V5_FULL)
        pool.account("a").usage = -0.5
        await pool.worker("a").step()

        assert (JobState.DONE, [("account.drift", 30)]) == (
            (await pool.now(job)).state,
            await pool.told("account.drift", "account.stopped"),
        )
        assert 30 == pool.house.services.accounts.cheapest(job.request).total  # type: ignore[arg-type]


async def test_a_stopped_account_waits_for_the_operators_word(tmp_path: Path, novelai: Service) -> None:
    """Over a restart, named by `naibot check`; the word is given beside the running bot, which learns of it."""
    service, address = novelai
    async with a_pool(tmp_path, service, address, "a", "b") as pool:
        await pool.read()
        first = await pool.wish(1)
        async with service.hold():
            working = asyncio.create_task(pool.worker("a").step())
            await _until(lambda: _is(pool, first, JobState.SENT))
            pool.account("a").anlas -= 5
        await working
        id_ = pool.id_of("a")
        assert [("account.drift", 5), ("account.stopped", None)] == await pool.told("account.drift", "account.stopped")
    async with a_pool(tmp_path, service, address, "a", "b") as pool:
        await pool.read()
        second = await pool.wish(2)
        assert not await pool.worker("a").step()
        assert (id_,) == (await examine(tmp_path)).stopped
        assert await pool.worker("b").step()
        assert JobState.DONE == (await pool.now(second)).state

        assert not await resume(tmp_path, pool.id_of("b"))
        assert await resume(tmp_path, id_)
        await pool.house.services.accounts.refresh()
        third = await pool.wish(3)
        assert await pool.worker("a").step()
        assert JobState.DONE == (await pool.now(third)).state
        assert () == (await examine(tmp_path)).stopped


async def test_many_wishes_many_accounts(tmp_path: Path, novelai: Service) -> None:
    """Faults of every kind, three accounts and a real clock: every job ends, nothing is drawn twice, nothing drifts."""
    service, address = novelai
    faults = ["", "!429", "!500", "!billed503", "!truncated", "!cut", "!400", "!emptyzip"]
    async with a_pool(tmp_path, service, address, "a", "b", "c", pace=Pace(gap=0.0, retry=0.01)) as pool:
        pool.account("c").tier = 1
        await pool.read()
        jobs = [
            await pool.wish(
                n + 1, text=f"1girl, {fault}", size=LARGE if n % 2 else replace(LARGE, width=512, height=512)
            )
            for n, fault in enumerate(faults * 2)
        ]
        paid = [job for job in jobs if job.price]
        for _ in range(80):
            for word in "abc":
                await pool.worker(word).step()
            pool.clock.advance(20)

        ends = [await pool.now(job) for job in jobs]
        assert not [job for job in ends if job.state not in (JobState.DONE, JobState.FAILED)]
        seeds = [call.request["parameters"]["seed"] for call in service.calls if call.status not in (429, 400)]
        for job in paid:
            assert 1 == seeds.count(job.request.sampling.seed) or "!400" in job.request.text  # type: ignore[union-attr]
        assert [] == await differences(tmp_path)
        assert [] == await pool.told("account.stopped")
