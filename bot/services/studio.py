"""From a wish to a job: rules, price, the question, admission; and what a member may do with it afterwards."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bot.domain.admission import Quota, Standing, Ticket, decide, quota_of
from bot.domain.anlas import Price, is_free_form
from bot.domain.case import Case, CaseKind, Filing
from bot.domain.errors import Forbidden, LimitReached, NeedsReview, Refused
from bot.domain.guild import GuildConfig
from bot.domain.job import DRAFT_LIFE, Application, Delivery, Draft, Job, JobState
from bot.domain.model import CAPABILITIES
from bot.domain.prompt import worded
from bot.domain.request import SEED_MAX, Generate, Place, Request, Requester, free_form
from bot.domain.rules import asked_texts, judge, judge_words, never_spends, only_suggests, to_log, wants_safe
from bot.domain.sheet import Sheet, typed_texts
from bot.domain.steering import asked_by
from bot.domain.tokens import TokenCount
from bot.ports import AuditStore, CaseStore, Clock, JobStore, Tokenizer
from bot.services.accounts import Accounts
from bot.services.bell import Bell
from bot.services.closing import Closing
from bot.services.guilds import Guilds
from bot.services.moderation import Moderation
from bot.services.sanctions import Sanctions

LOCKED = "locked"
"""The code of a refusal after which nothing of the words is kept."""
APPROVAL, REVIEW = "approval", "review"
"""Why a wish waits: members suggest here; or a rule of the server's wants its words looked at."""
PROPOSAL_LIFE = 86_400.0
"""Seconds after which a suggestion that nobody answered is gone."""
SOON = 0.5
"""Seconds a handler that opens a form may read before it acknowledges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """
    The Discord event behind a wish.

    *key* makes one event one job; *origin* names message and verb of a press; *place* is where the answer goes.
    """

    key: str = field(default_factory=lambda: f"local:{secrets.token_hex(8)}")
    place: Place | None = None
    origin: str | None = None
    interaction: int | None = None


class Studio:
    """Takes wishes. Nothing reaches the queue but through `submit` and `confirm`."""

    def __init__(
        self,
        jobs: JobStore,
        audit: AuditStore,
        guilds: Guilds,
        cases: CaseStore,
        moderation: Moderation,
        sanctions: Sanctions,
        accounts: Accounts,
        tokenizer: Tokenizer,
        bell: Bell,
        closing: Closing,
        clock: Clock,
    ) -> None:
        self._closing = closing
        self._jobs = jobs
        self._audit = audit
        self._guilds = guilds
        self._cases = cases
        self._moderation = moderation
        self._sanctions = sanctions
        self._accounts = accounts
        self._tokenizer = tokenizer
        self._bell = bell
        self._clock = clock

    def foresee(self, requester: Requester, request: Request) -> Price:
        """
        What is known without awaiting: the price here and now.

        Raises `Refused` where rules, the never-spend switches or NovelAI's own limit forbid it, and ``restarting``
        while the house closes, or ``filter.down`` while the rules do not refuse what they must. Takes well under 5 ms,
        so that the acknowledgement can be chosen private.
        """
        self._closing.check()
        self._moderation.canary.check()
        # What only needs somebody's yes is no refusal: `waits_for` says so.
        judge(requester, self._steered(requester, request), self._moderation.ground(requester), approved=True)
        price = self._accounts.cheapest(request)
        config = self._guilds.config(requester)
        if not price.is_free and (code := self._never_spends(requester, config)):
            if is_free_form(request):
                code = "price.nofree" if code == "price.never" else "price.nofree.house"
            raise Refused(code, price=price.total, request=free_form(request))
        return price

    def _steered(self, requester: Requester, request: Request) -> Request:
        """The request as this place wants it, whatever it was where it was first asked: kept safe, and hidden."""
        ground = self._moderation.ground(requester)
        hides = ground.is_hidden or (
            ground.guild is not None and ground.guild.hides(age_restricted=requester.age_restricted)
        )
        return replace(request, safe=wants_safe(requester, request, ground), spoiler=request.spoiler or hides)

    def waits_for(self, requester: Requester, request: Request) -> str | None:
        """
        Why somebody else has to say yes to a wish first: ``review``, a rule of this server's on its words, or
        ``approval``; None where nobody has to. Moderators need nobody's yes.
        """
        ground = self._moderation.ground(requester)
        try:
            judge(requester, self._steered(requester, request), ground, approved=requester.may_moderate)
        except NeedsReview:
            return REVIEW
        return APPROVAL if only_suggests(requester, ground) else None

    async def _suggest(
        self,
        requester: Requester,
        request: Request,
        price: Price,
        occasion: Occasion,
        why: str,
        draft_id: int | None = None,
    ) -> Job:
        """
        A wish that waits for a yes. It has a price and reserves nothing, so its member is not asked about the price.

        Raises `LimitReached` ``quota.waiting`` where too many of theirs wait already.
        """
        config = self._guilds.config(requester) or GuildConfig()
        open_ = await self._cases.cases(
            guild_id=requester.scope, user_id=requester.user_id, kinds=[CaseKind.PROPOSAL], is_open=True, most=20
        )
        if len(open_) >= config.waiting and not any(_is_of(case, occasion) for case in open_):
            raise LimitReached("quota.waiting", n=len(open_), limit=config.waiting)
        filing = Filing(
            guild_id=requester.scope,
            user_id=requester.user_id,
            kind=CaseKind.PROPOSAL,
            reason=why,
            channel_id=requester.channel_id,
            data={"price": price.total, "key": occasion.key},
            due_at=self._clock() + PROPOSAL_LIFE,
        )
        application = _application(requester, request, price.total, occasion)
        job, _ = await self._jobs.suggest(application, self._clock(), filing, draft_id=draft_id)
        self._bell.ring(job.id)
        return job

    async def submit(
        self, requester: Requester, request: Request, occasion: Occasion | None = None, *, draft_id: int | None = None
    ) -> Job | Draft:
        """
        Admit what is free; make a draft of what costs. *draft_id* is a kept wish that this one consumes.

        Raises `Refused` and `LimitReached`. The seed is drawn here, so that a job that is made twice is the same.
        """
        price = self.foresee(requester, request)
        request = _seeded(self._steered(requester, request))
        if (why := self.waits_for(requester, request)) is not None:
            return await self._suggest(requester, request, price, occasion or Occasion(), why, draft_id)
        if not price.is_free:
            expires = self._clock() + DRAFT_LIFE
            await self._check_allowance(requester, request, price)
            return await self._jobs.propose(requester, request, price.total, expires)
        return await self._admit(requester, request, price.total, occasion or Occasion(), draft_id=draft_id)

    async def confirm(self, requester: Requester, draft_id: int, occasion: Occasion | None = None) -> Job | Draft:
        """
        Consume a draft; a price that rose meanwhile is asked again instead (a new draft comes back).

        Raises `Refused` ``draft.gone`` or ``not.yours``, and what `submit` raises.
        """
        draft = await self.own_draft(requester, draft_id)
        price = await self._foresee(requester, draft.request, draft_id)
        request = self._steered(requester, draft.request)
        if (why := self.waits_for(requester, request)) is not None:
            place = occasion.place if occasion is not None else None
            interaction = occasion.interaction if occasion is not None else None
            occasion = Occasion(key=f"draft:{draft_id}", place=place, interaction=interaction)
            return await self._suggest(requester, request, price, occasion, why, draft_id)
        if price.total > draft.price:
            await self._jobs.drop_draft(draft_id)
            expires = self._clock() + DRAFT_LIFE
            return await self._jobs.propose(requester, request, price.total, expires)
        occasion = occasion or Occasion()
        occasion = Occasion(key=f"draft:{draft_id}", place=occasion.place, interaction=occasion.interaction)
        return await self._admit(requester, request, price.total, occasion, draft_id=draft_id)

    async def confirm_free(self, requester: Requester, draft_id: int, occasion: Occasion | None = None) -> Job | Draft:
        """Make a draft's picture in the nearest size that is free."""
        draft = await self.own_draft(requester, draft_id)
        await self._foresee(requester, free_form(draft.request), draft_id)
        await self._jobs.drop_draft(draft_id)
        return await self.submit(requester, free_form(draft.request), occasion)

    async def _foresee(self, requester: Requester, request: Request, draft_id: int) -> Price:
        try:
            return self.foresee(requester, request)
        except Refused as refusal:
            await self.drop_locked(draft_id, refusal)
            raise

    async def own_draft(self, requester: Requester, draft_id: int) -> Draft:
        """The draft, if it lives and is theirs; else `Refused` ``draft.gone`` or ``not.yours``."""
        draft = await self._jobs.draft(draft_id)
        if draft is None or draft.expires_at <= self._clock():
            raise Refused("draft.gone")
        if draft.requester.user_id != requester.user_id:
            raise Refused("not.yours", author=draft.requester.user_id)
        return draft

    async def draft_soon(self, requester: Requester, draft_id: int) -> Draft:
        """The same for a handler that opens a form and so may not wait. Raises `Refused` ``slow`` too."""
        try:
            async with asyncio.timeout(SOON):
                return await self.own_draft(requester, draft_id)
        except TimeoutError as error:
            raise Refused("slow") from error

    async def keep(self, requester: Requester, request: Request) -> Draft:
        """Keep a refused wish as a draft, so that a button can cure it. Raises `Forbidden` ``locked``."""
        judge_words(*asked_texts(request), undesired=tuple(request.undesired_contents))
        return await self._jobs.propose(requester, request, 0, self._clock() + DRAFT_LIFE)

    async def keep_sheet(self, requester: Requester, sheet: Sheet) -> Draft:
        """Keep a form, with what was typed into it, so that it can be opened again. Raises `Forbidden` ``locked``."""
        judge_words(*asked_texts(sheet.request), undesired=tuple(sheet.request.undesired_contents))
        wanted, undesired = typed_texts(sheet.typed)
        turned = [text for text in map(asked_by, undesired) if text]
        judge_words(*wanted, *turned, undesired=undesired)
        return await self._jobs.propose(requester, sheet.request, 0, self._clock() + DRAFT_LIFE, sheet=sheet)

    async def drop_locked(self, draft_id: int, refusal: Refused) -> None:
        """Of what is never made no draft stays either, of whatever it came from."""
        if refusal.code == LOCKED:
            await self._jobs.drop_draft(draft_id)

    async def drop(self, requester: Requester, draft_id: int) -> None:
        """Let a draft go."""
        await self.own_draft(requester, draft_id)
        await self._jobs.drop_draft(draft_id)

    async def again(self, requester: Requester, job_id: int, occasion: Occasion, *, same_seed: bool) -> Job | Draft:
        """
        The same request once more, by anyone and on their own quota; a new seed unless *same_seed*.

        Raises `Refused` ``gone`` where the request was forgotten or they do not see its picture, and ``age`` for what
        asks for an age-restricted picture: who presses a button cannot leave a tag out.
        """
        request = await self.request_of(requester, job_id)
        try:
            return await self.submit(requester, request if same_seed else request.with_seed(None), occasion)
        except Forbidden as refusal:
            if refusal.code == "nsfw.asked":
                raise Forbidden("age", channel=refusal.data["other"]) from refusal
            raise

    async def request_of(self, requester: Requester, job_id: int) -> Generate:
        """What a visible job asked for. Raises `Refused` ``gone``, also for what was not drawn from a seed."""
        job = await self.visible_job(requester, job_id)
        if not isinstance(job.request, Generate):
            raise Refused("gone")
        return job.request

    async def job(self, job_id: int) -> Job:
        """One job. Raises `Refused` ``gone``."""
        job = await self._jobs.get(job_id)
        if job is None:
            raise Refused("gone")
        return job

    async def visible_job(self, requester: Requester, job_id: int) -> Job:
        """
        One job: one's own, one of the server that one moderates, or one whose picture everybody sees where one stands.

        Raises `Refused` ``gone``. Numbers are easily guessed, and buttons forged.
        """
        job = await self.job(job_id)
        if not owns(requester, job) and not _is_seen(requester, job):
            raise Refused("gone")
        return job

    async def copyable(self, requester: Requester, job_id: int) -> Job:
        """
        A job whose picture *requester* may have sent to them; see `refuses_copy`.

        Raises `Refused` ``gone``, ``not.yours`` or ``copy.age``.
        """
        job = await self.visible_job(requester, job_id)
        if (code := refuses_copy(requester, job)) is not None:
            raise Refused(code, author=job.user_id)
        return job

    def shows_prompt(self, requester: Requester, job: Job) -> bool:
        """Whether *requester* may see the prompt: where the server shows prompts, their own, or as a moderator."""
        config = self._guilds.config(job.requester)
        return config is None or config.show_prompts or owns(requester, job)

    async def job_soon(self, job_id: int) -> Job:
        """One job, for a handler that opens a form and so may not wait. Raises `Refused` ``slow`` or ``gone``."""
        try:
            async with asyncio.timeout(SOON):
                return await self.job(job_id)
        except TimeoutError as error:
            raise Refused("slow") from error

    async def note_deleted(self, requester: Requester, job: Job, reason: str | None) -> None:
        """Put on record that a shown picture was deleted, and by whom."""
        data = {"reason": reason} if reason else {}
        guild_id = requester.scope or None
        await self._audit.write(
            self._clock(), "picture.deleted", guild_id=guild_id, actor=requester.user_id, job_id=job.id, data=data
        )

    async def place(self, job: Job, place: Place) -> None:
        """Note where the job is shown, and let the courier know."""
        await self._jobs.place(job.id, place)
        self._bell.ring(job.id)

    async def cancel(self, requester: Requester, job_id: int) -> None:
        """
        Take a waiting picture back; it costs nothing, but for heat where its own member takes back what is held.

        Raises `Refused` with ``gone``, ``not.yours`` or, once it was sent, ``cancel.late``.
        """
        job = await self.job(job_id)
        check_owner(requester, job)
        reason = "cancelled" if requester.user_id == job.user_id else "withdrawn"
        if not await self._jobs.cancel(job_id, self._clock(), reason, actor=requester.user_id):
            current = await self.job(job_id)
            raise Refused("cancel.late" if current.state.is_waiting else "cancel.over")
        self._bell.ring(job_id)
        if requester.user_id == job.user_id:
            await self._note_withdrawn(job_id)

    async def _note_withdrawn(self, job_id: int) -> None:
        """Who takes back what was held is treated as if it had been rejected: else it would cost the house for ever."""
        job = await self.job(job_id)
        if await self._cases.case_of_job(job_id, CaseKind.HELD) is not None:
            await self._sanctions.note_picture(job, job.spent)

    async def cancel_all(self, requester: Requester) -> int:
        """
        Take back everything that *requester* waits for here; how many.

        Raises `Refused` ``cancel.none``, or ``cancel.late`` where all of it is being drawn.
        """
        waiting = await self.waiting(requester)
        now, actor = self._clock(), requester.user_id
        taken = [await self._jobs.cancel(job.id, now, "cancelled", actor=actor) for job in waiting]
        for job in waiting:
            self._bell.ring(job.id)
        if not any(taken):
            raise Refused("cancel.late" if waiting else "cancel.none")
        return sum(taken)

    async def waiting(self, requester: Requester) -> Sequence[Job]:
        """What *requester* still waits for where they stand, in fair order."""
        return await self._jobs.of_member(requester.scope, requester.user_id)

    async def is_first(self, job: Job) -> bool:
        """Whether this is the member's first picture in its server."""
        return await self._jobs.is_first(job)

    async def quota(self, requester: Requester) -> Quota:
        """What *requester* has used of today and this week, and what is left."""
        now = self._clock()
        return quota_of(self._guilds.limits(requester), await self._jobs.standing(requester, now), now)

    async def count_tokens(self, request: Generate) -> TokenCount:
        """The tokens of all that is sent; over the limit is a hint to the member, never a refusal."""
        row = CAPABILITIES[request.sampling.model]
        texts = worded(request)
        characters = [each.prompt for each in texts.characters]
        return await self._tokenizer.count(row.tokenizer, texts.prompt, row.token_limit, characters=characters)

    def _never_spends(self, requester: Requester, config: GuildConfig | None) -> str | None:
        return never_spends(config or GuildConfig(), self._guilds.house, is_direct=not requester.scope)

    async def _check_allowance(self, requester: Requester, request: Request, price: Price) -> None:
        """Refuse before the question what the answer could not buy; admission asks again under its locks."""
        now = self._clock()
        standing = await self._jobs.standing(requester, now)
        limits = replace(self._guilds.limits(requester), cooldown=0.0)
        decide(pictures=request.pictures, anlas=price.total, now=now, limits=limits, standing=standing)

    async def _admit(
        self, requester: Requester, request: Request, price: int, occasion: Occasion, draft_id: int | None = None
    ) -> Job:
        application = _application(requester, request, price, occasion)
        now = self._clock()
        limits = self._guilds.limits(requester)

        def turn(standing: Standing) -> Ticket:
            return decide(pictures=request.pictures, anlas=price, now=now, limits=limits, standing=standing)

        job = await self._jobs.admit(application, now, turn, draft_id=draft_id)
        self._bell.ring(job.id, to_show=False)
        if (hit := to_log(request, self._moderation.ground(requester))) is not None:
            await self._moderation.note_logged(requester, hit, job.id)
        return job


