"""Words, blocks, admission, and the log: a moderator at work."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.job import JobState
from bot.standin.discord import lantern
from cogs.ui.operator import tell_operator
from tests.openapi import OpenApi
from tests.stage import STUDIO, Stage, open_stage, text_of

ANN, BEN, MIA, ADA = lantern.ANN, lantern.BEN, lantern.MIA, lantern.ADA
SMALL = "64x64"
LOGGED = replace(STUDIO, log_channel=lantern.MOD_LOG)


def _log(stage: Stage, channel: int = lantern.MOD_LOG) -> list[str]:
    return [text_of(s.message) for s in stage.discord.world.visible(ADA, channel) if not s.deleted]


async def test_a_word_is_refused_from_the_yes_on_and_not_after_the_undo(tmp_path: Path) -> None:
    """
    First what it would hit, and a question where that is anything; quoted only where it was typed openly; each has
    a way back.
    """
    judge = OpenApi()
    async with open_stage(tmp_path, judge=judge) as stage:
        await stage.said("generate", prompt="gore, 1girl", size=SMALL)
        asked = await stage.answered(await stage.slash("rules add", by=ADA, text="Gore"))
        assert "one prompt here yet, and it would have refused 1:" in asked["content"]
        assert "`gore, 1girl`" in asked["content"]
        assert "seed" in await stage.said("generate", prompt="gore", size=SMALL)
        made = await stage.answered(await stage.press(asked, "Refuse it", by=ADA))
        assert 'From now on I refuse "Gore" here.' == made["content"]

        assert 'does not allow "Gore"' in await stage.said("generate", prompt="1girl, GORE", size=SMALL)
        assert "hides a word" in await stage.said("generate", prompt="1girl, g0re", size=SMALL)
        assert "seed" in await stage.said("generate", prompt="gorewood", size=SMALL)
        assert "Words this server refuses · 1\n`Gore`" in await stage.said("rules list", by=ADA)
        assert "already" in await stage.said("rules add", by=ADA, text="g o r e")
        hits_nobody = await stage.answered(await stage.slash("rules add", by=ADA, text="zebra"))
        assert "would have refused none" in hits_nobody["content"]
        assert 'From now on I refuse "zebra" here.' in hits_nobody["content"]
        await stage.answered(await stage.press(hits_nobody, "Undo", by=ADA))
        assert "no word" in await stage.said("rules add", by=ADA, text="!?")
        removed = await stage.answered(await stage.slash("rules remove", by=ADA, text="gore"))
        assert 'no longer refuse "Gore"' in removed["content"]
        await stage.answered(await stage.press(removed, "Undo", by=ADA))
        await stage.answered(await stage.press(made, "Undo", by=ADA))
        assert "seed" in await stage.said("generate", prompt="gore", size=SMALL)

    assert [] == judge.wrong


async def test_a_refused_prompt_is_edited_and_sent_again(tmp_path: Path) -> None:
    """The form holds what was typed; the picture that comes is public; another refusal asks once more."""
    async with open_stage(tmp_path) as stage:
        refused = await stage.answered(
            await stage.slash("generate", prompt="1girl, nsfw", undesired_content="hat", size=SMALL)
        )
        opened = await stage.press(refused, "Edit and resend")
        await stage.until(lambda: opened.form)
        values = [part["component"]["value"] for part in (opened.form or {})["components"]]
        assert ["1girl, nsfw", "hat"] == values
        again = await stage.answered(await stage.fill(opened, prompt="1girl, explicit"))
        assert 'leave out "explicit"' in again["content"]
        opened = await stage.press(again, "Edit and resend")
        made = await stage.answered(await stage.fill(opened, prompt="1girl, smile"))

        assert "`1girl, smile`" in made["content"]
        assert not made["flags"] & 64
        assert "hat" in str(stage.novelai.calls[-1].request)
        assert "too old" in text_of(await stage.answered(await stage.press(again, "Edit and resend"))) or any(
            "too old" in words for words in stage.private_words()
        )


async def test_what_is_sent_where_pictures_are_kept_safe_begins_with_it(tmp_path: Path) -> None:
    """Also without a preset, where the member is told; in age-restricted channels the site's own rule holds."""
    config = replace(STUDIO, channels=(lantern.STUDIO, lantern.NIGHT_STUDIO), age_restricted=True)
    async with open_stage(tmp_path, config=config) as stage:

        async def sent(at: int = lantern.STUDIO, **options: object) -> str:
            await stage.said("generate", at=at, prompt="1girl", size=SMALL, **options)
            return str(stage.novelai.calls[-1].request["parameters"]["negative_prompt"])

        assert (await sent()).startswith("nsfw, lowres")
        assert "nsfw, lowres" == await sent(uc_preset="none")
        assert any("I put `nsfw` in front" in words for words in stage.private_words())
        assert "lowres" == await sent(at=lantern.NIGHT_STUDIO, uc_preset="none")
        more = await stage.answered(
            await stage.press(next(s.message for s in stage.discord.world.visible(0, lantern.STUDIO)), "More…")
        )
        assert "nsfw, lowres" in text_of(more)


