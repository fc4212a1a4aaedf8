"""Every command, menu, button and form × everybody: who may is in one table, and nothing may be missing from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from discord import app_commands

from bot.domain.guild import Block
from bot.standin.discord import lantern
from bot.standin.discord.interactions import COMPONENT, FORM
from tests.cogs.test_compare import an_image, uploaded
from tests.stage import Json, Stage, open_stage, text_of

ANN, BEN, MIA, ADA = lantern.ANN, lantern.BEN, lantern.MIA, lantern.ADA
ANYONE, PLACE, MODERATOR, ADMIN, OPERATOR = "anyone", "who may draw", "moderators", "admins", "the operator"
NO_NUMBER = 987_654_321
"""What no job, case, draft, image or change is called."""

WHO_MAY: Mapping[str, str] = {
    "appeal": ANYONE,
    "audit": MODERATOR,
    "cancel": ANYONE,
    "cases": ANYONE,
    "compare": ANYONE,
    "config": ADMIN,
    "generate": PLACE,
    "help": ANYONE,
    "inbox": ANYONE,
    "inspect": ANYONE,
    "limits clear": ADMIN,
    "limits grant": ADMIN,
    "limits reset": ADMIN,
    "limits set": ADMIN,
    "limits show": ADMIN,
    "mod block": MODERATOR,
    "mod case": MODERATOR,
    "mod cases": MODERATOR,
    "mod member": MODERATOR,
    "mod timeout": MODERATOR,
    "mod unblock": MODERATOR,
    "mod warn": MODERATOR,
    "privacy delete": ANYONE,
    "privacy export": ANYONE,
    "privacy show": ANYONE,
    "queue": ANYONE,
    "quota": ANYONE,
    "report": ANYONE,
    "rules add": ADMIN,
    "rules allow": ADMIN,
    "rules list": ADMIN,
    "rules remove": ADMIN,
    "rules test": ADMIN,
}
MENUS: Mapping[str, str] = {
    "Inspect image": ANYONE,
    "Report picture": ANYONE,
    "Member's record": MODERATOR,
    "Delete picture": ANYONE,
}
"""Of messages, and of members; what is theirs to report or delete is asked of the picture itself."""

OPTIONS: Mapping[str, dict[str, object]] = {
    "appeal": {"case": 1},
    "generate": {"prompt": "1girl", "size": "64x64"},
    "limits clear": {"who": str(BEN)},
    "limits grant": {"member": str(BEN), "pictures": 1},
    "limits reset": {"member": str(BEN)},
    "limits set": {"who": str(BEN), "pictures_day": 50},
    "mod block": {"member": str(BEN)},
    "mod case": {"number": 1},
    "mod member": {"member": str(BEN)},
    "mod timeout": {"member": str(BEN), "duration": "3600", "reason": "x"},
    "mod unblock": {"member": str(BEN)},
    "mod warn": {"member": str(BEN), "reason": "x"},
    "report": {"picture": "1"},
    "rules add": {"text": "gore"},
    "rules allow": {"text": "gore film"},
    "rules remove": {"text": "gore"},
    "rules test": {"prompt": "1girl"},
}


@dataclass(frozen=True)
class Person:
    """Somebody somewhere, and what they may do there; *refusals* are the sentences for what they may not."""

    user_id: int
    channel_id: int
    may: frozenset[str]
    refusals: Mapping[str, str]
    is_blocked: bool = False


MOD_ONLY, ADMIN_ONLY, NOT_SERVED = "Only moderators", "may manage this server", "not open in this server"
SENTENCES = (MOD_ONLY, ADMIN_ONLY, NOT_SERVED)
PEOPLE: Mapping[str, Person] = {
    "a member": Person(ANN, lantern.STUDIO, frozenset({ANYONE, PLACE}), {MODERATOR: MOD_ONLY, ADMIN: ADMIN_ONLY}),
    "a moderator": Person(MIA, lantern.STUDIO, frozenset({ANYONE, PLACE, MODERATOR}), {ADMIN: ADMIN_ONLY}),
    "an admin": Person(ADA, lantern.STUDIO, frozenset({ANYONE, PLACE, MODERATOR, ADMIN}), {}),
    "a blocked member": Person(
        BEN,
        lantern.STUDIO,
        frozenset({ANYONE}),
        {PLACE: "cannot use me here", MODERATOR: MOD_ONLY, ADMIN: ADMIN_ONLY},
        is_blocked=True,
    ),
    "a member of another server": Person(
        ANN,
        lantern.NEW_GENERAL,
        frozenset({ANYONE}),
        {PLACE: NOT_SERVED, MODERATOR: NOT_SERVED, ADMIN: NOT_SERVED},
    ),
    "somebody in direct messages": Person(ANN, lantern.DIRECT, frozenset({ANYONE}), {PLACE: "servers only"}),
}
BLOCKED_TOO = ("compare", "inspect", "report", "Inspect image", "Report picture")
"""What is closed to the blocked although anyone else may; what is theirs (quota, cases, appeal, privacy) stays open."""


def _expected(person: Person, name: str, right: str) -> str | None:
    """A sentence that refuses, or None where they may."""
    if person.is_blocked and name in BLOCKED_TOO:
        return "cannot use me here"
    return None if right in person.may else person.refusals.get(right)


async def _ready(stage: Stage, person: Person) -> Json:
    """A picture of Ann's that there is something to press, report and delete; and the block where there is one."""
    stage.let_everybody_use_every_command()
    made = await stage.answered(await stage.slash("generate", by=MIA, prompt="1girl", size="64x64"))
    if person.is_blocked:
        guilds = stage.house.services.guilds
        block = Block(guild_id=lantern.LANTERN, user_id=person.user_id, until=None, reason="", actor=MIA)
        await stage.house.store.block(block, guilds.record("member.blocked", lantern.LANTERN, MIA))
        await stage.house.services.moderation.load()
    return made


