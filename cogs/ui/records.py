"""What a line of the audit says, in the log channel and where moderators look it up."""

from collections.abc import Mapping, Sequence

from bot import wording
from bot.domain.record import Entry

SHORT = 60
"""Characters of people's own words in a line of a list."""
CHANNELS = 4
"""Channels of a setting in such a line."""
BY_PERSON = ("moderator", "operator")
"""Why a case was opened that somebody wrote down with their decision: they decided so, which its line says anyway."""
_JOB = "job."


class Dated(wording.Moment):
    """A moment among those of many days: with its date, whatever the sentence asks for."""

    def __format__(self, style: str) -> str:
        """As Discord draws date and time."""
        return super().__format__("f")


class Written(wording.Moment):
    """A moment in a file, where nobody draws it."""

    def __format__(self, _style: str) -> str:
        """``3 Dec 2026 14:02 UTC``."""
        return wording.moment(self)


def log_text(entries: Sequence[Entry]) -> str:
    """The newest of *entries*, which are of one kind, as the log channel has it; the others are counted."""
    n = len(entries)
    return _say(entries[-1], {"times": wording.say("times", n=n) if n > 1 else ""}, wording.Moment)


def list_text(entry: Entry) -> str:
    """A line among others of a card: with its date, and short."""
    return _say(entry, {"times": ""}, Dated, short=True)


def file_text(entry: Entry) -> str:
    """A line of a file."""
    return wording.unmarked(_say(entry, {"times": ""}, Written))


def _say(entry: Entry, more: dict[str, object], moment: type[wording.Moment], *, short: bool = False) -> str:
    key = f"log.{_kind(entry)}"
    if not wording.has(key):
        key = "log.step" if entry.record.kind.startswith(_JOB) else "log.other"
    return wording.say(key, _data(entry, moment, short=short) | more)


def _kind(entry: Entry) -> str:
    """The key of the sentence: some kinds have several."""
    kind, data = entry.record.kind, entry.record.data
    match kind:
        case "member.blocked" if data.get("until") is None:
            return "member.blocked.lasting"
        case "account.drift" if int(str(data.get("anlas"))) < 0:
            return "account.drift.up"
        case "case.opened" if data.get("decision"):
            return "case.closed"
        case "case.decided" if not entry.record.actor:
            return "case.ended"
        case _:
            return kind


def _data(entry: Entry, moment: type[wording.Moment], *, short: bool) -> dict[str, object]:
    record, told = entry.record, dict(entry.record.data)
    key = str(told.get("key"))
    stated = told.get("stated")
    amount, until = told.get("anlas"), told.get("until")
    return {
        "actor": wording.person(record.actor),
        "at": moment(record.at),
        "id": entry.id,
        "job": record.job_id,
        "label": wording.SETTING_LABELS.get(key, key),
        "old": _value(key, told.get("old"), short=short),
        "new": _value(key, told.get("new"), short=short),
        "follows": wording.RULE_FOLLOWS[_follows(told)],
        "found": wording.inline(str(told.get("rule")), SHORT if short else 100),
        "server": wording.inline(str(told.get("server"))),
        "word": wording.inline(str(told.get("word")), SHORT if short else 100),
        "target": wording.who(told.get("target")),
        "measures": wording.measures(stated if isinstance(stated, dict) else {}),
        "amounts": wording.amounts(*(n if isinstance(n, int) else 0 for n in (told.get("pictures"), amount))),
        "member": f"<@{told.get('member')}>",
        "until": moment(until) if isinstance(until, int | float) else "",
        "reason": _words(told.get("reason"), short=short),
        "channel": f"<#{told.get('channel')}>" if told.get("channel") else wording.DIRECT_MESSAGES,
        "rule": wording.REFUSALS.get(str(told.get("code")), str(told.get("code"))),
        "account": told.get("account", ""),
        "anlas": wording.anlas(abs(amount)) if isinstance(amount, int) else "",
        **_of_case(entry, short=short),
        **_of_job(entry),
    }


def _of_case(entry: Entry, *, short: bool) -> dict[str, object]:
    told = entry.record.data
    decision, reason = str(told.get("decision", "")), str(told.get("reason"))
    why = wording.LOG_WHY.get(reason, reason)
    return {
        "case": told.get("case"),
        "about": wording.LOG_CASES.get(str(told.get("kind")), ""),
        "why": why,
        "for_what": wording.say("log.for_what", why=why) if reason not in BY_PERSON else "",
        "decision": wording.decision(str(told.get("kind")), decision),
        "words": _words(told.get("words"), short=short),
        "of_job": wording.say("log.of_job", job=entry.record.job_id) if entry.record.job_id else "",
    }


def _of_job(entry: Entry) -> dict[str, object]:
    told = entry.record.data
    state, charged = str(told.get("state", "")), told.get("charged_anlas")
    step = entry.record.kind.removeprefix(_JOB)
    return {
        "step": wording.JOB_STEPS.get(step, step),
        "end": wording.JOB_ENDS.get(state, state),
        "charged": wording.anlas(charged) if isinstance(charged, int) else wording.CHARGED_LATER,
        "kind": entry.record.kind,
    }


def _words(text: object, *, short: bool) -> str:
    return wording.reason(wording.cut(str(text), SHORT) if text and short else text)


def _value(key: str, value: object, *, short: bool) -> str:
    left = len(value) - CHANNELS if short and isinstance(value, list) else 0
    if left > 0 and isinstance(value, list):
        return wording.say("log.some", some=wording.setting_value(key, value[:CHANNELS]), n=left)
    return wording.setting_value(key, value)


def _follows(told: Mapping[str, object]) -> str:
    """What a rule on words does; lines from before there were kinds are about words that are refused."""
    return "allowed" if told.get("rule_kind") == "allowed" else str(told.get("then", "refuse"))
