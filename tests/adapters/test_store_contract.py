"""The law of queue and ledger, proved of every adapter of the `Store` port."""

import asyncio
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.admission import DOUBLE_CLICK, Level, Limits, Standing, Ticket, Usage, decide
from bot.domain.allowance import Caps
from bot.domain.calendar import Span, day_of
from bot.domain.errors import LimitReached, Refused, StoreError
from bot.domain.guild import GuildConfig
from bot.domain.job import Application, Delivery, Job, JobState, Noted, Settlement
from bot.domain.model import Smea
from bot.domain.record import Record
from bot.domain.request import Context, Picture
from bot.domain.sheet import Sheet
from bot.ports import Decide, Store
from tests.adapters.conftest import ADAPTERS, Adapter, adapters, differences
from tests.builders import GUILD, LARGE, a_place, a_request, a_requester, an_application

NOON = 1_800_014_400.0
MIDNIGHT = day_of(NOON).end
LEASE = 300.0
ACCOUNT = "account-1"
HOLDER = "holder-1"
PICTURE = Picture(data=b"\x89PNG\x00\xff", media_type="image/png", seed=7)
FREE = Limits(waiting=1_000)
RECORD = Record(at=NOON, kind="member.granted", guild_id=GUILD, actor=9)


def _decide(application: Application, now: float, limits: Limits = FREE) -> Decide:
    def turn(standing: Standing) -> Ticket:
        # How fast a member may press is not the store's business.
        calm = replace(standing, last_admitted=None)
        return decide(pictures=application.pictures, anlas=application.price, now=now, limits=limits, standing=calm)

    return turn


async def _admit(store: Store, application: Application, now: float = NOON, limits: Limits = FREE) -> Job:
    return await store.admit(application, now, _decide(application, now, limits))


async def _claim(store: Store, now: float = NOON, *, account: str = ACCOUNT, holder: str = HOLDER) -> Job:
    job = await store.claim(account, holder, now, LEASE)
    assert job is not None
    return job


async def _sent(store: Store, *, price: int = 0, now: float = NOON) -> Job:
    await _admit(store, an_application(price=price), now)
    job = await _claim(store, now)
    assert await store.send(job, now, price)
    return job


async def _now(store: Store, job: Job) -> Job:
    current = await store.get(job.id)
    assert current is not None
    return current


def _own(standing: Standing) -> Usage:
    return standing.of(Level.MEMBER)


def _done(job: Job) -> Settlement:
    return Settlement(state=JobState.DONE, charged_anlas=job.price, charged_pictures=job.pictures, spent=job.price)


def _failed(*, spent: int = 0) -> Settlement:
    return Settlement(state=JobState.FAILED, charged_anlas=0, charged_pictures=0, spent=spent, reason="failed.novelai")


# --- admission


async def test_a_job_comes_back_as_it_was_asked_for(store: Store) -> None:
    """Requester, place and request survive the row word for word, 64-bit ids included."""
    requester = replace(a_requester(2**63 - 1), role_ids=(1, 2**62), parent_id=5, locale="de")
    request = a_request("héllo 👋 \x00 {}", size=LARGE, samples=2, smea=Smea.DYN, seed=9, undesired_content="bad")
    application = an_application(
        requester, request, price=60, origin="300:reroll", place=a_place(), interaction=2**63 - 1
    )

    job = await _now(store, await _admit(store, application))

    assert (requester, request, a_place()) == (job.requester, job.request, job.place)
    assert (60, 2, "300:reroll", 2**63 - 1) == (job.price, job.pictures, job.origin, job.interaction)
    assert (JobState.QUEUED, Delivery.NONE, None, NOON) == (job.state, job.delivery, job.charged_anlas, job.admitted_at)


async def test_of_two_hundred_at_once_exactly_as_many_enter_as_are_left(store: Store) -> None:
    """A limit of 20 admits 20, however many ask at the same moment, and whichever limit it is."""
    limits = Limits(pictures_day=20, anlas_day=10_000, waiting=1_000)

    answers = await asyncio.gather(
        *(_admit(store, an_application(price=1), limits=limits) for _ in range(200)), return_exceptions=True
    )

    assert 20 == sum(isinstance(answer, Job) for answer in answers)
    assert {"quota.day"} == {answer.code for answer in answers if isinstance(answer, LimitReached)}
    standing = await store.standing(a_requester(), NOON)
    assert (20, 20, 20) == (standing.pictures, standing.anlas, standing.waiting)


async def test_the_house_budget_holds_over_all_members(store: Store) -> None:
    """Members of different servers share one budget, to the Anlas."""
    limits = Limits(house=Caps(anlas_day=100), waiting=1_000)
    wishes = [an_application(a_requester(n, guild_id=n % 3 + 1), price=30) for n in range(1, 21)]

    answers = await asyncio.gather(*(_admit(store, wish, limits=limits) for wish in wishes), return_exceptions=True)

    assert 3 == sum(isinstance(answer, Job) for answer in answers)
    assert 90 == (await store.standing(a_requester(), NOON)).house_anlas


