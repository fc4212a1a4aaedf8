"""Buttons, cards and forms: the rules that Discord's own description leaves out."""

from collections.abc import Callable, Iterator
from typing import Any

from bot.standin.discord.errors import invalid

Json = dict[str, Any]
Link = Callable[[Any], Any]

ROW, BUTTON, SECTION, TEXT, GALLERY, FILE, LABEL = 1, 2, 9, 10, 12, 13, 18
SELECTS = (3, 5, 6, 7, 8)
COMPONENTS_MAX, TEXT_MAX, BYTES_MAX = 40, 4_000, 10_170
_DEFAULTS: dict[int, Json] = {
    BUTTON: {"disabled": False},
    11: {"description": None, "spoiler": False},
    FILE: {"name": None, "size": None, "spoiler": False},
    14: {"spacing": 1, "divider": True},
    17: {"accent_color": None, "spoiler": False},
}


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


def check(components: list[Json], *, is_card: bool, link: Link) -> None:
    """Refuse what Discord refuses, number what has no number, and point ``attachment://`` at the files."""
    if not is_card and len(components) > 5:
        raise invalid("components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
    every = list(walk(components))
    _check_ids(every)
    for n, component in enumerate(every, 1):
        component.setdefault("id", n)
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


def _check_ids(every: list[Json]) -> None:
    ids = [component["custom_id"] for component in every if component.get("custom_id")]
    if len(ids) != len(set(ids)):
        raise invalid("components", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
    if any(not 1 <= len(custom_id) <= 100 for custom_id in ids):
        raise invalid("components.custom_id", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")


def _check_one(component: Json, *, is_card: bool) -> None:
    kind = component["type"]
    if not is_card and kind not in (ROW, BUTTON, *SELECTS):
        raise invalid("components", "UNION_TYPE_CHOICES", 'Value of field "type" must be one of (1,).')
    if len(component.get("label") or "") > 80:
        raise invalid("components.label", "BASE_TYPE_BAD_LENGTH", "Must be 80 or fewer in length.")
    if kind == ROW:
        inner = component["components"]
        widths = sum(1 if each["type"] == BUTTON else 5 for each in inner)
        if not 1 <= widths <= 5:
            raise invalid("components", "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "The component exceeds the maximum width")
    if len(component.get("options") or []) > 25:
        raise invalid("components.options", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 25 in length.")
    if kind == BUTTON and not (component.get("label") or component.get("emoji")):
        raise invalid("components", "BUTTON_COMPONENT_REQUIRED", "A button needs a label or an emoji")


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
    media.setdefault("proxy_url", media["url"])
    parts = media["url"].split("/")
    media.setdefault("id", parts[5] if "attachments/" in media["url"] else "0")


def check_form(form: Json) -> None:
    """A form has a title of at most 45 characters and 1 to 5 fields."""
    if not 1 <= len(form.get("title") or "") <= 45:
        raise invalid("data.title", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 45 in length.")
    if not 1 <= len(form.get("components") or []) <= 5:
        raise invalid("data.components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
    for n, component in enumerate(walk(form["components"]), 1):
        component.setdefault("id", n)
