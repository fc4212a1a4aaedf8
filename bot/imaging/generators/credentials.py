"""
Content Credentials (C2PA) and IPTC's source type: that they are there, and whom they name.

Nothing of them is verified; the names are looked for in the manifest's bytes, which hold their texts uncompressed
(enslo/sd-metadata: c2pa.ts @4215a88).
"""

from bot.domain.claims import UNNAMED_CREDENTIALS
from bot.imaging.generators.reading import Fields, Reading

_VENDORS = (
    (b"DALL", "DALL·E"),
    (b"ChatGPT", "ChatGPT"),
    (b"OpenAI", "OpenAI"),
    (b"Google C2PA", "Google"),
    (b"Google LLC", "Google"),
    (b"Midjourney", "Midjourney"),
    (b"Adobe Firefly", "Adobe Firefly"),
    (b"Adobe_Firefly", "Adobe Firefly"),
    (b"Stability AI", "Stability AI"),
    (b"Microsoft", "Microsoft"),
)
_MADE_BY_MODEL = ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "algorithmicMedia")


def read_manifest(manifest: bytes) -> Reading:
    """Whose credentials these are, as far as a known name stands in them."""
    vendor = next((name for mark, name in _VENDORS if mark in manifest), UNNAMED_CREDENTIALS)
    source = next((kind for kind in _MADE_BY_MODEL if f"digitalsourcetype/{kind}".encode() in manifest), None)
    return Reading(generator=vendor, settings={"digital_source_type": source} if source else {})


def read_source_type(fields: Fields) -> Reading | None:
    """XMP that says how a picture came to be, without saying by whom."""
    kind = fields.text("DigitalSourceType", "DigitalSourcefileType").rpartition("/")[2]
    if kind not in _MADE_BY_MODEL:
        return None
    # Midjourney is the one that writes both (its files of 2023 and later).
    generator = "Midjourney" if "DigImageGUID" in fields else "an AI model"
    return Reading(generator=generator, settings={"digital_source_type": kind})
