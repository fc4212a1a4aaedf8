"""Cards for one person: their quota, their queue, and help."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import discord
from discord import ui

from bot import wording
from bot.domain.admission import Quota
from bot.domain.guild import GuildConfig
from bot.domain.job import Job, JobState
from bot.services.deliveries import Line, Outlook
from cogs.ui.controls import Control, button

ALL = "all"
"""What stands for all of a member's waiting pictures."""
LINES_MAX = 10
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
    quota: Quota, jobs: Sequence[Job], config: GuildConfig, anlas_key: str, member: int | None
) -> ui.LayoutView:
    """What a member has used; *member* is None for the one who asks, *anlas_key* says who forbids spending."""
    drawing = sum(job.state is not JobState.QUEUED for job in jobs)
    heading = wording.QUOTA_HEADING if member is None else wording.say("quota.heading_member", member=f"<@{member}>")
    texts = [
        heading,
        _today(quota),
        *([wording.counted("quota.making", len(jobs))] if jobs else []),
        _anlas(quota, anlas_key),
        wording.say("quota.now", running=drawing, waiting=len(jobs) - drawing, limit=config.waiting),
        wording.QUOTA_NOTE,
    ]
    own = [button("me", 0, "queue", wording.BUTTON_QUEUE), button("me", 0, "inbox", wording.BUTTON_INBOX)]
    return card(texts, *(own if member is None else []))


def _today(quota: Quota) -> str:
    if quota.pictures_limit is None:
        return wording.say("quota.today_unlimited", used=wording.count(quota.pictures_used))
    return wording.say(
        "quota.today",
        used=wording.count(quota.pictures_used),
        limit=wording.count(quota.pictures_limit),
        left=wording.count(quota.pictures_left or 0),
        bar=wording.bar(quota.pictures_used, quota.pictures_limit),
        reset=wording.Moment(quota.resets_at),
    )


def _anlas(quota: Quota, key: str) -> str:
    limit = "∞" if quota.anlas_limit is None else wording.count(quota.anlas_limit)
    return wording.say(key, used=wording.count(quota.anlas_used), limit=limit)


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
        box.add_item(ui.TextDisplay(wording.say("queue.more", n=len(outlooks) - LINES_MAX)))
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
    text = job.request.prompt.text if job.request is not None else "…"
    return wording.inline(text, PROMPT)


def _everybody(line: Line) -> str:
    if not line.jobs:
        return wording.QUEUE_EVERYBODY_NONE
    return wording.say("queue.everybody", n=wording.count(len(line.jobs)), seconds=max(1, round(line.seconds)))


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
    return card(texts)


def choices_of(jobs: Sequence[Job], typed: str) -> list[discord.app_commands.Choice[str]]:
    """A member's waiting pictures to choose from, all of them first."""
    labels = {ALL: wording.CANCEL_ALL} if len(jobs) > 1 else {}
    for job in jobs:
        prompt = wording.cut(job.request.prompt.text, PROMPT) if job.request is not None else "…"
        labels[str(job.id)] = wording.say("cancel.choice", job=job.id, prompt=" ".join(prompt.split()))[:100]
    found = [(value, label) for value, label in labels.items() if typed.casefold() in label.casefold()]
    return [discord.app_commands.Choice(name=label, value=value) for value, label in found[:25]]
