"""What a request costs in Anlas, exactly, and why."""

import math
from dataclasses import dataclass

from bot.domain.bounds import AREA_MAX
from bot.domain.errors import Refused
from bot.domain.model import Smea, VibeForm
from bot.domain.request import FREE_AREA, FREE_STEPS, FREE_VIBES, Generate, Request
from bot.domain.tools import Direct, DirectorTool, EncodeVibe, Upscale

PICTURE_MIN = 2
PICTURE_MAX = 140
"""Anlas; the site does not let a single picture cost more (nai-api.md 4.1)."""
OPUS = 3
REFERENCE = 5
VIBE = 2
ENCODING = 2

_PER_PIXEL = 2.951823174884865e-6
_PER_PIXEL_STEP = 5.753298233447344e-7
_SMEA_FACTOR = {Smea.OFF: 1.0, Smea.ON: 1.2, Smea.DYN: 1.4}
_TOOL_STEPS = 28
_UPSCALE = ((1_048_576, 1), (1_747_627, 2), (2_446_678, 3), (AREA_MAX, 4))
"""Pixels of the source, at most, and Anlas (nai-api.md 4.2; 1 Anlas seen live 2026-10-02)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """
    V5's usage bar of an Opus account (nai-api.md 1.8): while it is below zero V5 draws nothing for nothing.

    *percent* is 0 to 100; about 17 pictures are one percent. *next_percent_in* is seconds, 0 while it does not refill.
    """

    percent: float
    is_negative: bool
    next_percent_in: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """
    What is known of a NovelAI account.

    *tier* is 0 to 3 (Paper, Tablet, Scroll, Opus); *anlas* is the balance, None where unknown; *usage* is V5's bar,
    None where there is none. An account that could not be read is `UNKNOWN`: it has nothing free.
    """

    tier: int = 0
    active: bool = False
    anlas: int | None = None
    usage: Usage | None = None

    @property
    def draws_free(self) -> bool:
        """Whether small pictures cost this account nothing."""
        return self.active and self.tier >= OPUS

    @property
    def bar_is_used_up(self) -> bool:
        """Whether models with a usage bar draw nothing for nothing just now."""
        return self.usage is not None and self.usage.is_negative


UNKNOWN = Account()
_OPUS = Account(tier=OPUS, active=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """*n* things of a kind at *each* Anlas; *kind* is the key of its words (``price.part.<kind>``)."""

    kind: str
    n: int
    each: int

    @property
    def total(self) -> int:
        """What they cost together."""
        return self.n * self.each


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """
    A price that explains itself, in Anlas.

    *each* is one picture at full price, *samples* how many are made, *free* how many of those cost nothing; *extras* is
    what comes on top; *kind* says what is made.
    """

    each: int
    samples: int
    free: int
    extras: tuple[Part, ...] = ()
    kind: str = "picture"

    @property
    def total(self) -> int:
        """What is paid."""
        return sum(part.total for part in self.parts)

    @property
    def is_free(self) -> bool:
        """Whether nothing is paid."""
        return self.total == 0

    @property
    def parts(self) -> tuple[Part, ...]:
        """All that the total is the sum of, what is free included."""
        parts = (
            Part(kind=self.kind, n=self.samples - self.free, each=self.each),
            Part(kind="free", n=self.free, each=0),
            *self.extras,
        )
        return tuple(part for part in parts if part.n)


def price(request: Request | EncodeVibe, account: Account) -> Price:
    """
    The price of *request* on *account*.

    Raises `Refused` ``price.refused`` where one picture would cost more than NovelAI takes (140). The formula is
    the site's (nai-api.md 4.1 and 4.2, web bundle 2026-10, confirmed by balances before and after live requests).
    """
    match request:
        case Generate():
            return _price_of_generate(request, account)
        case Direct():
            return _price_of_tool(request, account)
        case Upscale():
            each = next(cost for most, cost in _UPSCALE if request.pixels <= most)
            return Price(each=each, samples=1, free=0, kind="upscale")
        case EncodeVibe():
            return Price(each=ENCODING, samples=1, free=0, kind="encoding")


def _price_of_generate(request: Generate, account: Account) -> Price:
    each = _picture(request)
    if each > PICTURE_MAX:
        raise Refused("price.refused", price=each, most=PICTURE_MAX)
    is_free = account.draws_free and _is_small(request) and not (request.row.usage_bar and account.bar_is_used_up)
    return Price(each=each, samples=request.samples, free=int(is_free), extras=_extras(request))


def is_free_form(request: Request) -> bool:
    """Whether an Opus account makes all of this request for nothing (V5: while its bar lasts)."""
    return price(request, _OPUS).is_free if not isinstance(request, Generate) else _is_wholly_free(request)


def _is_wholly_free(request: Generate) -> bool:
    return request.samples == 1 and _is_small(request) and not _extras(request)


def _is_small(request: Generate) -> bool:
    return request.size.pixels <= FREE_AREA and request.sampling.steps <= FREE_STEPS


def _picture(request: Generate) -> int:
    """The order is the site's: rounded up first, then the factors, and up once more."""
    row, sampling = request.row, request.sampling
    factor = _SMEA_FACTOR[sampling.smea]
    per = _base(request.size.pixels, sampling.steps * row.step_factor) * factor * row.price_factor
    return max(math.ceil(per * _strength(request)), PICTURE_MIN)


def _base(pixels: int, steps: float) -> int:
    return math.ceil(_PER_PIXEL * pixels + _PER_PIXEL_STEP * pixels * steps)


def _strength(request: Generate) -> float:
    if request.inpaint is not None:
        return request.inpaint.strength
    return request.img2img.strength if request.img2img is not None else 1.0


def _extras(request: Generate) -> tuple[Part, ...]:
    """
    What comes on top of the pictures.

    A precise reference takes no free picture away, though the site's own formula says so: an Opus account was charged 5
    and not 12 (live 2026-10-02).
    """
    is_encoding = request.row.vibes is VibeForm.ENCODING
    parts = (
        Part(kind="reference", n=len(request.references) * request.samples, each=REFERENCE),
        Part(kind="vibe", n=max(0, len(request.vibes) - FREE_VIBES), each=VIBE),
        Part(kind="encoding", n=sum(is_encoding and not vibe.encoded for vibe in request.vibes), each=ENCODING),
    )
    return tuple(part for part in parts if part.n)


def _price_of_tool(request: Direct, account: Account) -> Price:
    """As V3 at 28 steps, of the image brought between one megapixel and the largest area."""
    pixels = min(max(request.pixels, FREE_AREA), AREA_MAX)
    each = _base(pixels, _TOOL_STEPS)
    if request.tool is DirectorTool.REMOVE_BACKGROUND:
        return Price(each=3 * each + 5, samples=1, free=0, kind="tool")
    return Price(each=each, samples=1, free=int(account.draws_free and pixels <= FREE_AREA), kind="tool")
