"""What a request costs in Anlas, exactly, and why."""

import math
from dataclasses import dataclass

from bot.domain.errors import Refused
from bot.domain.model import CAPABILITIES, Smea
from bot.domain.request import FREE_AREA, FREE_STEPS, Generate, Request

PICTURE_MIN = 2
PICTURE_MAX = 140
"""Anlas; the site does not let a single picture cost more (nai-api.md 4.1)."""
OPUS = 3

_PER_PIXEL = 2.951823174884865e-6
_PER_PIXEL_STEP = 5.753298233447344e-7
_SMEA_FACTOR = {Smea.OFF: 1.0, Smea.ON: 1.2, Smea.DYN: 1.4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """
    What is known of a NovelAI account.

    *tier* is 0 to 3 (Paper, Tablet, Scroll, Opus); *anlas* is the balance, None where unknown. An account that
    could not be read is `UNKNOWN`: it has nothing free.
    """

    tier: int = 0
    active: bool = False
    anlas: int | None = None

    @property
    def draws_free(self) -> bool:
        """Whether small pictures cost this account nothing."""
        return self.active and self.tier >= OPUS


UNKNOWN = Account()


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """
    A price that explains itself, in Anlas.

    *each* is one picture at full price, *samples* how many are made, *free* how many of those cost nothing.
    """

    each: int
    samples: int
    free: int

    @property
    def total(self) -> int:
        """What is paid."""
        return self.each * (self.samples - self.free)

    @property
    def is_free(self) -> bool:
        """Whether nothing is paid."""
        return self.total == 0


def price(request: Request, account: Account) -> Price:
    """
    The price of *request* on *account*.

    Raises `Refused` ``price.refused`` where one picture would cost more than NovelAI takes (140). The formula is
    the site's (nai-api.md 4.1, web bundle 2026-10, confirmed by balances before and after live requests).
    """
    match request:
        case Generate():
            return _price_of_generate(request, account)


def _price_of_generate(request: Generate, account: Account) -> Price:
    each = _picture(request)
    if each > PICTURE_MAX:
        raise Refused("price.refused", price=each, most=PICTURE_MAX)
    free = 1 if account.draws_free and is_free_form(request) else 0
    return Price(each=each, samples=request.samples, free=free)


def is_free_form(request: Generate) -> bool:
    """Whether an Opus account draws the first picture of this request for nothing."""
    return request.size.pixels <= FREE_AREA and request.sampling.steps <= FREE_STEPS


def _picture(request: Generate) -> int:
    pixels, steps = request.size.pixels, request.sampling.steps
    base = math.ceil(_PER_PIXEL * pixels + _PER_PIXEL_STEP * pixels * steps)
    factor = _SMEA_FACTOR[request.sampling.smea] * CAPABILITIES[request.sampling.model].price_factor
    return max(math.ceil(base * factor), PICTURE_MIN)
