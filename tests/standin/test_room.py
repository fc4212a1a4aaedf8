"""The room's interface for the page: who may ask, what the page may do, what the feed tells, how lines are read."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot import wording
from bot.standin.discord import Discord, lantern
from bot.standin.discord.interactions import COMMAND, Interaction
from bot.standin.discord.page import FOLDER, words
from bot.standin.discord.tour import Tour
from bot.standin.novelai import NovelAI
from tests.standin.sample_bot import playing

Json = dict[str, Any]
JS = sorted(FOLDER.glob("*.js"))


@pytest.fixture
async def room() -> AsyncIterator[tuple[Discord, aiohttp.ClientSession]]:
    """A room with a pretend NovelAI behind it and nobody in it."""
    service = Discord()
    service.room.backstage.novelai = NovelAI()
    async with service.serve(), aiohttp.ClientSession() as web:
        yield service, web


@pytest.fixture
async def inhabited() -> AsyncIterator[tuple[Discord, aiohttp.ClientSession]]:
    """A room with a bot in it."""
    service = Discord()
    async with service.serve(), playing(service), aiohttp.ClientSession() as web:
        yield service, web


class Listener:
    """A page that listens; it keeps what it heard."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def next(self, kind: str) -> Any:
        """The data of the next event of that kind."""
        async with asyncio.timeout(10):
            name = ""
            async for raw in self._response.content:
                line = raw.decode().rstrip("\n")
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: ") and name == kind:
                    return json.loads(line.removeprefix("data: "))
        raise AssertionError("the stream ended")


# --- who may ask -----------------------------------------------------------------------------------------------------

ROUTES = [
    ("POST", "{room}act"), ("POST", "{room}line"), ("POST", "{room}parse"), ("POST", "{room}files?name=a"),
    ("POST", "{room}backstage"), ("POST", "{room}faults"), ("GET", "{room}"), ("GET", "{room}feed"),
    ("GET", "{room}world"),
    ("POST", "{base}/api/v10/channels/1/messages"), ("GET", "{base}/gateway"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "https://127.0.0.1"}, {"Host": "evil.example"}],
)
async def test_pages_of_others_get_nothing(
    room: tuple[Discord, aiohttp.ClientSession], method: str, path: str, headers: dict[str, str]
) -> None:
    """Another origin, or another site's name that leads here: 403 on every route."""
    service, web = room
    url = path.format(room=service.address, base=service.world.base)

    async with web.request(method, url, headers=headers, data="{}") as response:
        assert 403 == response.status


@pytest.mark.parametrize("path", ["/_standin/faults", "/_standin/account"])
async def test_the_pretend_novelai_hears_no_page_of_others(path: str) -> None:
    """Faults and account are set by programs, and by nobody's page."""
    novelai = NovelAI()
    async with novelai.serve() as base, aiohttp.ClientSession() as web:
        for headers, status in (({"Origin": "http://evil.example"}, 403), ({"Origin": base}, 200), ({}, 200)):
            async with web.post(base + path, json={}, headers=headers) as response:
                assert status == response.status


async def test_the_page_may_do_little(room: tuple[Discord, aiohttp.ClientSession]) -> None:
    """Nothing from elsewhere, nothing inline, no frame around it, no address told on, no markup from text."""
    service, web = room
    async with web.get(service.address) as response:
        policy, headers = response.headers["Content-Security-Policy"], response.headers
        body = await response.text()

    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy
    assert ("nosniff", "no-referrer") == (headers["X-Content-Type-Options"], headers["Referrer-Policy"])
    assert "{{" not in body
    assert not re.search(r"\son\w+=|\sstyle=|<script(?! type=\"module\" src=)", body)


async def test_a_file_that_is_a_page_runs_nothing(room: tuple[Discord, aiohttp.ClientSession]) -> None:
    """Whatever its type says, it is shown without scripts and without this origin."""
    service, web = room
    async with web.post(f"{service.address}files?name=evil.html", data=b"<script>alert(1)</script>") as response:
        url = (await response.json())["url"]
    async with web.get(url) as response:
        assert "sandbox" in response.headers["Content-Security-Policy"]
        assert "nosniff" == response.headers["X-Content-Type-Options"]


