"""
NovelAI's wire: requests as the site sends them, answers as the service gives them.

Where we differ from a captured request of the site (2026-10-01) on purpose:

* no ``image_format``: the site asks for WebP, we deliver the PNG with its text chunks and alpha channel;
* no ``use_new_shared_trial``: it only matters to accounts without a subscription;
* JSON with base64 for images, where the browser sends multipart: accepted for everything (live 2026-10-02), and it
  needs no cache of keys;
* where pictures are kept safe, ``nsfw, `` stands in front of every undesired content, also where the site has none;
* phrases in quotes are not collected into a ``teXt:`` block (V5): who wants text in the picture writes the block;
* masks: ``strength`` is 0.7 at full inpainting strength, else the same number (nai-api.md 6.3); not seen in a capture;
* a place on the canvas that a character does not name is one of the site's slots where others name theirs.
"""

import base64
import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import msgspec

from bot.domain.anlas import Account, Usage
from bot.domain.character import Position
from bot.domain.errors import UpstreamError
from bot.domain.inputs import Img2Img, Inpaint, Input, InputKind, Inputs, Reference, ReferenceKind, Vibe
from bot.domain.model import Model, NoiseSchedule, Sampler, Smea, UcPreset, VibeForm
from bot.domain.prompt import Wording, sent_preset, variety_sigma, worded
from bot.domain.request import Generate, Picture, Request
from bot.domain.tags import SuggestedTag
from bot.domain.tools import Direct, DirectorTool, EncodeVibe, Upscale

HELD = 64 * 1024 * 1024
"""Bytes that one answer may occupy, packed and unpacked together."""
ANSWER_BYTES = HELD // 2
"""Bytes of an answer as it comes, and of the pictures in it; the largest real ones are upscaled, about 25 MiB."""
VIBE_BYTES = 1024 * 1024
"""Bytes of an encoded vibe; real ones have 49 kB (nai-api.md 1.3)."""
ZIP_MEMBERS = 16

PNG = b"\x89PNG\r\n\x1a\n"
PNG_END = b"IEND\xaeB`\x82"
_ZIP = b"PK"
_CHUNK = 64 * 1024

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
_REFERENCES: Mapping[ReferenceKind, str] = MappingProxyType(
    {
        ReferenceKind.CHARACTER: "character",
        ReferenceKind.STYLE: "style",
        ReferenceKind.BOTH: "character&style",
    }
)
_UPSCALER = Model.V5_CURATED
"""Only V5 models upscale, and the factor is known of this one (nai-api.md 4.2, live 2026-10-02)."""
_VIEWS = 3
"""Pictures that removing a background gives: masked, generated, blend (nai-api.md 1.3, live 2026-10-02)."""
_CANVASES = ((1024, 1536), (1536, 1024), (1472, 1472))
"""Sizes of a precise reference (nai-api.md 2.9)."""
_INPAINT_STRENGTH = 0.7

Body = dict[str, Any]


class StreamForm(StrEnum):
    """How a stream is written; the value is the service's."""

    MSGPACK = "msgpack"
    SSE = "sse"


# --- requests


def path_of(request: Request, *, streams: bool = False) -> str:
    """Where *request* is posted to; only pictures that are drawn can be streamed."""
    match request:
        case Generate():
            return "/ai/generate-image-stream" if streams else "/ai/generate-image"
        case Direct():
            return "/ai/augment-image"
        case Upscale():
            return "/ai/upscale"


def encode(request: Request, inputs: Inputs | None = None, *, stream: StreamForm | None = None) -> Body:
    """
    The JSON body, field for field as the site builds it (nai-api.md 1.4).

    Raises `UpstreamError` (nothing was sent) where *inputs* lacks an image that the request needs, or holds one that
    the service would stumble over (see `Inputs`): an answer of 500 may have been billed.
    """
    images = _base64(request, inputs or {})
    match request:
        case Generate():
            body = _encode_generate(request, images)
            if stream is not None:
                body["parameters"]["stream"] = stream.value
            return body
        case Direct():
            return _encode_tool(request, images)
        case Upscale():
            return {"image": images[Input(InputKind.SOURCE)], "model": _UPSCALER.value, "declared_blur_sigma": 0}


def encode_vibe(request: EncodeVibe, image: bytes) -> Body:
    """The JSON body that has an image encoded."""
    return {
        "image": base64.b64encode(image).decode(),
        "model": request.model.value,
        "information_extracted": request.information_extracted,
    }


def _base64(request: Request, inputs: Inputs) -> Mapping[Input, str]:
    for each in request.inputs:
        if each not in inputs or not _fits(each, inputs[each], request):
            raise _unsent(each.kind)
    return {each: base64.b64encode(inputs[each]).decode() for each in request.inputs}


