"""A small bot that uses every part of discord.py that ours may use, and does wrong things on request."""

import asyncio
import io
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

import discord
import yarl
from discord import app_commands, ui
from discord.ext import commands

from bot.standin.discord import Discord, lantern
from bot.standin.discord.interactions import Interaction
from tests.standin.sample_parts import Parts

STYLES = [f"style-{n:02d}" for n in range(60)]
Talk = discord.Interaction["SampleBot"]


class Again(ui.DynamicItem[ui.Button[Any]], template=r"again:(?P<user>\d+):(?P<n>\d+)"):
    """A button whose whole state is its id."""

    def __init__(self, user: int, n: int) -> None:
        super().__init__(ui.Button(label=f"Again ({n})", custom_id=f"again:{user}:{n}"))
        self.user, self.n = user, n

    @classmethod
    async def from_custom_id(cls, interaction: Any, item: Any, match: re.Match[str], /) -> Self:
        """Built from the id alone."""
        return cls(int(match["user"]), int(match["n"]))

    async def callback(self, interaction: Talk) -> None:  # type: ignore[override]
        """Open the form, for its owner only."""
        if interaction.user.id != self.user:
            await interaction.response.send_message("Not yours.", ephemeral=True)
        else:
            await interaction.response.send_modal(Change(self.user, self.n))


class Change(ui.Modal, title="Change it"):
    """A form with a text, a file and a choice."""

    def __init__(self, user: int, n: int) -> None:
        super().__init__(custom_id=f"change:{user}:{n}")
        self.user, self.n = user, n
        options = [discord.RadioGroupOption(label="Small", value="s"), discord.RadioGroupOption(label="Big", value="b")]
        self.text: ui.TextInput[Any] = ui.TextInput(default="hello", max_length=200, custom_id="text")
        self.file: ui.FileUpload[Any] = ui.FileUpload(required=False, min_values=0, max_values=3, custom_id="file")
        self.pick: ui.RadioGroup[Any] = ui.RadioGroup(options=options, custom_id="pick")
        self.add_item(ui.TextDisplay("Change the **text** and send it again."))
        self.add_item(ui.Label(text="Text", component=self.text))
        self.add_item(ui.Label(text="New image", description="optional", component=self.file))
        self.add_item(ui.Label(text="Size", component=self.pick))

    async def on_submit(self, interaction: Talk) -> None:  # type: ignore[override]
        """Put what was given into the message."""
        sizes = [len(await each.read()) for each in self.file.values]
        view = ui.View(timeout=None)
        view.add_item(Again(self.user, self.n + 1))
        await interaction.response.edit_message(
            content=f"text={self.text.value} files={sizes} pick={self.pick.value}",
            view=view,
            attachments=[discord.File(io.BytesIO(b"edited"), "edited.png")],
        )


class Panel(ui.LayoutView):
    """A card with a picture, a file, a button at a section and a select."""

    def __init__(self, picture: discord.File) -> None:
        super().__init__(timeout=60)
        box: ui.Container[Any] = ui.Container(ui.TextDisplay("# Result"), accent_colour=0x00FF00)
        box.add_item(ui.MediaGallery(discord.MediaGalleryItem(picture)))
        box.add_item(ui.Section(ui.TextDisplay("side"), accessory=ui.Button(label="Go", custom_id="go")))
        box.add_item(ui.File("attachment://notes.txt"))
        self.add_item(box)
        select: ui.Select[Any] = ui.Select(
            options=[discord.SelectOption(label="a"), discord.SelectOption(label="b")], custom_id="select"
        )

        async def picked(interaction: discord.Interaction) -> None:
            await interaction.response.send_message(f"picked {select.values}", ephemeral=True)

        select.callback = picked  # type: ignore[method-assign]
        self.add_item(ui.ActionRow(select))
        where: ui.ChannelSelect[Any] = ui.ChannelSelect(custom_id="where")

        async def placed(interaction: discord.Interaction) -> None:
            await interaction.response.send_message(f"in {where.values[0].name}", ephemeral=True)

        where.callback = placed  # type: ignore[method-assign]
        self.add_item(ui.ActionRow(where))


