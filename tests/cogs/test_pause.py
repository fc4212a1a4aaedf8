"""What members and the operator see while NovelAI, or an account, is away."""

import re
from pathlib import Path

import pytest

from bot.domain.record import Entry, Record
from bot.services import breaker
from bot.services.chronicle import Line
from bot.standin.discord import lantern
from cogs.log import text_of as told
from tests.stage import Json, Stage, open_stage, text_of

SMALL = "512x768"


def _line(stage: Stage, original: int | None) -> str:
    shown = stage.discord.world.shown.get(original or 0)
    return text_of(shown.message) if shown is not None else ""


async def test_waiting_messages_say_that_novelai_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them, with when it is looked at again and a button to cancel; then the pictures come."""
    monkeypatch.setattr(breaker, "WAIT_MIN", 3.0)
    async with open_stage(tmp_path) as stage:
        stage.novelai.set_faults({"503": None})
        people = (lantern.ANN, lantern.BEN, lantern.MIA)
        asked = [await stage.slash("generate", by=who, prompt="1girl", size=SMALL) for who in people]
        await stage.until(lambda: all("not answering" in _line(stage, each.original) for each in asked))
        waiting: Json = stage.discord.world.shown[asked[0].original or 0].message
        assert re.search(
            r"^⏸️ NovelAI is not answering\. Your place is kept; I look again <t:\d+:R>\.", waiting["content"]
        )
        assert "Cancel" in str(waiting["components"])

        stage.novelai.set_faults({})
        done = [await stage.answered(each) for each in asked]
        assert [1, 1, 1] == [len(each["attachments"]) for each in done]


@pytest.mark.parametrize(
    ("kind", "anlas", "said"),
    [
        ("account.drift", 5, "nai-1: after job 7 the balance was 5 Anlas lower"),
        ("account.drift", -1_000, "nai-1: after job 7 the balance was 1000 Anlas higher"),
        ("account.stopped", None, "`naibot resume nai-1`"),
        ("account.refused", None, "nai-1: NovelAI does not take that account"),
        ("account.lost", 30, "30 Anlas may have been paid"),
    ],
)
def test_the_operator_reads_which_account_it_is(kind: str, anlas: int | None, said: str) -> None:
    """And what to do about it."""
    record = Record(at=1.0, kind=kind, job_id=7, data={"account": "nai-1", "anlas": anlas})
    assert said in told(Line(channel_id=None, entries=(Entry(id=1, record=record),)))
