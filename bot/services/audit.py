"""What moderators find in their server's audit: by member, kind and time, and by the words of the lines themselves."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.change import QUESTION_LIFE, Change, Pending, What
from bot.domain.errors import Refused
from bot.domain.record import Entry, Question
from bot.domain.request import Requester
from bot.domain.rules import check_moderator
from bot.ports import AuditStore, Clock, GuildStore
from bot.services.moderation import Moderation

LINES = 10
"""Lines of a page."""
PORTION = 500
"""Lines that are read at once."""
LOOKED_MOST = 20_000
"""Lines that are looked through for the words of one page."""
FILE_MOST = 2_000
"""Lines of a file."""
TEXT_MAX = 100
_UNREAD = re.compile(r"<[^>]*>|[\\`*]")
"""Mentions, times and Markdown: nobody reads those as text."""

Says = Callable[[Entry], str]


class About(StrEnum):
    """The kinds of lines as people choose them."""

    SETTINGS = "settings"
    RULES = "rules"
    CASES = "cases"
    SANCTIONS = "sanctions"
    LIMITS = "limits"
    PICTURES = "pictures"
    REFUSALS = "refusals"


KINDS: dict[About, tuple[str, ...]] = {
    About.SETTINGS: ("setting.changed", "guild.admitted", "guild.left"),
    About.RULES: ("word.added", "word.removed", "rules.logged"),
    About.CASES: ("case.opened", "case.decided", "case.looked", "case.read"),
    About.SANCTIONS: ("member.blocked", "member.unblocked", "member.warned", "member.hidden", "member.shown"),
    About.LIMITS: (
        "limits.set",
        "limits.cleared",
        "member.granted",
        "member.granted.back",
        "member.reset",
        "member.reset.back",
    ),
    About.PICTURES: ("picture.deleted", "picture.hidden", "picture.revealed", "job.settled"),
    About.REFUSALS: ("refused",),
}
"""The audit's own kinds in each; of a job's steps its end stands for all."""
STEPS = frozenset({"job.settled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a moderator asks: *since* is unix seconds, 0 for all; *text* stands in the lines as they are read."""

    about: About | None = None
    member: int | None = None
    since: float = 0.0
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """
    Some lines, newest first, and whether there are more on either side.

    *looked_to* is the oldest line that was looked at where there were too many to look at all.
    """

    lines: tuple[Entry, ...]
    has_older: bool = False
    has_newer: bool = False
    looked_to: int | None = None

    @property
    def oldest(self) -> int:
        """Where the next page begins."""
        return self.looked_to or (self.lines[-1].id if self.lines else 0)


class Audit:
    """Every verb is for moderators, and shows their own server's lines alone."""

    def __init__(self, store: AuditStore, guilds: GuildStore, moderation: Moderation, clock: Clock) -> None:
        self._store = store
        self._guilds = guilds
        self._moderation = moderation
        self._clock = clock

    def ago(self, seconds: int) -> float:
        """The moment that so many seconds ago was."""
        return self._clock() - seconds

    async def ask(self, moderator: Requester, asked: Asked) -> Pending:
        """Keep a question, so that its pages can be turned. Raises `Refused` ``moderator.only`` or ``not.served``."""
        self._check(moderator)
        value = {"member": asked.member, "since": asked.since, "text": asked.text}
        change = Change(what=What.AUDIT, name=asked.about or "", value=value)
        return await self._guilds.keep_change(moderator.scope, moderator.user_id, change, self._clock() + QUESTION_LIFE)

    async def asked(self, moderator: Requester, pending_id: int) -> Asked:
        """A question that this moderator asked here. Raises `Refused` ``audit.gone`` too."""
        self._check(moderator)
        pending = await self._guilds.kept_change(pending_id)
        if (
            pending is None
            or (pending.guild_id, pending.user_id) != (moderator.scope, moderator.user_id)
            or pending.change.what is not What.AUDIT
            or pending.expires_at <= self._clock()
        ):
            raise Refused("audit.gone")
        about = pending.change.name
        value = pending.change.value if isinstance(pending.change.value, dict) else {}
        return Asked(about=About(about) if about else None, **value)

    async def older(self, moderator: Requester, asked: Asked, says: Says, before: int | None = None) -> Page:
        """The lines before the line *before*, or the newest. *says* is a line as it is read."""
        self._check(moderator)
        found, looked_to = await self._look(moderator, asked, says, LINES + 1, before=before)
        return Page(
            lines=tuple(found[:LINES]),
            has_older=len(found) > LINES or looked_to is not None,
            has_newer=before is not None,
            looked_to=looked_to if len(found) <= LINES else None,
        )

    async def newer(self, moderator: Requester, asked: Asked, says: Says, after: int) -> Page:
        """The lines that came just after the line *after*; the newest page where those do not fill one."""
        self._check(moderator)
        found, _ = await self._look(moderator, asked, says, LINES + 1, after=after)
        if len(found) <= LINES:
            return await self.older(moderator, asked, says)
        return Page(lines=tuple(reversed(found[:LINES])), has_older=True, has_newer=True)

    async def all(self, moderator: Requester, asked: Asked, says: Says) -> Sequence[Entry]:
        """The newest lines of the whole answer, as many as a file takes."""
        self._check(moderator)
        return (await self._look(moderator, asked, says, FILE_MOST))[0]

    def _check(self, moderator: Requester) -> None:
        check_moderator(moderator, self._moderation.ground(moderator))

    async def _look(
        self,
        moderator: Requester,
        asked: Asked,
        says: Says,
        most: int,
        *,
        before: int | None = None,
        after: int | None = None,
    ) -> tuple[list[Entry], int | None]:
        """At most *most* lines that fit, and the last line that was looked at where there are still more."""
        question, words = _question(moderator.scope, asked)
        found: list[Entry] = []
        for _ in range(0, LOOKED_MOST, PORTION):
            lines = await self._store.asked(question, before=before, after=after, most=PORTION)
            found += [line for line in lines if not words or words in _read(says(line))]
            if len(lines) < PORTION or len(found) >= most:
                return found[:most], None
            before, after = (lines[-1].id, None) if after is None else (None, lines[-1].id)
        return found, before


def _question(guild_id: int, asked: Asked) -> tuple[Question, str]:
    """What the store is asked, and the words that are looked for in its answer."""
    kinds = KINDS[asked.about] if asked.about is not None else tuple(_without_steps())
    text = asked.text.strip()
    is_job = asked.about is About.PICTURES and text.isascii() and text.isdecimal() and len(text) <= 18
    job_id = int(text) if is_job else None
    question = Question(guild_id=guild_id, kinds=kinds, member=asked.member, since=asked.since, job_id=job_id)
    return question, "" if is_job else _read(text)


def _without_steps() -> Sequence[str]:
    return [kind for kinds in KINDS.values() for kind in kinds if kind not in STEPS]


def _read(text: str) -> str:
    """A line as it is read, to be compared."""
    return " ".join(_UNREAD.sub("", text).casefold().split())
