"""Buttons, cards and forms: the rules that Discord's own description leaves out."""

from collections.abc import Callable, Iterator
from typing import Any

from bot.standin.discord.errors import ApiError, invalid
from bot.standin.discord.proxy import proxied

Json = dict[str, Any]
Link = Callable[[Any], Any]

ROW, BUTTON, SELECT, SECTION, TEXT, GALLERY, FILE, LABEL = 1, 2, 3, 9, 10, 12, 13, 18
SELECTS = (SELECT, 5, 6, 7, 8)
LINK_STYLE, PREMIUM_STYLE = 5, 6
COMPONENTS_MAX, TEXT_MAX, BYTES_MAX, DEPTH_MAX = 40, 4_000, 10_170, 8
_DEFAULTS: dict[int, Json] = {
    BUTTON: {"disabled": False},
    11: {"description": None, "spoiler": False},
    FILE: {"name": None, "size": None, "spoiler": False},
    14: {"spacing": 1, "divider": True},
    17: {"accent_color": None, "spoiler": False},
}

_SHAPE: dict[str, type] = {
    "components": list, "items": list, "options": list, "accessory": dict, "component": dict, "media": dict,
    "file": dict, "emoji": dict, "label": str, "custom_id": str, "content": str, "placeholder": str,
}  # fmt: skip


def walk(components: list[Json] | None) -> Iterator[Json]:
    """Every component, parents first."""
    for component in components or []:
        yield component
        yield from walk(component.get("components"))
        for one in ("accessory", "component"):
            if component.get(one):
                yield from walk([component[one]])


def media_of(component: Json) -> list[Json]:
    """The media objects of one component."""
    found = [component.get("media"), component.get("file"), *(item["media"] for item in component.get("items") or [])]
    return [media for media in found if media]


def check_shape(components: object, depth: int = 0) -> None:
    """Refuse what is not built like components at all, so that the other checks may read it."""
    if depth > DEPTH_MAX or not isinstance(components, list):
        raise _misshapen()
    for part in components:
        if not isinstance(part, dict) or not isinstance(part.get("type"), int):
            raise _misshapen()
        if any(part.get(name) is not None and not isinstance(part[name], kind) for name, kind in _SHAPE.items()):
            raise _misshapen()
        items, options = part.get("items") or [], part.get("options") or []
        if not all(isinstance(item, dict) and isinstance(item.get("media"), dict) for item in items):
            raise _misshapen()
        if not all(isinstance(option, dict) and isinstance(option.get("value"), str) for option in options):
            raise _misshapen()
        if not all(isinstance(media.get("url"), str) for media in media_of(part)):
            raise _misshapen()
        check_shape(part.get("components") or [], depth + 1)
        check_shape([part[name] for name in ("accessory", "component") if part.get(name)], depth + 1)


def _misshapen() -> ApiError:
    return invalid("components", "UNION_TYPE_CHOICES", 'Value of field "type" must be one of the known ones.')


def check(components: list[Json], *, is_card: bool, link: Link) -> None:
    """Refuse what Discord refuses, number what has no number, and point ``attachment://`` at the files."""
    check_shape(components)
    if not is_card and len(components) > 5:
        raise invalid("components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
    every = list(walk(components))
    _check_ids(every)
    for n, component in enumerate(every, 1):
        component.setdefault("id", n)
        name_defaults(component)
        _check_one(component, is_card=is_card)
        if component.get("emoji"):
            component["emoji"] = {name: value for name, value in component["emoji"].items() if value is not None}
        for name, value in _DEFAULTS.get(component["type"], {}).items():
            component.setdefault(name, value)
        for item in component.get("items") or []:
            item.setdefault("description", None)
            item.setdefault("spoiler", False)
        for media in media_of(component):
            _link(media, link)
    if is_card:
        _check_card(every)


def name_defaults(component: Json) -> None:
    """Ids of what a select holds at first are text in every answer, however they were sent."""
    for each in component.get("default_values") or []:
        each["id"] = str(each["id"])


def _check_ids(every: list[Json]) -> None:
    ids = [component["custom_id"] for component in every if component.get("custom_id")]
    if len(ids) != len(set(ids)):
        raise invalid("components", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")


def _check_one(component: Json, *, is_card: bool) -> None:
    kind = component["type"]
    if not is_card and kind not in (ROW, BUTTON, *SELECTS):
        raise invalid("components", "UNION_TYPE_CHOICES", 'Value of field "type" must be one of (1,).')
    if kind == ROW:
        widths = sum(1 if each["type"] == BUTTON else 5 for each in component.get("components") or [])
        if not 1 <= widths <= 5:
            raise invalid("components", "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "The component exceeds the maximum width")
    elif kind in (BUTTON, *SELECTS):
        check_part(component)
    elif kind == GALLERY:
        _check_length("items", component.get("items"), 1, 10)
    elif kind == SECTION:
        _check_length("components", component.get("components"), 1, 3)
        if not component.get("accessory"):
            raise invalid("components.accessory", "BASE_TYPE_REQUIRED", "This field is required")


def check_part(component: Json) -> None:
    """Refuse a button or select that Discord refuses: its id, label, address, entries."""
    if component["type"] == BUTTON:
        return _check_button(component)
    _check_length("custom_id", component.get("custom_id"), 1, 100)
    _check_length("placeholder", component.get("placeholder"), 0, 150)
    if component["type"] != SELECT:
        return None
    options = component.get("options")
    _check_length("options", options, 1, 25)
    for option in options or []:
        for name, low in (("label", 1), ("value", 1), ("description", 0)):
            _check_length(f"options.{name}", option.get(name), low, 100)
    if len({option["value"] for option in options or []}) != len(options or []):
        raise invalid("components.options", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "The value is duplicated")
    return None


def _check_button(component: Json) -> None:
    _check_length("label", component.get("label"), 0, 80)
    style = component.get("style")
    if style == LINK_STYLE:
        _check_length("url", component.get("url"), 1, 512)
    elif style != PREMIUM_STYLE:
        _check_length("custom_id", component.get("custom_id"), 1, 100)
    if not (component.get("label") or component.get("emoji") or style == PREMIUM_STYLE):
        raise invalid("components", "BUTTON_COMPONENT_REQUIRED", "A button needs a label or an emoji")


def _check_length(name: str, value: Any, low: int, high: int) -> None:
    if not low <= len(value or ()) <= high:
        raise invalid(f"components.{name}", "BASE_TYPE_BAD_LENGTH", f"Must be between {low} and {high} in length.")


def _check_card(every: list[Json]) -> None:
    if len(every) > COMPONENTS_MAX:
        raise invalid("components", "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", "Components cannot exceed 40")
    texts = [component.get("content") or "" for component in every if component["type"] == TEXT]
    if any(not text for text in texts):
        raise invalid("components.content", "BASE_TYPE_REQUIRED", "This field is required")
    if sum(map(len, texts)) > TEXT_MAX or sum(len(text.encode()) for text in texts) > BYTES_MAX:
        raise invalid("components", "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", "The text size exceeds 4000")


def _link(media: Json, link: Link) -> None:
    media["url"] = link(media["url"])
    media.setdefault("proxy_url", proxied(media["url"]))
    parts = media["url"].split("/")
    media.setdefault("id", parts[5] if "attachments/" in media["url"] else "0")
