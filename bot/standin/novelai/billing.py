"""NovelAI's prices in Anlas, written a second time from the facts, so that the bot's own price has a judge."""

import math
from collections.abc import Mapping
from typing import Any

from bot.standin.novelai.catalogue import MODELS, Family, Model

MEGAPIXEL = 1024 * 1024
AREA_MAX = 3 * MEGAPIXEL
FREE_STEPS = 28
ENCODING = 2
USAGE_OF_ONE = 1 / 17.3
"""Percent of the V5 bar that one free picture takes (nai-api.md 1.8, live 2026-10)."""

_PER_PIXEL = 2.951823174884865e-6
_PER_PIXEL_AND_STEP = 5.753298233447344e-7
_MEDIUM = 1 / 1.06521739


def anlas(model: str, wanted: Mapping[str, Any], *, opus: bool) -> int:
    """
    What ``parameters`` cost (nai-api.md 4.1); *opus* says whether this account has its free picture.

    The site refuses to ask for a picture of more than 140; the service itself bills it.
    """
    kind = MODELS[model]
    samples = int(wanted.get("n_samples", 1))
    paid = samples - (1 if opus and is_small(wanted) else 0)
    references = len(wanted.get("director_reference_images") or ())
    vibes = len(wanted.get("reference_image_multiple") or ())
    return one_picture(kind, wanted) * paid + 5 * references * samples + 2 * max(0, vibes - 4)


def is_small(wanted: Mapping[str, Any]) -> bool:
    """Whether one picture of it is free on Opus."""
    return bool(_area(wanted) <= MEGAPIXEL and wanted["steps"] <= FREE_STEPS)


def one_picture(model: Model, wanted: Mapping[str, Any]) -> int:
    """Anlas of one picture, before anything is free."""
    price = float(_base(model, _area(wanted), wanted["steps"]))
    if model.has_smea and wanted.get("sm") and not wanted.get("image"):
        price *= 1.4 if wanted.get("sm_dyn") else 1.2
    return max(2, math.ceil(price * model.factor * _share(wanted)))


def _base(model: Model, area: int, steps: int) -> int:
    """Rounded up before any factor. V1 and V2 have a curve of their own; their tables above 1 MP are not pretended."""
    if model.family in (Family.V1, Family.V2):
        return math.ceil((15.2665 * math.exp(area / MEGAPIXEL * 0.63263) - 15.2252) / 28 * steps)
    pace = _MEDIUM if model.medium else 1
    return math.ceil(_PER_PIXEL * area + _PER_PIXEL_AND_STEP * area * steps * pace)


def _share(wanted: Mapping[str, Any]) -> float:
    """How much of the way is gone: all, or the strength over a source."""
    if wanted.get("mask"):
        return float(wanted.get("inpaintImg2ImgStrength", 1))
    return float(wanted.get("strength", 0.7)) if wanted.get("image") else 1.0


def _area(wanted: Mapping[str, Any]) -> int:
    return int(wanted["width"] * wanted["height"])


def tool(name: str, width: int, height: int, *, opus: bool) -> int:
    """Anlas of a director tool: V3's price at 28 steps on the area it works at; removing a background is never free."""
    area = min(max(width * height, MEGAPIXEL), AREA_MAX)
    price = _base(MODELS["nai-diffusion-3"], area, FREE_STEPS)
    if name == "bg-removal":
        return 3 * price + 5
    return 0 if opus and area <= MEGAPIXEL else price


def upscale(width: int, height: int) -> int:
    """Anlas by the source's area, never free (nai-api.md 4.2, since 2026-08-21)."""
    steps = (MEGAPIXEL, 1_747_627, 2_446_678)
    return 1 + sum(width * height > step for step in steps)
