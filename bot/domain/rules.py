"""
The one policy: whether something may be made, read or set here.

Every entry asks it (commands, buttons, forms, menus), and the moment of claim asks it again. It is pure and quick
(well under 5 ms), because it is asked before the acknowledgement. The locked tier is in `bot.domain.locked`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.domain.case import Case
from bot.domain.errors import Forbidden, NeedsReview, Refused
from bot.domain.guild import Block, GuildConfig, HouseConfig
from bot.domain.locked import hash_of, is_locked, is_suspect, means_minors
from bot.domain.request import Context, Request, Requester
from bot.domain.steering import asked_by, asking_tag, is_mixed, weakening_tag
from bot.domain.wordlist import NOTHING, Hit, RuleKind, Then, Wordlist


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """
    What holds where somebody stands, at this moment.

    *guild* is None in a server that nobody admitted. *words* are the server's own rules on words.
    *block* is the requester's, while it lives, *unread* the note that they must read first; *is_hidden* is a
    moderator's order to hide all their pictures. *channels* are the server's channels that exist, with whether each
    is age-restricted; None where that is not known.
    """

    guild: GuildConfig | None
    house: HouseConfig
    words: Wordlist = NOTHING
    block: Block | None = None
    unread: Case | None = None
    is_hidden: bool = False
    channels: Mapping[int, bool] | None = None

    @property
    def open_channels(self) -> tuple[int, ...]:
        """Where pictures may be made and which were not deleted meanwhile."""
        chosen = self.guild.channels if self.guild is not None else ()
        return tuple(id_ for id_ in chosen if self.channels is None or id_ in self.channels)


def judge(requester: Requester, request: Request, ground: Ground, *, approved: bool = False) -> Hit | None:
    """
    Raise `Forbidden` if *requester* may not have *request* made here, `NeedsReview` (``review``), last of all, if a
    moderator has to look first; *approved* says that one did, which lifts nothing else.

    Returns the rule of this server's that only wants to be told of it. Codes: those of `judge_place` and
    `judge_listed`, ``locked``, ``nsfw.asked``, ``nsfw.weakened``, ``nsfw.mixed``, ``private.off``, and ``age`` where
    the picture is to be kept safe and the request is not.
    """
    _judge_served(requester, ground)
    asked, undesired = _asked(request), tuple(request.undesired_contents)
    judge_words(*asked, undesired=undesired)
    judge_place(requester, ground)
    hits = ground.words.hits(asked)
    _judge_hits(hits, Then.REFUSE)
    if request.private and ground.guild is not None and not ground.guild.private:
        raise Forbidden("private.off")
    if wants_safe(requester, request, ground):
        _judge_safety(requester, request, ground)
    if not approved:
        _judge_hits(hits, Then.REVIEW)
    return _first(hits, Then.LOG)


def to_log(request: Request, ground: Ground) -> Hit | None:
    """The rule of this server's that *request* meets and that only wants to be told of it."""
    return _first(ground.words.hits(_asked(request)), Then.LOG)


def _first(hits: Sequence[Hit], then: Then) -> Hit | None:
    return next((hit for hit in hits if hit.rule.then is then), None)


def judge_place(requester: Requester, ground: Ground) -> None:
    """
    Raise `Forbidden` unless pictures may be made where *requester* stands.

    Codes: ``not.served``, ``blocked.member``, ``must.read``, ``direct.off``, ``place.none``, ``place.unchecked``,
    ``place``.
    """
    _judge_served(requester, ground)
    judge_member(ground)
    if (note := ground.unread) is not None:
        raise Forbidden("must.read", case=note.id, author=note.actor or 0, words=note.words)
    if requester.context is not Context.GUILD:
        if not ground.house.direct:
            raise Forbidden("direct.off")
        return
    open_channels = ground.open_channels
    if ground.guild is None or not open_channels:
        raise Forbidden("place.none", may_manage=requester.may_manage)
    if not ground.guild.is_set_up(ground.house):
        raise Forbidden("place.unchecked", may_manage=requester.may_manage)
    if requester.channel_id not in open_channels and requester.parent_id not in open_channels:
        raise Forbidden("place", channel=requester.channel_id, channels=open_channels)


