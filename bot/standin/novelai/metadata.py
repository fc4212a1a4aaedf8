"""What the service writes into a picture: the Comment of each generation, in its own shape (metadata.md 3)."""

import json
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image

from bot.standin.novelai.catalogue import Family
from bot.standin.novelai.order import Order
from bot.standin.novelai.png import png
from bot.standin.novelai.signing import hidden, signed
from bot.standin.novelai.webp import webp

Comment = dict[str, object]
REQUEST_TYPES = {"generate": "PromptGenerateRequest", "img2img": "Img2ImgRequest", "infill": "NativeInfillingRequest"}
_CHOICE = re.compile(r"\{([^{}|]*(?:\|[^{}|]*)+)\}")


@dataclass(frozen=True, slots=True)
class Making:
    """How one picture of an order came about: its seed, which kind of stream it went out in, and the time it took."""

    seed: int
    stream: str = "none"
    seconds: float = 0.0


def file_of(order: Order, picture: Image.Image, making: Making) -> bytes:
    """
    RGBA *picture* as the file the service answers with.

    Text and alpha hold the same Comment, but for vibes and references: those stand in the text alone, and each Comment
    is signed for itself. V1 and V2 are not signed.
    """
    comment = _comment(order, making)
    told = {**comment, **_references(order), "request_type": REQUEST_TYPES[order.action]}
    kept = {**comment, "request_type": REQUEST_TYPES[order.action]}
    if order.model.family >= Family.V3:
        told, kept = signed(picture, told), signed(picture, kept)
    painted = hidden(picture, _fields(order, kept, making))
    fields = {"Title": "NovelAI generated image", **_fields(order, told, making)}
    if order.is_webp:
        return webp(painted, fields)
    # The service's map has no order, and so neither have its chunks.
    names = sorted(fields)
    random.Random(making.seed).shuffle(names)  # noqa: S311 - no secret
    mixed = _renamed({name: fields[name] for name in names}, "Generation_time")
    return png(painted, mixed, behind=order.model.family is Family.V5)


def tool_file(picture: Image.Image, name: str, seconds: float) -> bytes:
    """A director tool's file: no prompt and no signature (live 2026-10, d-lineart)."""
    fields = {
        "Title": "AI augmented image",
        "Software": "NovelAI",
        "Generation time": f"{seconds:.4f}s",
        "Comment": json.dumps({"req_type": name}),
    }
    return png(picture, fields, density=False)


def _fields(order: Order, comment: Comment, making: Making) -> dict[str, str]:
    return {
        "Description": order.prompt,
        "Software": "NovelAI",
        "Source": order.model.source,
        "Generation time": repr(making.seconds),
        "Comment": json.dumps(comment),
    }


def _renamed(fields: Mapping[str, str], name: str) -> dict[str, str]:
    return {name if key == "Generation time" else key: value for key, value in fields.items()}


def _references(order: Order) -> Comment:
    """What was sent along and shows only in the text."""
    wanted = order.wanted
    names = ("reference_image_multiple", "director_reference_images")
    return {name: wanted[name] for name in names if wanted.get(name)}


# --- the Comment -----------------------------------------------------------------------------------------------------


def _comment(order: Order, making: Making) -> Comment:
    parts: dict[Family, Callable[[Order, Making], Comment]] = {Family.V3: _xl, Family.V4: _four, Family.V45: _four}
    make = _five if order.model.family is Family.V5 else parts.get(order.model.family, _first)
    return {**make(order, making), **_over_a_source(order), "uc": str(order.wanted.get("negative_prompt", ""))}


def _first(order: Order, making: Making) -> Comment:
    """V1 and V2 as the server of 2024 wrote them."""
    return {
        **_size(order),
        "uncond_scale": 1.0,
        "seed": making.seed,
        "n_samples": order.samples,
        **_sampling(order),
        **_weights(),
    }


def _xl(order: Order, making: Making) -> Comment:
    return {
        **_size(order),
        **_rescaled(order, making),
        "hide_debug_overlay": False,
        **_scheduled(order),
        **_sampling(order),
        "skip_cfg_above_sigma": order.wanted.get("skip_cfg_above_sigma"),
        **_weights(),
    }


def _four(order: Order, making: Making) -> Comment:
    """V4 and V4.5, key for key as in a file of 2026 (captures.json, p1-upscale)."""
    wanted = order.wanted
    return {
        **_size(order),
        **_rescaled(order, making),
        **_scheduled(order),
        "extra_passthrough_testing": _passthrough(),
        "v4_prompt": _structured(wanted["v4_prompt"], order=True),
        "v4_negative_prompt": _structured(wanted["v4_negative_prompt"], order=False),
        **_directions(wanted),
        **_sampling(order),
        "skip_cfg_above_sigma": wanted.get("skip_cfg_above_sigma"),
        **_weights(),
        "deliberate_euler_ancestral_bug": bool(wanted.get("deliberate_euler_ancestral_bug", True)),
        "prefer_brownian": bool(wanted.get("prefer_brownian", True)),
        "cfg_sched_eligibility": "enable_for_post_summer_samplers",
        "explike_fine_detail": False,
        "minimize_sigma_inf": False,
        "uncond_per_vibe": True,
        "wonky_vibe_correlation": True,
        "stream": making.stream,
        "version": 1,
    }