async def test_nothing_is_missing_from_the_table(tmp_path: Path) -> None:
    """Every command and menu that Discord is told of stands in it, and nothing else."""
    async with open_stage(tmp_path, working=False) as stage:
        known = list(stage.client.tree.walk_commands())
        commands = {each.qualified_name for each in known if isinstance(each, app_commands.Command)}
        every = [each for kind in (2, 3) for each in stage.client.tree.get_commands(type=_kind(kind))]

        assert set(WHO_MAY) == commands
        assert set(MENUS) == {each.name for each in every}


def _kind(kind: int) -> "app_commands.commands.AppCommandType":
    return app_commands.commands.AppCommandType(kind)


@pytest.mark.parametrize("who", PEOPLE)
async def test_every_command_answers_everybody_as_the_table_says(tmp_path: Path, who: str) -> None:
    """Where they may not, in one private sentence; where they may, none of those sentences, and no bug."""
    person = PEOPLE[who]
    async with open_stage(tmp_path) as stage:
        await _ready(stage, person)
        images = {key: uploaded(stage, an_image("1girl", 1), "a.png") for key in ("image", "first", "second")}
        options = {
            **OPTIONS,
            "inspect": {"image": images["image"]},
            "compare": {k: images[k] for k in ("first", "second")},
        }
        offered = {each["name"] for each in stage.discord.actions.commands_for(person.user_id, person.channel_id)}
        wrong = {}
        for name, right in WHO_MAY.items():
            if name.partition(" ")[0] not in offered:
                assert who == "somebody in direct messages", name
                continue
            said = await _answer(stage, person, name, options.get(name, {}))
            if not _is_right(name, said, _expected(person, name, right)):
                wrong[name] = said
        assert not wrong
        assert not [each for each in stage.house.services.activity.handlings().values() if each.error]


async def _answer(stage: Stage, person: Person, name: str, options: dict[str, object]) -> str:
    before = len(stage.private_words(person.user_id))
    asked = await stage.slash(name, by=person.user_id, at=person.channel_id, **options)
    said = text_of(await stage.answered(asked))
    words = stage.private_words(person.user_id)
    return said or (words[0] if len(words) > before else "") or ("form" if asked.form else "")