def judge_member(ground: Ground) -> None:
    """Raise `Forbidden` ``blocked.member`` where a moderator keeps this person from using the bot."""
    if (block := ground.block) is not None:
        code = "blocked.member" if block.until is not None else "blocked.member.lasting"
        raise Forbidden(code, until=block.until, reason=block.reason, case=block.case_id)


def _asked(request: Request) -> tuple[str, ...]:
    """Every text that asks for something: each prompt, and what an undesired content turns around."""
    turned = (asked_by(text) for text in request.undesired_contents)
    return (*request.prompts, *(text for text in turned if text))


def asked(request: Request) -> tuple[str, ...]:
    """What `judge_words` is asked about a request."""
    return _asked(request)


def judge_words(*texts: str, undesired: Sequence[str] = ()) -> None:
    """
    Raise `Forbidden` ``locked`` for words that are never made or shown, anywhere; *texts* make one picture.

    Of them the error holds a hash and nothing else.
    """
    if is_locked(*texts, undesired=undesired):
        raise Forbidden("locked", sha256=hash_of(texts))


def judge_listed(text: str, ground: Ground) -> None:
    """
    Raise `Forbidden` for what this server's own rules refuse, `NeedsReview` for what they want looked at.

    Codes: ``word`` where it stands openly, ``word.hidden`` where it is disguised, ``word.pattern``, ``word.slow`` where
    patterns took too long, and ``review``. The data hold *rule*, and *disguised*, which weighs more.
    """
    hits = ground.words.hits([text])
    _judge_hits(hits, Then.REFUSE)
    _judge_hits(hits, Then.REVIEW)


def _judge_hits(hits: Sequence[Hit], then: Then) -> None:
    found = [hit for hit in hits if hit.rule.then is then]
    if not found:
        return
    hit, disguised = found[0], any(hit.disguised for hit in found)
    data = {"word": hit.rule.text, "rule": hit.rule.text, "disguised": disguised, "timed_out": hit.timed_out}
    if then is Then.REVIEW:
        raise NeedsReview("review", **data)
    if hit.rule.kind is RuleKind.PATTERN:
        code = "word.slow" if hit.timed_out else "word.pattern"
    else:
        code = "word.hidden" if hit.disguised else "word"
    raise Forbidden(code, **data)


def judge_shown(prompts: Sequence[str], texts: Sequence[str], requester: Requester, ground: Ground) -> None:
    """
    Raise `Forbidden` where texts of a stranger's may not be shown to everybody where *requester* stands.

    *prompts* say what one picture is of; *texts* merely stand beside them, and an undesired content among them says
    ``nsfw`` because it is kept out. Codes: ``locked``, ``word``, ``word.hidden``, ``nsfw.asked``, ``nsfw.asked.only``.
    """
    judge_words(*prompts)
    for text in (*prompts, *texts):
        judge_listed(text, ground)
    if keeps_safe(requester, ground):
        for prompt in prompts:
            _judge_asking(requester, prompt, ground)


def keeps_safe(requester: Requester, ground: Ground) -> bool:
    """
    Whether pictures are kept safe where *requester* stands: everywhere but in age-restricted channels of servers
    that allow age-restricted use. A channel that stopped being one since the request counts as safe.
    """
    if requester.context is not Context.GUILD or ground.guild is None or not ground.guild.age_restricted:
        return True
    channel = requester.parent_id or requester.channel_id
    is_still = ground.channels is None or ground.channels.get(channel, False)
    return not (requester.age_restricted and is_still)


def wants_safe(requester: Requester, request: Request, ground: Ground) -> bool:
    """Whether *request* is kept safe where *requester* stands: as the place says, and always where it means minors."""
    undesired = tuple(request.undesired_contents)
    return keeps_safe(requester, ground) or means_minors(*_asked(request), undesired=undesired)


