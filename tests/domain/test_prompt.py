"""The text that is sent is the one NovelAI's own site would send."""

import json

import pytest

from bot.domain.model import UcPreset
from bot.domain.prompt import variety_sigma, worded
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
