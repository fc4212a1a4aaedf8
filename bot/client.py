"""The discord.py client: intents, command tree, the table of controls; loads the cogs by name."""

import asyncio
import hashlib
import importlib
import json
import logging
import pkgutil
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
import discord
import yarl
from discord import app_commands
from discord.ext import commands

from bot.domain.errors import NaibotError
from bot.ports import COMMANDS_TOLD, OPERATOR_GUILD_TOLD, GuildStore
from bot.reach import punctual, reach_carefully
from bot.services import Services
from bot.settings import Settings

log = logging.getLogger(__name__)

COGS = "cogs"
LOGIN_TIME = 60.0
DISCORD_WAIT_MIN, DISCORD_WAIT_MAX = 5.0, 300.0
"""Seconds."""
DISCORD_TIME = aiohttp.ClientTimeout(total=120, connect=10)
GUILD_READY = 0.1
"""Seconds to wait for servers after READY in the practice room, where they arrive at once."""

TreeError = Callable[[discord.Interaction[Any], app_commands.AppCommandError], Awaitable[None]]
Handler = Callable[..., Awaitable[None]]
Cure = Callable[[NaibotError], discord.ui.View | None]
"""What helps against a refusal, as buttons beside its sentence."""
_BAD_TOKEN = 4004


def intents_for(settings: Settings) -> discord.Intents:
    """What Discord tells the bot of: servers alone, and messages with their reactions where the operator says so."""
    reads = settings.house.message_content
    return discord.Intents(guilds=True, guild_messages=reads, guild_reactions=reads, message_content=reads)


class Tree(app_commands.CommandTree["Naibot"]):
    """The command tree; what it does with errors is set by the cog `errors`."""

    answer_error: TreeError | None = None

    async def interaction_check(self, interaction: "discord.Interaction[Naibot]", /) -> bool:
        """Count a command's handler, so that the backstage and a drain know of it; autocomplete ends by itself."""
        if interaction.type is discord.InteractionType.application_command:
            interaction.client.services.activity.begin(interaction.id)
        return True

    async def on_error(
        self, interaction: "discord.Interaction[Naibot]", error: app_commands.AppCommandError, /
    ) -> None:
        """Hand the error to the cog `errors`, and count the handler as through."""
        try:
            if self.answer_error is not None:
                await self.answer_error(interaction, error)
        finally:
            interaction.client.services.activity.end(interaction.id)


@dataclass(frozen=True, slots=True)
class Verb:
    """What a button or select (*press*) and a form (*submit*) of one noun and verb do."""

    press: Handler | None = None
    submit: Handler | None = None


class LoginRefused(Exception):
    """Discord does not take the token."""


class IntentsRefused(Exception):
    """The application may not have the intents that it asks for."""


