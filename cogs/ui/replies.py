"""What messages look like: texts and rows of the life of a picture, questions, and cards."""

import time
from collections.abc import Mapping, Sequence

from discord import ui

from bot import wording
from bot.domain.admission import PRIORITY_STEP, Measure, Quota
from bot.domain.anlas import Price
from bot.domain.case import APPEALABLE, Case
from bot.domain.character import Character, written_characters
from bot.domain.guild import GuildConfig
from bot.domain.job import Draft, Job, JobState
from bot.domain.model import CAPABILITIES, Smea, UcPreset
from bot.domain.prompt import is_steered_by_us, worded
from bot.domain.request import FREE_STEPS, Generate, Request, free_form
from bot.domain.tokens import TokenCount
from bot.services.deliveries import Outlook, Parcel
from bot.services.studio import APPROVAL
from cogs.ui.controls import Control, button, row

PROMPT_LINE = 160
SHORT_PROMPT = 60

CHARACTERS_SHOWN = 6
"""Of a picture's characters, in the card about it."""


def waiting_line(outlook: Outlook, config: GuildConfig | None, *, collects: bool = False) -> tuple[str, ui.View | None]:
    """Text and row of a message that waits for its picture; with *collects* a press brings it a fresh token."""
    job = outlook.job
    if job.state.is_undecided:
        return _undecided_line(job, config)
    controls = [collect_button(job.id)] if collects else []
    if job.state is not JobState.QUEUED:
        return _drawing_line(outlook), row(*controls) if controls else None
    if outlook.pause is not None:
        until = wording.Moment(outlook.pause.until or outlook.starts_at)
        first = wording.say(outlook.pause.code, t=until)
    else:
        first = _queued_line(outlook, config)
    detail = _queued_detail(job, config)
    controls.append(button("job", job.id, "cancel", wording.BUTTON_CANCEL, emoji="✖️"))
    return f"{first}\n{detail}", row(*controls)


def _undecided_line(job: Job, config: GuildConfig | None) -> tuple[str, ui.View]:
    """Held, or waiting for its yes: what everybody may read of it, and whoever asked for it may take it back."""
    back = button("job", job.id, "cancel", wording.BUTTON_WITHDRAW, emoji="✖️")
    detail = _queued_detail(job, config)
    if not is_public_suggestion(job):
        # What needs a look is not read out before it had one.
        said = wording.HELD if job.state is JobState.HELD else wording.PROPOSED
        return f"{said}\n{wording.say('failed.detail', member=f'<@{job.user_id}>', job=job.id)}", row(back)
    make = button("job", job.id, "make", wording.BUTTON_MAKE, emoji="✅")
    decline = button("job", job.id, "decline", wording.BUTTON_DECLINE)
    said = wording.say("suggested", member=f"<@{job.user_id}>", price=wording.anlas(job.price))
    return f"{said}\n{detail}", row(make, decline)


def is_public_suggestion(job: Job) -> bool:
    """Whether a wish that waits for its yes stands where everybody sees it, with the buttons for it."""
    return job.reason == APPROVAL and job.place is not None and not job.place.ephemeral


def collect_button(job_id: int) -> Control:
    """Whoever asked for it presses this to have it here."""
    return button("inbox", job_id, "take", wording.BUTTON_COLLECT, emoji="📥")


def _drawing_line(outlook: Outlook) -> str:
    preview = outlook.preview
    if preview is None or not preview.total_steps:
        return wording.say("drawing")
    bar = wording.bar(preview.step, preview.total_steps)
    return wording.say("drawing.step", step=preview.step, steps=preview.total_steps, bar=bar)


def _queued_line(outlook: Outlook, config: GuildConfig | None) -> str:
    quick = config.quick_day if config is not None else None
    is_relaxed = outlook.ahead > 0 and outlook.job.step > PRIORITY_STEP and quick is not None
    return wording.say(
        "queued.relaxed" if is_relaxed else "queued",
        Ordinal=wording.ordinal(outlook.ahead + 1),
        limit=wording.count(quick or 0),
        eta=wording.Moment(outlook.starts_at),
        price=wording.anlas(outlook.job.price),
    )


