"""`/audit` before the real stand-in: what moderators find, page by page, and what nobody else sees."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot import wording
from bot.domain.case import CaseKind, Decision, Filing, Ruling
from bot.services.audit import KINDS, About
from bot.services.chronicle import SERVER_KINDS
from bot.standin.discord import lantern
from bot.standin.discord.components import walk
from tests.openapi import OpenApi
from tests.stage import STUDIO, Stage, open_stage, text_of

ANN, BEN, MIA, ADA, LANTERN = lantern.ANN, lantern.BEN, lantern.MIA, lantern.ADA, lantern.LANTERN


async def _write(stage: Stage, kind: str, *, guild_id: int = LANTERN, actor: int = ADA, **data: object) -> int:
    clock = stage.house.services.guilds.record("x", LANTERN, None).at
    return await stage.house.store.write(clock, kind, guild_id=guild_id, actor=actor, data=data)


async def _granted(stage: Stage, n: int, **more: Any) -> None:
    for each in range(n):
        data = {"member": BEN, "pictures": 1, "anlas": 0, "reason": f"raffle {each:02}", **more}
        await _write(stage, "member.granted", **data)


def _reasons(message: dict[str, Any]) -> list[int]:
    return [int(n) for n in re.findall(r"raffle (\d\d)", text_of(message))]


def _labels(message: dict[str, Any]) -> list[str]:
    return [part["label"] for part in walk(message["components"]) if part.get("label")]


async def test_pages_of_ten_are_turned_back_and_forth(tmp_path: Path) -> None:
    """Newest first, each line once; the ends have no button that leads nowhere."""
    judge = OpenApi()
    async with open_stage(tmp_path, working=False, judge=judge) as stage:
        await _granted(stage, 25)
        card = await stage.answered(await stage.slash("audit", by=MIA, kind="limits"))
        assert list(range(24, 14, -1)) == _reasons(card)
        assert ["Older", "As a file"] == _labels(card)
        card = await stage.answered(await stage.press(card, "Older", by=MIA))
        assert list(range(14, 4, -1)) == _reasons(card)
        assert ["Newer", "Older", "As a file"] == _labels(card)
        card = await stage.answered(await stage.press(card, "Older", by=MIA))
        assert list(range(4, -1, -1)) == _reasons(card)
        assert ["Newer", "As a file"] == _labels(card)
        card = await stage.answered(await stage.press(card, "Newer", by=MIA))
        assert list(range(14, 4, -1)) == _reasons(card)
        card = await stage.answered(await stage.press(card, "Newer", by=MIA))
        assert list(range(24, 14, -1)) == _reasons(card)
        assert "Newer" not in _labels(card)

    assert [] == judge.wrong


async def test_the_longest_lines_fit_a_card(tmp_path: Path) -> None:
    """Ten of them, with all the channels there may be and reasons of nothing but Markdown or of wide letters."""
    judge = OpenApi()
    async with open_stage(tmp_path, working=False, judge=judge) as stage:
        channels = [lantern.STUDIO] * 25
        for _ in range(5):
            await _write(stage, "setting.changed", key="channels", old=channels, new=channels)
            await _write(stage, "member.blocked", member=BEN, until=1.8e9, reason="*_~" * 100)
        await _write(stage, "member.blocked", member=BEN, until=1.8e9, reason="漢" * 300)
        text = await stage.said("audit", by=MIA)

        assert 10 == len(text.splitlines()) - 1
        assert len(text) <= 3_200
        assert len(text.encode()) <= 9_000
        assert "and 21 more" in text

    assert [] == judge.wrong


async def test_the_whole_answer_is_a_file(tmp_path: Path) -> None:
    """Every line with every word, times written out, and no Markdown."""
    async with open_stage(tmp_path, working=False) as stage:
        await _granted(stage, 12)
        long = "the *long* reason, " * 15
        await _granted(stage, 1, reason=long)
        card = await stage.answered(await stage.slash("audit", by=MIA, kind="limits"))
        assert "…" in text_of(card)

        made = await stage.answered(await stage.press(card, "As a file", by=MIA))

        [file] = made["attachments"]
        text = stage.discord.world.blobs[int(file["id"])].data.decode()
        assert made["flags"] & 64
        assert "The newest 13 lines" in made["content"]
        assert 13 == len(text.splitlines())
        assert long.rstrip() in text
        assert " UTC" in text
        assert "<t:" not in text


async def test_what_is_asked_is_what_is_found(tmp_path: Path) -> None:
    """By member, by kind, by words as they are read; and only this server's."""
    async with open_stage(tmp_path, working=False) as stage:
        await stage.said("config", by=ADA, setting="private", value="off")
        await stage.said("rules add", by=ADA, text="100%_gore")
        await stage.said("mod block", by=MIA, member=str(BEN), reason="was *rude* to Ann")
        await _write(stage, "member.unblocked", guild_id=lantern.NEW_SERVER, member=BEN)

        whole = await stage.said("audit", by=MIA)
        for words in ("Private pictures", "100%_gore", "Blocked", "sanction"):
            assert words in whole
        assert "Unblocked" not in whole
        found = await stage.said("audit", by=MIA, member=str(BEN))
        assert "was \\*rude\\* to Ann" in found
        assert "Private pictures" not in found
        assert "Rules" in await stage.said("audit", by=MIA, text="100%_GORE")
        assert wording.AUDIT_NONE in await stage.said("audit", by=MIA, text="10%gore")
        assert "Blocked" in await stage.said("audit", by=MIA, text="was *rude*")
        assert "Blocked" not in await stage.said("audit", by=MIA, kind="settings")
        assert "Private pictures" in await stage.said("audit", by=MIA, kind="settings", since="86400")


