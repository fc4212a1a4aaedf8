"""Moderators at their cards, and those whom the cards are about."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.case import BOT, HOUSE, Case, CaseKind, Decision, Filing
from bot.domain.errors import Forbidden
from bot.domain.guild import GuildConfig
from bot.domain.job import Application, Delivery, JobState
from bot.domain.request import Place, Requester, Size
from bot.standin.discord import lantern
from bot.standin.discord.components import walk
from bot.standin.discord.interactions import COMPONENT
from bot.standin.discord.messages import SPOILER
from bot.standin.discord.world import LOADING
from tests.builders import a_request
from tests.conftest import Clock
from tests.openapi import OpenApi
from tests.stage import STUDIO, Json, Stage, open_stage, play, text_of

ANN, BEN, MIA, ADA = lantern.ANN, lantern.BEN, lantern.MIA, lantern.ADA
SMALL = "64x64"
HELD = "1girl, !rated82"
REVIEWED = replace(STUDIO, review_channel=lantern.REVIEW)


async def _held(stage: Stage, prompt: str = HELD, by: int = ANN) -> Case:
    known = len(await stage.house.store.cases(kinds=[CaseKind.HELD], most=99))
    await stage.slash("generate", by=by, prompt=prompt, size=SMALL)
    async with asyncio.timeout(20):
        while len(cases := await stage.house.store.cases(kinds=[CaseKind.HELD], most=99)) == known:
            await asyncio.sleep(0.02)
    return cases[0]


def _cards(stage: Stage, channel: int = lantern.REVIEW) -> list[Json]:
    return [s.message for s in stage.discord.world.newest(channel) if s.to is None and not s.deleted]


async def _card(stage: Stage, case: Case, part: str = "", channel: int = lantern.REVIEW) -> Json:
    """The card of a case in that channel once it holds *part*."""
    mark = f"Case {case.id} ·"

    def found() -> list[Json]:
        return [m for m in _cards(stage, channel) if mark in text_of(m) and part in text_of(m)]

    await stage.until(found)
    return found()[0]


def _labels(message: Json) -> list[str]:
    return [part["label"] for part in walk(message["components"]) if part.get("label")]


async def _told(stage: Stage, part: str, user_id: int = ANN) -> Json:
    """The direct message that holds *part*."""

    def found() -> list[Json]:
        return [m for m in stage.direct_words(user_id) if part in text_of(m)]

    await stage.until(found)
    return found()[0]


async def _forge(stage: Stage, by: int, custom_id: str, at: int = lantern.REVIEW) -> str:
    """Press what no client shows this person there."""
    part = {"type": 2, "style": 2, "label": "x", "custom_id": custom_id, "id": 2, "disabled": False}
    some = next(s.message for s in stage.discord.world.newest() if not s.deleted and not s.message["flags"] & LOADING)
    told = {**some, "channel_id": str(at), "flags": 0, "components": [{"type": 1, "id": 1, "components": [part]}]}
    pressed = {"custom_id": custom_id, "component_type": 2, "id": 2}
    sent = await stage.discord.actions._send(COMPONENT, by, at, pressed, told)
    before = len(stage.private_words(by))
    await stage.answered(sent)
    words = stage.private_words(by)
    return words[0] if len(words) > before else ""


# --- held pictures ---------------------------------------------------------------------------------------------------


async def test_a_held_picture_is_approved_from_its_card(tmp_path: Path) -> None:
    """The card says all that is needed and shows no picture; afterwards it says who decided, and has no verdicts."""
    judge = OpenApi()
    async with open_stage(tmp_path, judge=judge, config=REVIEWED) as stage:
        case = await _held(stage)
        card = await _card(stage, case)
        said = text_of(card)
        for part in (
            f"Case {case.id} · Held for review",
            f"<@{ANN}> · <#{lantern.STUDIO}> (not age-restricted) · job 1 · discarded <t:",
            "picture rated explicit 0.82 (shown below 0.40)",
            "0 pictures, 0 warnings",
            "||```\n1girl, !rated82\n```||",
        ):
            assert part in said
        assert ["Look", "Approve", "Reject", "Reject and warn", "Block…", "Record"] == _labels(card)
        assert ([], []) == (card["attachments"], card["mentions"])

        await stage.answered(await stage.press(card, "Approve", by=MIA))

        job = await stage.delivered(case.job_id or 0)
        assert (JobState.DONE, Delivery.SHOWN) == (job.state, job.delivery)
        assert 1 == len(stage.pictures())
        closed = await _card(stage, case, "Approved")
        assert (card["id"], ["History"]) == (closed["id"], _labels(closed))
        assert f"by <@{MIA}>" in text_of(closed)
        assert "1girl" not in text_of(closed)
        history = await stage.answered(await stage.press(closed, "History", by=MIA))
        assert f"approved by <@{MIA}>" in text_of(history)
    assert [] == judge.wrong


async def test_a_warning_is_a_wall_until_it_was_read(tmp_path: Path) -> None:
    """The member is told by message and at their next wish; [I understand] lets them go on, also there."""
    async with open_stage(tmp_path, config=REVIEWED) as stage:
        case = await _held(stage)
        opened = await stage.press(await _card(stage, case), "Reject and warn", by=MIA)
        await stage.answered(await stage.fill(opened, by=MIA, reason=["sexual"], words="Keep it *safe* here."))

        note = await _told(stage, "left you a note")
        assert f"**Lantern**: <@{MIA}> left you a note" in text_of(note)
        assert "Too sexual for this place. Keep it \\*safe\\* here" in text_of(note)
        assert ["I understand", "Appeal"] == _labels(note)
        closed = await _card(stage, case, "Rejected with a warning")
        assert "Too sexual for this place" in text_of(closed)
        assert [] == stage.pictures()
        wall = await stage.answered(await stage.slash("generate", prompt="1girl", size=SMALL))
        assert "left you a note" in text_of(wall)
        assert ["I understand"] == _labels(wall)

        read = await stage.answered(await stage.press(note, "I understand"))

        assert ("Read. You can go on." in text_of(read), ["Appeal"]) == (True, _labels(read))
        await stage.answered(await stage.press(wall, "I understand"))
        assert "seed" in await stage.said("generate", prompt="1girl", size=SMALL)


async def test_a_block_lasts_as_long_as_its_form_says(tmp_path: Path) -> None:
    """And the member reads until when, where they ask and by message, with the way to a second look."""
    async with open_stage(tmp_path, config=REVIEWED) as stage:
        case = await _held(stage)
        opened = await stage.press(await _card(stage, case), "Block…", by=MIA)
        await stage.answered(await stage.fill(opened, by=MIA, duration=["604800"], reason=["none"], words="Enough."))

        block = stage.house.services.moderation.block_of(lantern.LANTERN, ANN)
        assert block is not None
        assert (case.id, MIA, "Enough.") == (block.case_id, block.actor, block.reason)
        days = ((block.until or 0) - (await stage.house.store.case(case.id)).decided_at) / 86_400
        assert 7 == pytest.approx(days, abs=0.01)
        refused = await stage.answered(await stage.slash("generate", prompt="1girl", size=SMALL))
        assert f"cannot use me here until <t:{int(block.until or 0)}" in text_of(refused)
        assert ["Appeal"] == _labels(refused)
        note = await _told(stage, "paused pictures for you")
        assert f"until <t:{int(block.until or 0)}:f>. Reason: Enough." in text_of(note)
        assert f"Blocked until <t:{int(block.until or 0)}:f> · by" in text_of(await _card(stage, case, "Blocked"))


async def test_of_two_moderators_the_first_one_decides(tmp_path: Path) -> None:
    """The other reads who was quicker, and how."""
    async with open_stage(tmp_path, config=REVIEWED) as stage:
        case = await _held(stage)
        card = await _card(stage, case)
        form = await stage.press(card, "Reject and warn", by=ADA)
        await stage.until(lambda: form.form)

        pressed = [await stage.press_id(card, f"case:{case.id}:reject", by=by) for by in (MIA, ADA)]
        for each in pressed:
            await stage.answered(each)
        await stage.answered(await stage.fill(form, by=ADA, reason=["none"], words="x"))

        decided = await stage.house.store.case(case.id)
        assert decided is not None
        assert Decision.REJECTED == decided.decision
        losers = [words for by in (MIA, ADA) for words in stage.private_words(by)]
        assert [f"<@{decided.actor}> was first: rejected. Nothing was changed."] * 2 == losers
        assert "seed" in await stage.said("generate", prompt="1girl", size=SMALL)


async def test_a_moderator_looks_in_private_and_on_record(tmp_path: Path) -> None:
    """The file is theirs alone, and the audit knows who looked."""
    async with open_stage(tmp_path, config=REVIEWED) as stage:
        case = await _held(stage)

        shown = await stage.answered(await stage.press(await _card(stage, case), "Look", by=MIA))

        assert (64, 1) == (shown["flags"] & 64, len(shown["attachments"]))
        assert [] == stage.pictures()
        [line] = await stage.house.store.entries(0, ("case.looked",), 9)
        assert (MIA, case.id) == (line.record.actor, line.record.data["case"])


async def test_nobody_looks_in_a_channel_for_everybody(tmp_path: Path) -> None:
    """A held picture may be what such a channel must not show, and its moderator may be of any age."""
    async with open_stage(tmp_path, config=replace(STUDIO, review_channel=lantern.MOD_LOG)) as stage:
        case = await _held(stage)
        card = await _card(stage, case, channel=lantern.MOD_LOG)

        await stage.answered(await stage.press(card, "Look", by=MIA))

        assert "only in an age-restricted review channel" in stage.private_words(MIA)[0]
        assert [] == list(await stage.house.store.entries(0, ("case.looked",), 9))


async def test_what_nobody_decides_is_discarded_on_its_card_too(tmp_path: Path) -> None:
    """Nothing is shown or charged, and the card says so."""
    clock = Clock()
    async with open_stage(tmp_path, config=REVIEWED, clock=clock) as stage:
        case = await _held(stage)
        await _card(stage, case)
        clock.advance(4 * 86_400.0)

        await stage.house.services.cases.expire()

        assert ["History"] == _labels(await _card(stage, case, "Not decided in time"))
        job = await stage.delivered(case.job_id or 0)
        assert (JobState.BLOCKED, 0, []) == (job.state, job.charged_pictures, stage.pictures())


async def test_a_new_card_pings_the_role_and_an_edit_nobody(tmp_path: Path) -> None:
    """Once; nothing else that stands on a card pings anybody."""
    async with open_stage(tmp_path, config=replace(REVIEWED, ping_role=lantern.ARTISTS)) as stage:
        case = await _held(stage, f"1girl, !rated82, <@{BEN}>, @everyone")
        card = await _card(stage, case)
        [post] = [path for method, path, _ in stage.discord.rest.requests if _is_post(method, path)]
        assert f"<@&{lantern.ARTISTS}>" in text_of(card)
        assert ([str(lantern.ARTISTS)], []) == (card["mention_roles"], card["mentions"])

        await stage.answered(await stage.press(card, "Reject", by=MIA))

        closed = await _card(stage, case, "Rejected")
        assert ("<@&" in text_of(closed), closed["mention_roles"]) == (False, [])
        assert [post] == [path for method, path, _ in stage.discord.rest.requests if _is_post(method, path)]


def _is_post(method: str, path: str) -> bool:
    return method == "POST" and path == f"/channels/{lantern.REVIEW}/messages"


# --- what may happen to a card ---------------------------------------------------------------------------------------


async def test_a_decision_that_outlived_its_process_is_drawn_by_the_next(tmp_path: Path) -> None:
    """And the member is told once."""
    async with open_stage(tmp_path, config=REVIEWED) as stage:
        case = await _held(stage)
        card = await _card(stage, case)
        await stage.client.close()
        mia = Requester(user_id=MIA, guild_id=lantern.LANTERN, channel_id=lantern.REVIEW, may_moderate=True)
        await stage.house.services.cases.decide(mia, case.id, Decision.WARNED, words="No.")
    discord, novelai = stage.discord, stage.novelai
    async with (
        novelai.serve() as address,
        discord.serve(),
        play(tmp_path, discord, novelai, address, config=REVIEWED) as later,
    ):
        closed = await _card(later, case, "Rejected with a warning")
        await _told(later, "left you a note")

        assert (card["id"], 1) == (closed["id"], len(_cards(later)))
        assert 1 == len([m for m in later.direct_words() if "left you a note" in text_of(m)])


async def test_a_card_that_was_posted_and_not_noted_is_not_posted_twice(tmp_path: Path) -> None:
    """Discord knows its nonce for some minutes; afterwards the card is looked for."""
    clock = Clock()
    async with open_stage(tmp_path, config=REVIEWED, clock=clock) as stage:
        case = await _held(stage)
        await _card(stage, case)
        for seconds in (1.0, 3_600.0):
            await _forget_card(stage, case)
            clock.advance(seconds)
            stage.house.services.cases.news.set()
            await _carded(stage, case)

        assert 1 == len(_cards(stage))


async def _forget_card(stage: Stage, case: Case) -> None:
    await _carded(stage, case)
    db = stage.house.store._db
    async with db.tx() as session:
        sql = "UPDATE cases SET carded = 0, card_channel = NULL, card_message = NULL WHERE id = ?"
        await session.run(sql, case.id)


async def _carded(stage: Stage, case: Case) -> Case:
    async with asyncio.timeout(15):
        while True:
            now = await stage.house.store.case(case.id)
            if now is not None and now.carded == now.version:
                return now
            await asyncio.sleep(0.02)


async def test_a_deleted_card_is_put_up_anew_without_a_ping(tmp_path: Path) -> None:
    """As long as there is something to decide."""
    async with open_stage(tmp_path, config=replace(REVIEWED, ping_role=lantern.ARTISTS)) as stage:
        shown = await stage.answered(await stage.slash("generate", prompt="1girl", size=SMALL))
        case, _ = await _report(stage, 1, BEN)
        first = await _card(stage, case, "1 report")
        await _carded(stage, case)
        stage.discord.world.remove(int(first["id"]))

        await _report(stage, 1, MIA)

        second = await _card(stage, case, "2 reports")
        assert first["id"] != second["id"]
        assert "<@&" not in text_of(second)
        assert shown["attachments"]


@pytest.mark.parametrize("how", ["deleted", "forbidden", "none"])
async def test_without_a_review_channel_cases_wait_in_the_list(tmp_path: Path, how: str) -> None:
    """Deleted, closed to the bot, or never chosen: moderators find the case by command and decide it there."""
    config = STUDIO if how == "none" else REVIEWED
    async with open_stage(tmp_path, config=config) as stage:
        if how == "deleted":
            gone = stage.discord.world.delete_channel(lantern.REVIEW)
            await stage.discord.gateway.event("CHANNEL_DELETE", gone, lantern.LANTERN)
        elif how == "forbidden":
            stage.discord.world.denied[lantern.REVIEW] = lantern.SEND
        case = await _held(stage)
        assert (await _carded(stage, case)).card_message is None

        listed = await stage.answered(await stage.slash("mod cases", by=MIA))
        assert f"**{case.id}** Held for review · <@{ANN}>" in text_of(listed)
        card = await stage.answered(await stage.press(listed, "Open", by=MIA))
        assert "Held for review" in text_of(card)
        assert card["flags"] & 64
        again = await stage.answered(await stage.slash("mod case", by=MIA, number=case.id))
        assert text_of(card) == text_of(again)
        closed = await stage.answered(await stage.press(card, "Approve", by=MIA))

        assert f"Approved · by <@{MIA}>" in text_of(closed)
        assert JobState.DONE == (await stage.delivered(case.job_id or 0)).state
        assert "There are none." in await stage.said("mod cases", by=MIA)
        assert "approved" in await stage.said("mod cases", by=MIA, state="closed", member=str(ANN))


async def test_a_discord_that_is_away_gets_its_card_later(tmp_path: Path) -> None:
    """With growing pauses."""
    clock = Clock()
    async with open_stage(tmp_path, config=REVIEWED, clock=clock) as stage:
        stage.discord.fail_next("POST", f"/channels/{lantern.REVIEW}/messages", 503, times=99)
        case = await _held(stage)
        await stage.until(lambda: any(_is_post(method, path) for method, path, _ in stage.discord.rest.requests))
        stage.discord.rest.faults.clear()

        async with asyncio.timeout(60):
            while not _cards(stage):
                clock.advance(1.0)
                await asyncio.sleep(0.05)
        assert "Held for review" in text_of(await _card(stage, case))


# --- reports ---------------------------------------------------------------------------------------------------------


async def _report(stage: Stage, job_id: int, by: int, words: str = "") -> tuple[Case, bool]:
    requester = Requester(user_id=by, guild_id=lantern.LANTERN, channel_id=lantern.STUDIO)
    return await stage.house.services.cases.report(requester, job_id, "rule", words)


async def test_reports_are_one_card_that_counts_and_names_nobody(tmp_path: Path) -> None:
    """Delete and warn takes the picture away, tells its member why, and those who reported it that it helped."""
    async with open_stage(tmp_path, config=REVIEWED) as stage:
        await stage.answered(await stage.slash("generate", prompt="1girl", size=SMALL))
        case, _ = await _report(stage, 1, BEN, "Look at <@1> ||this||")
        await _report(stage, 1, ADA)
        card = await _card(stage, case, "2 reports")
        assert "breaks a rule ×2" in text_of(card)
        assert "> Look at \\<\\@1\\> \\|\\|this\\|\\|" in text_of(card)
        assert not [id_ for id_ in (BEN, ADA) if str(id_) in text_of(card)]
        assert 1 == len(_cards(stage))

        opened = await stage.press(card, "Delete and warn", by=MIA)
        await stage.answered(await stage.fill(opened, by=MIA, reason=["rules"]))

        await _card(stage, case, "Deleted, with a warning")
        assert [] == stage.pictures()
        note = await _told(stage, "deleted your picture of job 1 and left you a note")
        assert ["I understand", "Appeal"] == _labels(note)
        for by in (BEN, ADA):
            told = await _told(stage, "did something about it", by)
            assert [] == _labels(told)
            assert str(ANN) not in text_of(told)


async def test_a_reported_picture_is_hidden_and_shown_again(tmp_path: Path) -> None:
    """Hide puts it behind a spoiler; Dismiss takes away the one that enough reports put there."""
    config = replace(REVIEWED, report_limit=1)
    async with open_stage(tmp_path, config=config) as stage:
        made = [await stage.answered(await stage.slash("generate", prompt="1girl", size=SMALL)) for _ in range(2)]
        first, _ = await _report(stage, 1, BEN)
        link = f"https://discord.com/channels/{lantern.LANTERN}/{lantern.STUDIO}/{made[1]['id']}"
        assert "hidden until they looked" in await stage.said("report", by=BEN, picture=link, reason="x")
        second = (await stage.house.store.cases(kinds=[CaseKind.REPORT], most=9))[0]

        await stage.answered(await stage.press(await _card(stage, first), "Hide", by=MIA))
        await stage.answered(await stage.press(await _card(stage, second), "Dismiss", by=MIA))

        await stage.until(lambda: _is_hidden(stage, made[0]) and not _is_hidden(stage, made[1]))
        assert 2 == len(stage.pictures())


async def test_a_card_says_what_could_not_be_done(tmp_path: Path) -> None:
    """A picture that no way leads to stays; so nobody takes the decision for the deed."""
    clock = Clock()
    async with open_stage(tmp_path, config=REVIEWED, clock=clock) as stage:
        stage.discord.world.denied[lantern.STUDIO] = lantern.VIEW
        await stage.answered(await stage.slash("generate", prompt="1girl", size=SMALL))
        clock.advance(3_600)
        case, _ = await _report(stage, 1, BEN)

        await stage.answered(await stage.press(await _card(stage, case), "Delete", by=MIA))

        card = await _card(stage, case, "Discord does not let me")
        assert f"<#{lantern.STUDIO}>" in text_of(card)
        assert 1 == len(stage.pictures())
        await stage.until(lambda: _cards(stage))
        kept = await stage.house.store.case(case.id)
        assert kept is not None
        assert (True, 3) == (kept.data["undone"], kept.version)


def _is_hidden(stage: Stage, message: Json) -> bool:
    [file] = stage.discord.world.shown[int(message["id"])].message["attachments"]
    return bool(file.get("flags", 0) & SPOILER)


async def test_a_dismissed_report_leaves_the_picture_and_says_so(tmp_path: Path) -> None:
    """To those who reported it; its member hears nothing."""
    async with open_stage(tmp_path, config=REVIEWED) as stage:
        await stage.answered(await stage.slash("generate", prompt="1girl", size=SMALL))
        case, _ = await _report(stage, 1, BEN)

        await stage.answered(await stage.press(await _card(stage, case), "Dismiss", by=MIA))

        await _told(stage, "and it stays", BEN)
        assert "Dismissed" in text_of(await _card(stage, case, "Dismissed"))
        assert 1 == len(stage.pictures())
        assert [] == stage.direct_words(ANN)


# --- suggestions -----------------------------------------------------------------------------------------------------


async def _suggested(stage: Stage, *, is_private: bool = False) -> Case:
    """Ann's wish waits for its yes under a message of its own."""
    message = await stage.client.get_partial_messageable(lantern.STUDIO).send("⏳")
    ann = Requester(user_id=ANN, guild_id=lantern.LANTERN, channel_id=lantern.STUDIO)
    place = Place(channel_id=lantern.STUDIO, message_id=message.id, ephemeral=is_private)
    request = a_request(size=Size(width=64, height=64), seed=7, safe=True)
    filing = Filing(
        guild_id=lantern.LANTERN, user_id=ANN, kind=CaseKind.PROPOSAL, reason="approval", channel_id=lantern.STUDIO
    )
    application = Application(key="suggested", requester=ann, place=place, request=request, price=0)
    job, case = await stage.house.store.suggest(application, time.time(), filing)
    assert case is not None
    if not is_private:
        stage.house.services.cases._bell.ring(job.id)
        await stage.until(lambda: "suggests this" in text_of(stage.discord.world.shown[message.id].message))
    return case