async def test_a_block_closes_every_door_and_takes_back_what_waits(tmp_path: Path) -> None:
    """Command, button, menu and waiting pictures; reading one's own stays; it ends by itself, or is lifted."""
    async with open_stage(tmp_path, working=False) as stage:
        await stage.slash("generate", by=BEN, prompt="1girl", size=SMALL)
        while not await stage.house.store.waiting():
            await asyncio.sleep(0.01)
        said = await stage.said("mod block", by=MIA, member=str(BEN), duration="3600", reason="Too *many*.")
        assert "1 waiting picture was taken back" in said
        assert "Reason: Too \\*many\\*." in said
        job = await stage.house.store.get(1)
        assert job is not None
        assert JobState.CANCELLED == job.state
        await stage.until(lambda: any("took this one back" in words for words in stage.private_words(BEN)))

        refusal = await stage.said("generate", by=BEN, prompt="1girl")
        assert "cannot use me here until <t:" in refusal
        assert "Reason: Too" in refusal
        made = await stage.house.services.studio.job(1)
        assert made is not None
        assert "Your pictures" in await stage.said("quota", by=BEN)
        assert "I draw with NovelAI" in await stage.said("help", by=BEN)
        block = stage.house.services.moderation.block_of(lantern.LANTERN, BEN)
        assert block is not None
        assert "can use me here again" in await stage.said("mod unblock", by=MIA, member=str(BEN))
        assert "is not blocked here" in await stage.said("mod unblock", by=MIA, member=str(BEN))
        assert stage.house.services.moderation.block_of(lantern.LANTERN, BEN) is None


@pytest.mark.parametrize(("member", "words"), [(MIA, "cannot do that to yourself"), (ADA, "cannot be done to them")])
async def test_whom_a_moderator_cannot_block(tmp_path: Path, member: int, words: str) -> None:
    """Themselves, whoever manages the server, whoever runs the bot."""
    async with open_stage(tmp_path, working=False) as stage:
        assert words in await stage.said("mod block", by=MIA, member=str(member))
        assert stage.house.services.moderation.block_of(lantern.LANTERN, member) is None


async def test_a_moderator_who_is_blocked_does_not_let_themselves_in(tmp_path: Path) -> None:
    """Somebody else lifts it."""
    async with open_stage(tmp_path, working=False) as stage:
        await stage.said("mod block", by=ADA, member=str(MIA), reason="cool down")

        assert "cannot do that to yourself" in await stage.said("mod unblock", by=MIA, member=str(MIA))

        assert stage.house.services.moderation.block_of(lantern.LANTERN, MIA) is not None
        assert "can use me here again" in await stage.said("mod unblock", by=ADA, member=str(MIA))


async def test_pressing_while_blocked_makes_nothing(tmp_path: Path) -> None:
    """The buttons of pictures that were made before."""
    async with open_stage(tmp_path) as stage:
        made = await stage.answered(await stage.slash("generate", prompt="1girl", size=SMALL))
        await stage.said("mod block", by=MIA, member=str(BEN))
        for label in ("Reroll",):
            await stage.answered(await stage.press(made, label, by=BEN))
            assert "cannot use me here" in stage.private_words(BEN)[0]
        card = await stage.answered(await stage.menu("Inspect image", made, by=BEN))

        assert "cannot use me here" in text_of(card)
        assert 1 == len(stage.novelai.calls)


async def test_what_was_decided_stands_in_the_log_once_without_pings(tmp_path: Path) -> None:
    """Settings, words, blocks and refusals; refusals of one kind in a row are one line; after a restart no repeat."""
    async with open_stage(tmp_path, working=False, config=LOGGED) as stage:
        await stage.said("config", by=ADA, setting="private", value="off")
        await stage.said("mod block", by=MIA, member=str(BEN), reason="spam")
        for _ in range(3):
            await stage.said("generate", prompt="nsfw")
        await stage.until(lambda: any("Refused" in line for line in _log(stage)), within=20)

        lines = "\n".join(_log(stage))
        assert f"⚙️ **Setting** <@{ADA}>: *Private pictures* on → off" in lines
        assert f"⛔ **Blocked** <@{BEN}> by <@{MIA}> until lifted. Reason: spam." in lines
        assert 1 == lines.count(f"<@{ANN}> in <#{lantern.STUDIO}>: not age-restricted")
        told = [s.message for s in stage.discord.world.visible(0, lantern.MOD_LOG)]
        assert not any(message["mentions"] for message in told)
        n = len(told)
        await stage.client.services.chronicle.next()

    async with open_stage(tmp_path, working=False, config=LOGGED) as stage:
        await stage.said("help")
        await stage.until(lambda: stage.client.is_ready())
        assert n >= len(_log(stage))
        assert [] == list(await stage.house.services.chronicle.next())


