"""A stripped file gets its text back, and not one pixel changes."""

import io
import json

import pytest
from PIL import Image

from bot.domain.claims import Carrier, Note, Signature, Verdict
from bot.domain.errors import Mistake
from bot.imaging import png as container
from bot.imaging.decode import read_header
from bot.imaging.inspection import inspect_image
from bot.imaging.restoring import restored
from bot.imaging.signature import NOVELAI
from tests.imaging.pictures import COMMENT, TRUSTED, a_picture, hidden, packed, png, signed
from tests.shared import shared

PICTURE = a_picture(80, 96)
STRIPPED = hidden(PICTURE, packed(signed(PICTURE), Source="NovelAI Diffusion V4.5 4BDE2A90"))


def webp(picture: Image.Image, **more: object) -> bytes:
    """Without loss, colours under full transparency included."""
    out = io.BytesIO()
    picture.save(out, "WEBP", lossless=True, exact=True, **more)
    return out.getvalue()


def pixels_of(data: bytes) -> bytes:
    """The bytes of a PNG's pixels as they stand in the file."""
    return b"".join(data[start:end] for start, end in read_header(data).spans)


def without_texts(data: bytes) -> bytes:
    """A PNG of nothing but its pixels, as a site that strips text leaves it."""
    return pixels_of(data) + container.END


@pytest.mark.parametrize("data", [png(STRIPPED), webp(STRIPPED)])
def test_the_text_is_written_back_and_its_signature_verifies(data: bytes) -> None:
    """A PNG keeps its pixels to the byte; a WebP's are the same pixels, and sign the same."""
    assert Note.RECOVERED in inspect_image(data, trusted=TRUSTED).notes

    made = restored(data, TRUSTED)

    found = inspect_image(made, trusted=TRUSTED)
    assert (Verdict.SIGNED, ()) == (found.verdict, found.notes)
    assert [Carrier.PNG_TEXT, Carrier.ALPHA] == [claim.carrier for claim in found.claims]
    assert {Signature.VALID} == {claim.signature for claim in found.claims}
    assert "NovelAI Diffusion V4.5 Full" == found.claims[0].model
    assert STRIPPED.tobytes() == Image.open(io.BytesIO(made)).tobytes()
    if data.startswith(container.MAGIC):
        assert pixels_of(data) == pixels_of(made)


def test_a_web_uis_text_and_texts_in_any_writing_come_back() -> None:
    """Plain text as ``parameters``, and what is no ASCII as ``iTXt``."""
    text = "1girl, #テスト\nNegative prompt: bad\nSteps: 20, Sampler: Euler a, Seed: 5"
    data = png(hidden(a_picture(), text.encode(), magic=b"stealth_pnginfo"))

    made = restored(data, TRUSTED)

    assert text == Image.open(io.BytesIO(made)).text["parameters"]  # type: ignore[attr-defined]
    assert Verdict.UNSIGNED is inspect_image(made).verdict


@pytest.mark.parametrize(
    "data",
    [
        png(a_picture()),
        png(STRIPPED, Software="NovelAI", Comment=json.dumps(COMMENT)),
        png(a_picture(), Software="NovelAI", Comment=json.dumps(COMMENT)),
    ],
)
def test_what_was_not_stripped_is_left_alone(data: bytes) -> None:
    """Nothing hidden, or text that is there: whose would count?"""
    with pytest.raises(Mistake) as caught:
        restored(data, TRUSTED)

    assert "restore.none" == caught.value.code


@pytest.mark.parametrize(
    ("sample", "verdict"),
    [
        ("nai3-llmkira-128px.png", Verdict.SIGNED),
        ("nai45full-enslo.png", Verdict.SIGNED),
        ("nai45full-enslo-charref.png", Verdict.SIGNED),
        ("nai45full-peropix-debug-invalid.png", Verdict.ALTERED),
        ("a1111-forge-stealth-enslo.png", Verdict.UNSIGNED),
        ("a1111-stealth-pnginfo-sdparsers.png", Verdict.UNSIGNED),
    ],
)
def test_real_files_come_back(sample: str, verdict: Verdict) -> None:
    """Stripped of their text they are recovered; restored they are what they were worth."""
    data = without_texts(shared(f"samples/{sample}").read_bytes())
    assert Note.RECOVERED in inspect_image(data).notes

    found = inspect_image(restored(data, NOVELAI))

    assert verdict is found.verdict
    assert Note.RECOVERED not in found.notes
    assert found.claims[0].prompt == inspect_image(data).claims[0].prompt


def test_a_real_webp_without_its_exif_comes_back_signed() -> None:
    """The one that NovelAI itself wrote."""
    data = shared("samples/nai45full-enslo-3char.webp").read_bytes()
    stripped = data.replace(b"EXIF", b"XXXX")
    assert Note.RECOVERED in inspect_image(stripped).notes

    found = inspect_image(restored(stripped, NOVELAI))

    assert ("PNG", Verdict.SIGNED) == (found.format, found.verdict)
    assert {Signature.VALID} == {claim.signature for claim in found.claims}
