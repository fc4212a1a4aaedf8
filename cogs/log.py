"""What was decided and changed, written into each server's log channel, and what the operator has to know."""

import asyncio
import logging
from collections.abc import Mapping, Sequence

import aiohttp
import discord
from discord.ext import commands

from bot import wording
from bot.client import Naibot
from bot.domain.record import Entry
from bot.services.chronicle import Chronicle, Line
from bot.services.loops import keep_alive
from cogs.ui.operator import tell_operator

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
    entry, n = line.newest, len(line.entries)
    data = _data(entry) | {"times": wording.say("times", n=n) if n > 1 else ""}
    kind = entry.record.kind
    if kind == "member.blocked" and entry.record.data.get("until") is None:
        kind = "member.blocked.lasting"
    if kind == "account.drift" and int(str(entry.record.data.get("anlas"))) < 0:
        kind = "account.drift.up"
    return wording.say(f"log.{kind}", data)


def _data(entry: Entry) -> dict[str, object]:
    record, told = entry.record, dict(entry.record.data)
    key = str(told.get("key"))
    stated = told.get("stated")
    amount, until = told.get("anlas"), told.get("until")
    return {
        "actor": f"<@{record.actor}>" if record.actor else wording.LOG_ME,
        "at": wording.Moment(record.at),
        "id": entry.id,
        "job": record.job_id,
        "label": wording.SETTING_LABELS.get(key, key),
        "old": wording.setting_value(key, told.get("old")),
        "new": wording.setting_value(key, told.get("new")),
        "follows": wording.RULE_FOLLOWS[_follows(told)],
        "found": wording.inline(str(told.get("rule")), 100),
        "server": wording.inline(str(told.get("server"))),
        "word": wording.inline(str(told.get("word")), 100),
        "target": wording.who(told.get("target")),
        "measures": wording.measures(stated if isinstance(stated, dict) else {}),
        "amounts": wording.amounts(*(n if isinstance(n, int) else 0 for n in (told.get("pictures"), amount))),
        "member": f"<@{told.get('member')}>",
        "until": wording.Moment(until) if isinstance(until, int | float) else "",
        "reason": wording.reason(told.get("reason")),
        "channel": f"<#{told.get('channel')}>",
        "rule": wording.REFUSALS.get(str(told.get("code")), str(told.get("code"))),
        "account": told.get("account", ""),
        "anlas": wording.anlas(abs(amount)) if isinstance(amount, int) else "",
    }


def _follows(told: Mapping[str, object]) -> str:
    """What a rule on words does; lines from before there were kinds are about words that are refused."""
    return "allowed" if told.get("rule_kind") == "allowed" else str(told.get("then", "refuse"))


async def setup(client: Naibot) -> None:
    """Add the cog."""
    await client.add_cog(Log(client, client.services.chronicle))
