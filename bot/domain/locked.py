"""
The locked tier: what is never made or shown, anywhere, shipped in code so that no setting lifts it.

Sexual words together with words for minors, and words that mean both by themselves. Nothing here takes a setting.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bot.domain.disguise import HardWords
from bot.domain.words import Phrases, Words, composed, fold, readings

CANARY = "naibot nightingale"
"""Locked by itself and nobody's wish, so that it can be asked whether the lock still holds."""

SONG = "1girl, n4ib{o}t n\u0456ght\u200bingale, tree"
"""The same in disguise."""
_LOCKED_ALONE = frozenset(
    tuple(term.split())
    for term in (
        "lolicon", "shotacon", "toddlercon", "toddlerkon", "pedo", "pedophile", "pedophilia", "child porn",
        "child pornography", "kiddie porn", "underage sex", "loli sex", "shota sex", "jailbait", CANARY,
    )
)  # fmt: skip
_MINOR = frozenset(
    tuple(term.split())
    for term in (
        "loli", "lolis", "shota", "shotas", "child", "children", "kid", "kids", "toddler", "toddlers", "infant",
        "infants", "baby girl", "baby boy", "newborn", "preteen", "preteens", "pre teen", "tween", "underage",
        "under age", "minor", "minors", "prepubescent", "prepubescence", "pubescent", "young girl", "young girls",
        "young boy", "young boys", "little girl", "little girls", "little boy", "little boys", "female child",
        "male child", "kindergarten", "kindergartener", "kindergartner", "preschooler", "elementary school",
        "elementary schooler", "elementary student", "grade schooler", "primary school", "middle schooler",
        "middle school student", "schoolchild", "schoolchildren", "aged down", "age regression", "teen",
        "teens", "teenage", "teenager", "teenagers",
    )
)  # fmt: skip
_SEXUAL = frozenset(
    tuple(term.split())
    for term in (
        "nsfw", "explicit", "rating explicit", "rating questionable", "r18", "r 18", "nude", "nudity", "naked",
        "completely nude", "topless", "bottomless", "sex", "sexual", "sexy", "porn", "porno", "pornographic", "hentai",
        "erotic", "erotica", "ecchi", "lewd", "penis", "vagina", "pussy", "pussies", "cunt", "clitoris", "anus",
        "genital", "genitals", "testicles", "erection", "nipple", "nipples", "areola", "areolae", "breasts out",
        "no panties", "no bra", "no underwear", "panties aside", "panty pull", "undressing", "cum", "cumshot",
        "semen", "ejaculation", "creampie", "bukkake", "fellatio", "blowjob", "handjob", "footjob", "paizuri",
        "cunnilingus", "anal", "vaginal", "intercourse", "doggystyle", "cowgirl position", "gangbang",
        "orgy", "masturbation", "masturbating", "orgasm", "ahegao", "dildo", "vibrator", "bdsm",
        "bondage", "rape", "raped", "molestation", "molested", "groping", "spread legs", "spread pussy", "upskirt",
        "cameltoe", "cleavage", "lingerie", "thong", "uncensored", "mosaic censoring", "incest",
        "prostitution", "seductive", "fetish", "aroused", "naizuri",
    )
)  # fmt: skip
_SUSPECT = frozenset(
    tuple(term.split())
    for term in (
        "chibi", "flat chest", "flat chested", "small breasts", "petite", "petite body", "young", "younger", "youthful",
        "school uniform", "serafuku", "schoolgirl", "schoolboy", "school girl", "school boy", "student", "classroom",
        "randoseru", "pacifier", "baby face", "baby faced", "small body", "short stature", "childlike", "childish",
    )
)  # fmt: skip
"""What may go with minors and mostly does not: never enough by itself, however much of it there is."""
_ADULT = frozenset(
    tuple(term.split())
    for term in ("adult", "adults", "mature", "mature female", "mature male", "grown up", "aged up", "milf", "woman")
)
"""What says that somebody is grown up; to keep it out raises suspicion."""
_INNOCENT = tuple(
    tuple(term.split())
    for term in (
        "cum laude", "minor chord", "minor key", "minor scale", "minor arcana", "minor league", "minor planet",
        "ursa minor", "canis minor", "asia minor", "goat kid", "goat kids", "kid gloves", "kid icarus", "sundance kid",
        "billy the kid", "teenage mutant ninja turtles",
    )
)  # fmt: skip
"""Where a word of the lists means something else."""

