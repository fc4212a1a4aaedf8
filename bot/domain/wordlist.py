"""A server's own rules on words: what each looks for, what follows, and all of them compiled to be asked at once."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.disguise import HardWords, is_findable
from bot.domain.errors import Mistake
from bot.domain.patterns import Patterns, check_pattern
from bot.domain.words import Phrases, Words, composed, fold, is_open_in, is_unspaced, readings

CANARY = "naibot canary"
"""Refused by every list, so that it can be asked whether the list still works."""
SONG = "1girl, n a i b o t 1.2::can::\u0430ry, tree"
"""The same in disguise."""
PATTERNS_MAX = 20
ORDINARY = (
    "1girl, solo, long hair, looking at viewer, smile, blue eyes",
    "1boy, short hair, jacket, city street, night, neon lights",
    "2girls, holding hands, beach, sunset, wind",
    "masterpiece, best quality, amazing quality, very aesthetic, absurdres",
    "no humans, scenery, mountain, river, clouds, detailed background",
    "cat, sleeping, sunlight, window, watercolor",
    "a knight in silver armor stands before a castle gate, dramatic lighting",
    "hatsune miku, vocaloid, twintails, stage, concert, dynamic angle",
    "portrait of an old man with a grey beard, oil painting, rembrandt lighting",
    "mecha, science fiction, space station, stars, 1.2::glowing::",
    "food focus, strawberry cake, plate, cafe table, macro",
    "school uniform, classroom, cherry blossoms, spring, {{detailed}}",
)
"""What people ask for every day: an entry that refuses most of it is a slip."""
_MOST = len(ORDINARY) // 2


class RuleKind(StrEnum):
    """How an entry is looked for; or, of one that is allowed, that it is not."""

    WORD = "word"
    HARD = "hard"
    PATTERN = "pattern"
    ALLOWED = "allowed"


class Then(StrEnum):
    """What follows where an entry is found, the strongest first."""

    REFUSE = "refuse"
    REVIEW = "review"
    LOG = "log"


class Seen(StrEnum):
    """In which look at a text something was found."""

    OPEN = "open"
    DISGUISED = "disguised"
    JOINED = "joined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One entry, as it was entered."""

    text: str
    kind: RuleKind = RuleKind.WORD
    then: Then = Then.REFUSE


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """
    A rule that was found, and how.

    *timed_out*: its patterns took too long, and a prompt that nobody could check counts as one that holds them.
    """

    rule: Rule
    seen: Seen
    timed_out: bool = False

    @property
    def disguised(self) -> bool:
        """Whether it was hidden from a reader of words; a pattern says itself what it reads."""
        return self.seen is not Seen.OPEN and self.rule.kind is not RuleKind.PATTERN


