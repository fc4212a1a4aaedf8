"""Servers: admission, settings and channels, cached so that the rules can be asked without awaiting."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from bot.domain.admission import Limits
from bot.domain.guild import DIRECT_CONFIG, GuildConfig, HouseConfig
from bot.domain.record import Record
from bot.domain.request import Context, Requester
from bot.ports import Clock, GuildStore

ASKED, WELCOMED = GREETINGS = ("asked", "welcome")
"""What is said once: to the operator about a server, and to a server."""


class Guilds:
    """The settings of every admitted server; one process owns the store, so the cache is the truth it read."""

    def __init__(self, store: GuildStore, house: HouseConfig, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._configs: dict[int, GuildConfig] = {}
        self._channels: dict[int, Mapping[int, bool]] = {}
        self.house = house
        self.turn = asyncio.Lock()
        """Held while settings, words or blocks are read, changed and kept: of two admins neither undoes the other."""
        self.are_known = asyncio.Event()
        """Set once Discord has said which channels there are; nothing is drawn before."""

    async def load(self) -> None:
        """Read all settings, and admit the servers that the operator named."""
        self._configs = dict(await self._store.configs())
        for guild_id in self.house.guilds - self._configs.keys():
            await self.admit(guild_id)

    def learn_owners(self, owners: frozenset[int]) -> None:
        """The application's owner or team run the bot, unless the operator named others."""
        if not self.house.operators:
            self.house = replace(self.house, operators=owners)

    def config(self, requester: Requester) -> GuildConfig | None:
        """The settings where *requester* stands; None in a server that was never admitted."""
        return self._configs.get(requester.scope) if requester.context is Context.GUILD else DIRECT_CONFIG

    def config_of(self, guild_id: int | None) -> GuildConfig | None:
        """The settings of one server."""
        return self._configs.get(guild_id) if guild_id is not None else None

    async def admit(self, guild_id: int, actor: int | None = None) -> bool:
        """Serve a server from now on; False where it is served already."""
        async with self.turn:
            if guild_id in self._configs:
                return False
            await self.save(guild_id, GuildConfig(), self.record("guild.admitted", guild_id, actor))
            return True

    async def save(self, guild_id: int, config: GuildConfig, record: Record | None = None) -> None:
        """Change a server's settings, on record."""
        await self._store.save(guild_id, config, record or self.record("guild.saved", guild_id, None))
        self._configs[guild_id] = config

    async def greeted(self, kind: str) -> frozenset[int]:
        """The servers to which (or about which) a greeting of that kind was sent."""
        return await self._store.greeted(kind)

    async def note_greeting(self, guild_id: int, kind: str) -> None:
        """Note that it was sent."""
        await self._store.note_greeting(guild_id, kind, self._clock())

    async def left(self, guild_id: int) -> None:
        """The bot is in that server no more; invited again it greets again."""
        self._channels[guild_id] = {}
        await self._store.forget_greetings(guild_id)

    def record(self, kind: str, guild_id: int, actor: int | None, **data: object) -> Record:
        """A line of the audit about a server, at this moment."""
        return Record(at=self._clock(), kind=kind, guild_id=guild_id, actor=actor, data=data)

    def see_channels(self, guild_id: int, channels: Mapping[int, bool]) -> None:
        """Which channels a server has now, with whether each is age-restricted."""
        self._channels[guild_id] = dict(channels)

    def channels_of(self, guild_id: int) -> Mapping[int, bool] | None:
        """The channels of a server, None where they are not known."""
        return self._channels.get(guild_id)

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
