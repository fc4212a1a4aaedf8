"""
The grammar of a line.

``/command [subcommand] option:value …`` · ``press LABEL`` · ``menu NAME [@PERSON]`` · ``fill LABEL:value …`` ·
``post TEXT`` and ``post [TEXT] image:@FILE``. An option starts at the beginning or after a blank, is the exact name of
an option of that command not used before, and its value follows the colon at once; the value runs to the next such
place and is trimmed. A value that must hold such a place as text is wrapped whole in double quotes, with ``\\"`` (and
``\\\\``) inside.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot import wording

SUBCOMMAND, GROUP, STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, FILE = range(1, 12)
TEXT, IMAGE = "text", "image"
_YES, _NO = ("true", "yes", "on"), ("false", "no", "off")
_WHOLE = re.compile(r"[+-]?\d{1,20}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(\d{1,20}(\.\d*)?|\.\d+)", re.ASCII)


class Unsendable(Exception):
    """No client could send this line; the text says why."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of this machine that goes into an option."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Whom and where one can name: people, channels and roles, in lower case, with their ids."""

    people: Mapping[str, str]
    channels: Mapping[str, str]
    roles: Mapping[str, str] = field(default_factory=dict)

    @property
    def mentionable(self) -> Mapping[str, str]:
        """People and roles; a person's name comes before a role's."""
        return {**self.roles, **self.people}


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A slash command as it is sent: *options* are Discord's own objects; an `Upload` stands for its file's id."""

    name: str
    options: list[dict[str, Any]]


def split_verb(line: str) -> tuple[str, str]:
    """``slash``, ``press``, ``menu``, ``fill`` or ``post``, and the rest of the line. Raises `Unsendable`."""
    text = line.strip()
    if text.startswith("/"):
        return "slash", text[1:]
    verb, _, rest = text.partition(" ")
    if verb in ("press", "menu", "fill", "post") and rest.strip():
        return verb, rest.strip()
    raise Unsendable(wording.SAY_VERB)


def parse_command(text: str, commands: Sequence[Mapping[str, Any]], names: Names) -> Command:
    """A slash command's line, without its slash. Raises `Unsendable`."""
    name, _, rest = text.strip().partition(" ")
    definition = next((c for c in commands if c["name"] == name and c.get("type", 1) == 1), None)
    if definition is None:
        raise Unsendable(wording.say("say.no_command", name=name))
    return Command(name=name, options=_options(definition.get("options") or [], rest.strip(), names))


def _options(options: Sequence[Mapping[str, Any]], text: str, names: Names) -> list[dict[str, Any]]:
    if options and options[0]["type"] in (SUBCOMMAND, GROUP):
        name, _, rest = text.partition(" ")
        inner = next((option for option in options if option["name"] == name), None)
        if inner is None:
            raise Unsendable(wording.say("say.subcommand", names=wording.listed(option["name"] for option in options)))
        return [
            {"name": name, "type": inner["type"], "options": _options(inner.get("options") or [], rest.strip(), names)}
        ]
    given = split_values(text, [option["name"] for option in options])
    missing = [option["name"] for option in options if option.get("required") and option["name"] not in given]
    if missing:
        raise Unsendable(wording.say("say.missing", names=wording.listed(missing)))
    by_name = {option["name"]: option for option in options}
    return [
        {"name": name, "type": by_name[name]["type"], "value": convert(by_name[name], value, names)}
        for name, value in given.items()
    ]


def split_post(text: str) -> tuple[str, str | None]:
    """What a message says, and the path of its file. Raises `Unsendable`."""
    line = text if _name_at(text, 0, [IMAGE]) else f"{TEXT}:{text}"
    found = split_values(line, [TEXT, IMAGE])
    return found.get(TEXT, ""), found[IMAGE].removeprefix("@") if IMAGE in found else None


def split_values(text: str, names: Iterable[str]) -> dict[str, str]:
    """*text* as values by name, each name used once. Raises `Unsendable` where it does not begin with a name."""
    unused = sorted(names, key=len, reverse=True)
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        name = _name_at(text, at, unused)
        if name is None:
            raise Unsendable(wording.say("say.option", text=repr(text[at : at + 40])))
        unused.remove(name)
        found[name], at = _value_at(text, at + len(name) + 1, unused)
    return found


