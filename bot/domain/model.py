"""
What NovelAI's models can do: one catalogue, one row a model.

A model is never compared in code; ask ``CAPABILITIES[model]``. Preset and quality texts are quoted word for word from
NovelAI's own web client (bundle of 2026-10, by way of independent readers of it); the service itself applies none of
them, the client adds the text.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Model(StrEnum):
    """NovelAI's image models; the value is the service's id."""

    V3 = "nai-diffusion-3"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """
    One row of the catalogue.

    *token_limit* and *token_chunk* are tokens; *variety_sigma* is Variety+'s sigma at 832×1216; *price_factor*
    multiplies the price of one picture. *quality_tags* is appended to the prompt, *uc_presets* holds each preset's
    text, *uc_when_empty* is sent when preset and the member's own undesired content are both empty. *damps_nsfw*
    says whether the site puts ``nsfw`` in front of a preset (all but the Curated models).
    """

    name: str
    short: str
    samplers: tuple[Sampler, ...]
    noise_schedules: tuple[NoiseSchedule, ...]
    unscheduled: frozenset[Sampler]
    sampler: Sampler
    noise_schedule: NoiseSchedule
    cfg_scale: float
    cfg_scale_max: float
    tokenizer: TokenizerKind
    token_limit: int
    token_chunk: int
    quality_tags: str
    uc_presets: Mapping[UcPreset, str] = field(repr=False)
    uc_when_empty: str
    damps_nsfw: bool
    smea: bool
    decrisper: bool
    variety_sigma: float | None
    price_factor: float


_V3_HEAVY = (
    "lowres, {bad}, error, fewer, extra, missing, worst quality, jpeg artifacts, bad quality, watermark, unfinished, "
    "displeasing, chromatic aberration, signature, extra digits, artistic error, username, scan, [abstract]"
)

_V3 = Capabilities(
    name="NovelAI Diffusion V3",
    short="V3",
    samplers=tuple(Sampler),
    noise_schedules=tuple(NoiseSchedule),
    unscheduled=frozenset({Sampler.DDIM}),
    sampler=Sampler.EULER_ANCESTRAL,
    noise_schedule=NoiseSchedule.KARRAS,
    cfg_scale=5.0,
    cfg_scale_max=10.0,
    tokenizer=TokenizerKind.CLIP,
    token_limit=225,
    token_chunk=75,
    quality_tags="best quality, amazing quality, very aesthetic, absurdres",
    uc_presets=MappingProxyType(
        {
            UcPreset.HEAVY: _V3_HEAVY,
            UcPreset.LIGHT: "lowres, jpeg artifacts, worst quality, watermark, blurry, very displeasing",
            UcPreset.HUMAN_FOCUS: (
                f"{_V3_HEAVY}, bad anatomy, bad hands, @_@, mismatched pupils, heart-shaped pupils, glowing eyes"
            ),
            UcPreset.NONE: "",
        }
    ),
    uc_when_empty="lowres",
    damps_nsfw=True,
    smea=True,
    decrisper=True,
    variety_sigma=19.0,
    price_factor=1.0,
)

CAPABILITIES: Mapping[Model, Capabilities] = MappingProxyType({Model.V3: _V3})
"""The catalogue. Source: nai-api.md 2.1–2.6 (web bundle read 2026-10-02, live requests of the same day)."""

HOME_MODEL = Model.V3
"""The default wherever nobody chose."""
