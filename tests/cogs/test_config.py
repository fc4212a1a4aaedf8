"""`/config`: every setting by panel and by line, asked about where it is dangerous, undone, and on record."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot import wording
from bot.domain.guild import SETTINGS, GuildConfig, Spoiler
from bot.standin.discord import lantern
from bot.standin.discord.components import walk
from tests.openapi import OpenApi
from tests.stage import STUDIO, Stage, open_stage, text_of

NEW = lantern.NEW_GENERAL


def _config(stage: Stage, guild_id: int = lantern.LANTERN) -> GuildConfig:
    config = stage.house.services.guilds.config_of(guild_id)
    assert config is not None
    return config


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("channels", "#general, #studio", (lantern.GENERAL, lantern.STUDIO)),
        ("Channels", f"<#{lantern.GENERAL}>", (lantern.GENERAL,)),
        ("pictures_day", "7", 7),
        ("pictures_day", "no limit", None),
        ("pictures_week", "60", 60),
        ("quick_day", "5", 5),
        ("anlas_week", "no limit", None),
        ("budget_day", "500", 500),
        ("time_zone", "europe/berlin", "Europe/Berlin"),
        ("cooldown", "0", 0),
        ("running", "2", 2),
        ("waiting", "9", 9),
        ("anlas_day", "none", None),
        ("never_spend", "on", True),
        ("spoiler", "age-restricted channels", Spoiler.AGE_RESTRICTED),
        ("private", "off", False),
        ("unchecked", "off", False),
        ("moderator_role", "@Artists", lantern.ARTISTS),
        ("log_channel", "#mod-log", lantern.MOD_LOG),
        ("log_channel", "none", None),
        ("show_prompts", "no", False),
    ],
)
async def test_every_setting_can_be_set_by_a_line_and_undone(
    tmp_path: Path, key: str, text: str, value: object
) -> None:
    """The answer says what it was and what it is; [Undo] brings the old value back, once; both are on record."""
    async with open_stage(tmp_path, working=False) as stage:
        before = _config(stage)
        made = await stage.answered(await stage.slash("config", by=lantern.ADA, setting=key, value=text))

        name = next(k for k in SETTINGS if key in (k, wording.SETTING_LABELS[k]))
        assert value == getattr(_config(stage), name)
        if value == getattr(before, name):
            assert "already" in made["content"]
            return
        assert made["content"].startswith(f"Changed: **{wording.SETTING_LABELS[name]}**: ")
        undone = await stage.answered(await stage.press(made, "Undo", by=lantern.ADA))
        assert undone["content"].startswith("Changed back")
        assert before == _config(stage)
        lines = await stage.house.store.entries(0, ("setting.changed",), 9)
        assert [name, name] == [line.record.data["key"] for line in lines]
        assert all(line.record.actor == lantern.ADA for line in lines)


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("flying", "on", "no setting of that name"),
        ("never_spend", "maybe", "on or off"),
        ("pictures_day", "-1", "goes from 0 to 1000"),
        ("cooldown", "9999", "goes from 0 to 3600"),
        ("channels", "#nowhere", "no such channel"),
        ("channels", f"<#{NEW}>", "no such channel"),
        ("moderator_role", "@Nobody", "no such channel or role"),
        ("log_channel", "1", "no such channel"),
        ("spoiler", "sometimes", "can be one of"),
        ("size", "800x600", "multiples of 64"),
        ("time_zone", "Atlantis", "no such time zone"),
        ("budget_day", "-5", "goes from 0 to"),
    ],
)
async def test_a_value_that_cannot_be_changes_nothing_and_says_what_can(
    tmp_path: Path, key: str, text: str, words: str
) -> None:
    """Also a channel of somebody else's server."""
    async with open_stage(tmp_path, working=False) as stage:
        said = await stage.said("config", by=lantern.ADA, setting=key, value=text)

        assert words in said
        assert STUDIO == _config(stage)


async def test_what_is_dangerous_is_asked_about_first(tmp_path: Path) -> None:
    """The consequence is named; no keeps it, yes makes it, and it can be taken back."""
    config = replace(STUDIO, never_spend=True)
    async with open_stage(tmp_path, working=False, config=config) as stage:
        for key, value in (("never_spend", "off"), ("age_restricted", "on")):
            asked = await stage.answered(await stage.slash("config", by=lantern.ADA, setting=key, value=value))
            assert wording.DANGERS[key] in asked["content"]
            await stage.answered(await stage.press(asked, "Not now", by=lantern.ADA))
        assert config == _config(stage)

        asked = await stage.answered(await stage.slash("config", by=lantern.ADA, setting="never_spend", value="off"))
        made = await stage.answered(await stage.press(asked, "Yes, change it", by=lantern.ADA))
        assert not _config(stage).never_spend
        await stage.answered(await stage.press(made, "Undo", by=lantern.ADA))
        assert config == _config(stage)


