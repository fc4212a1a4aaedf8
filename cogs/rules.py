"""`/rules`: the words that a server refuses, and what a prompt would meet."""

import io
from collections.abc import Iterator, Mapping, Sequence
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
from bot.domain.rules import as_member, wants_safe
from bot.domain.wordlist import Hit, Rule, RuleKind, Then, Wordlist
from bot.services.moderation import Moderation
from bot.services.studio import REVIEW, Studio
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


def _choices(words: Mapping[str, str]) -> list[app_commands.Choice[str]]:
    return [app_commands.Choice(name=label, value=value) for value, label in words.items()]


@app_commands.default_permissions(manage_guild=True)
@app_commands.allowed_contexts(guilds=True)
@app_commands.allowed_installs(guilds=True)
class Rules(commands.GroupCog, group_name="rules", group_description=wording.RULES):
    """Manage Server is asked for again inside."""

    def __init__(self, moderation: Moderation, studio: Studio) -> None:
        self._moderation = moderation
        self._studio = studio

    @app_commands.command(name="add", description=wording.RULES_ADD)
    @app_commands.describe(text=wording.RULES_ADD_TEXT, then=wording.RULES_ADD_THEN, kind=wording.RULES_ADD_KIND)
    @app_commands.choices(then=_choices(wording.RULE_THEN), kind=_choices(wording.RULE_KINDS))
    async def add(
        self,
        interaction: Interaction,
        text: app_commands.Range[str, 1, WORD_LENGTH],
        then: app_commands.Choice[str] | None = None,
        kind: app_commands.Choice[str] | None = None,
    ) -> None:
        """Say first what it would hit; where it would have hit somebody, ask before it does."""
        requester, _, _ = admin_of(interaction)
        await acknowledge(interaction, private=True)
        rule = Rule(
            text=text,
            kind=RuleKind(kind.value) if kind else RuleKind.WORD,
            then=Then(then.value) if then else Then.REFUSE,
        )
        change = await self._moderation.word_change(requester, rule)
        rule = replace(rule, text=change.name)
        hits, of = await self._moderation.would_hit(requester.scope, rule)
        found = _would_hit(hits, of, rule.then)
        if not hits:
            undo = await self._moderation.apply(requester, change)
            pending = await self._moderation.keep(requester, undo)
            await tell(interaction, f"{found}\n{done_text(change, undo)}", view=row(undo_button(pending)))
            return
        pending = await self._moderation.keep(requester, change)
        yes = wording.BUTTON_REFUSE if rule.then is Then.REFUSE else wording.BUTTON_ADD_RULE
        controls = row(
            button("conf", pending.id, "yes", yes, primary=True),
            button("conf", pending.id, "no", wording.BUTTON_NOT_NOW),
        )
        await tell(interaction, f"{found}\n{ask_text(change)}", view=controls)

    @app_commands.command(name="allow", description=wording.RULES_ALLOW)
    @app_commands.describe(text=wording.RULES_ALLOW_TEXT)
    async def allow(self, interaction: Interaction, text: app_commands.Range[str, 1, WORD_LENGTH]) -> None:
        """At once, with a way back."""
        requester, _, _ = admin_of(interaction)
        await acknowledge(interaction, private=True)
        change = await self._moderation.word_change(requester, Rule(text=text, kind=RuleKind.ALLOWED))
        undo = await self._moderation.apply(requester, change)
        await offer_undo(interaction, change, undo, await self._moderation.keep(requester, undo))

    @app_commands.command(name="remove", description=wording.RULES_REMOVE)
    @app_commands.describe(text=wording.RULES_REMOVE_TEXT)
    async def remove(self, interaction: Interaction, text: app_commands.Range[str, 1, WORD_LENGTH]) -> None:
        """At once, with a way back."""
        requester, _, _ = admin_of(interaction)
        await acknowledge(interaction, private=True)
        change = Change(what=What.WORD_REMOVED, name=text)
        undo = await self._moderation.apply(requester, change)
        pending = await self._moderation.keep(requester, undo)
        await offer_undo(interaction, replace(undo, what=What.WORD_REMOVED), undo, pending)

    @remove.autocomplete("text")
    async def complete_word(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        """The entries on the list; for those who may see it."""
        requester = requester_of(interaction)
        rules = self._moderation.rules_of(requester.scope) if requester.may_manage else ()
        found = [rule.text for rule in rules if current.casefold() in rule.text.casefold()]
        return [app_commands.Choice(name=word, value=word) for word in found[:25]]

    @app_commands.command(name="list", description=wording.RULES_LIST)
    async def list_words(self, interaction: Interaction) -> None:
        """All of them; in a file where a card cannot hold them."""
        requester, _, _ = admin_of(interaction)
        await acknowledge(interaction, private=True)
        parts = list(_listed(self._moderation.list_of(requester.scope), interaction.client.mentions))
        files = []
        if sum(map(len, parts)) > LIST_MAX:
            lines = "\n".join(
                f"{rule.text}\t{rule.kind.value}\t{rule.then.value}"
                for rule in self._moderation.rules_of(requester.scope)
            )
            files = [discord.File(io.BytesIO(lines.encode()), filename="words.txt")]
            parts = [part.partition("\n")[0] for part in parts]
        view = card(parts)
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
            return "\n".join(
                [wording.say("test.refused", channel=where, sentence=sentence), *_why(refusal, prompt, ground.words)]
            )
        lines = [wording.say("test.passes", channel=where, price=wording.anlas(price.total))]
        if self._studio.waits_for(member, request) == REVIEW:
            lines = [wording.say("test.review", channel=where, sentence=wording.explain("review", {}))]
        if is_steered_by_us(replace(request, safe=wants_safe(member, request, ground))):
            lines.append(wording.TEST_STEERED)
        return "\n".join([*lines, *_found(ground.words.hits([prompt]))])


def _why(refusal: Refused, prompt: str, words: Wordlist) -> Iterator[str]:
    """The tier, and for the server's own rules what was found and how; never a locked word."""
    if refusal.code == "locked":
        yield wording.TEST_TIER["locked"]
    elif "rule" in refusal.data:
        yield from _found(words.hits([prompt]))


def _found(hits: Sequence[Hit]) -> Iterator[str]:
    """The first few rules, the strongest first, each with its tier."""
    for then in Then:
        mine = [hit for hit in hits if hit.rule.then is then]
        if mine:
            yield wording.TEST_TIER[then.value]
        for hit in mine[:EXAMPLES]:
            yield wording.say("test.rule", rule=_shown(hit.rule), seen=wording.TEST_SEEN[hit.seen.value])
            if hit.timed_out:
                yield wording.TEST_SLOW


def _shown(rule: Rule) -> str:
    return wording.WORDS_KIND[rule.kind.value].format(word=wording.inline(rule.text, WORD_LENGTH))


def _listed(words: Wordlist, mentions: dict[str, str]) -> Iterator[str]:
    """The parts of the list: what is refused, then what has other consequences, none or no effect."""
    in_force = [rule for rule in sorted(words.rules, key=lambda rule: rule.text.casefold()) if rule not in words.broken]
    wanted = [rule for rule in in_force if rule.kind is not RuleKind.ALLOWED]
    refused = [rule for rule in wanted if rule.then is Then.REFUSE]
    body = wording.listed(map(_shown, refused)) or ("" if words.rules else wording.say("words.empty", mentions))
    yield wording.say("words.heading", n=wording.count(len(refused))) + (f"\n{body}" if body else "")
    others = {
        "review": [rule for rule in wanted if rule.then is Then.REVIEW],
        "log": [rule for rule in wanted if rule.then is Then.LOG],
        "allowed": [rule for rule in in_force if rule.kind is RuleKind.ALLOWED],
        "broken": words.broken,
    }
    for key, rules in others.items():
        if rules:
            yield wording.say(f"words.{key}", n=wording.count(len(rules)), words=wording.listed(map(_shown, rules)))


def _in(requester: Requester, channel: Channel) -> Requester:
    parent = channel.parent if isinstance(channel, discord.Thread) else None
    return replace(
        requester,
        channel_id=channel.id,
        parent_id=parent.id if parent is not None else None,
        age_restricted=bool(getattr(parent or channel, "nsfw", False)),
    )


def _would_hit(hits: list[str], of: int, then: Then) -> str:
    if not of:
        return wording.WORD_WOULD_HIT_NEW
    key = "word.would_hit" if then is Then.REFUSE else "word.would_find"
    if not hits:
        return wording.counted(f"{key}_none", of, of=of)
    examples = [f"-# {wording.inline(prompt, 120)}" for prompt in hits[:EXAMPLES]]
    return "\n".join([wording.counted(key, of, of=of, hits=len(hits)), *examples])


async def setup(client: Naibot) -> None:
    """Add the cog."""
    services = client.services
    await client.add_cog(Rules(services.moderation, services.studio))
