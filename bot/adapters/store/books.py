"""The counters of the running days and weeks, kept beside the jobs so that admission need not add them up."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC

from bot.adapters.store.driver import Row, Session, Value
from bot.domain.admission import Level, Standing, Usage
from bot.domain.calendar import Span, Window, window_of, zone_of
from bot.domain.errors import StoreError

Books = dict[tuple[Level, Span], Row]
"""The counters that one member's jobs go into."""

# The member pays what was charged, or else reserved; the operator the greater of that and what was spent.
_PAID = "COALESCE(charged_anlas, price)"
_COST = f"CASE WHEN spent > {_PAID} THEN spent ELSE {_PAID} END"
_SUMS = """
SELECT COALESCE(SUM(COALESCE(charged_pictures, pictures)), 0) AS pictures, COALESCE(SUM({anlas}), 0) AS anlas
FROM jobs WHERE admitted_at >= ? AND admitted_at < ? AND {whose}"""
_WHOSE: Mapping[Level, str] = {
    Level.HOUSE: "TRUE",
    Level.HOUSE_GUILD: "guild_id = ?",
    Level.HOUSE_MEMBER: "user_id = ?",
    Level.GUILD: "guild_id = ?",
    Level.MEMBER: "guild_id = ? AND user_id = ?",
}
# Exactly the rows of one member's jobs: 0 stands where a level has no server, or no person.
_ROWS = """guild_id IN (0, ?) AND (guild_id = ? OR level IN ('house', 'house.member'))
AND user_id IN (0, ?) AND (user_id = ? OR level IN ('house', 'house.guild', 'guild'))"""
_ALL = f"SELECT * FROM usage WHERE {_ROWS}"  # noqa: S608 (ours)
_WAITING = "SELECT COUNT(*) AS n FROM jobs WHERE guild_id = ? AND user_id = ? AND state = 'QUEUED'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """What one job weighs: *pictures* and *anlas* for its member, *cost* for guild and house instead of *anlas*."""

    pictures: int
    anlas: int
    cost: int


NOTHING = Weight(pictures=0, anlas=0, cost=0)


def weigh(job: Row) -> Weight:
    """What the row of a job weighs."""
    is_reserved = job["charged_anlas"] is None
    anlas = job["price"] if is_reserved else job["charged_anlas"]
    pictures = job["pictures"] if is_reserved else job["charged_pictures"]
    return Weight(pictures=pictures, anlas=anlas, cost=max(anlas, job["spent"]))


async def post(session: Session, job: Row, before: Weight) -> None:
    """
    Put the counters right for a job that weighed *before* and has changed to the row *job*.

    Only those whose window holds its admission change: yesterday's job is none of today's business. The house is
    locked first, so that of two that post neither waits for what the other has.
    """
    after = weigh(job)
    pictures, anlas, cost = after.pictures - before.pictures, after.anlas - before.anlas, after.cost - before.cost
    if not (pictures or anlas or cost):
        return
    await lock_house(session)
    await session.run(
        "UPDATE usage SET pictures = pictures + ?, "  # noqa: S608 (ours)
        "anlas = CASE WHEN level IN ('member', 'house.member') THEN anlas + ? ELSE anlas + ? END "
        f"WHERE {_ROWS} AND starts <= ? AND ends > ?",
        pictures,
        anlas,
        cost,
        job["guild_id"],
        job["guild_id"],
        job["user_id"],
        job["user_id"],
        job["admitted_at"],
        job["admitted_at"],
    )


async def move(session: Session, before: Row, **changes: Value) -> Row | None:
    """
    One transition: the job's new row, or None if it is no longer as *before* says; the counters follow.

    State, fence and delivery are the condition, so that of two that race one changes nothing.
    """
    columns = ", ".join(f"{column} = ?" for column in changes)
    condition = "id = ? AND state = ? AND fence = ? AND delivery = ?"
    after = await session.row(
        f"UPDATE jobs SET {columns} WHERE {condition} RETURNING *",  # noqa: S608 (names of columns, from this package)
        *changes.values(),
        before["id"],
        before["state"],
        before["fence"],
        before["delivery"],
    )
    if after is not None:
        await post(session, after, weigh(before))
    return after


# --- locks, always in this order


async def lock_house(session: Session) -> Row:
    """The house's row, locked."""
    return await session.one("UPDATE house SET version = version + 1 RETURNING *")