async def test_the_same_key_twice_is_one_job(store: Store) -> None:
    """One event delivered twice is one job, also when the limit would refuse the second."""
    wish = an_application(key="event", price=5)
    limits = Limits(pictures_day=1)

    first, second = await asyncio.gather(_admit(store, wish, limits=limits), _admit(store, wish, NOON + 60, limits))

    assert first.id == second.id
    assert 1 == (await store.standing(a_requester(), NOON)).pictures


@pytest.mark.parametrize(("seconds", "jobs"), [(0.0, 1), (DOUBLE_CLICK, 1), (3.0, 2), (-3.0, 2)])
async def test_two_presses_within_two_seconds_are_one_wish(store: Store, seconds: float, jobs: int) -> None:
    """A double click makes one job; a later press, by whatever clock, is a new wish."""
    first = await _admit(store, an_application(origin="300:reroll"))
    second = await _admit(store, an_application(origin="300:reroll"), NOON + seconds)

    assert jobs == len({first.id, second.id})
    assert jobs == (await store.standing(a_requester(), NOON)).pictures


async def test_only_the_same_button_pressed_by_the_same_person_is_a_double_press(store: Store) -> None:
    """Another button, another person, or a command is a wish of its own."""
    wishes = [
        an_application(origin="300:reroll"),
        an_application(origin="300:again"),
        an_application(origin="301:reroll"),
        an_application(a_requester(2), origin="300:reroll"),
        an_application(),
        an_application(),
    ]

    assert 6 == len({(await _admit(store, wish)).id for wish in wishes})


async def test_a_refused_wish_leaves_no_trace(store: Store) -> None:
    """What the decision refuses is written nowhere."""
    with pytest.raises(LimitReached):
        await _admit(store, an_application(), limits=Limits(pictures_day=0))

    assert [] == list(await store.waiting())
    assert await store.is_empty()
    standing = await store.standing(a_requester(), NOON)
    assert (0, 0, 0, None) == (standing.now_turn, standing.last_turn, standing.waiting, standing.last_admitted)
    assert not any(usage.pictures or usage.anlas for usage in standing.usage.values())


async def test_a_draft_is_consumed_once(store: Store) -> None:
    """Of confirms at the same moment all get the one job; a later wish finds the draft gone."""
    draft = await store.propose(a_requester(), a_request(), 30, NOON + 900)
    wish = an_application(key=f"draft:{draft.id}", price=30)

    jobs = await asyncio.gather(*(store.admit(wish, NOON, _decide(wish, NOON), draft_id=draft.id) for _ in range(10)))

    assert 1 == len({job.id for job in jobs})
    assert await store.draft(draft.id) is None
    other = an_application(price=30)
    with pytest.raises(Refused, match=r"draft\.gone"):
        await store.admit(other, NOON, _decide(other, NOON), draft_id=draft.id)


async def test_a_form_is_kept_with_what_was_typed(store: Store) -> None:
    """A draft of its own kind, consumed like any other."""
    sheet = Sheet(request=a_request(characters=""), left_out={"vibes": 2}, typed={"seed": "x", "prompt": "猫"})
    draft = await store.propose(a_requester(), sheet.request, 0, NOON + 900, sheet=sheet)

    found = await store.draft(draft.id)

    assert found == draft
    assert found is not None
    assert (sheet, sheet.request) == (found.sheet, found.request)
    assert await store.drop_draft(draft.id)
    assert (await store.propose(a_requester(), a_request(), 30, NOON + 900)).sheet is None


async def test_a_draft_survives_a_refusal_but_not_its_time(store: Store) -> None:
    """A limit that binds leaves the draft for later; its fifteen minutes end it, and its id never comes back."""
    draft = await store.propose(a_requester(), a_request(), 30, NOON + 900)
    wish = an_application(price=30)

    with pytest.raises(LimitReached):
        await store.admit(wish, NOON, _decide(wish, NOON, Limits(anlas_day=0)), draft_id=draft.id)
    assert draft == await store.draft(draft.id)
    with pytest.raises(Refused, match=r"draft\.gone"):
        await store.admit(wish, NOON + 901, _decide(wish, NOON), draft_id=draft.id)
    await store.forget_tokens(NOON + 901)
    assert await store.draft(draft.id) is None
    assert draft.id < (await store.propose(a_requester(), a_request(), 30, NOON + 900)).id


async def test_a_draft_is_its_owners_alone(store: Store) -> None:
    """Nobody spends what another was asked about."""
    draft = await store.propose(a_requester(1), a_request(), 30, NOON + 900)
    wish = an_application(a_requester(2), price=30)

    with pytest.raises(Refused, match=r"draft\.gone"):
        await store.admit(wish, NOON, _decide(wish, NOON), draft_id=draft.id)

    assert await store.drop_draft(draft.id)
    assert not await store.drop_draft(draft.id)


# --- the day


async def test_usage_starts_again_at_midnight_utc(store: Store) -> None:
    """A limit binds until the last moment of the UTC day and is whole again at its end."""
    limits = Limits(pictures_day=1, house=Caps(anlas_day=30), waiting=1_000)
    await _admit(store, an_application(price=30), MIDNIGHT - 2, limits)
    with pytest.raises(LimitReached):
        await _admit(store, an_application(), MIDNIGHT - 0.001, limits)

    assert 0 == (await store.standing(a_requester(), MIDNIGHT)).pictures
    await _admit(store, an_application(price=30), MIDNIGHT, limits)

    standing = await store.standing(a_requester(), MIDNIGHT)
    assert (1, 30, 1, 30) == (standing.pictures, standing.anlas, standing.house_pictures, standing.house_anlas)


