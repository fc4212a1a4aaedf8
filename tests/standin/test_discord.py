"""The pretend Discord refuses what Discord refuses, and keeps its books of acknowledgements, files and nonces."""

import io
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bot.standin.discord import Discord, lantern
from bot.standin.discord.interactions import COMMAND, Interaction
from bot.standin.discord.world import EPHEMERAL, LOADING

Json = dict[str, Any]
BUTTON = {"type": 2, "style": 2, "label": "Go", "custom_id": "go"}


class Clock:
    """Seconds that a test puts forward."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Wire:
    """Speaks to the API as the bot does."""

    def __init__(self, session: aiohttp.ClientSession, discord: Discord, clock: Clock) -> None:
        self.session = session
        self.discord = discord
        self.clock = clock

    async def ask(self, method: str, path: str, body: object = None, token: str = lantern.TOKEN) -> tuple[int, Json]:
        """Status and JSON of a request."""
        url = f"{self.discord.world.base}/api/v10{path}"
        async with self.session.request(method, url, json=body, headers={"Authorization": f"Bot {token}"}) as response:
            text = await response.text()
            return response.status, json.loads(text) if text else {}

    async def upload(self, path: str, body: Json, files: dict[str, bytes]) -> tuple[int, Json]:
        """A multipart request, as discord.py sends files."""
        form = aiohttp.FormData()
        form.add_field("payload_json", json.dumps(body))
        for n, (name, data) in enumerate(files.items()):
            form.add_field(f"files[{n}]", io.BytesIO(data), filename=name, content_type="application/octet-stream")
        url = f"{self.discord.world.base}/api/v10{path}"
        headers = {"Authorization": f"Bot {lantern.TOKEN}"}
        async with self.session.post(url, data=form, headers=headers) as response:
            return response.status, await response.json()

    def born(self) -> Interaction:
        """Ann used a command in #studio."""
        return self.discord.interactions.born(COMMAND, lantern.ANN, lantern.STUDIO, None)

    async def answer(self, interaction: Interaction, kind: int, data: Json | None = None) -> tuple[int, Json]:
        """The first answer."""
        path = f"/interactions/{interaction.id}/{interaction.token}/callback?with_response=1"
        return await self.ask("POST", path, {"type": kind, "data": data or {}})

    def hook(self, interaction: Interaction, rest: str = "") -> str:
        """The path of what is said afterwards."""
        return f"/webhooks/{lantern.APPLICATION}/{interaction.token}{rest}"


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    """A service with a settable clock, and a connection to it."""
    clock = Clock()
    discord = Discord(clock=clock)
    async with discord.serve(), aiohttp.ClientSession() as session:
        yield Wire(session, discord, clock)


async def test_three_seconds_and_fifteen_minutes(wire: Wire) -> None:
    """Too late to acknowledge, acknowledged twice, and a token that died."""
    late, twice = wire.born(), wire.born()
    await wire.answer(twice, 5)
    wire.clock.now += 3.1

    assert (404, 10062) == _code(await wire.answer(late, 4, {"content": "x"}))
    assert (400, 40060) == _code(await wire.answer(twice, 4, {"content": "x"}))
    wire.clock.now += 900
    assert (401, 50027) == _code(await wire.ask("POST", wire.hook(twice), {"content": "x"}))
    assert (404, 10015) == _code(await wire.ask("POST", wire.hook(wire.born()), {"content": "x"}))


def _code(answer: tuple[int, Json]) -> tuple[int, int]:
    return answer[0], answer[1].get("code", 0)


async def test_the_first_follow_up_fills_the_placeholder_and_keeps_its_kind(wire: Wire) -> None:
    """After a public deferral an "ephemeral" follow-up is public; the next one is what it asks for."""
    interaction = wire.born()
    await wire.answer(interaction, 5)
    [placeholder] = [s.message for s in wire.discord.world.visible(lantern.BEN)]
    assert placeholder["flags"] & LOADING

    _, first = await wire.ask("POST", wire.hook(interaction), {"content": "one", "flags": EPHEMERAL})
    _, second = await wire.ask("POST", wire.hook(interaction), {"content": "two", "flags": EPHEMERAL})

    assert (placeholder["id"], 0) == (first["id"], first["flags"] & (EPHEMERAL | LOADING))
    assert second["flags"] & EPHEMERAL
    assert ["one"] == [s.message["content"] for s in wire.discord.world.visible(lantern.BEN)]


async def test_ephemeral_messages_are_not_in_the_channel(wire: Wire) -> None:
    """Only their interaction reaches them."""
    interaction = wire.born()
    await wire.answer(interaction, 4, {"content": "secret", "flags": EPHEMERAL})
    path = f"/channels/{lantern.STUDIO}/messages"

    assert (200, []) == await wire.ask("GET", path)
    assert (404, 10008) == _code(await wire.ask("PATCH", f"{path}/{interaction.original}", {"content": "x"}))
    assert 200 == (await wire.ask("PATCH", wire.hook(interaction, "/messages/@original"), {"content": "y"}))[0]


