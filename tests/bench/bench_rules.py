"""What the rules take before a wish is acknowledged, beside one look of Python's own at every character."""

import statistics
import time
import unicodedata
from collections.abc import Callable
from dataclasses import replace

from bot.domain.guild import GuildConfig, HouseConfig
from bot.domain.model import Model
from bot.domain.rules import Ground, judge
from bot.domain.wordlist import Rule, Wordlist
from bot.domain.words import readings
from tests.builders import CHANNEL, a_request, a_requester

ROUNDS = 25
PROMPTS = {
    "usual": "1girl, cherry blossoms, smile, school uniform, wind, petals, looking at viewer, upper body",
    "longest": ", ".join(f"tag {n} {{x}}" for n in range(400))[:4_000],
    "digits": "1" * 4_000,
    "not ASCII": "少女、青い目 " * 500,
}
"""The last three are as long as a prompt may be."""
GROUND = Ground(
    guild=GuildConfig(channels=(CHANNEL,), unchecked=True),
    house=HouseConfig(),
    words=Wordlist(Rule(text=f"word{n} more") for n in range(500)),
)


def median_ms(work: Callable[[], object]) -> float:
    """Milliseconds of *work*, the median of `ROUNDS`, nothing remembered from before."""
    times = []
    for _ in range(ROUNDS):
        readings.cache_clear()
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def main() -> None:
    """Print milliseconds and ratios; the aim is 5 ms for a usual prompt."""
    for name, text in PROMPTS.items():
        request = replace(a_request(text[:4_000], undesired_content=text[:4_000]), safe=True)
        floor = median_ms(lambda text=text: [unicodedata.category(c) for c in text])  # type: ignore[misc]
        ours = median_ms(lambda request=request: judge(a_requester(), request, GROUND))  # type: ignore[misc]
        print(f"{name:10} {len(text[:4_000]):5} characters  one look {floor:6.2f} ms  judged {ours:6.2f} ms")
    people = " | ".join(["girl, red hair, smile, school uniform, source#hug @B3 // hat, glasses"] * 6)
    crowd = replace(a_request(PROMPTS["usual"], model=Model.V5_FULL, characters=people), safe=True)
    ours = median_ms(lambda: judge(a_requester(), crowd, GROUND))
    print(f"six people {len(PROMPTS['usual']) + len(people):5} characters                       judged {ours:6.2f} ms")


if __name__ == "__main__":
    main()
