"""A server's own rules: its words, whom it blocks, what its admins change; and the ground on which the rules stand."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

import msgspec

from bot.domain.case import HOUSE, Case
from bot.domain.change import CHANGE_LIFE, Change, Pending, What
from bot.domain.errors import Forbidden, Mistake, Refused
from bot.domain.guild import WORD_LENGTH, WORDS_MAX, Block, GuildConfig, plain_value, settings_of
from bot.domain.record import Record
from bot.domain.request import Requester
from bot.domain.rules import Ground, check_admin, check_moderator, check_pattern_writer
from bot.domain.wordlist import NOTHING, PATTERNS_MAX, Hit, Rule, RuleKind, Then, Wordlist, check_rule
from bot.ports import AuditStore, CaseStore, Clock, GuildStore, JobStore
from bot.services.bell import Bell
from bot.services.canary import Canary
from bot.services.guilds import Guilds
from bot.services.quotas import Quotas

log = logging.getLogger(__name__)

LOOK_BACK = 50
"""Prompts of a server that a new rule is tried on."""
SLOW_AGAIN = 3_600.0
"""Seconds after which the operator is told anew that a server's patterns are slow."""


class Moderation:
    """Words, blocks and changes of every server, cached as the settings are."""

    def __init__(
        self,
        store: GuildStore,
        cases: CaseStore,
        audit: AuditStore,
        jobs: JobStore,
        guilds: Guilds,
        bell: Bell,
        clock: Clock,
    ) -> None:
        self._store = store
        self._cases = cases
        self._audit = audit
        self._jobs = jobs
        self._guilds = guilds
        self._quotas = Quotas(guilds)
        self._bell = bell
        self._clock = clock
        self._lists: dict[int, Wordlist] = {}
        self._told_slow: dict[int, float] = {}
        self.canary = Canary(store, audit, clock, self._lists.values)
        self._blocks: dict[tuple[int, int], Block] = {}
        self._unread: dict[tuple[int, int], Case] = {}
        self._hidden: frozenset[tuple[int, int]] = frozenset()

    async def load(self) -> None:
        """Read every server's rules on words, its blocks, and what its members must read."""
        async with self._guilds.turn:
            rules: dict[int, list[Rule]] = {}
            for guild_id, rule in await self._store.words():
                rules.setdefault(guild_id, []).append(rule)
            lists = {guild_id: await _compiled(guild_id, found) for guild_id, found in rules.items()}
            # At once: a list that is empty for a moment refuses nothing.
            self._lists.clear()
            self._lists.update(lists)
            self._blocks = {(block.guild_id, block.user_id): block for block in await self._store.blocks()}
            await self.load_unread()
            await self._load_hidden()

    async def load_unread(self, guild_id: int | None = None) -> None:
        """Read again which notes have to be read, in one server or in all."""
        notes = await self._cases.unread(guild_id)
        others = {key: case for key, case in self._unread.items() if guild_id is not None and key[0] != guild_id}
        # Reversed, so that of several the oldest stays.
        self._unread = others | {(case.guild_id, case.user_id): case for case in reversed(notes)}

    async def _load_hidden(self) -> None:
        ordered = await self._cases.conducts()
        self._hidden = frozenset((guild_id, user_id) for guild_id, user_id, _ in ordered)

    async def reload(self, guild_id: int) -> None:
        """Read one server's words and blocks again."""
        async with self._guilds.turn:
            self._lists[guild_id] = await _compiled(guild_id, await self._store.words_of(guild_id))
            others = {key: block for key, block in self._blocks.items() if key[0] != guild_id}
            found = await self._store.blocks_of(guild_id)
            self._blocks = others | {(guild_id, block.user_id): block for block in found}
        await self.load_unread(guild_id)
        await self._load_hidden()

    def ground(self, requester: Requester) -> Ground:
        """What the rules look at where *requester* stands; reads memory alone."""
        scope = requester.scope
        return Ground(
            guild=self._guilds.config(requester),
            house=self._guilds.house,
            words=self.list_of(scope),
            block=self.block_of(scope, requester.user_id),
            unread=self.unread_of(scope, requester.user_id),
            is_hidden=(scope, requester.user_id) in self._hidden,
            channels=self._guilds.channels_of(scope),
        )

    async def note_refusal(self, requester: Requester, refusal: Forbidden) -> None:
        """
        Put a refusal on record: who, where and which rule; never what they wrote. `Sanctions` asks for it.

        Of what is never made only a hash of it is kept beside these.
        """
        told = ("sha256",) if refusal.code == "locked" else ("rule", "disguised")
        data = {"code": refusal.code, "channel": requester.channel_id}
        data |= {key: refusal.data[key] for key in told if refusal.data.get(key)}
        await self._write("refused", requester, data)
        if refusal.data.get("timed_out"):
            await self._tell_slow(requester)

    async def note_logged(self, requester: Requester, hit: Hit, job_id: int | None = None) -> None:
        """Put on record that a rule was found which only wants to be told of it."""
        data = {"rule": hit.rule.text, "channel": requester.channel_id}
        await self._write("rules.logged", requester, data, job_id)
        if hit.timed_out:
            await self._tell_slow(requester)

    async def _tell_slow(self, requester: Requester) -> None:
        """Tell the operator that a server's patterns take too long; once an hour."""
        guild_id, now = requester.scope, self._clock()
        if now - self._told_slow.get(guild_id, 0.0) >= SLOW_AGAIN:
            self._told_slow[guild_id] = now
            await self._write("rules.slow", requester, {"server": guild_id})

    async def _write(
        self, kind: str, requester: Requester, data: Mapping[str, object], job_id: int | None = None
    ) -> None:
        guild_id, actor = requester.scope or None, requester.user_id
        await self._audit.write(self._clock(), kind, guild_id=guild_id, actor=actor, job_id=job_id, data=data)

    # --- blocks ------------------------------------------------------------------------------------------------------

    def block_of(self, guild_id: int, user_id: int) -> Block | None:
        """A member's block in a server, or everywhere, while it lives."""
        return next((block for id_ in (HOUSE, guild_id) if (block := self._block_in(id_, user_id)) is not None), None)

    def _block_in(self, guild_id: int, user_id: int) -> Block | None:
        block = self._blocks.get((guild_id, user_id))
        is_over = block is not None and block.until is not None and block.until <= self._clock()
        return None if is_over else block

    def unread_of(self, guild_id: int, user_id: int) -> Case | None:
        """The oldest note that a member must read before their next picture in a server."""
        return self._unread.get((guild_id, user_id))

    async def keep_out(self, block: Block) -> int:
        """A block was written: it holds from now on, and what its member waits for is taken back; how many jobs."""
        async with self._guilds.turn:
            await self._follow(block.guild_id, block.user_id)
        if block.guild_id == HOUSE:
            return sum(
                [await self._withdraw(id_, block.user_id, block.actor) for id_ in (0, *await self._store.configs())]
            )
        return await self._withdraw(block.guild_id, block.user_id, block.actor)

    async def _follow(self, guild_id: int, user_id: int) -> None:
        """Read a member's block again: one that lasts longer may stand in the place of what was written."""
        kept = {block.user_id: block for block in await self._store.blocks_of(guild_id)}
        self._blocks.pop((guild_id, user_id), None)
        if user_id in kept:
            self._blocks[guild_id, user_id] = kept[user_id]

    async def unblock(self, moderator: Requester, user_id: int) -> None:
        """Let a member use the bot again. Raises `Refused` ``moderator.only``, ``block.self`` or ``block.none``."""
        check_moderator(moderator, self.ground(moderator))
        if user_id == moderator.user_id:
            raise Refused("block.self")
        await self.lift(moderator.scope, user_id, moderator.user_id)

    async def lift(self, guild_id: int, user_id: int, actor: int) -> None:
        """End a block, which the caller may. Raises `Refused` ``block.none``."""
        record = Record(
            at=self._clock(),
            kind="member.unblocked",
            guild_id=guild_id if guild_id > 0 else None,
            actor=actor,
            data={"member": user_id},
        )
        async with self._guilds.turn:
            is_changed = await self._store.unblock(guild_id, user_id, record)
            self._blocks.pop((guild_id, user_id), None)
        if not is_changed:
            raise Refused("block.none", member=user_id)

    async def _withdraw(self, guild_id: int, user_id: int, actor: int) -> int:
        taken = 0
        for job in await self._jobs.of_member(guild_id, user_id):
            if await self._jobs.cancel(job.id, self._clock(), "withdrawn", actor=actor):
                taken += 1
                self._bell.ring(job.id)
        return taken

    # --- words -------------------------------------------------------------------------------------------------------

    def list_of(self, guild_id: int) -> Wordlist:
        """A server's rules on words, compiled."""
        return self._lists.get(guild_id, NOTHING)

    def words_of(self, guild_id: int) -> Sequence[str]:
        """What a server's rules look for, in alphabetical order; without what it allows."""
        return [rule.text for rule in self.rules_of(guild_id) if rule.kind is not RuleKind.ALLOWED]

    def rules_of(self, guild_id: int) -> Sequence[Rule]:
        """A server's rules on words, allowed ones included, in alphabetical order."""
        return sorted(self.list_of(guild_id).rules, key=lambda rule: rule.text.casefold())

    async def would_hit(self, guild_id: int, rule: Rule) -> tuple[list[str], int]:
        """
        Which of a server's last prompts a rule would have hit, and of how many.

        Raises `Mistake` ``pattern.slow`` with the prompt on which it takes too long.
        """
        prompts = await self._jobs.last_prompts(guild_id, LOOK_BACK)
        # As many long prompts as this are work for a thread.
        return await asyncio.to_thread(_hit_by, rule, prompts), len(prompts)

    async def word_change(self, admin: Requester, rule: Rule) -> Change:
        """
        The change that adds a rule on words to the admin's server.

        Raises `Refused` ``admin.only`` or ``pattern.only``, `Mistake` ``word.known``, ``word.many``,
        ``pattern.many``, and those of `check_rule`.
        """
        self._check_writer(admin, rule)
        rule = replace(rule, text=" ".join(rule.text.split())[:WORD_LENGTH])
        words = self.list_of(admin.scope)
        if (known := words.known(rule.text)) is not None:
            raise Mistake("word.known.allowed" if known.kind is RuleKind.ALLOWED else "word.known", word=known.text)
        if len(words.rules) >= WORDS_MAX:
            raise Mistake("word.many", limit=WORDS_MAX)
        if rule.kind is RuleKind.PATTERN and _patterns(words) >= PATTERNS_MAX:
            raise Mistake("pattern.many", limit=PATTERNS_MAX)
        await asyncio.to_thread(check_rule, rule)
        return Change(what=What.WORD_ADDED, name=rule.text, value=_plain(rule))

    def _check_writer(self, admin: Requester, rule: Rule) -> None:
        ground = self.ground(admin)
        check_admin(admin, ground)
        if rule.kind is RuleKind.PATTERN:
            check_pattern_writer(admin, ground.house)

    # --- changes -----------------------------------------------------------------------------------------------------

    async def apply(self, admin: Requester, change: Change) -> Change:
        """
        Make a change in the admin's server, on record; returns the change that takes it back.

        Raises `Refused` ``admin.only`` or ``not.served`` and `Mistake` where it cannot be made.
        """
        check_admin(admin, self.ground(admin))
        async with self._guilds.turn:
            return await self._make(admin, change)

    async def set(self, admin: Requester, key: str, value: object) -> Change:
        """Change one setting; see `apply`."""
        return await self.apply(admin, Change(what=What.SETTING, name=key, value=plain_value(value)))

    def check_change(self, admin: Requester, change: Change) -> None:
        """Raise `Refused` for a change that would not be made; asked before somebody is asked to confirm it."""
        check_admin(admin, self.ground(admin))
        config = self._guilds.config(admin)
        if change.what is What.SETTING and config is not None:
            self._check_log(admin, change.name, _changed(config, change))

    def _check_log(self, admin: Requester, key: str, new: GuildConfig) -> None:
        """
        Raise `Refused` ``log.needed`` or ``log.kept`` where age-restricted use would have nowhere to be told of.

        Only for these two settings: in a server where it was so before, the others can still be changed.
        """
        channels = self._guilds.channels_of(admin.scope)
        is_there = new.log_channel is not None and (channels is None or new.log_channel in channels)
        if key == "age_restricted" and new.age_restricted and not is_there:
            raise Refused("log.needed")
        if key == "log_channel" and new.age_restricted and not is_there:
            raise Refused("log.kept")

    async def keep(self, admin: Requester, change: Change) -> Pending:
        """Keep a change for this admin's press, for 15 minutes."""
        expires_at = self._clock() + CHANGE_LIFE
        return await self._store.keep_change(admin.scope, admin.user_id, change, expires_at)

    async def carry_out(self, admin: Requester, pending_id: int) -> tuple[Change, Change]:
        """
        Make a kept change, once; returns it and what takes it back. Raises what `apply` and `let_go` raise.

        It is dropped after it was made: made twice after a crash it is the same, dropped first it would be lost.
        """
        check_admin(admin, self.ground(admin))
        async with self._guilds.turn:
            change = await self._kept(admin, pending_id)
            undo = await self._make(admin, change)
            await self._store.drop_change(pending_id)
        return change, undo

    async def let_go(self, admin: Requester, pending_id: int) -> Change:
        """Drop a kept change. Raises `Refused` ``change.gone`` where it is not theirs, or not any more."""
        change = await self._kept(admin, pending_id)
        await self._store.drop_change(pending_id)
        return change

    async def _kept(self, admin: Requester, pending_id: int) -> Change:
        pending = await self._store.kept_change(pending_id)
        is_theirs = pending is not None and (pending.guild_id, pending.user_id) == (admin.scope, admin.user_id)
        if pending is None or not is_theirs or pending.expires_at <= self._clock():
            raise Refused("change.gone")
        return pending.change

    async def _make(self, admin: Requester, change: Change) -> Change:
        match change.what:
            case What.SETTING:
                return await self._set(admin, change)
            case What.WORD_ADDED:
                return await self._add_word(admin, change)
            case What.WORD_REMOVED:
                return await self._remove_word(admin, change.name)
            case _:
                return await self._quotas.make(admin, change)

    async def _set(self, admin: Requester, change: Change) -> Change:
        await self._guilds.refresh(admin.scope)
        old = self._guilds.config(admin)
        if old is None or change.name not in settings_of(self._guilds.house):
            raise Mistake("setting.unknown")
        new = _changed(old, change)
        self._check_log(admin, change.name, new)
        before = plain_value(getattr(old, change.name))
        record = self._record("setting.changed", admin, key=change.name, old=before, new=change.value)
        await self._guilds.save(admin.scope, new, record)
        return replace(change, value=before)

    async def _add_word(self, admin: Requester, change: Change) -> Change:
        rule = _rule_of(change)
        change = await self.word_change(admin, rule)
        rule = _rule_of(change)
        record = self._record("word.added", admin, word=rule.text, rule_kind=rule.kind.value, then=rule.then.value)
        await self._store.add_word(admin.scope, rule, record)
        self._lists[admin.scope] = await _compiled(admin.scope, [*self.list_of(admin.scope).rules, rule])
        return replace(change, what=What.WORD_REMOVED)

    async def _remove_word(self, admin: Requester, text: str) -> Change:
        words = self.list_of(admin.scope)
        rule = words.known(text)
        if rule is None:
            raise Mistake("word.none")
        self._check_writer(admin, rule)
        record = self._record("word.removed", admin, word=rule.text, rule_kind=rule.kind.value, then=rule.then.value)
        if not await self._store.remove_word(admin.scope, rule.text, record):
            raise Mistake("word.none")
        self._lists[admin.scope] = await _compiled(admin.scope, [each for each in words.rules if each is not rule])
        return Change(what=What.WORD_ADDED, name=rule.text, value=_plain(rule))

    def _record(self, kind: str, actor: Requester, **data: object) -> Record:
        return self._guilds.record(kind, actor.scope, actor.user_id, **data)


