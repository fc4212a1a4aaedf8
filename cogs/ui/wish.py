"""One wish, whoever brings it: from a request to its waiting message, its question, or a refusal with its cure."""

from bot import wording
from bot.domain.errors import Refused
from bot.domain.job import Draft, Job
from bot.domain.request import Generate, Requester
from bot.services.accounts import Accounts
from bot.services.studio import LOCKED, Occasion, Studio
from cogs.ui import replies
from cogs.ui.answer import acknowledge, apologise, hand_over, tell
from cogs.ui.controls import button, row
from cogs.ui.options import place_of
from cogs.ui.requester import Interaction

EDITABLE = ("word", "word.hidden", "word.pattern", "word.slow", "nsfw.asked", "nsfw.asked.only", "nsfw.weakened")
"""Refusals that other words can cure."""
FREEABLE = ("price.never", "price.house", "price.direct")
"""Refusals that a smaller picture can cure."""


class Wishes:
    """What every command and form that asks for a picture ends in."""

    def __init__(self, studio: Studio, accounts: Accounts) -> None:
        self._studio = studio
        self._accounts = accounts

    async def make(
        self, interaction: Interaction, requester: Requester, request: Generate, *, draft_id: int | None = None
    ) -> None:
        """
        Answer *interaction*, which nobody has acknowledged yet.

        *draft_id* is a kept wish or form that this one consumes.
        """
        try:
            cost = self._studio.foresee(requester, request)
        except Refused as refusal:
            if refusal.code == LOCKED and draft_id is not None:
                await acknowledge(interaction, private=True)
                await self._studio.drop_locked(draft_id, refusal)
            return await self._refuse(interaction, requester, request, refusal)
        is_asked = not cost.is_free and self._studio.waits_for(requester, request) is None
        message_id = await acknowledge(interaction, private=request.private or is_asked)
        occasion = Occasion(
            key=str(interaction.id) if draft_id is None else f"draft:{draft_id}",
            place=place_of(interaction, message_id, ephemeral=request.private),
            interaction=interaction.id,
        )
        outcome = await self._studio.submit(requester, request, occasion, draft_id=draft_id)
        await self.conclude(interaction, requester, outcome)

    async def conclude(self, interaction: Interaction, requester: Requester, outcome: Job | Draft) -> None:
        """Leave a job to the courier; ask about a draft."""
        if isinstance(outcome, Draft):
            await self.ask(interaction, requester, outcome)
            return
        hand_over(interaction)
        if outcome.interaction != interaction.id:
            # A double click: the earlier press made the job, so this one leaves nothing behind.
            await interaction.delete_original_response()

    async def ask(self, interaction: Interaction, requester: Requester, draft: Draft) -> None:
        """The question before Anlas are spent."""
        quota = await self._studio.quota(requester)
        text, view = replies.question(draft, self._accounts.cheapest(draft.request), quota)
        await tell(interaction, text, view=view)

    async def _refuse(
        self, interaction: Interaction, requester: Requester, request: Generate, refusal: Refused
    ) -> None:
        """A refusal that has a cure carries it as a button, so that nothing is typed twice."""
        cure = refusal.data.get("request")
        if refusal.code in EDITABLE:
            await acknowledge(interaction, private=True)
            draft = await self._studio.keep(requester, request)
            view = row(button("draft", draft.id, "edit", wording.BUTTON_EDIT_RESEND, emoji="✏️"))
        elif refusal.code in FREEABLE and isinstance(cure, Generate):
            await acknowledge(interaction, private=True)
            draft = await self._studio.keep(requester, cure)
            free = button("draft", draft.id, "free", wording.say("button.free", size=cure.size))
            view = row(free, button("draft", draft.id, "drop", wording.BUTTON_NOT_NOW))
        else:
            raise refusal
        await apologise(interaction, refusal, view=view)
