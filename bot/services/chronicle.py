"""What the audit holds that people should read: lines for a server's log channel and for the operator, each once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.domain.record import Entry
from bot.ports import OPERATOR_UNREACHED, AuditStore, Clock, GuildStore
from bot.services.guilds import Guilds
from bot.services.lead import Lead

SERVER_KINDS = (
    "setting.changed",
    "word.added",
    "word.removed",
    "member.blocked",
    "member.unblocked",
    "member.warned",
    "member.hidden",
    "member.shown",
    "case.opened",
    "case.decided",
    "case.looked",
    "case.read",
    "limits.set",
    "limits.cleared",
    "member.granted",
    "member.granted.back",
    "member.reset",
    "member.reset.back",
    "refused",
    "rules.logged",
    "picture.deleted",
    "picture.hidden",
    "picture.revealed",
)
OPERATOR_KINDS = (
    "account.lost",
    "account.drift",
    "account.stopped",
    "account.refused",
    "filter.down",
    "filter.up",
    "rules.slow",
)
QUIET = {"case.opened": ("proposal", "refusal", "sanction"), "case.decided": ("proposal",)}
"""Cases of these kinds are not told: suggestions are public, and the others have a line of their own."""
READ = "chronicle.read"
"""Under this key the house remembers the last line it told."""
MOST = 100
MARKED = 1_000
"""Lines after which the place is noted though nobody is told any of them: whoever begins there reads them again."""
GROUPED = 60.0
"""Seconds in which a member's refusals of one kind become one line."""

Key = tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One entry, or several of the same kind and person; *channel_id* is None for the operator."""

    channel_id: int | None
    entries: tuple[Entry, ...]

    @property
    def newest(self) -> Entry:
        """The one that is told; the others are counted."""
        return self.entries[-1]


class Chronicle:
    """Reads the audit forward; a line that could not be told is not told later, the audit has it."""

    def __init__(
        self, audit: AuditStore, store: GuildStore, guilds: Guilds, clock: Clock, lead: Lead | None = None
    ) -> None:
        self._lead = lead
        self._audit = audit
        self._store = store
        self._guilds = guilds
        self._clock = clock
        self._read: int | None = None
        self._marked = 0
        self._held: dict[Key, list[Entry]] = {}
        """Refusals after a first one that was told, until their minute is over."""

    async def next(self) -> Sequence[Line]:
        """The lines that came since the last time, the operator's first; those that nobody reads are left out."""
        if self._lead is not None and not await self._lead.has("chronicle"):
            # Another process tells them, and may stop doing so.
            self._read = None
            self._held.clear()
            return []
        newest = await self._audit.newest_entry()
        if self._read is None:
            self._read = await self._begin(newest)
        entries: Sequence[Entry] = ()
        if newest > self._read:
            entries = await self._audit.entries(self._read, (*SERVER_KINDS, *OPERATOR_KINDS), MOST)
        lines = [*self._due(), *(line for entry in entries if (line := self._line(entry)) is not None)]
        read = entries[-1].id if len(entries) == MOST else newest
        if entries or read >= self._marked + MARKED:
            await self._store.remember(READ, str(read))
            self._marked = read
        self._read = max(read, self._read)
        return sorted(lines, key=lambda line: line.channel_id is not None)

    async def _begin(self, newest: int) -> int:
        """Where an earlier process stopped; what was decided before there was a log at all is no news."""
        known = await self._store.recall(READ)
        if known is None:
            await self._store.remember(READ, str(newest))
        self._marked = newest if known is None else int(known)
        return self._marked

    def _line(self, entry: Entry) -> Line | None:
        if entry.record.kind in OPERATOR_KINDS:
            return Line(channel_id=None, entries=(entry,))
        if _is_quiet(entry):
            return None
        config = self._guilds.config_of(entry.record.guild_id)
        channel_id = config.log_channel if config is not None else None
        if channel_id is None or (entry.record.kind == "refused" and self._hold(channel_id, entry)):
            return None
        return Line(channel_id=channel_id, entries=(entry,))

    def _hold(self, channel_id: int, entry: Entry) -> bool:
        """Whether a refusal waits for the end of its minute, because one of its kind was told just now."""
        key: Key = (channel_id, entry.record.actor, *sorted(entry.record.data.items(), key=str))
        held = self._held.get(key)
        if held is None:
            self._held[key] = [entry]
            return False
        held.append(entry)
        return True

    def _due(self) -> Iterator[Line]:
        """What was held for a minute; the first of each was told already."""
        for key, held in list(self._held.items()):
            if self._clock() - held[0].record.at >= GROUPED:
                del self._held[key]
                if len(held) > 1 and isinstance(key[0], int):
                    yield Line(channel_id=key[0], entries=tuple(held[1:]))

    async def note_unreached(self, reason: str) -> None:
        """Remember why the operator could not be told (empty: they could), for `naibot check`."""
        if reason != (await self._store.recall(OPERATOR_UNREACHED) or ""):
            await self._store.remember(OPERATOR_UNREACHED, reason)


def _is_quiet(entry: Entry) -> bool:
    """Whether others have said it; a suggestion is told once somebody said yes, because the server pays for it."""
    record = entry.record
    return record.data.get("kind") in QUIET.get(record.kind, ()) and record.data.get("decision") != "approved"
