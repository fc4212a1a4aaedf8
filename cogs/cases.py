"""Cases: what moderators press on them, and `/cases` and `/appeal` for those whom they are about."""

from contextlib import suppress

import aiohttp
import discord
from discord import app_commands, ui
from discord.ext import commands

from bot import wording
from bot.client import Naibot
from bot.domain.case import Case, CaseKind, Decision, check_decidable
from bot.domain.errors import NaibotError, Refused
from bot.services.cases import APPEAL_WORDS, Cases, decided_already
from bot.services.sanctions import Sanctions
from bot.services.studio import Studio
from cogs.ui.answer import acknowledge, acknowledge_press, show_card, tell
from cogs.ui.case import history_card, note_row, own_card
from cogs.ui.casebook import choices_of
from cogs.ui.controls import Control, Form, Press, button, row
from cogs.ui.desk import Desk
from cogs.ui.notice import place_name
from cogs.ui.packing import Packer
from cogs.ui.record import check_target, member_of
from cogs.ui.requester import Interaction, requester_of

WORDS_MOST = 250
"""Characters that a moderator writes; the reason that they chose stands before them."""
ANYWAY = "anyway"
NONE = "none"


class CasesCog(commands.Cog, name="Cases"):
    """Each press is one verb of the moderators' desk."""

    def __init__(self, client: Naibot) -> None:
        services = client.services
        self._cases: Cases = services.cases
        self._sanctions: Sanctions = services.sanctions
        self._studio: Studio = services.studio
        self._desk = Desk(client, services.cases, services.guilds)
        self._packer = Packer(services.darkroom, client)
        self._client = client

    # --- for whom a case is about ------------------------------------------------------------------------------------

    @app_commands.command(name="cases", description=wording.CASES)
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    async def cases(self, interaction: Interaction) -> None:
        """Also for those who are kept out, everywhere."""
        await acknowledge(interaction, private=True)
        await self._show_own(interaction)

    async def _show_own(self, interaction: Interaction) -> None:
        own = await self._cases.own(requester_of(interaction))
        places = {case.guild_id: place_name(self._client, case.guild_id) for case in own}
        await show_card(interaction, own_card(own, places))

    @app_commands.command(name="appeal", description=wording.APPEAL)
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.describe(case=wording.APPEAL_CASE)
    async def appeal(self, interaction: Interaction, case: app_commands.Range[int, 1, 2**53 - 1]) -> None:
        """Opens the form."""
        await self._ask_why(interaction, case)

    @appeal.autocomplete("case")
    async def complete_case(self, interaction: Interaction, current: str) -> list[app_commands.Choice[int]]:
        """One's own that can be appealed."""
        requester = requester_of(interaction)
        own = await self._cases.own(requester)
        appealed = {case.parent_id for case in own}
        found = [case for case in own if case.is_appealable and case.id not in appealed]
        return choices_of(found, current)

    async def open_appeal(self, press: Press) -> None:
        """The button under a decision."""
        await self._ask_why(press.interaction, press.number)

    async def _ask_why(self, interaction: Interaction, case_id: int) -> None:
        case = await self._cases.check_appeal_soon(requester_of(interaction), case_id)
        low, high = APPEAL_WORDS
        form = Form("case", case.id, "appeal", wording.FORM_APPEAL)
        form.ask("words", wording.FORM_APPEAL_WORDS, least=low, limit=high)
        await interaction.response.send_modal(form)

    async def take_appeal(self, press: Press) -> None:
        """The form came back."""
        interaction = press.interaction
        await acknowledge(interaction, private=True)
        case, _ = await self._cases.appeal(requester_of(interaction), press.number, press.fields.get("words", ""))
        key = "appeal.sent.house" if case.is_of_house else "appeal.sent" if case.actor else "appeal.sent.bot"
        await tell(interaction, wording.explain(key, {"actor": case.actor}, interaction.client.mentions))

    async def acknowledge_note(self, press: Press) -> None:
        """A member has read what a moderator wrote; a second press is as good as the first."""
        interaction, requester = press.interaction, requester_of(press.interaction)
        await acknowledge_press(interaction)
        case = await self._cases.own_case(requester, press.number)
        if case.needs_ack:
            await self._sanctions.acknowledge(requester, case.id)
        message = interaction.message
        if message is None or message.flags.components_v2:
            await self._show_own(interaction)
            return
        controls = note_row(await self._cases.now(case))
        said = message.content.removesuffix(f"\n{wording.ACKNOWLEDGED}")
        await interaction.edit_original_response(
            content=f"{said}\n{wording.ACKNOWLEDGED}", view=row(*controls) if controls else None
        )

    # --- for moderators ----------------------------------------------------------------------------------------------

    async def open_case(self, press: Press) -> None:
        """From a list; the card is theirs alone."""
        await acknowledge(press.interaction, private=True)
        case = await self._cases.case_to_judge(requester_of(press.interaction), press.number)
        await show_card(press.interaction, await self._desk.card(case, pings=False))

    async def approve(self, press: Press) -> None:
        """Show a held picture, or make a suggested one."""
        await self._decide(press, Decision.APPROVED)

    async def reject(self, press: Press) -> None:
        """Nothing is shown or made."""
        await self._decide(press, Decision.REJECTED)

    async def dismiss(self, press: Press) -> None:
        """A reported picture stays."""
        await self._decide(press, Decision.DISMISSED)

    async def hide(self, press: Press) -> None:
        """A reported picture goes behind a spoiler."""
        await self._decide(press, Decision.HIDDEN)

    async def delete(self, press: Press) -> None:
        """A reported picture goes."""
        await self._decide(press, Decision.DELETED)

    async def uphold(self, press: Press) -> None:
        """What was decided stays."""
        await self._judge_appeal(press, "uphold", Decision.UPHELD)

    async def lift(self, press: Press) -> None:
        """What was decided is taken back."""
        await self._judge_appeal(press, "lift", Decision.LIFTED)

    async def apologise(self, press: Press) -> None:
        """The same, and it was a mistake."""
        await self._judge_appeal(press, "sorry", Decision.APOLOGISED)

    async def _judge_appeal(self, press: Press, verb: str, decision: Decision) -> None:
        """Whoever decided first is told that somebody else had better look, and may all the same."""
        interaction, requester = press.interaction, requester_of(press.interaction)
        await acknowledge_press(interaction)
        case = await self._cases.case(requester, press.number)
        if case.is_open and case.data.get("first") == requester.user_id and press.arg != ANYWAY:
            await tell(interaction, wording.APPEAL_FIRST, view=row(_anyway(case, verb)))
            return
        await self._carry_out(interaction, case.id, decision)

    async def _decide(self, press: Press, decision: Decision) -> None:
        await acknowledge_press(press.interaction)
        await self._carry_out(press.interaction, press.number, decision)

    async def _carry_out(
        self,
        interaction: Interaction,
        case_id: int,
        decision: Decision,
        *,
        words: str = "",
        seconds: float | None = None,
    ) -> None:
        """What was pressed shows the end at once; the docket draws it too, and so it stands if this is lost."""
        case = await self._cases.decide(requester_of(interaction), case_id, decision, words=words, seconds=seconds)
        message = interaction.message
        with suppress(discord.HTTPException, aiohttp.ClientError, TimeoutError):
            if message is not None and message.flags.components_v2:
                await show_card(interaction, await self._desk.card(case, pings=False))
            else:
                await interaction.edit_original_response(content=wording.DONE_ASKED, view=None)

    # --- with words --------------------------------------------------------------------------------------------------

    async def ask_warning(self, press: Press) -> None:
        """Open the form of a warning."""
        case = await self._decidable(press, Decision.WARNED)
        title = wording.FORM_CASE_DELETE if case.kind is CaseKind.REPORT else wording.FORM_CASE_WARN
        form = Form("case", case.id, "warn", title)
        _ask_words(form)
        await press.interaction.response.send_modal(form)

    async def ask_block(self, press: Press) -> None:
        """Open the form of a block."""
        case = await self._decidable(press, Decision.BLOCKED)
        form = Form("case", case.id, "block", wording.FORM_CASE_BLOCK)
        form.offer("duration", wording.FORM_CASE_DURATION, wording.DURATIONS, holds="86400")
        _ask_words(form)
        await press.interaction.response.send_modal(form)

    async def _decidable(self, press: Press, decision: Decision) -> Case:
        """The case, if a form about it makes sense for this person; the decision asks all of it again."""
        requester = requester_of(press.interaction)
        case = await self._cases.case_soon(requester, press.number)
        check_decidable(case, decision, requester)
        if not case.is_open:
            raise decided_already(case)
        return case

    async def warn(self, press: Press) -> None:
        """The form came back."""
        await acknowledge_press(press.interaction)
        await self._check_target(press)
        await self._carry_out(press.interaction, press.number, Decision.WARNED, words=_words(press))

    async def block(self, press: Press) -> None:
        """The form came back."""
        await acknowledge_press(press.interaction)
        await self._check_target(press)
        duration = press.fields.get("duration", "")
        seconds = float(duration) if duration in wording.DURATIONS and duration != "0" else None
        await self._carry_out(press.interaction, press.number, Decision.BLOCKED, words=_words(press), seconds=seconds)

    async def _check_target(self, press: Press) -> None:
        """Raise `Refused` ``block.admin`` where the case is about somebody who manages the server by now."""
        requester = requester_of(press.interaction)
        case = await self._cases.case(requester, press.number)
        if case.user_id != requester.user_id:
            check_target(await member_of(press.interaction, case.user_id))

    # --- looking -----------------------------------------------------------------------------------------------------

    async def look(self, press: Press) -> None:
        """The pictures, for one moderator's eyes; who looked is on record before they see anything."""
        interaction = press.interaction
        await acknowledge(interaction, private=True)
        case, pictures = await self._cases.look(requester_of(interaction), press.number)
        job = await self._cases.job_of(case)
        if job is None:
            raise Refused("look.none")
        packing = await self._packer.pack(job, pictures, interaction.filesize_limit, can_post=False)
        said = wording.say("looked", case=case.id, job=job.id)
        files = [each.file() for message in packing.messages for each in message]
        await tell(interaction, said, files=files)

    async def history(self, press: Press) -> None:
        """What happened in a case."""
        interaction = press.interaction
        await acknowledge(interaction, private=True)
        case = await self._cases.case_to_judge(requester_of(interaction), press.number)
        await show_card(interaction, history_card(case, await self._cases.appeals_of(case)))

    # --- suggestions -------------------------------------------------------------------------------------------------

    async def make(self, press: Press) -> None:
        """A moderator says yes under a suggestion; the courier edits its message."""
        await acknowledge_press(press.interaction)
        case = await self._cases.proposal_of(press.number)
        await self._cases.decide(requester_of(press.interaction), case.id, Decision.APPROVED)

    async def decline(self, press: Press) -> None:
        """A moderator says no; whoever suggested it takes it back by the same button."""
        await acknowledge_press(press.interaction)
        requester = requester_of(press.interaction)
        case = await self._cases.proposal_of(press.number)
        if case.user_id == requester.user_id:
            await self._studio.cancel(requester, press.number)
            return
        await self._cases.decide(requester, case.id, Decision.REJECTED)


