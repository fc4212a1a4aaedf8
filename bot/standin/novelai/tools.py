"""What is asked of the director tools, the upscaler and the vibe encoder, checked as the service checks it."""

import re
from dataclasses import dataclass, field

from PIL import Image

from bot.standin.novelai import director, fields
from bot.standin.novelai.catalogue import MODELS, Family
from bot.standin.novelai.fields import AREA_MAX, Fields, Range
from bot.standin.novelai.order import BLURS
from bot.standin.novelai.refusal import ServiceError, broken, invalid

EMOTIONS = frozenset(
    {
        "neutral", "happy", "sad", "angry", "scared", "surprised", "tired", "excited", "nervous", "thinking",
        "confused", "shy", "disgusted", "smug", "bored", "laughing", "irritated", "aroused", "embarrassed",
        "worried", "love", "determined", "hurt", "playful",
    }
)  # fmt: skip
PROMPTED = ("colorize", "emotion")
WORDS_MAX = 75
"""A prompt of more tokens makes the service fail (nai-api.md 5.4); words are never more than tokens."""
TINY = 8


@dataclass(frozen=True, slots=True)
class Augmentation:
    """A good request for a director tool."""

    name: str
    source: Image.Image = field(repr=False)
    prompt: str
    defry: int

    def made(self) -> tuple[Image.Image, ...]:
        """The pictures, in the order of the ZIP."""
        return director.apply(self.name, self.source.convert("RGB"), self.prompt, self.defry)


def augmentation_of(body: Fields) -> Augmentation:
    """
    The order of a director tool (nai-api.md 6.6).

    Raises `ServiceError`. That an unknown mood is refused, and with 400, is a guess.
    """
    name = str(fields.one_of(body, "req_type", director.TOOLS))
    size = tuple(int(fields.number(body, side, Range(1, AREA_MAX, whole=True))) for side in ("width", "height"))
    source = fields.image(body.get("image"), "image")
    if source.size != size or min(size) < TINY:
        raise broken()
    if size[0] * size[1] > AREA_MAX:
        raise invalid("the image is too large")
    prompt = fields.text(body, "prompt", "") if name in PROMPTED else ""
    mood, parted, _ = prompt.partition(";;")
    if name == "emotion" and not (parted and mood in EMOTIONS):
        raise invalid("emotion needs a prompt of one mood, two semicolons and more words")
    if len(re.findall(r"\w+", prompt)) > WORDS_MAX:
        raise broken()
    defry = int(fields.number(body, "defry", Range(0, 5, whole=True), 0)) if name in PROMPTED else 0
    return Augmentation(name, source, prompt, defry)


@dataclass(frozen=True, slots=True)
class Upscaling:
    """A good request to make a picture larger."""

    source: Image.Image = field(repr=False)
    blur: float


def upscaling_of(body: Fields) -> Upscaling:
    """The order of the upscaler; only V5's models are able (IMCP, live 2026-10-10). Raises `ServiceError`."""
    model = MODELS.get(str(body.get("model")))
    if model is None:
        raise invalid(f"model {str(body.get('model'))[:60]} doesn't exist")
    if model.family is not Family.V5 or model.only_infills:
        raise ServiceError(400, f"model {model.id} doesn't support standalone upscaling")
    blur = float(fields.one_of(body, "declared_blur_sigma", BLURS, 0))
    source = fields.image(body.get("image"), "image")
    if source.width * source.height > AREA_MAX:
        raise invalid("the image is too large")
    return Upscaling(source, blur)


@dataclass(frozen=True, slots=True)
class Encoding:
    """A good request to encode a vibe."""

    source: bytes = field(repr=False)
    model: str
    extracted: float


def encoding_of(body: Fields) -> Encoding:
    """The order of the vibe encoder: V4 and V4.5 alone have encoded vibes (nai-api.md 2.8). Raises `ServiceError`."""
    model = MODELS.get(str(body.get("model")))
    if model is None:
        raise invalid(f"model {str(body.get('model'))[:60]} doesn't exist")
    if model.family not in (Family.V4, Family.V45):
        raise invalid(f"model {model.id} doesn't support vibe encoding")
    extracted = fields.number(body, "information_extracted", Range(0, 1))
    source = fields.binary(body.get("image"), "image")
    fields.decoded(source)
    return Encoding(source, model.id, extracted)
