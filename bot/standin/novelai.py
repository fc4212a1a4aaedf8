"""
The pretend NovelAI: loopback HTTP that validates, draws, signs and bills as the service does, and fails on request.

It imports nothing of the bot's own price, prompt or imaging code. Its token is ``pst-standin``; its signature proves
nothing. Faults are asked for by a tag in the prompt (``!503``), by `NovelAI.fail_next`, or by ``--fault``:

=================  ====================================================================================
``400`` … ``503``  refuse with that status (``429`` by tag only once for each prompt and seed)
``billed503``      bill, then answer 503
``slow``           answer after `NovelAI.slow_seconds`, holding the account meanwhile
``cut``            send half the answer, then close the connection (billed)
``truncated``      a ZIP whose PNG ends early (billed)
``badzip``         bytes that are no ZIP (billed)
``emptyzip``       a ZIP without pictures (billed)
``bomb``           a ZIP entry that unpacks to 300 MB (billed)
``lyinglength``    a Content-Length larger than the body (billed)
``html``           a web page with status 200 (billed)
``encoded``        a gzip body nobody asked for (billed)
=================  ====================================================================================
"""

import asyncio
import gzip
import io
import json
import re
import time
import zipfile
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from bot.standin import guard
from bot.standin.billing import anlas
from bot.standin.painting import paint
from bot.standin.png import signed_png

TOKEN = "pst-standin"  # noqa: S105 - the stand-in's, and no secret
AREA_MAX = 3_145_728
BODY_MAX = 64 * 1024 * 1024

_V3_SAMPLERS = (
    "k_euler_ancestral", "k_euler", "k_dpmpp_2s_ancestral", "k_dpmpp_2m_sde", "k_dpmpp_2m", "k_dpmpp_sde", "ddim_v3",
)  # fmt: skip
SCHEDULES = ("native", "karras", "exponential", "polyexponential")
MODELS: Mapping[str, str] = {
    "nai-diffusion-3": "Stable Diffusion XL C1E1DE52",
    "nai-diffusion-4-full": "NovelAI Diffusion V4 37442FCA",
    "nai-diffusion-4-5-full": "NovelAI Diffusion V4.5 4BDE2A90",
    "nai-diffusion-5-full": "NovelAI Diffusion V5 0ADF9AB7",
}
"""Model → ``Source`` of its files."""

FAULT_TAG = re.compile(r"(?:^|,)\s*!([a-z0-9]+)\s*(?=,|$)")
STATUSES = {str(status): status for status in (400, 401, 402, 403, 404, 409, 413, 429, 500, 502, 503, 504)}
BROKEN = ("cut", "truncated", "badzip", "emptyzip", "bomb", "lyinglength", "html", "encoded")
FAULTS = frozenset({*STATUSES, *BROKEN, "slow", "billed503"})


class ServiceError(Exception):
    """An answer in the service's own form."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(slots=True)
class AccountState:
    """The account behind the token."""

    tier: int = 3
    active: bool = True
    anlas: int = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request for pictures and what became of it."""

    at: float
    status: int
    request: Mapping[str, Any] = field(repr=False)
    billed: int = 0
    images: tuple[bytes, ...] = field(default=(), repr=False)


