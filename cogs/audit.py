"""`/audit`: what was decided and changed in a server, page by page or as a file."""

import io

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot import wording
from bot.client import Naibot
from bot.domain.errors import Refused
from bot.domain.request import Requester
from bot.services.audit import LOOKED_MOST, TEXT_MAX, About, Asked, Audit, Page
from cogs.ui.admin import moderator_of
from cogs.ui.answer import acknowledge, acknowledge_press, show_card, tell
from cogs.ui.cards import card
from cogs.ui.controls import Control, Press, button
from cogs.ui.records import file_text, list_text
from cogs.ui.requester import Interaction

KINDS = [app_commands.Choice(name=wording.AUDIT_KINDS[about], value=about.value) for about in About]
SINCES = [app_commands.Choice(name=label, value=seconds) for seconds, label in wording.AUDIT_SINCES.items()]
PERIODS = frozenset(wording.AUDIT_SINCES) - {"0"}
OLDER, NEWER = "o", "n"
"""Before the line's number in a button's argument: which way its page is."""


class AuditCog(commands.Cog, name="Audit"):
    """Moderate Members, or the role that the server chose, is asked for again inside."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    @app_commands.command(name="audit", description=wording.AUDIT)
    @app_commands.default_permissions(moderate_members=True)
    @app_commands.allowed_installs(guilds=True)
    @app_commands.allowed_contexts(guilds=True)
    @app_commands.describe(
        member=wording.AUDIT_MEMBER, kind=wording.AUDIT_KIND, since=wording.AUDIT_SINCE, text=wording.AUDIT_TEXT
    )
    @app_commands.choices(kind=KINDS, since=SINCES)
    async def audit(
        self,
        interaction: Interaction,
        member: discord.User | None = None,
        kind: str | None = None,
        since: str | None = None,
        text: app_commands.Range[str, 1, TEXT_MAX] | None = None,
    ) -> None:
        """The newest lines that fit, also of members who left."""
        moderator = moderator_of(interaction)
        await acknowledge(interaction, private=True)
        asked = Asked(
            about=About(kind) if kind in list(About) else None,
            member=member.id if member is not None else None,
            since=self._audit.ago(int(since)) if since in PERIODS else 0.0,
            text=(text or "").strip()[:TEXT_MAX],
        )
        page = await self._audit.older(moderator, asked, list_text)
        pending = await self._audit.ask(moderator, asked) if page.lines or page.has_older else None
        await show_card(interaction, _card(asked, page, pending.id if pending is not None else 0))

    async def turn(self, press: Press) -> None:
        """[Older] and [Newer]."""
        moderator = moderator_of(press.interaction)
        await acknowledge_press(press.interaction)
        asked = await self._audit.asked(moderator, press.number)
        page = await self._page(moderator, asked, press.arg or "")
        await show_card(press.interaction, _card(asked, page, press.number))

    async def _page(self, moderator: Requester, asked: Asked, cursor: str) -> Page:
        way, line = cursor[:1], cursor[1:]
        if way not in (OLDER, NEWER) or not line.isascii() or not line.isdecimal() or len(line) > 18:
            raise Refused("audit.gone")
        turned = self._audit.older if way == OLDER else self._audit.newer
        return await turned(moderator, asked, list_text, int(line))

    async def file(self, press: Press) -> None:
        """[As a file]: the whole answer, with every word."""
        interaction = press.interaction
        moderator = moderator_of(interaction)
        await acknowledge(interaction, private=True)
        asked = await self._audit.asked(moderator, press.number)
        lines = await self._audit.all(moderator, asked, file_text)
        text = "\n".join([f"{line.id}  {file_text(line)}" for line in lines])
        file = discord.File(io.BytesIO(text.encode()), filename="audit.txt")
        await tell(interaction, wording.counted("audit.filed", len(lines)), files=[file])


def _card(asked: Asked, page: Page, number: int) -> ui.LayoutView:
    texts = [wording.say("audit.heading", asked=_asked(asked))]
    texts += ["\n".join(list_text(line) for line in page.lines)] if page.lines else [wording.AUDIT_NONE]
    if page.looked_to is not None:
        texts.append(wording.say("audit.looked", n=wording.count(LOOKED_MOST)))
    return card(texts, *_buttons(page, number))


def _buttons(page: Page, number: int) -> list[Control]:
    buttons = []
    if page.has_newer:
        newest = page.lines[0].id if page.lines else page.oldest
        buttons.append(button("mod", number, "audit", wording.BUTTON_NEWER, arg=f"{NEWER}{newest}"))
    if page.has_older:
        buttons.append(button("mod", number, "audit", wording.BUTTON_OLDER, arg=f"{OLDER}{page.oldest}"))
    if page.has_older or page.has_newer:
        buttons.append(button("mod", number, "auditfile", wording.BUTTON_FILE))
    return buttons


def _asked(asked: Asked) -> str:
    """What was asked, behind the heading."""
    parts = [
        wording.AUDIT_KINDS[asked.about] if asked.about is not None else "",
        f"<@{asked.member}>" if asked.member is not None else "",
        wording.say("audit.asked_since", since=wording.Moment(asked.since)) if asked.since else "",
        wording.inline(asked.text, TEXT_MAX) if asked.text else "",
    ]
    return "".join(f" · {part}" for part in parts if part)


async def setup(client: Naibot) -> None:
    """Add the cog and register its controls."""
    cog = AuditCog(client.services.audit)
    client.control("mod", "audit", press=cog.turn)
    client.control("mod", "auditfile", press=cog.file)
    await client.add_cog(cog)
