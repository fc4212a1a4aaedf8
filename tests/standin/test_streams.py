"""The pretend NovelAI's streams: previews, the picture, and every way in which they break."""

import asyncio
import io
import json
import struct
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import pytest

from bot.standin.novelai import NovelAI
from tests.standin.wire import V5, Wire, a_body, a_picture, a_structured_body, comment_of, opened, unpacked

STREAM = "/ai/generate-image-stream"


@pytest.mark.parametrize("kind", ["msgpack", "sse"])
async def test_a_picture_forms(wire: Wire, kind: str) -> None:
    """One preview for each step but the last, then the file; both framings say the same."""
    events = await wire.events(a_structured_body(V5, width=832, height=1216, steps=23), kind)

    previews, final = events[:-1], events[-1]
    assert ["intermediate"] * 22 + ["final"] == [event["event_type"] for event in events]
    assert list(range(22)) == [event["step_ix"] for event in previews]
    sigmas = [event["sigma"] for event in previews]
    assert sorted(sigmas, reverse=True) == sigmas
    assert 1 == len({event["gen_id"] for event in events})
    assert {("JPEG", (208, 304))} == {(opened(one["image"]).format, opened(one["image"]).size) for one in previews}
    assert all(3_000 < len(one["image"]) < 30_000 for one in previews)
    assert (832, 1216) == opened(final["image"]).size
    assert kind == comment_of(final["image"])["stream"]


async def test_previews_near_the_picture(wire: Wire) -> None:
    """Each nearer than one well before it."""
    events = await wire.events(a_structured_body(V5, width=256, height=256, steps=20))
    final = opened(events[-1]["image"]).convert("RGB").resize((64, 64))

    def distance(event: dict[str, Any]) -> int:
        pairs = zip(opened(event["image"]).convert("RGB").tobytes(), final.tobytes(), strict=True)
        return sum(abs(a - b) for a, b in pairs)

    first, middle, last = (distance(events[step]) for step in (0, 9, 18))
    assert first > middle > last


async def test_samples_and_sources(wire: Wire) -> None:
    """Each sample has its own frames; a source saves its share of the steps (RECON: 23 × 0.7 → 16)."""
    two = await wire.events(a_body(n_samples=2, steps=4))
    assert [0, 1] * 3 + [0, 1] == [event["samp_ix"] for event in two]
    over = {**a_body(image=a_picture(), strength=0.7, steps=23), "action": "img2img"}
    assert 16 == len(await wire.events(over))


async def test_a_stream_is_paced_and_billed_once(wire: Wire, novelai: tuple[NovelAI, str]) -> None:
    """Events come as time goes by, the account is locked meanwhile, and the bill comes with the picture."""
    service, _ = novelai
    service.pace.step = 0.05
    large = a_body(width=1024, height=1536, steps=5)
    stream = asyncio.create_task(wire.events(large))
    await asyncio.sleep(0.05)
    assert (429, 10_000) == ((await wire.post(a_body()))[0], service.account.anlas)
    assert 5 == len(await stream)
    [call] = [call for call in service.calls if call.status == 200]
    assert (STREAM, 10_000 - call.billed) == (call.path, service.account.anlas)
    assert call.billed > 0


async def test_refusals_come_before_the_stream(wire: Wire) -> None:
    """With their own status and the service's JSON."""
    body = a_body(width=65, stream="sse")
    status, answer = await wire.post(body, path=STREAM)
    assert (400, 400) == (status, json.loads(answer)["statusCode"])
    status, _ = await wire.post({**a_body(), "input": "1girl, !401"}, path=STREAM)
    assert 401 == status


async def test_an_error_inside_a_200(wire: Wire, novelai: tuple[NovelAI, str]) -> None:
    """The stream begins well and ends with an error event; nothing is billed, and the account is free."""
    service, _ = novelai
    for kind in ("msgpack", "sse"):
        events = await wire.events({**a_structured_body(width=1024, height=1536), "input": "1girl, !streamerror"}, kind)
        names = [event["event_type"] for event in events]
        assert ("error", True, False) == (names[-1], "intermediate" in names, "final" in names)
        assert events[-1]["message"]
    assert 10_000 == service.account.anlas
    assert [500, 500] == [call.status for call in service.calls]
    assert 1 == len(await wire.images({**a_body(), "input": "1girl, !streamerror"}))


async def test_half_a_stream(wire: Wire, novelai: tuple[NovelAI, str]) -> None:
    """Cut in the middle of the picture, after it was billed; asked without streaming, the same prompt is served."""
    service, _ = novelai
    body = {**a_body(width=1024, height=1536, stream="msgpack"), "input": "1girl, !streamcut"}
    answer = await _read(wire, body, path=STREAM)
    with pytest.raises(ValueError, match="half a frame"):
        unpacked(answer)
    assert service.account.anlas < 10_000
    assert 1 == len(await wire.images(body))


