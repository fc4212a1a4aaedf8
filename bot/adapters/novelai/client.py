"""The conversation with NovelAI: one request at a time, bounded reading, and every failure named. Owns httpx."""

import asyncio
import hashlib
import io
import json
import logging
import secrets
import string
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

import httpx

from bot.adapters.novelai import stream, wire
from bot.domain.anlas import Account
from bot.domain.errors import UpstreamError
from bot.domain.inputs import Inputs
from bot.domain.model import Model
from bot.domain.request import Generate, Picture, Request
from bot.domain.tags import SuggestedTag
from bot.domain.tools import EncodeVibe

log = logging.getLogger(__name__)

if find_spec("sniffio") is None:
    # httpcore (1.0.9) asks for it several times in each exchange, and Python would look through the whole path again.
    sys.modules["sniffio"] = None  # type: ignore[assignment]

TIMEOUT = httpx.Timeout(connect=10, read=120, write=30, pool=5)
TOTAL = 240.0
"""Seconds for a whole exchange; less than an account's lease."""
ACCOUNT_BYTES = 256 * 1024
ACCOUNT_TIME = 20.0
TAGS_TIME = 10.0
WAIT_MIN, WAIT_MAX = 1.0, 120.0
_CORRELATION = string.ascii_letters + string.digits
_FAILURES = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, TimeoutError, OSError)

Send = Callable[[], Awaitable[None]]


def _agent() -> str:
    try:
        return f"naibot/{version('naibot')}"
    except PackageNotFoundError:
        return "naibot"


class NovelAIClient:
    """
    One account of NovelAI; implements `bot.ports.NovelAI`.

    *address* is the image host, which serves all that is asked for here, ``/user/subscription`` included
    (nai-api.md 1.1, live 2026-10-02); the older hosts answer 400 or 404.
    """

    def __init__(self, address: str, token: str) -> None:
        self._http = httpx.AsyncClient(
            base_url=address,
            headers={"Authorization": f"Bearer {token}", "User-Agent": _agent(), "Accept-Encoding": "identity"},
            timeout=TIMEOUT,
            limits=httpx.Limits(max_connections=2, max_keepalive_connections=1),
            follow_redirects=False,
            trust_env=False,
        )
        self._account_id = f"nai-{hashlib.sha256(token.encode()).hexdigest()[:12]}"

    @property
    def account_id(self) -> str:
        """Safe to store and log."""
        return self._account_id

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def account(self) -> Account:
        """See `bot.ports.NovelAI.account`."""
        return wire.decode_account(await self._get("/user/subscription", {}, within=ACCOUNT_TIME))

    async def suggest_tags(self, model: Model, text: str, *, japanese: bool = False) -> tuple[SuggestedTag, ...]:
        """See `bot.ports.NovelAI.suggest_tags`."""
        asked = {"model": model.value, "prompt": text, "lang": "jp" if japanese else "en"}
        return wire.decode_tags(await self._get("/ai/generate-image/suggest-tags", asked, within=TAGS_TIME))

    async def run(
        self,
        request: Request,
        send: Send,
        *,
        deadline: float,
        inputs: Inputs | None = None,
        watch: stream.Watch | None = None,
    ) -> list[Picture]:
        """See `bot.ports.NovelAI.run`."""
        if watch is not None and isinstance(request, Generate):
            return await self._watched(request, send, deadline, inputs, watch)
        content = await _encoded(request, inputs)
        async with self._exchange(wire.path_of(request), content, send, deadline) as response:
            body = await _bounded(response, wire.ANSWER_BYTES)
        return await asyncio.to_thread(wire.decode, body, request)

    async def _watched(
        self, request: Generate, send: Send, deadline: float, inputs: Inputs | None, watch: stream.Watch
    ) -> list[Picture]:
        form = wire.StreamForm.MSGPACK
        content = await _encoded(request, inputs, stream=form)
        making = stream.Making(request, watch)
        async with self._exchange(wire.path_of(request, streams=True), content, send, deadline) as response:
            parser = stream.parser_of(response.headers.get("Content-Type", ""))
            async for piece in _pieces(response, wire.ANSWER_BYTES):
                for event in parser.feed(piece):
                    making.take(event)
            for event in parser.end():
                making.take(event)
        return making.pictures()

    async def encode_vibe(self, request: EncodeVibe, image: bytes, send: Send, *, deadline: float) -> bytes:
        """See `bot.ports.NovelAI.encode_vibe`."""
        content = await asyncio.to_thread(lambda: _json(wire.encode_vibe(request, image)))
        async with self._exchange("/ai/encode-vibe", content, send, deadline) as response:
            return wire.decode_vibe(await _bounded(response, wire.VIBE_BYTES))

    async def _get(self, path: str, asked: Mapping[str, str], *, within: float) -> bytes:
        """What costs nothing and may be asked as often as one likes."""
        try:
            async with (
                asyncio.timeout(within),
                self._http.stream("GET", path, params=asked, headers=_correlation()) as response,
            ):
                if response.status_code != httpx.codes.OK:
                    raise _refusal(response.status_code, _retry_after(response))
                return await _bounded(response, ACCOUNT_BYTES)
        except _FAILURES as error:
            raise UpstreamError("failed.down", billed=False, again=True) from error

    @asynccontextmanager
    async def _exchange(self, path: str, content: bytes, send: Send, deadline: float) -> AsyncIterator[httpx.Response]:
        """
        Post *content* once, and hand out an answer that took it; whatever goes wrong is an `UpstreamError`.

        The answer of a refusal is not read: its status says all.
        """
        sent = _Sent()
        headers = {
            **_correlation(),
            "Content-Type": "application/json",
            # A known length, or the body would go out in chunks, which the service need not take.
            "Content-Length": str(len(content)),
        }
        body = _body(content, sent, send, deadline)
        try:
            async with (
                asyncio.timeout(min(TOTAL, deadline - time.monotonic())),
                self._http.stream("POST", path, content=body, headers=headers) as response,
            ):
                if not 200 <= response.status_code < 300:
                    log.debug("NovelAI answered %s", response.status_code)
                    raise _refusal(response.status_code, _retry_after(response))
                yield response
        except _FAILURES as error:
            raise _lost(sent) from error


