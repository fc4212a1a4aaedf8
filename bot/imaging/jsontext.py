"""JSON of strangers: bounded before it is parsed, and refused where it repeats a key."""

import json
import re
from typing import Any

SIZE_MAX = 4 * 1024 * 1024
VALUES_MAX = 200_000
"""An upper bound on values, counted in commas and brackets."""
DEPTH_MAX = 100
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]', re.DOTALL)


class RepeatedKey(ValueError):
    """Two readers of such an object need not see the same value."""


def parse_object(text: str) -> dict[str, Any]:
    """
    A JSON object; NaN and Infinity, which JSON has not, are None.

    Raises ValueError for anything else: no object, a repeated key (`RepeatedKey`), too much, too deep.
    """
    if len(text) > SIZE_MAX or not text.lstrip(" \t\r\n").startswith("{") or _is_immense(text):
        raise ValueError("not an object, or too much of one")
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_nothing)
    except RecursionError as error:
        raise ValueError("too deep") from error
    if not isinstance(value, dict):
        raise ValueError("not an object")  # noqa: TRY004 - one kind of failure for all unreadable text
    return value


def _is_immense(text: str) -> bool:
    openers = text.count("[") + text.count("{")
    if openers + text.count(",") > VALUES_MAX:
        return True
    return openers > DEPTH_MAX and _depth(text) > DEPTH_MAX


def _depth(text: str) -> int:
    depth = deepest = 0
    for token in _TOKEN.finditer(text):
        first = token[0][0]
        if first in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif first in "]}":
            depth -= 1
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise RepeatedKey
    return found


def _nothing(_: str) -> None:
    return None
