"""What is asked of ``generate-image``, checked as the service checks it (nai-api.md 1.4, 2, 3 and 7)."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from PIL import Image

from bot.standin.novelai import fields
from bot.standin.novelai.catalogue import MODELS, SCHEDULES, Family, Model
from bot.standin.novelai.fields import Fields, Range
from bot.standin.novelai.refusal import ServiceError, broken, invalid

REFERENCES_MAX = 16
CANVASES = {(1024, 1536), (1536, 1024), (1472, 1472)}
"""What a precise reference must measure; anything else is refused (MooshieUI #665)."""
BLURS = (0, 0.3, 0.35, 0.4, 0.45, 0.5)
"""What a source may be said to be blurred by (nai-api.md 1.4)."""
DESCRIBED = ("character", "style", "character&style", "costume", "delta")
_SHARE = Range(0, 1)
_RANGES: Mapping[str, Range] = {
    "params_version": Range(1, 4, whole=True),
    "cfg_rescale": Range(0, 1),
    "inpaintImg2ImgStrength": Range(0, 1),
    "controlnet_strength": Range(0, 2),
    "noise": Range(0, 0.99),
    "uncond_scale": Range(0, 1.5),
    "skip_cfg_above_sigma": Range(0, 1e6),
    "tag_hint_qt": Range(0, 8, whole=True),
    "tag_hint_uc_preset": Range(0, 8, whole=True),
}
_DIRECTIONS = (
    "director_reference_descriptions",
    "director_reference_information_extracted",
    "director_reference_strength_values",
    "director_reference_secondary_strength_values",
)


@dataclass(frozen=True, slots=True)
class Character:
    """One character of a structured prompt and where it stands, each 0 to 1."""

    prompt: str
    x: float = 0.5
    y: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A good request for pictures; *wanted* is its ``parameters`` with the seed that was drawn where it was 0."""

    model: Model
    action: str
    prompt: str
    wanted: Fields = field(repr=False)
    size: tuple[int, int]
    seed: int
    samples: int
    characters: tuple[Character, ...] = ()
    source: Image.Image | None = field(default=None, repr=False)
    mask: Image.Image | None = field(default=None, repr=False)
    looks: tuple[tuple[bytes, float], ...] = field(default=(), repr=False)
    """Vibes and references: their bytes and how strong they are."""

    @property
    def is_webp(self) -> bool:
        """Whether WebP is asked for."""
        return bool(self.wanted.get("image_format") == "webp")


def order_of(body: Fields) -> Order:
    """
    The order in the body of a request.

    Raises `ServiceError`: 400 for what the service refuses, 500 where it answers 500 (live 2026-10). Parameters it does
    not know are ignored, as the service does. Decodes pictures, so not on the loop.
    """
    model = _model(body)
    action = _action(model, body)
    wanted = body.get("parameters")
    if not isinstance(wanted, dict):
        raise invalid("parameters must be an object")
    wanted = {name: value for name, value in wanted.items() if value is not None}
    prompt = body.get("input")
    if not isinstance(prompt, str) or not prompt:
        raise broken()
    size = fields.size(wanted)
    _check_numbers(model, wanted)
    _check_words(model, wanted)
    seed = int(fields.number(wanted, "seed", Range(0, fields.SEED_MAX, whole=True)))
    seed = seed or random.SystemRandom().randint(1, fields.SEED_MAX)
    characters = _characters(model, wanted)
    source, mask = _source(action, model, wanted, size)
    return Order(
        model=model,
        action=action,
        prompt=prompt,
        wanted={**wanted, "seed": seed},
        size=size,
        seed=seed,
        samples=_samples(wanted, size),
        characters=characters,
        source=source,
        mask=mask,
        looks=(*_vibes(model, wanted), *_references(model, wanted)),
    )


def _model(body: Fields) -> Model:
    name = body.get("model")
    if not isinstance(name, str) or name not in MODELS:
        raise invalid(f"model {str(name)[:60]} doesn't exist")
    return MODELS[name]


def _action(model: Model, body: Fields) -> str:
    action = fields.one_of(body, "action", ("generate", "img2img", "infill"))
    wrong = model.only_infills if action != "infill" else not model.infills
    if wrong:
        raise invalid(f"model {model.id} doesn't support action {action}")
    return str(action)


def _check_numbers(model: Model, wanted: Fields) -> None:
    fields.number(wanted, "steps", Range(1, 50, whole=True))
    fields.number(wanted, "scale", Range(0, model.scale_max))
    for name in _RANGES.keys() & wanted.keys():
        fields.number(wanted, name, _RANGES[name])


def _check_words(model: Model, wanted: Fields) -> None:
    fields.one_of(wanted, "sampler", model.samplers)
    fields.one_of(wanted, "noise_schedule", SCHEDULES, "karras")
    fields.one_of(wanted, "image_format", ("png", "webp"), "png")
    fields.one_of(wanted, "stream", ("msgpack", "sse"), "msgpack")
    fields.text(wanted, "negative_prompt", "")
    enhanced = wanted.get("upscale")
    if model.family is Family.V5 and enhanced is not None:
        if not isinstance(enhanced, dict):
            raise invalid("upscale must be an object")
        fields.one_of(enhanced, "declared_blur_sigma", BLURS)


def _samples(wanted: Fields, size: tuple[int, int]) -> int:
    """As many as the area allows (nai-api.md 3: up to 8, 6 or 4)."""
    area = size[0] * size[1]
    most = 8 if area <= 360_448 else 6 if area <= 409_600 else 4
    return int(fields.number(wanted, "n_samples", Range(1, most, whole=True), 1))


# --- structured prompts ----------------------------------------------------------------------------------------------


def _characters(model: Model, wanted: Fields) -> tuple[Character, ...]:
    """From V4 on a prompt is an object, and one that is missing or misshapen makes the service fail (live c11)."""
    if not model.structured:
        return ()
    found = _captions(model, wanted, "v4_prompt")
    _captions(model, wanted, "v4_negative_prompt")
    return found


def _captions(model: Model, wanted: Fields, name: str) -> tuple[Character, ...]:
    try:
        caption = wanted[name]["caption"]
        base = caption["base_caption"]
        found = tuple(map(partial(_character, model), caption["char_captions"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise broken() from error
    if not isinstance(base, str):
        raise broken()
    if model.characters_max is not None and len(found) > model.characters_max:
        raise broken()
    return found


def _character(model: Model, caption: Fields) -> Character:
    """V4 and V4.5 fail on a character without a centre (nai-api.md 1.4); V5 finds a place itself."""
    prompt, centers = caption["char_caption"], caption["centers"]
    if not isinstance(prompt, str) or not isinstance(centers, list) or (not centers and model.family is not Family.V5):
        raise broken()
    if not centers:
        return Character(prompt)
    places = [tuple(fields.number(center, axis, _SHARE) for axis in ("x", "y")) for center in centers]
    return Character(prompt, *places[0])


# --- pictures that come along ----------------------------------------------------------------------------------------


def _source(
    action: str, model: Model, wanted: Fields, size: tuple[int, int]
) -> tuple[Image.Image | None, Image.Image | None]:
    """Source and mask; one of another size than the picture makes the service fail (bedovyy #13, Metachs #54)."""
    if action == "generate":
        return None, None
    _check_strength(action, wanted)
    source = fields.image(wanted.get("image"), "image")
    if source.size != size:
        raise broken()
    if action == "img2img":
        return source, None
    mask = fields.image(wanted.get("mask"), "mask")
    small = tuple(-(-side // 64) * 8 for side in size)
    if mask.size != size and not (mask.size == small and not model.structured):
        raise broken()
    return source, mask


def _check_strength(action: str, wanted: Fields) -> None:
    """0.01 to 0.99; clients send 1 with a mask, where ``inpaintImg2ImgStrength`` is what counts."""
    fields.number(wanted, "strength", Range(0.01, 0.99 if action == "img2img" else 1), 0.7)
    inner = wanted.get("img2img")
    if inner is not None:
        if not isinstance(inner, dict):
            raise invalid("img2img must be an object")
        fields.number(inner, "strength", Range(0, 1))


def _vibes(model: Model, wanted: Fields) -> tuple[tuple[bytes, float], ...]:
    """
    Vibes: encodings for V4 and V4.5, pictures for V3; V5 has none and fails (FIND 2026-09).

    That a picture where an encoding belongs is refused with 400 is a guess; that it is wrong is known (nai-api.md 2.8).
    """
    vibes = fields.listed(wanted, "reference_image_multiple")
    if not vibes:
        return ()
    if model.family is Family.V5:
        raise broken()
    if model.family in (Family.V1, Family.V2):
        raise invalid(f"model {model.id} doesn't support vibe transfer")
    strengths = _numbers(wanted, "reference_strength_multiple", len(vibes), Range(-1, 1))
    if model.family is Family.V3:
        _numbers(wanted, "reference_information_extracted_multiple", len(vibes), _SHARE)
    data = [fields.binary(vibe, "reference_image_multiple") for vibe in vibes]
    for vibe in data:
        if model.family is Family.V3:
            fields.decoded(vibe)
        elif fields.is_image(vibe):
            raise invalid("reference_image_multiple must hold encoded vibes")
    return tuple(zip(data, strengths, strict=True))


def _references(model: Model, wanted: Fields) -> tuple[tuple[bytes, float], ...]:
    """Precise references: V4.5 only, each on one of three canvases (nai-api.md 2.9)."""
    images = fields.listed(wanted, "director_reference_images")
    if not images:
        return ()
    if model.family is not Family.V45:
        raise ServiceError(400, f"Error encoding v4 director references: not supported by {model.id}")
    for name in _DIRECTIONS:
        if len(fields.listed(wanted, name)) != len(images):
            raise ServiceError(400, f"Error encoding v4 director references: {name} must have {len(images)} entries")
    _check_descriptions(wanted)
    strengths = _numbers(wanted, "director_reference_strength_values", len(images), _SHARE)
    _numbers(wanted, "director_reference_secondary_strength_values", len(images), _SHARE)
    _numbers(wanted, "director_reference_information_extracted", len(images), _SHARE)
    data = [fields.binary(image, "director_reference_images") for image in images]
    if any(fields.decoded(image).size not in CANVASES for image in data):
        raise ServiceError(400, "Error encoding v4 director references: invalid image size")
    return tuple(zip(data, strengths, strict=True))


def _check_descriptions(wanted: Fields) -> None:
    for described in fields.listed(wanted, "director_reference_descriptions"):
        caption = described.get("caption") if isinstance(described, dict) else None
        if not isinstance(caption, dict) or caption.get("base_caption") not in DESCRIBED:
            raise ServiceError(400, "Error encoding v4 director references: invalid description")
        if caption.get("char_captions", []) != []:
            raise ServiceError(400, "Error encoding v4 director references: invalid description")


def _numbers(wanted: Fields, name: str, length: int, allowed: Range) -> list[float]:
    """The list *name*, as long as its images are many."""
    values: list[Any] = fields.listed(wanted, name)
    if len(values) != length or length > REFERENCES_MAX:
        raise invalid(f"{name} must have one entry for each image, and at most {REFERENCES_MAX}")
    return [fields.number({name: value}, name, allowed) for value in values]
