"""`/privacy` before the real stand-in: everybody's own, shown, given and erased."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.store import ledger
from bot.domain.case import CaseKind, Decision, Filing, Report
from bot.domain.guild import Block
from bot.domain.job import Delivery, JobState
from bot.domain.request import Requester
from bot.standin.discord import lantern
from bot.standin.discord.components import walk
from tests.openapi import OpenApi
from tests.stage import STUDIO, Stage, open_stage, text_of

ANN, BEN, MIA, LANTERN = lantern.ANN, lantern.BEN, lantern.MIA, lantern.LANTERN
SMALL = "64x64"


def _labels(message: dict[str, Any]) -> list[str]:
    return [part["label"] for part in walk(message["components"]) if part.get("label")]


def _json(stage: Stage, message: dict[str, Any]) -> dict[str, Any]:
    [file] = message["attachments"]
    found: dict[str, Any] = json.loads(stage.discord.world.blobs[int(file["id"])].data)
    return found


async def _reported(stage: Stage, job_id: int) -> None:
    filing = Filing(
        guild_id=LANTERN, user_id=ANN, kind=CaseKind.REPORT, reason="rule", channel_id=lantern.STUDIO, job_id=job_id
    )
    now = stage.house.services.guilds.record("x", LANTERN, None).at
    await stage.house.store.report(filing, Report(user_id=BEN, reason="rule", words="I am Ben and saw it"), now)


async def _asked_to_erase(stage: Stage, *, by: int = ANN, at: int = lantern.STUDIO) -> dict[str, Any]:
    return await stage.answered(await stage.slash("privacy delete", by=by, at=at))


async def test_what_is_kept_is_said_in_numbers(tmp_path: Path) -> None:
    """After a picture, and after nothing; with the way to the file and to the end of it."""
    judge = OpenApi()
    async with open_stage(tmp_path, judge=judge) as stage:
        await stage.answered(await stage.slash("generate", prompt="1girl, secret", size=SMALL))
        card = await stage.answered(await stage.slash("privacy show"))
        assert "**Requests with their prompts** 1, each for 30 days" in text_of(card)
        assert "**Pictures** 1," in text_of(card)
        assert "secret" not in text_of(card)
        assert ["As a file", "Erase"] == _labels(card)
        assert card["flags"] & 64
        assert "**Requests with their prompts** 0" in await stage.said("privacy show", by=BEN)
        help_card = await stage.answered(await stage.slash("help"))
        assert "over all servers" in text_of(await stage.answered(await stage.press(help_card, "Privacy")))

    assert [] == judge.wrong


async def test_the_file_has_ones_own_and_names_nobody_else(tmp_path: Path) -> None:
    """Prompts, amounts, decisions and words to them; no reporter, no moderator, no token."""
    async with open_stage(tmp_path) as stage:
        await stage.answered(await stage.slash("generate", prompt="1girl, mine", size=SMALL))
        await stage.answered(await stage.slash("generate", by=BEN, prompt="tree, his", size=SMALL))
        await _reported(stage, 1)
        await stage.said("mod block", by=MIA, member=str(ANN), reason="rude")
        await stage.said("generate", prompt="1girl", size=SMALL)

        made = await stage.answered(await stage.slash("privacy export"))

        found = _json(stage, made)
        assert ["1girl, mine"] == [job["request"]["prompt"]["text"] for job in found["requests"]]
        assert [0] == [job["charged_anlas"] for job in found["requests"]]
        assert {"sanction"} == {case["kind"] for case in found["cases"]}
        assert "report" not in {line.get("kind") for line in found["audit"]}
        assert ["rude"] == [block["reason"] for block in found["blocks"]]
        assert {"moderator"} == {case["decided_by"] for case in found["cases"]} - {None}
        assert "blocked.member.lasting" in json.dumps(found["audit"])
        text = json.dumps(found)
        assert not [each for each in (str(BEN), str(MIA), "I am Ben", "token", "his") if each in text]
        assert made["flags"] & 64


async def test_a_report_is_told_once_something_came_of_it(tmp_path: Path) -> None:
    """As `/cases` does: while it is open, and where it was dismissed, its time alone may say who reported."""
    mia = Requester(user_id=MIA, guild_id=LANTERN, channel_id=lantern.STUDIO, may_moderate=True)
    async with open_stage(tmp_path) as stage:
        cases = stage.house.services.cases
        for n, decision in enumerate((Decision.DISMISSED, Decision.DELETED), 1):
            await stage.answered(await stage.slash("generate", prompt="1girl, mine", size=SMALL))
            await _reported(stage, n)
            [case] = await stage.house.store.cases(is_open=True, most=9)
            await cases.decide(mia, case.id, decision)

        found = json.loads((await stage.house.services.privacy.export(ANN, 10**6)).data)

        assert ["deleted"] == [case["decision"] for case in found["cases"]]
        told = [line for line in found["audit"] if line.get("kind") == "report"]
        assert [("case.decided", "deleted")] == [(line["what"], line["decision"]) for line in told]
        theirs = json.loads((await stage.house.services.privacy.export(MIA, 10**6)).data)
        assert 2 == len([line for line in theirs["audit"] if line.get("kind") == "report"])


async def test_a_file_holds_what_fits(tmp_path: Path) -> None:
    """The newest requests; how many are missing is said."""
    async with open_stage(tmp_path, working=False) as stage:
        for n in range(3):
            await stage.asked(f"tree {n}, {'leaf, ' * 100}")
        whole = await stage.house.services.privacy.export(ANN, 10**6)

        made = await stage.house.services.privacy.export(ANN, len(whole.data) - 10)

        assert (0, 1) == (whole.left_out, made.left_out)
        assert len(made.data) <= len(whole.data) - 10
        kept = [job["request"]["prompt"]["text"][:6] for job in json.loads(made.data)["requests"]]
        assert ["tree 2", "tree 1"] == kept


async def test_an_erasure_is_asked_about_and_does_what_it_says(tmp_path: Path) -> None:
    """Prompts and pictures go; the ledger adds up; the buttons of the message that stays still work."""
    async with open_stage(tmp_path) as stage:
        store = stage.house.store
        message = await stage.answered(await stage.slash("generate", prompt="1girl, secret", size=SMALL))
        await stage.answered(await stage.slash("generate", by=BEN, prompt="tree", size=SMALL))
        card = await _asked_to_erase(stage)
        assert "cannot be undone" in text_of(card)
        card = await stage.answered(await stage.press(card, "Not now"))
        assert "Nothing was erased" in text_of(card)
        job = await store.get(1)
        assert job is not None
        assert job.request is not None

        card = await stage.answered(await stage.press(await _asked_to_erase(stage), "Yes, erase it"))

        assert text_of(card).startswith("Erased. Numbers")
        job, other = await store.get(1), await store.get(2)
        assert job is not None
        assert other is not None
        assert (None, JobState.DONE, 0) == (job.request, job.state, job.charged_anlas)
        assert other.request is not None
        assert "**Requests with their prompts** 0" in await stage.said("privacy show")
        assert [] == await ledger.differences(tmp_path)
        said = text_of(await stage.answered(await stage.press(message, "Reroll")))
        assert "Something went wrong" not in said + "\n".join(stage.private_words()[:1])
        await stage.answered(await stage.press(message, "Delete"))
        assert not [
            s for s in stage.discord.world.visible(0) if str(s.message["id"]) == message["id"] and not s.deleted
        ]


async def test_what_waits_is_taken_back_first_with_its_message(tmp_path: Path) -> None:
    """Its waiting line goes, nothing is charged, and no picture comes afterwards."""
    async with open_stage(tmp_path, working=False, config=replace(STUDIO, waiting=5)) as stage:
        asked = [await stage.asked(f"tree {n}") for n in range(2)]

        card = await stage.answered(await stage.press(await _asked_to_erase(stage), "Yes, erase it"))

        assert "2 waiting pictures were taken back" in text_of(card)
        assert not await stage.house.store.waiting()
        for each in asked:
            assert stage.discord.world.shown[each.original or 0].deleted
        assert not stage.pictures()
        assert [] == await ledger.differences(tmp_path)


async def test_what_nobody_could_show_is_given_back(tmp_path: Path) -> None:
    """The inbox is empty afterwards, and its charge is gone."""
    async with open_stage(tmp_path) as stage:
        stage.discord.world.unreachable |= {lantern.STUDIO, ANN}
        stage.discord.fail_next("PATCH", "/messages/", 404, code=10008, times=9)
        await stage.answered(await stage.slash("generate", prompt="1girl, secret", size=SMALL))
        stage.discord.rest.faults.clear()
        assert "**In your inbox** 1" in await stage.said("privacy show")

        await stage.answered(await stage.press(await _asked_to_erase(stage), "Yes, erase it"))

        job = await stage.house.store.get(1)
        assert job is not None
        assert (Delivery.LAPSED, 0, 0) == (job.delivery, job.charged_anlas, job.charged_pictures)
        assert "Nothing is waiting" in await stage.said("inbox")


async def test_a_block_outlives_an_erasure(tmp_path: Path) -> None:
    """So does the case in which it was decided; one that is over goes."""
    async with open_stage(tmp_path) as stage:
        await stage.said("mod block", by=MIA, member=str(ANN), reason="rude")
        await stage.answered(await stage.press(await _asked_to_erase(stage), "Yes, erase it"))

        assert "cannot use me here" in await stage.said("generate", prompt="1girl", size=SMALL)
        [case] = await stage.house.store.cases(user_id=ANN, most=9)
        assert (Decision.BLOCKED, "rude") == (case.decision, case.words)
        await stage.said("mod unblock", by=MIA, member=str(ANN))
        await stage.answered(await stage.press(await _asked_to_erase(stage), "Yes, erase it"))
        assert [] == list(await stage.house.store.cases(user_id=ANN, most=9))
        assert "rude" not in await stage.said("audit", by=MIA, member=str(ANN))


@pytest.mark.parametrize("at", [lantern.DIRECT, lantern.GENERAL, lantern.NEW_GENERAL])
async def test_nobody_is_refused_anywhere(tmp_path: Path, at: int) -> None:
    """In direct messages, where nothing is drawn, in a server that is not served; and not who is blocked."""
    async with open_stage(tmp_path, working=False) as stage:
        record = stage.house.services.guilds.record("member.blocked", None, MIA)
        await stage.house.store.block(Block(guild_id=-1, user_id=ANN, until=None, reason="", actor=MIA), record)
        await stage.house.services.moderation.load()

        assert "What I keep about you" in await stage.said("privacy show", at=at)
        made = await stage.answered(await stage.slash("privacy export", at=at))
        assert str(ANN) == _json(stage, made)["user"]
        card = await _asked_to_erase(stage, at=at)
        assert "Erased." in text_of(await stage.answered(await stage.press(card, "Yes, erase it")))


async def test_retention_reaches_words_of_decisions(tmp_path: Path) -> None:
    """The housekeeper erases them with the requests, after as many days as the operator keeps those."""
    now = [1_800_014_400.0]
    async with open_stage(tmp_path, working=False, clock=lambda: now[0], house={"retention_days": 2}) as stage:
        await stage.said("mod block", by=MIA, member=str(BEN), duration="3600", reason="rude")
        upkeep = stage.house.services.upkeep
        now[0] += 86_400
        await upkeep.tidy()
        assert "rude" in await stage.said("audit", by=MIA)

        now[0] += 2 * 86_400
        await upkeep.tidy()

        assert "Reason" not in await stage.said("audit", by=MIA)
        [case] = await stage.house.store.cases(user_id=BEN, most=9)
        assert (Decision.PAUSED, "") == (case.decision, case.words)
