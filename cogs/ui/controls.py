"""Buttons and forms: one id scheme, one DynamicItem, one table of verbs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import discord
from discord import ui

from bot.domain.errors import Refused
from cogs.ui.answer import handled
from cogs.ui.requester import Interaction

ID = re.compile(
    r"(?P<noun>job|draft|case|inbox|look|conf|mod|me):(?P<number>\d{1,19}):(?P<verb>[a-z]{1,16})(?::(?P<arg>[\w.-]{1,40}))?"
)
NUMBER_MAX = 2**63 - 1
"""Of Discord's ids, and of ours; a greater one no database takes."""
FORM_LIFE = 15 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """One use of a control or a form: who, the id's number, what was chosen, and a form's texts by field."""

    interaction: Interaction
    number: int
    arg: str | None = None
    values: tuple[str, ...] = ()
    fields: dict[str, str]


def control_id(noun: str, number: int, verb: str, arg: str | None = None) -> str:
    """``noun:id:verb[:arg]``; a verb never changes its meaning."""
    return f"{noun}:{number}:{verb}" + (f":{arg}" if arg else "")


class Control(ui.DynamicItem[ui.Item[Any]], template=ID):
    """Every button and select of ours, also one made before the last restart."""

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], item: ui.Item[Any], _match: re.Match[str], /
    ) -> Self:
        """Rebuild a control from the message it stands on."""
        return cls(item)

    async def callback(self, interaction: Interaction, /) -> Any:  # type: ignore[override]
        """Run the verb of this control's id."""
        async with handled(interaction):
            await _run(interaction, self.custom_id, "press", {})


def button(
    noun: str,
    number: int,
    verb: str,
    label: str,
    *,
    emoji: str | None = None,
    primary: bool = False,
    success: bool = False,
    danger: bool = False,
    disabled: bool = False,
    arg: str | None = None,
) -> Control:
    """A button; grey unless it is the one recommended step, green and red only on a moderator's card or a question."""
    style = discord.ButtonStyle.primary if primary else discord.ButtonStyle.secondary
    custom_id = control_id(noun, number, verb, arg)
    style = discord.ButtonStyle.success if success else style
    style = discord.ButtonStyle.danger if danger else style
    return Control(ui.Button(label=label, emoji=emoji, style=style, custom_id=custom_id, disabled=disabled))


def menu(item: ui.Item[Any], noun: str, number: int, verb: str, arg: str | None = None) -> Control:
    """A select, which has the same kind of id as a button."""
    item.custom_id = control_id(noun, number, verb, arg)  # type: ignore[attr-defined]
    return Control(item)


def row(*controls: Control) -> ui.View:
    """Controls under a plain message."""
    view = ui.View(timeout=None)
    for control in controls:
        view.add_item(control)
    return view


class Form(ui.Modal):
    """A form. It has no `on_submit` of its own: `submit` takes every form, also after a restart."""

    def __init__(self, noun: str, number: int, verb: str, title: str, arg: str | None = None) -> None:
        super().__init__(title=title, timeout=FORM_LIFE, custom_id=control_id(noun, number, verb, arg))

    def ask(
        self,
        name: str,
        label: str,
        *,
        hint: str | None = None,
        required: bool = True,
        least: int | None = None,
        limit: int = 300,
        holds: str | None = None,
        short: bool = False,
    ) -> None:
        """Add a text field called *name*, which *holds* a text already."""
        field: ui.TextInput[Any] = ui.TextInput(
            custom_id=name,
            style=discord.TextStyle.short if short else discord.TextStyle.paragraph,
            required=required,
            min_length=least,
            max_length=limit,
            default=holds,
        )
        self.add_item(ui.Label(text=label, description=hint, component=field))

    def offer(self, name: str, label: str, choices: Mapping[str, str], *, holds: str | None = None) -> None:
        """Add a list called *name*: value → what is read, at most 25; one is chosen, *holds* already."""
        options = [
            discord.SelectOption(label=text[:100], value=value, default=value == holds)
            for value, text in choices.items()
        ]
        field: ui.Select[Any] = ui.Select(custom_id=name, options=options[:25], required=True)
        self.add_item(ui.Label(text=label, component=field))


async def submit(interaction: Interaction) -> None:
    """Take a submitted form from the same table of verbs."""
    async with handled(interaction):
        data: Any = interaction.data or {}
        await _run(interaction, str(data.get("custom_id", "")), "submit", _fields(data))


async def _run(interaction: Interaction, custom_id: str, way: str, fields: dict[str, str]) -> None:
    match = ID.fullmatch(custom_id)
    verb = interaction.client.controls.get((match["noun"], match["verb"])) if match else None
    handler = getattr(verb, way) if verb else None
    if match is None or handler is None or int(match["number"]) > NUMBER_MAX:
        raise Refused("gone" if way == "press" else "form.gone")
    press = Press(
        interaction=interaction,
        number=int(match["number"]),
        arg=match["arg"],
        values=_values(interaction.data),
        fields=fields,
    )
    await handler(press)


def _values(data: Any) -> tuple[str, ...]:
    """What was chosen in a select."""
    return tuple(str(value)[:100] for value in (data or {}).get("values", ())[:25])


def _fields(data: Any) -> dict[str, str]:
    """The texts of a submitted form by field, and what was chosen in a list; whatever else it holds is left out."""
    found: dict[str, str] = {}
    for top in data.get("components", ())[:5]:
        for part in [top.get("component")] if top.get("component") else top.get("components", ())[:1]:
            value = part["value"] if "value" in part else next(iter(part.get("values") or ()), None)
            if isinstance(value, str):
                found[str(part.get("custom_id"))] = value[:4_000]
    return found
