"""A bell that wakes everybody who waits for something to change."""

import asyncio
from contextlib import suppress


class Bell:
    """Rings for all who wait at that moment; nobody hears a ring of before."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake them."""
        rung, self._rung = self._rung, asyncio.Event()
        rung.set()

    async def heard(self, within: float) -> None:
        """Return at the next ring, or after *within* seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._rung.wait()
