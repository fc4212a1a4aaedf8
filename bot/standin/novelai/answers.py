"""The forms in which the service answers, whole or broken."""

import asyncio
import base64
import gzip
import io
import zipfile
from collections.abc import Sequence
from contextlib import suppress

from aiohttp import web

from bot.standin.novelai.faults import SLOWEST, Fault
from bot.standin.novelai.refusal import ServiceError

BOMB = 300 * 1024 * 1024
PUFF = 64 * 1024 * 1024
PIECE = bytes(64 * 1024)


def refused(error: ServiceError, retry_after: int | None = None) -> web.Response:
    """The service's JSON of an error; a 429 may say when to come back (nai-api.md 7)."""
    headers = {"Retry-After": str(retry_after)} if error.status == 429 and retry_after is not None else {}
    return web.json_response(error.as_json(), status=error.status, headers=headers)


def zipped(files: Sequence[bytes]) -> bytes:
    """``image_0.png`` and so on, ``.webp`` for WebP."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for n, file in enumerate(files):
            archive.writestr(f"image_{n}.{'webp' if file.startswith(b'RIFF') else 'png'}", file)
    return packed.getvalue()


async def pictures(
    request: web.Request, files: Sequence[bytes], seeds: Sequence[int], fault: Fault | None
) -> web.StreamResponse:
    """JSON for who accepts JSON alone, else a ZIP."""
    if request.headers.get("Accept") == "application/json":
        rows = zip(files, seeds, strict=True)
        found = [
            {"image": base64.b64encode(file).decode(), "index": n, "seed": seed} for n, (file, seed) in enumerate(rows)
        ]
        return web.json_response({"images": found})
    return await archive(request, files, fault)


async def archive(request: web.Request, files: Sequence[bytes], fault: Fault | None) -> web.StreamResponse:
    """A ZIP, spoilt as *fault* says."""
    match fault.name if fault is not None else None:
        case "badzip":
            body = bytes(range(256)) * 40
        case "emptyzip":
            body = zipped(())
        case "truncated":
            body = zipped([file[: len(file) // 2] for file in files])
        case "bomb":
            body = await asyncio.to_thread(zipped, (bytes(BOMB),))
        case _:
            body = await asyncio.to_thread(zipped, files)
    headers = {"Content-Disposition": "attachment; filename=images.zip"}
    return await sent(request, body, "binary/octet-stream", fault, headers)


async def sent(
    request: web.Request, body: bytes, kind: str, fault: Fault | None, headers: dict[str, str] | None = None
) -> web.StreamResponse:
    """*body*, or what *fault* makes of the answer that carries it."""
    match fault.name if fault is not None else None:
        case "html":
            return web.Response(text="<html>One moment</html>", content_type="text/html")
        case "encoded":
            return web.Response(body=gzip.compress(body), headers={"Content-Encoding": "gzip"})
        case "gzip":
            puffed = await asyncio.to_thread(gzip.compress, bytes(PUFF))
            return web.Response(body=puffed, content_type=kind, headers={"Content-Encoding": "gzip"})
        case "cut" | "lyinglength" | "stall":
            return await _short(request, body, str(fault and fault.name))
        case "endless":
            response = web.StreamResponse(headers={"Content-Type": kind})
            await response.prepare(request)
            await pour(response, PIECE)
            return response
    return web.Response(body=body, content_type=kind, headers=headers)


async def _short(request: web.Request, body: bytes, how: str) -> web.StreamResponse:
    """An answer that promises more than it brings, or brings it never."""
    extra = 1_000 if how == "lyinglength" else 0
    response = web.StreamResponse(headers={"Content-Length": str(len(body) + extra)})
    await response.prepare(request)
    await response.write(body if extra else body[: len(body) // 2])
    if how == "stall":
        await asyncio.sleep(SLOWEST)
    hang_up(request)
    return response


async def pour(response: web.StreamResponse, piece: bytes) -> None:
    """Write *piece* over and over until the other side has gone, or for as long as anything may take."""
    with suppress(TimeoutError):
        async with asyncio.timeout(SLOWEST):
            while True:
                await response.write(piece)
                await asyncio.sleep(0)


def hang_up(request: web.Request) -> None:
    """Close the connection under the answer."""
    if request.transport is not None:
        request.transport.close()
