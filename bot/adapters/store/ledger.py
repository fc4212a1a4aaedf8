"""The audit of the ledger: every counter is added up again from the jobs, and every row is held to the law."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.adapters.store.driver import Row, Session
from bot.adapters.store.migrate import check_schema, shipped_steps
from bot.adapters.store.rows import config_of
from bot.adapters.store.store import looking
from bot.domain.errors import StoreError
from bot.domain.guild import GuildConfig
from bot.ports import ACCOUNT_STOPPED, OPERATOR_UNREACHED

# Written a second time, apart from `books`, which would only agree with itself.
_PAID = "COALESCE(SUM(COALESCE(j.charged_anlas, j.price)), 0)"
_COST = """COALESCE(SUM(CASE WHEN j.spent > COALESCE(j.charged_anlas, j.price)
    THEN j.spent ELSE COALESCE(j.charged_anlas, j.price) END), 0)"""
_MADE = "COALESCE(SUM(COALESCE(j.charged_pictures, j.pictures)), 0)"
_IN_WINDOW = "j.admitted_at >= b.starts AND j.admitted_at < b.ends"

# ruff: noqa: S608
# The statements here are put together from this module's own constants.


def _usage(level: str, name: str, whose: str, anlas: str) -> str:
    """The counters of one level, each beside what its jobs add up to."""
    return f"""
        SELECT b.level || {name} || ' by ' || b.span AS what, b.pictures, b.anlas,
               {_MADE} AS true_pictures, {anlas} AS true_anlas
        FROM usage AS b LEFT JOIN jobs AS j ON {whose} AND {_IN_WINDOW}
        WHERE b.level = '{level}' GROUP BY b.guild_id, b.user_id, b.level, b.span"""


_COUNTERS: Mapping[str, str] = {
    "house": """
        SELECT 'house' AS what, now_turn,
               (SELECT COALESCE(MAX(claimed_turn), 0) FROM jobs) AS true_now_turn
        FROM house""",
    "members": """
        SELECT 'member ' || b.guild_id || '/' || b.user_id AS what, b.last_turn,
               (SELECT COALESCE(MAX(turn), 0) FROM jobs AS k WHERE k.guild_id = b.guild_id AND k.user_id = b.user_id)
                   AS true_last_turn
        FROM members AS b""",
    "usage of the house": _usage("house", "''", "TRUE", _COST),
    "usage of guilds in the house's days": _usage("house.guild", "' ' || b.guild_id", "j.guild_id = b.guild_id", _COST),
    "usage of members in the house's days": _usage("house.member", "' ' || b.user_id", "j.user_id = b.user_id", _PAID),
    "usage of guilds": _usage("guild", "' ' || b.guild_id", "j.guild_id = b.guild_id", _COST),
    "usage of members": _usage(
        "member", "' ' || b.guild_id || '/' || b.user_id", "j.guild_id = b.guild_id AND j.user_id = b.user_id", _PAID
    ),
}

_LAWS: Mapping[str, str] = {
    "state": """state NOT IN
        ('PROPOSED', 'QUEUED', 'RUNNING', 'SENT', 'HELD', 'DONE', 'BLOCKED', 'FAILED', 'CANCELLED')""",
    "reserved or charged": "(state IN ('QUEUED', 'RUNNING', 'SENT', 'HELD')) != (charged_anlas IS NULL)",
    "charged what was not said": "charged_anlas > price OR charged_pictures > pictures",
    "charged without a picture": """state IN ('BLOCKED', 'FAILED', 'CANCELLED')
        AND (charged_anlas != 0 OR charged_pictures != 0)""",
    "running nowhere": "state IN ('RUNNING', 'SENT') AND account IS NULL",
    "spent before it was sent": "state IN ('QUEUED', 'RUNNING') AND spent != 0",
    "delivered before its end": "state IN ('PROPOSED', 'QUEUED', 'RUNNING', 'SENT', 'HELD') AND delivery != 'NONE'",
    "charged before its yes": "state = 'PROPOSED' AND (charged_anlas != 0 OR charged_pictures != 0 OR spent != 0)",
    "held and nobody decides": """state IN ('HELD', 'PROPOSED') AND NOT EXISTS (SELECT 1 FROM cases
        WHERE cases.job_id = jobs.id AND cases.state = 'OPEN' AND cases.kind IN ('held', 'proposal'))""",
    "held without its picture": """state = 'HELD' AND NOT EXISTS (
        SELECT 1 FROM blobs WHERE blobs.job_id = jobs.id AND blobs.kind = 'picture')""",
    "lapsed and charged": "delivery = 'LAPSED' AND (charged_anlas != 0 OR charged_pictures != 0)",
    # What lies in the inbox counts as delivered, and what is on its way will be one of these.
    "charged and shown to nobody": """(charged_anlas > 0 OR charged_pictures > 0) AND state = 'DONE'
        AND delivery NOT IN ('PENDING', 'SHOWN', 'INBOX')""",
    "in the inbox for ever": "delivery = 'INBOX' AND inbox_until IS NULL",
    "in the inbox without its picture": """delivery = 'INBOX' AND state = 'DONE' AND NOT EXISTS (
        SELECT 1 FROM blobs WHERE blobs.job_id = jobs.id AND blobs.kind = 'picture')""",
    "no member": """NOT EXISTS (SELECT 1 FROM members
        WHERE members.guild_id = jobs.guild_id AND members.user_id = jobs.user_id)""",
    "account taken twice": """state IN ('RUNNING', 'SENT') AND EXISTS (SELECT 1 FROM jobs AS other
        WHERE other.account = jobs.account AND other.id < jobs.id AND other.state IN ('RUNNING', 'SENT'))""",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """*what* (house, a guild, a member or a job) does not keep *law*: *kept* in the row, *counted* from the jobs."""

    what: str
    law: str
    kept: object = None
    counted: object = None

    def __str__(self) -> str:
        return f"{self.what}: {self.law}" + (f" {self.kept}, counted {self.counted}" if self.kept is not None else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What an audit found, and over how much."""

    jobs: int
    members: int
    differences: tuple[Difference, ...]
    unreached: str = ""
    """Why the operator could not be told something, the last time it was tried; empty where they could."""
    newest: float = 0.0
    """When the last line of the audit was written, in unix seconds."""
    stopped: tuple[str, ...] = ()
    """The accounts to which nothing is sent until the operator's word."""
    configs: Mapping[int, GuildConfig] = field(default_factory=dict)
    """The settings of every admitted server."""


