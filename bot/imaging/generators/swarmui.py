"""SwarmUI: ``sui_image_params`` in ``parameters``, in a user comment, or (once) in EXIF's Model."""

from bot.imaging.generators.reading import Fields, Reading, name_of, object_of, prompt_of, settings_of


def read_swarmui(fields: Fields) -> Reading | None:
    """The one object with its own name."""
    found = object_of(fields.parsed("parameters", "UserComment", "comment", "Model").get("sui_image_params"))
    if not found:
        return None
    return Reading(
        generator="SwarmUI",
        model=name_of(found.get("model")),
        prompt=prompt_of(found.get("prompt")),
        undesired_content=prompt_of(found.get("negativeprompt")),
        settings=settings_of(found, "prompt", "negativeprompt", "model"),
    )
