"""Every component of a card, every kind of field of a form, and words as they are given, for what shows them."""

import asyncio
import io
from typing import Any

import discord
from discord import app_commands, ui
from discord.ext import commands
from PIL import Image

from bot.standin.discord import lantern

Talk = discord.Interaction[Any]
STYLES = discord.ButtonStyle


def picture(name: str, size: tuple[int, int] = (64, 96)) -> discord.File:
    """A small PNG."""
    data = io.BytesIO()
    Image.new("RGB", size, (20, 120, 110)).save(data, "PNG")
    data.seek(0)
    return discord.File(data, name, description=f"alt of {name}")


class EveryPart(ui.LayoutView):
    """A card with each component that there is; what is chosen in it is said."""

    def __init__(self, owner: int) -> None:
        super().__init__(timeout=60)
        self.owner = owner
        box: ui.Container[Any] = ui.Container(ui.TextDisplay("### Every part"), accent_colour=0x336699)
        box.add_item(ui.Section(ui.TextDisplay("beside a button"), accessory=self._button("Side", STYLES.secondary)))
        box.add_item(ui.Section(ui.TextDisplay("beside a picture"), accessory=ui.Thumbnail("attachment://thumb.png")))
        box.add_item(ui.Separator(spacing=discord.SeparatorSpacing.large))
        elsewhere = discord.MediaGalleryItem("https://example.com/far.png")
        hidden = discord.MediaGalleryItem("attachment://hidden.png", spoiler=True, description="hidden one")
        seen = discord.MediaGalleryItem("attachment://seen.png", description="seen one")
        box.add_item(ui.MediaGallery(seen, hidden, elsewhere))
        box.add_item(ui.File("attachment://notes.txt"))
        box.add_item(ui.Separator(visible=False))
        self.add_item(box)
        self.add_item(ui.Container(ui.TextDisplay("under a spoiler"), spoiler=True))
        row: ui.ActionRow[Any] = ui.ActionRow()
        for style in (STYLES.primary, STYLES.success, STYLES.danger):
            row.add_item(self._button(style.name, style))
        row.add_item(ui.Button(label="out", url="https://example.com/a"))
        row.add_item(ui.Button(label="off", custom_id="off", disabled=True))
        self.add_item(row)
        for select in self._selects():
            self.add_item(ui.ActionRow(select))

    def _button(self, label: str, style: discord.ButtonStyle) -> ui.Button[Any]:
        button: ui.Button[Any] = ui.Button(label=label, style=style, custom_id=f"part-{label}")
        button.callback = self._said(lambda: f"pressed {label}")  # type: ignore[method-assign]
        return button

    def _selects(self) -> list[ui.Item[Any]]:
        options = [discord.SelectOption(label=f"Entry {n}", value=str(n), description=f"the {n}.") for n in range(1, 5)]
        some: ui.Select[Any] = ui.Select(options=options, placeholder="Two or three", min_values=2, max_values=3)
        person: ui.UserSelect[Any] = ui.UserSelect(placeholder="A person")
        role: ui.RoleSelect[Any] = ui.RoleSelect(placeholder="A role")
        who: ui.MentionableSelect[Any] = ui.MentionableSelect(placeholder="Somebody")
        where: ui.ChannelSelect[Any] = ui.ChannelSelect(
            placeholder="A channel", default_values=[discord.SelectDefaultValue(id=lantern.STUDIO, type=_CHANNEL)]
        )
        some.callback = self._said(lambda: f"chose {some.values}")  # type: ignore[method-assign]
        for each in (person, role, who, where):
            each.callback = self._said(lambda each=each: f"chose {each.values[0].name}")  # type: ignore[method-assign]
        return [some, person, role, who, where]

    def _said(self, what: Any) -> Any:
        async def say(talk: Talk) -> None:
            await talk.response.send_message(what(), ephemeral=True)

        return say


_CHANNEL = discord.SelectDefaultValueType.channel


class EveryField(ui.Modal, title="Every field"):
    """A form with short text, choices and boxes."""

    def __init__(self) -> None:
        super().__init__(custom_id="every:field")
        radio = [discord.RadioGroupOption(label="Small", value="s"), discord.RadioGroupOption(label="Big", value="b")]
        boxes = [discord.CheckboxGroupOption(label=name, value=name[0].lower()) for name in ("Rain", "Snow", "Wind")]
        self.short: ui.TextInput[Any] = ui.TextInput(custom_id="short", min_length=3, max_length=10)
        self.radio: ui.RadioGroup[Any] = ui.RadioGroup(options=radio, custom_id="radio")
        self.boxes: ui.CheckboxGroup[Any] = ui.CheckboxGroup(
            options=boxes, min_values=1, max_values=2, custom_id="boxes"
        )
        self.check: ui.Checkbox[Any] = ui.Checkbox(custom_id="check")
        for label, field in (
            ("Name", self.short),
            ("Size", self.radio),
            ("Weather", self.boxes),
            ("Agreed", self.check),
        ):
            self.add_item(ui.Label(text=label, component=field))
        self.add_item(ui.TextDisplay("Read **this**."))

    async def on_submit(self, talk: Talk) -> None:  # type: ignore[override]
        """Say what it holds."""
        values = f"{self.short.value} {self.radio.value} {sorted(self.boxes.values)} {self.check.value}"
        await talk.response.send_message(values, ephemeral=True)


