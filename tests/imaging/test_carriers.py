"""Every place in which a file may carry words, read within its bounds."""

import gzip
import io
import json
import struct
import time
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.domain.claims import Carrier, Note, Verdict
from bot.imaging import png as png_chunks
from bot.imaging.decode import hiding_places, load_pixels, read_header
from bot.imaging.exif import read_exif
from bot.imaging.inspection import inspect_image
from bot.imaging.stealth import read_hidden
from bot.imaging.xmp import read_xmp
from tests.imaging.pictures import TRUSTED, a_picture, chunk, hidden, packed, png, signed

WEBUI = "a cat\nNegative prompt: a dog\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 64x64, Model: cats"


def _exif(comment: bytes, *, in_first: bool = False) -> bytes:
    """A TIFF block of Pillow's making around a user comment."""
    tags = Image.Exif()
    if in_first:
        tags[0x9286] = comment
    else:
        tags.get_ifd(0x8769)[0x9286] = comment
    return tags.tobytes()


def _saved(picture: Image.Image, format_: str, **how: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, format_, **how)
    return file.getvalue()


def _in_colours(payload: bytes, magic: bytes, width: int = 64, height: int = 64) -> Image.Image:
    """A picture whose colours hold *payload* in their lowest bits, column by column."""
    stream = magic + struct.pack(">I", len(payload) * 8) + payload
    bits = [byte >> at & 1 for byte in stream for at in range(7, -1, -1)]
    values = bytes(100 | bit for bit in bits).ljust(width * height * 3, b"\x65")
    return Image.frombytes("RGB", (height, width), values).transpose(Image.Transpose.TRANSPOSE)


@pytest.mark.parametrize("magic", [b"stealth_rgbinfo", b"stealth_rgbcomp"])
@pytest.mark.parametrize("format_", ["PNG", "WEBP"])
def test_colours_hide_text(magic: bytes, format_: str) -> None:
    """Plain and packed, in files that lose nothing."""
    payload = gzip.compress(WEBUI.encode()) if magic.endswith(b"comp") else WEBUI.encode()
    data = _saved(_in_colours(payload, magic), format_, **({"lossless": True} if format_ == "WEBP" else {}))

    [claim] = inspect_image(data).claims

    assert (Carrier.RGB, "a cat", "a dog", 5) == (
        claim.carrier,
        claim.prompt,
        claim.undesired_content,
        claim.settings["Seed"],
    )


def test_alpha_hides_plain_text() -> None:
    """The web UI's own form, without packing."""
    found = inspect_image(png(hidden(a_picture(64, 64), WEBUI.encode(), magic=b"stealth_pnginfo")))

    assert (Verdict.UNSIGNED, (Note.RECOVERED,)) == (found.verdict, found.notes)
    assert "a cat" == found.claims[0].prompt


@pytest.mark.parametrize("size", [(1, 60_000), (60_000, 1), (3, 20_000), (200, 300)])
def test_long_payloads_are_put_together_again(size: tuple[int, int]) -> None:
    """Whatever the shape of a picture, and over more than one cut."""
    text = (WEBUI + "x" * 3_000).encode()
    made = hidden(Image.new("RGB", size), text, magic=b"stealth_pnginfo")

    [found] = read_hidden(made, (Carrier.ALPHA,))

    assert text.decode() == found.text