async def examine(folder: Path, url: str | None = None) -> Findings:
    """
    Audit the ledger in *folder*, or in the database of *url*, as it stands at one moment; reads only, beside bots too.

    Raises `StoreError`: ``store.missing``, ``store.newer``, ``store.tampered``, ``store.broken``, ``store.away``.
    """
    async with looking(folder, url) as session:
        if not await check_schema(session, shipped_steps()):
            raise StoreError("store.missing")
        sizes = await session.one(
            "SELECT (SELECT COUNT(*) FROM jobs) AS jobs, (SELECT COUNT(*) FROM members) AS members"
        )
        unreached = await session.row("SELECT value FROM meta WHERE key = ?", OPERATOR_UNREACHED)
        stopped = await session.rows(
            "SELECT key FROM meta WHERE key LIKE ? AND value <> '' ORDER BY key", f"{ACCOUNT_STOPPED}%"
        )
        newest = await session.one("SELECT COALESCE(MAX(at), 0) AS at FROM audit")
        guilds = await session.rows("SELECT id, config FROM guilds WHERE config IS NOT NULL ORDER BY id")
        configs, unread = _configs(guilds)
        found = [*await unlawful(session), *await _damaged(session), *unread]
    return Findings(
        jobs=sizes["jobs"],
        members=sizes["members"],
        differences=tuple(found),
        unreached=unreached["value"] if unreached is not None else "",
        newest=newest["at"],
        stopped=tuple(row["key"].removeprefix(ACCOUNT_STOPPED) for row in stopped),
        configs=configs,
    )


def _configs(guilds: Sequence[Row]) -> tuple[Mapping[int, GuildConfig], list[Difference]]:
    """The settings that can be read, and the servers whose cannot."""
    configs, unread = {}, []
    for row in guilds:
        try:
            configs[row["id"]] = config_of(row)
        except StoreError:
            unread.append(Difference(what=f"guild {row['id']}", law="settings that cannot be read"))
    return configs, unread


async def differences(folder: Path, url: str | None = None) -> list[Difference]:
    """Only what does not add up; see `examine`."""
    return list((await examine(folder, url)).differences)


async def unlawful(session: Session) -> list[Difference]:
    """What does not add up in a database of this program's schema."""
    return [*await _miscounted(session), *await _broken_laws(session)]


async def _miscounted(session: Session) -> list[Difference]:
    found = []
    for sql in _COUNTERS.values():
        for row in await session.rows(sql):
            for column in row:
                if column.startswith("true_") and row[column] != row[column.removeprefix("true_")]:
                    law = column.removeprefix("true_")
                    found.append(Difference(what=row["what"], law=law, kept=row[law], counted=row[column]))
    return found


async def _broken_laws(session: Session) -> list[Difference]:
    return [
        Difference(what=f"job {row['id']}", law=law)
        for law, condition in _LAWS.items()
        for row in await session.rows(f"SELECT id FROM jobs WHERE {condition} ORDER BY id")
    ]


async def _damaged(session: Session) -> list[Difference]:
    """What the database itself says of its files."""
    return [Difference(what="file", law=damage) for damage in await session.damages()]
