"""Auto-inspect: a 🔎 where an admin wants it, an answer to whoever presses it, and otherwise silence."""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot import wording
from bot.domain.change import Change, What
from bot.domain.errors import Mistake
from bot.domain.request import Requester
from bot.standin.discord import lantern
from bot.standin.discord.components import walk
from bot.standin.discord.messages import outward
from bot.standin.discord.world import Blob
from tests.cogs.test_compare import an_image
from tests.openapi import OpenApi
from tests.stage import STUDIO, Json, Stage, open_stage, text_of

GLASS = "🔎"
SPEAKS = an_image("1girl, hat", 1)
ON = replace(STUDIO, auto_inspect=(lantern.GENERAL,))


def silent() -> bytes:
    """A picture that says nothing."""
    data = io.BytesIO()
    Image.new("RGB", (8, 8)).save(data, "PNG")
    return data.getvalue()


@asynccontextmanager
async def watching(folder: Path, **options: Any) -> AsyncIterator[Stage]:
    """A bot that may read messages, in a server where it is on in #general."""
    async with open_stage(folder, working=False, config=ON, house={"message_content": True}, **options) as stage:
        yield stage


async def post(stage: Stage, *images: bytes, at: int = lantern.GENERAL, name: str = "a.png") -> Json:
    """Ann posts images."""
    ids = []
    for data in images:
        made = stage.discord.world.attach(at, Blob(name, "image/png", data), ephemeral=True)
        stage.discord.world.uploads[made["id"]] = made
        ids.append(made["id"])
    return await stage.discord.actions.post(lantern.ANN, at, {"text": "look", "files": ids})


def has_glass(message: Json) -> bool:
    """Whether the bot put its reaction there."""
    return lantern.APPLICATION in message.get("_reactions", {}).get(GLASS, ())


async def marked(stage: Stage) -> Json:
    """An image that says something, once it has its 🔎; what was posted before it was looked at too by then."""
    message = await post(stage, SPEAKS)
    await stage.until(lambda: has_glass(message))
    await stage.until(lambda: not stage.house.services.activity.running)
    return message


async def press(stage: Stage, message: Json, by: int = lantern.BEN) -> None:
    """Press the 🔎, or take it back."""
    await stage.discord.actions.react(by, {"message": message["id"], "emoji": GLASS})


async def test_images_that_say_something_get_a_glass(tmp_path: Path) -> None:
    """Any of a message's; one that says nothing gets none, and nothing is said in the channel."""
    async with watching(tmp_path) as stage:
        quiet = await post(stage, silent())
        second = await post(stage, silent(), SPEAKS)
        await stage.until(lambda: has_glass(second))
        await marked(stage)

        assert not has_glass(quiet)
        assert not [s for s in stage.discord.world.newest(lantern.GENERAL) if s.message["author"]["bot"]]


async def test_who_presses_it_is_told_alone(tmp_path: Path) -> None:
    """By direct message: the card, where the image is, its prompt to copy; nobody to show it to."""
    judge = OpenApi()
    async with watching(tmp_path, judge=judge) as stage:
        await press(stage, await marked(stage))
        await stage.until(lambda: stage.direct_words(lantern.BEN))
        [told] = stage.direct_words(lantern.BEN)
        labels = {part.get("label") for part in walk(told["components"])} - {None}
        copied = await stage.answered(await stage.press(told, wording.BUTTON_COPY_PROMPT, by=lantern.BEN))

        assert wording.VERDICT_UNSIGNED in text_of(told)
        assert f"channels/{lantern.LANTERN}/{lantern.GENERAL}/" in text_of(told)
        assert {wording.BUTTON_COPY_PROMPT} <= labels
        assert wording.BUTTON_SHARE not in labels
        assert "1girl, hat" in text_of(copied)
        assert not stage.direct_words(lantern.ANN)
    assert not judge.wrong


async def test_it_is_off_until_somebody_turns_it_on(tmp_path: Path) -> None:
    """In other channels nothing is read: no file is fetched, nothing is put there."""
    async with watching(tmp_path) as stage:
        elsewhere = await post(stage, SPEAKS, at=lantern.STUDIO)
        await marked(stage)

        assert not has_glass(elsewhere)
        assert str(elsewhere["id"]) not in map(str, stage.house.services.activity.handlings())


async def test_its_own_pictures_are_left_alone(tmp_path: Path) -> None:
    """They have their own way to the file."""
    async with watching(tmp_path) as stage:
        own = await post(stage, SPEAKS)
        await stage.until(lambda: has_glass(own))
        copy = {**outward(own), "author": stage.discord.world.bot, "id": str(stage.discord.world.snowflake())}
        told = {**copy, "guild_id": str(lantern.LANTERN), "reactions": []}
        await stage.discord.gateway.event("MESSAGE_CREATE", told, lantern.LANTERN)
        await marked(stage)

        assert int(copy["id"]) not in stage.house.services.activity.handlings()


