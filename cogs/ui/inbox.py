"""The card of what could not be shown, with a button beside each."""

from collections.abc import Sequence
from typing import Any

from discord import ui

from bot import wording
from bot.domain.job import Job, JobState
from cogs.ui import replies
from cogs.ui.controls import button

PROMPT = 60


def inbox_card(jobs: Sequence[Job], total: int) -> ui.LayoutView:
    """*jobs* are the oldest of *total*."""
    view = ui.LayoutView(timeout=None)
    box: ui.Container[Any] = ui.Container()
    box.add_item(ui.TextDisplay(wording.INBOX_HEADING))
    for job in jobs:
        box.add_item(ui.Section(_line(job), accessory=replies.collect_button(job.id)))
    if total > len(jobs):
        box.add_item(ui.TextDisplay(wording.say("inbox.more", n=total - len(jobs))))
    box.add_item(ui.TextDisplay(wording.INBOX_NOTE if jobs else wording.INBOX_EMPTY))
    view.add_item(box)
    if len(jobs) > 1:
        view.add_item(ui.ActionRow(button("inbox", 0, "all", wording.BUTTON_COLLECT_ALL, emoji="📥")))
    return view


def _line(job: Job) -> str:
    prompt = job.request.text if job.request is not None else "…"
    return wording.say(
        "inbox.line" if job.state is JobState.DONE else "inbox.line_ended",
        what=wording.inline(prompt, PROMPT),
        at=wording.Moment(job.settled_at or job.admitted_at),
        until=wording.Moment(job.inbox_until or 0.0),
    )
