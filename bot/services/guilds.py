"""Servers and their settings, cached so that the rules can be asked without awaiting."""

from bot.domain.admission import Limits
from bot.domain.guild import DIRECT_CONFIG, GuildConfig, HouseConfig
from bot.domain.request import Requester
from bot.ports import AuditStore, Clock, GuildStore


class Guilds:
    """The settings of every admitted server; one process owns the store, so the cache is the truth it read."""

    def __init__(self, store: GuildStore, audit: AuditStore, house: HouseConfig, clock: Clock) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._configs: dict[int, GuildConfig] = {}
        self.house = house

    async def load(self) -> None:
        """Read all settings, and admit the servers that the operator named."""
        self._configs = dict(await self._store.configs())
        for guild_id in self.house.guilds - self._configs.keys():
            await self.save(guild_id, GuildConfig())

    def config(self, requester: Requester) -> GuildConfig | None:
        """The settings where *requester* stands; None in a server that was never admitted."""
        return self._configs.get(requester.scope) if requester.scope else DIRECT_CONFIG

    def config_of(self, guild_id: int) -> GuildConfig | None:
        """The settings of one server."""
        return self._configs.get(guild_id)

    async def save(self, guild_id: int, config: GuildConfig, actor: int | None = None) -> None:
        """Change a server's settings, on record."""
        await self._store.save(guild_id, config)
        await self._audit.write(self._clock(), "guild.saved", guild_id=guild_id, actor=actor)
        self._configs[guild_id] = config

    async def grant(self, requester: Requester, *, pictures: int = 0, anlas: int = 0) -> None:
        """Give *requester* extra pictures or Anlas for today."""
        await self._store.grant(requester.scope, requester.user_id, self._clock(), pictures=pictures, anlas=anlas)

    def limits(self, requester: Requester) -> Limits:
        """What *requester* may do here by day, the house's own limits included."""
        config = self.config(requester) or GuildConfig(pictures_day=0)
        pictures_day = config.pictures_day
        if not requester.scope and self.house.member_pictures_day is not None:
            pictures_day = self.house.member_pictures_day
        return Limits(
            pictures_day=pictures_day,
            anlas_day=config.anlas_day,
            waiting=config.waiting,
            cooldown=config.cooldown,
            house_pictures_day=self.house.pictures_day,
            house_anlas_day=self.house.anlas_day,
        )
