"""What lies behind the scene: the bot's own snapshot, and the pretend NovelAI with the faults it is told to have."""

from collections.abc import Mapping
from typing import Any, Protocol

from bot.standin.discord.world import Json


class Pretender(Protocol):
    """The pretend NovelAI, as far as the room looks at it."""

    def state(self) -> Json:
        """The last calls, the account, the faults that are on, and the names of all there are."""

    def set_faults(self, wanted: Mapping[str, Any]) -> None:
        """Fail like that from now on. Raises KeyError, TypeError or ValueError."""


class Backstage:
    """One view of both; without a pretend NovelAI its part is missing."""

    def __init__(self) -> None:
        self.snapshot: Json = {"seq": 0, "interactions": {}, "queue": [], "ledger": {}}
        self.novelai: Pretender | None = None

    def take(self, snapshot: Json) -> None:
        """Keep the bot's snapshot, unless it is older than the one there is."""
        if isinstance(snapshot.get("seq"), int) and snapshot["seq"] >= self.snapshot["seq"]:
            self.snapshot = snapshot

    def set_faults(self, wanted: Json) -> None:
        """Put the faults on and off. Raises ValueError where there is nothing that could fail, or not like that."""
        if self.novelai is None:
            raise ValueError("there is no pretend NovelAI here")
        try:
            self.novelai.set_faults(wanted)
        except (KeyError, TypeError) as error:
            raise ValueError("there is no such fault") from error

    def view(self) -> Json:
        """What a page shows."""
        state = self.novelai.state() if self.novelai is not None else None
        return {
            "queue": self.snapshot.get("queue") or [],
            "ledger": self.snapshot.get("ledger") or {},
            "novelai": state,
        }