def _fits(each: Input, data: bytes, request: Request) -> bool:
    """Whether an image has the size that it must have: another one is answered 400 or 500 (nai-api.md 2.9, 6.1)."""
    match each.kind:
        case InputKind.SOURCE | InputKind.MASK:
            size = request.size if isinstance(request, Generate) else request
            return _png_size(data) == (size.width, size.height)
        case InputKind.REFERENCE:
            return _png_size(data) in _CANVASES
        case InputKind.VIBE:
            return len(data) > 0


def _png_size(data: bytes) -> tuple[int, int]:
    if not data.startswith(PNG) or data[12:16] != b"IHDR":
        return 0, 0
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def _unsent(what: str) -> UpstreamError:
    return UpstreamError("failed.novelai", billed=False, again=False, what=what)


def _encode_generate(request: Generate, images: Mapping[Input, str]) -> Body:
    texts = worded(request)
    model, action = request.sampling.model.value, "generate"
    if request.inpaint is not None:
        model, action = request.row.inpainting or model, "infill"
    elif request.img2img is not None:
        action = "img2img"
    return {
        "input": texts.prompt,
        "model": model,
        "action": action,
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
            "add_original_image": request.inpaint is None,
            "characterPrompts": [],
            **(_captions(request, texts) if request.row.characters else {}),
            **_source(request, images),
            **_vibes(request, images),
            **_references(request.references, images),
        },
    }


def _sampling(request: Generate) -> Body:
    sampling, row = request.sampling, request.row
    fields: Body = {
        "scale": sampling.cfg_scale,
        "sampler": sampling.sampler.value,
        "steps": sampling.steps,
        "seed": sampling.seed,
        "cfg_rescale": sampling.prompt_guidance_rescale,
        "dynamic_thresholding": sampling.decrisper,
    }
    if row.smea:
        fields |= {"sm": sampling.smea is not Smea.OFF, "sm_dyn": sampling.smea is Smea.DYN}
    else:
        fields["autoSmea"] = False
    if row.variety_sigma is not None:
        sigma = variety_sigma(row.variety_sigma, request.size) if sampling.variety else None
        fields["skip_cfg_above_sigma"] = sigma
    if sampling.sampler not in row.unscheduled:
        fields["noise_schedule"] = sampling.noise_schedule.value
    if sampling.sampler is Sampler.EULER_ANCESTRAL and sampling.noise_schedule is not NoiseSchedule.NATIVE:
        # The service's own default for the first is true (its OpenAPI text, 2026-09).
        fields |= {"deliberate_euler_ancestral_bug": False, "prefer_brownian": True}
    return fields


def _presets(request: Generate) -> Body:
    """A memory aid for the site's own import; the service adds no text of them."""
    prompt, preset = request.prompt, sent_preset(request)
    fields: Body = {
        "ucPresetId": preset.value,
        "qualityPresetId": "standard" if prompt.quality_tags else "none",
        "tag_hint_qt": _HINT_STANDARD if prompt.quality_tags else _HINT_NONE,
        "tag_hint_uc_preset": _UC_HINTS[preset],
    }
    if request.row.transparent:
        fields["straight_alpha"] = True
    if prompt.transparent:
        fields["tag_hint_transparent_background"] = True
    return fields


def _captions(request: Generate, texts: Wording) -> Body:
    """
    Prompt and characters as V4 and later take them (nai-api.md 2.7).

    Every character has one centre, also where the model chooses the place: an empty list answers 500 on V4.
    """
    people = texts.characters
    return {
        "use_coords": texts.is_placed,
        "legacy_uc": False,
        "normalize_reference_strength_multiple": True,
        "inpaintImg2ImgStrength": request.inpaint.strength if request.inpaint is not None else 1,
        "characterPrompts": [
            {"prompt": each.prompt, "uc": each.undesired_content, "center": _centre(each.position), "enabled": True}
            for each in people
        ],
        "v4_prompt": {
            "caption": _caption(texts.prompt, [(each.prompt, each.position) for each in people]),
            "use_coords": texts.is_placed,
            "use_order": True,
        },
        "v4_negative_prompt": {
            "caption": _caption(texts.undesired_content, [(each.undesired_content, each.position) for each in people]),
            "legacy_uc": False,
        },
    }


def _caption(base: str, characters: Sequence[tuple[str, Position]]) -> Body:
    return {
        "base_caption": base,
        "char_captions": [{"char_caption": text, "centers": [_centre(place)]} for text, place in characters],
    }


def _centre(position: Position) -> Body:
    return {"x": position.x, "y": position.y}


