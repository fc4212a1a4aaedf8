"""`/config`: the panel of settings, and every change with its way back."""

from collections.abc import Mapping

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot import wording
from bot.client import Naibot
from bot.domain.calendar import ZONE_LENGTH, zones
from bot.domain.change import Change, What
from bot.domain.errors import Mistake, Refused
from bot.domain.features import offered
from bot.domain.guild import Group, GuildConfig, Kind, Setting, Spoiler, parse_value, plain_value, settings_of
from bot.domain.request import SIZES, Requester
from bot.services.guilds import Guilds
from bot.services.moderation import Moderation
from cogs.ui.admin import admin_of
from cogs.ui.answer import acknowledge, acknowledge_press, show_card, tell
from cogs.ui.changes import ask_text, done_text, offer_undo, undo_button, yes_or_no
from cogs.ui.controls import Form, Press, row
from cogs.ui.panel import SELECTED, Notice, asking, panel, selected, setting_of
from cogs.ui.places import DRAWABLE, WRITABLE, named
from cogs.ui.requester import Interaction
from cogs.ui.wizard import first_card

VALUE_MAX = 1_000
CHOICE_MAX = 100
"""Characters that Discord takes of an entry."""


class Config(commands.Cog):
    """Manage Server is asked for again in every handler; each change is on record."""

    def __init__(self, guilds: Guilds, moderation: Moderation) -> None:
        self._guilds = guilds
        self._moderation = moderation

    @property
    def _settings(self) -> Mapping[str, Setting]:
        return settings_of(self._guilds.house)

    # --- the command -------------------------------------------------------------------------------------------------

    @app_commands.command(name="config", description=wording.CONFIG)
    @app_commands.default_permissions(manage_guild=True)
    @app_commands.allowed_installs(guilds=True)
    @app_commands.allowed_contexts(guilds=True)
    @app_commands.describe(setting=wording.CONFIG_SETTING, value=wording.CONFIG_VALUE)
    async def config(
        self,
        interaction: Interaction,
        setting: str | None = None,
        value: app_commands.Range[str, 1, VALUE_MAX] | None = None,
    ) -> None:
        """Both empty: the steps the first time, else the panel."""
        admin, guild, config = admin_of(interaction)
        await acknowledge(interaction, private=True)
        if setting is None and value is None:
            await show_card(interaction, first_card(guild, config, self._guilds.house))
            return
        if setting is None:
            raise Mistake("setting.name")
        found = _setting_called(setting, self._settings)
        if value is None:
            held = wording.setting_value(found.key, plain_value(getattr(config, found.key)))
            await tell(interaction, wording.say("setting.value", value=held))
            return
        await self._say_change(interaction, admin, found, _read(guild, found, value))

    @config.autocomplete("setting")
    async def complete_setting(self, _interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        """Every setting by its label or key."""
        labels = {key: wording.SETTING_LABELS[key] for key in self._settings}
        found = [key for key in labels if current.casefold() in f"{labels[key]} {key}".casefold()]
        return [app_commands.Choice(name=labels[key], value=key) for key in found[:25]]

    @config.autocomplete("value")
    async def complete_value(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        """What the chosen setting can hold."""
        _, guild, _ = admin_of(interaction)
        setting = self._settings.get(str(getattr(interaction.namespace, "setting", None)))
        offered = _offered(setting, guild) if setting is not None else []
        found = [text for text in offered if current.casefold() in text.casefold() and len(text) <= CHOICE_MAX]
        return [app_commands.Choice(name=text, value=text) for text in found[:25]]

    def _panel(
        self, guild: discord.Guild, group: Group, *, notice: Notice | None = None, choosing: str | None = None
    ) -> ui.LayoutView:
        config = self._guilds.config_of(guild.id) or GuildConfig()
        return panel(guild, config, group, self._guilds.house, notice=notice, choosing=choosing)

    # --- changes -----------------------------------------------------------------------------------------------------

    async def _say_change(self, interaction: Interaction, admin: Requester, setting: Setting, value: object) -> None:
        """Change one setting from the command; what is dangerous is asked first."""
        change, old = self._change(admin, setting, value)
        if _is_danger(setting, change, old):
            pending = await self._moderation.keep(admin, change)
            await tell(interaction, ask_text(change, old), view=row(*yes_or_no(pending)))
            return
        undo = await self._moderation.apply(admin, change)
        pending_undo = await self._moderation.keep(admin, undo) if undo != change else None
        await offer_undo(interaction, change, undo, pending_undo)

    async def _draw_change(self, press: Press, setting: Setting, value: object) -> None:
        """Change one setting from the panel, and draw it anew."""
        interaction = press.interaction
        admin, guild, _ = admin_of(interaction)
        change, old = self._change(admin, setting, value)
        if _is_danger(setting, change, old):
            notice = asking(change, old, await self._moderation.keep(admin, change))
        else:
            notice = await self._made(admin, change)
        await show_card(interaction, self._panel(guild, setting.group, notice=notice))

    def _change(self, admin: Requester, setting: Setting, value: object) -> tuple[Change, object]:
        config = self._guilds.config(admin) or GuildConfig()
        change = Change(what=What.SETTING, name=setting.key, value=plain_value(value))
        return change, plain_value(getattr(config, setting.key))

    async def _made(self, admin: Requester, change: Change) -> Notice:
        undo = await self._moderation.apply(admin, change)
        pending = await self._moderation.keep(admin, undo) if undo != change else None
        return Notice(text=done_text(change, undo), undo=pending)

    async def yes(self, press: Press) -> None:
        """The change that was asked about is made."""
        await self._conclude(press, is_back=False)

    async def undo(self, press: Press) -> None:
        """A change is taken back."""
        await self._conclude(press, is_back=True)

    async def _conclude(self, press: Press, *, is_back: bool) -> None:
        interaction = press.interaction
        admin, guild, _ = admin_of(interaction)
        await acknowledge_press(interaction)
        change, undo = await self._moderation.carry_out(admin, press.number)
        pending = None if is_back or undo == change else await self._moderation.keep(admin, undo)
        text = done_text(change, undo, back=is_back)
        setting = self._settings.get(change.name)
        if setting is not None and _is_card(interaction):
            notice = Notice(text=text, undo=pending)
            await show_card(interaction, self._panel(guild, setting.group, notice=notice))
            return
        view = row(undo_button(pending)) if pending is not None else None
        await interaction.edit_original_response(content=text, view=view)

    async def no(self, press: Press) -> None:
        """The change that was asked about is let go."""
        interaction = press.interaction
        admin, guild, _ = admin_of(interaction)
        await acknowledge_press(interaction)
        change = await self._moderation.let_go(admin, press.number)
        setting = self._settings.get(change.name)
        if setting is not None and _is_card(interaction):
            notice = Notice(text=wording.CHANGE_KEPT)
            await show_card(interaction, self._panel(guild, setting.group, notice=notice))
            return
        await interaction.edit_original_response(content=wording.CHANGE_KEPT, view=None)

    # --- the panel ---------------------------------------------------------------------------------------------------

    async def group(self, press: Press) -> None:
        """Another group of settings."""
        _, guild, _ = admin_of(press.interaction)
        await acknowledge_press(press.interaction)
        groups = [group for group in Group if group.value in press.values]
        await show_card(press.interaction, self._panel(guild, groups[0] if groups else Group.PLACES))

    async def change(self, press: Press) -> None:
        """[Change]: a toggle at once, a form for numbers and the time zone, a select for the rest."""
        interaction = press.interaction
        _, guild, config = admin_of(interaction)
        setting = setting_of(press.arg, self._guilds.house)
        if setting.kind in (Kind.NUMBER, Kind.LIMIT, Kind.ZONE):
            await interaction.response.send_modal(_form(setting, config))
            return
        await acknowledge_press(interaction)
        if setting.kind in SELECTED:
            await show_card(interaction, self._panel(guild, setting.group, choosing=setting.key))
            return
        await self._draw_change(press, setting, not getattr(config, setting.key))

    async def typed(self, press: Press) -> None:
        """A setting's form came back."""
        admin_of(press.interaction)
        await acknowledge_press(press.interaction)
        setting = setting_of(press.arg, self._guilds.house)
        await self._draw_change(press, setting, parse_value(setting, press.fields.get("value", "")))

    async def choose(self, press: Press) -> None:
        """Something was chosen in a setting's select."""
        _, guild, _ = admin_of(press.interaction)
        await acknowledge_press(press.interaction)
        setting = setting_of(press.arg, self._guilds.house)
        await self._draw_change(press, setting, selected(guild, setting, press.values))

    async def clear(self, press: Press) -> None:
        """No role, no channel."""
        admin_of(press.interaction)
        await acknowledge_press(press.interaction)
        setting = setting_of(press.arg, self._guilds.house)
        if setting.kind not in (Kind.CHANNEL, Kind.ROLE):
            raise Refused("gone")
        await self._draw_change(press, setting, None)


def _setting_called(text: str, settings: Mapping[str, Setting]) -> Setting:
    """A setting by its key or its label. Raises `Mistake` ``setting.unknown``."""
    wanted = text.casefold().strip()
    for key, setting in settings.items():
        if wanted in (key, wording.SETTING_LABELS[key].casefold()):
            return setting
    raise Mistake("setting.unknown")


def _read(guild: discord.Guild, setting: Setting, text: str) -> object:
    if setting.kind in (Kind.CHANNELS, Kind.CHANNEL, Kind.ROLE):
        ids = named(guild, setting.kind, text)
        text = " ".join(map(str, ids))
    return parse_value(setting, text)


def _is_danger(setting: Setting, change: Change, old: object) -> bool:
    return setting.danger is not None and change.value == setting.danger and change.value != old


def _is_card(interaction: Interaction) -> bool:
    return interaction.message is not None and interaction.message.flags.components_v2


def _form(setting: Setting, config: GuildConfig) -> Form:
    form = Form("conf", 0, "change", wording.SETTING_LABELS[setting.key], arg=setting.key)
    hints = {Kind.LIMIT: "form.limit_hint", Kind.NUMBER: "form.number_hint", Kind.ZONE: "form.zone_hint"}
    value = getattr(config, setting.key)
    form.ask(
        "value",
        wording.FORM_SETTING,
        hint=wording.say(hints[setting.kind], low=setting.low, high=wording.count(setting.high)),
        limit=ZONE_LENGTH if setting.kind is Kind.ZONE else 9,
        holds=wording.NOT_SET if value is None else str(value),
        short=True,
    )
    return form


def _offered(setting: Setting, guild: discord.Guild) -> list[str]:
    match setting.kind:
        case Kind.SWITCH:
            return [wording.ON, wording.OFF]
        case Kind.LIMIT:
            return [wording.NO_LIMIT, "0", "10", "25", "100"]
        case Kind.NUMBER:
            return [str(n) for n in sorted({setting.low, 1, 3, 5, 10, 30} | {setting.high}) if n >= setting.low]
        case Kind.SPOILER:
            return [wording.SPOILERS[each] for each in Spoiler]
        case Kind.MODEL:
            return [row.name for row in offered()]
        case Kind.SIZE:
            return [name.capitalize() for name in SIZES]
        case Kind.ZONE:
            return list(zones().values())
        case Kind.ROLE:
            return [wording.NOT_SET, *(f"@{role.name}" for role in guild.roles if not role.is_default())]
        case _:
            kinds = DRAWABLE if setting.kind is Kind.CHANNELS else WRITABLE
            return [wording.NOT_SET, *(f"#{each.name}" for each in guild.channels if each.type in kinds)]


async def setup(client: Naibot) -> None:
    """Add the cog and register its controls."""
    services = client.services
    cog = Config(services.guilds, services.moderation)
    for verb, press in {
        "yes": cog.yes,
        "no": cog.no,
        "undo": cog.undo,
        "group": cog.group,
        "choose": cog.choose,
        "clear": cog.clear,
    }.items():
        client.control("conf", verb, press=press)
    client.control("conf", "change", press=cog.change, submit=cog.typed)
    await client.add_cog(cog)
