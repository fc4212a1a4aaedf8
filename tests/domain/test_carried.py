"""What an image says of itself, as a request of ours: the nearest one, and nothing lost silently."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import wording
from bot.domain.carried import carried, characters_line
from bot.domain.claims import Carrier, Character, Claim
from bot.domain.errors import Mistake
from bot.domain.model import CAPABILITIES, Model, NoiseSchedule, Sampler, Smea, UcPreset
from bot.domain.prompt import worded
from bot.domain.request import SIZES, Size
from bot.domain.sheet import Sheet, filled, written

HOME = SIZES["portrait"]


def a_claim(model: str | None = "NovelAI Diffusion V3", generator: str = "NovelAI", **settings: Any) -> Claim:
    """Of NovelAI, unless another *generator* is named."""
    told = {"seed": 7, "steps": 23, "scale": 6.5, "width": 832, "height": 1216, "sampler": "k_euler"}
    return Claim(
        carrier=Carrier.PNG_TEXT,
        generator=generator,
        model=model,
        prompt="1girl, smile",
        undesired_content="lowres",
        settings={**(told if generator == "NovelAI" else {}), **settings},
    )


def carry(claim: Claim, *, width: int = 832, height: int = 1216, model: Model = Model.V3) -> Sheet:
    """With a server's defaults."""
    return carried(claim, width=width, height=height, model=model, size=HOME)


def test_novelais_settings_are_taken_over_whole() -> None:
    """Texts as they were sent, so that nothing is added to them a second time."""
    claim = a_claim(cfg_rescale=0.3, sm=True, sm_dyn=True, dynamic_thresholding=True, noise_schedule="native")

    sheet = carry(replace(claim, settings={**claim.settings, "skip_cfg_above_sigma": 19.0}))

    request, sampling = sheet.request, sheet.request.sampling
    assert {} == sheet.left_out
    assert ("1girl, smile", "lowres") == (worded(request).prompt, worded(request).undesired_content)
    assert (Model.V3, Sampler.EULER, NoiseSchedule.NATIVE) == (
        sampling.model,
        sampling.sampler,
        sampling.noise_schedule,
    )
    assert (23, 6.5, 0.3, 7) == (
        sampling.steps,
        sampling.cfg_scale,
        sampling.prompt_guidance_rescale,
        sampling.seed,
    )
    assert (Smea.DYN, True, True) == (sampling.smea, sampling.decrisper, sampling.variety)


@pytest.mark.parametrize("model", [each for each, row in CAPABILITIES.items() if row.is_offered])
def test_every_model_is_known_by_its_name_and_its_id(model: Model) -> None:
    """As the reader writes it, and as V5 signs it."""
    for name in (CAPABILITIES[model].name, CAPABILITIES[model].name.replace(",", ""), model.value):
        sheet = carry(a_claim(name))
        assert (model, None) == (sheet.request.sampling.model, sheet.left_out.get("model"))


@pytest.mark.parametrize("name", ["NovelAI Diffusion V1 Full", "NovelAI Diffusion V4.5 00000000", None])
def test_a_model_that_nobody_can_ask_for_is_said_to_be_another(name: str | None) -> None:
    """The server's default takes its place."""
    sheet = carry(a_claim(name), model=Model.V4_FULL)

    assert (Model.V4_FULL, 1) == (sheet.request.sampling.model, sheet.left_out["model"])


def test_what_the_model_lacks_and_what_needs_images_is_said() -> None:
    """Vibes and references are counted, a source is named, SMEA is V3's."""
    claim = a_claim(
        "NovelAI Diffusion V4.5 Full",
        sm=True,
        dynamic_thresholding=True,
        sampler="ddim_v3",
        reference_strength_multiple="[0.6, 0.4]",
        director_reference_strengths="[1.0]",
        request_type="Img2ImgRequest",
    )

    left = carry(claim).left_out

    expected = {"vibes": 2, "references": 1, "source": 1, "smea": 1, "decrisper": 1, "sampler": 1}
    assert expected == left
    text = wording.not_carried({"vibes": 2, "smea": 1}, model="V4.5 Full", size=HOME, price=0)
    assert "Not carried over: 2 vibes, SMEA. Free. V4.5 Full, 832×1216." == text