def _suggestion(stage: Stage) -> Json:
    return next(m for m in _cards(stage, lantern.STUDIO) if "suggests this" in text_of(m))


async def test_a_public_suggestion_is_decided_where_it_stands(tmp_path: Path) -> None:
    """It has no card; members cannot say yes, a moderator can, and it is drawn in its message."""
    async with open_stage(tmp_path, config=REVIEWED) as stage:
        case = await _suggested(stage)
        shown = _suggestion(stage)
        assert ["Make it", "Decline"] == _labels(shown)
        for by, label in ((BEN, "Make it"), (BEN, "Decline"), (ANN, "Make it")):
            await stage.answered(await stage.press(shown, label, by=by))
            assert "Only moderators" in stage.private_words(by)[0]

        await stage.answered(await stage.press(shown, "Make it", by=MIA))

        assert (JobState.DONE, MIA) == ((job := await stage.delivered(case.job_id or 0)).state, job.approver)
        assert (await _carded(stage, case)).card_message is None
        assert [] == _cards(stage)
        assert 1 == len(stage.pictures())
        assert "was first: approved" in await _forge(stage, ADA, f"job:{case.job_id}:decline")
        assert "no such case" in await _forge(stage, MIA, "job:999:make")


@pytest.mark.parametrize(("by", "reason"), [(MIA, "declined"), (ANN, "cancelled")])
async def test_a_suggestion_is_declined_or_taken_back_by_one_button(tmp_path: Path, by: int, reason: str) -> None:
    """A moderator's press says no; its member's takes it back."""
    async with open_stage(tmp_path, config=REVIEWED) as stage:
        case = await _suggested(stage)

        await stage.answered(await stage.press(_suggestion(stage), "Decline", by=by))

        job = await stage.delivered(case.job_id or 0)
        assert (JobState.CANCELLED, reason, 0) == (job.state, job.reason, job.charged_pictures)


