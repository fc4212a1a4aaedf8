"""What is never made: whichever way it comes, of its words nothing is kept but a hash, who, where and when."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.job import JobState
from bot.standin.discord import lantern
from tests.cogs.test_inspect import looked_at, told
from tests.stage import STUDIO, Json, Stage, open_stage, text_of

WORD = "xyzzy"
LOCKED = f"child, nude, {WORD}"
SMALL = "64x64"
WATCHED = replace(STUDIO, log_channel=lantern.MOD_LOG, review_channel=lantern.REVIEW, pictures_day=None)


def _kept(folder: Path) -> list[tuple[str, int]]:
    """Every row of the whole database that holds the word, as its table and number."""
    with closing(sqlite3.connect(folder / "naibot.sqlite3")) as base:
        tables = [name for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        assert {"jobs", "drafts", "audit", "cases", "notices", "pending"} <= {*tables}
        return [
            (table, row[0])
            for table in tables
            for row in base.execute(f"SELECT rowid, * FROM {table}")  # noqa: S608 (their names come from the database)
            if any(WORD in _text(value) for value in row)
        ]


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


@asynccontextmanager
async def _stage(folder: Path, *, by_them: bool = True, **more: Any) -> AsyncIterator[Stage]:
    """Afterwards a refusal of what they wrote is on record with its hash, and nobody else reads the word in Discord."""
    async with open_stage(folder, config=more.pop("config", WATCHED), **more) as stage:
        yield stage
        lines = await stage.house.store.entries(0, ("refused",), 99)
        refused = [line.record.data for line in lines if line.record.data["code"] == "locked"]
        assert bool(refused) == by_them
        assert all({"code", "channel", "sha256"} == {*data} for data in refused)
        for channel in (lantern.MOD_LOG, lantern.REVIEW, lantern.STUDIO):
            assert not [s for s in stage.discord.world.visible(0, channel) if WORD in str(s.message["content"])]


async def test_the_command_keeps_nothing(tmp_path: Path) -> None:
    """Nor does a suggestion: no yes could lift it."""
    async with _stage(tmp_path, config=replace(WATCHED, approval=(lantern.STUDIO,))) as stage:
        await stage.answered(await stage.slash("generate", prompt=LOCKED, size=SMALL))
        turned = {"prompt": "1girl, nude", "undesired_content": f"-1::child, {WORD}::"}
        await stage.answered(await stage.slash("generate", size=SMALL, **turned))

        assert [] == _kept(tmp_path)


async def test_edit_and_resend_keeps_nothing_and_lets_the_draft_go(tmp_path: Path) -> None:
    """A refusal that other words could cure keeps them; this one drops even those."""
    async with _stage(tmp_path) as stage:
        asked = await stage.slash("generate", prompt="1girl, nsfw, curable", size=SMALL)
        refused = await stage.answered(asked)
        await stage.answered(await stage.fill(await stage.press(refused, "Edit and resend"), prompt=LOCKED))

        assert [] == _kept(tmp_path)
        assert await stage.house.store.draft(1) is None


async def _use(stage: Stage, card: Json, **typed: Any) -> Json:
    opened = await stage.press(card, "Use these settings")
    await stage.until(lambda: opened.form)
    return await stage.answered(await stage.fill(opened, **typed))


async def test_the_settings_of_an_image_are_judged_before_they_are_kept(tmp_path: Path) -> None:
    """No form opens on what is never made; who only pressed a button under it wrote none of it."""
    async with _stage(tmp_path, by_them=False) as stage:
        card = await looked_at(stage, told(LOCKED))
        pressed = await stage.press(card, "Use these settings")
        await stage.answered(pressed)

        assert not pressed.form
        assert [] == _kept(tmp_path)


@pytest.mark.parametrize("seed", ["7", "no seed"])
@pytest.mark.parametrize("typed", [{"prompt": LOCKED}, {"prompt": "nude", "undesired": f"-1::child, {WORD}::"}])
async def test_what_is_typed_into_a_form_is_judged_before_it_is_kept(
    tmp_path: Path, seed: str, typed: dict[str, str]
) -> None:
    """Also where something else in it is a mistake, which would hold it for another try."""
    async with _stage(tmp_path) as stage:
        card = await looked_at(stage, told(width=64, height=64))
        await _use(stage, card, seed=seed, **typed)

        assert [] == _kept(tmp_path)
        assert await stage.house.store.draft(1) is None
        assert stage.pictures() == []


async def _smuggle(stage: Stage) -> None:
    """As if the rules had learnt a word since the wish was kept."""
    async with stage.house.store._db.tx() as session:  # type: ignore[attr-defined]
        for table in ("jobs", "drafts"):
            await session.run(f"UPDATE {table} SET request = REPLACE(request, 'smile', '{LOCKED}')")  # noqa: S608


async def test_reroll_keeps_no_second_copy(tmp_path: Path) -> None:
    """Of what was made before the rules knew it."""
    async with _stage(tmp_path) as stage:
        made = await stage.answered(await stage.slash("generate", prompt="1girl, smile", size=SMALL))
        assert text_of(made)
        await _smuggle(stage)
        await stage.answered(await stage.press(made, "Reroll"))

        assert [("jobs", 1)] == _kept(tmp_path)


async def test_a_question_that_may_be_asked_no_more_is_dropped(tmp_path: Path) -> None:
    """Yes comes too late."""
    async with _stage(tmp_path) as stage:
        question = await stage.answered(await stage.slash("generate", prompt="1girl, smile", size="1024x1536"))
        await _smuggle(stage)
        assert [("drafts", 1)] == _kept(tmp_path)
        [label] = [part["label"] for part in question["components"][0]["components"] if "Spend" in part["label"]]
        await stage.answered(await stage.press(question, label))

        assert [] == _kept(tmp_path)


async def test_at_the_claim_the_request_is_forgotten(tmp_path: Path) -> None:
    """It waited in line when the rules learnt its word."""
    async with open_stage(tmp_path, config=WATCHED, working=False) as stage:
        await stage.asked("1girl, smile")
        await _smuggle(stage)
        await stage.house.services.workers[0].step()

        job = await stage.house.services.studio.job(1)
        assert (JobState.BLOCKED, None) == (job.state, job.request)
        assert [] == _kept(tmp_path)
