"""The pretend Discord refuses what Discord refuses, and keeps its books of acknowledgements, files and nonces."""

import io
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.standin.discord import Discord, lantern
from bot.standin.discord.actions import Impossible
from bot.standin.discord.errors import ApiError
from bot.standin.discord.gateway import Session
from bot.standin.discord.interactions import AUTOCOMPLETE, COMMAND, Interaction
from bot.standin.discord.messages import Writer
from bot.standin.discord.world import EPHEMERAL, LOADING, Blob, World

Json = dict[str, Any]
_NAMES = (
    "content", "components", "embeds", "attachments", "flags", "type", "items", "media", "url", "options", "label",
    "custom_id", "value", "title", "fields", "image", "footer", "id", "accessory", "emoji", "message_reference",
    "allowed_mentions", "parse", "users", "style", "filename", "description",
)  # fmt: skip
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
    _, direct = await wire.ask("POST", "/users/@me/channels", {"recipient_id": str(lantern.BEN)})

    assert (403, 50001) == _code(await wire.ask("POST", f"/channels/{lantern.GENERAL}/messages", {"content": "x"}))
    assert (404, 10003) == _code(await wire.ask("POST", "/channels/5/messages", {"content": "x"}))
    assert (403, 50007) == _code(await wire.ask("POST", f"/channels/{direct['id']}/messages", {"content": "x"}))
    assert 401 == (await wire.ask("GET", "/users/@me", token="other"))[0]
    status, answer = await wire.ask("GET", f"/guilds/{lantern.LANTERN}/bans")
    assert (404, True) == (status, f"guilds/{lantern.LANTERN}/bans is not in the stand-in" in answer["message"])


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


FORM: Json = {
    "title": "t",
    "custom_id": "f",
    "components": [{"type": 18, "label": "l", "component": {"type": 4, "style": 1, "custom_id": "a"}}],
}


@pytest.mark.parametrize(
    "change",
    [
        {"title": "x" * 46},
        {"custom_id": ""},
        {"components": []},
        {"components": FORM["components"] * 2},
        {"components": [{"type": 18, "label": "x" * 46, "component": FORM["components"][0]["component"]}]},
        {"components": [{"type": 18, "label": "x"}]},
        {"components": [{"type": 12, "items": []}]},
        {"components": "x"},
    ],
)
async def test_forms_that_discord_does_not_open(wire: Wire, change: Json) -> None:
    """Titles, labels, ids, and what stands in a form; the whole one opens."""
    whole, broken = wire.born(), wire.born()

    assert 200 == (await wire.answer(whole, 9, FORM))[0]
    assert (400, 50035) == _code(await wire.answer(broken, 9, FORM | change))
    assert broken.acknowledged is None


async def test_answers_that_do_not_fit_their_question(wire: Wire) -> None:
    """Choices for a command, an update without a message, a card as a deferral, 26 choices."""
    for kind, data in ((8, {"choices": []}), (7, {"content": "x"}), (6, {}), (5, {"flags": 1 << 15}), (77, {})):
        assert (400, 50035) == _code(await wire.answer(wire.born(), kind, data))
    typing = wire.discord.interactions.born(AUTOCOMPLETE, lantern.ANN, lantern.STUDIO, None)
    choices = [{"name": str(n), "value": str(n)} for n in range(26)]

    assert (400, 50035) == _code(await wire.answer(typing, 8, {"choices": choices}))
    assert 200 == (await wire.answer(typing, 8, {"choices": choices[:25]}))[0]


async def test_permissions_are_asked_in_the_channel(wire: Wire) -> None:
    """Without Attach Files no file goes, without Send Messages nothing; the interaction says what is missing."""
    path, denied = f"/channels/{lantern.GENERAL}/messages", wire.discord.world.denied
    denied[lantern.GENERAL] = lantern.ATTACH
    assert (403, 50013) == _code(await wire.upload(path, {"content": "x"}, {"a.txt": b"a"}))
    assert 200 == (await wire.ask("POST", path, {"content": "x"}))[0]
    denied[lantern.GENERAL] |= lantern.SEND
    assert (403, 50013) == _code(await wire.ask("POST", path, {"content": "x"}))

    assert 0 == wire.discord.world.app_permissions(lantern.GENERAL) & (lantern.SEND | lantern.ATTACH)
    assert wire.discord.world.app_permissions(lantern.STUDIO) & lantern.SEND


