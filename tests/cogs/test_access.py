"""Who may use what, where: asked inside every command, also where Discord would have let them."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.guild import Block, HouseConfig
from bot.domain.job import Delivery, JobState
from bot.standin.discord import lantern
from bot.standin.discord.components import walk
from bot.standin.discord.interactions import COMPONENT
from tests.stage import STUDIO, Stage, open_stage, play, text_of

ANN, BEN, MIA, ADA = lantern.ANN, lantern.BEN, lantern.MIA, lantern.ADA
ADMIN_ONLY, MOD_ONLY = "may manage this server", "Only moderators"
NOT_THEIRS = "Nothing of yours waits under this button"
NOT_SERVED, BLOCKED, PLACE, DIRECT = "not open in this server", "cannot use me here", "I do not draw in", "servers only"

COMMANDS: dict[str, dict[str, object]] = {
    "generate": {"prompt": "1girl", "size": "64x64"},
    "quota": {},
    "queue": {},
    "queue ": {"everyone": True},
    "quota ": {"member": str(BEN)},
    "cancel": {},
    "help": {},
    "inbox": {},
    "config": {},
    "config ": {"setting": "private", "value": "off"},
    "rules add": {"text": "gore"},
    "rules allow": {"text": "gore film"},
    "rules remove": {"text": "gore"},
    "rules list": {},
    "rules test": {"prompt": "1girl"},
    "mod case": {"number": 1},
    "mod cases": {},
    "cases": {},
    "appeal": {"case": 1},
    "mod block": {"member": str(BEN)},
    "mod unblock": {"member": str(BEN)},
    "audit": {},
    "audit ": {"member": str(BEN), "kind": "refusals"},
    "privacy show": {},
    "privacy export": {},
    "privacy delete": {},
    "limits show": {},
    "limits set": {"who": str(lantern.ARTISTS), "pictures_day": 50},
    "limits clear": {"who": str(lantern.ARTISTS)},
    "limits grant": {"member": str(BEN), "pictures": 1},
    "limits reset": {"member": str(BEN)},
}
"""Name (a blank behind it tells two uses apart) → options."""

LIMITS = tuple(name for name in COMMANDS if name.startswith("limits"))
READS = {
    "cases": "Decisions about you",
    "appeal": "no such case here",
    "quota": "Your pictures",
    "queue": "Your waiting",
    "cancel": "nothing waiting",
    "help": "I draw with NovelAI",
    "inbox": "Waiting for you",
    "privacy show": "What I keep about you",
    "privacy export": "Everything I keep about you",
    "privacy delete": "cannot be undone",
}
EXPECTED: dict[str, tuple[int, int, dict[str, str]]] = {
    "a member": (
        ANN,
        lantern.STUDIO,
        {
            **READS,
            "generate": "seed",
            "queue ": MOD_ONLY,
            "quota ": MOD_ONLY,
            "config": ADMIN_ONLY,
            "config ": ADMIN_ONLY,
            "rules add": ADMIN_ONLY,
            "rules allow": ADMIN_ONLY,
            "rules remove": ADMIN_ONLY,
            "rules list": ADMIN_ONLY,
            "rules test": ADMIN_ONLY,
            "mod block": MOD_ONLY,
            "mod unblock": MOD_ONLY,
            "mod case": MOD_ONLY,
            "mod cases": MOD_ONLY,
            "audit": MOD_ONLY,
            "audit ": MOD_ONLY,
            **dict.fromkeys(LIMITS, ADMIN_ONLY),
        },
    ),
    "a moderator": (
        MIA,
        lantern.STUDIO,
        {
            "generate": "seed",
            "queue ": "Everybody's",
            "quota ": "Pictures of",
            "config": ADMIN_ONLY,
            "rules add": ADMIN_ONLY,
            "mod case": "no such case here",
            "mod cases": "Cases · Open",
            "mod block": BLOCKED,
            "mod unblock": "can use me here again",
            "audit": "Unblocked",
            "audit ": "Refusals",
            **dict.fromkeys(LIMITS, ADMIN_ONLY),
        },
    ),
    "an admin": (
        ADA,
        lantern.STUDIO,
        {
            "generate": "seed",
            "config": "Settings",
            "config ": "Changed",
            "rules add": "From now on I refuse",
            "rules remove": "no longer refuse",
            "rules list": "Words this server refuses",
            "rules test": "would be drawn",
            "mod block": BLOCKED,
            "audit": "Audit",
            "limits show": "Who may make how much",
            "limits set": "may: 50 pictures a day",
            "limits clear": "no limit of their own any more",
            "limits grant": "may use 1 picture more",
            "limits reset": "counted from zero",
        },
    ),
    "a member where nothing is drawn": (ANN, lantern.GENERAL, {**READS, "generate": PLACE}),
    "a blocked member": (BEN, lantern.STUDIO, {**READS, "generate": BLOCKED}),
    "an admin in a server that is not served": (
        ADA,
        lantern.NEW_GENERAL,
        {
            **READS,
            "quota": NOT_SERVED,
            "generate": NOT_SERVED,
            "config": NOT_SERVED,
            "rules add": NOT_SERVED,
            "rules list": NOT_SERVED,
            "mod block": NOT_SERVED,
            "mod case": NOT_SERVED,
            "mod cases": NOT_SERVED,
            "audit": NOT_SERVED,
            "limits show": NOT_SERVED,
            "limits grant": NOT_SERVED,
        },
    ),
    "somebody in direct messages": (ANN, lantern.DIRECT, {**READS, "quota": DIRECT, "generate": DIRECT}),
}


@pytest.mark.parametrize("who", EXPECTED)
async def test_who_may_use_what(tmp_path: Path, who: str) -> None:
    """One private sentence for whoever may not; reading never refuses."""
    user_id, channel_id, expected = EXPECTED[who]
    async with open_stage(tmp_path) as stage:
        stage.let_everybody_use_every_command()
        if "blocked" in who:
            await _block(stage, BEN)
        for name, words in expected.items():
            answer = await stage.answered(await stage.slash(name.strip(), by=user_id, at=channel_id, **COMMANDS[name]))
            assert words in text_of(answer), (name, text_of(answer))
            assert (name == "generate" and words == "seed") or answer["flags"] & 64, name


async def _block(stage: Stage, user_id: int) -> None:
    moderation = stage.house.services.moderation
    record = stage.house.services.guilds.record("member.blocked", lantern.LANTERN, MIA)
    block = Block(guild_id=lantern.LANTERN, user_id=user_id, until=None, reason="", actor=MIA)
    await stage.house.store.block(block, record)
    await moderation.load()


async def test_a_chosen_role_moderates(tmp_path: Path) -> None:
    """Ben has the role and not the permission."""
    async with open_stage(tmp_path, working=False) as stage:
        stage.let_everybody_use_every_command()
        assert MOD_ONLY in await stage.said("mod block", by=BEN, member=str(ANN))
        await stage.said("config", by=ADA, setting="moderator_role", value="@Artists")

        assert BLOCKED in await stage.said("mod block", by=BEN, member=str(ANN))


async def test_a_role_of_the_same_number_elsewhere_moderates_nothing(tmp_path: Path) -> None:
    """The role is asked for in its own server alone."""
    async with open_stage(tmp_path, working=False, config=replace(STUDIO, moderator_role=lantern.ARTISTS)) as stage:
        stage.let_everybody_use_every_command()
        await stage.house.services.guilds.admit(lantern.NEW_SERVER)

        assert MOD_ONLY in await stage.said("mod block", by=BEN, at=lantern.NEW_GENERAL, member=str(ANN))


async def _forged(stage: Stage, user_id: int, custom_id: str, message: dict[str, object]) -> str:
    """Press what no client shows this person."""
    part = {"type": 2, "style": 2, "label": "x", "custom_id": custom_id, "id": 2, "disabled": False}
    told = {**message, "flags": 0, "components": [{"type": 1, "id": 1, "components": [part]}]}
    pressed = {"custom_id": custom_id, "component_type": 2, "id": 2}
    channel_id = int(str(message["channel_id"]))
    sent = await stage.discord.actions._send(COMPONENT, user_id, channel_id, pressed, told)
    before = len(stage.private_words(user_id))
    await stage.answered(sent)
    words = stage.private_words(user_id)
    return words[0] if len(words) > before else ""


@pytest.mark.parametrize(
    ("custom_id", "words"),
    [
        ("conf:0:change:never_spend", ADMIN_ONLY),
        ("conf:0:change:pictures_day", ADMIN_ONLY),
        ("conf:0:group", ADMIN_ONLY),
        ("conf:0:choose:channels", ADMIN_ONLY),
        ("conf:0:clear:log_channel", ADMIN_ONLY),
        ("conf:0:setup", ADMIN_ONLY),
        ("conf:0:log", ADMIN_ONLY),
        ("mod:1:audit:o5", MOD_ONLY),
        ("mod:1:audit", MOD_ONLY),
        ("mod:1:auditfile", MOD_ONLY),
        ("conf:4:open", ADMIN_ONLY),
        ("conf:4:accept", ADMIN_ONLY),
        ("conf:1:pick:channels", ADMIN_ONLY),
        ("conf:3:amount:100", ADMIN_ONLY),
        ("conf:1:yes", ADMIN_ONLY),
        ("conf:1:undo", ADMIN_ONLY),
        (f"conf:{lantern.NEW_SERVER}:admit", "people who run me"),
        (f"conf:{lantern.NEW_SERVER}:shut", "people who run me"),
        ("job:1:withdraw", "Only"),
        ("job:1:cancel", "Only"),
        ("job:1:delete", "Only"),
        ("inbox:1:take", NOT_THEIRS),
        ("inbox:9:take", NOT_THEIRS),
        ("inbox:0:all", NOT_THEIRS),
        ("draft:1:edit", "too old"),
        ("draft:1:go", "too old"),
        ("conf:0:fly", "too old"),
        ("nothing", "too old"),
    ],
)
async def test_a_forged_press_gets_its_sentence_and_changes_nothing(tmp_path: Path, custom_id: str, words: str) -> None:
    """Ben presses what only Ann, an admin, or the operator is shown."""
    async with open_stage(tmp_path) as stage:
        made = await stage.answered(await stage.slash("generate", by=ANN, prompt="1girl", size="64x64"))
        before = stage.house.services.guilds.config_of(lantern.LANTERN)

        said = await _forged(stage, BEN, custom_id, made)

        assert words in said, said
        assert before == stage.house.services.guilds.config_of(lantern.LANTERN)
        assert stage.house.services.guilds.config_of(lantern.NEW_SERVER) is None
        job = await stage.house.store.get(1)
        assert job is not None
        assert JobState.DONE == job.state


@pytest.mark.parametrize("who", [BEN, MIA, ADA])
async def test_somebody_elses_inbox_is_refused_without_a_word_of_what_is_in_it(tmp_path: Path, who: int) -> None:
    """A moderator's and an operator's press too; and it is Ann's afterwards as it was before."""
    async with open_stage(tmp_path) as stage:
        stage.discord.world.unreachable |= {lantern.STUDIO, ANN}
        stage.discord.fail_next("PATCH", "/messages/", 404, code=10008, times=9)
        await stage.answered(await stage.slash("generate", prompt="1girl, secret", size="64x64"))
        stage.discord.rest.faults.clear()
        card = await stage.answered(await stage.slash("inbox"))
        assert "secret" in text_of(card)
        empty = await stage.answered(await stage.slash("inbox", by=who))
        assert "secret" not in text_of(empty)

        for message in (card, empty):
            said = await _forged(stage, who, "inbox:1:take", {**message, "flags": 64})
            assert NOT_THEIRS in said
        job = await stage.house.store.get(1)
        assert job is not None
        assert Delivery.INBOX == job.delivery
        assert not [words for words in stage.private_words(who) if "secret" in words or "One moment" in words]


