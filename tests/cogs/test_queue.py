"""`/quota`, `/queue` and `/cancel`: what one waits for, and the way back."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.store.store import open_store
from bot.domain.job import Delivery, JobState
from bot.standin.discord import lantern
from cogs.ui import lines
from cogs.ui.lines import Said, soonest
from tests.conftest import Clock
from tests.openapi import OpenApi
from tests.stage import STUDIO, Stage, open_stage, play, text_of

ANN, BEN, MIA = lantern.ANN, lantern.BEN, lantern.MIA
SMALL = "64x64"


async def _ask(stage: Stage, n: int, *, by: int = ANN) -> None:
    """Have *n* pictures wait, each with its waiting message."""
    before = len(await stage.house.store.waiting())
    for k in range(n):
        await stage.slash("generate", by=by, prompt=f"tree {k}", size=SMALL)
    while len(await stage.house.store.waiting()) < before + n:
        await asyncio.sleep(0.01)
    await stage.until(lambda: not stage.house.services.activity.running)


def _public(stage: Stage) -> list[str]:
    return [text_of(s.message) for s in stage.discord.world.visible(0) if not s.deleted]


def _waiting_messages(stage: Stage) -> list[str]:
    return [text for text in _public(stage) if "in line" in text]


async def test_taken_back_pictures_cost_nothing_and_their_messages_go(tmp_path: Path) -> None:
    """The newest by itself, one by its number, the rest together; then there is nothing."""
    async with open_stage(tmp_path, working=False, config=replace(STUDIO, waiting=9)) as stage:
        await _ask(stage, 4)
        await stage.until(lambda: len(_waiting_messages(stage)) == 4)

        assert "Taken back. Nothing was charged." == await stage.said("cancel")
        assert [1, 2, 3] == [job.id for job in await stage.house.store.waiting()]
        assert "Taken back" in await stage.said("cancel", job="1")
        assert "2 taken back" in await stage.said("cancel", job="all")
        assert "nothing waiting" in await stage.said("cancel")
        assert "not waiting any more" in await stage.said("cancel", job="1")
        assert "not waiting any more" in await stage.said("cancel", job="x" * 50)

        await stage.until(lambda: not _waiting_messages(stage))
        quota = await stage.said("quota")
        assert "0 of 25" in quota
        assert all("-#" not in line.removeprefix("-# ") for line in quota.splitlines())


async def test_nobody_takes_back_what_is_another_members_but_a_moderator_who_says_so(tmp_path: Path) -> None:
    """Ben may not; Mia may, and Ann is told alone."""
    async with open_stage(tmp_path, working=False) as stage:
        await _ask(stage, 1)

        assert "Only" in await stage.said("cancel", by=BEN, job="1")
        assert "Taken back" in await stage.said("cancel", by=MIA, job="1")

        await stage.until(lambda: any("moderator took this one back" in words for words in stage.private_words()))
        job = await stage.house.store.get(1)
        assert job is not None
        assert (JobState.CANCELLED, "withdrawn") == (job.state, job.reason)


async def test_the_list_completes_ones_own_waiting_pictures(tmp_path: Path) -> None:
    """All of them first; nobody else's."""
    async with open_stage(tmp_path, working=False) as stage:
        await _ask(stage, 2)
        await _ask(stage, 1, by=BEN)
        options = [{"name": "job", "type": 3, "value": ""}]
        wish = {"kind": "complete", "name": "cancel", "focused": "job", "options": options}
        asked = await stage.discord.actions.act(ANN, lantern.STUDIO, wish)
        await stage.until(lambda: asked.choices is not None)

        assert ["All of mine", "Job 1 · tree 0", "Job 2 · tree 1"] == [c["name"] for c in asked.choices or []]


async def test_the_queue_card_shows_places_and_takes_back(tmp_path: Path) -> None:
    """One's own with prompts; everybody's for moderators, without."""
    judge = OpenApi()
    async with open_stage(tmp_path, working=False, judge=judge) as stage:
        await _ask(stage, 2)
        await _ask(stage, 1, by=BEN)
        card = await stage.answered(await stage.slash("queue"))
        text = text_of(card)
        assert "`tree 0` · Next in line" in text
        assert "Everybody: 3 waiting" in text

        card = await stage.answered(await stage.press_id(card, "job:2:withdraw"))
        assert "tree 1" not in text_of(card)
        everyone = await stage.answered(await stage.slash("queue", by=MIA, everyone=True))
        assert f"<@{BEN}> · job 3" in text_of(everyone)
        assert "tree" not in text_of(everyone)
        everyone = await stage.answered(await stage.press_id(everyone, "job:3:withdraw:everyone", by=MIA))
        assert f"<@{BEN}>" not in text_of(everyone)
        await stage.answered(await stage.press(await stage.answered(await stage.slash("quota")), "My queue"))

    assert [] == judge.wrong


async def test_the_quota_says_what_is_used_and_left(tmp_path: Path) -> None:
    """A picture counts, a failure does not; moderators see a member's."""
    async with open_stage(tmp_path) as stage:
        await stage.said("generate", prompt="1girl", size=SMALL)
        await stage.said("generate", prompt="1girl, !500", size=SMALL)

        assert "1 of 25" in await stage.said("quota")
        assert "24 left" in await stage.said("quota", by=MIA, member=str(ANN))
        assert "**Anlas today** 0 of 100" in await stage.said("quota")


