"""Cases: what waits for a moderator's decision, what members report, and how a decision is looked at again."""

import asyncio
from collections.abc import Sequence

from bot.domain.admission import Standing, Ticket, decide
from bot.domain.anlas import Price
from bot.domain.case import (
    DECISIONS,
    Case,
    CaseKind,
    Decision,
    Dossier,
    Filing,
    Notice,
    Report,
    Ruling,
    check_appealable,
    check_decidable,
    is_told,
)
from bot.domain.conduct import Offence, degrees
from bot.domain.errors import Forbidden, LimitReached, Mistake, Refused
from bot.domain.guild import REASON_LENGTH, Block, GuildConfig
from bot.domain.job import Delivery, Job, JobState
from bot.domain.record import Record
from bot.domain.request import Picture, Request, Requester
from bot.domain.rules import check_moderator, judge, judge_member
from bot.domain.wordlist import Hit
from bot.ports import AuditStore, CaseStore, Clock, JobStore
from bot.services.accounts import Accounts
from bot.services.bell import Bell
from bot.services.guilds import Guilds
from bot.services.moderation import Moderation

CARD_LEASE = 30.0
"""Seconds for which one process has a card, or a notice, to itself."""
DAY = 86_400.0
REPORT_WINDOW = 3_600.0
REPORTS_MOST = 10
"""Reports of one member in an hour, over all servers."""
REPORT_WORDS = 500
APPEAL_WORDS = (20, 1_000)
APPEALS_MOST = 5
"""Of one member that are looked at, at the same time."""
SOON = 0.5
"""Seconds a handler that opens a form may read before it acknowledges."""
LIST_MOST = 25

_LOSES = (Decision.REJECTED, Decision.WARNED, Decision.BLOCKED)


