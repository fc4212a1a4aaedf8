"""Warnings, pauses and blocks from the record and by command: who may, on whom, and what follows for the member."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.case import HOUSE, Decision
from bot.domain.errors import Forbidden
from bot.domain.guild import Block
from bot.domain.request import Requester
from bot.standin.discord import Discord, lantern
from bot.standin.discord.components import walk
from bot.standin.discord.interactions import COMPONENT, Interaction
from bot.standin.novelai import NovelAI
from tests.openapi import OpenApi
from tests.stage import STUDIO, Json, Stage, open_stage, play, text_of

ANN, BEN, MIA, ADA = lantern.ANN, lantern.BEN, lantern.MIA, lantern.ADA
SMALL = "64x64"
DAY = 86_400
LOGGED = replace(STUDIO, log_channel=lantern.MOD_LOG)
OPERATORS = {"operator_guild": lantern.LANTERN}


async def _record(stage: Stage, of: int = ANN, *, by: int = MIA, at: int = lantern.STUDIO) -> Json:
    return await stage.answered(await stage.slash("mod member", by=by, at=at, member=str(of)))


async def _menu_of(stage: Stage, of: int, *, by: int, at: int = lantern.STUDIO) -> Interaction:
    return await stage.discord.actions.act(by, at, {"kind": "menu", "name": "Member's record", "user": str(of)})


async def _acted(stage: Stage, card: Json, label: str, *, by: int = MIA, **values: Any) -> Json:
    """Press a button of the record, fill its form if there is one; the record as it stands then."""
    pressed = await stage.press(card, label, by=by)
    if values:
        pressed = await stage.fill(pressed, by=by, **values)
    await stage.answered(pressed)
    return stage.discord.world.shown[int(card["id"])].message


def _labels(message: Json) -> list[str]:
    return [part["label"] for part in walk(message["components"]) if part.get("label")]


def _log(stage: Stage) -> list[str]:
    return [text_of(s.message) for s in stage.discord.world.visible(0, lantern.MOD_LOG)]


async def test_a_pause_by_the_bot_leaves_a_lasting_block_in_force(tmp_path: Path) -> None:
    """In memory as in the database."""
    async with open_stage(tmp_path) as stage:
        services = stage.house.services
        await stage.said("mod block", by=MIA, member=str(ANN), reason="rude")
        await stage.house.store.heat_up(lantern.LANTERN, ANN, 5.0, services.guilds.record("x", None, None).at)
        ann = Requester(user_id=ANN, guild_id=lantern.LANTERN, channel_id=lantern.STUDIO)

        await services.sanctions.note_refusal(ann, Forbidden("locked", sha256="0"))

        block = services.moderation.block_of(lantern.LANTERN, ANN)
        assert block is not None
        assert (None, "rude", MIA) == (block.until, block.reason, block.actor)


async def test_a_warning_stands_before_the_next_picture_until_it_was_read(tmp_path: Path) -> None:
    """Its words are read there; afterwards everything is as before. It stands in the log."""
    judge = OpenApi()
    async with open_stage(tmp_path, judge=judge, config=LOGGED) as stage:
        said = await stage.said("mod warn", by=MIA, member=str(ANN), reason="Keep it *kind*.")
        assert "reads your words before their next picture. Case 1." in said

        refused = await stage.said("generate", prompt="1girl", size=SMALL)
        assert f'<@{MIA}> left you a note: "Keep it \\*kind\\*"' in refused
        assert "Your pictures" in await stage.said("quota")
        ann = Requester(user_id=ANN, guild_id=lantern.LANTERN, channel_id=lantern.STUDIO)
        await stage.house.services.sanctions.acknowledge(ann, 1)

        assert "seed" in await stage.said("generate", prompt="1girl", size=SMALL)
        await stage.until(lambda: any("**Warned**" in line for line in _log(stage)))
        assert f"⚠️ **Warned** <@{ANN}> by <@{MIA}>. Reason: Keep it \\*kind\\*." in "\n".join(_log(stage))

    assert [] == judge.wrong


async def test_a_timeout_takes_back_what_waits_and_ends_by_itself(tmp_path: Path) -> None:
    """By the clock, without anybody's doing."""
    moment = [1_800_000_000.0]
    async with open_stage(tmp_path, working=False, clock=lambda: moment[0]) as stage:
        await stage.asked()
        said = await stage.said("mod timeout", by=MIA, member=str(ANN), duration=str(DAY), reason="Sleep on it.")
        assert f"until <t:{int(moment[0]) + DAY}:f>" in said
        assert "1 waiting picture was taken back" in said
        assert "cannot use me here until" in await stage.said("generate", prompt="1girl", size=SMALL)

        moment[0] += DAY
        await stage.house.services.accounts.read(stage.house.services.accounts.clients[0])
        await stage.asked()


