"""Cards for one person: their quota, their queue, and help."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import discord
from discord import ui

from bot import wording
from bot.domain.admission import Gauge, Level, Measure, Quota
from bot.domain.allowance import Allowed, Whose
from bot.domain.calendar import Span
from bot.domain.guild import GuildConfig
from bot.domain.job import Job, JobState
from bot.services.deliveries import Line, Outlook
from cogs.ui.controls import Control, button

ALL = "all"
"""What stands for all of a member's waiting pictures."""
LINES_MAX = 10
SPENDING = ("quota.anlas_today", "quota.anlas_unlimited")
"""Keys of the line on Anlas where they may be spent at all."""
PROMPT = 60


def card(texts: Iterable[str], *controls: Control) -> ui.LayoutView:
    """Texts in one box, with a row of controls under it."""
    view = ui.LayoutView(timeout=None)
    box: ui.Container[Any] = ui.Container()
    for text in texts:
        box.add_item(ui.TextDisplay(text))
    view.add_item(box)
    if controls:
        view.add_item(ui.ActionRow(*controls))
    return view


def quota_card(
    quota: Quota,
    allowed: Mapping[str, Allowed],
    jobs: Sequence[Job],
    config: GuildConfig,
    anlas_key: str,
    member: int | None,
    in_inbox: int = 0,
) -> ui.LayoutView:
    """
    What a member has used; *member* is None for the one who asks, and in whose inbox *in_inbox* wait.

    *anlas_key* says who forbids spending.
    """
    drawing = sum(job.state is not JobState.QUEUED for job in jobs)
    heading = wording.QUOTA_HEADING if member is None else wording.say("quota.heading_member", member=f"<@{member}>")
    waiting = wording.say(
        "quota.now", running=drawing, waiting=len(jobs) - drawing, limit=allowed["waiting"].limit or config.waiting
    )
    may_spend = anlas_key in SPENDING
    notes = [*_sources(allowed, may_spend=may_spend), wording.QUOTA_NOTE]
    texts = [heading, *_pictures(quota, jobs), *_anlas(quota, anlas_key, jobs), *_tighter(quota, may_spend=may_spend)]
    inbox = wording.say("button.inbox_n", n=wording.count(in_inbox)) if in_inbox else wording.BUTTON_INBOX
    own = [button("me", 0, "queue", wording.BUTTON_QUEUE), button("me", 0, "inbox", inbox)]
    controls = own if member is None else []
    return card([*texts, waiting, f"-# {' '.join(notes)}"], *controls)


def _pictures(quota: Quota, jobs: Sequence[Job]) -> Iterable[str]:
    day, week = quota.gauge(Measure.PICTURES), quota.gauge(Measure.PICTURES, Span.WEEK)
    if day is None:
        yield wording.say("quota.today_unlimited", used=wording.count(quota.pictures_used))
    else:
        yield wording.say("quota.today", _figures(day), bar=wording.bar(day.used, day.limit))
    if reserved := sum(job.pictures for job in jobs):
        yield wording.counted("quota.making", reserved)
    if week is not None:
        yield wording.say("quota.this_week", _figures(week))
    if quota.quick_limit is not None:
        left = max(0, quota.quick_limit - quota.pictures_used)
        yield wording.say("quota.quick", left=wording.count(left), limit=wording.count(quota.quick_limit))


def _anlas(quota: Quota, key: str, jobs: Sequence[Job]) -> Iterable[str]:
    day, week = quota.gauge(Measure.ANLAS), quota.gauge(Measure.ANLAS, Span.WEEK)
    limit = "∞" if day is None else wording.count(day.limit)
    line = wording.say(key, used=wording.count(quota.anlas_used), limit=limit)
    if key not in SPENDING:
        yield line
        return
    yield line if day is None else wording.say("quota.anlas_left", _figures(day), anlas=line)
    if reserved := sum(job.price for job in jobs):
        yield wording.say("quota.reserved", anlas=wording.anlas(reserved))
    if week is not None:
        yield wording.say("quota.anlas_week", _figures(week))


def _tighter(quota: Quota, *, may_spend: bool) -> Iterable[str]:
    """Limits of the server or the operator that leave less than the member's own do."""
    for measure in Measure if may_spend else (Measure.PICTURES,):
        tightest = quota.tightest(measure)
        if tightest is not None and tightest.level is not Level.MEMBER:
            whose, what = wording.QUOTA_TIGHTER_WHOSE[tightest.level], wording.QUOTA_TIGHTER_WHAT[measure]
            window = wording.WINDOWS[tightest.span]
            yield wording.say("quota.tighter", _figures(tightest), whose=whose, what=what, window=window)