@pytest.mark.parametrize("cause", ["others", "off", "blocked", "bot"])
async def test_only_its_own_glass_is_honoured(tmp_path: Path, cause: str) -> None:
    """Not one that somebody else put there, nor where it was turned off since, nor for whom a moderator blocked."""
    async with watching(tmp_path) as stage:
        message, services = await marked(stage), stage.house.services
        match cause:
            case "others":
                stage.discord.world.react(int(message["id"]), lantern.APPLICATION, GLASS)
                stage.discord.world.react(int(message["id"]), lantern.ANN, GLASS)
            case "off":
                await services.guilds.save(lantern.LANTERN, STUDIO)
            case "blocked":
                mia = Requester(user_id=lantern.MIA, guild_id=lantern.LANTERN, channel_id=1, may_moderate=True)
                await services.sanctions.pause(mia, lantern.BEN, None, "")
            case "bot":
                stage.discord.world.people[lantern.BEN]["bot"] = True
        await press(stage, message)
        await services.guilds.save(lantern.LANTERN, ON)
        other = await marked(stage)
        await press(stage, other, by=lantern.MIA)
        await stage.until(lambda: stage.direct_words(lantern.MIA))
        await stage.until(lambda: not stage.house.services.activity.running)

        # Who was blocked is told that by message too.
        about = [text_of(told) for told in stage.direct_words(lantern.BEN)]
        assert all("closed me to you" in words for words in about)
        assert len(about) <= (cause == "blocked")


async def test_closed_direct_messages_are_no_fault(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever takes none gets none, and nothing is said in the channel."""
    async with watching(tmp_path) as stage:
        stage.discord.world.unreachable.add(lantern.BEN)
        message = await marked(stage)
        await press(stage, message)
        await stage.until(lambda: any(status == 403 for _, _, status in stage.discord.rest.requests))
        await stage.until(lambda: not stage.house.services.activity.running)

        assert not [s for s in stage.discord.world.newest(lantern.GENERAL) if s.message["author"]["bot"]]
        assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]


async def test_a_person_is_answered_five_times_a_minute(tmp_path: Path) -> None:
    """However often they press."""
    async with watching(tmp_path) as stage:
        message = await marked(stage)
        for _ in range(8):
            await press(stage, message)
            await press(stage, message)
        await press(stage, message, by=lantern.MIA)
        await stage.until(lambda: stage.direct_words(lantern.MIA))
        await stage.until(lambda: not stage.house.services.activity.running)

        assert 5 == len(stage.direct_words(lantern.BEN))


async def test_a_flood_is_dropped(tmp_path: Path) -> None:
    """At most ten messages a minute of a channel are read, and none waits for its turn."""
    async with watching(tmp_path) as stage:
        posted = [await post(stage, SPEAKS) for _ in range(25)]
        await stage.until(lambda: has_glass(posted[0]))
        await stage.until(lambda: not stage.house.services.activity.running)

        assert 1 <= sum(map(has_glass, posted)) <= 10


async def test_where_it_may_not_react_nothing_is_read(tmp_path: Path) -> None:
    """The image would be fetched for nothing."""
    async with watching(tmp_path) as stage:
        stage.discord.world.denied[lantern.GENERAL] = lantern.REACT
        channel = stage.discord.world.with_denials(stage.discord.world.channels[lantern.GENERAL])
        await stage.discord.gateway.event("CHANNEL_UPDATE", channel, lantern.LANTERN)
        message = await post(stage, SPEAKS)
        await stage.said("help")

        assert int(message["id"]) not in stage.house.services.activity.handlings()


# --- the setting -----------------------------------------------------------------------------------------------------


async def test_an_admin_chooses_the_channels(tmp_path: Path) -> None:
    """By keyboard or in the panel; none at first."""
    async with watching(tmp_path) as stage:
        await stage.house.services.guilds.save(lantern.LANTERN, STUDIO)
        held = await stage.said("config", by=lantern.ADA, setting="auto_inspect")
        said = await stage.said("config", by=lantern.ADA, setting="auto_inspect", value="#general")
        panel = await stage.answered(await stage.slash("config", by=lantern.ADA))
        look = await stage.answered(await stage.choose(panel, "group", "look", by=lantern.ADA))

        assert wording.NOT_SET in held
        assert f"{wording.NOT_SET} → <#{lantern.GENERAL}>" in said
        assert wording.SETTING_LABELS["auto_inspect"] in text_of(look or panel)


async def test_without_the_intent_it_is_not_there(tmp_path: Path) -> None:
    """Neither cog nor setting: panel, list, name, control and an Undo of before know nothing of it."""
    async with open_stage(tmp_path, working=False, config=ON) as stage:
        said = await stage.said("config", by=lantern.ADA, setting="auto_inspect", value="#studio")
        wish = {
            "kind": "complete", "name": "config", "focused": "setting",
            "options": [{"name": "setting", "type": 3, "value": "unasked"}],
        }  # fmt: skip
        asked = await stage.discord.actions.act(lantern.ADA, lantern.STUDIO, wish)
        await stage.until(lambda: asked.choices is not None)
        panel = await stage.answered(await stage.slash("config", by=lantern.ADA))
        await stage.answered(await stage.choose(panel, "group", "look", by=lantern.ADA))
        shown = text_of(stage.discord.world.shown[int(panel["id"])].message)
        ada = Requester(user_id=lantern.ADA, guild_id=lantern.LANTERN, channel_id=1, may_manage=True)
        with pytest.raises(Mistake, match=r"setting\.unknown"):
            await stage.house.services.moderation.apply(ada, Change(what=What.SETTING, name="auto_inspect", value=[1]))

        assert wording.SETTING_UNKNOWN in said
        assert [] == asked.choices
        assert wording.SETTING_LABELS["nudge"] in shown
        assert wording.SETTING_LABELS["auto_inspect"] not in shown
        assert stage.client.get_cog("AutoInspect") is None
        config = stage.house.services.guilds.config_of(lantern.LANTERN)
        assert config is not None and config.auto_inspect == (lantern.GENERAL,)  # noqa: PT018
