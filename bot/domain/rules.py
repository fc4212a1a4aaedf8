"""
The one policy: whether a request may be made here. Every entry asks it, and the moment of claim asks it again.

The locked tier is shipped in code and no setting lifts it: sexual words together with words for minors, and words
that mean both by themselves.
"""

from bot.domain.errors import Refused
from bot.domain.guild import GuildConfig, HouseConfig
from bot.domain.request import Context, Request, Requester
from bot.domain.words import find_phrase, fold

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


def judge(requester: Requester, request: Request, guild: GuildConfig | None, house: HouseConfig) -> None:
    """
    Raise `Refused` if this may not be made here; say nothing if it may.

    *guild* is None in a server that nobody admitted. Pure and quick (well under 5 ms), because it is asked before
    the acknowledgement. Codes: ``locked``, ``not.served``, ``direct.off``, ``place.none``, ``place``.
    """
    judge_text(request)
    judge_place(requester, guild, house)


def judge_text(request: Request) -> None:
    """Raise `Refused` ``locked`` for what is never made, anywhere."""
    judge_words(request.prompt.text)


def judge_words(text: str) -> None:
    """Raise `Refused` ``locked`` for words that are never shown, anywhere."""
    words = fold(text)
    if find_phrase(words, _LOCKED_ALONE) or (find_phrase(words, _MINOR) and find_phrase(words, _SEXUAL)):
        raise Refused("locked")


def judge_place(requester: Requester, guild: GuildConfig | None, house: HouseConfig) -> None:
    """Raise `Refused` unless pictures may be made where *requester* stands."""
    if requester.context is not Context.GUILD:
        if not house.direct:
            raise Refused("direct.off")
        return
    if guild is None:
        raise Refused("not.served")
    if not guild.channels:
        raise Refused("place.none", may_manage=requester.may_manage)
    if requester.channel_id not in guild.channels and requester.parent_id not in guild.channels:
        raise Refused("place", channel=requester.channel_id, channels=guild.channels)


def never_spends(guild: GuildConfig, house: HouseConfig, *, is_direct: bool = False) -> str | None:
    """The code of the switch that forbids spending here (``price.house``, ``.direct`` or ``.never``), or None."""
    if house.never_spend:
        return "price.house"
    if not guild.never_spend:
        return None
    return "price.direct" if is_direct else "price.never"
