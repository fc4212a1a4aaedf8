"""`/limits`: who may make how much, something extra, and a count from zero."""

import io
from collections.abc import Mapping

import discord
from discord import app_commands
from discord.ext import commands

from bot import wording
from bot.client import Naibot
from bot.domain.admission import Level
from bot.domain.allowance import BOUNDS, ENDLESS, Allowance, Target, Whose
from bot.domain.calendar import Span, Window
from bot.domain.change import Change, What
from bot.domain.errors import Mistake, Refused
from bot.domain.guild import REASON_LENGTH, GuildConfig
from bot.services.guilds import Guilds
from bot.services.moderation import Moderation
from bot.services.studio import Studio
from cogs.ui.admin import admin_of
from cogs.ui.answer import acknowledge
from cogs.ui.cards import card
from cogs.ui.changes import offer_undo
from cogs.ui.requester import Interaction

EVERYTHING = "all"
LIST_MAX = 2_400
Mentionable = discord.Role | discord.Member | discord.User

PicturesDay = app_commands.Range[int, *BOUNDS["pictures_day"]]
PicturesWeek = app_commands.Range[int, *BOUNDS["pictures_week"]]
AnlasDay = app_commands.Range[int, *BOUNDS["anlas_day"]]
AnlasWeek = app_commands.Range[int, *BOUNDS["anlas_week"]]
Waiting = app_commands.Range[int, *BOUNDS["waiting"]]
MorePictures = app_commands.Range[int, 1, BOUNDS["pictures_day"][1]]
MoreAnlas = app_commands.Range[int, 1, BOUNDS["anlas_day"][1]]
Reason = app_commands.Range[str, 0, REASON_LENGTH]
NO_LIMITS = [
    *(app_commands.Choice(name=wording.SETTING_LABELS[measure], value=measure) for measure in ENDLESS),
    app_commands.Choice(name=wording.LIMITS_ALL, value=EVERYTHING),
]