async def test_settling_yesterdays_job_leaves_today_alone(store: Store) -> None:
    """A job counts on the day it was admitted, whenever it ends."""
    await _admit(store, an_application(price=30), MIDNIGHT - 1)
    await _admit(store, an_application(price=5), MIDNIGHT + 1)
    old = await _claim(store, MIDNIGHT + 2)
    await store.send(old, MIDNIGHT + 2, 30)
    await store.settle(old, MIDNIGHT + 3, _failed(spent=30))

    standing = await store.standing(a_requester(), MIDNIGHT + 4)

    assert (1, 5, 1, 5) == (standing.pictures, standing.anlas, standing.house_pictures, standing.house_anlas)


async def test_a_clock_that_is_put_back_finds_the_usage_of_the_day_it_left(store: Store) -> None:
    """Nobody gains a second quota by a clock that crosses midnight twice."""
    limits = Limits(pictures_day=1, waiting=1_000)
    await _admit(store, an_application(), MIDNIGHT - 1, limits)
    await _admit(store, an_application(), MIDNIGHT + 1, limits)

    with pytest.raises(LimitReached, match=r"quota\.day"):
        await _admit(store, an_application(), MIDNIGHT - 1, limits)
    with pytest.raises(LimitReached, match=r"quota\.day"):
        await _admit(store, an_application(), MIDNIGHT + 1, limits)


async def test_what_was_granted_is_for_today_and_for_one_server(store: Store) -> None:
    """Extra adds up within the day and is gone after it."""
    await store.grant(GUILD, 1, NOON, pictures=2, record=RECORD)
    await store.grant(GUILD, 1, NOON, pictures=3, anlas=50, record=RECORD)

    today = await store.standing(a_requester(), NOON)
    tomorrow = await store.standing(a_requester(), MIDNIGHT)
    elsewhere = await store.standing(a_requester(guild_id=GUILD + 1), NOON)

    await _admit(store, an_application(), MIDNIGHT)
    admitted = await store.standing(a_requester(), MIDNIGHT)

    extras = [(usage.extra_pictures, usage.extra_anlas) for usage in map(_own, (today, tomorrow, elsewhere, admitted))]
    assert [(5, 50), (0, 0), (0, 0), (0, 0)] == extras
    week = admitted.of(Level.MEMBER, Span.WEEK)
    assert (5, 50) == (week.extra_pictures, week.extra_anlas)


async def test_direct_messages_are_one_scope(store: Store) -> None:
    """A member's direct messages and user installs share a quota, apart from every server's."""
    for context in (Context.DM, Context.USER_INSTALL):
        await _admit(store, an_application(a_requester(context=context, guild_id=GUILD)))

    assert 2 == (await store.standing(a_requester(context=Context.DM, guild_id=None), NOON)).pictures
    assert 0 == (await store.standing(a_requester(), NOON)).pictures


# --- claim, send, settle


async def test_of_two_claimers_one_gets_the_job(store: Store) -> None:
    """One job, many accounts and holders at once: it is started once."""
    await _admit(store, an_application())

    claims = await asyncio.gather(*(store.claim(f"account-{n}", f"holder-{n}", NOON, LEASE) for n in range(5)))

    assert 1 == sum(job is not None for job in claims)


async def test_an_account_makes_one_picture_at_a_time(store: Store) -> None:
    """Neither its own holder nor another gets a second job while one runs; after the end both may."""
    for user_id in (1, 2):
        await _admit(store, an_application(a_requester(user_id)))
    first = await _claim(store)

    assert await store.claim(ACCOUNT, HOLDER, NOON, LEASE) is None
    assert await store.claim(ACCOUNT, "holder-2", NOON, LEASE) is None
    await store.send(first, NOON, 0)
    assert await store.claim(ACCOUNT, HOLDER, NOON, LEASE) is None
    await store.settle(first, NOON, _done(first), [PICTURE])

    second = await _claim(store, holder="holder-2")
    assert first.fence < second.fence


async def test_where_nothing_waits_no_lease_is_kept(store: Store) -> None:
    """A claim in vain leaves the account to everybody."""
    assert await store.claim(ACCOUNT, HOLDER, NOON, LEASE) is None
    await _admit(store, an_application())

    assert await store.claim(ACCOUNT, "holder-2", NOON, LEASE) is not None


async def test_a_member_runs_as_many_at_once_as_the_server_allows(store: Store) -> None:
    """One, unless the server's settings say more; others pass by, and other servers do not count."""
    for user_id in (1, 1, 1, 2):
        await _admit(store, an_application(a_requester(user_id)))

    async def starts(account: str) -> int | None:
        job = await store.claim(account, HOLDER, NOON, LEASE)
        return job.user_id if job else None

    assert [1, 2, None] == [await starts(f"account-{n}") for n in range(3)]
    await store.save(GUILD, GuildConfig(running=2), NOON)
    assert [1, None] == [await starts(f"account-{n}") for n in range(3, 5)]


