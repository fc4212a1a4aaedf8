"""Servers: admission, settings and channels, cached so that the rules can be asked without awaiting."""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import replace

from bot.domain.admission import Limits
from bot.domain.allowance import BOUNDS, Allowance, Allowed, Caps, Target, Whose, allowed
from bot.domain.calendar import Span
from bot.domain.guild import DIRECT_CONFIG, GuildConfig, HouseConfig
from bot.domain.record import Record
from bot.domain.request import Context, Requester
from bot.ports import Clock, GuildStore

ASKED, WELCOMED = GREETINGS = ("asked", "welcome")
"""What is said once: to the operator about a server, and to a server."""


SUGGESTIONS_WAITING = 20
"""Approved suggestions of one member that may wait, whatever they themselves may have waiting."""


class Guilds:
    """The settings of every admitted server, as they were read; `Neighbours` says what others changed."""

    def __init__(self, store: GuildStore, house: HouseConfig, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._configs: dict[int, GuildConfig] = {}
        self._allowances: dict[int, dict[Target, Allowance]] = {}
        self._channels: dict[int, Mapping[int, bool]] = {}
        self.house = house
        self.turn = asyncio.Lock()
        """Held while settings, words or blocks are read, changed and kept: of two admins neither undoes the other."""
        self.are_known = asyncio.Event()
        """Set once Discord has said which channels there are; nothing is drawn before."""

    async def load(self) -> None:
        """Read all settings and limits, and admit the servers that the operator named."""
        self._configs = dict(await self._store.configs())
        for guild_id, target, allowance in await self._store.allowances():
            self._allowances.setdefault(guild_id, {})[target] = allowance
        for guild_id in self.house.guilds - self._configs.keys():
            await self.admit(guild_id)

    async def reload(self, guild_id: int) -> None:
        """Read one server's settings again."""
        async with self.turn:
            await self.refresh(guild_id)

    async def refresh(self, guild_id: int) -> None:
        """The same for who has the turn."""
        config = await self._store.config(guild_id)
        if config is None:
            self._configs.pop(guild_id, None)
        else:
            self._configs[guild_id] = config

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
            await self.refresh(guild_id)
            if guild_id in self._configs:
                return False
            await self.save(guild_id, GuildConfig(), self.record("guild.admitted", guild_id, actor))
            return True

    async def save(self, guild_id: int, config: GuildConfig, record: Record | None = None) -> None:
        """Change a server's settings, on record."""
        record = record or self.record("guild.saved", guild_id, None)
        await self._store.save(guild_id, config, record.at, record)
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

    def record(self, kind: str, guild_id: int | None, actor: int | None, **data: object) -> Record:
        """A line of the audit about a server, at this moment."""
        return Record(at=self._clock(), kind=kind, guild_id=guild_id, actor=actor, data=data)

    def see_channels(self, guild_id: int, channels: Mapping[int, bool]) -> None:
        """Which channels a server has now, with whether each is age-restricted."""
        self._channels[guild_id] = dict(channels)

    def channels_of(self, guild_id: int) -> Mapping[int, bool] | None:
        """The channels of a server, None where they are not known."""
        return self._channels.get(guild_id)

    # --- limits ------------------------------------------------------------------------------------------------------

    async def grant(
        self, requester: Requester, *, pictures: int = 0, anlas: int = 0, record: Record | None = None
    ) -> None:
        """Give *requester* extra pictures or Anlas for this day and week; less than nothing takes it back."""
        guild_id, user_id = requester.scope, requester.user_id
        record = record or self.record(
            "member.granted", guild_id or None, None, member=user_id, pictures=pictures, anlas=anlas
        )
        await self._store.grant(guild_id, user_id, record.at, pictures=pictures, anlas=anlas, record=record)

    async def count_from(
        self, guild_id: int, user_id: int, starts: Mapping[Span, float] | None, record: Record
    ) -> Mapping[Span, float]:
        """Count a member's usage from *starts* on, None for now; from when it was counted before."""
        now = self._clock()
        # The moment after this one: what was admitted at this very moment counts no more.
        starts = starts or dict.fromkeys(Span, math.nextafter(now, math.inf))
        return await self._store.count_from(guild_id, user_id, starts, now, record)

    def allowances_of(self, guild_id: int) -> Mapping[Target, Allowance]:
        """What roles and members of a server were given."""
        return self._allowances.get(guild_id, {})

    async def allow(self, guild_id: int, target: Target, allowance: Allowance | None, record: Record) -> None:
        """Give a role or a member limits of their own; None takes them away."""
        await self._store.allow(guild_id, target, allowance, record)
        kept = self._allowances.setdefault(guild_id, {})
        kept.pop(target, None)
        if allowance is not None:
            kept[target] = allowance

    def allowed(self, requester: Requester) -> Mapping[str, Allowed]:
        """Every measure's limit where *requester* stands, and who was given it."""
        config = self.config(requester) or GuildConfig(pictures_day=0)
        whose = Whose.GUILD if requester.scope else Whose.HOUSE
        kept = self.allowances_of(requester.scope) if requester.scope else {}
        own = kept.get(Target(whose=Whose.MEMBER, id=requester.user_id))
        roles = [
            (id_, kept[target]) for id_ in requester.role_ids if (target := Target(whose=Whose.ROLE, id=id_)) in kept
        ]
        defaults = {measure: Allowed(limit=getattr(config, measure), whose=whose) for measure in BOUNDS}
        if not requester.scope:
            direct = {"pictures_day": self.house.direct_day, "pictures_week": self.house.direct_week}
            defaults |= {measure: Allowed(limit=limit, whose=whose) for measure, limit in direct.items()}
        return {measure: allowed(measure, default, own, roles) for measure, default in defaults.items()}

    def limits_of_server(self, requester: Requester) -> Limits:
        """What holds for a suggestion that got its yes: the server's budget and the operator's caps."""
        config = self.config(requester) or GuildConfig(pictures_day=0)
        return replace(
            self.limits(requester),
            pictures_day=None,
            pictures_week=None,
            anlas_day=None,
            anlas_week=None,
            quick_day=None,
            waiting=max(config.waiting, SUGGESTIONS_WAITING),
            cooldown=0.0,
        )

    def limits(self, requester: Requester) -> Limits:
        """What *requester* may do here and now, the operator's caps included."""
        config = self.config(requester) or GuildConfig(pictures_day=0)
        found = self.allowed(requester)
        return Limits(
            pictures_day=found["pictures_day"].limit,
            pictures_week=found["pictures_week"].limit,
            anlas_day=found["anlas_day"].limit,
            anlas_week=found["anlas_week"].limit,
            waiting=found["waiting"].limit or config.waiting,
            quick_day=config.quick_day,
            cooldown=config.cooldown,
            budget_day=config.budget_day,
            house=self.house.caps,
            guild=self.house.guild if requester.scope else Caps(),
            person=self.house.member,
        )
