"""The practice room's classifier: it believes what the pretend NovelAI was asked for, and looks at no pixel."""

import asyncio
import re

import msgspec

from bot.domain.errors import ClassifierError, Mistake
from bot.domain.rating import Rating
from bot.imaging.decode import read_header

WORDS = {"explicit": 0.82, "suggestive": 0.5}
"""Tags and how explicit they make a picture. `!explicit` itself is refused in safe places, `!rated82` is not."""
SLOW = 10.0
"""Seconds that ``!slowrating`` takes before it is given up."""

_TAG = re.compile(r"(?:^|,)\s*!(?:(rated)(\d\d)|([a-z]+))\s*(?=,|$)")


class _Comment(msgspec.Struct):
    prompt: str = ""


class PretendClassifier:
    """
    Rates by the tags in a picture's own prompt, so that review can be tried without weights.

    ``!rated82`` (any two digits), ``!explicit`` and ``!suggestive`` say how explicit it is; ``!unrateable`` fails,
    ``!slowrating`` takes too long. Everything else is a harmless drawing. Only for the practice room's NovelAI.
    """

    def __init__(self, *, slow: float = SLOW) -> None:
        self._slow = slow

    async def rate(self, data: bytes) -> Rating:
        """Rate *data* as its prompt says; see `bot.ports.Classifier`."""
        tags = _TAG.findall(await asyncio.to_thread(_prompt_of, data))
        names = {name for _, _, name in tags}
        if "unrateable" in names:
            raise ClassifierError("rating.failed")
        if "slowrating" in names:
            await asyncio.sleep(self._slow)
            raise ClassifierError("rating.slow")
        said = [int(digits) / 100 for _, digits, _ in tags if digits]
        explicit = max([0.0, *said, *(WORDS.get(name, 0.0) for name in names)])
        return Rating(drawing=1.0 - explicit, hentai=explicit, neutral=0.0, porn=0.0, sexy=0.0)

    def close(self) -> None:
        """Nothing is held."""


def _prompt_of(data: bytes) -> str:
    try:
        comments = [text for keyword, text in read_header(data).texts if keyword == "Comment"]
    except Mistake as error:
        raise ClassifierError("rating.unreadable") from error
    try:
        return msgspec.json.decode(comments[0], type=_Comment).prompt if comments else ""
    except msgspec.MsgspecError:
        return ""
