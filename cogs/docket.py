"""Keeps the moderators' cards as their cases are, carries out what was decided of a picture, and tells members."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
import discord
from discord.ext import commands

from bot.client import Naibot
from bot.domain.case import Case, CaseKind, Decision, Notice
from bot.domain.errors import StoreError
from bot.domain.job import Job
from bot.reach import within
from bot.services.cases import CARD_LEASE, Cases
from bot.services.guilds import Guilds
from bot.services.loops import keep_alive
from bot.services.studio import APPROVAL
from cogs.ui.desk import Desk
from cogs.ui.hiding import hide, remove, unhide
from cogs.ui.notice import told_text, told_view
from cogs.ui.ways import EDIT_TIME, LOOK_BACK, Outcome, outcome_of

log = logging.getLogger(__name__)

CARD_TIME = CARD_LEASE - 5.0
"""Seconds after which a card is written no more, less than its lease: another process may be at it."""
AT_ONCE = 4
"""Cards and notices under way at the same time, of each."""
PAUSE = 1.0
"""Seconds between looks for what another process, or the worker, brought."""
TRIES = 10
"""Of a notice; then it stands in /cases alone."""
_NOBODY = (10013, 50033)
"""Discord's codes for accounts that are gone or cannot be written to."""
RETRY_MIN, RETRY_MAX = 5.0, 300.0
"""Seconds until a card is tried again that Discord did not take."""

Act = Callable[[Naibot, Job], Awaitable[Outcome]]
_ACTS: Mapping[Decision, Act] = {
    Decision.DISMISSED: unhide,
    Decision.HIDDEN: hide,
    Decision.DELETED: remove,
    Decision.WARNED: remove,
    Decision.BLOCKED: remove,
}
"""What is done to a reported picture; each may be done twice."""


