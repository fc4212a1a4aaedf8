"""A house with several accounts, whose workers take one step when a test says so."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bot.app import House, open_house
from bot.domain.admission import Ticket
from bot.domain.guild import GuildConfig
from bot.domain.job import Job
from bot.domain.request import Requester
from bot.services.worker import Pace, Worker
from bot.standin.novelai import NovelAI
from bot.standin.novelai.account import AccountState
from tests.builders import GUILD, a_request, a_requester, an_application
from tests.conftest import OPEN, QUICK, Clock, settings_for


@dataclass(frozen=True)
class Pool:
    """The house, the service behind it, and the clock."""

    house: House
    novelai: NovelAI
    clock: Clock
    words: tuple[str, ...]

    def account(self, word: str) -> AccountState:
        """The service's account behind ``pst-standin-<word>``."""
        return self.novelai.accounts.of(f"Bearer pst-standin-{word}")

    def worker(self, word: str) -> Worker:
        """That account's worker."""
        return self.house.services.workers[self.words.index(word)]

    def id_of(self, word: str) -> str:
        """That account's name in store and logs."""
        return self.house.services.accounts.clients[self.words.index(word)].account_id

    async def wish(self, user_id: int = 1, *, requester: Requester | None = None, **request: object) -> Job:
        """A job, its price said yes to."""
        requester = requester or a_requester(user_id)
        await self.house.services.guilds.grant(requester, anlas=1_000)
        made = await self.house.services.studio.submit(requester, a_request(**request))  # type: ignore[arg-type]
        if isinstance(made, Job):
            return made
        confirmed = await self.house.services.studio.confirm(requester, made.id)
        assert isinstance(confirmed, Job)
        return confirmed

    async def wish_at(self, price: int, user_id: int = 1, **request: object) -> Job:
        """A job that was admitted at that price, whatever it costs now."""
        wanted = a_request(seed=7, safe=True, **request)  # type: ignore[arg-type]
        application = an_application(a_requester(user_id), wanted, price=price)
        return await self.house.store.admit(
            application, self.clock(), lambda standing: Ticket(turn=standing.last_turn + 1, step=1)
        )

    async def now(self, job: Job) -> Job:
        """The job as it stands."""
        current = await self.house.store.get(job.id)
        assert current is not None
        return current

    async def told(self, *kinds: str) -> list[tuple[str, object]]:
        """What is on record of those kinds, with its Anlas."""
        entries = await self.house.store.entries(0, kinds, 100)
        return [(entry.record.kind, entry.record.data.get("anlas")) for entry in entries]

    async def read(self) -> None:
        """Read every account."""
        await self.house.services.accounts.read_all(5)


@asynccontextmanager
async def a_pool(
    folder: Path,
    novelai: NovelAI,
    address: str,
    *words: str,
    clock: Clock | None = None,
    pace: Pace = QUICK,
    config: GuildConfig = OPEN,
) -> AsyncIterator[Pool]:
    """A pool of the accounts ``pst-standin-<word>``; read by the test, once it has set them up."""
    clock = clock or Clock()
    tokens = tuple(f"pst-standin-{word}" for word in words)
    settings = replace(settings_for(address, folder), novelai_tokens=tokens)
    async with open_house(settings, clock=clock, pace=pace) as house:
        await house.services.guilds.save(GUILD, replace(config, waiting=20, anlas_day=1_000))
        yield Pool(house=house, novelai=novelai, clock=clock, words=words)
