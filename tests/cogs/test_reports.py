"""Reports: by whom, of what, how often; hidden at the limit with its bytes as they are; and a picture's own end."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.domain.case import Case, CaseKind
from bot.services.cases import REPORTS_MOST
from bot.standin.discord import lantern
from bot.standin.discord.messages import SPOILER
from cogs.ui.hiding import hide, remove, unhide
from cogs.ui.ways import Outcome
from tests.openapi import OpenApi
from tests.stage import STUDIO, Json, Stage, open_stage, text_of

ANN, BEN, MIA, ADA = lantern.ANN, lantern.BEN, lantern.MIA, lantern.ADA
SMALL = "64x64"
GONE, HERE = 10003, 10008
DENIED = 50013


async def _made(stage: Stage, *, by: int = ANN, at: int = lantern.STUDIO, **options: Any) -> Json:
    return await stage.answered(await stage.slash("generate", by=by, at=at, prompt="1girl", size=SMALL, **options))


async def _reported(stage: Stage, message: Json, *, by: int = BEN, what: str = "rule", more: str = "") -> str:
    """By the message's menu and its form; what the reporter reads."""
    opened = await stage.menu("Report picture", message, by=by)
    sent = await stage.fill(opened, by=by, what=[what], more=more)  # type: ignore[arg-type]
    return text_of(await stage.answered(sent))


async def _cases(stage: Stage) -> list[Case]:
    return [case for case in await stage.house.store.cases(most=99) if case.kind is CaseKind.REPORT]


async def _bytes(file: Json) -> str:
    """The digest of what the CDN gives for a file."""
    async with aiohttp.ClientSession(trust_env=False) as web, web.get(file["url"]) as response:
        assert 200 == response.status
        return hashlib.sha256(await response.read()).hexdigest()


def _now(stage: Stage, message: Json) -> Json:
    return stage.discord.world.shown[int(message["id"])].message


def _link(message: Json, *, guild: int = lantern.LANTERN) -> str:
    return f"https://discord.com/channels/{guild}/{message['channel_id']}/{message['id']}"


async def test_reports_of_one_picture_are_one_case_and_its_reporters_stay_unnamed(tmp_path: Path) -> None:
    """By menu, number, link and More…; the same member counts once; nobody else reads a word of it."""
    judge = OpenApi()
    async with open_stage(tmp_path, judge=judge) as stage:
        made = await _made(stage)
        assert "The moderators have it" in await _reported(stage, made, what="person", more="It is me.")
        assert "reported this one already" in await _reported(stage, made)
        assert "reported this one already" in await stage.said("report", by=BEN, picture=_link(made), reason="x")
        assert "The moderators have it" in await stage.said("report", by=MIA, picture=f"<{_link(made)}>", reason="x")

        [case] = await _cases(stage)
        reports = await stage.house.services.cases.reports_of(case)
        assert [("person", "It is me."), ("other", "x")] == [(each.reason, each.words) for each in reports]
        assert not _now(stage, made)["attachments"][0].get("flags")
        told = [text_of(s.message) for s in stage.discord.world.visible(ANN) if s.to in (None, ANN)]
        assert not any("The moderators have it" in words or "It is me" in words for words in told)

    assert [] == judge.wrong


async def test_more_has_the_way_to_report_what_is_somebody_elses(tmp_path: Path) -> None:
    """The button opens the form; one's own picture has none, and is refused by number."""
    async with open_stage(tmp_path) as stage:
        made = await _made(stage)
        card = await stage.answered(await stage.press(made, "More…", by=BEN))
        opened = await stage.press(card, "Report", by=BEN)
        assert "The moderators have it" in text_of(
            await stage.answered(await stage.fill(opened, by=BEN, what=["violent"]))  # type: ignore[arg-type]
        )

        own = await stage.answered(await stage.press(made, "More…", by=ANN))
        assert "job:1:report" not in str(own["components"])
        assert "This picture is yours" in await stage.said("report", picture="1", reason="x")
        assert ["violent"] == [case.reason for case in await _cases(stage)]


