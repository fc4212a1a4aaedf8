"""Makes the pictures of an order: painted from words and seed, over a source, or inside a mask."""

import hashlib
import random
import re
import time
from collections.abc import Sequence

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from bot.standin.novelai.catalogue import Family
from bot.standin.novelai.fields import SEED_MAX, Fields, decoded, is_image
from bot.standin.novelai.metadata import Making, file_of
from bot.standin.novelai.order import Order, order_of
from bot.standin.novelai.painting import Person, paint

LATENT = 8
_TRANSPARENT = "transparent background"


def draw(model: str, prompt: str, wanted: Fields) -> tuple[bytes, ...]:
    """The files of a request that makes pictures from words alone."""
    order = order_of({"model": model, "input": prompt, "action": "generate", "parameters": wanted})
    return draw_all(order)


def draw_all(order: Order) -> tuple[bytes, ...]:
    """The files of *order*."""
    began = time.perf_counter()
    return files(order, pictures(order), "none", began)


def pictures(order: Order) -> list[Image.Image]:
    """The RGBA pictures of *order*."""
    return [picture(order, n) for n in range(order.samples)]


def files(order: Order, made: Sequence[Image.Image], stream: str, began: float) -> tuple[bytes, ...]:
    """*made* as files; *began* is the `time.perf_counter` of the beginning."""
    seconds = time.perf_counter() - began
    return tuple(file_of(order, one, Making(seed_of(order, n), stream, seconds)) for n, one in enumerate(made))


def seeds(order: Order) -> list[int]:
    """The seed of each picture."""
    return [seed_of(order, n) for n in range(order.samples)]


def seed_of(order: Order, n: int) -> int:
    """Sample *n* has the seed + n."""
    return (order.seed + n) % (SEED_MAX + 1)


def picture(order: Order, n: int) -> Image.Image:
    """RGBA picture *n* of *order*."""
    painted = _tinted(order, _painted(order, n))
    if order.source is not None:
        painted = _over(order, _flat(order.source), painted, n)
    return _with_alpha(order, painted)


def _painted(order: Order, n: int) -> Image.Image:
    people = [Person(_words(who.prompt), who.x, who.y) for who in order.characters]
    return paint(*order.size, seed_of(order, n), _words(order.prompt), order.model.id, people)


def _words(prompt: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z0-9]+", prompt.casefold()))


def _flat(source: Image.Image) -> Image.Image:
    """*source* as RGB, on white where it is see-through."""
    if "A" not in source.getbands():
        return source.convert("RGB")
    white = Image.new("RGBA", source.size, "white")
    return Image.alpha_composite(white, source.convert("RGBA")).convert("RGB")


def _tinted(order: Order, painted: Image.Image) -> Image.Image:
    """*painted* with a breath of each vibe and reference."""
    for look, strength in order.looks:
        painted = Image.blend(painted, Image.new("RGB", painted.size, _colour(look)), min(abs(strength), 1) * 0.2)
    return painted


def _colour(look: bytes) -> tuple[int, ...]:
    """The mean colour of a picture, or one that stands for an encoding."""
    if not is_image(look):
        return tuple(hashlib.sha256(look).digest()[:3])
    return tuple(_flat(decoded(look)).resize((1, 1), Image.Resampling.BOX).tobytes())


def _over(order: Order, source: Image.Image, painted: Image.Image, n: int) -> Image.Image:
    """The source with as much of the new picture as the strength says; with a mask, inside it alone."""
    wanted = order.wanted
    if order.mask is None:
        noisy = _noised(source, float(wanted.get("noise") or 0), seed_of(order, n))
        return Image.blend(noisy, painted, 0.8 * float(wanted.get("strength", 0.7)))
    strength = float(wanted.get("inpaintImg2ImgStrength", 1) if order.model.structured else 1)
    return Image.composite(Image.blend(source, painted, strength), source, _mask(order.mask, order.size))


def _mask(mask: Image.Image, size: tuple[int, int]) -> Image.Image:
    """White is painted anew: whole blocks of the latent grid (nai-api.md 6.2)."""
    blocks = _flat(mask).convert("L").resize((size[0] // LATENT, size[1] // LATENT), Image.Resampling.NEAREST)
    return blocks.point(lambda level: 255 if level > 127 else 0).resize(size, Image.Resampling.NEAREST)


def _noised(source: Image.Image, amount: float, seed: int) -> Image.Image:
    return source if amount == 0 else Image.blend(source, noise(source.size, seed), 0.6 * amount)


def noise(size: tuple[int, int], seed: int) -> Image.Image:
    """RGB noise in grains of the latent grid."""
    small = (-(-size[0] // LATENT), -(-size[1] // LATENT))
    grains = random.Random(seed).randbytes(3 * small[0] * small[1])  # noqa: S311 - a picture, not a secret
    return Image.frombytes("RGB", small, grains).resize(size, Image.Resampling.NEAREST)


def _with_alpha(order: Order, painted: Image.Image) -> Image.Image:
    """Opaque, but for V5 and a prompt that asks for no background: then about seven tenths are left out (FIND)."""
    made = painted.convert("RGBA")
    if order.model.family is not Family.V5 or _TRANSPARENT not in order.prompt.casefold():
        return made
    made.putalpha(spot(order.size))
    if order.wanted.get("straight_alpha", True):
        return made
    alpha = made.getchannel("A")
    darker = ImageChops.multiply(painted, Image.merge("RGB", (alpha,) * 3))
    darker.putalpha(alpha)
    return darker


def spot(size: tuple[int, int]) -> Image.Image:
    """A soft spot in the middle, for what stays when a background goes."""
    width, height = size
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).ellipse((width * 0.2, height * 0.19, width * 0.8, height * 0.81), fill=255)
    return mask.filter(ImageFilter.GaussianBlur(min(size) / 160))
