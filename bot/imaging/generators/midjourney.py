"""Midjourney: the prompt with its flags and a job's id in ``Description``, or a source type in XMP."""

from bot.domain.claims import Scalar
from bot.imaging.generators.reading import SETTINGS_MAX, Fields, Reading, prompt_of, value_of

_JOB = "Job ID:"
LINE_MAX = 20_000


def read_midjourney(fields: Fields) -> Reading | None:
    """``a lake --ar 2:1 --v 6 Job ID: …``; in a PNG's text, in EXIF or in XMP."""
    text = fields.text("Description", "ImageDescription", "description")[:LINE_MAX]
    if _JOB not in text:
        return None
    said, _, job = text.partition(_JOB)
    prompt, *flags = said.split(" --")
    settings: dict[str, Scalar] = {}
    for flag in flags[:SETTINGS_MAX]:
        name, _, value = flag.strip().partition(" ")
        settings[name[:80]] = value_of(value) or True
    settings["Job ID"] = value_of(job.strip()[:80])
    version = settings.get("v") or settings.get("niji")
    return Reading(
        generator="Midjourney",
        model=f"Midjourney {version}" if isinstance(version, str) else None,
        prompt=prompt_of(prompt),
        settings=settings,
    )