async def test_an_age_restricted_picture_is_collected_in_such_places_only(tmp_path: Path) -> None:
    """Not in a channel for everybody, though only its member would see it there."""
    config = replace(STUDIO, channels=(lantern.STUDIO, lantern.NIGHT_STUDIO), age_restricted=True)
    async with open_stage(tmp_path, config=config) as stage:
        stage.discord.world.unreachable |= {lantern.NIGHT_STUDIO, ANN}
        stage.discord.fail_next("PATCH", "/messages/", 404, code=10008, times=9)
        await stage.answered(await stage.slash("generate", at=lantern.NIGHT_STUDIO, prompt="1girl", size="64x64"))
        stage.discord.rest.faults.clear()

        card = await stage.answered(await stage.slash("inbox"))
        await stage.answered(await stage.press(card, "Collect"))
        assert "age-restricted channels" in stage.private_words()[0]
        card = await stage.answered(await stage.slash("inbox", at=lantern.NIGHT_STUDIO))
        await stage.answered(await stage.press(card, "Collect"))

        job = await stage.delivered(1)
        assert Delivery.SHOWN == job.delivery


@pytest.mark.parametrize("custom_id", ["conf:9:step", "conf:0:change:flying", "conf:3:amount:9999", "conf:9:undo"])
async def test_a_forged_press_of_an_admin_is_no_bug(tmp_path: Path, custom_id: str) -> None:
    """Arguments that mean nothing are answered like an old button."""
    async with open_stage(tmp_path, working=False) as stage:
        card = await stage.answered(await stage.slash("config", by=ADA))
        said = await _forged(stage, ADA, custom_id, card)

        assert "too old" in said or "too long ago" in said, said


