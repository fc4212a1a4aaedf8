"""
Throws hostile files at the inspector: ``python -m tests.fuzz_inspect --minutes 30 --out DIR``.

Hypothesis draws first; then, where atheris is installed (``pip install atheris``; it guides libFuzzer by the coverage
of our Python code), it mutates for the rest of the time, from the samples of ../shared where they are there. One input
is a recipe: its first byte says what is built from the rest (a whole file, a PNG of chunks with good checksums, hidden
bits, an EXIF block, a WebP of chunks, a Comment). Whatever breaks a law of `judge` is written to DIR with its
traceback, once for each place, and the search goes on; a crash, a hang of ten seconds or 400 MiB end it.
"""

import argparse
import hashlib
import io
import json
import struct
import sys
import time
import traceback
import warnings
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.domain.claims import Inspection, Signature
from bot.domain.errors import Mistake
from bot.imaging.inspection import inspect_image
from bot.imaging.report import readable
from cogs.ui.inspection import METADATA_BYTES, metadata_bytes, remembered, texts_of
from tests.imaging.pictures import COMMENT, TRUSTED, a_picture, chunk, hidden, packed, png, signed
from tests.shared import SHARED

SECONDS_MAX = 2.0
SIDE = 128
GENUINE = {"prompt": COMMENT["prompt"], "uc": COMMENT["uc"], "seed": COMMENT["seed"]}


# --- recipes ---------------------------------------------------------------------------------------------------------


def build(recipe: bytes) -> bytes:
    """The file that *recipe* describes."""
    return RECIPES[recipe[0] % len(RECIPES)](recipe[1:]) if recipe else b""


def _whole(body: bytes) -> bytes:
    return body


_KINDS = (b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"caBX", b"acTL", b"IDAT", b"tRNS", b"PLTE", b"IHDR", b"fcTL", b"IEND")
_NAMES = (
    b"Comment", b"parameters", b"prompt", b"workflow", b"Description", b"Source", b"Software", b"Dream",
    b"sd-metadata", b"invokeai_metadata", b"XML:com.adobe.xmp", b"Raw profile type exif", b"generation_data", b"Title",
)  # fmt: skip


def _chunked(body: bytes) -> bytes:
    """PNG chunks: a kind, a keyword, a length and that many bytes each; packed where the kind says so."""
    made, at = [], 0
    while at + 4 <= len(body) and len(made) < 40:
        kind, name = _KINDS[body[at] % len(_KINDS)], _NAMES[body[at + 1] % len(_NAMES)]
        length = int.from_bytes(body[at + 2 : at + 4], "big")
        text = body[at + 4 : at + 4 + length]
        if kind == b"zTXt":
            text = name + b"\0\0" + zlib.compress(text, 1)
        elif kind == b"tEXt":
            text = name + b"\0" + text
        elif kind == b"iTXt":
            text = name + b"\0\0\0\0\0" + text
        made.append(chunk(kind, text))
        at += 4 + length
    plain = png(a_picture(), Software="NovelAI", Comment=signed(a_picture()))
    return plain[:33] + b"".join(made) + plain[33:]


def _in_pixels(body: bytes) -> bytes:
    """A picture whose alpha (or colours) hold these very bytes behind a good magic."""
    if not body:
        return b""
    magic = (b"stealth_pngcomp", b"stealth_pnginfo", b"stealth_rgbcomp", b"stealth_rgbinfo")[body[0] & 3]
    payload = zlib.compress(body[1:], 1, 31) if body[0] & 4 else body[1:]
    length = len(payload) * 8 if body[0] & 8 else int.from_bytes(body[1:5], "big")
    return _stored(_plane(magic + struct.pack(">I", length) + payload, 3 if b"rgb" in magic else 1), body[0] >> 4)