def _buttons(*buttons: tuple[str, str]) -> ui.View:
    view = ui.View()
    for label, custom_id in buttons:
        view.add_item(ui.Button(label=label, custom_id=custom_id))
    return view


async def _twice(talk: Talk) -> None:
    await talk.response.send_message("one")
    talk.response._response_type = None  # the library's own guard
    await talk.response.send_message("two")


async def _big(talk: Talk) -> None:
    await talk.response.defer()
    await talk.followup.send(file=discord.File(io.BytesIO(bytes(10 * 1024 * 1024 + 1)), "big.bin"))


async def _late(talk: Talk) -> None:
    await asyncio.sleep(0.4)
    await talk.response.send_message("late")


async def _gone(talk: Talk) -> None:
    await talk.response.send_message("soon gone")
    await talk.delete_original_response()


async def _same_names(talk: Talk) -> None:
    await talk.response.send_message(file=_text("a.txt"))
    await talk.followup.send(file=_text("a.txt"), ephemeral=True)


async def _both(talk: Talk) -> None:
    view = ui.LayoutView()
    view.add_item(ui.TextDisplay("hi"))
    await talk.response.send_message(content="both", view=view)


async def _crash(talk: Talk) -> None:
    raise RuntimeError("boom")


WRONG: dict[str, Callable[[Talk], Awaitable[Any]]] = {
    "long": lambda talk: talk.response.send_message("x" * 2001),
    "embeds": lambda talk: talk.response.send_message(embeds=[discord.Embed(description="y" * 4000)] * 2),
    "empty": lambda talk: talk.response.send_message(""),
    "same id": lambda talk: talk.response.send_message("x", view=_buttons(("a", "same"), ("b", "same"))),
    "label": lambda talk: talk.response.send_message("x", view=_buttons(("L" * 81, "a"))),
    "no file": lambda talk: talk.response.send_message(embed=discord.Embed().set_image(url="attachment://no.png")),
    "twice": _twice,
    "big": _big,
    "late": _late,
    "both": _both,
    "gone": _gone,
    "same names": _same_names,
    "crash": _crash,
}


class Sample(commands.Cog):
    """The commands."""

    def __init__(self, bot: "SampleBot") -> None:
        bot.tree.add_command(app_commands.ContextMenu(name="Look at it", callback=self.look))
        bot.tree.add_command(app_commands.ContextMenu(name="Who is it", callback=self.who_is_it))

    @app_commands.command(description="Says ok")
    async def noop(self, interaction: Talk) -> None:
        """Say ok."""
        await interaction.response.send_message("ok")

    @app_commands.command(description="Puts a caption on an image")
    async def caption(
        self,
        interaction: Talk,
        image: discord.Attachment,
        text: app_commands.Range[str, 1, 200],
        style: str = "style-00",
        second: discord.Attachment | None = None,
    ) -> None:
        """Read files, defer, edit, follow up."""
        await interaction.response.defer(thinking=True)
        data = await image.read() + (await second.read() if second else b"")
        view = ui.View(timeout=None)
        view.add_item(Again(interaction.user.id, 1))
        embed = discord.Embed(title="Captioned", description=text).set_image(url="attachment://out.png")
        out = discord.File(io.BytesIO(data[::-1]), "out.png", description="alt")
        await interaction.edit_original_response(
            content=f"{style} {len(data)}", embed=embed, view=view, attachments=[out, _text("plain.txt")]
        )
        await interaction.followup.send("see it", ephemeral=True, files=[_text("a.txt"), _text("b.txt")])

    @caption.autocomplete("style")
    async def complete(self, interaction: Talk, current: str) -> list[app_commands.Choice[str]]:
        """Styles that hold what was typed."""
        return [app_commands.Choice(name=name, value=name) for name in STYLES if current in name][:25]

    @app_commands.command(description="A card", nsfw=True)
    @app_commands.default_permissions(manage_guild=True)
    async def panel(self, interaction: Talk) -> None:
        """Send a card."""
        picture = discord.File(io.BytesIO(b"png"), "out.png")
        await interaction.response.send_message(view=Panel(picture), files=[picture, _text("notes.txt")])

    @app_commands.command(description="Names people, roles and channels")
    async def name(
        self,
        interaction: Talk,
        member: discord.Member,
        role: discord.Role,
        channel: discord.TextChannel,
        who: discord.Member | discord.Role,
    ) -> None:
        """Say whom it was given."""
        await interaction.response.send_message(f"{member.display_name} {role.name} {channel.name} {who.name}")

    @app_commands.command(description="Does a wrong thing")
    async def wrong(self, interaction: Talk, how: str) -> None:
        """Do it."""
        await WRONG[how](interaction)

    async def who_is_it(self, interaction: Talk, member: discord.Member) -> None:
        """Say who was chosen, and whether they moderate."""
        resolved = member.resolved_permissions
        moderates = resolved is not None and resolved.moderate_members
        await interaction.response.send_message(f"{member.display_name} {moderates}", ephemeral=True)

    async def look(self, interaction: Talk, message: discord.Message) -> None:
        """Say what the message has."""
        names = [attachment.filename for attachment in message.attachments]
        await interaction.response.send_message(f"{names} of {message.author.name}", ephemeral=True)