def _five(order: Order, making: Making) -> Comment:
    """V4.5's keys and what V5 adds; no file of V5 was at hand, so the order of the new ones is a guess."""
    wanted = order.wanted
    return {
        **_four(order, making),
        "skip_cfg_above_sigma": None,
        "tag_hint_qt": int(wanted.get("tag_hint_qt") or 0),
        "tag_hint_uc_preset": int(wanted.get("tag_hint_uc_preset") or 0),
        "tag_hint_transparent_background": bool(wanted.get("tag_hint_transparent_background", False)),
        "straight_alpha": bool(wanted.get("straight_alpha", True)),
        "quality_boost": False,
        "upscale": wanted.get("upscale"),
        "model_name": order.model.id,
        "model_hash": order.model.source.rpartition(" ")[2],
        "actual_prompts": _actual(wanted, making.seed),
    }


def _size(order: Order) -> Comment:
    wanted = order.wanted
    return {
        "prompt": order.prompt,
        "steps": wanted["steps"],
        "height": order.size[1],
        "width": order.size[0],
        "scale": float(wanted["scale"]),
        "uncond_scale": 0.0,
    }


def _rescaled(order: Order, making: Making) -> Comment:
    return {
        "cfg_rescale": float(order.wanted.get("cfg_rescale") or 0),
        "seed": making.seed,
        "n_samples": order.samples,
    }


def _scheduled(order: Order) -> Comment:
    wanted = order.wanted
    return {
        "noise_schedule": wanted.get("noise_schedule", "karras"),
        "legacy_v3_extend": bool(wanted.get("legacy_v3_extend", False)),
        "reference_information_extracted_multiple": wanted.get("reference_information_extracted_multiple") or [],
        "reference_strength_multiple": wanted.get("reference_strength_multiple") or [],
    }


def _sampling(order: Order) -> Comment:
    wanted = order.wanted
    return {
        "sampler": wanted["sampler"],
        "controlnet_strength": float(wanted.get("controlnet_strength") or 1),
        "controlnet_model": None,
        "dynamic_thresholding": bool(wanted.get("dynamic_thresholding", False)),
        "dynamic_thresholding_percentile": 0.999,
        "dynamic_thresholding_mimic_scale": 10.0,
        "sm": bool(wanted.get("sm", False)),
        "sm_dyn": bool(wanted.get("sm_dyn", False)),
    }


def _weights() -> Comment:
    return {"skip_cfg_below_sigma": 0.0, "lora_unet_weights": None, "lora_clip_weights": None}


def _passthrough() -> Comment:
    return {
        "prompt": None, "uc": None, "hide_debug_overlay": False, "r": 0.0, "eta": 1.0, "negative_momentum": 0.0,
        "director_reference_images": None, "director_reference_descriptions": None,
        "director_reference_information_extracted": None, "director_reference_strengths": None,
        "director_reference_secondary_strengths": None, "crash_hydra": False,
    }  # fmt: skip


def _structured(block: Mapping[str, Any], *, order: bool) -> Comment:
    caption = block["caption"]
    return {
        "caption": {"base_caption": caption["base_caption"], "char_captions": caption.get("char_captions", [])},
        "use_coords": bool(block.get("use_coords", False)),
        "use_order": bool(block.get("use_order", order)),
        "legacy_uc": bool(block.get("legacy_uc", False)),
    }


def _directions(wanted: Mapping[str, Any]) -> Comment:
    """Precise references by their numbers, under names that differ from the request's."""
    described = wanted.get("director_reference_descriptions") or ()

    def numbers(name: str) -> list[float] | None:
        return [float(value) for value in wanted.get(f"director_reference_{name}") or ()] or None

    return {
        "director_reference_strengths": numbers("strength_values"),
        "director_reference_descriptions": [_structured(one, order=False) for one in described] or None,
        "director_reference_information_extracted": numbers("information_extracted"),
        "director_reference_secondary_strengths": numbers("secondary_strength_values"),
    }


def _over_a_source(order: Order) -> Comment:
    if order.action == "generate":
        return {}
    wanted = order.wanted
    over: Comment = {"strength": float(wanted.get("strength", 0.7)), "noise": float(wanted.get("noise") or 0)}
    if order.model.structured:
        over |= {"begin_from_sigma": None, "color_correct": bool(wanted.get("color_correct", False))}
    over |= {"extra_noise_seed": wanted.get("extra_noise_seed", order.seed), "legacy": bool(wanted.get("legacy"))}
    if order.action == "infill" and order.model.structured:
        over |= {"add_original_image": bool(wanted.get("add_original_image", True)), "img2img": wanted.get("img2img")}
    return over


def _actual(wanted: Mapping[str, Any], seed: int) -> Comment:
    """What the randomiser ``{a|b}`` chose."""
    chance = random.Random(seed)  # noqa: S311 - no secret

    def chosen(text: str) -> str:
        return _CHOICE.sub(lambda found: chance.choice(found[1].split("|")), text)

    def resolved(block: Mapping[str, Any]) -> Comment:
        caption = block["caption"]
        people = [{**one, "char_caption": chosen(one["char_caption"])} for one in caption["char_captions"]]
        return {"base_caption": chosen(caption["base_caption"]), "char_captions": people}

    return {"prompt": resolved(wanted["v4_prompt"]), "negative_prompt": resolved(wanted["v4_negative_prompt"])}
