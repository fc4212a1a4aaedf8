"""Which picture somebody means: a link, a job's number, or a message of ours."""

import re
from dataclasses import dataclass

import discord

from bot.domain.errors import Mistake

_LINK = re.compile(
    r"<?https://(?:(?:ptb|canary)\.)?discord(?:app)?\.com/channels/(\d{1,19})/(\d{1,19})/(\d{1,19})/?>?", re.ASCII
)
_NUMBER = re.compile(r"#?(\d{1,19})", re.ASCII)
_BUTTON = re.compile(r"job:(\d{1,19}):(?:more|delete)", re.ASCII)
_FILE = re.compile(r"(?:SPOILER_)?(\d{1,19})-", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A message's address; whether there is such a message is another question."""

    guild_id: int
    channel_id: int
    message_id: int


def pointed_at(text: str) -> Link | int:
    """A link to a message, or a job's number. Raises `Mistake` ``picture.which`` for anything else."""
    text = text.strip()
    if (link := _LINK.fullmatch(text)) is not None:
        guild_id, channel_id, message_id = map(int, link.groups())
        return Link(guild_id=guild_id, channel_id=channel_id, message_id=message_id)
    if (number := _NUMBER.fullmatch(text)) is not None:
        return int(number[1])
    raise Mistake("picture.which")


def job_shown_in(message: discord.Message, me: int) -> int | None:
    """
    The job whose pictures a message shows; None where it is not ours, or shows none.

    Read from the buttons under it; a batch's further parts have none, and are known by their files' names.
    """
    if message.author.id != me or not message.attachments:
        return None
    ids = [
        getattr(child, "custom_id", None) or ""
        for row in message.components
        if isinstance(row, discord.ActionRow)
        for child in row.children
    ]
    found = [match for id_ in ids if (match := _BUTTON.fullmatch(id_)) is not None]
    found = found or [match for file in message.attachments if (match := _FILE.match(file.filename)) is not None]
    return int(found[0][1]) if found else None