async def test_a_job_is_not_taken_before_its_time(store: Store) -> None:
    """Handed back with a wait, it keeps its turn, lets others by, and comes first again."""
    mine = await _admit(store, an_application(a_requester(1)))
    theirs = await _admit(store, an_application(a_requester(2)))
    held = await _claim(store)

    assert await store.hand_back(held, NOON + 10, give_back_try=True)

    waiting = await _now(store, mine)
    assert (JobState.QUEUED, mine.turn, 0) == (waiting.state, waiting.turn, waiting.tries)
    other = await _claim(store)
    assert theirs.id == other.id
    await store.hand_back(other, NOON, give_back_try=False)
    assert 1 == (await _now(store, theirs)).tries
    assert mine.id == (await _claim(store, NOON + 10)).id


async def test_each_claim_counts_a_try(store: Store) -> None:
    """A job that kills its process every time is not taken for ever."""
    await _admit(store, an_application())
    for tries in (1, 2, 3):
        assert tries == (await _claim(store)).tries
        await store.recover(NOON, HOLDER)


async def test_settling_twice_charges_once(store: Store) -> None:
    """Only the first settlement changes anything, whatever the second one says."""
    job = await _sent(store, price=30)

    assert await store.settle(job, NOON + 5, _done(job), [PICTURE, replace(PICTURE, seed=8)])
    assert not await store.settle(job, NOON + 6, _done(job), [PICTURE])
    assert not await store.settle(job, NOON + 6, _failed())

    ended = await _now(store, job)
    assert (JobState.DONE, Delivery.PENDING, 30, 1, 30) == (
        ended.state,
        ended.delivery,
        ended.charged_anlas,
        ended.charged_pictures,
        ended.spent,
    )
    assert [PICTURE, replace(PICTURE, seed=8)] == list(await store.pictures(job.id))
    assert 30 == (await store.standing(a_requester(), NOON)).anlas


async def test_a_failed_job_gives_back_and_the_house_remembers_what_was_spent(store: Store) -> None:
    """The member pays nothing for what failed; the operator's budget keeps what the account paid."""
    job = await _sent(store, price=30)

    assert await store.settle(job, NOON, _failed(spent=30))

    standing = await store.standing(a_requester(), NOON)
    assert (0, 0, 0, 30) == (standing.pictures, standing.anlas, standing.house_pictures, standing.house_anlas)


async def test_a_job_that_is_not_sent_is_not_done(store: Store) -> None:
    """The order of states is the law: RUNNING cannot become DONE."""
    await _admit(store, an_application())
    job = await _claim(store)

    assert not await store.settle(job, NOON, _done(job), [PICTURE])

    assert JobState.RUNNING == (await _now(store, job)).state


async def test_an_end_the_member_caused_is_no_parcel(store: Store) -> None:
    """Silent ends are not delivered (what waits for a moderator is in `test_store_cases`)."""
    job = await _sent(store)
    await store.settle(job, NOON, replace(_failed(), silent=True))

    assert Delivery.NONE == (await _now(store, job)).delivery
    assert await store.next_delivery(NOON, 60) is None


async def test_the_writes_of_an_older_holder_change_nothing(store: Store) -> None:
    """Once the lease ran out and another took the account, the old holder's every verb is void."""
    await _admit(store, an_application(price=30))
    old = await _claim(store)
    new = await _claim(store, NOON + LEASE, holder="holder-2")

    assert old.id == new.id
    assert [False] * 5 == [
        await store.send(old, NOON, 30),
        await store.hand_back(old, NOON, give_back_try=True),
        await store.settle(old, NOON, _failed()),
        await store.settle(old, NOON, _done(old), [PICTURE]),
        await store.renew(old, NOON + 10_000),
    ]
    assert new == replace(await _now(store, new), state=JobState.RUNNING)
    assert await store.send(new, NOON + LEASE, 30)


async def test_nothing_is_sent_under_a_lease_that_ran_out(store: Store) -> None:
    """A process that slept past its lease sends nothing, even if nobody took the account meanwhile."""
    await _admit(store, an_application())
    job = await _claim(store)

    assert not await store.send(job, NOON + LEASE + 1, 0)
    assert await store.renew(job, NOON + 2 * LEASE)
    assert await store.send(job, NOON + LEASE + 1, 0)


@pytest.mark.parametrize("is_sent", [False, True])
async def test_a_paid_job_whose_lease_ran_out_is_not_sent_twice(store: Store, *, is_sent: bool) -> None:
    """At the next claim: what was not sent is taken again, what was sent and paid has failed at no charge."""
    await _admit(store, an_application(price=30))
    job = await _claim(store)
    if is_sent:
        await store.send(job, NOON, 30)

    again = await store.claim(ACCOUNT, "holder-2", NOON + LEASE, LEASE)

    assert is_sent == (again is None)
    state = JobState.FAILED if is_sent else JobState.RUNNING
    assert state == (await _now(store, job)).state


