"""What the director tools, the upscaler and the vibe encoder make of a picture."""

import hashlib
import random
import re
from collections.abc import Callable, Mapping
from io import BytesIO

from PIL import Image, ImageChops, ImageEnhance, ImageFilter, ImageOps

from bot.standin.novelai.generation import spot
from bot.standin.novelai.painting import Person, paint

TIMES = 2
"""How much larger an upscaled side is (RECON p1, live 2026-10-02: 832×1216 → 1664×2432)."""
ENCODING_BYTES = 48_918
"""Length of an encoded vibe (RECON p2, live 2026-10: 65 224 characters of base64)."""

Tool = Callable[[Image.Image, str, int], tuple[Image.Image, ...]]


def apply(name: str, source: Image.Image, prompt: str, defry: int) -> tuple[Image.Image, ...]:
    """What the tool makes of RGB *source*: RGB pictures, and for ``bg-removal`` masked (RGBA), generated and blend."""
    return TOOLS[name](source, prompt, defry)


def _lineart(source: Image.Image, _prompt: str, _defry: int) -> tuple[Image.Image, ...]:
    return (_lines(source, 3).convert("RGB"),)


def _lines(source: Image.Image, reach: int) -> Image.Image:
    """Dark lines on white where brightness changes."""
    grey = ImageOps.grayscale(source).filter(ImageFilter.GaussianBlur(1))
    edges = ImageChops.subtract(grey.filter(ImageFilter.MaxFilter(reach)), grey.filter(ImageFilter.MinFilter(reach)))
    return ImageOps.invert(edges.point(lambda level: min(255, level * 4)))


def _sketch(source: Image.Image, _prompt: str, _defry: int) -> tuple[Image.Image, ...]:
    """Pencil: grey over its own blurred negative."""
    grey = ImageOps.grayscale(source)
    soft = ImageOps.invert(grey).filter(ImageFilter.GaussianBlur(6))
    return (ImageChops.multiply(ImageChops.add(grey, soft), _lines(source, 5)).convert("RGB"),)


def _colorize(source: Image.Image, prompt: str, defry: int) -> tuple[Image.Image, ...]:
    """Three colours of the prompt over the greys; a higher *defry* leaves more of the source."""
    dark, middle, light = (_colour(f"{prompt}:{n}") for n in range(3))
    grey = ImageOps.grayscale(source)
    toned = ImageOps.colorize(grey, _scaled(dark, 0.4), _scaled(light, 1.4), middle)
    return (Image.blend(toned, source, defry / 10),)


def _emotion(source: Image.Image, prompt: str, defry: int) -> tuple[Image.Image, ...]:
    """Somebody else's day: a new figure stands in the picture, and the mood colours it."""
    words = frozenset(re.findall(r"[a-z0-9]+", prompt.casefold()))
    seed = int.from_bytes(hashlib.sha256(prompt.encode(errors="replace")).digest()[:4])
    other = paint(source.width, source.height, seed, words, "emotion", [Person(words, 0.5, 0.5)])
    moody = Image.blend(other, Image.new("RGB", source.size, _colour(prompt)), 0.3)
    return (Image.blend(source, moody, 0.6 - defry * 0.08),)


def _declutter(source: Image.Image, _prompt: str, _defry: int) -> tuple[Image.Image, ...]:
    return (source.filter(ImageFilter.MedianFilter(9)).filter(ImageFilter.SMOOTH_MORE),)


def _declutter_gently(source: Image.Image, _prompt: str, _defry: int) -> tuple[Image.Image, ...]:
    """Speech bubbles, the brightest parts, stay."""
    bright = ImageOps.grayscale(source).point(lambda level: 255 if level > 235 else 0)
    [plain] = _declutter(source, "", 0)
    return (Image.composite(source, plain, bright),)


def _without_background(source: Image.Image, _prompt: str, _defry: int) -> tuple[Image.Image, ...]:
    alpha = spot(source.size)
    masked = source.convert("RGBA")
    masked.putalpha(alpha)
    generated = ImageEnhance.Color(source).enhance(1.15)
    white = Image.new("RGB", source.size, "white")
    return masked, generated, Image.composite(generated, white, alpha)


TOOLS: Mapping[str, Tool] = {
    "lineart": _lineart,
    "sketch": _sketch,
    "colorize": _colorize,
    "emotion": _emotion,
    "declutter": _declutter,
    "declutter-keep-bubbles": _declutter_gently,
    "bg-removal": _without_background,
}


def upscaled(source: Image.Image, blur: float) -> bytes:
    """*source* twice as large, sharpened by the *blur* it is said to have; RGBA PNG with the text it came with."""
    size = (source.width * TIMES, source.height * TIMES)
    larger = source.convert("RGBA").resize(size, Image.Resampling.LANCZOS)
    sharper = larger.filter(ImageFilter.UnsharpMask(2, int(60 + 200 * blur), 2))
    made = BytesIO()
    sharper.save(made, "PNG", compress_level=4, pnginfo=_text_of(source))
    return made.getvalue()


def _text_of(source: Image.Image) -> object:
    """The texts of the source go over unchanged, its signature too, which then fits no more (RECON p1, live)."""
    from PIL.PngImagePlugin import PngInfo

    kept = PngInfo()
    for name in ("Title", "Description", "Software", "Source", "Comment"):
        text = source.info.get(name)
        if isinstance(text, str):
            kept.add_text(name, text) if text.isascii() else kept.add_itxt(name, text)
    return kept


def encoding(source: bytes, model: str, extracted: float) -> bytes:
    """Bytes that stand for a vibe: the same of the same image, model and information."""
    key = hashlib.sha256(source + f"{model}:{extracted}".encode()).hexdigest()
    return random.Random(key).randbytes(ENCODING_BYTES)  # noqa: S311 - no secret


def _colour(text: str) -> tuple[int, int, int]:
    red, green, blue = hashlib.sha256(text.encode(errors="replace")).digest()[:3]
    return red, green, blue


def _scaled(colour: tuple[int, int, int], by: float) -> tuple[int, int, int]:
    red, green, blue = (min(255, int(part * by)) for part in colour)
    return red, green, blue