async def test_a_deleted_channel_is_nowhere_to_draw_or_to_be_sent(tmp_path: Path) -> None:
    """Its name is not offered; with the last one gone the server counts as not set up."""
    config = replace(STUDIO, channels=(lantern.STUDIO, lantern.NIGHT_STUDIO))
    async with open_stage(tmp_path, working=False, config=config) as stage:
        guilds = stage.house.services.guilds
        assert f"<#{lantern.STUDIO}>, <#{lantern.NIGHT_STUDIO}>" in await stage.said(
            "generate", at=lantern.GENERAL, prompt="x"
        )
        for channel, left in (
            (lantern.NIGHT_STUDIO, f"Here I may: <#{lantern.STUDIO}>."),
            (lantern.STUDIO, "set me up"),
        ):
            gone = stage.discord.world.channels[channel]
            await stage.discord.gateway.event("CHANNEL_DELETE", gone, lantern.LANTERN)
            await stage.until(lambda gone=channel: gone not in guilds.channels_of(lantern.LANTERN))

            assert left in await stage.said("generate", at=lantern.GENERAL, prompt="x")


async def test_a_channel_that_stops_being_age_restricted_makes_no_more_of_it(tmp_path: Path) -> None:
    """What was asked before the change and waits is blocked at the moment of claim; its member is told alone."""
    config = replace(STUDIO, channels=(lantern.NIGHT_STUDIO,), age_restricted=True)
    async with open_stage(tmp_path, working=False, config=config) as stage:
        asked = await stage.slash("generate", at=lantern.NIGHT_STUDIO, prompt="1girl, nsfw", size="64x64")
        await stage.until(lambda: asked.acknowledged)
        store = stage.house.store
        while not await store.waiting():
            await asyncio.sleep(0.01)
        channel = stage.discord.world.channels[lantern.NIGHT_STUDIO] | {"nsfw": False}
        await stage.discord.gateway.event("CHANNEL_UPDATE", channel, lantern.LANTERN)
        guilds = stage.house.services.guilds
        await stage.until(lambda: not guilds.channels_of(lantern.LANTERN)[lantern.NIGHT_STUDIO])

        await stage.house.services.workers[0].step()
        await stage.answered(asked)

        assert 0 == len(stage.novelai.calls)
        assert "What is allowed here changed" in stage.private_words()[0]
        refusals = await store.entries(0, ("refused",), 9)
        assert ["nsfw.asked.only"] == [line.record.data["code"] for line in refusals]


