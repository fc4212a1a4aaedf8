"""The one place where images are open: few downloads at a time, one image at a time, never on the event loop."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import IO, TypeVar

from bot.domain.claims import Inspection
from bot.domain.errors import Mistake
from bot.imaging.copies import Copy, exact_copy, preview
from bot.imaging.inspection import inspect_image
from bot.imaging.restoring import restored
from bot.imaging.thumbnail import thumbnail

BYTES_MAX = 25 * 1024 * 1024
DOWNLOADS = 4
DOWNLOAD_TIME = 20.0
"""Seconds."""
IN_MEMORY = 1024 * 1024

T = TypeVar("T")
Read = Callable[[], AsyncIterator[bytes]]
"""Yields an image's bytes piece by piece; may raise `Mistake`."""


class Darkroom:
    """Downloads under a cap, then opens one image after the other in a thread of its own."""

    def __init__(self, trusted: Mapping[str, bytes]) -> None:
        self._trusted = trusted
        self._downloads = asyncio.Semaphore(DOWNLOADS)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="darkroom")

    @property
    def is_busy(self) -> bool:
        """Whether another image would have to wait."""
        return self._downloads.locked()

    async def inspect(self, read: Read, most: int = BYTES_MAX) -> Inspection:
        """What an image of at most *most* bytes says of itself. Raises `Mistake` with the image's codes."""
        return await self._developed(read, inspect_image, most)

    async def restore(self, read: Read) -> bytes:
        """An image with its stripped text written back; see `bot.imaging.restoring`. Raises `Mistake`."""
        return await self._developed(read, restored)

    async def _developed(self, read: Read, work: Callable[..., T], most: int = BYTES_MAX) -> T:
        async with self._downloads:
            with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
                await _download(read, file, most)
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._thread, self._open, file, work)

    async def develop(self, work: Callable[[bytes], T], data: bytes) -> T:
        """Let *work* open an image of ours or a stranger's, alone; the classifier's come here."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, data)

    async def shrink(self, data: bytes) -> bytes | None:
        """An image as a small WebP; None where it cannot be one."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, thumbnail, data)

    async def exact_copy(self, data: bytes) -> Copy | None:
        """The same pixels of one of our pictures as a smaller file, checked; see `bot.imaging.copies`."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, exact_copy, data, self._trusted)

    async def preview(self, data: bytes) -> Copy | None:
        """A small, lossy copy of one of our pictures."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, preview, data)

    def _open(self, file: IO[bytes], work: Callable[..., T]) -> T:
        file.seek(0)
        return work(file.read(BYTES_MAX + 1), trusted=self._trusted)

    def close(self) -> None:
        """Let the thread go."""
        self._thread.shutdown(wait=False, cancel_futures=True)


async def _download(read: Read, file: IO[bytes], most: int) -> None:
    size = 0
    try:
        async with asyncio.timeout(DOWNLOAD_TIME):
            async for piece in read():
                size += len(piece)
                if size > most:
                    raise Mistake("image.large", limit_mb=most // 1024**2)
                file.write(piece)
    except TimeoutError as error:
        raise Mistake("image.slow") from error