class EveryChoice(ui.Modal, title="Every choice"):
    """A form with a long text, selects and a file."""

    def __init__(self) -> None:
        super().__init__(custom_id="every:choice")
        options = [discord.SelectOption(label="One", value="1"), discord.SelectOption(label="Two", value="2")]
        self.long: ui.TextInput[Any] = ui.TextInput(
            style=discord.TextStyle.paragraph, required=False, max_length=20, custom_id="long"
        )
        self.pick: ui.Select[Any] = ui.Select(options=options, custom_id="pick")
        self.who: ui.UserSelect[Any] = ui.UserSelect(required=True, custom_id="who")
        self.where: ui.ChannelSelect[Any] = ui.ChannelSelect(required=True, custom_id="where")
        self.file: ui.FileUpload[Any] = ui.FileUpload(required=False, min_values=0, max_values=2, custom_id="file")
        fields = {"Words": self.long, "Number": self.pick, "Person": self.who, "Place": self.where, "Files": self.file}
        for label, field in fields.items():
            self.add_item(ui.Label(text=label, component=field, description=f"about {label.lower()}"))

    async def on_submit(self, talk: Talk) -> None:  # type: ignore[override]
        """Say what it holds."""
        names = [each.filename for each in self.file.values]
        chosen = f"{self.pick.values} {self.who.values[0].name} {self.where.values[0].name}"
        await talk.response.send_message(f"[{self.long.value}] {chosen} {names}", ephemeral=True)


class Parts(commands.Cog):
    """The commands."""

    @app_commands.command(description="Every component there is")
    async def parts(self, talk: Talk) -> None:
        """Send the card."""
        files = [picture("thumb.png"), picture("seen.png"), picture("hidden.png")]
        notes = discord.File(io.BytesIO(b"<script>alert(1)</script>"), "notes.txt")
        await talk.response.send_message(view=EveryPart(talk.user.id), files=[*files, notes])

    @app_commands.command(description="A form with fields")
    async def fields(self, talk: Talk) -> None:
        """Open it."""
        await talk.response.send_modal(EveryField())

    @app_commands.command(description="A form with choices")
    async def choices(self, talk: Talk) -> None:
        """Open it."""
        await talk.response.send_modal(EveryChoice())

    @app_commands.command(description="Says what it is given")
    async def echo(self, talk: Talk, text: str) -> None:
        """Say it."""
        await talk.response.send_message(text)

    @app_commands.command(description="Thinks, says, changes its mind, and takes it back")
    async def think(self, talk: Talk) -> None:
        """One message in four states, each for a moment."""
        await talk.response.defer(thinking=True)
        await asyncio.sleep(0.5)
        await talk.edit_original_response(content="first thought")
        await asyncio.sleep(0.5)
        await talk.edit_original_response(content="second thought")
        await asyncio.sleep(0.5)
        await talk.delete_original_response()

    @app_commands.command(description="Every kind of option")
    @app_commands.choices(
        mood=[app_commands.Choice(name="Calm sea", value=1), app_commands.Choice(name="Storm", value=2)]
    )
    async def options(
        self,
        talk: Talk,
        mood: app_commands.Choice[int],
        loud: bool | None = None,
        who: discord.Member | None = None,
        where: discord.TextChannel | None = None,
        role: discord.Role | None = None,
        many: app_commands.Range[int, 1, 5] | None = None,
        late: str | None = None,
    ) -> None:
        """Say what it was given."""
        names = [each.name if each else None for each in (who, where, role)]
        await talk.response.send_message(f"{mood.value} {loud} {names} {many} {late}")

    @options.autocomplete("late")
    async def complete(self, talk: Talk, current: str) -> list[app_commands.Choice[str]]:
        """Answers at once, or only after the time that it has."""
        if current == "slow":
            await asyncio.sleep(2)
        return [app_commands.Choice(name=f"{current} {n}", value=f"{current}{n}") for n in range(3)]

    group = app_commands.Group(name="deep", description="Commands below commands")

    @group.command(description="One level down")
    async def down(self, talk: Talk, word: str) -> None:
        """Say the word."""
        await talk.response.send_message(f"down {word}")
