"""Lines are said to a room over HTTP, each is waited for, and what came out is kept."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.standin.discord import Discord
from bot.standin.say.driver import BUG, OK, TIMEOUT, UNSENDABLE, Driver, Line, run
from bot.standin.say.grammar import Unsendable
from tests.standin.sample_bot import playing

Json = dict[str, Any]
KEYS = {"line", "command", "as", "in", "ephemeral", "content", "components", "attachments", "ms"}


@dataclass
class Scene:
    """A room, what its bot tells of itself, and what a driver left."""

    service: Discord
    folder: Path
    jobs: list[Json] = field(default_factory=list)
    error: str | None = None

    def snapshot(self) -> Json:
        """As the bot would: a handler runs until its interaction is acknowledged."""
        every = self.service.interactions.by_id
        told = {
            str(id_): {"handlers": int(each.acknowledged is None), "error": self.error, "jobs": self.jobs}
            for id_, each in every.items()
        }
        return {"seq": len(every), "interactions": told, "queue": [], "ledger": {}}

    async def say(self, *lines: str | Line, patience: float = 10.0) -> int:
        """Say lines; the exit code."""
        spoken = [line if isinstance(line, Line) else Line(text=line) for line in lines]
        return await run(
            spoken, address=self.service.address, out=self.folder, patience=patience, echo=lambda text: None
        )

    def transcript(self) -> list[Json]:
        """What was written down."""
        return [json.loads(line) for line in (self.folder / "transcript.jsonl").read_text().splitlines()]


@asynccontextmanager
async def _backstage(scene: Scene) -> AsyncIterator[None]:
    async def tell() -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                async with session.post(f"{scene.service.address}backstage", json=scene.snapshot()) as response:
                    assert response.status == 200
                await asyncio.sleep(0.02)

    task = asyncio.create_task(tell())
    try:
        yield
    finally:
        task.cancel()


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """A room with a bot in it."""
    made = Scene(Discord(), tmp_path / "out")
    async with made.service.serve(), playing(made.service), _backstage(made):
        yield made


async def test_a_line_is_written_down_as_it_was_answered(scene: Scene) -> None:
    """One object for each message, with the keys that the contract names."""
    assert OK == await scene.say("/noop", Line(text="/noop", person="member2", place="general"))

    first, second = scene.transcript()
    assert set(first) == KEYS
    assert (1, "/noop", "member", "studio", "ok", False) == tuple(
        first[key] for key in ("line", "command", "as", "in", "content", "ephemeral")
    )
    assert (2, "member2", "general") == (second["line"], second["as"], second["in"])


async def test_files_are_kept_as_they_were_delivered(scene: Scene, tmp_path: Path) -> None:
    """Public and private ones, those of an embed and of a card, under the number of their line."""
    picture = tmp_path / "in x.png"
    picture.write_bytes(b"12345")
    admin = Line(text="/panel", person="admin", place="night-studio")
    assert OK == await scene.say(f"/caption image:@{picture} text:a, b: c style:style-09", admin)

    kept = {path.name: path.read_bytes() for path in scene.folder.iterdir() if path.suffix != ".jsonl"}
    assert {
        "01-out.png": b"54321", "01-plain.txt": b"plain.txt", "01-a.txt": b"a.txt", "01-b.txt": b"b.txt",
        "02-out.png": b"png", "02-notes.txt": b"notes.txt",
    } == kept  # fmt: skip
    assert ["style-09 5", "see it", "# Result\nside"] == [entry["content"] for entry in scene.transcript()]


async def test_files_of_one_name_do_not_overwrite_each_other(scene: Scene) -> None:
    """Two messages of one line."""
    assert OK == await scene.say("/wrong how:same names")

    assert [["01-a.txt"], ["01-a-2.txt"]] == [entry["attachments"] for entry in scene.transcript()]


async def test_a_form_is_an_answer_and_is_filled(scene: Scene, tmp_path: Path) -> None:
    """An opened form is written down; untouched fields keep what they hold; the message it changes is written."""
    picture = tmp_path / "in.png"
    picture.write_bytes(b"12345")
    made = f"/caption image:@{picture} text:x"
    assert OK == await scene.say(made, "press again (1)", f"fill Size:Big New image:@{picture}")

    form = next(entry["form"] for entry in scene.transcript() if "form" in entry)
    assert ("Change it", ["Text", "New image", "Size"]) == (form["title"], [each["label"] for each in form["fields"]])
    last = scene.transcript()[-1]
    assert ("text=hello files=[5] pick=b", ["03-edited.png"]) == (last["content"], last["attachments"])


async def test_entries_of_selects_are_pressed_by_name(scene: Scene) -> None:
    """An entry by its label, a channel by its name."""
    here = {"person": "admin", "place": "night-studio"}
    lines = [Line(text=text, **here) for text in ("/panel", "press b", "press #general")]
    assert OK == await scene.say(*lines)

    assert ["picked ['b']", "in general"] == [entry["content"] for entry in scene.transcript()[1:]]


async def test_a_deleted_message_is_said_to_be_gone(scene: Scene) -> None:
    """It is what the line left."""
    assert OK == await scene.say("/wrong how:gone")

    assert [True] == [entry.get("deleted") for entry in scene.transcript()]


@pytest.mark.parametrize(
    "line",
    [
        "noop",
        "/fly",
        "/noop speed:9",
        "/panel",
        "/caption text:x",
        "/caption text:x image:@/nowhere/at.all",
        "press Nothing",
        "menu Look at it",
        "fill Text:x",
        "/name member:@Zoe role:@Artists channel:#studio who:@Ann",
    ],
)
async def test_what_no_client_could_send_ends_with_2(
    scene: Scene, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    """It is named on stderr, nothing reaches the bot, and no further line is said."""
    assert UNSENDABLE == await scene.say(line, "/noop")

    assert line in capsys.readouterr().err
    assert 0 == len(scene.service.interactions.by_id)


async def test_the_menu_of_a_person_is_theirs(scene: Scene) -> None:
    """Named behind the menu's name."""
    assert OK == await scene.say("menu Who is it @Mia")

    assert ["Mia True"] == [entry["content"] for entry in scene.transcript()]


