"""The rungs of delivery: by token, through the channel, by direct message, and the inbox below them."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.store.ledger import differences
from bot.domain.job import Delivery, JobState, Likeness
from bot.imaging.inspection import inspect_image
from bot.imaging.signature import STANDIN
from bot.services.worker import Pace
from bot.standin.discord import Discord, lantern
from bot.standin.novelai import NovelAI
from tests.conftest import Clock
from tests.openapi import OpenApi
from tests.stage import QUICK, STUDIO, Stage, open_stage, play, text_of

ANN = lantern.ANN
BIG = "512x768"


def _message(stage: Stage, message_id: int | None) -> dict[str, object]:
    return stage.discord.world.shown[message_id or 0].message


def _nudges(stage: Stage) -> list[dict[str, object]]:
    return [s.message for s in stage.discord.world.newest() if "is ready" in s.message["content"] and not s.deleted]


async def test_a_message_that_somebody_deleted_sends_the_picture_to_its_member(tmp_path: Path) -> None:
    """The next rung is a direct message; what was deleted in public does not come back in public."""
    judge = OpenApi()
    async with open_stage(tmp_path, working=False, judge=judge) as stage:
        asked = await stage.asked()
        stage.discord.world.remove(asked.original or 0)

        job = await stage.drawn()

        [told] = stage.direct_words()
        assert f"Your picture from <#{lantern.STUDIO}>" in told["content"]
        assert [stage.novelai.calls[-1].images[0]] == [
            stage.discord.world.blobs[int(file["id"])].data for file in told["attachments"]
        ]
        assert "Reroll" in str(told["components"])
        assert (Delivery.SHOWN, 1, int(told["id"])) == (
            job.delivery,
            job.charged_pictures,
            job.place.message_id if job.place else 0,
        )
    assert [] == judge.wrong


async def test_a_channel_that_went_while_its_picture_was_drawn(tmp_path: Path) -> None:
    """The same after the whole channel is gone."""
    async with open_stage(tmp_path, working=False) as stage:
        await stage.asked("1girl, !slow")
        stage.novelai.slow_seconds = 0.5
        making = asyncio.create_task(stage.house.services.workers[0].step())
        await asyncio.sleep(0.2)
        await stage.discord.delete_channel(lantern.STUDIO)
        assert await making

        assert Delivery.SHOWN == (await stage.delivered(1)).delivery
        assert "is gone" in stage.direct_words()[0]["content"]


async def test_a_channel_that_the_bot_never_saw(tmp_path: Path) -> None:
    """Commands work there, and the message can be collected; when the token has died it is a direct message."""
    clock = Clock()
    async with open_stage(tmp_path, working=False, clock=clock) as stage:
        stage.discord.world.unreachable.add(lantern.STUDIO)
        asked = await stage.asked()
        clock.advance(725)
        stage.house.bell.ring(1)
        await stage.until(lambda: "Collect" in str(_message(stage, asked.original)["components"]))
        clock.advance(200)

        assert Delivery.SHOWN == (await stage.drawn()).delivery
        assert 1 == len(stage.direct_words()[0]["attachments"])


async def test_closed_direct_messages_leave_the_inbox(tmp_path: Path) -> None:
    """What can be shown nowhere is kept, counts as delivered, and is collected with its buttons."""
    judge = OpenApi()
    async with open_stage(tmp_path, working=False, judge=judge) as stage:
        asked = await stage.asked("1girl, river")
        stage.discord.world.remove(asked.original or 0)
        stage.discord.world.unreachable |= {lantern.STUDIO, ANN}

        job = await stage.drawn()

        assert (Delivery.INBOX, 1) == (job.delivery, job.charged_pictures)
        assert [] == await differences(tmp_path)
        quota = await stage.answered(await stage.slash("quota"))
        assert "1 of 25" in text_of(quota)
        card = await stage.answered(await stage.press(quota, "Inbox (1)"))
        assert "`1girl, river`" in text_of(card)
        pressed = await stage.press(card, "Collect")
        await stage.answered(pressed)
        assert Delivery.SHOWN == (await stage.delivered(job.id)).delivery
        shown = next(s for s in stage.discord.world.visible(ANN) if s.message["attachments"])
        assert shown.to == ANN
        assert (
            stage.novelai.calls[-1].images[0]
            == stage.discord.world.blobs[int(shown.message["attachments"][0]["id"])].data
        )
        assert "Nothing is waiting" in text_of(_message(stage, int(card["id"])))
        await stage.answered(await stage.press(await stage.answered(await stage.slash("quota")), "Inbox"))
    assert [] == judge.wrong


@pytest.mark.parametrize("nudge", [True, False])
async def test_after_a_long_wait_one_reply_pings_the_one_who_asked(tmp_path: Path, nudge: bool) -> None:
    """Once, in reply to the picture; a server may turn it off."""
    clock, judge = Clock(), OpenApi()
    config = replace(STUDIO, nudge=nudge)
    async with open_stage(tmp_path, working=False, clock=clock, judge=judge, config=config) as stage:
        asked = await stage.asked()
        clock.advance(121)
        await stage.drawn()
        await stage.until(lambda: len(_nudges(stage)) == nudge)
        quick = await stage.asked()
        await stage.drawn()
        await asyncio.sleep(0.3)

        for message in _nudges(stage):
            assert [str(ANN)] == [person["id"] for person in message["mentions"]]  # type: ignore[attr-defined]
            assert str(asked.original) == message["message_reference"]["message_id"]  # type: ignore[index]
        assert int(nudge) == len(_nudges(stage))
        assert _message(stage, quick.original)["attachments"]
    assert [] == judge.wrong


async def test_a_private_picture_whose_token_died_waits_in_the_inbox(tmp_path: Path) -> None:
    """Nothing can edit it any more, and nobody else shall see it."""
    clock = Clock()
    async with open_stage(tmp_path, working=False, clock=clock) as stage:
        await stage.asked(private=True)
        clock.advance(901)

        job = await stage.drawn()

        assert Delivery.INBOX == job.delivery
        assert [] == stage.pictures()
        assert [] == stage.direct_words()


async def test_after_twelve_minutes_a_message_without_another_way_can_be_collected(tmp_path: Path) -> None:
    """As somebody's own app the bot sees no channel: a press brings a fresh token, and the picture lands in place."""
    clock, judge = Clock(), OpenApi()
    async with open_stage(tmp_path, working=False, clock=clock, judge=judge, house={"direct": True}) as stage:
        stage.discord.world.absent.add(lantern.NEW_SERVER)
        asked = await stage.asked(at=lantern.NEW_GENERAL)
        assert "Collect" not in str(_message(stage, asked.original))
        clock.advance(725)
        stage.house.bell.ring(1)
        await stage.until(lambda: "Collect" in str(_message(stage, asked.original)["components"]))

        pressed = await stage.press(_message(stage, asked.original), "Collect")  # type: ignore[arg-type]
        await stage.answered(pressed)
        await stage.until(lambda: "Collect" not in str(_message(stage, asked.original)["components"]))
        clock.advance(300)
        job = await stage.drawn()

        assert Delivery.SHOWN == job.delivery
        assert 1 == len(_message(stage, asked.original)["attachments"])  # type: ignore[arg-type]
        assert not _nudges(stage)
    assert [] == judge.wrong