def _is_right(name: str, said: str, expected: str | None) -> bool:
    if expected is not None:
        return expected in said
    # These two also say what may not be done where one stands.
    tells = name in ("help", "quota")
    return bool(said) and (tells or not any(sentence in said for sentence in SENTENCES))


@pytest.mark.parametrize("who", [each for each in PEOPLE if "server" not in each and "direct" not in each])
async def test_every_menu_answers_everybody_as_the_table_says(tmp_path: Path, who: str) -> None:
    """On Mia's picture, and on Ben."""
    person = PEOPLE[who]
    async with open_stage(tmp_path) as stage:
        made = await _ready(stage, person)
        wrong = {}
        for name, right in MENUS.items():
            before = len(stage.private_words(person.user_id))
            wish = {"kind": "menu", "name": name, "message": made["id"]}
            if right is MODERATOR:
                wish = {"kind": "menu", "name": name, "user": str(BEN)}
            opened = await stage.discord.actions.act(person.user_id, person.channel_id, wish)
            said = text_of(await stage.answered(opened))
            words = stage.private_words(person.user_id)
            said = said or (words[0] if len(words) > before else "") or ("form" if opened.form else "")
            if not _is_right(name, said, _expected(person, name, right)):
                wrong[name] = said
        assert not wrong


OF_ONESELF = (("me", "forget"),)
"""What everybody may do to themselves, whatever number stands there."""


def _theirs(person: Person) -> tuple[str, ...]:
    """Nouns whose number says nothing of whether somebody may: a person's, for moderators, and settings, for admins."""
    return (*(["mod"] if MODERATOR in person.may else []), *(["conf"] if ADMIN in person.may else []))


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("kind", [COMPONENT, FORM])
async def test_every_forged_control_answers_everybody_and_changes_nothing(tmp_path: Path, who: str, kind: int) -> None:
    """Each verb, with a number that nothing has: one private sentence, no bug, and nothing on record but refusals."""
    person = PEOPLE[who]
    async with open_stage(tmp_path) as stage:
        await _ready(stage, person)
        # Controls that redraw what they stand on stand on cards, and those of drafts under a plain question.
        card, plain = [
            await stage.answered(await stage.slash(name, by=person.user_id, at=person.channel_id))
            for name in ("help", "cancel")
        ]
        store = stage.house.store
        mark, silent = await store.newest_entry(), []
        for (noun, verb), known in sorted(stage.client.controls.items()):
            if (known.press if kind == COMPONENT else known.submit) is None:
                continue
            if noun in _theirs(person) or (noun, verb) in OF_ONESELF:
                continue
            if not await _forged(stage, person, kind, f"{noun}:{NO_NUMBER}:{verb}", plain if noun == "draft" else card):
                silent.append(f"{noun}:{verb}")
        happened = {each.kind for each in await store.happenings(mark, 1_000)}
        errors = [each.error for each in stage.house.services.activity.handlings().values() if each.error]

        assert [] == errors
        assert happened <= {"refused"}
        assert not silent


async def _forged(stage: Stage, person: Person, kind: int, custom_id: str, message: Json) -> str:
    part = {"type": 2, "style": 2, "label": "x", "custom_id": custom_id, "id": 2, "disabled": False}
    told = {**message, "components": [{"type": 1, "id": 1, "components": [part]}]}
    data: Json = (
        {"custom_id": custom_id, "component_type": 2, "id": 2}
        if kind == COMPONENT
        else {"custom_id": custom_id, "components": []}
    )
    before = len(stage.private_words(person.user_id))
    sent = await stage.discord.actions._send(kind, person.user_id, person.channel_id, data, told)
    said = text_of(await stage.answered(sent))
    words = stage.private_words(person.user_id)
    return said or (words[0] if len(words) > before else "") or ("form" if sent.form else "")
