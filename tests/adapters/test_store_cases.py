"""The law of cases, proved of every adapter of the `Store` port: one decides, and the money follows."""

import asyncio
from dataclasses import replace

import pytest

from bot.adapters.store.cases import BLOCKED_PICTURE, DECLINED
from bot.domain.admission import Limits, Standing, Ticket, decide
from bot.domain.case import BOT, Case, CaseKind, CaseState, Decision, Filing, Report, Ruling
from bot.domain.conduct import HALF_LIFE
from bot.domain.errors import LimitReached, Refused
from bot.domain.guild import Block
from bot.domain.job import Delivery, Job, JobState, Settlement
from bot.domain.record import Record
from bot.domain.request import Picture
from bot.ports import Decide, Store
from tests.builders import CHANNEL, GUILD, a_request, a_requester, an_application

NOON = 1_800_014_400.0
DUE = NOON + 3 * 86_400.0
PICTURE = Picture(data=b"\x89PNG\x00\xff", media_type="image/png", seed=7)
MIA = 9


def _filing(kind: CaseKind = CaseKind.HELD, **more: object) -> Filing:
    values: dict[str, object] = {
        "guild_id": GUILD,
        "user_id": 1,
        "kind": kind,
        "reason": "rating",
        "channel_id": CHANNEL,
        "due_at": DUE,
    }
    return Filing(**{**values, **more})  # type: ignore[arg-type]


def _ruling(decision: Decision = Decision.APPROVED, **more: object) -> Ruling:
    return Ruling(decision=decision, actor=MIA, **more)  # type: ignore[arg-type]


def _turns(price: int, limits: Limits | None = None) -> Decide:
    def turn(standing: Standing) -> Ticket:
        calm = replace(standing, last_admitted=None)
        return decide(pictures=1, anlas=price, now=NOON, limits=limits or Limits(waiting=9), standing=calm)

    return turn


async def _held(store: Store, *, price: int = 30, spent: int = 20) -> tuple[Job, Case]:
    await store.admit(an_application(price=price), NOON, _turns(price))
    job = await store.claim("account-1", "holder-1", NOON, 300.0)
    assert job is not None
    assert await store.send(job, NOON, spent)
    held = Settlement(state=JobState.HELD, charged_anlas=None, charged_pictures=None, spent=spent)
    assert await store.settle(job, NOON, held, [PICTURE], filing=_filing(job_id=job.id))
    case = await store.case_of_job(job.id)
    assert case is not None
    return await _now(store, job), case


async def _suggested(store: Store, price: int = 30) -> tuple[Job, Case]:
    job, case = await store.suggest(an_application(price=price), NOON, _filing(CaseKind.PROPOSAL))
    assert case is not None
    return job, case


async def _now(store: Store, job: Job) -> Job:
    current = await store.get(job.id)
    assert current is not None
    return current


async def _used(store: Store) -> tuple[int, int]:
    standing = await store.standing(a_requester(), NOON)
    return standing.pictures, standing.anlas


async def test_what_is_held_stays_reserved_and_is_nobodys_parcel(store: Store) -> None:
    """The account is free, the picture is kept, and the member's price is neither charged nor given back."""
    job, case = await _held(store)

    assert (JobState.HELD, Delivery.NONE, None, 20) == (job.state, job.delivery, job.charged_anlas, job.spent)
    assert (1, 30) == await _used(store)
    assert [PICTURE] == list(await store.pictures(job.id))
    assert (CaseState.OPEN, job.id, DUE) == (case.state, case.job_id, case.due_at)
    assert await store.next_delivery(NOON, 60) is None
    await store.admit(an_application(), NOON, _turns(0))
    assert await store.claim("account-1", "holder-1", NOON, 300.0) is not None


async def test_an_approved_picture_is_shown_and_paid_for(store: Store) -> None:
    """The member pays what it cost where it was made, and never more than was said."""
    job, case = await _held(store)

    decided = await store.decide(case.id, _ruling(), NOON + 5)

    assert decided is not None
    assert (CaseState.CLOSED, Decision.APPROVED, MIA) == (decided.state, decided.decision, decided.actor)
    done = await _now(store, job)
    assert (JobState.DONE, Delivery.PENDING, 20, 1) == (
        done.state,
        done.delivery,
        done.charged_anlas,
        done.charged_pictures,
    )
    assert (1, 20) == await _used(store)
    assert [PICTURE] == list(await store.pictures(job.id))