@pytest.mark.parametrize("fault", ["streamnofinal", "emptyzip"])
async def test_a_stream_without_a_picture(wire: Wire, fault: str) -> None:
    """It ends well, and there is none."""
    events = await wire.events({**a_body(), "input": f"1girl, !{fault}"})
    assert {"intermediate"} == {event["event_type"] for event in events}


async def test_half_a_picture_in_a_stream(wire: Wire) -> None:
    """The framing is good, the file is not."""
    events = await wire.events({**a_body(), "input": "1girl, !truncated"})
    with pytest.raises((OSError, SyntaxError)):
        opened(events[-1]["image"])


@pytest.mark.parametrize(("kind", "mark"), [("msgpack", b"\xff\xff\xff\xff"), ("sse", b"data: xxxx")])
@pytest.mark.parametrize("fault", ["streamhuge", "endless"])
async def test_a_piece_without_end(wire: Wire, kind: str, mark: bytes, fault: str) -> None:
    """Four gigabytes announced, or a line that never ends: it goes on as long as anybody reads."""
    async with _open(wire, {**a_body(stream=kind), "input": f"1girl, !{fault}"}, STREAM) as response:
        read = 0
        async for piece in response.content.iter_chunked(65_536):
            read += len(piece)
            if read > 8_000_000:
                break
    assert read > 8_000_000


@pytest.mark.parametrize("path", [STREAM, "/ai/generate-image"])
async def test_silence(wire: Wire, path: str) -> None:
    """Half an answer, then nothing."""
    async with _open(wire, {**a_body(), "input": "1girl, !stall"}, path) as response:
        read, is_over = b"", False
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                while piece := await response.content.readany():
                    read += piece
                is_over = True
    assert (False, True) == (is_over, len(read) > 1_000)


@pytest.mark.parametrize("path", [STREAM, "/ai/generate-image"])
async def test_a_small_answer_that_is_large(wire: Wire, path: str) -> None:
    """Little on the wire, 64 MB when unpacked."""
    async with _open(wire, {**a_body(), "input": "1girl, !gzip"}, path, raw=True) as response:
        packed = await response.read()
    assert "gzip" == response.headers["Content-Encoding"]
    assert len(packed) < 100_000 < 64 * 1024 * 1024 == len(zlib.decompress(packed, 31))


@pytest.mark.parametrize(("fault", "billed"), [("hangup", 0), ("billedhangup", 30)])
@pytest.mark.parametrize("path", [STREAM, "/ai/generate-image"])
async def test_no_answer_at_all(wire: Wire, novelai: tuple[NovelAI, str], fault: str, billed: int, path: str) -> None:
    """The connection closes before a byte; one kind has billed, the other has not worked."""
    service, _ = novelai
    with pytest.raises(aiohttp.ClientError):
        await wire.post({**a_body(width=1024, height=1536), "input": f"1girl, !{fault}"}, path=path)
    assert [(503, billed)] == [(call.status, call.billed) for call in service.calls]
    assert 10_000 - billed == service.account.anlas


async def test_billed_and_lost_counts_once(wire: Wire, novelai: tuple[NovelAI, str]) -> None:
    """One call in the books, with its price."""
    assert 503 == (await wire.post({**a_body(width=1024, height=1536), "input": "1girl, !billed503"}))[0]
    assert [(503, 30)] == [(call.status, call.billed) for call in novelai[0].calls]


async def test_as_slow_as_asked(wire: Wire) -> None:
    """`!slow2` waits two seconds, without a number as long as usual."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    await wire.images({**a_body(), "input": "1girl, !slow1"})
    assert 1 <= loop.time() - began < 4


async def test_a_client_that_goes_away_pays(wire: Wire, novelai: tuple[NovelAI, str]) -> None:
    """The service works on."""
    service, _ = novelai
    service.pace.step = 0.02
    async with _open(wire, a_body(width=1024, height=1536, steps=10, stream="sse"), STREAM) as response:
        await response.content.readany()
    async with asyncio.timeout(10):
        while service.account.busy:
            await asyncio.sleep(0.05)
    assert [200] == [call.status for call in service.calls]
    assert service.account.anlas < 10_000


@asynccontextmanager
async def _open(wire: Wire, body: object, path: str, *, raw: bool = False) -> AsyncIterator[aiohttp.ClientResponse]:
    """An answer that is read by hand."""
    async with (
        aiohttp.ClientSession(auto_decompress=not raw) as session,
        session.post(wire.address + path, json=body, headers={"Authorization": "Bearer pst-standin"}) as response,
    ):
        assert 200 == response.status
        yield response


async def _read(wire: Wire, body: object, path: str) -> bytes:
    """What came before the connection broke."""
    got = io.BytesIO()
    async with _open(wire, body, path) as response:
        try:
            async for piece in response.content.iter_any():
                got.write(piece)
        except aiohttp.ClientError:
            pass
    assert struct.unpack(">I", got.getvalue()[:4])[0] > 0
    return got.getvalue()