class Wordlist:
    """
    The entries of one server, compiled once.

    An entry that cannot be looked for stands in *broken* and holds up none of the others.
    """

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules = tuple(rules)
        self.broken: tuple[Rule, ...] = tuple(rule for rule in self.rules if not _is_sound(rule))
        sound = [rule for rule in self.rules if rule not in self.broken]
        kept = [Rule(text=CANARY, kind=RuleKind.HARD), *(r for r in sound if r.kind in (RuleKind.WORD, RuleKind.HARD))]
        self._by_phrase: dict[Words, Rule] = {}
        for rule in kept:
            self._by_phrase.setdefault(fold(rule.text), rule)
        self._phrases = Phrases(self._by_phrase)
        self._hard = HardWords(phrase for phrase, rule in self._by_phrase.items() if rule.kind is RuleKind.HARD)
        self._unspaced = {composed(rule.text): rule for rule in kept if is_unspaced(rule.text)}
        self._patterns = Patterns(
            [[rule.text for rule in sound if rule.kind is RuleKind.PATTERN and rule.then is then] for then in Then]
        )
        self._pattern_rules = {rule.text: rule for rule in sound if rule.kind is RuleKind.PATTERN}
        self._allowed = _allowance(rule.text for rule in sound if rule.kind is RuleKind.ALLOWED)

    def known(self, text: str) -> Rule | None:
        """The entry that says the same as *text*."""
        same = (rule for rule in self.rules if rule.text == text or (fold(text) and fold(rule.text) == fold(text)))
        return next(same, None)

    def hits(self, texts: Sequence[str]) -> tuple[Hit, ...]:
        """All that is found in *texts*, each read by itself; the strongest first, and of those what stands openly."""
        bare = [self._allowed.sub(" , ", text) for text in texts] if self._allowed else texts
        found = {hit.rule: hit for hit in self._found_in(bare)}
        return tuple(sorted(found.values(), key=lambda hit: (list(Then).index(hit.rule.then), hit.disguised)))

    def _found_in(self, texts: Sequence[str]) -> Iterator[Hit]:
        for text in texts:
            found = dict.fromkeys(self._hard.found_in(text), Seen.JOINED)
            for words in readings(text):
                found |= dict.fromkeys(self._phrases.found_in(words), Seen.DISGUISED)
            for phrase, seen in found.items():
                rule = self._by_phrase[phrase]
                is_open = any(is_open_in(rule.text, each) for each in texts)
                yield Hit(rule=rule, seen=Seen.OPEN if is_open else seen)
            yield from self._unspaced_in(text)
        for match in self._patterns.found_in(texts):
            seen = Seen.OPEN if match.as_written else Seen.DISGUISED
            yield Hit(rule=self._pattern_rules[match.pattern], seen=seen, timed_out=match.timed_out)

    def _unspaced_in(self, text: str) -> Iterator[Hit]:
        """Words of scripts without blanks stand anywhere; transliterated they would be parts of other words."""
        if self._unspaced and is_unspaced(text):
            written, plain = composed(text), text.casefold()
            for word, rule in self._unspaced.items():
                if word in written:
                    yield Hit(rule=rule, seen=Seen.OPEN if word in plain else Seen.DISGUISED)


def check_rule(rule: Rule) -> None:
    """
    Raise `Mistake` where an entry would do nothing, or hit what everybody asks for; then with an *example*.

    Codes: ``word.empty``, ``word.short``, ``word.wide``, and those of `check_pattern`.
    """
    if rule.kind is RuleKind.PATTERN:
        check_pattern(rule.text, ORDINARY)
    elif not fold(rule.text):
        raise Mistake("word.empty")
    elif rule.kind is not RuleKind.WORD and not (is_findable(fold(rule.text)) or is_unspaced(rule.text)):
        raise Mistake("word.short", example=_example(rule.text))
    if rule.kind is not RuleKind.ALLOWED:
        _check_width(rule)


def _check_width(rule: Rule) -> None:
    alone = Wordlist([rule])
    hit = [text for text in ORDINARY if alone.hits([text])]
    if len(hit) > _MOST:
        raise Mistake("word.wide", hits=len(hit), of=len(ORDINARY), example=hit[0])


def _example(text: str) -> str:
    """An innocent word that a short entry would be read into."""
    letters = "".join(fold(text))
    return next((word for line in ORDINARY for word in fold(line) if letters in word), letters * 2)


def _is_sound(rule: Rule) -> bool:
    try:
        if rule.kind is RuleKind.PATTERN:
            check_pattern(rule.text, ())
    except Mistake:
        return False
    if rule.kind is RuleKind.ALLOWED:
        allowance = _allowance([rule.text])
        return allowance is not None and not allowance.search(SONG)
    return rule.kind is RuleKind.PATTERN or bool(fold(rule.text))


def _allowance(texts: Iterable[str]) -> re.Pattern[str] | None:
    """What is taken out of a text before it is looked at: allowed words where they stand as they are."""
    parts = [_as_written(words) for text in texts if (words := text.replace("_", " ").split())]
    return re.compile("|".join(sorted(parts, key=len, reverse=True)), re.IGNORECASE) if parts else None


def _as_written(words: Sequence[str]) -> str:
    together = r"[\s_]+".join(map(re.escape, words))
    return together if is_unspaced(together) else rf"(?<![^\W_]){together}(?![^\W_])"


NOTHING = Wordlist()
"""The list of a server that refuses no words of its own."""
