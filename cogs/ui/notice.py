"""What a member is told by direct message of a case about them, or of one that they reported."""

from typing import Any

from discord import ui

from bot import wording
from bot.client import Naibot
from bot.domain.case import BOT, HOUSE, Case, CaseKind, Notice
from cogs.ui.case import note_row
from cogs.ui.controls import row

WORDLESS = ("told.report.kept", "told.report.acted")
"""Told to others than the case's own member, who have nothing to press."""


def told_text(client: Naibot, notice: Notice, case: Case) -> str:
    """The sentence, with the server it is about in front of it."""
    data: dict[str, object] = {
        "actor": case.actor,
        "case": case.id,
        "parent": case.parent_id or 0,
        "job": case.job_id or 0,
        "reason": case.words,
        "until": case.data.get("until"),
        "words": case.words,
    }
    said = wording.explain(_key(notice, case), data, client.mentions)
    return wording.say("told.where", where=place_name(client, case.guild_id), said=said)


def told_view(notice: Notice, case: Case) -> ui.View | None:
    """What can be done about it."""
    controls = () if notice.code in WORDLESS else note_row(case)
    return row(*controls) if controls else None


def _key(notice: Notice, case: Case) -> str:
    code = notice.code
    if code == "told.warned" and case.kind is CaseKind.REPORT:
        return "told.warned.deleted"
    if code == "told.blocked" and case.data.get("until") is not None:
        code = "told.paused"
    by_itself = f"{code}.heat"
    return by_itself if case.actor == BOT and wording.has(by_itself) else code


def place_name(client: Naibot, guild_id: int) -> str:
    """A server as its members call it; one that another process serves has no name here."""
    if guild_id == HOUSE:
        return wording.WHERE_EVERYWHERE
    if not guild_id:
        return wording.WHERE_DIRECT
    guild: Any = client.get_guild(guild_id)
    return wording.plain(wording.cut(guild.name, 100)) if guild is not None else wording.WHERE_SOMEWHERE
