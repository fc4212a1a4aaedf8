"""The conversation with NovelAI over a real socket: what is sent when, and what each failure means."""

import asyncio
import base64
import gzip
import inspect
import io
import json
import time
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.novelai.client import NovelAIClient
from bot.domain.anlas import Account, Usage
from bot.domain.errors import UpstreamError
from bot.domain.inputs import Img2Img, Input, InputKind
from bot.domain.model import Model
from bot.domain.request import Picture, Preview
from bot.domain.tags import SuggestedTag
from bot.domain.tools import EncodeVibe, Upscale
from bot.standin.novelai import NovelAI
from tests.adapters.test_stream import EVENTS, GOOD, JPEG, frame, line
from tests.builders import a_request
from tests.imaging.pictures import an_image
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
        account = await client.account()
    assert (3, True, 10_000) == (account.tier, account.active, account.anlas)
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
    """The live shape, V5's bar included, and the single number of older servers."""
    seen = json.loads(shared("data/captures.json").read_text())["subscription"]["seen"]
    bar = Usage(percent=100, is_negative=False, next_percent_in=7888)

    found = await _account_of(json.dumps(seen | {"active": True}).encode())

    assert Account(tier=3, active=True, anlas=9_646, usage=bar) == found
    unreadable = json.dumps(seen | {"active": True, "usage": {"percent": "many"}}).encode()
    assert (await _account_of(unreadable)).bar_is_used_up
    seen["usage"] = {"percent": -3.5, "isNegative": True, "timeUntilNextPercent": 0}
    assert (await _account_of(json.dumps(seen | {"active": True}).encode())).bar_is_used_up
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


# --- more than a plain picture


def ok(body: bytes, *, kind: str = "binary/octet-stream", more: bytes = b"") -> bytes:
    """A whole answer."""
    return b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n%b\r\n%b" % (
        kind.encode(), len(body), more, body,
    )  # fmt: skip


def zipped(*pictures: bytes) -> bytes:
    """The service's usual answer."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for n, data in enumerate(pictures):
            archive.writestr(f"image_{n}.png", data)
    return packed.getvalue()


class Service:
    """A server with one answer; it keeps what it was asked."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(x[15:]) for x in head.lower().splitlines() if x.startswith(b"content-length:")), 0)
        self.heads.append(head)
        self.bodies.append(await reader.readexactly(length))
        writer.write(self.answer)
        await writer.drain()

    @property
    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [head.split(b" ")[1].decode() for head in self.heads]


async def _watched(answer: bytes, kind: str) -> tuple[Service, list[Preview], list[Picture]]:
    service, seen = Service(ok(answer, kind=kind)), list[Preview]()
    request = a_request(model=Model.V4_5_FULL, seed=7, steps=23)
    async with a_server(service) as address, a_client(address) as client:
        pictures = await client.run(request, _nothing, deadline=_soon(), watch=seen.append)
    return service, seen, pictures


@pytest.mark.parametrize(("kind", "write"), [("application/msgpack", frame), ("text/event-stream", line)])
async def test_a_stream_shows_the_picture_forming(kind: str, write: Callable[..., bytes]) -> None:
    """Previews as they come, then the real file; the stream has an address and a field of its own."""
    service, seen, pictures = await _watched(b"".join(write(**event) for event in EVENTS), kind)

    assert [(1, 23, JPEG), (22, 23, JPEG)] == [(p.step, p.total_steps, p.picture) for p in seen]
    assert [(GOOD, 7)] == [(picture.data, picture.seed) for picture in pictures]
    assert ["/ai/generate-image-stream"] == service.paths
    assert "msgpack" == json.loads(service.bodies[0])["parameters"]["stream"]


async def test_an_error_inside_a_stream_may_have_been_billed() -> None:
    """It comes in a 200."""
    with pytest.raises(UpstreamError) as caught:
        await _watched(frame(event_type="error", message="Internal Server Error", code=500), "application/msgpack")

    assert ("failed.novelai", None, False) == (caught.value.code, caught.value.billed, caught.value.again)


async def test_images_go_out_as_base64() -> None:
    """JSON is accepted for everything (live 2026-10-02)."""
    service, image = Service(ok(zipped(GOOD))), an_image(832, 1216)
    request = a_request(model=Model.V4_5_FULL, seed=7, img2img=Img2Img())
    async with a_server(service) as address, a_client(address) as client:
        await client.run(request, _nothing, deadline=_soon(), inputs={Input(InputKind.SOURCE): image})

    assert image == base64.b64decode(json.loads(service.bodies[0])["parameters"]["image"])


async def test_an_upscale_has_an_address_of_its_own() -> None:
    """On the same host; a watcher is told nothing, because only what is drawn is streamed."""
    service = Service(ok(zipped(GOOD)))
    async with a_server(service) as address, a_client(address) as client:
        [picture] = await client.run(
            Upscale(width=8, height=8),
            _nothing,
            deadline=_soon(),
            inputs={Input(InputKind.SOURCE): an_image(8, 8)},
            watch=lambda preview: pytest.fail("nothing forms"),
        )

    assert (GOOD, ["/ai/upscale"]) == (picture.data, service.paths)


