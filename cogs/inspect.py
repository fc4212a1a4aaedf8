"""`/inspect` and Apps → Inspect image: what an image says of itself."""

import io
import json
from collections.abc import AsyncIterator
from functools import partial

import aiohttp
import discord
from discord import app_commands
from discord.ext import commands

from bot import wording
from bot.client import Naibot
from bot.domain.claims import Inspection, shown_claim, to_json
from bot.domain.errors import Mistake, Refused
from bot.domain.request import Picture
from bot.domain.rules import judge_listed, judge_member, judge_words
from bot.services.darkroom import BYTES_MAX, Darkroom
from bot.services.deliveries import Deliveries
from bot.services.moderation import Moderation
from bot.services.studio import Studio
from cogs.ui.answer import acknowledge, fill_placeholder, note, show_card, tell
from cogs.ui.controls import Press
from cogs.ui.inspection import METADATA, METADATA_BYTES, card_of, metadata_of, remembered
from cogs.ui.requester import Interaction, requester_of

PIECE = 64 * 1024


class Inspect(commands.Cog):
    """Reads images; nothing is kept, the answer's own `metadata.json` is its memory."""

    def __init__(
        self, client: Naibot, darkroom: Darkroom, deliveries: Deliveries, moderation: Moderation, studio: Studio
    ) -> None:
        self._client = client
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

    @app_commands.command(name="inspect", description=wording.INSPECT)
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.describe(image=wording.INSPECT_IMAGE, share=wording.INSPECT_SHARE)
    async def inspect(self, interaction: Interaction, image: discord.Attachment, share: bool = False) -> None:
        """Acknowledged privately; the declared size is checked before anything is fetched."""
        self._judge_member(interaction)
        await acknowledge(interaction, private=True)
        inspection = await self._look(image.url, image.size)
        await self._answer(interaction, inspection, image.filename)
        if share:
            await self._share(interaction, inspection, image.filename)

    async def inspect_message(self, interaction: Interaction, message: discord.Message) -> None:
        """The message menu: the first picture of a message."""
        self._judge_member(interaction)
        await acknowledge(interaction, private=True)
        name, url, size = _first_image(message)
        await self._answer(interaction, await self._look(url, size), name)

    async def inspect_job(self, press: Press) -> None:
        """More… → Inspect the file: the bytes that were delivered, while they are kept."""
        self._judge_member(press.interaction)
        await acknowledge(press.interaction, private=True)
        await self._studio.visible_job(requester_of(press.interaction), press.number)
        pictures = await self._deliveries.pictures(press.number)
        if not pictures:
            raise Mistake("image.gone")
        inspection = await self._darkroom.inspect(partial(_bytes_of, pictures[0]))
        await self._answer(press.interaction, inspection, f"{press.number}-{pictures[0].seed}.png")

    async def copy_prompt(self, press: Press) -> None:
        """The prompt alone, to copy; read back from the answer's own file."""
        await acknowledge(press.interaction, private=True)
        inspection, _ = remembered(await self._metadata(press.interaction.message))
        claim = shown_claim(inspection)
        prompt = claim.prompt if claim else None
        if not prompt:
            await tell(press.interaction, wording.NO_PROMPT)
            return
        file = discord.File(io.BytesIO(prompt.encode(errors="replace")), filename="prompt.txt")
        await tell(press.interaction, wording.block(prompt, 1_800), files=[file] if len(prompt) > 1_800 else None)

    def _judge_member(self, interaction: Interaction) -> None:
        judge_member(self._moderation.ground(requester_of(interaction)))

    async def _look(self, url: str, size: int) -> Inspection:
        if size > BYTES_MAX:
            raise Mistake("image.large", limit_mb=BYTES_MAX // 1024**2)
        return await self._darkroom.inspect(partial(self._fetch, url))

    async def _fetch(self, url: str) -> AsyncIterator[bytes]:
        try:
            async with self._client.web.get(url, allow_redirects=False) as response:
                if response.status != 200:
                    raise Mistake("image.gone")
                async for piece in response.content.iter_chunked(PIECE):
                    yield piece
        except aiohttp.ClientError as error:
            raise Mistake("image.gone") from error

    async def show_everyone(self, press: Press) -> None:
        """The same card for everybody here, read back from the private one."""
        self._judge_member(press.interaction)
        await acknowledge(press.interaction, private=True)
        inspection, name = remembered(await self._metadata(press.interaction.message))
        if await self._share(press.interaction, inspection, name):
            await tell(press.interaction, wording.SHARED)

    async def _answer(self, interaction: Interaction, inspection: Inspection, name: str) -> None:
        await show_card(interaction, card_of(inspection, name), [metadata_of(inspection, name)])

    async def _share(self, interaction: Interaction, inspection: Inspection, name: str) -> bool:
        """A bot's words escape the server's own filters, so the text passes the rules first."""
        claim = shown_claim(inspection)
        try:
            prompts = ", ".join([claim.prompt or "", *(c.prompt for c in claim.characters)]) if claim else ""
            ground = self._moderation.ground(requester_of(interaction))
            judge_words(prompts)
            # The card's file holds more than the card shows, and all of it becomes everybody's.
            judge_listed(json.dumps([name, to_json(inspection)], ensure_ascii=False), ground)
        except Refused as refusal:
            await tell(interaction, wording.SHARE_REFUSED)
            await note(interaction, refusal)
            return False
        card, file = card_of(inspection, name, shared=True), metadata_of(inspection, name)
        await fill_placeholder(interaction)
        await interaction.followup.send(view=card, files=[file])
        return True

    async def _metadata(self, message: discord.Message | None) -> object:
        """The JSON that the answer carries, through the same bounded reading. Raises `Refused` ``gone``."""
        url = _metadata_url(message)
        body = bytearray()
        try:
            async for piece in self._fetch(url):
                body += piece
                if len(body) > METADATA_BYTES:
                    raise Refused("gone")
            return json.loads(body)
        except (Mistake, ValueError, RecursionError) as error:
            raise Refused("gone") from error


async def _bytes_of(picture: Picture) -> AsyncIterator[bytes]:
    yield picture.data


def _first_image(message: discord.Message) -> tuple[str, str, int]:
    """Name, original address and size of a message's first image. Raises `Mistake` ``image.none``."""
    for attachment in message.attachments:
        if (attachment.content_type or "").startswith("image/"):
            return attachment.filename, attachment.url, attachment.size
    if message.attachments:
        first = message.attachments[0]
        return first.filename, first.url, first.size
    raise Mistake("image.none")


def _metadata_url(message: discord.Message | None) -> str:
    if message is not None:
        view = discord.ui.LayoutView.from_message(message, timeout=None)
        for item in view.walk_children():
            if isinstance(item, discord.ui.File) and METADATA in item.media.url:
                return item.media.url
    raise Refused("gone")


async def setup(client: Naibot) -> None:
    """Add the cog and register its controls."""
    services = client.services
    cog = Inspect(client, services.darkroom, services.deliveries, services.moderation, services.studio)
    client.control("job", "inspect", press=cog.inspect_job)
    client.control("look", "copy", press=cog.copy_prompt)
    client.control("look", "share", press=cog.show_everyone)
    await client.add_cog(cog)
