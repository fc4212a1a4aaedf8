"""The law of what is kept about one person and how it goes, proved of every adapter of the `Store` port."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.admission import Ticket
from bot.domain.allowance import Allowance, Target, Whose
from bot.domain.case import Case, CaseKind, CaseState, Decision, Filing, Report, Ruling
from bot.domain.change import Change, What
from bot.domain.guild import Block
from bot.domain.inputs import Img2Img, Input, InputKind
from bot.domain.job import Delivery, Job, JobState, Likeness, Settlement
from bot.domain.record import Record
from bot.domain.request import Picture, Requester
from bot.ports import Store
from tests.builders import CHANNEL, GUILD, a_place, a_request, a_requester, an_application

NOON = 1_800_014_400.0
DAY = 86_400.0
ANN, BEN, MIA = 1, 2, 9
PICTURE = Picture(data=b"\x89PNG\x00\xff", media_type="image/png", seed=7)
WORDS = "Keep it safe here."


async def _sent(store: Store, user_id: int = ANN, *, price: int = 30, **more: Any) -> Job:
    asked = replace(a_requester(user_id, **more), role_ids=(77,), locale="de")
    await store.admit(an_application(asked, price=price, place=a_place()), NOON, lambda _: Ticket(turn=1))
    job = await store.claim(f"account-{user_id}", "holder", NOON, 300)
    assert job is not None
    assert await store.send(job, NOON, price)
    return job


async def _made(store: Store, user_id: int = ANN, **more: Any) -> Job:
    job = await _sent(store, user_id, **more)
    done = Settlement(state=JobState.DONE, charged_anlas=job.price, charged_pictures=1, spent=job.price)
    assert await store.settle(job, NOON, done, [PICTURE])
    return await _now(store, job)


async def _shown(store: Store, user_id: int = ANN, **more: Any) -> Job:
    job = await _made(store, user_id, **more)
    assert await store.shown(job.id, NOON, None)
    return await _now(store, job)


async def _now(store: Store, job: Job) -> Job:
    current = await store.get(job.id)
    assert current is not None
    return current


def _filing(kind: CaseKind = CaseKind.SANCTION, **more: Any) -> Filing:
    values: dict[str, Any] = {
        "guild_id": GUILD,
        "user_id": ANN,
        "kind": kind,
        "reason": "moderator",
        "channel_id": CHANNEL,
        "decision": Decision.WARNED,
        "actor": MIA,
        "words": WORDS,
        "data": {"score": 0.8},
    }
    return Filing(**{**values, **more})


async def _warned(store: Store, **more: Any) -> Case:
    return await store.sanction(_filing(**more), Ruling(decision=Decision.WARNED, actor=MIA, words=WORDS), NOON)


async def _blocked(store: Store, until: float | None = None) -> Case:
    block = Block(guild_id=GUILD, user_id=ANN, until=until, reason=WORDS, actor=MIA)
    ruling = Ruling(decision=Decision.BLOCKED, actor=MIA, words=WORDS, block=block)
    data = {"member": ANN, "until": until, "reason": WORDS}
    record = Record(at=NOON, kind="member.blocked", guild_id=GUILD, actor=MIA, data=data)
    return await store.sanction(_filing(decision=Decision.BLOCKED), ruling, NOON, record)


async def _lines(store: Store) -> list[dict[str, object]]:
    kinds = ("member.blocked", "member.granted", "case.opened", "case.decided")
    return [dict(line.record.data) for line in await store.entries(0, kinds, 99)]


async def _forget(store: Store, user_id: int = ANN, now: float = NOON + 60) -> int:
    lines = await store.lines_about(user_id, 0, await store.newest_entry())
    return await store.forget_member(user_id, now, [line.id for line in lines])


async def test_an_erasure_takes_words_bytes_and_places_and_leaves_amounts(store: Store) -> None:
    """Of everything that ended, in every server and in direct messages; nobody else's."""
    here, direct = await _shown(store), await _shown(store, guild_id=None)
    others = await _shown(store, BEN)

    assert 0 == await _forget(store)

    for job in (here, direct):
        kept = await _now(store, job)
        assert (None, None) == (kept.request, kept.origin)
        assert kept.place is None or kept.place.token is None
        assert (30, 1, 30) == (kept.charged_anlas, kept.charged_pictures, kept.spent)
        assert (
            Requester(user_id=ANN, guild_id=job.requester.guild_id, channel_id=0, context=kept.requester.context)
            == kept.requester
        )
        assert job.requester.scope == kept.requester.scope
        assert [] == list(await store.pictures(job.id))
    theirs = await _now(store, others)
    assert theirs.request is not None
    assert theirs.place is not None
    assert [PICTURE] == list(await store.pictures(others.id))
    assert 30 == (await store.standing(a_requester(), NOON)).anlas


