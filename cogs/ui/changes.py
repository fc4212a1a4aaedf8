"""What people read of a change of the server's set-up: asked, made, and taken back."""

from typing import Any

from bot import wording
from bot.domain.change import Change, Pending, What
from bot.domain.wordlist import RuleKind, Then
from cogs.ui.answer import tell
from cogs.ui.controls import Control, button, row
from cogs.ui.requester import Interaction


def ask_text(change: Change, old: object = None) -> str:
    """The question before a change that should be thought about."""
    if change.what is What.SETTING:
        return wording.say("confirm", _setting(change, old), consequence=wording.DANGERS[change.name])
    return wording.explain(f"word.ask{_rule_suffix(change)}", {"word": change.name})


def done_text(change: Change, undo: Change, *, back: bool = False) -> str:
    """That a change was made (or, with *back*, taken back), with what was there before."""
    match change.what:
        case What.SETTING if change.value == undo.value:
            return wording.say("change.same", _setting(change, undo.value))
        case What.SETTING:
            return wording.say("changed.back" if back else "changed", _setting(change, undo.value))
        case What.LIMITS | What.GRANT | What.RESET:
            return _limits(change)
        case _:
            return wording.explain(f"{change.what.value}{_rule_suffix(change)}", {"word": change.name})


def _rule_suffix(change: Change) -> str:
    """The end of the key of a sentence about a rule on words."""
    value: dict[str, Any] = change.value if isinstance(change.value, dict) else {}
    if value.get("kind") == RuleKind.ALLOWED:
        return ".allowed"
    return "" if value.get("then", Then.REFUSE) == Then.REFUSE else f".{value['then']}"


def _limits(change: Change) -> str:
    value: dict[str, Any] = change.value if isinstance(change.value, dict) else {}
    member, why = f"<@{change.name}>", wording.reason(value.get("reason"))
    match change.what:
        case What.LIMITS if value:
            return wording.say("limits.set_done", who=wording.who(change.name), measures=wording.measures(value))
        case What.LIMITS:
            return wording.say("limits.cleared", who=wording.who(change.name))
        case What.GRANT:
            pictures, anlas = value["pictures"], value["anlas"]
            key = "grant.done" if min(pictures, anlas) >= 0 else "grant.back"
            return wording.say(key, member=member, amounts=wording.amounts(abs(pictures), abs(anlas)), reason=why)
        case _:
            return wording.say("reset.back" if value.get("starts") else "reset.done", member=member, reason=why)


def _setting(change: Change, old: object) -> dict[str, object]:
    return {
        "label": wording.SETTING_LABELS[change.name],
        "old": wording.setting_value(change.name, old),
        "new": wording.setting_value(change.name, change.value),
    }


def undo_button(pending: Pending) -> Control:
    """The way back, for 15 minutes."""
    return button("conf", pending.id, "undo", wording.BUTTON_UNDO, emoji="↩️")


def yes_or_no(pending: Pending) -> tuple[Control, Control]:
    """Yes in red, because what follows is dangerous, and no."""
    yes = button("conf", pending.id, "yes", wording.BUTTON_ALLOW, danger=True)
    return yes, button("conf", pending.id, "no", wording.BUTTON_NOT_NOW)


async def offer_undo(interaction: Interaction, change: Change, undo: Change, pending: Pending | None) -> None:
    """Say that a change was made, with the way back where there is one."""
    view: Any = row(undo_button(pending)) if pending is not None else None
    await tell(interaction, done_text(change, undo), view=view)