class NovelAI:
    """The service; one account, one generation at a time."""

    def __init__(self, faults: Mapping[str, int | None] | None = None, *, slow_seconds: float = 8.0) -> None:
        self.account = AccountState()
        self.calls: deque[Call] = deque(maxlen=1_000)
        self.slow_seconds = slow_seconds
        self._faults: dict[str, int | None] = dict(faults or {})
        self._refused_once: set[tuple[str, object]] = set()
        self._busy = False
        self._gate = asyncio.Event()
        self._gate.set()

    def fail_next(self, fault: int | str, times: int = 1) -> None:
        """Let the next *times* requests for pictures fail in that way."""
        self._faults[_known_fault(str(fault))] = times

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Keep every answer waiting until the block ends."""
        self._gate.clear()
        try:
            yield
        finally:
            self._gate.set()

    def add_routes(self, app: web.Application) -> None:
        """Serve the endpoints of the image host."""
        app.router.add_post("/ai/generate-image", self._generate)
        app.router.add_get("/user/subscription", self._subscription)
        app.router.add_get("/_standin/state", self._state)
        app.router.add_post("/_standin/faults", self._set_faults)
        app.router.add_post("/_standin/account", self._set_account)

    def app(self) -> web.Application:
        """The endpoints as an application of their own."""
        app = web.Application(client_max_size=BODY_MAX)
        self.add_routes(app)
        app.router.add_route("*", "/{tail:.*}", _not_here)
        return app

    @asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator[str]:
        """Serve on loopback; yields the address."""
        runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", port)
            await site.start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    # --- endpoints ---------------------------------------------------------------------------------------------------

    async def _subscription(self, request: web.Request) -> web.Response:
        try:
            _authorise(request)
        except ServiceError as error:
            return _error(error)
        account = self.account
        return web.json_response(
            {
                "tier": account.tier,
                "active": account.active,
                "expiresAt": int(time.time()) + 86_400 * 30,
                "accountType": 0,
                "isGracePeriod": False,
                "perks": {"maxPriorityActions": 1_000, "unlimitedMaxPriority": account.tier >= 3},
                "trainingStepsLeft": {"fixedTrainingStepsLeft": account.anlas, "purchasedTrainingSteps": 0},
                "usage": {"percent": 90, "isNegative": False, "timeUntilNextPercent": 7_888},
            }
        )

    async def _generate(self, request: web.Request) -> web.StreamResponse:
        try:
            _authorise(request)
            body = await _body_of(request)
        except ServiceError as error:
            return _error(error)
        try:
            return await self._make(request, body)
        except ServiceError as error:
            self.calls.append(Call(at=time.time(), status=error.status, request=body))
            return _error(error)

    async def _make(self, request: web.Request, body: Mapping[str, Any]) -> web.StreamResponse:
        fault = self._fault_of(body)
        if fault in STATUSES:
            await self._gate.wait()
            raise ServiceError(STATUSES[fault], _MESSAGES.get(STATUSES[fault], "Internal Server Error"))
        model, wanted = validate(body)
        price = anlas(model, wanted, opus=self.account.active and self.account.tier >= 3)
        if price is None:
            raise ServiceError(400, "Validation error: request is too large")
        if self._busy:
            raise ServiceError(429, _MESSAGES[429])
        if price > self.account.anlas:
            raise ServiceError(402, _MESSAGES[402])
        # Shielded: the service works on when a client goes away, and keeps the account meanwhile.
        work = asyncio.ensure_future(self._work(model, body, wanted, price, fault))
        images = await asyncio.shield(work)
        return await _answer(request, images, fault, wanted["seed"])

    async def _work(
        self, model: str, body: Mapping[str, Any], wanted: Mapping[str, Any], price: int, fault: str | None
    ) -> tuple[bytes, ...]:
        self._busy = True
        try:
            if fault == "slow":
                await asyncio.sleep(self.slow_seconds)
            await self._gate.wait()
            images = await asyncio.to_thread(draw, model, body["input"], wanted)
        finally:
            self._busy = False
        self.account.anlas -= price
        if fault == "billed503":
            self.calls.append(Call(at=time.time(), status=503, request=body, billed=price))
            raise _Billed(503, _MESSAGES[503])
        self.calls.append(Call(at=time.time(), status=200, request=body, billed=price, images=images))
        return images

    def _fault_of(self, body: Mapping[str, Any]) -> str | None:
        for name, left in list(self._faults.items()):
            if left is None:
                return name
            self._faults[name] = left - 1
            if left <= 1:
                del self._faults[name]
            if left > 0:
                return name
        prompt = body.get("input")
        tags = FAULT_TAG.findall(prompt) if isinstance(prompt, str) else []
        fault = next((tag for tag in tags if tag in FAULTS), None)
        once = (str(prompt), str((body.get("parameters") or {}).get("seed")))
        if fault == "429" and once in self._refused_once:
            return None
        if fault == "429":
            self._refused_once.add(once)
        return fault

    # --- what the practice room's backstage shows and sets ------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """The last calls, the account, the faults that are on, and the names of all there are."""
        calls = [
            {
                "at": call.at,
                "status": call.status,
                "billed": call.billed,
                "model": str(call.request.get("model"))[:60],
                "prompt": str(call.request.get("input"))[:120],
            }
            for call in list(self.calls)[-20:]
        ]
        account = {"tier": self.account.tier, "active": self.account.active, "anlas": self.account.anlas}
        return {"calls": calls, "account": account, "faults": self._faults, "known": sorted(FAULTS)}

    def set_faults(self, wanted: Mapping[str, Any]) -> None:
        """Fail like that from now on: name → how often, None for ever. Raises KeyError, TypeError or ValueError."""
        self._faults = {_known_fault(str(name)): None if n is None else int(n) for name, n in wanted.items()}

    def switch_fault(self, name: str, *, on: bool) -> None:
        """Fail like that from now on, or no more; the others stay. Raises KeyError."""
        known = _known_fault(name)
        self._faults.pop(known, None)
        if on:
            self._faults[known] = None

    async def _state(self, request: web.Request) -> web.Response:
        guard.check(request)
        return web.json_response(self.state())

    async def _set_faults(self, request: web.Request) -> web.Response:
        guard.check(request)
        try:
            self.set_faults(await request.json())
        except (ValueError, TypeError, AttributeError, KeyError):
            return _error(ServiceError(400, "faults are an object: name → how often, or null for ever"))
        return await self._state(request)

    async def _set_account(self, request: web.Request) -> web.Response:
        guard.check(request)
        try:
            wanted = await request.json()
            self.account.tier = int(wanted.get("tier", self.account.tier))
            self.account.active = bool(wanted.get("active", self.account.active))
            self.account.anlas = int(wanted.get("anlas", self.account.anlas))
        except (ValueError, TypeError, AttributeError):
            return _error(ServiceError(400, "an account is an object with tier, active and anlas"))
        return await self._state(request)


class _Billed(ServiceError):
    """A failure that was paid for."""


def parse_fault(text: str) -> tuple[str, int | None]:
    """``NAME`` (for ever) or ``NAME=N`` (N times). Raises KeyError or ValueError."""
    name, _, times = text.partition("=")
    return _known_fault(name.removeprefix("!")), int(times) if times else None


def _known_fault(name: str) -> str:
    if name not in FAULTS:
        raise KeyError(name)
    return name


# --- validation ------------------------------------------------------------------------------------------------------


def validate(body: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """
    Model and parameters of a good request.

    Raises `ServiceError`: 400 for what the service refuses, 500 where it answers 500 (nai-api.md 1.4, live 2026-10).
    Unknown parameters are ignored, as the service does.
    """
    model, wanted = body.get("model"), body.get("parameters")
    if not isinstance(model, str) or model not in MODELS:
        raise ServiceError(400, f"Validation error: model {str(model)[:60]} doesn't exist")
    if body.get("action") != "generate":
        raise ServiceError(400, f"the stand-in does not pretend the action {str(body.get('action'))[:20]!r} yet")
    if not isinstance(wanted, dict):
        raise ServiceError(400, "Validation error: parameters must be an object")
    if not isinstance(body.get("input"), str) or not body["input"]:
        raise ServiceError(500, "Internal Server Error")
    _check_numbers(wanted)
    _check_words(model, wanted)
    return model, wanted


_RANGES: Mapping[str, tuple[float, float]] = {
    "steps": (1, 50),
    "scale": (0, 10),
    "seed": (0, 4_294_967_295),
    "n_samples": (1, 8),
    "cfg_rescale": (0, 1),
    "params_version": (1, 4),
}
_WHOLE = ("width", "height", "steps", "seed", "n_samples", "params_version")


def _check_numbers(wanted: Mapping[str, Any]) -> None:
    for name in ("width", "height", "steps", "scale", "seed"):
        if name not in wanted:
            raise ServiceError(400, f"Validation error: {name} is required")
    for name in (*_WHOLE, *_RANGES):
        value = wanted.get(name)
        kinds = int if name in _WHOLE else int | float
        if value is not None and (isinstance(value, bool) or not isinstance(value, kinds)):
            raise ServiceError(400, f"Validation error: {name} must be a number")
        low, high = _RANGES.get(name, (64, AREA_MAX))
        if value is not None and not low <= value <= high:
            raise ServiceError(400, f"Validation error: {name} must be between {low} and {high}")
    width, height = wanted["width"], wanted["height"]
    if width % 64 or height % 64 or width * height > AREA_MAX:
        raise ServiceError(400, "Validation error: width and height must be multiples of 64 within 3145728 pixels")
    if wanted.get("n_samples", 1) > _samples_max(width * height):
        raise ServiceError(400, "Validation error: n_samples is too large for this size")


def _samples_max(area: int) -> int:
    return 8 if area <= 360_448 else 6 if area <= 409_600 else 4


def _check_words(model: str, wanted: Mapping[str, Any]) -> None:
    is_v3 = model == "nai-diffusion-3"
    samplers = _V3_SAMPLERS if is_v3 else _V3_SAMPLERS[:-1]
    if wanted.get("sampler") not in samplers:
        raise ServiceError(400, "Validation error: sampler is not available for this model")
    if wanted.get("noise_schedule", "karras") not in SCHEDULES:
        raise ServiceError(400, "Validation error: noise_schedule is not available")
    if not isinstance(wanted.get("negative_prompt", ""), str):
        raise ServiceError(400, "Validation error: negative_prompt must be a string")
    if wanted.get("image_format", "png") != "png":
        raise ServiceError(400, "the stand-in does not pretend other formats than png yet")
    if not is_v3 and not (
        isinstance(wanted.get("v4_prompt"), dict) and isinstance(wanted.get("v4_negative_prompt"), dict)
    ):
        raise ServiceError(500, "Internal Server Error")


# --- the picture -----------------------------------------------------------------------------------------------------


def draw(model: str, prompt: str, wanted: Mapping[str, Any]) -> tuple[bytes, ...]:
    """The PNGs of a request; sample n has the seed + n."""
    words = re.findall(r"[a-z0-9]+", prompt.casefold())
    return tuple(_draw_one(model, prompt, words, wanted, n) for n in range(wanted.get("n_samples", 1)))


def _draw_one(model: str, prompt: str, words: list[str], wanted: Mapping[str, Any], n: int) -> bytes:
    began = time.perf_counter()
    seed = wanted["seed"] + n
    picture = paint(wanted["width"], wanted["height"], seed, words)
    comment = {**_comment(prompt, wanted), "seed": seed, "request_type": "PromptGenerateRequest"}
    return signed_png(
        picture,
        comment,
        title="NovelAI generated image",
        source=MODELS[model],
        seconds=time.perf_counter() - began,
    )


def _comment(prompt: str, wanted: Mapping[str, Any]) -> dict[str, object]:
    """The applied parameters with the keys and the order of a genuine V3 file."""
    return {
        "prompt": prompt,
        "steps": wanted["steps"],
        "height": wanted["height"],
        "width": wanted["width"],
        "scale": float(wanted["scale"]),
        "uncond_scale": 0.0,
        "cfg_rescale": float(wanted.get("cfg_rescale", 0)),
        "seed": wanted["seed"],
        "n_samples": wanted.get("n_samples", 1),
        "noise_schedule": wanted.get("noise_schedule", "karras"),
        "legacy_v3_extend": bool(wanted.get("legacy_v3_extend", False)),
        "reference_information_extracted_multiple": [],
        "reference_strength_multiple": [],
        "sampler": wanted["sampler"],
        "controlnet_strength": 1.0,
        "controlnet_model": None,
        "dynamic_thresholding": bool(wanted.get("dynamic_thresholding", False)),
        "dynamic_thresholding_percentile": 0.999,
        "dynamic_thresholding_mimic_scale": 10.0,
        "sm": bool(wanted.get("sm", False)),
        "sm_dyn": bool(wanted.get("sm_dyn", False)),
        "skip_cfg_above_sigma": wanted.get("skip_cfg_above_sigma"),
        "skip_cfg_below_sigma": 0.0,
        "lora_unet_weights": None,
        "lora_clip_weights": None,
        "uc": wanted.get("negative_prompt", ""),
    }


# --- answers ---------------------------------------------------------------------------------------------------------

_MESSAGES = {
    400: "Validation error",
    401: "Invalid accessToken",
    402: "Not enough Anlas",
    403: "Forbidden",
    404: "Not Found",
    409: "Concurrent generation is locked",
    413: "Request entity too large",
    429: "Concurrent generation is locked",
    503: "Service Unavailable",
}


async def _answer(request: web.Request, images: tuple[bytes, ...], fault: str | None, seed: int) -> web.StreamResponse:
    if request.headers.get("Accept") == "application/json":
        import base64

        found = [{"image": base64.b64encode(i).decode(), "index": n, "seed": seed + n} for n, i in enumerate(images)]
        return web.json_response({"images": found})
    body = _zip(images)
    match fault:
        case "html":
            return web.Response(text="<html>One moment</html>", content_type="text/html")
        case "badzip":
            body = bytes(range(256)) * 40
        case "emptyzip":
            body = _zip(())
        case "truncated":
            body = _zip(tuple(image[: len(image) // 2] for image in images))
        case "bomb":
            body = await asyncio.to_thread(_zip, (bytes(300 * 1024 * 1024),))
        case "encoded":
            return web.Response(body=gzip.compress(body), headers={"Content-Encoding": "gzip"})
        case "cut" | "lyinglength":
            return await _cut(request, body, whole=fault == "lyinglength")
    headers = {"Content-Disposition": "attachment; filename=images.zip"}
    return web.Response(body=body, content_type="binary/octet-stream", headers=headers)


async def _cut(request: web.Request, body: bytes, *, whole: bool) -> web.StreamResponse:
    """An answer that promises more than it brings."""
    response = web.StreamResponse(headers={"Content-Length": str(len(body) + (1_000 if whole else 0))})
    await response.prepare(request)
    await response.write(body if whole else body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


def _zip(images: tuple[bytes, ...]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for n, image in enumerate(images):
            archive.writestr(f"image_{n}.png", image)
    return packed.getvalue()


def _error(error: ServiceError) -> web.Response:
    return web.json_response({"statusCode": error.status, "message": error.message}, status=error.status)


async def _not_here(request: web.Request) -> web.Response:
    return _error(ServiceError(404, f"{request.method} {request.path[:100]} is not in the stand-in"))


def _authorise(request: web.Request) -> None:
    guard.check(request)
    if request.headers.get("Authorization") != f"Bearer {TOKEN}":
        raise ServiceError(401, _MESSAGES[401])


async def _body_of(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError) as error:
        raise ServiceError(400, "Validation error: the body must be JSON") from error
    if not isinstance(body, dict):
        raise ServiceError(400, "Validation error: the body must be an object")
    return body
