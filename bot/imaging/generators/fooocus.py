"""Fooocus and RuinedFooocus: an object in ``parameters``, in a user comment or in a JPEG's comment."""

from bot.imaging.generators.reading import Fields, Reading, name_of, prompt_of, settings_of

_OWN = ("base_model", "guidance_scale", "metadata_scheme", "base_model_hash")


def read_fooocus(fields: Fields) -> Reading | None:
    """By its names for things; a text in web UI's manner says Fooocus in its version."""
    found = fields.parsed("parameters", "UserComment", "comment")
    if found.get("software") == "RuinedFooocus" or ("Prompt" in found and "base_model_name" in found):
        return Reading(
            generator="RuinedFooocus",
            model=name_of(found.get("base_model_name")),
            prompt=prompt_of(found.get("Prompt")),
            undesired_content=prompt_of(found.get("Negative")),
            settings=settings_of(found, "Prompt", "Negative", "base_model_name"),
        )
    is_own = "fooocus_scheme" in fields or any(name in found for name in _OWN)
    if "prompt" in found and is_own:
        return Reading(
            generator="Fooocus",
            model=name_of(found.get("base_model")),
            prompt=prompt_of(found.get("prompt")),
            undesired_content=prompt_of(found.get("negative_prompt")),
            settings=settings_of(found, "prompt", "negative_prompt", "base_model"),
        )
    return None