async def test_no_setting_of_a_server_spends_what_the_operator_did_not_allow(tmp_path: Path) -> None:
    """With the operator's switch on, whatever an admin sets, nothing that costs reaches NovelAI."""
    async with open_stage(tmp_path, house={"never_spend": True}) as stage:
        for key, value in (("never_spend", "off"), ("anlas_day", "none"), ("pictures_day", "none")):
            made = await stage.answered(await stage.slash("config", by=ADA, setting=key, value=value))
            labels = [part.get("label") for part in walk(made["components"])]
            if "Yes, change it" in labels:
                await stage.answered(await stage.press(made, "Yes, change it", by=ADA))
        config = stage.house.services.guilds.config_of(lantern.LANTERN)
        assert config is not None
        assert not config.never_spend

        for person in (ANN, ADA):
            said = await stage.said("generate", by=person, prompt="1girl", size="large")
            assert "whoever runs me never spends" in said
        [before] = [stage.novelai.account.anlas]
        free = await stage.answered(await stage.slash("generate", prompt="1girl", size="64x64"))
        assert "free" in free["content"]
        assert before == stage.novelai.account.anlas
        assert [0] == [call.billed for call in stage.novelai.calls]


async def test_each_refusal_is_on_record_without_what_was_written(tmp_path: Path) -> None:
    """Who, where and which rule; a prompt stands nowhere in the audit."""
    async with open_stage(tmp_path, working=False) as stage:
        await stage.said("generate", at=lantern.GENERAL, prompt="zebra")
        await stage.said("generate", prompt="zebra, loli, nude")
        await stage.said("generate", prompt="zebra, nsfw")

        async def recorded() -> list[object]:
            lines = await stage.house.store.entries(0, ("refused",), 9)
            assert "zebra" not in json.dumps([dict(line.record.data) for line in lines])
            assert {ANN} >= {line.record.actor for line in lines}
            return [line.record.data["code"] for line in lines]

        while 3 != len(await recorded()):
            await asyncio.sleep(0.01)
        assert ["place", "locked", "nsfw.asked.only"] == await recorded()