@pytest.mark.parametrize("decision", [Decision.REJECTED, Decision.WARNED, Decision.BLOCKED])
async def test_a_rejected_picture_costs_its_member_nothing_and_is_gone(store: Store, decision: Decision) -> None:
    """What the account paid stays spent; the bytes go; the member is told."""
    job, case = await _held(store)

    assert await store.decide(case.id, _ruling(decision), NOON + 5) is not None

    ended = await _now(store, job)
    assert (JobState.BLOCKED, Delivery.PENDING, BLOCKED_PICTURE) == (ended.state, ended.delivery, ended.reason)
    assert (0, 0, 20) == (ended.charged_anlas, ended.charged_pictures, ended.spent)
    assert (0, 0) == await _used(store)
    assert [] == list(await store.pictures(job.id))


async def test_of_two_that_decide_at_once_one_wins(store: Store) -> None:
    """The other changes nothing, and nothing is charged or given back twice."""
    _, case = await _held(store)

    answers = await asyncio.gather(
        *(store.decide(case.id, _ruling(d), NOON) for d in (Decision.APPROVED, Decision.REJECTED) * 4)
    )

    assert 1 == sum(answer is not None for answer in answers)


async def test_a_case_that_nobody_decides_ends_by_itself(store: Store) -> None:
    """It is discarded when it is due, not before."""
    job, _ = await _held(store)

    assert [] == list(await store.expire_cases(DUE - 1))
    assert [Decision.EXPIRED] == [case.decision for case in await store.expire_cases(DUE)]

    assert JobState.BLOCKED == (await _now(store, job)).state
    assert [] == list(await store.expire_cases(DUE))


async def test_a_member_may_take_back_what_is_held(store: Store) -> None:
    """Nothing is charged, what was spent stays spent, the pictures are gone, and nobody is asked about it any more."""
    job, case = await _held(store)

    assert await store.cancel(job.id, NOON + 5, "cancelled")

    ended = await _now(store, job)
    assert (JobState.CANCELLED, 0, 20) == (ended.state, ended.charged_anlas, ended.spent)
    assert [] == list(await store.pictures(job.id))
    assert await store.decide(case.id, _ruling(), NOON + 6) is None
    assert Decision.WITHDRAWN == (await _case(store, case)).decision


async def test_who_takes_back_what_is_held_stands_in_its_case(store: Store) -> None:
    """A moderator is named as who they are, and what nobody in particular took back the house did."""
    for actor, options in ((77, {"actor": 77}), (BOT, {})):
        job, case = await _held(store)

        assert await store.cancel(job.id, NOON + 5, "withdrawn", **options)

        assert actor == (await _case(store, case)).actor
        [line] = [e for e in await store.entries(0, ("case.decided",), 9) if e.record.data["case"] == case.id]
        assert actor == line.record.actor


async def _case(store: Store, case: Case) -> Case:
    current = await store.case(case.id)
    assert current is not None
    return current


async def test_a_suggestion_reserves_nothing_until_its_yes(store: Store) -> None:
    """It weighs nothing while it waits; approved it is admitted at that moment, and says who said yes."""
    job, case = await _suggested(store)
    assert (JobState.PROPOSED, (0, 0)) == (job.state, await _used(store))
    assert await store.claim("account-1", "holder-1", NOON, 300.0) is None

    admitted = await store.approve(case.id, _ruling(), 25, NOON + 60, _turns(25))

    assert admitted is not None
    assert (JobState.QUEUED, 25, MIA, NOON + 60) == (
        admitted.state,
        admitted.price,
        admitted.approver,
        admitted.admitted_at,
    )
    assert (1, 25) == await _used(store)
    assert await store.approve(case.id, _ruling(), 25, NOON, _turns(25)) is None
    claimed = await store.claim("account-1", "holder-1", NOON + 61, 300.0)
    assert claimed is not None
    assert claimed.id == job.id


