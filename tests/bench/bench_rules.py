"""What the rules take before a wish is acknowledged, and a long prompt against a full list, beside bare Python."""

import random
import statistics
import time
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from bot.domain import disguise, locked, steering
from bot.domain.guild import GuildConfig, HouseConfig
from bot.domain.model import Model
from bot.domain.rules import Ground, judge
from bot.domain.wordlist import Rule, RuleKind, Then, Wordlist
from bot.domain.words import composed, readings
from tests.builders import CHANNEL, a_request, a_requester

ROUNDS = 25
TERMS = 1_000
LENGTH = 2_000
CHECKS = 1_000
PROMPTS = {
    "usual": "1girl, cherry blossoms, smile, school uniform, wind, petals, looking at viewer, upper body",
    "longest": ", ".join(f"tag {n} {{x}}" for n in range(400))[:4_000],
    "digits": "1" * 4_000,
    "not ASCII": "少女、青い目 " * 500,
}
"""The last three are as long as a prompt may be."""
TAGS = (
    "1girl", "solo", "long hair", "looking_at_viewer", "blush", "smile", "open mouth", "bangs", "blue eyes", "red_hair",
    "hat", "1.2::sky::", "{{best quality}}", "sitting", "outdoors", "cherry blossoms", "cloud", "window", "[lowres]",
    "artist:somebody", "a knight in silver armor stands before a castle gate", "year 2023", "2boys", "detached sleeves",
)  # fmt: skip
_SYLLABLES = ("ka", "mo", "re", "ti", "lu", "sa", "ne", "dro", "pi", "fen", "gar", "sol", "wex", "bin", "sha", "cle")
_STEERING = (steering.asking_tag, steering.weakening_tag, steering.asked_by)
_CACHES = (readings, disguise._views, locked._found_in, locked._evidence, locked._says_minor, composed, *_STEERING)


def a_list(chance: random.Random) -> Wordlist:
    """A full list of a server's: words, phrases and hard words, of all consequences, with ten patterns among them."""

    def word() -> str:
        return "".join(chance.choices(_SYLLABLES, k=chance.randint(2, 4)))

    texts = list(dict.fromkeys(word() if chance.random() < 0.7 else f"{word()} {word()}" for _ in range(2 * TERMS)))
    kinds = (RuleKind.WORD, RuleKind.HARD)
    rules = [Rule(text=text, kind=kinds[n % 2], then=[*Then][n % 3]) for n, text in enumerate(texts[: TERMS - 10])]
    patterns = [Rule(text=rf"\b{text}(?:s|ed)?\b", kind=RuleKind.PATTERN) for text in texts[-10:]]
    return Wordlist([*rules, *patterns])


def forget() -> None:
    """Nothing is remembered from before."""
    for cache in _CACHES:
        cache.cache_clear()


def took_ms(work: Callable[[], object], rounds: int) -> list[float]:
    """Milliseconds of each round of *work*, the shortest first."""
    times = []
    for _ in range(rounds):
        forget()
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return sorted(times)


def _look_at(text: str) -> list[str]:
    return [unicodedata.category(c) for c in text]


def full_list() -> None:
    """One check of a long prompt that was never seen, against a full list."""
    chance = random.Random(7)
    words, prompts = a_list(chance), [", ".join(chance.choices(TAGS, k=300))[:LENGTH] for _ in range(CHECKS)]
    terms = [rule.text for rule in words.rules]
    checks: dict[str, Callable[[str], object]] = {
        "any(term in text)": lambda text: any(term in text for term in terms),
        "our check": lambda text: words.hits([text]),
    }
    for name, check in checks.items():
        times = sorted(took_ms(partial(check, text), 1)[0] for text in prompts)
        p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
        print(f"{LENGTH} characters, {TERMS} terms  {name:18} p50 {p50:5.2f} ms  p99 {p99:5.2f} ms")


def main() -> None:
    """Print milliseconds and ratios; the aims are 5 ms to judge a usual prompt, and 3 ms p99 against a full list."""
    full_list()
    ground = Ground(
        guild=GuildConfig(channels=(CHANNEL,), unchecked=True), house=HouseConfig(), words=a_list(random.Random(7))
    )
    for name, text in PROMPTS.items():
        request = replace(a_request(text[:4_000], undesired_content=text[:4_000]), safe=True)
        floor = statistics.median(took_ms(partial(_look_at, text), ROUNDS))
        ours = statistics.median(took_ms(partial(judge, a_requester(), request, ground), ROUNDS))
        print(f"{name:10} {len(text[:4_000]):5} characters  one look {floor:6.2f} ms  judged {ours:6.2f} ms")
    people = " | ".join(["girl, red hair, smile, school uniform, source#hug @B3 // hat, glasses"] * 6)
    crowd = replace(a_request(PROMPTS["usual"], model=Model.V5_FULL, characters=people), safe=True)
    ours = statistics.median(took_ms(partial(judge, a_requester(), crowd, ground), ROUNDS))
    print(f"six people {len(PROMPTS['usual']) + len(people):5} characters                       judged {ours:6.2f} ms")


if __name__ == "__main__":
    main()
