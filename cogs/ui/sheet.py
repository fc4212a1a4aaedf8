"""The form about a picture: prompt, undesired content, size or characters, seed, steps and Prompt Guidance."""

from collections.abc import Mapping
from dataclasses import replace

from bot import wording
from bot.domain.errors import Mistake
from bot.domain.model import CAPABILITIES
from bot.domain.request import PROMPT_MAX, SIZES, Generate, parse_size
from bot.domain.sheet import Sheet
from bot.services.accounts import Accounts
from cogs.ui.controls import Form
from cogs.ui.sizes import size_label

SEED_LENGTH, NUMBERS_LENGTH = 12, 20


def form_of(draft_id: int, sheet: Sheet, accounts: Accounts, *, never: bool) -> Form:
    """
    The form of a draft; what is not carried over, and the price, stand below its first label.

    *never* is whether nothing is ever paid for here, which the sizes say.
    """
    request, holds = sheet.request, sheet.texts
    model = CAPABILITIES[request.sampling.model].short
    cost = accounts.cheapest(request).total
    form = Form("draft", draft_id, "use", wording.FORM_USE)
    hint = wording.not_carried(sheet.left_out, model=model, size=request.size, price=cost)
    form.ask("prompt", wording.FORM_EDIT_PROMPT, hint=hint, limit=PROMPT_MAX, holds=holds["prompt"])
    if "undesired" in holds:
        text = holds["undesired"]
        form.ask("undesired", wording.FORM_EDIT_UNDESIRED, limit=PROMPT_MAX, holds=text, required=False)
    if "characters" in holds:
        label, text = wording.FORM_CHARACTERS, holds["characters"]
        form.ask("characters", label, hint=wording.FORM_CHARACTERS_HINT, limit=PROMPT_MAX, holds=text, required=False)
    else:
        form.offer("size", wording.FORM_SIZE, _sizes(request, accounts, never=never), holds=_chosen(holds["size"]))
    seed, numbers = holds["seed"], holds["numbers"]
    hint = wording.FORM_SEED_HINT
    form.ask("seed", wording.FORM_SEED, hint=hint, limit=SEED_LENGTH, holds=seed, short=True, required=False)
    form.ask("numbers", wording.FORM_NUMBERS, limit=NUMBERS_LENGTH, holds=numbers, short=True)
    return form


def _sizes(request: Generate, accounts: Accounts, *, never: bool) -> Mapping[str, str]:
    """The picture's own size first, then the presets, each with its price."""
    named = {size: name.capitalize() for name, size in SIZES.items()}
    sizes = dict.fromkeys([request.size, *SIZES.values()])
    return {
        f"{size.width}x{size.height}": size_label(
            named.get(size, ""), replace(request, size=size), accounts, never=never
        )
        for size in sizes
    }


def _chosen(typed: str) -> str:
    try:
        size = parse_size(typed)
    except Mistake:
        return ""
    return f"{size.width}x{size.height}"