@app_commands.default_permissions(manage_guild=True)
@app_commands.allowed_contexts(guilds=True)
@app_commands.allowed_installs(guilds=True)
class Limits(commands.GroupCog, group_name="limits", group_description=wording.LIMITS):
    """Manage Server is asked for again inside; every change is on record and can be taken back."""

    def __init__(self, guilds: Guilds, moderation: Moderation, studio: Studio) -> None:
        self._guilds = guilds
        self._moderation = moderation
        self._studio = studio

    @app_commands.command(name="show", description=wording.LIMITS_SHOW)
    async def show(self, interaction: Interaction) -> None:
        """What everybody may, and who may something else; in a file where a card cannot hold it."""
        admin, guild, config = admin_of(interaction)
        await acknowledge(interaction, private=True)
        kept = self._guilds.allowances_of(guild.id)
        lines = [_line(wording.who(target), allowance) for target, allowance in sorted(kept.items(), key=_in_list)]
        standing = (await self._studio.quota(admin)).standing
        windows = {span: standing.of(Level.GUILD, span).window for span in Span}
        listed, files = "\n".join(lines) or wording.say("limits.server_none", interaction.client.mentions), []
        if len(listed) > LIST_MAX:
            text = "\n".join(_line(_name(guild, target), allowance) for target, allowance in kept.items())
            files = [discord.File(io.BytesIO(text.encode()), filename="limits.txt")]
            listed = wording.LIMITS_FILE
        everybody = wording.say("limits.default", measures=wording.measures(_defaults(config)))
        view = card([wording.LIMITS_HEADING, everybody, listed, _ends(config, windows)])
        if files:
            view.add_item(discord.ui.File("attachment://limits.txt"))
        await interaction.edit_original_response(view=view, attachments=files)

    @app_commands.command(name="set", description=wording.LIMITS_SET)
    @app_commands.describe(
        who=wording.LIMITS_WHO,
        pictures_day=wording.LIMITS_PICTURES_DAY,
        pictures_week=wording.LIMITS_PICTURES_WEEK,
        anlas_day=wording.LIMITS_ANLAS_DAY,
        anlas_week=wording.LIMITS_ANLAS_WEEK,
        waiting=wording.LIMITS_WAITING,
        no_limit=wording.LIMITS_NO_LIMIT,
    )
    @app_commands.choices(no_limit=NO_LIMITS)
    async def set(
        self,
        interaction: Interaction,
        who: Mentionable,
        pictures_day: PicturesDay | None = None,
        pictures_week: PicturesWeek | None = None,
        anlas_day: AnlasDay | None = None,
        anlas_week: AnlasWeek | None = None,
        waiting: Waiting | None = None,
        no_limit: str | None = None,
    ) -> None:
        """What is not given stays as it was; what was never given falls through to the roles and to everybody's."""
        _, guild, _ = admin_of(interaction)
        target = _target(guild, who)
        given = {
            "pictures_day": pictures_day,
            "pictures_week": pictures_week,
            "anlas_day": anlas_day,
            "anlas_week": anlas_week,
            "waiting": waiting,
        }
        stated: dict[str, int | None] = {measure: n for measure, n in given.items() if n is not None}
        endless = ENDLESS if no_limit == EVERYTHING else (no_limit,)
        stated |= {measure: None for measure in ENDLESS if measure in endless}
        if not stated:
            raise Mistake("limits.nothing")
        await acknowledge(interaction, private=True)
        before = self._guilds.allowances_of(guild.id).get(target, Allowance()).stated
        await self._change(interaction, Change(what=What.LIMITS, name=str(target), value={**before, **stated}))

    @app_commands.command(name="clear", description=wording.LIMITS_CLEAR)
    @app_commands.describe(who=wording.LIMITS_WHO)
    async def clear(self, interaction: Interaction, who: Mentionable) -> None:
        """Everybody's limits hold again, also for somebody who left."""
        _, guild, _ = admin_of(interaction)
        whose = Whose.ROLE if isinstance(who, discord.Role) else Whose.MEMBER
        target = Target(whose=whose, id=who.id)
        if target not in self._guilds.allowances_of(guild.id):
            raise Mistake("limits.not_set", who=wording.who(target))
        await acknowledge(interaction, private=True)
        await self._change(interaction, Change(what=What.LIMITS, name=str(target)))

    @app_commands.command(name="grant", description=wording.LIMITS_GRANT)
    @app_commands.describe(
        member=wording.LIMITS_MEMBER,
        pictures=wording.LIMITS_PICTURES,
        anlas=wording.LIMITS_ANLAS,
        reason=wording.LIMITS_REASON,
    )
    async def grant(
        self,
        interaction: Interaction,
        member: discord.Member | discord.User,
        pictures: MorePictures | None = None,
        anlas: MoreAnlas | None = None,
        reason: Reason | None = None,
    ) -> None:
        """On top of whatever limit counts, until the day and the week are over."""
        admin_of(interaction)
        if not pictures and not anlas:
            raise Mistake("limits.nothing")
        value = {"pictures": pictures or 0, "anlas": anlas or 0, "reason": reason}
        await acknowledge(interaction, private=True)
        await self._change(interaction, Change(what=What.GRANT, name=str(_member(member).id), value=value))

    @app_commands.command(name="reset", description=wording.LIMITS_RESET)
    @app_commands.describe(member=wording.LIMITS_MEMBER, reason=wording.LIMITS_REASON)
    async def reset(
        self, interaction: Interaction, member: discord.Member | discord.User, reason: Reason | None = None
    ) -> None:
        """Pictures and Anlas of this day and week; what they cost the server and the operator stays counted."""
        admin_of(interaction)
        await acknowledge(interaction, private=True)
        change = Change(what=What.RESET, name=str(_member(member).id), value={"reason": reason})
        await self._change(interaction, change)

    async def _change(self, interaction: Interaction, change: Change) -> None:
        admin, _, _ = admin_of(interaction)
        undo = await self._moderation.apply(admin, change)
        await offer_undo(interaction, change, undo, await self._moderation.keep(admin, undo))


def _target(guild: discord.Guild, who: Mentionable) -> Target:
    """Whom a limit is for. Raises `Mistake` for everybody, and for somebody who is not of this server."""
    if isinstance(who, discord.Role):
        if who.is_default():
            raise Mistake("limits.everyone")
        if guild.get_role(who.id) is None:
            raise Mistake("limits.unknown")
        return Target(whose=Whose.ROLE, id=who.id)
    return Target(whose=Whose.MEMBER, id=_member(who).id)


def _member(member: discord.Member | discord.User) -> discord.Member:
    if not isinstance(member, discord.Member):
        raise Refused("limits.stranger")
    return member


def _defaults(config: GuildConfig) -> dict[str, object]:
    return {measure: getattr(config, measure) for measure in BOUNDS}


def _line(who: str, allowance: Allowance) -> str:
    return wording.say("limits.line", who=who, measures=wording.measures(allowance.stated))


def _in_list(entry: tuple[Target, Allowance]) -> tuple[bool, int]:
    return entry[0].whose is Whose.MEMBER, entry[0].id


def _name(guild: discord.Guild, target: Target) -> str:
    role = guild.get_role(target.id) if target.whose is Whose.ROLE else None
    return f"@{role.name}" if role is not None else str(target.id)


def _ends(config: GuildConfig, windows: Mapping[Span, Window]) -> str:
    moments = {span.value: wording.Moment(window.end) for span, window in windows.items()}
    return wording.say("limits.server", moments, zone=config.time_zone)


async def setup(client: Naibot) -> None:
    """Add the cog."""
    services = client.services
    await client.add_cog(Limits(services.guilds, services.moderation, services.studio))
