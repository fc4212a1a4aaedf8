"""A real discord.py bot before the pretend Discord: what it says arrives, what Discord refuses is refused."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import discord
import pytest
from discord import app_commands

from bot.standin.discord import Discord, lantern
from bot.standin.discord.components import walk
from bot.standin.discord.interactions import Interaction
from bot.standin.discord.messages import outward
from bot.standin.discord.world import CARD, EPHEMERAL, LOADING, Blob
from tests.openapi import OpenApi
from tests.standin.sample_bot import SampleBot, original, playing, point_at, until

Json = dict[str, Any]
STUDIO, ANN, BEN, ADA = lantern.STUDIO, lantern.ANN, lantern.BEN, lantern.ADA


@pytest.fixture
async def room() -> AsyncIterator[tuple[Discord, SampleBot]]:
    """A stand-in and a bot that is connected to it."""
    service = Discord()
    async with service.serve(), playing(service) as bot:
        yield service, bot


async def _slash(service: Discord, name: str, *options: Json, by: int = ANN, at: int = STUDIO) -> Interaction:
    return await service.actions.act(by, at, {"kind": "slash", "name": name, "options": list(options)})


def _option(name: str, value: object, kind: int = 3) -> Json:
    return {"name": name, "type": kind, "value": value}


def _upload(service: Discord, name: str, data: bytes) -> str:
    made = service.world.attach(STUDIO, Blob(name, "image/png", data), ephemeral=True)
    service.world.uploads[made["id"]] = made
    return str(made["id"])


async def _press(service: Discord, message: Json, label: str, *, by: int = ANN) -> Interaction:
    [found] = [part["custom_id"] for part in walk(message["components"]) if part.get("label") == label]
    return await service.actions.act(by, STUDIO, {"kind": "press", "message": message["id"], "custom_id": found})


async def _captioned(service: Discord) -> tuple[Interaction, Json]:
    image, second = _upload(service, "in.png", b"12345"), _upload(service, "b.png", b"zz")
    options = (_option("image", image, 11), _option("text", "hi there"), _option("second", second, 11))
    asked = await _slash(service, "caption", *options)
    await until(lambda: asked.followups)
    return asked, await original(service, asked)


async def test_everything_said_is_as_discord_describes_it() -> None:
    """A whole visit, every body of both sides judged by the official description."""
    judge = OpenApi()
    service = Discord(judge=judge)
    async with service.serve(), playing(service) as bot:
        _, message = await _captioned(service)
        await _press(service, message, "Again (1)")
        await original(service, await _slash(service, "panel", by=ADA, at=lantern.NIGHT_STUDIO))
        channel = bot.get_partial_messageable(STUDIO)
        sent = await channel.send("hello <@1100000000000000011>", nonce="7-0")
        await sent.reply("again")
        assert ["again"] == [each.content async for each in channel.history(limit=1)]
        await channel.fetch_message(sent.id)
        await bot.fetch_channel(STUDIO)
        await (await (await bot.fetch_channel(lantern.DIRECT)).send("private")).delete()  # type: ignore[union-attr]
        await bot.http.get_bot_gateway()
        await bot.tree.fetch_commands()

    assert [] == judge.wrong
    assert judge.judged > 20


async def test_files_go_in_and_come_out(room: tuple[Discord, SampleBot]) -> None:
    """
    Two attachment options, a deferral, an edit with a file, and a private follow-up with two.

    The picture in the embed is no attachment of the message; the other file is.
    """
    service, _ = room
    asked, message = await _captioned(service)

    assert 5 == asked.acknowledged
    assert "style-00 7" == message["content"]
    assert 0 == message["flags"] & (LOADING | EPHEMERAL)
    assert ["plain.txt"] == [each["filename"] for each in message["attachments"]]
    picture = next(each for each in message["_files"] if each["filename"] == "out.png")
    assert b"zz54321" == service.world.blobs[int(picture["id"])].data
    assert ("alt", picture["url"]) == (picture["description"], message["embeds"][0]["image"]["url"])
    follow_up = service.world.shown[asked.followups[0]]
    assert (ANN, 2) == (follow_up.to, len(follow_up.message["attachments"]))


async def test_autocomplete_offers_what_fits(room: tuple[Discord, SampleBot]) -> None:
    """The focused option's text goes to the bot, its choices come back."""
    service, _ = room
    options = [_option("text", "x"), _option("style", "style-1")]
    wish = {"kind": "complete", "name": "caption", "focused": "style", "options": options}
    asked = await service.actions.act(ANN, STUDIO, wish)
    await until(lambda: asked.choices is not None)

    assert [f"style-{n}" for n in range(10, 20)] == [choice["value"] for choice in asked.choices or []]


