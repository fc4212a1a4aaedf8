"""Which of the application's servers one process serves."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Shards:
    """
    *ids* of *count* shards; without *ids* all of them.

    A server belongs to shard ``(id >> 22) % count``; what belongs to no server comes to shard 0 (discord.md 4,
    Gateway).
    """

    count: int = 1
    ids: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.count < 1 or not all(0 <= id_ < self.count for id_ in self.ids):
            raise ValueError("no such shard")

    @property
    def mine(self) -> tuple[int, ...]:
        """The shards of this process, in order."""
        return tuple(sorted(set(self.ids))) or tuple(range(self.count))

    @property
    def are_all(self) -> bool:
        """Whether this process serves every server."""
        return len(self.mine) == self.count

    def serve(self, guild_id: int) -> bool:
        """Whether this process serves that server; 0 stands for direct messages."""
        return (guild_id >> 22) % self.count in self.mine
