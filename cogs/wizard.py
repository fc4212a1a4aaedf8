"""Setting a server up: four steps, each saved at once, and nothing is drawn before the doors are opened."""

import discord
from discord import ui
from discord.ext import commands

from bot import wording
from bot.client import Naibot
from bot.domain.errors import NaibotError, Refused
from bot.domain.guild import GuildConfig, Kind
from bot.services.accounts import Accounts
from bot.services.guilds import Guilds
from bot.services.moderation import Moderation
from cogs.ui.admin import admin_of
from cogs.ui.answer import acknowledge, acknowledge_press, show_card
from cogs.ui.cards import card
from cogs.ui.controls import Press, button, row
from cogs.ui.panel import selected, setting_of
from cogs.ui.wizard import ACCEPTED, AMOUNTS, STEPS, first_card, setup_step


class Wizard(commands.Cog):
    """`/config` opens its first step while the server is not set up; so does [Set up]."""

    def __init__(self, guilds: Guilds, moderation: Moderation, accounts: Accounts) -> None:
        self._guilds = guilds
        self._moderation = moderation
        self._accounts = accounts

    async def set_up(self, press: Press) -> None:
        """[Set up] under the welcome or a refusal."""
        _, guild, config = admin_of(press.interaction)
        await acknowledge(press.interaction, private=True)
        await show_card(press.interaction, first_card(guild, config, self._guilds.house))

    async def step(self, press: Press) -> None:
        """[Back] and [Next]."""
        _, guild, config = admin_of(press.interaction)
        await acknowledge_press(press.interaction)
        if not 1 <= press.number <= STEPS:
            raise Refused("gone")
        await show_card(press.interaction, self._step(press.number, guild, config))

    async def pick(self, press: Press) -> None:
        """A select of a step: saved at once."""
        admin, guild, _ = admin_of(press.interaction)
        await acknowledge_press(press.interaction)
        setting = setting_of(press.arg, self._guilds.house)
        if setting.kind not in (Kind.CHANNELS, Kind.CHANNEL, Kind.ROLE):
            raise Refused("gone")
        await self._moderation.set(admin, setting.key, selected(guild, setting, press.values))
        await self._draw_step(press, guild, press.number)

    async def amount(self, press: Press) -> None:
        """Pictures a day, one of three."""
        admin, guild, _ = admin_of(press.interaction)
        await acknowledge_press(press.interaction)
        amount = next((amount for amount in AMOUNTS if str(amount) == press.arg), None)
        if amount is None:
            raise Refused("gone")
        await self._moderation.set(admin, "pictures_day", amount)
        await self._draw_step(press, guild, 3)

    async def accept(self, press: Press) -> None:
        """Unchecked pictures are accepted; it is written down when the doors are opened."""
        _, guild, config = admin_of(press.interaction)
        await acknowledge_press(press.interaction)
        await show_card(press.interaction, self._step(4, guild, config, accepted=True))

    async def open(self, press: Press) -> None:
        """[Open the doors], which can be pressed only once everything it needs is there."""
        admin, guild, config = admin_of(press.interaction)
        await acknowledge_press(press.interaction)
        is_checked = self._guilds.house.checked
        if not config.channels or not (is_checked or config.unchecked or press.arg == ACCEPTED):
            await self._draw_step(press, guild, 4)
            return
        if not is_checked:
            await self._moderation.set(admin, "unchecked", True)
        channels = wording.setting_value("channels", config.channels)
        done = wording.say("setup.done", press.interaction.client.mentions, channels=channels)
        await show_card(press.interaction, card([done]))

    async def later(self, press: Press) -> None:
        """Everything chosen so far is kept."""
        admin_of(press.interaction)
        await acknowledge_press(press.interaction)
        await show_card(press.interaction, card([wording.say("setup.later", press.interaction.client.mentions)]))

    async def _draw_step(self, press: Press, guild: discord.Guild, step: int) -> None:
        config = self._guilds.config_of(guild.id) or GuildConfig()
        await show_card(press.interaction, self._step(step, guild, config))

    def _step(self, step: int, guild: discord.Guild, config: GuildConfig, *, accepted: bool = False) -> ui.LayoutView:
        draws_free = self._accounts.draws_free
        return setup_step(step, guild, config, self._guilds.house, accepted=accepted, draws_free=draws_free)


def _set_up_button(error: NaibotError) -> ui.View | None:
    """For whoever may use it."""
    return row(button("conf", 0, "setup", wording.BUTTON_SET_UP)) if error.data.get("may_manage") else None


async def setup(client: Naibot) -> None:
    """Add the cog, its controls, and the cure for a server that nobody set up."""
    services = client.services
    cog = Wizard(services.guilds, services.moderation, services.accounts)
    for verb, press in {
        "setup": cog.set_up,
        "step": cog.step,
        "pick": cog.pick,
        "amount": cog.amount,
        "accept": cog.accept,
        "open": cog.open,
        "later": cog.later,
    }.items():
        client.control("conf", verb, press=press)
    client.cure("place.none", _set_up_button)
    client.cure("place.unchecked", _set_up_button)
    await client.add_cog(cog)