async def test_a_button_opens_a_form_that_edits_its_message(room: tuple[Discord, SampleBot]) -> None:
    """A stranger is refused privately; the owner's form, with a file in it, changes the message it came from."""
    service, _ = room
    _, message = await _captioned(service)
    refused = await original(service, await _press(service, message, "Again (1)", by=BEN))
    assert ("Not yours.", EPHEMERAL) == (refused["content"], refused["flags"] & EPHEMERAL)

    opened = await _press(service, message, "Again (1)")
    await until(lambda: opened.form)
    assert [10, 18, 18, 18] == [part["type"] for part in (opened.form or {})["components"]]
    values = {"file": [_upload(service, "n.png", b"12345")], "pick": "b"}
    wish = {"kind": "fill", "interaction": str(opened.id), "values": values}
    sent = await service.actions.act(ANN, STUDIO, wish)
    await until(lambda: sent.acknowledged)

    changed = service.world.shown[int(message["id"])].message
    assert "text=hello files=[5] pick=b" == changed["content"]
    assert ["edited.png"] == [each["filename"] for each in changed["_files"]]


async def test_a_menu_gives_the_message_it_was_used_on(room: tuple[Discord, SampleBot]) -> None:
    """Author and attachments arrive without any intent."""
    service, _ = room
    _, message = await _captioned(service)
    wish = {"kind": "menu", "name": "Look at it", "message": message["id"]}
    answer = await original(service, await service.actions.act(BEN, STUDIO, wish))

    assert "['plain.txt'] of naibot" == answer["content"]


async def test_a_persons_menu_gives_the_member(room: tuple[Discord, SampleBot]) -> None:
    """With what they may do in this server."""
    service, _ = room
    for user_id, words in ((lantern.MIA, "Mia True"), (BEN, "Ben False")):
        wish = {"kind": "menu", "name": "Who is it", "user": str(user_id)}
        assert words == (await original(service, await service.actions.act(ANN, STUDIO, wish)))["content"]


async def test_a_member_is_read_and_a_stranger_is_unknown(room: tuple[Discord, SampleBot]) -> None:
    """The owner may do everything; whoever is not in the server is not found."""
    _, bot = room
    guild = bot.get_guild(lantern.LANTERN)
    assert guild is not None
    assert (await guild.fetch_member(ADA)).guild_permissions.manage_guild
    assert not (await guild.fetch_member(BEN)).guild_permissions.manage_guild
    with pytest.raises(discord.NotFound) as caught:
        await guild.fetch_member(5)
    assert 10007 == caught.value.code


async def test_commands_of_one_server_are_offered_there_alone(room: tuple[Discord, SampleBot]) -> None:
    """They arrive with their server's id; a server that the bot is not in takes none."""
    service, bot = room
    here = discord.Object(lantern.LANTERN)

    @app_commands.command(name="here", description="Says here")
    async def say_here(interaction: discord.Interaction[Any]) -> None:
        await interaction.response.send_message("here")

    bot.tree.add_command(say_here, guild=here)
    assert ["here"] == [command.name for command in await bot.tree.sync(guild=here)]
    assert ["here"] == [command.name for command in await bot.tree.fetch_commands(guild=here)]
    assert "here" == (await original(service, await _slash(service, "here")))["content"]
    names = {command["name"] for command in service.actions.commands_for(ADA, lantern.NEW_GENERAL)}
    assert "here" not in names
    with pytest.raises(discord.Forbidden):
        await bot.tree.sync(guild=discord.Object(5))


async def test_a_card_shows_its_files_and_its_select_works(room: tuple[Discord, SampleBot]) -> None:
    """Files on a card are no attachments of the message; what was selected reaches the bot."""
    service, _ = room
    message = await original(service, await _slash(service, "panel", by=ADA, at=lantern.NIGHT_STUDIO))
    assert (CARD, 0, 2) == (message["flags"] & CARD, len(message["attachments"]), len(message["_files"]))
    wish = {"kind": "press", "message": message["id"], "custom_id": "select", "values": ["b"]}

    picked = await original(service, await service.actions.act(ADA, lantern.NIGHT_STUDIO, wish))

    assert "picked ['b']" == picked["content"]


