"""What the stand-in writes into its files is shaped like what NovelAI writes, and the bot's own reader reads it."""

import io
import json
from typing import Any

import pytest
from PIL import Image

from bot.imaging.inspection import inspect_image
from bot.imaging.signature import STANDIN
from bot.standin.novelai.catalogue import MODELS, Family
from tests.shared import shared
from tests.standin.wire import V5, V45, Wire, a_body, a_picture, a_prompt, a_structured_body, comment_of, opened


async def _file(wire: Wire, body: dict[str, Any]) -> bytes:
    [image] = await wire.images(body)
    return image


def _v45(**parameters: Any) -> dict[str, Any]:
    return a_structured_body(V45, noise_schedule="karras", width=256, height=256, **parameters)


async def test_v45_key_for_key(wire: Wire) -> None:
    """The Comment of the file captured in 2026-10 and of one from 2025 have the very keys, in that order."""
    mine = comment_of(await _file(wire, _v45()))
    captured = json.loads(shared("data/captures.json").read_text())["p1-upscale"]["response"]["png"]["text"]["Comment"]
    sample = comment_of(shared("samples/nai45full-desktop-splash.png").read_bytes())

    assert list(captured) == list(sample) == list(mine)
    for block in ("v4_prompt", "v4_negative_prompt", "extra_passthrough_testing"):
        assert list(sample[block]) == list(mine[block])
    assert {name: type(value) for name, value in sample.items() if value is not None and name in _NEVER_NULL} == {
        name: type(mine[name]) for name in _NEVER_NULL
    }


_NEVER_NULL = (
    "prompt", "steps", "height", "width", "scale", "uncond_scale", "cfg_rescale", "seed", "n_samples",
    "noise_schedule", "sampler", "controlnet_strength", "sm", "skip_cfg_below_sigma", "stream", "version", "uc",
    "request_type", "signed_hash", "reference_strength_multiple", "dynamic_thresholding_percentile",
)  # fmt: skip


async def test_v3_key_for_key(wire: Wire) -> None:
    """As the sample of 2024, but for lists in place of one vibe, and Variety+, which is newer."""
    sample = list(comment_of(shared("samples/nai3-llmkira-128px.png").read_bytes()))
    mine = list(comment_of(await _file(wire, a_body())))
    newer = [name.replace("_extracted", "_extracted_multiple") for name in sample]
    newer = [name.replace("reference_strength", "reference_strength_multiple") for name in newer]
    assert newer == [name for name in mine if name != "skip_cfg_above_sigma"]


async def test_furry_key_for_key(wire: Wire) -> None:
    """V1 over a source: the very keys of the sample, and no signature."""
    sample = comment_of(shared("samples/nai1furry-llmkira-img2img-unsigned.png").read_bytes())
    body = {**a_body(image=a_picture(), strength=0.7), "model": "nai-diffusion-furry", "action": "img2img"}
    image = await _file(wire, body)
    mine = comment_of(image)
    assert list(sample) == list(mine)
    assert "unsigned" == inspect_image(image, trusted=STANDIN).verdict.value


async def test_v5_adds_its_own(wire: Wire) -> None:
    """Its name, its hints, and what the randomiser chose; its text stands behind the pixels."""
    body = a_structured_body(V5, "{tall|small} girl", tag_hint_qt=1, tag_hint_uc_preset=2, width=256, height=256)
    body["parameters"]["v4_prompt"]["caption"]["base_caption"] = "1girl, {red|blue} hair, {{soft}}"
    image = await _file(wire, body)

    comment = comment_of(image)
    assert ("nai-diffusion-5-full", "0ADF9AB7", 1, 2) == (
        comment["model_name"], comment["model_hash"], comment["tag_hint_qt"], comment["tag_hint_uc_preset"],
    )  # fmt: skip
    chosen = comment["actual_prompts"]["prompt"]
    assert chosen["base_caption"] in ("1girl, red hair, {{soft}}", "1girl, blue hair, {{soft}}")
    assert chosen["char_captions"][0]["char_caption"] in ("tall girl", "small girl")
    assert image.index(b"IDAT") < image.index(b"tEXt")
    assert "signed_hash" == list(comment)[-1]


