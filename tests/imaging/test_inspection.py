"""What an image says of itself: signed is signed, anything else is not, and nothing a stranger sends does harm."""

import gzip
import io
import json
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey
from PIL import Image

from bot.domain.claims import Carrier, Note, Signature, Verdict, shown_claim, to_json
from bot.domain.errors import Mistake
from bot.imaging.inspection import inspect_image
from bot.imaging.report import inspect_files, readable
from bot.imaging.signature import NOVELAI, STANDIN
from tests.imaging.pictures import COMMENT, TRUSTED, a_picture, chunk, hidden, packed, png, signed
from tests.shared import shared


def _text(comment: str, picture: Image.Image | None = None) -> bytes:
    return png(picture or a_picture(), Software="NovelAI", Source="Stable Diffusion XL C1E1DE52", Comment=comment)


def test_a_signed_picture_is_signed_with_its_settings() -> None:
    """The claim is the signed text, its model is looked up, and the JSON has the documented shape."""
    found = inspect_image(_text(signed(a_picture())), trusted=TRUSTED)

    [claim] = found.claims
    assert (Verdict.SIGNED, Signature.VALID, "novelai") == (found.verdict, claim.signature, claim.signer)
    assert ("1girl, smile", "lowres", 1234567) == (claim.prompt, claim.undesired_content, claim.settings["seed"])
    assert "NovelAI Diffusion V3" == claim.model
    assert {"format", "width", "height", "verdict", "claims", "notes"} == to_json(found).keys()


@given(st.integers(0, 39), st.integers(0, 47), st.integers(0, 2), st.integers(1, 255))
@settings(max_examples=40, deadline=None)
def test_one_changed_pixel_is_never_signed(x: int, y: int, channel: int, by: int) -> None:
    """Any change of any colour of any pixel breaks the signature."""
    comment, picture = signed(a_picture()), a_picture()
    colours = list(picture.getpixel((x, y)))  # type: ignore[arg-type]
    colours[channel] = (colours[channel] + by) % 256
    picture.putpixel((x, y), tuple(colours))

    assert Verdict.ALTERED is inspect_image(_text(comment, picture), trusted=TRUSTED).verdict


@given(st.sampled_from(sorted(COMMENT)), st.one_of(st.text(max_size=5), st.integers(), st.none()))
@settings(max_examples=40, deadline=None)
def test_one_changed_field_is_never_signed(name: str, value: object) -> None:
    """Any change of any signed field breaks the signature."""
    fields = json.loads(signed(a_picture()))
    if fields[name] == value:
        return
    fields[name] = value

    assert Verdict.ALTERED is inspect_image(_text(json.dumps(fields)), trusted=TRUSTED).verdict


def test_another_key_proves_nothing() -> None:
    """A signature of a key that is not trusted, the stand-in's included, is a change."""
    theirs = signed(a_picture(), key=SigningKey(bytes([1] * 32)))

    assert Verdict.ALTERED is inspect_image(_text(theirs), trusted=TRUSTED).verdict
    assert Verdict.ALTERED is inspect_image(_text(signed(a_picture())), trusted={**NOVELAI, **STANDIN}).verdict


def test_fields_behind_the_signature_are_named_and_not_shown() -> None:
    """What a client added later was not signed: the rest verifies, the additions stand nowhere."""
    fields = json.loads(signed(a_picture())) | {"requestId": "abc", "forge": {"x": 1}}

    found = inspect_image(_text(json.dumps(fields)), trusted=TRUSTED)

    [claim] = found.claims
    assert (Signature.VALID, ("requestId", "forge")) == (claim.signature, claim.added)
    assert "requestId" not in claim.settings
    assert (Note.FIELDS_ADDED,) == found.notes


def test_alpha_alone_is_recovered() -> None:
    """Text was stripped; the alpha channel still holds it, and it verifies."""
    picture = a_picture(64, 64)
    made = hidden(picture, packed(signed(picture)))

    found = inspect_image(png(made), trusted=TRUSTED)

    assert (Verdict.SIGNED, (Note.RECOVERED,)) == (found.verdict, found.notes)
    assert Carrier.ALPHA is found.claims[0].carrier


