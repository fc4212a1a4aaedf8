"""Days and weeks of a time zone, also where its clock is changed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.calendar import Span, day_of, window_of, zone_named, zone_of, zones
from bot.domain.errors import Mistake

HOUR = 3_600.0
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kathmandu", "UTC", "Australia/Lord_Howe", "America/Havana")
# Midnights that are skipped, that come twice, and a day that a country left out.
ODD = ("Africa/Cairo", "America/Havana", "America/Asuncion", "America/St_Johns", "Pacific/Apia", "Asia/Beirut")


def _at(zone: str, *when: int) -> float:
    return datetime(*when, tzinfo=ZoneInfo(zone)).timestamp()  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("zone", "when", "hours"),
    [
        ("Europe/Berlin", (2026, 3, 29, 12), 23),
        ("Europe/Berlin", (2026, 10, 25, 12), 25),
        ("Europe/Berlin", (2026, 10, 26, 12), 24),
        ("America/New_York", (2026, 3, 8, 12), 23),
        ("America/New_York", (2026, 11, 1, 12), 25),
        ("Asia/Kathmandu", (2026, 3, 29, 12), 24),
        ("Africa/Cairo", (2026, 4, 24, 12), 23),
        ("America/Havana", (2026, 11, 1, 12), 25),
    ],
)
def test_days_have_the_hours_that_the_zone_gives_them(zone: str, when: tuple[int, ...], hours: int) -> None:
    """Twenty-three in spring and twenty-five in autumn, also where midnight itself is skipped or comes twice."""
    day = day_of(_at(zone, *when), ZoneInfo(zone))

    assert hours * HOUR == day.end - day.start


def test_kathmandu_begins_its_day_a_quarter_to() -> None:
    """18:15 UTC: offsets are not whole hours."""
    start = day_of(_at("Asia/Kathmandu", 2026, 11, 27, 9), ZoneInfo("Asia/Kathmandu")).start

    assert (18, 15) == (datetime.fromtimestamp(start, UTC).hour, datetime.fromtimestamp(start, UTC).minute)


@pytest.mark.parametrize(("zone", "hours"), [("Europe/Berlin", 167), ("America/New_York", 168)])
def test_a_week_begins_on_monday_and_holds_its_odd_day(zone: str, hours: int) -> None:
    """The week in which Europe's clocks go forward is an hour short."""
    week = window_of(Span.WEEK, _at(zone, 2026, 3, 29, 23, 59), ZoneInfo(zone))

    assert _at(zone, 2026, 3, 23) == week.start
    assert hours * HOUR == week.end - week.start


@given(st.sampled_from((*ZONES, *ODD)), st.sampled_from(Span), st.integers(0, 4_000_000_000))
def test_windows_follow_one_another_without_a_gap(zone: str, span: Span, now: int) -> None:
    """Every moment lies in exactly one window; the next begins where it ends, the one before ends where it begins."""
    window = window_of(span, now, ZoneInfo(zone))

    assert window.holds(now)
    assert window == window_of(span, window.start, ZoneInfo(zone))
    assert window.end == window_of(span, window.end, ZoneInfo(zone)).start
    assert window.start == window_of(span, window.start - 1, ZoneInfo(zone)).end


@given(st.sampled_from(ZONES), st.integers(0, 4_000_000_000))
def test_windows_begin_at_midnight_and_on_monday(zone: str, now: int) -> None:
    """Their first moment is the first of its date there; and a week is seven days."""
    day, week = (window_of(span, now, ZoneInfo(zone)) for span in (Span.DAY, Span.WEEK))
    first, before = (datetime.fromtimestamp(day.start - back, ZoneInfo(zone)).date() for back in (0, 1))

    assert first == before + timedelta(days=1)
    assert 0 == datetime.fromtimestamp(week.start, ZoneInfo(zone)).weekday()
    assert week.start <= day.start < day.end <= week.end
    assert 7 == _days_in(week.start, week.end, zone)


def _days_in(start: float, end: float, zone: str) -> int:
    n = 0
    while start < end:
        start, n = day_of(start, ZoneInfo(zone)).end, n + 1
    return n


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        (" europe/berlin ", "Europe/Berlin"),
        ("kathmandu", "Asia/Kathmandu"),
        ("new york", "America/New_York"),
        ("utc", "UTC"),
    ],
)
def test_zones_are_read_as_people_write_them(text: str, name: str) -> None:
    """By their name or their city, in any case."""
    assert name == zone_named(text)


@pytest.mark.parametrize("text", ["", "Atlantis", "../../etc/passwd", "Europe", "x" * 5_000, "Europe/Berlin\0"])
def test_what_is_no_zone_is_refused(text: str) -> None:
    """No path leaves the table."""
    with pytest.raises(Mistake, match=r"setting\.zone"):
        zone_named(text)


def test_every_zone_of_the_table_can_be_used_and_an_unknown_one_is_utc() -> None:
    """A name that a later table drops must not keep a server from its settings."""
    assert len(zones()) > 400
    assert all(day_of(1_800_014_400.0, zone_of(name)).holds(1_800_014_400.0) for name in zones().values())
    assert UTC == zone_of("Europe/Atlantis")