def only_suggests(requester: Requester, ground: Ground) -> bool:
    """Whether *requester* suggests where they stand, and a moderator says yes; moderators need nobody's."""
    if ground.guild is None or requester.context is not Context.GUILD or requester.may_moderate:
        return False
    is_here = bool({requester.channel_id, requester.parent_id} & {*ground.guild.approval})
    return is_here or ground.guild.approval_role in requester.role_ids


def shows_previews(requester: Requester, request: Request, ground: Ground) -> bool:
    """
    Whether a picture may be seen while it forms: only where no check could keep the finished one back.

    That is in age-restricted channels, openly, and without any evidence for what is never made. A classifier that is
    asked about noise guarantees nothing; elsewhere step and bar are shown alone.
    """
    is_open = not (request.spoiler or request.private or keeps_safe(requester, ground))
    is_open = is_open and not only_suggests(requester, ground)
    hides = ground.guild is None or ground.guild.hides(age_restricted=requester.age_restricted)
    return is_open and not hides and not is_suspect(*_asked(request))


def _judge_served(requester: Requester, ground: Ground) -> None:
    if requester.context is Context.GUILD and ground.guild is None:
        raise Forbidden("not.served")


def _judge_safety(requester: Requester, request: Request, ground: Ground) -> None:
    for text in request.prompts:
        _judge_asking(requester, text, ground)
    for text in request.undesired_contents:
        _judge_weakening(requester, text)
    if not request.safe:
        raise Forbidden("age", channel=_adult_channel(ground) or requester.channel_id)


def _judge_asking(requester: Requester, prompt: str, ground: Ground) -> None:
    if (tag := asking_tag(prompt)) is not None:
        other = _adult_channel(ground)
        code = "nsfw.asked" if other is not None else "nsfw.asked.only"
        raise Forbidden(code, tag=tag, channel=_here(requester), other=other)


def _judge_weakening(requester: Requester, undesired_content: str) -> None:
    if (tag := weakening_tag(undesired_content)) is not None:
        raise Forbidden("nsfw.weakened", tag=tag, channel=_here(requester))
    if is_mixed(undesired_content):
        raise Forbidden("nsfw.mixed", channel=_here(requester))


def _here(requester: Requester) -> int | None:
    """The channel where somebody stands; None in direct messages, which have no name."""
    return None if requester.context is Context.DM else requester.channel_id


def _adult_channel(ground: Ground) -> int | None:
    """A channel of this server where age-restricted pictures may be made."""
    if ground.guild is None or not ground.guild.age_restricted:
        return None
    return next((id_ for id_ in ground.open_channels if ground.channels and ground.channels.get(id_)), None)


def check_admin(requester: Requester, ground: Ground) -> None:
    """Raise `Refused` ``not.served`` or ``admin.only`` unless *requester* may change this server's settings."""
    _judge_served(requester, ground)
    if requester.context is not Context.GUILD or not requester.may_manage:
        raise Refused("admin.only")


def check_moderator(requester: Requester, ground: Ground) -> None:
    """Raise `Refused` ``not.served`` or ``moderator.only`` unless *requester* moderates here."""
    _judge_served(requester, ground)
    if requester.context is not Context.GUILD or not requester.may_moderate:
        raise Refused("moderator.only")


def check_operator(requester: Requester, house: HouseConfig) -> None:
    """Raise `Refused` ``operator.only`` unless *requester* runs this bot."""
    if requester.user_id not in house.operators:
        raise Refused("operator.only")


def check_pattern_writer(requester: Requester, house: HouseConfig) -> None:
    """Raise `Refused` ``pattern.only`` unless *requester* may write patterns, which can be slow for everybody."""
    if requester.user_id not in house.operators:
        raise Refused("pattern.only")


def as_member(requester: Requester) -> Requester:
    """Nobody in particular in the same place, without any rights: whom `/rules test` asks about."""
    return replace(requester, user_id=0, may_moderate=False, may_manage=False)


def never_spends(guild: GuildConfig, house: HouseConfig, *, is_direct: bool = False) -> str | None:
    """The code of the switch that forbids spending here (``price.house``, ``.direct`` or ``.never``), or None."""
    if house.never_spend:
        return "price.house"
    if not guild.never_spend:
        return None
    return "price.direct" if is_direct else "price.never"