def _name_at(text: str, at: int, unused: Sequence[str]) -> str | None:
    """The unused name that starts at *at*, at the beginning or behind a blank, its value following at once."""
    if at and not text[at - 1].isspace():
        return None
    for name in unused:
        end = at + len(name)
        if text.startswith(name + ":", at) and end + 1 < len(text) and not text[end + 1].isspace():
            return name
    return None


def _value_at(text: str, at: int, unused: Sequence[str]) -> tuple[str, int]:
    """The value that starts at *at*, and where the next name starts."""
    if text[at] == '"' and (quoted := _quoted_at(text, at, unused)) is not None:
        return quoted
    for end in range(at + 1, len(text)):
        if _name_at(text, end, unused) is not None:
            return text[at:end].strip(), end
    return text[at:].strip(), len(text)


_WRAPPED = re.compile(r'"((?:[^"\\]|\\.)*)"(\s*)', re.DOTALL)


def _quoted_at(text: str, at: int, unused: Sequence[str]) -> tuple[str, int] | None:
    """A value wrapped whole: behind its closing quote the line ends or another name starts."""
    wrapped = _WRAPPED.match(text, at)
    if wrapped is None:
        return None
    behind = wrapped.end()
    if behind < len(text) and (not wrapped[2] or _name_at(text, behind, unused) is None):
        return None
    return re.sub(r'\\(["\\])', r"\1", wrapped[1]), behind


def quote(value: str) -> str:
    """*value* wrapped, so that it is read back as it is."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def convert(option: Mapping[str, Any], value: str, names: Names) -> Any:
    """A typed text as the option's type. Raises `Unsendable` for what a client would not send."""
    if choices := option.get("choices"):
        return _choice(option["name"], choices, value)
    match option["type"]:
        case 3:
            return _length(option, value)
        case 4:
            return _number(option, value, _WHOLE, int)
        case 10:
            return _number(option, value, _DECIMAL, float)
        case 5:
            if value.casefold() not in (*_YES, *_NO):
                raise Unsendable(wording.say("say.switch", name=option["name"]))
            return value.casefold() in _YES
        case 6:
            return named(value, "@", names.people)
        case 7:
            return named(value, "#", names.channels)
        case 8:
            return named(value, "@", names.roles)
        case 9:
            return named(value, "@", names.mentionable)
        case 11:
            return Upload(value.removeprefix("@"))
        case _:
            raise Unsendable(wording.say("say.untyped", name=option["name"]))


def named(value: str, sign: str, known: Mapping[str, str]) -> str:
    """The id of somebody or some channel. Raises `Unsendable`."""
    found = known.get(value.removeprefix(sign).casefold())
    if found is None:
        raise Unsendable(wording.say("say.unknown", value=value, names=wording.listed(sign + name for name in known)))
    return found


def _choice(name: str, choices: Sequence[Mapping[str, Any]], value: str) -> Any:
    for choice in choices:
        if value.casefold() in (str(choice["name"]).casefold(), str(choice["value"]).casefold()):
            return choice["value"]
    raise Unsendable(wording.say("say.choice", name=name, names=wording.listed(str(each["name"]) for each in choices)))


def _length(option: Mapping[str, Any], value: str) -> str:
    low, high = option.get("min_length") or 0, option.get("max_length") or 6_000
    if not low <= len(value) <= high:
        raise Unsendable(wording.say("say.length", name=option["name"], low=low, high=high))
    return value


def _number(option: Mapping[str, Any], value: str, form: re.Pattern[str], kind: type[int] | type[float]) -> float:
    if not form.fullmatch(value):
        raise Unsendable(wording.say("say.number", name=option["name"]))
    number = kind(value)
    low, high = option.get("min_value"), option.get("max_value")
    if (low is not None and number < low) or (high is not None and number > high):
        raise Unsendable(wording.say("say.range", name=option["name"], low=low, high=high))
    return number
