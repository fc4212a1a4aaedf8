"""The conversation with NovelAI: one request at a time, bounded reading, and every failure named. Owns httpx."""

import asyncio
import hashlib
import json
import logging
import secrets
import string
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib.metadata import PackageNotFoundError, version

import httpx

from bot.adapters.novelai.wire import PICTURE_BYTES, decode, encode
from bot.domain.anlas import Account
from bot.domain.errors import UpstreamError
from bot.domain.request import Picture, Request

log = logging.getLogger(__name__)

TIMEOUT = httpx.Timeout(connect=10, read=120, write=30, pool=5)
TOTAL = 240.0
"""Seconds for a whole exchange; less than an account's lease."""
ACCOUNT_BYTES = 256 * 1024
ACCOUNT_TIME = 20.0
WAIT_MIN, WAIT_MAX = 1.0, 120.0
_CORRELATION = string.ascii_letters + string.digits

Send = Callable[[], Awaitable[None]]


def _agent() -> str:
    try:
        return f"naibot/{version('naibot')}"
    except PackageNotFoundError:
        return "naibot"


class NovelAIClient:
    """One account of NovelAI; implements `bot.ports.NovelAI`."""

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
        """Tier and balance (nai-api.md 1.8); the balance came as one number from older servers."""
        try:
            async with asyncio.timeout(ACCOUNT_TIME):
                status, body = await self._get("/user/subscription")
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, TimeoutError, OSError) as error:
            raise UpstreamError("failed.down", billed=False, again=True) from error
        if status != httpx.codes.OK:
            raise _refusal(status, None)
        return _account(body)

    async def _get(self, path: str) -> tuple[int, bytes]:
        async with self._http.stream("GET", path, headers=_correlation()) as response:
            return response.status_code, await _bounded(response, ACCOUNT_BYTES)

    async def run(self, request: Request, send: Send, *, deadline: float) -> list[Picture]:
        """See `bot.ports.NovelAI.run`."""
        content = json.dumps(encode(request)).encode()
        limit = PICTURE_BYTES * request.pictures
        sent = _Sent()
        try:
            async with asyncio.timeout(TOTAL):
                status, wait, body = await self._post(content, sent, send, deadline, limit)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, TimeoutError, OSError) as error:
            raise _lost(sent) from error
        if not 200 <= status < 300:
            log.debug("NovelAI answered %s with %d bytes", status, len(body))
            raise _refusal(status, wait)
        return await asyncio.to_thread(decode, body, request)

    async def _post(
        self, content: bytes, sent: "_Sent", send: Send, deadline: float, limit: int
    ) -> tuple[int, float | None, bytes]:
        async with self._http.stream(
            "POST",
            "/ai/generate-image",
            content=_body(content, sent, send, deadline),
            headers={
                **_correlation(),
                "Content-Type": "application/json",
                # A known length, or the body would go out in chunks, which the service need not take.
                "Content-Length": str(len(content)),
            },
        ) as response:
            body = await _bounded(response, limit)
            return response.status_code, _retry_after(response), body


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
    """The raw body, never more than *limit*; an encoding we did not ask for is not unpacked."""
    if response.headers.get("Content-Encoding", "identity").lower() not in ("", "identity"):
        raise UpstreamError("failed.answer", billed=None, again=False, what="encoding")
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > limit:
            raise UpstreamError("failed.answer", billed=None, again=False, what="size")
    return bytes(body)


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


def _account(body: bytes) -> Account:
    try:
        answer = json.loads(body)
        left = answer["trainingStepsLeft"]
        anlas = left if isinstance(left, int) else left["fixedTrainingStepsLeft"] + left["purchasedTrainingSteps"]
        return Account(tier=int(answer["tier"]), active=bool(answer["active"]), anlas=int(anlas))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UpstreamError("failed.answer", billed=False, again=True, what="subscription") from error