def test_a_payload_longer_than_one_slab_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bits that lie in several slabs, at every offset in a column."""
    monkeypatch.setattr("bot.imaging.stealth.SLAB_BITS", 136)
    text = bytes(range(32, 120)) * 4

    for size in ((37, 150), (150, 37), (2, 4_000)):
        [found] = read_hidden(hidden(Image.new("RGB", size), text, magic=b"stealth_pnginfo"), (Carrier.ALPHA,))
        assert text.decode() == found.text


@pytest.mark.parametrize("mode", ["LA", "P"])
def test_alpha_is_read_of_grey_and_palettes(mode: str) -> None:
    """What an optimiser made of a picture with few colours."""
    grey = Image.new("RGB", (64, 64), (7, 7, 7))
    made = hidden(grey, packed(signed(grey)))
    if mode == "LA":
        data = _saved(made.convert("LA"), "PNG")
    else:
        indices = Image.frombytes("P", made.size, made.getchannel("A").point(lambda value: value & 1).tobytes())
        indices.putpalette([7] * 6)
        data = _saved(indices, "PNG", transparency=b"\xfe\xff")

    found = inspect_image(data, trusted=TRUSTED)

    assert (Verdict.SIGNED, Carrier.ALPHA) == (found.verdict, found.claims[0].carrier)


@given(st.integers(1, 200), st.integers(1, 200), st.booleans(), st.integers(0, 9), st.booleans())
@settings(max_examples=60, deadline=None)
def test_looking_first_never_overlooks(width: int, height: int, has_alpha: bool, level: int, is_marked: bool) -> None:
    """What a look at the first column rules out is not there, and what is there is not ruled out."""
    picture = a_picture(width, height)
    if is_marked:
        picture = hidden(picture, b"x", magic=b"stealth_pnginfo")
    elif has_alpha:
        picture.putalpha(255)
    data = _saved(picture, "PNG", compress_level=level)
    header = read_header(data)
    image = load_pixels(data, header)
    assert image is not None

    places = hiding_places(data, header)

    assert {each.carrier for each in read_hidden(image, header.hiding)} <= set(places)
    if height >= png_chunks.PEEK_ROWS and not is_marked:
        assert Carrier.ALPHA not in places


@pytest.mark.parametrize("kind", [0, 1, 2, 3, 4])
def test_looking_first_understands_every_filter(kind: int) -> None:
    """The first column under each of PNG's five filters."""
    picture = hidden(a_picture(8, 200), b"x", magic=b"stealth_pnginfo")
    raw = picture.tobytes()
    rows = [raw[at : at + 32] for at in range(0, len(raw), 32)]
    stream = zlib.compress(
        b"".join(_filtered(kind, row, up) for row, up in zip(rows, [bytes(32), *rows], strict=False))
    )
    plain = png(picture)
    data = plain[:33] + chunk(b"IDAT", stream[:100]) + chunk(b"IDAT", stream[100:]) + chunk(b"IEND", b"")
    header = read_header(data)

    assert Carrier.ALPHA in hiding_places(data, header)
    image = load_pixels(data, header)
    assert image is not None
    assert raw == image.tobytes()


