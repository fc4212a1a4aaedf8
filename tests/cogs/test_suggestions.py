"""Approval mode: members suggest, moderators say yes, and nobody's own allowance is touched before."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.case import Case, Decision
from bot.domain.errors import LimitReached, Refused
from bot.domain.job import JobState
from bot.domain.request import Requester
from bot.standin.discord import lantern
from tests.stage import STUDIO, Stage, open_stage, text_of

MIA = Requester(user_id=lantern.MIA, guild_id=lantern.LANTERN, channel_id=lantern.STUDIO, may_moderate=True)
SMALL = "64x64"
ASKING = replace(STUDIO, approval=(lantern.STUDIO,), anlas_day=0, pictures_day=1)


async def _suggested(stage: Stage, **options: object) -> tuple[Case, str]:
    asked = await stage.slash("generate", **{"prompt": "1girl, smile", "size": SMALL, **options})
    async with asyncio.timeout(20):
        while not (cases := await stage.house.store.cases(is_open=True, most=9)):
            await asyncio.sleep(0.02)
    shown = stage.discord.world.shown
    await stage.until(lambda: "suggests" in text_of(shown[asked.original or 0].message))
    return cases[-1], text_of(shown[asked.original or 0].message)


async def test_a_suggestion_is_drawn_once_somebody_says_yes(tmp_path: Path) -> None:
    """Everybody sees it with its price; the yes is on the job; the suggestion becomes the result."""
    async with open_stage(tmp_path, config=ASKING) as stage:
        case, text = await _suggested(stage)
        assert "suggests this · free" in text
        assert "1girl, smile" in text
        assert 0 == len(stage.novelai.calls)

        await stage.house.services.cases.decide(MIA, case.id, Decision.APPROVED)

        job = await stage.delivered(case.job_id or 0)
        assert (JobState.DONE, lantern.MIA) == (job.state, job.approver)
        assert 1 == len(stage.pictures())
        lines = await stage.house.store.entries(0, ("job.admitted", "case.decided"), 9)
        assert {lantern.ANN, lantern.MIA} <= {line.record.actor for line in lines}


async def test_a_priced_suggestion_asks_the_server_and_not_its_member(tmp_path: Path) -> None:
    """Ann may spend nothing; Mia's yes spends from the server's budget, and no more than that holds."""
    async with open_stage(tmp_path, config=replace(ASKING, budget_day=35)) as stage:
        first, text = await _suggested(stage, size="1024x1536")
        assert "30 Anlas" in text
        await stage.house.services.cases.decide(MIA, first.id, Decision.APPROVED)
        assert 30 == (await stage.delivered(first.job_id or 0)).charged_anlas

        second, _ = await _suggested(stage, size="1024x1536")
        with pytest.raises(LimitReached) as caught:
            await stage.house.services.cases.decide(MIA, second.id, Decision.APPROVED)

        assert caught.value.code.startswith("budget.")
        assert JobState.PROPOSED == (await stage.house.services.studio.job(second.job_id or 0)).state


async def test_a_declined_suggestion_goes_and_its_member_knows(tmp_path: Path) -> None:
    """Nothing was made or charged."""
    async with open_stage(tmp_path, config=ASKING) as stage:
        case, _ = await _suggested(stage)

        await stage.house.services.cases.decide(MIA, case.id, Decision.REJECTED)

        assert JobState.CANCELLED == (await stage.delivered(case.job_id or 0)).state
        assert any("Nobody said yes" in words for words in stage.private_words())
        assert [] == list(stage.discord.world.visible(0, lantern.STUDIO)) or all(
            s.deleted for s in stage.discord.world.visible(0, lantern.STUDIO)
        )


async def test_the_rules_are_asked_again_at_the_yes(tmp_path: Path) -> None:
    """A word that the server refuses by then is refused, whoever says yes."""
    async with open_stage(tmp_path, config=ASKING) as stage:
        case, _ = await _suggested(stage)
        asked = await stage.answered(await stage.slash("rules add", by=lantern.ADA, text="smile"))
        await stage.answered(await stage.press(asked, "Refuse it", by=lantern.ADA))

        with pytest.raises(Refused) as caught:
            await stage.house.services.cases.decide(MIA, case.id, Decision.APPROVED)

        assert ("suggestion.refused", "word") == (caught.value.code, caught.value.data["refusal"])


async def test_moderators_need_nobodys_yes(tmp_path: Path) -> None:
    """They would give it themselves."""
    async with open_stage(tmp_path, config=ASKING) as stage:
        assert "seed" in await stage.said("generate", by=lantern.MIA, prompt="1girl", size=SMALL)


async def test_as_many_suggestions_wait_as_pictures_may(tmp_path: Path) -> None:
    """A flood of them is nobody's queue."""
    async with open_stage(tmp_path, config=replace(ASKING, waiting=1)) as stage:
        await _suggested(stage)

        await stage.answered(await stage.slash("generate", prompt="1girl", size=SMALL))

        assert any("1 is the most here" in words for words in stage.private_words())