def _application(requester: Requester, request: Request, price: int, occasion: Occasion) -> Application:
    return Application(
        key=occasion.key,
        requester=requester,
        place=occasion.place,
        request=request,
        price=price,
        origin=occasion.origin,
        interaction=occasion.interaction,
    )


def _is_of(case: Case, occasion: Occasion) -> bool:
    """Whether a suggestion is of this very event, which arrived again."""
    return case.data.get("key") == occasion.key


def _seeded(request: Request) -> Request:
    if not isinstance(request, Generate) or request.sampling.seed is not None:
        return request
    return request.with_seed(1 + secrets.randbelow(SEED_MAX - request.samples + 1))


def check_owner(requester: Requester, job: Job) -> None:
    """Raise `Refused` ``not.yours`` unless *requester* asked for the job or moderates where it was asked."""
    if not owns(requester, job):
        raise Refused("not.yours", author=job.user_id)


def refuses_copy(requester: Requester, job: Job) -> str | None:
    """
    Why *requester* is sent no copy of a picture, as a code; None where they are.

    Their own they are always sent. Others are sent what everybody sees where they stand, unless it was not kept safe:
    whoever reads a direct message need not be somebody whom Discord lets into age-restricted channels.
    """
    if job.state is not JobState.DONE or job.request is None:
        return "gone"
    if requester.user_id == job.user_id:
        return None
    if not _is_seen(requester, job) or job.delivery not in (Delivery.SHOWN, Delivery.INBOX):
        return "not.yours"
    return None if job.request.safe else "copy.age"


def _is_seen(requester: Requester, job: Job) -> bool:
    """Whether everybody sees the picture of a job where *requester* stands; in a thread also its channel's."""
    place = job.place
    if job.state is not JobState.DONE or place is None or place.ephemeral:
        return False
    return place.channel_id in (requester.channel_id, requester.parent_id)


def owns(requester: Requester, job: Job) -> bool:
    """Whether *requester* asked for the job, or moderates the server where it was asked."""
    moderates_here = requester.may_moderate and requester.scope == job.requester.scope != 0
    return requester.user_id == job.user_id or moderates_here