async def test_the_record_says_what_was_decided_and_no_prompt(tmp_path: Path) -> None:
    """Figures, what holds, each sanction with its date and words, open cases; the same from the user menu."""
    async with open_stage(tmp_path, config=replace(STUDIO, report_limit=1)) as stage:
        await stage.answered(await stage.slash("generate", prompt="secret wish", size=SMALL))
        await stage.said("mod warn", by=MIA, member=str(ANN), reason="First.")
        await stage.said("mod timeout", by=MIA, member=str(ANN), duration="3600", reason="Second.")
        await stage.said("report", by=BEN, picture="1", reason="look at this")

        card = await _record(stage)

        text = text_of(card)
        assert "**Pictures here** 1 · **Warnings** 1 · **Pauses and blocks** 1" in text
        assert "**Now** paused until <t:" in text
        assert "Has a note to read first: case 1" in text
        assert f'by <@{MIA}> · case 1 · "First."' in text
        assert "A picture was reported · open since <t:" in text
        assert "Heat 1:" in text
        for hidden in ("secret", "look at this", str(BEN)):
            assert hidden not in str(card["components"])
        by_menu = await stage.answered(await _menu_of(stage, ANN, by=MIA))
        assert text == text_of(by_menu)
        assert card["flags"] & by_menu["flags"] & 64


async def test_everything_is_done_from_the_record_and_it_is_drawn_anew(tmp_path: Path) -> None:
    """Warn, pause, lift, block, lift; always spoiler and back; each press asks again."""
    judge = OpenApi()
    async with open_stage(tmp_path, judge=judge) as stage:
        card = await _record(stage)
        assert ["Warn", "Pause", "Block", "Always spoiler"] == _labels(card)
        assert "Nothing was ever decided" in text_of(card)

        card = await _acted(stage, card, "Warn", words="Mind the rules.")
        assert '· case 1 · "Mind the rules."' in text_of(card)
        card = await _acted(stage, card, "Pause", duration=["3600"], words="An hour.")
        assert "**Now** paused until" in text_of(card)
        assert "Lift" in _labels(card)
        card = await _acted(stage, card, "Lift")
        assert "**Now** may use me" in text_of(card)
        card = await _acted(stage, card, "Block", words="")
        assert "**Now** blocked until lifted." in text_of(card)
        card = await _acted(stage, card, "Lift")
        assert "can use me here again" in stage.private_words(MIA)[0]
        assert "Lift" not in _labels(card)

        card = await _acted(stage, card, "Always spoiler")
        ann = Requester(user_id=ANN, guild_id=lantern.LANTERN, channel_id=lantern.STUDIO)
        await stage.house.services.sanctions.acknowledge(ann, 1)
        made = await stage.answered(await stage.slash("generate", prompt="1girl", size=SMALL))
        assert made["attachments"][0]["filename"].startswith("SPOILER_")
        card = await _acted(stage, card, "No more spoiler")
        made = await stage.answered(await stage.slash("generate", prompt="1girl", size=SMALL))
        assert not made["attachments"][0]["filename"].startswith("SPOILER_")

        decided = [case.decision for case in await stage.house.store.cases(user_id=ANN, most=9)]
        assert [Decision.BLOCKED, Decision.PAUSED, Decision.WARNED] == decided

    assert [] == judge.wrong