async def test_a_prompt_that_a_rule_wants_looked_at_waits_for_a_yes(tmp_path: Path) -> None:
    """Its words are read out to nobody before; approved it is drawn, though the rule still holds."""
    async with open_stage(tmp_path) as stage:
        await stage.said("rules add", by=lantern.ADA, text="spider", then="review")
        asked = await stage.slash("generate", prompt="1girl, spider", size=SMALL)
        said = text_of(await stage.answered(asked))
        assert "moderator's yes" in said
        assert "spider" not in said
        [case] = await stage.house.store.cases(is_open=True, most=9)
        assert "review" == case.reason
        assert "seed" in await stage.said("generate", by=lantern.MIA, prompt="1girl, spider", size=SMALL)

        await stage.house.services.cases.decide(MIA, case.id, Decision.APPROVED)

        assert JobState.DONE == (await stage.delivered(case.job_id or 0)).state


async def test_what_is_never_made_is_no_suggestion(tmp_path: Path) -> None:
    """No yes could lift it, so nobody is asked for one."""
    async with open_stage(tmp_path, config=ASKING) as stage:
        await stage.answered(await stage.slash("generate", prompt="child, nude", size=SMALL))

        assert not await stage.house.store.cases(is_open=True, most=9)
        assert not await stage.house.store.recent(0.0)


async def test_what_the_rules_say_of_a_suggestion_is_not_the_moderators_doing(tmp_path: Path) -> None:
    """Who says yes is told why it cannot be made; neither heat nor record nor the member's own wall is theirs."""
    async with open_stage(tmp_path, config=ASKING) as stage:
        case, _ = await _suggested(stage)
        public = [s.message for s in stage.discord.world.visible(0, lantern.STUDIO)]
        shown = next(message for message in public if "suggests" in text_of(message))
        asked = await stage.answered(await stage.slash("rules add", by=lantern.ADA, text="smile", kind="hard"))
        await stage.answered(await stage.press(asked, "Refuse it", by=lantern.ADA))
        await stage.answered(await stage.press(shown, "Make it", by=lantern.MIA))
        assert "cannot be made now: word list" in stage.private_words(lantern.MIA)[0]

        await stage.said("mod warn", by=lantern.ADA, member=str(lantern.ANN), reason="Read this, Ann.")
        await stage.answered(await stage.press(shown, "Make it", by=lantern.MIA))

        assert "Read this" not in stage.private_words(lantern.MIA)[0]
        assert 0.0 == (await stage.house.store.conduct(lantern.LANTERN, lantern.MIA)).heat
        assert not await stage.house.store.entries(0, ("refused",), 9)
        assert (await stage.house.store.case(case.id) or case).is_open


async def test_a_rule_that_only_wants_to_know_hears_of_an_approved_suggestion(tmp_path: Path) -> None:
    """As it does of every wish that is admitted."""
    async with open_stage(tmp_path, config=ASKING) as stage:
        await stage.said("rules add", by=lantern.ADA, text="smile", then="log")
        case, _ = await _suggested(stage)

        await stage.house.services.cases.decide(MIA, case.id, Decision.APPROVED)

        [line] = await stage.house.store.entries(0, ("rules.logged",), 9)
        assert (lantern.ANN, case.job_id) == (line.record.actor, line.record.job_id)