async def test_what_was_not_collected_in_time_is_collected_from_the_waiting_message(tmp_path: Path) -> None:
    """The token died and the inbox has it; the button that stayed on the message brings it there."""
    clock = Clock()
    async with open_stage(tmp_path, working=False, clock=clock, house={"direct": True}) as stage:
        stage.discord.world.absent.add(lantern.NEW_SERVER)
        asked = await stage.asked(at=lantern.NEW_GENERAL)
        clock.advance(725)
        stage.house.bell.ring(1)
        await stage.until(lambda: "Collect" in str(_message(stage, asked.original)["components"]))
        clock.advance(300)
        assert Delivery.INBOX == (await stage.drawn()).delivery

        await stage.answered(await stage.press(_message(stage, asked.original), "Collect"))  # type: ignore[arg-type]

        assert Delivery.SHOWN == (await stage.delivered(1)).delivery
        assert 1 == len(_message(stage, asked.original)["attachments"])  # type: ignore[arg-type]


@pytest.mark.parametrize(("share", "likeness"), [(0.9, Likeness.WEBP), (0.2, Likeness.PREVIEW)])
async def test_a_file_over_the_limit_goes_down_the_ladder(tmp_path: Path, share: float, likeness: Likeness) -> None:
    """The same pixels as WebP, with metadata and signature checked; else a preview. The original is in the inbox."""
    judge = OpenApi()
    async with open_stage(tmp_path, judge=judge, config=replace(STUDIO, cooldown=0)) as stage:
        first = await stage.answered(await stage.slash("generate", prompt="1girl", size=BIG, seed=7))
        original = stage.novelai.calls[-1].images[0]
        assert original == stage.pictures()[0]
        stage.discord.world.file_limits = (int(len(original) * share),) * 4

        asked = await stage.slash("generate", prompt="1girl", size=BIG, seed=7)
        made = await stage.answered(asked)

        job = await stage.delivered(2)
        assert (Delivery.INBOX, likeness) == (job.delivery, job.shown_as)
        data = stage.discord.world.blobs[int(made["attachments"][0]["id"])].data
        assert made["attachments"][0]["filename"].endswith(".webp")
        is_signed = "signed" == inspect_image(data, trusted=STANDIN).verdict
        assert (likeness is Likeness.WEBP) == is_signed == ("still verifies" in made["content"])
        assert "Original in </inbox:" in made["content"]
        assert first["id"] != made["id"]

        stage.discord.world.file_limits = (10 * 1024 * 1024,) * 4
        card = await stage.answered(await stage.slash("inbox"))
        await stage.answered(await stage.press(card, "Collect"))
        assert Delivery.SHOWN == (await stage.delivered(2)).delivery
        shown = next(s for s in stage.discord.world.visible(ANN) if s.to == ANN and s.message["attachments"])
        original = stage.novelai.calls[-1].images[0]
        assert original == stage.discord.world.blobs[int(shown.message["attachments"][0]["id"])].data
    assert [] == judge.wrong