@pytest.mark.parametrize(("member", "words"), [(MIA, "cannot do that to yourself"), (ADA, "cannot be done to them")])
async def test_on_whom_nothing_is_done(tmp_path: Path, member: int, words: str) -> None:
    """Themselves, whoever manages the server or runs the bot: by command, and by buttons that nobody showed."""
    async with open_stage(tmp_path, working=False) as stage:
        reason, whom = "x", str(member)
        assert words in await stage.said("mod warn", by=MIA, member=whom, reason=reason)
        assert words in await stage.said("mod timeout", by=MIA, member=whom, duration="3600", reason=reason)
        card = await _record(stage, member)
        assert [] == _labels(card)
        assert "nothing is done to them from here" in text_of(card)

        shown = await _record(stage, ANN)
        for verb in ("spoiler", "lift"):
            said = await _forged(stage, MIA, f"mod:{member}:{verb}", shown)
            assert words in said or (verb == "lift" and "is not blocked" in said)
        for verb in ("warn", "pause", "block"):
            said = await _submitted(stage, MIA, f"mod:{member}:{verb}", shown, duration="3600", words="x")
            assert words in said, (verb, said)
        assert [] == list(await stage.house.store.cases(most=9))
        assert not await stage.house.store.conducts()


async def test_an_admin_of_the_server_is_recognised_by_the_button_too(tmp_path: Path) -> None:
    """Who manages the server is read anew at each press; Ada runs the bot no more here, but owns the server."""
    async with open_stage(tmp_path, working=False, house={"operators": frozenset({BEN})}) as stage:
        shown = await _record(stage, ANN)

        said = await _submitted(stage, MIA, f"mod:{ADA}:block", shown, words="x")

        assert "They manage this server" in said
        assert stage.house.services.moderation.block_of(lantern.LANTERN, ADA) is None


async def test_whoever_left_the_server_has_a_record_still(tmp_path: Path) -> None:
    """Discord knows no such member, and what was decided stands."""
    async with open_stage(tmp_path, working=False) as stage:
        card = await _record(stage, ANN)
        del stage.discord.world.people[ANN]

        card = await _acted(stage, card, "Warn", words="For when you come back.")

        assert "For when you come back" in text_of(card)


async def test_a_discord_that_says_nothing_of_a_member_leaves_them_alone(tmp_path: Path) -> None:
    """Nobody is sanctioned of whom it is not known whether they may be."""
    async with open_stage(tmp_path, working=False) as stage:
        shown = await _record(stage, ANN)
        stage.discord.fail_next("GET", "/members/", 403, code=50001, times=9)

        said = await _submitted(stage, MIA, f"mod:{ANN}:block", shown, words="x")

        assert said
        assert stage.house.services.moderation.block_of(lantern.LANTERN, ANN) is None


# --- who may