async def test_a_request_without_its_image_is_not_sent() -> None:
    """Not even a connection is made."""
    service = Service(ok(zipped(GOOD)))
    async with a_server(service) as address, a_client(address) as client:
        with pytest.raises(UpstreamError) as caught:
            await client.run(a_request(seed=7, img2img=Img2Img()), _nothing, deadline=_soon())

    assert (False, []) == (caught.value.billed, service.heads)


async def test_a_vibe_is_encoded_once_the_ledger_was_written() -> None:
    """It is paid, so what holds for pictures holds for it."""
    service, calls = Service(ok(b"\x00encoding")), list[int]()

    async def send() -> None:
        calls.append(len(service.bodies))

    asked = EncodeVibe(model=Model.V4_5_FULL, information_extracted=0.7)
    async with a_server(service) as address, a_client(address) as client:
        assert b"\x00encoding" == await client.encode_vibe(asked, b"an image", send, deadline=_soon())

    assert ([0], ["/ai/encode-vibe"]) == (calls, service.paths)
    assert {
        "image": base64.b64encode(b"an image").decode(),
        "model": "nai-diffusion-4-5-full",
        "information_extracted": 0.7,
    } == json.loads(service.bodies[0])


async def test_tags_are_suggested() -> None:
    """The text is escaped in the address, whatever it holds."""
    service = Service(ok(b'{"tags": [{"tag": "red hair", "count": 10000, "confidence": 0.9}]}'))
    async with a_server(service) as address, a_client(address) as client:
        found = await client.suggest_tags(Model.V3, "red ha&lang=jp#")

    assert (SuggestedTag(tag="red hair", count=10_000, confidence=0.9),) == found
    assert [
        "/ai/generate-image/suggest-tags?model=nai-diffusion-3&prompt=red+ha%26lang%3Djp%23&lang=en"
    ] == service.paths


# --- hostile answers

