"""The card of `/config`: groups of settings, what was just changed, and the select of a setting."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import discord
from discord import ui

from bot import wording
from bot.domain.change import Change, Pending
from bot.domain.errors import Refused
from bot.domain.guild import (
    Group,
    GuildConfig,
    HouseConfig,
    Kind,
    Setting,
    Spoiler,
    grouped,
    parse_value,
    settings_of,
)
from bot.domain.model import CAPABILITIES, Model
from bot.domain.request import SIZES
from cogs.ui.changes import ask_text, undo_button, yes_or_no
from cogs.ui.controls import Control, button, menu
from cogs.ui.places import DRAWABLE, WRITABLE, chosen

SELECTED = (Kind.CHANNELS, Kind.CHANNEL, Kind.ROLE, Kind.SPOILER, Kind.SIZE, Kind.MODEL)
"""Kinds that are chosen in a select; a switch is toggled and a number is typed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What was just changed, with the way back; or a change that is asked about first."""

    text: str
    undo: Pending | None = None
    asked: Pending | None = None


def panel(
    guild: discord.Guild,
    config: GuildConfig,
    group: Group,
    house: HouseConfig,
    *,
    notice: Notice | None = None,
    choosing: str | None = None,
) -> ui.LayoutView:
    """One group of settings with [Change] beside each; *choosing* is the setting whose select is open."""
    view = ui.LayoutView(timeout=None)
    box: ui.Container[Any] = ui.Container()
    box.add_item(ui.TextDisplay(wording.say("config.heading", group=wording.GROUPS[group])))
    for setting in dict(grouped(house))[group]:
        box.add_item(_section(setting, config))
        if setting.key == choosing:
            for item in _chooser(guild, setting, config):
                box.add_item(item)
    if (line := _of_the_house(group, house)) is not None:
        box.add_item(ui.TextDisplay(line))
    view.add_item(box)
    for item in _notice(notice):
        view.add_item(item)
    view.add_item(ui.ActionRow(_groups(group)))
    return view


def _of_the_house(group: Group, house: HouseConfig) -> str | None:
    """What whoever runs the bot decided, and an admin here should know."""
    match group:
        case Group.MONEY if house.never_spend:
            return wording.CONFIG_HOUSE
        case Group.SAFETY:
            return wording.CONFIG_CHECKED if house.checked else wording.CONFIG_UNCHECKED
        case _:
            return None


def _section(setting: Setting, config: GuildConfig) -> ui.Item[Any]:
    text = wording.say(
        "config.section",
        label=wording.SETTING_LABELS[setting.key],
        value=wording.setting_value(setting.key, getattr(config, setting.key)),
        help=wording.SETTING_HELP[setting.key],
    )
    return ui.Section(text, accessory=button("conf", 0, "change", wording.BUTTON_CHANGE, arg=setting.key))


def _notice(notice: Notice | None) -> Iterable[ui.Item[Any]]:
    if notice is None:
        return
    if notice.undo is not None:
        yield ui.Section(notice.text, accessory=undo_button(notice.undo))
        return
    yield ui.TextDisplay(notice.text)
    if notice.asked is not None:
        yield ui.ActionRow(*yes_or_no(notice.asked))


def asking(change: Change, old: object, pending: Pending) -> Notice:
    """The notice that asks before something dangerous is changed."""
    return Notice(text=ask_text(change, old), asked=pending)


def _groups(current: Group) -> Control:
    options = [
        discord.SelectOption(label=wording.GROUPS[group], value=group.value, default=group is current)
        for group in Group
    ]
    return menu(ui.Select(options=options, placeholder=wording.CONFIG_GROUP), "conf", 0, "group")


def _chooser(guild: discord.Guild, setting: Setting, config: GuildConfig) -> Iterable[ui.Item[Any]]:
    value = getattr(config, setting.key)
    yield ui.ActionRow(menu(_select(guild, setting, value), "conf", 0, "choose", setting.key))
    if setting.kind in (Kind.CHANNEL, Kind.ROLE) and value is not None:
        yield ui.ActionRow(button("conf", 0, "clear", wording.BUTTON_CLEAR, arg=setting.key))


def _select(guild: discord.Guild, setting: Setting, value: Any) -> ui.Item[Any]:
    match setting.kind:
        case Kind.CHANNELS:
            return channels_select(guild, value)
        case Kind.CHANNEL:
            return channel_select(guild, value)
        case Kind.ROLE:
            return role_select(guild, value)
        case Kind.SPOILER:
            options = [
                discord.SelectOption(label=wording.SPOILERS[each], value=each, default=each is value)
                for each in Spoiler
            ]
            return ui.Select(options=options, placeholder=wording.CHOOSE_ONE)
        case Kind.MODEL:
            models = [
                discord.SelectOption(label=CAPABILITIES[model].name, value=model, default=model is value)
                for model in Model
                if CAPABILITIES[model].is_offered
            ]
            return ui.Select(options=models, placeholder=wording.CHOOSE_ONE)
        case _:
            sizes = [
                discord.SelectOption(label=f"{name.capitalize()} {size}", value=name, default=size == value)
                for name, size in SIZES.items()
            ]
            return ui.Select(options=sizes, placeholder=wording.CHOOSE_ONE)


def channels_select(guild: discord.Guild, value: Sequence[int]) -> ui.ChannelSelect[Any]:
    """Where the bot may draw: none to 25 channels, those that are chosen already marked."""
    return ui.ChannelSelect(
        channel_types=list(DRAWABLE),
        min_values=0,
        max_values=25,
        placeholder=wording.CHOOSE_CHANNELS,
        default_values=_defaults(id_ for id_ in value if guild.get_channel(id_) is not None),
    )


def channel_select(guild: discord.Guild, value: int | None) -> ui.ChannelSelect[Any]:
    """One channel to write in."""
    known = [value] if value is not None and guild.get_channel(value) is not None else []
    return ui.ChannelSelect(
        channel_types=list(WRITABLE), placeholder=wording.CHOOSE_CHANNEL, default_values=_defaults(known)
    )


def role_select(guild: discord.Guild, value: int | None) -> ui.RoleSelect[Any]:
    """One role."""
    known = [value] if value is not None and guild.get_role(value) is not None else []
    values = [discord.SelectDefaultValue(id=id_, type=discord.SelectDefaultValueType.role) for id_ in known]
    return ui.RoleSelect(placeholder=wording.CHOOSE_ROLE, default_values=values)


def _defaults(ids: Iterable[int]) -> list[discord.SelectDefaultValue]:
    return [discord.SelectDefaultValue(id=id_, type=discord.SelectDefaultValueType.channel) for id_ in ids]


def selected(guild: discord.Guild, setting: Setting, values: tuple[str, ...]) -> object:
    """The value that was chosen in a setting's select. Raises `Mistake` for what this server does not have."""
    if setting.kind in (Kind.CHANNELS, Kind.CHANNEL, Kind.ROLE):
        ids = chosen(guild, setting.kind, values)
        return ids if setting.kind is Kind.CHANNELS else next(iter(ids), None)
    return parse_value(setting, values[0] if values else "")


def setting_of(key: str | None, house: HouseConfig) -> Setting:
    """The setting of a control's argument. Raises `Refused` ``gone`` for one that does not exist."""
    setting = settings_of(house).get(key or "")
    if setting is None:
        raise Refused("gone")
    return setting