async def test_only_the_author_edits_and_deletes(wire: Wire) -> None:
    """A message of a person's is out of the bot's hands."""
    path = f"/channels/{lantern.STUDIO}/messages"
    _, made = await wire.ask("POST", path, {"content": "x"})
    wire.discord.world.shown[int(made["id"])].message["author"] = wire.discord.world.people[lantern.ANN]

    assert (403, 50005) == _code(await wire.ask("PATCH", f"{path}/{made['id']}", {"content": "y"}))
    assert (403, 50013) == _code(await wire.ask("DELETE", f"{path}/{made['id']}"))


async def test_a_request_holds_25_mib(wire: Wire) -> None:
    """Three files, each within its own limit, are too much together; the answer is heard."""
    files = {f"{n}.bin": bytes(9 * 1024 * 1024) for n in range(3)}

    assert (413, 40005) == _code(await wire.upload(f"/channels/{lantern.STUDIO}/messages", {"content": "x"}, files))


async def test_ten_files_and_alt_texts_of_1024_characters(wire: Wire) -> None:
    """And no more."""
    path = f"/channels/{lantern.STUDIO}/messages"
    files = {f"{n}.txt": b"x" for n in range(11)}
    alt = {"attachments": [{"id": 0, "description": "x" * 1_025}]}

    assert (400, 50035) == _code(await wire.upload(path, {}, files))
    assert (400, 50035) == _code(await wire.upload(path, alt, {"a.txt": b"x"}))


async def test_direct_messages_are_between_two(wire: Wire) -> None:
    """What the bot tells Ben reaches Ben."""
    _, direct = await wire.ask("POST", "/users/@me/channels", {"recipient_id": str(lantern.BEN)})
    await wire.ask("POST", f"/channels/{direct['id']}/messages", {"content": "for Ben"})

    def told(user_id: int) -> list[str]:
        return [shown.message["content"] for shown in wire.discord.world.visible(user_id)]

    assert (["for Ben"], []) == (told(lantern.BEN), told(lantern.ANN))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/interactions/x/y/callback"),
        ("POST", "/webhooks/x/y"),
        ("GET", "/channels/x"),
        ("GET", "/channels/²/messages"),
        ("GET", f"/channels/{lantern.STUDIO}/messages?limit=x"),
        ("GET", f"/channels/{lantern.STUDIO}/messages/{'9' * 30}"),
        ("POST", "/users/@me/channels"),
    ],
)
async def test_addresses_without_sense_are_refused(wire: Wire, method: str, path: str) -> None:
    """An id that is none, a limit that is none."""
    assert 400 == (await wire.ask(method, path, {} if method == "POST" else None))[0]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 70_000) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=4),
    max_leaves=12,
)


@given(body=st.dictionaries(st.sampled_from(_NAMES), JSON, max_size=5))
@settings(max_examples=150, deadline=None)
def test_no_body_breaks_the_writer(body: Json) -> None:
    """Whatever a message's body holds, it is written or refused as Discord refuses."""
    world = World()
    with suppress(ApiError):
        made = Writer(world).write(body, {}, lantern.STUDIO)
        assert made["content"] or made["components"] or made["embeds"]


async def test_bodies_that_are_no_json(wire: Wire) -> None:
    """Named as such."""
    url = f"{wire.discord.world.base}/api/v10/channels/{lantern.STUDIO}/messages"
    headers = {"Authorization": f"Bot {lantern.TOKEN}", "Content-Type": "application/json"}
    for raw in (b"{", b"[]", b"3", b"[" * 100_000):
        async with wire.session.post(url, data=raw, headers=headers) as response:
            assert (400, 50109) == (response.status, (await response.json())["code"])
            assert "application/json" == response.headers["Content-Type"]


async def test_the_gateway_closes_on_what_it_does_not_understand(wire: Wire) -> None:
    """Frames that are none, and sessions that it does not know."""
    url = f"{wire.discord.world.base}/gateway"
    for frame in ("{", "[]", "{}", '{"op": 2}'):
        async with wire.session.ws_connect(url) as socket:
            assert 10 == (await socket.receive_json())["op"]
            await socket.send_str(frame)
            assert aiohttp.WSMsgType.CLOSE == (await socket.receive()).type
            assert 4001 == socket.close_code
    async with wire.session.ws_connect(url) as socket:
        await socket.receive_json()
        await socket.send_json({"op": 6, "d": {"token": lantern.TOKEN, "session_id": "none", "seq": 0}})
        assert {"op": 9, "d": False} == await socket.receive_json()


