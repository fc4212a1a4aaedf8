"""Says lines to a practice room, waits until each is answered, and keeps what came out."""

import asyncio
import io
import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from bot import wording
from bot.standin.say.grammar import (
    Names,
    Unsendable,
    Upload,
    named,
    parse_command,
    split_post,
    split_values,
    split_verb,
)

OK, BUG, UNSENDABLE, TIMEOUT = 0, 1, 2, 3
NAME_MAX = 100
CONNECTING = 30.0
POLL = 0.05
WRITING = 1.5
"""Seconds in which a message says that it waits for somebody's decision."""
APPEARING = 3.0
"""Seconds in which a button appears that nobody's own line brings."""
NOBODY = "0"
"""Stands for what no interaction made."""
NOTICED = 1.5
"""Seconds within which the bot looks at what somebody posted or reacted to, if it does."""
FILE_MAX = 26 * 1024 * 1024
_UNSEEN: Mapping[str, Any] = {"handlers": 0, "begun": 0, "error": None, "jobs": []}
_WORKING = ("QUEUED", "RUNNING", "SENT")
_UNDECIDED = ("PROPOSED", "HELD")
_OPEN_FORM = 9
_BUTTON, _TEXT, _FILE = 2, 10, 13
_DECORATION = re.compile(r"^[^\w#@]+|\s*·.*$|\s+\d[\d,]* Anlas$|…$")

_UNSAFE = re.compile(r"[^\w.()-]")

Json = dict[str, Any]


