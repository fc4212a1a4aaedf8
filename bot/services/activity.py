"""Which interactions are being handled right now, and how they ended: for the stand-in's backstage and for a drain."""

from collections import OrderedDict
from dataclasses import dataclass, replace

REMEMBERED = 500


@dataclass(slots=True)
class Handling:
    """One interaction: how many of its handlers run and have begun, and the code of the bug that ended one."""

    handlers: int = 0
    begun: int = 0
    error: str | None = None


class Activity:
    """A short memory of interactions; the newest 500."""

    def __init__(self) -> None:
        self._handlings: OrderedDict[int, Handling] = OrderedDict()

    def begin(self, interaction_id: int) -> None:
        """A handler of this interaction starts."""
        handling = self._handlings.setdefault(interaction_id, Handling())
        handling.handlers += 1
        handling.begun += 1
        while len(self._handlings) > REMEMBERED:
            self._handlings.popitem(last=False)

    def end(self, interaction_id: int) -> None:
        """A handler of this interaction is through."""
        if (handling := self._handlings.get(interaction_id)) and handling.handlers:
            handling.handlers -= 1

    def fail(self, interaction_id: int, error: str) -> None:
        """A handler met a bug; *error* is the code that was shown."""
        if handling := self._handlings.get(interaction_id):
            handling.error = error

    def handlings(self) -> dict[int, Handling]:
        """A copy of what is remembered, oldest first."""
        return {id_: replace(handling) for id_, handling in self._handlings.items()}

    @property
    def running(self) -> int:
        """How many handlers run."""
        return sum(handling.handlers for handling in self._handlings.values())
