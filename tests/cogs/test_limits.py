"""`/limits` and what `/quota` says of it, through the real client."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot import wording
from bot.domain.admission import Level
from bot.domain.calendar import Span
from bot.standin.discord import lantern
from bot.standin.discord.components import walk
from tests.openapi import OpenApi
from tests.stage import STUDIO, Stage, open_stage, text_of

ANN, BEN, MIA, ADA = lantern.ANN, lantern.BEN, lantern.MIA, lantern.ADA
ARTISTS = str(lantern.ARTISTS)
SMALL = "64x64"


async def _drawn(stage: Stage, n: int = 1, *, by: int = BEN) -> None:
    for _ in range(n):
        await stage.said("generate", by=by, prompt="1girl", size=SMALL)


async def test_a_role_gets_a_limit_and_its_members_read_where_it_comes_from(tmp_path: Path) -> None:
    """The highest of their roles, then their own; taken away, everybody's holds again. Each can be undone."""
    judge = OpenApi()
    async with open_stage(tmp_path, judge=judge) as stage:
        assert "0 of 25" in await stage.said("quota", by=BEN)
        made = await stage.answered(await stage.slash("limits set", by=ADA, who=ARTISTS, pictures_day=50, waiting=2))
        assert f"From now on <@&{ARTISTS}> may: 50 pictures a day, 2 waiting." == made["content"]
        quota = await stage.said("quota", by=BEN)
        assert "0 of 50" in quota
        assert f"from <@&{ARTISTS}>, the highest of your roles" in quota
        assert "0 of 2 waiting" in quota
        assert "0 of 25" in await stage.said("quota", by=ANN)

        await stage.said("limits set", by=ADA, who=str(BEN), pictures_day=7)
        assert "Pictures a day: given to you." in await stage.said("quota", by=BEN)
        shown = await stage.said("limits show", by=ADA)
        assert f"<@&{ARTISTS}>: 50 pictures a day, 2 waiting\n<@{BEN}>: 7 pictures a day" in shown
        assert "**Everybody**: 25 pictures a day, no limit pictures a week" in shown

        cleared = await stage.answered(await stage.slash("limits clear", by=ADA, who=str(BEN)))
        assert "0 of 50" in await stage.said("quota", by=BEN)
        await stage.answered(await stage.press(cleared, "Undo", by=ADA))
        assert "0 of 7" in await stage.said("quota", by=BEN)
        await stage.said("limits clear", by=ADA, who=str(BEN))
        await stage.answered(await stage.press(made, "Undo", by=ADA))
        assert "0 of 25" in await stage.said("quota", by=BEN)
        assert "No role and no member" in await stage.said("limits show", by=ADA)

        lines = await stage.house.store.entries(0, ("limits.set", "limits.cleared"), 20)
        assert {ADA} == {line.record.actor for line in lines}
        assert 6 == len(lines)

    assert [] == judge.wrong


async def test_a_limit_of_ones_own_holds_and_survives_a_restart(tmp_path: Path) -> None:
    """Also no limit at all; what is given later is added to what was given."""
    async with open_stage(tmp_path, config=replace(STUDIO, pictures_week=30)) as stage:
        await stage.said("limits set", by=ADA, who=str(BEN), pictures_day=1)
        await _drawn(stage)
        refused = await stage.said("generate", by=BEN, prompt="1girl", size=SMALL)
        assert not refused
        words = stage.private_words(BEN)[0]
        assert words.startswith("You have made 1 of 1 pictures today. More <t:")
        await stage.said("limits set", by=ADA, who=str(BEN), no_limit="pictures_day", anlas_week=9)
        await stage.house.services.guilds.load()
        quota = await stage.said("quota", by=BEN)
        assert "**Today** 1 · no limit" in quota
        assert "**This week** 1 of 30 · 29 left" in quota
        assert "**Anlas this week** 0 of 9 · 9 left" in quota
        kept = await stage.house.store.allowances()
        assert [{"pictures_day": None, "anlas_week": 9}] == [dict(each.stated) for _, _, each in kept]


async def test_extra_and_a_count_from_zero(tmp_path: Path) -> None:
    """On record with their reason, taken back by one press; the server goes on counting what was made."""
    async with open_stage(tmp_path, config=replace(STUDIO, pictures_day=2)) as stage:
        await _drawn(stage, 2)
        granted = await stage.answered(
            await stage.slash("limits grant", by=ADA, member=str(BEN), pictures=3, anlas=5, reason="won the *raffle*")
        )
        assert f"<@{BEN}> may use 3 pictures and 5 Anlas more" in granted["content"]
        assert "raffle" in granted["content"]
        assert "2 of 5" in await stage.said("quota", by=BEN)
        back = await stage.answered(await stage.press(granted, "Undo", by=ADA))
        assert back["content"].startswith("Taken back")
        assert "2 of 2" in await stage.said("quota", by=BEN)

        reset = await stage.answered(await stage.slash("limits reset", by=ADA, member=str(BEN)))
        assert f"<@{BEN}> is counted from zero again." == reset["content"]
        await _drawn(stage)
        quota = await stage.said("quota", by=BEN)
        assert "1 of 2" in quota
        now = stage.house.services.guilds._clock()
        requester = (await stage.house.store.recent(0.0))[0].requester
        standing = await stage.house.store.standing(requester, now)
        assert {3} == {
            standing.of(level, span).pictures for level in Level if level is not Level.MEMBER for span in Span
        }
        await stage.answered(await stage.press(reset, "Undo", by=ADA))
        assert "3 of 2" in await stage.said("quota", by=BEN)
        assert "0 left" in await stage.said("quota", by=MIA, member=str(BEN))

        kinds = ("member.granted", "member.granted.back", "member.reset", "member.reset.back")
        lines = await stage.house.store.entries(0, kinds, 20)
        assert list(kinds) == [line.record.kind for line in lines]
        assert "won the *raffle*" == lines[0].record.data["reason"]


