"""Every adapter of the `Store` port, so that one law is proved of each."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from bot.adapters.store import ledger
from bot.adapters.store.ledger import Difference
from bot.adapters.store.store import open_store
from bot.ports import Store
from tests import postgres


def _on_sqlite(_folder: Path) -> None:
    return None


def _opening(url_of: Callable[[Path], str | None]) -> "Adapter":
    @asynccontextmanager
    async def opened(folder: Path) -> AsyncIterator[Store]:
        store = await open_store(folder, url_of(folder))
        try:
            yield store
        finally:
            await store.close()

    return opened


Adapter = Callable[[Path], AbstractAsyncContextManager[Store]]
ADAPTERS: dict[str, Adapter] = {"sqlite": _opening(_on_sqlite), "postgres": _opening(postgres.url_of)}


def adapters() -> list[object]:
    """The names of the adapters, as pytest's parameters."""
    return ["sqlite", pytest.param("postgres", marks=postgres.needed)]


@pytest.fixture(params=adapters())
def adapter(request: pytest.FixtureRequest) -> Adapter:
    """Opens the store of a folder."""
    return ADAPTERS[request.param]


async def differences(folder: Path) -> list[Difference]:
    """What does not add up in the store of *folder*, wherever that is kept."""
    is_file = (folder / "naibot.sqlite3").exists()
    return await ledger.differences(folder, None if is_file else postgres.url_of(folder))


@pytest.fixture
async def store(adapter: Adapter, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store; whatever a test did to it, its ledger adds up."""
    async with adapter(tmp_path) as opened:
        yield opened
        assert [] == await differences(tmp_path)
