"""The counters of the running day, kept beside the jobs so that admission need not add them up."""

from dataclasses import dataclass

from bot.adapters.store.driver import Row, Session, Value
from bot.domain.admission import Standing, Window, day_of
from bot.domain.errors import StoreError

# The member pays what was charged, or else reserved; the operator the greater of that and what was spent.
_SUMS = """
SELECT COALESCE(SUM(COALESCE(charged_pictures, pictures)), 0) AS pictures,
       COALESCE(SUM(COALESCE(charged_anlas, price)), 0) AS anlas,
       COALESCE(SUM(CASE WHEN spent > COALESCE(charged_anlas, price) THEN spent
                         ELSE COALESCE(charged_anlas, price) END), 0) AS cost
FROM jobs WHERE admitted_at >= ? AND admitted_at < ?"""
_SUMS_OF_GUILD = f"{_SUMS} AND guild_id = ?"
_SUMS_OF_MEMBER = f"{_SUMS_OF_GUILD} AND user_id = ?"

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

    Only those that hold the day in which it was admitted change: yesterday's job is none of today's business.
    """
    after = weigh(job)
    pictures, anlas, cost = after.pictures - before.pictures, after.anlas - before.anlas, after.cost - before.cost
    day, guild, user = day_of(job["admitted_at"]).start, job["guild_id"], job["user_id"]
    if pictures or cost:
        change = "SET pictures = pictures + ?, anlas = anlas + ? WHERE day_start = ?"
        await session.run(f"UPDATE house {change}", pictures, cost, day)
        await session.run(f"UPDATE guilds {change} AND id = ?", pictures, cost, day, guild)
    if pictures or anlas:
        await session.run(
            "UPDATE members SET pictures = pictures + ?, anlas = anlas + ? "
            "WHERE day_start = ? AND guild_id = ? AND user_id = ?",
            pictures,
            anlas,
            day,
            guild,
            user,
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


async def lock_house(session: Session, day: Window) -> Row:
    """The house's row, locked and opened for *day*."""
    row = await session.one("UPDATE house SET version = version + 1 RETURNING *")
    if row["day_start"] == day.start:
        return row
    sums = await session.one(_SUMS, day.start, day.end)
    return await session.one(
        "UPDATE house SET day_start = ?, pictures = ?, anlas = ? RETURNING *", day.start, sums["pictures"], sums["cost"]
    )


async def lock_guild(session: Session, guild_id: int, day: Window) -> Row:
    """The guild's row, made if need be, locked and opened for *day*."""
    row = await session.one(
        "INSERT INTO guilds (id, day_start) VALUES (?, ?) "
        "ON CONFLICT (id) DO UPDATE SET version = guilds.version + 1 RETURNING *",
        guild_id,
        day.start,
    )
    if row["day_start"] == day.start:
        return row
    sums = await session.one(_SUMS_OF_GUILD, day.start, day.end, guild_id)
    return await session.one(
        "UPDATE guilds SET day_start = ?, pictures = ?, anlas = ? WHERE id = ? RETURNING *",
        day.start,
        sums["pictures"],
        sums["cost"],
        guild_id,
    )


async def lock_member(session: Session, guild_id: int, user_id: int, day: Window) -> Row:
    """
    The member's row, made if need be, locked and opened for *day*; its guild's row must be there.

    Opening counts the jobs again instead of starting at nothing: a clock that was put back finds the day it left.
    """
    row = await session.one(
        "INSERT INTO members (guild_id, user_id, day_start) VALUES (?, ?, ?) "
        "ON CONFLICT (guild_id, user_id) DO UPDATE SET version = members.version + 1 RETURNING *",
        guild_id,
        user_id,
        day.start,
    )
    if row["day_start"] == day.start:
        return row
    sums = await session.one(_SUMS_OF_MEMBER, day.start, day.end, guild_id, user_id)
    return await session.one(
        "UPDATE members SET day_start = ?, pictures = ?, anlas = ?, extra_pictures = 0, extra_anlas = 0 "
        "WHERE guild_id = ? AND user_id = ? RETURNING *",
        day.start,
        sums["pictures"],
        sums["anlas"],
        guild_id,
        user_id,
    )


async def standing_of(session: Session, house: Row, member: Row) -> Standing:
    """What the ledger holds of a member, from rows that are open for today."""
    waiting = await session.one(_WAITING, member["guild_id"], member["user_id"])
    return Standing(
        now_turn=house["now_turn"],
        last_turn=member["last_turn"],
        pictures=member["pictures"],
        anlas=member["anlas"],
        extra_pictures=member["extra_pictures"],
        extra_anlas=member["extra_anlas"],
        waiting=waiting["n"],
        last_admitted=member["last_admitted"],
        house_pictures=house["pictures"],
        house_anlas=house["anlas"],
    )


async def look(session: Session, guild_id: int, user_id: int, now: float) -> Standing:
    """The same without locks, and without opening anything."""
    day = day_of(now)
    house = await session.row("SELECT * FROM house")
    if house is None:
        raise StoreError("store.broken")
    if house["day_start"] != day.start:
        sums = await session.one(_SUMS, day.start, day.end)
        house |= {"pictures": sums["pictures"], "anlas": sums["cost"]}
    member = await session.row("SELECT * FROM members WHERE guild_id = ? AND user_id = ?", guild_id, user_id)
    if member is None:
        member = {"guild_id": guild_id, "user_id": user_id, "last_turn": 0, "last_admitted": None, "day_start": None}
    if member["day_start"] != day.start:
        sums = await session.one(_SUMS_OF_MEMBER, day.start, day.end, guild_id, user_id)
        member |= {"pictures": sums["pictures"], "anlas": sums["anlas"], "extra_pictures": 0, "extra_anlas": 0}
    return await standing_of(session, house, member)
