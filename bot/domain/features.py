"""What a model may have or lack, and the mistake of asking for what it lacks: it names the models that have it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from bot.domain.errors import Mistake
from bot.domain.model import CAPABILITIES, Capabilities, Model, VibeForm

FEATURES: Mapping[str, Callable[[Capabilities], bool]] = MappingProxyType(
    {
        "rescale": lambda row: row.rescale,
        "smea": lambda row: row.smea,
        "decrisper": lambda row: row.decrisper,
        "variety": lambda row: row.variety_sigma is not None,
        "undesired_content": lambda row: row.undesired_content,
        "characters": lambda row: row.characters > 0,
        "free_positions": lambda row: row.free_positions,
        "transparent": lambda row: row.transparent,
        "inpaint": lambda row: row.inpainting is not None,
        "inpaint_strength": lambda row: row.inpaint_strength,
        "vibes": lambda row: row.vibes is not None,
        "vibe_encoding": lambda row: row.vibes is VibeForm.ENCODING,
        "references": lambda row: row.references,
    }
)
"""What a model may have or lack, by the option that asks for it."""


def offered() -> tuple[Capabilities, ...]:
    """The rows of the models that can be asked for."""
    return tuple(row for row in CAPABILITIES.values() if row.is_offered)


def model_called(text: str) -> Model:
    """
    The model of that id or name, as people write it: ``nai-diffusion-3``, ``V4.5 Full``.

    Raises `Mistake` ``option.unknown`` for none, and for one that is not offered.
    """
    words = " ".join(text.casefold().split())
    for model, row in CAPABILITIES.items():
        if row.is_offered and words in (model.value, row.short.casefold(), row.name.casefold()):
            return model
    raise Mistake("option.unknown", option="model", choices=tuple(row.short for row in offered()))


def check_features(row: Capabilities, asked: Mapping[str, bool]) -> None:
    """Raise `Mistake` ``option.model`` for the first feature that is asked for and that the model lacks."""
    for feature, is_asked in asked.items():
        if is_asked and not FEATURES[feature](row):
            able = tuple(other.short for other in offered() if FEATURES[feature](other))
            raise Mistake("option.model", model=row.short, feature=feature, models=able)


def check_choice(row: Capabilities, option: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise `Mistake` ``option.choice`` for what is none of the model's choices."""
    if value not in choices:
        raise Mistake("option.choice", model=row.short, option=option, value=str(value), choices=choices)