TOO_MUCH: list[Json] = [
    {"content": "x" * 2_001},
    {"content": ""},
    {"content": "x", "components": [{"type": 1, "components": [BUTTON, BUTTON]}]},
    {"content": "x", "components": [{"type": 1, "components": [BUTTON | {"label": "x" * 81}]}]},
    {"content": "x", "components": [{"type": 1, "components": [BUTTON | {"custom_id": "x" * 101}]}]},
    {"content": "x", "components": [{"type": 1, "components": [BUTTON | {"custom_id": str(n)} for n in range(6)]}]},
    {"content": "x", "components": [{"type": 1, "components": []}]},
    {"content": "x", "components": [{"type": 10, "content": "card text"}]},
    {"content": "x", "flags": 1 << 15, "components": [{"type": 10, "content": "both"}]},
    {"flags": 1 << 15, "components": [{"type": 10, "content": "x" * 4_001}]},
    {"flags": 1 << 15, "components": [{"type": 10, "content": "あ" * 3_500}]},
    {"flags": 1 << 15, "components": [{"type": 10, "content": "x"}] * 41},
    {"flags": 1 << 15, "components": [{"type": 13, "file": {"url": "attachment://none.txt"}}]},
    {"content": "x", "attachments": [{"id": "0", "filename": "none.png"}]},
]


@pytest.mark.parametrize("body", TOO_MUCH)
async def test_messages_that_discord_does_not_take(wire: Wire, body: Json) -> None:
    """Lengths, ids, widths, cards beside content, files that are not there."""
    status, answer = await wire.ask("POST", f"/channels/{lantern.STUDIO}/messages", body)

    assert 400 == status
    assert answer["code"] in (50035, 50006)


async def test_files_are_limited_described_and_kept(wire: Wire) -> None:
    """Over 10 MiB is refused; an edit keeps the files it names; the bytes come back as they were."""
    path = f"/channels/{lantern.STUDIO}/messages"
    too_large = {"big.bin": bytes(10 * 1024 * 1024 + 1)}
    assert (413, 40005) == _code(await wire.upload(path, {"content": "x"}, too_large))

    described = {"content": "x", "attachments": [{"id": 0, "description": "alt"}, {"id": 1}]}
    _, made = await wire.upload(path, described, {"a.png": b"aaa", "b.txt": b"bbb"})
    kept = {"attachments": [{"id": made["attachments"][1]["id"]}]}
    _, edited = await wire.ask("PATCH", f"{path}/{made['id']}", kept)

    assert ["alt", None] == [each.get("description") for each in made["attachments"]]
    assert ["b.txt"] == [each["filename"] for each in edited["attachments"]]
    async with wire.session.get(edited["attachments"][0]["url"]) as response:
        assert b"bbb" == await response.read()
    wire.clock.now += 100_000
    async with wire.session.get(edited["attachments"][0]["url"]) as response:
        assert 404 == response.status


async def test_a_file_on_a_card_is_no_attachment(wire: Wire) -> None:
    """What a card shows is missing from the message's attachments."""
    card = {"flags": 1 << 15, "components": [{"type": 13, "file": {"url": "attachment://a.txt"}}]}

    _, made = await wire.upload(f"/channels/{lantern.STUDIO}/messages", card, {"a.txt": b"a"})

    assert [] == made["attachments"]
    assert made["components"][0]["file"]["url"].startswith("http")


async def test_one_nonce_is_one_message(wire: Wire) -> None:
    """For some minutes; later it is a new one."""
    path, body = f"/channels/{lantern.STUDIO}/messages", {"content": "x", "nonce": "1-0", "enforce_nonce": True}
    _, first = await wire.ask("POST", path, body)
    _, again = await wire.ask("POST", path, body)
    wire.clock.now += 3_600
    _, later = await wire.ask("POST", path, body)

    assert first["id"] == again["id"] != later["id"]


async def test_places_and_people_out_of_reach(wire: Wire) -> None:
    """An unseen channel, one that is not there, a closed direct message, a wrong token, an unknown route."""
    wire.discord.world.unreachable |= {lantern.GENERAL, lantern.BEN}

    assert (403, 50001) == _code(await wire.ask("POST", f"/channels/{lantern.GENERAL}/messages", {"content": "x"}))
    assert (404, 10003) == _code(await wire.ask("POST", "/channels/5/messages", {"content": "x"}))
    assert (403, 50007) == _code(await wire.ask("POST", "/users/@me/channels", {"recipient_id": str(lantern.BEN)}))
    assert 401 == (await wire.ask("GET", "/users/@me", token="other"))[0]
    status, answer = await wire.ask("GET", "/guilds/1/bans")
    assert (404, True) == (status, "guilds/1/bans is not in the stand-in" in answer["message"])


@pytest.mark.parametrize(
    "definitions",
    [
        [{"name": "a", "type": 1, "description": "x"}] * 2,
        [{"name": "a", "description": "x", "options": [{"name": "o", "type": 3, "description": "y" * 101}]}],
        [
            {
                "name": "a",
                "description": "x",
                "options": [
                    {"name": "o", "type": 3, "description": "y"},
                    {"name": "p", "type": 3, "description": "y", "required": True},
                ],
            }
        ],
        [{"name": f"a{n}", "type": 3} for n in range(16)],
    ],
)
async def test_definitions_that_discord_does_not_take(wire: Wire, definitions: list[Json]) -> None:
    """Names twice, long descriptions, required behind optional, too many menus."""
    assert 400 == (await wire.ask("PUT", f"/applications/{lantern.APPLICATION}/commands", definitions))[0]


async def test_the_room_answers_nobody_else(wire: Wire) -> None:
    """Without its token, or under another host's name, there is no room."""
    base = wire.discord.world.base
    async with wire.session.get(f"{base}/room/guess/world") as response:
        assert 404 == response.status
    async with wire.session.get(wire.discord.address, headers={"Host": "example.com"}) as response:
        assert 403 == response.status
    async with wire.session.get(wire.discord.address) as response:
        assert "practice room" in await response.text()
