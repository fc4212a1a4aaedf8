"""Days and weeks of a time zone: the windows over which usage is counted, and the names of the zones."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from functools import cache
from importlib import resources
from types import MappingProxyType
from zoneinfo import ZoneInfo

from bot.domain.errors import Mistake

ZONE_LENGTH = 64


class Span(StrEnum):
    """How long a limit counts."""

    DAY = "day"
    WEEK = "week"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A span of unix seconds over which usage is counted; *end* is when it starts again."""

    start: float
    end: float

    def holds(self, at: float) -> bool:
        """Whether that moment lies in it."""
        return self.start <= at < self.end


def window_of(span: Span, now: float, zone: tzinfo = UTC) -> Window:
    """
    The day (from 00:00) or week (from Monday, 00:00) of *zone* that holds *now*.

    Windows of one zone follow one another without a gap, also where the clock is put forward or back at midnight:
    a day then has 23 or 25 hours, and a midnight that is skipped is the moment of the skip.
    """
    today = datetime.fromtimestamp(now, zone).date()
    first = today - timedelta(days=today.weekday()) if span is Span.WEEK else today
    length = timedelta(days=7 if span is Span.WEEK else 1)
    # A clock that is put back over midnight shows yesterday's date again after today began.
    while now >= (end := _midnight(first + length, zone)):
        first += length
    return Window(start=_midnight(first, zone), end=end)


def day_of(now: float, zone: tzinfo = UTC) -> Window:
    """The day of *zone* that holds *now*."""
    return window_of(Span.DAY, now, zone)


def _midnight(day: date, zone: tzinfo) -> float:
    return datetime.combine(day, time(), zone).timestamp()


def zone_of(name: str) -> tzinfo:
    """The zone of that name; UTC for one that this program's table does not know (any more)."""
    return ZoneInfo(name) if zones().get(name.casefold()) == name else UTC


def zone_named(text: str) -> str:
    """
    A zone's name as people write it: ``Europe/Berlin``, ``europe/berlin``, ``Berlin``, ``New York``.

    Raises `Mistake` ``setting.zone``.
    """
    wanted = "_".join(text[:ZONE_LENGTH].casefold().split())
    cities = [name for key, name in zones().items() if key.rpartition("/")[2] == wanted]
    found = zones().get(wanted) or (cities[0] if len(cities) == 1 else None)
    if found is None:
        raise Mistake("setting.zone")
    return found


@cache
def zones() -> Mapping[str, str]:
    """Every zone of the table that ships as the package ``tzdata``: its name in lower case → its name."""
    names = (resources.files("tzdata") / "zones").read_text(encoding="utf-8").split()
    return MappingProxyType({name.casefold(): name for name in sorted(names)})
