"""What was decided and changed, written into each server's log channel, and what the operator has to know."""

import asyncio
import logging
from collections.abc import Sequence

import aiohttp
import discord
from discord.ext import commands

from bot.client import Naibot
from bot.services.chronicle import Chronicle, Line
from bot.services.loops import keep_alive
from cogs.ui.operator import tell_operator
from cogs.ui.records import log_text

log = logging.getLogger(__name__)

PAUSE = 2.0
"""Seconds between looks."""
SEND_TIME = 15.0


class Log(commands.Cog):
    """Plain lines, without pings. The audit itself is in the database."""

    def __init__(self, client: Naibot, chronicle: Chronicle) -> None:
        self._client = client
        self._chronicle = chronicle
        self._task: asyncio.Task[None] | None = None

    async def cog_load(self) -> None:
        """Start reading."""
        self._task = asyncio.create_task(keep_alive("log", self._tell_all))

    async def cog_unload(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()

    async def _tell_all(self) -> None:
        await self._client.wait_until_ready()
        while True:
            lines = await self._chronicle.next()
            # One after the other in each channel; a slow channel does not hold up the others.
            channels = dict.fromkeys(line.channel_id for line in lines)
            await asyncio.gather(
                *(self._tell_in_order([line for line in lines if line.channel_id == id_]) for id_ in channels)
            )
            await asyncio.sleep(PAUSE)

    async def _tell_in_order(self, lines: Sequence[Line]) -> None:
        for line in lines:
            await self._tell(line)

    async def _tell(self, line: Line) -> None:
        text, nonce = text_of(line), f"log-{line.newest.id}"
        if line.channel_id is None:
            await tell_operator(self._client, text, nonce=nonce)
            return
        channel = self._client.get_partial_messageable(line.channel_id)
        try:
            async with asyncio.timeout(SEND_TIME):
                await channel.send(text, nonce=nonce)
        except (discord.HTTPException, aiohttp.ClientError, TimeoutError) as error:
            log.info("log channel %s could not be written to: %s", line.channel_id, type(error).__name__)


def text_of(line: Line) -> str:
    """The line as people read it."""
    return log_text(line.entries)


async def setup(client: Naibot) -> None:
    """Add the cog."""
    await client.add_cog(Log(client, client.services.chronicle))
