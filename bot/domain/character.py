"""Characters of a picture: what each one is, shall not have, and where it stands; and the line that people write."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bot.domain.bounds import check_range, check_text
from bot.domain.errors import Mistake

CHARACTER_MAX = 4_000
"""Characters of text in all descriptions together, as in a prompt."""
_LINES = (0.1, 0.3, 0.5, 0.7, 0.9)
"""The middles of the columns A to E and of the rows 1 to 5 (nai-api.md 2.7)."""
_COLUMNS = "ABCDE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """
    Where a character stands: 0 to 1 from the left and from the top, three decimals.

    V4 and V4.5 know the 25 middles of a grid of 5×5, V5 every point (nai-api.md 2.7).
    """

    x: float
    y: float

    def __post_init__(self) -> None:
        for value in (self.x, self.y):
            check_range("position", value, 0, 1)
        object.__setattr__(self, "x", round(self.x, 3))
        object.__setattr__(self, "y", round(self.y, 3))

    @classmethod
    def at(cls, place: str) -> "Position":
        """The middle of a cell of the grid: ``A1`` (top left) to ``E5``. Raises `Mistake` ``characters.place``."""
        if not _CELL.fullmatch(place):
            raise Mistake("characters.place", place=place[:12])
        return cls(x=_LINES[_COLUMNS.index(place[0].upper())], y=_LINES[int(place[1]) - 1])

    @property
    def is_on_grid(self) -> bool:
        """Whether it is the middle of a cell."""
        return self.x in _LINES and self.y in _LINES

    def __str__(self) -> str:
        if self.is_on_grid:
            return f"{_COLUMNS[_LINES.index(self.x)]}{_LINES.index(self.y) + 1}"
        return f"{self.x:g},{self.y:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Character:
    """
    One character, for models that take them one by one (V4 and later).

    *prompt* may hold actions between characters (``source#hug``, ``target#hug``, ``mutual#hug``): they are plain tags.
    *position* None leaves the place to the model.
    """

    prompt: str = field(repr=False)
    undesired_content: str = field(default="", repr=False)
    position: Position | None = None

    def __post_init__(self) -> None:
        if not self.prompt.strip():
            raise Mistake("characters.empty", n=1)
        check_text("characters", self.prompt, CHARACTER_MAX)
        check_text("characters", self.undesired_content, CHARACTER_MAX)


_CELL = re.compile(r"[A-Ea-e][1-5]", re.ASCII)
_NUMBER = r"\d?\.?\d+"
_POINT = re.compile(rf"({_NUMBER})\s*,\s*({_NUMBER})", re.ASCII)
# What is meant as a place: a letter and digits, or digits; the tag "@_@" is none.
_PLACE = re.compile(r"@\s*(?P<place>[A-Za-z]\d+|[\d.]+\s*(?:,\s*[\d.]+)?)(?![\w@])", re.ASCII)
RANDOM_CHOICE_OR_BAR = re.compile(r"\|\|.*?\|\||\|+", re.DOTALL)
"""A randomiser's choice (``||a|b||``), whose bars separate nothing, or bars."""


def parse_characters(text: str) -> tuple[Character, ...]:
    """
    Read characters as people write them: ``girl, red hair @B3 // hat | boy, tall``.

    A bar stands between two characters, ``@`` before a place (a cell from A1 to E5, or ``0.3,0.7``), ``//`` before
    what that character shall not have. No text, no characters. Raises `Mistake` ``characters.empty``,
    ``characters.place``, ``option.range`` or ``prompt.unreadable``.
    """
    if not text.strip():
        return ()
    return tuple(_character(part, n) for n, part in enumerate(_parts(text), 1))


def _parts(text: str) -> Iterator[str]:
    begin = 0
    for match in RANDOM_CHOICE_OR_BAR.finditer(text):
        if match[0] == "|":
            yield text[begin : match.start()]
            begin = match.end()
    yield text[begin:]


def _character(part: str, n: int) -> Character:
    described, _, undesired_content = part.partition("//")
    prompt, position = _placed(described.strip())
    if not prompt:
        raise Mistake("characters.empty", n=n)
    return Character(prompt=prompt, undesired_content=undesired_content.strip(), position=position)


def _placed(described: str) -> tuple[str, Position | None]:
    places = list(_PLACE.finditer(described))
    if not places:
        return described, None
    last = places[-1]
    if len(places) > 1 or last.end() != len(described):
        raise Mistake("characters.place", place=places[0]["place"][:12])
    return described[: last.start()].strip().rstrip(",").rstrip(), _position(last["place"].strip())


def _position(place: str) -> Position:
    point = _POINT.fullmatch(place)
    if point is None:
        return Position.at(place)
    try:
        return Position(x=float(point[1]), y=float(point[2]))
    except Mistake as mistake:
        raise Mistake("characters.place", place=place[:12]) from mistake


def written_characters(characters: Sequence[Character]) -> str:
    """The line that `parse_characters` reads back."""
    return " | ".join(map(_written, characters))


def _written(character: Character) -> str:
    place = f" @{character.position}" if character.position is not None else ""
    undesired = f" // {character.undesired_content}" if character.undesired_content else ""
    return f"{character.prompt}{place}{undesired}"
