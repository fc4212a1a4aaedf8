"""What every generator's reader shares: texts in, a bounded reading out."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.domain.claims import Scalar
from bot.imaging.jsontext import parse_object

PROMPT_MAX = 20_000
"""Characters of a prompt that are kept."""
VALUE_MAX = 500
SETTINGS_MAX = 100
INTEGER_MAX = 1 << 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a generator other than NovelAI wrote; *settings* are in its own words."""

    generator: str
    model: str | None = None
    prompt: str | None = field(default=None, repr=False)
    undesired_content: str | None = field(default=None, repr=False)
    settings: Mapping[str, Scalar] = field(default_factory=dict)


class Fields:
    """The named texts of one carrier; each is parsed as JSON at most once."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._objects: dict[str, dict[str, Any] | None] = {}

    def text(self, *names: str) -> str:
        """The first of *names* that is there, else nothing."""
        return next((self._texts[name] for name in names if name in self._texts), "")

    def parsed(self, *names: str) -> dict[str, Any]:
        """The first of *names* that is a JSON object, else an empty one."""
        return next((found for name in names if (found := self._object(name))), {})

    def _object(self, name: str) -> dict[str, Any] | None:
        if name not in self._objects:
            self._objects[name] = object_of(self._texts.get(name))
        return self._objects[name]

    def __contains__(self, name: object) -> bool:
        return name in self._texts

    def names(self) -> Iterable[str]:
        """All of them."""
        return self._texts.keys()


def object_of(value: object) -> dict[str, Any] | None:
    """An object, or the one that a text holds."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, str) or "{" not in value[:10]:
        return None
    try:
        return parse_object(value)
    except ValueError:
        return None


def clean(text: str) -> str:
    """Without halves of surrogate pairs, which no encoder takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def prompt_of(value: object) -> str | None:
    """A prompt, cut to what is kept; None where it is no text, or none."""
    return clean(value[:PROMPT_MAX]) if isinstance(value, str) and value.strip() else None


def value_of(value: object) -> Scalar:
    """A setting's value: a short text, a number that numbers hold; None for anything else."""
    if isinstance(value, str):
        return clean(value[:VALUE_MAX])
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < INTEGER_MAX else None
    return None


def settings_of(fields: Mapping[str, Any], *leave_out: str) -> dict[str, Scalar]:
    """The scalar fields, but those that are shown elsewhere."""
    found: dict[str, Scalar] = {}
    for name, value in fields.items():
        if name not in leave_out and value is not None and not isinstance(value, dict | list):
            found[clean(name[:VALUE_MAX])] = value_of(value)
        if len(found) >= SETTINGS_MAX:
            break
    return found


def name_of(value: object) -> str | None:
    """A model's name."""
    return clean(value[:VALUE_MAX]).strip() or None if isinstance(value, str) else None