MOD_ONLY, ADMIN_ONLY, OPERATOR_ONLY = "Only moderators", "may manage", "people who run me"
NOT_SERVED, BLOCKED, NONE = "not open in this server", "cannot use me here", "no picture of mine there"
RECEIVED, WARNED, PAUSED, RECORD = "The moderators have it", "reads your words", "cannot use me here until", "Record of"
COMMANDS: dict[str, dict[str, object]] = {
    "report": {"picture": "1", "reason": "x"},
    "mod warn": {"member": str(BEN), "reason": "x"},
    "mod timeout": {"member": str(BEN), "duration": "3600", "reason": "x"},
    "mod member": {"member": str(BEN)},
    "operator block": {"user": str(BEN), "reason": "x"},
    "operator unblock": {"user": str(BEN)},
}
MAY: dict[str, tuple[int, int, dict[str, str]]] = {
    "a member": (
        BEN,
        lantern.STUDIO,
        {
            "report": RECEIVED,
            "mod warn": MOD_ONLY,
            "mod timeout": MOD_ONLY,
            "mod member": MOD_ONLY,
            "operator block": OPERATOR_ONLY,
            "operator unblock": OPERATOR_ONLY,
        },
    ),
    "the author": (ANN, lantern.STUDIO, {"report": "This picture is yours", "mod warn": MOD_ONLY}),
    "a moderator": (
        MIA,
        lantern.STUDIO,
        {
            "report": RECEIVED,
            "mod warn": WARNED,
            "mod timeout": PAUSED,
            "mod member": RECORD,
            "operator block": OPERATOR_ONLY,
            "operator unblock": OPERATOR_ONLY,
        },
    ),
    "an admin who runs the bot": (
        ADA,
        lantern.STUDIO,
        {
            "report": RECEIVED,
            "mod warn": WARNED,
            "mod timeout": PAUSED,
            "mod member": RECORD,
            "operator block": "cannot use me anywhere",
            "operator unblock": "can use me again",
        },
    ),
    "a blocked member": (BEN, lantern.STUDIO, {"report": BLOCKED, "mod warn": MOD_ONLY}),
    "an admin in a server that is not served": (
        ADA,
        lantern.NEW_GENERAL,
        {"report": NONE, "mod warn": NOT_SERVED, "mod timeout": NOT_SERVED, "mod member": NOT_SERVED},
    ),
}


@pytest.mark.parametrize("who", MAY)
async def test_who_may_use_which_command(tmp_path: Path, who: str) -> None:
    """Asked inside, whatever Discord lets through; every answer is private."""
    user_id, channel_id, expected = MAY[who]
    async with open_stage(tmp_path, house=OPERATORS) as stage:
        await _prepared(stage, who)
        for name, words in expected.items():
            answer = await stage.answered(await stage.slash(name, by=user_id, at=channel_id, **COMMANDS[name]))
            assert words in text_of(answer), (name, text_of(answer))
            assert answer["flags"] & 64, name


async def _prepared(stage: Stage, who: str) -> Json:
    """A picture of Ann's, every command for everybody, and Ben blocked where the row says so."""
    stage.let_everybody_use_every_command()
    for command in stage.discord.world.commands.get(lantern.LANTERN, []):
        command["default_member_permissions"] = None
    made = await stage.answered(await stage.slash("generate", by=ANN, prompt="1girl", size=SMALL))
    if "blocked" in who:
        record = stage.house.services.guilds.record("member.blocked", lantern.LANTERN, MIA)
        block = Block(guild_id=lantern.LANTERN, user_id=BEN, until=None, reason="", actor=MIA)
        await stage.house.store.block(block, record)
        await stage.house.services.moderation.load()
    return made


@pytest.mark.parametrize("at", [lantern.DIRECT, lantern.NEW_GENERAL])
async def test_what_a_place_does_not_offer(tmp_path: Path, at: int) -> None:
    """Direct messages have none of it but Delete; only the operator's server has the operator's commands."""
    async with open_stage(tmp_path, working=False, house=OPERATORS) as stage:
        person = ANN if at == lantern.DIRECT else ADA
        names = {command["name"] for command in stage.discord.actions.commands_for(person, at)}

        assert "operator" not in names
        assert "Delete picture" in names
        if at == lantern.DIRECT:
            assert not names & {"report", "mod", "Report picture", "Member's record"}


MENUS: dict[str, tuple[int, dict[str, str]]] = {
    "a member": (BEN, {"Report picture": "form", "Delete picture": "Only <@", "Member's record": MOD_ONLY}),
    "the author": (
        ANN,
        {"Report picture": "This picture is yours", "Member's record": MOD_ONLY, "Delete picture": "Deleted."},
    ),
    "a moderator": (MIA, {"Report picture": "form", "Delete picture": "form", "Member's record": RECORD}),
    "an admin": (ADA, {"Report picture": "form", "Delete picture": "form", "Member's record": RECORD}),
    "a blocked member": (BEN, {"Report picture": BLOCKED, "Delete picture": "Only <@", "Member's record": MOD_ONLY}),
}