async def _encoded(request: Request, inputs: Inputs | None, stream: wire.StreamForm | None = None) -> bytes:
    """The body of *request*; images make it large, and then it is written off the loop."""
    if not inputs:
        return _json(wire.encode(request, stream=stream))
    return await asyncio.to_thread(lambda: _json(wire.encode(request, inputs, stream=stream)))


def _json(body: Mapping[str, object]) -> bytes:
    return json.dumps(body).encode()


class _Sent:
    """Whether the first byte of the body may have left."""

    def __init__(self) -> None:
        self.body = False


async def _body(content: bytes, sent: _Sent, send: Send, deadline: float) -> AsyncIterator[bytes]:
    """
    The body, drawn by the transport once the connection stands.

    *send* is the last write to the ledger before the first byte; a process that was stopped in between finds its
    deadline passed and sends nothing.
    """
    await send()
    if time.monotonic() >= deadline:
        raise UpstreamError("failed.down", billed=False, again=True, what="deadline")
    sent.body = True
    yield content


async def _bounded(response: httpx.Response, limit: int) -> bytes:
    """The raw body, never more than *limit*, and held once."""
    body = io.BytesIO()
    async for piece in _pieces(response, limit):
        body.write(piece)
    return body.getvalue()


async def _pieces(response: httpx.Response, limit: int) -> AsyncIterator[bytes]:
    """The raw body as it comes, never more than *limit* in all; an encoding we did not ask for is not unpacked."""
    if response.headers.get("Content-Encoding", "identity").lower() not in ("", "identity"):
        raise wire.broken("encoding")
    left = limit
    async for piece in response.aiter_raw():
        left -= len(piece)
        if left < 0:
            raise wire.broken("size")
        yield piece


def _lost(sent: _Sent) -> UpstreamError:
    if sent.body:
        return UpstreamError("failed.answer", billed=None, again=False)
    return UpstreamError("failed.down", billed=False, again=True)


def _refusal(status: int, wait: float | None) -> UpstreamError:
    """
    What a status means (nai-api.md 7).

    Refused before any work: 429 and 409 (busy), 401, 402, 403 (the account). Not taken at all: other 4xx. Anything
    else may have been worked on and billed.
    """
    if status in (429, 409):
        return UpstreamError("failed.busy", billed=False, again=True, retry_after=wait)
    if status in (401, 402, 403):
        return UpstreamError("failed.account", billed=False, again=True, status=status)
    if 400 <= status < 500:
        return UpstreamError("failed.novelai", billed=False, again=False, status=status)
    return UpstreamError("failed.novelai", billed=None, again=False, status=status)


def _retry_after(response: httpx.Response) -> float | None:
    text = response.headers.get("Retry-After", "")
    if not text.isascii() or not text.isdigit():
        return None
    return min(max(float(text[:6]), WAIT_MIN), WAIT_MAX)


def _correlation() -> dict[str, str]:
    """Six characters that the site shows to a person when a request failed."""
    return {"x-correlation-id": "".join(secrets.choice(_CORRELATION) for _ in range(6))}
