"""The verbs of servers: their settings, what was granted to members, and what the house remembers of itself."""

from collections.abc import Mapping

from bot.adapters.store.audit import note_member
from bot.adapters.store.books import lock_guild, lock_member
from bot.adapters.store.database import Database
from bot.adapters.store.rows import config_of, to_json
from bot.domain.admission import day_of
from bot.domain.guild import GuildConfig

_COMMANDS = "command_digest"


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

    async def save(self, guild_id: int, config: GuildConfig) -> None:
        """Keep a server's settings; a server that has some is admitted."""
        async with self._db.tx() as session:
            await session.run(
                "INSERT INTO guilds (id, config, running) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
                "version = guilds.version + 1, config = excluded.config, running = excluded.running",
                guild_id,
                to_json(config),
                config.running,
            )

    async def grant(self, guild_id: int, user_id: int, now: float, *, pictures: int = 0, anlas: int = 0) -> None:
        """Extra pictures or Anlas for the running day."""
        day = day_of(now)
        async with self._db.tx() as session:
            await lock_guild(session, guild_id, day)
            await lock_member(session, guild_id, user_id, day)
            await session.run(
                "UPDATE members SET extra_pictures = extra_pictures + ?, extra_anlas = extra_anlas + ? "
                "WHERE guild_id = ? AND user_id = ?",
                pictures,
                anlas,
                guild_id,
                user_id,
            )
            await note_member(session, now, "member.granted", guild_id, user_id, pictures=pictures, anlas=anlas)

    async def is_empty(self) -> bool:
        """Whether the store never held a server or a job."""
        async with self._db.read() as session:
            row = await session.row(
                "SELECT id FROM guilds WHERE config IS NOT NULL UNION ALL SELECT id FROM jobs LIMIT 1"
            )
        return row is None

    async def command_digest(self) -> str | None:
        """The digest of the commands that were last synced with Discord."""
        async with self._db.read() as session:
            row = await session.row("SELECT value FROM meta WHERE key = ?", _COMMANDS)
        return row["value"] if row is not None else None

    async def save_command_digest(self, digest: str) -> None:
        """Remember what was synced."""
        async with self._db.tx() as session:
            await session.run(
                "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                _COMMANDS,
                digest,
            )