@pytest.mark.parametrize("who", MENUS)
async def test_who_may_use_which_menu(tmp_path: Path, who: str) -> None:
    """A form is the acknowledgement of whoever may; everybody else reads one private sentence."""
    user_id, expected = MENUS[who]
    async with open_stage(tmp_path) as stage:
        made = await _prepared(stage, who)
        for name, words in expected.items():
            used = (
                await _menu_of(stage, BEN, by=user_id)
                if name == "Member's record"
                else await stage.menu(name, made, by=user_id)
            )
            if words == "form":
                await stage.until(lambda used=used: used.form)
                continue
            assert words in text_of(await stage.answered(used)), name


async def _forged(stage: Stage, user_id: int, custom_id: str, message: Json) -> str:
    """Press what no client shows this person; the newest of what they read then."""
    part = {"type": 2, "style": 2, "label": "x", "custom_id": custom_id, "id": 2, "disabled": False}
    told = {**message, "flags": 0, "components": [{"type": 1, "id": 1, "components": [part]}]}
    pressed = {"custom_id": custom_id, "component_type": 2, "id": 2}
    channel_id = int(str(message["channel_id"]))
    return await _read(stage, user_id, await stage.discord.actions._send(COMPONENT, user_id, channel_id, pressed, told))


async def _submitted(stage: Stage, user_id: int, custom_id: str, message: Json, **values: str) -> str:
    """Submit a form that was never opened."""
    fields = [
        {"type": 18, "id": n, "component": {"type": 4, "id": 9 + n, "custom_id": name, "value": value}}
        for n, (name, value) in enumerate(values.items(), 1)
    ]
    data = {"custom_id": custom_id, "components": fields}
    told, channel_id = {**message, "flags": 0}, int(str(message["channel_id"]))
    return await _read(stage, user_id, await stage.discord.actions._send(5, user_id, channel_id, data, told))


async def _read(stage: Stage, user_id: int, sent: Interaction) -> str:
    before = len(stage.private_words(user_id))
    await stage.answered(sent)
    words = stage.private_words(user_id)
    return words[0] if len(words) > before else ""


PRESSES: dict[str, dict[str, str]] = {
    f"mod:{BEN}:record": {"a member": MOD_ONLY, "a blocked member": MOD_ONLY, "a moderator": RECORD},
    f"mod:{BEN}:warn": {"a member": MOD_ONLY, "a blocked member": MOD_ONLY},
    f"mod:{BEN}:pause": {"a member": MOD_ONLY, "a blocked member": MOD_ONLY},
    f"mod:{BEN}:block": {"a member": MOD_ONLY, "a blocked member": MOD_ONLY},
    f"mod:{BEN}:spoiler": {"a member": MOD_ONLY, "a blocked member": MOD_ONLY, "a moderator": "behind a spoiler"},
    f"mod:{BEN}:lift": {"a member": MOD_ONLY, "a blocked member": MOD_ONLY, "a moderator": "is not blocked here"},
    f"mod:{BEN}:fly": {"a moderator": "too old"},
    "mod:9999999999999999999:spoiler": {"a member": "too old", "a moderator": "too old"},
    "job:1:report": {"the author": "This picture is yours", "a blocked member": BLOCKED},
    "job:9999999999999999999:report": {"a member": "too old"},
    "job:9:report": {"a member": NONE},
    "job:1:delete": {"a member": "Only <@", "a blocked member": "Only <@"},
    "job:9:delete": {"a member": "too old"},
}


@pytest.mark.parametrize("custom_id", PRESSES)
async def test_a_forged_press_gets_its_sentence_and_changes_nothing(tmp_path: Path, custom_id: str) -> None:
    """By each of those who are not shown that button; a public message stays what it is."""
    for who, words in PRESSES[custom_id].items():
        async with open_stage(tmp_path / who) as stage:
            made = await _prepared(stage, who)
            user_id = {"the author": ANN, "a moderator": MIA}.get(who, BEN)

            said = await _forged(stage, user_id, custom_id, made)

            assert words in said, (who, said)
            assert made == stage.discord.world.shown[int(made["id"])].message
            if user_id != MIA:
                assert not await stage.house.store.conducts()
                assert [] == list(await stage.house.store.cases(most=9))


