"""How one server is set up: every setting with its key, kind, bounds and default; who is kept from using the bot."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from bot.domain.allowance import Caps
from bot.domain.calendar import zone_named
from bot.domain.errors import Mistake
from bot.domain.features import model_called
from bot.domain.model import HOME_MODEL, Model
from bot.domain.request import SIZES, Size, parse_size
from bot.domain.shards import Shards

CHANNELS_MAX = 25
"""Channels; a select of Discord's chooses no more."""
WORDS_MAX = 500
WORD_LENGTH = 100
REASON_LENGTH = 300


class Spoiler(StrEnum):
    """Where pictures are hidden behind a spoiler unless the one who asks says otherwise."""

    OFF = "off"
    AGE_RESTRICTED = "age_restricted"
    ALWAYS = "always"


class Kind(StrEnum):
    """What a setting holds, and so how it is changed: a toggle, a form, or a select."""

    SWITCH = "switch"
    NUMBER = "number"
    LIMIT = "limit"
    CHANNEL = "channel"
    CHANNELS = "channels"
    ROLE = "role"
    SPOILER = "spoiler"
    SIZE = "size"
    MODEL = "model"
    ZONE = "zone"


class Group(StrEnum):
    """The settings as `/config` groups them."""

    PLACES = "places"
    LIMITS = "limits"
    MONEY = "money"
    SAFETY = "safety"
    PEOPLE = "people"
    LOG = "log"
    LOOK = "look"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """
    One setting as a person meets it; its label and help are in `bot.wording` under its key.

    *low* and *high* bound a number. *danger* is the value that is asked about once more before it holds. *reads* says
    that it needs messages to be read, and so is there only where the operator allows that.
    """

    key: str
    kind: Kind
    group: Group
    low: int = 0
    high: int = 0
    danger: object = None
    reads: bool = False


