"""The classifier: weights that are known byte for byte, ratings that are nsfwjs's own, and nothing that takes long."""

import asyncio
import gzip
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from bot.adapters.classifier import is_installed, open_classifier
from bot.adapters.classifier.nsfwjs import Nsfwjs
from bot.adapters.classifier.weights import (
    FILE_SHA256,
    MEMBERS,
    UNPACKED_MAX,
    Tensor,
    Weights,
    import_weights,
    path_in,
)
from bot.domain.errors import ClassifierError
from bot.domain.rating import Rating
from bot.services.darkroom import Darkroom
from tests import nsfwjs
from tests.imaging.pictures import a_picture, an_image, png
from tests.shared import shared

T = TypeVar("T")
WIDTH = 4
PACKED = {f"package/{name}": b"x" * 100 for name in ("package.json", "LICENSE")}


def tiny_weights() -> Weights:
    """A network of the real one's form with four channels everywhere, and weights that mean nothing."""
    shapes: dict[str, tuple[int, ...]] = {"Conv/Conv2D": (3, 3, 3, WIDTH), "Conv_1/Conv2D": (1, 1, WIDTH, WIDTH)}
    for n in range(17):
        block = f"expanded_conv_{n}" if n else "expanded_conv"
        shapes |= {
            f"{block}/{part}/Conv2D": (1, 1, WIDTH, WIDTH) for part in ("expand", "project") if n or part[0] == "p"
        }
        shapes[f"{block}/depthwise/depthwise"] = (3, 3, WIDTH, 1)
    tensors = [("MobilenetV2/" + name + "_weights", shape) for name, shape in shapes.items()]
    tensors += [("MobilenetV2/" + name + "_bn_offset", (WIDTH,)) for name in shapes]
    classes = "Func/StatefulPartitionedCall/input/_26"
    tensors += [(classes + "2", (WIDTH, 5)), (classes + "3", (5,))]
    made = tuple(Tensor(name=name, shape=shape, minimum=-1.0, scale=2 / 255) for name, shape in tensors)
    size = sum(tensor.size for tensor in made)
    return Weights(tensors=made, data=bytes(n * 89 % 256 for n in range(size)))


async def here(work: Callable[[bytes], T], data: bytes) -> T:
    """Images are opened in a thread, as in the darkroom."""
    return await asyncio.to_thread(work, data)


# --- the package -----------------------------------------------------------------------------------------------------


def a_package(path: Path, members: dict[str, bytes], *, kind: bytes = tarfile.REGTYPE, size: int | None = None) -> Path:
    """A package with those members."""
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.size, entry.linkname = kind, len(data) if size is None else size, "/etc/passwd"
            archive.addfile(entry, io.BytesIO(data) if kind == tarfile.REGTYPE else None)
    return path


