"""Every adapter of the `Store` port, so that one law is proved of each."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from bot.adapters.store.ledger import differences
from bot.adapters.store.store import open_store
from bot.ports import Store


@asynccontextmanager
async def _sqlite(folder: Path) -> AsyncIterator[Store]:
    store = await open_store(folder)
    try:
        yield store
    finally:
        await store.close()


Adapter = Callable[[Path], AbstractAsyncContextManager[Store]]
ADAPTERS: dict[str, Adapter] = {"sqlite": _sqlite}


@pytest.fixture(params=ADAPTERS)
def adapter(request: pytest.FixtureRequest) -> Adapter:
    """Opens the store of a folder."""
    return ADAPTERS[request.param]


@pytest.fixture
async def store(adapter: Adapter, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store; whatever a test did to it, its ledger adds up."""
    async with adapter(tmp_path) as opened:
        yield opened
        assert [] == await differences(tmp_path)