def test_characters_come_with_their_places() -> None:
    """As many as the model takes; a place off the grid is V5's."""
    characters = (
        Character(prompt="girl", undesired_content="hat", x=0.3, y=0.5),
        Character(prompt="boy", x=0.37, y=0.6),
        *(Character(prompt=f"girl, {n}") for n in range(8)),
    )
    claim = replace(a_claim("NovelAI Diffusion V4.5 Full"), characters=characters)

    sheet = carry(claim)

    assert {"characters": 4, "places": 1} == sheet.left_out
    assert "girl @B3 // hat\nboy\ngirl, 0" == "\n".join(written(sheet.request)["characters"].splitlines()[:3])
    assert characters_line(claim).startswith("girl @B3 // hat | boy @0.37,0.6 | girl, 0")
    assert {"characters": 10} == carry(replace(claim, model="NovelAI Diffusion V3")).left_out


def test_what_was_kept_safe_is_kept_safe_once() -> None:
    """What a safe place put in front of every text is not put there again."""
    character = Character(prompt="girl", undesired_content="nsfw, ")
    claim = replace(a_claim("NovelAI Diffusion V4.5 Full"), undesired_content="nsfw, lowres", characters=(character,))

    request = replace(carry(claim).request, safe=True)
    bare = replace(carry(replace(claim, undesired_content="nsfw, ")).request, safe=True)

    assert ("nsfw, lowres", "nsfw, ") == (
        worded(request).undesired_content,
        worded(request).characters[0].undesired_content,
    )
    assert "nsfw, " == worded(bare).undesired_content


@pytest.mark.parametrize(
    ("settings", "sampler", "schedule"),
    [
        ({"Sampler": "Euler a"}, Sampler.EULER_ANCESTRAL, NoiseSchedule.KARRAS),
        ({"Sampler": "DPM++ 2M Karras"}, Sampler.DPMPP_2M, NoiseSchedule.KARRAS),
        ({"Sampler": "DPM++ 2M SDE", "Schedule type": "Exponential"}, Sampler.DPMPP_2M_SDE, NoiseSchedule.EXPONENTIAL),
        ({"sampler_name": "dpmpp_sde_gpu", "scheduler": "polyexponential"}, Sampler.DPMPP_SDE,
         NoiseSchedule.POLYEXPONENTIAL),
        ({"Sampler": "DPM++ 2S a"}, Sampler.DPMPP_2S_ANCESTRAL, NoiseSchedule.KARRAS),
        ({"Sampler": "DDIM", "Schedule type": "Automatic"}, Sampler.DDIM, NoiseSchedule.KARRAS),
    ],
)  # fmt: skip
def test_other_generators_samplers_have_ours_beside_them(
    settings: dict[str, Any], sampler: Sampler, schedule: NoiseSchedule
) -> None:
    """By the names that each of them has for one."""
    sampling = carry(a_claim("sdxl", "AUTOMATIC1111", **settings)).request.sampling

    assert (sampler, schedule) == (sampling.sampler, sampling.noise_schedule)


def test_another_generators_settings_come_as_far_as_they_make_sense() -> None:
    """Texts, seed, steps, guidance and size; never its model, its LoRAs or its weights."""
    claim = replace(
        a_claim("illustrious", "AUTOMATIC1111", **{"Steps": 60, "CFG scale": 12, "Seed": 5, "Size": "510x770",
                                                  "Sampler": "UniPC", "Hires upscale": 2}),
        prompt="1girl, (smile:1.2) <lora:detail:0.6>, <lora:eyes:1>",
    )  # fmt: skip

    sheet = carry(claim)

    assert ("1girl, (smile:1.2) ,", Size(width=512, height=768)) == (sheet.request.text, sheet.request.size)
    assert (50, 10.0, 5) == (
        sheet.request.sampling.steps,
        sheet.request.sampling.cfg_scale,
        sheet.request.sampling.seed,
    )
    assert {"model", "extras", "weights", "upscale", "size", "sampler", "steps", "cfg_scale"} == set(sheet.left_out)
    assert 2 == sheet.left_out["extras"]