async def test_the_owner_of_the_application_runs_it_unless_others_are_named(tmp_path: Path) -> None:
    """Ada owns it; with OPERATORS only those count."""
    async with open_stage(tmp_path / "a", working=False) as stage:
        assert {ADA} == stage.house.services.guilds.house.operators
    async with open_stage(tmp_path / "b", working=False, house={"operators": frozenset({BEN})}) as stage:
        assert {BEN} == stage.house.services.guilds.house.operators


def test_the_defaults_are_closed() -> None:
    """Nothing is spent and no direct message draws unless the operator says so."""
    assert (True, False) == (HouseConfig().never_spend, HouseConfig().direct)


async def test_a_hidden_prompt_is_hidden_from_every_button(tmp_path: Path) -> None:
    """With prompts turned off Ben reads Ann's neither on the card nor as a command; Ann and Mia do."""
    async with open_stage(tmp_path, config=replace(STUDIO, show_prompts=False)) as stage:
        made = await stage.answered(await stage.slash("generate", prompt="zebra", size="64x64"))
        assert "zebra" not in text_of(made)
        for label in ("More…", "Copy command"):
            for person, sees in ((BEN, False), (MIA, True), (ANN, True)):
                card = await stage.answered(await stage.press(made, "More…", by=person))
                if label != "More…":
                    card = await stage.answered(await stage.press(card, label, by=person))
                assert sees == ("zebra" in text_of(card)), (label, person)


async def test_a_private_picture_is_nobody_elses_by_its_number(tmp_path: Path) -> None:
    """Neither card nor command nor file; and once the server forbids private pictures no button makes another."""
    async with open_stage(tmp_path) as stage:
        made = await stage.answered(await stage.slash("generate", prompt="zebra", size="64x64", private=True))
        for verb in ("more", "copy", "inspect"):
            assert "too old" in await _forged(stage, BEN, f"job:1:{verb}", made), verb
        await stage.said("config", by=ADA, setting="private", value="off")
        await stage.answered(await stage.press(made, "Reroll"))

        assert "does not allow private pictures" in stage.private_words()[0]
        assert 1 == len(stage.novelai.calls)


