"""
What the classifier costs, and how often it is wrong about pictures that are safe.

``python -m tests.bench.bench_classifier [nsfwjs-4.4.0.tgz]``. There is nothing here that it should find: **how much of
what is explicit it recognises is not measured**, and this can only say how often it cries wolf.
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bot.adapters.classifier import open_classifier
from bot.adapters.classifier.nsfwjs import Nsfwjs
from bot.adapters.classifier.weights import PACKAGE, import_weights
from bot.domain.errors import ClassifierError
from bot.domain.model import Model
from bot.domain.rating import LIMITS, Rating, showing, weighed
from bot.services.darkroom import Darkroom
from bot.standin.novelai import draw
from tests import nsfwjs
from tests.bench.bench_inspect import KINDS, SIDE, STALLS, WANTED, large, stalls
from tests.shared import SHARED

ROUNDS = 20
SCENES = (
    "1girl, cherry blossoms, smile", "1boy, river, evening", "2girls, snow, winter", "no humans, lake, night, moon",
    "1girl, rain, city", "woman, beach, sea, sunset", "man, autumn leaves", "no humans, flowers, spring",
)  # fmt: skip
SEEDS = (1, 2, 3)

_PEAK = (
    "import asyncio, sys; from pathlib import Path; import bot.app; from bot.services.darkroom import Darkroom;"
    "from bot.adapters.classifier import open_classifier; darkroom = Darkroom({});"
    "peak = lambda name: next(int(l.split()[1]) for l in open('/proc/self/status') if l.startswith(name));"
    "begin = peak('VmRSS'); classifier = open_classifier(Path(sys.argv[1]), darkroom.develop); opened = peak('VmRSS');"
    "asyncio.run(classifier.rate(Path(sys.argv[2]).read_bytes()));"
    "print(begin, opened, peak('VmHWM')); classifier.close(); darkroom.close()"
)


def painted() -> Iterator[tuple[str, bytes]]:
    """What the pretend NovelAI paints: landscapes, and people in coats seen from behind."""
    for scene in SCENES:
        for seed in SEEDS:
            [picture] = draw(Model.V3.value, scene, {**WANTED, "seed": seed})
            yield f"{scene} ({seed})", picture


def samples() -> Iterator[tuple[str, bytes]]:
    """Real pictures of NovelAI and others, all of them safe."""
    folder = SHARED / "samples"
    for path in sorted([*folder.glob("*.*"), *folder.glob("other/*.*")]):
        if path.suffix in (".png", ".jpg", ".jpeg", ".webp"):
            yield path.name, path.read_bytes()


async def speed(classifier: Nsfwjs, picture: bytes) -> None:
    """Print milliseconds of one picture, and how long the loop stood still meanwhile."""
    await classifier.rate(picture)
    watch = asyncio.create_task(stalls())
    took, computed = [], time.process_time()
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await classifier.rate(picture)
        took.append((time.perf_counter() - began) * 1000)
    computed = (time.process_time() - computed) * 1000 / ROUNDS
    watch.cancel()
    took.sort()
    print(f"832×1216 PNG, decoded and rated: {statistics.median(took):.0f} ms (median), {took[-1]:.0f} at most")
    print(f"  computing {computed:.0f} ms of it: what it takes on an idle core")
    print(f"  longest stall of the loop {max(STALLS):.1f} ms")


async def alarms(classifier: Nsfwjs, title: str, pictures: Iterator[tuple[str, bytes]]) -> None:
    """Print how many safe pictures would be hidden or held, at the usual limits and at the strict ones."""
    rated: list[tuple[str, Rating]] = []
    for name, picture in pictures:
        try:
            rated.append((name, await classifier.rate(picture)))
        except ClassifierError as error:
            print(f"  {name}: {error}")
    if not rated:
        print(f"{title}: none here")
        return
    for minor_coded in (False, True):
        name, worst = max(rated, key=lambda each: weighed(each[1], minor_coded=minor_coded))
        shown = [showing(rating, safe=True, minor_coded=minor_coded).value for _, rating in rated]
        figures = ", ".join(f"{shown.count(each)} {each}" for each in ("show", "spoiler", "hold"))
        limits = "strict limits" if minor_coded else f"usual limits {LIMITS.shown:.2f} and {LIMITS.held:.2f}"
        highest = f"highest {weighed(worst, minor_coded=minor_coded):.3f} ({name})"
        print(f"{title}: {len(rated)} rated; {limits}: {figures}; {highest}")


def memory(data: Path, folder: Path, picture: bytes) -> None:
    """Print how large a process with the whole bot gets over one picture: a usual one, and the largest of each kind."""
    for kind, content in [("832×1216 PNG", picture), *((f"{SIDE}×{SIDE} {kind}", large(kind)) for kind in KINDS)]:
        path = folder / "picture"
        path.write_bytes(content)
        done = subprocess.run(
            [sys.executable, "-c", _PEAK, str(data), str(path)], capture_output=True, check=True, text=True
        )
        begin, opened, peak = (int(part) / 1024 for part in done.stdout.split())
        print(f"  {kind:28} bot {begin:4.0f} MiB, with the classifier {opened:4.0f}, at most {peak:4.0f}")


async def measure(data: Path, folder: Path) -> None:
    """All of it."""
    darkroom = Darkroom({})
    began = time.perf_counter()
    classifier = open_classifier(data, darkroom.develop)
    assert classifier is not None
    print(f"opened in {(time.perf_counter() - began) * 1000:.0f} ms")
    [picture] = draw(Model.V3.value, SCENES[0], WANTED)
    await speed(classifier, picture)
    await alarms(classifier, "painted by the stand-in", painted())
    await alarms(classifier, "samples", samples())
    classifier.close()
    darkroom.close()
    memory(data, folder, picture)


def main() -> None:
    """Print figures; recall is not among them."""
    package = Path(sys.argv[1]) if len(sys.argv) > 1 else nsfwjs.package()
    if package is None:
        sys.exit(f"needs {PACKAGE}: npm pack nsfwjs@4.4.0, then name it here")
    with tempfile.TemporaryDirectory() as folder:
        import_weights(package, Path(folder))
        asyncio.run(measure(Path(folder), Path(folder)))
    print("recall: not measured, there was nothing to find")


if __name__ == "__main__":
    main()
