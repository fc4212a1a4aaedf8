"""A picture as it forms: the previews, the events, and both framings of ``generate-image-stream`` (nai-api.md 1.7)."""

import asyncio
import base64
import io
import json
import random
import struct
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web
from PIL import Image, ImageFilter

from bot.standin.novelai import answers
from bot.standin.novelai.faults import SLOWEST, Fault
from bot.standin.novelai.generation import noise, seed_of
from bot.standin.novelai.order import Order

SMALLER = 4
"""How many times smaller than the picture a preview is."""
SIGMA_FIRST, SIGMA_LAST = 20_000.0, 0.312
"""Noise of the first and the last preview (RECON c13, live 2026-10)."""
KINDS = {"msgpack": "application/msgpack", "sse": "text/event-stream"}
_ENDLESS_LINE = b"x" * 65_536


@dataclass(frozen=True, slots=True)
class Event:
    """One event and, in *image*, the bytes it carries."""

    name: str
    fields: dict[str, Any]
    image: bytes | None = field(default=None, repr=False)


def frames(order: Order) -> int:
    """How many events one picture has: its steps, fewer over a source (RECON: 23 × 0.7 → 16)."""
    return max(1, int(order.wanted["steps"] * _share(order)))


def _share(order: Order) -> float:
    if order.action == "generate":
        return 1.0
    name, usual = ("strength", 0.7) if order.action == "img2img" else ("inpaintImg2ImgStrength", 1)
    return float(order.wanted.get(name, usual))


def previews(order: Order, made: Sequence[Image.Image]) -> Iterator[Event]:
    """Each picture coming out of noise, step by step: small JPEGs."""
    count, gen_id = frames(order) - 1, new_id(order.seed)
    for step in range(count):
        for n, picture in enumerate(made):
            image = _preview(picture, seed_of(order, n), (step + 1) / (count + 1))
            sigma = _sigma(step, count)
            yield Event("intermediate", {"samp_ix": n, "step_ix": step, "gen_id": gen_id, "sigma": sigma}, image)


def finals(files: Sequence[bytes], gen_id: int) -> Iterator[Event]:
    """The files, as they would have been in the ZIP."""
    for n, file in enumerate(files):
        yield Event("final", {"samp_ix": n, "gen_id": gen_id}, file)


def failure() -> Event:
    """What goes wrong half-way comes as an event, because the status was 200 already."""
    return Event("error", {"message": "Internal Server Error", "code": 500, "samp_ix": 0})


def new_id(seed: int) -> int:
    """The id of a generation."""
    return random.Random(seed).randint(1_000_000, 9_999_999)  # noqa: S311 - no secret


def _preview(picture: Image.Image, seed: int, done: float) -> bytes:
    size = (max(1, picture.width // SMALLER), max(1, picture.height // SMALLER))
    small = picture.convert("RGB").resize(size, Image.Resampling.BOX)
    soft = small.filter(ImageFilter.GaussianBlur((1 - done) * min(size) / 16))
    packed = io.BytesIO()
    Image.blend(noise(size, seed), soft, done**0.5).save(packed, "JPEG", quality=80)
    return packed.getvalue()


def _sigma(step: int, count: int) -> float:
    if count < 2:
        return SIGMA_LAST
    return float(SIGMA_FIRST * (SIGMA_LAST / SIGMA_FIRST) ** (step / (count - 1)))


def framed(event: Event, kind: str) -> bytes:
    """One event on the wire: four bytes of length and a msgpack map, or the lines of SSE with base64."""
    if kind == "msgpack":
        told = {"event_type": event.name, **event.fields}
        packed = msgspec.msgpack.encode(told if event.image is None else {**told, "image": event.image})
        return struct.pack(">I", len(packed)) + packed
    told = {"event_type": event.name, **event.fields}
    if event.image is not None:
        told["image"] = base64.b64encode(event.image).decode()
    return f"event: {event.name}\ndata: {json.dumps(told)}\n\n".encode()


# --- sending ---------------------------------------------------------------------------------------------------------


async def sent(
    request: web.Request, events: AsyncIterator[Event], kind: str, fault: Fault | None
) -> web.StreamResponse:
    """The *events* as they come, and the *fault*, if any, in the place of the first picture."""
    response = web.StreamResponse(headers={"Content-Type": KINDS[kind]})
    await response.prepare(request)
    name = fault.name if fault is not None else ""
    async for event in events:
        if event.name == "final" and name in _AT_THE_END:
            await _spoil(request, response, framed(event, kind), kind, name)
            return response
        if not (event.name == "final" and name in ("streamnofinal", "emptyzip")):
            await response.write(framed(_spoilt(event, name), kind))
    return response


_AT_THE_END = ("cut", "streamcut", "streamhuge", "endless", "stall", "badzip", "lyinglength", "bomb")


def _spoilt(event: Event, name: str) -> Event:
    if event.name != "final" or name != "truncated" or event.image is None:
        return event
    return Event(event.name, event.fields, event.image[: len(event.image) // 2])


async def _spoil(request: web.Request, response: web.StreamResponse, last: bytes, kind: str, name: str) -> None:
    """In the place of the picture: half of it, rubbish, silence, or more than anybody can hold."""
    match name:
        case "badzip":
            await response.write(struct.pack(">I", 4_096) + b"\xc1" * 4_096 if kind == "msgpack" else b"data: {]\n\n")
            return
        case "streamhuge" | "bomb" | "endless":
            await response.write(b"\xff\xff\xff\xff" if kind == "msgpack" else b"data: ")
            await answers.pour(response, _ENDLESS_LINE)
        case "stall":
            await response.write(last[: len(last) // 2])
            await asyncio.sleep(SLOWEST)
        case _:
            await response.write(last[: len(last) // 2])
    answers.hang_up(request)