async def test_people_roles_and_channels_arrive_as_such(room: tuple[Discord, SampleBot]) -> None:
    """What an id means stands beside it."""
    service, _ = room
    options = (
        _option("member", str(BEN), 6), _option("role", str(lantern.ARTISTS), 8),
        _option("channel", str(lantern.GENERAL), 7), _option("who", str(lantern.ARTISTS), 9),
    )  # fmt: skip
    answer = await original(service, await _slash(service, "name", *options))

    assert "Ben Artists general Artists" == answer["content"]


async def test_commands_are_offered_where_and_to_whom_they_belong(room: tuple[Discord, SampleBot]) -> None:
    """An age-restricted command in such a channel, an admin's command to an admin."""
    service, _ = room

    def offered(by: int, at: int) -> bool:
        return "panel" in {command["name"] for command in service.actions.commands_for(by, at)}

    assert offered(ADA, lantern.NIGHT_STUDIO)
    assert not offered(ADA, STUDIO)
    assert not offered(ANN, lantern.NIGHT_STUDIO)


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ("long", 400, 50035),
        ("embeds", 400, 50035),
        ("big", 413, 40005),
        ("empty", 400, 50006),
        ("same id", 400, 50035),
        ("label", 400, 50035),
        ("no file", 400, 50035),
        ("both", 400, 50035),
        ("twice", 400, 40060),
        ("late", 404, 10062),
    ],
)
async def test_what_discord_refuses_fails_in_the_bot(how: str, status: int, code: int) -> None:
    """Lengths, sums, sizes, ids, references, cards beside content, a second answer, an answer too late."""
    service = Discord(deadline=0.3)
    async with service.serve(), playing(service) as bot:
        await _slash(service, "wrong", _option("how", how))
        await until(lambda: bot.failures)

        [failure] = bot.failures
        assert isinstance(failure, discord.HTTPException)
        assert (status, code) == (failure.status, failure.code)


async def test_a_crash_is_told_and_silence_is_seen(room: tuple[Discord, SampleBot]) -> None:
    """The tree's error handler can still answer; nothing was acknowledged before it did."""
    service, bot = room
    asked = await _slash(service, "wrong", _option("how", "crash"))
    answer = await original(service, asked)

    assert answer["content"].startswith("Sorry")
    assert isinstance(bot.failures[0], RuntimeError)


@pytest.mark.parametrize("status", [429, 500])
async def test_a_refused_callback_is_sent_again(room: tuple[Discord, SampleBot], status: int) -> None:
    """discord.py waits as long as a 429 says, and one second after a 500."""
    service, _ = room
    service.fail_next("POST", "/callback", status)

    assert "ok" == (await original(service, await _slash(service, "noop")))["content"]
    assert [status, 200] == [code for _, path, code in service.rest.requests if path.endswith("/callback")]


@pytest.mark.parametrize("is_done", [False, True])
async def test_a_cut_connection_fails_the_post(room: tuple[Discord, SampleBot], is_done: bool) -> None:
    """discord.py does not repeat it: whether it was carried out is not known. The nonce finds out."""
    service, bot = room
    channel = bot.get_partial_messageable(STUDIO)
    service.fail_next("POST", "/messages", 0, is_done=is_done)
    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await channel.send("once", nonce="9-0")
    posted = [str(shown.message["id"]) for shown in service.world.newest(STUDIO)]

    again = await channel.send("once", nonce="9-0")

    assert (1 if is_done else 0) == len(posted)
    assert [str(again.id)] == [shown.message["id"] for shown in service.world.newest(STUDIO)]


async def test_what_happens_while_the_socket_is_down_is_heard_later(room: tuple[Discord, SampleBot]) -> None:
    """The client resumes and gets the event it missed."""
    service, _ = room
    await service.gateway.drop()
    asked = await _slash(service, "noop")

    assert "ok" == (await original(service, asked))["content"]
    assert 1 == service.gateway.resumes


async def test_a_client_that_is_asked_to_reconnect_resumes(room: tuple[Discord, SampleBot]) -> None:
    """And goes on."""
    service, _ = room
    await service.gateway.ask_to_reconnect()
    await until(lambda: service.gateway.resumes == 1)

    assert "ok" == (await original(service, await _slash(service, "noop")))["content"]