def _queued_detail(job: Job, config: GuildConfig | None) -> str:
    request = job.request
    if not isinstance(request, Generate):
        return wording.say("failed.detail", member=f"<@{job.user_id}>", job=job.id)
    shown = wording.inline(request.prompt.text, SHORT_PROMPT) if _shows_prompts(config) else "…"
    return wording.say(
        "queued.detail",
        model=CAPABILITIES[request.sampling.model].short,
        size=request.size,
        prompt=shown,
        member=f"<@{job.user_id}>",
    )


def _shows_prompts(config: GuildConfig | None) -> bool:
    return config is None or config.show_prompts


def done_text(parcel: Parcel, config: GuildConfig | None) -> str:
    """The two lines over a picture."""
    job, request = parcel.job, parcel.job.request
    member = f"<@{job.user_id}>"
    if not isinstance(request, Generate):
        return wording.say("done.hidden_prompt", member=member)
    shown = _shows_prompts(config)
    first = (
        wording.inline(request.prompt.text, PROMPT_LINE) if shown else wording.say("done.hidden_prompt", member=member)
    )
    second = wording.say(
        "done",
        model=CAPABILITIES[request.sampling.model].short,
        size=request.size,
        seed=parcel.pictures[0].seed,
        price=wording.anlas(job.price if job.charged_anlas is None else job.charged_anlas),
        left=_left(parcel.quota),
        member=member,
    )
    return f"{first}\n{second}"


def _left(quota: Quota) -> str:
    gauge = quota.tightest(Measure.PICTURES)
    return "" if gauge is None else wording.say(f"left.{gauge.span}", n=wording.count(gauge.left))


def done_row(job_id: int) -> ui.View:
    """The buttons under a picture."""
    return row(
        button("job", job_id, "reroll", wording.BUTTON_REROLL, emoji="🎲"),
        button("job", job_id, "more", wording.BUTTON_MORE),
        button("job", job_id, "delete", wording.BUTTON_DELETE, emoji="🗑️"),
    )


def failed_text(job: Job, case: Case | None = None) -> str:
    """Why there is no picture, and in which case that was decided; nothing was charged."""
    data = {"price": job.price, "t": time.time(), "channel": job.requester.channel_id}
    if case is not None:
        data["case"] = case.id
    reason = wording.explain(job.reason or "failed.novelai", data)
    return f"{reason}\n{wording.say('failed.detail', member=f'<@{job.user_id}>', job=job.id)}"


def appeal_row(case: Case | None) -> ui.View | None:
    """The way to a second look at a decision, where there is one."""
    if case is None or case.decision not in APPEALABLE:
        return None
    return row(button("case", case.id, "appeal", wording.BUTTON_APPEAL))


def failed_row(job_id: int) -> ui.View:
    """The buttons under a failure."""
    return row(
        button("job", job_id, "retry", wording.BUTTON_RETRY, emoji="🔁"),
        button("job", job_id, "drop", wording.BUTTON_DISMISS),
    )


def hints(
    request: Generate, tokens: TokenCount, *, first_kept_days: int | None, mentions: Mapping[str, str] | None = None
) -> str:
    """What a member should know of their own prompt, and once that their files carry it; "" where there is nothing."""
    found = [
        wording.say("first.picture", mentions, days=first_kept_days) if first_kept_days is not None else "",
        wording.NSFW_ADDED if is_steered_by_us(request) else "",
        token_hint(request, tokens),
        unknown_hint(request, tokens),
    ]
    return "\n".join(text for text in found if text)


def token_hint(request: Generate, tokens: TokenCount) -> str:
    """That the model does not read the whole prompt, and from where; "" where it does."""
    if not tokens.is_over:
        return ""
    model = CAPABILITIES[request.sampling.model].short
    tag = wording.cut(tokens.last_read.text, 60) if tokens.last_read else ""
    key = "prompt.long_about" if tokens.is_estimate else "prompt.long" if tag else "prompt.long_all"
    return wording.say(key, n=tokens.n, model=model, limit=tokens.limit, tag=wording.plain(tag))


