"""
MobileNetV2 in numpy: pictures of 224 × 224 in, five probabilities out. Nobody imports this before it is needed.

It computes what TensorFlow.js does with the same graph, up to rounding: 3 × 3 convolutions padded as "SAME", ReLU6
behind all but the projections, and the batch norms folded into the weights already.
"""

from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bot.adapters.classifier.weights import Weights

Floats = NDArray[np.float32]

SIDE = 224
OPAQUE = 250
"""Alpha from which a pixel is solid: NovelAI hides a bit in each that is."""
BLOCKS = 17
_STRIDES = {1: 2, 3: 2, 6: 2, 13: 2}
"""The blocks that halve the sides."""
_CLASSES = "Func/StatefulPartitionedCall/input/_262", "Func/StatefulPartitionedCall/input/_263"


class Network:
    """The weights as numbers, ready to be used; 17 MB."""

    def __init__(self, weights: Weights) -> None:
        self._of = dict(_numbers(weights))

    def probabilities(self, picture: Floats) -> tuple[float, ...]:
        """Drawing, hentai, neutral, porn, sexy of a picture from `sampled`."""
        x = relu6(convolved(picture * 2 - 1, *self._layer("Conv/Conv2D"), stride=2))
        for n in range(BLOCKS):
            x = self._block(x, f"expanded_conv_{n}" if n else "expanded_conv", _STRIDES.get(n, 1))
        x = relu6(mixed(x, *self._layer("Conv_1/Conv2D")))
        kernel, offset = (self._of[name] for name in _CLASSES)
        return tuple(softmax(x.mean(axis=(0, 1)) @ kernel + offset).tolist())

    def _block(self, x: Floats, name: str, stride: int) -> Floats:
        """Widen, look around, narrow; where nothing changed its size, added to what came in."""
        wide = relu6(mixed(x, *self._layer(f"{name}/expand/Conv2D"))) if self._has(f"{name}/expand/Conv2D") else x
        wide = relu6(filtered(wide, *self._layer(f"{name}/depthwise/depthwise"), stride=stride))
        narrow = mixed(wide, *self._layer(f"{name}/project/Conv2D"))
        return narrow + x if narrow.shape == x.shape else narrow

    def _layer(self, name: str) -> tuple[Floats, Floats]:
        return self._of[f"MobilenetV2/{name}_weights"], self._of[f"MobilenetV2/{name}_bn_offset"]

    def _has(self, name: str) -> bool:
        return f"MobilenetV2/{name}_weights" in self._of


def _numbers(weights: Weights) -> Iterator[tuple[str, Floats]]:
    at = 0
    for tensor in weights.tensors:
        stored = np.frombuffer(weights.data, np.uint8, tensor.size, at)
        yield tensor.name, (stored * tensor.scale + tensor.minimum).astype(np.float32).reshape(tensor.shape)
        at += tensor.size


# --- layers: height × width × channels in and out --------------------------------------------------------------------


def relu6(x: Floats) -> Floats:
    """Kept between 0 and 6, in place."""
    return np.clip(x, 0, 6, out=x)


def mixed(x: Floats, kernel: Floats, offset: Floats) -> Floats:
    """A 1 × 1 convolution: *kernel* is 1 × 1 × in × out."""
    height, width, channels = x.shape
    made = x.reshape(-1, channels) @ kernel.reshape(channels, -1)
    made += offset
    return made.reshape(height, width, -1)


def convolved(x: Floats, kernel: Floats, offset: Floats, *, stride: int) -> Floats:
    """A convolution of all channels: *kernel* is height × width × in × out."""
    seen = np.concatenate(list(_windows(x, kernel.shape[0], stride)), axis=2)
    return mixed(seen, kernel.reshape(1, 1, -1, kernel.shape[3]), offset)


def filtered(x: Floats, kernel: Floats, offset: Floats, *, stride: int) -> Floats:
    """A convolution of each channel by itself: *kernel* is height × width × channels × 1."""
    taps = kernel.reshape(-1, x.shape[2])
    windows = _windows(x, kernel.shape[0], stride)
    made: Floats = next(windows) * taps[0]
    made += offset
    part = np.empty_like(made)
    for window, tap in zip(windows, taps[1:], strict=True):
        made += np.multiply(window, tap, out=part)
    return made


def _windows(x: Floats, side: int, stride: int) -> Iterator[Floats]:
    """What each place of a kernel of *side* × *side* sees, row by row; padded as TensorFlow's "SAME"."""
    (top, bottom, rows), (left, right, columns) = (_padding(length, side, stride) for length in x.shape[:2])
    padded = np.pad(x, ((top, bottom), (left, right), (0, 0)))
    for row, column in product(range(side), repeat=2):
        yield padded[row : row + rows * stride : stride, column : column + columns * stride : stride][:rows, :columns]


def _padding(length: int, side: int, stride: int) -> tuple[int, int, int]:
    """Before, behind, and how many places there are: the odd one goes behind."""
    places = -(-length // stride)
    missing = max((places - 1) * stride + side - length, 0)
    return missing // 2, missing - missing // 2, places


def softmax(x: Floats) -> Floats:
    """Probabilities that add up to 1."""
    powers: Floats = np.exp(x - x.max())
    powers /= powers.sum()
    return powers


# --- what the network is shown ---------------------------------------------------------------------------------------


def sampled(image: Image.Image) -> Floats:
    """
    An RGB or RGBA *image* as nsfwjs shows it to the network: 224 × 224 × 3 from 0 to 1, corner on corner, between four
    pixels each. What can be seen through stands on white.

    Taken row by row, so that a picture of 16 megapixels is not turned into numbers as a whole.
    """
    columns = _taps(image.width)
    rows = [
        _between(_row(image, low, columns), _row(image, high, columns), share)
        for low, high, share in zip(*(taps.tolist() for taps in _taps(image.height)), strict=True)
    ]
    return (np.stack(rows) / 255).astype(np.float32)


def _taps(length: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """For each of 224 places the pixel before it, the one behind, and how far it lies between them."""
    at = np.arange(SIDE) * ((length - 1) / (SIDE - 1))
    low = np.floor(at).astype(np.intp)
    return low, np.minimum(low + 1, length - 1), at - low


def _row(
    image: Image.Image, y: int, columns: tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]
) -> NDArray[np.float64]:
    strip = image.crop((0, y, image.width, y + 1)).tobytes()
    pixels = np.frombuffer(strip, np.uint8).reshape(image.width, -1)
    low, high, share = columns
    return _between(_on_white(pixels[low]), _on_white(pixels[high]), share[:, None])


def _on_white(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    colours = pixels[:, :3].astype(np.float64)
    if pixels.shape[1] == 3:
        return colours
    alpha = pixels[:, 3:].astype(np.float64)
    solid = np.where(alpha >= OPAQUE, 1.0, alpha / 255)
    return _between(np.full_like(colours, 255), colours, solid)


def _between(
    low: NDArray[np.float64], high: NDArray[np.float64], share: float | NDArray[np.float64]
) -> NDArray[np.float64]:
    between: NDArray[np.float64] = low + (high - low) * share
    return between
