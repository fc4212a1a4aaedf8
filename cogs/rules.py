"""`/rules`: the words that a server refuses, and what a prompt would meet."""

import io
from dataclasses import replace

import discord
from discord import app_commands
from discord.ext import commands

from bot import wording
from bot.client import Naibot
from bot.domain.change import Change, What
from bot.domain.errors import Refused
from bot.domain.guild import DIRECT_CONFIG, WORD_LENGTH
from bot.domain.prompt import is_steered_by_us
from bot.domain.request import PROMPT_MAX, Requester
from bot.domain.rules import as_member, keeps_safe
from bot.services.moderation import Moderation
from bot.services.studio import Studio
from cogs.ui.admin import admin_of
from cogs.ui.answer import acknowledge, tell
from cogs.ui.cards import card
from cogs.ui.changes import ask_text, done_text, offer_undo, undo_button
from cogs.ui.controls import button, row
from cogs.ui.options import Asked, request_of
from cogs.ui.requester import Interaction, requester_of

Channel = discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.Thread
EXAMPLES = 3
LIST_MAX = 2_800
"""Characters of words on a card; a longer list goes into a file."""


@app_commands.default_permissions(manage_guild=True)
@app_commands.allowed_contexts(guilds=True)
@app_commands.allowed_installs(guilds=True)
class Rules(commands.GroupCog, group_name="rules", group_description=wording.RULES):
    """Manage Server is asked for again inside."""

    def __init__(self, moderation: Moderation, studio: Studio) -> None:
        self._moderation = moderation
        self._studio = studio

    @app_commands.command(name="add", description=wording.RULES_ADD)
    @app_commands.describe(text=wording.RULES_ADD_TEXT)
    async def add(self, interaction: Interaction, text: app_commands.Range[str, 1, WORD_LENGTH]) -> None:
        """Say first what it would hit; where it would have refused somebody, ask before it does."""
        requester = requester_of(interaction)
        change = self._moderation.word_change(requester, text)
        await acknowledge(interaction, private=True)
        hits, of = await self._moderation.would_hit(requester.scope, change.name)
        if not hits:
            undo = await self._moderation.apply(requester, change)
            pending = await self._moderation.keep(requester, undo)
            made = f"{_would_hit(hits, of)}\n{done_text(change, undo)}"
            await tell(interaction, made, view=row(undo_button(pending)))
            return
        pending = await self._moderation.keep(requester, change)
        controls = row(
            button("conf", pending.id, "yes", wording.BUTTON_REFUSE, primary=True),
            button("conf", pending.id, "no", wording.BUTTON_NOT_NOW),
        )
        await tell(interaction, f"{_would_hit(hits, of)}\n{ask_text(change)}", view=controls)

    @app_commands.command(name="remove", description=wording.RULES_REMOVE)
    @app_commands.describe(text=wording.RULES_REMOVE_TEXT)
    async def remove(self, interaction: Interaction, text: app_commands.Range[str, 1, WORD_LENGTH]) -> None:
        """At once, with a way back."""
        requester, _, _ = admin_of(interaction)
        await acknowledge(interaction, private=True)
        change = Change(what=What.WORD_REMOVED, name=text)
        undo = await self._moderation.apply(requester, change)
        pending = await self._moderation.keep(requester, undo)
        await offer_undo(interaction, replace(change, name=undo.name), undo, pending)

    @remove.autocomplete("text")
    async def complete_word(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        """The words on the list; for those who may see it."""
        requester = requester_of(interaction)
        words = self._moderation.words_of(requester.scope) if requester.may_manage else ()
        found = [word for word in words if current.casefold() in word.casefold()]
        return [app_commands.Choice(name=word, value=word) for word in found[:25]]

    @app_commands.command(name="list", description=wording.RULES_LIST)
    async def list_words(self, interaction: Interaction) -> None:
        """All of them; in a file where a card cannot hold them."""
        requester, _, _ = admin_of(interaction)
        await acknowledge(interaction, private=True)
        words = self._moderation.words_of(requester.scope)
        text = wording.listed(wording.inline(word, WORD_LENGTH) for word in words)
        files = []
        if len(text) > LIST_MAX:
            files = [discord.File(io.BytesIO("\n".join(words).encode()), filename="words.txt")]
            text = ""
        heading = wording.say("words.heading", n=wording.count(len(words)))
        body = text or ("" if words else wording.say("words.empty", interaction.client.mentions))
        view = card([heading, *([body] if body else [])])
        if files:
            view.add_item(discord.ui.File("attachment://words.txt"))
        await interaction.edit_original_response(view=view, attachments=files)

    @app_commands.command(name="test", description=wording.RULES_TEST)
    @app_commands.describe(prompt=wording.RULES_TEST_PROMPT, channel=wording.RULES_TEST_CHANNEL)
    async def test(
        self,
        interaction: Interaction,
        prompt: app_commands.Range[str, 1, PROMPT_MAX],
        channel: Channel | None = None,
    ) -> None:
        """The very policy that `/generate` asks, for a plain member; nothing is made or put on record."""
        requester, _, _ = admin_of(interaction)
        await acknowledge(interaction, private=True)
        member = as_member(requester if channel is None else _in(requester, channel))
        await tell(interaction, self._verdict(member, prompt, interaction.client.mentions))

    def _verdict(self, member: Requester, prompt: str, mentions: dict[str, str]) -> str:
        ground = self._moderation.ground(member)
        where = f"<#{member.channel_id}>"
        try:
            request = request_of(Asked(prompt=prompt), ground.guild or DIRECT_CONFIG)
            price = self._studio.foresee(member, request)
        except Refused as refusal:
            sentence = wording.explain(refusal.code, refusal.data, mentions)
            return wording.say("test.refused", channel=where, sentence=sentence)
        passes = wording.say("test.passes", channel=where, price=wording.anlas(price.total))
        steered = is_steered_by_us(replace(request, safe=keeps_safe(member, ground)))
        return f"{passes}\n{wording.TEST_STEERED}" if steered else passes


def _in(requester: Requester, channel: Channel) -> Requester:
    parent = channel.parent if isinstance(channel, discord.Thread) else None
    return replace(
        requester,
        channel_id=channel.id,
        parent_id=parent.id if parent is not None else None,
        age_restricted=bool(getattr(parent or channel, "nsfw", False)),
    )


def _would_hit(hits: list[str], of: int) -> str:
    if not of:
        return wording.WORD_WOULD_HIT_NEW
    if not hits:
        return wording.counted("word.would_hit_none", of, of=of)
    examples = [f"-# {wording.inline(prompt, 120)}" for prompt in hits[:EXAMPLES]]
    return "\n".join([wording.counted("word.would_hit", of, of=of, hits=len(hits)), *examples])


async def setup(client: Naibot) -> None:
    """Add the cog."""
    services = client.services
    await client.add_cog(Rules(services.moderation, services.studio))
