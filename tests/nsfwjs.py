"""Finds nsfwjs's package, which is not ours to ship; tests that need its weights skip without it."""

import os
import tempfile
from functools import cache
from pathlib import Path

import pytest

from bot.adapters.classifier.weights import PACKAGE

WHERE = "NAIBOT_NSFWJS"


@cache
def package() -> Path | None:
    """The file that `npm pack nsfwjs@4.4.0` makes, where `NAIBOT_NSFWJS` says or among the temporary files."""
    named = os.environ.get(WHERE)
    found = Path(named) if named else Path(tempfile.gettempdir()) / PACKAGE
    return found if found.is_file() else None


needed = pytest.mark.skipif(package() is None, reason=f"needs {PACKAGE} (npm pack nsfwjs@4.4.0) at {WHERE}")
