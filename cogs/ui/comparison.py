"""The card that sets two images beside each other: a verdict for each, then only what differs."""

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import TypeVar

import discord
from discord import ui

from bot import wording
from bot.domain.claims import Inspection, Scalar, headline, shown_claim
from bot.domain.comparison import CharacterDifference, Comparison, SettingDifference, TextDifference, compare
from bot.domain.emphasis import WeightedTag

T = TypeVar("T")

WHOLE = "comparison.txt"
WHOLE_BYTES = 256 * 1024
CARD_MAX, CARD_BYTES = 3_200, 9_000
"""Characters and UTF-8 bytes of all texts together (ux.md 0.1)."""
SETTINGS_MAX, TAGS_MAX, CHARACTERS_MAX = 15, 14, 4
"""Lines of a card; what is over stands in the file."""
VARIETY = "skip_cfg_above_sigma"
"""A number that depends on the size; what people know is on and off."""
_ORDER = {name: n for n, name in enumerate(wording.COMPARE_LABELS)}
NAME_MAX, VALUE_MAX, TAG_MAX = 60, 80, 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two images."""

    inspection: Inspection
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How much there is for each part of a card; *is_whole* is the file, where there is room for everything."""

    settings: int
    tags: int
    characters: int
    is_whole: bool = False

    def cut(self, text: str, limit: int) -> str:
        """A file's text on one line."""
        return " ".join((wording.safe(text) if self.is_whole else wording.cut(text, limit)).split())


