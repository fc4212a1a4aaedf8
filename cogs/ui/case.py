"""What a case looks like: its card for moderators, open and closed, its history, and lists of cases."""

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import discord
from discord import ui

from bot import wording
from bot.domain.case import UNDONE, Case, CaseKind, Decision, Dossier
from bot.domain.job import Job
from cogs.ui.controls import Control, button

AMBER = discord.Colour(0xE8A33D)
PROMPT = 700
WORDS = 300
QUOTES = 3
QUOTE = 200
LINES_MAX = 10
TEXT_MAX = 3_000
"""Characters of lines on one card."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """
    What a card says that is not in the case.

    *ping* is the role that stands on it, *adults* tells of the server's channels whether each is age-restricted.
    """

    ping: int | None = None
    adults: Mapping[int, bool] | None = None


def case_card(dossier: Dossier, around: Surroundings) -> ui.LayoutView:
    """The card of a case: everything that is needed to decide it, and never the picture."""
    case = dossier.case
    view = ui.LayoutView(timeout=None)
    if not case.is_open:
        closed: ui.Container[Any] = ui.Container(ui.TextDisplay(closed_line(case)))
        view.add_item(closed)
        view.add_item(ui.ActionRow(button("case", case.id, "history", wording.BUTTON_HISTORY, emoji="📜")))
        return view
    box: ui.Container[Any] = ui.Container(accent_colour=AMBER)
    for item in _parts(dossier, around):
        box.add_item(item)
    view.add_item(box)
    view.add_item(ui.ActionRow(*_controls(case)))
    return view


def closed_line(case: Case) -> str:
    """How a case ended, by whom, when, what they wrote, and whether it could not be done."""
    how = decided(case)
    data = {
        "symbol": wording.DECISION_SYMBOLS.get(how, ""),
        "case": case.id,
        "decision": wording.first_large(ended(case)),
        "at": wording.Moment(case.decided_at or 0.0),
    }
    if not case.actor:
        return wording.say("case.closed.itself", data)
    undone = (
        wording.say("case.undone", job=case.job_id, channel=f"<#{case.channel_id}>") if case.data.get(UNDONE) else ""
    )
    return wording.say("case.closed", data, actor=f"<@{case.actor}>", words=_words(case.words)) + undone


def decided(case: Case) -> str:
    """The decision as its code; "" while there is none."""
    return case.decision.value if case.decision is not None else ""


def ended(case: Case) -> str:
    """How a case ended, in words, and until when that holds."""
    how = wording.decision(case.kind, decided(case))
    until = case.data.get("until")
    return (
        wording.say("case.until", decision=how, until=wording.Moment(until)) if isinstance(until, int | float) else how
    )


def _words(words: str) -> str:
    return wording.say("case.words", words=wording.plain(wording.cut(words, WORDS))) if words else ""


def who(actor: int | None) -> str:
    """Who decided: a person, or the bot itself."""
    return f"<@{actor}>" if actor else wording.THE_BOT


def what(case: Case) -> str:
    """What a case is about, in two or three words."""
    return wording.CASE_KINDS[case.kind].format(parent=case.parent_id)


# --- the open card ---------------------------------------------------------------------------------------------------


def _parts(dossier: Dossier, around: Surroundings) -> Iterable[ui.Item[Any]]:
    case = dossier.case
    symbol = wording.CASE_SYMBOLS[case.kind]
    heading = wording.say("case.heading", symbol=symbol, case=case.id, what=what(case))
    yield ui.TextDisplay(f"{heading}\n{_where(dossier, around)}")
    yield ui.TextDisplay("\n".join([*_why(dossier), _figures(dossier)]))
    if case.is_locked:
        yield ui.TextDisplay(wording.CASE_LOOKS_AT_NOTHING)
    elif dossier.job is not None:
        yield _prompt(case, dossier.job)
    if case.kind is CaseKind.APPEAL:
        words = wording.block(str(case.data.get("words", "")), 1_000)
        yield ui.TextDisplay(wording.say("case.appeal.words", member=f"<@{case.user_id}>", words=words))
    if around.ping is not None:
        yield ui.TextDisplay(wording.say("case.ping", role=f"<@&{around.ping}>"))


def _where(dossier: Dossier, around: Surroundings) -> str:
    case = dossier.case
    adult = (around.adults or {}).get(case.channel_id)
    marks = {None: "", True: wording.CASE_ADULT, False: wording.CASE_SAFE}
    due = wording.Moment(case.due_at) if case.due_at is not None else None
    job = case.job_id or (dossier.parent.job_id if dossier.parent is not None else None)
    return wording.say(
        "case.where",
        member=f"<@{case.user_id}>",
        channel=wording.say("case.channel", channel=f"<#{case.channel_id}>") if case.guild_id else "",
        adult=marks[adult],
        job=wording.say("case.job", job=job) if job is not None else "",
        due=wording.say("case.due", due=due) if due is not None else "",
    )


def _why(dossier: Dossier) -> Iterable[str]:
    case, parent = dossier.case, dossier.parent
    if case.kind is CaseKind.REPORT:
        yield from _reports(dossier)
        return
    about = parent or case
    yield wording.say("case.why", why=wording.why(about.reason, about.data))
    if parent is not None:
        yield wording.say(
            "case.decided.before",
            decision=ended(parent),
            actor=who(parent.actor),
            at=wording.Moment(parent.decided_at or 0.0),
            words=_words(parent.words),
        )
    if case.kind is CaseKind.PROPOSAL and dossier.job is not None:
        yield wording.say("case.price", price=wording.anlas(dossier.job.price))


def _reports(dossier: Dossier) -> Iterable[str]:
    """How many and why; never who."""
    counts = Counter(report.reason for report in dossier.reports)
    reasons = wording.listed(
        wording.say("case.report.times", reason=wording.why(reason, {}), n=n) for reason, n in counts.most_common()
    )
    yield wording.counted("case.reports", len(dossier.reports), reasons=reasons)
    for report in [each for each in dossier.reports if each.words][:QUOTES]:
        yield wording.say("case.quote", words=wording.plain(wording.cut(report.words, QUOTE)))


def _figures(dossier: Dossier) -> str:
    return wording.say(
        "case.figures",
        member=f"<@{dossier.case.user_id}>",
        pictures=wording.counted("case.pictures", dossier.pictures),
        warnings=wording.counted("case.warnings", dossier.warnings),
    )


def _prompt(case: Case, job: Job) -> ui.Item[Any]:
    text = wording.CASE_PROMPT_GONE
    if job.request is not None:
        prompts = "\n".join(job.request.prompts) or job.request.text
        text = wording.say("case.prompt", prompt=wording.hidden(prompts, PROMPT))
    if case.kind is not CaseKind.HELD:
        return ui.TextDisplay(text)
    return ui.Section(text, accessory=button("case", case.id, "look", wording.BUTTON_LOOK, emoji="👁️"))


def _controls(case: Case) -> Iterable[Control]:
    id_ = case.id
    match case.kind:
        case CaseKind.HELD:
            yield button("case", id_, "approve", wording.BUTTON_APPROVE, emoji="✅", success=True)
            yield button("case", id_, "reject", wording.BUTTON_REJECT, emoji="🚫")
            yield button("case", id_, "warn", wording.BUTTON_REJECT_WARN, emoji="⚠️")
            yield button("case", id_, "block", wording.BUTTON_CASE_BLOCK, emoji="⛔", danger=True)
        case CaseKind.PROPOSAL:
            yield button("case", id_, "approve", wording.BUTTON_MAKE, emoji="✅", success=True)
            yield button("case", id_, "reject", wording.BUTTON_DECLINE)
        case CaseKind.REPORT:
            yield button("case", id_, "dismiss", wording.BUTTON_DISMISS, emoji="✅", success=True)
            yield button("case", id_, "hide", wording.BUTTON_HIDE, emoji="🙈")
            yield button("case", id_, "delete", wording.BUTTON_DELETE, emoji="🗑️")
            yield button("case", id_, "warn", wording.BUTTON_DELETE_WARN, emoji="⚠️", danger=True)
        case CaseKind.APPEAL:
            yield button("case", id_, "uphold", wording.BUTTON_UPHOLD)
            yield button("case", id_, "lift", wording.BUTTON_LIFT, emoji="↩️")
            yield button("case", id_, "sorry", wording.BUTTON_LIFT_SORRY)
        case _:
            return
    if not case.is_of_house:
        yield button("mod", case.user_id, "record", wording.BUTTON_RECORD, emoji="👤")


# --- lists and history -----------------------------------------------------------------------------------------------


def cases_card(state: str, cases: Sequence[Case]) -> ui.LayoutView:
    """Cases of a server for its moderators, each with a button that opens it."""
    box: ui.Container[Any] = ui.Container(
        ui.TextDisplay(wording.say("cases.heading", state=wording.CASE_STATES[state]))
    )
    for case in cases[:LINES_MAX]:
        box.add_item(ui.Section(_line(case), accessory=button("case", case.id, "open", wording.BUTTON_OPEN_CASE)))
    if not cases:
        box.add_item(ui.TextDisplay(wording.CASES_NONE))
    if len(cases) > LINES_MAX:
        box.add_item(ui.TextDisplay(wording.CASES_MORE))
    return _of(box)


def _line(case: Case) -> str:
    data = {"case": case.id, "what": what(case), "member": f"<@{case.user_id}>"}
    if case.is_open:
        return wording.say("cases.line", data, at=wording.Moment(case.opened_at))
    decision = ended(case)
    return wording.say("cases.line.closed", data, decision=decision, at=wording.Moment(case.decided_at or 0.0))


def own_card(cases: Sequence[Case], places: Mapping[int, str]) -> ui.LayoutView:
    """What was decided about somebody, for them: each with its appeal, or what became of that."""
    appeals = {case.parent_id: case for case in cases if case.kind is CaseKind.APPEAL}
    shown = [case for case in cases if case.kind is not CaseKind.APPEAL]
    box: ui.Container[Any] = ui.Container(ui.TextDisplay(wording.CASES_OWN_HEADING))
    lines = _fitting([(case, _own_text(case, appeals.get(case.id), places)) for case in shown])
    for case, text in lines:
        box.add_item(_own_line(case, text, has_appeal=case.id in appeals))
    if not shown:
        box.add_item(ui.TextDisplay(wording.CASES_OWN_NONE))
    if len(shown) > len(lines):
        box.add_item(ui.TextDisplay(wording.CASES_MORE))
    return _of(box)


def _fitting(lines: Sequence[tuple[Case, str]]) -> Sequence[tuple[Case, str]]:
    """As many of the first lines as a card holds."""
    sizes = itertools.accumulate(len(text) for _, text in lines)
    return [line for line, size in zip(lines, sizes, strict=True) if size <= TEXT_MAX][:LINES_MAX]


def _own_text(case: Case, appeal: Case | None, places: Mapping[int, str]) -> str:
    if case.is_open:
        at = wording.Moment(case.opened_at)
        return wording.say("cases.own.open", case=case.id, what=what(case), at=at)
    return wording.say(
        "cases.own",
        case=case.id,
        what=what(case),
        decision=ended(case),
        actor=who(case.actor),
        at=wording.Moment(case.decided_at or 0.0),
        words=_words(case.words),
        where=wording.say("cases.own.where", where=places[case.guild_id], appeal=_appealed(appeal)),
    )


def _own_line(case: Case, text: str, *, has_appeal: bool) -> ui.Item[Any]:
    if case.needs_ack:
        return ui.Section(text, accessory=button("case", case.id, "ack", wording.BUTTON_ACK, primary=True))
    if has_appeal or not case.is_appealable:
        return ui.TextDisplay(text)
    return ui.Section(text, accessory=button("case", case.id, "appeal", wording.BUTTON_APPEAL))


def _appealed(appeal: Case | None) -> str:
    if appeal is None:
        return ""
    if appeal.is_open:
        return wording.CASES_OWN_APPEALED
    return wording.say("cases.own.looked", decision=ended(appeal))


def history_card(case: Case, appeals: Sequence[Case]) -> ui.LayoutView:
    """What happened in a case, in its order."""
    lines = [
        wording.say("history.heading", case=case.id),
        wording.say("history.opened", at=wording.Moment(case.opened_at), why=wording.why(case.reason, case.data)),
        *_decided_lines(case),
    ]
    for appeal in reversed(appeals):
        lines.append(wording.say("history.appeal", at=wording.Moment(appeal.opened_at), case=appeal.id))
        lines += _decided_lines(appeal)
    if case.needs_ack:
        lines.append(wording.HISTORY_UNREAD)
    return _of(ui.Container(ui.TextDisplay("\n".join(lines))))


def _decided_lines(case: Case) -> Iterable[str]:
    if case.decision is None:
        return
    data = {
        "at": wording.Moment(case.decided_at or 0.0),
        "decision": ended(case),
        "actor": who(case.actor),
        "words": _words(case.words),
    }
    is_nobodys = case.decision in (Decision.EXPIRED, Decision.WITHDRAWN)
    yield wording.say("history.decided.itself" if is_nobodys else "history.decided", data)


def _of(box: ui.Container[Any]) -> ui.LayoutView:
    view = ui.LayoutView(timeout=None)
    view.add_item(box)
    return view


def note_row(case: Case) -> tuple[Control, ...]:
    """Under what a member is told: that they have read it, and the way to a second look."""
    read = [button("case", case.id, "ack", wording.BUTTON_ACK, primary=True)] if case.needs_ack else []
    second = [button("case", case.id, "appeal", wording.BUTTON_APPEAL)] if case.is_appealable else []
    return (*read, *second)
