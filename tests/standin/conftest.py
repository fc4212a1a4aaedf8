"""A connection to the pretend NovelAI."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.standin.novelai import NovelAI
from tests.standin.wire import Wire


@pytest.fixture
async def wire(novelai: tuple[NovelAI, str]) -> AsyncIterator[Wire]:
    """A connection to the service."""
    async with aiohttp.ClientSession() as session:
        yield Wire(session, novelai[1])
