"""`/rules`: what an admin adds, allows and tests, what members meet, and what stands in the log."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.job import JobState
from bot.domain.wordlist import ORDINARY
from bot.standin.discord import lantern
from tests.openapi import OpenApi
from tests.stage import STUDIO, Stage, open_stage, text_of

ADA = lantern.ADA
SMALL = "64x64"
BEN = lantern.BEN


async def _add(stage: Stage, text: str, **more: str) -> str:
    return await stage.said("rules add", by=ADA, text=text, **more)


async def test_every_kind_and_consequence_is_added_listed_met_and_taken_off(tmp_path: Path) -> None:
    """Words openly and disguised, hard words in pieces, patterns, a look, a note, and what is allowed."""
    judge = OpenApi()
    async with open_stage(tmp_path, judge=judge) as stage:
        assert 'I refuse "gore"' in await _add(stage, "gore")
        assert 'I refuse "naked"' in await _add(stage, "naked", kind="hard")
        assert 'moderator looks at prompts with "spider"' in await _add(stage, "spider", then="review")
        assert 'with "zebra" are noted' in await _add(stage, "zebra", then="log", kind="hard")
        assert "I refuse" in await _add(stage, r"\bbo+ne\b", kind="pattern")
        assert '"naked snake" is not refused here' in await stage.said("rules allow", by=ADA, text="naked snake")

        listed = await stage.said("rules list", by=ADA)
        assert "Words this server refuses · 3\n`\\bbo+ne\\b` (pattern), `gore`, `naked` (hard)" in listed
        assert "moderator's look** · 1\n`spider`" in listed
        assert "noted in the log** · 1\n`zebra` (hard)" in listed
        assert "**Allowed** · 1\n`naked snake`" in listed

        async def met(prompt: str, by: int = lantern.ANN) -> str:
            return await stage.said("generate", by=by, prompt=prompt, size=SMALL)

        assert 'does not allow "gore"' in await met("gore")
        assert "hides a word" in await met("na-ked")
        assert "moderator's yes" in await met("a spider")
        assert "does not allow something" in await met("booone", BEN)
        assert "seed" in await met("naked snake")
        assert "seed" in await met("z-e-b-r-a")
        assert "takes that back first" in await _add(stage, "naked_snake")
        removed = await stage.answered(await stage.slash("rules remove", by=ADA, text="naked snake"))
        assert "like every other word" in removed["content"]
        assert 'does not allow "naked"' in await met("naked snake", BEN)
        await stage.answered(await stage.press(removed, "Undo", by=ADA))
        assert "seed" in await met("naked snake")
        removed = await stage.answered(await stage.slash("rules remove", by=ADA, text="spider"))
        await stage.answered(await stage.press(removed, "Undo", by=ADA))
        assert "moderator's yes" in await met("a spider", BEN)
        assert "noted here" in await stage.said("rules remove", by=ADA, text="zebra")

    assert [] == judge.wrong


async def test_the_test_says_what_would_happen_why_and_in_which_tier(tmp_path: Path) -> None:
    """And how it was found; never the word of what is never made; nothing is made or put on record."""
    async with open_stage(tmp_path) as stage:
        await _add(stage, "naked", kind="hard")
        await _add(stage, "spider", then="review")
        await _add(stage, "zebra", then="log")

        async def tested(prompt: str) -> str:
            return await stage.said("rules test", by=ADA, prompt=prompt)

        said = await tested("n-aked")
        assert "would be refused" in said
        assert "Tier: refused by this server" in said
        assert "Found: `naked` (hard), put together from its pieces" in said
        assert "Found: `naked` (hard), written openly" in await tested("naked")
        said = await tested("sp1der, zebra")
        assert "a moderator would look first" in said
        assert "Found: `spider`, behind a disguise" in said
        assert "Tier: noted in this server's log" in said
        said = await tested("zebra")
        assert "would be drawn" in said
        assert "Tier: noted" in said
        said = await tested("l0li, nude")
        assert "Tier: never made anywhere" in said
        assert "Found" not in said
        assert "Tier" not in await tested("1girl")
        assert not stage.novelai.calls
        assert not await stage.house.store.entries(0, ["refused", "rules.logged"], 9)


async def test_patterns_are_for_the_people_who_run_the_bot(tmp_path: Path) -> None:
    """An admin writes none; words they may."""
    async with open_stage(tmp_path, house={"operators": frozenset({lantern.BEN})}) as stage:
        assert "for the people who run me" in await _add(stage, "bo+ne", kind="pattern")
        assert 'I refuse "bone"' in await _add(stage, "bone")
        assert ["bone"] == list(stage.house.services.moderation.words_of(lantern.LANTERN))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"text": "(", "kind": "pattern"}, "cannot be read: missing \\)"),
        ({"text": "(a+)+$", "kind": "pattern"}, "takes too long, for instance on `aaaa"),
        ({"text": ".", "kind": "pattern"}, f"hit 12 of 12 ordinary prompts, such as `{ORDINARY[0]}`"),
        ({"text": "x?", "kind": "pattern"}, "in every prompt"),
        ({"text": "ab", "kind": "hard"}, "too short: it would be read into words like `absurdres`"),
        ({"text": "naibot canary"}, "From now on I refuse"),
    ],
)
async def test_a_bad_entry_is_refused_with_what_it_would_hit(
    tmp_path: Path, options: dict[str, str], said: str
) -> None:
    """Said privately, and nothing is changed; the filter goes on working."""
    async with open_stage(tmp_path) as stage:
        assert said in await stage.said("rules add", by=ADA, **options)
        await stage.house.services.moderation.canary.listen()
        assert "seed" in await stage.said("generate", prompt="1girl", size=SMALL)


async def test_a_pattern_is_tried_on_the_servers_own_prompts(tmp_path: Path) -> None:
    """What is slow on one of them is not taken, and that prompt is shown."""
    async with open_stage(tmp_path) as stage:
        await stage.said("generate", prompt="zq" * 40 + "!", size=SMALL)

        assert "takes too long, for instance on `zqzq" in await _add(stage, "((zq)+)+$", kind="pattern")
        assert not stage.house.services.moderation.words_of(lantern.LANTERN)


async def test_what_rules_did_stands_in_the_log(tmp_path: Path) -> None:
    """What was changed, what was noted with its job, and to the operator what is slow or broken."""
    async with open_stage(tmp_path, config=replace(STUDIO, log_channel=lantern.MOD_LOG)) as stage:
        await _add(stage, "zebra", then="log")
        await stage.said("rules allow", by=ADA, text="zebra crossing")
        await stage.said("rules remove", by=ADA, text="zebra crossing")
        await stage.said("generate", prompt="zebra, secret", size=SMALL)
        canary = stage.house.services.moderation.canary
        canary.is_silent = True
        assert "does not work" in await stage.said("generate", prompt="1girl", size=SMALL)
        await canary.listen()

        def log() -> str:
            return "\n".join(text_of(s.message) for s in stage.discord.world.visible(ADA, lantern.MOD_LOG))

        await stage.until(lambda: "Noted" in log(), within=20)
        assert f"<@{ADA}>: note `zebra`" in log()
        assert f"<@{ADA}>: allow `zebra crossing`" in log()
        assert f"<@{ADA}>: no longer allow `zebra crossing`" in log()
        assert f"**Noted** <@{lantern.ANN}> in <#{lantern.STUDIO}>: `zebra`, job 1" in log()
        assert "secret" not in log()
        told = "\n".join(text_of(message) for message in stage.direct_words(ADA))
        assert "refuses what it must again" in told


async def test_while_the_filter_is_down_nothing_is_made_and_the_operator_knows(tmp_path: Path) -> None:
    """What waits goes on waiting, and is made once the filter is back."""
    async with open_stage(tmp_path) as stage:
        canary = stage.house.services.moderation.canary
        await _add(stage, "gore")
        list_ = stage.house.services.moderation.list_of(lantern.LANTERN)
        kept, list_._by_phrase = list_._by_phrase, {}
        await canary.listen()
        assert "I make nothing until it does" in await stage.said("generate", prompt="1girl", size=SMALL)
        await stage.until(
            lambda: any("make nothing at all" in text_of(message) for message in stage.direct_words(ADA)), within=20
        )

        list_._by_phrase = kept
        await canary.listen()
        assert "seed" in await stage.said("generate", prompt="1girl", size=SMALL)
        job = await stage.house.store.get(1)
        assert job is not None
        assert job.state is JobState.DONE