async def test_the_room_refuses_what_makes_no_sense(wire: Wire) -> None:
    """A person, a place or a thing to do that there is not; a body that is too large or no object."""
    room = wire.discord.address
    for query in ({"as": "nobody"}, {"in": "nowhere"}, {"since": "x"}, {"since": "²"}):
        async with wire.session.get(f"{room}messages", params=query) as response:
            assert 400 == response.status
    for wish in ([], {}, {"as": "member", "in": "studio"}, {"as": "member", "in": "studio", "kind": "press"}):
        async with wire.session.post(f"{room}act", json=wish) as response:
            assert 400 == response.status
    async with wire.session.post(f"{room}act", data=io.BytesIO(bytes(5 * 1024 * 1024))) as response:
        assert 413 == response.status
    for path in ("world", "messages", "backstage"):
        async with wire.session.get(f"{room}{path}", headers={"Host": "example.com"}) as response:
            assert 403 == response.status


def _a_png(width: int, height: int) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (width, height)).save(made, "PNG")
    return made.getvalue()


async def test_pictures_have_a_width_and_a_height(wire: Wire) -> None:
    """Read from the header; what only claims to be a picture has none."""
    whole, broken = _a_png(3, 2), _a_png(3, 2)[:20]
    files = {"a.png": whole, "b.png": broken}
    _, made = await wire.upload(f"/channels/{lantern.STUDIO}/messages", {}, files)

    assert [(3, 2), (None, None)] == [(each.get("width"), each.get("height")) for each in made["attachments"]]


async def test_a_file_s_limit_is_its_server_s(wire: Wire) -> None:
    """10 MiB, more with boosts, and 10 MiB in direct messages whatever the server has."""
    wire.discord.world.file_limits = (100, 100, 300, 900)
    path = f"/channels/{lantern.STUDIO}/messages"
    guild = wire.discord.world.guilds[lantern.LANTERN]

    assert (413, 40005) == _code(await wire.upload(path, {"attachments": [{"id": 0}]}, {"a.txt": b"x" * 101}))
    assert 100 == wire.born().limit
    guild["premium_tier"] = 2
    assert 200 == (await wire.upload(path, {"attachments": [{"id": 0}]}, {"a.txt": b"x" * 300}))[0]
    assert 300 == wire.born().limit
    assert 100 == wire.discord.world.file_limit(lantern.DIRECT)


async def test_somebody_s_own_application_answers_and_does_nothing_else(wire: Wire) -> None:
    """In a server that it is not in: no channel, five follow-ups, and its own few permissions."""
    world = wire.discord.world
    world.absent.add(lantern.LANTERN)
    interaction = wire.born()
    assert 200 == (await wire.answer(interaction, 4, {"content": "x"}))[0]

    said = [await wire.ask("POST", wire.hook(interaction), {"content": str(n)}) for n in range(6)]

    assert [200] * 5 == [status for status, _ in said[:5]]
    assert (403, 40094) == _code(said[5])
    assert 200 == (await wire.ask("PATCH", wire.hook(interaction, "/messages/@original"), {"content": "y"}))[0]
    for method, path in (("GET", ""), ("POST", "/messages"), ("PATCH", f"/messages/{interaction.original}")):
        assert (403, 50001) == _code(await wire.ask(method, f"/channels/{lantern.STUDIO}{path}", {"content": "z"}))
    assert (404, 10004) == _code(await wire.ask("GET", f"/guilds/{lantern.LANTERN}"))
    assert not world.app_permissions(lantern.STUDIO) & lantern.VIEW


async def test_what_cannot_be_read_cannot_be_answered(wire: Wire) -> None:
    """Without Read Message History there is no reply and no history."""
    path = f"/channels/{lantern.STUDIO}/messages"
    _, first = await wire.ask("POST", path, {"content": "x"})
    reply = {"content": "y", "message_reference": {"message_id": first["id"]}}
    assert first["id"] == (await wire.ask("POST", path, reply))[1]["message_reference"]["message_id"]

    wire.discord.world.denied[lantern.STUDIO] = lantern.HISTORY

    assert (400, 160002) == _code(await wire.ask("POST", path, reply))
    assert (200, []) == await wire.ask("GET", path)


# --- what people post, and what they put under it ---------------------------------------------------------------------


