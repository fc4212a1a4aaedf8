"""The tags that the stand-in suggests: a few dozen, enough to be searched."""

from collections.abc import Mapping
from typing import Any

COUNT_MAX = 10_000
"""More is never said (nai-api.md 1.3)."""
MOST = 10

TAGS: Mapping[str, int] = {
    "1girl": 5_900_000, "1boy": 1_500_000, "solo": 4_900_000, "2girls": 1_000_000, "multiple girls": 1_500_000,
    "long hair": 4_300_000, "short hair": 2_200_000, "blonde hair": 1_500_000, "black hair": 1_500_000,
    "red hair": 470_000, "blue hair": 880_000, "silver hair": 62_000, "white hair": 680_000, "blue eyes": 1_800_000,
    "red eyes": 1_300_000, "green eyes": 890_000, "smile": 2_900_000, "blush": 3_000_000, "open mouth": 2_400_000,
    "looking at viewer": 3_400_000, "upper body": 790_000, "full body": 640_000, "hat": 1_200_000, "witch hat": 97_000,
    "dress": 1_400_000, "school uniform": 790_000, "cherry blossoms": 58_000, "outdoors": 560_000, "sky": 410_000,
    "night": 140_000, "night sky": 45_000, "starry sky": 31_000, "moon": 90_000, "sunset": 47_000, "rain": 38_000,
    "snow": 51_000, "water": 250_000, "ocean": 98_000, "river": 9_000, "forest": 40_000, "mountain": 24_000,
    "scenery": 61_000, "no humans": 130_000, "landscape": 8_000, "hatsune miku": 110_000, "sword": 270_000,
    "transparent background": 190_000, "white background": 1_300_000, "simple background": 1_900_000,
}  # fmt: skip
JAPANESE: Mapping[str, str] = {
    "少女": "1girl", "少年": "1boy", "笑顔": "smile", "長髪": "long hair", "夜": "night", "夜空": "night sky",
    "雨": "rain", "雪": "snow", "海": "ocean", "森": "forest", "桜": "cherry blossoms", "帽子": "hat", "月": "moon",
}  # fmt: skip


def suggested(prompt: str) -> dict[str, Any]:
    """For the last tag of *prompt*, the most used first."""
    word = prompt.rpartition(",")[2].strip().casefold().replace("_", " ")
    found = sorted((tag for tag in TAGS if word and word in tag), key=lambda tag: -TAGS[tag])[:MOST]
    return {
        "tags": [
            {"tag": tag, "count": min(TAGS[tag], COUNT_MAX), "confidence": round(len(word) / len(tag), 3)}
            for tag in found
        ]
    }


def suggested_japanese(prompt: str) -> list[dict[str, Any]]:
    """A bare list, as the service answers for ``lang=jp``."""
    word = prompt.rpartition(",")[2].strip()
    found = [(tag, english) for tag, english in JAPANESE.items() if word and word in tag][:MOST]
    return [{"jp_tag": tag, "en_tag": english, "power": min(TAGS[english], COUNT_MAX)} for tag, english in found]