@pytest.mark.parametrize("first", ["cancel", "send"])
async def test_of_cancel_and_send_one_wins(store: Store, first: str) -> None:
    """Cancel wins until `send`; after it the answer is no."""
    await _admit(store, an_application(price=30))
    job = await _claim(store)
    verbs = {"cancel": store.cancel(job.id, NOON, "cancelled"), "send": store.send(job, NOON, 30)}
    order = sorted(verbs, key=lambda verb: verb != first)

    answers = dict(zip(order, await asyncio.gather(*(verbs[verb] for verb in order)), strict=True))

    assert {first: True} == {verb: answer for verb, answer in answers.items() if answer}
    ended = await _now(store, job)
    assert (JobState.CANCELLED if first == "cancel" else JobState.SENT) == ended.state
    assert (0 if first == "cancel" else 30) == (await store.standing(a_requester(), NOON)).anlas


async def test_a_cancelled_job_frees_its_account_and_is_delivered(store: Store) -> None:
    """A cancel costs nothing, works once, leaves the account to the next job, and its message is taken away."""
    first = await _admit(store, an_application(a_requester(1)))
    second = await _admit(store, an_application(a_requester(2)))
    await _claim(store)

    assert await store.cancel(first.id, NOON, "cancelled")
    assert not await store.cancel(first.id, NOON, "withdrawn")
    assert not await store.cancel(999, NOON, "cancelled")

    ended = await _now(store, first)
    assert (JobState.CANCELLED, Delivery.PENDING, "cancelled", 0, 0) == (
        ended.state,
        ended.delivery,
        ended.reason,
        ended.charged_anlas,
        ended.charged_pictures,
    )
    assert second.id == (await _claim(store, holder="holder-2")).id


async def test_recovery_puts_every_job_where_it_belongs(store: Store) -> None:
    """RUNNING and SENT for nothing wait again at their turn, SENT and paid has failed, the rest is untouched."""
    jobs = [await _admit(store, an_application(a_requester(n), price=price)) for n, price in enumerate((0, 0, 30, 5))]
    running, free, paid = [await _claim(store, account=f"account-{n}") for n in range(3)]
    await store.send(free, NOON, 0)
    await store.send(paid, NOON, 30)

    touched = await store.recover(NOON + 1, HOLDER)

    assert {running.id, free.id, paid.id} == {job.id for job in touched}
    assert [JobState.QUEUED, JobState.QUEUED, JobState.FAILED, JobState.QUEUED] == [
        (await _now(store, job)).state for job in jobs
    ]
    assert [job.turn for job in jobs] == [(await _now(store, job)).turn for job in jobs]
    lost = await _now(store, paid)
    assert ("failed.answer", 0, 30, Delivery.PENDING) == (lost.reason, lost.charged_anlas, lost.spent, lost.delivery)
    assert not await store.renew(running, NOON + LEASE)
    assert running.id == (await _claim(store, holder="holder-2")).id
    assert 1 == len(await store.recover(NOON + 2, "holder-2"))
    assert [] == list(await store.recover(NOON + 2, "holder-2"))


async def test_after_a_start_deliveries_are_offered_again(store: Store) -> None:
    """A courier that died with its process holds up nobody for longer than its lease."""
    job = await _sent(store)
    await store.settle(job, NOON, _done(job))
    assert await store.next_delivery(NOON, 60) is not None

    await store.recover(NOON + 60)

    assert await store.next_delivery(NOON + 60, 60) is not None


async def test_a_lease_that_ran_out_is_reaped_and_one_that_lives_is_not(store: Store) -> None:
    """An account whose process died is free again, though nobody here may use it; the rest goes on undisturbed."""
    for user_id in (1, 2, 3):
        await _admit(store, an_application(a_requester(user_id), price=30))
    dead, lost, alive = [await _claim(store, NOON + n, account=f"account-{n}", holder=f"holder-{n}") for n in range(3)]
    await store.send(lost, NOON + 1, 30)

    assert [] == list(await store.reap(NOON + LEASE - 1))
    touched = await store.reap(NOON + LEASE + 1)

    assert [(dead.id, JobState.QUEUED), (lost.id, JobState.FAILED)] == [(job.id, job.state) for job in touched]
    assert JobState.RUNNING == (await _now(store, alive)).state
    assert [] == list(await store.reap(NOON + LEASE + 1))
    assert not await store.send(dead, NOON + LEASE + 1, 30)
    assert await store.send(alive, NOON + LEASE + 1, 30)


async def test_one_process_alone_does_what_one_has_to(store: Store) -> None:
    """A task is its holder's until its time runs out, and may be kept; each task by itself."""
    answers = await asyncio.gather(*(store.lead("log", f"holder-{n}", NOON, NOON + 30) for n in range(4)))
    assert 1 == sum(answers)
    leader, other = f"holder-{answers.index(True)}", f"holder-{answers.index(False)}"

    assert await store.lead("log", leader, NOON + 29, NOON + 60)
    assert not await store.lead("log", other, NOON + 59, NOON + 90)
    assert await store.lead("identify", other, NOON + 59, NOON + 90)
    assert await store.lead("log", other, NOON + 60, NOON + 90)
    assert not await store.lead("log", leader, NOON + 61, NOON + 90)