def unknown_hint(request: Generate, tokens: TokenCount) -> str:
    """Which characters the model cannot read; "" where it knows all that can be shown."""
    characters = wording.plain(" ".join(tokens.unknown))
    model = CAPABILITIES[request.sampling.model].short
    return wording.say("prompt.unknown", model=model, characters=characters) if characters else ""


def question(draft: Draft, price: Price, quota: Quota) -> tuple[str, ui.View]:
    """The question before anything is spent."""
    asked = wording.say("price.confirm", price=wording.anlas(draft.price), reason=_reason(draft.request, price))
    detail = wording.say(
        "price.confirm.detail",
        free=1,
        steps=FREE_STEPS,
        used=wording.count(quota.anlas_used),
        limit="∞" if quota.anlas_limit is None else wording.count(quota.anlas_limit),
    )
    spend = wording.say("button.spend", price=wording.anlas(draft.price))
    controls = [button("draft", draft.id, "go", spend, primary=True)]
    controls += cures(draft)
    return f"{asked}\n{detail}", row(*controls)


def cures(draft: Draft) -> list[Control]:
    """The free way out of a price, where there is one, and the way out of the question."""
    not_now = button("draft", draft.id, "drop", wording.BUTTON_NOT_NOW)
    free = free_form(draft.request)
    if not isinstance(draft.request, Generate) or not isinstance(free, Generate) or free == draft.request:
        return [not_now]
    return [button("draft", draft.id, "free", _free_label(draft.request, free)), not_now]


def _free_label(request: Generate, free: Generate) -> str:
    if free.size != request.size:
        return wording.say("button.free", size=free.size)
    return wording.say("button.free_steps", steps=free.sampling.steps)


def _reason(request: Request, price: Price) -> str:
    free = free_form(request)
    if not isinstance(request, Generate) or not isinstance(free, Generate):
        return wording.say("price.reason.account")
    if free.size != request.size:
        return wording.say("price.reason.size", size=request.size)
    if free.sampling.steps != request.sampling.steps:
        return wording.say("price.reason.steps", steps=FREE_STEPS)
    if price.samples > 1:
        return wording.say("price.reason.samples")
    return wording.say("price.reason.account")


def more_card(job: Job, *, shows_prompt: bool, sends_copy: bool = False, may_report: bool = False) -> ui.LayoutView:
    """Everything about one job, for one person."""
    card = ui.LayoutView(timeout=None)
    box: ui.Container[ui.LayoutView] = ui.Container()
    heading = wording.say("more.heading", job=job.id, member=f"<@{job.user_id}>", at=wording.Moment(job.admitted_at))
    box.add_item(ui.TextDisplay(heading))
    if isinstance(job.request, Generate):
        for text in _more_texts(job, job.request, shows_prompt=shows_prompt):
            box.add_item(ui.TextDisplay(text))
    card.add_item(box)
    card.add_item(
        ui.ActionRow(
            button("job", job.id, "inspect", wording.BUTTON_INSPECT, emoji="🔬"),
            button("job", job.id, "copy", wording.BUTTON_COPY, emoji="📋"),
            *([button("job", job.id, "send", wording.BUTTON_SEND, emoji="✉️")] if sends_copy else []),
            *([button("job", job.id, "report", wording.BUTTON_REPORT, emoji="🚩")] if may_report else []),
        )
    )
    return card


def _more_texts(job: Job, request: Generate, *, shows_prompt: bool) -> list[str]:
    sent = worded(request)
    texts = []
    if shows_prompt:
        texts.append(wording.say("more.prompt", prompt=wording.block(request.prompt.text, 700)))
        texts += _characters(request.prompt.characters)
        texts.append(wording.say("more.undesired", undesired_content=wording.block(sent.undesired_content, 400)))
    texts.append(settings_line(request))
    texts.append(_sum_line(job, request))
    return texts