class NotAnswered(Exception):
    """The line's time is up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What is said, by whom and where."""

    text: str
    person: str = "member"
    place: str = "studio"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one line made or changed; *error* is the code of an internal error."""

    entries: list[Json] = field(default_factory=list)
    error: str | None = None


async def run(
    lines: Sequence[Line],
    *,
    address: str,
    out: Path | None,
    patience: float,
    echo: Callable[[str], None],
) -> int:
    """Say *lines* in order; exit code 0, 1 (internal error), 2 (unsendable) or 3 (not answered in time)."""
    code = OK
    async with Driver(address, out=out, patience=patience, echo=echo) as driver:
        for line in lines:
            try:
                answer = await driver.say(line)
            except Unsendable as error:
                print(f"{line.text}: {error}", file=sys.stderr)
                return UNSENDABLE
            except (NotAnswered, TimeoutError):
                print(f"{line.text}: not answered within {patience:g} s", file=sys.stderr)
                return TIMEOUT
            except aiohttp.ClientError as error:
                print(f"{line.text}: no practice room answers at {address} ({error})", file=sys.stderr)
                return UNSENDABLE
            if answer.error is not None:
                print(f"{line.text}: internal error {answer.error}", file=sys.stderr)
                code = BUG
    return code


class Driver:
    """One conversation with a practice room, in this process or another."""

    def __init__(
        self,
        address: str,
        *,
        out: Path | None,
        patience: float,
        echo: Callable[[str], None],
    ) -> None:
        self._address = address if address.endswith("/") else f"{address}/"
        self._out = out
        self._patience = patience
        self._echo = echo
        self._web = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60), trust_env=False)
        self._said = 0
        self._forms: dict[str, tuple[str, Json]] = {}
        self._taken: set[str] = set()

    async def __aenter__(self) -> Self:
        if self._out is not None:
            await asyncio.to_thread(_clear, self._out)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._web.close()

    async def say(self, line: Line) -> Answer:
        """Say one line and wait for its answer. Raises `Unsendable` or `NotAnswered`."""
        self._said += 1
        self._echo(f"\n{_who(line)} › {line.text}")
        world = await self._connected(line)
        began, deadline = time.monotonic(), time.monotonic() + self._patience
        wish = await self._wish(line, world)
        wish |= {"as": line.person, "in": line.place}
        if wish["kind"] in ("post", "react"):
            form, inside, interaction = None, await self._do(wish, deadline), NOBODY
        else:
            interaction = await self._act(wish, deadline)
            if wish["kind"] == "fill":
                self._forms.pop(line.person, None)
            form, inside = await self._wait(interaction, deadline)
        elapsed = round((time.monotonic() - began) * 1000)
        jobs = ",".join(str(job["id"]) for job in inside["jobs"])
        changes = await self._get(
            "messages", **_where(line), since=str(world["revision"]), interaction=interaction, jobs=jobs
        )
        made = [each for each in reversed(changes["messages"]) if interaction != NOBODY or _is_near(each, line)]
        entries = [await self._entry(line, change, elapsed) for change in made]
        if form is not None:
            self._forms[line.person] = (interaction, form)
            entries.append(self._base(line, elapsed) | {"form": _form_json(form)})
        for entry in entries:
            self._echo(_named(_readable(entry), world))
        await self._keep(entries)
        return Answer(entries=entries, error=inside["error"])

    # --- the room ----------------------------------------------------------------------------------------------------

    async def _get(self, path: str, **query: str) -> Json:
        async with self._web.get(self._address + path, params=query) as response:
            if response.status != 200:
                raise Unsendable((await response.text())[:200])
            answer: Json = await response.json()
            return answer

    async def _connected(self, line: Line) -> Json:
        """The world, once the bot is connected and its commands are there."""
        deadline = time.monotonic() + CONNECTING
        while time.monotonic() < deadline:
            world = await self._get("world", **_where(line))
            if world["connected"]:
                return world
            await asyncio.sleep(POLL)
        raise NotAnswered

    async def _act(self, wish: Json, deadline: float) -> str:
        """The id of the interaction, or of the message that was posted or reacted to."""
        while time.monotonic() < deadline:
            async with self._web.post(self._address + "act", json=wish) as response:
                answer = await response.json()
            if response.status == 200:
                return str(answer.get("interaction") or answer["message"])
            if response.status != 503:
                raise Unsendable(answer.get("error", wording.SAY_IMPOSSIBLE))
            await asyncio.sleep(POLL)
        raise NotAnswered

    async def _do(self, wish: Json, deadline: float) -> Json:
        """Post or react, which nobody has to answer, and wait until the bot is through with it, if it looks at all."""
        known = (await self._get("backstage"))["interactions"].get(str(wish.get("message")), _UNSEEN)
        message = await self._act(wish, deadline)
        noticed = time.monotonic() + NOTICED
        while time.monotonic() < deadline:
            inside: Json = (await self._get("backstage"))["interactions"].get(message, _UNSEEN)
            is_noticed = inside.get("begun", 0) > known.get("begun", 0)
            if (is_noticed and not inside["handlers"]) or (not is_noticed and time.monotonic() > noticed):
                return inside
            await asyncio.sleep(POLL)
        raise NotAnswered

    async def _wait(self, interaction: str, deadline: float) -> tuple[Json | None, Json]:
        """Until it was acknowledged, no handler of it runs, and its jobs are delivered; the form, and what it did."""
        written = 0.0
        while time.monotonic() < deadline:
            state = await self._get(f"interactions/{interaction}")
            inside = (await self._get("backstage"))["interactions"].get(interaction)
            jobs = inside["jobs"] if inside is not None else []
            if not written and any(job["state"] in _UNDECIDED for job in jobs):
                now = time.monotonic()
                written = now + min(WRITING, (deadline - now) / 2)
            is_written = time.monotonic() >= written
            if inside is not None and inside["handlers"] == 0 and is_written and all(map(_is_over, jobs)):
                if state["acknowledged"] is not None:
                    return state["form"] if state["acknowledged"] == _OPEN_FORM else None, inside
                if state["lapsed"]:
                    return None, inside | {"error": inside["error"] or "the application did not respond"}
            await asyncio.sleep(POLL)
        raise NotAnswered

    # --- what is meant -----------------------------------------------------------------------------------------------

    async def _wish(self, line: Line, world: Json) -> Json:
        verb, rest = split_verb(line.text)
        names = Names(
            people={person["name"].casefold(): person["id"] for person in world["people"].values()},
            channels=_channels(world["places"], line.place),
            roles={name.casefold(): id_ for name, id_ in world["roles"].items()},
        )
        match verb:
            case "slash":
                command = parse_command(rest, world["commands"], names)
                options = [await self._uploaded(option) for option in command.options]
                return {"kind": "slash", "name": command.name, "options": options}
            case "menu":
                return await self._menu(line, rest, names)
            case "post":
                text, path = split_post(rest)
                return {"kind": "post", "text": text, "files": [await self._upload(path)] if path else []}
            case "press":
                return await self._pressed(line, rest, names)
            case _:
                return await self._filled(line, rest, names)

    async def _uploaded(self, option: Json) -> Json:
        if "options" in option:
            return option | {"options": [await self._uploaded(each) for each in option["options"]]}
        if isinstance(option["value"], Upload):
            return option | {"value": await self._upload(option["value"].path)}
        return option

    async def _upload(self, path: str) -> str:
        try:
            data = await asyncio.to_thread(_read, Path(path))
        except OSError as error:
            raise Unsendable(wording.say("say.file", path=path)) from error
        url = self._address + "files"
        async with self._web.post(url, params={"name": Path(path).name}, data=io.BytesIO(data)) as response:
            answer = await response.json()
            if response.status != 200:
                raise Unsendable(answer.get("error", wording.SAY_IMPOSSIBLE))
            return str(answer["id"])

    async def _newest(self, line: Line) -> list[Json]:
        return [each["message"] for each in (await self._get("messages", **_where(line)))["messages"]]

    async def _newest_with_file(self, line: Line) -> str:
        for message in await self._newest(line):
            if message["attachments"]:
                return str(message["id"])
        raise Unsendable(wording.SAY_NO_FILE)

    async def _menu(self, line: Line, rest: str, names: Names) -> Json:
        """A menu of the newest message with a file, or of the person who is named behind it."""
        name, sign, person = rest.rpartition(" @")
        if sign:
            return {"kind": "menu", "name": name.strip(), "user": named(person, "@", names.people)}
        return {"kind": "menu", "name": rest, "message": await self._newest_with_file(line)}

    async def _pressed(self, line: Line, label: str, names: Names) -> Json:
        """A button that is there, or comes within a moment: cards and notices are nobody's answer."""
        until = time.monotonic() + min(APPEARING, self._patience)
        while (wish := await self._press(line, label, names)) is None:
            if time.monotonic() >= until:
                raise Unsendable(wording.say("say.no_button", label=repr(label)))
            await asyncio.sleep(POLL)
        return wish

    async def _press(self, line: Line, label: str, names: Names) -> Json | None:
        for message in await self._newest(line):
            if any(each["emoji"]["name"] == label for each in message.get("reactions", ())):
                return {"kind": "react", "message": message["id"], "emoji": label}
            for component in _walk(message["components"]):
                values = _chosen(component, label, names)
                if values is None:
                    continue
                wish: Json = {"kind": "press", "message": message["id"], "custom_id": component["custom_id"]}
                return wish | ({"values": values} if component["type"] != _BUTTON else {})
        return None

    async def _filled(self, line: Line, text: str, names: Names) -> Json:
        if line.person not in self._forms:
            raise Unsendable(wording.SAY_NO_FORM)
        interaction, form = self._forms[line.person]
        fields = {label: part for label, part in _form_fields(form)}
        values: Json = {}
        for label, value in split_values(text, fields).items():
            part = fields[label]
            values[part["custom_id"]] = await self._field_value(part, value, names)
        for label, part in fields.items():
            if part["custom_id"] not in values and _is_lacking(part):
                raise Unsendable(wording.say("say.missing", names=label))
        return {"kind": "fill", "interaction": interaction, "values": values}

    async def _field_value(self, part: Json, value: str, names: Names) -> object:
        if part["type"] == 19:
            return [await self._upload(value.removeprefix("@"))]
        if part["type"] == 4:
            if not (part.get("min_length") or 0) <= len(value) <= (part.get("max_length") or 4_000):
                raise Unsendable(wording.SAY_FIELD)
            return value
        if part["type"] == 23:
            return value.casefold() in ("true", "yes", "on")
        if (sign := _sign_of(part["type"])) is not None:
            return [named(value, sign, _known(part["type"], names))]
        options = part.get("options") or []
        found = next((o["value"] for o in options if value.casefold() in (o["label"].casefold(), o["value"])), None)
        if found is None:
            raise Unsendable(wording.say("say.not_offered", value=value))
        return found if part["type"] == 21 else [found]

    # --- what came out -----------------------------------------------------------------------------------------------

    def _base(self, line: Line, elapsed: int) -> Json:
        return {
            "line": self._said,
            "command": line.text,
            "as": line.person,
            "in": line.place,
            "ephemeral": False,
            "content": "",
            "components": [],
            "attachments": [],
            "ms": elapsed,
        }

    async def _entry(self, line: Line, change: Json, elapsed: int) -> Json:
        message = change["message"]
        entry = self._base(line, elapsed) | {
            "in": change["place"],
            "ephemeral": change["ephemeral"],
            "content": _text_of(message),
            "components": message["components"],
        }
        if message.get("reactions"):
            entry["reactions"] = [each["emoji"]["name"] for each in message["reactions"]]
        if change["deleted"]:
            return entry | {"deleted": True}
        entry["attachments"] = [await self._download(file) for file in message["files"]]
        return entry

    async def _download(self, file: Json) -> str:
        """The file's name in the folder; its bytes are written there as they were delivered."""
        name = self._free_name(f"{self._said:02d}-", _UNSAFE.sub("_", file["filename"])[-NAME_MAX:])
        if self._out is None:
            return name
        async with self._web.get(file["url"]) as response:
            response.raise_for_status()
            data = await response.read()
        await asyncio.to_thread((self._out / name).write_bytes, data)
        return name

    def _free_name(self, prefix: str, name: str) -> str:
        """Two messages of one line may carry files of the same name: the second one gets a number."""
        stem, dot, ending = name.rpartition(".") if "." in name else (name, "", "")
        free, n = f"{prefix}{name}", 2
        while free in self._taken:
            free, n = f"{prefix}{stem}-{n}{dot}{ending}", n + 1
        self._taken.add(free)
        return free

    async def _keep(self, entries: list[Json]) -> None:
        if self._out is not None:
            lines = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)
            await asyncio.to_thread(_append, self._out / "transcript.jsonl", lines)


