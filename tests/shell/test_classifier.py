"""The classifier from outside: imported, looked at, relied upon, and taken away again."""

import logging
import os
from pathlib import Path

import pytest

from bot.adapters.classifier.nsfwjs import Nsfwjs
from bot.adapters.classifier.pretend import PretendClassifier
from bot.adapters.classifier.weights import FOLDER, path_in
from bot.app import open_house
from bot.domain.errors import ClassifierError, Forbidden
from bot.domain.guild import GuildConfig
from bot.domain.rules import judge_place
from bot.settings import NOVELAI_API, Settings
from bot.shell import OK, PROBLEM, UNFIT
from tests import nsfwjs
from tests.builders import CHANNEL, GUILD, a_requester
from tests.conftest import settings_for
from tests.imaging.pictures import a_picture, png
from tests.shell.room import naibot

PRACTICE = {"PATH": os.environ["PATH"], "DISCORD_TOKEN": "practice-room", "NOVELAI_TOKENS": "pst-standin"}
NEVER_ACCEPTED = GuildConfig(channels=(CHANNEL,))


def _damage(folder: Path) -> None:
    path_in(folder).parent.mkdir(parents=True, exist_ok=True)
    path_in(folder).write_bytes(b"not the weights")


async def _refusal(settings: Settings) -> str:
    """With which code a server is closed that accepted nothing; "" where it is open."""
    async with open_house(settings) as house:
        services = house.services
        await services.guilds.save(GUILD, NEVER_ACCEPTED)
        services.guilds.see_channels(GUILD, {CHANNEL: False})
        try:
            judge_place(a_requester(), services.moderation.ground(a_requester()))
        except Forbidden as error:
            return error.code
        return ""


async def test_without_weights_status_says_how_to_get_them(tmp_path: Path) -> None:
    """Exit 1, so that a script may ask."""
    code, out, _ = await naibot("classifier", "status", "--data", str(tmp_path))

    assert PROBLEM == code
    assert "npm pack nsfwjs@4.4.0" in out


@pytest.mark.parametrize(
    ("name", "said"), [("none.tgz", "There is no file"), ("pyproject.toml", "is not nsfwjs 4.4.0")]
)
async def test_what_cannot_be_imported_is_said_in_one_sentence(tmp_path: Path, name: str, said: str) -> None:
    """And nothing is there afterwards."""
    code, _, err = await naibot("classifier", "import", name, "--data", str(tmp_path / "data"))

    assert (PROBLEM, 1) == (code, len(err.splitlines()))
    assert said in err
    assert not (tmp_path / "data").exists()


async def test_damaged_weights_are_found_and_nothing_is_drawn_with_them(tmp_path: Path) -> None:
    """By status, check and run, which does not start."""
    _damage(tmp_path)

    status, _, told = await naibot("classifier", "status", "--data", str(tmp_path))
    _, checked, _ = await naibot("check", "--offline", "--data", str(tmp_path), env=PRACTICE)
    loopback = {"DISCORD_API": "http://127.0.0.1:1/api/v10", "DISCORD_GATEWAY": "ws://127.0.0.1:1/"}
    code, _, err = await naibot("run", "--data", str(tmp_path), env={**PRACTICE, **loopback})

    assert (PROBLEM, UNFIT) == (status, code)
    for said in (told, checked, err):
        assert f"{path_in(tmp_path)} is damaged" in said
    assert "Traceback" not in err


async def test_check_says_that_nothing_looks_at_pictures(tmp_path: Path) -> None:
    """A hint: servers may accept it."""
    _, out, _ = await naibot("check", "--offline", "--data", str(tmp_path), env=PRACTICE)

    assert "Pictures are not checked by a classifier" in out


async def test_in_practice_one_is_pretended_and_counts_as_none(tmp_path: Path) -> None:
    """So that the step in which an admin accepts it can be tried."""
    settings = settings_for("http://127.0.0.1:1", tmp_path)
    async with open_house(settings) as house:
        assert isinstance(house.services.classifier, PretendClassifier)
        assert not house.services.guilds.house.checked
    assert "place.unchecked" == await _refusal(settings)


async def test_a_real_bot_without_weights_says_so_at_its_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And never pretends."""
    with caplog.at_level(logging.INFO):
        async with open_house(settings_for(NOVELAI_API, tmp_path)) as house:
            assert house.services.classifier is None
    assert "pictures are not checked" in caplog.text


async def test_the_house_does_not_open_on_damaged_weights(tmp_path: Path) -> None:
    """Nor leave the folder locked."""
    _damage(tmp_path)
    for _ in range(2):
        with pytest.raises(ClassifierError, match=r"classifier\.damaged"):
            async with open_house(settings_for(NOVELAI_API, tmp_path)):
                pass


@nsfwjs.needed
@pytest.mark.parametrize("address", ["http://127.0.0.1:1", NOVELAI_API])
async def test_imported_weights_are_used_from_the_next_start_on_until_they_are_gone(
    tmp_path: Path, address: str
) -> None:
    """In practice too; a server that accepted nothing is open meanwhile, and closed afterwards."""
    settings = settings_for(address, tmp_path)
    assert "place.unchecked" == await _refusal(settings)

    code, out, err = await naibot("classifier", "import", str(nsfwjs.package()), "--data", str(tmp_path))
    assert (OK, "") == (code, err)
    assert str(path_in(tmp_path)) in out
    assert (OK, "") == ((await naibot("classifier", "status", "--data", str(tmp_path)))[0], await _refusal(settings))
    _, checked, _ = await naibot("check", "--offline", "--data", str(tmp_path), env=PRACTICE)
    assert "Pictures are checked by a classifier" in checked
    async with open_house(settings) as house:
        classifier = house.services.classifier
        assert isinstance(classifier, Nsfwjs)
        assert (await classifier.rate(png(a_picture()))).neutral > 0.9

    path_in(tmp_path).unlink()
    (tmp_path / FOLDER).rmdir()
    assert "place.unchecked" == await _refusal(settings)
