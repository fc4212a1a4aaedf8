"""What is kept about one person: shown in numbers, given to them as a file, erased at their word."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from bot.domain.case import APPEALABLE, Case, CaseKind, Report, is_told
from bot.domain.conduct import heat_at
from bot.domain.job import Job
from bot.domain.privacy import Export, Forgotten, Kept
from bot.domain.record import Entry
from bot.ports import ALL, AuditStore, CaseStore, Clock, GuildStore, JobStore, PrivacyStore
from bot.services.bell import Bell

PORTION = 200
"""Jobs that are read and written down at once."""
LINES = 20_000
"""Lines of the audit that are looked through at once."""
TAKEN_BACK = "cancelled"
PATIENCE = 15.0
"""Seconds for what is being drawn or shown just now; what was taken back has its message taken away meanwhile."""
FILE_MOST = 8 * 1024 * 1024
TOLD = ("case", "kind", "reason", "decision", "words", "until", "pictures", "anlas", "code", "word", "channel")
"""What an exported line of the audit says; who else had to do with it is not among it."""

DETAILS = ("words", "score", "limit", "until")
"""Likewise of a case: an appeal's own words, what the check said, how long a pause lasts."""
BEGIN, BETWEEN, END = b',"requests":[', b",\n", b"]}"
"""Around the jobs, which are appended to an object that ends before its brace."""

Json = dict[str, object]