async def test_only_the_page_s_own_files_are_served(room: tuple[Discord, aiohttp.ClientSession]) -> None:
    """No path leads out of the folder."""
    service, web = room
    for name, status in (("app.js", 200), ("nothing.js", 404), ("..%2fpage.py", 404)):
        async with web.get(f"{service.address}page/{name}") as response:
            assert status == response.status, name


# --- the files of the page -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", JS, ids=lambda path: path.name)
def test_a_script_never_makes_markup_of_text(path: Path) -> None:
    """And says in its first line what it owns; no line is longer than the house's."""
    text = path.read_text()

    assert max(map(len, text.splitlines())) <= 120
    assert re.match(r"// [A-Z].*\.\n", text)
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|DOMParser", text
    )


def test_every_word_is_there_and_used() -> None:
    """What scripts and page ask for is in the wording; what is in the wording somebody asks for."""
    script, page = "\n".join(path.read_text() for path in JS), (FOLDER / "index.html").read_text()
    python = "\n".join(path.read_text() for path in FOLDER.parent.glob("*.py"))
    named = set(re.findall(r'"(\w+)"', script)) | set(re.findall(r"\{\{(\w+)\}\}", page))
    named |= {name.lower() for name in re.findall(r"wording\.PAGE_(\w+)", python)} | set(
        re.findall(r'"page\.(\w+)"', python)
    )
    named |= {"used", "pressed", "chose", "sent"}
    asked = set(re.findall(r'\b(?:say|table)\("(\w+)"', script)) | set(re.findall(r"\{\{(\w+)\}\}", page))

    assert set() == asked - set(words())
    assert set() == set(words()) - named


def test_every_word_keeps_the_style() -> None:
    """Also those in tables and lists: no exclamation marks, no numbers of protocols, no "please"."""
    texts: list[str] = []
    for value in words().values():
        match value:
            case dict():
                texts += value.values()
            case tuple():
                texts += value
            case _:
                texts.append(str(value))

    assert len(texts) > 100
    assert not [
        text for text in texts if "!" in text or re.search(r"\b(please|oops|sorry|error|[45]\d\d)\b", text, re.I)
    ]


def test_every_fault_has_a_name() -> None:
    """The switches backstage say what they do."""
    assert set(NovelAI().state()["known"]) == set(wording.PAGE_FAULT_NAMES)


# --- the feed --------------------------------------------------------------------------------------------------------


async def test_the_feed_tells_what_is_there_and_what_changes(
    inhabited: tuple[Discord, aiohttp.ClientSession],
) -> None:
    """First everything one sees, then each change as it happens; of what is gone only that it is gone."""
    service, web = inhabited
    where = {"as": "member", "in": "studio"}
    async with web.post(f"{service.address}line", json={**where, "text": "/echo text:before"}) as response:
        assert 200 == response.status
    async with web.get(f"{service.address}feed?as=member") as response:
        listener = Listener(response)
        [first] = await listener.next("messages")
        async with web.post(f"{service.address}line", json={**where, "text": "/wrong how:gone"}):
            pass
        heard = [await listener.next("messages")]
        while not any(entry.get("deleted") for entry in heard[-1]):
            heard.append(await listener.next("messages"))

    assert ("before", "studio", False) == (first["message"]["content"], first["place"], first["ephemeral"])
    assert {"who": "Ann", "verb": "used", "what": "/echo", "options": [["text", "before"]]} == first["asked"]
    assert {"id", "place", "deleted"} == set(heard[-1][-1])


async def test_the_feed_of_one_person_holds_nothing_private_of_another(
    inhabited: tuple[Discord, aiohttp.ClientSession],
) -> None:
    """Ann's private answer is in hers, and not in Ben's."""
    service, web = inhabited
    body = {"as": "member", "in": "studio", "text": "/wrong how:crash"}
    async with web.get(f"{service.address}feed?as=member") as hers, web.get(f"{service.address}feed?as=member2") as his:
        ben = Listener(his)
        await ben.next("room")
        async with web.post(f"{service.address}line", json=body):
            pass
        [private] = await Listener(hers).next("messages")
        async with web.post(f"{service.address}line", json={**body, "text": "/noop"}):
            pass
        [public] = await ben.next("messages")

    assert (True, "ok") == (private["ephemeral"], public["message"]["content"])