def _setting(
    kind: Kind, group: Group, default: Any, *, low: int = 0, high: int = 0, danger: object = None, reads: bool = False
) -> Any:
    about = {"kind": kind, "group": group, "low": low, "high": high, "danger": danger, "reads": reads}
    return field(default=default, metadata=about)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuildConfig:
    """
    The settings of a server; the defaults are safe, and nothing is drawn before a channel is picked.

    Limits count pictures or Anlas for each member by day or week of *time_zone*; None is no limit, 0 is none at all.
    Past *quick_day* a member's pictures are drawn later, in the relaxed lane. *budget_day* is what all members
    together may spend in Anlas. *cooldown* is seconds. *age_restricted* allows age-restricted pictures in
    age-restricted channels. *unchecked* records that an admin accepted pictures that no classifier looks at. Cases are
    shown in *review_channel*, pinging *ping_role*, and end by themselves after *case_days*. In the channels of
    *approval*, and wherever they have the *approval_role*, members suggest and moderators say yes. After *report_limit*
    reports a picture is hidden until a moderator looked. In the channels of *auto_inspect* images that people post are
    looked at unasked. What has no metadata is not for `/config` yet.
    """

    channels: tuple[int, ...] = _setting(Kind.CHANNELS, Group.PLACES, ())
    age_restricted: bool = _setting(Kind.SWITCH, Group.PLACES, False, danger=True)
    pictures_day: int | None = _setting(Kind.LIMIT, Group.LIMITS, 25, high=1_000)
    pictures_week: int | None = _setting(Kind.LIMIT, Group.LIMITS, None, high=7_000)
    quick_day: int | None = _setting(Kind.LIMIT, Group.LIMITS, None, high=1_000)
    anlas_day: int | None = _setting(Kind.LIMIT, Group.MONEY, 0, high=100_000)
    anlas_week: int | None = _setting(Kind.LIMIT, Group.MONEY, None, high=700_000)
    budget_day: int | None = _setting(Kind.LIMIT, Group.MONEY, None, high=10_000_000)
    cooldown: int = _setting(Kind.NUMBER, Group.LIMITS, 3, high=3_600)
    running: int = _setting(Kind.NUMBER, Group.LIMITS, 1, low=1, high=20)
    waiting: int = _setting(Kind.NUMBER, Group.LIMITS, 3, low=1, high=20)
    time_zone: str = _setting(Kind.ZONE, Group.LIMITS, "UTC")
    never_spend: bool = _setting(Kind.SWITCH, Group.MONEY, True, danger=False)
    spoiler: Spoiler = _setting(Kind.SPOILER, Group.SAFETY, Spoiler.OFF)
    show_prompts: bool = _setting(Kind.SWITCH, Group.LOOK, True)
    private: bool = _setting(Kind.SWITCH, Group.SAFETY, True)
    nudge: bool = _setting(Kind.SWITCH, Group.LOOK, True)
    model: Model = _setting(Kind.MODEL, Group.LOOK, HOME_MODEL)
    size: Size = _setting(Kind.SIZE, Group.LOOK, SIZES["portrait"])
    moderator_role: int | None = _setting(Kind.ROLE, Group.PEOPLE, None)
    log_channel: int | None = _setting(Kind.CHANNEL, Group.LOG, None)
    review_channel: int | None = _setting(Kind.CHANNEL, Group.LOG, None)
    ping_role: int | None = _setting(Kind.ROLE, Group.LOG, None)
    case_days: int = _setting(Kind.NUMBER, Group.LOG, 3, low=1, high=30)
    approval: tuple[int, ...] = _setting(Kind.CHANNELS, Group.PEOPLE, ())
    approval_role: int | None = _setting(Kind.ROLE, Group.PEOPLE, None)
    report_limit: int = _setting(Kind.NUMBER, Group.SAFETY, 3, low=1, high=100)
    unchecked: bool = _setting(Kind.SWITCH, Group.SAFETY, False, danger=True)
    auto_inspect: tuple[int, ...] = _setting(Kind.CHANNELS, Group.LOOK, (), reads=True)

    def __post_init__(self) -> None:
        for setting in fields(self):
            value = getattr(self, setting.name)
            if setting.metadata.get("kind") in (Kind.NUMBER, Kind.LIMIT) and value is not None:
                _check(setting.name, value, setting.metadata["low"], setting.metadata["high"])
        for key in ("channels", "auto_inspect"):
            _check(key, len(getattr(self, key)), 0, CHANNELS_MAX)

    def is_set_up(self, house: "HouseConfig") -> bool:
        """Whether it is open: a channel is picked, and pictures are checked or an admin accepted that they are not."""
        return bool(self.channels) and (house.checked or self.unchecked)

    def hides(self, *, age_restricted: bool) -> bool:
        """Whether a picture is hidden behind a spoiler here unless somebody says otherwise."""
        return self.spoiler is Spoiler.ALWAYS or (self.spoiler is Spoiler.AGE_RESTRICTED and age_restricted)

    def with_setting(self, key: str, value: object) -> "GuildConfig":
        """The same with one setting changed. Raises `Mistake` where the value is out of bounds."""
        changes: dict[str, Any] = {key: value}
        return replace(self, **changes)


SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        each.name: Setting(key=each.name, **each.metadata)
        for each in sorted(
            (f for f in fields(GuildConfig) if f.metadata), key=lambda f: list(Group).index(f.metadata["group"])
        )
    }
)
"""Every setting there is, in the order of its groups."""


def settings_of(house: "HouseConfig") -> Mapping[str, Setting]:
    """The settings that `/config` offers: those that need messages to be read only where they are."""
    return {key: setting for key, setting in SETTINGS.items() if house.message_content or not setting.reads}


def plain_value(value: object) -> object:
    """A setting's value as JSON has it: what is kept of a change."""
    match value:
        case Size(width=width, height=height):
            return {"width": width, "height": height}
        case tuple():
            return list(value)
        case StrEnum():
            return value.value
        case _:
            return value


_ON, _OFF = ("on", "true", "yes"), ("off", "false", "no")
_NO_LIMIT = ("none", "no limit", "∞")