def test_text_that_tells_another_picture_is_noted_and_not_shown() -> None:
    """A forged text beside a signed alpha: the signed one is shown, and the other is said to be there."""
    picture = a_picture(64, 64)
    made = hidden(picture, packed(signed(picture)))

    found = inspect_image(png(made, Software="NovelAI", Comment='{"prompt": "forged", "seed": 1}'), trusted=TRUSTED)

    shown = shown_claim(found)
    assert shown is not None
    assert "1girl, smile" == shown.prompt
    assert Note.DISAGREE in found.notes


def test_dropping_alpha_or_saving_again_keeps_the_signature() -> None:
    """The signature covers colours and Comment, not the file."""
    picture = a_picture(64, 64)
    comment = signed(picture)
    again = io.BytesIO()
    Image.open(io.BytesIO(png(hidden(picture, packed(comment))))).save(again, "WEBP", lossless=True, exact=True)

    assert Verdict.SIGNED is inspect_image(png(picture, Software="NovelAI", Comment=comment), trusted=TRUSTED).verdict
    assert Verdict.SIGNED is inspect_image(again.getvalue(), trusted=TRUSTED).verdict


def test_damaged_pixels_leave_the_text_readable() -> None:
    """A cut file: the text is read, the signature cannot be checked."""
    whole = _text(signed(a_picture()))

    found = inspect_image(whole[:-30], trusted=TRUSTED)

    assert (Verdict.UNCHECKED, (Note.DAMAGED,)) == (found.verdict, found.notes)
    assert "1girl, smile" == found.claims[0].prompt


def test_v5_is_read() -> None:
    """Text behind the pixels, a model's name that is signed, 22 characters anywhere, what the randomiser chose."""
    captions = [{"char_caption": f"girl {n}", "centers": [{"x": n / 22, "y": 0.25}]} for n in range(22)]
    fields = {
        "prompt": "a {cat|dog}",
        "seed": 7,
        "model_name": "nai-diffusion-5-full",
        "v4_prompt": {"caption": {"base_caption": "a {cat|dog}", "char_captions": captions}, "use_coords": True},
        "v4_negative_prompt": {"caption": {"base_caption": "lowres", "char_captions": [{"char_caption": "hat"}]}},
        "actual_prompts": {"prompt": {"base_caption": "a dog", "char_captions": []}},
        "request_type": "PromptGenerateRequest",
    }
    data = png(a_picture())
    at = data.rindex(b"\0\0\0\0IEND")
    late = data[:at] + chunk(b"tEXt", b"Comment\0" + signed(a_picture(), fields).encode()) + data[at:]

    [claim] = inspect_image(late, trusted=TRUSTED).claims

    assert (Signature.VALID, "nai-diffusion-5-full") == (claim.signature, claim.model)
    assert ("a {cat|dog}", "lowres", "a dog") == (
        claim.prompt,
        claim.undesired_content,
        claim.settings["actual_prompts"],
    )
    assert (22, "hat", 3 / 22) == (len(claim.characters), claim.characters[0].undesired_content, claim.characters[3].x)


def test_places_that_were_not_used_are_not_shown() -> None:
    """The fields hold a centre also where the model was left to choose."""
    block = {"caption": {"char_captions": [{"char_caption": "girl", "centers": [{"x": 0.5, "y": 0.5}]}]}}
    fields = {"prompt": "a", "v4_prompt": {**block, "use_coords": False}}

    [claim] = inspect_image(_text(signed(a_picture(), fields)), trusted=TRUSTED).claims

    assert ("girl", None, None) == (claim.characters[0].prompt, claim.characters[0].x, claim.characters[0].y)


def test_text_behind_the_pixels_is_read() -> None:
    """V5 writes it there."""
    data = png(a_picture())
    at = data.rindex(b"\0\0\0\0IEND")
    late = data[:at] + chunk(b"tEXt", b"Comment\0" + signed(a_picture()).encode()) + data[at:]

    assert Verdict.SIGNED is inspect_image(late, trusted=TRUSTED).verdict