async def test_without_the_intent_others_words_are_kept_back(wire: Wire) -> None:
    """Text and files of messages that the application has no part in; direct messages and mentions are told."""
    discord = wire.discord
    file = discord.world.attach(lantern.STUDIO, Blob("a.png", "image/png", b"x"))
    discord.world.uploads[file["id"]] = file
    wish = {"text": "hello", "files": [file["id"]]}
    others = await discord.actions.post(lantern.ANN, lantern.STUDIO, wish)
    named = await discord.actions.post(lantern.ANN, lantern.STUDIO, {"text": f"<@{lantern.APPLICATION}>"})
    direct = await discord.actions.post(lantern.ANN, lantern.DIRECT, {"text": "psst"})
    _, own = await wire.ask("POST", f"/channels/{lantern.STUDIO}/messages", {"content": "mine"})

    async def told() -> list[str]:
        read = [await wire.ask("GET", f"/channels/{m['channel_id']}/messages/{m['id']}") for m in every]
        return [f"{body['content']}{len(body['attachments'])}" for _, body in read]

    every = (others, named, direct, own)
    assert ["hello1", f"<@{lantern.APPLICATION}>0", "psst0", "mine0"] == await told()
    discord.world.grants_content = False
    assert ["0", f"<@{lantern.APPLICATION}>0", "psst0", "mine0"] == await told()


async def test_a_reaction_is_there_once(wire: Wire) -> None:
    """Put twice it counts once; who may not react is refused, and what is no emoji."""
    message = await wire.discord.actions.post(lantern.ANN, lantern.GENERAL, {"text": "hello"})
    path = f"/channels/{lantern.GENERAL}/messages/{message['id']}"
    put = [await wire.ask("PUT", f"{path}/reactions/{emoji}/@me") for emoji in ("🔎", "🔎", "x")]
    _, read = await wire.ask("GET", path)
    wire.discord.world.denied[lantern.GENERAL] = lantern.REACT
    other = await wire.ask("PUT", f"{path}/reactions/👍/@me")
    again = await wire.ask("PUT", f"{path}/reactions/🔎/@me")

    assert [204, 204, 400] == [status for status, _ in put]
    assert [("🔎", 1, True)] == [(each["emoji"]["name"], each["count"], each["me"]) for each in read["reactions"]]
    assert (403, 204) == (other[0], again[0])


async def test_who_presses_a_reaction_again_takes_it_back(wire: Wire) -> None:
    """And only one that is there can be pressed."""
    message = await wire.discord.actions.post(lantern.ANN, lantern.GENERAL, {"text": "hello"})
    wish = {"message": message["id"], "emoji": "🔎"}
    with pytest.raises(Impossible):
        await wire.discord.actions.react(lantern.BEN, wish)
    await wire.ask("PUT", f"/channels/{lantern.GENERAL}/messages/{message['id']}/reactions/🔎/@me")
    counts = []
    for _ in range(2):
        await wire.discord.actions.react(lantern.BEN, wish)
        counts.append(len(message["_reactions"]["🔎"]))

    assert [2, 1] == counts


@pytest.mark.parametrize("wish", [{}, {"text": "a" * 2_001}, {"text": "a", "files": ["7"]}, {"files": ["7"] * 11}])
async def test_what_nobody_could_post_is_refused(wire: Wire, wish: Json) -> None:
    """Nothing, too much, and files that nobody gave."""
    with pytest.raises(Impossible):
        await wire.discord.actions.post(lantern.ANN, lantern.GENERAL, wish)

    assert not list(wire.discord.world.newest(lantern.GENERAL))


@pytest.mark.parametrize(
    ("intents", "name", "guild_id", "is_heard"),
    [
        (1 << 9, "MESSAGE_CREATE", 1, True),
        (1 << 12, "MESSAGE_CREATE", 1, False),
        (1 << 12, "MESSAGE_CREATE", None, True),
        (1 << 9, "MESSAGE_REACTION_ADD", 1, False),
        (1 << 10, "MESSAGE_REACTION_ADD", 1, True),
        (0, "INTERACTION_CREATE", 1, True),
    ],
)
def test_events_are_told_by_intents(intents: int, name: str, guild_id: int | None, is_heard: bool) -> None:
    """Messages and reactions only to who asked for them; interactions to everybody."""
    assert is_heard == Session("s", None, intents).hears(name, guild_id)