def _plane(stream: bytes, channels: int) -> Image.Image:
    digits = "".join(f"{byte:08b}" for byte in stream[: SIDE * SIDE * channels // 8])
    values = bytes(254 | (digit == "1") for digit in digits).ljust(SIDE * SIDE * channels, b"\xff")
    if channels == 1:
        alpha = Image.frombytes("L", (SIDE, SIDE), values).transpose(Image.Transpose.TRANSPOSE)
        picture = Image.new("RGB", (SIDE, SIDE), (9, 80, 200))
        picture.putalpha(alpha)
        return picture
    return Image.frombytes("RGB", (SIDE, SIDE), values).transpose(Image.Transpose.TRANSPOSE)


def _stored(picture: Image.Image, how: int) -> bytes:
    file = io.BytesIO()
    if how & 1:
        picture.save(file, "WEBP", lossless=True, exact=True, quality=0, method=0)
    else:
        picture.save(file, "PNG", compress_level=1)
    return file.getvalue()


def _exif_in_jpeg(body: bytes) -> bytes:
    block = b"Exif\0\0" + body[:65_000]
    size = b"\xff\xc0\0\x0b\x08\0\x10\0\x10\x01\x01\x11\0"
    return b"\xff\xd8\xff\xe1" + struct.pack(">H", len(block) + 2) + block + size + b"\xff\xda\0\x02"


def _tiff(comment: bytes) -> bytes:
    return b"MM\0*\0\0\0\x08" + struct.pack(">HHHIII", 1, 0x9286, 7, len(comment), 26, 0) + comment


def _user_comment(body: bytes) -> bytes:
    """A good EXIF block around any user comment."""
    return _exif_in_jpeg(_tiff(body))


def _jpeg(body: bytes) -> bytes:
    """Anything behind an EXIF block that speaks of a signature, so that the pixels are looked at."""
    block = b"Exif\0\0" + _tiff(signed(a_picture()).encode())
    return b"\xff\xd8\xff\xe1" + struct.pack(">H", len(block) + 2) + block + body


def _comment(body: bytes) -> bytes:
    """The text of a Comment beside genuine pixels."""
    return png(a_picture(), Software="NovelAI", Comment=body.decode("utf-8", "replace").replace("\0", ""))


def _webp(body: bytes) -> bytes:
    kinds = (b"VP8X", b"VP8L", b"VP8 ", b"ALPH", b"ANIM", b"ANMF", b"EXIF", b"XMP ", b"C2PA")
    made, at = [], 0
    while at + 3 <= len(body) and len(made) < 20:
        length = int.from_bytes(body[at + 1 : at + 3], "big")
        part = body[at + 3 : at + 3 + length]
        made.append(kinds[body[at] % len(kinds)] + struct.pack("<I", len(part)) + part + bytes(len(part) & 1))
        at += 3 + length
    block = _tiff(signed(a_picture()).encode())
    made.append(b"EXIF" + struct.pack("<I", len(block)) + block + bytes(len(block) & 1))
    inner = b"WEBP" + b"".join(made)
    return b"RIFF" + struct.pack("<I", len(inner)) + inner


def _edited(body: bytes) -> bytes:
    """A signed Comment with bytes cut out and put in: where, how many go, what comes."""
    text = signed(a_picture()).encode()
    while len(body) >= 4:
        at, gone, count = int.from_bytes(body[:2], "big") % (len(text) + 1), body[2] % 8, body[3] % 64
        text = text[:at] + body[4 : 4 + count] + text[at + gone :]
        body = body[4 + count :]
    return _comment(text)


def _parameters(body: bytes) -> bytes:
    return png(a_picture(), parameters=body.decode("utf-8", "replace").replace("\0", ""))


def _graph(body: bytes) -> bytes:
    return png(a_picture(), prompt=body.decode("utf-8", "replace").replace("\0", ""))


RECIPES: tuple[Callable[[bytes], bytes], ...] = (
    _whole, _chunked, _in_pixels, _exif_in_jpeg, _user_comment, _comment, _webp, _edited, _parameters, _graph, _jpeg,
)  # fmt: skip


# --- laws ------------------------------------------------------------------------------------------------------------


def judge(data: bytes) -> None:
    """An answer or a mistake, soon; signed only what was signed; nothing shown that breaks out or does not fit."""
    # Of this process alone: on a busy machine a nice one waits for seconds.
    began = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = inspect_image(data, trusted=TRUSTED)
        except Mistake:
            return
        finally:
            assert time.process_time() - began < SECONDS_MAX, "too slow"
    _judge_signed(found)
    _judge_shown(found)


def _judge_signed(found: Inspection) -> None:
    for claim in found.claims:
        if claim.signature is Signature.VALID:
            assert GENUINE["prompt"] == claim.prompt
            assert GENUINE["uc"] == claim.undesired_content
            assert {name: value for name, value in COMMENT.items() if name not in ("prompt", "uc")} == claim.settings


def _judge_shown(found: Inspection) -> None:
    body = metadata_bytes(found, "a.png")
    assert len(body) <= METADATA_BYTES
    memory = json.loads(body)
    json.dumps(memory, allow_nan=False)
    remembered(memory)
    texts = texts_of(found, "a.png")
    assert sum(map(len, texts)) <= 4_000
    for text in texts:
        text.encode()
        outside = "".join(text.split("```")[::2])
        assert text.count("```") % 2 == 0
        assert "<@" not in outside.replace("\\<\\@", "")
        assert "@everyone" not in outside.replace("\\@", "")
    for line in readable("a", found).split("\n")[1:]:
        assert line.startswith("  ")
        assert line.isprintable() or not any(ord(character) < 32 for character in line)


# --- engines ---------------------------------------------------------------------------------------------------------


class Findings:
    """What broke a law, one file for each place in the code where it did."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: set[str] = set()
        self.tried = 0
        folder.mkdir(parents=True, exist_ok=True)

    def try_recipe(self, recipe: bytes) -> None:
        """Judge one; never raises."""
        self.tried += 1
        try:
            judge(build(recipe))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            self._note(recipe, error)

    def _note(self, recipe: bytes, error: Exception) -> None:
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{type(error).__name__} {Path(where.filename).name}:{where.lineno}"
        if place in self._seen:
            return
        self._seen.add(place)
        name = hashlib.sha256(recipe).hexdigest()[:12]
        (self._folder / name).write_bytes(recipe)
        (self._folder / f"{name}.txt").write_text("".join(traceback.format_exception(error)))
        print(f"FOUND {place}", file=sys.stderr, flush=True)

    def __len__(self) -> int:
        return len(self._seen)


_KEYS = st.sampled_from([
    "1", "2", "3", "inputs", "class_type", "positive", "negative", "model", "text", "seed", "noise_seed", "steps",
    "cfg", "sampler_name", "ckpt_name", "conditioning", "guider", "prompt", "workflow", "nodes", "extraMetadata",
    "sui_image_params", "negativeprompt", "base_model", "software", "image", "metadata", "positive_prompt",
    "Comment", "Source", "Software", "Title", "signed_hash", "request_type", "v4_prompt", "v4_negative_prompt",
    "caption", "base_caption", "char_captions", "char_caption", "centers", "x", "y", "use_coords", "uc", "sampler",
    "actual_prompts", "model_name", "reference_strength_multiple", "baseModel", "modelFileName", "Model",
    "resolution", "use_stable_diffusion_model",
])  # fmt: skip
_LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-(10**400), 10**400), st.floats(), st.text(max_size=20), _KEYS,
    st.sampled_from(["KSampler", "CLIPTextEncode", "SaveImage", "\ud83d", "{}", '{"prompt": "a"}', "A" * 86 + "=="]),
    st.tuples(_KEYS, st.integers(0, 2)).map(list),
)  # fmt: skip


def grammar() -> st.SearchStrategy[bytes]:
    """JSON of the words that generators use, put together wrongly; some of it as text in text."""

    def written(value: object) -> str:
        return json.dumps(value)

    def around(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
        return st.one_of(st.dictionaries(_KEYS, inner, max_size=6), st.lists(inner, max_size=4), inner.map(written))

    objects = st.dictionaries(_KEYS, st.recursive(_LEAVES, around, max_leaves=20), min_size=1, max_size=8)
    return objects.map(lambda value: written(value).encode())


def recipes() -> st.SearchStrategy[bytes]:
    """Recipes of every kind, most of them short."""
    texts = st.text(max_size=300).map(lambda text: text.encode(errors="replace"))
    words = st.sampled_from(
        [b"Steps: ", b"\nNegative prompt:", b'"', b"{", b"[", b", ", b'"signed_hash": ', b"`", b"@"]
    )
    body = st.one_of(st.binary(max_size=400), texts, st.lists(st.one_of(words, texts), max_size=12).map(b"".join))
    anything = st.tuples(st.integers(0, len(RECIPES) - 1).map(lambda n: bytes([n])), body)
    # A Comment, parameters, a graph, a user comment, hidden in alpha, hidden in colours.
    worded = st.tuples(st.sampled_from([b"\5", b"\x08", b"\x09", b"\4", b"\2\x09", b"\2\x0b"]), grammar())
    return st.one_of(anything, worded).map(b"".join)


def draw(findings: Findings, seconds: float) -> None:
    """Hypothesis, until the time is over."""
    until = time.monotonic() + seconds

    @settings(
        max_examples=500, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=[*HealthCheck]
    )
    @given(recipes())
    def round_(recipe: bytes) -> None:
        findings.try_recipe(recipe)

    while time.monotonic() < until:
        round_()


def seeds() -> Iterator[bytes]:
    """Recipes to begin with: one of each kind that works, and the samples as they are."""
    comment = signed(a_picture())
    yield bytes([5]) + comment.encode()
    yield bytes([0]) + png(a_picture(), Software="NovelAI", Source="Stable Diffusion XL C1E1DE52", Comment=comment)
    yield bytes([0]) + png(hidden(a_picture(64, 64), packed(signed(a_picture(64, 64)))))
    yield bytes([2, 0b1100]) + packed(comment)
    yield bytes([2, 0b1110]) + b"cat\nSteps: 20, Sampler: Euler, Seed: 1"
    yield (
        bytes([8]) + b'cat\nNegative prompt: dog\nSteps: 20, Sampler: Euler, Hashes: {"a": 1}, Seed: 1, Version: v1.10'
    )
    text = {"class_type": "CLIPTextEncode", "inputs": {"text": "cat"}}
    graph = {"1": {"class_type": "KSampler", "inputs": {"seed": 1, "positive": ["2", 0]}}, "2": text}
    yield bytes([9]) + json.dumps(graph).encode()
    yield bytes([4]) + b"UNICODE\0" + "cat\nSteps: 20, Sampler: Euler, Seed: 1".encode("utf-16-be")
    yield bytes([7, 0, 5, 3, 4]) + b"abcd"
    yield bytes([1, 0, 0, 0, 9]) + b'{"uc": 1}' + bytes([2, 10, 0, 4]) + b"<x/>"
    for format_, recipe in (("JPEG", 10), ("WEBP", 6)):
        for how in (
            ({"quality": 30}, {"progressive": True}) if format_ == "JPEG" else ({"lossless": True}, {"quality": 9})
        ):
            file = io.BytesIO()
            a_picture().save(file, format_, **how)  # type: ignore[arg-type]
            data = file.getvalue()
            if recipe == 10:
                yield bytes([10]) + data[2:]
            else:
                kind = (b"VP8X", b"VP8L", b"VP8 ").index(data[12:16])
                yield bytes([6, kind]) + struct.pack(">H", len(data) - 20) + data[20:]
    if SHARED.exists():
        for path in sorted((SHARED / "samples").glob("**/*")):
            if path.is_file() and path.stat().st_size < 120_000 and path.suffix != ".json":
                yield bytes([0]) + path.read_bytes()


def mutate(findings: Findings, seconds: float, folder: Path) -> bool:
    """Atheris, until the time is over; gives whether it is installed. Ends the process."""
    try:
        import atheris
    except ImportError:
        return False
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in seeds():
        (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    for function in _our_functions():
        atheris.instrument_func(function)
    arguments = [
        sys.argv[0], str(corpus), f"-max_total_time={int(seconds)}", "-timeout=10", "-rss_limit_mb=400",
        "-max_len=131072", "-print_final_stats=1", f"-artifact_prefix={folder}/",
    ]  # fmt: skip
    atheris.Setup(arguments, findings.try_recipe)
    atheris.Fuzz()
    return True


def _our_functions() -> Iterator[FunctionType]:
    """Those of the inspector, methods too: the rest of the world's branches lead nowhere."""
    for name, module in list(sys.modules.items()):
        if name.startswith("bot.imaging"):
            found = [value for value in vars(module).values() if getattr(value, "__module__", "") == name]
            inner = [value for each in found if isinstance(each, type) for value in vars(each).values()]
            yield from (value for value in [*found, *inner] if isinstance(value, FunctionType))


def main() -> int:
    """Search, say what was tried, and fail where something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--out", type=Path, default=Path("fuzz-findings"))
    arguments = parser.parse_args()
    findings = Findings(arguments.out)
    seconds = arguments.minutes * 60
    draw(findings, seconds / 10)
    print(f"Hypothesis: {findings.tried} files, {len(findings)} findings", flush=True)
    if not mutate(findings, seconds * 0.9, arguments.out):
        print("atheris is not installed; Hypothesis goes on", flush=True)
        draw(findings, seconds * 0.9)
    print(f"{findings.tried} files, {len(findings)} findings", flush=True)
    return 1 if len(findings) else 0


if __name__ == "__main__":
    sys.exit(main())