class Docket(commands.Cog):
    """Two loops, one for cards and one for notices. Both take their work from the database, so a restart loses none."""

    def __init__(self, client: Naibot, cases: Cases, guilds: Guilds) -> None:
        self._client = client
        self._cases = cases
        self._desk = Desk(client, cases, guilds)
        self._tries: Counter[int] = Counter()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    async def cog_load(self) -> None:
        """Start looking for work."""
        self._spawn(keep_alive("cards", self._keep_cards))
        self._spawn(keep_alive("notices", self._keep_notices))

    async def cog_unload(self) -> None:
        """Stop; what was not shown or told is due again in the database."""
        for task in self._tasks:
            task.cancel()

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- cards -------------------------------------------------------------------------------------------------------

    async def _keep_cards(self) -> None:
        await self._client.wait_until_ready()
        while True:
            self._cases.news.clear()
            await self._slots.acquire()
            began = time.monotonic()
            case = await self._next_card()
            if case is None:
                await self._pause()
            else:
                self._spawn(self._keep_card(case, began + CARD_TIME))

    async def _next_card(self) -> Case | None:
        """The next case with a slot taken for it; the slot goes back where there is none."""
        case = None
        try:
            case = await self._cases.next_card()
        finally:
            if case is None:
                self._slots.release()
        return case

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(PAUSE):
                await self._cases.news.wait()
        except TimeoutError:
            pass

    async def _keep_card(self, case: Case, deadline: float) -> None:
        try:
            await self._bring_up(case, deadline)
        except StoreError as error:
            # Its lease ends by itself.
            log.warning("case %s: the store is away (%s)", case.id, error.code)
        except Exception:
            log.exception("the card of case %s was not shown", case.id)
        finally:
            self._slots.release()

    async def _bring_up(self, case: Case, deadline: float) -> None:
        """
        Carry out and show *case*, and once more where it changed meanwhile.

        Of two processes the one that ends last has seen what the other showed, so the newest stays.
        """
        while await self._is_done(case, deadline):
            now = await self._cases.now(case)
            if now.version == case.version:
                return
            case = now

    async def _is_done(self, case: Case, deadline: float) -> bool:
        if not await self._is_carried_out(case, deadline):
            await self._later(case)
            return False
        if await self._stands_in_public(case):
            await self._cases.carded(case, None, None)
            return True
        hung = await self._desk.show(case, deadline)
        match hung.outcome:
            case Outcome.SHOWN:
                await self._cases.carded(case, hung.channel_id, hung.message_id)
            case Outcome.GONE | Outcome.FORBIDDEN:
                # It stays in /mod cases.
                await self._cases.carded(case, None, None)
            case _:
                await self._later(case)
                return False
        self._tries.pop(case.id, None)
        return True

    async def _later(self, case: Case) -> None:
        pause = min(RETRY_MIN * 2 ** self._tries[case.id], RETRY_MAX)
        self._tries[case.id] = min(self._tries[case.id] + 1, 10)
        await self._cases.card_later(case, pause)

    async def _stands_in_public(self, case: Case) -> bool:
        """A suggestion that everybody sees has its buttons there."""
        if case.kind is not CaseKind.PROPOSAL or case.reason != APPROVAL:
            return False
        job = await self._cases.job_of(case)
        return job is not None and job.place is not None and not job.place.ephemeral

    # --- what was decided of a picture -------------------------------------------------------------------------------

    async def _is_carried_out(self, case: Case, deadline: float) -> bool:
        """
        Do to a reported picture what was decided; False where it has to be tried again. What cannot be done is noted.

        Here and not where it was pressed, so that a process which dies in between leaves nothing undone.
        """
        act = _ACTS.get(case.decision) if case.kind is CaseKind.REPORT and case.decision is not None else None
        job = await self._cases.job_of(case) if act is not None else None
        if act is None or job is None:
            return True
        try:
            async with within(deadline - time.monotonic()):
                outcome = await act(self._client, job)
        except TimeoutError:
            return False
        if case.decision is not Decision.DISMISSED and outcome not in (Outcome.SHOWN, Outcome.LATER):
            await self._cases.undone(case)
        return outcome is not Outcome.LATER

    # --- notices -----------------------------------------------------------------------------------------------------

    async def _keep_notices(self) -> None:
        await self._client.wait_until_ready()
        while True:
            due: list[tuple[Notice, Case]] = []
            while len(due) < AT_ONCE and (each := await self._cases.next_notice()) is not None:
                due.append(each)
            await asyncio.gather(*(self._try_to_tell(notice, case) for notice, case in due))
            if not due:
                await self._pause()

    async def _try_to_tell(self, notice: Notice, case: Case) -> None:
        """One that cannot be told does not hold up the others, and is not tried for ever."""
        try:
            await self._tell(notice, case)
        except StoreError as error:
            log.warning("notice %s: the store is away (%s)", notice.id, error.code)
        except Exception:
            log.exception("notice %s could not be told", notice.id)
            await self._cases.told(notice, reached=False)

    async def _tell(self, notice: Notice, case: Case) -> None:
        """By direct message; what nobody could be told stands in /cases, and what was read meanwhile is told."""
        is_about_picture = case.kind is CaseKind.REPORT
        if notice.code == "told.warned" and not (case.needs_ack or is_about_picture):
            await self._cases.told(notice, reached=True)
            return
        try:
            async with within(EDIT_TIME):
                await self._say(notice, case)
        except (discord.HTTPException, aiohttp.ClientError, TimeoutError, OSError) as error:
            log.info("notice %s could not be told: %s %s", notice.id, type(error).__name__, getattr(error, "code", ""))
            is_nobody = getattr(error, "code", 0) in _NOBODY
            if is_nobody or notice.tries >= TRIES or outcome_of(error) in (Outcome.GONE, Outcome.FORBIDDEN):
                await self._cases.told(notice, reached=False)
            return
        await self._cases.told(notice, reached=True)

    async def _say(self, notice: Notice, case: Case) -> None:
        channel = await self._client.create_dm(discord.Object(notice.user_id))
        text, view = told_text(self._client, notice, case), told_view(notice, case)
        if notice.tries > 1 and await self._is_said(channel, text):
            return
        extra: dict[str, Any] = {"view": view} if view is not None else {}
        await channel.send(text, nonce=f"notice-{notice.id}", **extra)

    async def _is_said(self, channel: discord.abc.Messageable, text: str) -> bool:
        """Whether an earlier try arrived whose answer was lost."""
        async for message in channel.history(limit=LOOK_BACK):
            if message.author == self._client.user and message.content == text:
                return True
        return False


async def setup(client: Naibot) -> None:
    """Add the cog."""
    services = client.services
    await client.add_cog(Docket(client, services.cases, services.guilds))