async def test_a_private_suggestion_has_a_card(tmp_path: Path) -> None:
    """Nobody else would see it where it was made."""
    async with open_stage(tmp_path, config=REVIEWED, working=False) as stage:
        case = await _suggested(stage, is_private=True)
        card = await _card(stage, case, "Suggested")
        assert "**Price** free" in text_of(card)
        assert ["Make it", "Decline", "Record"] == _labels(card)

        await stage.answered(await stage.press(card, "Make it", by=MIA))

        assert [case.job_id] == [job.id for job in await stage.house.store.waiting()]
        assert "Approved" in text_of(await _card(stage, case, "Approved"))


# --- appeals ---------------------------------------------------------------------------------------------------------

WHY = "It was a red dress, and nothing else."


async def _blocked(stage: Stage) -> Case:
    """Ann is blocked by a decision of Mia's about a held picture."""
    case = await _held(stage)
    opened = await stage.press(await _card(stage, case), "Block…", by=MIA)
    await stage.answered(await stage.fill(opened, by=MIA, duration=["0"], reason=["none"], words="Enough."))
    return case


async def _appeal(stage: Stage, case: Case, by: int = ANN, at: int = lantern.STUDIO) -> Case:
    opened = await stage.slash("appeal", by=by, at=at, case=case.id)
    await stage.answered(await stage.fill(opened, by=by, words=WHY))
    [appeal] = await stage.house.store.cases(user_id=by, kinds=[CaseKind.APPEAL], most=9)
    return appeal