class Privacy:
    """Everybody may, wherever they are, and whatever they did."""

    def __init__(
        self,
        store: PrivacyStore,
        jobs: JobStore,
        cases: CaseStore,
        guilds: GuildStore,
        audit: AuditStore,
        bell: Bell,
        clock: Clock,
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._cases = cases
        self._guilds = guilds
        self._audit = audit
        self._bell = bell
        self._clock = clock

    async def kept(self, user_id: int) -> Kept:
        """How much is kept about somebody."""
        lines = sum([len(lines) async for lines in self._lines(user_id)])
        return replace(await self._store.kept_of(user_id), lines=lines)

    # --- as a file ---------------------------------------------------------------------------------------------------

    async def export(self, user_id: int, most: int) -> Export:
        """
        Everything that is kept about somebody, as JSON of at most *most* bytes (8 MiB); the newest jobs first.

        Nobody else is named in it: who decided is ``"moderator"`` or ``"bot"``, who reported is left out, and so is a
        report of which nothing came.
        """
        most = min(most, FILE_MOST)
        rest = await self._rest(user_id)
        head = await asyncio.to_thread(_encoded, rest)
        room = most - len(head) - len(BEGIN) - len(END)
        parts: list[bytes] = []
        left_out = 0
        async for jobs in self._portions(user_id):
            for part in await asyncio.to_thread(_encoded_jobs, jobs):
                room -= len(part) + len(BETWEEN)
                if room < 0:
                    left_out += 1
                else:
                    parts.append(part)
        data = await asyncio.to_thread(lambda: head[:-1] + BEGIN + BETWEEN.join(parts) + END)
        return Export(data=data, left_out=left_out)

    async def _portions(self, user_id: int) -> AsyncIterator[Sequence[Job]]:
        last: Job | None = None
        while jobs := await self._store.jobs_of(user_id, PORTION, last):
            yield jobs
            last = jobs[-1]

    async def _lines(self, user_id: int) -> AsyncIterator[Sequence[Entry]]:
        newest = await self._audit.newest_entry()
        for after in range(0, newest, LINES):
            yield await self._store.lines_about(user_id, after, min(newest, after + LINES))

    async def _rest(self, user_id: int) -> Json:
        """All but the jobs, which are the most."""
        now = self._clock()
        lines = [
            _line(line, user_id) async for lines in self._lines(user_id) for line in lines if _is_told(line, user_id)
        ]
        limits = [
            {"server": _id(guild_id), "limits": allowance.stated}
            for guild_id, target, allowance in await self._guilds.allowances()
            if str(target) == f"member.{user_id}"
        ]
        return {
            "made_at": _when(now),
            "user": _id(user_id),
            "questions": [
                {"price": draft.price, "expires_at": _when(draft.expires_at), "request": draft.request}
                for draft in await self._store.drafts_of(user_id)
            ],
            "cases": [_case(case) for case in await self._cases.cases(user_id=user_id, most=ALL) if is_told(case)],
            "notices": [
                {"server": _id(notice.guild_id), "case": notice.case_id, "told": notice.code}
                for notice in await self._store.notices_of(user_id)
            ],
            "reports_by_you": [_report(case_id, report) for case_id, report in await self._store.reports_made(user_id)],
            "conduct": [
                {"server": _id(guild_id), "heat": round(heat_at(conduct, now), 2), "always_spoiler": conduct.spoiler}
                for guild_id, conduct in await self._store.conducts_of(user_id)
            ],
            "limits": limits,
            "blocks": [
                {"server": _id(block.guild_id), "until": _when(block.until), "reason": block.reason}
                for block in await self._guilds.blocks()
                if block.user_id == user_id
            ],
            "audit": lines,
        }

    # --- erasing -----------------------------------------------------------------------------------------------------

    async def forget(self, user_id: int) -> Forgotten:
        """Take back what waits, let what is on its way arrive, and erase what the store can."""
        taken = [
            job
            for job in await self._store.unfinished_of(user_id)
            if (job.state.is_waiting or job.state.is_undecided)
            and await self._jobs.cancel(job.id, self._clock(), TAKEN_BACK)
        ]
        self._ring(taken)
        await self._settled(user_id)
        lines = [line.id async for lines in self._lines(user_id) for line in lines if _has_words(line, user_id)]
        drawing = await self._store.forget_member(user_id, self._clock(), lines)
        return Forgotten(taken_back=len(taken), drawing=drawing)

    def _ring(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            self._bell.ring(job.id)

    async def _settled(self, user_id: int) -> None:
        """Wait until everything of theirs has ended and was shown; not for long, because Discord may be away."""
        with self._bell.listen() as listener:
            try:
                async with asyncio.timeout(PATIENCE):
                    while await self._store.unfinished_of(user_id):
                        await listener.next(within=0.2)
            except TimeoutError:
                return


_encoder = msgspec.json.Encoder(enc_hook=str)


def _encoded(value: object) -> bytes:
    return _encoder.encode(value)


def _encoded_jobs(jobs: Sequence[Job]) -> list[bytes]:
    return [_encoded(_job(job)) for job in jobs]


def _job(job: Job) -> Json:
    """What was asked, where, and what came of it; never the token with which its answer is edited."""
    requester, place = job.requester, job.place
    return {
        "job": job.id,
        "server": _id(requester.guild_id),
        "channel": _id(place.channel_id if place is not None else requester.channel_id),
        "message": _id(place.message_id if place is not None else None),
        "roles": [_id(role) for role in requester.role_ids],
        "language": requester.locale,
        "state": job.state.value,
        "delivery": job.delivery.value,
        "reason": job.reason,
        "price": job.price,
        "pictures": job.pictures,
        "charged_anlas": job.charged_anlas,
        "charged_pictures": job.charged_pictures,
        "asked_at": _when(job.admitted_at),
        "sent_at": _when(job.sent_at),
        "ended_at": _when(job.settled_at),
        "shown_at": _when(job.delivered_at),
        "request": job.request,
    }


def _case(case: Case) -> Json:
    return {
        "case": case.id,
        "server": _id(case.guild_id),
        "kind": case.kind.value,
        "state": case.state.value,
        "reason": case.reason,
        "job": case.job_id,
        "about_case": case.parent_id,
        "opened_at": _when(case.opened_at),
        "decision": case.decision.value if case.decision is not None else None,
        "decided_at": _when(case.decided_at),
        "decided_by": _who(case.actor, case.user_id),
        "words_to_you": case.words,
        "details": _told(case.data, DETAILS),
    }


def _report(case_id: int, report: Report) -> Json:
    return {"case": case_id, "reason": report.reason, "words": report.words}


def _line(line: Entry, user_id: int) -> Json:
    record = line.record
    return {
        "line": line.id,
        "at": _when(record.at),
        "server": _id(record.guild_id),
        "what": record.kind,
        "by": _who(record.actor, user_id),
        "job": record.job_id if record.actor == user_id else None,
        **_told(record.data, TOLD),
    }


def _told(data: Mapping[str, object], names: Iterable[str]) -> Json:
    written = {"until": _when, "channel": _id}
    return {name: written.get(name, _as_it_is)(data[name]) for name in names if name in data}


def _as_it_is(value: object) -> object:
    return value


def _id(value: object) -> object:
    """As text, because not every reader of JSON can hold Discord's numbers."""
    return str(value) if value else None


def _when(value: object) -> object:
    return datetime.fromtimestamp(value, UTC).isoformat(timespec="seconds") if isinstance(value, int | float) else None


def _is_told(line: Entry, user_id: int) -> bool:
    """Whether a line is for somebody's eyes: of a report about them its time alone may say whose it was."""
    data = line.record.data
    is_report = data.get("member") == user_id and data.get("kind") == CaseKind.REPORT
    return not is_report or data.get("decision") in APPEALABLE


def _has_words(line: Entry, user_id: int) -> bool:
    """Whether words about somebody may stand in a line; most lines are refusals, and those have none."""
    data = line.record.data
    return data.get("member") == user_id and any(data.get(name) for name in ("reason", "words"))


def _who(actor: int | None, user_id: int) -> str | None:
    """Who did it, without a name."""
    match actor:
        case None:
            return None
        case 0:
            return "bot"
        case _:
            return "you" if actor == user_id else "moderator"