async def test_text_stands_in_no_order_but_before_the_pixels(wire: Wire) -> None:
    """As the newer server writes it: ``Generation_time``, 72 to the inch, one order for each seed."""
    orders = set()
    for seed in range(1, 6):
        image = await _file(wire, a_body(seed=seed))
        picture = Image.open(io.BytesIO(image))
        names = [name for name in picture.info if name != "dpi"]
        assert {"Title", "Description", "Software", "Source", "Generation_time", "Comment"} == set(names)
        assert picture.info["dpi"] == pytest.approx((71.98, 71.98), abs=0.01)
        orders.add(tuple(names))
    assert len(orders) > 1


@pytest.mark.parametrize("kind", ["png", "webp"])
@pytest.mark.parametrize("model", [model for model in MODELS if not MODELS[model].only_infills])
async def test_the_bot_reads_it(wire: Wire, model: str, kind: str) -> None:
    """Both carriers, signed from V3 on, with characters from V4 on; and words that are not ASCII."""
    known = MODELS[model]
    parameters = {"image_format": kind, "width": 256, "height": 256, "sampler": "k_euler_ancestral"}
    body = {**a_body(**parameters), "model": model}
    if known.structured:
        body = a_structured_body(model, "girl, 赤い髪", "boy", **parameters)
        body["parameters"]["v4_prompt"] = a_prompt("1girl, テスト", "girl, 赤い髪", "boy")
    image = await _file(wire, {**body, "input": "1girl, テスト"})

    found = inspect_image(image, trusted=STANDIN)
    carriers = [claim.carrier.value for claim in found.claims]
    assert ["png_text" if kind == "png" else "exif", "alpha"] == carriers
    assert ("signed" if known.family >= Family.V3 else "unsigned") == found.verdict.value
    assert {"1girl, テスト"} == {claim.prompt for claim in found.claims}
    if known.structured:
        assert {("girl, 赤い髪", "boy")} == {tuple(one.prompt for one in claim.characters) for claim in found.claims}


async def test_webp_says_what_a_native_one_says(wire: Wire) -> None:
    """The same EXIF tags, lossless, and the slip with words that are not ASCII."""
    sample = opened(shared("samples/nai45full-enslo-3char.webp").read_bytes())
    mine = opened(await _file(wire, {**_v45(image_format="webp"), "input": "1girl, テスト"}))

    def told(picture: Image.Image) -> tuple[set[int], dict[str, Any], str]:
        exif = picture.getexif()
        comment = exif.get_ifd(0x8769)[0x9286]
        assert comment.startswith(b"ASCII\0\0\0")
        outer = json.loads(comment[8:])
        return set(exif), outer, str(exif[0x0131])

    (tags, theirs, _), (my_tags, ours, software) = told(sample), told(mine)
    assert tags == my_tags
    assert list(theirs) == list(ours)
    assert theirs["Description"][:4] == ours["Description"][:4] == "\0" * 4
    assert (theirs["Software"], software) == (ours["Software"], ours["Source"])
    assert list(json.loads(theirs["Comment"])) == list(json.loads(ours["Comment"]))


@pytest.mark.parametrize(("action", "kind"), [("img2img", "Img2ImgRequest"), ("infill", "NativeInfillingRequest")])
async def test_what_was_made_of_a_source_says_so(wire: Wire, action: str, kind: str) -> None:
    """With the fields that belong to it."""
    model = V45 if action == "img2img" else "nai-diffusion-4-5-full-inpainting"
    over = {"image": a_picture(), "mask": a_picture(colour="white"), "strength": 0.6, "extra_noise_seed": 6}
    comment = comment_of(await _file(wire, {**a_structured_body(model, **over), "action": action}))
    assert (kind, 0.6, 6) == (comment["request_type"], comment["strength"], comment["extra_noise_seed"])
    assert (action == "infill") == ("add_original_image" in comment)
    assert {"image", "mask"}.isdisjoint(comment)


async def test_each_carrier_has_its_own_signature(wire: Wire) -> None:
    """A vibe stands in the text alone: two Comments, two signatures, both good."""
    vibe = "dmliZQ" * 20
    image = await _file(wire, _v45(reference_image_multiple=[vibe], reference_strength_multiple=[0.5]))
    found = inspect_image(image, trusted=STANDIN)
    assert ["valid", "valid"] == [claim.signature.value for claim in found.claims]
    assert [vibe] == comment_of(image)["reference_image_multiple"]


async def test_what_does_not_fit_is_left_out(wire: Wire) -> None:
    """A picture too small for the text in its alpha has none there, and is signed all the same."""
    found = inspect_image(await _file(wire, a_structured_body()), trusted=STANDIN)
    assert ("signed", ["png_text"]) == (found.verdict.value, [claim.carrier.value for claim in found.claims])
