"""A paid job whose outcome is unknown is never sent again, wherever the connection breaks; a free one is."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from bot.adapters.store.ledger import differences
from bot.domain.job import JobState
from bot.domain.model import Model
from bot.domain.request import Size
from bot.services.breaker import WAIT_MAX
from bot.standin.novelai import NovelAI
from tests.services.pool import Pool, a_pool

SUBSCRIPTION = {
    "tier": 3,
    "active": True,
    "trainingStepsLeft": {"fixedTrainingStepsLeft": 500, "purchasedTrainingSteps": 0},
}
SMALL = Size(width=64, height=64)
CUTS = ("head", "body", "behind", "answer head", "answer body")
"""Before a byte of the body was read; in its middle; behind it; in the middle of the answer's head, and of its body."""


@dataclass
class Cutter:
    """A service that reads `/user/subscription` well, and cuts every posted request at one place."""

    cut: str
    address: str = ""
    begun: int = 0
    """Posts of which a byte of the body arrived."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"GET"):
                body = json.dumps(SUBSCRIPTION).encode()
                writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                await writer.drain()
            else:
                await self._post(reader, writer, head)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _post(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        length = next(int(line[15:]) for line in head.lower().splitlines() if line.startswith(b"content-length:"))
        if self.cut == "head":
            return
        first = await reader.readexactly(1)
        self.begun += len(first)
        if self.cut == "body":
            return
        await reader.readexactly(length - 1)
        if self.cut == "answer head":
            writer.write(b"HTTP/1.1 200 O")
        if self.cut == "answer body":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\nContent-Length: 5000\r\n\r\nPK\x03\x04")
        await writer.drain()


@asynccontextmanager
async def a_cutter(cut: str) -> AsyncIterator[Cutter]:
    """The service on a port of its own."""
    cutter = Cutter(cut)
    server = await asyncio.start_server(cutter.serve, "127.0.0.1", 0)
    async with server:
        cutter.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield cutter


async def _spend(pool: Pool, steps: int) -> None:
    for _ in range(steps):
        await pool.worker("a").step()
        pool.clock.advance(WAIT_MAX + 1)


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("model", [Model.V3, Model.V4_5_FULL])
async def test_a_paid_body_is_sent_once(tmp_path: Path, cut: str, model: Model) -> None:
    """Plain and streamed: failed, charged nothing, remembered as spent, the operator told; and never sent again."""
    async with a_cutter(cut) as cutter, a_pool(tmp_path, NovelAI(), cutter.address, "a") as pool:
        await pool.read()
        job = await pool.wish(size=SMALL, samples=2, model=model)
        await _spend(pool, 4)

        ended = await pool.now(job)
        assert (JobState.FAILED, 0, job.price) == (ended.state, ended.charged_anlas, ended.spent)
        assert cutter.begun <= 1
        assert [("account.lost", job.price)] == await pool.told("account.lost")
        assert [("account.drift", -job.price)] == await pool.told("account.drift")
    assert [] == await differences(tmp_path)


async def test_what_never_left_is_sent_later(tmp_path: Path, novelai: tuple[NovelAI, str]) -> None:
    """No connection for posts: nothing was sent, so a paid job keeps its place until there is one."""
    service, address = novelai
    async with a_pool(tmp_path, service, address, "a") as pool:
        await pool.read()
        job = await pool.wish(size=SMALL, samples=2)
        client = pool.house.services.accounts.clients[0]
        good, client._http = client._http, httpx.AsyncClient(base_url="http://127.0.0.1:1")  # type: ignore[attr-defined]
        for _ in range(3):
            await pool.worker("a").step()
        waiting = await pool.now(job)
        assert (JobState.QUEUED, 0, 0) == (waiting.state, waiting.spent, waiting.tries)
        await client._http.aclose()  # type: ignore[attr-defined]
        client._http = good  # type: ignore[attr-defined]
        await _spend(pool, 2)

        assert (JobState.DONE, job.price) == ((await pool.now(job)).state, (await pool.now(job)).spent)
        assert [] == await pool.told("account.lost", "account.drift")


@pytest.mark.parametrize("fault", ["streamcut", "streamnofinal", "streamhuge", "streamerror"])
async def test_a_stream_that_breaks(tmp_path: Path, novelai: tuple[NovelAI, str], fault: str) -> None:
    """A free job is asked for again without streaming, under its own row; a paid one has failed."""
    service, address = novelai
    async with a_pool(tmp_path, service, address, "a") as pool:
        await pool.read()
        free = await pool.wish(1, size=SMALL, model=Model.V4_5_FULL)
        service.fail_next(fault)
        for _ in range(2):
            await pool.worker("a").step()
        paths = [call.path.rsplit("-", 1)[1] for call in service.calls]
        assert ["stream", "image"] == paths
        assert (JobState.DONE, 0) == ((await pool.now(free)).state, (await pool.now(free)).spent)

        paid = await pool.wish(2, size=SMALL, samples=2, model=Model.V4_5_FULL)
        service.fail_next(fault)
        for _ in range(2):
            await pool.worker("a").step()
        lost = await pool.now(paid)
        assert (JobState.FAILED, 0, paid.price, 3) == (lost.state, lost.charged_anlas, lost.spent, len(service.calls))
        drifted = -paid.price if fault == "streamerror" else None
        assert ([("account.drift", drifted)] if drifted else []) == await pool.told("account.drift")
