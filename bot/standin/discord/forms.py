"""Forms: what Discord does not open."""

from typing import Any

from bot.standin.discord.components import LABEL, ROW, TEXT, check_part, check_shape, name_defaults, walk
from bot.standin.discord.errors import invalid

Json = dict[str, Any]

FIELDS_MAX, TITLE_MAX, LABEL_MAX, DESCRIPTION_MAX, VALUE_MAX = 5, 45, 45, 100, 4_000
_INPUT = 4


def check(form: Json) -> None:
    """A title of at most 45 characters and 1 to 5 fields, each with a label and an id of its own."""
    _length("title", form.get("title"), 1, TITLE_MAX)
    _length("custom_id", form.get("custom_id"), 1, 100)
    parts = form.get("components")
    check_shape(parts)
    if not isinstance(parts, list) or not 1 <= len(parts) <= FIELDS_MAX:
        raise invalid("data.components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
    for n, part in enumerate(parts):
        _check_top(f"components.{n}", part)
    ids = [part["custom_id"] for part in walk(parts) if part.get("custom_id")]
    if len(ids) != len(set(ids)):
        raise invalid("data.components", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
    for n, part in enumerate(walk(parts), 1):
        part.setdefault("id", n)
        name_defaults(part)


def _check_top(path: str, part: Json) -> None:
    if part["type"] == TEXT:
        return
    field = part.get("component") if part["type"] == LABEL else next(iter(part.get("components") or []), None)
    if part["type"] not in (LABEL, ROW) or field is None:
        raise invalid(f"data.{path}", "UNION_TYPE_CHOICES", 'Value of field "type" must be one of (1, 10, 18).')
    labelled = part if part["type"] == LABEL else field
    _length(f"{path}.label", labelled.get("label"), 1, LABEL_MAX)
    _length(f"{path}.description", labelled.get("description"), 0, DESCRIPTION_MAX)
    _length(f"{path}.custom_id", field.get("custom_id"), 1, 100)
    if field["type"] == _INPUT:
        _length(f"{path}.value", field.get("value"), 0, VALUE_MAX)
        _length(f"{path}.placeholder", field.get("placeholder"), 0, 100)
    else:
        check_part(field)


def _length(path: str, text: object, low: int, high: int) -> None:
    if not low <= len(str(text or "")) <= high:
        raise invalid(f"data.{path}", "BASE_TYPE_BAD_LENGTH", f"Must be between {low} and {high} in length.")
