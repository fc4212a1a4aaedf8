"""`/mod case` and `/mod cases`: a server's cases for one moderator's eyes."""

from collections.abc import Iterable

from discord import app_commands

from bot import wording
from bot.domain.case import Case, CaseKind
from bot.domain.errors import Refused
from cogs.ui.admin import moderator_of
from cogs.ui.answer import acknowledge, show_card
from cogs.ui.case import cases_card, what
from cogs.ui.desk import Desk
from cogs.ui.requester import Interaction, requester_of

OPEN, APPEALED, CLOSED = "open", "appealed", "closed"
CHOICES_MOST = 25


async def show_case(interaction: Interaction, number: int) -> None:
    """The card of one case, which only this moderator sees. Raises `Refused` ``moderator.only`` or ``case.gone``."""
    requester = moderator_of(interaction)
    await acknowledge(interaction, private=True)
    services = interaction.client.services
    case = await services.cases.case(requester, number)
    if case.guild_id != requester.scope:
        # Their own of another server, which is in /cases.
        raise Refused("case.gone")
    desk = Desk(interaction.client, services.cases, services.guilds)
    await show_card(interaction, await desk.card(case, pings=False))


async def show_cases(interaction: Interaction, state: str, user_id: int | None) -> None:
    """The cases of a server in one state. Raises `Refused` ``moderator.only``."""
    requester = moderator_of(interaction)
    await acknowledge(interaction, private=True)
    kinds = (CaseKind.APPEAL,) if state == APPEALED else ()
    found = await interaction.client.services.cases.of_server(
        requester, is_open=state != CLOSED, kinds=kinds, user_id=user_id
    )
    await show_card(interaction, cases_card(state if state in wording.CASE_STATES else OPEN, found))


async def open_numbers(interaction: Interaction, typed: str) -> list[app_commands.Choice[int]]:
    """The open cases of a server to choose from, for those who may see them."""
    requester = requester_of(interaction)
    if not requester.may_moderate:
        return []
    return choices_of(await interaction.client.services.cases.of_server(requester, user_id=None), typed)


def choices_of(cases: Iterable[Case], typed: str) -> list[app_commands.Choice[int]]:
    """Cases to choose from, by their numbers."""
    labels = {case.id: wording.say("cases.choice", case=case.id, what=what(case)) for case in cases}
    found = [(id_, label) for id_, label in labels.items() if typed.casefold() in label.casefold()]
    return [app_commands.Choice(name=label[:100], value=id_) for id_, label in found[:CHOICES_MOST]]