class Cases:
    """The moderators' desk."""

    def __init__(
        self,
        store: CaseStore,
        jobs: JobStore,
        audit: AuditStore,
        guilds: Guilds,
        moderation: Moderation,
        accounts: Accounts,
        bell: Bell,
        clock: Clock,
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._audit = audit
        self._guilds = guilds
        self._moderation = moderation
        self._accounts = accounts
        self._bell = bell
        self._clock = clock
        self.news = asyncio.Event()
        """Set when a card or a notice became due by what was done in this process."""

    # --- reading -----------------------------------------------------------------------------------------------------

    async def case(self, requester: Requester, case_id: int) -> Case:
        """A case of the moderator's server, or of one's own. Raises `Refused` ``case.gone`` or ``moderator.only``."""
        case = await self._store.case(case_id)
        is_appeal = case is not None and case.kind is CaseKind.APPEAL
        if case is not None and is_appeal and requester.user_id in self._guilds.house.operators:
            return case
        if case is None or (case.user_id != requester.user_id and case.guild_id != requester.scope):
            raise Refused("case.gone")
        if case.user_id != requester.user_id:
            check_moderator(requester, self._moderation.ground(requester))
        return case

    async def case_to_judge(self, moderator: Requester, case_id: int) -> Case:
        """
        A case as a moderator sees it: of the server where they stand, or an appeal to the operator.

        Raises `Refused` ``case.gone``, also for one's own of another server, or ``moderator.only``.
        """
        case = await self.case(moderator, case_id)
        if case.kind is CaseKind.APPEAL and moderator.user_id in self._guilds.house.operators:
            return case
        if case.guild_id != moderator.scope:
            raise Refused("case.gone")
        check_moderator(moderator, self._moderation.ground(moderator))
        return case

    async def own_case(self, requester: Requester, case_id: int) -> Case:
        """A case about the one who asks. Raises `Refused` ``case.gone``."""
        case = await self._store.case(case_id)
        if case is None or case.user_id != requester.user_id:
            raise Refused("case.gone")
        return case

    async def case_soon(self, requester: Requester, case_id: int) -> Case:
        """The same for a handler that opens a form and so may not wait. Raises `Refused` ``slow`` too."""
        try:
            async with asyncio.timeout(SOON):
                return await self.case(requester, case_id)
        except TimeoutError as error:
            raise Refused("slow") from error

    async def of_server(
        self, moderator: Requester, *, is_open: bool | None = True, kinds: Sequence[CaseKind] = (), user_id: int | None
    ) -> Sequence[Case]:
        """Cases of a moderator's server, open ones oldest first. Raises `Refused` ``moderator.only``."""
        check_moderator(moderator, self._moderation.ground(moderator))
        return await self._store.cases(
            guild_id=moderator.scope, user_id=user_id, kinds=kinds, is_open=is_open, most=LIST_MOST
        )

    def seconds_since(self, at: float) -> float:
        """How long ago that was."""
        return self._clock() - at

    async def now(self, case: Case) -> Case:
        """The case as it stands at this moment."""
        return await self._store.case(case.id) or case

    async def proposal_of(self, job_id: int) -> Case:
        """The case in which a suggestion waits. Raises `Refused` ``case.gone``."""
        case = await self._store.case_of_job(job_id, CaseKind.PROPOSAL)
        if case is None:
            raise Refused("case.gone")
        return case

    async def dossier(self, case: Case) -> Dossier:
        """A case with all that its card says."""
        parent = await self._store.case(case.parent_id) if case.parent_id is not None else None
        about = parent or case
        return Dossier(
            case=case,
            job=await self.job_of(about),
            parent=parent,
            pictures=await self._store.made(case.guild_id, case.user_id),
            warnings=await self.warnings_of(case),
            reports=tuple(await self.reports_of(about)),
        )

    async def appeals_of(self, case: Case) -> Sequence[Case]:
        """The appeals of a case, the newest first."""
        found = await self._store.cases(user_id=case.user_id, kinds=[CaseKind.APPEAL], most=100)
        return [each for each in found if each.parent_id == case.id]

    async def own(self, requester: Requester) -> Sequence[Case]:
        """The newest decisions about *requester*, over all servers; who reported something is never among them."""
        found = await self._store.cases(user_id=requester.user_id, most=LIST_MOST)
        return [case for case in found if is_told(case)]

    async def job_of(self, case: Case) -> Job | None:
        """The job that a case is about, as far as it is known."""
        return await self._jobs.get(case.job_id) if case.job_id is not None else None

    async def reports_of(self, case: Case) -> Sequence[Report]:
        """What members said; who they are is for nobody to show."""
        return await self._store.reports_of(case.id)

    async def warnings_of(self, case: Case) -> int:
        """How often the member of a case was warned or kept out before."""
        cases = await self._store.cases(guild_id=case.guild_id, user_id=case.user_id, most=100)
        return sum(each.decision in (Decision.WARNED, Decision.PAUSED, Decision.BLOCKED) for each in cases)

    async def look(self, moderator: Requester, case_id: int) -> tuple[Case, Sequence[Picture]]:
        """
        The pictures that a case is about, for one moderator's eyes; who looked is on record.

        Raises `Refused`: ``case.gone``, ``moderator.only``, ``case.own``, ``case.house`` (nobody looks at what is never
        made), ``look.place`` (the review channel is not age-restricted) and ``look.none`` (the pictures are gone).
        """
        case = await self.case_to_judge(moderator, case_id)
        if case.user_id == moderator.user_id:
            raise Refused("case.own")
        if case.is_locked:
            raise Refused("case.house")
        if not moderator.age_restricted:
            raise Refused("look.place")
        pictures = await self._jobs.pictures(case.job_id) if case.job_id is not None and case.is_open else ()
        if not pictures:
            raise Refused("look.none")
        await self._note("case.looked", moderator, case)
        return case, pictures

    # --- deciding ----------------------------------------------------------------------------------------------------

    async def decide(
        self,
        moderator: Requester,
        case_id: int,
        decision: Decision,
        *,
        words: str = "",
        seconds: float | None = None,
    ) -> Case:
        """
        Decide a case; the first decision counts.

        *words* go to its member; *seconds* is how long a block lasts, None until it is lifted. Raises `Refused`:
        ``case.gone``, ``moderator.only``, ``case.own``, ``case.house``, or ``case.decided`` with who was first.
        """
        case = await self.case(moderator, case_id)
        self._check_decidable(case, decision, moderator)
        words = words[:REASON_LENGTH]
        ruling = Ruling(
            decision=decision,
            actor=moderator.user_id,
            words=words,
            needs_ack=decision is Decision.WARNED,
            block=self._block(case, moderator, decision, seconds, words),
            notice=_notice(case, decision),
        )
        if case.kind is CaseKind.PROPOSAL and decision is Decision.APPROVED:
            await self._approve(moderator, case, ruling)
        elif await self._store.decide(case.id, ruling, self._clock()) is None:
            raise await self._decided_already(case)
        return await self._after(case, ruling)

    def _check_decidable(self, case: Case, decision: Decision, moderator: Requester) -> None:
        is_operator = moderator.user_id in self._guilds.house.operators
        if not (case.kind is CaseKind.APPEAL and is_operator):
            check_decidable(case, decision, moderator)
        elif decision not in DECISIONS[CaseKind.APPEAL]:
            raise Refused("case.gone")
        judge_member(self._moderation.ground(moderator))

    async def _after(self, case: Case, ruling: Ruling) -> Case:
        self.news.set()
        if case.job_id is not None:
            self._bell.ring(case.job_id)
        if ruling.block is not None:
            await self._moderation.keep_out(ruling.block)
        if case.kind is CaseKind.HELD and ruling.decision in _LOSES:
            await self._warm(case)
        await self._moderation.reload(case.guild_id)
        decided = await self._store.case(case.id)
        return decided or case

    async def _warm(self, case: Case) -> None:
        """A picture that was made and rejected raises heat by what it cost the house."""
        job = await self.job_of(case)
        spent = job.spent if job is not None else 0
        await self._store.heat_up(case.guild_id, case.user_id, degrees(Offence.PICTURE, spent), self._clock())

    async def _decided_already(self, case: Case) -> Refused:
        current = await self._store.case(case.id)
        if current is None or current.decision is None:
            return Refused("case.gone")
        return decided_already(current)

    def _block(
        self, case: Case, moderator: Requester, decision: Decision, seconds: float | None, words: str
    ) -> Block | None:
        if decision is not Decision.BLOCKED:
            return None
        if case.user_id in self._guilds.house.operators:
            raise Refused("block.operator")
        until = None if seconds is None else self._clock() + seconds
        return Block(guild_id=case.guild_id, user_id=case.user_id, until=until, reason=words, actor=moderator.user_id)

    # --- suggestions -------------------------------------------------------------------------------------------------

    async def _approve(self, moderator: Requester, case: Case, ruling: Ruling) -> None:
        """
        Admit a suggestion at its price of this moment, against the server's and the house's limits.

        The member's own limits are not asked: they suggested, and others said yes. The rules are.
        """
        job = await self.job_of(case)
        if job is None or job.request is None or job.state is not JobState.PROPOSED:
            raise await self._decided_already(case)
        hit = self._judge_again(job, job.request)
        price = self._price(job, job.request)
        now = self._clock()
        limits = self._guilds.limits_of_server(job.requester)

        def turn(standing: Standing) -> Ticket:
            pictures = job.pictures
            return decide(pictures=pictures, anlas=price.total, now=now, limits=limits, standing=standing)

        if await self._store.approve(case.id, ruling, price.total, now, turn) is None:
            raise await self._decided_already(case)
        if hit is not None:
            await self._moderation.note_logged(job.requester, hit, job.id)

    def _judge_again(self, job: Job, request: Request) -> Hit | None:
        """
        The rules hold for suggestions too; what only needs a yes has it now. Returns what a rule wants to be told of.

        Raises `Refused` ``suggestion.refused``: a refusal of its own kind would be the moderator's who said yes.
        """
        try:
            return judge(job.requester, request, self._moderation.ground(job.requester), approved=True)
        except Forbidden as refusal:
            raise Refused("suggestion.refused", refusal=refusal.code) from refusal

    def _price(self, job: Job, request: Request) -> Price:
        price = self._accounts.cheapest(request)
        if price.total > job.price:
            raise LimitReached("price.changed", old=job.price, new=price.total)
        return price

    # --- reports -----------------------------------------------------------------------------------------------------

    async def report(self, requester: Requester, job_id: int, reason: str, words: str) -> tuple[Case, bool]:
        """
        Report a shown picture; whether it has to be hidden now, because enough members did.

        Raises `Refused`: what `reportable` raises, and ``report.twice``; `LimitReached` ``report.many``.
        """
        job = await self.reportable(requester, job_id)
        now = self._clock()
        if await self._store.reports_by(requester.user_id, now - REPORT_WINDOW) >= REPORTS_MOST:
            raise LimitReached("report.many")
        config = self._guilds.config(requester) or GuildConfig()
        filing = Filing(
            guild_id=requester.scope,
            user_id=job.user_id,
            kind=CaseKind.REPORT,
            reason=reason,
            channel_id=job.requester.channel_id,
            job_id=job_id,
            due_at=now + config.case_days * DAY,
        )
        report = Report(user_id=requester.user_id, reason=reason, words=words[:REPORT_WORDS])
        made = await self._store.report(filing, report, now)
        if made is None:
            raise Refused("report.twice")
        case, count = made
        self.news.set()
        # Not only at the very number: what could not be hidden then is hidden at the next one.
        return case, count >= config.report_limit

    async def reportable(self, requester: Requester, job_id: int) -> Job:
        """
        The job whose picture *requester* may report.

        Raises `Refused` ``blocked.member``, ``picture.none`` (not in this server, or nobody else sees it) or
        ``report.own``.
        """
        judge_member(self._moderation.ground(requester))
        job = await self._jobs.get(job_id)
        if job is None or not _is_public_in(requester.scope, job):
            raise Refused("picture.none")
        if not is_reportable(requester, job):
            raise Refused("report.own")
        return job

    async def reportable_soon(self, requester: Requester, job_id: int) -> Job:
        """The same for a handler that opens a form. Raises `Refused` ``slow`` too."""
        try:
            async with asyncio.timeout(SOON):
                return await self.reportable(requester, job_id)
        except TimeoutError as error:
            raise Refused("slow") from error

    async def cover(self, job: Job, *, covers: bool) -> Job:
        """Have a shown picture hidden wherever it is shown from now on, or not any more; the job as it is then."""
        kind = "picture.hidden" if covers else "picture.revealed"
        guild_id = job.requester.scope or None
        record = Record(at=self._clock(), kind=kind, guild_id=guild_id, actor=None, job_id=job.id, data={})
        await self._store.cover(job.id, covers, record)
        return await self._jobs.get(job.id) or job

    # --- appeals -----------------------------------------------------------------------------------------------------

    async def check_appeal(self, requester: Requester, case_id: int) -> Case:
        """
        The case, if *requester* may appeal it.

        Raises `Refused`: ``case.gone``, ``appeal.none``, ``appeal.open``, ``appeal.over``; `LimitReached`
        ``appeal.many``.
        """
        case = await self._store.case(case_id)
        if case is None:
            raise Refused("case.gone")
        check_appealable(case, requester)
        # One appeal each: what was looked at twice is decided.
        about = await self._store.cases(user_id=requester.user_id, kinds=[CaseKind.APPEAL], most=LIST_MOST)
        for appeal in about:
            if appeal.parent_id == case.id:
                raise Refused("appeal.open" if appeal.is_open else "appeal.over")
        if sum(appeal.is_open for appeal in about) >= APPEALS_MOST:
            raise LimitReached("appeal.many", limit=APPEALS_MOST)
        return case

    async def check_appeal_soon(self, requester: Requester, case_id: int) -> Case:
        """The same for a handler that opens a form. Raises `Refused` ``slow`` too."""
        try:
            async with asyncio.timeout(SOON):
                return await self.check_appeal(requester, case_id)
        except TimeoutError as error:
            raise Refused("slow") from error

    async def appeal(self, requester: Requester, case_id: int, words: str) -> tuple[Case, Case]:
        """
        Ask for a second look; the case and its appeal.

        Raises what `check_appeal` raises, and `Mistake` ``appeal.length``.
        """
        case = await self.check_appeal(requester, case_id)
        low, high = APPEAL_WORDS
        if not low <= len(words.strip()) <= high:
            raise Mistake("appeal.length", low=low, high=high)
        filing = Filing(
            guild_id=case.guild_id,
            user_id=case.user_id,
            kind=CaseKind.APPEAL,
            reason=case.reason,
            channel_id=case.channel_id,
            parent_id=case.id,
            data={"words": words.strip(), "first": case.actor},
        )
        filed = await self._store.file_case(filing, self._clock())
        self.news.set()
        return case, filed

    # --- by itself ---------------------------------------------------------------------------------------------------

    async def expire(self) -> None:
        """Close what nobody decided in time."""
        for case in await self._store.expire_cases(self._clock()):
            if case.job_id is not None:
                self._bell.ring(case.job_id)

    async def next_card(self) -> Case | None:
        """A case whose card is missing or old, for a while nobody else's."""
        now = self._clock()
        return await self._store.next_card(now, now + CARD_LEASE)

    async def carded(self, case: Case, channel_id: int | None, message_id: int | None) -> None:
        """The card shows *case* as it is; None where there is nowhere to show it."""
        await self._store.carded(case, channel_id, message_id)

    async def card_later(self, case: Case, seconds: float) -> None:
        """It could not be shown now."""
        await self._store.retry_card(case.id, self._clock() + seconds)

    async def undone(self, case: Case) -> None:
        """What was decided could not be done to the picture; the card says so."""
        await self._store.note_undone(case.id)

    async def next_notice(self) -> tuple[Notice, Case] | None:
        """What a member has to be told next, with its case."""
        now = self._clock()
        notice = await self._store.next_notice(now, now + CARD_LEASE)
        if notice is None:
            return None
        case = await self._store.case(notice.case_id)
        if case is None:
            await self._store.told(notice.id, reached=False)
            return None
        return notice, case

    async def told(self, notice: Notice, *, reached: bool) -> None:
        """They were told, or cannot be reached and find it in /cases."""
        await self._store.told(notice.id, reached=reached)

    async def _note(self, kind: str, requester: Requester, case: Case) -> None:
        data = {"case": case.id, "kind": case.kind.value, "member": case.user_id}
        await self._audit.write(
            self._clock(),
            kind,
            guild_id=requester.scope or None,
            actor=requester.user_id,
            job_id=case.job_id,
            data=data,
        )


def decided_already(case: Case) -> Refused:
    """That somebody was quicker: who, and how."""
    code = "case.decided" if case.actor else "case.over"
    return Refused(code, actor=case.actor, decision=f"{case.kind}.{case.decision}")


def is_reportable(requester: Requester, job: Job) -> bool:
    """Whether *requester* sees somebody else's picture of this server in a job."""
    return job.user_id != requester.user_id and _is_public_in(requester.scope, job)


def _is_public_in(scope: int, job: Job) -> bool:
    """Whether everybody in the channel sees, or saw, what became of a job."""
    is_shown = job.state is JobState.DONE and (job.delivery is Delivery.SHOWN or job.shown_as is not None)
    is_private = job.place is None or job.place.ephemeral
    return scope != 0 and job.requester.scope == scope and is_shown and not is_private


def _notice(case: Case, decision: Decision) -> str:
    """What the member is told by message: not what the courier tells them anyway."""
    match case.kind, decision:
        case CaseKind.APPEAL, _:
            return f"told.appeal.{decision}"
        case ((CaseKind.HELD | CaseKind.REPORT), (Decision.WARNED | Decision.BLOCKED | Decision.DELETED)):
            return f"told.{decision}"
        case _:
            return ""