async def test_an_appeal_that_is_lifted_takes_the_block_back(tmp_path: Path) -> None:
    """The member asks although they are kept out, another moderator lifts it, and they are told and may go on."""
    async with open_stage(tmp_path, config=REVIEWED) as stage:
        case = await _blocked(stage)
        own = await stage.answered(await stage.slash("cases"))
        assert f"**Case {case.id}** Held for review · blocked by <@{MIA}>" in text_of(own)
        opened = await stage.press(own, "Appeal")
        sent = await stage.answered(await stage.fill(opened, words=f"{WHY} ```@everyone"))
        assert f"Somebody other than <@{MIA}> will look" in text_of(sent)
        [appeal] = await stage.house.store.cases(kinds=[CaseKind.APPEAL], most=9)
        card = await _card(stage, appeal, "Appeal of case")
        assert f"Appeal of case {case.id}" in text_of(card)
        assert f"blocked by <@{MIA}>" in text_of(card)
        assert f"```\n{WHY} ˋˋˋ@everyone\n```" in text_of(card)
        assert ["Uphold", "Lift", "Lift and apologise", "Record"] == _labels(card)
        assert "being looked at" in await stage.said("cases")

        await stage.answered(await stage.press(card, "Lift and apologise", by=ADA))

        await _told(stage, f"your appeal of case {case.id} was looked at again: it was our mistake")
        assert stage.house.services.moderation.block_of(lantern.LANTERN, ANN) is None
        assert "seed" in await stage.said("generate", prompt="1girl", size=SMALL)
        assert "Lifted, with an apology" in text_of(await _card(stage, appeal, "Lifted"))
        assert "looked at again: lifted, with an apology" in await stage.said("cases")