async def test_a_message_that_is_edited_waits_with_its_result(store: Store) -> None:
    """One edits a waiting message at a time; the end of its job is shown after that, and needs no leave."""
    job = await _admit(store, an_application())

    holds = await asyncio.gather(*(store.hold(job.id, NOON, NOON + n) for n in (20, 21)))
    assert [False, True] == sorted(holds)
    until = NOON + (20 if holds[0] else 21)
    await store.cancel(job.id, NOON, "cancelled")
    assert await store.next_delivery(NOON + 1, 60) is None
    await store.let_go(job.id, until + 1)
    assert await store.next_delivery(NOON + 1, 60) is None
    await store.let_go(job.id, until)

    assert await store.next_delivery(NOON + 1, 60) is not None
    assert not await store.hold(job.id, NOON + 100, NOON + 120)


async def test_what_happened_is_told_in_order(store: Store) -> None:
    """Every line of the audit, by what it is about, behind the one that was read last."""
    job = await _admit(store, an_application())
    await store.write(NOON, "account.stopped", job_id=job.id)
    await store.write(NOON, "word.added", guild_id=GUILD)

    told = await store.happenings(0, 10)
    assert ["job.admitted", "account.stopped", "word.added"] == [each.kind for each in told]
    assert [(GUILD, job.id), (None, job.id), (GUILD, None)] == [(each.guild_id, each.job_id) for each in told]
    assert told[1:2] == await store.happenings(told[0].id, 1)


# --- deliveries


async def test_a_delivery_belongs_to_one_courier_for_its_lease(store: Store) -> None:
    """Of couriers at the same moment one gets it; after the lease, or once handed back, it is offered again."""
    job = await _sent(store)
    await store.settle(job, NOON, _done(job), [PICTURE])

    offers = await asyncio.gather(*(store.next_delivery(NOON, 60) for _ in range(5)))

    assert [job.id] == [offer.id for offer in offers if offer]
    assert await store.next_delivery(NOON + 59, 60) is None
    assert await store.next_delivery(NOON + 60, 60) is not None
    assert await store.retry_delivery(job.id, NOON + 70)
    assert await store.next_delivery(NOON + 69, 60) is None
    assert await store.next_delivery(NOON + 70, 60) is not None


async def test_the_oldest_end_is_shown_first_and_once(store: Store) -> None:
    """Deliveries come in the order of their ends; what was shown is never offered again."""
    jobs = [await _sent(store, now=NOON + n) for n in range(1)]
    await store.settle(jobs[0], NOON + 1, _done(jobs[0]))
    jobs.append(await _sent(store, now=NOON + 2))
    await store.settle(jobs[1], NOON + 3, _failed())

    order = []
    while (offer := await store.next_delivery(NOON + 4, 60)) is not None:
        order.append(offer.id)
        assert await store.shown(offer.id, NOON + 4, None)
        assert not await store.shown(offer.id, NOON + 4, None)
        assert not await store.retry_delivery(offer.id, NOON)
        assert not await store.lapse(offer.id, NOON)

    assert [job.id for job in jobs] == order


async def test_showing_notes_the_new_message(store: Store) -> None:
    """A place learns its message when the waiting message exists, and again when a new one replaced it."""
    await _admit(store, an_application())
    job = await _claim(store)
    assert await store.place(job.id, a_place(301))
    assert not await store.place(999, a_place(301))
    await store.send(job, NOON, 0)
    await store.settle(job, NOON, _done(job))

    await store.shown(job.id, NOON, 302)

    assert a_place(302) == (await _now(store, job)).place


async def test_what_lapses_gives_the_charge_back(store: Store) -> None:
    """Nobody saw it, so the member pays nothing; what the account paid stays in the house's budget."""
    job = await _sent(store, price=30)
    await store.settle(job, NOON, _done(job), [PICTURE])

    assert await store.lapse(job.id, NOON)
    assert not await store.lapse(job.id, NOON)

    lapsed, standing = await _now(store, job), await store.standing(a_requester(), NOON)
    assert (Delivery.LAPSED, 0, 0, 30) == (
        lapsed.delivery,
        lapsed.charged_anlas,
        lapsed.charged_pictures,
        lapsed.spent,
    )
    assert (0, 0, 30) == (standing.pictures, standing.anlas, standing.house_anlas)


async def test_a_nonce_is_noted_once(store: Store) -> None:
    """Of two couriers with the same message one may send it; each of a job's messages has its own."""
    job = await _admit(store, an_application())

    answers = await asyncio.gather(*(store.note_nonce(job.id, f"{job.id}-1", NOON + n) for n in range(3)))

    assert [False, False, True] == sorted(noted.is_new for noted in answers)
    assert 1 == len({noted.at for noted in answers})
    assert (await store.note_nonce(job.id, f"{job.id}-2", NOON)).is_new
    await store.note_posted(job.id, f"{job.id}-2", 2**63 - 1)
    assert Noted(is_new=False, at=NOON, message_id=2**63 - 1) == await store.note_nonce(job.id, f"{job.id}-2", NOON + 9)
    with pytest.raises(StoreError):
        await store.note_nonce(999, "999-1", NOON)


async def test_the_messages_that_show_a_job_are_known(store: Store) -> None:
    """Posts and parts in its channel, and neither direct messages nor a nudge; only what was really posted."""
    job = await _admit(store, an_application())
    for n, what in enumerate(("0", "2", "dm", "dm2", "nudge", "3")):
        await store.note_nonce(job.id, f"{job.id}-{what}", NOON)
        if what != "3":
            await store.note_posted(job.id, f"{job.id}-{what}", 500 + n)

    assert [500, 501] == list(await store.posted(job.id))
    assert [] == list(await store.posted(999))


