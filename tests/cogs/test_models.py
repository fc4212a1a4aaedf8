"""Every model and option of `/generate`, as a member meets them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.model import CAPABILITIES, Model
from bot.imaging.inspection import inspect_image
from bot.imaging.signature import STANDIN
from bot.standin.discord import lantern
from tests.stage import STUDIO, Stage, open_stage, text_of

OFFERED = [model for model, row in CAPABILITIES.items() if row.is_offered]


async def _drawn(stage: Stage, **options: Any) -> dict[str, Any]:
    wish = {"prompt": "1girl, cherry blossoms", "size": "512x768", **options}
    made = await stage.answered(await stage.slash("generate", **wish))
    assert made.get("attachments"), stage.private_words()
    return made


async def _refused(stage: Stage, **options: Any) -> str:
    wish = {"prompt": "1girl", "size": "512x768", **options}
    await stage.answered(await stage.slash("generate", **wish))
    assert not stage.novelai.calls
    return stage.private_words()[0]


@pytest.mark.parametrize("model", OFFERED)
async def test_every_model_draws(tmp_path: Path, model: Model) -> None:
    """Its name stands under the picture, and the file is signed and says the prompt itself."""
    async with open_stage(tmp_path) as stage:
        made = await _drawn(stage, model=model.value)

        assert f"-# {CAPABILITIES[model].short} ·" in made["content"]
        [picture] = stage.pictures()
        found = inspect_image(picture, trusted=STANDIN)
        assert "signed" == found.verdict
        assert "1girl, cherry blossoms" in str(found.claims[0].prompt)


async def test_the_command_offers_every_model_and_no_other(tmp_path: Path) -> None:
    """By its full name."""
    async with open_stage(tmp_path, working=False) as stage:
        [definition] = [each for each in stage.discord.world.commands[None] if each["name"] == "generate"]
        [option] = [each for each in definition["options"] if each["name"] == "model"]

    assert {model.value: CAPABILITIES[model].name for model in OFFERED} == {
        choice["value"]: choice["name"] for choice in option["choices"]
    }


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"model": "nai-diffusion-2"}, "must be one of: V3"),
        ({"model": "nai-diffusion-9"}, "must be one of: V3"),
        ({"characters": "girl"}, "V3 has no characters"),
        ({"transparent": True}, "V3 has no transparent background"),
        ({"model": Model.V4_5_FULL.value, "smea": "smea"}, "These do: V3"),
        ({"model": Model.V4_5_FULL.value, "characters": "girl @Z9"}, "Z9"),
        ({"model": Model.V4_5_FULL.value, "characters": "girl @0.31,0.7"}, "These do: V5"),
        ({"model": Model.V4_5_FULL.value, "characters": "girl | | boy"}, "Character 2 is empty"),
        ({"model": Model.V4_FULL.value, "characters": "|".join(["girl"] * 40)}, "characters"),
        ({"samples": 4, "seed": 4_294_967_295}, "seed"),
    ],
)
async def test_what_a_model_lacks_is_refused_with_those_that_have_it(
    tmp_path: Path, options: dict[str, Any], words: str
) -> None:
    """Privately, before anything is made."""
    async with open_stage(tmp_path) as stage:
        assert words in await _refused(stage, **options)


async def test_two_characters_stand_where_they_were_put(tmp_path: Path) -> None:
    """In the file, in More…, and in the command that More… gives to copy."""
    line = "girl, red hair @B3 // hat | boy, tall @D3"
    async with open_stage(tmp_path) as stage:
        made = await _drawn(stage, model=Model.V5_FULL.value, characters=line)
        [picture] = stage.pictures()
        found = inspect_image(picture, trusted=STANDIN).claims[0]
        more = await stage.answered(await stage.press(made, "More…"))
        copied = text_of(await stage.answered(await stage.press(more, "Copy command")))

    assert ["girl, red hair", "boy, tall"] == [each.prompt for each in found.characters]
    assert "**Character 1** at B3" in text_of(more)
    assert f"characters:{line}" in copied
    assert "model:NovelAI Diffusion V5 Full" in copied


async def test_a_characters_words_pass_the_same_rules(tmp_path: Path) -> None:
    """What is locked, what the server refuses, and what a safe place keeps out."""
    for text in ("loli, nude", "girl, nsfw", "girl // -1::nsfw::"):
        async with open_stage(tmp_path / str(len(text))) as stage:
            assert "Nothing was " in await _refused(stage, model=Model.V4_5_FULL.value, characters=text)


async def test_several_pictures_are_priced_asked_about_and_come_together(tmp_path: Path) -> None:
    """The first is free; the rest are said on the button; each file has its own seed."""
    async with open_stage(tmp_path) as stage:
        asked = await stage.answered(await stage.slash("generate", prompt="1girl", size="512x768", samples=3, seed=7))
        labels = [part.get("label") for row in asked["components"] for part in row["components"]]
        [spend] = [label for label in labels if label and label.startswith("Spend")]
        await stage.press(asked, spend)
        await stage.until(lambda: len(stage.pictures()) == 3, within=20)
        names = [file["filename"] for shown in stage.discord.world.visible(0) for file in shown.message["attachments"]]

    assert ["1-7-1.png", "1-8-2.png", "1-9-3.png"] == sorted(names)


async def test_a_server_chooses_its_model(tmp_path: Path) -> None:
    """By /config, by id or name; whoever says nothing draws with it; an unknown one changes nothing."""
    async with open_stage(tmp_path) as stage:
        assert "NovelAI Diffusion V4.5 Full" in await stage.said(
            "config", by=lantern.ADA, setting="model", value="v4.5 full"
        )
        made = await _drawn(stage)
        assert "V4.5 Full" in made["content"]
        assert "can be one of" in await stage.said("config", by=lantern.ADA, setting="model", value="nai-diffusion")
        assert "V4.5 Full" in await stage.said("config", by=lantern.ADA, setting="model")


async def test_a_model_that_left_the_site_is_said_and_not_drawn(tmp_path: Path) -> None:
    """A server whose model is no longer offered keeps its settings, and its members are told."""
    async with open_stage(tmp_path, config=replace(STUDIO, model=Model.V2)) as stage:
        assert "no longer offers" in await _refused(stage)
