"""NovelAI's price, written a second time from the facts, so that the bot's own price has a judge."""

import math
from collections.abc import Mapping
from typing import Any

MEGAPIXEL = 1024 * 1024
MOST = 140

FACTORS: Mapping[str, float] = {
    "nai-diffusion-5-full": 1.5,
    "nai-diffusion-5-curated": 1.5,
}


def anlas(model: str, wanted: Mapping[str, Any], *, opus: bool) -> int | None:
    """What ``parameters`` cost on this account; None where one picture would cost more than is taken."""
    area, steps, samples = wanted["width"] * wanted["height"], wanted["steps"], wanted.get("n_samples", 1)
    one = math.ceil(area * 2.951823174884865e-6 + area * steps * 5.753298233447344e-7)
    if wanted.get("sm"):
        one *= 1.4 if wanted.get("sm_dyn") else 1.2
    one = max(2, math.ceil(one * FACTORS.get(model, 1)))
    if one > MOST:
        return None
    gift = 1 if opus and area <= MEGAPIXEL and steps <= 28 else 0
    total: int = one * (samples - gift)
    return total
