"""What the audit holds that people should read: lines for a server's log channel and for the operator, each once."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.record import Entry
from bot.ports import OPERATOR_UNREACHED, AuditStore, GuildStore
from bot.services.guilds import Guilds

SERVER_KINDS = (
    "setting.changed",
    "word.added",
    "word.removed",
    "member.blocked",
    "member.unblocked",
    "refused",
    "picture.deleted",
)
OPERATOR_KINDS = ("account.lost", "account.drift", "account.stopped", "account.refused")
READ = "chronicle.read"
"""Under this key the house remembers the last line it told."""
MOST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One or more entries of the same kind and actor in a row; *channel_id* is None for the operator."""

    channel_id: int | None
    entries: tuple[Entry, ...]

    @property
    def newest(self) -> Entry:
        """The one that is told; the others are counted."""
        return self.entries[-1]


class Chronicle:
    """Reads the audit forward; a line that could not be told is not told later, the audit has it."""

    def __init__(self, audit: AuditStore, store: GuildStore, guilds: Guilds) -> None:
        self._audit = audit
        self._store = store
        self._guilds = guilds
        self._read: int | None = None

    async def next(self) -> Sequence[Line]:
        """The lines that came since the last time, those that nobody reads left out."""
        if self._read is None:
            self._read = int(await self._store.recall(READ) or 0)
        entries = await self._audit.entries(self._read, (*SERVER_KINDS, *OPERATOR_KINDS), MOST)
        lines: list[Line] = []
        for entry in entries:
            self._add(lines, entry)
        if entries:
            self._read = entries[-1].id
            await self._store.remember(READ, str(self._read))
        return lines

    def _add(self, lines: list[Line], entry: Entry) -> None:
        is_for_operator = entry.record.kind in OPERATOR_KINDS
        channel_id = None if is_for_operator else self._log_channel(entry)
        if channel_id is None and not is_for_operator:
            return
        last = lines[-1] if lines else None
        if last is not None and last.channel_id == channel_id and _is_like(last.newest, entry):
            lines[-1] = Line(channel_id=channel_id, entries=(*last.entries, entry))
        else:
            lines.append(Line(channel_id=channel_id, entries=(entry,)))

    def _log_channel(self, entry: Entry) -> int | None:
        config = self._guilds.config_of(entry.record.guild_id)
        return config.log_channel if config is not None else None

    async def note_unreached(self, reason: str) -> None:
        """Remember why the operator could not be told (empty: they could), for `naibot check`."""
        if reason != (await self._store.recall(OPERATOR_UNREACHED) or ""):
            await self._store.remember(OPERATOR_UNREACHED, reason)


def _is_like(one: Entry, other: Entry) -> bool:
    """Whether two entries are told as one line: the same kind, person and rule."""
    return one.record.kind == other.record.kind == "refused" and (
        (one.record.actor, one.record.data) == (other.record.actor, other.record.data)
    )