@pytest.mark.parametrize(
    ("line", "options", "words"),
    [
        ("limits set", {"who": ARTISTS}, "Say how much of what"),
        ("limits set", {"who": str(lantern.LANTERN), "pictures_day": 5}, "That is everybody"),
        ("limits clear", {"who": ARTISTS}, "no limit of their own"),
        ("limits grant", {"member": str(BEN)}, "Say how much of what"),
    ],
)
async def test_what_makes_no_sense_is_said_and_changes_nothing(
    tmp_path: Path, line: str, options: dict[str, object], words: str
) -> None:
    """One private sentence."""
    async with open_stage(tmp_path, working=False) as stage:
        assert words in await stage.said(line, by=ADA, **options)
        assert [] == list(await stage.house.store.allowances())


async def test_the_log_names_what_was_given(tmp_path: Path) -> None:
    """In the server's log channel, without a ping."""
    async with open_stage(tmp_path, config=replace(STUDIO, log_channel=lantern.MOD_LOG)) as stage:
        await stage.said("limits set", by=ADA, who=ARTISTS, pictures_day=50)
        await stage.said("limits grant", by=ADA, member=str(BEN), pictures=1)
        await stage.said("limits reset", by=ADA, member=str(BEN), reason="asked")

        def logged() -> str:
            return "\n".join(text_of(s.message) for s in stage.discord.world.visible(0))

        await stage.until(lambda: "Counted from zero" in logged())
        assert f"**Limits** <@{ADA}>: <@&{ARTISTS}> may 50 pictures a day" in logged()
        assert f"**Granted** <@{BEN}> by <@{ADA}>: 1 picture." in logged()
        assert "Reason: asked" in logged()


async def test_the_relaxed_lane_says_so_and_refuses_nothing(tmp_path: Path) -> None:
    """Past the quick ones a picture waits longer; /quota says how many are left."""
    config = replace(STUDIO, quick_day=1, waiting=5)
    async with open_stage(tmp_path, working=False, config=config) as stage:
        for _ in range(3):
            await stage.slash("generate", by=ANN, prompt="tree", size=SMALL)

        def waiting() -> list[str]:
            return [text_of(s.message) for s in stage.discord.world.visible(0) if "⏳" in text_of(s.message)]

        await stage.until(lambda: sum("Relaxed lane: today's 1 quick ones are used" in text for text in waiting()) == 2)
        assert "**Quick today** 0 left of 1" in await stage.said("quota")
        assert [(1, 1), (5, 4), (9, 4)] == [(job.turn, job.step) for job in await stage.house.store.waiting()]


async def test_the_days_of_a_servers_own_zone(tmp_path: Path) -> None:
    """Changed by a line or in the panel's form; the reset follows."""
    async with open_stage(tmp_path) as stage:
        await _drawn(stage)
        assert "UTC → Asia/Kathmandu" in await stage.said("config", by=ADA, setting="time_zone", value="kathmandu")
        assert "no such time zone" in await stage.said("config", by=ADA, setting="time_zone", value="Atlantis")
        assert "1 of 25" in await stage.said("quota", by=BEN)
        panel = await stage.answered(await stage.slash("config", by=ADA))
        panel = await stage.answered(await stage.choose(panel, "group", "limits", by=ADA))
        opener = await stage.press_id(panel, "conf:0:change:time_zone", by=ADA)
        typed = await stage.fill(opener, by=ADA, value="Europe/Berlin")
        assert "Asia/Kathmandu → Europe/Berlin" in text_of(await stage.answered(typed))
        config = stage.house.services.guilds.config_of(lantern.LANTERN)
        assert config is not None
        assert "Europe/Berlin" == config.time_zone


@pytest.mark.parametrize("group", wording.GROUPS)
async def test_every_group_of_the_panel_fits_discord(tmp_path: Path, group: str) -> None:
    """At most 36 components and 3,200 characters, however many settings there are."""
    judge = OpenApi()
    async with open_stage(tmp_path, working=False, judge=judge) as stage:
        panel = await stage.answered(await stage.slash("config", by=ADA))
        panel = await stage.answered(await stage.choose(panel, "group", group, by=ADA))
        assert len(list(walk(panel["components"]))) <= 36
        assert len(text_of(panel)) <= 3_200

    assert [] == judge.wrong
