"""`/generate` and its buttons, through the real client and a strict stand-in."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.job import JobState
from bot.standin.discord import Discord, lantern
from bot.standin.discord.world import Blob
from bot.standin.novelai import NovelAI
from tests.imaging.pictures import a_picture, png
from tests.openapi import OpenApi
from tests.stage import STUDIO, open_stage, play

SMALL = "64x64"


async def test_every_request_and_reply_is_what_discord_describes(tmp_path: Path) -> None:
    """A whole visit, each body judged by Discord's own OpenAPI description."""
    judge = OpenApi()
    async with open_stage(tmp_path, judge=judge) as stage:
        made = await stage.answered(await stage.slash("generate", prompt="1girl", size=SMALL))
        for label in ("Reroll", "More…"):
            await stage.answered(await stage.press(made, label))
        question = await stage.answered(await stage.slash("generate", prompt="1girl", size="1088x1024", steps=1))
        await stage.answered(await stage.press(question, "Spend 4 Anlas"))
        await stage.answered(await stage.slash("generate", prompt="1girl, !503", size=SMALL))
        card = await stage.answered(await stage.menu("Inspect image", made))
        for label in ("Copy prompt", "Show to everyone"):
            await stage.answered(await stage.press(card, label))
        opened = await stage.press(made, "Delete", by=lantern.MIA)
        await stage.until(lambda: opened.form)
        await stage.answered(await stage.press(made, "Delete"))

    assert [] == judge.wrong
    assert judge.judged > 20


async def test_the_delivered_bytes_are_novelais(tmp_path: Path) -> None:
    """What a member downloads is what NovelAI made, bit for bit, with alt text."""
    async with open_stage(tmp_path) as stage:
        made = await stage.answered(await stage.slash("generate", prompt="1girl, river", size=SMALL))

        assert [stage.novelai.calls[-1].images[0]] == stage.pictures()
        assert "AI picture: 1girl, river" == made["attachments"][0]["description"]


async def test_the_size_list_says_what_is_free(tmp_path: Path) -> None:
    """Presets with their price here, and what was typed where it is a size."""
    async with open_stage(tmp_path) as stage:
        options = [{"name": "prompt", "type": 3, "value": "x"}, {"name": "size", "type": 3, "value": ""}]
        wish = {"kind": "complete", "name": "generate", "focused": "size", "options": options}
        asked = await stage.discord.actions.act(lantern.ANN, lantern.STUDIO, wish)
        await stage.until(lambda: asked.choices is not None)
        options[1]["value"] = "1:1"
        typed = await stage.discord.actions.act(lantern.ANN, lantern.STUDIO, wish)
        await stage.until(lambda: typed.choices is not None)

        names = [choice["name"] for choice in asked.choices or []]
        assert "Portrait 832×1216 · free" in names
        assert "Large portrait 1024×1536 · 30 Anlas" in names
        assert [{"name": "1024×1024 · free", "value": "1024x1024"}] == typed.choices


async def test_a_shared_card_is_everybodys_and_a_forbidden_one_nobodys(tmp_path: Path) -> None:
    """`share` shows the card in the channel, unless its text is never shown anywhere."""
    async with open_stage(tmp_path) as stage:
        for prompt, shown in (("1girl, smile", 1), ("loli, nude", 0)):
            comment = json.dumps({"prompt": prompt, "steps": 5, "uc": "x", "sampler": "k_euler"})
            blob = Blob("a.png", "image/png", png(a_picture(), Software="NovelAI", Comment=comment))
            file = stage.discord.world.attach(lantern.STUDIO, blob, ephemeral=True)
            stage.discord.world.uploads[file["id"]] = file
            await stage.answered(await stage.slash("inspect", image=file["id"], share=True))

            cards = [s for s in stage.discord.world.visible(lantern.BEN) if prompt in str(s.message)]
            assert shown == len(cards)
        assert "only you can see this" in stage.private_words()[0]


async def test_two_hundred_events_at_once_with_twenty_left(tmp_path: Path) -> None:
    """200 `/generate` of one member: exactly 20 are admitted, and everybody else is told privately."""
    config = replace(STUDIO, pictures_day=20, waiting=20)
    async with open_stage(tmp_path, working=False, config=config) as stage:
        asked = [await stage.slash("generate", prompt=f"1girl, {n}", size=SMALL) for n in range(200)]
        activity = stage.house.services.activity
        await stage.until(lambda: len(activity.handlings()) == 200 and not activity.running, within=60)

        assert 20 == len(await stage.house.store.waiting())
        assert 180 == len([text for text in stage.private_words() if "waiting" in text or "pictures today" in text])
        assert all(interaction.acknowledged is not None for interaction in asked)


