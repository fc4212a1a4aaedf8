"""How one server is set up: every setting with its key, default and bounds in the field's metadata."""

from dataclasses import dataclass, field, fields
from typing import Any

from bot.domain.model import HOME_MODEL, Model
from bot.domain.request import SIZES, Size, check_range


def _number(key: str, default: int, low: int, high: int) -> Any:
    return field(default=default, metadata={"key": key, "low": low, "high": high})


def _limit(key: str, default: int | None, high: int) -> Any:
    return field(default=default, metadata={"key": key, "low": 0, "high": high})


def _setting(key: str, default: Any) -> Any:
    return field(default=default, metadata={"key": key})


@dataclass(frozen=True, slots=True, kw_only=True)
class GuildConfig:
    """
    The settings of a server; the defaults are safe, and nothing is drawn before a channel is picked.

    Limits count pictures or Anlas for each member by day; None is no limit, 0 is none at all. *cooldown* is
    seconds. *unchecked* records that an admin accepted pictures that no classifier looks at.
    """

    channels: tuple[int, ...] = _setting("channels", ())
    age_restricted: bool = _setting("age_restricted", False)
    pictures_day: int | None = _limit("pictures_day", 25, 1_000)
    anlas_day: int | None = _limit("anlas_day", 0, 100_000)
    cooldown: int = _number("cooldown", 3, 0, 3_600)
    running: int = _number("running", 1, 1, 20)
    waiting: int = _number("waiting", 3, 1, 20)
    never_spend: bool = _setting("never_spend", True)
    spoiler: bool = _setting("spoiler", False)
    show_prompts: bool = _setting("show_prompts", True)
    private: bool = _setting("private", True)
    nudge: bool = _setting("nudge", True)
    model: Model = _setting("model", HOME_MODEL)
    size: Size = _setting("size", SIZES["portrait"])
    log_channel: int | None = _setting("log_channel", None)
    unchecked: bool = _setting("unchecked", False)

    def __post_init__(self) -> None:
        for setting in fields(self):
            value = getattr(self, setting.name)
            if "low" in setting.metadata and value is not None:
                check_range(setting.name, value, setting.metadata["low"], setting.metadata["high"])


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseConfig:
    """
    The operator's level, above all servers.

    *guilds* are admitted from the start; *direct* allows pictures in direct messages and user installs;
    *never_spend* and the budgets cannot be lifted from Discord. Budgets are by day, None is no limit.
    """

    guilds: frozenset[int] = frozenset()
    direct: bool = False
    operators: frozenset[int] = frozenset()
    never_spend: bool = True
    anlas_day: int | None = None
    pictures_day: int | None = None
    member_pictures_day: int | None = None
    retention_days: int = 30


DIRECT_CONFIG = GuildConfig()
"""What holds in direct messages and user installs, where no admin sets anything up."""