_MENTION = re.compile(r"<(@&|@|#)(\d{1,20})>|</([^:>]{1,100}):\d{1,20}>|<t:(\d{1,12}):(\w)>")
_UNITS = ((86_400, "days"), (3_600, "h"), (60, "min"), (1, "s"))


def _named(text: str, world: Json) -> str:
    """*text* as a client shows it: names for ids, and times as they stand now."""
    people = {person["id"]: person["name"] for person in world["people"].values()}
    roles = {id_: name for name, id_ in world["roles"].items()}
    places = {id_: name for name, id_ in world["places"].items()}

    def name(match: re.Match[str]) -> str:
        kind, id_, command, moment, style = match.groups()
        if command:
            return f"/{command}"
        if moment:
            return _moment(int(moment), style)
        known = {"@": people, "@&": roles, "#": places}[kind]
        return f"{kind[0]}{known[id_].rpartition('/')[2]}" if id_ in known else match[0]

    return _MENTION.sub(name, text)


def _moment(at: int, style: str) -> str:
    if style != "R":
        return time.strftime("%H:%M" if style == "t" else "%d %b %Y %H:%M", time.localtime(at))
    seconds = at - round(time.time())
    size = next((f"{abs(seconds) // unit} {name}" for unit, name in _UNITS if abs(seconds) >= unit), "0 s")
    return f"in {size}" if seconds >= 0 else f"{size} ago"