async def test_a_double_click_is_one_picture(tmp_path: Path) -> None:
    """Two presses at once make one job and leave one message; a press 3 s later makes another."""
    async with open_stage(tmp_path) as stage:
        made = await stage.answered(await stage.slash("generate", prompt="1girl", size=SMALL))
        presses = await asyncio.gather(*(stage.press(made, "Reroll") for _ in range(2)))
        for press in presses:
            await stage.answered(press)
        assert 2 == len(stage.pictures())

        await asyncio.sleep(2.1)
        await stage.answered(await stage.press(made, "Reroll"))

        assert 3 == len(stage.pictures())


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"size": "800x600"}, "multiples of 64"),
        ({"size": "9000x64"}, "multiples of 64"),
        ({"steps": 99}, "Steps goes from 1 to 50"),
        ({"cfg_scale": -1.5}, "Prompt Guidance goes from 0 to 10"),
        ({"seed": 0}, "The seed goes from 1"),
        ({"sampler": "k_dpm_adaptive"}, "Sampler must be one of"),
        ({"uc_preset": "furryFocus"}, "These work: Heavy"),
        ({"noise_schedule": "x" * 500}, "must be one of"),
    ],
)
async def test_forged_values_get_a_sentence_and_reach_nothing(
    tmp_path: Path, options: dict[str, object], word: str
) -> None:
    """What no client would send is answered in one private sentence that says what is allowed."""
    async with open_stage(tmp_path) as stage:
        answer = await stage.answered(await stage.slash("generate", prompt="1girl", **options))

        assert word in answer["content"] or word.lower() in answer["content"]
        assert answer["flags"] & 64
        assert 0 == len(stage.novelai.calls)
        assert [] == list(await stage.house.store.recent(0.0))


async def test_controls_and_forms_that_nobody_knows_are_answered(tmp_path: Path) -> None:
    """A removed verb, a foreign id, a button of a job that is gone: each gets its sentence."""
    async with open_stage(tmp_path) as stage:
        made = await stage.answered(await stage.slash("generate", prompt="1girl", size=SMALL))
        row = made["components"][0]["components"]
        for n, custom_id in enumerate(("job:1:fly", "job:9999999999999999999:more", "job:999999:more")):
            row[n]["custom_id"] = custom_id
            await stage.answered(await stage.press_id(made, custom_id))

        assert 3 == len([text for text in stage.private_words() if "too old" in text])


async def test_a_moderator_is_asked_for_a_reason_and_others_may_not(tmp_path: Path) -> None:
    """Ben may not delete Ann's picture; Mia may, with a reason; her form works when the bot was restarted meanwhile."""
    discord, novelai = Discord(), NovelAI()
    async with novelai.serve() as address, discord.serve():
        async with play(tmp_path, discord, novelai, address) as stage:
            made = await stage.answered(await stage.slash("generate", prompt="1girl", size=SMALL))
            await stage.answered(await stage.press(made, "Delete", by=lantern.BEN))
            opened = await stage.press(made, "Delete", by=lantern.MIA)
            await stage.until(lambda: opened.form)
            assert "Only <@" in stage.private_words(lantern.BEN)[0]
        async with play(tmp_path, discord, novelai, address) as stage:
            wish = {"kind": "fill", "interaction": str(opened.id), "values": {"reason": "not here"}}
            await stage.answered(await discord.actions.act(lantern.MIA, lantern.STUDIO, wish))

            assert [] == stage.pictures()
            assert "Deleted" in stage.private_words(lantern.MIA)[0]


async def test_buttons_work_after_a_restart_and_waiting_messages_are_kept(tmp_path: Path) -> None:
    """A job queued before the bot ended is delivered into its old message by the next one; its Reroll works."""
    discord, novelai = Discord(), NovelAI()
    async with novelai.serve() as address, discord.serve():
        async with play(tmp_path, discord, novelai, address, working=False) as stage:
            asked = await stage.slash("generate", prompt="1girl", size=SMALL)
            await stage.until(lambda: "Next in line" in str(discord.world.shown.get(asked.original or 0)))
        async with play(tmp_path, discord, novelai, address) as stage:
            await stage.until(stage.pictures)
            message = discord.world.shown[asked.original or 0].message
            assert 1 == len(message["attachments"])
            await stage.answered(await stage.press(message, "Reroll"))

            assert 2 == len(stage.pictures())