def _of_the_right_size() -> dict[str, bytes]:
    return {name: b"\0" * size for name, (size, _) in MEMBERS.items()}


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"no package at all" * 100),
        lambda path: path.write_bytes(gzip.compress(b"no archive" * 1_000)),
        lambda path: a_package(path, PACKED),
        lambda path: a_package(path, PACKED | _of_the_right_size()),
        lambda path: a_package(path, dict.fromkeys(MEMBERS, b"short")),
        lambda path: a_package(path, dict.fromkeys(MEMBERS, b""), kind=tarfile.SYMTYPE),
        lambda path: a_package(path, dict.fromkeys(MEMBERS, b""), kind=tarfile.LNKTYPE),
        lambda path: a_package(path, {"../../escaped": b"x", "/tmp/escaped": b"x"}),
        lambda path: a_package(path, {f"package/{n}": b"" for n in range(2_000)}),
        lambda path: path.write_bytes(a_package(path, _of_the_right_size()).read_bytes()[:-2_000]),
        lambda path: path.write_bytes(gzip.compress(b"\0" * 512 + b"x" * (UNPACKED_MAX + 1), 1)),
    ],
)
def test_anything_but_the_package_is_refused_and_nothing_is_written(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    """Empty, cut, too large, links, names that lead elsewhere, members of the right size and other content."""
    package = tmp_path / "nsfwjs-4.4.0.tgz"
    make(package)

    with pytest.raises(ClassifierError, match=r"classifier\.foreign"):
        import_weights(package, tmp_path / "data")
    assert [package] == list(tmp_path.iterdir())


def test_a_member_may_not_be_larger_than_it_is(tmp_path: Path) -> None:
    """A header that promises gigabytes is not believed, nor is a long name of that length read."""
    package = tmp_path / "a.tgz"
    for kind in (tarfile.REGTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE):
        entry = tarfile.TarInfo(next(iter(MEMBERS)))
        entry.type, entry.size = kind, 2**33
        package.write_bytes(gzip.compress(entry.tobuf(tarfile.GNU_FORMAT) + b"x" * 4_096))
        with pytest.raises(ClassifierError, match=r"classifier\.foreign"):
            import_weights(package, tmp_path / "data")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """And a folder is no file."""
    with pytest.raises(ClassifierError, match=r"classifier\.missing"):
        import_weights(tmp_path / "none.tgz", tmp_path)
    with pytest.raises(ClassifierError, match=r"classifier\.closed"):
        import_weights(tmp_path, tmp_path)


def test_without_weights_there_is_no_classifier(tmp_path: Path) -> None:
    """Neither in an empty folder nor in one that does not exist."""
    assert open_classifier(tmp_path, here) is None
    assert not is_installed(tmp_path / "none")


@pytest.mark.parametrize("kept", [b"", b"weights", bytes(4_311_820)])
async def test_weights_that_are_not_the_known_ones_stop_the_bot(tmp_path: Path, kept: bytes) -> None:
    """Who imported weights relies on the check: nothing goes on without it."""
    path_in(tmp_path).parent.mkdir()
    path_in(tmp_path).write_bytes(kept)

    with pytest.raises(ClassifierError, match=r"classifier\.damaged"):
        open_classifier(tmp_path, here)


# --- ratings ---------------------------------------------------------------------------------------------------------

SYNTHETIC = {
    (40, 48): (0.0002509, 0.0000471, 0.9997008, 0.0000005, 0.0000006),
    (224, 224): (0.0009715, 0.0000748, 0.9989393, 0.0000105, 0.0000038),
    (832, 1216): (0.3786760, 0.0090096, 0.6088632, 0.0018201, 0.0016311),
    (1, 1): (0.0204022, 0.0210175, 0.9552059, 0.0018451, 0.0015292),
    (300, 5): (0.0115608, 0.0026951, 0.9804118, 0.0050032, 0.0003292),
}
SAMPLES = {
    "nai45cur-aaalice.png": (0.9826508, 0.0172473, 0.0000893, 0.0000096, 0.0000029),
    "nai45cur-recompressed-0010.webp": (0.9087517, 0.0696529, 0.0201322, 0.0013545, 0.0001086),
    "nai1-cybergene-img2img.png": (0.9913424, 0.0021753, 0.0062243, 0.0001984, 0.0000595),
    "nai-director-sketch-llmkira.png": (0.9644220, 0.0269964, 0.0084182, 0.0001336, 0.0000299),
    "other/civitai-upscale.jpg": (0.9737999, 0.0011523, 0.0250091, 0.0000299, 0.0000089),
    "other/sd-webui.webp": (0.7449997, 0.0026111, 0.2523795, 0.0000049, 0.0000048),
}
"""
What nsfwjs 4.4.0 itself says of the pixels (Node 20, TensorFlow.js 4.22 on its plain backend, 2026-11-27): drawing,
hentai, neutral, porn, sexy.
"""


def _figures(rating: Rating) -> tuple[float, ...]:
    return rating.drawing, rating.hentai, rating.neutral, rating.porn, rating.sexy


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the real weights."""
    folder = tmp_path_factory.mktemp("data")
    import_weights(nsfwjs.package() or Path(), folder)
    return folder


@nsfwjs.needed
def test_what_is_kept_is_known_byte_for_byte(data: Path) -> None:
    """The same package gives the same file, closed to others; importing again does no harm."""
    path = import_weights(nsfwjs.package() or Path(), data)

    assert FILE_SHA256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (0o600, [path]) == (path.stat().st_mode & 0o777, list(path.parent.iterdir()))
    assert is_installed(data)


@nsfwjs.needed
@pytest.mark.parametrize("size", SYNTHETIC, ids=str)
async def test_it_rates_as_nsfwjs_does(data: Path, size: tuple[int, int]) -> None:
    """Pictures of any form, to the sixth digit."""
    classifier = open_classifier(data, here)
    assert classifier is not None

    rating = await classifier.rate(png(a_picture(*size)))

    assert SYNTHETIC[size] == pytest.approx(_figures(rating), abs=2e-6)
    classifier.close()


@nsfwjs.needed
@pytest.mark.parametrize("name", SAMPLES)
async def test_it_rates_real_pictures_as_nsfwjs_does(data: Path, name: str) -> None:
    """PNG with a hidden bit in its alpha, lossy WebP, JPEG; what decoders round differently moves little."""
    image = shared(f"samples/{name}").read_bytes()
    classifier = open_classifier(data, here)
    assert classifier is not None

    rating = await classifier.rate(image)

    assert SAMPLES[name] == pytest.approx(_figures(rating), abs=2e-6 if name.endswith("png") else 0.02)
    classifier.close()


@nsfwjs.needed
async def test_the_house_opens_it_in_its_darkroom(data: Path) -> None:
    """And lets both go."""
    darkroom = Darkroom({})
    classifier = open_classifier(data, darkroom.develop)
    assert classifier is not None

    first, second = await asyncio.gather(*(classifier.rate(png(a_picture(*size))) for size in [(40, 48), (224, 224)]))

    assert (first.neutral > 0.9, second.neutral > 0.9) == (True, True)
    classifier.close()
    darkroom.close()


# --- what goes wrong -------------------------------------------------------------------------------------------------


@pytest.fixture
def tiny() -> Nsfwjs:
    """A classifier of no sense, for which nothing has to be imported."""
    return Nsfwjs(tiny_weights(), here)


async def test_it_says_how_likely_each_kind_is(tiny: Nsfwjs) -> None:
    """Five figures that add up to 1, the same each time."""
    rating = await tiny.rate(png(a_picture()))

    assert sum(_figures(rating)) == pytest.approx(1.0)
    assert rating == await tiny.rate(png(a_picture()))
    assert rating != await tiny.rate(png(a_picture(64, 10)))


@pytest.mark.parametrize(
    "image",
    [b"", b"no image", an_image(832, 1216), an_image(20_000, 20_000), png(a_picture())[:-200], an_image(0, 5)],
    ids=["empty", "text", "header", "huge", "cut", "flat"],
)
async def test_what_cannot_be_opened_is_not_rated(tiny: Nsfwjs, image: bytes) -> None:
    """An error, so that it is held: never a guess."""
    with pytest.raises(ClassifierError, match=r"rating\.unreadable"):
        await tiny.rate(image)


async def test_it_gives_up_in_time_and_goes_on(tmp_path: Path) -> None:
    """Whatever holds up the darkroom or the network; the next picture is rated."""
    stuck = threading.Event()

    async def slowly(work: Callable[[bytes], T], image: bytes) -> T:
        return await here(lambda data: (stuck.wait(5), work(data))[1], image)

    classifier = Nsfwjs(tiny_weights(), slowly, rate_time=0.2)
    began = asyncio.get_running_loop().time()
    with pytest.raises(ClassifierError, match=r"rating\.slow"):
        await classifier.rate(png(a_picture()))
    assert asyncio.get_running_loop().time() - began < 2

    stuck.set()
    assert (await Nsfwjs(tiny_weights(), slowly).rate(png(a_picture()))).drawing >= 0


async def test_numbers_that_are_none_are_no_rating() -> None:
    """A network that overflows knows nothing."""
    weights = tiny_weights()
    broken = tuple(Tensor(name=t.name, shape=t.shape, minimum=float("nan"), scale=1.0) for t in weights.tensors)

    with pytest.raises(ClassifierError, match=r"rating\.failed"):
        await Nsfwjs(Weights(tensors=broken, data=weights.data), here).rate(png(a_picture()))


def _in_a_new_process(code: str) -> str:
    environ = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environ, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@nsfwjs.needed
def test_without_numpy_weights_are_a_problem_and_not_ignored(data: Path) -> None:
    """Who imported them relies on the check; an update may have left numpy out."""
    code = (
        "import sys; sys.modules['numpy'] = None; from pathlib import Path\n"
        "from bot.adapters.classifier import open_classifier\n"
        f"try: open_classifier(Path({str(data)!r}), None)\n"
        "except Exception as error: print(error)"
    )

    assert "classifier.numpy" == _in_a_new_process(code)


def test_numpy_is_not_loaded_before_it_is_needed() -> None:
    """The bot runs without it."""
    code = "import sys, bot.app, bot.serving, bot.checkup, bot.__main__; print('numpy' in sys.modules)"

    assert "False" == _in_a_new_process(code)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")
def test_numbers_are_computed_in_one_thread() -> None:
    """Several get in one another's way on a busy machine, and a picture then takes six times as long."""
    code = (
        "import os; from tests.adapters.test_classifier import tiny_weights;"
        "from bot.adapters.classifier.nsfwjs import Nsfwjs; before = len(os.listdir('/proc/self/task'));"
        "Nsfwjs(tiny_weights(), None); import numpy; numpy.ones((900, 900)) @ numpy.ones((900, 900));"
        "print(len(os.listdir('/proc/self/task')) - before)"
    )

    assert "0" == _in_a_new_process(code)
