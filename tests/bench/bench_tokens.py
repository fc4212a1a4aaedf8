"""What counting tokens takes: each table's load, a usual prompt, and the worst that 4,000 characters can be."""

import json
import random
import statistics
import tempfile
import time
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

from bot.adapters.tokenizers.bpe import _LETTERS
from bot.adapters.tokenizers.clip import Clip
from bot.adapters.tokenizers.qwen import Qwen
from bot.adapters.tokenizers.reading import Reader
from bot.adapters.tokenizers.t5 import T5

ROUNDS = 15
MERGES = 247_587
"""As many as NovelAI's table has."""
SPLIT = r"[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s+"
PROMPTS = {
    "usual": "1girl, cherry blossoms, smile, school uniform, wind, petals, looking at viewer, upper body",
    "longest": ", ".join(f"tag number {n}" for n in range(400))[:4_000],
    "one letter": "a" * 4_000,
    "one word": ("qwertyuiopasdfghjklzxcvbnm" * 200)[:4_000],
    "emoji": "😀" * 4_000,
    "digits": "1" * 4_000,
    "commas": "," * 4_000,
    "colons": ":" * 4_000,
}
"""All but the first as long as a prompt may be."""


def synthetic_table(path: Path) -> None:
    """A table as large as NovelAI's, of merges that nobody learnt."""
    chance = random.Random(7)
    parts = list(_LETTERS)
    merges: dict[tuple[str, str], None] = {}
    while len(merges) < MERGES:
        pair = (chance.choice(parts), chance.choice(parts[:2_000]))
        if pair not in merges and len(pair[0]) < 12:
            merges[pair] = None
            parts.append("".join(pair))
    table = {
        "config": {"splitRegex": SPLIT, "normalization": "NFC", "ignoreMerges": False},
        "specialTokens": ["<|endoftext|>"],
        "vocab": {part: n for n, part in enumerate(parts)},
        "merges": list(merges),
    }
    packer = zlib.compressobj(wbits=-15)
    path.write_bytes(packer.compress(json.dumps(table, ensure_ascii=False).encode()) + packer.flush())


def ms(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Milliseconds of *work*, the median."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def megabytes(load: Callable[[], object]) -> tuple[float, float]:
    """What *load* keeps, and its peak."""
    tracemalloc.start()
    kept = load()
    now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del kept
    return now / 1e6, peak / 1e6


def main() -> None:
    """Print milliseconds and megabytes; the aim is a hint that nobody waits for."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table"
        synthetic_table(path)
        loads: dict[str, Callable[[], Reader]] = {"CLIP": Clip.load, "T5": T5.load, "V5": lambda: Qwen.load(path)}
        for name, load in loads.items():
            now, peak = megabytes(load)
            print(f"{name:4} load {ms(load, 3):6.0f} ms  keeps {now:5.1f} MB  peak {peak:6.1f} MB")
            reader = load()
            for prompt, text in PROMPTS.items():
                took = ms(lambda text=text, reader=reader: reader.read(text))  # type: ignore[misc]
                print(f"     {prompt:10} {len(text):5} characters {reader.read(text).n:6} tokens {took:7.2f} ms")


if __name__ == "__main__":
    main()
