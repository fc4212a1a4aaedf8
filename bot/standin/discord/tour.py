"""*Try this*: the five things that show what the bot is, which of them were done, and what comes next of each."""

from collections.abc import Callable, Iterator

from bot import wording
from bot.standin.discord import lantern
from bot.standin.discord.interactions import COMMAND, COMPONENT, Interaction, Interactions
from bot.standin.discord.world import Json, World

PICTURE = "/generate prompt:1girl, cherry blossoms, smile"
BLOCK = "/mod block member:@Ben"
FAILING = "/generate prompt:1girl, !503"
AFTER = "/quota"

Way = Callable[[Interaction], bool]


def steps(world: World, interactions: Interactions) -> list[Json]:
    """For each of the five: whether it was done, and what to do next; also what was done in a terminal counts."""
    done = list(interactions.by_id.values())
    return [_picture(world, done), _buttons(done), _menu(done), _block(done), _failure(done)]


def _picture(world: World, done: list[Interaction]) -> Json:
    shown = [world.shown.get(each.original or 0) for each in done if _uses("generate")(each)]
    is_done = any(each is not None and each.message["attachments"] for each in shown)
    return {"done": is_done, "next": {"as": "member", "line": PICTURE}}


def _buttons(done: list[Interaction]) -> Json:
    again, gone = _presses(wording.BUTTON_REROLL), _presses(wording.BUTTON_DELETE)
    label = wording.BUTTON_DELETE if _happened(done, again) else wording.BUTTON_REROLL
    return {"done": _happened(done, again, gone), "next": {"press": label}}


def _menu(done: list[Interaction]) -> Json:
    return {"done": _happened(done, _uses(wording.MENU_INSPECT)), "next": {"menu": wording.MENU_INSPECT}}


def _block(done: list[Interaction]) -> Json:
    def tries(each: Interaction) -> bool:
        return each.user_id == lantern.BEN and _uses("generate")(each)

    first = {"as": "moderator", "line": BLOCK}
    then = {"as": "member2", "line": PICTURE}
    return {
        "done": _happened(done, _blocks_ben, tries),
        "next": then if _happened(done, _blocks_ben) else first,
    }


def _failure(done: list[Interaction]) -> Json:
    def fails(each: Interaction) -> bool:
        return _uses("generate")(each) and any("!503" in str(value) for _, value in _values(each.data))

    is_failed, is_done = _happened(done, fails), _happened(done, fails, _uses(AFTER[1:]))
    return {"done": is_done, "next": {"as": "member", "line": AFTER if is_failed and not is_done else FAILING}}


def _happened(done: list[Interaction], *ways: Way) -> bool:
    """Whether these happened, one after the other."""
    left = iter(done)
    return all(any(way(each) for each in left) for way in ways)


def _uses(name: str) -> Way:
    return lambda each: each.kind == COMMAND and each.data.get("name") == name


def _presses(label: str) -> Way:
    return lambda each: each.kind == COMPONENT and each.label == label


def _blocks_ben(each: Interaction) -> bool:
    options = each.data.get("options") or [{}]
    is_block = _uses("mod")(each) and options[0].get("name") == "block"
    return is_block and ("member", str(lantern.BEN)) in list(_values(each.data))


def _values(data: Json) -> Iterator[tuple[str, object]]:
    for option in data.get("options") or []:
        if "value" in option:
            yield str(option["name"]), option["value"]
        yield from _values(option)
