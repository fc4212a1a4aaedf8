"""What must hold after a crash, judged from outside: by the store's rows, by Discord's messages, by NovelAI's bills."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot import wording
from bot.domain.job import Delivery, Job, JobState
from bot.standin.discord.components import walk
from bot.standin.discord.world import EPHEMERAL, LOADING
from tests.drills.theatre import Json, Theatre

NEVER_SENT = (JobState.QUEUED, JobState.RUNNING)
TOKEN_LIFE = 900.0
"""Seconds for which an interaction may be answered."""
REACHED = (Delivery.SHOWN, Delivery.INBOX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """
    What became of one crash.

    The counts are of jobs; *doubles* are messages too many with a picture; *unanswered* are wishes of which nothing
    is left but Discord's "thinking…"; *broken* are the laws that did not hold.
    """

    delivered: int = 0
    told: int = 0
    taken_back: int = 0
    given_back: int = 0
    doubles: int = 0
    unanswered: int = 0
    broken: tuple[str, ...] = ()


async def verdict(theatre: Theatre, crashed: Mapping[int, Job], *, may_fail: bool, name: str = "bot") -> Verdict:
    """Judge, with no bot running; *crashed* are the jobs as the crash left them."""
    jobs, messages = await theatre.jobs(name), theatre.messages()
    broken = [f"the ledger: {each}" for each in await theatre.differences(name)]
    broken += [f"lost: job {id_}" for id_ in crashed.keys() - {job.id for job in jobs}]
    for job in jobs:
        broken += _of_job(job)
        broken += _of_picture(job, messages, tokens_live=theatre.clock.ahead < TOKEN_LIFE)
        broken += _of_lines(job, messages, tokens_live=theatre.clock.ahead < TOKEN_LIFE)
        broken += _of_crash(job, crashed.get(job.id), may_fail=may_fail)
    broken += _of_account(theatre, jobs)
    ends = [job.state for job in jobs]
    return Verdict(
        delivered=sum(job.state is JobState.DONE and job.delivery in REACHED for job in jobs),
        told=ends.count(JobState.FAILED),
        taken_back=ends.count(JobState.CANCELLED),
        given_back=sum(job.state is JobState.DONE and job.delivery is Delivery.LAPSED for job in jobs),
        doubles=sum(max(0, len(_showing(job, messages)) - 1) for job in jobs),
        unanswered=sum(bool(message["flags"] & LOADING) for message in messages),
        broken=tuple(broken),
    )


def _about(job: Job) -> str:
    return f"job {job.id} ({job.state}, {job.delivery}, {job.reason})"


def _of_job(job: Job) -> Iterator[str]:
    """One job at rest has ended, and is charged for what was delivered."""
    if job.state.is_undecided:
        # Nobody decides for a moderator who was interrupted.
        if job.charged_anlas is not None or job.delivery is not Delivery.NONE:
            yield f"{_about(job)} is charged or delivered before anybody decided"
        return
    is_done = job.state is JobState.DONE and job.delivery in REACHED
    owed = (job.price, job.pictures) if is_done else (0, 0)
    if job.state.is_waiting or job.delivery is Delivery.PENDING:
        yield f"{_about(job)} still waits"
    elif (job.charged_anlas, job.charged_pictures) != owed:
        yield f"{_about(job)} is charged {job.charged_anlas} Anlas and {job.charged_pictures} pictures"


def _of_picture(job: Job, messages: Sequence[Json], *, tokens_live: bool) -> Iterator[str]:
    """
    Shown once, or told once why not.

    What was shown privately by a token that then died cannot be looked for: it may be given back, or wait in the
    inbox, all the same.
    """
    n = len(_showing(job, messages))
    is_shown = job.state is JobState.DONE and job.delivery is Delivery.SHOWN
    is_hidden = not tokens_live and job.place is not None and job.place.ephemeral and not is_shown
    if n != is_shown and not (is_hidden and n == 1):
        yield f"{_about(job)} is shown {n} times"
    told = len(_telling(job, messages))
    # A private follow-up whose fate is not known is not repeated; then a direct message says it, for the second time.
    most = 2 if job.state is JobState.BLOCKED else 1
    if job.state in (JobState.FAILED, JobState.BLOCKED) and not 1 <= (n := told) <= most:
        yield f"{_about(job)} is told {n} times"


def _of_lines(job: Job, messages: Sequence[Json], *, tokens_live: bool) -> Iterator[str]:
    """
    No message still says that the job is waited for; a private one is beyond reach once its token has died.

    What is held says so, and has one card on which it can be decided.
    """
    if job.state.is_undecided:
        cards = [message for message in messages if _decides(message)]
        says = [message for message in messages if wording.HELD in message["content"]]
        if len(cards) != 1 or len(says) != 1:
            yield f"job {job.id} is held, with {len(cards)} cards and {len(says)} messages that say so"
        return
    for message in _left(job, messages):
        if tokens_live or not message["flags"] & EPHEMERAL:
            yield f"job {job.id} ({job.state}, {job.delivery}) left a message: {message['content'] or 'thinking…'}"


def _of_crash(job: Job, crashed: Job | None, *, may_fail: bool) -> Iterator[str]:
    """What a crash may do to a job: one that was sent and paid fails; nothing else does."""
    if crashed is None or may_fail or job.state is not JobState.FAILED or crashed.state is JobState.FAILED:
        return
    if crashed.state in NEVER_SENT:
        yield f"job {job.id} was never sent, and the crash failed it ({job.reason})"
    elif not crashed.spent:
        yield f"job {job.id} cost nothing, and the crash failed it ({job.reason})"


def _of_account(theatre: Theatre, jobs: Sequence[Job]) -> Iterator[str]:
    """NovelAI never billed more than the ledger says was spent."""
    billed, spent = sum(call.billed for call in theatre.novelai.calls), sum(job.spent for job in jobs)
    if billed > spent:
        yield f"NovelAI billed {billed} Anlas, the ledger says {spent}"


# --- what stands in Discord ------------------------------------------------------------------------------------------


def _showing(job: Job, messages: Sequence[Json]) -> list[Json]:
    """The messages that hold a picture of *job*."""
    return [
        message
        for message in messages
        if any(file["filename"].removeprefix("SPOILER_").startswith(f"{job.id}-") for file in message["_files"])
    ]


def _telling(job: Job, messages: Sequence[Json]) -> list[Json]:
    """The messages that say that *job* failed."""
    told = wording.say("failed.detail", member=f"<@{job.user_id}>", job=job.id)
    return [message for message in messages if told in message["content"] and not _buttons(message, job, "cancel")]


def _left(job: Job, messages: Sequence[Json]) -> Iterator[Json]:
    """Messages that still say that *job* is waited for."""
    for message in messages:
        is_of_it = str(message.get("interaction_metadata", {}).get("id")) == str(job.interaction)
        is_line = message["content"] in (wording.STARTING, wording.say("drawing")) or message["flags"] & LOADING
        if (is_of_it and is_line) or _buttons(message, job, "cancel"):
            yield message


def _decides(message: Json) -> bool:
    """Whether a moderator can approve something on this message."""
    return any(str(part.get("custom_id", "")).endswith(":approve") for part in walk(message["components"]))


def _buttons(message: Json, job: Job, verb: str) -> bool:
    return any(part.get("custom_id") == f"job:{job.id}:{verb}" for part in walk(message["components"]))
