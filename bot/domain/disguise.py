"""Words spelled so that a filter misses them: split, stretched, with look-alikes, with digits or signs for letters."""

import html
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, groupby
from urllib.parse import unquote

from anyascii import anyascii

from bot.domain.words import CONTROLS, EMPHASIS, HIDDEN, WEIGHT_OR_NUMBER, Words

SHORT = 5
"""A word of fewer letters is joined over blanks only where it is spelled out, and stretched only by three alike."""
LEAST = 3
"""Letters (those alike in a row counted once) that a word needs to be looked for in disguise."""
_STRETCH = 3
_MOST = 4
_REMEMBERED = 20_000
_STEPS = 8_000
"""Letters that are compared in one text; one that needs more spells words over and over, and counts as holding all."""
_STARTS = 4
"""Beginnings that are tried within one stretch of a letter; further ones are the same word again."""

_LOOK_ALIKES = {
    "a": "аαᎪᗩ", "b": "вьβᏴᗷЬ", "c": "сϲᏟᑕ", "d": "ԁᎠᗪ", "e": "еёєεᎬᗴ", "f": "ϝᖴ", "g": "ɡԍᏀ",
    "h": "һнհᎻᕼ", "i": "іιᎥї", "j": "јϳᎫᒍ", "k": "кκᏦ", "l": "ӏᏞᒪ", "m": "мᎷᗰ", "n": "пηոռᏁᑎ",
    "o": "оοσօᎾ", "p": "рρᏢᑭ", "q": "ԛզ", "r": "гᏒᖇ", "s": "ѕᏚᔕ", "t": "тτᎢ", "u": "υսцᑌ", "v": "νѵᏙᐯ",
    "w": "ѡԝωшщᏔ", "x": "хχ᙭", "y": "уγүվᎩ", "z": "ᏃʐՀ",
}  # fmt: skip
_LOOKS = {sign: letter for letter, signs in _LOOK_ALIKES.items() for sign in signs}
_SIGNS = {"€": "e", "£": "l", "¥": "y", "¢": "c", "§": "s", "¡": "i"}
_IGNORED = frozenset("\u115f\u1160\u3164\uffa0\u17b4\u17b5\u180e")
"""What shows as nothing and is a letter to Unicode."""
_MARK = "-"
_GLUE = "\x01"
_EMPHASIS = str.maketrans(dict.fromkeys(EMPHASIS, _GLUE))
_PEAK = re.compile(r"(?<=[a-z])/\\(?=[a-z])")
_DIGITS_AS_LETTERS = str.maketrans("0123456789@$+!", "oizeasgtbgasti")
_ONE_AS_L = str.maketrans("0123456789@$+!", "olzeasgtbgastl")
_DIGITS_ALONE = str.maketrans("0123456789", "oizeasgtbg")
_TOKEN = re.compile(r"([a-z0-9@$+!]*[a-z0-9@$+])")
_TOKEN_WITHOUT_SIGNS = re.compile(r"([a-z0-9]+)")
_SIGN_AT_LETTER = re.compile(r"[@$+!](?=[a-z])|(?<=[a-z])[@$+!]")
_ONE_AT_LETTER = re.compile(r"(?!1(?:girl|boy|other)\b)[1!][^\s,]?[a-z]|[a-z][^\s,]?[1!]")
_REPEATED = re.compile(r"(.)\1+", re.DOTALL)
_RUN = re.compile(r"(.)\1*", re.DOTALL)
_ENDS_TAG = re.compile(r"[,;]|[.?!]\s|\s[.|]\s")
_BLANKS = {**CONTROLS, **dict.fromkeys(map(ord, "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f_"), " ")}
_ENTITY = re.compile(r"&#\w{1,7};?")

_JOINED, _SPACED, _APART = range(3)
"""What stands between two pieces: nothing that a reader takes for a space, a space, or the border of two tags."""