async def lock_guild(session: Session, guild_id: int) -> Row:
    """The guild's row, made if need be, and locked."""
    return await session.one(
        "INSERT INTO guilds (id) VALUES (?) ON CONFLICT (id) DO UPDATE SET version = guilds.version + 1 RETURNING *",
        guild_id,
    )


async def lock_member(session: Session, guild_id: int, user_id: int) -> Row:
    """The member's row, made if need be, and locked; its guild's row must be there."""
    return await session.one(
        "INSERT INTO members (guild_id, user_id) VALUES (?, ?) "
        "ON CONFLICT (guild_id, user_id) DO UPDATE SET version = members.version + 1 RETURNING *",
        guild_id,
        user_id,
    )


# --- windows


async def open_books(session: Session, guild: Row, user_id: int, now: float) -> Books:
    """The counters of a member's jobs at *now*, each opened for its running window; house and guild are locked."""
    books, opened = await _read(session, guild["id"], guild["time_zone"], user_id, now)
    for row in opened:
        await _write(session, row)
    return books


async def _read(session: Session, guild_id: int, zone: str, user_id: int, now: float) -> tuple[Books, list[Row]]:
    """The counters at *now*, and those of them that are not written down."""
    kept = {(row["level"], row["span"]): row for row in await session.rows(_ALL, guild_id, guild_id, user_id, user_id)}
    books: Books = {}
    opened = []
    for level in Level:
        for span in Span:
            parent = books.get((level.parent, span)) if level.parent is not None else None
            row = kept.get((level, span))
            if row is None or not _is_open(row, parent, now):
                window = _window(span, now, zone if level is Level.GUILD else "UTC", parent)
                row = await _count(session, level, span, guild_id, user_id, window)
                opened.append(row)
            books[level, span] = row
    return books, opened


def _is_open(row: Row, parent: Row | None, now: float) -> bool:
    """Whether a counter's window runs. One that begins late (after a reset) is as open as its parent's."""
    runs = bool(row["starts"] <= now < row["ends"])
    return runs and (parent is None or (parent["starts"] <= row["starts"] and row["ends"] == parent["ends"]))


def _window(span: Span, now: float, zone: str, parent: Row | None) -> Window:
    if parent is not None:
        return Window(start=parent["starts"], end=parent["ends"])
    return window_of(span, now, UTC if zone == "UTC" else zone_of(zone))


async def _count(session: Session, level: Level, span: Span, guild_id: int, user_id: int, window: Window) -> Row:
    """
    A counter of *window*, added up from the jobs.

    It does not simply begin at nothing: a clock that was put back finds the usage of the day it left.
    """
    guild_id = 0 if level in (Level.HOUSE, Level.HOUSE_MEMBER) else guild_id
    user_id = user_id if level.is_members else 0
    values = {Level.MEMBER: (guild_id, user_id), Level.HOUSE_MEMBER: (user_id,), Level.HOUSE: ()}
    sums = await session.one(sums_of(level), window.start, window.end, *values.get(level, (guild_id,)))
    whose = {"guild_id": guild_id, "user_id": user_id, "level": level.value, "span": span.value}
    extra = {"extra_pictures": 0, "extra_anlas": 0}
    return {**whose, "starts": window.start, "ends": window.end, **sums, **extra}


def sums_of(level: Level) -> str:
    """The statement that adds up what jobs of a window weigh at *level*."""
    return _SUMS.format(anlas=_PAID if level.is_members else _COST, whose=_WHOSE[level])


async def _write(session: Session, row: Row) -> None:
    columns, marks = ", ".join(row), ", ".join("?" * len(row))
    changes = ", ".join(f"{column} = excluded.{column}" for column in list(row)[4:])
    await session.run(
        f"INSERT INTO usage ({columns}) VALUES ({marks}) "  # noqa: S608 (names of columns, from this module)
        f"ON CONFLICT (guild_id, user_id, level, span) DO UPDATE SET {changes}",
        *row.values(),
    )


