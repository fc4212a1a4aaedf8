"""Send me a copy: whose picture, in which bytes, once for each card, and what is said where it does not arrive."""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.standin.discord import lantern
from bot.standin.discord.components import walk
from tests.openapi import OpenApi
from tests.stage import STUDIO, Stage, open_stage

ANN, BEN = lantern.ANN, lantern.BEN
NIGHT = replace(STUDIO, channels=(lantern.STUDIO, lantern.NIGHT_STUDIO), age_restricted=True)
CLOSED = "did not let me write to you"


async def _made(stage: Stage, **options: Any) -> Any:
    return await stage.answered(await stage.slash("generate", prompt="1girl, river", **{"size": "64x64", **options}))


async def _card(stage: Stage, made: Any, *, by: int = ANN) -> Any:
    return await stage.answered(await stage.press(made, "More…", by=by))


async def _copied(stage: Stage, card: Any, *, by: int = ANN) -> str:
    return str((await stage.answered(await stage.press(card, "Send me a copy", by=by)))["content"])


async def _forged(stage: Stage, card: Any, job_id: int, *, by: int) -> str:
    """What is answered to the press of a button that this card never had."""
    card["components"][1]["components"][1]["custom_id"] = f"job:{job_id}:send"
    return str((await stage.answered(await stage.press_id(card, f"job:{job_id}:send", by=by)))["content"])


def _files(stage: Stage, user_id: int = ANN) -> list[bytes]:
    messages = stage.direct_words(user_id)
    return [stage.discord.world.blobs[int(file["id"])].data for m in messages for file in m["attachments"]]


async def test_the_copy_is_the_file_itself_for_whoever_sees_the_picture(tmp_path: Path) -> None:
    """Bit for bit, with its alt text, to its member and to another one; the picture's own message stays as it was."""
    judge = OpenApi()
    async with open_stage(tmp_path, judge=judge) as stage:
        made = await _made(stage)
        for user_id in (ANN, BEN):
            assert "Sent" in await _copied(stage, await _card(stage, made, by=user_id), by=user_id)

            assert [stage.novelai.calls[-1].images[0]] == _files(stage, user_id)
            [told] = stage.direct_words(user_id)
            assert made["attachments"][0]["description"] == told["attachments"][0]["description"]
        assert 1 == len(stage.pictures())
    assert [] == judge.wrong


async def test_two_presses_of_one_card_bring_one_copy_and_a_new_card_another(tmp_path: Path) -> None:
    """Both presses are answered; who deleted their copy opens the card anew."""
    async with open_stage(tmp_path) as stage:
        made = await _made(stage)
        card = await _card(stage, made)
        said = await asyncio.gather(*(_copied(stage, card) for _ in range(2)))
        assert ["Sent", "Sent"] == [text[:4] for text in said]
        assert 1 == len(_files(stage))

        await _copied(stage, await _card(stage, made))

        assert 2 == len(_files(stage))


async def test_a_copy_that_discord_drops_comes_with_the_next_press(tmp_path: Path) -> None:
    """A post that was cut is said to be, and repeating it sends one."""
    async with open_stage(tmp_path) as stage:
        card = await _card(stage, await _made(stage))
        await _copied(stage, card)
        direct = int((stage.discord.world.direct_channel(ANN) or {})["id"])
        card = await _card(stage, await _made(stage))
        for _ in range(5):
            stage.discord.fail_next("POST", f"/channels/{direct}/messages", 500)
        assert "did not answer me" in await _copied(stage, card)
        assert 1 == len(_files(stage))

        assert "Sent" in await _copied(stage, card)

        assert 2 == len(_files(stage))


async def test_closed_direct_messages_are_said_with_what_to_do(tmp_path: Path) -> None:
    """Nothing is sent; once they are open the same button works."""
    async with open_stage(tmp_path) as stage:
        card = await _card(stage, await _made(stage))
        stage.discord.world.unreachable.add(ANN)
        assert CLOSED in await _copied(stage, card)
        stage.discord.world.unreachable.discard(ANN)

        assert "Sent" in await _copied(stage, card)

        assert 1 == len(_files(stage))


async def test_after_an_hour_the_message_itself_has_the_bytes(tmp_path: Path) -> None:
    """Purged here, they are taken from the message; a spoiler stays one."""
    async with open_stage(tmp_path) as stage:
        made = await _made(stage, spoiler=True)
        card = await _card(stage, made)
        assert await stage.house.store.purge_pictures(2e10)

        assert "Sent" in await _copied(stage, card)

        assert [stage.novelai.calls[-1].images[0]] == _files(stage)
        assert made["attachments"][0]["filename"] == stage.direct_words()[0]["attachments"][0]["filename"]
        assert made["attachments"][0]["filename"].startswith("SPOILER_")