def _source(request: Generate, images: Mapping[Input, str]) -> Body:
    """Image, mask, and how much of them stays (nai-api.md 6.1 and 6.3)."""
    begins = request.inpaint or request.img2img
    if begins is None:
        return {}
    fields: Body = {
        "image": images[Input(InputKind.SOURCE)],
        "noise": begins.noise,
        # The site's own: one below the seed (captured 2026-10-01).
        "extra_noise_seed": max(0, (request.sampling.seed or 0) - 1),
    }
    match begins:
        case Img2Img():
            return fields | {"strength": begins.strength, "color_correct": False}
        case Inpaint():
            return fields | {"mask": images[Input(InputKind.MASK)], **_inpaint_strength(begins)}


def _inpaint_strength(inpaint: Inpaint) -> Body:
    if inpaint.strength == 1:
        return {"strength": _INPAINT_STRENGTH}
    return {
        "strength": inpaint.strength,
        "img2img": {"strength": inpaint.strength, "noise": inpaint.noise, "color_correct": True},
    }


def _vibes(request: Generate, images: Mapping[Input, str]) -> Body:
    """V3 takes the picture and what to extract; V4 the encoding, in which that is decided already (nai-api.md 2.8)."""
    vibes, form = request.vibes, request.row.vibes
    if not vibes:
        return {}
    if form is VibeForm.ENCODING and not all(vibe.encoded for vibe in vibes):
        raise _unsent("a vibe that is not encoded")
    fields: Body = {
        "reference_image_multiple": [images[Input(InputKind.VIBE, n)] for n in range(len(vibes))],
        "reference_strength_multiple": _strengths(vibes, is_normal=form is VibeForm.ENCODING),
    }
    if form is VibeForm.PICTURE:
        fields["reference_information_extracted_multiple"] = [vibe.information_extracted for vibe in vibes]
    return fields


def _strengths(vibes: Sequence[Vibe], *, is_normal: bool) -> list[float]:
    """With ``normalize_reference_strength_multiple`` it is the client that brings their sum down to 1."""
    total = sum(abs(vibe.strength) for vibe in vibes)
    by = total if is_normal and len(vibes) > 1 and total > 1 else 1.0
    return [vibe.strength / by for vibe in vibes]


def _references(references: Sequence[Reference], images: Mapping[Input, str]) -> Body:
    """Lists of one length (nai-api.md 2.9)."""
    if not references:
        return {}
    return {
        "director_reference_images": [images[Input(InputKind.REFERENCE, n)] for n in range(len(references))],
        "director_reference_descriptions": [
            {"caption": {"base_caption": _REFERENCES[each.kind], "char_captions": []}, "legacy_uc": False}
            for each in references
        ],
        "director_reference_information_extracted": [1 for _ in references],
        "director_reference_strength_values": [each.strength for each in references],
        "director_reference_secondary_strength_values": [round(1 - each.fidelity, 6) for each in references],
    }


def _encode_tool(request: Direct, images: Mapping[Input, str]) -> Body:
    body: Body = {
        "req_type": request.tool.value,
        "width": request.width,
        "height": request.height,
        "image": images[Input(InputKind.SOURCE)],
    }
    if request.tool.takes_prompt:
        mood = f"{request.mood.value};;" if request.mood is not None else ""
        body |= {"prompt": f"{mood}{request.prompt.strip()}", "defry": request.defry}
    return body


# --- answers


class _Image(msgspec.Struct):
    image: bytes
    index: int = 0


class _Images(msgspec.Struct):
    images: list[_Image]


def decode(body: bytes, request: Request) -> list[Picture]:
    """
    The pictures in an answer (a ZIP, or JSON with base64), in order, each with its own seed (the request's + index).

    Believes no header, length or name: what it is, the number of pictures, their real sizes, their beginnings and ends
    are checked. Raises `UpstreamError` ``failed.answer`` where it is not what was asked for.
    """
    found = _from_zip(body) if body.startswith(_ZIP) else _from_json(body)
    return pictures_of(found, request)


def pictures_of(found: Sequence[bytes], request: Request) -> list[Picture]:
    """*found* as the pictures of *request*. Raises `UpstreamError` ``failed.answer``."""
    if len(found) != _expected(request):
        raise broken("count")
    first = request.sampling.seed or 0 if isinstance(request, Generate) else 0
    step = 1 if first else 0
    return [Picture(data=data, media_type=media_type(data), seed=first + n * step) for n, data in enumerate(found)]


def _expected(request: Request) -> int:
    is_several = isinstance(request, Direct) and request.tool is DirectorTool.REMOVE_BACKGROUND
    return _VIEWS if is_several else request.pictures