def _who(line: Line) -> str:
    return f"{line.person} in {line.place}"


def _channels(places: Mapping[str, str], here: str) -> dict[str, str]:
    """Channels by name; those of the server one is in also by their name alone."""
    server = f"{here.rpartition('/')[0]}/".casefold() if "/" in here else ""
    every = {name.casefold(): id_ for name, id_ in places.items()}
    own = {name.removeprefix(server): id_ for name, id_ in every.items() if name.startswith(server)}
    return {**every, **own}


def _where(line: Line) -> dict[str, str]:
    return {"as": line.person, "in": line.place}


def _is_near(change: Json, line: Line) -> bool:
    """Whether it happened where the line was said, or in its person's direct messages."""
    return change["place"] in (line.place, "dm")


def _is_over(job: Json) -> bool:
    return job["state"] in _UNDECIDED or (job["state"] not in _WORKING and job["delivery"] != "PENDING")


def _clear(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "transcript.jsonl").write_text("")


def _append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(FILE_MAX)


def _walk(components: Sequence[Json] | None) -> Iterator[Json]:
    for component in components or []:
        yield component
        yield from _walk(component.get("components"))
        for one in ("accessory", "component"):
            if component.get(one):
                yield from _walk([component[one]])


def _bare(label: str) -> str:
    """A label without emoji, price and ellipsis, as people say it."""
    bare = label.strip()
    while (shorter := _DECORATION.sub("", bare).strip()) != bare and shorter:
        bare = shorter
    return bare.casefold()


