"""Where cards of cases hang: posted once, edited in their place, put up anew where somebody took them down."""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import discord

from bot.client import Naibot
from bot.domain.case import Case
from bot.domain.guild import GuildConfig
from bot.reach import within
from bot.services.cases import Cases
from bot.services.guilds import Guilds
from cogs.ui.case import Surroundings, case_card
from cogs.ui.operator import operator_channel
from cogs.ui.ways import LOOK_BACK, NONCE_LIFE, Outcome, outcome_of

log = logging.getLogger(__name__)

_TAKEN_DOWN = (Outcome.GONE, Outcome.FORBIDDEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hung:
    """How it went, and where the card hangs now; None where it hangs nowhere."""

    outcome: Outcome
    channel_id: int | None = None
    message_id: int | None = None


class Desk:
    """Shows one case as it stands."""

    def __init__(self, client: Naibot, cases: Cases, guilds: Guilds) -> None:
        self._client = client
        self._cases = cases
        self._guilds = guilds

    async def show(self, case: Case, deadline: float) -> Hung:
        """Bring the card of *case* up to date before *deadline* (`time.monotonic`)."""
        if case.card_message is not None:
            outcome = await self._attempt(lambda: self._edit(case), deadline)
            if outcome not in _TAKEN_DOWN:
                return Hung(outcome=outcome, channel_id=case.card_channel, message_id=case.card_message)
        if case.carded and not case.is_open:
            # Nobody looks for the end of what hung nowhere, or of what somebody took down.
            return Hung(outcome=Outcome.GONE)
        return await self._hang(case, deadline)

    async def _edit(self, case: Case) -> None:
        channel = self._client.get_partial_messageable(case.card_channel or 0)
        view = await self.card(case, pings=False)
        await channel.get_partial_message(case.card_message or 0).edit(view=view)

    async def _hang(self, case: Case, deadline: float) -> Hung:
        """In the review channel, or where whoever runs the bot is asked."""
        posted: list[discord.Message] = []

        async def post() -> None:
            channel = await self._place(case)
            if channel is not None:
                posted.append(await self._post(case, channel))

        outcome = await self._attempt(post, deadline)
        if not posted:
            return Hung(outcome=Outcome.GONE if outcome is Outcome.SHOWN else outcome)
        return Hung(outcome=outcome, channel_id=posted[0].channel.id, message_id=posted[0].id)

    async def _place(self, case: Case) -> discord.abc.Messageable | None:
        if case.is_of_house:
            return await operator_channel(self._client)
        config = self._config(case)
        if config.review_channel is None:
            return None
        return self._client.get_partial_messageable(config.review_channel)

    async def _post(self, case: Case, channel: discord.abc.Messageable) -> discord.Message:
        """A new card; it pings once. One whose posting was not noted is looked for before another is put up."""
        is_first = not case.carded
        view = await self.card(case, pings=is_first)
        found = await self._find(case, channel) if is_first and self._may_hang(case) else None
        if found is None:
            nonce = f"case-{case.id}" if is_first else f"case-{case.id}-{case.version}"
            extra: dict[str, Any] = {"allowed_mentions": self._pinged(case)} if is_first else {}
            found = await channel.send(view=view, nonce=nonce, **extra)
            if not is_first or case.version == 1:
                return found
        # Discord answers a nonce that it knows with the card as it was.
        await found.edit(view=await self.card(case, pings=False))
        return found

    def _may_hang(self, case: Case) -> bool:
        """Whether it may have been posted so long ago that Discord does not know its nonce any more."""
        return self._cases.seconds_since(case.opened_at) > NONCE_LIFE

    async def _find(self, case: Case, channel: discord.abc.Messageable) -> discord.Message | None:
        mark = f"case:{case.id}:"
        async for message in channel.history(limit=LOOK_BACK):
            if message.author == self._client.user and any(mark in str(id_) for id_ in _ids(message)):
                return message
        return None

    def _pinged(self, case: Case) -> discord.AllowedMentions:
        role = self._ping(case)
        roles = [discord.Object(role)] if role is not None and case.is_open else False
        return discord.AllowedMentions(everyone=False, users=False, roles=roles, replied_user=False)

    def _ping(self, case: Case) -> int | None:
        return None if case.is_of_house else self._config(case).ping_role

    def _config(self, case: Case) -> GuildConfig:
        return self._guilds.config_of(case.guild_id) or GuildConfig()

    async def card(self, case: Case, *, pings: bool) -> discord.ui.LayoutView:
        """The card; the role stands on it only where it is pinged by that."""
        ping = self._ping(case) if pings else None
        around = Surroundings(ping=ping, adults=self._guilds.channels_of(case.guild_id))
        return case_card(await self._cases.dossier(case), around)

    async def _attempt(self, act: Callable[[], Awaitable[object]], deadline: float) -> Outcome:
        try:
            async with within(deadline - time.monotonic()):
                await act()
        except (discord.HTTPException, aiohttp.ClientError, TimeoutError, OSError) as error:
            log.info("a card could not be shown: %s %s", type(error).__name__, getattr(error, "code", ""))
            return outcome_of(error)
        return Outcome.SHOWN


def _ids(message: discord.Message) -> list[str]:
    view = discord.ui.LayoutView.from_message(message, timeout=None)
    return [str(getattr(item, "custom_id", "")) for item in view.walk_children()]