async def test_cancel_deletes_the_waiting_message_and_tells_privately(tmp_path: Path) -> None:
    """Taken back while it waits: nothing is charged and nothing stays in the channel."""
    async with open_stage(tmp_path, working=False) as stage:
        asked = await stage.slash("generate", prompt="1girl", size=SMALL)
        shown = stage.discord.world.shown
        await stage.until(lambda: "Next in line" in str(shown.get(asked.original or 0)))
        await stage.answered(await stage.press(shown[asked.original or 0].message, "Cancel"))

        [job] = await stage.house.store.recent(0.0)
        assert (JobState.CANCELLED, 0) == (job.state, job.charged_pictures)
        await stage.delivered(job.id)
        assert shown[asked.original or 0].deleted
        assert "Taken back. Nothing was charged." == stage.private_words()[0]


async def test_after_the_token_died_the_channel_is_used(tmp_path: Path) -> None:
    """Fifteen minutes later the result still lands in its message."""
    async with open_stage(tmp_path, working=False, token_life=0.5) as stage:
        asked = await stage.slash("generate", prompt="1girl", size=SMALL)
        await asyncio.sleep(0.7)
        assert await stage.house.services.workers[0].step()
        await stage.until(stage.pictures)

        assert 1 == len(stage.discord.world.shown[asked.original or 0].message["attachments"])


@pytest.mark.parametrize("status", [500, 0, 429])
async def test_a_delivery_that_discord_drops_is_tried_again(tmp_path: Path, status: int) -> None:
    """A failing, cut or limited edit loses no picture and shows it once."""
    async with open_stage(tmp_path, working=False) as stage:
        asked = await stage.slash("generate", prompt="1girl", size=SMALL)
        await stage.until(lambda: "Next in line" in str(stage.discord.world.shown.get(asked.original or 0)))
        stage.discord.fail_next("PATCH", "/messages/", status)
        assert await stage.house.services.workers[0].step()
        await stage.until(stage.pictures, within=20)

        assert 1 == len(stage.pictures())


async def test_rules_that_changed_meanwhile_are_told_privately(tmp_path: Path) -> None:
    """A channel that was closed while a job waited: the public message goes, the member learns it alone."""
    async with open_stage(tmp_path, working=False) as stage:
        asked = await stage.slash("generate", prompt="1girl", size=SMALL)
        shown = stage.discord.world.shown
        await stage.until(lambda: "Next in line" in str(shown.get(asked.original or 0)))
        await stage.house.services.guilds.save(lantern.LANTERN, replace(STUDIO, channels=(lantern.NIGHT_STUDIO,)))
        assert await stage.house.services.workers[0].step()
        await stage.until(lambda: shown[asked.original or 0].deleted)

        assert "Nothing was charged" in stage.private_words()[0]
        assert 0 == len(stage.novelai.calls)


async def test_a_prompt_that_is_too_long_is_a_hint_to_its_member(tmp_path: Path) -> None:
    """Over 225 tokens the picture is made, and the member alone learns what is ignored."""
    async with open_stage(tmp_path) as stage:
        made = await stage.answered(await stage.slash("generate", prompt="blue sky, " * 120, size=SMALL))

        assert 1 == len(made["attachments"])
        assert "is ignored" in stage.private_words()[0]


async def test_a_dropped_gateway_misses_nothing(tmp_path: Path) -> None:
    """The socket breaks; the client resumes, and the next wish is answered."""
    async with open_stage(tmp_path) as stage:
        await stage.discord.gateway.drop()
        await stage.until(lambda: stage.discord.gateway.resumes == 1)
        made = await stage.answered(await stage.slash("generate", prompt="1girl", size=SMALL))

        assert 1 == len(made["attachments"])


@pytest.mark.parametrize("status", [429, 500])
async def test_an_acknowledgement_that_discord_drops_is_repeated(tmp_path: Path, status: int) -> None:
    """One refused callback fits the three seconds."""
    async with open_stage(tmp_path) as stage:
        stage.discord.fail_next("POST", "/callback", status)
        made = await stage.answered(await stage.slash("generate", prompt="1girl", size=SMALL))

        assert 1 == len(made["attachments"])
