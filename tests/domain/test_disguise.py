"""Hard words: found in every disguise, from border to border, and never in what is innocent."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.disguise import HardWords, is_findable
from bot.domain.words import fold
from tests.shared import shared

HARD = HardWords([("naked",), ("cunt",), ("dance",)])
NAKED = HardWords([("naked",)])
OURS = Path(__file__).parents[1] / "data/disguises.json"


def _studies() -> list[Path]:
    return [OURS, shared("data/disguises.json")]


@pytest.mark.parametrize("which", [0, 1])
def test_every_disguise_of_the_studies_is_read_through(which: int) -> None:
    """All of them, and none of the innocent texts, without a list of exceptions."""
    study = json.loads(_studies()[which].read_text())

    assert not [text for text in study["disguises"] if not list(NAKED.found_in(text))]
    assert not [text for text in study["innocent"] if list(HARD.found_in(text))]
    assert len(study["disguises"]) >= 28


LOOKS = {
    "n": "nNпոηｎ𝐧ⓝńɴ",
    "a": "aAа4@ａ𝐚ⓐáα",
    "k": "kKкκｋ𝐤ⓚķᴋ",
    "e": "eEе3€ｅ𝐞ⓔéᴇ",
    "d": "dDԁｄ𝐝ⓓđᴅ",
}
HIDDEN = st.text(alphabet="\u200b\u200c\u2060\u00ad\ufe0f\u0301\u0336\u034f\u3164", max_size=2)
GLUE = st.sampled_from(["", "{", "}", "[[", "]]", "(", ")", "|", "\\", "::", "1.2::", "-1::"])
BETWEEN = st.sampled_from(["", ".", "-", "*", "~", " ", "_", "\n", "'", "/"])


@st.composite
def disguises(draw: st.DrawFn) -> str:
    """Weights, braces, what cannot be seen, look-alikes, repeats, and either marks everywhere or nowhere."""
    between, spelling = draw(BETWEEN), ""
    glues = [draw(GLUE) for _ in "naked"]
    for letter, glue, follows in zip("naked", glues, [*glues[1:], ""], strict=True):
        looks = draw(st.sampled_from(LOOKS[letter]))
        if looks.isdecimal() and "::" in follows:
            # A number before "::" is the weight, and no letter to NovelAI either.
            looks = letter
        spelling += (between if spelling else "") + glue + looks * draw(st.sampled_from([1, 1, 3])) + draw(HIDDEN)
    return spelling


@given(disguises(), st.sampled_from(["", "1girl, ", "a cat, "]), st.sampled_from(["", ", smile", ", 2::hat::"]))
@settings(max_examples=400)
def test_disguises_put_together_at_random_are_read_through(disguise: str, before: str, after: str) -> None:
    """Whatever is combined, wherever it stands in a prompt."""
    assert [("naked",)] == list(dict.fromkeys(NAKED.found_in(before + disguise + after)))


@given(
    st.lists(
        st.sampled_from(
            [
                "snake",
                "dance",
                "guid",
                "ance",
                "naked",
                "kite",
                "a",
                "na",
                "ked",
                "cake",
                "d",
                "n",
                "e",
                "awakened",
                "un",
            ]
        ),
        max_size=9,
    )
)
def test_what_is_joined_begins_and_ends_where_pieces_do(pieces: list[str]) -> None:
    """Inside of a longer word nothing is found, however words stand beside each other."""
    for text, others in ((",".join(f"x{piece}y" for piece in pieces), ""), (", ".join(pieces), "nakeddance")):
        found = {phrase[0] for phrase in HARD.found_in(text)}
        expected = {"naked", "dance"} & set(pieces) if others else set()
        singles = "".join(piece if len(piece) == 1 else " " for piece in pieces)
        assert found <= expected | {word for word in ("naked", "dance") if word in singles}
        assert expected <= found


@pytest.mark.parametrize(
    ("text", "guild", "locked"),
    [
        ("n aked", True, False),
        ("pen is on the table", True, False),
        ("p enis", True, False),
        ("p e nis", True, True),
        ("p e n i s", True, True),
        ("pe-nis", True, True),
        ("pe{}nis", True, True),
        ("p, e, n, i, s", True, True),
        ("pe, nis", False, False),
        ("pen, is", False, False),
    ],
)
def test_the_locked_tier_joins_less(text: str, guild: bool, locked: bool) -> None:
    """A server sees what its entry hits; what nobody can lift must not read `pen is` as a word."""
    words = [("penis",), ("naked",)]

    assert guild == bool(list(HardWords(words).found_in(text)))
    assert locked == bool(list(HardWords(words, strict=True).found_in(text)))


@pytest.mark.parametrize(
    ("word", "text", "is_found"),
    [
        ("god", "good", False),
        ("god", "gooood", True),
        ("teen", "ten", False),
        ("naked", "nakked", True),
        ("pussy", "pusy", False),
        ("cum", "cummm", True),
        ("cum", "c u m", True),
        ("anal", "an al fresco dinner", False),
        ("young girl", "y0ungg g1rl", True),
        ("young girl", "younggirl", True),
        ("young girl", "young, girl", False),
    ],
)
def test_repeats_and_short_words(word: str, text: str, is_found: bool) -> None:
    """One doubled letter may be another word; three alike are no spelling. A phrase's own blanks are no disguise."""
    assert is_found == bool(list(HardWords([fold(word)]).found_in(text)))


def test_too_short_a_word_is_not_looked_for() -> None:
    """Two letters would be found everywhere."""
    assert not is_findable(fold("ab"))
    assert not is_findable(fold("aaaa"))
    assert is_findable(fold("abc"))


ADVERSARIAL = {
    "braces": "{",
    "digits": "1",
    "marks": "a\u0301\u0302\u0303",
    "letters apart": "a ",
    "weights": "1::",
    "spelled over and over": "ab ",
    "never quite": "a-b, ",
    "ligatures": "\ufdfa",
    "emoji": "\U0001f600",
    "escapes": "%41",
    "entities": "&#97;",
    "signs": "a1!@$ ",
    "invisible": "\u200b",
}


@pytest.mark.parametrize("piece", ADVERSARIAL.values(), ids=ADVERSARIAL)
def test_no_text_takes_long(piece: str) -> None:
    """4,000 characters of anything against words made to fit them: under 50 ms (the best of five)."""
    words = HardWords([("ab" * n,) for n in range(2, 45)] + [("aaaaa", "bcd"), ("naked",)])
    text = (piece * 4_000)[:4_000]
    took = []
    for n in range(5):
        began = time.thread_time()
        list(words.found_in(text[n:]))
        took.append(time.thread_time() - began)

    assert min(took) < 0.05


def test_a_long_text_takes_as_much_longer_as_it_is() -> None:
    """What is shared of an image's metadata has 256 KiB; read in twice the square it would take seconds."""
    text = "1girl, 2boys, smile, {{hat}}, " * 9_000
    began = time.thread_time()
    list(HARD.found_in(text))

    assert time.thread_time() - began < 1.5


@given(st.text(max_size=400))
def test_any_text_can_be_read(text: str) -> None:
    """Whatever people type."""
    list(HARD.found_in(text))