async def test_the_panel_changes_every_kind_of_setting(tmp_path: Path) -> None:
    """A toggle at once, a number in a form, channels, roles and choices in a select; each redraws the card."""
    judge = OpenApi()
    async with open_stage(tmp_path, working=False, judge=judge) as stage:

        async def press(card: dict[str, object], custom_id: str) -> dict[str, object]:
            return await stage.answered(await stage.press_id(card, custom_id, by=lantern.ADA))

        async def group(card: dict[str, object], name: str) -> dict[str, object]:
            return await stage.answered(await stage.choose(card, "group", name, by=lantern.ADA))

        card = await stage.answered(await stage.slash("config", by=lantern.ADA))
        assert "Settings · Places" in text_of(card)
        for name in ("places", "limits", "money", "safety", "people", "log", "look"):
            card = await group(card, name)
            assert wording.GROUPS[name] in text_of(card)
            assert 36 >= len(list(walk(card["components"])))

        card = await press(card, "conf:0:change:show_prompts")
        assert "Changed: **Show prompts**: on → off" in text_of(card)
        card = await group(card, "limits")
        opened = await stage.press_id(card, "conf:0:change:waiting", by=lantern.ADA)
        card = await stage.answered(await stage.fill(opened, by=lantern.ADA, value="5"))
        assert "Changed: **Waiting at most**: 3 → 5" in text_of(card)
        card = await press(await group(card, "log"), "conf:0:change:log_channel")
        card = await stage.answered(await stage.choose(card, "choose:log_channel", lantern.MOD_LOG, by=lantern.ADA))
        card = await press(card, "conf:0:change:log_channel")
        card = await press(card, "conf:0:clear:log_channel")
        card = await press(await group(card, "people"), "conf:0:change:moderator_role")
        card = await stage.answered(await stage.choose(card, "choose:moderator_role", lantern.ARTISTS, by=lantern.ADA))
        card = await press(await group(card, "safety"), "conf:0:change:spoiler")
        card = await stage.answered(await stage.choose(card, "choose:spoiler", "always", by=lantern.ADA))
        card = await press(await group(card, "places"), "conf:0:change:channels")
        chosen = (lantern.STUDIO, lantern.GENERAL)
        card = await stage.answered(await stage.choose(card, "choose:channels", *chosen, by=lantern.ADA))
        card = await press(card, "conf:0:change:age_restricted")
        assert wording.DANGERS["age_restricted"] in text_of(card)
        card = await stage.answered(await stage.press(card, "Yes, change it", by=lantern.ADA))

        found = _config(stage)
        assert (False, 5, None, lantern.ARTISTS) == (
            found.show_prompts,
            found.waiting,
            found.log_channel,
            found.moderator_role,
        )
        assert (Spoiler.ALWAYS, chosen, True) == (found.spoiler, found.channels, found.age_restricted)
        card = await stage.answered(await stage.press(card, "Undo", by=lantern.ADA))
        assert not _config(stage).age_restricted

    assert [] == judge.wrong


async def test_a_form_that_holds_nonsense_is_answered_and_changes_nothing(tmp_path: Path) -> None:
    """The sentence says the bounds; the panel stays as it is."""
    async with open_stage(tmp_path, working=False) as stage:
        card = await stage.answered(await stage.slash("config", by=lantern.ADA))
        card = await stage.answered(await stage.choose(card, "group", "limits", by=lantern.ADA))
        opened = await stage.press_id(card, "conf:0:change:running", by=lantern.ADA)
        await stage.answered(await stage.fill(opened, by=lantern.ADA, value="many"))

        assert "goes from 1 to 20" in stage.private_words(lantern.ADA)[0]
        assert STUDIO == _config(stage)


async def test_a_server_is_set_up_in_four_steps_and_draws_nothing_before(tmp_path: Path) -> None:
    """Channel, people, amount, yes; each is saved; only then the doors open."""
    async with open_stage(tmp_path) as stage:
        guilds = stage.house.services.guilds
        await guilds.admit(lantern.NEW_SERVER, lantern.ADA)

        async def press(card: dict[str, object], label: str) -> dict[str, object]:
            return await stage.answered(await stage.press(card, label, by=lantern.ADA))

        refused = await stage.answered(await stage.slash("generate", by=lantern.ADA, at=NEW, prompt="1girl"))
        assert "has not set me up yet" in refused["content"]
        card = await press(refused, "Set up")
        card = await stage.answered(await stage.choose(card, "pick:channels", NEW, by=lantern.ADA))
        assert f"✓ I can post in <#{NEW}>" in text_of(card)
        card = await press(card, "Next")
        card = await stage.answered(await stage.choose(card, "pick:log_channel", NEW, by=lantern.ADA))
        card = await press(await press(await press(card, "Next"), "10"), "Next")
        assert "not set me up" in await stage.said("generate", at=NEW, prompt="1girl")
        opening = next(part for part in walk(card["components"]) if part.get("label") == "Open the doors")
        assert opening["disabled"]
        card = await press(await press(card, "I accept this"), "Open the doors")

        assert "The doors are open" in text_of(card)
        config = _config(stage, lantern.NEW_SERVER)
        assert ((NEW,), NEW, 10, True) == (config.channels, config.log_channel, config.pictures_day, config.unchecked)
        assert "seed" in await stage.said("generate", at=NEW, prompt="1girl", size="64x64")
        assert "Settings · Places" in await stage.said("config", by=lantern.ADA, at=NEW)