def _filtered(kind: int, row: bytes, up: bytes) -> bytes:
    def guess(n: int) -> int:
        left, above, corner = (row[n - 4] if n >= 4 else 0), up[n], (up[n - 4] if n >= 4 else 0)
        paeth = min((left, above, corner), key=lambda v: abs(left + above - corner - v))
        return (0, left, above, (left + above) // 2, paeth)[kind]

    return bytes([kind]) + bytes((value - guess(n)) & 255 for n, value in enumerate(row))


def test_a_picture_without_anything_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The header, the chunks and a row or two are enough."""
    monkeypatch.setattr("bot.imaging.inspection.load_pixels", None)
    opaque = a_picture(200, 200)
    opaque.putalpha(255)

    for data in (png(a_picture(200, 200)), png(opaque), _saved(a_picture(), "JPEG"), _saved(a_picture(), "WEBP")):
        assert Verdict.NONE is inspect_image(data).verdict


@pytest.mark.parametrize("encoding", ["utf-16-be", "utf-16-le"])
@pytest.mark.parametrize("format_", ["JPEG", "WEBP", "PNG"])
def test_user_comments_are_read_of_every_format(format_: str, encoding: str) -> None:
    """UTF-16 of either order, whatever the block says of its own."""
    exif = _exif(b"UNICODE\0" + WEBUI.encode(encoding))
    data = _saved(a_picture(), format_, exif=exif)

    [claim] = inspect_image(data).claims

    assert (Carrier.EXIF, "a cat", 5) == (claim.carrier, claim.prompt, claim.settings["Seed"])


@pytest.mark.parametrize("prefix", [b"ASCII\0\0\0", b"", bytes(8), b"UNICODE\0"])
def test_novelais_own_webp_is_verified(prefix: bytes) -> None:
    """The object in the user comment, with any prefix that a re-encoder may have left."""
    outer = json.dumps(
        {"Comment": signed(a_picture()), "Source": "NovelAI Diffusion V4.5 4BDE2A90"}, separators=(",", ":")
    )
    text = outer.encode("utf-16-be") if prefix == b"UNICODE\0" else outer.encode()
    data = _saved(a_picture(), "WEBP", lossless=True, exact=True, exif=_exif(prefix + text))

    found = inspect_image(data, trusted=TRUSTED)

    assert (Verdict.SIGNED, "NovelAI Diffusion V4.5 Full") == (found.verdict, found.claims[0].model)


def test_exif_of_another_programs_making_is_read() -> None:
    """A comment in the first directory, and ImageMagick's hexadecimal profile."""
    block = _exif(b"ASCII\0\0\0" + WEBUI.encode(), in_first=True)
    profile = f"\nexif\n{len(block):8}\n" + block.hex() + "\n"

    jpeg = inspect_image(_saved(a_picture(), "JPEG", exif=block))
    magick = inspect_image(png(a_picture(), **{"Raw profile type exif": profile}))

    assert ["a cat", "a cat"] == [jpeg.claims[0].prompt, magick.claims[0].prompt]


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_exif_block_is_walked(block: bytes) -> None:
    """Damaged, endless and self-referring directories give what they hold, and end."""
    for order in (b"II*\0", b"MM\0*"):
        assert isinstance(read_exif(order + block), dict)


def test_a_directory_that_points_everywhere_costs_little() -> None:
    """Thousands of entries over the same four megabytes are read once for each tag."""
    entries = b"".join(struct.pack(">HHII", 0x9286, 7, 4_000_000, 8) for _ in range(60_000))
    block = b"MM\0*\0\0\0\x08" + struct.pack(">H", 60_000) + entries + b"UNICODE\0" * 400_000
    began = time.monotonic()

    read_exif(block)

    assert time.monotonic() - began < 1


def test_xmp_is_read_as_attribute_and_as_element() -> None:
    """The few properties that matter, unescaped; no entity of a stranger's is expanded."""
    packet = (
        '<!DOCTYPE x [<!ENTITY a "aaaa">]><rdf:Description xmp:CreatorTool="Draw Things" x="1">'
        "<exif:UserComment><rdf:Alt><rdf:li xml:lang='x-default'>{&quot;c&quot;: &quot;&a;cat&quot;}</rdf:li></rdf:Alt>"
        "</exif:UserComment></rdf:Description>"
    )

    assert {"CreatorTool": "Draw Things", "UserComment": '{"c": "&a;cat"}'} == read_xmp(packet)


# --- bounds ----------------------------------------------------------------------------------------------------------


def _soon(data: bytes) -> Verdict:
    began = time.monotonic()
    verdict = inspect_image(data).verdict
    assert time.monotonic() - began < 1
    return verdict


def test_many_bombs_in_one_file_cost_no_more_than_one() -> None:
    """Each that cannot be unpacked takes its share of the budget."""
    bomb = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(20_000_000), 9))
    broken = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(4_000_000), 9)[:-1] + b"!")
    plain = png(a_picture())

    assert Verdict.NONE is _soon(plain[:33] + bomb * 200 + broken * 200 + plain[33:])


def test_text_beyond_the_budget_is_not_kept() -> None:
    """Four megabytes in all."""
    plain = png(a_picture())
    body = plain[:33] + b"".join(chunk(b"tEXt", b"a%d\0" % n + b"x" * 500_000) for n in range(20)) + plain[33:]

    assert sum(len(text) for _, text in read_header(body).texts) <= 4 * 1024 * 1024