async def test_a_suggestion_that_the_limits_forbid_stays_open(store: Store) -> None:
    """What the decision raises undoes all of it; another may approve it later."""
    job, case = await _suggested(store)

    with pytest.raises(LimitReached):
        await store.approve(case.id, _ruling(), 30, NOON, _turns(30, Limits(anlas_day=10, waiting=9)))

    assert (JobState.PROPOSED, CaseState.OPEN) == ((await _now(store, job)).state, (await _case(store, case)).state)


async def test_a_suggestion_that_is_declined_or_forgotten_is_told(store: Store) -> None:
    """It ends as a parcel, so that its message goes and its member knows."""
    declined, case = await _suggested(store)
    expired, _ = await _suggested(store)

    await store.decide(case.id, _ruling(Decision.REJECTED), NOON)
    await store.expire_cases(DUE)

    for job in (declined, expired):
        ended = await _now(store, job)
        assert (JobState.CANCELLED, Delivery.PENDING, DECLINED) == (ended.state, ended.delivery, ended.reason)


async def test_the_same_event_suggests_once(store: Store) -> None:
    """One job and one case, however often it arrives."""
    application = an_application()

    first, case = await store.suggest(application, NOON, _filing(CaseKind.PROPOSAL))
    again = await store.suggest(application, NOON, _filing(CaseKind.PROPOSAL))

    assert (first.id, case) == (again[0].id, again[1])
    assert case is not None


async def test_what_arrives_again_after_its_end_opens_nothing(store: Store) -> None:
    """The old case comes back as it ended, and none for what was never suggested."""
    application = an_application()
    job, case = await store.suggest(application, NOON, _filing(CaseKind.PROPOSAL))
    assert case is not None
    await store.decide(case.id, _ruling(Decision.REJECTED), NOON)
    admitted = an_application()
    await store.admit(admitted, NOON, _turns(0))

    again, closed = await store.suggest(application, NOON, _filing(CaseKind.PROPOSAL))
    assert closed is not None
    assert (job.id, case.id, CaseState.CLOSED) == (again.id, closed.id, closed.state)
    assert (await store.suggest(admitted, NOON, _filing(CaseKind.PROPOSAL)))[1] is None

    assert [case.id] == [each.id for each in await store.cases(most=9)]


async def test_what_nobody_decided_ends_with_its_server(store: Store) -> None:
    """It is found when the bot leaves; whatever is left of it when the server is forgotten ends, and the laws hold."""
    (held, _), (suggested, _) = await _held(store), await _suggested(store)
    assert [suggested.id, held.id] == sorted((job.id for job in await store.of_guild(GUILD)), reverse=True)
    used = await _used(store)
    assert 1 == used[0]

    await store.forget_guild(GUILD, NOON + 60)

    for job in (held, suggested):
        ended = await _now(store, job)
        assert (JobState.CANCELLED, Delivery.NONE, 0, 0) == (
            ended.state,
            ended.delivery,
            ended.charged_anlas,
            ended.charged_pictures,
        )
    assert [] == list(await store.pictures(held.id))
    assert [] == list(await store.of_guild(GUILD))


async def test_a_suggestion_consumes_its_draft(store: Store) -> None:
    """In one transaction: of a draft that is gone, or somebody else's, nothing is suggested."""
    draft = await store.propose(a_requester(), a_request(), 0, NOON + 900)
    theirs = await store.propose(a_requester(2), a_request(), 0, NOON + 900)
    application = an_application()

    job, _ = await store.suggest(application, NOON, _filing(CaseKind.PROPOSAL), draft_id=draft.id)

    assert await store.draft(draft.id) is None
    again, _ = await store.suggest(application, NOON, _filing(CaseKind.PROPOSAL), draft_id=draft.id)
    assert job.id == again.id
    for id_ in (draft.id, theirs.id):
        with pytest.raises(Refused) as caught:
            await store.suggest(an_application(), NOON, _filing(CaseKind.PROPOSAL), draft_id=id_)
        assert "draft.gone" == caught.value.code
    assert 1 == len(await store.cases(most=9))


