"""
NovelAI's wire: requests as the site sends them, answers as the service gives them.

Where we differ from a captured request of the site (2026-10-01) on purpose:

* no ``image_format``: the site asks for WebP, we deliver the PNG with its text chunks and alpha channel;
* no ``use_new_shared_trial``: it only matters to accounts without a subscription.
"""

import io
import zipfile
import zlib
from collections.abc import Mapping
from types import MappingProxyType

from bot.domain.errors import UpstreamError
from bot.domain.model import CAPABILITIES, NoiseSchedule, Sampler, Smea, UcPreset
from bot.domain.prompt import variety_sigma, worded
from bot.domain.request import AREA_MAX, Generate, Picture, Request

PNG = b"\x89PNG\r\n\x1a\n"
PNG_END = b"IEND\xaeB`\x82"
PICTURE_BYTES = AREA_MAX * 4 + 8 * 1024 * 1024
"""The largest PNG that is believed: every pixel stored raw, and room for text."""
ZIP_MEMBERS = 16

_PARAMS_VERSION = 4
_HINT_NONE, _HINT_STANDARD = 0, 1
_UC_HINTS: Mapping[UcPreset, int] = MappingProxyType(
    {
        UcPreset.NONE: 0,
        UcPreset.HEAVY: 2,
        UcPreset.LIGHT: 3,
        UcPreset.HUMAN_FOCUS: 4,
        UcPreset.FURRY_FOCUS: 5,
    }
)


def encode(request: Request) -> dict[str, object]:
    """The JSON body of ``/ai/generate-image``, field for field as the site builds it (nai-api.md 1.4)."""
    match request:
        case Generate():
            return _encode_generate(request)


def _encode_generate(request: Generate) -> dict[str, object]:
    texts = worded(request)
    return {
        "input": texts.prompt,
        "model": request.sampling.model.value,
        "action": "generate",
        "parameters": {
            "params_version": _PARAMS_VERSION,
            "width": request.size.width,
            "height": request.size.height,
            "n_samples": request.samples,
            **_sampling(request),
            **_presets(request),
            "negative_prompt": texts.undesired_content,
            "controlnet_strength": 1,
            "legacy": False,
            "legacy_v3_extend": False,
            "add_original_image": True,
            "characterPrompts": [],
        },
    }


def _sampling(request: Generate) -> dict[str, object]:
    sampling = request.sampling
    row = CAPABILITIES[sampling.model]
    fields: dict[str, object] = {
        "scale": sampling.cfg_scale,
        "sampler": sampling.sampler.value,
        "steps": sampling.steps,
        "seed": sampling.seed,
        "cfg_rescale": sampling.prompt_guidance_rescale,
        "sm": sampling.smea is not Smea.OFF,
        "sm_dyn": sampling.smea is Smea.DYN,
        "dynamic_thresholding": sampling.decrisper,
        "skip_cfg_above_sigma": None,
    }
    if sampling.variety and row.variety_sigma is not None:
        fields["skip_cfg_above_sigma"] = variety_sigma(row.variety_sigma, request.size)
    if sampling.sampler not in row.unscheduled:
        fields["noise_schedule"] = sampling.noise_schedule.value
    if sampling.sampler is Sampler.EULER_ANCESTRAL and sampling.noise_schedule is not NoiseSchedule.NATIVE:
        # The service's own default for the first is true (its OpenAPI text, 2026-09).
        fields |= {"deliberate_euler_ancestral_bug": False, "prefer_brownian": True}
    return fields


def _presets(request: Generate) -> dict[str, object]:
    """A memory aid for the site's own import; the service adds no text of them."""
    prompt = request.prompt
    return {
        "ucPresetId": prompt.uc_preset.value,
        "qualityPresetId": "standard" if prompt.quality_tags else "none",
        "tag_hint_qt": _HINT_STANDARD if prompt.quality_tags else _HINT_NONE,
        "tag_hint_uc_preset": _UC_HINTS[prompt.uc_preset],
    }


def decode(body: bytes, request: Request) -> list[Picture]:
    """
    The pictures in a ZIP answer, in order, each with its own seed (the request's + its index).

    Believes no length and no name: the number of entries, their real sizes and their beginnings and ends are
    checked. Raises `UpstreamError` ``failed.answer`` where it is not what was asked for.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            members = archive.infolist()
            if len(members) > ZIP_MEMBERS:
                raise _broken("members")
            wanted = sorted((m for m in members if m.filename.endswith(".png")), key=lambda m: m.filename)
            pictures = [_read(archive, member) for member in wanted]
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError) as error:
        raise _broken("zip") from error
    if len(pictures) != request.pictures:
        raise _broken("count")
    seed = request.sampling.seed or 0
    return [Picture(data=data, media_type="image/png", seed=seed + n) for n, data in enumerate(pictures)]


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive.open(member) as file:
        data = file.read(PICTURE_BYTES + 1)
    if len(data) > PICTURE_BYTES:
        raise _broken("size")
    if not data.startswith(PNG) or not data.endswith(PNG_END):
        raise _broken("png")
    return data


def _broken(what: str) -> UpstreamError:
    return UpstreamError("failed.answer", billed=None, again=False, what=what)
