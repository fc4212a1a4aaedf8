"""What follows for a member: heat from refusals, notes that must be read, pauses and blocks; each one is a case."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from bot.domain.case import BOT, HOUSE, Case, CaseKind, Decision, Filing, Ruling
from bot.domain.conduct import Conduct, Offence, Step, consequence, degrees, heat_at
from bot.domain.errors import Forbidden, Refused
from bot.domain.guild import REASON_LENGTH, Block
from bot.domain.job import Job
from bot.domain.record import Record
from bot.domain.request import Requester
from bot.domain.rules import check_moderator, check_operator
from bot.ports import CaseStore, Clock
from bot.services.guilds import Guilds
from bot.services.moderation import Moderation

_OFFENCES: Mapping[str, Offence] = {
    "word": Offence.WORD,
    "word.pattern": Offence.WORD,
    "word.hidden": Offence.DISGUISED,
    "locked": Offence.LOCKED,
}
CASES_MOST = 100
"""Of a member's newest cases in a server that their record counts."""
_COUNTED: Final = (Offence.DISGUISED, Offence.LOCKED)
"""What becomes a case of its own; a word that was typed openly is an accident, and only warms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRecord:
    """A member in one server, as a moderator sees them: *pictures* made here, *cases* the newest first."""

    user_id: int
    pictures: int
    heat: float
    conduct: Conduct
    block: Block | None
    unread: Case | None
    cases: tuple[Case, ...]


class Sanctions:
    """Every verb writes its case, block and notice in one transaction."""

    def __init__(self, store: CaseStore, guilds: Guilds, moderation: Moderation, clock: Clock) -> None:
        self._store = store
        self._guilds = guilds
        self._moderation = moderation
        self._clock = clock

    # --- by itself ---------------------------------------------------------------------------------------------------

    async def note_refusal(self, requester: Requester, refusal: Forbidden) -> Case | None:
        """
        Put a refusal on record: who, where and which rule; never what they wrote.

        A hidden word, and what is never made, is a case of its own and comes back. Heat may have consequences.
        """
        await self._moderation.note_refusal(requester, refusal)
        offence = _OFFENCES.get(refusal.code)
        if offence is None:
            return None
        if refusal.data.get("disguised"):
            offence = Offence.DISGUISED
        case = None
        if offence in _COUNTED:
            # Of what was written nothing is kept but a hash.
            digest = refusal.data.get("sha256")
            filing = _refusal(requester, refusal.code, {"sha256": digest} if digest else {})
            case = await self._store.file_case(filing, self._clock())
        await self._warm(requester.scope, requester.user_id, requester.channel_id, degrees(offence))
        return case

    async def note_picture(self, job: Job, spent: int, *, is_locked: bool = False) -> None:
        """A picture was made, perhaps paid for, and may not be shown."""
        offence = Offence.LOCKED if is_locked else Offence.PICTURE
        requester = job.requester
        await self._warm(requester.scope, requester.user_id, requester.channel_id, degrees(offence, spent))

    async def _warm(self, guild_id: int, user_id: int, channel_id: int, by: float) -> None:
        before, after = await self._store.heat_up(guild_id, user_id, by, self._clock())
        what = consequence(before, after)
        match what.step:
            case Step.NONE:
                return
            case Step.NOTE:
                await self._write(guild_id, user_id, channel_id, Decision.WARNED, "heat", needs_ack=True)
            case Step.PAUSE | Step.BLOCK:
                await self._keep_out(guild_id, user_id, channel_id, BOT, what.seconds, "", "heat")

    # --- by a moderator ----------------------------------------------------------------------------------------------

    async def warn(self, moderator: Requester, user_id: int, words: str) -> Case:
        """
        A note that its member must read before their next picture.

        Raises `Refused`: ``moderator.only``, ``not.served``, ``block.self``, ``block.operator``.
        """
        self._check(moderator, user_id)
        case = await self._write(
            moderator.scope,
            user_id,
            moderator.channel_id,
            Decision.WARNED,
            "moderator",
            actor=moderator.user_id,
            words=words[:REASON_LENGTH],
            needs_ack=True,
        )
        await self._store.heat_up(moderator.scope, user_id, degrees(Offence.WARNED), self._clock())
        return case

    async def pause(
        self, moderator: Requester, user_id: int, seconds: float | None, reason: str
    ) -> tuple[Case, Block, int]:
        """
        Keep a member from using the bot here for *seconds*, None until it is lifted; what waits is taken back.

        Returns the case, the block and how many jobs were taken back. Raises what `warn` raises.
        """
        self._check(moderator, user_id)
        return await self._keep_out(
            moderator.scope, user_id, moderator.channel_id, moderator.user_id, seconds, reason, "moderator"
        )

    async def pause_everywhere(
        self, operator: Requester, user_id: int, seconds: float | None, reason: str
    ) -> tuple[Case, Block, int]:
        """The operator's word, over every server and direct messages. Raises `Refused` ``operator.only``."""
        check_operator(operator, self._guilds.house)
        self._check_person(operator, user_id)
        return await self._keep_out(HOUSE, user_id, operator.channel_id, operator.user_id, seconds, reason, "operator")

    async def lift_everywhere(self, operator: Requester, user_id: int) -> None:
        """Take such a word back. Raises `Refused` ``operator.only`` or ``block.none``."""
        check_operator(operator, self._guilds.house)
        await self._moderation.lift(HOUSE, user_id, operator.user_id)

    async def hide(self, moderator: Requester, user_id: int, hides: bool) -> None:
        """Have all pictures of a member hidden behind a spoiler here, or not any more."""
        self._check(moderator, user_id)
        kind = "member.hidden" if hides else "member.shown"
        record = Record(
            at=self._clock(), kind=kind, guild_id=moderator.scope, actor=moderator.user_id, data={"member": user_id}
        )
        await self._store.order_spoiler(moderator.scope, user_id, hides, record)
        await self._moderation.reload(moderator.scope)

    async def member(self, moderator: Requester, user_id: int) -> MemberRecord:
        """A member's record here. Raises `Refused` ``moderator.only`` or ``not.served``."""
        check_moderator(moderator, self._moderation.ground(moderator))
        scope = moderator.scope
        conduct = await self._store.conduct(scope, user_id)
        cases = await self._store.cases(guild_id=scope, user_id=user_id, most=CASES_MOST)
        return MemberRecord(
            user_id=user_id,
            pictures=await self._store.made(scope, user_id),
            heat=heat_at(conduct, self._clock()),
            conduct=conduct,
            block=self._moderation.block_of(scope, user_id),
            unread=self._moderation.unread_of(scope, user_id),
            cases=tuple(cases),
        )

    async def acknowledge(self, requester: Requester, case_id: int) -> None:
        """The member has read their note. Raises `Refused` ``case.gone`` where there is nothing of theirs to read."""
        is_read = await self._store.acknowledge(case_id, requester.user_id, self._clock())
        # Their note may be of another server than the one in which they press.
        await self._moderation.load_unread()
        if not is_read:
            raise Refused("case.gone")

    # --- parts -------------------------------------------------------------------------------------------------------

    def _check(self, moderator: Requester, user_id: int) -> None:
        check_moderator(moderator, self._moderation.ground(moderator))
        self._check_person(moderator, user_id)

    def _check_person(self, actor: Requester, user_id: int) -> None:
        if user_id == actor.user_id:
            raise Refused("block.self")
        if user_id in self._guilds.house.operators:
            raise Refused("block.operator")

    async def _write(
        self,
        guild_id: int,
        user_id: int,
        channel_id: int,
        decision: Decision,
        reason: str,
        *,
        actor: int = BOT,
        words: str = "",
        needs_ack: bool = False,
    ) -> Case:
        filing = replace(
            _closed(guild_id, user_id, channel_id, CaseKind.SANCTION, reason, decision, actor),
            words=words,
            needs_ack=needs_ack,
        )
        ruling = Ruling(decision=decision, actor=actor, words=words, notice="told.warned")
        data = {"member": user_id, "reason": words}
        record = Record(at=self._clock(), kind="member.warned", guild_id=_known(guild_id), actor=actor, data=data)
        case = await self._store.sanction(filing, ruling, self._clock(), record)
        await self._moderation.load_unread()
        return case

    async def _keep_out(
        self,
        guild_id: int,
        user_id: int,
        channel_id: int,
        actor: int,
        seconds: float | None,
        words: str,
        reason: str,
    ) -> tuple[Case, Block, int]:
        words = words[:REASON_LENGTH]
        until = None if seconds is None else self._clock() + seconds
        block = Block(guild_id=guild_id, user_id=user_id, until=until, reason=words, actor=actor)
        decision = Decision.BLOCKED if seconds is None else Decision.PAUSED
        filing = replace(
            _closed(guild_id, user_id, channel_id, CaseKind.SANCTION, reason, decision, actor),
            words=words,
            data={"until": until},
        )
        ruling = Ruling(decision=decision, actor=actor, words=words, block=block, notice=f"told.{decision}")
        data = {"member": user_id, "until": until, "reason": words}
        record = Record(at=self._clock(), kind="member.blocked", guild_id=_known(guild_id), actor=actor, data=data)
        async with self._guilds.turn:
            case = await self._store.sanction(filing, ruling, self._clock(), record)
        taken = await self._moderation.keep_out(block)
        return case, block, taken


def _known(guild_id: int) -> int | None:
    return guild_id if guild_id > 0 else None


def _refusal(requester: Requester, code: str, data: Mapping[str, object]) -> Filing:
    filing = _closed(
        requester.scope, requester.user_id, requester.channel_id, CaseKind.REFUSAL, code, Decision.REFUSED, BOT
    )
    return replace(filing, data=data)


def _closed(
    guild_id: int, user_id: int, channel_id: int, kind: CaseKind, reason: str, decision: Decision, actor: int
) -> Filing:
    """A case that is closed from the start."""
    return Filing(
        guild_id=guild_id,
        user_id=user_id,
        kind=kind,
        reason=reason,
        channel_id=channel_id,
        decision=decision,
        actor=actor,
    )
