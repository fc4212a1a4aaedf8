"""A picture that is held: nobody sees it before a moderator decided, and its member knows where they stand."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.case import Case, Decision
from bot.domain.errors import Refused
from bot.domain.job import Delivery, JobState
from bot.domain.request import Requester
from bot.standin.discord import lantern
from cogs.ui import lines
from tests.stage import STUDIO, Stage, open_stage, text_of

MIA = Requester(user_id=lantern.MIA, guild_id=lantern.LANTERN, channel_id=lantern.MOD_LOG, may_moderate=True)
SMALL = "64x64"
HELD = "1girl, !rated82"


async def _held(stage: Stage, prompt: str = HELD) -> Case:
    asked = await stage.slash("generate", prompt=prompt, size=SMALL)
    async with asyncio.timeout(20):
        while not (cases := await stage.house.store.cases(is_open=True, most=9)):
            await asyncio.sleep(0.02)
    await stage.until(lambda: "moderator" in text_of(stage.discord.world.shown[asked.original or 0].message))
    return cases[-1]


async def test_what_is_held_is_shown_once_it_is_approved(tmp_path: Path) -> None:
    """The waiting message says so, holds no file, and becomes the result; the member pays then."""
    async with open_stage(tmp_path) as stage:
        case = await _held(stage)
        assert [] == stage.pictures()

        await stage.house.services.cases.decide(MIA, case.id, Decision.APPROVED)

        job = await stage.delivered(case.job_id or 0)
        assert (JobState.DONE, Delivery.SHOWN, 1) == (job.state, job.delivery, job.charged_pictures)
        assert 1 == len(stage.pictures())


async def test_that_it_is_held_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no picture to come first, for which a message that was just begun is left alone."""
    monkeypatch.setattr(lines, "BEGUN", 60.0)
    async with open_stage(tmp_path) as stage:
        assert (await _held(stage)).is_open


async def test_what_is_rejected_is_told_to_its_member_alone(tmp_path: Path) -> None:
    """The public message goes; the member reads why, with the case and its appeal, and pays nothing."""
    async with open_stage(tmp_path) as stage:
        case = await _held(stage)

        await stage.house.services.cases.decide(MIA, case.id, Decision.REJECTED)

        job = await stage.delivered(case.job_id or 0)
        assert (JobState.BLOCKED, 0) == (job.state, job.charged_pictures)
        assert [] == stage.pictures()
        [told] = [words for words in stage.private_words() if "did not fit the rules" in words]
        assert f"Case {case.id}." in told
        with pytest.raises(Refused) as caught:
            await stage.house.services.cases.decide(MIA, case.id, Decision.APPROVED)
        assert ("case.decided", lantern.MIA) == (caught.value.code, caught.value.data["actor"])


async def test_a_member_withdraws_what_is_held(tmp_path: Path) -> None:
    """By the button under it; nobody has to decide any more."""
    async with open_stage(tmp_path) as stage:
        case = await _held(stage)
        [message] = [s.message for s in stage.discord.world.visible(0, lantern.STUDIO)]

        await stage.press(message, "Withdraw")

        job = await stage.delivered(case.job_id or 0)
        assert JobState.CANCELLED == job.state
        assert not await stage.house.store.cases(is_open=True, most=9)


@pytest.mark.parametrize(("by", "heat"), [(lantern.ANN, 2.5), (lantern.MIA, 0.0)])
async def test_to_take_back_a_paid_picture_that_is_held_counts_as_if_it_was_rejected(
    tmp_path: Path, by: int, heat: float
) -> None:
    """The house paid for it and the member does not: not without an end. What a moderator takes back is not theirs."""
    async with open_stage(tmp_path) as stage:
        asked = await stage.answered(await stage.slash("generate", prompt=HELD, size="1024x1536"))
        await stage.press(asked, "Spend 30 Anlas")
        async with asyncio.timeout(20):
            while not (cases := await stage.house.store.cases(is_open=True, most=9)):
                await asyncio.sleep(0.02)

        await stage.said("cancel", by=by, job=str(cases[0].job_id))

        assert heat == pytest.approx((await stage.house.store.conduct(lantern.LANTERN, lantern.ANN)).heat, abs=0.01)
        assert by == (await stage.house.store.case(cases[0].id) or cases[0]).actor


async def test_to_take_back_what_only_waits_is_no_offence(tmp_path: Path) -> None:
    """Nobody paid for it."""
    async with open_stage(tmp_path, working=False) as stage:
        await stage.slash("generate", prompt=HELD, size=SMALL)
        async with asyncio.timeout(20):
            while not await stage.house.store.waiting():
                await asyncio.sleep(0.02)

        await stage.said("cancel")

        assert 0.0 == (await stage.house.store.conduct(lantern.LANTERN, lantern.ANN)).heat


async def test_what_the_classifier_cannot_rate_is_held(tmp_path: Path) -> None:
    """It fails closed where pictures are kept safe."""
    async with open_stage(tmp_path) as stage:
        case = await _held(stage, "1girl, !unrateable")

        assert "unrated" == case.reason


async def test_between_the_limits_a_picture_is_hidden(tmp_path: Path) -> None:
    """Behind a spoiler, whatever its member asked for."""
    async with open_stage(tmp_path) as stage:
        made = await stage.answered(await stage.slash("generate", prompt="1girl, !suggestive", size=SMALL))

        assert made["attachments"][0]["filename"].startswith("SPOILER_")


async def test_age_restricted_channels_hold_nothing_back(tmp_path: Path) -> None:
    """Where a server allows it and the channel is one, such a picture is shown."""
    config = replace(STUDIO, channels=(lantern.STUDIO, lantern.NIGHT_STUDIO), age_restricted=True)
    async with open_stage(tmp_path, config=config) as stage:
        made = await stage.answered(await stage.slash("generate", at=lantern.NIGHT_STUDIO, prompt=HELD, size=SMALL))

        assert made["attachments"]


async def test_a_picture_of_minor_coded_words_rated_explicit_is_nobodys_to_see(tmp_path: Path) -> None:
    """In no channel: blocked, kept nowhere, and its case is one that no moderator looks into."""
    config = replace(STUDIO, channels=(lantern.STUDIO, lantern.NIGHT_STUDIO), age_restricted=True)
    async with open_stage(tmp_path, config=config) as stage:
        for by, at in ((lantern.ANN, lantern.STUDIO), (lantern.BEN, lantern.NIGHT_STUDIO)):
            await stage.answered(await stage.slash("generate", by=by, at=at, prompt="child, !rated82", size=SMALL))
        jobs = await stage.house.store.recent(0.0)
        assert [(JobState.BLOCKED, 0)] * 2 == [(job.state, job.charged_pictures) for job in jobs]
        assert [] == [picture for job in jobs for picture in await stage.house.store.pictures(job.id)]
        assert [] == stage.pictures()
        cases = await stage.house.store.cases(most=9)
        assert ["locked"] * 2 == [case.reason for case in cases if case.job_id is not None]
        await stage.said("generate", prompt="child, nude", size=SMALL)
        assert "left you a note" in await stage.said("generate", prompt="1girl", size=SMALL)