async def test_where_a_picture_is_shown_to_others_stays_known(store: Store) -> None:
    """Its channel and messages, so that it can be reported, hidden and deleted; nothing of what only they see."""
    here, direct, smaller = await _shown(store), await _shown(store, guild_id=None), await _made(store)
    assert await store.keep(smaller.id, NOON, NOON + 7 * DAY, shown_as=Likeness.PREVIEW, message_id=8)
    alone = replace(a_place(), ephemeral=True)
    await store.admit(an_application(a_requester(ANN), place=alone), NOON, lambda _: Ticket(turn=9))
    private = await store.claim(f"account-{ANN}", "holder", NOON, 300)
    assert private is not None
    assert await store.send(private, NOON, 0)
    done = Settlement(state=JobState.DONE, charged_anlas=0, charged_pictures=1, spent=0)
    assert await store.settle(private, NOON, done, [PICTURE])
    assert await store.shown(private.id, NOON, None)
    for job in (here, direct):
        await store.note_nonce(job.id, f"{job.id}-2", NOON)
        await store.note_posted(job.id, f"{job.id}-2", 301)

    await _forget(store)

    places = [(await _now(store, job)).place for job in (here, smaller)]
    assert [(CHANNEL, 300, None), (CHANNEL, 8, None)] == [
        (place.channel_id, place.message_id, place.token) for place in places if place is not None
    ]
    assert [None, None] == [(await _now(store, job)).place for job in (direct, private)]
    assert [[301], []] == [list(await store.posted(job.id)) for job in (here, direct)]


async def test_what_was_never_seen_lapses_and_its_charge_goes_back(store: Store) -> None:
    """Unless the very same pixels were shown."""
    pending = await _made(store)
    waiting, seen = await _made(store), await _made(store)
    assert await store.keep(waiting.id, NOON, NOON + 7 * DAY)
    assert await store.keep(seen.id, NOON, NOON + 7 * DAY, shown_as=Likeness.WEBP, message_id=7)

    await _forget(store)

    ends = [await _now(store, job) for job in (pending, waiting, seen)]
    assert [Delivery.LAPSED, Delivery.LAPSED, Delivery.SHOWN] == [job.delivery for job in ends]
    assert [0, 0, 30] == [job.charged_anlas for job in ends]
    assert 0 == await store.in_inbox(ANN)
    assert 30 == (await store.standing(a_requester(), NOON)).anlas


async def test_what_is_being_drawn_stays_and_is_counted(store: Store) -> None:
    """It was sent, so it arrives; asked for again afterwards it goes."""
    job = await _sent(store)

    assert 1 == await _forget(store)

    assert (await _now(store, job)).request is not None
    done = Settlement(state=JobState.DONE, charged_anlas=30, charged_pictures=1, spent=30)
    assert await store.settle(job, NOON, done, [PICTURE])
    assert 0 == await _forget(store)
    assert (await _now(store, job)).request is None


async def test_drafts_changes_images_and_words_of_reports_go(store: Store) -> None:
    """Those of whoever asked for it alone; that somebody reported still counts."""
    theirs = await _shown(store, BEN)
    image = an_application(request=a_request(seed=7, img2img=Img2Img(strength=0.5, noise=0.0)))
    image = replace(image, inputs={Input(InputKind.SOURCE): b"\x89PNG"})
    await store.admit(image, NOON, lambda _: Ticket(turn=1))
    for user_id in (ANN, BEN):
        await store.propose(a_requester(user_id), a_request(), 30, NOON + 900)
        await store.keep_change(GUILD, user_id, Change(what=What.WORD_ADDED, name="gore"), NOON + 900)
    filing = _filing(CaseKind.REPORT, user_id=BEN, job_id=theirs.id, decision=None, actor=None, words="")
    for user_id in (ANN, 3):
        await store.report(filing, Report(user_id=user_id, reason="rule", words="look"), NOON)
    before = await store.kept_of(ANN)
    assert (1, 1, 1, 1) == (before.images, before.drafts, before.reports, before.requests)
    [job] = await store.unfinished_of(ANN)
    assert await store.cancel(job.id, NOON, "cancelled")

    await _forget(store)

    after = await store.kept_of(ANN)
    assert (0, 0, 1, 0, 1) == (after.images, after.drafts, after.reports, after.requests, after.jobs)
    assert 1 == (await store.kept_of(BEN)).drafts
    assert ["", "look"] == [each.words for _, each in await store.reports_made(ANN) + await store.reports_made(3)]
    assert await store.kept_change(1) is None
    assert await store.kept_change(2) is not None