async def test_tokens_go_when_they_expire(store: Store) -> None:
    """The token alone is erased; where the answer goes stays known."""
    old = await _admit(store, an_application(a_requester(1), place=a_place(token_expires=NOON + 900)))
    new = await _admit(store, an_application(a_requester(2), place=a_place(token_expires=NOON + 901)))

    assert 1 == await store.forget_tokens(NOON + 900)
    assert 0 == await store.forget_tokens(NOON + 900)

    assert a_place(token=None, token_expires=NOON + 900) == (await _now(store, old)).place
    assert a_place(token_expires=NOON + 901) == (await _now(store, new)).place


async def test_pictures_go_an_hour_after_they_were_shown(store: Store) -> None:
    """Bytes are kept until the moment given, in the inbox, and while nobody saw them; they go at once if they lapse."""
    jobs = []
    for _ in range(4):
        job = await _sent(store)
        await store.settle(job, NOON, _done(job), [PICTURE])
        jobs.append(job)
    await store.shown(jobs[0].id, NOON, None)
    await store.lapse(jobs[1].id, NOON + 1)
    await store.keep(jobs[2].id, NOON, NOON + 86_400)

    assert [1, 0, 1, 1] == [len(await store.pictures(job.id)) for job in jobs]
    assert 0 == await store.purge_pictures(NOON)
    assert 1 == await store.purge_pictures(NOON + 1)

    assert [0, 0, 1, 1] == [len(await store.pictures(job.id)) for job in jobs]


# --- servers and records


async def test_settings_come_back_as_they_were_saved(store: Store) -> None:
    """A server is admitted by having settings; one that only has members is not."""
    config = GuildConfig(channels=(1, 2**62), pictures_day=None, running=3, size=LARGE)
    await store.save(GUILD, config, NOON)
    await _admit(store, an_application(a_requester(guild_id=GUILD + 1)))
    await store.save(GUILD, replace(config, cooldown=9), NOON)

    assert replace(config, cooldown=9) == await store.config(GUILD)
    assert {GUILD: replace(config, cooldown=9)} == dict(await store.configs())
    assert await store.config(GUILD + 1) is None


async def test_the_store_is_empty_until_it_held_a_server_or_a_job(store: Store) -> None:
    """A seed applies only to a store nobody has used."""
    assert await store.is_empty()
    await _admit(store, an_application())
    assert not await store.is_empty()


async def test_what_the_house_remembers_is_replaced(store: Store) -> None:
    """The last one counts."""
    assert await store.recall("digest") is None
    await store.remember("digest", "one")
    await store.remember("digest", "two")
    assert "two" == await store.recall("digest")


async def test_records_are_numbered_in_order(store: Store) -> None:
    """The audit only grows."""
    first = await store.write(NOON, "guild.saved", guild_id=GUILD, actor=1, data={"cooldown": 3})
    second = await store.write(NOON, "account.lost", job_id=5)

    assert first < second


async def test_recent_tells_of_jobs_with_an_interaction_oldest_first(store: Store) -> None:
    """Jobs without one, or from before, are not among them."""
    await _admit(store, an_application(a_requester(1), interaction=1), NOON - 1)
    wanted = [await _admit(store, an_application(a_requester(n), interaction=n), NOON + n) for n in (2, 3)]
    await _admit(store, an_application(a_requester(4)), NOON + 4)

    assert [job.id for job in wanted] == [job.id for job in await store.recent(NOON)]


@pytest.mark.parametrize("job_id", [0, -1, 999, 2**63, 10**30])
async def test_an_id_that_names_nothing_finds_nothing(store: Store, job_id: int) -> None:
    """Ids come from buttons that anyone may forge."""
    assert await store.get(job_id) is None
    assert await store.draft(job_id) is None


async def test_everything_survives_a_restart(adapter: Adapter, tmp_path: Path) -> None:
    """What was committed is there when the folder is opened again."""
    async with adapter(tmp_path) as store:
        job = await _sent(store, price=30)
        await store.settle(job, NOON, _done(job), [PICTURE])
        before = await _now(store, job)
    async with adapter(tmp_path) as store:
        assert before == await store.get(job.id)
        assert [PICTURE] == list(await store.pictures(job.id))
        assert 30 == (await store.standing(a_requester(), NOON)).anlas


# --- always


@dataclass
class World:
    """What a random sequence of verbs has made, seen from outside."""

    store: Store
    now: float
    admitted: set[int]
    held: list[Job]


PICTURES_DAY, ANLAS_DAY, HOUSE_ANLAS = 6, 40, 60
BOUND = Limits(pictures_day=PICTURES_DAY, anlas_day=ANLAS_DAY, house=Caps(anlas_day=HOUSE_ANLAS), waiting=4)


