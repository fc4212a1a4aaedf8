"""Civitai's own generator: a ComfyUI graph with ``extraMetadata`` beside the nodes."""

from bot.imaging.generators.reading import Fields, Reading, name_of, object_of, prompt_of, settings_of


def read_civitai(fields: Fields) -> Reading | None:
    """What the site itself noted; its links are never followed."""
    found = object_of(fields.parsed("UserComment", "prompt", "comment").get("extraMetadata"))
    if not found:
        return None
    return Reading(
        generator="Civitai",
        model=name_of(found.get("baseModel")),
        prompt=prompt_of(found.get("prompt")),
        undesired_content=prompt_of(found.get("negativePrompt")),
        settings=settings_of(found, "prompt", "negativePrompt", "baseModel"),
    )
