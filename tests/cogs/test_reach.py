"""Discord's connections break at the worst moment: everybody is answered, and nothing is said or done twice."""

import asyncio
import time
from pathlib import Path

import discord
import pytest

from bot import reach
from bot.standin.discord import lantern
from tests.stage import open_stage

SMALL = "512x768"


@pytest.mark.parametrize("is_done", [False, True])
@pytest.mark.parametrize("status", [0, 500])
async def test_an_acknowledgement_that_is_cut_off_is_made_once(tmp_path: Path, status: int, is_done: bool) -> None:
    """Whether it had arrived or not: one waiting message, which becomes the picture."""
    async with open_stage(tmp_path) as stage:
        stage.discord.fail_next("POST", "/callback", status, is_done=is_done)
        made = await stage.answered(await stage.slash("generate", prompt="1girl", size=SMALL))

        assert (1, 1) == (len(made["attachments"]), len(stage.pictures()))


@pytest.mark.parametrize("is_done", [False, True])
async def test_a_refusal_that_is_cut_off_arrives(tmp_path: Path, is_done: bool) -> None:
    """A first answer that is a text, a form, or a press."""
    async with open_stage(tmp_path) as stage:
        stage.discord.fail_next("POST", "/callback", 0, is_done=is_done)
        await stage.said("generate", prompt="loli, nude")
        assert [] != stage.private_words()

        asked = await stage.answered(await stage.slash("generate", prompt="1girl", size="1024x1536"))
        stage.discord.fail_next("POST", "/callback", 0, is_done=is_done)
        await stage.press(asked, "Not now")
        await stage.until(lambda: "Nothing" in " ".join(stage.private_words()))


async def test_an_edit_that_is_cut_off_is_made_again(tmp_path: Path) -> None:
    """An edit may be said twice: it says the same."""
    async with open_stage(tmp_path) as stage:
        for is_done in (False, True):
            stage.discord.fail_next("PATCH", "/messages/@original", 0, is_done=is_done)
            assert "today" in (await stage.said("quota")).casefold()


@pytest.mark.parametrize("is_done", [False, True])
async def test_a_deletion_that_is_cut_off_is_made(tmp_path: Path, is_done: bool) -> None:
    """Gone the first time is as good as gone the second time."""
    async with open_stage(tmp_path) as stage:
        made = await stage.answered(await stage.slash("generate", prompt="1girl", size=SMALL))
        stage.discord.fail_next("DELETE", "/messages/", 0, is_done=is_done)
        pressed = await stage.press(made, "Delete")
        await stage.answered(pressed)

        assert [] == stage.pictures()
        assert stage.house.services.activity.handlings()[pressed.id].error is None


async def test_a_follow_up_that_is_cut_off_is_not_repeated(tmp_path: Path) -> None:
    """It may have arrived; a job without a message of its own is taken back, and its member is told."""
    async with open_stage(tmp_path, working=False) as stage:
        question = await stage.answered(await stage.slash("generate", prompt="1girl", size="1024x1536"))
        stage.discord.fail_next("POST", "/webhooks/", 0)
        label = next(text for text in _labels(question) if text.startswith("Spend"))
        await stage.press(question, label)
        await stage.until(lambda: "took this one back" in " ".join(stage.private_words()))
        [job] = await stage.house.store.recent(0.0)

    assert ("CANCELLED", 0) == (job.state, job.charged_anlas)


def _labels(message: dict[str, object]) -> list[str]:
    from bot.standin.discord.components import walk

    return [str(part.get("label", "")) for part in walk(message["components"])]  # type: ignore[arg-type]


async def test_a_discord_that_says_nothing_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """discord.py itself would wait five minutes for each call."""
    monkeypatch.setattr(reach, "CALL_TIME", 0.3)
    async with open_stage(tmp_path, working=False) as stage:
        serve = stage.discord.rest._answer

        async def silent(request: object, path: str) -> object:
            if path.endswith("/callback"):
                await asyncio.sleep(3)
            return await serve(request, path)  # type: ignore[arg-type]

        stage.discord.rest._answer = silent  # type: ignore[method-assign, assignment]
        asked = await stage.slash("quota")
        activity = stage.house.services.activity
        async with asyncio.timeout(2):
            while asked.id not in activity.handlings() or activity.running:
                await asyncio.sleep(0.01)

    assert activity.handlings()[asked.id].error is None


@pytest.mark.parametrize("way", ["token", "channel"])
async def test_a_process_that_was_stopped_says_nothing_when_it_wakes(tmp_path: Path, way: str) -> None:
    """A call whose time has passed is not begun, though the loop had no chance to look at the time."""
    async with open_stage(tmp_path) as stage:
        asked = await stage.slash("generate", prompt="1girl", size=SMALL)
        made = await stage.answered(asked)
        data = {"id": stage.client.application_id, "type": 3, "token": asked.token}
        hook = discord.Webhook.from_state(data, state=stage.client._connection)
        message = stage.client.get_partial_messageable(lantern.STUDIO).get_partial_message(int(made["id"]))
        calls = {
            "token": lambda: hook.edit_message(int(made["id"]), content="late"),
            "channel": lambda: message.edit(content="late"),
        }

        async with reach.within(5.0):
            await calls[way]()
        before = list(stage.discord.rest.requests)

        async def wake_late() -> None:
            async with reach.within(0.05):
                time.sleep(0.1)  # noqa: ASYNC251 - as SIGSTOP does
                await calls[way]()

        with pytest.raises(TimeoutError):
            await wake_late()
        await asyncio.sleep(0.3)
        assert before == list(stage.discord.rest.requests)
