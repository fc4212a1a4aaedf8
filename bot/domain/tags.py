"""Tags that NovelAI suggests for the beginning of one."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestedTag:
    """
    A tag and how much there is to it.

    *count* is how many pictures bear it (NovelAI stops counting at 10,000), *confidence* 0 to 1; both are 0 where
    Japanese was asked for: then *japanese* is what the tag is called there.
    """

    tag: str
    count: int = 0
    confidence: float = 0.0
    japanese: str = ""
