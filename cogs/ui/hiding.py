"""A shown picture is hidden, shown again or taken away, in all of its messages, also long after its token died."""

import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import discord
from discord.http import Route

from bot import wording
from bot.client import Naibot
from bot.domain.job import Job
from bot.reach import within
from cogs.ui import replies
from cogs.ui.packing import Packer
from cogs.ui.ways import EDIT_TIME, Letter, Outcome, Ways, outcome_of

log = logging.getLogger(__name__)

ANEW = 100
"""From here on count the nonces of what was posted anew; parts of a batch count from 2."""
_DONE = (Outcome.SHOWN, Outcome.GONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to a message: as the bot's own in its channel, or by the token of its interaction."""

    client: Naibot
    path: str
    named: Mapping[str, Any]

    async def read(self) -> Mapping[str, Any]:
        """The message as Discord has it."""
        message: Mapping[str, Any] = await self._request("GET")
        return message

    async def mark(self, files: list[dict[str, Any]]) -> None:
        """Change what is said of its files; their bytes stay. discord.py sends another key than Discord takes."""
        await self._request("PATCH", json={"attachments": files})

    async def delete(self) -> None:
        """Take it away."""
        await self._request("DELETE")

    async def _request(self, method: str, **options: Any) -> Any:
        return await self.client.http.request(Route(method, self.path, **self.named), **options)


async def hide(client: Naibot, job: Job) -> Outcome:
    """
    Hide a picture behind a spoiler, and note that it is hidden wherever it is shown again.

    `Outcome.SHOWN` where it stands hidden now, or nowhere any more; `Outcome.FORBIDDEN` where no way leads to it: in a
    channel that the bot does not see, once the token died. Where Discord refuses the mark the message goes,
    and what is kept of the picture is posted anew behind a spoiler.
    """
    job = await client.services.cases.cover(job, covers=True)
    outcome = await _on_each(client, job, lambda way: _mark(way, job, hides=True))
    if outcome is Outcome.FORBIDDEN:
        outcome = await _post_anew(client, job)
    if outcome is not Outcome.SHOWN:
        log.warning("the picture of job %s could not be hidden: %s", job.id, outcome.name)
    return outcome


async def unhide(client: Naibot, job: Job) -> Outcome:
    """Show it again, unless something else asks for the spoiler. What was posted anew stays behind its own."""
    job = await client.services.cases.cover(job, covers=False)
    if job.hidden or (job.request is not None and job.request.spoiler):
        return Outcome.SHOWN
    return await _on_each(client, job, lambda way: _mark(way, job, hides=False))


async def remove(client: Naibot, job: Job, *, besides: int | None = None) -> Outcome:
    """Take all of its messages away, but for one that is gone already; `Outcome.SHOWN` where none is left."""
    return await _on_each(client, job, Way.delete, besides)


async def remove_message(client: Naibot, message: discord.Message) -> Outcome:
    """Take one message of the bot's away, which is not where its job was asked for."""
    return await _attempt(_own(client, message.channel.id, message.id).delete)


async def _mark(way: Way, job: Job, *, hides: bool) -> None:
    message = await way.read()
    alt = wording.alt_text(job.request.text if job.request is not None else "", hidden=hides)
    files = [{"id": each["id"], "is_spoiler": hides, "description": alt} for each in message["attachments"]]
    if files:
        await way.mark(files)


async def _on_each(
    client: Naibot, job: Job, act: Callable[[Way], Awaitable[None]], besides: int | None = None
) -> Outcome:
    """The worst of what became of its messages; one that is gone is as good as done, one out of reach is not."""
    if job.place is None:
        return Outcome.FORBIDDEN
    ids = [id_ for id_ in await client.services.deliveries.messages_of(job) if id_ != besides]
    found = [await _on_message(client, job, id_, act) for id_ in ids]
    return next((outcome for outcome in found if outcome not in _DONE), Outcome.SHOWN)


async def _on_message(client: Naibot, job: Job, message_id: int, act: Callable[[Way], Awaitable[None]]) -> Outcome:
    outcome = Outcome.FORBIDDEN
    for way in _ways_to(client, job, message_id):
        outcome = await _attempt(lambda way=way: act(way))  # type: ignore[misc]
        if outcome is not Outcome.FORBIDDEN:
            return outcome
    return outcome


def _ways_to(client: Naibot, job: Job, message_id: int) -> Iterator[Way]:
    """Through the channel; then by the token, which reaches channels that the bot does not see."""
    place = job.place
    if place is None:
        return
    if not place.needs_token:
        yield _own(client, place.channel_id, message_id)
    lives = client.services.deliveries.seconds_since(place.token_expires) < 0
    if place.token is not None and lives and place.message_id == message_id:
        named = {"webhook_id": client.application_id, "webhook_token": place.token, "message_id": message_id}
        yield Way(client=client, path="/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}", named=named)


def _own(client: Naibot, channel_id: int, message_id: int) -> Way:
    path = "/channels/{channel_id}/messages/{message_id}"
    return Way(client=client, path=path, named={"channel_id": channel_id, "message_id": message_id})


async def _post_anew(client: Naibot, job: Job) -> Outcome:
    """The old messages go first: two copies of which one is open would be worse than none."""
    removed = await remove(client, job)
    deliveries, place = client.services.deliveries, job.place
    parcel = await deliveries.parcel_of(replace(job, hidden=True))
    if removed is not Outcome.SHOWN or place is None or not parcel.pictures:
        return removed
    ways = Ways(client, deliveries)
    packer = Packer(client.services.darkroom, client)
    limit = ways.channel_limit(job.requester.guild_id)
    packing = await packer.pack(parcel.job, parcel.pictures, limit, can_post=True)
    if not packing.messages:
        return Outcome.SHOWN
    text = replies.done_text(parcel, client.services.guilds.config(job.requester))
    letters = [Letter(text=f"{text}\n{packing.note}".strip(), view=replies.done_row(job.id), files=packing.messages[0])]
    letters += [
        Letter(text=wording.say("file.part", n=n, of=len(packing.messages), job=job.id), files=files)
        for n, files in enumerate(packing.messages[1:], 2)
    ]
    for n, letter in enumerate(letters):
        outcome, _ = await ways.post(job, ways.channel(place), f"{job.id}-{ANEW + n}", letter)
        if outcome is not Outcome.SHOWN:
            log.warning("job %s was taken away and could not be posted hidden: %s", job.id, outcome.name)
    return Outcome.SHOWN


async def _attempt(act: Callable[[], Awaitable[None]]) -> Outcome:
    """Like `Ways.attempt`, but what Discord refuses for a reason of its own is refused, and not tried again."""
    try:
        async with within(EDIT_TIME):
            await act()
    except (discord.HTTPException, aiohttp.ClientError, TimeoutError, OSError) as error:
        outcome = outcome_of(error)
        is_refused = isinstance(error, discord.HTTPException) and 400 <= error.status < 500 and error.status != 429
        return Outcome.FORBIDDEN if is_refused and outcome is not Outcome.GONE else outcome
    return Outcome.SHOWN