async def test_who_decided_first_had_better_leave_the_appeal_to_others(tmp_path: Path) -> None:
    """They are told so, and may all the same; upheld it stays, and there is no third look."""
    async with open_stage(tmp_path, config=REVIEWED) as stage:
        case = await _blocked(stage)
        appeal = await _appeal(stage, case)
        card = await _card(stage, appeal)

        await stage.answered(await stage.press(card, "Uphold", by=MIA))
        assert (await stage.house.store.case(appeal.id) or appeal).is_open
        [asked] = [
            s.message for s in stage.discord.world.visible(MIA) if s.to == MIA and "Better" in text_of(s.message)
        ]
        await stage.answered(await stage.press(asked, "Decide it anyway", by=MIA))

        await _told(stage, "the decision stays as it is")
        assert stage.house.services.moderation.block_of(lantern.LANTERN, ANN) is not None
        assert "looked at twice" in await stage.said("appeal", case=case.id)


async def test_the_house_is_appealed_to_by_its_operator(tmp_path: Path) -> None:
    """What is never made, and blocks everywhere: moderators get no card, and the operator's direct message has one."""
    async with open_stage(tmp_path, config=REVIEWED) as stage:
        refused = await stage.answered(await stage.slash("generate", prompt="child, nude", size=SMALL))
        assert ["Appeal"] == _labels(refused)
        opened = await stage.press(refused, "Appeal")
        sent = await stage.answered(await stage.fill(opened, words=WHY))
        assert "Sent to the people who run me" in text_of(sent)
        [appeal] = await stage.house.store.cases(kinds=[CaseKind.APPEAL], most=9)
        direct = int((stage.discord.world.direct_channel(ADA) or {})["id"])
        card = await _card(stage, appeal, channel=direct)
        assert [] == _cards(stage)
        assert "nude" not in text_of(card)
        assert "nobody looks at it" in text_of(card)
        assert "goes to whoever runs me" in await _forge(stage, MIA, f"case:{appeal.id}:lift")

        await stage.answered(await stage.press(card, "Lift", by=ADA))

        await _told(stage, "the decision is taken back")
        assert "Lifted" in text_of(await _card(stage, appeal, "Lifted", channel=direct))


