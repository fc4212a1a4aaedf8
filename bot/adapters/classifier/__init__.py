"""What looks at pictures before they are shown: nsfwjs's weights, imported by the operator, computed with numpy."""

import importlib.util
from pathlib import Path

from bot.adapters.classifier.nsfwjs import Develop, Nsfwjs
from bot.adapters.classifier.weights import Weights, read_weights
from bot.domain.errors import ClassifierError


def is_installed(data_dir: Path) -> bool:
    """
    Whether there is a classifier in *data_dir*, and it can be used; it is not loaded for this.

    Raises `ClassifierError` where there are weights that cannot be used (``classifier.damaged``,
    ``classifier.closed``, ``classifier.numpy``).
    """
    return _usable_weights(data_dir) is not None


def open_classifier(data_dir: Path, develop: Develop) -> Nsfwjs | None:
    """
    The classifier whose weights are in *data_dir*, None where none were imported; blocks for a fifth of a second.

    Its images are opened where *develop* opens them. Raises what `is_installed` raises: who imported weights relies on
    the check, so nothing goes on without it.
    """
    weights = _usable_weights(data_dir)
    return Nsfwjs(weights, develop) if weights is not None else None


def has_numpy() -> bool:
    """Whether numpy is installed; it is not loaded for this."""
    return importlib.util.find_spec("numpy") is not None


def _usable_weights(data_dir: Path) -> Weights | None:
    weights = read_weights(data_dir)
    if weights is not None and not has_numpy():
        raise ClassifierError("classifier.numpy")
    return weights
