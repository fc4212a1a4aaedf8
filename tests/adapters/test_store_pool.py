"""The verbs of a pool of accounts, proved of every adapter: who leaves which job to whom, rests, inputs, giving up."""

from dataclasses import replace

from bot.domain.admission import Limits, Standing, decide
from bot.domain.inputs import Img2Img, Input, InputKind
from bot.domain.job import Application, Delivery, Job, JobState, Settlement
from bot.ports import Store
from tests.builders import a_request, a_requester, an_application

NOON = 1_800_014_400.0
LEASE = 300.0
SOURCE = Input(InputKind.SOURCE)
FAILED = Settlement(state=JobState.FAILED, charged_anlas=0, charged_pictures=0, spent=0, reason="failed.novelai")


def _turn(standing: Standing) -> int:
    return decide(pictures=1, anlas=0, now=NOON, limits=Limits(waiting=99, cooldown=0), standing=standing)


async def _admit(store: Store, *, user: int = 1, price: int = 0, application: Application | None = None) -> Job:
    return await store.admit(application or an_application(a_requester(user), price=price), NOON, _turn)


async def test_an_account_with_nothing_free_leaves_free_jobs_to_others(store: Store) -> None:
    """It takes the first job that costs what it asks for, and what it left keeps its turn."""
    free = await _admit(store, user=1)
    paid = await _admit(store, user=2, price=20)

    first = await store.claim("poor", "holder", NOON, LEASE, at_least=1)
    nothing = await store.claim("dear", "holder", NOON, LEASE, at_least=1)
    second = await store.claim("opus", "holder", NOON, LEASE)

    assert first is not None
    assert second is not None
    assert (paid.id, None, free.id) == (first.id, nothing, second.id)


async def test_a_job_that_is_passed_over_waits_for_another_account(store: Store) -> None:
    """Nothing is leased where all that waits is passed over."""
    jobs = [await _admit(store, user=n) for n in range(1, 4)]

    nothing = await store.claim("a", "holder", NOON, LEASE, passing=[job.id for job in jobs])
    third = await store.claim("a", "holder", NOON, LEASE, passing={jobs[0].id, jobs[1].id})
    first = await store.claim("b", "holder-2", NOON, LEASE)

    assert nothing is None
    assert third is not None
    assert first is not None
    assert (jobs[2].id, jobs[0].id) == (third.id, first.id)


async def test_an_account_that_was_refused_rests_for_everybody(store: Store) -> None:
    """Neither its holder, nor another, nor a process after a restart claims on it; its job goes elsewhere at once."""
    await _admit(store)
    job = await store.claim("a", "holder", NOON, LEASE)
    assert job is not None
    assert await store.hand_back(job, NOON, give_back_try=True, rest_until=NOON + 20)

    assert not await store.renew(job, NOON + LEASE)
    await store.recover(NOON + 1)
    assert [None, None] == [await store.claim("a", holder, NOON + 19, LEASE) for holder in ("holder", "other")]
    elsewhere = await store.claim("b", "holder", NOON + 1, LEASE)
    assert elsewhere is not None
    await _admit(store, user=2)
    assert await store.claim("a", "other", NOON + 20, LEASE) is not None


async def test_an_account_rests_after_a_generation(store: Store) -> None:
    """The pause holds for the other processes too."""
    await _admit(store, user=1)
    await _admit(store, user=2)
    job = await store.claim("a", "holder", NOON, LEASE)
    assert job is not None
    assert await store.settle(job, NOON + 5, FAILED, rest_until=NOON + 6)

    assert await store.claim("a", "other", NOON + 5.5, LEASE) is None
    assert await store.claim("a", "other", NOON + 6, LEASE) is not None


async def test_inputs_are_kept_with_the_job_and_go_with_its_end(store: Store) -> None:
    """Admitted once however often the event comes; whatever the end is."""
    request = a_request(seed=7, img2img=Img2Img())
    wishes = [replace(an_application(a_requester(n), request), inputs={SOURCE: b"\x89PNG\x00"}) for n in range(1, 4)]
    settled, cancelled, given_up = [await _admit(store, application=wish) for wish in wishes]
    await _admit(store, application=wishes[0])
    assert {SOURCE: b"\x89PNG\x00"} == await store.inputs(settled.id)
    assert [] == list(await store.pictures(settled.id))

    job = await store.claim("a", "holder", NOON, LEASE)
    assert job is not None
    assert {SOURCE: b"\x89PNG\x00"} == await store.inputs(job.id)
    await store.settle(job, NOON, FAILED)
    await store.cancel(cancelled.id, NOON, "cancelled")
    await store.abandon(given_up.id, NOON, "failed.late")

    assert [{}, {}, {}] == [await store.inputs(each.id) for each in (settled, cancelled, given_up)]


async def test_only_what_waits_is_abandoned(store: Store) -> None:
    """It has failed, costs nothing and is shown; what an account has in hand is not taken from it."""
    job = await _admit(store, price=20)
    assert await store.abandon(job.id, NOON, "failed.late")
    assert not await store.abandon(job.id, NOON, "failed.late")
    ended = await store.get(job.id)
    assert ended is not None
    assert (JobState.FAILED, 0, "failed.late", Delivery.PENDING) == (
        ended.state,
        ended.charged_anlas,
        ended.reason,
        ended.delivery,
    )
    await _admit(store, user=2)
    running = await store.claim("a", "holder", NOON, LEASE)
    assert running is not None
    assert not await store.abandon(running.id, NOON, "failed.late")


async def test_a_second_body_raises_what_was_spent(store: Store) -> None:
    """Only while the job is sent and the lease lives; a crash then finds all that was paid."""
    await _admit(store, price=22)
    job = await store.claim("a", "holder", NOON, LEASE)
    assert job is not None
    assert not await store.send_more(job, NOON, 22)
    assert await store.send(job, NOON, 2)
    assert await store.send_more(job, NOON, 22)
    assert not await store.send_more(job, NOON + LEASE + 1, 24)

    [lost] = await store.recover(NOON + LEASE + 1)
    assert (JobState.FAILED, 22, 0) == (lost.state, lost.spent, lost.charged_anlas)
