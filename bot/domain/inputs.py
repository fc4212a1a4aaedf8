"""
Images that a request begins with: the request names them, their bytes lie beside it.

An `Input` is the place of such bytes (``blobs(job_id, kind, n)`` in the store); a request says in ``inputs`` which it
needs, in order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.bounds import check_range

VIBES_MAX = 16
"""The site's own bound (nai-api.md 2.8)."""
REFERENCES_MAX = 4
"""Ours: NovelAI names no bound, but each is a large image in one body (413 was seen, nai-api.md 1.5)."""


class InputKind(StrEnum):
    """What an input is for."""

    SOURCE = "source"
    MASK = "mask"
    VIBE = "vibe"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True, order=True)
class Input:
    """The *n*-th image (from 0) of its kind."""

    kind: InputKind
    n: int = 0


Inputs = Mapping[Input, bytes]
"""
The bytes of a request's inputs.

*SOURCE* and *MASK*: PNG of exactly the request's size (a mask: white is drawn anew, black is kept). *VIBE*: what
`EncodeVibe` gave, or on the V3 family a PNG of 448×448. *REFERENCE*: PNG on black of 1024×1536, 1536×1024 or 1472×1472.
Of the tools and of upscaling *SOURCE* is the image.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Img2Img:
    """Begins with the source image. *strength* (0.01 to 0.99) is how much is drawn anew, *noise* 0 to 0.99."""

    strength: float = 0.7
    noise: float = 0.0

    def __post_init__(self) -> None:
        check_range("strength", self.strength, 0.01, 0.99)
        check_range("noise", self.noise, 0, 0.99)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inpaint:
    """Draws the masked part of the source image anew: freely at *strength* 1, below it after what is there (V4 on)."""

    strength: float = 1.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        check_range("strength", self.strength, 0.01, 1)
        check_range("noise", self.noise, 0, 0.99)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vibe:
    """
    A vibe transfer: *strength* −1 to 1, *information_extracted* 0 to 1.

    *encoded* is false while NovelAI still has to be paid for encoding it (never on the V3 family).
    """

    strength: float = 0.6
    information_extracted: float = 1.0
    encoded: bool = True

    def __post_init__(self) -> None:
        check_range("reference_strength", self.strength, -1, 1)
        check_range("information_extracted", self.information_extracted, 0, 1)


class ReferenceKind(StrEnum):
    """What is taken from a precise reference."""

    CHARACTER = "character"
    STYLE = "style"
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A precise reference (V4.5): *strength* and *fidelity* 0 to 1."""

    kind: ReferenceKind = ReferenceKind.CHARACTER
    strength: float = 1.0
    fidelity: float = 1.0

    def __post_init__(self) -> None:
        check_range("reference_strength", self.strength, 0, 1)
        check_range("fidelity", self.fidelity, 0, 1)