async def test_reports_of_one_picture_are_one_case(store: Store) -> None:
    """A member counts once, each new one is news for the card, and after the decision a new case begins."""
    job = await store.admit(an_application(), NOON, _turns(0))
    filing = _filing(CaseKind.REPORT, job_id=job.id)

    first = await store.report(filing, Report(user_id=2, reason="rule", words="look"), NOON)
    again = await store.report(filing, Report(user_id=2, reason="rule"), NOON)
    other = await store.report(filing, Report(user_id=3, reason="person"), NOON)

    assert first is not None
    assert other is not None
    assert again is None
    assert (1, 2) == (first[1], other[1])
    assert first[0].id == other[0].id
    assert first[0].version < other[0].version
    assert ["look", ""] == [each.words for each in await store.reports_of(first[0].id)]
    assert 1 == await store.reports_by(2, NOON)
    await store.decide(first[0].id, _ruling(Decision.DISMISSED), NOON)
    later = await store.report(filing, Report(user_id=2, reason="rule"), NOON)
    assert later is not None
    assert later[0].id != first[0].id


async def test_an_appeal_that_is_lifted_ends_what_the_case_did(store: Store) -> None:
    """Block, wall and heat go; a second open appeal of the same case is the first one."""
    block = Block(guild_id=GUILD, user_id=1, until=None, reason="x", actor=MIA)
    filing = _filing(CaseKind.SANCTION, decision=Decision.BLOCKED, actor=MIA, needs_ack=True, due_at=None)
    case = await store.sanction(filing, _ruling(Decision.BLOCKED, block=block, notice="told.blocked"), NOON)
    await store.heat_up(GUILD, 1, 5.0, NOON)
    appeal = await store.file_case(_filing(CaseKind.APPEAL, parent_id=case.id, due_at=None), NOON)
    assert appeal.id == (await store.file_case(_filing(CaseKind.APPEAL, parent_id=case.id), NOON)).id
    assert [(1, case.id)] == [(each.user_id, each.case_id) for each in await store.blocks_of(GUILD)]
    assert [case.id] == [each.id for each in await store.unread(GUILD)]

    await store.decide(appeal.id, _ruling(Decision.LIFTED, notice="told.lifted"), NOON)

    assert [] == list(await store.blocks_of(GUILD))
    assert [] == list(await store.unread())
    assert 0.0 == (await store.conduct(GUILD, 1)).heat
    first = await store.next_notice(NOON, NOON + 60)
    second = await store.next_notice(NOON, NOON + 60)
    assert first is not None
    assert second is not None
    assert ("told.blocked", "told.lifted") == (first.code, second.code)
    assert await store.next_notice(NOON, NOON + 60) is None


async def test_only_whose_it_is_can_say_that_they_read_it(store: Store) -> None:
    """Once, and nobody for them."""
    filing = _filing(CaseKind.SANCTION, decision=Decision.WARNED, actor=MIA, needs_ack=True, words="Keep it safe here.")
    case = await store.sanction(filing, _ruling(Decision.WARNED), NOON)

    assert not await store.acknowledge(case.id, 2, NOON)
    assert await store.acknowledge(case.id, 1, NOON)
    assert not await store.acknowledge(case.id, 1, NOON)


async def test_a_card_is_due_until_it_shows_the_case_as_it_is(store: Store) -> None:
    """Each change makes it due again; two that show cards never take the same one."""
    _, case = await _held(store)
    shown = await store.next_card(NOON, NOON + 60)
    assert shown is not None
    assert await store.next_card(NOON, NOON + 60) is None

    await store.carded(shown, 5, 55)
    assert await store.next_card(NOON + 61, NOON + 120) is None
    await store.decide(case.id, _ruling(), NOON)

    changed = await store.next_card(NOON + 62, NOON + 120)
    assert changed is not None
    assert (case.id, 5, 55) == (changed.id, changed.card_channel, changed.card_message)


async def test_heat_halves_by_itself_and_adds_up(store: Store) -> None:
    """Over any number of writers."""
    await asyncio.gather(*(store.heat_up(GUILD, 1, 1.0, NOON) for _ in range(8)))

    before, after = await store.heat_up(GUILD, 1, 2.0, NOON + HALF_LIFE)

    assert (4.0, 6.0) == (pytest.approx(before), pytest.approx(after))
    assert 0.0 == (await store.conduct(GUILD, 2)).heat


async def test_an_order_about_a_member_is_known_to_all(store: Store) -> None:
    """And keeps their heat."""
    await store.heat_up(GUILD, 1, 2.0, NOON)

    await store.order_spoiler(GUILD, 1, True, Record(at=NOON, kind="member.hidden", guild_id=GUILD, actor=MIA))

    [(guild_id, user_id, conduct)] = await store.conducts()
    assert (GUILD, 1, 2.0, True) == (guild_id, user_id, conduct.heat, conduct.spoiler)