async def _do(world: World, verb: str, n: int) -> None:
    store, now = world.store, world.now
    job = world.held[n % len(world.held)] if world.held else None
    if verb == "admit":
        wish = an_application(a_requester(n % 3, guild_id=1 + n % 2), price=n % 4 * 5)
        try:
            world.admitted.add((await _admit(store, wish, now, BOUND)).id)
        except LimitReached:
            return
    elif verb == "claim":
        claimed = await store.claim(f"account-{n % 2}", f"holder-{n % 3}", now, LEASE)
        world.held += [claimed] if claimed else []
    elif verb == "tick":
        world.now += (1.0, 61.0, LEASE, 30_000.0)[n % 4]
    elif verb == "cancel":
        await store.cancel(n, now, "cancelled")
    elif verb == "recover":
        await store.recover(now, f"holder-{n % 3}")
    elif verb == "reap":
        await store.reap(now)
    elif verb == "deliver":
        if (offer := await store.next_delivery(now, 60)) and n % 3:
            await (store.lapse(offer.id, now) if n % 2 else store.shown(offer.id, now, n))
    elif job is not None:
        await _do_with(world, verb, job, n)


async def _do_with(world: World, verb: str, job: Job, n: int) -> None:
    """A worker's verb with a job it holds, or believes to hold."""
    store, now = world.store, world.now
    if verb == "send":
        await store.send(job, now, job.price)
    elif verb == "hand back":
        await store.hand_back(job, now + n % 5, give_back_try=bool(n % 2))
    elif verb == "done":
        await store.settle(job, now, _done(job), [PICTURE])
    elif verb == "fail":
        await store.settle(job, now, _failed(spent=job.price if n % 2 else 0))


VERBS = ("admit", "admit", "claim", "claim", "send", "send", "done", "fail")
RARE = ("tick", "cancel", "recover", "reap", "deliver", "hand back")
steps = st.lists(st.tuples(st.sampled_from(VERBS + RARE), st.integers(0, 23)), min_size=5, max_size=60)


async def _usages(world: World) -> list[Standing]:
    return [
        await world.store.standing(a_requester(user, guild_id=guild), world.now)
        for user in range(3)
        for guild in (1, 2)
    ]


async def _live_through(adapter: Adapter, sequence: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with adapter(Path(folder)) as store:
            world = World(store=store, now=NOON, admitted=set(), held=[])
            for verb, n in sequence:
                await _do(world, verb, n)
                usages = await _usages(world)
                assert all(usage.pictures <= PICTURES_DAY and usage.anlas <= ANLAS_DAY for usage in usages)
                assert all(usage.house_anlas <= HOUSE_ANLAS for usage in usages)
            assert [] == await differences(Path(folder))
            jobs = [await store.get(id_) for id_ in world.admitted]
            states = Counter(job.state for job in jobs if job)
            assert len(world.admitted) == states.total()
            waiting = await store.waiting()
            assert states[JobState.QUEUED] == len(waiting)
            assert sorted((job.turn, job.id) for job in waiting) == [(job.turn, job.id) for job in waiting]


@pytest.mark.parametrize("name", adapters())
@settings(max_examples=20, deadline=None)
@given(sequence=steps)
def test_after_any_sequence_of_verbs_the_ledger_adds_up(name: str, sequence: list[tuple[str, int]]) -> None:
    """
    Whoever calls what in whatever order: no job is lost, no limit is passed, and every counter equals its jobs.

    Verbs come from workers that still hold a job and from those that lost it; time goes on, also over midnight.
    """
    asyncio.run(_live_through(ADAPTERS[name], sequence))


arrivals = st.lists(st.one_of(st.integers(0, 3), st.none()), min_size=1, max_size=40)


async def _queue(adapter: Adapter, events: list[int | None]) -> None:
    """Members arrive (their number), a job starts (None); every start is held against the law."""
    with tempfile.TemporaryDirectory() as folder:
        async with adapter(Path(folder)) as store:
            overtaken: dict[int, list[int]] = {}
            since_start: dict[int, list[int]] = {}
            for event in [*events, *([None] * len(events))]:
                if event is None:
                    await _start(store, overtaken, since_start)
                    continue
                alone = event not in {job.user_id for job in await store.waiting()}
                await _admit(store, an_application(a_requester(event)))
                if alone:
                    overtaken[event] = []
            assert [] == list(await store.waiting())


async def _start(store: Store, overtaken: dict[int, list[int]], since_start: dict[int, list[int]]) -> None:
    job = await store.claim(ACCOUNT, HOLDER, NOON, LEASE)
    if job is None:
        return
    await store.send(job, NOON, 0)
    await store.settle(job, NOON, _done(job))
    for others in (overtaken.pop(job.user_id, []), since_start.get(job.user_id, [])):
        assert all(count <= 2 for count in Counter(others).values())
    is_waiting_still = job.user_id in {other.user_id for other in await store.waiting()}
    since_start.pop(job.user_id, None)
    if is_waiting_still:
        since_start[job.user_id] = []
    for seen in (overtaken, since_start):
        for member, others in seen.items():
            if member != job.user_id:
                others.append(job.user_id)


@pytest.mark.parametrize("name", adapters())
@settings(max_examples=12, deadline=None)
@given(events=arrivals)
def test_nobody_is_overtaken_more_than_the_law_allows(name: str, events: list[int | None]) -> None:
    """
    In the priority lane no other member starts more than two jobs while a member's only job waits, nor between two
    consecutive starts of a member who has more waiting; and in the end everybody was served.
    """
    asyncio.run(_queue(ADAPTERS[name], events))