def test_what_follows_the_end_of_the_pixels_is_not_gathered() -> None:
    """A stream that ends early, and megabytes behind it."""
    opaque = a_picture(200, 200)
    opaque.putalpha(255)
    plain = png(opaque)
    data = plain[:33] + chunk(b"IDAT", zlib.compress(b"\0" + b"\xfe" * 800) + b"x" * 20_000_000) + chunk(b"IEND", b"")
    began = time.monotonic()
    header = read_header(data)

    hiding_places(data, header)

    assert time.monotonic() - began < 0.5


def test_a_webp_that_says_two_sizes_is_held_to_its_first() -> None:
    """A small canvas behind a large picture would otherwise get past the bound on pixels."""
    large = b"VP8L" + struct.pack("<I", 6) + b"\x2f" + struct.pack("<I", 16_382 | 16_382 << 14) + b"\0"
    small = b"VP8X" + struct.pack("<I", 10) + bytes(10)
    inner = b"WEBP" + large + small

    header = read_header(b"RIFF" + struct.pack("<I", len(inner)) + inner)

    assert (16_383, 16_383) == (header.width, header.height)
    assert load_pixels(b"", header) is None


@pytest.mark.parametrize(
    "text",
    [
        '{"signed_hash": ' + "[" * 5_000 + "]" * 5_000 + "}",
        '{"signed_hash": [' + "[]," * 300_000 + "1]}",
        '{"signed_hash": "' + '\\"' * 1_900_000,
        '{"signed_hash": ' + "[" * 150 + '"' + '\\"' * 1_000_000,
        '{"signed_hash": NaN, "seed": ' + "9" * 4_000 + ', "scale": 1e999}',
    ],
)
def test_heavy_json_is_refused_before_it_is_parsed(text: str) -> None:
    """Deep, wide, unclosed, beyond all numbers: at once, and nothing of it is signed."""
    began = time.monotonic()

    verdict = inspect_image(png(a_picture(), Software="NovelAI", Comment=text)).verdict

    assert Verdict.ALTERED is verdict
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("size", [(1, 16_000_000), (16_000_000, 1), (4_097, 4_097)])
def test_pictures_that_are_all_side_are_not_decoded(size: tuple[int, int]) -> None:
    """Their text is read; the signature is left unchecked."""
    plain = png(a_picture(), Software="NovelAI", Comment=signed(a_picture()))
    data = plain[:16] + struct.pack(">II", *size) + plain[24:]

    found = inspect_image(data)

    assert (Verdict.UNCHECKED, ()) == (found.verdict, found.notes)
    assert "1girl, smile" == found.claims[0].prompt


def test_a_jpeg_of_a_thousand_scans_is_not_decoded() -> None:
    """Each goes over the whole picture: a small file would keep a decoder busy for a minute."""
    picture = Image.new("L", (4_000, 4_000))
    block = b"ASCII\0\0\0" + signed(a_picture()).encode()
    data = _saved(picture, "JPEG", progressive=True, exif=_exif(block))
    at = data.rindex(b"\xff\xda")
    bomb = data[:at] + data[at:-2] * 1_000 + data[-2:]
    began = time.monotonic()

    assert Verdict.UNCHECKED is inspect_image(bomb).verdict
    assert time.monotonic() - began < 1
    assert Verdict.ALTERED is inspect_image(data).verdict


def test_tags_that_point_at_the_same_text_share_a_budget() -> None:
    """Eight times four megabytes of broken UTF-16 would take seconds."""
    tags = (0x010D, 0x010E, 0x010F, 0x0110, 0x0131, 0x013B, 0x9286, 0x9C9C)
    entries = b"".join(struct.pack(">HHII", tag, 7, 4_100_000, 110) for tag in tags)
    block = b"MM\0*\0\0\0\x08" + struct.pack(">H", 8) + entries + bytes(4) + b"UNICODE\0" + b"\xd8\0" * 2_050_000
    began = time.monotonic()

    read_exif(block)

    assert time.monotonic() - began < 1
