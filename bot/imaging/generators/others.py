"""Generators with little to read: Draw Things, TensorArt, Easy Diffusion, Hugging Face spaces, Stability Matrix."""

from bot.imaging.generators.reading import Fields, Reading, name_of, object_of, prompt_of, settings_of


def read_draw_things(fields: Fields) -> Reading | None:
    """XMP: its name as the tool, its settings as JSON in a user comment."""
    if not fields.text("CreatorTool").startswith("Draw Things"):
        return None
    found = fields.parsed("UserComment")
    return Reading(
        generator="Draw Things",
        model=name_of(found.get("model")),
        prompt=prompt_of(found.get("c")),
        undesired_content=prompt_of(found.get("uc")),
        settings=settings_of(found, "c", "uc", "model"),
    )


def read_tensorart(fields: Fields) -> Reading | None:
    """``generation_data``, which ends in a zero byte."""
    found = object_of(fields.text("generation_data").rstrip("\0"))
    if not found:
        return None
    model = object_of(found.get("baseModel")) or {}
    return Reading(
        generator="TensorArt",
        model=name_of(model.get("modelFileName")),
        prompt=prompt_of(found.get("prompt")),
        undesired_content=prompt_of(found.get("negativePrompt")),
        settings=settings_of(found, "prompt", "negativePrompt"),
    )


def read_easy_diffusion(fields: Fields) -> Reading | None:
    """A chunk for each setting, or one object."""
    found = fields.parsed("UserComment", "comment", "parameters")
    if "use_stable_diffusion_model" in fields:
        found = {name: fields.text(name) for name in fields.names()}
    if "use_stable_diffusion_model" not in found:
        return None
    return Reading(
        generator="Easy Diffusion",
        model=name_of(found.get("use_stable_diffusion_model")),
        prompt=prompt_of(found.get("prompt")),
        undesired_content=prompt_of(found.get("negative_prompt")),
        settings=settings_of(found, "prompt", "negative_prompt", "use_stable_diffusion_model"),
    )


def read_space(fields: Fields) -> Reading | None:
    """A Hugging Face space's object."""
    found = fields.parsed("parameters", "UserComment", "metadata", "comment")
    if "Model" not in found or "resolution" not in found:
        return None
    return Reading(
        generator="Hugging Face space",
        model=name_of(found.get("Model")),
        prompt=prompt_of(found.get("prompt")),
        undesired_content=prompt_of(found.get("negative_prompt")),
        settings=settings_of(found, "prompt", "negative_prompt", "Model"),
    )


def read_stability_matrix(fields: Fields) -> Reading | None:
    """Its own object beside ComfyUI's."""
    found = fields.parsed("parameters-json")
    if not found:
        return Reading(generator="Stability Matrix") if "smproj" in fields else None
    return Reading(
        generator="Stability Matrix",
        model=name_of(found.get("ModelName")),
        prompt=prompt_of(found.get("PositivePrompt")),
        undesired_content=prompt_of(found.get("NegativePrompt")),
        settings=settings_of(found, "PositivePrompt", "NegativePrompt", "ModelName"),
    )