async def test_what_reports_hid_and_what_the_classifier_hid_are_two_things(store: Store) -> None:
    """Showing it again leaves the classifier's; done twice is on record once; a job nobody has is none."""
    for hidden in (False, True):
        await store.admit(an_application(), NOON, _turns(0))
        job = await store.claim("account-1", "holder-1", NOON, 300.0)
        assert job is not None
        done = Settlement(state=JobState.DONE, charged_anlas=0, charged_pictures=1, spent=0, hidden=hidden)
        assert await store.send(job, NOON, 0)
        assert await store.settle(job, NOON, done, [PICTURE])
        record = Record(at=NOON, kind="picture.hidden", guild_id=GUILD, actor=None, job_id=job.id)

        assert [True, False] == [await store.cover(job.id, True, record) for _ in range(2)]
        assert (await _now(store, job)).hidden
        assert [True, False] == [await store.cover(job.id, False, record) for _ in range(2)]
        assert hidden is (await _now(store, job)).hidden

    assert 4 == len(await store.entries(0, ("picture.hidden",), 9))
    assert not await store.cover(999, True, record)
    assert 4 == len(await store.entries(0, ("picture.hidden",), 9))


async def test_a_members_pictures_are_counted_by_server(store: Store) -> None:
    """What was made, and not what was held or is somebody else's."""
    await _held(store)
    assert 0 == await store.made(GUILD, 1)
    case = (await store.cases(is_open=True, most=1))[0]
    await store.decide(case.id, _ruling(), NOON)

    assert [1, 0, 0] == [await store.made(*whose) for whose in ((GUILD, 1), (GUILD, 2), (GUILD + 1, 1))]


async def test_cases_are_found_by_whose_they_are(store: Store) -> None:
    """Open ones oldest first, the others newest first; ids that no case has are none."""
    _, first = await _held(store)
    _, second = await _suggested(store)

    assert [first.id, second.id] == [c.id for c in await store.cases(guild_id=GUILD, is_open=True, most=10)]
    assert [second.id, first.id] == [c.id for c in await store.cases(user_id=1, most=10)]
    assert [second.id] == [c.id for c in await store.cases(kinds=[CaseKind.PROPOSAL], most=10)]
    assert [] == list(await store.cases(guild_id=GUILD + 1, most=10))
    assert (None, None) == (await store.case(0), await store.case(2**70))


async def test_a_blocks_end_is_kept_with_its_case(store: Store) -> None:
    """What its member is told names the moment."""
    _, case = await _held(store)
    block = Block(guild_id=GUILD, user_id=1, until=NOON + 60, reason="x", actor=MIA)

    await store.decide(case.id, _ruling(Decision.BLOCKED, block=block, notice="told.blocked"), NOON)

    decided = await store.case(case.id)
    assert decided is not None
    assert NOON + 60 == decided.data["until"]


@pytest.mark.parametrize(
    ("decision", "code"), [(Decision.DISMISSED, "told.report.kept"), (Decision.DELETED, "told.report.acted")]
)
async def test_who_reported_is_told_what_came_of_it(store: Store, decision: Decision, code: str) -> None:
    """Each once, beside what the picture's member is told."""
    await store.admit(an_application(), NOON, _turns(0))
    filing = _filing(CaseKind.REPORT, job_id=1, reason="rule")
    for user_id in (5, 6):
        made = await store.report(filing, Report(user_id=user_id, reason="rule"), NOON)
        assert made is not None
    case, _ = made

    await store.decide(case.id, _ruling(decision), NOON)

    found = [await store.next_notice(NOON, NOON + 30) for _ in range(3)]
    assert [(5, code), (6, code), None] == [each and (each.user_id, each.code) for each in found]


async def test_pictures_of_a_member_are_counted_by_server(store: Store) -> None:
    """Those that were made, and shown or to be shown."""
    _, case = await _held(store)
    assert 0 == await store.made(GUILD, 1)

    await store.decide(case.id, _ruling(), NOON)

    assert (1, 0, 0) == (await store.made(GUILD, 1), await store.made(GUILD, 2), await store.made(GUILD + 1, 1))
