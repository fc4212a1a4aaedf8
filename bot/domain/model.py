"""
What NovelAI's models can do: one catalogue, one row a model.

A model is never compared in code; ask ``CAPABILITIES[model]``. The ready-made texts stand in `bot.domain.presets`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from bot.domain import presets


class Model(StrEnum):
    """NovelAI's image models; the value is the service's id."""

    V3 = "nai-diffusion-3"
    FURRY_V3 = "nai-diffusion-furry-3"
    V4_CURATED = "nai-diffusion-4-curated-preview"
    V4_FULL = "nai-diffusion-4-full"
    V4_5_CURATED = "nai-diffusion-4-5-curated"
    V4_5_FULL = "nai-diffusion-4-5-full"
    V5_CURATED = "nai-diffusion-5-curated"
    V5_FULL = "nai-diffusion-5-full"
    V5_MEDIUM = "nai-diffusion-5-full-medium"
    V2 = "nai-diffusion-2"
    V1 = "nai-diffusion"
    V1_CURATED = "safe-diffusion"
    V1_FURRY = "nai-diffusion-furry"


class Sampler(StrEnum):
    """Samplers; the value is the service's id."""

    EULER_ANCESTRAL = "k_euler_ancestral"
    EULER = "k_euler"
    DPMPP_2S_ANCESTRAL = "k_dpmpp_2s_ancestral"
    DPMPP_2M_SDE = "k_dpmpp_2m_sde"
    DPMPP_2M = "k_dpmpp_2m"
    DPMPP_SDE = "k_dpmpp_sde"
    DDIM = "ddim_v3"


class NoiseSchedule(StrEnum):
    """How noise falls from step to step; the value is the service's id."""

    NATIVE = "native"
    KARRAS = "karras"
    EXPONENTIAL = "exponential"
    POLYEXPONENTIAL = "polyexponential"


class UcPreset(StrEnum):
    """Ready-made undesired content; the value is the service's ``ucPresetId``."""

    HEAVY = "heavy"
    LIGHT = "light"
    HUMAN_FOCUS = "humanFocus"
    FURRY_FOCUS = "furryFocus"
    NONE = "none"


UC_FALLBACK: Mapping[UcPreset, tuple[UcPreset, ...]] = MappingProxyType(
    {
        UcPreset.HEAVY: (UcPreset.LIGHT, UcPreset.NONE),
        UcPreset.LIGHT: (UcPreset.NONE, UcPreset.HEAVY),
        UcPreset.HUMAN_FOCUS: (UcPreset.HEAVY, UcPreset.LIGHT, UcPreset.NONE),
        UcPreset.FURRY_FOCUS: (UcPreset.HEAVY, UcPreset.LIGHT, UcPreset.NONE),
        UcPreset.NONE: (UcPreset.LIGHT, UcPreset.HEAVY),
    }
)
"""What the site takes where a model lacks a preset (nai-api.md 2.6, 2026-08)."""


class Smea(StrEnum):
    """SMEA and its dynamic form, for large sizes on the V3 family."""

    OFF = "off"
    ON = "smea"
    DYN = "smea_dyn"


class TokenizerKind(StrEnum):
    """Which tokenizer counts a model's prompt."""

    CLIP = "clip"
    T5 = "t5"
    QWEN = "qwen"