def _figures(gauge: Gauge) -> dict[str, object]:
    return {
        "used": wording.count(gauge.used),
        "limit": wording.count(gauge.limit),
        "left": wording.count(gauge.left),
        "reset": wording.Moment(gauge.resets_at),
    }


def _sources(allowed: Mapping[str, Allowed], *, may_spend: bool) -> Iterable[str]:
    """Who was given the limits that count."""
    by_source: dict[tuple[Whose, int | None], list[str]] = {}
    for measure, source in allowed.items():
        if may_spend or not measure.startswith("anlas"):
            by_source.setdefault((source.whose, source.role_id), []).append(wording.SETTING_LABELS[measure])
    others = [whose for whose, _ in by_source if whose in (Whose.GUILD, Whose.HOUSE)]
    for (whose, role_id), labels in by_source.items():
        named = wording.listed([labels[0], *(label[:1].lower() + label[1:] for label in labels[1:])])
        if whose not in others:
            yield wording.say(f"quota.from_{whose}", measures=named, role=f"<@&{role_id}>")
    if others:
        yield wording.QUOTA_FROM[others[0]] if len(by_source) == 1 else wording.QUOTA_FROM_OTHERS


def queue_card(outlooks: Sequence[Outlook], line: Line, *, everyone: bool) -> ui.LayoutView:
    """A member's waiting pictures with a way back for each, or the whole line without prompts."""
    view = ui.LayoutView(timeout=None)
    box: ui.Container[Any] = ui.Container()
    box.add_item(ui.TextDisplay(wording.QUEUE_HEADING_EVERYONE if everyone else wording.QUEUE_HEADING))
    for outlook in outlooks[:LINES_MAX]:
        box.add_item(_queue_line(outlook, everyone=everyone))
    if not outlooks:
        box.add_item(ui.TextDisplay(wording.QUEUE_EMPTY_EVERYONE if everyone else wording.QUEUE_EMPTY))
    if len(outlooks) > LINES_MAX:
        box.add_item(ui.TextDisplay(wording.QUEUE_MORE))
    box.add_item(ui.TextDisplay(_everybody(line)))
    view.add_item(box)
    return view


def _queue_line(outlook: Outlook, *, everyone: bool) -> ui.Item[Any]:
    job = outlook.job
    what = wording.say("queue.job", member=f"<@{job.user_id}>", job=job.id) if everyone else _prompt(job)
    is_queued = job.state is JobState.QUEUED
    text = wording.say(
        "queue.line" if is_queued else "queue.line_drawing",
        what=what,
        ordinal=wording.ordinal(outlook.ahead + 1),
        eta=wording.Moment(outlook.starts_at),
        price=wording.anlas(job.price),
    )
    if not is_queued:
        return ui.TextDisplay(text)
    arg = "everyone" if everyone else None
    back = button("job", job.id, "withdraw", wording.BUTTON_CANCEL, emoji="✖️", arg=arg)
    return ui.Section(text, accessory=back)


def _prompt(job: Job) -> str:
    text = job.request.text if job.request is not None else "…"
    return wording.inline(text, PROMPT)


def _everybody(line: Line) -> str:
    if not line.n:
        return wording.QUEUE_EVERYBODY_NONE
    return wording.say("queue.everybody", n=wording.count(line.n), seconds=max(1, round(line.seconds)))


def help_card(lines: Iterable[str], mentions: Mapping[str, str], operators: Iterable[int]) -> ui.LayoutView:
    """What the bot is, what may be done here (*lines*), and who runs it."""
    runs = wording.listed(f"<@{operator}>" for operator in sorted(operators)[:3])
    texts = [
        wording.HELP_HEADING,
        *lines,
        wording.say("help.commands", mentions),
        wording.HELP_FILES,
        *([wording.say("help.operator", operator=runs)] if runs else []),
    ]
    return card(texts, button("me", 0, "privacy", wording.BUTTON_PRIVACY))


def choices_of(jobs: Sequence[Job], typed: str) -> list[discord.app_commands.Choice[str]]:
    """A member's waiting pictures to choose from, all of them first."""
    labels = {ALL: wording.CANCEL_ALL} if len(jobs) > 1 else {}
    for job in jobs:
        prompt = wording.cut(job.request.text, PROMPT) if job.request is not None else "…"
        labels[str(job.id)] = wording.say("cancel.choice", job=job.id, prompt=" ".join(prompt.split()))[:100]
    found = [(value, label) for value, label in labels.items() if typed.casefold() in label.casefold()]
    return [discord.app_commands.Choice(name=label, value=value) for value, label in found[:25]]
