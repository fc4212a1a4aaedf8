"""The classifier itself: opens an image, shows it to the network, and never takes longer than it may."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from bot.adapters.classifier.weights import Weights
from bot.domain.errors import ClassifierError, Mistake
from bot.domain.rating import Rating
from bot.imaging.decode import load_pixels, read_header

if TYPE_CHECKING:
    from bot.adapters.classifier.network import Floats, Network

RATE_TIME = 20.0
"""Seconds for one picture, with the wait for others; alone it takes a tenth of one."""

Develop = Callable[[Callable[[bytes], "Floats"], bytes], Awaitable["Floats"]]
"""Runs a function on an image's bytes where images are opened, one after the other (`Darkroom.develop`)."""


class Nsfwjs:
    """
    Implements `bot.ports.Classifier` with MobileNetV2Mid.

    The image is opened in the darkroom, which keeps 600 KB of it; the network runs in a thread of its own. A thread
    cannot be stopped: what took too long goes on to its end, and whoever comes next waits for it or fails like it.
    """

    def __init__(self, weights: Weights, develop: Develop, *, rate_time: float = RATE_TIME) -> None:
        self._network = _network(weights)
        self._develop = develop
        self._rate_time = rate_time
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="classifier")

    async def rate(self, data: bytes) -> Rating:
        """Rate *data*; see `bot.ports.Classifier`."""
        try:
            async with asyncio.timeout(self._rate_time):
                picture = await self._develop(_seen, data)
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._thread, self._rated, picture)
        except TimeoutError as error:
            raise ClassifierError("rating.slow") from error
        except (ValueError, ArithmeticError, MemoryError, RuntimeError) as error:
            raise ClassifierError("rating.failed") from error

    def _rated(self, picture: "Floats") -> Rating:
        drawing, hentai, neutral, porn, sexy = self._network.probabilities(picture)
        return Rating(drawing=drawing, hentai=hentai, neutral=neutral, porn=porn, sexy=sexy)

    def close(self) -> None:
        """Let the thread go."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _network(weights: Weights) -> "Network":
    """numpy's library starts a thread for each core once it is loaded; on a busy machine one alone is quicker."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from bot.adapters.classifier.network import Network

    return Network(weights)


def _seen(data: bytes) -> "Floats":
    from bot.adapters.classifier.network import sampled

    try:
        image = load_pixels(data, read_header(data))
    except Mistake as error:
        raise ClassifierError("rating.unreadable") from error
    if image is None:
        raise ClassifierError("rating.unreadable")
    return sampled(image)
