"""The text that is sent is the one NovelAI's own site would send."""

import json
from dataclasses import replace

import pytest

from bot.domain.model import Model, UcPreset
from bot.domain.prompt import is_steered_by_us, variety_sigma, worded
from bot.domain.request import SIZES
from tests.builders import a_request
from tests.shared import shared

TAGS = "best quality, amazing quality, very aesthetic, absurdres"
HEAVY = (
    "lowres, {bad}, error, fewer, extra, missing, worst quality, jpeg artifacts, bad quality, watermark, unfinished, "
    "displeasing, chromatic aberration, signature, extra digits, artistic error, username, scan, [abstract]"
)


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("1girl, smile", f"1girl, smile, {TAGS}"),
        ("1girl, smile, ", f"1girl, smile, {TAGS}"),
        ("red|blue", f"red, {TAGS}|blue"),
        ("red:0.5|blue:0.5", f"red, {TAGS}:0.5|blue:0.5"),
        ("||red|blue||, sky", f"||red|blue||, sky, {TAGS}"),
        (f"1girl, {TAGS}", f"1girl, {TAGS}"),
    ],
)
def test_quality_tags_end_the_first_segment(typed: str, sent: str) -> None:
    """They stand at the end of the first segment, before its weight, once."""
    assert sent == worded(a_request(typed)).prompt


@pytest.mark.parametrize(
    ("typed", "own", "preset", "sent"),
    [
        ("1girl", "", UcPreset.HEAVY, f"nsfw, {HEAVY}"),
        ("1girl", "hat", UcPreset.HEAVY, f"nsfw, {HEAVY}, hat"),
        ("1girl, NSFW", "", UcPreset.HEAVY, HEAVY),
        ("1girl", "", UcPreset.NONE, "lowres"),
        ("1girl", "hat", UcPreset.NONE, "hat"),
    ],
)
def test_undesired_content_is_preset_then_the_members_own(typed: str, own: str, preset: UcPreset, sent: str) -> None:
    """The site's own rule, the `nsfw` in front included."""
    assert sent == worded(a_request(typed, undesired_content=own, uc_preset=preset)).undesired_content


def test_a_live_request_is_worded_the_same() -> None:
    """The prompt and undesired content of a captured live request on V3."""
    captured = json.loads(shared("data/captures.json").read_text())["c12-v3-txt2img"]["request"]
    typed = captured["input"].removesuffix(f", {TAGS}")

    sent = worded(a_request(typed))

    assert captured["input"] == sent.prompt
    assert captured["parameters"]["negative_prompt"] == sent.undesired_content


def test_variety_is_its_base_at_the_standard_size() -> None:
    """The sigma is exactly 19 at 832×1216, and grows with the root of the area."""
    assert 19.0 == variety_sigma(19.0, SIZES["portrait"])
    assert variety_sigma(19.0, SIZES["square"]) > 19.0


V5_TAGS = "very aesthetic, masterpiece, no text"


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("1girl", f"1girl, {V5_TAGS}"),
        ("a sign, Text: hello", f"a sign, {V5_TAGS}, Text: hello"),
        ("a sign\nteXt: hello", f"a sign, {V5_TAGS}\nteXt: hello"),
        ("context: a sign", f"context: a sign, {V5_TAGS}"),
        ("Text: hello", f"{V5_TAGS}, Text: hello"),
    ],
)
def test_what_shall_be_written_in_the_picture_stays_last(typed: str, sent: str) -> None:
    """V4 and later read `Text:` to the end of the prompt (nai-api.md 2.5)."""
    assert sent == worded(a_request(typed, model=Model.V5_FULL)).prompt


def test_a_transparent_background_stands_before_the_quality_tags() -> None:
    """V5 alone, and also without quality tags (nai-api.md 2.5)."""
    asked = a_request("1girl", model=Model.V5_FULL, transparent=True)

    assert f"1girl, transparent background, {V5_TAGS}" == worded(asked).prompt
    bare = replace(asked, prompt=replace(asked.prompt, quality_tags=False))
    assert "1girl, transparent background" == worded(bare).prompt


@pytest.mark.parametrize("model", [Model.V4_CURATED, Model.V4_5_CURATED, Model.V5_CURATED])
def test_curated_models_are_not_damped_unless_the_place_is_safe(model: Model) -> None:
    """The site leaves `nsfw` out for them; where pictures are kept safe it stands there all the same."""
    asked = a_request("1girl", model=model)

    assert "nsfw" not in worded(asked).undesired_content
    assert worded(replace(asked, safe=True)).undesired_content.startswith("nsfw, ")


def test_medium_sends_its_preset_alone() -> None:
    """Whatever is in a request, its own undesired content is the preset, and characters have none."""
    sent = worded(a_request("1girl", model=Model.V5_MEDIUM, steps=14, characters="girl", safe=True))

    assert sent.undesired_content.startswith("nsfw, lowres, artistic error")
    assert [""] == [each.undesired_content for each in sent.characters]


def test_the_first_count_of_a_character_goes() -> None:
    """`1girl` counts people in the base prompt; in a character the site writes `girl`."""
    sent = worded(a_request("2girls", model=Model.V5_FULL, characters="1girl, 1girl | 11girls | 1boyfriend"))

    assert ["girl, 1girl", "11girls", "1boyfriend"] == [each.prompt for each in sent.characters]


def test_every_character_is_kept_safe() -> None:
    """Where the place keeps pictures safe, each character's undesired content begins like the base's, once."""
    asked = a_request("2girls", model=Model.V4_FULL, characters="girl | girl // hat | girl // nsfw, hat", safe=True)

    sent = [each.undesired_content for each in worded(asked).characters]

    assert ["nsfw, lowres, aliasing, ", "nsfw, hat", "nsfw, hat"] == sent
    assert not is_steered_by_us(asked), "said of the picture's own undesired content alone, or it would come each time"
