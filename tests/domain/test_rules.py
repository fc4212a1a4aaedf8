"""One policy: served, allowed, not blocked, of the server's words, safe where safety is kept, and never the locked."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.character import Character
from bot.domain.errors import Forbidden, Refused
from bot.domain.guild import Block, GuildConfig, HouseConfig
from bot.domain.model import Model
from bot.domain.prompt import worded
from bot.domain.request import Context, Generate, Requester
from bot.domain.rules import (
    Ground,
    check_admin,
    check_moderator,
    check_operator,
    judge,
    judge_shown,
    judge_words,
    keeps_safe,
)
from bot.domain.tools import Direct, DirectorTool, Mood
from bot.domain.wordlist import Rule, Wordlist
from bot.domain.words import find_phrase, fold
from tests.builders import CHANNEL, a_request, a_requester
from tests.shared import shared

NIGHT = 201
OPEN = GuildConfig(channels=(CHANNEL, NIGHT), unchecked=True)
HOUSE = HouseConfig()
CHECKED = HouseConfig(checked=True)
ADULT = replace(OPEN, age_restricted=True)
BLOCK = Block(guild_id=100, user_id=1, until=2e9, reason="spam", actor=9)


def _list(word: str) -> Wordlist:
    return Wordlist([Rule(text=word)])


def _ground(guild: GuildConfig | None = OPEN, house: HouseConfig = HOUSE, **more: object) -> Ground:
    return Ground(guild=guild, house=house, **more)  # type: ignore[arg-type]


def _safe(request: Generate) -> Generate:
    return replace(request, safe=True)


def _at_night(**more: object) -> Requester:
    return replace(a_requester(channel_id=NIGHT), age_restricted=True, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("requester", "ground", "code"),
    [
        (a_requester(), _ground(None), "not.served"),
        (a_requester(), _ground(GuildConfig()), "place.none"),
        (a_requester(), _ground(replace(OPEN, unchecked=False)), "place.unchecked"),
        (a_requester(), _ground(channels={999: False}), "place.none"),
        (a_requester(channel_id=999), _ground(), "place"),
        (a_requester(), _ground(channels={NIGHT: True}), "place"),
        (a_requester(guild_id=None, context=Context.DM), _ground(), "direct.off"),
        (a_requester(context=Context.USER_INSTALL), _ground(), "direct.off"),
        (a_requester(), _ground(block=BLOCK), "blocked.member"),
        (a_requester(), _ground(block=replace(BLOCK, until=None)), "blocked.member.lasting"),
        (a_requester(may_manage=True, may_moderate=True), _ground(block=BLOCK), "blocked.member"),
        (a_requester(), _ground(words=_list("cherry")), "word"),
        (a_requester(), _ground(words=_list("blossoms smile")), "word"),
        (a_requester(), _ground(words=_list("bl0ssoms")), "word.hidden"),
        (a_requester(), _ground(channels={}), "place.none"),
        (a_requester(), _ground(GuildConfig(), CHECKED), "place.none"),
    ],
)
def test_where_and_by_whom_pictures_may_not_be_made(requester: Requester, ground: Ground, code: str) -> None:
    """Nothing is drawn before an admin set the server up, nor outside of its channels, nor for the blocked."""
    with pytest.raises(Forbidden) as caught:
        judge(requester, _safe(a_request()), ground)

    assert code == caught.value.code


def test_where_a_classifier_looks_nobody_has_to_accept_that_none_does() -> None:
    """A server that never did is closed again once the classifier is gone, with a sentence of its own."""
    guild = replace(OPEN, unchecked=False)

    judge(a_requester(), _safe(a_request()), _ground(guild, CHECKED))
    with pytest.raises(Forbidden, match=r"place\.unchecked"):
        judge(a_requester(), _safe(a_request()), _ground(guild))


def test_where_pictures_may_be_made() -> None:
    """In a chosen channel, in its threads, and in direct messages where the operator allows them."""
    thread = Requester(user_id=1, guild_id=100, channel_id=300, parent_id=CHANNEL)
    direct = a_requester(guild_id=None, context=Context.DM)

    judge(a_requester(), _safe(a_request()), _ground())
    judge(thread, _safe(a_request()), _ground(channels={CHANNEL: False}))
    judge(direct, _safe(a_request()), _ground(GuildConfig(), HouseConfig(direct=True)))


def test_a_refusal_names_the_channels_that_are_still_there() -> None:
    """A deleted one is nowhere to go."""
    with pytest.raises(Forbidden) as caught:
        judge(a_requester(channel_id=999), _safe(a_request()), _ground(channels={NIGHT: True, 999: False}))

    assert (NIGHT,) == caught.value.data["channels"]


@pytest.mark.parametrize(
    ("requester", "ground", "is_safe"),
    [
        (a_requester(), _ground(ADULT), True),
        (_at_night(), _ground(ADULT), False),
        (_at_night(), _ground(ADULT, channels={NIGHT: True}), False),
        (_at_night(), _ground(ADULT, channels={NIGHT: False}), True),
        (_at_night(), _ground(OPEN), True),
        (_at_night(context=Context.USER_INSTALL), _ground(ADULT), True),
        (_at_night(context=Context.DM), _ground(ADULT, HouseConfig(direct=True)), True),
        (replace(_at_night(), channel_id=300, parent_id=NIGHT), _ground(ADULT, channels={NIGHT: True}), False),
    ],
)
def test_where_pictures_are_kept_safe(requester: Requester, ground: Ground, is_safe: bool) -> None:
    """Everywhere but in channels that are age-restricted now, of servers that allow it."""
    assert is_safe == keeps_safe(requester, ground)


@pytest.mark.parametrize(
    ("prompt", "undesired", "code"),
    [
        ("1girl, nsfw", "", "nsfw.asked"),
        ("{{Explicit}}, 1girl", "", "nsfw.asked"),
        ("1girl, n.s.f.w", "", "nsfw.asked"),
        ("1girl", "[nsfw]", "nsfw.weakened"),
        ("1girl", "-1::nsfw::", "nsfw.weakened"),
        ("1girl", "lowres|nsfw:-5", "nsfw.mixed"),
        ("1girl", "lowres|bad:100", "nsfw.mixed"),
    ],
)
def test_what_is_asked_for_where_pictures_are_kept_safe_is_refused_with_a_way_out(
    prompt: str, undesired: str, code: str
) -> None:
    """There the tag and another channel are named; where age-restricted pictures may be made it is nobody's affair."""
    request = a_request(prompt, undesired_content=undesired)

    with pytest.raises(Forbidden) as caught:
        judge(a_requester(), _safe(request), _ground(ADULT, channels={CHANNEL: False, NIGHT: True}))
    assert code == caught.value.code
    assert code != "nsfw.asked" or caught.value.data["other"] == NIGHT
    judge(_at_night(), request, _ground(ADULT))


