"""Use these settings: from what a card says of an image to a form, and from the form to a wish like any other."""

import asyncio

from discord.ext import commands

from bot import wording
from bot.client import Naibot
from bot.domain.carried import carried
from bot.domain.errors import Forbidden, Mistake, Refused
from bot.domain.guild import DIRECT_CONFIG
from bot.domain.job import Draft
from bot.domain.request import Requester
from bot.domain.rules import Ground, judge_place, never_spends
from bot.domain.sheet import Sheet, filled
from bot.services.accounts import Accounts
from bot.services.moderation import Moderation
from bot.services.studio import Studio
from cogs.ui.answer import acknowledge, tell
from cogs.ui.controls import Form, Press, button, row
from cogs.ui.images import Images
from cogs.ui.memory import look_at
from cogs.ui.requester import requester_of
from cogs.ui.sheet import form_of
from cogs.ui.wish import Wishes

SOON = 1.5
"""Seconds to fetch a card's own file before the form has to be open (design.md 4.6)."""


class Reuse(commands.Cog):
    """The form is the acknowledgement; a draft holds what it began with, and what was typed into it."""

    def __init__(self, client: Naibot, studio: Studio, moderation: Moderation, accounts: Accounts) -> None:
        self._images = Images(client)
        self._studio = studio
        self._moderation = moderation
        self._accounts = accounts
        self._wishes = Wishes(studio, accounts)

    async def use(self, press: Press) -> None:
        """Read the card's file and open the form; where that is late, a button opens it."""
        interaction, requester = press.interaction, requester_of(press.interaction)
        ground = self._moderation.ground(requester)
        judge_place(requester, ground)
        reading = asyncio.ensure_future(self._drafted(press, requester, ground))
        try:
            done, _ = await asyncio.wait([reading], timeout=SOON)
            if done:
                await interaction.response.send_modal(self._form(reading.result(), ground))
                return
            await acknowledge(interaction, private=True)
            draft = await reading
        finally:
            reading.cancel()
        view = row(button("draft", draft.id, "use", wording.BUTTON_OPEN_FORM))
        await tell(interaction, wording.USE_SLOW, view=view)

    async def _drafted(self, press: Press, requester: Requester, ground: Ground) -> Draft:
        look = await look_at(self._images, press.interaction.message, press.number)
        if look.inspection is None or look.claim is None:
            raise Refused("gone")
        config, found = ground.guild or DIRECT_CONFIG, look.inspection
        sheet = carried(look.claim, width=found.width, height=found.height, model=config.model, size=config.size)
        try:
            return await self._studio.keep_sheet(requester, sheet)
        except Forbidden as refusal:
            # They pressed a button under somebody else's words, and wrote none of them: it is held against nobody.
            raise Refused(refusal.code) from refusal

    async def open(self, press: Press) -> None:
        """Open a form again, with what was typed into it."""
        requester = requester_of(press.interaction)
        draft = await self._studio.draft_soon(requester, press.number)
        await press.interaction.response.send_modal(self._form(draft, self._moderation.ground(requester)))

    def _form(self, draft: Draft, ground: Ground) -> Form:
        if draft.sheet is None:
            raise Refused("draft.gone")
        never = never_spends(ground.guild or DIRECT_CONFIG, ground.house) is not None
        return form_of(draft.id, draft.sheet, self._accounts, never=never)

    async def submit(self, press: Press) -> None:
        """The form came back: a wish like any other, by whoever filled it."""
        interaction, requester = press.interaction, requester_of(press.interaction)
        draft = await self._studio.draft_soon(requester, press.number)
        if draft.sheet is None:
            raise Refused("draft.gone")
        judge_place(requester, self._moderation.ground(requester))
        try:
            request = filled(draft.sheet, press.fields)
        except Mistake as mistake:
            return await self._hold(press, requester, draft.id, draft.sheet, mistake)
        await self._wishes.make(interaction, requester, request, draft_id=draft.id)

    async def _hold(self, press: Press, requester: Requester, draft_id: int, sheet: Sheet, mistake: Mistake) -> None:
        """What was typed is kept for another try."""
        await acknowledge(press.interaction, private=True)
        kept = Sheet(request=sheet.request, left_out=sheet.left_out, typed=press.fields)
        try:
            draft = await self._studio.keep_sheet(requester, kept)
        except Refused as refusal:
            await self._studio.drop_locked(draft_id, refusal)
            raise
        view = row(button("draft", draft.id, "use", wording.BUTTON_OPEN_AGAIN))
        text = wording.explain(mistake.code, mistake.data, press.interaction.client.mentions)
        await tell(press.interaction, text, view=view)


async def setup(client: Naibot) -> None:
    """Add the cog and register its controls."""
    services = client.services
    cog = Reuse(client, services.studio, services.moderation, services.accounts)
    client.control("look", "use", press=cog.use)
    client.control("draft", "use", press=cog.open, submit=cog.submit)
    await client.add_cog(cog)