async def test_a_role_is_named(scene: Scene) -> None:
    """As people and channels are."""
    assert OK == await scene.say("/name member:@Ben role:@artists channel:#mod-log who:@Artists")

    assert "Ben Artists mod-log Artists" == scene.transcript()[0]["content"]


@pytest.mark.parametrize(
    ("job", "code"),
    [
        ({"id": 1, "state": "RUNNING", "delivery": "PENDING"}, TIMEOUT),
        ({"id": 1, "state": "DONE", "delivery": "PENDING"}, TIMEOUT),
        ({"id": 1, "state": "DONE", "delivery": "SHOWN"}, OK),
        ({"id": 1, "state": "FAILED", "delivery": "LAPSED"}, OK),
        ({"id": 1, "state": "DONE", "delivery": "INBOX"}, OK),
        ({"id": 1, "state": "HELD", "delivery": "PENDING"}, OK),
    ],
)
async def test_a_line_waits_for_its_jobs(scene: Scene, job: Json, code: int) -> None:
    """Until each has left the queue and its delivery is over, or it is held; or until the time is up."""
    scene.jobs = [job]

    assert code == await scene.say("/noop", patience=0.4)


async def test_an_internal_error_ends_with_1_and_the_next_line_is_said(scene: Scene) -> None:
    """The other lines are still worth saying."""
    scene.error = "internal"

    assert BUG == await scene.say("/noop", "/noop")
    assert [1, 2] == [entry["line"] for entry in scene.transcript()]


async def test_the_first_line_waits_for_the_bot(tmp_path: Path) -> None:
    """A driver that is there first says nothing until the commands are."""
    scene = Scene(Discord(), tmp_path)
    async with scene.service.serve(), _backstage(scene):
        saying = asyncio.create_task(scene.say("/noop"))
        await asyncio.sleep(0.2)
        assert not saying.done()
        async with playing(scene.service):
            assert OK == await saying


async def test_no_room_at_that_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is said, and ends with 2."""
    address = "http://127.0.0.1:1/room/x/"
    code = await run([Line(text="/noop")], address=address, out=tmp_path, patience=1, echo=print)

    assert (UNSENDABLE, True) == (code, "no practice room" in capsys.readouterr().err)


async def test_a_mistake_in_a_form_leaves_it_open(scene: Scene, tmp_path: Path) -> None:
    """One may fill it again."""
    picture = tmp_path / "in.png"
    picture.write_bytes(b"12345")
    async with Driver(scene.service.address, out=None, patience=10, echo=lambda text: None) as driver:
        await driver.say(Line(text=f"/caption image:@{picture} text:x"))
        await driver.say(Line(text="press Again (1)"))
        for mistake in ("fill Text:y", "fill Size:Huge", f"fill Size:Big Text:{'x' * 201}"):
            with pytest.raises(Unsendable):
                await driver.say(Line(text=mistake))
        answer = await driver.say(Line(text="fill Size:Small"))

        assert ["text=hello files=[] pick=s"] == [entry["content"] for entry in answer.entries]
        with pytest.raises(Unsendable):
            await driver.say(Line(text="fill Size:Small"))


async def test_what_is_echoed_can_be_read(scene: Scene, tmp_path: Path) -> None:
    """Who sees it, what it says, its files and its buttons."""
    picture = tmp_path / "in.png"
    picture.write_bytes(b"12345")
    said: list[str] = []
    async with Driver(scene.service.address, out=None, patience=10, echo=said.append) as driver:
        await driver.say(Line(text=f"/caption image:@{picture} text:x"))
    text = "\n".join(said)

    assert "(everyone) style-00 5" in text
    assert "(only member) see it" in text
    assert "01-out.png" in text
    assert "[Again (1)]" in text


async def test_one_who_is_not_asked_sees_no_private_answer(scene: Scene) -> None:
    """The room shows Ben nothing of Ann's."""
    assert OK == await scene.say("/wrong how:crash", patience=5)
    async with aiohttp.ClientSession() as session:
        counts = []
        for person in ("member", "member2"):
            url = f"{scene.service.address}messages"
            async with session.get(url, params={"as": person, "in": "studio"}) as response:
                counts.append(len((await response.json())["messages"]))

    assert [1, 0] == counts