@dataclass(frozen=True, slots=True)
class _View:
    """
    A text as letters in a row.

    *letters* holds all pieces without what was between them, *once* the same with letters alike in a row counted once.
    Piece n is ``letters[begins[n]:ends[n]]``, and ``gaps[n]`` is what stands before it. *starts* are the pieces by the
    place in *once* at which they begin.
    """

    letters: str
    once: str
    begins: tuple[int, ...]
    ends: tuple[int, ...]
    gaps: tuple[int, ...]
    starts: tuple[tuple[int, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A phrase as it is looked for: its letters as (letter, how many in a row), and where its own words end."""

    phrase: Words
    runs: tuple[tuple[str, int], ...]
    size: int
    borders: frozenset[int]


class HardWords:
    """
    Phrases that are found in any disguise, compiled once.

    What was joined out of pieces counts only if it begins and ends where pieces do. *strict* asks for more where there
    are blanks between: three pieces at least, and all but one of them single letters (``n a ked``, and not ``pen is``).
    """

    def __init__(self, phrases: Iterable[Words], *, strict: bool = False) -> None:
        self._strict = strict
        self._wanted: dict[str, list[_Wanted]] = {}
        lengths: dict[str, set[int]] = {}
        for phrase in phrases:
            wanted = _wanted(phrase)
            once = "".join(letter for letter, _ in wanted.runs)
            if len(once) < LEAST:
                continue
            self._wanted.setdefault(once, []).append(wanted)
            lengths.setdefault(once[:LEAST], set()).add(len(once))
        self._lengths = {key: tuple(sorted(found)) for key, found in lengths.items()}

    def found_in(self, text: str) -> Iterator[Words]:
        """The phrases that stand in *text*, each once for a way of reading it."""
        for view in _views(text):
            steps, found = 0, set[Words]()
            for pieces, wanted in self._candidates(view):
                steps += 1 if wanted.phrase in found else wanted.size
                if steps > _STEPS:
                    yield from (each.phrase for same in self._wanted.values() for each in same)
                    return
                if wanted.phrase not in found and any(self._stands(view, piece, wanted) for piece in pieces):
                    found.add(wanted.phrase)
                    yield wanted.phrase

    def _candidates(self, view: _View) -> Iterator[tuple[tuple[int, ...], _Wanted]]:
        """What may begin at which pieces, by the letters alone."""
        for at, pieces in view.starts:
            for length in self._lengths.get(view.once[at : at + LEAST], ()):
                for wanted in self._wanted.get(view.once[at : at + length], ()):
                    yield pieces, wanted

    def _stands(self, view: _View, piece: int, wanted: _Wanted) -> bool:
        found = _reach(view, piece, wanted)
        if found is None:
            return False
        last, offsets = found
        joins = [n for n in range(piece + 1, last + 1) if offsets.get(view.begins[n], -1) not in wanted.borders]
        gap = max((view.gaps[n] for n in joins), default=_JOINED)
        if gap == _JOINED:
            return True
        pieces = [view.ends[n] - view.begins[n] for n in range(piece, last + 1)]
        long = sum(size > 1 for size in pieces)
        if gap == _APART:
            return long == 0
        if self._strict:
            return long <= 1 and len(pieces) >= LEAST
        return long <= 1 or wanted.size >= SHORT


def is_findable(phrase: Words) -> bool:
    """Whether *phrase* has letters enough to be looked for in disguise."""
    return len(_wanted(phrase).runs) >= LEAST


def _wanted(phrase: Words) -> _Wanted:
    words = [word.translate(_DIGITS_AS_LETTERS) for word in phrase]
    letters = "".join(words)
    ends = [sum(map(len, words[: n + 1])) for n in range(len(words))]
    runs = tuple((letter, len(list(run))) for letter, run in groupby(letters))
    return _Wanted(phrase, runs, len(letters), frozenset(ends))


def _reach(view: _View, piece: int, wanted: _Wanted) -> tuple[int, dict[int, int]] | None:
    """The last piece of *wanted* that begins at *piece*, and how many of its letters end where; None if it does not."""
    at, stretched, size, offsets = view.begins[piece], [], 0, {}
    for n, (letter, times) in enumerate(wanted.runs, 1):
        if not view.letters.startswith(letter, at):
            return None
        run = _RUN.match(view.letters, at)
        end = run.end() if run else at
        if n == len(wanted.runs):
            border = bisect_left(view.ends, at + times)
            end = view.ends[border] if border < len(view.ends) and view.ends[border] <= end else -1
        if end - at < times:
            return None
        if end - at > times:
            stretched.append(end - at)
        at, size = end, size + times
        offsets[at] = size
    is_spelling = len(stretched) == 1 and stretched[0] < _STRETCH and wanted.size < SHORT
    return None if is_spelling else (bisect_left(view.ends, at), offsets)


@lru_cache(maxsize=64)
def _views(text: str) -> tuple[_View, ...]:
    """*text* as it sounds and as it looks, with ``1`` for i and for l, and with signs as letters and as marks."""
    spellings = list(dict.fromkeys(_spellings(text)))
    peaks = [_PEAK.sub("a", spelling) for spelling in spellings if _PEAK.search(spelling)]
    return tuple(view for spelling in (*spellings, *peaks) for view in _read(spelling))


class _Table(dict[int, str]):
    """What each character is read as, remembered; a table for `str.translate`."""

    def __init__(self, reading: Callable[[str], str]) -> None:
        super().__init__()
        self._reading = reading

    def __missing__(self, code: int) -> str:
        if len(self) >= _REMEMBERED:
            self.clear()
        self[code] = read = self._reading(chr(code)).casefold()
        return read


def _sound(sign: str) -> str:
    """A character in ASCII; one that takes more letters than any of an alphabet (an emoji) only stands between."""
    if sign.isspace():
        return " "
    if sign in _SIGNS:
        return _SIGNS[sign]
    plain = "".join(c for c in unicodedata.normalize("NFKD", sign) if unicodedata.category(c) not in HIDDEN)
    if not plain or plain[0] in _IGNORED:
        return ""
    read = plain if plain.isascii() else anyascii(plain)
    return read if len(read) <= _MOST else _MARK


def _look(sign: str) -> str:
    """A character as it looks; as it sounds where it looks like no letter of ours."""
    return _LOOKS.get(sign) or _LOOKS.get(sign.casefold()) or _sound(sign)


_SOUND_OF, _LOOK_OF = _Table(_sound), _Table(_look)


def _spellings(text: str) -> Iterator[str]:
    if "%" in text:
        text = unquote(text, errors="ignore")
    if "&#" in text:
        text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
    if text.isascii():
        yield text.casefold()
        return
    yield text.translate(_SOUND_OF)
    yield text.translate(_LOOK_OF)


def _read(spelling: str) -> Iterator[_View]:
    plain = spelling.translate(_BLANKS)
    if "::" in plain:
        plain = WEIGHT_OR_NUMBER.sub(lambda found: _GLUE if found["weight"] else found[0], plain)
    plain = plain.translate(_EMPHASIS)
    yield _view(plain, _TOKEN, _DIGITS_AS_LETTERS)
    if _ONE_AT_LETTER.search(plain):
        yield _view(plain, _TOKEN, _ONE_AS_L)
    if _SIGN_AT_LETTER.search(plain):
        yield _view(plain, _TOKEN_WITHOUT_SIGNS, _DIGITS_ALONE)


def _view(plain: str, token: re.Pattern[str], digits: dict[int, int]) -> _View:
    parts = token.split(plain)
    between, pieces = parts[::2], parts[1::2]
    if not all(map(str.isalpha, pieces)):
        pieces = [_spelled(pieces, between, n, digits) for n in range(len(pieces))]
    return _lay_out(pieces, [_gap(gap) for gap in between[:-1]])


@lru_cache(maxsize=1_024)
def _gap(between: str) -> int:
    if _ENDS_TAG.search(between):
        return _APART
    return _SPACED if " " in between else _JOINED


def _spelled(pieces: list[str], gaps: list[str], n: int, digits: dict[int, int]) -> str:
    """A piece with letters for digits; a number stays one, unless single letters or glue stand beside it."""
    piece = pieces[n]
    if piece.isalpha():
        return piece
    if not piece.isdecimal():
        return piece.translate(digits)
    around = (*pieces[max(n - 1, 0) : n], *pieces[n + 1 : n + 2])
    is_spelled = any(len(set(each)) == 1 for each in around)
    is_glued = any(gap and not gap.strip(_GLUE) for gap in gaps[n : n + 2])
    return piece.translate(digits) if is_spelled or is_glued else piece


def _lay_out(pieces: list[str], gaps: list[int]) -> _View:
    ends = tuple(accumulate(map(len, pieces)))
    starts: dict[int, list[int]] = {}
    once, first, before = [], 0, ""
    for n, piece in enumerate(pieces):
        short = _once(piece)
        if piece[0] == before:
            first, short = first - 1, short[1:]
        starts.setdefault(first, []).append(n)
        once.append(short)
        first += len(short) + (piece[0] == before)
        before = piece[-1]
    return _View(
        letters="".join(pieces),
        once="".join(once),
        begins=(0, *ends[:-1]),
        ends=ends,
        gaps=tuple(gaps),
        starts=tuple((at, tuple(found[-_STARTS:])) for at, found in starts.items()),
    )


@lru_cache(maxsize=4_096)
def _once(piece: str) -> str:
    return _REPEATED.sub(r"\1", piece)
