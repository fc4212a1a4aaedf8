"""A member's record in one server, as a card for a moderator; never what they asked for."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import discord
from discord import ui

from bot import wording
from bot.domain.case import HOUSE, Case, Decision
from bot.domain.conduct import HALF_LIFE, Step, height_of
from bot.domain.errors import Mistake, Refused
from bot.domain.guild import Block
from bot.reach import within
from bot.services.sanctions import MemberRecord, Sanctions
from cogs.ui.admin import moderator_of
from cogs.ui.answer import acknowledge, show_card
from cogs.ui.controls import Control, button
from cogs.ui.requester import Interaction

PAUSE_CHOICES: Mapping[str, str] = MappingProxyType(
    {value: label for value, label in wording.DURATIONS.items() if value != "0"}
)
SANCTIONS_SHOWN, OPEN_SHOWN = 8, 5
WORDS = 80
LOOK_TIME = 10.0
"""Seconds for which Discord is asked about a member."""
_SANCTIONS = (Decision.WARNED, Decision.PAUSED, Decision.BLOCKED)

Person = discord.Member | discord.User


def check_target(member: Person | None) -> None:
    """Raise `Refused` ``block.admin`` for somebody who manages the server: moderators do nothing to them."""
    if isinstance(member, discord.Member) and _manages(member):
        raise Refused("block.admin")


def _manages(member: discord.Member) -> bool:
    resolved = member.resolved_permissions
    permissions = member.guild_permissions if resolved is None else resolved
    return permissions.manage_guild or permissions.administrator


async def member_of(interaction: Interaction, user_id: int) -> discord.Member | None:
    """Somebody as they stand in this server now; None where they left it."""
    if interaction.guild is None:
        raise Refused("moderator.only")
    async with within(LOOK_TIME):
        try:
            return await interaction.guild.fetch_member(user_id)
        except discord.NotFound:
            return None


def pause_seconds(value: str) -> float:
    """How long a chosen pause is. Raises `Mistake` ``option.gone`` for what nobody was offered."""
    if value not in PAUSE_CHOICES:
        raise Mistake("option.gone")
    return float(value)


def blocked_text(block: Block, taken: int, mentions: Mapping[str, str]) -> str:
    """What became of a pause or a block."""
    data: dict[str, object] = {"member": block.user_id, "reason": block.reason, "until": block.until}
    lasting = "blocked.everywhere" if block.guild_id == HOUSE else "blocked.lasting"
    text = wording.explain("blocked" if block.until is not None else lasting, data, mentions)
    return f"{text}\n{wording.counted('blocked.taken', taken)}" if taken else text


async def show_record(interaction: Interaction, sanctions: Sanctions, user_id: int, member: Person | None) -> None:
    """Answer with the record of a member, privately."""
    moderator_of(interaction)
    await acknowledge(interaction, private=True)
    await draw_record(interaction, sanctions, user_id, member)


async def draw_record(interaction: Interaction, sanctions: Sanctions, user_id: int, member: Person | None) -> None:
    """Put the record into the answer, or draw it anew where a button of it was pressed."""
    requester = moderator_of(interaction)
    record = await sanctions.member(requester, user_id)
    out_of_reach = {requester.user_id, *interaction.client.services.guilds.house.operators}
    manages = isinstance(member, discord.Member) and _manages(member)
    await show_card(interaction, record_card(record, may_act=not manages and user_id not in out_of_reach))


def record_card(record: MemberRecord, *, may_act: bool) -> ui.LayoutView:
    """Figures, what holds now, sanctions with dates, open cases; and what can be done, where something can."""
    view = ui.LayoutView(timeout=None)
    box: ui.Container[ui.LayoutView] = ui.Container()
    for text in _texts(record):
        box.add_item(ui.TextDisplay(text))
    if not may_act:
        box.add_item(ui.TextDisplay(wording.RECORD_NO_ACTIONS))
    view.add_item(box)
    if may_act:
        view.add_item(ui.ActionRow(*_controls(record)))
    return view


def _texts(record: MemberRecord) -> Iterator[str]:
    sanctions = [case for case in record.cases if case.decision in _SANCTIONS]
    warnings = sum(case.decision is Decision.WARNED for case in sanctions)
    yield wording.say("record.heading", member=f"<@{record.user_id}>")
    pictures, blocks = wording.count(record.pictures), len(sanctions) - warnings
    yield wording.say("record.pictures", pictures=pictures, warnings=warnings, blocks=blocks)
    yield "\n".join(_now(record))
    if lines := _open(record.cases):
        yield "\n".join(lines)
    yield "\n".join(_sanctions(sanctions)) if sanctions else wording.RECORD_CLEAN
    if heat := round(record.heat, 1):
        hours, note, pause = HALF_LIFE / 3_600, height_of(Step.NOTE), height_of(Step.PAUSE)
        figures = {"heat": heat, "hours": hours, "note": note, "pause": pause}
        yield wording.say("record.heat", {name: wording.number(figure) for name, figure in figures.items()})


def _now(record: MemberRecord) -> Iterator[str]:
    """What holds at this moment."""
    block = record.block
    if block is None:
        yield wording.RECORD_FREE
    else:
        state = "everywhere" if block.guild_id == HOUSE else "blocked" if block.until is None else "paused"
        yield wording.explain(f"record.{state}", {"until": block.until, "reason": block.reason})
    if record.unread is not None:
        yield wording.say("record.unread", case=record.unread.id)
    if record.conduct.spoiler:
        yield wording.RECORD_SPOILER


def _open(cases: Sequence[Case]) -> list[str]:
    found = [case for case in cases if case.is_open][:OPEN_SHOWN]
    return [
        wording.say(
            "record.open", what=wording.RECORD_KINDS[case.kind], at=wording.Moment(case.opened_at), case=case.id
        )
        for case in found
    ]


def _sanctions(cases: Sequence[Case]) -> Iterator[str]:
    for case in cases[:SANCTIONS_SHOWN]:
        words = wording.plain(wording.cut(case.words, WORDS))
        yield wording.say(
            "record.line",
            what=wording.RECORD_DECISIONS[str(case.decision)],
            at=wording.Moment(case.decided_at or case.opened_at),
            actor=f"<@{case.actor}>" if case.actor else wording.LOG_ME,
            case=case.id,
            words=wording.say("record.words", words=words) if words else "",
        )
    if len(cases) > SANCTIONS_SHOWN:
        yield wording.counted("record.more", len(cases) - SANCTIONS_SHOWN)


def _controls(record: MemberRecord) -> Iterator[Control]:
    user_id, block = record.user_id, record.block
    yield button("mod", user_id, "warn", wording.BUTTON_WARN, emoji="⚠️")
    yield button("mod", user_id, "pause", wording.BUTTON_PAUSE, emoji="⏸️")
    yield button("mod", user_id, "block", wording.BUTTON_BLOCK, emoji="⛔", danger=True)
    if record.conduct.spoiler:
        yield button("mod", user_id, "spoiler", wording.BUTTON_SPOILER_OFF, emoji="🙈", arg="off")
    else:
        yield button("mod", user_id, "spoiler", wording.BUTTON_SPOILER, emoji="🙈")
    if block is not None and block.guild_id != HOUSE:
        yield button("mod", user_id, "lift", wording.BUTTON_LIFT, emoji="↩️")
