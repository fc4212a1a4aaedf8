"""What is said beside a picture: a private hint about its prompt, and one ping after a long wait."""

from collections.abc import Callable, Mapping

import discord

from bot import wording
from bot.domain.guild import DIRECT_CONFIG
from bot.domain.job import Job, JobState
from bot.domain.request import Generate
from bot.services.deliveries import Deliveries
from bot.services.guilds import Guilds
from bot.services.studio import Studio
from cogs.ui import replies
from cogs.ui.ways import EDIT_TIME, Ways

LONG_WAIT = 120.0
"""Seconds after which the one who asked is pinged."""


class Asides:
    """Says each once; a lost one is not repeated, since nothing depends on it."""

    def __init__(
        self,
        ways: Ways,
        deliveries: Deliveries,
        guilds: Guilds,
        studio: Studio,
        mentions: Callable[[], Mapping[str, str]],
    ) -> None:
        self._ways = ways
        self._mentions = mentions
        self._deliveries = deliveries
        self._guilds = guilds
        self._studio = studio

    async def hint(self, job: Job) -> None:
        """
        What a member should know of their own prompt, said to them alone.

        Not before the picture: a follow-up that came first would become the public waiting message itself.
        """
        hook = self._ways.hook(job.place) if job.place is not None else None
        request = job.request
        if (
            hook is None
            or not isinstance(request, Generate)
            or job.state is not JobState.DONE
            or job.inbox_until is not None
        ):
            return
        tokens = await self._studio.count_tokens(request)
        is_first = await self._studio.is_first(job)
        days = self._guilds.house.retention_days if is_first else None
        text = replies.hints(request, tokens, first_kept_days=days, mentions=self._mentions())
        if text and (await self._deliveries.note_nonce(job, f"{job.id}-hint")).is_new:
            await self._ways.attempt(lambda: hook.send(text, ephemeral=True), EDIT_TIME)

    async def nudge(self, job: Job, message_id: int) -> None:
        """Reply to the picture with the only ping there is, where it took more than two minutes."""
        place, nonce = job.place, f"{job.id}-nudge"
        config = self._guilds.config(job.requester) or DIRECT_CONFIG
        if place is None or place.needs_token or job.state is not JobState.DONE or not config.nudge:
            return
        if self._deliveries.seconds_since(job.admitted_at) <= LONG_WAIT:
            return
        if not (await self._deliveries.note_nonce(job, nonce)).is_new:
            return
        pinged = discord.AllowedMentions(
            everyone=False, roles=False, users=[discord.Object(job.user_id)], replied_user=False
        )
        text = wording.say("ready.nudge", member=f"<@{job.user_id}>")
        message = self._ways.channel(place).get_partial_message(message_id)
        answered = message.to_reference(fail_if_not_exists=False)
        channel = self._ways.channel(place)
        await self._ways.attempt(
            lambda: channel.send(text, reference=answered, allowed_mentions=pinged, nonce=nonce), EDIT_TIME
        )