@pytest.mark.parametrize("verb", ["more", "copy", "inspect", "send", "reroll", "again"])
async def test_a_picture_is_read_and_repeated_only_where_it_is_seen(tmp_path: Path, verb: str) -> None:
    """Its number opens nothing in another channel or server, nor before it is shown; its member is let everywhere."""
    config = replace(STUDIO, channels=(lantern.STUDIO, lantern.GENERAL), review_channel=lantern.REVIEW)
    async with open_stage(tmp_path, config=config) as stage:
        await stage.house.services.guilds.save(lantern.NEW_SERVER, replace(STUDIO, channels=(lantern.NEW_GENERAL,)))
        made = await stage.answered(await stage.slash("generate", prompt="zebra", size="64x64"))
        await stage.slash("generate", prompt="1girl, !rated82", size="64x64")
        async with asyncio.timeout(20):
            while not await stage.house.store.cases(is_open=True, most=9):
                await asyncio.sleep(0.02)
        drawn = len(stage.novelai.calls)
        places = {1: (lantern.GENERAL, lantern.NEW_GENERAL), 2: (lantern.STUDIO,)}
        for job_id, channels in places.items():
            for channel in channels:
                told = {**made, "channel_id": str(channel)}
                assert "too old" in await _forged(stage, BEN, f"job:{job_id}:{verb}", told), (job_id, channel)
        assert drawn == len(stage.novelai.calls)

        said = await _forged(stage, ANN, f"job:1:{verb}", {**made, "channel_id": str(lantern.GENERAL)})
        assert "too old" not in said


async def test_a_form_is_taken_only_from_whoever_may(tmp_path: Path) -> None:
    """Opened by one, submitted by another: what stands in the id is asked about again."""
    async with open_stage(tmp_path, working=False) as stage:
        card = await stage.answered(await stage.slash("config", by=ADA))
        card = await stage.answered(await stage.choose(card, "group", "limits", by=ADA))
        opened = await stage.press_id(card, "conf:0:change:waiting", by=ADA)
        await stage.until(lambda: opened.form)
        refused = await stage.answered(await stage.slash("generate", prompt="nsfw"))
        edited = await stage.press(refused, "Edit and resend")
        await stage.until(lambda: edited.form)
        for form in (opened, edited):
            form.user = stage.discord.world.people[BEN]
            await stage.answered(await stage.fill(form, by=BEN, value="9", prompt="1girl"))

        assert ["Only", "Only"] == [words.split()[0] for words in stage.private_words(BEN)[:2]]
        config = stage.house.services.guilds.config_of(lantern.LANTERN)
        assert config == STUDIO
        assert [] == list(await stage.house.store.waiting())


async def test_everybody_is_no_moderator_role(tmp_path: Path) -> None:
    """Everybody has it."""
    async with open_stage(tmp_path, working=False) as stage:
        for text in ("@everyone", f"<@&{lantern.LANTERN}>"):
            said = await stage.said("config", by=ADA, setting="moderator_role", value=text)
            assert "no such channel or role" in said


async def test_two_admins_at_once_both_have_their_way(tmp_path: Path) -> None:
    """Neither change undoes the other, and what the audit says is so."""
    async with open_stage(tmp_path, working=False) as stage:
        asked = [
            await stage.slash("config", by=ADA, setting=key, value=value)
            for key, value in (("cooldown", "60"), ("waiting", "9"), ("show_prompts", "off"), ("pictures_day", "5"))
        ]
        for each in asked:
            await stage.answered(each)

        config = stage.house.services.guilds.config_of(lantern.LANTERN)
        assert config is not None
        assert (60, 9, False, 5) == (config.cooldown, config.waiting, config.show_prompts, config.pictures_day)
        assert config == await stage.house.store.config(lantern.LANTERN)


