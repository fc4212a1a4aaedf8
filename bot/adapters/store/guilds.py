"""The verbs of servers: settings, words, blocks, changes that wait, limits, and what the house remembers of itself."""

from collections.abc import Mapping, Sequence

from bot.adapters.store.audit import note_record
from bot.adapters.store.books import change_zone, count_from, grant, lock_guild, lock_house, lock_member
from bot.adapters.store.driver import Database, Session, Value, writing
from bot.adapters.store.rows import allowance_of, block_of, config_of, pending_of, rule_of, to_json
from bot.domain.allowance import Allowance, Target
from bot.domain.calendar import Span
from bot.domain.case import BOT
from bot.domain.change import Change, Pending
from bot.domain.guild import Block, GuildConfig
from bot.domain.record import Record
from bot.domain.wordlist import Rule

_BLOCKS = "SELECT guild_id, user_id, until, reason, actor, case_id FROM blocks"


class Guilds:
    """The verbs of `GuildStore`."""

    _db: Database

    async def config(self, guild_id: int) -> GuildConfig | None:
        """The settings of an admitted server, None where it was never admitted."""
        async with self._db.read() as session:
            row = await session.row("SELECT config FROM guilds WHERE id = ? AND config IS NOT NULL", guild_id)
        return config_of(row) if row is not None else None

    async def configs(self) -> Mapping[int, GuildConfig]:
        """The settings of every admitted server."""
        async with self._db.read() as session:
            rows = await session.rows("SELECT id, config FROM guilds WHERE config IS NOT NULL ORDER BY id")
        return {row["id"]: config_of(row) for row in rows}

    async def save(self, guild_id: int, config: GuildConfig, now: float, record: Record | None = None) -> None:
        """See `GuildStore.save`."""
        async with self._db.tx() as session:
            await lock_house(session)
            guild = await lock_guild(session, guild_id)
            if guild["time_zone"] != config.time_zone:
                await change_zone(session, guild, config.time_zone, now)
            await session.run(
                "UPDATE guilds SET config = ?, running = ?, time_zone = ? WHERE id = ?",
                to_json(config),
                config.running,
                config.time_zone,
                guild_id,
            )
            if record is not None:
                await note_record(session, record)

    # --- limits

    async def allowances(self) -> Sequence[tuple[int, Target, Allowance]]:
        """What roles and members were given, with the server."""
        async with self._db.read() as session:
            rows = await session.rows("SELECT * FROM allowances ORDER BY guild_id, whose, id")
        return [allowance_of(row) for row in rows]

    async def allow(self, guild_id: int, target: Target, allowance: Allowance | None, record: Record) -> None:
        """Give a role or a member limits of their own, in place of older ones; None takes them away."""
        async with self._db.tx() as session:
            await session.run(
                "DELETE FROM allowances WHERE guild_id = ? AND whose = ? AND id = ?", guild_id, target.whose, target.id
            )
            if allowance is not None:
                await session.run(
                    "INSERT INTO allowances (guild_id, whose, id, stated) VALUES (?, ?, ?, ?)",
                    guild_id,
                    target.whose,
                    target.id,
                    to_json(allowance.stated),
                )
            await note_record(session, record)

    async def grant(
        self,
        guild_id: int,
        user_id: int,
        now: float,
        *,
        pictures: int = 0,
        anlas: int = 0,
        record: Record,
    ) -> None:
        """See `GuildStore.grant`."""
        async with self._db.tx() as session:
            await lock_house(session)
            guild = await lock_guild(session, guild_id)
            await lock_member(session, guild_id, user_id)
            await grant(session, guild, user_id, now, pictures, anlas)
            await note_record(session, record)

    async def count_from(
        self, guild_id: int, user_id: int, starts: Mapping[Span, float], now: float, record: Record
    ) -> Mapping[Span, float]:
        """See `GuildStore.count_from`."""
        async with self._db.tx() as session:
            await lock_house(session)
            guild = await lock_guild(session, guild_id)
            await lock_member(session, guild_id, user_id)
            before = await count_from(session, guild, user_id, starts, now)
            await note_record(session, record)
        return before

    async def is_empty(self) -> bool:
        """Whether the store never held a server or a job."""
        async with self._db.read() as session:
            row = await session.row(
                "SELECT id FROM guilds WHERE config IS NOT NULL UNION ALL SELECT id FROM jobs LIMIT 1"
            )
        return row is None

    # --- words

    async def words(self) -> Sequence[tuple[int, Rule]]:
        """Every rule on words of every server, in the order of its spelling."""
        async with self._db.read() as session:
            rows = await session.rows("SELECT guild_id, text, kind, action FROM words ORDER BY guild_id, text")
        return [(row["guild_id"], rule) for row in rows if (rule := rule_of(row)) is not None]

    async def words_of(self, guild_id: int) -> Sequence[Rule]:
        """The rules on words of one server, in the order of their spelling."""
        sql = "SELECT guild_id, text, kind, action FROM words WHERE guild_id = ? ORDER BY text"
        async with self._db.read() as session:
            rows = await session.rows(sql, guild_id)
        return [rule for row in rows if (rule := rule_of(row)) is not None]

    async def add_word(self, guild_id: int, rule: Rule, record: Record) -> bool:
        """Put a rule on a server's list; False where its text stands there already."""
        sql = "INSERT INTO words (guild_id, text, kind, action) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
        return await self._recorded(record, sql, guild_id, rule.text, rule.kind.value, rule.then.value)

    async def remove_word(self, guild_id: int, text: str, record: Record) -> bool:
        """Take a word off a server's list; False where it is not there."""
        return await self._recorded(record, "DELETE FROM words WHERE guild_id = ? AND text = ?", guild_id, text)

    # --- blocks

    async def blocks(self) -> Sequence[Block]:
        """Every block, those that have run out included."""
        async with self._db.read() as session:
            rows = await session.rows(_BLOCKS)
        return [block_of(row) for row in rows]

    async def blocks_of(self, guild_id: int) -> Sequence[Block]:
        """The blocks of one server, those that have run out included."""
        async with self._db.read() as session:
            rows = await session.rows(f"{_BLOCKS} WHERE guild_id = ?", guild_id)
        return [block_of(row) for row in rows]

    async def block(self, block: Block, record: Record) -> None:
        """Keep a member from using the bot in one server, in place of an older block of theirs."""
        async with self._db.tx() as session:
            await put_block(session, block, block.case_id)
            await note_record(session, record)

    async def unblock(self, guild_id: int, user_id: int, record: Record) -> bool:
        """Let a member use the bot again; False where they were not blocked."""
        return await self._recorded(record, "DELETE FROM blocks WHERE guild_id = ? AND user_id = ?", guild_id, user_id)

    async def _recorded(self, record: Record, sql: str, *values: Value) -> bool:
        """One statement and its line of the audit, which is written only if the statement changed something."""
        async with self._db.tx() as session:
            is_changed = await session.run(sql, *values) > 0
            if is_changed:
                await note_record(session, record)
        return is_changed

    # --- changes that wait

    async def keep_change(self, guild_id: int, user_id: int, change: Change, expires_at: float) -> Pending:
        """Keep a change until its press comes, or its time is up."""
        async with self._db.tx() as session:
            row = await session.one(
                "INSERT INTO pending (guild_id, user_id, change, expires_at) VALUES (?, ?, ?, ?) RETURNING *",
                guild_id,
                user_id,
                to_json(change),
                expires_at,
            )
        return pending_of(row)

    async def kept_change(self, pending_id: int) -> Pending | None:
        """A change that waits, None once it was made, let go, or cleared away."""
        # Ids come from buttons that anyone may forge.
        if not 0 < pending_id < 2**63:
            return None
        async with self._db.read() as session:
            row = await session.row("SELECT * FROM pending WHERE id = ?", pending_id)
        return pending_of(row) if row is not None else None

    async def drop_change(self, pending_id: int) -> bool:
        """Let a change go."""
        async with self._db.tx() as session:
            return await session.run("DELETE FROM pending WHERE id = ?", pending_id) > 0

    # --- greetings

    async def greeted(self, kind: str) -> frozenset[int]:
        """The servers to which (or about which) a greeting of that kind was sent."""
        async with self._db.read() as session:
            rows = await session.rows("SELECT guild_id FROM greetings WHERE kind = ?", kind)
        return frozenset(row["guild_id"] for row in rows)

    async def note_greeting(self, guild_id: int, kind: str, now: float) -> None:
        """Note that it was sent."""
        sql = "INSERT INTO greetings (guild_id, kind, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
        async with self._db.tx() as session:
            await session.run(sql, guild_id, kind, now)

    async def forget_greetings(self, guild_id: int) -> None:
        """The bot left that server; when it is invited again, it greets again."""
        async with self._db.tx() as session:
            await session.run("DELETE FROM greetings WHERE guild_id = ?", guild_id)

    # --- the house's own memory

    async def recall(self, key: str) -> str | None:
        """What the house remembers under *key*."""
        async with self._db.read() as session:
            row = await session.row("SELECT value FROM meta WHERE key = ?", key)
        return row["value"] if row is not None else None

    @writing
    async def remember(self, session: Session, key: str, value: str) -> None:
        """Remember *value* in place of what stood under *key*."""
        await _remember(session, key, value)

    async def lead(self, task: str, holder: str, now: float, until: float) -> bool:
        """See `GuildStore.lead`."""
        key = f"lead.{task}"
        async with self._db.tx() as session:
            row = await session.row("SELECT value FROM meta WHERE key = ?", key)
            leased_until, _, leader = row["value"].partition(" ") if row is not None else ("0", "", "")
            if leader != holder and float(leased_until) > now:
                return False
            await _remember(session, key, f"{until!r} {holder}")
        return True


async def put_block(session: Session, block: Block, case_id: int | None) -> None:
    """
    Write a block, in place of an older one of that member.

    What the bot decides by itself takes the place of nothing that lasts as long: it may not shorten a person's word.
    """
    await session.run(
        "INSERT INTO blocks (guild_id, user_id, until, reason, actor, case_id) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (guild_id, user_id) DO UPDATE SET until = excluded.until, reason = excluded.reason, "
        "actor = excluded.actor, case_id = excluded.case_id "
        "WHERE excluded.actor <> ? OR (blocks.until IS NOT NULL "
        "AND (excluded.until IS NULL OR excluded.until > blocks.until))",
        block.guild_id,
        block.user_id,
        block.until,
        block.reason,
        block.actor,
        case_id,
        BOT,
    )


async def _remember(session: Session, key: str, value: str) -> None:
    await session.run(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value
    )