async def test_a_block_everywhere_is_appealed_to_the_operator(tmp_path: Path) -> None:
    """Also from a server that is not theirs to decide in."""
    async with open_stage(tmp_path, config=REVIEWED, house={"operators": frozenset({ADA})}) as stage:
        ada = Requester(user_id=ADA, guild_id=lantern.LANTERN, channel_id=lantern.STUDIO)
        case, _, _ = await stage.house.services.sanctions.pause_everywhere(ada, ANN, None, "No.")
        assert HOUSE == case.guild_id
        note = await _told(stage, "closed me to you")
        assert "**everywhere**" in text_of(note)
        opened = await stage.press(note, "Appeal")
        await stage.answered(await stage.fill(opened, words=WHY))
        [appeal] = await stage.house.store.cases(kinds=[CaseKind.APPEAL], most=9)
        direct = int((stage.discord.world.direct_channel(ADA) or {})["id"])

        card = await _card(stage, appeal, channel=direct)
        await stage.answered(await stage.press(card, "Lift", by=ADA))
        asked = next(m for m in _private(stage, ADA) if "Better somebody else" in text_of(m))
        await stage.answered(await stage.press(asked, "Decide it anyway", by=ADA))

        await _told(stage, "taken back")
        assert "seed" in await stage.said("generate", prompt="1girl", size=SMALL)


def _private(stage: Stage, user_id: int) -> list[Json]:
    return [s.message for s in stage.discord.world.visible(user_id) if s.to == user_id and not s.deleted]


async def test_what_cannot_be_told_stands_in_the_list(tmp_path: Path) -> None:
    """Closed direct messages: the note is not told again and again, and is read in /cases."""
    async with open_stage(tmp_path, config=REVIEWED) as stage:
        stage.discord.world.unreachable.add(ANN)
        mia = Requester(user_id=MIA, guild_id=lantern.LANTERN, channel_id=lantern.STUDIO, may_moderate=True)
        case = await stage.house.services.sanctions.warn(mia, ANN, "Be kind.")
        async with asyncio.timeout(15):
            while await _pending(stage):
                await asyncio.sleep(0.02)

        own = await stage.answered(await stage.slash("cases", at=lantern.GENERAL))
        assert f"**Case {case.id}** About a member · a note to read by <@{MIA}>" in text_of(own)
        assert '"Be kind."' in text_of(own)
        own = await stage.answered(await stage.press(own, "I understand"))

        assert ["Appeal"] == _labels(own)
        assert "seed" in await stage.said("generate", prompt="1girl", size=SMALL)


async def _pending(stage: Stage) -> int:
    async with stage.house.store._db.read() as session:
        return int((await session.one("SELECT COUNT(*) AS n FROM notices WHERE state = 'PENDING'"))["n"])


async def test_a_notice_whose_answer_was_lost_is_told_once(tmp_path: Path) -> None:
    """It arrived; its process did not hear so and tries again, after Discord has forgotten the nonce."""
    clock = Clock()
    async with open_stage(tmp_path, config=REVIEWED, clock=clock) as stage:
        direct = (stage.discord.world.direct_channel(ANN) or {})["id"]
        stage.discord.fail_next("POST", f"/channels/{direct}/messages", 0, is_done=True)
        mia = Requester(user_id=MIA, guild_id=lantern.LANTERN, channel_id=lantern.STUDIO, may_moderate=True)
        await stage.house.services.sanctions.warn(mia, ANN, "Be kind.")
        await _told(stage, "Be kind")
        async with asyncio.timeout(30):
            while await _pending(stage):
                clock.advance(60.0)
                await asyncio.sleep(0.05)

        assert 1 == len([m for m in stage.direct_words() if "Be kind" in text_of(m)])


