"""The cards of the four steps in which a server is set up."""

from collections.abc import Iterable
from typing import Any

import discord
from discord import ui

from bot import wording
from bot.domain.guild import Group, GuildConfig, HouseConfig
from cogs.ui.controls import Control, button, menu
from cogs.ui.panel import channel_select, channels_select, panel, role_select
from cogs.ui.places import WRITING, posting_line

AMOUNTS = (10, 25, 100)
"""Pictures a day that the third step offers."""
STEPS = 4
ACCEPTED = "accepted"


def first_card(guild: discord.Guild, config: GuildConfig, house: HouseConfig) -> ui.LayoutView:
    """The first step where the server is not set up, else the panel."""
    if not config.is_set_up(house):
        return setup_step(1, guild, config, house)
    return panel(guild, config, Group.PLACES, house)


def setup_step(
    step: int,
    guild: discord.Guild,
    config: GuildConfig,
    house: HouseConfig,
    *,
    accepted: bool = False,
    draws_free: bool = True,
) -> ui.LayoutView:
    """One of the four steps; *accepted* says that unchecked pictures were accepted on this card."""
    view = ui.LayoutView(timeout=None)
    box: ui.Container[Any] = ui.Container()
    parts: Iterable[ui.Item[Any]]
    match step:
        case 1:
            parts = _where(guild, config, house)
        case 2:
            parts = _who(guild, config)
        case 3:
            parts = _how_much(config, draws_free=draws_free)
        case _:
            parts = _ready(config, house, accepted=accepted or config.unchecked)
    for part in parts:
        box.add_item(part)
    view.add_item(box)
    view.add_item(ui.ActionRow(*_steps(step)))
    return view


def _steps(step: int) -> Iterable[Control]:
    if step > 1:
        yield button("conf", step - 1, "step", wording.BUTTON_BACK)
    if step < STEPS:
        yield button("conf", step + 1, "step", wording.BUTTON_NEXT, primary=True)
    yield button("conf", 0, "later", wording.BUTTON_LATER)


def _where(guild: discord.Guild, config: GuildConfig, house: HouseConfig) -> Iterable[ui.Item[Any]]:
    yield ui.TextDisplay(wording.SETUP_PLACES)
    yield ui.ActionRow(menu(channels_select(guild, config.channels), "conf", 1, "pick", "channels"))
    lines = [posting_line(guild, channel) for channel in config.channels]
    none = wording.SETUP_PLACES_CHECKED if house.checked else wording.SETUP_PLACES_NONE
    yield ui.TextDisplay("\n".join(lines) or none)


def _who(guild: discord.Guild, config: GuildConfig) -> Iterable[ui.Item[Any]]:
    yield ui.TextDisplay(f"{wording.SETUP_PEOPLE}\n{wording.SETUP_PEOPLE_LINE}")
    yield ui.ActionRow(menu(role_select(guild, config.moderator_role), "conf", 2, "pick", "moderator_role"))
    yield ui.ActionRow(menu(channel_select(guild, config.log_channel), "conf", 2, "pick", "log_channel"))
    if config.log_channel is not None:
        yield ui.TextDisplay(posting_line(guild, config.log_channel, WRITING))


def _how_much(config: GuildConfig, *, draws_free: bool) -> Iterable[ui.Item[Any]]:
    yield ui.TextDisplay(wording.SETUP_LIMITS)
    yield ui.ActionRow(
        *(
            button(
                "conf",
                3,
                "amount",
                f"{amount} ✓" if config.pictures_day == amount else str(amount),
                arg=str(amount),
            )
            for amount in AMOUNTS
        )
    )
    line = wording.say("setup.limits.line", pictures=_pictures(config), anlas=_anlas(config))
    yield ui.TextDisplay(line if draws_free or not config.never_spend else f"{line}\n{wording.SETUP_NOFREE}")


def _ready(config: GuildConfig, house: HouseConfig, *, accepted: bool) -> Iterable[ui.Item[Any]]:
    yield ui.TextDisplay(wording.SETUP_READY)
    lines = wording.say(
        "setup.ready.lines",
        channels=wording.setting_value("channels", config.channels),
        moderators=wording.setting_value("moderator_role", config.moderator_role),
        log=wording.setting_value("log_channel", config.log_channel),
        pictures=_pictures(config),
        anlas=_anlas(config),
    )
    yield ui.TextDisplay(lines)
    needs = [] if config.channels else [wording.SETUP_NEEDS_CHANNEL]
    if house.checked:
        needs.append(wording.SETUP_CHECKED)
    else:
        needs += [wording.SETUP_ACCEPTED if accepted else wording.SETUP_UNCHECKED, wording.SETUP_CLOSED]
    yield ui.TextDisplay("\n".join(needs))
    is_settled = accepted or house.checked
    can_open = is_settled and bool(config.channels)
    yield ui.ActionRow(
        *([] if is_settled else [button("conf", 4, "accept", wording.BUTTON_ACCEPT)]),
        button("conf", 4, "open", wording.BUTTON_OPEN, primary=True, disabled=not can_open, arg=ACCEPTED),
    )


def _pictures(config: GuildConfig) -> str:
    return wording.setting_value("pictures_day", config.pictures_day)


def _anlas(config: GuildConfig) -> str:
    return wording.SETUP_NEVER if config.never_spend else wording.setting_value("anlas_day", config.anlas_day)
