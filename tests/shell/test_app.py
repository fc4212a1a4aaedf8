"""The composition root: who is trusted, what is planted, who may open the folder."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from bot.app import open_house, trusted_keys
from bot.domain.errors import StoreError
from bot.settings import NOVELAI_API, Settings
from tests.conftest import settings_for
from tests.shell.room import naibot

PRACTICE = {
    **os.environ,
    "DISCORD_TOKEN": "practice-room",
    "NOVELAI_TOKENS": "pst-standin",
    "DISCORD_API": "http://127.0.0.1:1/api/v10",
    "DISCORD_GATEWAY": "ws://127.0.0.1:1/gateway",
    "NOVELAI_API": "http://127.0.0.1:1",
}
REAL = Settings(discord_token="MTIz", novelai_tokens=("pst-x",))


def test_the_standins_key_is_trusted_only_beside_the_standin() -> None:
    """With NovelAI's own address its signature proves nothing."""
    assert {"novelai"} == trusted_keys(REAL).keys()
    assert {"novelai", "standin"} == trusted_keys(replace(REAL, novelai_api="http://127.0.0.1:1")).keys()
    assert NOVELAI_API == REAL.novelai_api


async def test_a_seed_is_planted_once_and_only_in_the_practice_room(tmp_path: Path) -> None:
    """An empty store takes it, a used one keeps what it has."""
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps({"guilds": {"5": {"channels": [7], "anlas_day": 100}}}))
    practice = replace(settings_for("http://127.0.0.1:1", tmp_path / "a"), seed=seed)

    async with open_house(practice) as house:
        assert (7,) == house.services.guilds.config_of(5).channels  # type: ignore[union-attr]
    seed.write_text(json.dumps({"guilds": {"5": {"channels": [8]}}}))
    async with open_house(practice) as house:
        assert (7,) == house.services.guilds.config_of(5).channels  # type: ignore[union-attr]
    async with open_house(replace(REAL, data_dir=tmp_path / "b", seed=seed)) as house:
        assert house.services.guilds.config_of(5) is None


async def test_one_process_has_the_folder(tmp_path: Path) -> None:
    """A second one is refused in one sentence."""
    practice = settings_for("http://127.0.0.1:1", tmp_path)
    async with open_house(practice):
        with pytest.raises(StoreError, match=r"store\.locked"):
            async with open_house(practice):
                pass


async def test_check_says_when_the_operator_could_not_be_told(tmp_path: Path) -> None:
    """And why, with what helps; nothing of it once they could."""
    async with open_house(settings_for("http://127.0.0.1:1", tmp_path)) as house:
        for reason, code, words in (("reason.closed", 1, "direct messages are closed"), ("", 0, "adds up")):
            await house.services.chronicle.note_unreached(reason)
            found, out, _ = await naibot("check", "--offline", "--data", str(tmp_path), env=PRACTICE)
            assert code == found
            assert words in out
            assert ("OPERATOR_CHANNEL" in out) == bool(reason)