async def test_a_limit_that_only_discord_knows_is_found_out(tmp_path: Path) -> None:
    """Through the channel the bot believes in 10 MiB; a refusal sends the file down the ladder."""
    clock = Clock()
    async with open_stage(tmp_path, working=False, clock=clock) as stage:
        await stage.asked(size=BIG, seed=7)
        await stage.drawn()
        asked = await stage.asked(size=BIG, seed=7)
        clock.advance(901)
        stage.discord.world.file_limits = (int(len(stage.pictures()[0]) * 0.9),) * 4

        job = await stage.drawn()

        assert (Delivery.INBOX, Likeness.WEBP) == (job.delivery, job.shown_as)
        assert "lossless WebP" in str(_message(stage, asked.original)["content"])


async def test_a_boosted_server_takes_more(tmp_path: Path) -> None:
    """The bot's own limit in a channel is the server's."""
    async with open_stage(tmp_path, working=False) as stage:
        guild = stage.discord.world.guilds[lantern.LANTERN]
        assert 10 * 1024 * 1024 == stage.discord.world.file_limit(lantern.STUDIO)
        guild["premium_tier"] = 2
        await stage.discord.gateway.event("GUILD_UPDATE", guild, lantern.LANTERN)
        await stage.until(lambda: stage.client.get_guild(lantern.LANTERN).premium_tier == 2)  # type: ignore[union-attr]
        courier = stage.client.get_cog("Courier")

        assert 50 * 1024 * 1024 == stage.discord.world.file_limit(lantern.STUDIO)
        assert 50 * 1024 * 1024 == courier._ways.channel_limit(lantern.LANTERN)  # type: ignore[union-attr]


async def test_a_direct_message_whose_answer_was_lost_is_not_sent_twice(tmp_path: Path) -> None:
    """The nonce is noted first: within its life Discord knows it, after it the courier looks."""
    for gap in (0.0, 400.0):
        clock = Clock()
        folder = tmp_path / str(gap)
        pace = replace(QUICK, delivery=(0.05 + gap, 1.0))
        async with open_stage(folder, working=False, clock=clock, pace=pace) as stage:
            asked = await stage.asked()
            stage.discord.world.remove(asked.original or 0)
            direct = stage.discord.world.direct_channel(ANN) or {}
            stage.discord.fail_next("POST", f"/channels/{direct['id']}/messages", 0, is_done=True)
            [job] = await stage.house.store.waiting()
            assert await stage.house.services.workers[0].step()
            await stage.until(stage.direct_words)
            await asyncio.sleep(0.3)
            clock.advance(gap)

            assert Delivery.SHOWN == (await stage.delivered(job.id)).delivery
            assert 1 == len(stage.direct_words())