# Chinese, Japanese, Korean and Russian are matched as they are written: transliterated they are other words. Katakana
# only where no other katakana is next to them (calorie, Florida and lollipop hold the same signs).
_MINOR_ELSEWHERE = re.compile(
    r"(?<![ァ-ヶー])(?:ロリ|ショタ)(?![ァ-ヶー])|幼女|幼児|幼童|小学生|小學生|中学生|中學生|園児|女児|男児|儿童|兒童"
    r"|萝莉|蘿莉|正太(?!郎)|로리(?![가-힣])|쇼타(?![가-힣])|\bлоли\b|\bшота\b"
)
_SEXUAL_ELSEWHERE = re.compile(
    r"全裸|裸体|裸體|色情|性交|セックス|エロ(?![ァ-ヶー])|섹스|알몸|\bсекс\b|\bпорно\b|\bэротика\b|\bголая\b"
)
_NUMBERS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen",
)  # fmt: skip
_N = rf"(?:0?[1-9]|1[0-7]|{'|'.join(_NUMBERS)})"
_NO_TENS = "".join(
    rf"(?<!\b{ten} )"
    for ten in ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred")
)
_THINGS = (
    r"(?! (?:whisky|whiskey|wine|scotch|bourbon|rum|cognac|cheese|car|cars|tree|trees|oak|house|building|castle|temple|"
    r"church|ship|computer|phone|photo|photograph|painting|puppy|kitten|dog|cat|horse)\b)"
)
_AGE = re.compile(
    rf"{_NO_TENS}\b{_N} ?(?:(?:years?|yrs?|y|months?) ?(?:olds?|o|of age)|yo)\b{_THINGS}"
    rf"|(?<!ice )(?<!stone )(?<!dragon )(?<!bronze )(?<!iron )(?<!new )(?<!middle )(?<!space )(?<!golden )"
    rf"\b(?:age|aged|ages) (?:of |at |is )?{_N}\b(?! (?:and|or|to) (?:up|over|above|older))"
    r"|\b(?:[1-9]th|1st|2nd|3rd|first|second|third|fourth|fifth|sixth|seventh|eighth) graders?\b"
)
_AGE_ELSEWHERE = re.compile(r"(?<!\d)(?:0?[1-9]|1[0-7])\s*(?:歳|才|岁|歲|살|лет\b|года\b|ans\b|jahre alt\b|años\b)")

MAIN = 3
"""What a word for minors weighs, and what is enough beside anything sexual."""
CODED = 2
"""What is enough for the strict threshold of pictures."""
EXPLICIT = 0.35
"""Rating of a picture, 0 to 1, that counts as a sexual word beside words for minors."""
EXPLICIT_AT_NIGHT = 0.2
"""The same in age-restricted places, where nothing keeps a picture safe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """
    What texts that make one picture hold: something never made by itself, what stands for minors, something sexual.

    *minor* is a weight: `MAIN` for any word or age that means a minor, 1 or 2 for what only may.
    """

    alone: bool = False
    minor: int = 0
    sexual: bool = False

    @property
    def locked(self) -> bool:
        """Whether it is never made."""
        return self.alone or (self.sexual and self.minor >= MAIN)


def evidence(*texts: str, undesired: Iterable[str] = ()) -> Evidence:
    """
    What *texts* hold, in any disguise. What they make may be spread over several.

    Each is read by itself as well as in a row: what is innocent only because two texts meet is not, and what is a
    phrase only because they meet is one. The words of *undesired* content are no wish; but to keep out what is grown up
    adds to what may stand for minors.
    """
    return _evidence(texts, tuple(undesired))


# A request is asked about several times on its way, and its texts may be long.
@lru_cache(maxsize=256)
def _evidence(texts: tuple[str, ...], undesired: tuple[str, ...]) -> Evidence:
    found: set[Words] = set()
    for text in texts:
        found |= _found_in(text)
    if len(texts) > 1:
        found |= _read_in(", ".join(texts))
    minor = min(len(found & _SUSPECT), CODED)
    if found & _MINOR or any(_says_minor(text) for text in texts):
        minor = MAIN
    elif minor:
        minor += any(_found_in(text) & _ADULT for text in undesired)
    sexual = bool(found & _SEXUAL) or any(_SEXUAL_ELSEWHERE.search(composed(text)) for text in texts)
    return Evidence(alone=bool(found & _LOCKED_ALONE), minor=minor, sexual=sexual)


def read_anew() -> None:
    """Forget what was read, so that the next answer is the lists' own and no remembered one."""
    _evidence.cache_clear()
    _found_in.cache_clear()


