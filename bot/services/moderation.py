"""A server's own rules: its words, whom it blocks, what its admins change; and the ground on which the rules stand."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import msgspec

from bot.domain.case import HOUSE, Case
from bot.domain.change import CHANGE_LIFE, Change, Pending, What
from bot.domain.errors import Mistake, Refused
from bot.domain.guild import WORD_LENGTH, WORDS_MAX, Block, GuildConfig, plain_value, settings_of
from bot.domain.record import Record
from bot.domain.request import Requester
from bot.domain.rules import Ground, check_admin, check_moderator
from bot.domain.words import Words, find_in, fold
from bot.ports import CaseStore, Clock, GuildStore, JobStore
from bot.services.bell import Bell
from bot.services.guilds import Guilds
from bot.services.quotas import Quotas

LOOK_BACK = 50
"""Prompts of a server that a new word is tried on."""


class Moderation:
    """Words, blocks and changes of every server, cached as the settings are."""

    def __init__(
        self, store: GuildStore, cases: CaseStore, jobs: JobStore, guilds: Guilds, bell: Bell, clock: Clock
    ) -> None:
        self._store = store
        self._cases = cases
        self._jobs = jobs
        self._guilds = guilds
        self._quotas = Quotas(guilds)
        self._bell = bell
        self._clock = clock
        self._words: dict[int, dict[Words, str]] = {}
        self._blocks: dict[tuple[int, int], Block] = {}
        self._unread: dict[tuple[int, int], Case] = {}
        self._hidden: frozenset[tuple[int, int]] = frozenset()

    async def load(self) -> None:
        """Read every server's words and blocks."""
        words: dict[int, dict[Words, str]] = {}
        for guild_id, text in await self._store.words():
            words.setdefault(guild_id, {})[fold(text)] = text
        self._words = words
        self._blocks = {(block.guild_id, block.user_id): block for block in await self._store.blocks()}
        await self.load_unread()
        await self._load_hidden()

    async def load_unread(self) -> None:
        """Read again which notes have to be read."""
        notes = await self._cases.unread()
        # Reversed, so that of several the oldest stays.
        self._unread = {(case.guild_id, case.user_id): case for case in reversed(notes)}

    async def _load_hidden(self) -> None:
        ordered = await self._cases.conducts()
        self._hidden = frozenset((guild_id, user_id) for guild_id, user_id, _ in ordered)

    async def reload(self, guild_id: int) -> None:
        """Read one server's words and blocks again."""
        async with self._guilds.turn:
            self._words[guild_id] = {fold(text): text for text in await self._store.words_of(guild_id)}
            others = {key: block for key, block in self._blocks.items() if key[0] != guild_id}
            found = await self._store.blocks_of(guild_id)
            self._blocks = others | {(guild_id, block.user_id): block for block in found}
        await self.load_unread()
        await self._load_hidden()

    def ground(self, requester: Requester) -> Ground:
        """What the rules look at where *requester* stands; reads memory alone."""
        scope = requester.scope
        return Ground(
            guild=self._guilds.config(requester),
            house=self._guilds.house,
            words=self._words.get(scope, {}),
            block=self.block_of(scope, requester.user_id),
            unread=self.unread_of(scope, requester.user_id),
            is_hidden=(scope, requester.user_id) in self._hidden,
            channels=self._guilds.channels_of(scope),
        )

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

    async def keep_out(self, block: Block, case_id: int) -> int:
        """A block was written: it holds from now on, and what its member waits for is taken back; how many jobs."""
        block = replace(block, case_id=case_id)
        async with self._guilds.turn:
            self._blocks[block.guild_id, block.user_id] = block
        if block.guild_id == HOUSE:
            return sum([await self._withdraw(id_, block.user_id) for id_ in (0, *await self._store.configs())])
        return await self._withdraw(block.guild_id, block.user_id)

    async def unblock(self, moderator: Requester, user_id: int) -> None:
        """Let a member use the bot again. Raises `Refused` ``moderator.only`` or ``block.none``."""
        check_moderator(moderator, self.ground(moderator))
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

    async def _withdraw(self, guild_id: int, user_id: int) -> int:
        taken = 0
        for job in await self._jobs.of_member(guild_id, user_id):
            if await self._jobs.cancel(job.id, self._clock(), "withdrawn"):
                taken += 1
                self._bell.ring(job.id)
        return taken

    # --- words -------------------------------------------------------------------------------------------------------

    def words_of(self, guild_id: int) -> Sequence[str]:
        """The words that a server refuses, in alphabetical order."""
        return sorted(self._words.get(guild_id, {}).values(), key=str.casefold)

    async def would_hit(self, guild_id: int, text: str) -> tuple[list[str], int]:
        """Which of a server's last prompts a word would have refused, and of how many."""
        prompts = await self._jobs.last_prompts(guild_id, LOOK_BACK)
        # As many long prompts as this are work for a thread.
        return await asyncio.to_thread(lambda: [each for each in prompts if find_in(each, [fold(text)])]), len(prompts)

    def word_change(self, admin: Requester, text: str) -> Change:
        """
        The change that adds a word to the admin's server.

        Raises `Refused` ``admin.only``, `Mistake` ``word.empty``, ``word.known`` or ``word.many``.
        """
        check_admin(admin, self.ground(admin))
        text = " ".join(text.split())[:WORD_LENGTH]
        words = self._words.get(admin.scope, {})
        if not fold(text):
            raise Mistake("word.empty")
        if fold(text) in words:
            raise Mistake("word.known", word=words[fold(text)])
        if len(words) >= WORDS_MAX:
            raise Mistake("word.many", limit=WORDS_MAX)
        return Change(what=What.WORD_ADDED, name=text)

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
                return await self._add_word(admin, change.name)
            case What.WORD_REMOVED:
                return await self._remove_word(admin, change.name)
            case _:
                return await self._quotas.make(admin, change)

    async def _set(self, admin: Requester, change: Change) -> Change:
        await self._guilds.refresh(admin.scope)
        old = self._guilds.config(admin)
        if old is None or change.name not in settings_of(self._guilds.house):
            raise Mistake("setting.unknown")
        # What is kept as JSON becomes a setting again through the type of its field.
        values = {**msgspec.to_builtins(old), change.name: change.value}
        try:
            new = msgspec.convert(values, GuildConfig)
        except msgspec.ValidationError as error:
            raise Mistake("setting.unknown") from error
        before = plain_value(getattr(old, change.name))
        record = self._record("setting.changed", admin, key=change.name, old=before, new=change.value)
        await self._guilds.save(admin.scope, new, record)
        return replace(change, value=before)

    async def _add_word(self, admin: Requester, text: str) -> Change:
        word = self.word_change(admin, text).name
        record = self._record("word.added", admin, word=word)
        await self._store.add_word(admin.scope, word, record)
        self._words.setdefault(admin.scope, {})[fold(word)] = word
        return Change(what=What.WORD_REMOVED, name=word)

    async def _remove_word(self, admin: Requester, text: str) -> Change:
        word = self._words.get(admin.scope, {}).get(fold(text))
        record = self._record("word.removed", admin, word=word)
        if word is None or not await self._store.remove_word(admin.scope, word, record):
            raise Mistake("word.none")
        del self._words[admin.scope][fold(word)]
        return Change(what=What.WORD_ADDED, name=word)

    def _record(self, kind: str, actor: Requester, **data: object) -> Record:
        return self._guilds.record(kind, actor.scope, actor.user_id, **data)