async def test_a_double_click_on_a_price_leaves_one_message(tmp_path: Path) -> None:
    """One picture, billed once, and nothing that waits for ever."""
    async with open_stage(tmp_path) as stage:
        question = await stage.answered(await stage.slash("generate", prompt="1girl", size="1088x1024", steps=1))
        pressed = [await stage.press(question, "Spend 4 Anlas") for _ in range(2)]
        for each in pressed:
            await stage.answered(each)

        assert [4] == [call.billed for call in stage.novelai.calls]
        assert not [s for s in stage.discord.world.visible(0) if not s.deleted and "One moment" in text_of(s.message)]


async def test_a_form_that_is_sent_twice_makes_one_picture(tmp_path: Path) -> None:
    """The refused wish is consumed by the first."""
    async with open_stage(tmp_path) as stage:
        refused = await stage.answered(await stage.slash("generate", prompt="nsfw", size="64x64"))
        opened = [await stage.press(refused, "Edit and resend") for _ in range(2)]
        for form in opened:
            await stage.until(lambda form=form: form.form)
        for form in [await stage.fill(each, prompt="1girl") for each in opened]:
            await stage.answered(form)

        assert 1 == len(stage.novelai.calls)
        assert 1 == len(stage.pictures())


async def test_nothing_is_drawn_before_discord_said_which_channels_there_are(tmp_path: Path) -> None:
    """What waited in a channel that was deleted while the bot was away is not drawn at the next start."""
    async with open_stage(tmp_path, working=False) as stage:
        await stage.slash("generate", prompt="1girl", size="64x64")
        while not await stage.house.store.waiting():
            await asyncio.sleep(0.01)
    discord, novelai = stage.discord, stage.novelai
    del discord.world.channels[lantern.STUDIO]
    guild = discord.world.guilds[lantern.LANTERN]
    guild["channels"] = [channel for channel in guild["channels"] if channel["id"] != str(lantern.STUDIO)]
    async with novelai.serve() as address, discord.serve(), play(tmp_path, discord, novelai, address) as later:
        job = await later.house.store.get(1)
        while job is not None and job.state.is_waiting:
            await asyncio.sleep(0.01)
            job = await later.house.store.get(1)

        assert job is not None
        assert (JobState.BLOCKED, 0) == (job.state, job.charged_pictures)
        assert 0 == len(novelai.calls)


async def test_no_setting_of_a_server_lifts_the_operators_cap(tmp_path: Path) -> None:
    """Four Anlas a picture, ten a day for the house: two are made, whatever an admin sets."""
    async with open_stage(tmp_path, house={"anlas_day": 10}) as stage:
        for key, value in (("anlas_day", "none"), ("pictures_day", "none"), ("waiting", "20")):
            await stage.said("config", by=ADA, setting=key, value=value)

        refused = 0
        for _ in range(4):
            question = await stage.answered(await stage.slash("generate", prompt="1girl", size="1088x1024", steps=1))
            if "Spend 4 Anlas" not in [part.get("label") for part in walk(question["components"])]:
                assert "for everybody" in question["content"]
                refused += 1
                continue
            await stage.answered(await stage.press(question, "Spend 4 Anlas"))

        assert [4, 4] == [call.billed for call in stage.novelai.calls]
        assert 2 == refused


async def test_an_outage_of_discords_closes_no_server(tmp_path: Path) -> None:
    """A server that is unavailable when the bot comes has no channels for a moment, and loses none for it."""
    async with open_stage(tmp_path, working=False) as stage:
        guild = stage.client.get_guild(lantern.LANTERN)
        assert guild is not None
        guilds = stage.house.services.guilds
        before = guilds.channels_of(lantern.LANTERN)
        guild.unavailable, kept = True, dict(guild._channels)
        guild._channels.clear()
        stage.client.dispatch("ready")
        await stage.said("help")

        assert before == guilds.channels_of(lantern.LANTERN)
        guild.unavailable, guild._channels = False, kept