def _characters(characters: Sequence[Character]) -> list[str]:
    """The first characters, each with its place; a card holds no more."""
    texts = []
    for n, each in enumerate(characters[:CHARACTERS_SHOWN], 1):
        place = wording.say("more.character_at", place=each.position) if each.position is not None else ""
        texts.append(wording.say("more.character", n=n, place=place, prompt=wording.block(each.prompt, 200)))
    if len(characters) > CHARACTERS_SHOWN:
        texts.append(wording.counted("more.characters_cut", len(characters) - CHARACTERS_SHOWN))
    return texts


def settings_line(request: Generate) -> str:
    """Model, size, seed and the rest in one line."""
    sampling = request.sampling
    return wording.say(
        "more.settings",
        model=CAPABILITIES[sampling.model].short,
        size=request.size,
        seed=sampling.seed,
        steps=sampling.steps,
        sampler=wording.SAMPLERS[sampling.sampler],
        noise_schedule=sampling.noise_schedule.value,
        cfg_scale=wording.number(sampling.cfg_scale),
        extras="".join(f" · {extra}" for extra in _extras(request)),
    )


def _extras(request: Generate) -> list[str]:
    sampling = request.sampling
    rescale = sampling.prompt_guidance_rescale
    return [
        *([f"rescale {wording.number(rescale)}"] if rescale else []),
        *([wording.SMEAS[sampling.smea]] if sampling.smea is not Smea.OFF else []),
        *(["Decrisper"] if sampling.decrisper else []),
        *(["Variety+"] if sampling.variety else []),
        *(["quality tags"] if request.prompt.quality_tags else []),
        wording.UC_PRESETS[request.prompt.uc_preset],
    ]


def _sum_line(job: Job, request: Generate) -> str:
    line = wording.say(
        "price.sum",
        size=request.size,
        steps=request.sampling.steps,
        each=wording.anlas(job.price) if job.price else wording.say("price.sum.free"),
    )
    if job.claimed_at is None or job.settled_at is None:
        return line
    times = wording.say(
        "more.times",
        waited=round(job.claimed_at - job.admitted_at),
        drawn=round(job.settled_at - job.claimed_at),
    )
    return f"{line}\n{times}"


def command_line(request: Generate) -> str:
    """The `/generate` command that makes this picture again, option by option."""
    sampling, prompt = request.sampling, request.prompt
    usual = CAPABILITIES[sampling.model].nearest_preset(UcPreset.HEAVY)
    parts = [
        ("prompt", prompt.text),
        ("size", f"{request.size.width}x{request.size.height}"),
        ("model", CAPABILITIES[sampling.model].name),
        ("undesired_content", prompt.undesired_content),
        ("seed", str(sampling.seed)),
        ("steps", str(sampling.steps)),
        ("cfg_scale", wording.number(sampling.cfg_scale)),
        ("sampler", wording.SAMPLERS[sampling.sampler]),
        ("characters", written_characters(prompt.characters)),
        ("quality_tags", "" if prompt.quality_tags else "False"),
        ("uc_preset", "" if prompt.uc_preset is usual else wording.UC_PRESETS[prompt.uc_preset]),
        ("samples", str(request.samples) if request.samples > 1 else ""),
        ("rescale", wording.number(sampling.prompt_guidance_rescale) if sampling.prompt_guidance_rescale else ""),
        ("noise_schedule", wording.NOISE_SCHEDULES[sampling.noise_schedule]),
        ("smea", "" if sampling.smea is Smea.OFF else wording.SMEAS[sampling.smea]),
        ("decrisper", "True" if sampling.decrisper else ""),
        ("variety", "True" if sampling.variety else ""),
        ("transparent", "True" if prompt.transparent else ""),
    ]
    return "/generate " + " ".join(f"{name}:{_one_line(value)}" for name, value in parts if value)


def _one_line(text: str) -> str:
    return " ".join(wording.safe(text).split())
