"""Sizes as they are offered, each with what it costs."""

from bot import wording
from bot.domain.request import Generate
from bot.services.accounts import Accounts


def size_label(name: str, request: Generate, accounts: Accounts, *, never: bool) -> str:
    """A size's *name* (may be empty), the size of *request*, and its price, or that it is *never* paid for here."""
    cost, size = accounts.cheapest(request), request.size
    if cost.is_free:
        return wording.say("size.free", name=name, size=size).strip()
    if never:
        return wording.say("size.never", name=name, size=size).strip()
    return wording.say("size.paid", name=name, size=size, price=wording.anlas(cost.total)).strip()
