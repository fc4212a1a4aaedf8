"""Requests check themselves, and say what is allowed."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import wording
from bot.domain.errors import Mistake
from bot.domain.model import UcPreset
from bot.domain.request import AREA_MAX, FREE_AREA, FREE_STEPS, GRID, SEED_MAX, Size, free_form, parse_size, scaled_to
from tests.builders import a_request

SIDES = st.integers(1, 48).map(lambda n: n * GRID)


@pytest.mark.parametrize(
    ("text", "width", "height"),
    [
        ("832x1216", 832, 1216),
        ("832 × 1216", 832, 1216),
        ("Landscape", 1216, 832),
        ("large", 1024, 1536),
        ("Large Portrait", 1024, 1536),
        ("2:3", 832, 1216),
        ("1:1", 1024, 1024),
        ("16:9", 1344, 768),
        ("wallpaper-landscape", 1920, 1088),
    ],
)
def test_sizes_are_read_as_people_write_them(text: str, width: int, height: int) -> None:
    """Names, shapes and sides all give a size."""
    assert Size(width=width, height=height) == parse_size(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "size.unknown"),
        ("huge", "size.unknown"),
        ("800x600", "size.grid"),
        ("0x0", "size.range"),
        ("99999x64", "size.range"),
        ("4096x4096", "size.area"),
        ("0:1", "size.unknown"),
        ("٨٣٢x1216", "size.unknown"),
    ],
)
def test_a_size_that_cannot_be_is_explained(text: str, code: str) -> None:
    """A wrong size raises a mistake whose sentence says what is allowed."""
    with pytest.raises(Mistake) as caught:
        parse_size(text)

    assert code == caught.value.code
    assert "Nothing was made" in wording.explain(caught.value.code, caught.value.data)


@given(st.text(max_size=12))
def test_any_text_is_a_size_or_a_mistake(text: str) -> None:
    """No text breaks the parser, and whatever it returns is drawable."""
    try:
        size = parse_size(text)
    except Mistake:
        return

    assert 0 == size.width % GRID == size.height % GRID
    assert size.pixels <= AREA_MAX


@given(SIDES, SIDES)
def test_the_free_form_is_always_free(width: int, height: int) -> None:
    """Whatever was asked, "Free at …" is within a megapixel and 28 steps, and one picture."""
    if width * height > AREA_MAX:
        return
    request = a_request(size=Size(width=width, height=height), steps=50, samples=3)

    free = free_form(request)

    assert free.size.pixels <= FREE_AREA
    assert FREE_STEPS >= free.sampling.steps
    assert 1 == free.samples
    assert free.size == scaled_to(free.size, FREE_AREA)


FORGED: list[tuple[str, Callable[[], object]]] = [
    ("steps", lambda: a_request(steps=0)),
    ("steps", lambda: a_request(steps=51)),
    ("seed", lambda: a_request(seed=0)),
    ("seed", lambda: a_request(seed=SEED_MAX + 1)),
    ("seed", lambda: a_request(seed=SEED_MAX, samples=2)),
    ("samples", lambda: a_request(samples=5)),
    ("prompt", lambda: a_request("x" * 4_001)),
    ("undesired_content", lambda: a_request(undesired_content="x" * 4_001)),
    ("cfg_scale", lambda: replace(a_request().sampling, cfg_scale=float("nan"))),
    ("cfg_scale", lambda: replace(a_request().sampling, cfg_scale=10.5)),
    ("rescale", lambda: replace(a_request().sampling, prompt_guidance_rescale=-0.1)),
]


@pytest.mark.parametrize(("option", "build"), FORGED)
def test_values_out_of_range_never_become_a_request(option: str, build: Callable[[], object]) -> None:
    """What a forged interaction holds is refused with the option's range."""
    with pytest.raises(Mistake) as caught:
        build()

    assert ("option.range", option) == (caught.value.code, caught.value.data["option"])


def test_a_preset_that_the_model_lacks_names_those_it_has() -> None:
    """V3 has no Furry Focus; the answer lists what it has."""
    with pytest.raises(Mistake) as caught:
        a_request(uc_preset=UcPreset.FURRY_FOCUS)

    sentence = wording.explain(caught.value.code, caught.value.data)
    assert "Heavy, Light, Human Focus, None" in sentence


def test_half_a_character_is_a_mistake() -> None:
    """A lone surrogate can be neither sent nor stored."""
    with pytest.raises(Mistake, match=r"prompt\.unreadable"):
        a_request("1girl \ud83d")


def test_a_blank_prompt_is_a_mistake() -> None:
    """NovelAI answers a blank prompt with an error, so it is never sent."""
    with pytest.raises(Mistake, match=r"prompt\.empty"):
        a_request("  \n ")
