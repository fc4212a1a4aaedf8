"""What the NovelAI client adds to an exchange on loopback, beside a bare HTTP request for the same bytes."""

import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable

import aiohttp

from bot.adapters.novelai.client import NovelAIClient
from bot.adapters.novelai.wire import encode
from bot.domain.request import Size
from bot.standin.novelai import NovelAI
from tests.builders import a_request

ROUNDS = 25
REQUEST = a_request("river", seed=7, size=Size(width=256, height=256))


async def _nothing() -> None:
    return None


async def median_ms(work: Callable[[], Awaitable[object]]) -> float:
    """Milliseconds of *work*, the median of `ROUNDS`."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await work()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


async def main() -> None:
    """Print milliseconds and the ratio; the stand-in draws the same picture in both."""
    async with NovelAI().serve() as address, aiohttp.ClientSession() as session:
        client = NovelAIClient(address, "pst-standin")
        body = json.dumps(encode(REQUEST)).encode()
        headers = {"Authorization": "Bearer pst-standin", "Content-Type": "application/json"}

        async def bare() -> bytes:
            async with session.post(f"{address}/ai/generate-image", data=body, headers=headers) as response:
                return await response.read()

        floor = await median_ms(bare)
        ours = await median_ms(lambda: client.run(REQUEST, _nothing, deadline=time.monotonic() + 60))
        await client.close()
    print(f"bare request  {floor:7.1f} ms")
    print(f"our client    {ours:7.1f} ms   ratio {ours / floor:.2f}")


if __name__ == "__main__":
    asyncio.run(main())
