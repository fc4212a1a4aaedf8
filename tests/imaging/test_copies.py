"""Smaller copies: the very same pixels or none, and what lies hidden in them still verifies."""

import json
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.domain.claims import Carrier, Claim, Signature
from bot.domain.errors import Mistake
from bot.imaging.copies import PREVIEW_SIDE, exact_copy, preview
from bot.imaging.inspection import inspect_image
from bot.imaging.signature import NOVELAI, STANDIN
from bot.standin.novelai.painting import paint
from bot.standin.novelai.png import png as standin_png
from bot.standin.novelai.signing import hidden
from bot.standin.novelai.signing import signed as standin_signed
from tests.imaging.pictures import png
from tests.shared import shared


def _signed(width: int = 320, height: int = 256) -> bytes:
    picture = paint(width, height, 7, ["1girl"]).convert("RGBA")
    comment = json.dumps(standin_signed(picture, {"prompt": "1girl, river", "seed": 7, "steps": 28}))
    fields = {"Title": "t", "Software": "NovelAI", "Source": "s", "Comment": comment}
    return standin_png(hidden(picture, fields), fields)


def _pixels(data: bytes) -> bytes:
    return Image.open(BytesIO(data)).convert("RGBA").tobytes()


def test_a_signed_picture_keeps_pixels_metadata_and_signature() -> None:
    """As WebP it is smaller, bit for bit the same to look at, and the alpha channel's signature verifies."""
    original = _signed()

    copy = exact_copy(original, STANDIN)

    assert copy is not None
    assert copy.is_signed
    assert len(copy.data) < len(original)
    assert _pixels(original) == _pixels(copy.data)
    [claim] = inspect_image(copy.data, trusted=STANDIN).claims
    assert (Signature.VALID, "1girl, river") == (claim.signature, claim.prompt)


def test_a_signature_that_does_not_verify_is_not_vouched_for() -> None:
    """The copy is exact and says no more than the original does."""
    image = Image.open(BytesIO(_signed()))
    image.putpixel((5, 5), (1, 2, 3, 255))

    copy = exact_copy(png(image), STANDIN)

    assert copy is not None
    assert not copy.is_signed


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 24), st.integers(1, 24), st.sampled_from(("L", "P", "RGB", "RGBA", "LA")), st.binary(min_size=8))
def test_any_picture_has_an_exact_copy_or_none(width: int, height: int, mode: str, noise: bytes) -> None:
    """Colours under full transparency included; never a copy that differs."""
    image = Image.new("RGBA", (width, height))
    image.putdata([tuple(noise[(n + k) % len(noise)] for k in range(4)) for n in range(width * height)])
    original = png(image.convert(mode))

    copy = exact_copy(original, STANDIN)

    assert copy is not None
    assert _pixels(original) == _pixels(copy.data)


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", _signed()[:5_000], b"GIF89a" + b"\0" * 20])
def test_what_cannot_be_read_has_no_copy(data: bytes) -> None:
    """Damaged bytes are not vouched for."""
    assert exact_copy(data, STANDIN) is None
    assert preview(data) is None


def test_a_preview_is_small() -> None:
    """At most 1,024 pixels a side, whatever comes."""
    copy = preview(_signed(1_536, 1_024))

    assert copy is not None
    assert (PREVIEW_SIDE, 683) == Image.open(BytesIO(copy.data)).size
    assert len(copy.data) < 200_000


def test_novelais_own_pictures_keep_their_signature() -> None:
    """On files of the service itself, where they are at hand: whatever verified in the pixels still does."""
    signed = 0
    for file in sorted(shared("samples/expected.json").parent.glob("*.png")):
        data = file.read_bytes()
        hidden = [c for c in _claims(data) if c.carrier is Carrier.ALPHA]
        copy = exact_copy(data, NOVELAI)
        if copy is None:
            continue
        assert _pixels(data) == _pixels(copy.data), file.name
        assert copy.is_signed == any(claim.signature is Signature.VALID for claim in hidden), file.name
        signed += copy.is_signed

    assert signed


def _claims(data: bytes) -> tuple[Claim, ...]:
    try:
        return inspect_image(data, trusted=NOVELAI).claims
    except Mistake:
        return ()