async def test_at_the_limit_the_picture_is_hidden_and_its_bytes_are_the_same(tmp_path: Path) -> None:
    """Behind a spoiler, without the prompt in its alt text; everything else about the message stays."""
    judge = OpenApi()
    async with open_stage(tmp_path, judge=judge, config=replace(STUDIO, report_limit=2)) as stage:
        made = await _made(stage)
        [file] = made["attachments"]
        before = await _bytes(file)
        await _reported(stage, made, by=BEN)
        assert not _now(stage, made)["attachments"][0].get("flags")

        assert "is hidden until" in await _reported(stage, made, by=MIA)

        now = _now(stage, made)
        [hidden] = now["attachments"]
        assert (SPOILER, "AI picture, hidden") == (hidden["flags"], hidden["description"])
        assert (file["id"], file["filename"], before) == (hidden["id"], hidden["filename"], await _bytes(hidden))
        assert (made["content"], made["components"]) == (now["content"], now["components"])
        job = await stage.house.services.studio.job(1)
        assert job.hidden

        assert Outcome.SHOWN is await unhide(stage.client, job)
        [shown] = _now(stage, made)["attachments"]
        assert (0, file["description"], before) == (shown["flags"], shown["description"], await _bytes(shown))
        kinds = [
            entry.record.kind for entry in await stage.house.store.entries(0, ("picture.hidden", "picture.revealed"), 9)
        ]
        assert ["picture.hidden", "picture.revealed"] == kinds

    assert [] == judge.wrong


async def test_what_the_member_hid_stays_hidden_when_a_report_is_dismissed(tmp_path: Path) -> None:
    """The spoiler was theirs, and not the reports'."""
    async with open_stage(tmp_path) as stage:
        made = await _made(stage, spoiler=True)
        job = await stage.house.services.studio.job(1)
        await hide(stage.client, job)

        assert Outcome.SHOWN is await unhide(stage.client, job)

        assert SPOILER == _now(stage, made)["attachments"][0]["flags"]


async def test_long_after_its_token_died_a_picture_is_hidden_through_its_channel(tmp_path: Path) -> None:
    """No webhook is asked."""
    moment = [1_800_000_000.0]
    async with open_stage(tmp_path, clock=lambda: moment[0]) as stage:
        made = await _made(stage)
        job = await stage.house.services.studio.job(1)
        moment[0] += 3_600
        stage.discord.rest.requests.clear()

        assert Outcome.SHOWN is await hide(stage.client, job)

        assert SPOILER == _now(stage, made)["attachments"][0]["flags"]
        assert {"/channels"} == {path[:9] for _, path, _ in stage.discord.rest.requests}


async def test_where_the_bot_does_not_see_the_channel_the_token_hides(tmp_path: Path) -> None:
    """As long as it lives."""
    async with open_stage(tmp_path) as stage:
        made = await _made(stage)
        stage.discord.world.denied[lantern.STUDIO] = lantern.VIEW
        job = await stage.house.services.studio.job(1)

        assert Outcome.SHOWN is await hide(stage.client, job)

        assert SPOILER == _now(stage, made)["attachments"][0]["flags"]


async def test_what_no_way_leads_to_is_called_neither_hidden_nor_deleted(tmp_path: Path) -> None:
    """The bot never saw the channel, and the token is dead; it is noted all the same for every later copy."""
    moment = [1_800_000_000.0]
    config = replace(STUDIO, report_limit=1)
    async with open_stage(tmp_path, clock=lambda: moment[0], config=config) as stage:
        stage.discord.world.denied[lantern.STUDIO] = lantern.VIEW
        made = await _made(stage)
        moment[0] += 3_600

        said = await stage.said("report", by=BEN, picture="1", reason="x")

        assert ("The moderators have it" in said, "is hidden" in said) == (True, False)
        job = await stage.house.services.studio.job(1)
        assert (Outcome.FORBIDDEN, Outcome.FORBIDDEN) == (
            await hide(stage.client, job),
            await remove(stage.client, job),
        )
        assert job.hidden
        assert not stage.discord.world.shown[int(made["id"])].deleted


async def test_where_the_mark_is_refused_the_picture_is_posted_anew_behind_a_spoiler(tmp_path: Path) -> None:
    """The open one goes first; the same bytes come; and its Delete takes the new one away."""
    async with open_stage(tmp_path) as stage:
        made = await _made(stage)
        before = await _bytes(made["attachments"][0])
        job = await stage.house.services.studio.job(1)
        stage.discord.fail_next("PATCH", "/messages/", 403, code=DENIED, times=2)

        assert Outcome.SHOWN is await hide(stage.client, job)

        assert stage.discord.world.shown[int(made["id"])].deleted
        [anew] = [s.message for s in stage.discord.world.visible(0, lantern.STUDIO) if not s.deleted]
        [file] = anew["attachments"]
        assert file["filename"].startswith("SPOILER_")
        assert ("AI picture, hidden", before) == (file["description"], await _bytes(file))
        await stage.answered(await stage.press(anew, "Delete"))
        assert [] == stage.pictures()


async def test_where_nothing_is_kept_of_it_what_cannot_be_marked_goes(tmp_path: Path) -> None:
    """Hidden is the promise; the member can make it again."""
    moment = [1_800_000_000.0]
    async with open_stage(tmp_path, clock=lambda: moment[0]) as stage:
        await _made(stage)
        job = await stage.house.services.studio.job(1)
        await stage.house.store.purge_pictures(moment[0] + 1)
        stage.discord.fail_next("PATCH", "/messages/", 403, code=DENIED, times=2)

        assert Outcome.SHOWN is await hide(stage.client, job)

        assert [] == stage.pictures()


