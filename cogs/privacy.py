"""`/privacy`: what is kept about the one who asks, as numbers, as a file, and erased. It never refuses."""

import io

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot import wording
from bot.client import Naibot
from bot.domain.privacy import Forgotten, Kept
from bot.services.guilds import Guilds
from bot.services.privacy import Privacy
from cogs.ui.answer import acknowledge, acknowledge_press, show_card, tell
from cogs.ui.cards import card
from cogs.ui.controls import Control, Press, button
from cogs.ui.requester import Interaction


@app_commands.allowed_installs(guilds=True, users=True)
@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
class PrivacyCog(commands.GroupCog, name="Privacy", group_name="privacy", group_description=wording.PRIVACY):
    """For everybody, also blocked; each handler is about whoever pressed, whatever a button's id says."""

    def __init__(self, privacy: Privacy, guilds: Guilds) -> None:
        self._privacy = privacy
        self._guilds = guilds

    @app_commands.command(name="show", description=wording.PRIVACY_SHOW)
    async def show(self, interaction: Interaction) -> None:
        """A card with numbers."""
        await self._show(interaction)

    @app_commands.command(name="export", description=wording.PRIVACY_EXPORT)
    async def export(self, interaction: Interaction) -> None:
        """A file of JSON."""
        await self._export(interaction)

    @app_commands.command(name="delete", description=wording.PRIVACY_DELETE)
    async def delete(self, interaction: Interaction) -> None:
        """Asks once more."""
        await self._ask(interaction)

    async def press_show(self, press: Press) -> None:
        """[Privacy] under the help."""
        await self._show(press.interaction)

    async def press_export(self, press: Press) -> None:
        """[As a file]."""
        await self._export(press.interaction)

    async def press_ask(self, press: Press) -> None:
        """[Erase]."""
        await self._ask(press.interaction)

    async def _show(self, interaction: Interaction) -> None:
        await acknowledge(interaction, private=True)
        kept = await self._privacy.kept(interaction.user.id)
        await show_card(interaction, _card(kept, self._guilds.house.retention_days))

    async def _export(self, interaction: Interaction) -> None:
        await acknowledge(interaction, private=True)
        made = await self._privacy.export(interaction.user.id, interaction.filesize_limit)
        file = discord.File(io.BytesIO(made.data), filename="privacy.json")
        text = wording.PRIVACY_EXPORTED
        if made.left_out:
            text = wording.say("privacy.exported_part", n=wording.count(made.left_out))
        await tell(interaction, text, files=[file])

    async def _ask(self, interaction: Interaction) -> None:
        await acknowledge(interaction, private=True)
        yes = button("me", 0, "forget", wording.BUTTON_FORGET, danger=True)
        await show_card(interaction, card([wording.PRIVACY_ASK], yes, _no()))

    async def forget(self, press: Press) -> None:
        """[Yes, erase it], which may take as long as a picture that is being drawn."""
        interaction = press.interaction
        await acknowledge_press(interaction)
        done = await self._privacy.forget(interaction.user.id)
        await show_card(interaction, _done(done, interaction.client.mentions))

    async def keep(self, press: Press) -> None:
        """[Not now]."""
        await acknowledge_press(press.interaction)
        await show_card(press.interaction, card([wording.PRIVACY_KEPT]))


def _no() -> Control:
    return button("me", 0, "keep", wording.BUTTON_NOT_NOW)


def _card(kept: Kept, days: int) -> ui.LayoutView:
    counts = {name: wording.count(getattr(kept, name)) for name in Kept.__dataclass_fields__}
    keys = ("requests", "jobs", "pictures", "inbox", "cases", "given", "lines")
    lines = "\n".join(wording.say(f"privacy.{key}", counts, days=days) for key in keys)
    return card(
        [wording.PRIVACY_HEADING, lines, wording.PRIVACY_NOTE],
        button("me", 0, "export", wording.BUTTON_EXPORT),
        button("me", 0, "erase", wording.BUTTON_ERASE),
    )


def _done(done: Forgotten, mentions: dict[str, str]) -> ui.LayoutView:
    taken = wording.counted("privacy.taken", done.taken_back) if done.taken_back else ""
    texts = [wording.say("privacy.done", mentions, taken=taken)]
    if done.drawing:
        texts.append(wording.counted("privacy.drawing", done.drawing))
    return card(texts)


async def setup(client: Naibot) -> None:
    """Add the cog and register its controls."""
    cog = PrivacyCog(client.services.privacy, client.services.guilds)
    for verb, press in {
        "privacy": cog.press_show,
        "export": cog.press_export,
        "erase": cog.press_ask,
        "forget": cog.forget,
        "keep": cog.keep,
    }.items():
        client.control("me", verb, press=press)
    await client.add_cog(cog)