async def test_a_page_that_comes_back_hears_only_what_is_new(inhabited: tuple[Discord, aiohttp.ClientSession]) -> None:
    """The browser says what it heard last."""
    service, web = inhabited
    for text in ("/echo text:old", "/echo text:new"):
        seen = service.world.revision
        async with web.post(f"{service.address}line", json={"as": "member", "in": "studio", "text": text}):
            pass
        async with asyncio.timeout(5):
            while service.world.revision == seen:
                await asyncio.sleep(0.01)
    async with web.get(f"{service.address}feed?as=member", headers={"Last-Event-ID": str(seen)}) as response:
        told = await Listener(response).next("messages")

    assert ["new"] == [entry["message"]["content"] for entry in told]


async def test_faults_are_switched_and_the_feed_says_so(room: tuple[Discord, aiohttp.ClientSession]) -> None:
    """One by one, so that nobody undoes another's; what is no fault is refused."""
    service, web = room
    async with web.get(f"{service.address}feed?as=admin") as response:
        listener = Listener(response)
        assert {} == (await listener.next("room"))["backstage"]["novelai"]["faults"]
        for name, on, left in (("slow", True, ["slow"]), ("503", True, ["slow", "503"]), ("slow", False, ["503"])):
            async with web.post(f"{service.address}faults", json={"name": name, "on": on}) as answer:
                assert 200 == answer.status
            assert left == list((await listener.next("room"))["backstage"]["novelai"]["faults"])
    for wrong in ({"name": "nonsense", "on": True}, {"slow": None}, {"name": []}):
        async with web.post(f"{service.address}faults", json=wrong) as answer:
            assert 400 == answer.status


# --- lines -----------------------------------------------------------------------------------------------------------


async def _post(web: aiohttp.ClientSession, service: Discord, path: str, **body: Any) -> Any:
    async with web.post(service.address + path, json={"as": "member", "in": "studio", **body}) as response:
        assert 200 == response.status
        return await response.json()


async def test_a_line_is_taken_apart_as_it_was_written(inhabited: tuple[Discord, aiohttp.ClientSession]) -> None:
    """By the parser of ``--say``; what could not be sent stays a line."""
    service, web = inhabited
    line = '/caption text:"a style:b" style:x'

    assert await _post(web, service, "parse", text=line) is None
    assert {"command": "deep down", "values": {"word": "a b"}} == await _post(
        web, service, "parse", text="/deep down word:a b"
    )
    assert {"command": "options", "values": {"mood": "Storm", "many": "3"}} == await _post(
        web, service, "parse", text="/options mood:Storm many:3"
    )


@pytest.mark.parametrize(
    ("body", "option", "why"),
    [
        ({"command": "options", "values": {}}, "mood", "mood is missing"),
        ({"command": "options", "values": {"mood": "Rain"}}, "mood", "mood is one of: Calm sea, Storm"),
        ({"command": "options", "values": {"mood": "2", "who": "@Zoe"}}, "who", "@Zoe is not here"),
        ({"command": "deep", "values": {}}, None, "no command /deep"),
        ({"command": "panel", "values": {}}, None, "no command /panel"),
        ({"text": "/caption text:x image:@/etc/passwd"}, "image", "a file is chosen with its button"),
        ({"text": "press Again"}, None, "only commands are heard here"),
    ],
)
async def test_what_does_not_fit_names_its_option(
    inhabited: tuple[Discord, aiohttp.ClientSession], body: Json, option: str | None, why: str
) -> None:
    """So that the page can put the focus there; nothing reaches the bot."""
    service, web = inhabited
    answer = await _post(web, service, "line", **body)

    assert (option, True) == (answer["option"], why in answer["error"])
    assert not service.interactions.by_id


