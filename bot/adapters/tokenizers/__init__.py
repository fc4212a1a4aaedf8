"""The service's tokenizers, each loaded at its first use and off the event loop."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bot.adapters.tokenizers import qwen
from bot.adapters.tokenizers.clip import Clip
from bot.adapters.tokenizers.reading import Reader, Reading
from bot.adapters.tokenizers.t5 import T5
from bot.domain.model import TokenizerKind
from bot.domain.tokens import UNKNOWN_MAX, TagSpan, TokenCount, mixed_parts

TEXT_MAX = 6_000
"""Characters of one text: 4,000 that people type and what the client adds; nothing longer gets this far."""
SHORT = 300
"""Characters that are read on the event loop, in a few milliseconds at worst; a thread would cost more."""
READ_APART = frozenset({TokenizerKind.CLIP})
"""Where mixed parts do not share one limit: the longest counts (as a reader of the web bundle does, 2026-10)."""


class Tokenizers:
    """Implements `bot.ports.Tokenizer`; V5's table is looked for in ``tokenizers`` under *data_dir*."""

    def __init__(self, data_dir: Path) -> None:
        self._loads: Mapping[TokenizerKind, Callable[[], Reader]] = {
            TokenizerKind.CLIP: Clip.load,
            TokenizerKind.T5: T5.load,
            TokenizerKind.QWEN: lambda: qwen.Table(data_dir / "tokenizers" / qwen.TABLE),
        }
        self._readers: dict[TokenizerKind, Reader] = {}
        self._loading = asyncio.Lock()

    async def count(self, kind: TokenizerKind, text: str, limit: int, *, characters: Sequence[str] = ()) -> TokenCount:
        """Count *text* and the prompts of *characters* as the models of that tokenizer do."""
        reader = await self._reader(kind)
        if len(text) + sum(map(len, characters)) <= SHORT:
            return _counted(reader, (text, *characters), limit, apart=kind in READ_APART)
        return await asyncio.to_thread(_counted, reader, (text, *characters), limit, apart=kind in READ_APART)

    async def _reader(self, kind: TokenizerKind) -> Reader:
        async with self._loading:
            if kind not in self._readers:
                self._readers[kind] = await asyncio.to_thread(self._loads[kind])
            return self._readers[kind]


def _counted(reader: Reader, texts: Iterable[str], limit: int, *, apart: bool) -> TokenCount:
    readings = [reader.read(part) for text in texts for part in mixed_parts(text[:TEXT_MAX])]
    is_estimate = any(reading.is_estimate for reading in readings)
    spans = [span for reading in readings for span in reading.spans] if apart else _in_a_row(readings)
    unknown = dict.fromkeys(character for reading in readings for character in reading.unknown)
    return TokenCount(
        n=(max if apart else sum)(reading.n for reading in readings),
        limit=limit,
        spans=() if is_estimate else tuple(spans),
        unknown=tuple(unknown)[:UNKNOWN_MAX],
        is_estimate=is_estimate,
    )


def _in_a_row(readings: Iterable[Reading]) -> list[TagSpan]:
    """The spans of texts that share one limit: each text begins where the one before ended."""
    spans = []
    offset = 0
    for reading in readings:
        spans += [replace(span, first=span.first + offset, last=span.last + offset) for span in reading.spans]
        offset += reading.n
    return spans