async def test_a_private_picture_whose_bytes_are_gone_cannot_be_sent(tmp_path: Path) -> None:
    """While they are kept its member is sent it; then the bot cannot read its message, and says so."""
    async with open_stage(tmp_path) as stage:
        card = await _card(stage, await _made(stage, private=True))
        assert "Sent" in await _copied(stage, card)
        assert await stage.house.store.purge_pictures(2e10)
        other = await _card(stage, await _made(stage))

        said = await _forged(stage, other, 1, by=ANN)

        assert "do not have that file any more" in said
        assert 1 == len(_files(stage))


async def test_a_deleted_picture_is_not_sent_any_more(tmp_path: Path) -> None:
    """Whoever deleted it took it out of sight, and the card that is still open does not bring it back."""
    async with open_stage(tmp_path) as stage:
        made = await _made(stage)
        card = await _card(stage, made, by=BEN)
        await stage.answered(await stage.press(made, "Delete"))

        assert "was deleted" in await _copied(stage, card, by=BEN)

        assert [] == _files(stage, BEN)


async def test_pictures_of_age_restricted_channels_go_to_their_member_alone(tmp_path: Path) -> None:
    """Ann may have hers; Ben, who sees it there, has no such button, and a forged press is refused."""
    async with open_stage(tmp_path, config=NIGHT) as stage:
        made = await _made(stage, at=lantern.NIGHT_STUDIO)
        theirs = await _card(stage, made, by=BEN)
        assert "Send me a copy" not in str(theirs)
        said = await _forged(stage, theirs, 1, by=BEN)
        assert f"only <@{ANN}> is sent this one" in said
        assert [] == _files(stage, BEN)

        assert "Sent" in await _copied(stage, await _card(stage, made))

        assert 1 == len(_files(stage))


async def test_a_press_from_elsewhere_brings_nobodys_picture(tmp_path: Path) -> None:
    """Others are sent what they see: not from another channel, not what is private, not what was not shown yet."""
    config = replace(STUDIO, channels=(lantern.STUDIO, lantern.GENERAL))
    async with open_stage(tmp_path, config=config) as stage:
        await _made(stage)
        await _made(stage, private=True)
        own = await _card(stage, await _made(stage, at=lantern.GENERAL, by=BEN), by=BEN)
        for job_id in (1, 2):
            assert "too old" in await _forged(stage, own, job_id, by=BEN)

        assert [] == _files(stage, BEN)


async def test_a_blocked_member_is_sent_nothing(tmp_path: Path) -> None:
    """Who may not use the bot may not have it write."""
    async with open_stage(tmp_path) as stage:
        card = await _card(stage, await _made(stage), by=BEN)
        await stage.said("mod block", by=lantern.MIA, member=str(BEN), reason="x")

        await stage.answered(await stage.press(card, "Send me a copy", by=BEN))

        assert "cannot use me here" in stage.private_words(BEN)[0]
        assert [] == _files(stage, BEN)


async def test_what_no_direct_message_holds_is_said(tmp_path: Path) -> None:
    """A file that Discord does not take stays where it is, and the answer says so."""
    async with open_stage(tmp_path) as stage:
        card = await _card(stage, await _made(stage))
        stage.discord.world.file_limits = (10,) * 4

        assert "too large for a direct message" in await _copied(stage, card)

        assert [] == _files(stage)


async def test_of_several_pictures_those_that_fit_are_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer says that there are more."""
    async with open_stage(tmp_path) as stage:
        question = await _made(stage, samples=2)
        label = next(
            part["label"] for part in walk(question["components"]) if part.get("label", "").startswith("Spend")
        )
        await stage.answered(await stage.press(question, label))
        await stage.until(stage.pictures)
        made = next(s.message for s in stage.discord.world.visible(BEN) if s.message["attachments"])
        smaller, larger = sorted(stage.pictures(), key=len)
        assert len(smaller) < len(larger)
        monkeypatch.setattr(sys.modules["cogs.copies"], "FILE_LIMIT", len(smaller))

        assert "Sent what fits" in await _copied(stage, await _card(stage, made))

        assert [smaller] == _files(stage)
