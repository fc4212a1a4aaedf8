"""
The locked tier: what is never made or shown, anywhere, shipped in code so that no setting lifts it.

Sexual words together with words for minors, and words that mean both by themselves.
"""

from functools import lru_cache

from bot.domain.words import Words, find_phrase, readings

_LOCKED_ALONE = frozenset(
    tuple(term.split())
    for term in (
        "lolicon", "shotacon", "toddlercon", "toddlerkon", "pedo", "pedophile", "pedophilia", "child porn",
        "child pornography", "kiddie porn", "underage sex", "loli sex", "shota sex", "jailbait",
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


_INNOCENT = tuple(
    tuple(term.split())
    for term in (
        "cum laude",
        "minor chord",
        "minor key",
        "minor scale",
        "minor arcana",
        "goat kid",
        "goat kids",
    )
)
"""Where a word of the lists means something else."""


def is_locked(*texts: str) -> bool:
    """
    Whether *texts*, which make one picture, ask for what is never made, in either of their readings.

    A pair may be spread over several. Each is read by itself as well as in a row: what is innocent only because two
    texts meet is not, and what is a phrase only because they meet is one.
    """
    alone, minor, sexual = _evidence(texts)
    return alone or (minor and sexual)


def is_suspect(*texts: str) -> bool:
    """Whether *texts* hold any part of what, together, is never made: words for minors, or sexual ones."""
    return any(_evidence(texts))


@lru_cache(maxsize=32)
def _evidence(texts: tuple[str, ...]) -> tuple[bool, bool, bool]:
    """
    Whether *texts* hold words that are never made by themselves, words for minors, and sexual words.

    The same texts are asked about several times on their way to the service, within seconds.
    """
    together = [", ".join(texts)] if len(texts) > 1 else []
    readings_ = [_without_innocent(words) for text in (*texts, *together) for words in readings(text)]

    def holds(phrases: frozenset[Words]) -> bool:
        return any(find_phrase(words, phrases) for words in readings_)

    return holds(_LOCKED_ALONE), holds(_MINOR), holds(_SEXUAL)


def _without_innocent(words: Words) -> Words:
    while (found := find_phrase(words, _INNOCENT)) is not None:
        at = next(n for n in range(len(words)) if words[n : n + len(found)] == found)
        # Something stays where it stood, or its neighbours would become a phrase.
        words = (*words[:at], "-", *words[at + len(found) :])
    return words
