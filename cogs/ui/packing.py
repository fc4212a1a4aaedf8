"""What of a parcel fits where: files as they came, the same pixels smaller, or a preview; and in how many messages."""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import discord

from bot import wording
from bot.client import Naibot
from bot.domain.job import Job, Likeness
from bot.domain.request import Picture
from bot.services.darkroom import Darkroom

MESSAGE_MAX = 25 * 1024 * 1024 - 64 * 1024
"""Bytes of files in one message; Discord takes 25 MiB for a whole request (resources/message, 2026-08)."""
FILES_MAX = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosure:
    """A file of a message, which may be sent more than once."""

    filename: str
    data: bytes = field(repr=False)
    alt: str
    spoiler: bool

    def file(self) -> discord.File:
        """As discord.py sends it."""
        return discord.File(io.BytesIO(self.data), filename=self.filename, spoiler=self.spoiler, description=self.alt)


def forming(picture: bytes) -> Enclosure:
    """A picture while it forms, as a small WebP of ours."""
    return Enclosure(filename="preview.webp", data=picture, alt=wording.ALT_PREVIEW, spoiler=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """
    The files of each message, a line that says what is not as it came, and in what likeness it is then shown.

    Without *messages* nothing fits at all.
    """

    messages: tuple[tuple[Enclosure, ...], ...]
    note: str = ""
    likeness: Likeness | None = None

    @property
    def largest(self) -> int:
        """Bytes of the largest file."""
        return max((len(each.data) for message in self.messages for each in message), default=0)


class Packer:
    """Goes down the ladder of smaller files, as far as a limit demands."""

    def __init__(self, darkroom: Darkroom, client: Naibot) -> None:
        self._darkroom = darkroom
        self._client = client

    async def pack(self, job: Job, pictures: Sequence[Picture], limit: int, *, can_post: bool) -> Packing:
        """
        Pack *pictures* so that no file is over *limit* bytes; without *can_post* into one message.

        Every copy is checked before it is taken; see `bot.imaging.copies`.
        """
        files: list[Enclosure] = []
        notes: dict[str, str] = {}
        for picture, stem in _named(job, pictures):
            file, key = await self._fitting(job, picture.data, stem, limit)
            if file is not None:
                files.append(file)
            if key:
                notes.setdefault(key, self._say(key, len(picture.data), limit))
        if pictures and not files:
            return Packing(messages=())
        likeness = _likeness(notes)
        messages = grouped(files)
        if len(messages) > 1 and not can_post:
            messages, likeness = messages[:1], Likeness.PREVIEW
            notes["file.rest"] = wording.say("file.rest", self._client.mentions)
        return Packing(messages=tuple(messages), note="\n".join(notes.values()), likeness=likeness)

    async def _fitting(self, job: Job, data: bytes, stem: str, limit: int) -> tuple[Enclosure | None, str]:
        """The picture in the best form that fits, with the key of what is to be said of it."""
        if len(data) <= limit:
            return _enclosure(job, f"{stem}.png", data), ""
        copy = await self._darkroom.exact_copy(data)
        if copy is not None and len(copy.data) <= limit:
            return _enclosure(job, f"{stem}.webp", copy.data), "file.webp" if copy.is_signed else "file.webp.unsigned"
        copy = await self._darkroom.preview(data)
        if copy is not None and len(copy.data) <= limit:
            return _enclosure(job, f"{stem}-preview.webp", copy.data), "file.preview"
        return None, "file.rest"

    def _say(self, key: str, size: int, limit: int) -> str:
        said = {"size": wording.megabytes(size), "limit": wording.megabytes(limit)}
        return wording.say(key, {**self._client.mentions, **said})


def originals(job: Job, pictures: Sequence[Picture]) -> Sequence[Enclosure]:
    """The pictures as they came, whatever their size."""
    return [_enclosure(job, f"{stem}.png", picture.data) for picture, stem in _named(job, pictures)]


def _named(job: Job, pictures: Sequence[Picture]) -> Iterator[tuple[Picture, str]]:
    """Each picture with its file's name, without what says the format."""
    for n, picture in enumerate(pictures, 1):
        yield picture, f"{job.id}-{picture.seed}" + (f"-{n}" if len(pictures) > 1 else "")


def _likeness(notes: Mapping[str, str]) -> Likeness | None:
    if not notes:
        return None
    is_whole = all(key.startswith("file.webp") for key in notes)
    return Likeness.WEBP if is_whole else Likeness.PREVIEW


def _enclosure(job: Job, filename: str, data: bytes) -> Enclosure:
    """With alt text, and hidden behind a spoiler where it was asked."""
    request = job.request
    spoiler = job.hidden or (request.spoiler if request else False)
    alt = wording.alt_text(request.text if request else "", hidden=spoiler)
    return Enclosure(filename=filename, data=data, alt=alt, spoiler=spoiler)


def grouped(files: Sequence[Enclosure]) -> list[tuple[Enclosure, ...]]:
    """In as few messages as hold them, in their order."""
    groups: list[tuple[Enclosure, ...]] = [()]
    for file in files:
        size = sum(len(each.data) for each in groups[-1])
        if groups[-1] and (size + len(file.data) > MESSAGE_MAX or len(groups[-1]) == FILES_MAX):
            groups.append(())
        groups[-1] = (*groups[-1], file)
    return groups