def _text(name: str) -> discord.File:
    return discord.File(io.BytesIO(name.encode()), name)


class Tree(app_commands.CommandTree["SampleBot"]):
    """Remembers what failed, and tells the user."""

    async def on_error(self, interaction: Talk, error: app_commands.AppCommandError, /) -> None:
        """Keep the failure."""
        self.client.failures.append(getattr(error, "original", error))
        if interaction.response.is_done():
            return
        try:
            await interaction.response.send_message("Sorry, that did not work.", ephemeral=True)
        except discord.HTTPException:
            return


class SampleBot(commands.Bot):
    """The client."""

    def __init__(self, intents: discord.Intents | None = None) -> None:
        super().__init__(
            command_prefix=commands.when_mentioned, tree_cls=Tree, help_command=None, max_messages=None,
            intents=intents or discord.Intents(guilds=True), guild_ready_timeout=0.1,
            allowed_mentions=discord.AllowedMentions.none(), member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
        )  # fmt: skip
        self.failures: list[BaseException] = []

    async def setup_hook(self) -> None:
        """Register and sync."""
        self.add_dynamic_items(Again)
        await self.add_cog(Sample(self))
        await self.add_cog(Parts())
        await self.tree.sync()


def point_at(discord_: Discord) -> None:
    """Send discord.py to the stand-in."""
    where = discord_.settings()
    discord.http.Route.BASE = where["DISCORD_API"]
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(where["DISCORD_GATEWAY"])


@asynccontextmanager
async def playing(discord_: Discord) -> AsyncIterator[SampleBot]:
    """The bot, connected to a service that is served."""
    point_at(discord_)
    async with SampleBot() as bot:
        task = asyncio.create_task(bot.start(lantern.TOKEN))
        try:
            async with asyncio.timeout(10):
                while not bot.is_ready():
                    await asyncio.sleep(0.01)
            yield bot
        finally:
            await bot.close()
            await task


async def until(true: Callable[[], Any], within: float = 5.0) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(within):
        while not true():
            await asyncio.sleep(0.01)


async def original(discord_: Discord, interaction: Interaction) -> dict[str, Any]:
    """The message that answered, once it is more than a placeholder."""

    def found() -> dict[str, Any] | None:
        shown = discord_.world.shown.get(interaction.original or 0)
        return shown.message if shown is not None and not shown.message["flags"] & (1 << 7) else None

    await until(found)
    message = found()
    assert message is not None
    return message
