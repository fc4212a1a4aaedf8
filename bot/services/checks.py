"""The look at a picture before anybody sees it: shown, hidden, held for a moderator, or never shown."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from bot.domain.case import BOT, CaseKind, Decision, Filing
from bot.domain.errors import ClassifierError
from bot.domain.guild import GuildConfig
from bot.domain.inputs import Inputs
from bot.domain.job import Job, JobState, Settlement
from bot.domain.locked import is_locked_with_rating, is_minor_coded
from bot.domain.rating import Rating, Showing, limits_for, showing, weighed
from bot.domain.request import Picture, Request
from bot.domain.rules import asked_texts, keeps_safe
from bot.ports import Classifier, Clock
from bot.services.guilds import Guilds
from bot.services.moderation import Moderation

log = logging.getLogger(__name__)

DAY = 86_400.0
BLOCKED, UNRATED = "blocked.picture", "blocked.unrated"
LOCKED, LOCKED_PICTURE = "locked", "locked.picture"


class Doubt(StrEnum):
    """Why a picture is not simply shown."""

    RATING = "rating"
    MINOR = "minor"
    UNRATED = "unrated"
    """The classifier failed or took too long, so nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a look came to: *score* is the figure that was held against *limit*."""

    showing: Showing = Showing.SHOW
    doubt: Doubt | None = None
    score: float = 0.0
    limit: float = 1.0
    is_locked: bool = False
    ratings: tuple[Rating, ...] = field(default=())


class Checks:
    """Asks the classifier about what is made, and about images that pictures begin with."""

    def __init__(self, classifier: Classifier | None, guilds: Guilds, moderation: Moderation, clock: Clock) -> None:
        self._classifier = classifier
        self._guilds = guilds
        self._moderation = moderation
        self._clock = clock

    async def look(self, job: Job, request: Request, pictures: Sequence[Picture]) -> Look:
        """Look at finished pictures; the one that is worst decides. Fails closed where pictures are kept safe."""
        return await self._look(job, request, [picture.data for picture in pictures])

    async def look_at_inputs(self, job: Job, request: Request, inputs: Inputs) -> Look:
        """Look at what somebody uploaded, before it goes anywhere. Encoded vibes are no images and are left out."""
        images = [data for data in inputs.values() if data.startswith((b"\x89PNG", b"\xff\xd8", b"RIFF", b"GIF8"))]
        return await self._look(job, request, images)

    async def _look(self, job: Job, request: Request, images: Sequence[bytes]) -> Look:
        if self._classifier is None or not images:
            return Look()
        ground = self._moderation.ground(job.requester)
        safe = keeps_safe(job.requester, ground)
        # The same texts that were judged before anything was drawn: what undesired contents turn around, too.
        asked, undesired = asked_texts(request), tuple(request.undesired_contents)
        try:
            ratings = tuple([await self._classifier.rate(data) for data in images])
        except ClassifierError as error:
            log.warning("job %s could not be rated: %s", job.id, error.code)
            held = safe or is_minor_coded(*asked, undesired=undesired)
            return Look(showing=Showing.HOLD if held else Showing.SHOW, doubt=Doubt.UNRATED if held else None)
        return _worst(ratings, asked, undesired, safe=safe)

    def settlement(self, job: Job, look: Look, done: Settlement) -> tuple[Settlement, Filing | None]:
        """How a made job ends after *look*, where it would have been *done* (DONE and paid for), and its case."""
        if look.is_locked:
            return replace(_unpaid(done, LOCKED_PICTURE), forgets=True), self._filing(job, look, CaseKind.REFUSAL)
        if look.showing is not Showing.HOLD:
            return _hidden(done, look), None
        if not job.requester.scope:
            # Nobody moderates direct messages, so nobody could decide.
            if look.doubt is Doubt.UNRATED:
                return _unpaid(done, UNRATED), None
            return _unpaid(done, BLOCKED), self._filing(job, look, CaseKind.REFUSAL)
        held = Settlement(state=JobState.HELD, charged_anlas=None, charged_pictures=None, spent=done.spent)
        return held, self._filing(job, look, CaseKind.HELD)

    def _filing(self, job: Job, look: Look, kind: CaseKind) -> Filing:
        requester = job.requester
        config = self._guilds.config(requester) or GuildConfig()
        is_open = kind is CaseKind.HELD
        reason = LOCKED if look.is_locked else str(look.doubt)
        return Filing(
            guild_id=requester.scope,
            user_id=requester.user_id,
            kind=kind,
            reason=reason,
            channel_id=requester.channel_id,
            job_id=job.id,
            # Of what is locked nothing is kept but that it happened.
            data={} if look.is_locked else {"score": round(look.score, 2), "limit": look.limit},
            due_at=self._clock() + config.case_days * DAY if is_open else None,
            decision=None if is_open else Decision.REFUSED,
            actor=None if is_open else BOT,
        )


def _worst(ratings: Sequence[Rating], texts: Sequence[str], undesired: Sequence[str], *, safe: bool) -> Look:
    minor = is_minor_coded(*texts, undesired=undesired)
    worst = max(ratings, key=lambda rating: weighed(rating, minor_coded=minor))
    how = showing(worst, safe=safe, minor_coded=minor)
    # Of several pictures each may be what is never shown, whichever is worst otherwise.
    explicit = max(rating.explicit for rating in ratings)
    is_locked = is_locked_with_rating(*texts, explicit=explicit, undesired=undesired, age_restricted=not safe)
    doubt = None if how is Showing.SHOW else Doubt.MINOR if minor else Doubt.RATING
    score = weighed(worst, minor_coded=minor)
    limit = limits_for(minor_coded=minor).shown
    return Look(showing=how, doubt=doubt, score=score, limit=limit, is_locked=is_locked, ratings=tuple(ratings))


def _unpaid(done: Settlement, reason: str) -> Settlement:
    return Settlement(state=JobState.BLOCKED, charged_anlas=0, charged_pictures=0, spent=done.spent, reason=reason)


def _hidden(done: Settlement, look: Look) -> Settlement:
    return replace(done, hidden=True) if look.showing is Showing.SPOILER else done
