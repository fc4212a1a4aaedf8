"""Where the operator is asked and told: the channel or server they named, else a direct message to the owner."""

import asyncio
import logging
from typing import Any

import aiohttp
import discord
from discord import ui

from bot import wording
from bot.client import Naibot

log = logging.getLogger(__name__)

SEND_TIME = 15.0
_CLOSED = (50007, 50278)


async def tell_operator(client: Naibot, text: str, *, view: ui.View | None = None, nonce: str | None = None) -> bool:
    """
    Say something to the operator; False where it could not be said.

    Why it could not is remembered for `naibot check`. A *nonce* keeps a repeated message from appearing twice.
    """
    reason = await _try(client, text, view, nonce)
    if reason:
        log.warning("the operator could not be told: %s", wording.say(reason))
    await client.services.chronicle.note_unreached(reason)
    return not reason


async def _try(client: Naibot, text: str, view: ui.View | None, nonce: str | None) -> str:
    """The key of what was in the way, "" where nothing was."""
    given = {"view": view, "nonce": nonce}
    extra: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    try:
        async with asyncio.timeout(SEND_TIME):
            channel = await operator_channel(client)
            if channel is None:
                return "reason.nobody"
            await channel.send(text, **extra)
    except discord.NotFound:
        return "reason.gone"
    except discord.Forbidden as error:
        return "reason.closed" if error.code in _CLOSED else "reason.forbidden"
    except (discord.HTTPException, aiohttp.ClientError, TimeoutError, OSError):
        return "reason.discord"
    return ""


async def operator_channel(client: Naibot) -> discord.abc.Messageable | None:
    """Where the operator is asked and told; None where nobody is known. Raises what discord.py raises."""
    house = client.services.guilds.house
    if house.operator_channel is not None:
        return client.get_partial_messageable(house.operator_channel)
    guild = client.get_guild(house.operator_guild or 0)
    if guild is not None and guild.system_channel is not None:
        return guild.system_channel
    user_id = _owner(client)
    return await client.create_dm(discord.Object(user_id)) if user_id is not None else None


def _owner(client: Naibot) -> int | None:
    """The application's owner where they run the bot, else the first of those who do."""
    operators = client.services.guilds.house.operators
    about = client.application
    if about is not None:
        owner = about.team.owner_id if about.team is not None else about.owner.id
        if owner in operators:
            return owner
    return min(operators, default=None)
