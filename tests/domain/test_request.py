"""Requests check themselves, and say what is allowed."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import wording
from bot.domain.bounds import AREA_MAX
from bot.domain.errors import Mistake
from bot.domain.inputs import Img2Img, Inpaint, Input, InputKind, Reference, Vibe
from bot.domain.model import Model, NoiseSchedule, Sampler, Smea, UcPreset
from bot.domain.request import (
    FREE_AREA,
    FREE_STEPS,
    GRID,
    SEED_MAX,
    Generate,
    Size,
    default_sampling,
    free_form,
    parse_size,
    scaled_to,
)
from bot.domain.tools import Direct, DirectorTool, EncodeVibe, Mood, Upscale
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

    assert isinstance(free, Generate)
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


LACKING: list[tuple[str, Callable[[], object], str]] = [
    ("characters", lambda: a_request(characters="girl"), "V4 Curated, V4 Full"),
    ("smea", lambda: a_request(model=Model.V5_FULL, smea=Smea.ON), "These do: V3, Furry V3"),
    ("vibes", lambda: a_request(model=Model.V5_FULL, vibes=(Vibe(),)), "These do: V3"),
    ("references", lambda: a_request(references=(Reference(),)), "These do: V4.5 Curated, V4.5 Full"),
    ("transparent", lambda: a_request(transparent=True), "These do: V5 Curated"),
    ("inpaint_strength", lambda: a_request(inpaint=Inpaint(strength=0.5)), "These do: V4 Curated"),
    ("undesired_content", lambda: a_request(model=Model.V5_MEDIUM, steps=14, undesired_content="hat"), "These do: V3"),
    (
        "undesired_content",
        lambda: a_request(model=Model.V5_MEDIUM, steps=14, characters="girl // hat"),
        "These do: V3",
    ),
    ("variety", lambda: replace(default_sampling(Model.V5_FULL), variety=True), "These do: V3"),
    ("decrisper", lambda: replace(default_sampling(Model.V4_FULL), decrisper=True), "These do: V3"),
    ("rescale", lambda: replace(default_sampling(Model.V5_MEDIUM), prompt_guidance_rescale=0.5), "These do: V3"),
    ("vibe_encoding", lambda: EncodeVibe(model=Model.V3), "These do: V4 Curated"),
    # V5 Curated's masks go to V4.5 Curated's model, whose rules then hold.
    (
        "transparent",
        lambda: a_request(model=Model.V5_CURATED, transparent=True, inpaint=Inpaint()),
        "V4.5 Curated has no",
    ),
]


@pytest.mark.parametrize(("feature", "build", "says"), LACKING)
def test_what_a_model_lacks_is_refused_with_those_that_have_it(
    feature: str, build: Callable[[], object], says: str
) -> None:
    """No model is asked for what it cannot do, and the member is told which models can."""
    with pytest.raises(Mistake) as caught:
        build()

    assert ("option.model", feature) == (caught.value.code, caught.value.data["feature"])
    assert says in wording.explain(caught.value.code, caught.value.data)


@pytest.mark.parametrize(
    ("build", "code"),
    [
        (lambda: replace(default_sampling(Model.V5_MEDIUM), steps=28), "option.fixed"),
        (lambda: replace(default_sampling(Model.V4_FULL), noise_schedule=NoiseSchedule.NATIVE), "option.choice"),
        (lambda: replace(default_sampling(Model.V4_FULL), sampler=Sampler.DDIM), "option.choice"),
        (lambda: a_request(smea=Smea.ON, img2img=Img2Img()), "option.image"),
        (lambda: a_request(img2img=Img2Img(), inpaint=Inpaint()), "source.one"),
        (lambda: a_request(model=Model.V4_FULL, vibes=(Vibe(),), inpaint=Inpaint()), "vibes.alone"),
        (lambda: a_request(model=Model.V4_5_FULL, vibes=(Vibe(),), references=(Reference(),)), "vibes.alone"),
        (lambda: a_request(vibes=(Vibe(),) * 17), "option.range"),
        (lambda: Direct(tool=DirectorTool.EMOTION, width=8, height=8), "tool.mood"),
        (lambda: Direct(tool=DirectorTool.SKETCH, width=8, height=8, mood=Mood.SAD), "tool.mood"),
        (lambda: Direct(tool=DirectorTool.SKETCH, width=8, height=8, prompt="hat"), "tool.prompt"),
        (lambda: Direct(tool=DirectorTool.SKETCH, width=0, height=8), "image.area"),
        (lambda: Direct(tool=DirectorTool.COLORIZE, width=8, height=8, defry=6), "option.range"),
        (lambda: Upscale(width=4_000, height=4_000), "image.area"),
    ],
)
def test_what_does_not_go_together_is_explained(build: Callable[[], object], code: str) -> None:
    """Each with a sentence that says what is allowed."""
    with pytest.raises(Mistake) as caught:
        build()

    assert code == caught.value.code
    assert "Nothing was made" in wording.explain(caught.value.code, caught.value.data)


def test_ddim_draws_no_mask() -> None:
    """Other clients change the sampler silently; here it is said."""
    plain = a_request()
    with pytest.raises(Mistake, match=r"option\.image"):
        replace(plain, sampling=replace(plain.sampling, sampler=Sampler.DDIM), inpaint=Inpaint())


def test_a_request_names_the_images_it_needs() -> None:
    """By kind and number; the bytes lie beside it."""
    named = a_request(model=Model.V4_5_FULL, inpaint=Inpaint(), references=(Reference(), Reference())).inputs

    assert [("source", 0), ("mask", 0), ("reference", 0), ("reference", 1)] == [(each.kind, each.n) for each in named]
    assert () == a_request().inputs
    assert (Input(InputKind.SOURCE),) == Upscale(width=8, height=8).inputs