@pytest.mark.parametrize("verb", ["warn", "pause", "block"])
async def test_a_forged_form_gets_its_sentence_and_changes_nothing(tmp_path: Path, verb: str) -> None:
    """From a member; and a moderator's with a duration that nobody was offered."""
    async with open_stage(tmp_path) as stage:
        made = await _prepared(stage, "a member")
        assert MOD_ONLY in await _submitted(stage, BEN, f"mod:{ANN}:{verb}", made, duration="3600", words="x")
        if verb == "pause":
            assert "cannot see what you chose" in await _submitted(
                stage, MIA, f"mod:{BEN}:{verb}", made, duration="1e9", words="x"
            )
        assert [] == list(await stage.house.store.cases(most=9))
        assert made == stage.discord.world.shown[int(made["id"])].message


# --- the operator


async def test_the_operator_keeps_somebody_out_everywhere(tmp_path: Path) -> None:
    """In every server and in direct messages; no server's moderator lifts it; then they are back."""
    async with open_stage(tmp_path, house={**OPERATORS, "direct": True}) as stage:
        said = await stage.said("operator block", by=ADA, user=str(ANN), reason="Enough.")
        assert "cannot use me anywhere" in said
        for at in (lantern.STUDIO, lantern.DIRECT):
            assert "You cannot use me here. Reason: Enough." in await stage.said(
                "generate", at=at, prompt="1girl", size=SMALL
            )
        block = stage.house.services.moderation.block_of(lantern.NEW_SERVER, ANN)
        assert block is not None
        assert HOUSE == block.guild_id
        card = await _record(stage)
        assert "kept out everywhere" in text_of(card)
        assert "Lift" not in _labels(card)
        assert "is not blocked here" in await stage.said("mod unblock", by=MIA, member=str(ANN))

        await stage.said("operator unblock", by=ADA, user=str(ANN))
        assert "seed" in await stage.said("generate", prompt="1girl", size=SMALL)


async def test_the_operators_commands_are_told_to_their_server_alone(tmp_path: Path) -> None:
    """They leave with the setting, and a server that the bot is not in keeps nobody from the others."""
    novelai, discord = NovelAI(), Discord()
    async with novelai.serve() as address, discord.serve():

        async def start(guild_id: int | None) -> tuple[set[str], dict[str, str]]:
            house = {"operator_guild": guild_id}
            async with play(tmp_path, discord, novelai, address, working=False, operator=house) as stage:
                told = stage.discord.world.commands.get(lantern.LANTERN, [])
                return {command["name"] for command in told}, stage.client.mentions

        for guild_id, names in ((lantern.LANTERN, {"operator"}), (lantern.LANTERN, {"operator"}), (5, set())):
            told, mentions = await start(guild_id)
            assert names == told
            assert ("/operator unblock" in mentions) is bool(names)
            assert "</help:" in mentions["/help"]
            assert "operator" not in {command["name"] for command in discord.world.commands[None]}
        assert {"operator"} == (await start(lantern.LANTERN))[0]
        assert set() == (await start(None))[0]


async def test_the_menus_are_as_many_as_discord_py_allows(tmp_path: Path) -> None:
    """Five of messages and five of users at most; Discord itself takes a hundred commands."""
    async with open_stage(tmp_path, working=False) as stage:
        told = stage.discord.world.commands[None]
        names = {kind: {command["name"] for command in told if command["type"] == kind} for kind in (1, 2, 3)}

        assert {"Inspect image", "Report picture", "Delete picture"} <= names[3]
        assert {"Member's record"} == names[2]
        assert [len(names[2]) <= 5, len(names[3]) <= 5, len(names[1]) <= 100] == [True] * 3