async def test_tries_are_counted_on_the_row_and_end_in_the_inbox(tmp_path: Path) -> None:
    """A restart does not begin them again."""
    discord, novelai = Discord(), NovelAI()
    pace = Pace(gap=0.0, retry=0.05, settle_retry=0.01, delivery=(0.05, 3_600.0))
    async with novelai.serve() as address, discord.serve():
        async with play(tmp_path, discord, novelai, address, working=False, pace=pace) as stage:
            await stage.asked()
            discord.fail_next("PATCH", "/messages/", 400, times=99, code=12345)
            assert await stage.house.services.workers[0].step()
            async with asyncio.timeout(10):
                while (await stage.house.store.get(1)).delivery_tries < 2:  # type: ignore[union-attr]
                    await asyncio.sleep(0.02)
            await stage.until(lambda: not stage.client.get_cog("Courier")._turns._locks)  # type: ignore[union-attr]
        quick = replace(pace, delivery=(0.05, 0.05))
        async with play(tmp_path, discord, novelai, address, working=False, pace=quick) as stage:
            await stage.house.store.retry_delivery(1, 0.0)
            job = await stage.delivered(1)

            assert (Delivery.INBOX, 3) == (job.delivery, job.delivery_tries)
            discord.rest.faults.clear()
            await stage.answered(await stage.slash("inbox"))
            assert "1girl" in stage.private_words()[0]


async def test_what_is_not_collected_for_a_week_is_given_back(tmp_path: Path) -> None:
    """Charge and bytes go; the card and the old button say that there is nothing."""
    clock = Clock()
    async with open_stage(tmp_path, working=False, clock=clock) as stage:
        await stage.asked(private=True)
        clock.advance(901)
        assert Delivery.INBOX == (await stage.drawn()).delivery
        card = await stage.answered(await stage.slash("inbox"))
        clock.advance(7 * 86_400)
        await stage.house.services.upkeep.tidy()

        job = await stage.delivered(1)
        assert (Delivery.LAPSED, 0) == (job.delivery, job.charged_pictures)
        assert [] == list(await stage.house.store.pictures(1))
        assert "Nothing is waiting" in await stage.said("inbox")
        await stage.answered(await stage.press(card, "Collect"))
        assert "Nothing of yours" in stage.private_words()[0]
        assert [] == await differences(tmp_path)


async def test_a_forgotten_request_is_said_to_be_gone(tmp_path: Path) -> None:
    """After the operator's days the buttons under a picture say so."""
    clock = Clock()
    async with open_stage(tmp_path, clock=clock) as stage:
        made = await stage.answered(await stage.slash("generate", prompt="1girl", size="64x64"))
        clock.advance(31 * 86_400)
        await stage.house.services.upkeep.tidy()
        for label in ("Reroll", "More…"):
            await stage.answered(await stage.press(made, label))

        assert 2 == len([words for words in stage.private_words() if "too old" in words])


async def test_a_blocked_end_after_the_token_died_is_told_by_direct_message(tmp_path: Path) -> None:
    """The waiting message goes, and the public learns nothing of it."""
    clock = Clock()
    async with open_stage(tmp_path, working=False, clock=clock) as stage:
        asked = await stage.asked()
        await stage.house.services.guilds.save(lantern.LANTERN, replace(STUDIO, channels=(lantern.NIGHT_STUDIO,)))
        clock.advance(901)
        job = await stage.drawn()

        assert JobState.BLOCKED == job.state
        assert stage.discord.world.shown[asked.original or 0].deleted
        assert "Nothing was charged" in stage.direct_words()[0]["content"]


async def test_many_are_collected_at_once_and_the_rest_stays_on_the_card(tmp_path: Path) -> None:
    """Five at a press, each in a message of its own."""
    clock, judge = Clock(), OpenApi()
    config = replace(STUDIO, waiting=9)
    async with open_stage(tmp_path, working=False, clock=clock, config=config, judge=judge) as stage:
        for n in range(6):
            await stage.slash("generate", prompt=f"tree {n}", size="64x64", private=True)
            async with asyncio.timeout(5):
                while len(await stage.house.store.waiting()) <= n:
                    await asyncio.sleep(0.01)
        await stage.until(lambda: not stage.house.services.activity.running)
        clock.advance(901)
        for _ in range(6):
            await stage.drawn()
        card = await stage.answered(await stage.slash("inbox"))
        assert 6 == text_of(card).count("tree")

        await stage.answered(await stage.press(card, "Collect all"))
        for n in range(1, 6):
            assert Delivery.SHOWN == (await stage.delivered(n)).delivery

        left = text_of(_message(stage, int(card["id"])))
        assert "tree 5" in left
        assert 1 == left.count("tree")
        assert 5 == len([s for s in stage.discord.world.visible(ANN) if s.to == ANN and s.message["attachments"]])
    assert [] == judge.wrong


