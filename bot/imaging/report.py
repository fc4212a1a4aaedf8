"""`naibot inspect`: an object for each file, and the words for a person at a terminal."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bot import wording
from bot.domain.claims import Claim, Inspection, Signature, headline, model_of, shown_claim, to_json
from bot.domain.errors import Mistake, NaibotError
from bot.imaging.header import BYTES_MAX
from bot.imaging.inspection import inspect_image
from bot.imaging.signature import NOVELAI, STANDIN

Answer = Inspection | NaibotError


def report(paths: Iterable[str], *, trusts_standin: bool, as_json: bool) -> bool:
    """Print what each file says of itself; gives whether every one could be read."""
    is_readable = True
    for path, answer in _answers(paths, {**NOVELAI, **STANDIN} if trusts_standin else NOVELAI):
        is_readable &= isinstance(answer, Inspection)
        print(json.dumps(_object(path, answer), allow_nan=False) if as_json else readable(path, answer), flush=True)
    return is_readable


def inspect_files(paths: Iterable[str], *, trusted: Mapping[str, bytes]) -> Iterator[dict[str, Any]]:
    """An object for each file, as ``--json`` prints it."""
    for path, answer in _answers(paths, trusted):
        yield _object(path, answer)


def _answers(paths: Iterable[str], trusted: Mapping[str, bytes]) -> Iterator[tuple[str, Answer]]:
    for path in paths:
        try:
            yield path, inspect_image(_read(path), trusted=trusted)
        except NaibotError as error:
            yield path, error


def _read(path: str) -> bytes:
    """At most a byte more than is taken. Raises `Mistake` ``file.unreadable``."""
    try:
        with Path(path).open("rb") as file:
            return file.read(BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        raise Mistake("file.unreadable") from error


def _object(path: str, answer: Answer) -> dict[str, Any]:
    if isinstance(answer, Inspection):
        return {"file": path, **to_json(answer)}
    return {"file": path, "error": {"code": answer.code, "message": wording.explain(answer.code, answer.data)}}


def readable(path: str, answer: Answer) -> str:
    """The verdict, the notes and what was found, each on lines that no text of a file can make longer or forge."""
    if not isinstance(answer, Inspection):
        return f"{_line(path, 200)}\n  {wording.VERDICT_ERROR}. {wording.explain(answer.code, answer.data)}"
    return "\n  ".join([_line(path, 200), *_lines(answer)])


def _lines(found: Inspection) -> Iterator[str]:
    shown = shown_claim(found)
    yield wording.say(f"verdict.{headline(found)}", generator=_line(shown.generator, 60) if shown else "")
    added, is_signed = (len(shown.added), shown.signature is Signature.VALID) if shown else (0, False)
    for note in found.notes:
        yield wording.inspection_note(note.value, added=added, is_signed=is_signed)
    if shown is not None:
        yield from _claim_lines(shown)


def _claim_lines(shown: Claim) -> Iterator[str]:
    yield _line(model_of(shown) or shown.generator, 100)
    for label, text in ((wording.SHELL_PROMPT, shown.prompt), (wording.SHELL_UNDESIRED, shown.undesired_content)):
        if text:
            yield f"{label}: {_line(text, 500)}"
    for n, character in enumerate(shown.characters, 1):
        place = wording.place(character.x, character.y)
        yield f"{wording.say('shell.character', n=n, place=place)}: {_line(character.prompt, 300)}"
    settings = [f"{_line(name, 40)} {_line(value, 60)}" for name, value in shown.settings.items() if value is not None]
    if settings:
        yield wording.listed(settings)


def _line(text: object, limit: int) -> str:
    return " ".join(wording.cut(str(text), limit).split())
