"""Whether the ledger adds up: every counter counted again from the jobs. Reads only, takes no lock."""

from collections.abc import Iterable
from pathlib import Path

from bot.adapters.store.database import Database, Row, Transaction

_OF_JOBS = (
    "COALESCE(SUM(COALESCE(charged_pictures, pictures)), 0) AS pictures, "
    "COALESCE(SUM(COALESCE(charged_anlas, price)), 0) AS anlas, "
    "COALESCE(SUM(MAX(COALESCE(charged_anlas, price), spent)), 0) AS budget "
    "FROM jobs WHERE admitted_at >= ?"
)


async def differences(folder: Path) -> list[str]:
    """
    What does not add up in the store of *folder*, a line each; empty when all is well.

    Raises `StoreError` ``store.missing``. May run beside `naibot run`: it sees one consistent moment.
    """
    async with await Database.open_to_read(folder) as database, database.read() as reading:
        await reading.run("BEGIN")
        found = [*await _counters(reading), *await _impossible(reading)]
        await reading.run("ROLLBACK")
        return found


async def _counters(reading: Transaction) -> list[str]:
    found: list[str] = []
    for house in await reading.all("SELECT * FROM house"):
        counted = await reading.one(f"SELECT {_OF_JOBS}", (house["day_start"],))
        found += _compare("house", house, counted, "budget")
    for guild in await reading.all("SELECT * FROM guilds"):
        sql = f"SELECT {_OF_JOBS} AND guild_id = ?"
        counted = await reading.one(sql, (guild["day_start"], guild["id"]))
        found += _compare(f"guild {guild['id']}", guild, counted, "budget")
    for member in await reading.all("SELECT * FROM members"):
        sql = f"SELECT {_OF_JOBS} AND guild_id = ? AND user_id = ?"
        key = (member["guild_id"], member["user_id"])
        counted = await reading.one(sql, (member["day_start"], *key))
        found += _compare(f"member {key[1]} in {key[0]}", member, counted, "anlas")
    return found


def _compare(name: str, kept: Row, counted: Row | None, anlas: str) -> Iterable[str]:
    if counted is None:
        return
    for column, of_jobs in (("pictures", "pictures"), ("anlas", anlas)):
        if kept[column] != counted[of_jobs]:
            yield f"{name}: {column} is {kept[column]}, the jobs say {counted[of_jobs]}"


_IMPOSSIBLE = {
    "reserved and ended": "state IN ('DONE', 'FAILED', 'BLOCKED', 'CANCELLED') AND charged_anlas IS NULL",
    "charged and not ended": "state IN ('QUEUED', 'RUNNING', 'SENT') AND charged_anlas IS NOT NULL",
    "charged more than was said": "charged_anlas > price OR charged_pictures > pictures",
    "charged without a picture": (
        "state IN ('FAILED', 'BLOCKED', 'CANCELLED') AND (charged_anlas > 0 OR charged_pictures > 0)"
    ),
    "charged and never shown": "delivery = 'LAPSED' AND (charged_anlas > 0 OR charged_pictures > 0)",
    "done without a parcel": "state = 'DONE' AND delivery = 'NONE'",
}


async def _impossible(reading: Transaction) -> list[str]:
    found: list[str] = []
    for name, condition in _IMPOSSIBLE.items():
        rows = await reading.all(f"SELECT id FROM jobs WHERE {condition}")  # noqa: S608
        found += [f"job {row['id']}: {name}" for row in rows]
    return found