# --- who may ---------------------------------------------------------------------------------------------------------


async def test_a_forged_press_changes_nothing_and_says_why(tmp_path: Path) -> None:
    """Members, one's own case, another server's, no number, what is decided, and verdicts of another kind."""
    async with open_stage(tmp_path, config=REVIEWED) as stage:
        case = await _held(stage, by=ANN)
        own = await _held(stage, by=MIA)
        await stage.house.services.guilds.save(lantern.NEW_SERVER, GuildConfig())
        foreign = await stage.house.store.file_case(
            Filing(
                guild_id=lantern.NEW_SERVER,
                user_id=BEN,
                kind=CaseKind.HELD,
                reason="rating",
                channel_id=lantern.NEW_GENERAL,
            ),
            0.0,
        )
        nowhere = "no such case here"
        expected = {
            (BEN, case.id, "approve"): "Only moderators",
            (BEN, case.id, "look"): "Only moderators",
            (BEN, case.id, "warn"): "Only moderators",
            (BEN, case.id, "open"): "Only moderators",
            (BEN, case.id, "history"): "Only moderators",
            (BEN, case.id, "appeal"): nowhere,
            (BEN, case.id, "ack"): nowhere,
            (ANN, case.id, "approve"): "Only moderators",
            (ANN, case.id, "open"): "Only moderators",
            (ANN, case.id, "history"): "Only moderators",
            (ANN, case.id, "appeal"): "nothing to appeal",
            (MIA, own.id, "approve"): "Nobody decides about themselves",
            (MIA, own.id, "warn"): "Nobody decides about themselves",
            (MIA, own.id, "look"): "Nobody decides about themselves",
            (MIA, foreign.id, "approve"): nowhere,
            (MIA, foreign.id, "block"): nowhere,
            (MIA, foreign.id, "look"): nowhere,
            (MIA, 999_999, "reject"): nowhere,
            (MIA, 10**18, "reject"): nowhere,
            (MIA, case.id, "dismiss"): nowhere,
            (MIA, case.id, "lift"): nowhere,
            (MIA, case.id, "fly"): "too old",
            (MIA, 1, "ack"): nowhere,
        }
        for (by, number, verb), words in expected.items():
            said = await _forge(stage, by, f"case:{number}:{verb}")
            assert words in said, (by, number, verb, said)
        for each in (case, own, foreign):
            assert (await stage.house.store.case(each.id) or each).is_open

        await stage.answered(await stage.press(await _card(stage, case), "Reject", by=ADA))
        assert "was first: rejected" in await _forge(stage, MIA, f"case:{case.id}:approve")
        assert "was first: rejected" in await _forge(stage, MIA, f"case:{case.id}:warn")
        assert "not kept any more" in await _forge(stage, MIA, f"case:{case.id}:look")
        assert [] == stage.pictures()


@pytest.mark.parametrize(("label", "values"), [("Reject and warn", {}), ("Block…", {"duration": ["0"]})])
async def test_moderators_sanction_nobody_who_manages_the_server(
    tmp_path: Path, label: str, values: dict[str, Any]
) -> None:
    """As by command: not from a card either, whatever stands in the form. To reject their picture is no sanction."""
    async with open_stage(tmp_path, config=REVIEWED, house={"operators": frozenset({BEN})}) as stage:
        case = await _held(stage, by=ADA)
        card = await _card(stage, case)
        opened = await stage.press(card, label, by=MIA)

        await stage.answered(await stage.fill(opened, by=MIA, reason=["none"], words="Enough.", **values))

        assert "They manage this server" in stage.private_words(MIA)[0]
        assert (await stage.house.store.case(case.id) or case).is_open
        await stage.answered(await stage.press(card, "Reject", by=MIA))
        assert not (await stage.house.store.case(case.id) or case).is_open


@pytest.mark.parametrize("verb", ["open", "history", "look"])
async def test_where_one_moderates_is_no_way_to_ones_own_case_elsewhere(tmp_path: Path, verb: str) -> None:
    """Mia moderates two servers; her case of the first is no moderator's in the second."""
    async with open_stage(tmp_path, config=REVIEWED) as stage:
        await stage.house.services.guilds.save(lantern.NEW_SERVER, STUDIO)
        own = await _held(stage, by=MIA)

        said = await _forge(stage, MIA, f"case:{own.id}:{verb}", at=lantern.NEW_GENERAL)

        assert "no such case here" in said


async def test_the_operator_too_decides_an_appeal_as_appeals_are_decided(tmp_path: Path) -> None:
    """A verdict of another kind is none, whoever forged it."""
    async with open_stage(tmp_path, config=REVIEWED, house={"operators": frozenset({BEN})}) as stage:
        mia = Requester(user_id=MIA, guild_id=lantern.LANTERN, channel_id=lantern.STUDIO, may_moderate=True)
        ann = Requester(user_id=ANN, guild_id=lantern.LANTERN, channel_id=lantern.STUDIO)
        case, _, _ = await stage.house.services.sanctions.pause(mia, ANN, None, "x")
        _, appeal = await stage.house.services.cases.appeal(ann, case.id, WHY)
        await _card(stage, appeal)

        for verb in ("dismiss", "approve", "reject"):
            assert "no such case here" in await _forge(stage, BEN, f"case:{appeal.id}:{verb}")

        assert (await stage.house.store.case(appeal.id) or appeal).is_open


