"""Which tags ask for what is kept out, and which undesired contents take its weight away."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.model import UcPreset
from bot.domain.prompt import is_steered_by_us, worded
from bot.domain.steering import asking_tag, is_mixed, weakening_tag
from tests.builders import a_request


@pytest.mark.parametrize(
    "prompt",
    [
        "nsfw",
        "1girl, {{nsfw}}",
        "1.3::nsfw::, 1girl",
        "1.2::1girl, nsfw ::",
        "rating:explicit",
        "rating: questionable",
        "rating_sensitive, 1girl",
        "n s f w",
        "Nsfw.",
        "1girl, explicit:1.2",
        "1girl|nsfw:0.5",
        "ｎｓｆｗ",
        "nsf\u200bw",
        "a quiet lake. nsfw. night",
        "1girl\nexplicit",
        "2::nsfw::hat",
        "nsfw::1girl",
        "1girl::nsfw::",
        "1girl\rnsfw",
        "nsfw。x",
        "nsfw/1girl",
        "nsfw.1girl",
    ],
)
def test_a_tag_asks_however_it_is_written(prompt: str) -> None:
    """Weights, brackets, look-alikes and spelling letter by letter change nothing."""
    assert asking_tag(prompt)


@pytest.mark.parametrize("prompt", ["1girl", "explicit lyrics", "a sensitive face", "nsfw-free zone", "rating:general"])
def test_what_only_holds_the_word_does_not_ask(prompt: str) -> None:
    """A tag asks, not a syllable."""
    assert asking_tag(prompt) is None


@pytest.mark.parametrize(
    "undesired",
    [
        "[nsfw]",
        "lowres, [ [explicit], bad]",
        "-1::nsfw::",
        "0::nsfw::",
        "-::nsfw::",
        "0.5::lowres, nsfw::, bad",
        "[nsfw",
        "-1::nsfw::hat",
        "0::nsfw::hat",
        "[::nsfw",
    ],
)
def test_a_weight_below_one_weakens(undesired: str) -> None:
    """Brackets, numbers, and V3's weight of the segment that ours begins."""
    assert weakening_tag(undesired)


@pytest.mark.parametrize(
    "undesired",
    ["", "nsfw", "{nsfw}", "1.5::nsfw::", "[lowres], nsfw", "0.5::lowres::, nsfw", "{[nsfw]}"],
)
def test_other_weights_do_not(undesired: str) -> None:
    """Stronger, or somebody else's."""
    assert weakening_tag(undesired) is None


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    """Half a weight, a lone bracket, whatever people type."""
    asking_tag(text)
    weakening_tag(text)


@pytest.mark.parametrize(
    ("text", "preset", "own", "is_ours"),
    [
        ("1girl", UcPreset.HEAVY, "", False),
        ("1girl", UcPreset.NONE, "", True),
        ("1girl", UcPreset.NONE, "hat", True),
        ("a nsfw-free zone", UcPreset.LIGHT, "", True),
        ("1girl", UcPreset.NONE, "nsfw, hat", False),
    ],
)
def test_kept_safe_the_undesired_content_begins_with_it_always(
    text: str, preset: UcPreset, own: str, is_ours: bool
) -> None:
    """Once, whatever preset and prompt say; and the member is told where the site would not have put it."""
    request = a_request(text, uc_preset=preset, undesired_content=own)
    sent = worded(replace(request, safe=True)).undesired_content

    assert sent.startswith("nsfw, ")
    assert not sent.startswith("nsfw, nsfw")
    assert is_ours == is_steered_by_us(replace(request, safe=True))
    assert not is_steered_by_us(request)


def test_segments_are_mixed_whatever_they_weigh() -> None:
    """Theirs count against ours."""
    assert all(map(is_mixed, ("lowres|nsfw:-5", "a|b", "lowres:0.|bad", "|")))
    assert not is_mixed("lowres, bad")
