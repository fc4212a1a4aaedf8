"""
How long inspecting takes and how much memory, beside what cannot be avoided and beside NovelAI's own scripts.

``python -m tests.bench.bench_inspect``. Every ratio is of the quickest tries of one run, the works taking turns: what
others do on a machine only ever makes a try slower. NovelAI's scripts need numpy, which is not ours: without it their
row is left out.
"""

import asyncio
import base64
import gzip
import hashlib
import io
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey
from PIL import Image

from bot.domain.errors import Mistake
from bot.domain.model import Model
from bot.imaging.inspection import inspect_image
from bot.imaging.signature import NOVELAI, STANDIN
from bot.services.darkroom import Darkroom
from bot.standin.novelai import draw
from tests.imaging.pictures import a_picture, chunk, signed
from tests.shared import SHARED

ROUNDS = 15
IN_A_ROW = 3
SIDE = 4_096
AT_ONCE = 50
WANTED = {"width": 832, "height": 1216, "steps": 28, "scale": 5, "seed": 7, "sampler": "k_euler", "n_samples": 1}
Work = Callable[[], object]


def quickest(works: dict[str, Work]) -> dict[str, float]:
    """Milliseconds of each; they take turns, so that a busy moment strikes all of them."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, work in works.items():
            for _ in range(IN_A_ROW):
                began = time.perf_counter()
                work()
                times[name].append((time.perf_counter() - began) * 1000)
    return {name: min(each) for name, each in times.items()}


# --- time ------------------------------------------------------------------------------------------------------------


def decode(data: bytes) -> Image.Image:
    """What nobody who looks at pixels can do without."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def floor(data: bytes) -> bytes:
    """Decode, and hash the colours once."""
    return hashlib.sha512(decode(data).tobytes("raw", "RGB")).digest()


class Bits:
    """NovelAI's way to take bits out of the alpha channel: a call for each, all of them state of an object."""

    def __init__(self, pixels: Any) -> None:
        self.pixels = pixels
        self.rows, self.columns, self.depth = pixels.shape
        self.count = self.value = self.row = self.column = 0

    def take_bit(self) -> None:
        """One more bit into the byte that is being made."""
        if self.row < self.rows and self.column < self.columns:
            bit = self.pixels[self.row, self.column, self.depth - 1] & 1
            self.count += 1
            self.value <<= 1
            self.value |= bit
            self.row += 1
            if self.row == self.rows:
                self.row = 0
                self.column += 1

    def byte(self) -> bytearray:
        """The next one."""
        while self.count < 8:
            self.take_bit()
        made = bytearray([self.value])
        self.count = self.value = 0
        return made

    def bytes(self, n: int) -> bytes:
        """The next *n*."""
        taken = bytearray()
        for _ in range(n):
            taken.extend(self.byte())
        return bytes(taken)


