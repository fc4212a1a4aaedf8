"""`/inspect` and Apps → Inspect image: what an image says of itself, and what can be done with it."""

import asyncio
import io
from collections.abc import AsyncIterator, Sequence
from functools import partial

import discord
from discord import app_commands
from discord.ext import commands

from bot import wording
from bot.client import Naibot
from bot.domain.carried import characters_line
from bot.domain.claims import Note, noted
from bot.domain.errors import Mistake, Refused
from bot.domain.request import Picture
from bot.domain.rules import judge_member
from bot.services.darkroom import Darkroom
from bot.services.deliveries import Deliveries
from bot.services.moderation import Moderation
from bot.services.studio import Studio
from cogs.ui.answer import acknowledge, fill_placeholder, note, show_card, tell
from cogs.ui.controls import Press
from cogs.ui.images import Images, Shown
from cogs.ui.inspection import Look, cards_of, memory_of
from cogs.ui.memory import look_at, looks_of
from cogs.ui.requester import Interaction, requester_of
from cogs.ui.sharing import judge_looks

CONTENT_MAX = 1_800
"""Characters of a text that still fits a message with its fence; a longer one goes into a file too."""


class Inspect(commands.Cog):
    """Reads images; nothing is kept, the answer's own `metadata.json` is its memory."""

    def __init__(
        self, client: Naibot, darkroom: Darkroom, deliveries: Deliveries, moderation: Moderation, studio: Studio
    ) -> None:
        self._client = client
        self._images = Images(client)
        self._studio = studio
        self._darkroom = darkroom
        self._deliveries = deliveries
        self._moderation = moderation
        self._menu = app_commands.ContextMenu(name=wording.MENU_INSPECT, callback=self.inspect_message)
        self._menu.allowed_installs = app_commands.AppInstallationType(guild=True, user=True)
        self._menu.allowed_contexts = app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True)

    async def cog_load(self) -> None:
        """Menus cannot be declared in a class."""
        self._client.tree.add_command(self._menu)

    async def cog_unload(self) -> None:
        """Take the menu away again."""
        self._client.tree.remove_command(self._menu.name, type=self._menu.type)

    # --- looking -----------------------------------------------------------------------------------------------------

    @app_commands.command(name="inspect", description=wording.INSPECT)
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.describe(
        image=wording.INSPECT_IMAGE,
        image_2=wording.INSPECT_MORE_IMAGES,
        image_3=wording.INSPECT_MORE_IMAGES,
        image_4=wording.INSPECT_MORE_IMAGES,
        share=wording.INSPECT_SHARE,
    )
    async def inspect(
        self,
        interaction: Interaction,
        image: discord.Attachment,
        image_2: discord.Attachment | None = None,
        image_3: discord.Attachment | None = None,
        image_4: discord.Attachment | None = None,
        share: bool = False,
    ) -> None:
        """Acknowledged privately; the declared size is checked before anything is fetched."""
        self._judge_member(interaction)
        await acknowledge(interaction, private=True)
        given = [each for each in (image, image_2, image_3, image_4) if each is not None]
        looks = await self._look([self._images.attached(each) for each in given])
        await self._answer(interaction, looks)
        if share:
            await self._share(interaction, looks)

    async def inspect_message(self, interaction: Interaction, message: discord.Message) -> None:
        """The message menu: up to four pictures of a message."""
        self._judge_member(interaction)
        await acknowledge(interaction, private=True)
        shown = self._images.of_message(message)
        if not shown:
            raise Mistake("image.none")
        await self._answer(interaction, await self._look(shown))

    async def inspect_job(self, press: Press) -> None:
        """More… → Inspect the file: the bytes that were delivered, while they are kept."""
        self._judge_member(press.interaction)
        await acknowledge(press.interaction, private=True)
        await self._studio.visible_job(requester_of(press.interaction), press.number)
        pictures = await self._deliveries.pictures(press.number)
        if not pictures:
            raise Mistake("image.gone")
        inspection = await self._darkroom.inspect(partial(_bytes_of, pictures[0]))
        await self._answer(
            press.interaction, [Look(name=f"{press.number}-{pictures[0].seed}.png", inspection=inspection)]
        )

    def _judge_member(self, interaction: Interaction) -> None:
        judge_member(self._moderation.ground(requester_of(interaction)))

    async def _look(self, shown: Sequence[Shown]) -> Sequence[Look]:
        """One image's mistake is the answer; of several each has its place on the card."""
        if len(shown) == 1:
            return [await self._looked_at(shown[0])]
        return await asyncio.gather(*map(self._looked_at_or_not, shown))

    async def _looked_at(self, shown: Shown) -> Look:
        inspection = await self._darkroom.inspect(self._images.reader(shown))
        if shown.is_preview:
            inspection = noted(inspection, Note.PREVIEW)
        return Look(name=shown.name, inspection=inspection, url=shown.url)

    async def _looked_at_or_not(self, shown: Shown) -> Look:
        try:
            return await self._looked_at(shown)
        except Mistake as mistake:
            return Look(name=shown.name, error=(mistake.code, wording.explain(mistake.code, mistake.data)))

    async def _answer(self, interaction: Interaction, looks: Sequence[Look]) -> None:
        await show_card(interaction, cards_of(looks), [memory_of(looks)])

    # --- what to do with it ------------------------------------------------------------------------------------------

    async def copy_prompt(self, press: Press) -> None:
        """The prompt alone, to copy, and the characters beside it; read back from the answer's own file."""
        await acknowledge(press.interaction, private=True)
        claim = (await look_at(self._images, press.interaction.message, press.number)).claim
        if claim is None or not claim.prompt:
            await tell(press.interaction, wording.NO_PROMPT)
            return
        texts = [("", claim.prompt, "prompt.txt")]
        if line := characters_line(claim):
            texts.append((wording.INSPECT_CHARACTERS, line, "characters.txt"))
        most = CONTENT_MAX // len(texts)
        shown = [f"{heading}\n{wording.block(text, most)}".lstrip() for heading, text, _ in texts]
        files = [
            discord.File(io.BytesIO(text.encode(errors="replace")), filename=name)
            for _, text, name in texts
            if len(text) > most
        ]
        await tell(press.interaction, "\n".join(shown), files=files)

    async def restore(self, press: Press) -> None:
        """The image again, with its stripped text written back."""
        interaction = press.interaction
        self._judge_member(interaction)
        await acknowledge(interaction, private=True)
        look = await look_at(self._images, interaction.message, press.number)
        if look.url is None:
            raise Mistake("restore.gone")
        try:
            data = await self._darkroom.restore(partial(self._images.fetch, look.url))
        except Mistake as mistake:
            raise Mistake("restore.gone") if mistake.code == "image.gone" else mistake from mistake
        if len(data) > interaction.filesize_limit:
            raise Mistake("restore.large", size=wording.megabytes(len(data)))
        stem = look.name.rpartition(".")[0] or look.name
        file = discord.File(io.BytesIO(data), filename=f"{stem[:80]}-restored.png")
        await tell(interaction, wording.RESTORED, files=[file])

    async def show_everyone(self, press: Press) -> None:
        """The same card for everybody here, read back from the private one."""
        self._judge_member(press.interaction)
        await acknowledge(press.interaction, private=True)
        looks = await looks_of(self._images, press.interaction.message)
        if await self._share(press.interaction, looks):
            await tell(press.interaction, wording.SHARED)

    async def _share(self, interaction: Interaction, looks: Sequence[Look]) -> bool:
        """A bot's words escape the server's own filters, so the texts pass the rules first."""
        requester = requester_of(interaction)
        public = [Look(name=look.name, inspection=look.inspection, error=look.error) for look in looks]
        try:
            # Long texts are work for a thread.
            await asyncio.to_thread(judge_looks, public, requester, self._moderation.ground(requester))
        except Refused as refusal:
            await tell(interaction, wording.SHARE_REFUSED)
            await note(interaction, refusal)
            return False
        await fill_placeholder(interaction)
        await interaction.followup.send(view=cards_of(public, shared=True), files=[memory_of(public)])
        return True


async def _bytes_of(picture: Picture) -> AsyncIterator[bytes]:
    yield picture.data


async def setup(client: Naibot) -> None:
    """Add the cog and register its controls."""
    services = client.services
    cog = Inspect(client, services.darkroom, services.deliveries, services.moderation, services.studio)
    client.control("job", "inspect", press=cog.inspect_job)
    client.control("look", "copy", press=cog.copy_prompt)
    client.control("look", "share", press=cog.show_everyone)
    client.control("look", "restore", press=cog.restore)
    await client.add_cog(cog)