async def test_a_new_server_is_served_once_the_operator_said_so(tmp_path: Path) -> None:
    """The owner is asked by direct message; nobody else may answer; then the server is welcomed, once."""
    judge = OpenApi()
    async with open_stage(tmp_path, working=False, judge=judge) as stage:
        direct = stage.discord.world.direct_channel(ADA)
        assert direct is not None
        where = int(direct["id"])
        await stage.until(lambda: _log(stage, where))
        [asked] = [s.message for s in stage.discord.world.visible(ADA, where)]
        assert "**New server**" in asked["content"]
        assert "not open in this server" in await stage.said("generate", at=lantern.NEW_GENERAL, prompt="x")
        assert not [line for line in _log(stage, lantern.NEW_GENERAL) if "Thanks" in line]

        done = await stage.answered(await stage.press(asked, "Admit", by=ADA))
        assert {} == done or "is admitted" in done["content"]
        await stage.until(lambda: any("Thanks for having me" in line for line in _log(stage, lantern.NEW_GENERAL)))
        assert "has not set me up yet" in await stage.said("generate", at=lantern.NEW_GENERAL, prompt="x")
        welcome = next(
            s.message for s in stage.discord.world.visible(ADA, lantern.NEW_GENERAL) if "Thanks" in s.message["content"]
        )
        card = await stage.answered(await stage.press(welcome, "Set up", by=ADA))
        assert "Set up · 1 of 4" in text_of(card)
        guild = stage.client.get_guild(lantern.NEW_SERVER)
        stage.client.dispatch("guild_join", guild)
        await stage.said("help")
        assert 1 == len([line for line in _log(stage, lantern.NEW_GENERAL) if "Thanks" in line])

    assert [] == judge.wrong


async def test_the_operators_channel_is_where_they_are_asked(tmp_path: Path) -> None:
    """OPERATOR_CHANNEL; not now leaves the server without."""
    house = {"operator_channel": lantern.MOD_LOG, "operator_guild": lantern.LANTERN}
    async with open_stage(tmp_path, working=False, house=house) as stage:
        await stage.until(lambda: _log(stage))
        [asked] = [s.message for s in stage.discord.world.visible(ADA, lantern.MOD_LOG)]
        await stage.answered(await stage.press(asked, "Not now", by=ADA))

        await stage.until(lambda: "is not admitted" in _log(stage)[0])
        assert stage.house.services.guilds.config_of(lantern.NEW_SERVER) is None


async def test_an_operator_who_cannot_be_told_is_remembered_for_the_check(tmp_path: Path) -> None:
    """Closed direct messages; when they open again the memory goes."""
    async with open_stage(tmp_path, working=False) as stage:
        await stage.until(lambda: _log(stage, int((stage.discord.world.direct_channel(ADA) or {})["id"])))
        stage.discord.world.unreachable.add(ADA)
        assert not await tell_operator(stage.client, "x")
        assert "reason.closed" == await stage.house.store.recall("operator.unreached")
        stage.discord.world.unreachable.clear()
        assert await tell_operator(stage.client, "x")
        assert "" == await stage.house.store.recall("operator.unreached")


async def test_pictures_are_hidden_where_the_server_or_the_one_who_asks_says_so(tmp_path: Path) -> None:
    """Always, in age-restricted channels, or where it is asked, buttons included; hidden alt text tells nothing."""
    config = replace(STUDIO, channels=(lantern.STUDIO, lantern.NIGHT_STUDIO), age_restricted=True)
    async with open_stage(tmp_path, config=config) as stage:

        async def name(at: int = lantern.STUDIO, **options: object) -> str:
            made = await stage.answered(await stage.slash("generate", at=at, prompt="secret", size=SMALL, **options))
            file = made["attachments"][0]
            assert ("secret" in file["description"]) != file["filename"].startswith("SPOILER_")
            return str(file["filename"])

        assert not (await name()).startswith("SPOILER_")
        assert (await name(spoiler=True)).startswith("SPOILER_")
        await stage.said("config", by=ADA, setting="spoiler", value="age-restricted channels")
        assert not (await name()).startswith("SPOILER_")
        assert (await name(at=lantern.NIGHT_STUDIO)).startswith("SPOILER_")
        await stage.said("config", by=ADA, setting="spoiler", value="always")
        assert (await name()).startswith("SPOILER_")
        assert (await name(spoiler=False)).startswith("SPOILER_")
        old = next(s.message for s in reversed(list(stage.discord.world.visible(0, lantern.STUDIO))))
        again = await stage.answered(await stage.press(old, "Reroll"))
        assert again["attachments"][0]["filename"].startswith("SPOILER_")
