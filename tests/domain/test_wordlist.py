"""A server's own rules: what is found, how it was written, what follows, and which entries are not taken."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import Forbidden, Mistake, NeedsReview
from bot.domain.guild import GuildConfig, HouseConfig
from bot.domain.patterns import TIMEOUT
from bot.domain.rules import Ground, judge, judge_listed, to_log
from bot.domain.wordlist import CANARY, SONG, Rule, RuleKind, Seen, Then, Wordlist, check_rule
from tests.builders import CHANNEL, a_request, a_requester

WORD, HARD, PATTERN, ALLOWED = RuleKind


def _ground(*rules: Rule) -> Ground:
    guild = GuildConfig(channels=(CHANNEL,), unchecked=True)
    return Ground(guild=guild, house=HouseConfig(), words=Wordlist(rules))


@pytest.mark.parametrize(
    ("kind", "text", "prompt", "seen"),
    [
        (WORD, "gore", "1girl, Gore", Seen.OPEN),
        (WORD, "gore", "gore_film", Seen.OPEN),
        (WORD, "gore", "{{gore}}", Seen.OPEN),
        (WORD, "gore", "g0re", Seen.DISGUISED),
        (WORD, "gore", "go{re}", Seen.DISGUISED),
        (WORD, "gore", "gorewood", None),
        (WORD, "gore", "goo-re", None),
        (HARD, "gore", "go-re", Seen.JOINED),
        (HARD, "gore", "goooore", Seen.JOINED),
        (HARD, "gore", "gorewood", None),
        (HARD, "old gore", "an old gore film", Seen.OPEN),
        (WORD, "血", "少女、血の海", Seen.OPEN),
        (WORD, "ゾンビ", "ｿﾞﾝﾋﾞの群れ", Seen.DISGUISED),
        (WORD, "血", "青い空", None),
        (WORD, "유혈", "유혈이 낭자한", Seen.OPEN),
        (HARD, "流血", "流\u200b{血}", Seen.DISGUISED),
        (HARD, "щука", "щ-у-к-а", Seen.JOINED),
        (WORD, "кровь", "Кровь, ночь", Seen.OPEN),
        (PATTERN, r"\bgor\w", "1girl, GORY", Seen.OPEN),
        (PATTERN, r"\bgor\w", "g0ry", Seen.DISGUISED),
        (PATTERN, r"^gore$", "1girl\ngore", Seen.OPEN),
        (PATTERN, r"\bgor\w", "angora", None),
    ],
)
def test_what_is_found_and_how_it_was_written(kind: RuleKind, text: str, prompt: str, seen: Seen | None) -> None:
    """Words in the first reading, hard words in all, patterns as they are written and read."""
    hits = Wordlist([Rule(text=text, kind=kind)]).hits([prompt])

    assert ([seen] if seen else []) == [hit.seen for hit in hits]
    assert all(hit.disguised == (seen is not Seen.OPEN and kind is not PATTERN) for hit in hits)


def test_the_strongest_consequence_holds_and_review_comes_last() -> None:
    """Refused before anybody looks, looked at before it is only noted; who approves lifts only the look."""
    note, look, refuse = (
        Rule(text="note", then=Then.LOG),
        Rule(text="look", kind=HARD, then=Then.REVIEW),
        Rule(text="never"),
    )
    ground = _ground(note, look, refuse)
    who = a_requester()

    def asked(prompt: str, **more: Any) -> object:
        hit = judge(who, a_request(prompt, safe=True), ground, **more)
        return hit and hit.rule

    assert asked("1girl") is None
    assert note == asked("1girl, note")
    with pytest.raises(NeedsReview) as caught:
        asked("note, l-o-o-k")
    assert ("review", "look", True) == (caught.value.code, caught.value.data["rule"], caught.value.data["disguised"])
    assert note == asked("note, l-o-o-k", approved=True)
    assert asked("look", approved=True) is None
    with pytest.raises(Forbidden, match=r"^word ") as refused:
        asked("note, look, never", approved=True)
    assert not isinstance(refused.value, NeedsReview)
    with pytest.raises(Forbidden, match=r"nsfw\.asked"):
        asked("look, nsfw")
    hit = to_log(a_request("note"), ground)
    assert hit is not None
    assert hit.rule == note
    with pytest.raises(NeedsReview):
        judge_listed("look", ground)
    judge_listed("note", ground)


@pytest.mark.parametrize(
    ("rules", "prompt", "code", "disguised"),
    [
        ([Rule(text="gore")], "gore", "word", False),
        ([Rule(text="gore")], "g0re", "word.hidden", True),
        ([Rule(text="gore"), Rule(text="blood")], "gore, bl00d", "word", True),
        ([Rule(text="gor.", kind=PATTERN)], "gory", "word.pattern", False),
    ],
)
def test_a_refusal_says_whether_anything_was_disguised(
    rules: list[Rule], prompt: str, code: str, disguised: bool
) -> None:
    """An open word beside a hidden one does not hide that there was one."""
    with pytest.raises(Forbidden) as caught:
        judge_listed(prompt, _ground(*rules))

    assert (code, disguised) == (caught.value.code, caught.value.data["disguised"])


def test_what_is_allowed_is_passed_over_where_it_is_written_as_it_is() -> None:
    """A name that holds a refused word; what is left is looked at as before, and nothing joins across the gap."""
    words = Wordlist(
        [Rule(text="naked", kind=HARD), Rule(text="Naked Snake", kind=ALLOWED), Rule(text="x", kind=ALLOWED)]
    )

    assert not words.hits(["naked_snake (metal gear), 1boy"])
    assert not words.hits(["NAKED  snake"])
    for text in ("naked", "naked snakes", "n4ked snake", "naked snake, naked", "naked, snake"):
        assert words.hits([text]), text
    assert not words.hits(["na naked snake ked"])


@pytest.mark.parametrize(
    ("kind", "text", "code"),
    [
        (WORD, "!?", "word.empty"),
        (HARD, "ab", "word.short"),
        (HARD, "aa!", "word.short"),
        (ALLOWED, "a", "word.short"),
        (PATTERN, "(", "pattern.broken"),
        (PATTERN, "a{999999999}", "pattern.large"),
        (PATTERN, "((a{99}){99}){99}", "pattern.large"),
        (PATTERN, "a*", "pattern.empty"),
        (PATTERN, "x|", "pattern.empty"),
        (PATTERN, r"(?P<n>a)(?P=n)", "pattern.named"),
        (PATTERN, r"(a)\1", "pattern.named"),
        (PATTERN, "(?i)a", "pattern.named"),
        (PATTERN, "(?R)?a", "pattern.named"),
        (PATTERN, "(a+)+$", "pattern.slow"),
        (PATTERN, r"(\w+\s?)+!$", "pattern.slow"),
        (PATTERN, ".", "word.wide"),
        (PATTERN, r"\w+,", "word.wide"),
    ],
)
def test_a_bad_entry_is_refused_with_an_example(kind: RuleKind, text: str, code: str) -> None:
    """What finds nothing, finds everything, or takes for ever is not taken; where it would hit, it is shown what."""
    with pytest.raises(Mistake) as caught:
        check_rule(Rule(text=text, kind=kind))

    assert code == caught.value.code
    assert (code in ("word.short", "word.wide", "pattern.slow")) == bool(caught.value.data.get("example"))


@pytest.mark.parametrize("text", [r"\bbone\b", "ab|b(c)", "(?<!x)yz", "[a-c]{2,3}q", "girl|boy"])
def test_a_good_pattern_is_taken(text: str) -> None:
    """Groups, look-around, choices and counts."""
    check_rule(Rule(text=text, kind=PATTERN))


def test_one_bad_entry_breaks_nothing() -> None:
    """What cannot be looked for is set aside, wherever it came from; all others work."""
    bad = [
        Rule(text="(", kind=PATTERN),
        Rule(text="a{999999999}", kind=PATTERN, then=Then.REVIEW),
        Rule(text="!?"),
        Rule(text="!?", kind=HARD),
        Rule(text="", kind=ALLOWED),
    ]
    good = [Rule(text="gore"), Rule(text="naked", kind=HARD), Rule(text="bone+s", kind=PATTERN)]
    words = Wordlist([*bad[:3], *good, *bad[3:]])

    assert set(bad) == set(words.broken)
    for rule, prompt in zip(good, ("gore", "na-ked", "bonnes"), strict=True):
        assert [] == [hit for hit in words.hits(["1girl"])]
        assert [rule] == [hit.rule for hit in words.hits([prompt.replace("nn", "n")])]


def test_a_pattern_that_takes_too_long_counts_as_found() -> None:
    """And takes no more than its time, however many there are; the others are asked all the same."""
    slow = [Rule(text=rf"(x+)+(?:$|q{n}$)", kind=PATTERN, then=[*Then][n % 2]) for n in range(10)]
    ground = _ground(*slow, Rule(text="gore", then=Then.LOG))
    began = time.thread_time()
    hits = ground.words.hits(["gore, " + "x" * 2_000 + "!"])
    took = time.thread_time() - began

    assert [True, True, False] == [hit.timed_out for hit in hits]
    assert took < TIMEOUT * 2
    with pytest.raises(Forbidden, match=r"word\.slow"):
        judge_listed("x" * 2_000 + "!", ground)


@given(
    st.lists(
        st.builds(Rule, text=st.text(max_size=12), kind=st.sampled_from(RuleKind), then=st.sampled_from(Then)),
        max_size=8,
    )
)
def test_whatever_stands_on_a_list_its_canary_is_refused(rules: list[Rule]) -> None:
    """So that a canary which passes says that the filter is broken, and not that somebody allowed it."""
    own = [Rule(text=text, kind=ALLOWED) for text in (CANARY, SONG, "n", "a", "i b o t", "can")]
    ground = _ground(*rules, *own, Rule(text=CANARY, then=Then.LOG))

    with pytest.raises(Forbidden, match=r"^word"):
        judge(a_requester(), a_request(SONG, safe=True), ground)


def test_the_same_entry_is_known_however_it_is_spelled() -> None:
    """For adding twice, and for taking off."""
    rule = Rule(text="Gore")
    pattern = Rule(text="(a)|b", kind=PATTERN)
    words = Wordlist([rule, pattern])

    assert rule == words.known("g o r e")
    assert pattern == words.known("(a)|b")
    assert words.known("!") is None