async def test_of_a_report_nobody_who_manages_the_server_is_warned(tmp_path: Path) -> None:
    """Their picture can be deleted all the same."""
    async with open_stage(tmp_path, config=REVIEWED, house={"operators": frozenset({BEN})}) as stage:
        await stage.answered(await stage.slash("generate", by=ADA, prompt="1girl", size=SMALL))
        case, _ = await _report(stage, 1, ANN)
        card = await _card(stage, case)
        opened = await stage.press(card, "Delete and warn", by=MIA)

        await stage.answered(await stage.fill(opened, by=MIA, reason=["rules"]))

        assert "They manage this server" in stage.private_words(MIA)[0]
        assert (await stage.house.store.case(case.id) or case).is_open


@pytest.mark.parametrize("verb", ["warn", "block", "appeal"])
async def test_a_form_is_taken_only_from_whoever_may(tmp_path: Path, verb: str) -> None:
    """Opened by one, submitted by another."""
    async with open_stage(tmp_path, config=REVIEWED) as stage:
        case = await (_blocked(stage) if verb == "appeal" else _held(stage))
        if verb == "appeal":
            opened = await stage.slash("appeal", case=case.id)
        else:
            opened = await stage.press_id(await _card(stage, case), f"case:{case.id}:{verb}", by=MIA)
        await stage.until(lambda: opened.form)
        opened.user = stage.discord.world.people[BEN]
        values: dict[str, Any] = {"words": WHY, "reason": ["none"], "duration": ["0"]}

        await stage.answered(await stage.fill(opened, by=BEN, **values))

        assert ("no such case" if verb == "appeal" else "Only moderators") in stage.private_words(BEN)[0]
        assert [] == list(await stage.house.store.cases(kinds=[CaseKind.APPEAL], most=9))
        assert (verb == "appeal") == (not (await stage.house.store.case(case.id) or case).is_open)


async def test_a_list_of_long_decisions_fits_its_card(tmp_path: Path) -> None:
    """Whatever moderators wrote; and of one member only so many appeals wait."""
    async with open_stage(tmp_path, config=REVIEWED) as stage:
        mia = Requester(user_id=MIA, guild_id=lantern.LANTERN, channel_id=lantern.STUDIO, may_moderate=True)
        ann = Requester(user_id=ANN, guild_id=lantern.LANTERN, channel_id=lantern.STUDIO)
        cases = [await stage.house.services.sanctions.warn(mia, ANN, "*_~" * 100) for _ in range(12)]

        own = await stage.answered(await stage.slash("cases"))

        assert f"**Case {cases[-1].id}**" in text_of(own)
        assert "-# and more" in text_of(own)
        for case in cases[:5]:
            await stage.house.services.cases.appeal(ann, case.id, WHY)
        assert "5 of your appeals" in await stage.said("appeal", case=cases[5].id)


async def test_a_forged_appeal_of_no_words_is_none(tmp_path: Path) -> None:
    """A client would not send it; the service asks again."""
    async with open_stage(tmp_path, config=REVIEWED) as stage:
        case = await _blocked(stage)
        opened = await stage.slash("appeal", case=case.id)

        sent = await stage.answered(await stage.fill(opened, words=" " * 30))

        assert "20 to 1000 characters" in text_of(sent)
        assert [] == list(await stage.house.store.cases(kinds=[CaseKind.APPEAL], most=9))


async def test_lists_offer_each_only_their_own(tmp_path: Path) -> None:
    """Autocomplete: a moderator's open cases, a member's decisions."""
    async with open_stage(tmp_path, config=REVIEWED) as stage:
        stage.let_everybody_use_every_command()
        case = await _blocked(stage)
        held = await _held(stage, by=BEN)

        async def offered(name: str, option: str, by: int) -> list[int]:
            name, _, sub = name.partition(" ")
            options: list[Json] = [{"name": option, "type": 4, "value": ""}]
            options = [{"name": sub, "type": 1, "options": options}] if sub else options
            wish = {"kind": "complete", "name": name, "options": options, "focused": option}
            asked = await stage.discord.actions.act(by, lantern.STUDIO, wish)
            await stage.until(lambda: asked.choices is not None)
            return [choice["value"] for choice in asked.choices or []]

        assert [held.id] == await offered("mod case", "number", MIA)
        assert [] == await offered("mod case", "number", BEN)
        assert [case.id] == await offered("appeal", "case", ANN)
        assert [] == await offered("appeal", "case", BEN)


async def test_refusals_of_heat_explain_themselves(tmp_path: Path) -> None:
    """A note by the bot says why, and has its way back."""
    async with open_stage(tmp_path, config=REVIEWED) as stage:
        ann = Requester(user_id=ANN, guild_id=lantern.LANTERN, channel_id=lantern.STUDIO)
        for _ in range(2):
            await stage.house.services.sanctions.note_refusal(ann, Forbidden("locked"))

        note = await _told(stage, "several of your wishes were refused")

        assert ["I understand", "Appeal"] == _labels(note)
        wall = await stage.answered(await stage.slash("generate", prompt="1girl", size=SMALL))
        assert "I left you a note: several of your wishes were refused" in text_of(wall)
        assert BOT == (await stage.house.store.unread(lantern.LANTERN))[0].actor
