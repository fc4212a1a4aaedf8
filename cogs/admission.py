"""Whose server is served: the operator is asked, an admitted server is welcomed, and its channels are known."""

import asyncio
import logging

import aiohttp
import discord
from discord.ext import commands

from bot import wording
from bot.client import Naibot
from bot.domain.rules import check_operator
from bot.services.guilds import ASKED, WELCOMED, Guilds
from bot.services.loops import every
from cogs.ui.answer import acknowledge_press
from cogs.ui.controls import Press, button, row
from cogs.ui.operator import tell_operator
from cogs.ui.requester import requester_of

log = logging.getLogger(__name__)

SEND_TIME = 15.0
GREET_EVERY = 600.0
"""Seconds between looks for servers that could not be greeted, or about which the operator could not be asked."""


class Admission(commands.Cog):
    """Greets each server once, also one that came while the bot was away."""

    def __init__(self, client: Naibot, guilds: Guilds) -> None:
        self._client = client
        self._guilds = guilds
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def cog_load(self) -> None:
        """Start greeting."""
        self._task = asyncio.create_task(every(GREET_EVERY, "greetings", self._greet_all))

    async def cog_unload(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()

    # --- what Discord tells ------------------------------------------------------------------------------------------

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Every server the bot is in."""
        for guild in self._client.guilds:
            self._see(guild)
        self._guilds.are_known.set()
        present = [guild.id for guild in self._client.guilds]
        await self._client.services.departures.look_around(present, self._is_ours)

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Somebody invited the bot."""
        await self._client.services.departures.came(guild.id)
        self._see(guild)
        await self._greet(guild)

    @commands.Cog.listener()
    async def on_guild_available(self, guild: discord.Guild) -> None:
        """Discord had an outage."""
        self._see(guild)

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Invited again within a month, the server has what its admins set, and is greeted again."""
        await self._client.services.departures.left(guild.id)

    @commands.Cog.listener()
    async def on_guild_channel_create(self, channel: discord.abc.GuildChannel) -> None:
        """The rules know it from now on."""
        self._see(channel.guild)

    @commands.Cog.listener()
    async def on_guild_channel_update(self, _before: object, after: discord.abc.GuildChannel) -> None:
        """It may be age-restricted now, or not any more."""
        self._see(after.guild)

    @commands.Cog.listener()
    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """Nothing is drawn there, and nobody is sent there."""
        self._see(channel.guild)

    def _is_ours(self, guild_id: int) -> bool:
        """Whether this client's shards would be told of that server (gateway, "Sharding", 2026-08)."""
        count = self._client.shard_count or 1
        shards = getattr(self._client, "shard_ids", None) or [self._client.shard_id or 0]
        return (guild_id >> 22) % count in shards

    def _see(self, guild: discord.Guild) -> None:
        if guild.unavailable:
            # In an outage of Discord's a server seems to have no channels; it comes back with them.
            return
        channels = {channel.id: bool(getattr(channel, "nsfw", False)) for channel in guild.channels}
        self._guilds.see_channels(guild.id, channels)

    # --- greeting ----------------------------------------------------------------------------------------------------

    async def _greet_all(self) -> None:
        await self._client.wait_until_ready()
        for guild in list(self._client.guilds):
            await self._greet(guild)

    async def _greet(self, guild: discord.Guild) -> None:
        async with self._turn:
            config = self._guilds.config_of(guild.id)
            if config is None:
                await self._ask(guild)
            elif not config.is_set_up(self._guilds.house):
                await self._welcome(guild)

    async def _ask(self, guild: discord.Guild) -> None:
        """Until an operator says yes, the server gets one sentence for every command."""
        if guild.id in await self._guilds.greeted(ASKED):
            return
        text = wording.counted("admission", guild.member_count or 0, server=_name(guild.name), id=guild.id)
        controls = row(
            button("conf", guild.id, "admit", wording.BUTTON_ADMIT, primary=True),
            button("conf", guild.id, "shut", wording.BUTTON_NOT_NOW),
        )
        if await tell_operator(self._client, text, view=controls, nonce=f"ask-{guild.id}"):
            await self._guilds.note_greeting(guild.id, ASKED)

    async def _welcome(self, guild: discord.Guild) -> None:
        """Once, in the system channel, or not at all where the bot may not write there."""
        channel = guild.system_channel
        if channel is None or guild.id in await self._guilds.greeted(WELCOMED):
            return
        if not channel.permissions_for(guild.me).send_messages:
            return
        controls = row(button("conf", 0, "setup", wording.BUTTON_SET_UP, primary=True))
        try:
            async with asyncio.timeout(SEND_TIME):
                await channel.send(wording.WELCOME, view=controls, nonce=f"hi-{guild.id}")
        except (discord.HTTPException, aiohttp.ClientError, TimeoutError) as error:
            log.info("server %s could not be welcomed: %s", guild.id, type(error).__name__)
            return
        await self._guilds.note_greeting(guild.id, WELCOMED)

    # --- the operator's answer ---------------------------------------------------------------------------------------

    async def admit(self, press: Press) -> None:
        """Serve that server from now on."""
        requester = requester_of(press.interaction)
        check_operator(requester, self._guilds.house)
        await acknowledge_press(press.interaction)
        guild = self._client.get_guild(press.number)
        is_there = guild is not None or await self._is_elsewhere(press.number)
        is_new = is_there and await self._guilds.admit(press.number, requester.user_id)
        name = _name(guild.name) if guild is not None else str(press.number)
        key = "admitted" if is_new else "admitted.already" if is_there else "admission.gone"
        await press.interaction.edit_original_response(content=wording.say(key, server=name), view=None)
        if guild is not None and is_new:
            await self._greet(guild)

    async def _is_elsewhere(self, guild_id: int) -> bool:
        """Whether another process asked about that server, and has not seen the bot leave it."""
        return not self._guilds.house.shards.serve(guild_id) and guild_id in await self._guilds.greeted(ASKED)

    async def shut(self, press: Press) -> None:
        """Not now; the server stays without."""
        check_operator(requester_of(press.interaction), self._guilds.house)
        await acknowledge_press(press.interaction)
        guild = self._client.get_guild(press.number)
        name = _name(guild.name) if guild is not None else str(press.number)
        text = wording.say("admission.later", server=name)
        await press.interaction.edit_original_response(content=text, view=None)


def _name(name: str) -> str:
    return wording.plain(wording.cut(name, 100))


async def setup(client: Naibot) -> None:
    """Add the cog and register its controls."""
    cog = Admission(client, client.services.guilds)
    client.control("conf", "admit", press=cog.admit)
    client.control("conf", "shut", press=cog.shut)
    await client.add_cog(cog)
