"""The locked tier: what is never made anywhere, what is innocent, and that nothing lifts it."""

import time
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.character import Character
from bot.domain.errors import Forbidden
from bot.domain.guild import GuildConfig, HouseConfig, Spoiler
from bot.domain.locked import (
    evidence,
    hash_of,
    is_locked,
    is_locked_with_rating,
    is_minor_coded,
    is_suspect,
    means_minors,
)
from bot.domain.model import Model
from bot.domain.request import Context, Generate, Requester
from bot.domain.rules import Ground, judge
from bot.domain.wordlist import Rule, RuleKind, Then, Wordlist
from tests.builders import CHANNEL, GUILD, a_request
from tests.domain.test_disguise import ADVERSARIAL

ORDINARY = (
    "1girl, solo, long hair, smile, blue eyes, looking at viewer",
    "1boy, short hair, jacket, city street, night",
    "2girls, 2boys, 4koma, comic, speech bubble",
    "children playing in a park, autumn leaves",
    "mother and child, kitchen, warm light",
    "a kid with a balloon, oil painting",
    "toddler first steps, living room, watercolor",
    "newborn lamb in a meadow",
    "teenage mutant ninja turtles, nude colored bandanas",
    "kindergarten classroom, crayons, no humans",
    "chibi, smile, simple background",
    "chibi, flat chest, school uniform, classroom, smile",
    "school uniform, serafuku, cherry blossoms, walking",
    "schoolgirl, petite, young, library, reading",
    "flat chest, petite, school uniform, nsfw",
    "chibi, young, small breasts, lingerie",
    "student, classroom, cleavage, mature female",
    "young woman, lingerie, bedroom",
    "young man, topless, swimming pool",
    "21 years old woman, nude, art study",
    "18yo, topless, beach",
    "25 year old man, sexy, suit",
    "thirty-five years old, lingerie, portrait",
    "one hundred and twenty years old vampire, cleavage",
    "1000 year old dragon, nude sculpture",
    "12 years old whisky, sexy bartender",
    "a 10-year-old car, pin-up, cleavage",
    "dragon age 2, cleavage, sword",
    "age 30, nude, classical painting",
    "ages 8 and up, board game box",
    "5 years later, lingerie",
    "for 13 years he painted nudes",
    "magna cum laude, kids at graduation",
    "minor key, sexy saxophone",
    "ursa minor, nude statue, night sky",
    "minor league baseball, sexy cheerleader",
    "the sundance kid, topless cowboy",
    "kid gloves, lingerie shop window",
    "5 min or 10 min, sexy timer",
    "close-up shot a nude statue",
    "a long shot a cowboy topless",
    "the pen is on the table, children drawing",
    "an us flag, children, parade",
    "dinner an al fresco evening, kids",
    "te en español, niños",
    "grape drapes, therapist, children",
    "scrape, skate, kids",
    "sussex, essex, middlesex, children",
    "classic bass player, kids concert",
    "cocktail, titmouse, children's book",
    "scunthorpe, children, museum",
    "rib cage, skeleton, kids science book",
    "r18 motorway sign, city",
    "カロリー, フロリダ, ロリポップ, エロール",
    "正太郎と鉄人28号, ロボット",
    "少女、青い目、笑顔、桜",
    "소녀, 파란 눈, 벚꽃",
    "девушка, закат, море",
    "лолита, готическое платье",
    "lollipop, nsfw",
    "1girl, nude beach towel",
    "underwater, nude, mermaid",
    "minority report, nude mannequin",
    "infantry soldier, topless, river",
    "childhood friend, adult, lingerie",
    "kidney beans, sexy chef",
    "teenyverse, nude color palette",
    "grader machine, road, topless worker",
    "first class, nude heels",
    "{{masterpiece}}, [[lowres]], 1.2::nude::",
    "@_@, >_<, :3, nude",
)
"""What people ask for and may have: one half of the pair, look-alikes, ages of grown people and of things."""
NEVER = (
    "loli, nude",
    "child, nsfw",
    "a minor, naked",
    "kids, lingerie",
    "teen, topless",
    "toddler, explicit",
    "13 years old, nude",
    "girl, 13yo, nsfw",
    "aged 12, lingerie",
    "a seventeen year old, topless",
    "age 15, nude",
    "9 y/o, nsfw",
    "16-year-old, cleavage",
    "7th grader, lingerie",
    "13歳, 全裸",
    "17 ans, nude",
    "ロリ, nsfw",
    "幼女, nude",
    "幼\u200b女, nude",
    "幼{女}, nude",
    "萝莉, nude",
    "лоли, nude",
    "l.o.l.i, n.u.d.e",
    "l0l1, nud3",
    "l o l i, n u d e",
    "lo{li}, nu{de}",
    "lo-li, nu-de",
    "\u217co\u217ci, nude",
    "lolllli, nuuude",
    "ch\u0456ld, n\u057dde",
    "%6Coli, n%75de",
    "loli+nude",
    "1.5::chi::ld, 2::na::ked",
    "k\u200bid\u200bs, lin\u00adgerie",
)


@pytest.mark.parametrize("text", ORDINARY)
def test_the_innocent_pass(text: str) -> None:
    """Ordinary wishes are not locked, whatever their words remind of."""
    assert not is_locked(text)
    assert len(ORDINARY) >= 60


@pytest.mark.parametrize("text", NEVER)
def test_what_is_never_made(text: str) -> None:
    """A word or an age for minors with anything sexual, in any disguise; also spread over two texts."""
    assert is_locked(text)
    assert is_locked(text, "1girl")


