"""The conversation with NovelAI over a real socket: what is sent when, and what each failure means."""

import asyncio
import gzip
import inspect
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from bot.adapters.novelai.client import NovelAIClient
from bot.domain.anlas import Account
from bot.domain.errors import UpstreamError
from bot.standin.novelai import NovelAI
from tests.builders import a_request
from tests.shared import shared

TOKEN = "pst-standin"
SMALL = a_request("1girl", seed=7)


def _soon() -> float:
    return time.monotonic() + 60


async def _nothing() -> None:
    return None


@asynccontextmanager
async def a_client(address: str, token: str = TOKEN) -> AsyncIterator[NovelAIClient]:
    """A client that is closed again."""
    client = NovelAIClient(address, token)
    try:
        yield client
    finally:
        await client.close()


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def a_server(handler: Handler) -> AsyncIterator[str]:
    """A server that may break every rule of HTTP."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _request(reader: asyncio.StreamReader) -> bytes:
    """Read a whole request; its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().splitlines() if line.startswith(b"content-length:"))
    return await reader.readexactly(length)


def answering(raw: bytes) -> Handler:
    """A handler that reads a request and writes *raw*."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _request(reader)
        writer.write(raw)
        await writer.drain()

    return handler


async def _failure(address: str, send: Callable[[], Awaitable[None]] = _nothing) -> UpstreamError:
    async with a_client(address) as client:
        with pytest.raises(UpstreamError) as caught:
            await client.run(SMALL, send, deadline=_soon())
    return caught.value


async def test_pictures_are_the_services_bytes(novelai: tuple[NovelAI, str]) -> None:
    """Nothing is decoded and written again on the way."""
    service, address = novelai
    async with a_client(address) as client:
        pictures = await client.run(SMALL, _nothing, deadline=_soon())

    assert service.calls[-1].images == tuple(picture.data for picture in pictures)
    assert TOKEN not in client.account_id


async def test_nothing_is_sent_before_the_ledger_was_written() -> None:
    """The connection stands, then `send`, then the body: a `send` that fails sends no byte of it."""
    seen: list[bytes] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append(head)
        seen.append(await reader.read(1_000))

    async def refused() -> None:
        await asyncio.sleep(0.1)
        raise LookupError

    async with a_server(handler) as address, a_client(address) as client:
        with pytest.raises(LookupError):
            await client.run(SMALL, refused, deadline=_soon())
        await asyncio.sleep(0.1)

    assert b"" == b"".join(seen[1:])


async def test_a_process_that_slept_past_its_lease_sends_nothing() -> None:
    """A deadline that has passed when the body's turn comes closes the connection."""
    bodies: list[bytes] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        bodies.append(await reader.read(1_000))

    async with a_server(handler) as address, a_client(address) as client:
        with pytest.raises(UpstreamError) as caught:
            await client.run(SMALL, _nothing, deadline=time.monotonic() - 1)
        await asyncio.sleep(0.1)

    assert (False, True) == (caught.value.billed, caught.value.again)
    assert b"" == b"".join(bodies)


async def test_a_service_that_is_not_there_was_sent_nothing() -> None:
    """No connection: `send` was never called, nothing is billed, the job keeps its place."""
    calls: list[int] = []

    async def send() -> None:
        calls.append(1)

    failure = await _failure("http://127.0.0.1:9", send)

    assert ("failed.down", False, True, []) == (failure.code, failure.billed, failure.again, calls)


STATUSES: list[tuple[int, str, bool | None, bool]] = [
    (429, "failed.busy", False, True),
    (409, "failed.busy", False, True),
    (401, "failed.account", False, True),
    (402, "failed.account", False, True),
    (403, "failed.account", False, True),
    (400, "failed.novelai", False, False),
    (404, "failed.novelai", False, False),
    (413, "failed.novelai", False, False),
    (500, "failed.novelai", None, False),
    (502, "failed.novelai", None, False),
    (503, "failed.novelai", None, False),
    (504, "failed.novelai", None, False),
]


@pytest.mark.parametrize(("status", "code", "billed", "again"), STATUSES)
async def test_what_a_status_means(
    novelai: tuple[NovelAI, str], status: int, code: str, billed: bool | None, again: bool
) -> None:
    """Refused unbilled, not taken at all, or perhaps billed: never mixed up."""
    service, address = novelai
    service.fail_next(status)

    failure = await _failure(address)

    assert (code, billed, again) == (failure.code, failure.billed, failure.again)


@pytest.mark.parametrize(
    "fault", ["cut", "truncated", "badzip", "emptyzip", "bomb", "lyinglength", "html", "encoded", "billed503"]
)
async def test_a_broken_answer_may_have_been_billed(novelai: tuple[NovelAI, str], fault: str) -> None:
    """The body was sent, so nobody can know; it is never sent again by itself here."""
    service, address = novelai
    service.fail_next(fault)

    failure = await _failure(address)

    assert (None, False) == (failure.billed, failure.again)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\nab",
        b"SMTP 220 hello\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b"
        % (len(gzip.compress(bytes(10_000_000))), gzip.compress(bytes(10_000_000))),
        b"HTTP/1.1 302 Found\r\nLocation: http://example.com/\r\nContent-Length: 0\r\n\r\n",
    ],
)
async def test_an_answer_that_breaks_the_rules(raw: bytes) -> None:
    """Cut, lying, no HTTP at all, packed, or pointing elsewhere: lost, and nothing is followed or unpacked."""
    async with a_server(answering(raw)) as address:
        failure = await _failure(address)

    assert (None, False) == (failure.billed, failure.again)


async def test_a_wish_to_wait_is_bounded() -> None:
    """Retry-After is honoured up to two minutes."""
    raw = b"HTTP/1.1 429 Slow\r\nRetry-After: 99999\r\nContent-Length: 0\r\n\r\n"
    async with a_server(answering(raw)) as address:
        failure = await _failure(address)

    assert 120 == failure.retry_after


async def test_tier_and_balance_are_read(novelai: tuple[NovelAI, str]) -> None:
    """Opus with 10,000."""
    async with a_client(novelai[1]) as client:
        assert Account(tier=3, active=True, anlas=10_000) == await client.account()
    async with a_client(novelai[1], "pst-other") as client:
        with pytest.raises(UpstreamError, match=r"failed\.account"):
            await client.account()


async def _account_of(body: bytes) -> Account:
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        await writer.drain()

    async with a_server(handler) as address, a_client(address) as client:
        return await client.account()


async def test_a_captured_subscription_is_read() -> None:
    """The live shape, and the single number of older servers."""
    seen = json.loads(shared("data/captures.json").read_text())["subscription"]["seen"]

    assert Account(tier=3, active=True, anlas=9_646) == await _account_of(json.dumps(seen | {"active": True}).encode())
    assert 12 == (await _account_of(b'{"tier": 1, "active": true, "trainingStepsLeft": 12}')).anlas


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"tier": {}}', b"[" * 50_000, b"x" * 300_000])
async def test_an_unreadable_subscription_is_no_account(body: bytes) -> None:
    """Whatever comes, it is an `UpstreamError`, and so an account without anything free."""
    with pytest.raises(UpstreamError):
        await _account_of(body)


def test_every_failure_of_httpx_is_ours_to_translate() -> None:
    """A class that httpx adds must be one of those that the client catches."""
    classes = [each for _, each in inspect.getmembers(httpx, inspect.isclass) if issubclass(each, Exception)]
    caught = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict)

    assert len(classes) > 20
    assert not [each for each in classes if not issubclass(each, caught)]