class VibeForm(StrEnum):
    """What a model takes as a vibe: the picture itself, or what the service made of it."""

    PICTURE = "picture"
    ENCODING = "encoding"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """
    One row of the catalogue.

    *inpainting* is the id that masks are sent to, *inpaints_as* the model whose rules hold then (None: its own).
    *is_offered* is false for models that NovelAI's site no longer lists and that we cannot price.
    *steps_fixed* is the only number of steps a model takes; *token_limit* and *token_chunk* are tokens (0: no chunks);
    *variety_sigma* is Variety+'s sigma at 832×1216; *price_factor* multiplies the price of one picture after it was
    rounded up, *step_factor* the steps in it; *usage_bar* says whether a bar of the account limits what is free;
    *streams* whether a picture can be watched while it is made (the site streams V4 and newer only, nai-api.md 1.7).

    *quality_tags* goes behind the prompt, or before it where *quality_first*; *uc_presets* holds each preset's text,
    *uc_when_empty* is sent when preset and the member's own undesired content are both empty, *character_uc* where a
    character has none of its own. *damps_nsfw* says whether the site puts ``nsfw`` in front of a preset (all but the
    Curated models). *undesired_content* is false where only the preset is sent, whatever was typed.

    *characters* is how many may be described one by one (0: the prompt is one text); their places are free on the
    canvas with *free_positions*, else on a grid of 5×5, and count from *positions_from* characters on.
    """

    name: str
    short: str
    is_offered: bool = True
    inpainting: str | None
    inpaints_as: Model | None = None
    samplers: tuple[Sampler, ...]
    noise_schedules: tuple[NoiseSchedule, ...]
    unscheduled: frozenset[Sampler] = frozenset()
    sampler: Sampler = Sampler.EULER_ANCESTRAL
    noise_schedule: NoiseSchedule = NoiseSchedule.KARRAS
    steps_fixed: int | None = None
    cfg_scale: float
    cfg_scale_max: float = 10.0
    rescale: bool = True
    tokenizer: TokenizerKind
    token_limit: int
    token_chunk: int = 0
    quality_tags: str
    quality_first: bool = False
    uc_presets: Mapping[UcPreset, str] = field(repr=False)
    uc_when_empty: str = ""
    damps_nsfw: bool = True
    undesired_content: bool = True
    characters: int = 0
    character_uc: str = ""
    free_positions: bool = False
    positions_from: int = 2
    transparent: bool = False
    smea: bool = False
    decrisper: bool = False
    variety_sigma: float | None = None
    inpaint_strength: bool = False
    vibes: VibeForm | None = None
    information_extracted: float = 1.0
    references: bool = False
    price_factor: float = 1.0
    step_factor: float = 1.0
    usage_bar: bool = False
    streams: bool = False

    def nearest_preset(self, wanted: UcPreset) -> UcPreset:
        """*wanted*, or what the site takes in its place where this model has no such preset."""
        return next(preset for preset in (wanted, *UC_FALLBACK[wanted]) if preset in self.uc_presets)


def _texts(
    *, heavy: str, light: str = "", human: str = "", furry: str = "", none: str | None = ""
) -> Mapping[UcPreset, str]:
    """The presets that a model has."""
    texts = {
        UcPreset.HEAVY: heavy or None,
        UcPreset.LIGHT: light or None,
        UcPreset.HUMAN_FOCUS: human or None,
        UcPreset.FURRY_FOCUS: furry or None,
        UcPreset.NONE: none,
    }
    return MappingProxyType({preset: text for preset, text in texts.items() if text is not None})


_SAMPLERS = tuple(sampler for sampler in Sampler if sampler is not Sampler.DDIM)
_SCHEDULES = (NoiseSchedule.KARRAS, NoiseSchedule.EXPONENTIAL, NoiseSchedule.POLYEXPONENTIAL)