@pytest.mark.parametrize(
    ("stated", "seen", "expected"),
    [
        ({"width": 1024, "height": 1536}, (10, 10), Size(width=1024, height=1536)),
        ({"width": 4096, "height": 4096}, (10, 10), Size(width=1728, height=1728)),
        ({"resolution": "(896, 1152)"}, (10, 10), Size(width=896, height=1152)),
        ({}, (640, 650), Size(width=640, height=640)),
        ({}, (1, 1), HOME),
        ({"width": 99_999, "height": 64}, (10, 10), HOME),
    ],
)
def test_a_size_is_one_that_novelai_draws(stated: dict[str, Any], seen: tuple[int, int], expected: Size) -> None:
    """What the file says, else the image's own, on the grid; what is neither is the server's."""
    sheet = carry(a_claim(generator="ComfyUI", **stated), width=seen[0], height=seen[1])

    if expected is HOME:
        assert 1 == sheet.left_out["size"]
        assert sheet.request.size.pixels <= 3_145_728
    else:
        assert expected == sheet.request.size


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30))
NAMES = st.sampled_from(
    ["seed", "steps", "scale", "cfg_rescale", "width", "height", "Size", "Steps", "CFG scale", "Seed", "sampler",
     "noise_schedule", "sm", "sm_dyn", "skip_cfg_above_sigma", "reference_strength_multiple", "Sampler", "resolution"]
)  # fmt: skip
MODELS = st.one_of(st.none(), st.text(max_size=20), st.sampled_from([row.name for row in CAPABILITIES.values()]))


@given(
    model=MODELS,
    generator=st.sampled_from(["NovelAI", "ComfyUI", ""]),
    prompt=st.text(min_size=1, max_size=5_000),
    settings=st.dictionaries(NAMES, SCALARS),
    characters=st.lists(st.builds(Character, prompt=st.text(max_size=40), undesired_content=st.text(max_size=40),
                                  x=st.floats(0, 1), y=st.floats(0, 1)), max_size=9),
    sides=st.tuples(st.integers(1, 1 << 31), st.integers(1, 1 << 31)),
)  # fmt: skip
def test_whatever_a_file_says_becomes_a_request_or_a_mistake(
    model: str | None,
    generator: str,
    prompt: str,
    settings: dict[str, Any],
    characters: list[Character],
    sides: tuple[int, int],
) -> None:
    """Nothing else is raised; what is left out has words that fit a form; a form nobody touched changes nothing."""
    claim = Claim(
        carrier=Carrier.ALPHA, generator=generator, model=model, prompt=prompt, settings=settings,
        characters=tuple(characters),
    )  # fmt: skip
    try:
        sheet = carry(claim, width=sides[0], height=sides[1])
    except Mistake as mistake:
        code, sheet = mistake.code, None
    if sheet is None:
        assert code in ("prompt.empty", "prompt.unreadable")
        return
    assert set(sheet.left_out) <= set(wording.LEFT)
    assert len(wording.not_carried(sheet.left_out, model="V4.5 Curated", size="1088×1920", price=10_000)) <= 100
    assert all(len(text) <= 4_000 for text in sheet.texts.values())
    assert sheet.request == filled(sheet, sheet.texts)
    assert UcPreset.NONE is sheet.request.prompt.uc_preset or UcPreset.NONE not in sheet.request.row.uc_presets


# --- the form --------------------------------------------------------------------------------------------------------


def test_what_was_typed_replaces_what_was_held() -> None:
    """Each field by itself; Discord trims, and ends lines as it likes."""
    sheet = carry(a_claim("NovelAI Diffusion V4.5 Full"))
    typed = {**sheet.texts, "prompt": "2girls", "undesired": "", "seed": " ", "numbers": "20/ 5,5",
             "characters": "girl @B3 // hat\r\n\r\nboy | cat"}  # fmt: skip

    request = filled(sheet, typed)

    assert ("2girls", "") == (request.prompt.text, request.prompt.undesired_content)
    assert (20, 5.5, None) == (request.sampling.steps, request.sampling.cfg_scale, request.sampling.seed)
    assert ["girl", "boy", "cat"] == [each.prompt for each in request.prompt.characters]
    assert 20 == filled(sheet, {"numbers": "20"}).sampling.steps
    assert SIZES["landscape"] == filled(carry(a_claim()), {"size": "1216x832"}).size


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ({"seed": "12 monkeys"}, "seed.unknown"),
        ({"seed": "0"}, "option.range"),
        ({"numbers": "many"}, "numbers.unknown"),
        ({"numbers": ""}, "numbers.unknown"),
        ({"numbers": "99 / 5"}, "option.range"),
        ({"numbers": "28 / 11"}, "option.range"),
        ({"prompt": " "}, "prompt.empty"),
        ({"size": "7x7"}, "size.grid"),
    ],
)
def test_what_cannot_be_read_is_a_mistake(typed: dict[str, str], code: str) -> None:
    """With its own sentence."""
    with pytest.raises(Mistake) as caught:
        filled(carry(a_claim()), typed)

    assert code == caught.value.code