def _anyway(case: Case, verb: str) -> Control:
    return button("case", case.id, verb, wording.BUTTON_ANYWAY, arg=ANYWAY)


def _ask_words(form: Form) -> None:
    form.offer("reason", wording.FORM_CASE_REASON, wording.REASONS, holds="")
    form.ask(
        "words",
        wording.FORM_CASE_WORDS,
        hint=wording.FORM_CASE_WORDS_HINT,
        required=False,
        limit=WORDS_MOST,
    )


def _words(press: Press) -> str:
    """What the member reads: the reason that was chosen, and the moderator's own words."""
    chosen = press.fields.get("reason", NONE)
    reason = "" if chosen == NONE else wording.REASONS.get(chosen, "")
    words = " ".join(press.fields.get("words", "").split())[:WORDS_MOST]
    if reason and words:
        return wording.say("case.reason.words", reason=reason, words=words)
    return reason or words


def _read_first(error: NaibotError) -> ui.View | None:
    """Under a wall: the press that takes it away."""
    return row(button("case", int(str(error.data["case"])), "ack", wording.BUTTON_ACK, primary=True))


def _second_look(error: NaibotError) -> ui.View | None:
    """Under a refusal that became a case."""
    case_id = error.data.get("case")
    return row(button("case", case_id, "appeal", wording.BUTTON_APPEAL)) if isinstance(case_id, int) else None


APPEALED = ("locked", "word.hidden", "blocked.member", "blocked.member.lasting")


async def setup(client: Naibot) -> None:
    """Add the cog, and register its controls and what helps against its refusals."""
    cog = CasesCog(client)
    presses = {
        "approve": cog.approve,
        "reject": cog.reject,
        "dismiss": cog.dismiss,
        "hide": cog.hide,
        "delete": cog.delete,
        "uphold": cog.uphold,
        "lift": cog.lift,
        "sorry": cog.apologise,
        "look": cog.look,
        "history": cog.history,
        "open": cog.open_case,
        "ack": cog.acknowledge_note,
    }
    for verb, press in presses.items():
        client.control("case", verb, press=press)
    client.control("case", "warn", press=cog.ask_warning, submit=cog.warn)
    client.control("case", "block", press=cog.ask_block, submit=cog.block)
    client.control("case", "appeal", press=cog.open_appeal, submit=cog.take_appeal)
    client.control("job", "make", press=cog.make)
    client.control("job", "decline", press=cog.decline)
    client.cure("must.read", _read_first)
    for code in APPEALED:
        client.cure(code, _second_look)
    await client.add_cog(cog)