async def test_words_are_looked_for_beyond_the_first_portion(tmp_path: Path) -> None:
    """And a line of a job is found by the job's number."""
    async with open_stage(tmp_path, working=False) as stage:
        await _granted(stage, 1, reason="needle")
        await _granted(stage, 620)

        assert "needle" in await stage.said("audit", by=MIA, text="NEEDLE")


async def test_pictures_are_told_by_number_and_never_by_prompt(tmp_path: Path) -> None:
    """One line each under Pictures and nowhere else; all of its steps by its number."""
    async with open_stage(tmp_path) as stage:
        await stage.answered(await stage.slash("generate", by=ANN, prompt="secret garden", size="64x64"))
        ends = await stage.said("audit", by=MIA, kind="pictures")
        assert f"**Job 1** of <@{ANN}> was drawn · charged free" in ends
        steps = await stage.said("audit", by=MIA, kind="pictures", text="1")
        for step in ("taken in", "begun", "sent to NovelAI", "was drawn", "shown"):
            assert step in steps
        assert "Job 1" not in await stage.said("audit", by=MIA)
        assert "secret" not in ends + steps


def test_every_kind_has_its_sentence() -> None:
    """Those that the log channel tells are all found here, and none is told by its code."""
    assert not {kind for kind in SERVER_KINDS if kind not in {each for kinds in KINDS.values() for each in kinds}}
    assert {about.value for about in About} == set(wording.AUDIT_KINDS)
    missing = [kind for kinds in KINDS.values() for kind in kinds if not wording.has(f"log.{kind}")]
    assert not set(missing) - {"rules.logged", "member.warned", "picture.hidden", "picture.revealed"}


@pytest.mark.parametrize("arg", ["o0", "n99999999999999999999", "x5", "o-1"])
async def test_a_forged_page_is_a_page_or_a_sentence(tmp_path: Path, arg: str) -> None:
    """No bug, nobody else's question, and not one that was asked long ago."""
    async with open_stage(tmp_path, working=False) as stage:
        await _granted(stage, 12)
        card = await stage.answered(await stage.slash("audit", by=MIA))
        number = next(part["custom_id"] for part in walk(card["components"]) if part.get("label") == "Older")
        number = number.split(":")[1]
        forged = await stage.answered(await stage.slash("audit", by=ADA))
        for by, message, id_ in ((MIA, card, f"mod:{number}:audit:{arg}"), (ADA, forged, f"mod:{number}:audit:o99")):
            for part in walk(message["components"]):
                if part.get("label") == "Older":
                    part["custom_id"] = id_
            answer = await stage.answered(await stage.press_id(message, id_, by=by))
            said = "\n".join([*stage.private_words(by)[:1], text_of(answer)])
            assert "Something went wrong" not in said
            assert "too old to be turned" in said or "Audit" in said
        assert "too old to be turned" in "\n".join(stage.private_words(ADA)[:1])


async def test_cases_are_told_in_the_log_channel(tmp_path: Path) -> None:
    """Who decided what, how and with which words; a look and an order too. Suggestions and refusals are not."""
    async with open_stage(tmp_path, config=replace(STUDIO, log_channel=lantern.MOD_LOG)) as stage:
        services, store = stage.house.services, stage.house.store
        now = services.guilds.record("x", LANTERN, None).at

        def filing(kind: CaseKind, **more: Any) -> Filing:
            values = {
                "guild_id": LANTERN,
                "user_id": BEN,
                "kind": kind,
                "reason": "rating",
                "channel_id": lantern.STUDIO,
            }
            return Filing(**{**values, **more})

        held = await store.file_case(filing(CaseKind.HELD), now)
        await store.file_case(filing(CaseKind.PROPOSAL), now)
        await store.file_case(filing(CaseKind.REFUSAL, decision=Decision.REFUSED, actor=0, reason="locked"), now)
        await store.decide(held.id, Ruling(decision=Decision.WARNED, actor=MIA, words="Keep it *safe* here."), now)
        await store.order_spoiler(LANTERN, BEN, True, services.guilds.record("member.hidden", LANTERN, MIA, member=BEN))

        def logged() -> list[str]:
            messages = [s.message for s in stage.discord.world.visible(0)]
            return [text_of(m) for m in messages if int(m["channel_id"]) == lantern.MOD_LOG]

        await stage.until(lambda: any("Always spoiler" in text for text in logged()))
        said = "\n".join(reversed(logged()))
        assert f"**Case 1** held picture, <@{BEN}> in <#{lantern.STUDIO}>: what the picture shows" in said
        assert f"<@{BEN}>: rejected with a warning by <@{MIA}>. Reason: Keep it \\*safe\\* here." in said
        assert 3 == len(logged())
