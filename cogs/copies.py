"""More… → Send me a copy: a picture's own file, by direct message to whoever pressed."""

from collections.abc import Sequence

import discord
from discord.ext import commands

from bot import wording
from bot.client import Naibot
from bot.domain.errors import Refused
from bot.domain.job import Job
from bot.domain.rules import judge_member
from bot.services.deliveries import Deliveries
from bot.services.moderation import Moderation
from bot.services.studio import Studio
from cogs.ui.answer import acknowledge, tell
from cogs.ui.controls import Press
from cogs.ui.packing import Enclosure, grouped, originals
from cogs.ui.requester import requester_of
from cogs.ui.turns import Turns
from cogs.ui.ways import FILE_LIMIT, Letter, Outcome, Ways

REFUSALS = {Outcome.FORBIDDEN: "copy.closed", Outcome.TOO_LARGE: "copy.large"}


class Copies(commands.Cog):
    """One card brings one copy, however often its button is pressed; no job is changed by it."""

    def __init__(self, client: Naibot, studio: Studio, deliveries: Deliveries, moderation: Moderation) -> None:
        self._studio = studio
        self._deliveries = deliveries
        self._moderation = moderation
        self._ways = Ways(client, deliveries)
        self._turns = Turns()

    async def send(self, press: Press) -> None:
        """To whoever pressed, if the picture is theirs to have; whether it went is said in private."""
        interaction, requester = press.interaction, requester_of(press.interaction)
        judge_member(self._moderation.ground(requester))
        await acknowledge(interaction, private=True)
        job = await self._studio.copyable(requester, press.number)
        wish = interaction.message.id if interaction.message is not None else interaction.id
        async with self._turns.of(wish):
            files = await self._files(job)
            fitting = [file for file in files if len(file.data) <= FILE_LIMIT]
            await self._send(job, requester.user_id, wish, fitting)
        is_whole = len(fitting) == len(files)
        await tell(interaction, wording.COPY_SENT if is_whole else wording.COPY_PART)

    async def _files(self, job: Job) -> Sequence[Enclosure]:
        """NovelAI's own bytes while they are kept, else what the message holds. Raises `Refused`, also for none."""
        message = await self._message(job)
        files = originals(job, await self._deliveries.pictures(job.id))
        if not files and message is not None:
            files = await self._ways.enclosed(message)
        if not files:
            raise Refused("copy.gone")
        return files

    async def _message(self, job: Job) -> discord.Message | None:
        """The message that shows the picture, where the bot sees it. Raises `Refused`: what was deleted is not sent."""
        if job.place is None:
            return None
        outcome, message = await self._ways.message(job.place)
        if outcome is Outcome.GONE:
            raise Refused("copy.deleted")
        if outcome is Outcome.LATER:
            raise Refused("discord.away")
        return message

    async def _send(self, job: Job, user_id: int, wish: int, files: Sequence[Enclosure]) -> None:
        """Once for each *wish*, whose id is in the nonces. Raises `Refused` where it does not arrive."""
        if not files:
            raise Refused("copy.large")
        outcome, channel = await self._ways.direct(user_id)
        text = wording.say("copy.text", job=job.id)
        for n, group in enumerate(grouped(files)):
            if outcome is Outcome.SHOWN and channel is not None:
                outcome, _ = await self._ways.post(job, channel, f"{wish:x}-{n}", Letter(text=text, files=group))
        if outcome is not Outcome.SHOWN:
            raise Refused(REFUSALS.get(outcome, "discord.away"))


async def setup(client: Naibot) -> None:
    """Add the cog and register its control."""
    services = client.services
    cog = Copies(client, services.studio, services.deliveries, services.moderation)
    client.control("job", "send", press=cog.send)
    await client.add_cog(cog)