MIB = 1024 * 1024
GZIP = gzip.compress(bytes(64 * MIB))
HTML = b"<!doctype html><title>Just a moment...</title>"
HOSTILE = {
    "gzip that inflates": ok(GZIP, more=b"Content-Encoding: gzip\r\n"),
    "gzip that does not say so": ok(GZIP),
    "a page": ok(HTML, kind="text/html"),
    "a page for a ZIP": ok(HTML),
    "nothing": ok(b""),
    "a truncated ZIP": ok(zipped(GOOD)[:-30]),
    "a ZIP of a truncated picture": ok(zipped(GOOD[:-5])),
    "a bomb": ok(zipped(bytes(100 * MIB))),
    "a deep JSON": ok(b"[" * 100_000, kind="application/json"),
    "a frame of 4 GiB": ok(b"\xff\xff\xff\xff\x81", kind="application/msgpack"),
    "a list of 4 billion": ok(b"\x00\x00\x00\x05\xdd\xff\xff\xff\xff", kind="application/msgpack"),
    "half a frame": ok(frame(**EVENTS[-1])[:-3], kind="application/msgpack"),
    "half an event": ok(line(**EVENTS[-1])[:-9], kind="text/event-stream"),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("streams", [False, True])
async def test_an_answer_that_is_none_is_lost(name: str, streams: bool) -> None:
    """Whatever it is: nothing of it is delivered, and nobody can know whether it was billed."""
    watch = list[Preview]().append if streams else None
    async with a_server(answering(HOSTILE[name])) as address, a_client(address) as client:
        with pytest.raises(UpstreamError) as caught:
            await client.run(SMALL, _nothing, deadline=_soon(), watch=watch)

    assert ("failed.answer", None, False) == (caught.value.code, caught.value.billed, caught.value.again)


@given(cut=st.integers(0, 400), noise=st.binary(max_size=40), streams=st.booleans())
@settings(max_examples=40, deadline=None)
def test_noise_in_a_whole_conversation(cut: int, noise: bytes, streams: bool) -> None:
    """Anywhere in head or body: pictures, or an error of ours, and the client lives on."""
    answer = ok(b"".join(frame(**event) for event in EVENTS) if streams else zipped(GOOD))
    raw = answer[:cut] + noise + answer[cut:]

    async def converse() -> None:
        watch = list[Preview]().append if streams else None
        async with a_server(answering(raw)) as address, a_client(address) as client:
            with suppress(UpstreamError):
                [picture] = await client.run(SMALL, _nothing, deadline=time.monotonic() + 5, watch=watch)
                assert picture.data.startswith(b"\x89PNG")

    asyncio.run(converse())


async def test_the_right_bytes_under_a_wrong_name_are_a_picture() -> None:
    """What they are is in the bytes."""
    async with a_server(answering(ok(zipped(GOOD), kind="text/html"))) as address, a_client(address) as client:
        [picture] = await client.run(SMALL, _nothing, deadline=_soon())

    assert GOOD == picture.data


@pytest.mark.parametrize(("status", "code"), [(429, "failed.busy"), (403, "failed.account"), (400, "failed.novelai")])
async def test_a_refusal_is_its_status_whatever_comes_with_it(status: int, code: str) -> None:
    """Cloudflare packs its pages; what is refused was not billed."""
    raw = b"HTTP/1.1 %d No\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (status, len(GZIP), GZIP)
    async with a_server(answering(raw)) as address:
        failure = await _failure(address)

    assert (code, False) == (failure.code, failure.billed)


def endless(head: bytes, piece: bytes, pause: float) -> Handler:
    """A handler whose answer does not end."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _request(reader)
        writer.write(head)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)

    return handler


CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nTransfer-Encoding: chunked\r\n\r\n"
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\n\r\n"
A_MIB = b"100000\r\n" + b"x" * MIB + b"\r\n"


@pytest.mark.parametrize(
    ("head", "piece", "streams"),
    [
        (PLAIN % b"binary/octet-stream", b"x" * MIB, False),
        (CHUNKED % b"application/zip", A_MIB, False),
        (CHUNKED % b"text/event-stream", A_MIB, True),
        (PLAIN % b"text/event-stream", b": nothing\n" * 100_000, True),
        (PLAIN % b"application/msgpack", frame(event_type="retry") * 100_000, True),
        (PLAIN % b"application/msgpack", b"\xff\xff\xff\xff" + b"x" * MIB, True),
    ],
)
async def test_an_answer_without_an_end_is_given_up(head: bytes, piece: bytes, streams: bool) -> None:
    """By its size, long before its time."""
    watch = list[Preview]().append if streams else None
    begun = time.monotonic()
    async with a_server(endless(head, piece, 0)) as address, a_client(address) as client:
        with pytest.raises(UpstreamError) as caught:
            await client.run(SMALL, _nothing, deadline=_soon(), watch=watch)

    assert (None, False) == (caught.value.billed, caught.value.again)
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("piece", [b"", b": \n"])
async def test_the_deadline_holds(piece: bytes, streams: bool) -> None:
    """Also where a byte comes again and again, so that no single wait is long."""
    watch = list[Preview]().append if streams else None
    begun = time.monotonic()
    async with a_server(endless(PLAIN % b"text/event-stream", piece, 0.05)) as address, a_client(address) as client:
        with pytest.raises(UpstreamError) as caught:
            await client.run(SMALL, _nothing, deadline=time.monotonic() + 0.5, watch=watch)

    assert (None, False) == (caught.value.billed, caught.value.again)
    assert time.monotonic() - begun < 5


# --- a paid request is sent once


class Cutter:
    """A server that cuts the connection at one moment, and counts how often it was asked."""

    def __init__(self, moment: str) -> None:
        self.moment = moment
        self.asked = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        length = next(int(x[15:]) for x in head.lower().splitlines() if x.startswith(b"content-length:"))
        match self.moment:
            case "before the body":
                return
            case "during the body":
                await reader.readexactly(1)
            case "after the body":
                await reader.readexactly(length)
            case "during the answer":
                await reader.readexactly(length)
                writer.write(ok(zipped(GOOD))[:-10])
                await writer.drain()
            case "during a stream":
                await reader.readexactly(length)
                writer.write(PLAIN % b"application/msgpack" + b"".join(frame(**event) for event in EVENTS)[:-10])
                await writer.drain()


@pytest.mark.parametrize(
    "moment", ["before the body", "during the body", "after the body", "during the answer", "during a stream"]
)
async def test_a_paid_request_is_never_sent_twice(moment: str) -> None:
    """Whatever happens to the connection: it is asked once, and nobody is told that it may be asked again."""
    service, sends = Cutter(moment), list[int]()
    paid = a_request("1girl, " * 500, model=Model.V5_FULL, seed=7, samples=4)
    watch = list[Preview]().append if "stream" in moment else None

    async def send() -> None:
        sends.append(1)
        # The server may have gone before the body's turn came: then nothing of it leaves.
        await asyncio.sleep(0.05)

    async with a_server(service) as address, a_client(address) as client:
        with pytest.raises(UpstreamError) as caught:
            await client.run(paid, send, deadline=_soon(), watch=watch)
        await asyncio.sleep(0.1)

    assert (1, [1]) == (service.asked, sends)
    assert (None, False) == (caught.value.billed, caught.value.again)


@pytest.mark.parametrize("moment", ["before the body", "during the body", "after the body"])
async def test_a_vibe_is_never_paid_twice(moment: str) -> None:
    """The same for the other paid request."""
    service = Cutter(moment)
    async with a_server(service) as address, a_client(address) as client:
        with pytest.raises(UpstreamError) as caught:
            await client.encode_vibe(EncodeVibe(model=Model.V4_FULL), b"x", _nothing, deadline=_soon())

    assert (1, None, False) == (service.asked, caught.value.billed, caught.value.again)