async def test_a_button_outlives_its_bot() -> None:
    """A new process knows the old one's buttons."""
    service = Discord()
    async with service.serve():
        async with playing(service):
            _, message = await _captioned(service)
        async with playing(service):
            opened = await _press(service, message, "Again (1)")
            await until(lambda: opened.form)


async def test_privileged_intents_and_wrong_tokens_do_not_get_in() -> None:
    """Close code 4014, and 401."""
    service = Discord()
    async with service.serve():
        point_at(service)
        async with SampleBot(discord.Intents.all()) as bot:
            with pytest.raises(discord.PrivilegedIntentsRequired):
                await bot.start(lantern.TOKEN)
        async with SampleBot() as bot:
            with pytest.raises(discord.LoginFailure):
                await bot.start("wrong")


async def test_pings_are_only_what_is_allowed(room: tuple[Discord, SampleBot]) -> None:
    """Nobody is pinged where nothing is allowed; one person where one is; a reply pings when it says so."""
    service, bot = room
    channel = bot.get_partial_messageable(STUDIO)

    async def pinged(text: str, **options: Any) -> list[str]:
        sent = await channel.send(text, **options)
        return [each["global_name"] for each in outward(service.world.shown[sent.id].message)["mentions"]]

    both = f"<@{ANN}> <@!{BEN}> @everyone"
    assert [] == await pinged(both)
    assert ["Ben"] == await pinged(both, allowed_mentions=discord.AllowedMentions(users=[discord.Object(BEN)]))
    assert ["Ann", "Ben"] == await pinged(both, allowed_mentions=discord.AllowedMentions(users=True))
    first = await channel.send("a")
    assert [] == await pinged("b", reference=first)
    assert ["Naibot"] == await pinged("b", reference=first, mention_author=True)


async def test_a_role_is_pinged_where_that_is_allowed_and_anyone_may(room: tuple[Discord, SampleBot]) -> None:
    """Not by its name alone, and not a role that only some may mention."""
    service, bot = room
    channel = bot.get_partial_messageable(STUDIO)
    artists = discord.AllowedMentions(everyone=False, users=False, roles=[discord.Object(lantern.ARTISTS)])

    async def pinged(**options: Any) -> list[str]:
        sent = await channel.send(f"<@&{lantern.ARTISTS}> <@{ANN}>", **options)
        message = outward(service.world.shown[sent.id].message)
        return [*message["mention_roles"], *(each["id"] for each in message["mentions"])]

    assert [] == await pinged()
    assert [str(lantern.ARTISTS)] == await pinged(allowed_mentions=artists)
    for role in service.world.guilds[lantern.LANTERN]["roles"]:
        role["mentionable"] = False
    assert [] == await pinged(allowed_mentions=artists)


async def test_a_picture_becomes_a_spoiler_without_new_bytes(room: tuple[Discord, SampleBot]) -> None:
    """An edit may mark a file that is already there."""
    service, bot = room
    sent = await bot.get_partial_messageable(STUDIO).send(file=discord.File(__file__, "a.png"))
    route = discord.http.Route("PATCH", "/channels/{c}/messages/{m}", c=STUDIO, m=sent.id)
    changed = await bot.http.request(route, json={"attachments": [{"id": sent.attachments[0].id, "is_spoiler": True}]})

    [file] = changed["attachments"]
    assert (sent.attachments[0].id, True) == (
        int(file["id"]),
        discord.AttachmentFlags._from_value(file["flags"]).spoiler,
    )
    shown = await bot.http.request(route, json={"attachments": [{"id": sent.attachments[0].id, "is_spoiler": False}]})
    assert 0 == shown["attachments"][0]["flags"]
    assert 1 == len(service.world.blobs)


async def test_sharded_clients_share_the_events() -> None:
    """Two clients of one shard each: the server's shard hears its events, the other does not."""
    service = Discord()
    async with service.serve():
        point_at(service)
        bots = [discord.Client(intents=discord.Intents(guilds=True), shard_id=n, shard_count=2) for n in range(2)]
        tasks = [asyncio.create_task(bot.start(lantern.TOKEN)) for bot in bots]
        own = (lantern.LANTERN >> 22) % 2
        await until(lambda: len(bots[own].guilds) == 2 and bots[1 - own].ws)

        assert 0 == len(bots[1 - own].guilds)
        for bot in bots:
            await bot.close()
        await asyncio.gather(*tasks)