async def test_with_a_classifier_nothing_has_to_be_accepted(tmp_path: Path) -> None:
    """The step says that pictures are checked, and who never accepted is asked once the classifier is gone."""
    async with open_stage(tmp_path) as stage:
        guilds = stage.house.services.guilds
        await guilds.admit(lantern.NEW_SERVER, lantern.ADA)
        guilds.house = replace(guilds.house, checked=True)

        async def press(card: dict[str, object], label: str) -> dict[str, object]:
            return await stage.answered(await stage.press(card, label, by=lantern.ADA))

        refused = await stage.answered(await stage.slash("generate", by=lantern.ADA, at=NEW, prompt="1girl"))
        card = await press(refused, "Set up")
        assert "as soon as you pick it" in text_of(card)
        card = await stage.answered(await stage.choose(card, "pick:channels", NEW, by=lantern.ADA))
        card = await press(await press(await press(card, "Next"), "Next"), "Next")
        labels = [part.get("label") for part in walk(card["components"])]
        assert ("A classifier looks" in text_of(card), "I accept this" in labels) == (True, False)
        card = await press(card, "Open the doors")

        assert "The doors are open" in text_of(card)
        assert not _config(stage, lantern.NEW_SERVER).unchecked
        assert "seed" in await stage.said("generate", at=NEW, prompt="1girl", size="64x64")
        guilds.house = replace(guilds.house, checked=False)
        refused = await stage.answered(await stage.slash("generate", by=lantern.ADA, at=NEW, prompt="1girl"))
        assert "to draw without a check" in text_of(refused)
        assert "Where may I draw?" in text_of(await press(refused, "Set up"))


@pytest.mark.parametrize(("checked", "told"), [(True, "A classifier looks"), (False, "Pictures are not checked")])
async def test_the_panel_says_whether_pictures_are_checked(tmp_path: Path, told: str, *, checked: bool) -> None:
    """Among what is about safety."""
    async with open_stage(tmp_path, working=False) as stage:
        guilds = stage.house.services.guilds
        guilds.house = replace(guilds.house, checked=checked)
        card = await stage.answered(await stage.slash("config", by=lantern.ADA))
        card = await stage.answered(await stage.choose(card, "group", "safety", by=lantern.ADA))

        assert told in text_of(card)


async def test_the_steps_name_what_the_bot_lacks(tmp_path: Path) -> None:
    """The missing permission, by channel."""
    async with open_stage(tmp_path, working=False) as stage:
        channel = stage.discord.world.channels[NEW]
        overwrite = {"id": str(lantern.NEW_SERVER), "type": 0, "allow": "0", "deny": str(lantern.ATTACH)}
        changed = channel | {"permission_overwrites": [overwrite]}
        await stage.discord.gateway.event("CHANNEL_UPDATE", changed, lantern.NEW_SERVER)
        await stage.house.services.guilds.admit(lantern.NEW_SERVER)
        card = await stage.answered(await stage.slash("config", by=lantern.ADA, at=NEW))
        card = await stage.answered(await stage.choose(card, "pick:channels", NEW, by=lantern.ADA))

        assert f"✗ <#{NEW}>: I lack Attach Files there" in text_of(card)


async def test_the_lists_complete_settings_and_values(tmp_path: Path) -> None:
    """Settings by label; for each what it can hold."""
    async with open_stage(tmp_path, working=False) as stage:

        async def complete(focused: str, **typed: str) -> list[str]:
            options = [{"name": name, "type": 3, "value": value} for name, value in typed.items()]
            wish = {"kind": "complete", "name": "config", "focused": focused, "options": options}
            asked = await stage.discord.actions.act(lantern.ADA, lantern.STUDIO, wish)
            await stage.until(lambda: asked.choices is not None)
            return [choice["name"] for choice in asked.choices or []]

        assert ["Never spend Anlas"] == await complete("setting", setting="never")
        assert ["on", "off"] == await complete("value", setting="never_spend", value="")
        assert "#studio" in await complete("value", setting="log_channel", value="stu")
        assert ["none", "@Artists"] == await complete("value", setting="moderator_role", value="")
        assert [] == await complete("value", setting="nothing", value="")