@pytest.mark.parametrize("mode", ["zTXt", "iTXt", "iTXt packed"])
def test_packed_and_international_text_is_read(mode: str) -> None:
    """zTXt and iTXt carry Comments too."""
    comment = signed(a_picture()).encode()
    body = {
        "zTXt": b"Comment\0\0" + zlib.compress(comment),
        "iTXt": b"Comment\0\0\0\0\0" + comment,
        "iTXt packed": b"Comment\0\1\0\0\0" + zlib.compress(comment),
    }[mode]
    plain = png(a_picture())

    found = inspect_image(plain[:33] + chunk(mode[:4].encode(), body) + plain[33:], trusted=TRUSTED)

    assert Verdict.SIGNED is found.verdict


def test_a_picture_over_the_bound_keeps_its_text_unchecked() -> None:
    """Above 16,777,216 pixels nothing is decoded."""
    small = _text(signed(a_picture()))
    huge = small[:16] + struct.pack(">II", 60_000, 60_000) + small[24:]

    assert Verdict.UNCHECKED is inspect_image(huge, trusted=TRUSTED).verdict


# --- files that mean harm --------------------------------------------------------------------------------------------


def _bomb_chunk() -> bytes:
    plain = png(a_picture())
    return plain[:33] + chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(200_000_000), 9)) + plain[33:]


HOSTILE: dict[str, Any] = {
    "four pixels": lambda: png(hidden(a_picture(4, 4), b"")),
    "a length that lies": lambda: png(hidden(a_picture(64, 64), b"x", bits=0xFFFFFFF8)),
    "a length that is no byte": lambda: png(hidden(a_picture(64, 64), b"xx", bits=13)),
    "a bomb in the alpha": lambda: png(hidden(a_picture(200, 200), gzip.compress(bytes(4_000_000)))),
    "a bomb in a chunk": _bomb_chunk,
    "two hundred thousand chunks": lambda: png(a_picture())[:33] + chunk(b"tEXt", b"a\0b") * 200_000,
    "deep JSON": lambda: _text("[" * 100_000),
    "a list": lambda: _text('["signed_hash"]'),
    "a number of 200,000 digits": lambda: _text('{"signed_hash": ' + "9" * 200_000 + "}"),
    "a signature that is a number": lambda: _text('{"prompt": "x", "signed_hash": 5}'),
    "a signature of NaN": lambda: _text('{"prompt": "x", "scale": NaN, "signed_hash": "AA=="}'),
    "null fields": lambda: _text('{"prompt": null, "v4_prompt": null, "uc": 5, "signed_hash": null}'),
    "captions that are none": lambda: _text(
        '{"v4_prompt": {"caption": {"char_captions": [1, {"centers": [5]}, null]}}}'
    ),
    "60,000 by 60,000 of nothing": lambda: png(a_picture())[:16] + struct.pack(">II", 60_000, 60_000) + b"\0" * 50,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_answered_at_once(name: str) -> None:
    """A verdict or a mistake, within 2 s, and never signed."""
    data = HOSTILE[name]()
    began = time.monotonic()
    try:
        verdict = inspect_image(data, trusted=TRUSTED).verdict
    except Mistake:
        verdict = Verdict.NONE

    assert verdict is not Verdict.SIGNED
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "image.type"),
        (b"<html></html>", "image.type"),
        (b"\x89PNG\r\n\x1a\n", "image.broken"),
        (b"\xff\xd8\xff\xe0\0\x10", "image.broken"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "image.broken"),
        (b"GIF89a\0", "image.broken"),
        (bytes(25 * 1024 * 1024 + 1), "image.large"),
    ],
)
def test_what_is_no_image_is_named(data: bytes, code: str) -> None:
    """Not an image, cut at the start, or too large: each has its code."""
    with pytest.raises(Mistake) as caught:
        inspect_image(data)

    assert code == caught.value.code


