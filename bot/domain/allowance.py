"""How much somebody may use: what an admin gave a role or a member, and which of several limits counts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from bot.domain.errors import Mistake


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """Pictures and Anlas by day and week; None is no limit, 0 is none at all."""

    pictures_day: int | None = None
    pictures_week: int | None = None
    anlas_day: int | None = None
    anlas_week: int | None = None


BOUNDS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "pictures_day": (0, 1_000),
        "pictures_week": (0, 7_000),
        "anlas_day": (0, 100_000),
        "anlas_week": (0, 700_000),
        "waiting": (1, 20),
    }
)
"""Every measure of an allowance, with the least and the most it can be."""
ENDLESS = tuple(measure for measure in BOUNDS if measure != "waiting")
"""Measures that can be without a limit."""


class Whose(StrEnum):
    """Who a limit was given to: a role or a member, all of a server, or everybody by whoever runs the bot."""

    MEMBER = "member"
    ROLE = "role"
    GUILD = "guild"
    HOUSE = "house"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A role or a member of a server."""

    whose: Whose
    id: int

    def __str__(self) -> str:
        """As changes and the audit name it."""
        return f"{self.whose}.{self.id}"


def target_of(text: str) -> Target:
    """The target that `str` wrote. Raises `Mistake` ``limits.unknown`` for anything else."""
    whose, _, id_ = text.partition(".")
    if whose not in (Whose.MEMBER, Whose.ROLE) or not (id_.isascii() and id_.isdecimal() and len(id_) <= 19):
        raise Mistake("limits.unknown")
    return Target(whose=Whose(whose), id=int(id_))


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a role or a member was given: *stated* measures, None for no limit; what is not stated falls through."""

    stated: Mapping[str, int | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for measure, value in self.stated.items():
            if measure not in BOUNDS or (value is None and measure not in ENDLESS):
                raise Mistake("limits.unknown")
            low, high = BOUNDS[measure]
            if value is not None and not low <= value <= high:
                raise Mistake("setting.number", setting=measure, low=low, high=high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """The limit that counts, and who was given it; *role_id* where it is a role's."""

    limit: int | None
    whose: Whose
    role_id: int | None = None


def allowed(
    measure: str, default: Allowed, own: Allowance | None, roles: Iterable[tuple[int, Allowance]] = ()
) -> Allowed:
    """One measure's limit: the member's own, else the highest of their roles, else *default*; no limit is highest."""
    if own is not None and measure in own.stated:
        return Allowed(limit=own.stated[measure], whose=Whose.MEMBER)
    stated = [(id_, each.stated[measure]) for id_, each in roles if measure in each.stated]
    if not stated:
        return default
    role_id, limit = max(stated, key=lambda each: (each[1] is None, each[1] or 0))
    return Allowed(limit=limit, whose=Whose.ROLE, role_id=role_id)
