"""Every model of the service, one row each: what it takes and what it writes into its files."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum


class Family(float, Enum):
    """Generations, in order of age."""

    V1 = 1
    V2 = 2
    V3 = 3
    V4 = 4
    V45 = 4.5
    V5 = 5


K_SAMPLERS = frozenset(
    {"k_euler_ancestral", "k_euler", "k_dpmpp_2s_ancestral", "k_dpmpp_2m_sde", "k_dpmpp_2m", "k_dpmpp_sde"}
)
OLD_SAMPLERS = K_SAMPLERS | {
    "ddim", "plms", "k_lms", "k_dpm_2", "k_dpm_2_ancestral", "k_heun", "k_dpm_fast", "k_dpm_adaptive",
    "nai_smea", "nai_smea_dyn",
}  # fmt: skip
SCHEDULES = frozenset({"native", "karras", "exponential", "polyexponential"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model; *takes_mask* for those whose action is ``infill``."""

    id: str
    family: Family
    source: str
    samplers: frozenset[str] = K_SAMPLERS
    scale_max: int = 10
    characters_max: int | None = None
    infills: bool = False
    only_infills: bool = False
    medium: bool = False

    @property
    def structured(self) -> bool:
        """Whether its prompts come as ``v4_prompt``."""
        return self.family >= Family.V4

    @property
    def has_smea(self) -> bool:
        """Whether ``sm`` and ``sm_dyn`` count."""
        return self.family <= Family.V3

    @property
    def factor(self) -> float:
        """By which its price is multiplied (nai-api.md 4.1)."""
        return 1.5 if self.family is Family.V5 else 1.0


def _old(id_: str, family: Family, source: str) -> Model:
    return Model(id=id_, family=family, source=f"Stable Diffusion {source}", samplers=OLD_SAMPLERS, scale_max=25)


def _v3(id_: str, source: str) -> Model:
    return Model(id=id_, family=Family.V3, source=f"Stable Diffusion XL {source}", samplers=K_SAMPLERS | {"ddim_v3"})


def _v4(id_: str, source: str) -> Model:
    return Model(id=id_, family=Family.V4, source=f"NovelAI Diffusion V4 {source}", characters_max=6)


def _v45(id_: str, source: str) -> Model:
    return Model(id=id_, family=Family.V45, source=f"NovelAI Diffusion V4.5 {source}", characters_max=6)


def _v5(id_: str, source: str) -> Model:
    return Model(id=id_, family=Family.V5, source=f"NovelAI Diffusion V5 {source}")


def _rows() -> Iterator[Model]:
    """
    Ids, inpainting ids and builds of nai-api.md 2.1 and metadata.md 3 (2026-10).

    V5 Curated has no inpainting id of its own: the service says that it doesn't exist (live 2026-10-02). V2 infills
    under its own id.
    """
    medium = replace(
        _v5("nai-diffusion-5-full-medium", "93F4BD30"), samplers=frozenset({"k_euler_ancestral"}), medium=True
    )
    yield from _with_inpainting(_old("nai-diffusion", Family.V1, "81274D13"), "nai-diffusion-inpainting")
    yield from _with_inpainting(_old("safe-diffusion", Family.V1, "1D44365E"), "safe-diffusion-inpainting")
    yield from _with_inpainting(_old("nai-diffusion-furry", Family.V1, "F64BA557"), "furry-diffusion-inpainting")
    yield replace(_old("nai-diffusion-2", Family.V2, "49BFAF6A"), infills=True)
    yield from _with_inpainting(_v3("nai-diffusion-3", "7BCCAA2C"), source="1120E6A9")
    yield from _with_inpainting(_v3("nai-diffusion-furry-3", "4BE8C60C"), source="F306816B")
    yield from _with_inpainting(
        _v4("nai-diffusion-4-curated-preview", "7ABFFA2A"), "nai-diffusion-4-curated-inpainting", "770A9E12"
    )
    yield from _with_inpainting(_v4("nai-diffusion-4-full", "37442FCA"), source="F6302A9D")
    yield from _with_inpainting(_v45("nai-diffusion-4-5-curated", "C02D4F98"), source="5BB76870")
    yield from _with_inpainting(_v45("nai-diffusion-4-5-full", "4BDE2A90"), source="1229B44F")
    yield _v5("nai-diffusion-5-curated", "DB276663")
    yield from _with_inpainting(_v5("nai-diffusion-5-full", "0ADF9AB7"), source="657484A5")
    yield from _with_inpainting(medium, source="70AB5786")


def _with_inpainting(model: Model, id_: str | None = None, source: str | None = None) -> Iterator[Model]:
    """*model*, and its twin that paints inside a mask: ``…-inpainting`` unless it is called otherwise."""
    yield model
    name = model.source if source is None else f"{model.source.rpartition(' ')[0]} {source}"
    yield replace(model, id=id_ or f"{model.id}-inpainting", source=name, infills=True, only_infills=True)


MODELS: Mapping[str, Model] = {model.id: model for model in _rows()}
"""Model id → model."""