_V3 = Capabilities(
    name="NovelAI Diffusion V3",
    short="V3",
    inpainting="nai-diffusion-3-inpainting",
    samplers=tuple(Sampler),
    noise_schedules=tuple(NoiseSchedule),
    unscheduled=frozenset({Sampler.DDIM}),
    cfg_scale=5.0,
    tokenizer=TokenizerKind.CLIP,
    token_limit=225,
    token_chunk=75,
    quality_tags=presets.QUALITY_V3,
    uc_presets=_texts(heavy=presets.V3_HEAVY, light=presets.V3_LIGHT, human=presets.V3_HUMAN_FOCUS),
    uc_when_empty=presets.V3_EMPTY,
    smea=True,
    decrisper=True,
    variety_sigma=19.0,
    vibes=VibeForm.PICTURE,
)
_FURRY_V3 = replace(
    _V3,
    name="NovelAI Diffusion Furry V3",
    short="Furry V3",
    inpainting="nai-diffusion-furry-3-inpainting",
    cfg_scale=6.2,
    quality_tags=presets.QUALITY_FURRY_V3,
    uc_presets=_texts(heavy=presets.FURRY_V3_HEAVY, light=presets.FURRY_V3_LIGHT),
)
_V4_FULL = Capabilities(
    name="NovelAI Diffusion V4 Full",
    short="V4 Full",
    inpainting="nai-diffusion-4-full-inpainting",
    samplers=_SAMPLERS,
    noise_schedules=_SCHEDULES,
    cfg_scale=5.5,
    tokenizer=TokenizerKind.T5,
    token_limit=512,
    quality_tags=presets.QUALITY_V4_FULL,
    uc_presets=_texts(heavy=presets.V4_FULL_HEAVY, light=presets.V4_FULL_LIGHT),
    characters=6,
    character_uc=presets.V4_CHARACTER_UC,
    variety_sigma=19.0,
    inpaint_strength=True,
    vibes=VibeForm.ENCODING,
    streams=True,
)
_V4_CURATED = replace(
    _V4_FULL,
    name="NovelAI Diffusion V4 Curated",
    short="V4 Curated",
    inpainting="nai-diffusion-4-curated-inpainting",
    quality_tags=presets.QUALITY_V4_CURATED,
    uc_presets=_texts(heavy=presets.V4_CURATED_HEAVY, light=presets.V4_CURATED_LIGHT),
    damps_nsfw=False,
)
_V4_5_FULL = replace(
    _V4_FULL,
    name="NovelAI Diffusion V4.5 Full",
    short="V4.5 Full",
    inpainting="nai-diffusion-4-5-full-inpainting",
    cfg_scale=5.0,
    quality_tags=presets.QUALITY_V4_5_FULL,
    uc_presets=_texts(
        heavy=presets.V4_5_FULL_HEAVY,
        light=presets.V4_5_FULL_LIGHT,
        human=presets.V4_5_FULL_HUMAN_FOCUS,
        furry=presets.V4_5_FULL_FURRY_FOCUS,
    ),
    character_uc="",
    variety_sigma=58.0,
    information_extracted=0.7,
    references=True,
)
_V4_5_CURATED = replace(
    _V4_5_FULL,
    name="NovelAI Diffusion V4.5 Curated",
    short="V4.5 Curated",
    inpainting="nai-diffusion-4-5-curated-inpainting",
    quality_tags=presets.QUALITY_V4_5_CURATED,
    uc_presets=_texts(
        heavy=presets.V4_5_CURATED_HEAVY,
        light=presets.V4_5_CURATED_LIGHT,
        human=presets.V4_5_CURATED_HUMAN_FOCUS,
    ),
    damps_nsfw=False,
    information_extracted=1.0,
)
_V5_FULL = replace(
    _V4_5_FULL,
    name="NovelAI Diffusion V5 Full",
    short="V5 Full",
    inpainting="nai-diffusion-5-full-inpainting",
    noise_schedules=(NoiseSchedule.KARRAS,),
    cfg_scale=7.0,
    tokenizer=TokenizerKind.QWEN,
    token_limit=1471,
    quality_tags=presets.QUALITY_V5,
    uc_presets=_texts(
        heavy=presets.V5_HEAVY,
        light=presets.V5_LIGHT,
        human=presets.V5_HUMAN_FOCUS,
        furry=presets.V5_FURRY_FOCUS,
    ),
    characters=32,
    free_positions=True,
    positions_from=1,
    transparent=True,
    variety_sigma=None,
    vibes=None,
    information_extracted=1.0,
    references=False,
    price_factor=1.5,
    usage_bar=True,
)
_V5_CURATED = replace(
    _V5_FULL,
    name="NovelAI Diffusion V5 Curated",
    short="V5 Curated",
    # Its own id answers 400 "doesn't exist" (live 2026-10-02).
    inpainting="nai-diffusion-4-5-curated-inpainting",
    inpaints_as=Model.V4_5_CURATED,
    token_limit=703,
    damps_nsfw=False,
)
_V5_MEDIUM = replace(
    _V5_FULL,
    name="NovelAI Diffusion V5 Full, Medium",
    short="V5 Medium",
    inpainting="nai-diffusion-5-full-medium-inpainting",
    samplers=(Sampler.EULER_ANCESTRAL,),
    steps_fixed=14,
    rescale=False,
    uc_presets=_texts(heavy=presets.V5_HEAVY, none=None),
    undesired_content=False,
    step_factor=1 / 1.06521739,
)
_V2 = replace(
    _V3,
    name="NovelAI Diffusion V2",
    short="V2",
    is_offered=False,
    inpainting="nai-diffusion-2",
    samplers=(Sampler.EULER_ANCESTRAL, Sampler.EULER),
    unscheduled=frozenset(),
    cfg_scale_max=25.0,
    rescale=False,
    quality_tags=presets.QUALITY_V2,
    quality_first=True,
    uc_presets=_texts(heavy=presets.V2_HEAVY, light=presets.V2_LIGHT),
    variety_sigma=None,
    vibes=None,
)
_V1 = replace(
    _V2,
    name="NovelAI Diffusion V1",
    short="V1",
    inpainting="nai-diffusion-inpainting",
    quality_tags=presets.QUALITY_V1,
    uc_presets=_texts(heavy=presets.V1_HEAVY, light=presets.V1_LIGHT),
)
_V1_CURATED = replace(
    _V1,
    name="NovelAI Diffusion V1 Curated",
    short="V1 Curated",
    inpainting="safe-diffusion-inpainting",
    damps_nsfw=False,
)
_V1_FURRY = replace(
    _V1,
    name="NovelAI Diffusion V1 Furry",
    short="V1 Furry",
    inpainting="furry-diffusion-inpainting",
    uc_presets=_texts(heavy=""),
)

