"""
The text of AUTOMATIC1111's web UI and all that write like it: prompt, ``Negative prompt:``, a line of ``Steps: …``.

Read in one pass without regular expressions that look back: a line of 32,000 quotes took a peer 2 s (metadata.md D).
"""

import json
from collections.abc import Iterator

from bot.domain.claims import Scalar
from bot.imaging.generators.reading import SETTINGS_MAX, Fields, Reading, clean, name_of, prompt_of

NAMES = ("parameters", "UserComment", "comment", "description")
TEXT_MAX = 200_000
LINE_MAX = 20_000
VALUE_MAX = 500
_NEGATIVE, _STEPS = "Negative prompt:", "Steps: "
_PROOFS = ("Sampler: ", "Seed: ", "CFG scale: ", _NEGATIVE)
_DECODER = json.JSONDecoder()


def read_webui(fields: Fields) -> Reading | None:
    """A PNG's ``parameters`` are believed to be such a text; any other has to look like one."""
    text = fields.text(*NAMES)[:TEXT_MAX].replace("\r\n", "\n")
    if "parameters" in fields and text.strip() and not text.lstrip().startswith("{"):
        return reading_of(text)
    return reading_of(text) if looks_like_webui(text) else None


def looks_like_webui(text: str) -> bool:
    """A line of steps, and something else that only such texts hold."""
    return (text.startswith(_STEPS) or f"\n{_STEPS}" in text) and any(proof in text for proof in _PROOFS)


def reading_of(text: str) -> Reading:
    """The parts of such a text."""
    prompt, undesired, line = _parts(text)
    settings = dict(_pairs(line[:LINE_MAX]))
    model = settings.pop("Model", None)
    return Reading(
        generator=_generator(settings, text),
        model=name_of(model),
        prompt=prompt_of(prompt),
        undesired_content=prompt_of(undesired),
        settings=settings,
    )


def _parts(text: str) -> tuple[str, str, str]:
    """Prompt, negative prompt and the line of settings, which is the last that begins with steps."""
    at = 0 if text.startswith(_STEPS) else text.rfind(f"\n{_STEPS}") + 1
    has_settings = text.startswith(_STEPS, at)
    head, line = (text[:at], text[at:].partition("\n")[0]) if has_settings else (text, "")
    if head.startswith(_NEGATIVE):
        return "", head[len(_NEGATIVE) :], line
    prompt, _, undesired = head.partition(f"\n{_NEGATIVE}")
    return prompt, undesired, line


def _pairs(line: str) -> Iterator[tuple[str, Scalar]]:
    """``Name: value`` after ``Name: value``; a value with commas in it is quoted, or is JSON."""
    at = 0
    for _ in range(SETTINGS_MAX):
        name, colon, _rest = line[at : at + VALUE_MAX].partition(": ")
        if not colon:
            return
        start = at + len(name) + 2
        end = _end_of_value(line, start)
        # A comma in the name was the end of a value without a name.
        yield clean(name.rpartition(", ")[2].strip()), _value(line[start:end])
        at = end + 2


def _end_of_value(line: str, start: int) -> int:
    if line[start : start + 1] in ('"', "{", "["):
        try:
            return _DECODER.raw_decode(line, start)[1]
        except (ValueError, RecursionError):
            pass
    comma = line.find(", ", start)
    return comma if comma >= 0 else len(line)


def _value(text: str) -> Scalar:
    text = clean(text[:VALUE_MAX].strip().rstrip(","))
    if text.isascii() and text.isdigit() and len(text) < 20:
        return int(text)
    try:
        return float(text) if text.isascii() and len(text) < 20 and text.replace(".", "", 1).isdigit() else text
    except ValueError:
        return text


def _generator(settings: dict[str, Scalar], text: str) -> str:
    """By what each writes of itself (enslo/sd-metadata: detect.ts @1527b84)."""
    version, app = str(settings.get("Version", "")), str(settings.get("App", ""))
    if app.startswith("SD.Next"):
        return "SD.Next"
    if "Civitai resources: " in text:
        return "Civitai"
    for beginning, name in (("Fooocus", "Fooocus"), ("ComfyUI", "ComfyUI"), ("neo", "Forge"), ("classic", "Forge")):
        if version.startswith(beginning):
            return name
    if version[:1] == "f" and version[1:2].isdigit():
        return "reForge" if "-v" in version and "previous" not in version else "Forge"
    return "AUTOMATIC1111" if version[:1] == "v" and version[1:2].isdigit() else "Stable Diffusion web UI"