async def test_a_case_stays_while_it_is_open_or_its_block_stands(store: Store) -> None:
    """Others go with their words, in the audit too; a note that was not read yet is still to be read."""
    over, unread, standing = await _warned(store), await _warned(store, needs_ack=True), await _blocked(store)
    report = _filing(CaseKind.REPORT, decision=None, actor=None, words="", job_id=(await _shown(store)).id)
    opened, _ = await store.report(report, Report(user_id=BEN, reason="rule", words="look"), NOON) or (over, 0)
    appealed = await _warned(store)
    appeal = await store.file_case(_filing(CaseKind.APPEAL, parent_id=appealed.id, decision=None, actor=None), NOON)

    await _forget(store)

    left = {case.id: case for case in await store.cases(user_id=ANN, most=99)}
    assert {unread.id, standing.id, opened.id, appealed.id, appeal.id} == set(left)
    assert [WORDS] * 3 == [left[case.id].words for case in (unread, standing, appealed)]
    assert ["look"] == [each.words for each in await store.reports_of(opened.id)]
    assert [ANN] == [block.user_id for block in await store.blocks()]
    words = {data.get("case"): data.get("words") for data in await _lines(store)}
    assert ("", WORDS) == (words[over.id], words[standing.id])
    assert [WORDS] == [data["reason"] for data in await _lines(store) if "until" in data]


async def test_an_erasure_gives_no_second_appeal(store: Store) -> None:
    """A closed appeal stays, without words, while the case that it is about does; both go together."""
    case = await _blocked(store)
    asked = _filing(CaseKind.APPEAL, parent_id=case.id, decision=None, actor=None, words="", data={"words": "please"})
    appeal = await store.file_case(asked, NOON)
    assert await store.decide(appeal.id, Ruling(decision=Decision.UPHELD, actor=MIA, words=WORDS), NOON) is not None
    await store.carded(await _case(store, appeal), None, None)

    await _forget(store)

    kept = await _case(store, appeal)
    assert (CaseState.CLOSED, case.id, {}, "") == (kept.state, kept.parent_id, dict(kept.data), kept.words)
    record = Record(at=NOON, kind="member.unblocked", guild_id=GUILD, actor=MIA, data={"member": ANN})
    assert await store.unblock(GUILD, ANN, record)
    await _forget(store)
    assert [] == list(await store.cases(user_id=ANN, most=9))


async def test_a_block_that_has_run_out_holds_nothing(store: Store) -> None:
    """Its case goes, and what was written about it."""
    await _blocked(store, until=NOON + 30)

    await _forget(store)

    assert [] == list(await store.cases(user_id=ANN, most=9))
    assert {""} == {data.get("words", data.get("reason")) for data in await _lines(store)}


async def test_what_a_moderator_wrote_about_others_stays(store: Store) -> None:
    """Who may be erased cannot erase what they decided."""
    case = await _warned(store)
    await store.write(NOON, "member.granted", guild_id=GUILD, actor=MIA, data={"member": ANN, "reason": WORDS})

    await _forget(store, MIA)

    assert WORDS == (await _case(store, case)).words
    assert {WORDS} == {data.get("words", data.get("reason")) for data in await _lines(store)}


async def test_a_case_whose_card_is_old_stays_for_it_without_words(store: Store) -> None:
    """Or a card with buttons would be left."""
    job = await _sent(store)
    held = Settlement(state=JobState.HELD, charged_anlas=None, charged_pictures=None, spent=30)
    filing = _filing(CaseKind.HELD, job_id=job.id, decision=None, actor=None, words="")
    assert await store.settle(job, NOON, held, [PICTURE], filing=filing)
    assert await store.cancel(job.id, NOON, "cancelled")

    await _forget(store)

    [case] = await store.cases(user_id=ANN, most=9)
    assert (CaseState.CLOSED, {}, "") == (case.state, dict(case.data), case.words)
    card = await store.next_card(NOON + 120, NOON + 180)
    assert card is not None
    assert case.id == card.id
    await store.carded(card, None, None)
    await _forget(store)
    assert [] == list(await store.cases(user_id=ANN, most=9))


async def test_what_is_kept_is_counted(store: Store) -> None:
    """By person, over all servers."""
    await _shown(store)
    waiting = await _made(store, guild_id=GUILD + 1)
    assert await store.keep(waiting.id, NOON, NOON + 7 * DAY)
    await _blocked(store)
    await store.allow(
        GUILD,
        Target(whose=Whose.MEMBER, id=ANN),
        Allowance(stated={"pictures_day": 5}),
        Record(at=NOON, kind="limits.set", guild_id=GUILD, actor=MIA),
    )
    await store.heat_up(GUILD, ANN, 2.0, NOON)

    kept = await store.kept_of(ANN)

    assert (2, 2, 2, 1) == (kept.jobs, kept.requests, kept.pictures, kept.inbox)
    assert (1, 1, 1) == (kept.cases, kept.blocks, kept.limits)
    assert [GUILD] == [guild_id for guild_id, _ in await store.conducts_of(ANN)]
    assert (0, 0) == ((await store.kept_of(BEN)).jobs, (await store.kept_of(BEN)).cases)