def _chosen(component: Json, label: str, names: Names) -> list[str] | None:
    """What pressing *label* means on this component: no values for a button, the entry for a select, else None."""
    kind = component["type"]
    if not component.get("custom_id") or component.get("disabled"):
        return None
    if kind == _BUTTON:
        return [] if _bare(label) == _bare(component.get("label") or "") else None
    if kind == 3:
        options = component.get("options") or []
        found = [option["value"] for option in options if _bare(option["label"]) == _bare(label)]
        return found or None
    sign = _sign_of(kind)
    if sign is None or not label.startswith(sign):
        return None
    return [named(label, sign, _known(kind, names))]


def _sign_of(kind: int) -> str | None:
    """How one names an entry of a select of people, roles or channels."""
    return {5: "@", 6: "@", 7: "@", 8: "#"}.get(kind)


def _known(kind: int, names: Names) -> Mapping[str, str]:
    return {5: names.people, 6: names.roles, 7: names.mentionable, 8: names.channels}[kind]


def _is_lacking(part: Json) -> bool:
    """Whether a field that must be filled holds nothing."""
    is_set = part.get("value") or part.get("default_values") or any(o.get("default") for o in part.get("options") or [])
    is_needed = part.get("required", True) and part.get("min_values") != 0 and part["type"] != 23
    return bool(is_needed) and not is_set


def _form_fields(form: Json) -> Iterator[tuple[str, Json]]:
    for part in form["components"]:
        field_ = part.get("component") or (part.get("components") or [None])[0]
        if field_ is not None:
            yield str(part.get("label") or field_.get("label")), field_


def _held_by(part: Json) -> object:
    """What a field shows when its form opens: a text, or the entry that is chosen."""
    chosen = [option["label"] for option in part.get("options") or [] if option.get("default")]
    return part["value"] if part.get("value") is not None else ", ".join(chosen) or None


def _hints(form: Json) -> list[str | None]:
    """What stands below each label."""
    return [part.get("description") for part in form["components"] if part.get("component") or part.get("components")]


def _form_json(form: Json) -> Json:
    fields = [
        {"label": label, "value": _held_by(part), "required": part.get("required", True), "hint": hint}
        for (label, part), hint in zip(_form_fields(form), _hints(form), strict=False)
    ]
    return {"title": form["title"], "fields": fields}


def _text_of(message: Mapping[str, Any]) -> str:
    """A plain message's content; a card's texts joined."""
    texts = [part["content"] for part in _walk(message["components"]) if part["type"] == _TEXT]
    return "\n".join([message["content"], *texts]).strip("\n")


def _readable(entry: Json) -> str:
    if "form" in entry:
        return f"  [form] {entry['form']['title']}: {', '.join(each['label'] for each in entry['form']['fields'])}"
    seen = f"only {entry['as']}" if entry["ephemeral"] else "everyone"
    if entry.get("deleted"):
        return f"  ({seen}) deleted"
    lines = [f"  ({seen}) {line}" for line in entry["content"].splitlines() or [""]]
    lines += [f"  · {name}" for name in entry["attachments"]]
    labels = [part.get("label") for part in _walk(entry["components"]) if part["type"] == _BUTTON]
    if labels:
        lines.append("  " + " ".join(f"[{label}]" for label in labels))
    if "reactions" in entry:
        lines.append("  " + " ".join(entry["reactions"]))
    return "\n".join(lines)