async def test_a_filled_in_command_is_sent_as_what_it_is(inhabited: tuple[Discord, aiohttp.ClientSession]) -> None:
    """Texts by the types of their options; a subcommand inside of its command."""
    service, web = inhabited
    await _post(web, service, "line", command="options", values={"mood": "Storm", "loud": "yes", "who": "@ben"})
    await _post(web, service, "line", command="deep down", values={"word": "a"})

    first, second = (each.data["options"] for each in service.interactions.by_id.values())
    assert [2, True, str(lantern.BEN)] == [each["value"] for each in first]
    assert [{"name": "down", "type": 1, "options": [{"name": "word", "type": 3, "value": "a"}]}] == second


async def test_one_can_wait_for_an_answer(inhabited: tuple[Discord, aiohttp.ClientSession]) -> None:
    """Until it was acknowledged; an unknown one is refused at once."""
    service, web = inhabited
    sent = await _post(web, service, "line", text="/fields")
    async with web.get(f"{service.address}interactions/{sent['interaction']}?wait") as response:
        found = await response.json()
    async with web.get(f"{service.address}interactions/1?wait") as response:
        assert 404 == response.status

    assert ("Every field", False) == (found["form"]["title"], found["lapsed"])


# --- who and what there is -------------------------------------------------------------------------------------------


async def test_a_server_has_roles_of_its_own(inhabited: tuple[Discord, aiohttp.ClientSession]) -> None:
    """Another server's can neither be named nor chosen, and that is a refusal and no failure."""
    service, web = inhabited
    async with web.get(f"{service.address}world") as response:
        servers = (await response.json())["servers"]
    assert {"Lantern": ["Artists"], "New server": ["Keepers"]} == {
        server["name"]: [role["name"] for role in server["roles"]] for server in servers
    }
    told = {"as": "admin", "in": "New server/general"}
    for body in ({"kind": "slash"}, {"kind": "press", "message": "x"}, {"kind": "fill", "interaction": "9" * 99}, {}):
        async with web.post(f"{service.address}act", json={**told, **body}) as response:
            assert 400 == response.status
    for body in ({"command": 5}, {"text": None}, {"command": "options", "values": []}):
        async with web.post(f"{service.address}line", json={**told, **body}) as response:
            assert response.status in (200, 400)
            assert "error" in await response.json()


async def test_a_form_is_submitted_once(inhabited: tuple[Discord, aiohttp.ClientSession]) -> None:
    """Of two clicks one."""
    service, web = inhabited
    opened = await service.actions.act(lantern.ANN, lantern.STUDIO, {"kind": "slash", "name": "fields", "options": []})
    while opened.form is None:
        await asyncio.sleep(0.01)
    wish = {"kind": "fill", "interaction": str(opened.id), "values": {}}

    async def submit() -> int:
        async with web.post(f"{service.address}act", json={"as": "member", "in": "studio", **wish}) as response:
            return response.status

    assert [200, 400] == sorted(await asyncio.gather(submit(), submit()))


# --- Try this --------------------------------------------------------------------------------------------------------


def _did(service: Discord, name: str, **options: str) -> Interaction:
    made = service.interactions.born(COMMAND, lantern.ANN, lantern.STUDIO, None)
    made.data = {"name": name, "type": 1, "options": [{"name": k, "type": 3, "value": v} for k, v in options.items()]}
    return made


def test_a_failure_counts_once_it_is_one(room: tuple[Discord, aiohttp.ClientSession]) -> None:
    """While NovelAI is asked again one waits; a quota asked for meanwhile says nothing of what was charged."""
    service, _ = room
    tour = Tour(service.world, service.interactions)

    def last(snapshot: dict[str, Any]) -> dict[str, Any]:
        return tour.steps({"interactions": snapshot})[4]

    assert "!503" in last({})["next"]["line"]
    failing = _did(service, "generate", prompt="1girl, !503")
    _did(service, "quota")
    drawing = {str(failing.id): {"jobs": [{"state": "SENT", "delivery": "NONE"}]}}
    assert {"done": False, "next": {"as": "member", "wait": True}} == last(drawing)
    failed = {str(failing.id): {"jobs": [{"state": "FAILED", "delivery": "SHOWN"}]}}
    assert {"done": False, "next": {"as": "member", "line": "/quota"}} == last(failed)
    _did(service, "quota")
    assert last(failed)["done"]