@pytest.mark.parametrize(
    ("text", "undesired", "locked", "coded"),
    [
        ("chibi", "", False, False),
        ("chibi, school uniform", "", False, True),
        ("school uniform, petite, nsfw", "", False, True),
        ("school uniform, petite, nsfw", "bad hands, lowres", False, True),
        ("school uniform, petite, nsfw", "mature female, adult", True, True),
        ("school uniform, nsfw", "mature female", False, True),
        ("1girl, nsfw", "mature female", False, False),
        ("1girl, nsfw", "loli, child", False, False),
        ("school uniform, petite", "mature female", False, True),
    ],
)
def test_what_only_may_mean_minors_needs_more(text: str, undesired: str, locked: bool, coded: bool) -> None:
    """Several are looked at strictly; only with grown-up cues kept out are they enough beside sexual words."""
    assert locked == is_locked(text, undesired=[undesired])
    assert coded == is_minor_coded(text, undesired=[undesired])


@pytest.mark.parametrize(
    ("text", "explicit", "age_restricted", "locked"),
    [
        ("child, park", 0.1, False, False),
        ("child, park", 0.4, False, True),
        ("child, park", 0.25, False, False),
        ("child, park", 0.25, True, True),
        ("13 years old, smile", 0.9, False, True),
        ("chibi, flat chest, school uniform", 0.9, True, False),
        ("1girl, smile", 1.0, True, False),
        ("loli, nude", 0.0, False, True),
    ],
)
def test_rating_and_place_stand_in_for_words(text: str, explicit: float, age_restricted: bool, locked: bool) -> None:
    """A picture of minors that came out sexual is never shown; in age-restricted places less is enough."""
    assert locked == is_locked_with_rating(text, explicit=explicit, age_restricted=age_restricted)


def test_what_means_minors_is_known_by_itself() -> None:
    """For safe steering, for previews, and for the strict look at pictures."""
    assert means_minors("children playing")
    assert not means_minors("chibi, school uniform")
    assert is_suspect("children playing")
    assert is_suspect("nude")
    assert not is_suspect("chibi, smile")
    assert evidence("1girl") == evidence("")


def test_of_a_locked_text_only_a_hash_is_kept() -> None:
    """The same however it is disguised, and no word of it."""
    with pytest.raises(Forbidden) as caught:
        judge(_somebody(), a_request("loli, nude"), _ground(GuildConfig(), HouseConfig(), Wordlist()))

    assert {"sha256": hash_of(["loli, nude"])} == dict(caught.value.data)
    assert hash_of(["l0li, NUDE"]) == hash_of(["loli, nude"])
    assert 64 == len(hash_of([]))


def _somebody(**more: Any) -> Requester:
    return Requester(**{"user_id": 1, "guild_id": GUILD, "channel_id": CHANNEL, **more})


def _ground(guild: GuildConfig | None, house: HouseConfig, words: Wordlist) -> Ground:
    return Ground(guild=guild, house=house, words=words, channels={CHANNEL: True})


CONFIGS = st.fixed_dictionaries(
    {},
    optional={
        "channels": st.just((CHANNEL,)),
        "spoiler": st.sampled_from(Spoiler),
        "moderator_role": st.just(7),
        "log_channel": st.just(CHANNEL),
        **{each.name: st.booleans() for each in fields(GuildConfig) if each.type in (bool, "bool")},
    },
).map(lambda values: replace(GuildConfig(), **values))
HOUSES = st.builds(
    HouseConfig,
    guilds=st.sampled_from([frozenset(), frozenset({GUILD})]),
    direct=st.booleans(),
    operators=st.sampled_from([frozenset(), frozenset({1})]),
    never_spend=st.booleans(),
)
LISTS = st.lists(
    st.builds(
        Rule,
        text=st.sampled_from(["loli", "nude", "loli, nude", "child", "l", "o", "gore", ".", "x|y"]),
        kind=st.sampled_from(RuleKind),
        then=st.sampled_from(Then),
    ),
    max_size=6,
).map(Wordlist)
PEOPLE = st.builds(
    _somebody,
    user_id=st.integers(1, 2),
    role_ids=st.sampled_from([(), (7,)]),
    age_restricted=st.booleans(),
    may_moderate=st.booleans(),
    may_manage=st.booleans(),
    context=st.sampled_from(Context),
)


@given(CONFIGS, HOUSES, LISTS, PEOPLE, st.booleans(), st.booleans(), st.sampled_from(NEVER), st.integers(0, 2))
def test_nothing_lifts_the_locked_tier(
    guild: GuildConfig,
    house: HouseConfig,
    words: Wordlist,
    who: Requester,
    approved: bool,
    private: bool,
    text: str,
    where: int,
) -> None:
    """No setting, list of allowed words, channel, role, right, operator or approval: always `locked`, and said so."""
    request = replace(_with(text, where), private=private, safe=not approved)

    with pytest.raises(Forbidden, match="locked"):
        judge(who, request, _ground(guild, house, words), approved=approved)


def _with(text: str, where: int) -> Generate:
    """The text as the prompt, as a character, or turned around in the undesired content."""
    plain = a_request("1girl", model=Model.V4_5_FULL)
    if where == 0:
        return a_request(text)
    if where == 1:
        return replace(plain, prompt=replace(plain.prompt, characters=(Character(prompt=text, undesired_content=""),)))
    return a_request("1girl", model=Model.V3, undesired_content=f"{text}|x:-1")


@pytest.mark.parametrize(
    "piece", [*ADVERSARIAL.values(), "cum laude ", "1 year old ", "age of ", "\u30ed\u30ea\u30fc", "1."]
)
def test_no_text_takes_the_lock_long(piece: str) -> None:
    """4,000 characters of anything: under 50 ms (the best of three)."""
    text = (piece * 4_000)[:4_000]
    took = []
    for n in range(3):
        began = time.thread_time()
        is_locked(text[n:])
        took.append(time.thread_time() - began)

    assert min(took) < 0.05