async def test_every_message_of_a_batch_is_hidden_and_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also the parts that followed in messages of their own; a part's own menu knows whose it is."""
    monkeypatch.setattr("cogs.ui.packing.MESSAGE_MAX", 1)
    async with open_stage(tmp_path, config=replace(STUDIO, report_limit=1)) as stage:
        asked = await stage.answered(await stage.slash("generate", prompt="1girl", size=SMALL, samples=2))
        [label] = [part["label"] for part in asked["components"][0]["components"] if "Spend" in part["label"]]
        await stage.answered(await stage.press(asked, label))
        [part] = [s.message for s in stage.discord.world.visible(0) if "Part 2" in s.message["content"]]

        assert "is hidden until" in await _reported(stage, part)

        shown = [s.message for s in stage.discord.world.visible(0, lantern.STUDIO) if not s.deleted]
        assert [SPOILER, SPOILER] == [file["flags"] for message in shown for file in message["attachments"]]
        assert "Deleted." in text_of(await stage.answered(await stage.menu("Delete picture", part)))
        assert [] == stage.pictures()


@pytest.mark.parametrize(
    ("status", "code", "outcome"), [(404, GONE, Outcome.SHOWN), (404, HERE, Outcome.SHOWN), (503, 0, Outcome.LATER)]
)
async def test_what_is_gone_is_hidden_and_a_discord_that_is_away_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, code: int, outcome: Outcome
) -> None:
    """It is noted on the row in any case, so the next report tries again and no other copy is open."""
    monkeypatch.setattr("cogs.ui.hiding.EDIT_TIME", 0.5)
    async with open_stage(tmp_path) as stage:
        await _made(stage)
        job = await stage.house.services.studio.job(1)
        stage.discord.fail_next("GET", "/messages/", status, code=code, times=9)

        assert outcome is await hide(stage.client, job)

        assert (await stage.house.services.studio.job(1)).hidden


async def test_a_deleted_channel_ends_no_report_in_a_bug(tmp_path: Path) -> None:
    """The case is there, the picture is not."""
    async with open_stage(tmp_path, config=replace(STUDIO, report_limit=1)) as stage:
        await _made(stage)
        gone = stage.discord.world.delete_channel(lantern.STUDIO)
        await stage.discord.gateway.event("CHANNEL_DELETE", gone, lantern.LANTERN)

        said = await stage.said("report", by=BEN, at=lantern.GENERAL, picture="1", reason="x")

        assert "is hidden until" in said
        assert 1 == len(await _cases(stage))


async def test_a_member_reports_only_so_often(tmp_path: Path) -> None:
    """Over all servers, within an hour; then it counts anew."""
    moment = [1_800_000_000.0]
    config = replace(STUDIO, pictures_day=None, waiting=20)
    async with open_stage(tmp_path, config=config, clock=lambda: moment[0]) as stage:
        for _ in range(REPORTS_MOST + 1):
            await _made(stage)
        for n in range(1, REPORTS_MOST + 1):
            assert "The moderators have it" in await stage.said("report", by=BEN, picture=str(n), reason="x")
        last = str(REPORTS_MOST + 1)
        assert "a lot within an hour" in await stage.said("report", by=BEN, picture=last, reason="x")

        moment[0] += 3_601
        assert "The moderators have it" in await stage.said("report", by=BEN, picture=last, reason="x")


NOT_MINE, WHICH = "no picture of mine there", "Say which one"


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        ("999", NOT_MINE),
        ("9223372036854775808", NOT_MINE),
        ("9999999999999999999", NOT_MINE),
        ("99999999999999999999", WHICH),
        ("-1", WHICH),
        ("١", WHICH),
        ("the blue one", WHICH),
        (f"https://discord.com/channels/{lantern.LANTERN}/{lantern.STUDIO}/1", NOT_MINE),
        (f"https://discord.com/channels/{lantern.LANTERN}/{lantern.STUDIO}/9999999999999999999", NOT_MINE),
        (f"https://discord.com/channels/{lantern.LANTERN}/1/1", NOT_MINE),
        (f"https://discord.com/channels/{lantern.NEW_SERVER}/{lantern.NEW_GENERAL}/1", NOT_MINE),
        (f"https://discord.com.evil.example/channels/{lantern.LANTERN}/{lantern.STUDIO}/1", WHICH),
        (f"http://discord.com/channels/{lantern.LANTERN}/{lantern.STUDIO}/1", WHICH),
        (f"https://discord.com/channels/@me/{lantern.DIRECT}/1", WHICH),
    ],
)
@pytest.mark.parametrize("reason", ["x", None])
async def test_what_names_no_picture_here_is_answered_so(
    tmp_path: Path, picture: str, words: str, reason: str | None
) -> None:
    """Numbers and links of anybody; with and without a reason."""
    async with open_stage(tmp_path, working=False) as stage:
        options = {"picture": picture} | ({"reason": reason} if reason else {})
        assert words in await stage.said("report", by=BEN, **options)
        assert [] == await _cases(stage)