def _from_zip(body: bytes) -> list[bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            members = archive.infolist()
            if len(members) > ZIP_MEMBERS:
                raise broken("members")
            left = ANSWER_BYTES
            found = []
            for member in sorted(members, key=lambda member: member.filename):
                found.append(_unpack(archive, member, left))
                left -= len(found[-1])
            return found
    except (
        zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError, OverflowError,
    ) as error:  # fmt: skip
        raise broken("zip") from error


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes:
    """In small pieces: an entry that unpacks to a thousand times its size must not be held even once."""
    data = io.BytesIO()
    with archive.open(member) as file:
        while piece := file.read(_CHUNK):
            if data.tell() + len(piece) > most:
                raise broken("size")
            data.write(piece)
    return data.getvalue()


def _from_json(body: bytes) -> list[bytes]:
    try:
        answer = msgspec.json.decode(body, type=_Images)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise broken("form") from error
    return [each.image for each in sorted(answer.images, key=lambda each: each.index)]


class Event(msgspec.Struct, rename={"kind": "event_type", "sample": "samp_ix", "step": "step_ix"}):
    """One event of a stream: ``intermediate``, ``final`` or ``error`` (nai-api.md 1.7); *image* may be empty."""

    kind: str = ""
    sample: int = 0
    step: int = 0
    image: bytes = b""
    code: int | str | None = None


def media_type(data: bytes) -> str:
    """The type of a whole PNG or WebP. Raises `UpstreamError` ``failed.answer`` for anything else."""
    if data.startswith(PNG) and data.endswith(PNG_END):
        return "image/png"
    is_riff = data.startswith(b"RIFF") and data[8:12] == b"WEBP"
    if is_riff and len(data) == int.from_bytes(data[4:8], "little") + 8:
        return "image/webp"
    raise broken("picture")


def broken(what: str) -> UpstreamError:
    """An answer that cannot be used: whether it was billed, nobody can know."""
    return UpstreamError("failed.answer", billed=None, again=False, what=what)


def decode_vibe(body: bytes) -> bytes:
    """An encoded vibe, which comes as it is. Raises `UpstreamError` ``failed.answer``."""
    if not body or len(body) > VIBE_BYTES or body[:1] in (b"<", b"{"):
        raise broken("vibe")
    return body


class _Steps(msgspec.Struct, rename="camel"):
    fixed_training_steps_left: int = 0
    purchased_training_steps: int = 0


class _Usage(msgspec.Struct, rename="camel"):
    percent: float
    is_negative: bool = False
    time_until_next_percent: float = 0.0


class _Subscription(msgspec.Struct, rename="camel"):
    tier: int
    active: bool
    training_steps_left: int | _Steps
    usage: msgspec.Raw = msgspec.Raw(b"null")


def decode_account(body: bytes) -> Account:
    """
    Tier, balance and V5's bar (nai-api.md 1.8); the balance came as one number from older servers.

    Raises `UpstreamError` ``failed.answer``, with which nothing was paid.
    """
    try:
        seen = msgspec.json.decode(body, type=_Subscription)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise UpstreamError("failed.answer", billed=False, again=True, what="subscription") from error
    left = seen.training_steps_left
    anlas = left if isinstance(left, int) else left.fixed_training_steps_left + left.purchased_training_steps
    return Account(tier=seen.tier, active=seen.active, anlas=anlas, usage=_bar(seen.usage))


def _bar(raw: msgspec.Raw) -> Usage | None:
    """A bar that cannot be read counts as used up, and the rest of the account still counts."""
    try:
        usage = msgspec.json.decode(raw, type=_Usage | None)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return Usage(percent=0.0, is_negative=True)
    if usage is None:
        return None
    return Usage(
        percent=min(max(usage.percent, 0.0), 100.0),
        is_negative=usage.is_negative,
        next_percent_in=max(usage.time_until_next_percent, 0.0),
    )


class _Tag(msgspec.Struct):
    tag: str
    count: int = 0
    confidence: float = 0.0


class _Tags(msgspec.Struct):
    tags: list[_Tag]


class _JapaneseTag(msgspec.Struct):
    jp_tag: str
    en_tag: str


TAG_CHARACTERS = 100


def decode_tags(body: bytes) -> tuple[SuggestedTag, ...]:
    """Suggested tags: an object for English, a bare list for Japanese (nai-api.md 1.3). Raises `UpstreamError`."""
    try:
        seen = msgspec.json.decode(body, type=_Tags | list[_JapaneseTag])
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise UpstreamError("failed.answer", billed=False, again=True, what="tags") from error
    if isinstance(seen, _Tags):
        found = [SuggestedTag(tag=each.tag, count=each.count, confidence=each.confidence) for each in seen.tags]
    else:
        found = [SuggestedTag(tag=each.en_tag, japanese=each.jp_tag) for each in seen]
    return tuple(each for each in found if max(len(each.tag), len(each.japanese)) <= TAG_CHARACTERS)