def is_locked(*texts: str, undesired: Sequence[str] = ()) -> bool:
    """Whether *texts*, which make one picture, ask for what is never made; see `evidence`."""
    return evidence(*texts, undesired=undesired).locked


def is_locked_with_rating(
    *texts: str, explicit: float, undesired: Sequence[str] = (), age_restricted: bool = False
) -> bool:
    """
    Whether a picture rated *explicit* (0 to 1) that was made of *texts* is never shown.

    Rating and place stand in for sexual words: in *age_restricted* places less is enough.
    """
    found = evidence(*texts, undesired=undesired)
    is_sexual = explicit >= (EXPLICIT_AT_NIGHT if age_restricted else EXPLICIT)
    return found.locked or (is_sexual and found.minor >= MAIN)


def is_minor_coded(*texts: str, undesired: Sequence[str] = ()) -> bool:
    """Whether *texts* may stand for minors, so that the picture is to be looked at more strictly."""
    return evidence(*texts, undesired=undesired).minor >= CODED


def means_minors(*texts: str, undesired: Sequence[str] = ()) -> bool:
    """Whether *texts* mean minors, so that the picture is kept safe wherever it is made."""
    return evidence(*texts, undesired=undesired).minor >= MAIN


def is_suspect(*texts: str) -> bool:
    """Whether *texts* hold any part of what, together, is never made: words for minors, or sexual ones."""
    found = evidence(*texts)
    return found.alone or found.sexual or found.minor >= CODED


def hash_of(texts: Iterable[str]) -> str:
    """
    All that is kept of a locked request's words: the hash of them as they are read, so that a repetition is known.

    Plain SHA-256, the same everywhere; whoever can guess a text can know it again.
    """
    return hashlib.sha256("\n".join(" ".join(fold(text)) for text in texts).encode()).hexdigest()


_INNOCENT_PHRASES = Phrases(_INNOCENT)
_PHRASES = Phrases(_LOCKED_ALONE | _MINOR | _SEXUAL | _SUSPECT | _ADULT)
# Phrases with digits would be looked for as letters: `r18` as a rib.
_HARD = HardWords((p for p in _LOCKED_ALONE | _MINOR | _SEXUAL if "".join(p).isalpha()), strict=True)


@lru_cache(maxsize=256)
def _found_in(text: str) -> frozenset[Words]:
    # What stands there openly was judged with what is innocent about it; only what is hidden comes on top.
    openly = {phrase for words in readings(text) for phrase in _PHRASES.found_in(words)}
    return _read_in(text) | (frozenset(_HARD.found_in(text)) - openly)


def _read_in(text: str) -> frozenset[Words]:
    return frozenset(phrase for words in readings(text) for phrase in _PHRASES.found_in(_without_innocent(words)))


@lru_cache(maxsize=256)
def _says_minor(text: str) -> bool:
    """An age below 18, or a word for minors in another script."""
    written = composed(text)
    if _MINOR_ELSEWHERE.search(written) or _AGE_ELSEWHERE.search(written):
        return True
    return any(_AGE.search(" ".join(words)) for words in readings(text))


def _without_innocent(words: Words) -> Words:
    kept, at = [], 0
    while at < len(words):
        phrase = next(_INNOCENT_PHRASES.standing_at(at, words), None)
        # Something stays where it stood, or its neighbours would become a phrase.
        kept.append(words[at] if phrase is None else "-")
        at += 1 if phrase is None else len(phrase)
    return tuple(kept)
