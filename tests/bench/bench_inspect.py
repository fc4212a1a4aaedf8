"""How long inspecting takes, beside what cannot be avoided: decode, take the colours, hash them."""

import hashlib
import io
import statistics
import time
from collections.abc import Callable

from PIL import Image

from bot.domain.model import Model
from bot.imaging.inspection import inspect_image
from bot.imaging.signature import STANDIN
from bot.standin.novelai import draw

ROUNDS = 15
WANTED = {"width": 832, "height": 1216, "steps": 28, "scale": 5, "seed": 7, "sampler": "k_euler", "n_samples": 1}


def median_ms(work: Callable[[], object]) -> float:
    """Milliseconds of *work*, the median of `ROUNDS`."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def main() -> None:
    """Print milliseconds and the ratio."""
    [signed] = draw(Model.V3.value, "1girl, cherry blossoms", WANTED)
    plain = io.BytesIO()
    Image.open(io.BytesIO(signed)).convert("RGB").save(plain, "PNG")

    def floor() -> None:
        image = Image.open(io.BytesIO(signed))
        hashlib.sha512(image.tobytes("raw", "RGB")).digest()

    bare, whole = median_ms(floor), median_ms(lambda: inspect_image(signed, trusted=STANDIN))
    nothing = median_ms(lambda: inspect_image(plain.getvalue(), trusted=STANDIN))
    print(f"decode and hash 832×1216   {bare:7.1f} ms")
    print(f"inspect, both carriers     {whole:7.1f} ms   ratio {whole / bare:.2f}")
    print(f"inspect, nothing to find   {nothing:7.1f} ms   ratio {nothing / bare:.2f}")


if __name__ == "__main__":
    main()
