"""
Qwen 3.5's byte-pair encoding as NovelAI's site counts V5 prompts, read from NovelAI's own table.

The table is raw-deflate JSON (with or without a zlib header): ``config`` with ``splitRegex``, ``normalization`` and
``ignoreMerges``, ``specialTokens``, ``vocab``, and ``merges`` as 247,587 pairs of byte letters (readers of
``qwen35_tokenizer.def``, 2026-09). Text counts as typed, in NFC; nothing ends it.
"""

import logging
import math
import threading
import unicodedata
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

import msgspec
import regex

from bot.adapters.tokenizers.bpe import BytePairs, ranked
from bot.adapters.tokenizers.reading import Reader, Reading, Run, spans_of

TABLE = "qwen35_tokenizer.def"
PACKED_MAX = 16 * 1024 * 1024
TABLE_MAX = 50 * 1024 * 1024
"""Bytes; the table itself has 17 MB."""
COMMAS_MAX = 1_500_000
"""Twice as many as the table has: they bound what can be made of it, which may be far more than its bytes."""
SPECIAL_MAX = 1_000
SPLIT_SECONDS = 2.0
"""How long the table's own expression may search one prompt."""
CHARACTERS_PER_TOKEN = 3.5
"""Of English tags (dependencies.md 1)."""

log = logging.getLogger(__name__)
T = TypeVar("T")


class BadTable(Exception):
    """The file is not a table that this module reads; the message says why, for the log."""


class _Config(msgspec.Struct, rename="camel"):
    split_regex: Annotated[str, msgspec.Meta(max_length=10_000)]
    normalization: Literal["NFC"]
    ignore_merges: Literal[False] = False


class _Definition(msgspec.Struct, rename="camel"):
    """
    The vocabulary only names the merges' results: counting does without.

    The merges are decoded one by one, because decoding them at once would keep the event loop waiting for 0.2 s.
    """

    config: _Config
    merges: msgspec.Raw
    special_tokens: Annotated[list[str], msgspec.Meta(max_length=SPECIAL_MAX)] = []


class Qwen:
    """The tokenizer; about 40 MB once loaded."""

    def __init__(self, pairs: BytePairs, word: regex.Pattern[str], special: regex.Pattern[str] | None) -> None:
        self._pairs = pairs
        self._word = word
        self._special = special

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the operator's copy of NovelAI's table; some tenths of a second. Raises `BadTable`."""
        table = _decoded(_inflated(_packed(path)), _Definition)
        pairs = BytePairs(ranked(_merges(table.merges)))
        special = sorted(filter(None, table.special_tokens), key=len, reverse=True)
        try:
            word = regex.compile(table.config.split_regex)
        except regex.error as error:
            raise BadTable(f"its expression does not compile: {error}") from error
        return cls(pairs, word, regex.compile("|".join(map(regex.escape, special))) if special else None)

    def read(self, text: str) -> Reading:
        """The tokens of *text* and where its tags lie. Raises `BadTable` if the table's expression takes too long."""
        tags = text.split(",")
        cleaned = [unicodedata.normalize("NFC", tag) for tag in tags]
        try:
            runs = list(self._runs(",".join(cleaned)))
        except TimeoutError as error:
            raise BadTable("its expression takes too long") from error
        return Reading(n=sum(run.n for run in runs), spans=spans_of(tags, cleaned, runs))

    def _runs(self, text: str) -> Iterator[Run]:
        start = 0
        for found in self._special.finditer(text) if self._special else ():
            yield from self._words(text, start, found.start())
            yield Run(*found.span(), 1)
            start = found.end()
        yield from self._words(text, start, len(text))

    def _words(self, text: str, start: int, end: int) -> Iterator[Run]:
        """The words of one stretch, which sees nothing of the text around it."""
        for word in self._word.finditer(text[start:end], timeout=SPLIT_SECONDS):
            if word[0]:
                yield Run(start + word.start(), start + word.end(), self._pairs.count(word[0]))


class Estimate:
    """Stands in where there is no table."""

    def read(self, text: str) -> Reading:
        """A guess from the length, without positions."""
        return Reading(n=math.ceil(len(text) / CHARACTERS_PER_TOKEN), is_estimate=True)


class Table:
    """
    The operator's copy of the table, read at first use and anew when the file has changed.

    A file that is missing or no good is an estimate; the second is a warning in the log, once for each such file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._reader: Reader = Estimate()
        self._loading = threading.Lock()

    def read(self, text: str) -> Reading:
        """The tokens of *text*, exact where the table can be used."""
        with self._loading:
            self._look()
            reader = self._reader
        try:
            return reader.read(text)
        except BadTable as error:
            self._reader = self._refused(error)
            return self._reader.read(text)

    def _look(self) -> None:
        seen = _stamp(self._path)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._reader = Qwen.load(self._path) if seen else Estimate()
        except (BadTable, OSError) as error:
            self._reader = self._refused(error)

    def _refused(self, error: Exception) -> Estimate:
        log.warning("%s is not used, V5 prompts are estimated: %s", self._path, error)
        return Estimate()


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _packed(path: Path) -> bytes:
    with path.open("rb") as file:
        packed = file.read(PACKED_MAX + 1)
    if len(packed) > PACKED_MAX:
        raise BadTable(f"it has more than {PACKED_MAX} bytes")
    return packed


def _inflated(packed: bytes) -> bytes:
    try:
        return _inflated_as(packed, -zlib.MAX_WBITS)
    except zlib.error:
        try:
            return _inflated_as(packed, zlib.MAX_WBITS)
        except zlib.error as error:
            raise BadTable(f"it does not inflate: {error}") from error


def _inflated_as(packed: bytes, bits: int) -> bytes:
    stream = zlib.decompressobj(bits)
    data = stream.decompress(packed, TABLE_MAX + 1)
    if len(data) > TABLE_MAX:
        raise BadTable(f"it inflates to more than {TABLE_MAX} bytes")
    if not stream.eof:
        raise zlib.error("it ends too early")
    if data.count(b",") > COMMAS_MAX:
        raise BadTable("it holds too many values")
    return data


def _merges(raw: msgspec.Raw) -> Iterator[str]:
    pairs = _decoded(raw, list[msgspec.Raw])
    if not pairs:
        raise BadTable("it has no merges")
    for pair in pairs:
        left, right = _decoded(pair, tuple[str, str])
        yield f"{left} {right}"


def _decoded(data: bytes | msgspec.Raw, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise BadTable(f"it is not the table's JSON: {error}") from error