class Naibot(commands.Bot):
    """The client. Cogs find services, settings and the table of controls on it."""

    tree: Tree

    def __init__(self, settings: Settings, services: Services, guilds: GuildStore, **sharding: Any) -> None:
        super().__init__(
            command_prefix=commands.when_mentioned,
            tree_cls=Tree,
            help_command=None,
            intents=intents_for(settings),
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            http_trace=punctual(),
            guild_ready_timeout=GUILD_READY if settings.is_practice else 2.0,
            **sharding,
        )
        self.settings = settings
        self.services = services
        self.controls: dict[tuple[str, str], Verb] = {}
        self.mentions: dict[str, str] = {}
        self._cures: dict[str, Cure] = {}
        self._guilds = guilds
        self._web: aiohttp.ClientSession | None = None
        self._buckets: int | None = None

    @property
    def web(self) -> aiohttp.ClientSession:
        """For attachments; with deadlines of its own, which discord.py's session has not."""
        if self._web is None:
            self._web = aiohttp.ClientSession(timeout=DISCORD_TIME, trust_env=False)
        return self._web

    def control(self, noun: str, verb: str, *, press: Handler | None = None, submit: Handler | None = None) -> None:
        """Register what a control does; a cog calls this in its `setup`."""
        self.controls[noun, verb] = Verb(press, submit)

    def cure(self, code: str, cure: Cure) -> None:
        """Register what helps against an error of that code; a cog calls this in its `setup`."""
        self._cures[code] = cure

    def cure_of(self, error: NaibotError) -> discord.ui.View | None:
        """The buttons that help against *error*, None where nothing does."""
        cure = self._cures.get(error.code)
        return cure(error) if cure is not None else None

    async def setup_hook(self) -> None:
        """Load every module of `cogs`, and sync the commands if their definition changed."""
        if self.application is not None:
            self.services.guilds.learn_owners(_owners(self.application))
        package = importlib.import_module(COGS)
        for module in pkgutil.iter_modules(package.__path__):
            if not module.ispkg and f"{COGS}.{module.name}" not in self.extensions:
                await self.load_extension(f"{COGS}.{module.name}")
        await self._sync()

    async def on_message(self, message: discord.Message, /) -> None:
        """Nobody types commands into messages; without this the library would look for them."""

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """
        Wait for this shard's turn among all processes.

        discord.py spaces its own shards by 5 s whatever Discord would allow, and knows of no other process (2.7.1).
        """
        if not self.services.lead.counts:
            await super().before_identify_hook(shard_id, initial=initial)
            return
        if self._buckets is None:
            self._buckets = await self._count_buckets()
        await self.services.lead.identify((shard_id or 0) % self._buckets)

    async def _count_buckets(self) -> int:
        """Discord's ``max_concurrency``; 1, the most careful, where it cannot be asked."""
        try:
            _, _, limit = await self.http.get_bot_gateway()
        except (discord.HTTPException, discord.GatewayNotFound, aiohttp.ClientError, TimeoutError, OSError):
            return 1
        return max(1, int(limit["max_concurrency"]))

    async def _sync(self) -> None:
        known = await self._tell_commands(COMMANDS_TOLD, None)
        self.mentions = dict(_mentions([*known, *await self._sync_operators()]))

    async def _tell_commands(self, key: str, guild: discord.Object | None) -> list[app_commands.AppCommand]:
        """Tell Discord the commands of everywhere, or of one server, where they changed since; what it has then."""
        definition = [command.to_dict(self.tree) for command in self.tree.get_commands(guild=guild)]
        text = json.dumps([self.application_id, definition], sort_keys=True, default=str)
        digest = hashlib.sha256(text.encode()).hexdigest()
        known = await self.tree.fetch_commands(guild=guild) if digest == await self._guilds.recall(key) else []
        # A stand-in that was started anew has none of the commands; Discord itself keeps them.
        if len(known) != len(definition):
            known = await self.tree.sync(guild=guild)
            await self._guilds.remember(key, digest)
            log.info("synced %d commands", len(definition))
        return known

    async def _sync_operators(self) -> list[app_commands.AppCommand]:
        """
        The commands of the operator's own server; those of an earlier one are taken back.

        A server that the bot is not in (yet) keeps nobody from using the others.
        """
        now, before = self.settings.house.operator_guild, await self._guilds.recall(OPERATOR_GUILD_TOLD)
        if before and before != str(now):
            with suppress(discord.HTTPException):
                await self.tree.sync(guild=discord.Object(int(before)))
                await self._guilds.remember(f"{COMMANDS_TOLD}.{before}", "")
        if before != str(now or ""):
            await self._guilds.remember(OPERATOR_GUILD_TOLD, str(now or ""))
        if now is None:
            return []
        try:
            return await self._tell_commands(f"{COMMANDS_TOLD}.{now}", discord.Object(now))
        except discord.HTTPException as error:
            log.warning("the commands of the operator's server could not be told: %s", error.code)
            return []

    async def serve(self) -> None:
        """
        Stay connected until closed; a Discord that is away is waited for.

        Raises `LoginRefused` and `IntentsRefused`.
        """
        reach_carefully(lambda: self.application_id)
        try:
            await self._patiently(self._log_in)
            await self._patiently(self._connect)
        except discord.LoginFailure as error:
            raise LoginRefused from error
        except discord.PrivilegedIntentsRequired as error:
            raise IntentsRefused from error
        except discord.ConnectionClosed as error:
            # What is left of these after discord.py's own reconnecting cannot be helped by another try.
            if error.code == _BAD_TOKEN:
                raise LoginRefused from error
            raise

    async def _patiently(self, act: Callable[[], Awaitable[None]]) -> None:
        wait = DISCORD_WAIT_MIN
        while True:
            try:
                return await act()
            except (discord.HTTPException, aiohttp.ClientError, TimeoutError, OSError) as error:
                if isinstance(error, discord.LoginFailure) or _is_ours(error):
                    raise
                log.warning("Discord cannot be reached (%s), trying again in %.0f s", type(error).__name__, wait)
            await asyncio.sleep(wait * random.uniform(0.8, 1.2))  # noqa: S311 - a pause, not a secret
            wait = min(wait * 2, DISCORD_WAIT_MAX)

    async def _log_in(self) -> None:
        try:
            async with asyncio.timeout(LOGIN_TIME):
                await self.login(self.settings.discord_token)
        except BaseException:
            # discord.py leaves the session open, and would use its closed connector again.
            await self.http.close()
            self.http.connector = discord.utils.MISSING
            raise

    async def _connect(self) -> None:
        try:
            await self.connect()
        except AttributeError as error:
            # discord.py comes back by itself only to a gateway that it has met before (2.7.1, `Client.connect`).
            if self.ws is not None:
                raise
            raise ConnectionError("the gateway") from error

    async def close(self) -> None:
        """Close the sockets."""
        if self._web is not None:
            await self._web.close()
        await super().close()


def _is_ours(error: Exception) -> bool:
    """Whether Discord refused what was sent (and not when, or how often): that is a bug, and no outage."""
    return isinstance(error, discord.HTTPException) and error.status in (400, 403, 404, 405)


class ShardedNaibot(Naibot, commands.AutoShardedBot):
    """The client of several shards."""


def client_for(settings: Settings, services: Services, guilds: GuildStore) -> Naibot:
    """The client that serves this process's shards."""
    shards = settings.house.shards
    if shards.count == 1:
        return Naibot(settings, services, guilds)
    return ShardedNaibot(settings, services, guilds, shard_count=shards.count, shard_ids=list(shards.mine))


def _mentions(commands: list[app_commands.AppCommand]) -> Iterator[tuple[str, str]]:
    """``/mod block`` → ``</mod block:123>``, for every command that people can type."""
    for command in commands:
        if command.type is not discord.AppCommandType.chat_input:
            continue
        yield f"/{command.name}", command.mention
        for option in command.options:
            if isinstance(option, app_commands.AppCommandGroup):
                yield f"/{option.qualified_name}", option.mention


def _owners(application: discord.AppInfo) -> frozenset[int]:
    """Who runs an application: its owner, or the members of its team that may change it."""
    if application.team is None:
        return frozenset({application.owner.id})
    can_change = (discord.TeamMemberRole.admin, discord.TeamMemberRole.developer)
    accepted = [each for each in application.team.members if each.membership_state.name == "accepted"]
    members = {each.id for each in accepted if each.role in can_change}
    return frozenset(members | ({application.team.owner_id} if application.team.owner_id else set()))


def point_at(settings: Settings) -> None:
    """Send discord.py's REST and gateway where the settings say; these are class attributes of the library."""
    discord.http.Route.BASE = settings.discord_api
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(settings.discord_gateway)