CAPABILITIES: Mapping[Model, Capabilities] = MappingProxyType(
    {
        Model.V3: _V3,
        Model.FURRY_V3: _FURRY_V3,
        Model.V4_CURATED: _V4_CURATED,
        Model.V4_FULL: _V4_FULL,
        Model.V4_5_CURATED: _V4_5_CURATED,
        Model.V4_5_FULL: _V4_5_FULL,
        Model.V5_CURATED: _V5_CURATED,
        Model.V5_FULL: _V5_FULL,
        Model.V5_MEDIUM: _V5_MEDIUM,
        Model.V2: _V2,
        Model.V1: _V1,
        Model.V1_CURATED: _V1_CURATED,
        Model.V1_FURRY: _V1_FURRY,
    }
)
"""
The catalogue. Source: nai-api.md 2.1 to 2.6 (web bundle read 2026-10-02, live requests of the same day).

V5 takes 32 characters: so says the bundle, and the service took 33 (marketing says 22). V5 Medium's fixed values are
those that four independent clients send (2026-10/11). Of V1 and V2 only ids, limits and texts are known to us (of V1
Furry not even those); what they cost is not.
"""

HOME_MODEL = Model.V3
"""The default wherever nobody chose."""


_OTHER_SIGNS = re.compile(r"[^a-z0-9]")


def model_named(text: str) -> Model | None:
    """The model of that id or name, however it is written (``nai-diffusion-5-full``), None for any other text."""
    bare = _OTHER_SIGNS.sub("", text.casefold())
    return next((model for model, row in CAPABILITIES.items() if bare in _names_of(model, row)), None)


def _names_of(model: Model, row: Capabilities) -> tuple[str, ...]:
    return tuple(_OTHER_SIGNS.sub("", name.casefold()) for name in (model.value, row.name))