async def test_a_large_batch_is_split_and_each_part_comes_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit one message follows in others, also when Discord's answer to one of them is lost."""
    monkeypatch.setattr("cogs.ui.packing.MESSAGE_MAX", 1)
    judge = OpenApi()
    async with open_stage(tmp_path, working=False, judge=judge) as stage:
        asked = await stage.asked()
        await _ask_for_three(stage)
        stage.discord.fail_next("POST", f"/channels/{lantern.STUDIO}/messages", 0, is_done=True)

        job = await stage.drawn()

        assert (Delivery.SHOWN, None) == (job.delivery, job.shown_as)
        first = _message(stage, asked.original)
        parts = [s.message for s in stage.discord.world.visible(0) if "Part " in s.message["content"]]
        names = [file["filename"] for m in (first, *reversed(parts)) for file in m["attachments"]]  # type: ignore[attr-defined]
        assert ["-1.png", "-2.png", "-3.png"] == [name[-6:] for name in names]
        assert ["-# Part 3 of 3, job 1.", "-# Part 2 of 3, job 1."] == [part["content"] for part in parts]
        assert 3 == len(stage.pictures())
    assert [] == judge.wrong


async def test_where_only_one_message_may_be_edited_the_rest_is_in_the_inbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside a private message the bot posts nothing; it says where the whole is."""
    monkeypatch.setattr("cogs.ui.packing.MESSAGE_MAX", 1)
    async with open_stage(tmp_path, working=False) as stage:
        asked = await stage.asked(private=True)
        await _ask_for_three(stage)

        job = await stage.drawn()

        assert (Delivery.INBOX, Likeness.PREVIEW) == (job.delivery, job.shown_as)
        message = _message(stage, asked.original)
        assert 1 == len(message["attachments"])  # type: ignore[arg-type]
        assert "The whole is in" in str(message["content"])


async def _ask_for_three(stage: Stage) -> None:
    """No command asks for more than one picture yet, so the waiting wish is changed where it lies."""
    async with stage.house.store._db.tx() as session:  # type: ignore[attr-defined]
        await session.run(
            """UPDATE jobs SET request = replace(request, '"samples":1', '"samples":3'), pictures = 3, price = 99"""
        )
    await stage.house.services.guilds.save(lantern.LANTERN, replace(STUDIO, pictures_day=None, anlas_day=None))


@pytest.mark.parametrize(
    ("private", "is_done", "delivery"),
    [(False, False, Delivery.SHOWN), (False, True, Delivery.SHOWN), (True, False, Delivery.INBOX)],
)
async def test_a_paid_picture_whose_waiting_message_was_lost_while_it_was_drawn(
    tmp_path: Path, private: bool, is_done: bool, delivery: Delivery
) -> None:
    """It cannot be taken back any more, so it reaches its member on the next rung, once, and is paid once."""
    clock, judge = Clock(), OpenApi()
    async with open_stage(tmp_path, clock=clock, judge=judge) as stage:
        stage.novelai.slow_seconds = 1.5
        asked = await stage.slash("generate", prompt="1girl, !slow", size="1088x1024", steps=1, private=private)
        question = await stage.answered(asked)
        before = (await stage.house.services.accounts.clients[0].account()).anlas or 0
        # Held up until the body was sent, and then cut.
        stage.discord.fail_next("POST", "/webhooks/", 429, after=0.7)
        stage.discord.fail_next("POST", "/webhooks/", 0, is_done=is_done)
        await stage.press(question, "Spend 4 Anlas")
        await stage.until(lambda: "is being drawn already" in " ".join(stage.private_words()))
        assert JobState.SENT == (await stage.house.store.recent(0.0))[0].state
        clock.advance(61)
        job = await stage.delivered(1)

        assert (JobState.DONE, delivery, 4, 4) == (job.state, job.delivery, job.charged_anlas, job.spent)
        assert [4] == [before - ((await stage.house.services.accounts.clients[0].account()).anlas or 0)]
        assert 1 == len([call for call in stage.novelai.calls if call.images])
        if private:
            [card] = [await stage.answered(await stage.slash("inbox"))]
            await stage.answered(await stage.press(card, "Collect"))
            await stage.until(lambda: [s for s in stage.discord.world.visible(ANN) if s.message["attachments"]])
        shown = [s for s in stage.discord.world.visible(ANN) if s.message["attachments"] and not s.deleted]
        assert [ANN if private else None] == [s.to for s in shown]
        assert not [text for text in map(str, stage.discord.world.visible(0)) if "One moment" in text]
    assert [] == await differences(tmp_path)
    assert [] == judge.wrong
