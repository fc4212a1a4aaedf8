"""Ends without anything to show: the waiting message goes, and its member is told alone."""

from contextlib import suppress
from typing import Any

import discord

from bot import wording
from bot.domain.job import Job
from bot.domain.request import Place
from bot.services.deliveries import Deliveries, Parcel
from cogs.ui import replies
from cogs.ui.ways import EDIT_TIME, Letter, Outcome, Ways, may_write_to

OWN_WISH = "cancelled"
"""The reason of an end that its member wished for."""


class Farewell:
    """Takes waiting messages away. Called with the job's message to itself."""

    def __init__(self, ways: Ways, deliveries: Deliveries) -> None:
        self._ways = ways
        self._deliveries = deliveries

    async def take_away(self, parcel: Parcel) -> None:
        """Tell the member (what they wished themselves they know), and remove the message; else the inbox has it."""
        job, place = parcel.job, parcel.job.place
        outcome = Outcome.SHOWN if job.reason == OWN_WISH else await self._tell(parcel, place)
        if outcome is Outcome.LATER:
            await self._deliveries.later(job)
            return
        is_told_in_place = job.reason != OWN_WISH and place is not None and place.ephemeral
        if place is not None and not (is_told_in_place and outcome is Outcome.SHOWN):
            removed = await self._ways.remove(place)
            if removed is Outcome.LATER and outcome is Outcome.SHOWN:
                await self._deliveries.later(job)
                return
        if outcome is Outcome.SHOWN:
            await self._deliveries.shown(job, None)
        else:
            await self._deliveries.keep(job)

    async def _tell(self, parcel: Parcel, place: Place | None) -> Outcome:
        """By the token, to the one person; else by direct message."""
        job = parcel.job
        told, view = replies.failed_text(job, parcel.case), replies.appeal_row(parcel.case)
        if place is None:
            return Outcome.GONE
        if place.ephemeral:
            return await self._ways.edit_by_token(place, Letter(text=told, view=view))
        outcome = await self._follow_up(job, place, Letter(text=told, view=view))
        if outcome is Outcome.SHOWN or not may_write_to(job):
            return outcome
        outcome, channel = await self._ways.direct(job.user_id)
        if channel is None:
            return outcome
        words = f"{wording.say('direct.told', channel=f'<#{place.channel_id}>')}\n{told}"
        return (await self._ways.post(job, channel, f"{job.id}-dm", Letter(text=words, view=view)))[0]

    async def _follow_up(self, job: Job, place: Place, told: Letter) -> Outcome:
        """
        A private follow-up, sent once: Discord knows no nonces there.

        One whose fate is not known is not repeated; the direct message, which has a nonce, says it then.
        """
        hook, nonce = self._ways.hook(place), f"{job.id}-told"
        if hook is None:
            return Outcome.TOKEN_DEAD
        noted = await self._deliveries.note_nonce(job, nonce)
        if not noted.is_new:
            return Outcome.SHOWN if noted.message_id is not None else Outcome.GONE
        sent: list[int] = []

        async def send() -> None:
            if place.message_id is not None:
                # It may still be a "thinking…", which what is told would fill in public.
                with suppress(discord.NotFound):
                    await hook.edit_message(place.message_id, content="…", view=None)
            extra: dict[str, Any] = {"view": told.view} if told.view is not None else {}
            sent.append((await hook.send(told.text, ephemeral=True, wait=True, **extra)).id)

        outcome = await self._ways.attempt(send, EDIT_TIME)
        if sent:
            await self._deliveries.note_posted(job, nonce, sent[0])
            return Outcome.SHOWN
        # Only what was not sent for lack of time is the direct message's now; nobody waits for the token to die.
        return Outcome.GONE if outcome is Outcome.LATER else outcome
