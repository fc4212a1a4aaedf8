"""A picture while it forms: seen where no check could keep it back, told in steps elsewhere, and gone at the end."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.model import Model
from bot.standin.discord import lantern
from tests.stage import STUDIO, Stage, open_stage

NIGHT = replace(STUDIO, channels=(lantern.STUDIO, lantern.NIGHT_STUDIO), age_restricted=True)


def _drawing(stage: Stage) -> list[dict[str, Any]]:
    return [s.message for s in stage.discord.world.visible(0) if "Drawing, step" in s.message["content"]]


@pytest.mark.parametrize(
    ("channel", "options", "is_seen"),
    [
        (lantern.NIGHT_STUDIO, {}, True),
        (lantern.STUDIO, {}, False),
        (lantern.NIGHT_STUDIO, {"spoiler": True}, False),
        (lantern.NIGHT_STUDIO, {"prompt": "loli, river"}, False),
    ],
)
async def test_a_picture_is_seen_forming_only_where_nothing_could_keep_it_back(
    tmp_path: Path, channel: int, options: dict[str, Any], is_seen: bool
) -> None:
    """Step and bar everywhere; the half-drawn picture in age-restricted channels alone, and never behind a spoiler."""
    async with open_stage(tmp_path, config=NIGHT) as stage:
        stage.novelai.pace.step = 0.12
        wish = {"prompt": "1girl, river", "size": "512x768", "model": Model.V4_5_FULL.value, **options}
        asked = await stage.slash("generate", at=channel, **wish)
        await stage.until(lambda: any("step 1 " not in m["content"] for m in _drawing(stage)))
        names = [[file["filename"] for file in message["attachments"]] for message in _drawing(stage)]
        made = await stage.answered(asked)

    assert [["preview.webp"] if is_seen else []] == names
    [file] = made["attachments"]
    assert file["filename"].removeprefix("SPOILER_").endswith(".png")


async def test_a_stream_that_breaks_is_asked_again_without_one(tmp_path: Path) -> None:
    """Free, so under the same row; the member sees one picture."""
    async with open_stage(tmp_path, config=NIGHT) as stage:
        stage.novelai.fail_next("streamcut")
        made = await stage.answered(
            await stage.slash("generate", prompt="1girl", size="512x768", model=Model.V4_5_FULL.value)
        )
        [job] = await stage.house.store.recent(0.0)
        paths = [call.path for call in stage.novelai.calls]

    assert (1, "DONE") == (len(made["attachments"]), job.state)
    assert [True, False] == [path.endswith("-stream") for path in paths]
