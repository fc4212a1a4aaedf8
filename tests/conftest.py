"""The house on a temporary file and a loopback NovelAI, with a clock that a test may set."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.app import House, open_house
from bot.domain.guild import GuildConfig, HouseConfig
from bot.ports import Store
from bot.services.deliveries import Deliveries
from bot.services.guilds import Guilds
from bot.services.studio import Studio
from bot.services.worker import Pace, Worker
from bot.settings import Settings
from bot.standin.novelai import NovelAI
from tests.builders import CHANNEL, GUILD

OPEN = GuildConfig(channels=(CHANNEL,), unchecked=True, cooldown=0, never_spend=False)
QUICK = Pace(gap=0.0, retry=0.0, settle_retry=0.01)


class Clock:
    """Unix seconds that go on by themselves, and may be put forward."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Put it forward."""
        self._ahead += seconds


@dataclass(frozen=True)
class Rig:
    """What a test holds of the house."""

    house: House
    novelai: NovelAI
    clock: Clock
    settings: Settings

    @property
    def jobs(self) -> Store:
        """The store."""
        return self.house.store

    @property
    def studio(self) -> Studio:
        """The studio."""
        return self.house.services.studio

    @property
    def worker(self) -> Worker:
        """The only account's worker; it does one step when a test says so."""
        return self.house.services.workers[0]

    @property
    def deliveries(self) -> Deliveries:
        """The courier's desk."""
        return self.house.services.deliveries

    @property
    def guilds(self) -> Guilds:
        """Servers and settings."""
        return self.house.services.guilds

    async def read_account(self) -> None:
        """Read tier and balance, as the worker's loop does at its start."""
        accounts = self.house.services.accounts
        await accounts.read(accounts.clients[0])


def settings_for(address: str, folder: Path, **house: object) -> Settings:
    """Settings that meet a loopback NovelAI, and a loopback Discord that nobody serves."""
    return Settings(
        discord_token="practice-room",
        novelai_tokens=("pst-standin",),
        discord_api="http://127.0.0.1:1/api/v10",
        discord_gateway="ws://127.0.0.1:1/gateway",
        novelai_api=address,
        data_dir=folder,
        house=replace(HouseConfig(never_spend=False), **house),  # type: ignore[arg-type]
    )


@pytest.fixture
def clock() -> Clock:
    """A clock that may be put forward."""
    return Clock()


@pytest.fixture
async def novelai() -> AsyncIterator[tuple[NovelAI, str]]:
    """The pretend NovelAI and its address."""
    standin = NovelAI()
    async with standin.serve() as address:
        yield standin, address


@pytest.fixture
async def house(tmp_path: Path, clock: Clock, novelai: tuple[NovelAI, str]) -> AsyncIterator[Rig]:
    """The composition root, with one open server and `NEVER_SPEND` off."""
    standin, address = novelai
    settings = settings_for(address, tmp_path / "data")
    async with open_house(settings, clock=clock, pace=QUICK) as opened:
        rig = Rig(house=opened, novelai=standin, clock=clock, settings=settings)
        await rig.guilds.save(GUILD, OPEN)
        await rig.read_account()
        yield rig


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own settings must not reach the tests."""
    for name in (
        "DISCORD_TOKEN",
        "NOVELAI_TOKENS",
        "DATA_DIR",
        "DATABASE_URL",
        "DATABASE_URL_FILE",
        "GUILDS",
        "NEVER_SPEND",
        "SEED",
        "CREDENTIALS_DIRECTORY",
    ):
        monkeypatch.delenv(name, raising=False)
