"""What goes over the wire is what the site sends, and what comes back is believed only as far as it can be checked."""

import io
import json
import zipfile
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.novelai.wire import ANSWER_BYTES, decode, encode
from bot.domain.errors import UpstreamError
from bot.domain.model import Sampler, Smea, UcPreset
from bot.domain.request import Generate
from tests.builders import a_request
from tests.imaging.pictures import a_picture, png
from tests.shared import shared

NOT_SENT = {"image_format"}
"""Fields of the site that we leave out; the reasons stand at the top of `wire`."""


def _zip(*files: tuple[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return packed.getvalue()


def _parameters(request: Generate) -> dict[str, Any]:
    found: Any = encode(request)["parameters"]
    return dict(found)


def test_a_captured_live_request_is_encoded_the_same() -> None:
    """Field for field, but for those we leave out on purpose."""
    captured = json.loads(shared("data/captures.json").read_text())["c12-v3-txt2img"]["request"]
    typed = captured["input"].split(", best quality")[0]
    sent = encode(a_request(typed, steps=23, seed=1234567890))

    wanted = {name: value for name, value in captured["parameters"].items() if name not in NOT_SENT}
    assert wanted == sent["parameters"]
    assert (captured["input"], captured["model"], captured["action"]) == (sent["input"], sent["model"], sent["action"])


def test_the_usual_request_has_these_fields() -> None:
    """The same law without the capture: names and values of a plain V3 request."""
    sent = _parameters(a_request(seed=7))

    plain = {"params_version": 4, "width": 832, "height": 1216, "scale": 5.0, "steps": 28, "seed": 7, "n_samples": 1}
    assert plain.items() <= sent.items()
    assert ("k_euler_ancestral", "karras", "heavy") == (sent["sampler"], sent["noise_schedule"], sent["ucPresetId"])
    assert "image_format" not in sent
    assert sent["negative_prompt"].startswith("nsfw, lowres")


def test_options_reach_their_fields() -> None:
    """SMEA, Decrisper, Variety+, presets and a sampler without a schedule."""
    asked = a_request(smea=Smea.DYN, uc_preset=UcPreset.NONE, quality_tags=False)
    asked = replace(asked, sampling=replace(asked.sampling, decrisper=True, variety=True, sampler=Sampler.DDIM))
    sent = _parameters(asked)

    assert (True, True, True, 19.0) == (
        sent["sm"], sent["sm_dyn"], sent["dynamic_thresholding"], sent["skip_cfg_above_sigma"],
    )  # fmt: skip
    assert ("none", "none", 0, 0) == (
        sent["ucPresetId"], sent["qualityPresetId"], sent["tag_hint_uc_preset"], sent["tag_hint_qt"],
    )  # fmt: skip
    assert "noise_schedule" not in sent
    assert "prefer_brownian" not in sent


def test_pictures_come_in_order_with_their_own_seeds() -> None:
    """Picture n has the seed + n, whatever the order of the archive."""
    first, second = png(a_picture(8, 8)), png(a_picture(16, 8))

    pictures = decode(_zip(("image_1.png", second), ("image_0.png", first)), a_request(seed=7, samples=2))

    assert [(first, 7), (second, 8)] == [(picture.data, picture.seed) for picture in pictures]


GOOD = png(a_picture(8, 8))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no zip",
        _zip(),
        _zip(("image_0.png", GOOD), ("image_1.png", GOOD)),
        _zip(("image_0.png", b"<html>")),
        _zip(("image_0.png", GOOD[:-20])),
        _zip(("image_0.webp", GOOD)),
        _zip(*((f"image_{n}.png", GOOD) for n in range(40))),
        _zip(("image_0.png", bytes(ANSWER_BYTES + 1))),
        _zip(("image_0.png", GOOD))[:-30],
    ],
)
def test_an_answer_that_is_not_what_was_asked_for_is_lost(body: bytes) -> None:
    """Nothing of it is delivered, and nobody can know whether it was billed."""
    with pytest.raises(UpstreamError) as caught:
        decode(body, a_request(seed=7))

    assert ("failed.answer", None, False) == (caught.value.code, caught.value.billed, caught.value.again)


@given(st.binary(max_size=300), st.integers(0, 200))
def test_any_bytes_are_pictures_or_lost(noise: bytes, at: int) -> None:
    """Noise in an archive breaks nothing but the answer."""
    good = _zip(("image_0.png", GOOD))
    try:
        [picture] = decode(good[:at] + noise + good[at:], a_request(seed=7))
    except UpstreamError:
        return
    assert GOOD == picture.data
