"""*Try this*: the five things that show what the bot is, which of them were done, and what comes next of each."""

from collections.abc import Callable, Iterator

from bot import wording
from bot.standin.discord.interactions import COMMAND, COMPONENT, Interaction, Interactions
from bot.standin.discord.world import Json, World

PICTURE = "/generate prompt:1girl, cherry blossoms, smile"
HELD_TAG = "!rated82"
HELD = f"/generate prompt:1girl, {HELD_TAG}"
FAILING = "/generate prompt:1girl, !503"
AFTER = "/quota"

Way = Callable[[Interaction], bool]


class Tour:
    """Also what was done in a terminal counts."""

    def __init__(self, world: World, interactions: Interactions) -> None:
        self._world = world
        self._interactions = interactions
        self._failed_at: int | None = None
        """The newest interaction when a failure was first seen to be over; what is asked later knows of it."""

    def steps(self, snapshot: Json) -> list[Json]:
        """For each of the five: whether it was done, and what to do next; *snapshot* is the bot's own."""
        done = list(self._interactions.by_id.values())
        return [
            self._picture(done),
            self._buttons(done),
            _menu(done),
            _held(done),
            self._failure(done, snapshot.get("interactions") or {}),
        ]

    def _picture(self, done: list[Interaction]) -> Json:
        is_done = any(_uses("generate")(each) and self._has_picture(each) for each in done)
        return {"done": is_done, "next": {"as": "member", "line": PICTURE}}

    def _has_picture(self, each: Interaction) -> bool:
        shown = self._world.shown.get(each.original or 0)
        return shown is not None and bool(shown.message["attachments"])

    def _buttons(self, done: list[Interaction]) -> Json:
        def again(each: Interaction) -> bool:
            return _presses(wording.BUTTON_REROLL)(each) and self._has_picture(each)

        def gone(each: Interaction) -> bool:
            shown = self._world.shown.get(int((each.source or {}).get("id", 0)))
            return _presses(wording.BUTTON_DELETE)(each) and shown is not None and shown.deleted

        label = wording.BUTTON_DELETE if _happened(done, again) else wording.BUTTON_REROLL
        return {"done": _happened(done, again, gone), "next": {"as": "member", "press": label}}

    def _failure(self, done: list[Interaction], told: Json) -> Json:
        """The quota counts once NovelAI has failed for good: before that the picture is still being made."""
        failing = [each for each in done if _fails(each)]
        if not failing:
            self._failed_at = None
        if self._failed_at is None and any(_is_over(told.get(str(each.id))) for each in failing):
            self._failed_at = max(each.id for each in done)
        at = self._failed_at
        is_done = at is not None and any(each.id > at and _uses(AFTER[1:])(each) for each in done)
        if at is not None and not is_done:
            return {"done": False, "next": {"as": "member", "line": AFTER}}
        if failing and at is None:
            return {"done": False, "next": {"as": "member", "wait": True}}
        return {"done": is_done, "next": {"as": "member", "line": FAILING}}


def _menu(done: list[Interaction]) -> Json:
    return {"done": _happened(done, _uses(wording.MENU_INSPECT)), "next": {"menu": wording.MENU_INSPECT}}


def _held(done: list[Interaction]) -> Json:
    """A picture is held back, and a moderator says yes to it."""
    asks: Way = lambda each: _uses("generate")(each) and _says(each, HELD_TAG)  # noqa: E731
    approves = _presses(wording.BUTTON_APPROVE)
    first = {"as": "member", "line": HELD}
    then = {"as": "moderator", "place": "review", "press": wording.BUTTON_APPROVE}
    is_done = _happened(done, asks, approves)
    return {"done": is_done, "next": then if _happened(done, asks) and not is_done else first}


def _fails(each: Interaction) -> bool:
    return _uses("generate")(each) and _says(each, "!503")


def _says(each: Interaction, tag: str) -> bool:
    return any(tag in str(value) for _, value in _values(each.data))


def _is_over(told: Json | None) -> bool:
    """Whether the bot is through with an interaction and what came of it."""
    jobs = (told or {}).get("jobs") or []
    return bool(jobs) and all(job.get("state") == "FAILED" and job.get("delivery") == "SHOWN" for job in jobs)


def _happened(done: list[Interaction], *ways: Way) -> bool:
    """Whether these happened, one after the other."""
    left = iter(done)
    return all(any(way(each) for each in left) for way in ways)


def _uses(name: str) -> Way:
    return lambda each: each.kind == COMMAND and each.data.get("name") == name


def _presses(label: str) -> Way:
    return lambda each: each.kind == COMPONENT and each.label == label


def _values(data: Json) -> Iterator[tuple[str, object]]:
    for option in data.get("options") or []:
        if "value" in option:
            yield str(option["name"]), option["value"]
        yield from _values(option)