async def test_jobs_are_read_in_portions_newest_first(store: Store) -> None:
    """Also those of one moment; each of them once."""
    ids = [(await _shown(store)).id for _ in range(5)]

    first = await store.jobs_of(ANN, 2)
    rest = await store.jobs_of(ANN, 9, first[-1])

    assert ids[::-1] == [job.id for job in (*first, *rest)]
    assert [] == list(await store.jobs_of(ANN, 9, rest[-1]))


async def test_words_of_decisions_go_when_they_are_old(store: Store) -> None:
    """Cases keep who, when and how; those whose block stands, or that are appealed or unread, keep their words."""
    over, unread, standing = await _warned(store), await _warned(store, needs_ack=True), await _blocked(store)
    appealed = await _warned(store)
    await store.file_case(_filing(CaseKind.APPEAL, parent_id=appealed.id, decision=None, actor=None), NOON)
    await store.forget_decisions(NOON, NOON + 30 * DAY)
    assert WORDS == (await _case(store, over)).words

    for _ in range(2):
        await store.forget_decisions(NOON + 1, NOON + 30 * DAY)

    gone = await _case(store, over)
    assert ({}, "", Decision.WARNED, MIA) == (dict(gone.data), gone.words, gone.decision, gone.actor)
    for case in (unread, standing, appealed):
        assert WORDS == (await _case(store, case)).words
    assert WORDS not in json.dumps(await _lines(store))


async def _case(store: Store, case: Case) -> Case:
    current = await store.case(case.id)
    assert current is not None
    return current


async def test_what_is_over_goes_when_it_is_old(store: Store) -> None:
    """Blocks that ran out, what was told, heat that has gone, words of reports; what stands stays."""
    await _blocked(store, until=NOON + DAY)
    block = Block(guild_id=GUILD, user_id=BEN, until=None, reason=WORDS, actor=MIA)
    await store.block(block, Record(at=NOON, kind="member.blocked", guild_id=GUILD, data={"reason": WORDS}))
    told = Ruling(decision=Decision.WARNED, actor=MIA, notice="told.warned")
    for _ in range(2):
        await store.sanction(_filing(), told, NOON)
    notice = await store.next_notice(NOON, NOON + 60)
    assert notice is not None
    await store.told(notice.id, reached=True)
    await store.heat_up(GUILD, ANN, 2.0, NOON)
    await store.heat_up(GUILD, BEN, 2.0, NOON)
    await store.order_spoiler(GUILD, BEN, True, Record(at=NOON, kind="member.hidden", guild_id=GUILD))
    closed, _ = await _reported(store)
    still, _ = await _reported(store)
    await store.decide(closed.id, Ruling(decision=Decision.DISMISSED, actor=MIA), NOON)

    await store.forget_decisions(NOON + 2 * DAY, NOON + 32 * DAY)

    assert [BEN] == [each.user_id for each in await store.blocks()]
    assert 1 == len(await store.notices_of(ANN))
    assert [] == list(await store.conducts_of(ANN))
    assert 1 == len(await store.conducts_of(BEN))
    assert ["", "look"] == [(await store.reports_of(case.id))[0].words for case in (closed, still)]


async def _reported(store: Store) -> tuple[Case, int]:
    job = await _shown(store)
    filing = _filing(CaseKind.REPORT, decision=None, actor=None, words="", job_id=job.id)
    made = await store.report(filing, Report(user_id=3, reason="rule", words="look"), NOON)
    assert made is not None
    return made


@pytest.mark.parametrize("lines", [3, 50])
async def test_old_lines_are_looked_at_once(store: Store, monkeypatch: pytest.MonkeyPatch, lines: int) -> None:
    """A part at a time, and nothing is left out between two parts."""
    monkeypatch.setattr("bot.adapters.store.privacy.AT_ONCE", 20)
    for n in range(lines):
        await store.write(NOON, "member.granted", guild_id=GUILD, actor=MIA, data={"member": n, "reason": WORDS})
    await store.write(NOON + DAY, "member.granted", guild_id=GUILD, actor=MIA, data={"reason": WORDS})

    for _ in range(4):
        await store.forget_decisions(NOON + 1, NOON + 30 * DAY)

    assert [""] * lines + [WORDS] == [data["reason"] for data in await _lines(store)]