async def count_from(
    session: Session, guild: Row, user_id: int, starts: Mapping[Span, float], now: float
) -> dict[Span, float]:
    """Count a member's jobs of the running windows from *starts* on; from when they were counted before."""
    books = await open_books(session, guild, user_id, now)
    for span, start in starts.items():
        row, parent = books[Level.MEMBER, span], books[Level.GUILD, span]
        window = Window(start=min(max(start, parent["starts"]), parent["ends"]), end=parent["ends"])
        counted = await _count(session, Level.MEMBER, span, guild["id"], user_id, window)
        extra = {name: row[name] for name in ("extra_pictures", "extra_anlas")}
        await _write(session, counted | extra)
    return {span: books[Level.MEMBER, span]["starts"] for span in starts}


async def grant(session: Session, guild: Row, user_id: int, now: float, pictures: int, anlas: int) -> None:
    """Add to a member's extra of the running day and week; never below nothing."""
    await open_books(session, guild, user_id, now)
    more = ", ".join(f"extra_{it} = CASE WHEN extra_{it} + ? > 0 THEN extra_{it} + ? ELSE 0 END" for it in _MEASURES)
    await session.run(
        f"UPDATE usage SET {more} WHERE guild_id = ? AND user_id = ? AND level = 'member'",  # noqa: S608 (ours)
        pictures,
        pictures,
        anlas,
        anlas,
        guild["id"],
        user_id,
    )


_MEASURES = ("pictures", "anlas")


async def change_zone(session: Session, guild: Row, zone: str, now: float) -> None:
    """
    End the running windows of a guild and its members where *zone* has its next midnight and Monday.

    When they began stays, so that no usage is forgotten and none counts twice.
    """
    for span in Span:
        kept = await session.row(
            "SELECT * FROM usage WHERE guild_id = ? AND user_id = 0 AND level = 'guild' AND span = ?", guild["id"], span
        )
        if kept is None or not _is_open(kept, None, now):
            window = _window(span, now, guild["time_zone"], None)
            kept = await _count(session, Level.GUILD, span, guild["id"], 0, window)
            await _write(session, kept)
        await session.run(
            "UPDATE usage SET ends = ? WHERE guild_id = ? AND level IN ('guild', 'member') AND span = ? AND ends = ?",
            window_of(span, now, zone_of(zone)).end,
            guild["id"],
            span,
            kept["ends"],
        )


# --- standing


async def standing_of(session: Session, house: Row, member: Row, books: Books) -> Standing:
    """What the ledger holds of a member, from counters that are open."""
    waiting = await session.one(_WAITING, member["guild_id"], member["user_id"])
    return Standing(
        now_turn=house["now_turn"],
        last_turn=member["last_turn"],
        waiting=waiting["n"],
        last_admitted=member["last_admitted"],
        usage={key: _usage_of(row) for key, row in books.items()},
    )


def _usage_of(row: Row) -> Usage:
    return Usage(
        window=Window(start=row["starts"], end=row["ends"]),
        pictures=row["pictures"],
        anlas=row["anlas"],
        extra_pictures=row["extra_pictures"],
        extra_anlas=row["extra_anlas"],
    )


async def look(session: Session, guild_id: int, user_id: int, now: float) -> Standing:
    """The same without locks, and without opening anything."""
    house = await session.row("SELECT * FROM house")
    if house is None:
        raise StoreError("store.broken")
    guild = await session.row("SELECT time_zone FROM guilds WHERE id = ?", guild_id)
    member = await session.row("SELECT * FROM members WHERE guild_id = ? AND user_id = ?", guild_id, user_id)
    if member is None:
        member = {"guild_id": guild_id, "user_id": user_id, "last_turn": 0, "last_admitted": None}
    books, _ = await _read(session, guild_id, guild["time_zone"] if guild is not None else "UTC", user_id, now)
    return await standing_of(session, house, member, books)
