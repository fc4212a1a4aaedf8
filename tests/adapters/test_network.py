"""The layers, beside convolutions written out by hand; and what the network is shown of a picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from bot.adapters.classifier.network import SIDE, Floats, convolved, filtered, mixed, relu6, sampled, softmax
from tests.imaging.pictures import a_picture


def some(*shape: int, seed: int = 1) -> Floats:
    """Numbers around zero, always the same."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def by_hand(x: Floats, kernel: Floats, offset: Floats, stride: int) -> NDArray[np.float64]:
    """A convolution as TensorFlow defines it with "SAME": each place, each tap, each channel."""
    height, width, channels = x.shape
    side, _, _, outs = kernel.shape
    rows, columns = -(-height // stride), -(-width // stride)
    top = max((rows - 1) * stride + side - height, 0) // 2
    left = max((columns - 1) * stride + side - width, 0) // 2
    made = np.zeros((rows, columns, outs))
    for place in np.ndindex(rows, columns, side, side, channels, outs):
        row, column, i, j, channel, out = place
        y, z = row * stride + i - top, column * stride + j - left
        if 0 <= y < height and 0 <= z < width:
            made[row, column, out] += float(x[y, z, channel]) * float(kernel[i, j, channel, out])
    return made + offset


sizes = st.integers(1, 7)


@given(sizes, sizes, st.sampled_from([1, 2]))
def test_a_convolution_is_what_it_says(height: int, width: int, stride: int) -> None:
    """Also at the borders, whether sides are even or odd."""
    x, kernel, offset = some(height, width, 2), some(3, 3, 2, 3, seed=2), some(3, seed=3)

    made = convolved(x, kernel, offset, stride=stride)

    assert made == pytest.approx(by_hand(x, kernel, offset, stride), abs=1e-5)


@given(sizes, sizes, st.sampled_from([1, 2]))
def test_a_depthwise_one_keeps_channels_apart(height: int, width: int, stride: int) -> None:
    """As a convolution whose kernel is zero between different channels."""
    x, kernel, offset = some(height, width, 2), some(3, 3, 2, 1, seed=2), some(2, seed=3)
    apart = np.zeros((3, 3, 2, 2), np.float32)
    for channel in range(2):
        apart[:, :, channel, channel] = kernel[:, :, channel, 0]

    made = filtered(x, kernel, offset, stride=stride)

    assert made == pytest.approx(by_hand(x, apart, offset, stride), abs=1e-5)


def test_numbers_that_can_be_followed() -> None:
    """Ones of 3 × 3 count the neighbours; of an even side every second place begins at the first pixel."""
    x, ones, none = np.ones((4, 4, 1), np.float32), np.ones((3, 3, 1, 1), np.float32), np.zeros(1, np.float32)

    assert [4, 6, 6, 4] == convolved(x, ones, none, stride=1)[0, :, 0].tolist()
    assert [[9, 6], [6, 4]] == filtered(x, ones, none, stride=2)[:, :, 0].tolist()


def test_mixing_is_a_product_at_every_place() -> None:
    """A 1 × 1 convolution."""
    x, kernel, offset = some(2, 3, 4), some(1, 1, 4, 5, seed=2), some(5, seed=3)

    assert mixed(x, kernel, offset) == pytest.approx(by_hand(x, kernel, offset, 1), abs=1e-5)


def test_relu6_and_softmax() -> None:
    """Bounds of 0 and 6; probabilities that add up, also of large numbers."""
    assert [0, 0, 3, 6] == relu6(np.array([-1, 0, 3, 7], np.float32)).tolist()
    assert softmax(np.array([0, 0], np.float32)).tolist() == [0.5, 0.5]
    assert softmax(np.array([1000, 0], np.float32)).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("size", [(1, 1), (40, 48), (224, 224), (300, 5)])
def test_a_picture_is_sampled_corner_on_corner(size: tuple[int, int]) -> None:
    """Between four pixels each, without smoothing; a picture of that side is taken as it is."""
    picture = a_picture(*size)
    pixels = np.asarray(picture) / 255

    seen = sampled(picture)

    assert seen.shape == (SIDE, SIDE, 3)
    assert seen[0, 0] == pytest.approx(pixels[0, 0], abs=1e-6)
    assert seen[-1, -1] == pytest.approx(pixels[-1, -1], abs=1e-6)
    y, x = 100 * (size[1] - 1) / (SIDE - 1), 57 * (size[0] - 1) / (SIDE - 1)
    (top, left), (bottom, right) = (int(y), int(x)), (-(-y // 1), -(-x // 1))
    above = pixels[top, left] * (1 - x % 1) + pixels[top, int(right)] * (x % 1)
    below = pixels[int(bottom), left] * (1 - x % 1) + pixels[int(bottom), int(right)] * (x % 1)
    assert seen[100, 57] == pytest.approx(above * (1 - y % 1) + below * (y % 1), abs=1e-6)
    if size == (SIDE, SIDE):
        assert seen == pytest.approx(pixels, abs=1e-6)


def test_what_can_be_seen_through_stands_on_white() -> None:
    """The bit that NovelAI hides in solid pixels changes nothing, and what lies under none of them is not looked at."""
    clear, half = Image.new("RGBA", (8, 8), (0, 0, 0, 0)), Image.new("RGBA", (8, 8), (0, 0, 0, 102))
    plain = a_picture(8, 8)
    marked = plain.convert("RGBA")
    marked.putalpha(254)

    assert sampled(clear).min() == 1.0
    assert sampled(half) == pytest.approx(0.6, abs=1e-6)
    assert (sampled(marked) == sampled(plain)).all()