async def test_a_link_is_followed_only_to_a_picture_of_this_server(tmp_path: Path) -> None:
    """Not from another server, not to a message without a picture, not to somebody's private one."""
    async with open_stage(tmp_path) as stage:
        made = await _made(stage)
        await _made(stage, private=True)
        stage.let_everybody_use_every_command()
        await stage.house.services.guilds.admit(lantern.NEW_SERVER)
        elsewhere: Any = {"by": BEN, "at": lantern.NEW_GENERAL, "reason": "x"}
        assert NOT_MINE in await stage.said("report", picture=_link(made), **elsewhere)
        assert NOT_MINE in await stage.said("report", picture="1", **elsewhere)
        assert NOT_MINE in await stage.said("report", picture=_link(made, guild=lantern.NEW_SERVER), **elsewhere)
        assert NOT_MINE in await stage.said("report", by=BEN, picture="2", reason="x")

        shared = await stage.answered(await stage.slash("config", by=ADA))
        assert NOT_MINE in text_of(await stage.answered(await stage.menu("Report picture", shared, by=ADA)))
        stage.discord.world.denied[lantern.STUDIO] = lantern.VIEW
        assert NOT_MINE in await stage.said("report", by=BEN, picture=_link(made), reason="x")
        assert [] == await _cases(stage)


async def test_without_a_reason_a_form_asks_for_one(tmp_path: Path) -> None:
    """Also by a link; a choice that nobody was offered counts as something else."""
    async with open_stage(tmp_path) as stage:
        made = await _made(stage)
        opened = await stage.slash("report", by=BEN, picture=_link(made))
        await stage.answered(await stage.fill(opened, by=BEN, what=["flying"], more="y" * 600))  # type: ignore[arg-type]

        [case] = await _cases(stage)
        [report] = await stage.house.services.cases.reports_of(case)
        assert ("other", "y" * 500) == (report.reason, report.words)


# --- taking away


async def test_the_menu_deletes_ones_own_picture(tmp_path: Path) -> None:
    """The receipt makes it again, with the same seed."""
    async with open_stage(tmp_path) as stage:
        made = await _made(stage)

        receipt = await stage.answered(await stage.menu("Delete picture", made))

        assert "Deleted." in text_of(receipt)
        assert [] == stage.pictures()
        again = await stage.answered(await stage.press(receipt, "Make it again"))
        assert made["attachments"][0]["filename"].split("-")[1] == again["attachments"][0]["filename"].split("-")[1]


async def test_a_moderators_menu_asks_for_a_reason_and_it_is_on_record(tmp_path: Path) -> None:
    """Whoever is neither the author nor a moderator is refused."""
    async with open_stage(tmp_path) as stage:
        made = await _made(stage)
        assert "Only <@" in text_of(await stage.answered(await stage.menu("Delete picture", made, by=BEN)))
        assert 1 == len(stage.pictures())

        opened = await stage.menu("Delete picture", made, by=MIA)
        receipt = await stage.answered(await stage.fill(opened, by=MIA, reason="Not here."))

        assert "on record" in text_of(receipt)
        assert [] == stage.pictures()
        [entry] = await stage.house.store.entries(0, ("picture.deleted",), 9)
        assert (MIA, {"reason": "Not here."}) == (entry.record.actor, dict(entry.record.data))


async def test_what_discord_does_not_let_go_is_not_called_deleted(tmp_path: Path) -> None:
    """Nothing is put on record then."""
    async with open_stage(tmp_path) as stage:
        made = await _made(stage)
        stage.discord.fail_next("DELETE", "/messages/", 403, code=DENIED, times=2)

        said = text_of(await stage.answered(await stage.menu("Delete picture", made)))

        assert "did not let me take it away" in said
        assert [] == await stage.house.store.entries(0, ("picture.deleted",), 9)


async def test_a_copy_in_direct_messages_goes_alone(tmp_path: Path) -> None:
    """The menu there takes that one message away."""
    async with open_stage(tmp_path, working=False) as stage:
        await stage.asked()
        stage.discord.world.delete_channel(lantern.STUDIO)
        await stage.drawn()
        [copy] = [message for message in stage.direct_words() if message["attachments"]]

        assert "Deleted." in text_of(await stage.answered(await stage.menu("Delete picture", copy)))

        assert stage.discord.world.shown[int(copy["id"])].deleted