FULL = Room(settings=SETTINGS_MAX, tags=TAGS_MAX, characters=CHARACTERS_MAX)
TIGHTER = (
    Room(settings=10, tags=7, characters=3),
    Room(settings=6, tags=4, characters=1),
    Room(settings=3, tags=2, characters=0),
)
ENDLESS = Room(settings=1_000, tags=50_000, characters=1_000, is_whole=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What is said: the texts of the card, and the file with everything where not all of it has room."""

    texts: tuple[str, ...]
    whole: bytes | None


def letter_of(first: Side, second: Side) -> Letter:
    """Compare; long texts take their time, so this is not for the event loop."""
    found = compare(first.inspection, second.inspection)
    texts, is_cut = texts_of(first, second, found)
    return Letter(texts=tuple(texts), whole=whole_of(first, second, found) if is_cut else None)


def comparison_card(letter: Letter) -> tuple[ui.LayoutView, list[discord.File]]:
    """The card, and its file."""
    card = ui.LayoutView(timeout=None)
    box: ui.Container[ui.LayoutView] = ui.Container()
    for text in letter.texts:
        box.add_item(ui.TextDisplay(text))
    card.add_item(box)
    if letter.whole is None:
        return card, []
    box.add_item(ui.File(f"attachment://{WHOLE}"))
    return card, [discord.File(io.BytesIO(letter.whole), filename=WHOLE)]


def texts_of(first: Side, second: Side, found: Comparison) -> tuple[list[str], bool]:
    """What stands on the card, and whether something had no room there."""
    for room in (FULL, *TIGHTER):
        lines = _Lines(room)
        texts = [*_headings(first, second), *lines.of(found), _same(found)]
        if sum(map(len, texts)) <= CARD_MAX and sum(len(text.encode(errors="replace")) for text in texts) <= CARD_BYTES:
            break
    return [*texts, wording.COMPARE_WHOLE] if lines.is_cut else texts, lines.is_cut


def whole_of(first: Side, second: Side, found: Comparison) -> bytes:
    """Everything that differs, as text without Discord's marks."""
    sides = zip(wording.COMPARE_WHICH, (first, second), strict=True)
    head = [f"{which}: {wording.safe(side.name)}" for which, side in sides]
    text = "\n\n".join(["\n".join(head), *_Lines(ENDLESS).of(found), _same(found)])
    return text.encode(errors="replace")[:WHOLE_BYTES]


def _headings(first: Side, second: Side) -> Iterator[str]:
    sides = list(zip(wording.COMPARE_WHICH, (first, second), strict=True))
    for which, side in sides:
        yield "\n".join(_heading(which, side))
    silent = [which for which, side in sides if shown_claim(side.inspection) is None]
    if silent:
        yield (
            wording.COMPARE_SILENT_BOTH if len(silent) == 2 else wording.say("compare.silent", which=silent[0].lower())
        )


def _heading(which: str, side: Side) -> Iterator[str]:
    claim = shown_claim(side.inspection)
    generator = wording.plain(wording.cut(claim.generator, NAME_MAX)) if claim else ""
    yield wording.say("compare.heading", which=which, name=wording.inline(side.name, NAME_MAX))
    yield wording.say(f"verdict.{headline(side.inspection)}", generator=generator)
    is_signed = claim is not None and claim.signature == "valid"
    added = len(claim.added) if claim else 0
    for note in side.inspection.notes:
        yield f"-# {wording.inspection_note(note.value, added=added, is_signed=is_signed)}"


def _same(found: Comparison) -> str:
    if not found.same:
        return wording.COMPARE_SAME_NONE if not found.is_equal else wording.COMPARE_EQUAL
    same = wording.counted("compare.same", found.same)
    return f"{wording.COMPARE_EQUAL} {same}" if found.is_equal else same


class _Lines:
    """Writes differences into the room there is, and remembers whether it was enough."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self.is_cut = False

    def of(self, found: Comparison) -> list[str]:
        """Settings, prompt, undesired content, characters: a text for each that differs."""
        parts = [*self._settings(found.settings)]
        parts += self._text(wording.COMPARE_PROMPT, found.prompt)
        parts += self._text(wording.COMPARE_UNDESIRED, found.undesired_content)
        for each in self._first(found.characters, self._room.characters):
            parts += self._character(each)
        return parts

    def _first(self, items: Sequence[T], most: int) -> Sequence[T]:
        self.is_cut = self.is_cut or len(items) > most
        return items[:most]

    def _written(self, text: str, limit: int) -> str:
        written = self._room.cut(text, limit)
        self.is_cut = self.is_cut or (not self._room.is_whole and len(wording.safe(text)) > limit)
        return written

    def _settings(self, settings: Sequence[SettingDifference]) -> Iterable[str]:
        # What has a name of ours comes first; the rest is for those who know the file.
        known = sorted(settings, key=lambda each: _ORDER.get(each.name, len(_ORDER)))
        lines = [self._setting(each) for each in self._first(known, self._room.settings)]
        if lines:
            yield "\n".join(lines)

    def _setting(self, each: SettingDifference) -> str:
        label = wording.COMPARE_LABELS.get(each.name) or self._sentence(_spoken(each.name))
        if each.name == VARIETY and None in (each.old, each.new):
            old, new = (self._value(None if value is None else True) for value in (each.old, each.new))
        else:
            old, new = self._value(each.old), self._value(each.new)
        return wording.say("compare.setting", label=label, old=old, new=new)

    def _value(self, value: Scalar) -> str:
        match value:
            case None:
                return wording.COMPARE_UNSET
            case True:
                return wording.ON
            case float():
                return wording.number(value)
            case str():
                known = wording.SAMPLERS.get(value) or wording.KINDS.get(value)
                return known or self._sentence(value.strip("[]"))
            case _:
                return str(value)

    def _sentence(self, text: str) -> str:
        written = self._written(text, VALUE_MAX)
        return written if self._room.is_whole else wording.plain(written)

    def _text(self, heading: str, found: TextDifference) -> list[str]:
        if not found:
            return []
        lines = chain(self._shifts(found), self._marked("−", found.missing), self._marked("+", found.added))
        n = len(found.shifted) + len(found.missing) + len(found.added)
        self.is_cut = self.is_cut or n > self._room.tags
        kept = "\n".join(islice(lines, self._room.tags))
        parts = [heading]
        if kept:
            parts.append(kept if self._room.is_whole else wording.block(kept, CARD_MAX))
        parts += [wording.COMPARE_REORDERED] * found.is_reordered
        parts += [wording.COMPARE_REWRITTEN] * found.is_rewritten + [wording.COMPARE_LONG] * found.is_long
        return ["\n".join(parts)]

    def _marked(self, sign: str, tags: Iterable[WeightedTag]) -> Iterator[str]:
        for tag in tags:
            yield f"{sign} {self._written(tag.text, TAG_MAX)}{_weight(tag.weight)}"

    def _shifts(self, found: TextDifference) -> Iterator[str]:
        for each in found.shifted:
            old, new = wording.number(each.old), wording.number(each.new)
            yield f"  {self._written(each.text, TAG_MAX)}  ×{old} → ×{new}"

    def _character(self, each: CharacterDifference) -> list[str]:
        parts = self._text(wording.say("compare.character", n=each.n, what=_fate(each)), each.prompt)
        parts = parts or [wording.say("compare.character", n=each.n, what=_fate(each))]
        return parts + self._text(wording.say("compare.character_undesired", n=each.n), each.undesired_content)


def _spoken(name: str) -> str:
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def _weight(weight: float) -> str:
    return "" if weight == 1 else f"  ×{wording.number(weight)}"


def _fate(each: CharacterDifference) -> str:
    if each.old is None or each.new is None:
        return wording.COMPARE_ONLY_SECOND if each.old is None else wording.COMPARE_ONLY_FIRST
    if not each.is_moved:
        return ""
    places = [wording.place(side.x, side.y).removeprefix(" at ") for side in (each.old, each.new)]
    return wording.say("compare.moved", old=places[0] or wording.COMPARE_UNSET, new=places[1] or wording.COMPARE_UNSET)