def novelais_way(numpy: Any, data: bytes, key: bytes) -> bool:
    """Both carriers read and verified as novelai-image-metadata @08e636a does, its logging left out."""
    image = Image.open(io.BytesIO(data))
    pixels = numpy.array(image)
    bits = Bits(pixels)
    if bits.bytes(15) != b"stealth_pngcomp":
        return False
    outer = json.loads(gzip.decompress(bits.bytes(int.from_bytes(bits.bytes(4), "big") // 8)))
    return all([_verified(pixels, json.loads(text), key) for text in (outer["Comment"], image.info["Comment"])])


def _verified(pixels: Any, comment: dict[str, Any], key: bytes) -> bool:
    signature = base64.b64decode(comment.pop("signed_hash"))
    message = pixels[:, :, :3].tobytes() + json.dumps(comment).encode()
    hashlib.sha256(message).hexdigest()
    try:
        VerifyKey(key).verify(message, signature)
    except BadSignatureError:
        return False
    return True


def subject() -> tuple[bytes, dict[str, bytes], str]:
    """A signed 832×1216 PNG with text and alpha, who may have signed it, and where it is from."""
    sample = SHARED / "samples/nai45full-enslo.png"
    if sample.exists():
        return sample.read_bytes(), dict(NOVELAI), "NovelAI's"
    [drawn] = draw(Model.V3.value, "1girl, cherry blossoms", WANTED)
    return drawn, dict(STANDIN), "the stand-in's"


def saved(image: Image.Image, format_: str = "PNG", **how: Any) -> bytes:
    """Its bytes."""
    file = io.BytesIO()
    image.save(file, format_, **how)
    return file.getvalue()


def times() -> None:
    """Print milliseconds and ratios."""
    data, trusted, whose = subject()
    [key] = trusted.values()
    rgb = saved(decode(data).convert("RGB"))
    opaque = decode(data).convert("RGB")
    opaque.putalpha(255)
    rgba = saved(opaque)
    works: dict[str, Work] = {
        "floor": lambda: floor(data),
        "signed": lambda: inspect_image(data, trusted=trusted),
        "rgb floor": lambda: decode(rgb),
        "rgb": lambda: inspect_image(rgb),
        "rgba floor": lambda: decode(rgba),
        "rgba": lambda: inspect_image(rgba),
    }
    try:
        import numpy
    except ImportError:
        print("numpy is not installed: NovelAI's scripts are left out")
    else:
        works["novelai"] = lambda: novelais_way(numpy, data, key)
        assert novelais_way(numpy, data, key), "both must agree"
    assert inspect_image(data, trusted=trusted).verdict.value == "signed"
    ms = quickest(works)
    print(f"832×1216 PNG, text and alpha, {whose}")
    _row("decode + one SHA-512", ms["floor"], 1)
    _row("inspect: read and verify", ms["signed"], ms["signed"] / ms["floor"])
    if "novelai" in ms:
        _row("NovelAI's scripts", ms["novelai"], ms["novelai"] / ms["signed"], "× inspect")
    _row("RGB without metadata", ms["rgb"], ms["rgb"] / ms["rgb floor"], "of its decode")
    _row("RGBA without the magic", ms["rgba"], ms["rgba"] / ms["rgba floor"], "of its decode")


def _row(name: str, ms: float, ratio: float, of: str = "") -> None:
    print(f"  {name:28} {ms:8.3f} ms   {ratio:7.4f} {of}")


# --- memory ----------------------------------------------------------------------------------------------------------

_PEAK = (
    "import sys; from bot.imaging.inspection import inspect_image; import PIL.WebPImagePlugin, PIL.JpegImagePlugin; "
    "peak = lambda name: next(int(l.split()[1]) for l in open('/proc/self/status') if l.startswith(name)); "
    "data = open(sys.argv[1], 'rb').read(); before = peak('VmRSS'); open('/proc/self/clear_refs', 'w').write('5'); "
    "inspect_image(data); print(peak('VmHWM') - before, peak('VmHWM'))"
)


def large(kind: str) -> bytes:
    """A 16-megapixel image of that kind, with a signature that has to be checked."""
    side = Image.linear_gradient("L").resize((SIDE, SIDE))
    picture = Image.merge("RGB", (side, side.transpose(Image.Transpose.ROTATE_90), side))
    comment = signed(a_picture()).encode()
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0" + comment
    match kind:
        case "PNG RGB" | "PNG RGBA":
            plain = saved(picture.convert(kind.split()[1]), compress_level=1)
            return plain[:33] + chunk(b"tEXt", b"Comment\0" + comment) + plain[33:]
        case "JPEG progressive":
            return saved(picture, "JPEG", progressive=True, exif=exif)
        case "WebP lossy":
            return saved(picture, "WEBP", quality=40, method=0, exif=exif)
        case _:
            return saved(picture.convert("RGBA"), "WEBP", lossless=True, quality=0, method=0, exif=exif)


KINDS = {"PNG RGB": 3, "PNG RGBA": 4, "JPEG progressive": 3, "WebP lossy": 3, "WebP lossless": 4}


def memory(folder: Path) -> None:
    """Print how far a process of its own grows over each, in decoded pixels."""
    print(f"{SIDE}×{SIDE}, signed, peak above the file")
    for kind, depth in KINDS.items():
        path = folder / kind
        path.write_bytes(large(kind))
        done = subprocess.run([sys.executable, "-c", _PEAK, str(path)], capture_output=True, check=True, text=True)
        above, whole = map(int, done.stdout.split())
        pixels = SIDE * SIDE * depth / 1024
        print(f"  {kind:28} {above / 1024:8.1f} MiB  {above / pixels:7.2f} × decoded   process {whole / 1024:.0f} MiB")


async def crowd(folder: Path) -> None:
    """Print peak and longest stall with fifty asked at once of the one darkroom."""
    darkroom = Darkroom(NOVELAI)
    watch = asyncio.create_task(stalls())
    began = time.perf_counter()
    asked = [
        darkroom.inspect(lambda path=folder / kind: _pieces(path)) for kind in list(KINDS) * (AT_ONCE // len(KINDS))
    ]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    took = time.perf_counter() - began
    watch.cancel()
    darkroom.close()
    wrong = [answer for answer in answers if isinstance(answer, BaseException) and not isinstance(answer, Mistake)]
    status = Path("/proc/self/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    print(f"{len(asked)} asked at once: {took:.1f} s, process at most {peak / 1024:.0f} MiB, {len(wrong)} failed, ")
    print(f"  longest stall of the loop {max(STALLS):.1f} ms")


STALLS: list[float] = []


async def stalls() -> None:
    """Note how late the loop is, over and over."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(0.001)
        STALLS.append((time.perf_counter() - began) * 1000 - 1)


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(64 * 1024):
            yield piece
            await asyncio.sleep(0)


def main() -> None:
    """All of it; the crowd in a process of its own."""
    if len(sys.argv) > 1:
        asyncio.run(crowd(Path(sys.argv[1])))
        return
    import tempfile

    times()
    with tempfile.TemporaryDirectory() as folder:
        memory(Path(folder))
        subprocess.run([sys.executable, "-m", "tests.bench.bench_inspect", folder], check=True)


if __name__ == "__main__":
    main()