def _changed(old: GuildConfig, change: Change) -> GuildConfig:
    """The settings after a change; what is kept as JSON becomes a setting again through the type of its field."""
    values = {**msgspec.to_builtins(old), change.name: change.value}
    try:
        return msgspec.convert(values, GuildConfig)
    except msgspec.ValidationError as error:
        raise Mistake("setting.unknown") from error


async def _compiled(guild_id: int, rules: Sequence[Rule]) -> Wordlist:
    # A thousand rules take 50 ms.
    words = await asyncio.to_thread(Wordlist, rules)
    if words.broken:
        log.warning("server %s: %s rules cannot be used and are left out", guild_id, len(words.broken))
    return words


def _hit_by(rule: Rule, prompts: Sequence[str]) -> list[str]:
    alone, found = Wordlist([replace(rule, then=Then.REFUSE)]), []
    for prompt in prompts:
        hits = [hit for hit in alone.hits([prompt]) if hit.rule.text == rule.text]
        if any(hit.timed_out for hit in hits):
            raise Mistake("pattern.slow", example=prompt[:60])
        if hits:
            found.append(prompt)
    return found


def _patterns(words: Wordlist) -> int:
    return sum(rule.kind is RuleKind.PATTERN for rule in words.rules)


def _plain(rule: Rule) -> dict[str, str]:
    """What a change keeps of a rule beside its text, as JSON has it."""
    return {"kind": rule.kind.value, "then": rule.then.value}


def _rule_of(change: Change) -> Rule:
    """The rule of a change; one that was kept before there were kinds is a word that is refused."""
    value = change.value if isinstance(change.value, dict) else {}
    return Rule(
        text=change.name,
        kind=RuleKind(value.get("kind", RuleKind.WORD)),
        then=Then(value.get("then", Then.REFUSE)),
    )
