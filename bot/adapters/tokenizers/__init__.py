"""The service's tokenizers, each loaded at its first use and off the event loop."""

import asyncio

from bot.adapters.tokenizers.clip import Clip
from bot.domain.model import TokenizerKind
from bot.domain.tokens import TokenCount

TEXT_MAX = 4_000
"""Characters; nothing longer gets this far."""


class Tokenizers:
    """Implements `bot.ports.Tokenizer`."""

    def __init__(self) -> None:
        self._clip: Clip | None = None
        self._loading = asyncio.Lock()

    async def count(self, kind: TokenizerKind, text: str, limit: int) -> TokenCount:
        """Count *text* as the model of that tokenizer does."""
        match kind:
            case TokenizerKind.CLIP:
                clip = await self._loaded_clip()
                return await asyncio.to_thread(clip.count, text[:TEXT_MAX], limit)
            case _:
                raise NotImplementedError(kind)

    async def _loaded_clip(self) -> Clip:
        async with self._loading:
            if self._clip is None:
                self._clip = await asyncio.to_thread(Clip.load)
            return self._clip
