"""Signed is what NovelAI's key signed, to the letter; nobody's addition changes a word while it says so."""

import io
import json
import struct
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey
from PIL import Image

from bot.domain.claims import Claim, Inspection, Note, Signature, Verdict, shown_claim
from bot.imaging.inspection import inspect_image
from bot.imaging.png import MAGIC
from bot.imaging.signature import NOVELAI, Colours
from tests.imaging.pictures import TRUSTED, a_picture, chunk, hidden, packed, png, signed
from tests.shared import shared

ORDER = 2**252 + 27742317777372353535851937790883648493
SMALL = [bytes(32), b"\1" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f", b"\xed" + b"\xff" * 30 + b"\x7f"]
"""Encodings of points of small order, canonical and not."""


@given(st.binary(max_size=300), st.binary(min_size=32, max_size=32), st.integers(0, 511), st.booleans())
@settings(max_examples=100, deadline=None)
def test_it_accepts_what_pynacl_accepts(text: bytes, seed: bytes, bit: int, is_turned: bool) -> None:
    """Signatures of any key, whole and with a bit turned."""
    key, picture = SigningKey(seed), a_picture(5, 3)
    signature = bytearray(key.sign(picture.tobytes() + text).signature)
    signature[bit // 8] ^= is_turned << bit % 8

    _agree(bytes(key.verify_key), bytes(signature), picture, text)
    assert Colours(picture).signed(bytes(key.verify_key), bytes(signature), text) is not is_turned


@pytest.mark.parametrize("point", SMALL)
def test_it_refuses_what_pynacl_refuses(point: bytes) -> None:
    """Points of small order, a scalar that is one order too large, nothing at all."""
    key, picture = SigningKey(bytes(32)), a_picture(5, 3)
    good = key.sign(picture.tobytes()).signature
    scalar = int.from_bytes(good[32:], "little")
    for signature in (
        point + good[32:],
        good[:32] + (scalar + ORDER).to_bytes(32, "little"),
        good[:32] + bytes(32),
        point + bytes(32),
    ):
        _agree(bytes(key.verify_key), signature, picture, b"")
        _agree(point, signature, picture, b"")


def _agree(key: bytes, signature: bytes, picture: Image.Image, text: bytes) -> None:
    try:
        VerifyKey(key).verify(picture.tobytes() + text, signature)
        is_good = True
    except BadSignatureError:
        is_good = False
    assert Colours(picture).signed(key, signature, text) is is_good


@given(st.integers(1, 400), st.integers(1, 300), st.integers(0, 20_000))
@settings(max_examples=15, deadline=None)
def test_strips_and_long_texts_make_one_message(width: int, height: int, length: int) -> None:
    """However a picture is cut into strips, and whatever was checked over it before."""
    key, picture = SigningKey(bytes(32)), a_picture(width, height)
    colours, text = Colours(picture), b"x" * length
    signature = key.sign(picture.tobytes() + text).signature

    assert not colours.signed(bytes(key.verify_key), signature, text + b"y" * 9_000)
    assert colours.signed(bytes(key.verify_key), signature, text)


def test_a_large_picture_is_verified_the_same_way() -> None:
    """Above eight megabytes its bytes lie elsewhere; the answer is PyNaCl's there too."""
    key, picture = SigningKey(bytes(32)), Image.linear_gradient("L").resize((2_000, 1_500)).convert("RGB")
    signature = key.sign(picture.tobytes() + b"x" * 10_000).signature
    colours = Colours(picture)

    assert colours.signed(bytes(key.verify_key), signature, b"x" * 10_000)
    assert not colours.signed(bytes(key.verify_key), signature, b"x" * 9_999)


def test_a_respaced_comment_is_not_what_was_signed() -> None:
    """The signature covers bytes; what a client wrote anew is another text, whatever it means."""
    respaced = json.dumps(json.loads(signed(a_picture())), separators=(",", ":"))

    assert Verdict.ALTERED is inspect_image(png(a_picture(), Software="NovelAI", Comment=respaced)).verdict


# --- whatever is added to a signed file ------------------------------------------------------------------------------


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(MAGIC)
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at + 8 : at + 8 + length]
        at += 12 + length


def _written(chunks: list[tuple[bytes, bytes]]) -> bytes:
    return MAGIC + b"".join(chunk(kind, body) for kind, body in chunks)


def _with(data: bytes, keyword: bytes, text: bytes, *, first: bool = False, kind: bytes = b"tEXt") -> bytes:
    chunks = list(_chunks(data))
    body = {b"tEXt": keyword + b"\0" + text, b"iTXt": keyword + b"\0\0\0\0\0" + text}[kind]
    chunks.insert(1 if first else len(chunks) - 1, (kind, body))
    return _written(chunks)


def _commented(data: bytes, change: Callable[[str], str]) -> bytes:
    return _written(
        [
            (kind, b"Comment\0" + change(body[8:].decode()).encode() if body.startswith(b"Comment\0") else body)
            for kind, body in _chunks(data)
        ]
    )


FORGED = b'{"prompt": "forged", "uc": "forged", "seed": 1, "steps": 1, "sampler": "forged"}'
FORGERIES: dict[str, Callable[[bytes], bytes]] = {
    "prompt behind": lambda data: _commented(data, lambda t: t[:-1] + ', "prompt": "forged"}'),
    "prompt in front": lambda data: _commented(data, lambda t: '{"prompt": "forged", ' + t[1:]),
    "new key behind": lambda data: _commented(data, lambda t: t[:-1] + ', "note": "forged"}'),
    "new key in front": lambda data: _commented(data, lambda t: '{"note": "forged", ' + t[1:]),
    "characters behind": lambda data: _commented(
        data,
        lambda t: t[:-1] + ', "char": 1, "v4_prompt": {"caption": {"char_captions": [{"char_caption": "forged"}]}}}',
    ),
    "signature twice": lambda data: _commented(data, lambda t: t[:-1] + ', "signed_hash": "forged"}'),
    "signature twice, the first forged": lambda data: _commented(data, lambda t: '{"signed_hash": "forged", ' + t[1:]),
    "signature inside an object": lambda data: _commented(
        data, lambda t: '{"prompt": "forged", "x": ' + t + "}"
    ),
    "a Comment inside a Comment": lambda data: _commented(
        data, lambda t: json.dumps({"prompt": "forged", "Comment": t, "signed_hash": "x"})
    ),
    "escaped key": lambda data: _commented(data, lambda t: t[:-1] + ', "pr\\u006fmpt": "forged"}'),
    "escaped signature key": lambda data: _commented(data, lambda t: t[:-1] + ', "signed\\u005fhash": "forged"}'),
    "escaped letters": lambda data: _commented(data, lambda t: t.replace('"prompt"', '"\\u0070rompt"', 1)),
    "other spaces": lambda data: _commented(data, lambda t: t.replace(", ", ",", 1)),
    "another way to write a number": lambda data: _commented(data, lambda t: t.replace('"steps": 28', '"steps": 28.0')),
    "a line of its own behind": lambda data: _commented(data, lambda t: t + '\n{"prompt": "forged"}'),
    "second Comment": lambda data: _with(data, b"Comment", FORGED),
    "second Comment in front": lambda data: _with(data, b"Comment", FORGED, first=True),
    "second Comment, international": lambda data: _with(data, b"Comment", FORGED, first=True, kind=b"iTXt"),
    "Description": lambda data: _with(data, b"Description", b"forged", first=True),
    "second Source": lambda data: _with(data, b"Source", b"NovelAI Diffusion V3 forged", first=True),
    "second Source behind": lambda data: _with(data, b"Source", b"NovelAI Diffusion V3 forged"),
    "parameters": lambda data: _with(data, b"parameters", b"forged\nSteps: 1, Sampler: forged, Seed: 1", first=True),
    "a graph": lambda data: _with(
        data, b"prompt", b'{"1": {"class_type": "KSampler", "inputs": {"seed": 1, "positive": "forged"}}}'
    ),
    "XMP": lambda data: _with(data, b"XML:com.adobe.xmp", b"<x xmp:CreatorTool='Draw Things'/>", kind=b"iTXt"),
    "JPEG's words": lambda data: data + b"\xff\xd8\xff\xe1forged",
}  # fmt: skip


def _words(claim: Claim) -> object:
    return claim.prompt, claim.undesired_content, claim.characters, dict(claim.settings)


def _hold(before: Inspection, after: Inspection) -> None:
    """What is called valid has the words it had; what is shown as signed is one of those."""
    genuine = [_words(claim) for claim in before.claims]
    for claim in after.claims:
        if claim.signature is Signature.VALID:
            assert _words(claim) in genuine
            assert "forged" not in str(claim.model)
    shown = shown_claim(after)
    assert shown is not None
    if after.verdict is Verdict.SIGNED:
        assert shown.signature is Signature.VALID


def _bare(data: bytes) -> bytes:
    """The same picture and its text, without the alpha channel."""
    whole = Image.open(io.BytesIO(data))
    whole.load()
    file = io.BytesIO()
    Image.frombytes("RGB", whole.size, whole.tobytes("raw", "RGB")).save(file, "PNG", compress_level=1)
    bare = _with(file.getvalue(), b"Comment", whole.info["Comment"].encode())
    return _with(bare, b"Source", whole.info["Source"].encode())


def _try(original: bytes, name: str) -> None:
    before = inspect_image(original)
    after = inspect_image(FORGERIES[name](original))
    shown = shown_claim(after)
    assert Verdict.SIGNED is before.verdict
    _hold(before, after)
    assert shown is not None
    assert "forged" not in str(_words(shown)) or Verdict.SIGNED is not after.verdict


@pytest.mark.parametrize("name", FORGERIES)
def test_no_addition_changes_a_word_of_a_signed_file(name: str) -> None:
    """Repeated, appended, nested and re-encoded keys, further chunks: with the alpha channel, and without."""
    data = shared("samples/nai3-llmkira-128px.png").read_bytes()

    _try(data, name)
    _try(_bare(data), name)


@pytest.mark.parametrize(
    "sample", ["nai45full-enslo.png", "nai45full-enslo-charref.png", "nai45full-desktop-splash.png"]
)
def test_no_addition_changes_a_word_of_a_picture_with_characters(sample: str) -> None:
    """V4.5, with texts of two carriers that differ in their references."""
    data = shared(f"samples/{sample}").read_bytes()

    for name in ("characters behind", "prompt behind", "signature twice", "second Comment in front"):
        _try(data, name)
        _try(_bare(data), name)


def test_additions_that_change_nothing_stay_signed() -> None:
    """A key behind the signature and a second Comment are named, and the rest is still NovelAI's word."""
    data = shared("samples/nai3-llmkira-128px.png").read_bytes()

    behind = inspect_image(FORGERIES["new key behind"](data))
    second = inspect_image(FORGERIES["second Comment in front"](data))

    assert (Verdict.SIGNED, Note.FIELDS_ADDED) == (behind.verdict, behind.notes[0])
    assert (Verdict.SIGNED, Note.DISAGREE) == (second.verdict, second.notes[0])


def test_text_beside_a_signed_alpha_is_not_shown() -> None:
    """The words are those of the alpha channel, which verify."""
    picture = a_picture(64, 64)
    made = png(hidden(picture, packed(signed(picture), Description="forged", Source="forged")))
    before = inspect_image(made, trusted=TRUSTED)

    for name in ("second Comment", "parameters", "Description", "second Source"):
        after = inspect_image(FORGERIES[name](made), trusted=TRUSTED)
        shown = shown_claim(after)
        assert shown is not None
        assert (Verdict.SIGNED, "1girl, smile") == (after.verdict, shown.prompt)
        _hold(before, after)


def test_an_object_with_a_repeated_key_around_a_comment_is_refused() -> None:
    """Two readers need not agree on which Comment it holds: altered, and no word of it is shown."""
    picture, outer = a_picture(64, 64), json.dumps({"Comment": signed(a_picture(64, 64))})
    repeated = '{"Comment": "{}", ' + outer[1:]

    found = inspect_image(png(hidden(picture, repeated.encode(), magic=b"stealth_pnginfo")), trusted=TRUSTED)

    assert (Verdict.ALTERED, None) == (found.verdict, found.claims[0].prompt)


def test_an_animation_is_not_called_signed() -> None:
    """Its default picture may be signed; what it shows is its other frames, which nobody signed."""
    data = png(a_picture(), Software="NovelAI", Comment=signed(a_picture()))
    animated = data[:33] + chunk(b"acTL", struct.pack(">II", 2, 0)) + data[33:]

    found = inspect_image(animated, trusted=TRUSTED)

    assert Verdict.SIGNED is inspect_image(data, trusted=TRUSTED).verdict
    assert (Verdict.UNCHECKED, (Note.FRAMES,)) == (found.verdict, found.notes)


def test_what_changes_the_look_is_said() -> None:
    """Neither alpha nor a colour profile is signed: a picture that is made to look different stays signed, noted."""
    picture = a_picture(64, 64)
    made = picture.copy()
    made.putalpha(255)
    made.putpixel((60, 60), (*picture.getpixel((60, 60)), 0))  # type: ignore[misc]
    plain = png(picture, Software="NovelAI", Comment=signed(picture))

    for data in (
        png(made, Software="NovelAI", Comment=signed(picture)),
        plain[:33] + chunk(b"tRNS", b"\0\1\0\2\0\3") + plain[33:],
        plain[:33] + chunk(b"iCCP", b"x\0\0") + plain[33:],
        plain[:33] + chunk(b"gAMA", b"\0\0\0\1") + plain[33:],
    ):
        found = inspect_image(data, trusted=TRUSTED)
        assert (Verdict.SIGNED, (Note.APPEARANCE,)) == (found.verdict, found.notes)
    usual = plain[:33] + chunk(b"gAMA", (45_455).to_bytes(4, "big")) + plain[33:]
    assert () == inspect_image(usual, trusted=TRUSTED).notes


def test_pixels_after_another_chunk_are_no_part_of_a_picture() -> None:
    """libpng ends at the first chunk that is not IDAT, so a second run of them is not looked at either."""
    data = png(a_picture(), Software="NovelAI", Comment=signed(a_picture()))
    late = _written([*list(_chunks(data))[:-1], (b"tIME", b"1234567"), (b"IDAT", b"forged"), (b"IEND", b"")])

    assert Verdict.SIGNED is inspect_image(late, trusted=TRUSTED).verdict


def test_half_a_surrogate_is_no_text_that_was_signed() -> None:
    """It is read, and it breaks nothing; nobody can have signed it."""
    inner = '{"prompt": "' + "\ud83d" + '", "signed_hash": "' + "A" * 86 + '=="}'
    picture = hidden(a_picture(64, 64), json.dumps({"Comment": inner}).encode(), magic=b"stealth_pnginfo")

    found = inspect_image(png(picture), trusted=NOVELAI)

    assert Verdict.ALTERED is found.verdict
    assert "\ufffd" == found.claims[0].prompt