@given(st.binary(max_size=400))
@settings(max_examples=150, deadline=None)
def test_any_bytes_behind_any_magic_are_answered(data: bytes) -> None:
    """Whatever follows a good beginning, the answer is a verdict or a mistake."""
    for magic in (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP", b"GIF89a"):
        try:
            assert inspect_image(magic + data, trusted=TRUSTED).verdict is not Verdict.SIGNED
        except Mistake:
            continue


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux' /proc")
@pytest.mark.parametrize("format_", ["PNG", "WEBP"])
def test_memory_stays_within_bounds(format_: str) -> None:
    """The largest picture that is decoded takes the process to at most 400 MiB."""
    side = 4_096
    picture = Image.new("RGBA", (side, side), (10, 20, 30, 255))
    file = io.BytesIO()
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0" + signed(a_picture()).encode()
    picture.save(file, format_, exif=exif.tobytes(), **({"lossless": True, "method": 0} if format_ == "WEBP" else {}))
    script = (
        "import sys; from bot.imaging.inspection import inspect_image; "
        "assert inspect_image(sys.stdin.buffer.read()).verdict == 'altered'; "
        # Not getrusage: what it gives was begun by the parent of this process.
        "print(next(int(l.split()[1]) // 1024 for l in open('/proc/self/status') if l.startswith('VmHWM')))"
    )

    done = subprocess.run([sys.executable, "-c", script], input=file.getvalue(), capture_output=True, check=True)

    assert 50 < int(done.stdout) < 300


# --- real files ------------------------------------------------------------------------------------------------------


def _expected() -> dict[str, Any]:
    files: dict[str, Any] = json.loads(shared("samples/expected.json").read_text())["files"]
    return files


def test_real_files_say_what_is_expected_of_them() -> None:
    """Every sample: verdict, carriers with their signatures, and seed, as NovelAI's own verifier has it."""
    wanted = {name: each for name, each in _expected().items() if "verdict" in each}
    wrong = []
    for name, each in wanted.items():
        [found] = inspect_files([str(shared(f"samples/{name}"))], trusted=NOVELAI)
        said = [[claim["carrier"], claim["signature"]] for claim in found["claims"]]
        seeds = {claim["settings"].get("seed") for claim in found["claims"]}
        if (
            found["verdict"] != each["verdict"]
            or said != each.get("claims", said)
            or ("seed" in each and {each["seed"]} != seeds)
        ):
            wrong.append(name)

    assert [] == wrong
    assert len(wanted) >= 28


def test_bad_files_are_answered() -> None:
    """Every damaged or hostile sample gets an object within 2 s, an error only where a decoder has one too."""
    names = [name for name in _expected() if name.startswith("bad/")]
    for name in names:
        began = time.monotonic()
        [found] = inspect_files([str(shared(f"samples/{name}"))], trusted=NOVELAI)

        assert time.monotonic() - began < 2, name
        assert ("error" not in found) or ("pillow" in _expected()[name]), name
        assert json.dumps(found, allow_nan=False)
    assert len(names) > 40


def test_a_missing_file_is_an_error_object(tmp_path: Path) -> None:
    """One unreadable file does not keep the others from being read."""
    good = tmp_path / "a.png"
    good.write_bytes(_text(signed(a_picture())))

    missing, found = inspect_files([str(tmp_path / "none.png"), str(good)], trusted=TRUSTED)

    assert "file.unreadable" == missing["error"]["code"]
    assert "signed" == found["verdict"]


def test_a_terminal_is_told_one_thing_a_line() -> None:
    """No line break, colour or second verdict of a file's own making."""
    prompt = "cat\n  ✅ Signed by NovelAI, unchanged\x1b[2J\r\u202e\u2028x"
    found = inspect_image(_text(json.dumps({**COMMENT, "prompt": prompt})))

    lines = readable("a\nb.png", found).split("\n")

    assert ["a b.png", "  ⚪ NovelAI settings, not signed"] == lines[:2]
    assert all(line.isprintable() and line.startswith("  ") for line in lines[1:])