async def test_the_first_picture_comes_with_one_note(tmp_path: Path) -> None:
    """Once for each member and server, privately; a failure is no picture."""
    async with open_stage(tmp_path) as stage:
        await stage.said("generate", prompt="1girl, !500", size=SMALL)
        assert not [words for words in stage.private_words() if "first picture" in words]
        for _ in range(2):
            await stage.said("generate", prompt="1girl", size=SMALL)

        assert 1 == len([words for words in stage.private_words() if "first picture" in words])
        assert not [words for words in stage.private_words(BEN) if "first picture" in words]


async def test_help_says_what_may_be_done_here(tmp_path: Path) -> None:
    """Where pictures may be made, how many are left; elsewhere where to go; and who runs the bot."""
    async with open_stage(tmp_path) as stage:
        here, there = await stage.said("help"), await stage.said("help", at=lantern.GENERAL)

        assert "25 left today" in here
        assert "kept safe" in here
        assert "</generate:" in here
        assert f"<@{lantern.ADA}> runs this bot" in here
        assert f"Here I may: <#{lantern.STUDIO}>" in there
        assert "</config:" in await stage.said("help", by=lantern.ADA)
        assert "</config:" not in here


@pytest.mark.parametrize("token_is_dead", [False, True])
async def test_a_withdrawn_end_is_delivered_after_a_restart(tmp_path: Path, token_is_dead: bool) -> None:
    """What was taken back while nobody could show it is still taken away, through the channel where need be."""
    clock = Clock()
    async with open_stage(tmp_path, working=False, clock=clock) as stage:
        await _ask(stage, 1)
        await stage.until(lambda: _waiting_messages(stage))
    discord, novelai = stage.discord, stage.novelai
    clock.advance(1_000 if token_is_dead else 0)
    store = await open_store(tmp_path)
    assert await store.cancel(1, time.time(), "cancelled")
    await store.close()
    async with novelai.serve() as address, discord.serve(), play(tmp_path, discord, novelai, address) as later:
        await later.until(lambda: not _waiting_messages(later))
        job = await later.house.store.get(1)
        while job is not None and job.delivery is not Delivery.SHOWN:
            await asyncio.sleep(0.01)
            job = await later.house.store.get(1)


async def test_a_picture_that_ends_before_its_message_exists_leaves_none(tmp_path: Path) -> None:
    """Taken back between the yes and the waiting message."""
    async with open_stage(tmp_path, working=False) as stage:
        question = await stage.answered(await stage.slash("generate", prompt="1girl", size="1088x1024", steps=1))
        stage.discord.fail_next("POST", "webhooks", 500, times=1)
        pressed = await stage.press(question, "Spend 4 Anlas")
        while not await stage.house.store.waiting():
            await asyncio.sleep(0.01)
        assert await stage.house.store.cancel(1, time.time(), "cancelled")
        await stage.answered(pressed)

        await stage.until(lambda: not [t for t in _public(stage) if "One moment" in t])


async def test_a_waiting_message_is_edited_when_its_start_has_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It never names a moment that is over; a message whose start still lies ahead is left alone."""
    monkeypatch.setattr(lines, "LOOK_EVERY", 0.1)
    monkeypatch.setattr(lines, "PASSED", 1.0)
    async with open_stage(tmp_path, working=False, config=replace(STUDIO, waiting=9)) as stage:
        await _ask(stage, 9)
        await stage.until(lambda: len(_waiting_messages(stage)) == 9)
        before = _waiting_messages(stage)
        [first] = [text for text in before if "Next in line" in text]
        await stage.until(lambda: first not in _waiting_messages(stage))

        now = _waiting_messages(stage)
        assert 9 == len(now)
        assert [text for text in before if "Ninth" in text] == [text for text in now if "Ninth" in text]


def test_what_waits_for_a_decision_keeps_no_line_from_being_looked_at() -> None:
    """It names no start that could slip; nor does what is being drawn."""
    others = {n: Said(stands="held", starts_at=0.0, collects=False) for n in range(150)}
    others |= {n: Said(stands="proposed", starts_at=0.0, collects=False) for n in range(150, 300)}
    others |= {300: Said(stands="drawing 3", starts_at=0.0, collects=False)}
    stands = {1_002: "queued", 1_001: "next", 1_000: "paused resting"}
    lines = {n: Said(stands=kind, starts_at=2_000.0 - n, collects=False) for n, kind in stands.items()}

    assert [1_002, 1_001, 1_000] == soonest(others | lines, 200)
    assert [1_002, 1_001] == soonest(others | lines, 2)


@pytest.mark.parametrize(
    ("said", "kind", "starts_in", "is_news"),
    [
        (None, "queued", 100, True),
        (("queued", 100), "queued", 100, False),
        (("queued", 100), "queued", 30, False),
        (("queued", 100), "queued", 159, False),
        (("queued", 100), "queued", 161, True),
        (("queued", -29), "queued", 10, False),
        (("queued", -31), "queued", 10, True),
        (("queued", 100), "next", 100, True),
        (("next", 5), "drawing", 0, True),
        (("drawing", -500), "drawing", 0, False),
    ],
)
def test_what_is_worth_an_edit(said: tuple[str, float] | None, kind: str, starts_in: float, is_news: bool) -> None:
    """Next, started, later by more than a minute, or a start that has passed; nothing else."""
    now = time.time()
    known = None if said is None else Said(stands=said[0], starts_at=now + said[1], collects=False)

    assert is_news == Said(stands=kind, starts_at=now + starts_in, collects=False).is_news_after(known, now)
