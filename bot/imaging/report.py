"""`naibot inspect`: an object for each file, and the words for a person at a terminal."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bot import wording
from bot.domain.claims import to_json
from bot.domain.errors import Mistake, NaibotError
from bot.imaging.header import BYTES_MAX
from bot.imaging.inspection import inspect_image
from bot.imaging.signature import NOVELAI, STANDIN


def report(paths: Iterable[str], *, trusts_standin: bool, as_json: bool) -> bool:
    """Print what each file says of itself; gives whether every one could be read."""
    is_readable = True
    for answer in inspect_files(paths, trusted={**NOVELAI, **STANDIN} if trusts_standin else NOVELAI):
        is_readable &= "error" not in answer
        print(json.dumps(answer, allow_nan=False) if as_json else readable(answer), flush=True)
    return is_readable


def inspect_files(paths: Iterable[str], *, trusted: Mapping[str, bytes]) -> Iterator[dict[str, Any]]:
    """An object for each file, as ``--json`` prints it."""
    for path in paths:
        try:
            inspection = inspect_image(_read(path), trusted=trusted)
        except NaibotError as error:
            yield {"file": path, "error": {"code": error.code, "message": wording.explain(error.code, error.data)}}
        else:
            yield {"file": path, **to_json(inspection)}


def _read(path: str) -> bytes:
    """At most a byte more than is taken. Raises `Mistake` ``file.unreadable``."""
    try:
        with Path(path).open("rb") as file:
            return file.read(BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        raise Mistake("file.unreadable") from error


def readable(answer: Mapping[str, Any]) -> str:
    """The verdict, what was found, and the notes, each on lines that no text of a file can make longer or forge."""
    lines = [_line(answer["file"], 200)]
    if "error" in answer:
        return "\n".join([*lines, f"  {wording.VERDICT_ERROR}. {answer['error']['message']}"])
    claims = answer["claims"]
    shown = next((claim for claim in claims if claim["signature"] == "valid"), claims[0] if claims else None)
    lines.append(f"  {_headline(answer, shown)}")
    lines += [f"  {wording.say(f'note.{note}', n=len(shown['added']) if shown else 0)}" for note in answer["notes"]]
    if shown is not None:
        lines += [f"  {line}" for line in _claim_lines(shown)]
    return "\n".join(lines)


def _headline(answer: Mapping[str, Any], shown: Mapping[str, Any] | None) -> str:
    is_other = shown is not None and answer["verdict"] == "unsigned" and shown["generator"] != "NovelAI"
    key = f"verdict.{answer['verdict']}"
    if shown is not None and shown["signer"] == "standin":
        key = "verdict.signed_standin"
    elif is_other and shown is not None:
        return wording.say("verdict.other", generator=_line(shown["generator"], 60))
    return wording.say(key)


def _claim_lines(shown: Mapping[str, Any]) -> Iterator[str]:
    yield _line(shown["model"] or shown["generator"], 100)
    for name in ("prompt", "undesired_content"):
        if shown[name]:
            yield f"{wording.SHELL_CLAIM[name]}: {_line(shown[name], 500)}"
    for n, character in enumerate(shown["characters"], 1):
        place = wording.place(character["x"], character["y"])
        yield f"{wording.say('shell.character', n=n, place=place)}: {_line(character['prompt'], 300)}"
    settings = [
        f"{_line(name, 40)} {_line(value, 60)}" for name, value in shown["settings"].items() if value is not None
    ]
    if settings:
        yield wording.listed(settings)


def _line(text: object, limit: int) -> str:
    return " ".join(wording.cut(str(text), limit).split())