def test_a_safe_place_takes_no_request_that_is_not_kept_safe() -> None:
    """What was asked for in an age-restricted channel is not made once the channel is none."""
    judge(_at_night(), a_request(), _ground(ADULT, channels={NIGHT: True}))

    with pytest.raises(Forbidden, match="age"):
        judge(_at_night(), a_request(), _ground(ADULT, channels={NIGHT: False}))


@given(
    st.text(min_size=1, max_size=60).filter(str.strip),
    st.lists(
        st.sampled_from(["nsfw", "[", "]", "{", "}", "::", "-1::", "0.5::", ", ", "|", ":0.1", "lowres"]), max_size=12
    ),
)
def test_nothing_that_passes_weakens_what_is_put_in_front(prompt: str, undesired: list[str]) -> None:
    """Whatever people type, a request that may be made in a safe place is sent with `nsfw` in front, at full weight."""
    request = _safe(a_request(prompt, undesired_content="".join(undesired)))
    try:
        judge(a_requester(), request, _ground())
    except Refused:
        return
    sent = worded(request).undesired_content
    assert sent.startswith("nsfw, ")
    assert not sent.startswith("nsfw, nsfw, lowres, {bad}")
    assert min(_weights(sent)) >= 1 - 1e-6


V4 = Model.V4_5_FULL
PIECES = [
    "nsfw",
    "loli",
    "nude",
    "little",
    "girl",
    "hat",
    "[",
    "]",
    "{",
    "}",
    "::",
    "-1::",
    "0.5::",
    ", ",
    "|",
    " ",
    ".",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
CHARACTERS = st.builds(
    lambda prompt, undesired: Character(prompt=prompt, undesired_content=undesired), TEXTS.filter(str.strip), TEXTS
)


def _of(characters: list[Character], text: str = "2girls", undesired: str = "") -> Generate:
    plain = a_request(text, model=V4, undesired_content=undesired)
    return replace(plain, prompt=replace(plain.prompt, characters=tuple(characters)))


@given(st.lists(CHARACTERS, min_size=1, max_size=3), st.sampled_from(["2girls", "loli", "nude", "a little"]), TEXTS)
def test_no_character_escapes_the_locked_tier(characters: list[Character], text: str, undesired: str) -> None:
    """
    Wherever the two halves of what is never made stand, they are found: in the base, in one character, over several.
    """
    request = _of(characters, text, undesired)
    prompts = [text, *(each.prompt for each in characters)]
    is_spread = any("loli" in fold(each) for each in prompts) and any("nude" in fold(each) for each in prompts)
    try:
        judge(_at_night(), request, _ground(ADULT))
    except Refused:
        return
    assert not is_spread
    for each in prompts:
        judge_words(each)


@given(st.lists(CHARACTERS, min_size=1, max_size=3), TEXTS)
@example([Character(prompt="girl")], "[nsfw nsfw")
@example([Character(prompt="girl")], "{[[nsfw rating explicit nsfw 2]]}")
def test_no_character_weakens_what_is_put_in_front(characters: list[Character], undesired: str) -> None:
    """What may be made in a safe place is sent with `nsfw` in front of every undesired content, at full weight."""
    request = _safe(_of(characters, undesired=undesired))
    try:
        judge(a_requester(), request, _ground())
    except Refused:
        return
    sent = worded(request)
    for text in (sent.undesired_content, *(each.undesired_content for each in sent.characters)):
        assert text.startswith("nsfw, ")
        assert min(_weights(text)) >= 1 - 1e-6


@pytest.mark.parametrize(
    ("characters", "code"),
    [
        ("girl, nsfw", "nsfw.asked"),
        ("girl | boy, {{explicit}}", "nsfw.asked"),
        ("girl // [nsfw]", "nsfw.weakened"),
        ("girl | boy // -1::nsfw::", "nsfw.weakened"),
        ("girl | boy, cherry", "word"),
        ("girl // -2::cherry::", "word"),
        ("loli, nude", "locked"),
        ("loli | boy // -1::nude::", "locked"),
    ],
)
def test_every_text_of_every_character_is_judged(characters: str, code: str) -> None:
    """As the base is: what it asks for, what it weakens, and what its undesired content turns around."""
    request = a_request("1girl, 1boy", model=V4, characters=characters, safe=True)

    with pytest.raises(Forbidden) as caught:
        judge(
            a_requester(),
            request,
            _ground(ADULT, words=_list("cherry"), channels={CHANNEL: False, NIGHT: True}),
        )

    assert code == caught.value.code


@pytest.mark.parametrize("undesired", ["-3::nude::", "lowres, -1::hat, nude::", "lowres|nude:-5"])
def test_what_is_turned_around_is_asked_for(undesired: str) -> None:
    """To keep something out with a weight below zero draws it, also where nothing is kept safe."""
    request = a_request("loli", undesired_content=undesired)

    with pytest.raises(Forbidden, match="locked"):
        judge(_at_night(), request, _ground(ADULT))
    judge(_at_night(), _safe(a_request("loli", undesired_content="nude, lowres")), _ground(ADULT))


def test_what_is_innocent_only_because_two_texts_meet_is_not() -> None:
    """`cum laude` over two characters is none."""
    with pytest.raises(Forbidden, match="locked"):
        judge_words("loli", "cum", "laude")
    with pytest.raises(Forbidden, match="locked"):
        judge_words("a little", "girl, nude")
    judge_words("loli", "magna cum laude")


@pytest.mark.parametrize("mood", list(Mood))
def test_a_tool_is_judged_by_its_words(mood: Mood) -> None:
    """Director tools take a prompt too."""
    tool = Direct(tool=DirectorTool.EMOTION, width=64, height=64, mood=mood, prompt="tears", safe=True)
    judge(a_requester(), tool, _ground())

    with pytest.raises(Forbidden, match=r"nsfw\.asked"):
        judge(a_requester(), replace(tool, prompt="nsfw"), _ground())
    with pytest.raises(Forbidden, match="locked"):
        judge(a_requester(), replace(tool, prompt="loli, nude"), _ground())


def _weights(text: str) -> list[float]:
    """The weight of each `nsfw` in a text that is not mixed, read letter by letter and apart from the rules."""
    found, number, brackets = [], 1.0, 0
    assert "|" not in text
    for at in range(len(text)):
        if text.startswith("::", at):
            before = re.search(r"-?\d*\.?\d*$", text[:at])
            digits = before[0] if before else ""
            number = float(digits) if digits not in ("", "-", ".", "-.") else (1.0 if not digits else 0.0)
        brackets += {"{": 1, "}": -1, "[": -1, "]": 1}.get(text[at], 0)
        if re.compile(r"(?<![a-z0-9])nsfw(?![a-z0-9])").match(text, at):
            found.append(number * 1.05**brackets)
    return found


def test_private_pictures_are_asked_about_by_the_rules_themselves() -> None:
    """So no button and no draft forgets to."""
    request = replace(_safe(a_request()), private=True)
    judge(a_requester(), request, _ground())

    with pytest.raises(Forbidden, match=r"private\.off"):
        judge(a_requester(), request, _ground(replace(OPEN, private=False)))


def test_a_server_that_is_not_served_has_neither_admins_nor_moderators() -> None:
    """One sentence for every command there."""
    for check in (check_admin, check_moderator):
        with pytest.raises(Refused, match=r"not\.served"):
            check(a_requester(may_manage=True, may_moderate=True), _ground(None))


@pytest.mark.parametrize(
    "text",
    [
        "loli, nude",
        "{{lo{li}}}, 1.2::nsfw::",
        "sh0ta, rating:explicit",
        "n s f w, a little girl",
        "lolicon",
        "loli|nude",
        "loli{}nude",
        "2::loli::nude",
        "loli[nude]",
        "loli(nude)",
        "loli\nnude",
        "a minor, nude",
    ],
)
def test_what_is_never_made(text: str) -> None:
    """Sexual words with words for minors are refused, however they are written and wherever it is."""
    with pytest.raises(Refused, match="locked"):
        judge_words(text)
    with pytest.raises(Refused, match="locked"):
        judge(_at_night(), a_request(text), _ground(ADULT))


@pytest.mark.parametrize(
    "text",
    [
        "1girl, nude beach towel",
        "children playing, park",
        "1girl, 2boys, 4koma",
        "mother and child, smile",
        "lollipop, nsfw",
        "magna cum laude, kids at graduation",
        "a song in a minor key, sexy saxophone",
    ],
)
def test_the_innocent_pass_the_locked_tier(text: str) -> None:
    """One half of the pair alone is not the pair, and a look-alike is not the word."""
    judge_words(text)


@pytest.mark.parametrize(
    ("may_moderate", "may_manage", "user_id", "passes"),
    [
        (False, False, 1, ""),
        (True, False, 1, "moderator"),
        (False, True, 1, "admin"),
        (True, True, 9, "admin moderator operator"),
        (False, False, 9, "operator"),
    ],
)
def test_who_may_do_what(may_moderate: bool, may_manage: bool, user_id: int, passes: str) -> None:
    """Moderating, managing and running the bot are three things, and none implies another."""
    requester = a_requester(user_id, may_moderate=may_moderate, may_manage=may_manage)
    house = HouseConfig(operators=frozenset({9}))
    found = set()
    for name, check in {
        "admin": lambda: check_admin(requester, _ground()),
        "moderator": lambda: check_moderator(requester, _ground()),
        "operator": lambda: check_operator(requester, house),
    }.items():
        try:
            check()
        except Refused:
            continue
        found.add(name)

    assert set(passes.split()) == found


def test_somebody_elses_server_is_not_managed_from_a_user_install() -> None:
    """An admin who uses the bot as their own app in a server that did not install it sets nothing up there."""
    with pytest.raises(Refused, match=r"admin\.only"):
        check_admin(a_requester(may_manage=True, context=Context.USER_INSTALL), _ground())


def test_common_disguises_are_read_through() -> None:
    """Nine of ten known disguises fold to the word itself, and no innocent text does."""
    study = json.loads(shared("data/disguises.json").read_text())
    rule = {(study["word"],)}

    missed = [text for text in study["disguises"] if not find_phrase(fold(text), rule)]
    wronged = [text for text in study["innocent"] if find_phrase(fold(text), rule)]

    assert len(missed) <= len(study["disguises"]) // 10
    assert not wronged


@given(st.text(max_size=300))
def test_any_text_can_be_folded(text: str) -> None:
    """Folding takes whatever people type, and what it gives is plain and lower-case."""
    assert all(word and word.isascii() and word == word.casefold() for word in fold(text))


@pytest.mark.parametrize(
    ("requester", "prompts", "texts", "code"),
    [
        (a_requester(), ["1girl"], ["nsfw, lowres"], None),
        (a_requester(), ["1girl, nsfw"], [], "nsfw.asked"),
        (_at_night(), ["1girl, nsfw"], [], None),
        (a_requester(), ["1girl"], ["a cat"], "word"),
        (a_requester(), ["a cat"], [], "word"),
        (_at_night(), ["loli", "nude"], [], "locked"),
        (_at_night(), ["1girl"], ["loli, nude"], None),
        (a_requester(guild_id=None, context=Context.DM), ["nsfw"], [], "nsfw.asked.only"),
    ],
)
def test_a_strangers_texts_are_judged_before_everybody_sees_them(
    requester: Requester, prompts: list[str], texts: list[str], code: str | None
) -> None:
    """What they ask for as if it were asked for here; what is kept out may be called by its name."""
    words, channels = _list("cat"), {CHANNEL: False, NIGHT: True}
    in_guild = requester.context is Context.GUILD
    ground = _ground(ADULT if in_guild else None, words=words, channels=channels)
    if code is None:
        judge_shown(prompts, texts, requester, ground)
        return
    with pytest.raises(Forbidden) as caught:
        judge_shown(prompts, texts, requester, ground)
    assert code == caught.value.code
