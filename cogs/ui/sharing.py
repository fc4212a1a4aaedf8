"""Whether what an image says may be shown to everybody: a bot's words escape the server's own filters."""

from collections.abc import Sequence

from bot.domain.claims import Claim
from bot.domain.request import Requester
from bot.domain.rules import Ground, judge_shown
from bot.domain.steering import asked_by
from cogs.ui.inspection import Look


def judge_looks(looks: Sequence[Look], requester: Requester, ground: Ground) -> None:
    """
    Raise `Forbidden` for what may not become everybody's where *requester* stands.

    A card's file holds more than the card shows, and all of it counts. Long texts are work for a thread.
    """
    for look in looks:
        judge_shown([look.name], [], requester, ground)
        for claim in look.inspection.claims if look.inspection is not None else ():
            judge_shown(*_texts_of(claim), requester, ground)


def _texts_of(claim: Claim) -> tuple[list[str], list[str]]:
    """What a claim asks for, its undesired contents turned around and its settings included; and what stands beside."""
    prompts = [claim.prompt or "", *(each.prompt for each in claim.characters)]
    undesired = [claim.undesired_content or "", *(each.undesired_content for each in claim.characters)]
    settings = [str(value) for value in claim.settings.values() if isinstance(value, str)]
    names = [claim.generator, claim.model or "", *claim.added, *claim.settings]
    asked = [*prompts, *map(asked_by, undesired), ", ".join([*settings, *names])]
    return [text for text in asked if text], [text for text in undesired if text]