def parse_value(setting: Setting, text: str) -> Any:
    """
    Read a setting's value as people write it; ids of channels and roles stand as digits with blanks between.

    Raises `Mistake`: ``setting.switch``, ``setting.number``, ``setting.choice``, ``setting.zone`` or a size's.
    """
    words = " ".join(text.casefold().split())
    match setting.kind:
        case Kind.SWITCH:
            return _switch(words)
        case Kind.NUMBER:
            return _whole(setting, words)
        case Kind.LIMIT:
            return None if words in _NO_LIMIT else _whole(setting, words)
        case Kind.CHANNELS:
            return _ids(words)
        case Kind.CHANNEL | Kind.ROLE:
            return next(iter(_ids(words)), None)
        case Kind.SPOILER:
            return _spoiler(words)
        case Kind.SIZE:
            return parse_size(text)
        case Kind.MODEL:
            return _model(words)
        case Kind.ZONE:
            return zone_named(text)


def _switch(words: str) -> bool:
    if words not in (*_ON, *_OFF):
        raise Mistake("setting.switch")
    return words in _ON


def _whole(setting: Setting, words: str) -> int:
    is_number = words.isascii() and words.isdecimal() and len(words) <= 9
    _check(setting.key, int(words) if is_number else -1, setting.low, setting.high)
    return int(words)


def _check(key: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise Mistake("setting.number", setting=key, low=low, high=high)


def _spoiler(words: str) -> Spoiler:
    try:
        return Spoiler(words.replace("-", "_").removesuffix(" channels").replace(" ", "_"))
    except ValueError as error:
        raise Mistake("setting.choice", choices=tuple(each.value for each in Spoiler)) from error


def _model(words: str) -> Model:
    try:
        return model_called(words)
    except Mistake as error:
        raise Mistake("setting.choice", choices=error.data["choices"]) from error


def _ids(words: str) -> tuple[int, ...]:
    found = dict.fromkeys(int(part) for part in words.split() if part.isascii() and part.isdecimal())
    return tuple(found)


def grouped(house: "HouseConfig") -> Iterable[tuple[Group, tuple[Setting, ...]]]:
    """The settings that are offered, by group."""
    for group in Group:
        yield group, tuple(setting for setting in settings_of(house).values() if setting.group is group)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """
    A member whom a moderator keeps from using the bot in one server; *until* is unix seconds, None for ever.

    *guild_id* is -1 where the operator keeps them out everywhere, *actor* 0 where the bot itself decided. *case_id* is
    the case in which that was decided, where there is one.
    """

    guild_id: int
    user_id: int
    until: float | None
    reason: str
    actor: int
    case_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseConfig:
    """
    The operator's level, above all servers.

    *guilds* are admitted from the start; *direct* allows pictures in direct messages and user installs;
    *never_spend* and the caps cannot be lifted from Discord. Caps are by day and week of UTC, None is no limit: the
    first four on all together, *guild* on each server, *member* on each person over all servers. *direct_day* and
    *direct_week* are a person's pictures in direct messages and user installs. *operators* run the bot (the
    application's owner or team where none are named); they are asked and told in *operator_channel*, or in
    *operator_guild*, else by direct message. A job that did not start within *late_hours* is taken back. *shards* are
    those of this process. *checked* says that a classifier looks at pictures. *message_content*: Discord gave the
    application the intent of that name, and it is used.
    """

    guilds: frozenset[int] = frozenset()
    direct: bool = False
    operators: frozenset[int] = frozenset()
    operator_guild: int | None = None
    operator_channel: int | None = None
    never_spend: bool = True
    anlas_day: int | None = None
    anlas_week: int | None = None
    pictures_day: int | None = None
    pictures_week: int | None = None
    guild: Caps = field(default_factory=Caps)
    member: Caps = field(default_factory=Caps)
    direct_day: int | None = 25
    direct_week: int | None = None
    retention_days: int = 30
    late_hours: int = 24
    message_content: bool = False
    shards: Shards = field(default_factory=Shards)
    checked: bool = False

    @property
    def caps(self) -> Caps:
        """What everybody together may use."""
        return Caps(
            pictures_day=self.pictures_day,
            pictures_week=self.pictures_week,
            anlas_day=self.anlas_day,
            anlas_week=self.anlas_week,
        )

    @property
    def late(self) -> float:
        """Seconds after which a job that was not made is taken back."""
        return self.late_hours * 3_600.0


DIRECT_CONFIG = GuildConfig()
"""What holds in direct messages and user installs, where no admin sets anything up."""
