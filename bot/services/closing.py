"""Whether this process is about to end: then nothing new is taken, and what was sent is waited for."""

import asyncio

from bot.domain.errors import Refused


class Closing:
    """Begun once, by a signal; asked by whoever would start something new."""

    def __init__(self) -> None:
        self._begun = asyncio.Event()

    def begin(self) -> None:
        """Take nothing new from here on."""
        self._begun.set()

    @property
    def has_begun(self) -> bool:
        """Whether nothing new is taken."""
        return self._begun.is_set()

    def check(self) -> None:
        """Raise `Refused` ``restarting`` once it has begun."""
        if self.has_begun:
            raise Refused("restarting")

    async def wait(self) -> None:
        """Until it begins."""
        await self._begun.wait()

    async def comes_before(self, event: asyncio.Event) -> bool:
        """Wait for *event* or for the closing; whether it was the closing."""
        waiting = [asyncio.create_task(self.wait()), asyncio.create_task(event.wait())]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        return self.has_begun

    async def comes_within(self, seconds: float) -> bool:
        """Sleep for *seconds*, or less when the closing begins; whether it has."""
        try:
            async with asyncio.timeout(seconds):
                await self.wait()
        except TimeoutError:
            return False
        return True
