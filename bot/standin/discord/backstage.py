"""What lies behind the scene: the bot's own snapshot, and the pretend NovelAI with the faults it is told to have."""

from typing import Protocol

from bot.standin.discord.world import Json


class Pretender(Protocol):
    """The pretend NovelAI, as far as the room looks at it."""

    def state(self) -> Json:
        """The last calls, the account, the faults that are on, and the names of all there are."""

    def switch_fault(self, name: str, *, on: bool) -> None:
        """Fail like that from now on, or no more. Raises KeyError."""


class Backstage:
    """One view of both; without a pretend NovelAI its part is missing."""

    def __init__(self) -> None:
        self.snapshot: Json = {"seq": 0, "interactions": {}, "queue": [], "ledger": {}}
        self.novelai: Pretender | None = None

    def take(self, snapshot: Json) -> None:
        """Keep the bot's snapshot, unless it is older than the one there is."""
        if isinstance(snapshot.get("seq"), int) and snapshot["seq"] >= self.snapshot["seq"]:
            self.snapshot = snapshot

    def switch_fault(self, name: str, *, on: bool) -> None:
        """Put a fault on or off. Raises ValueError where there is nothing that could fail, or not like that."""
        if self.novelai is None:
            raise ValueError("there is no pretend NovelAI here")
        try:
            self.novelai.switch_fault(name, on=on)
        except KeyError as error:
            raise ValueError("there is no such fault") from error

    def view(self) -> Json:
        """What a page shows."""
        state = self.novelai.state() if self.novelai is not None else None
        return {
            "queue": self.snapshot.get("queue") or [],
            "more": bool(self.snapshot.get("more")),
            "ledger": self.snapshot.get("ledger") or {},
            "novelai": state,
        }
