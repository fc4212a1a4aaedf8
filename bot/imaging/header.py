"""What a container says before anything is decoded, and the bounds within which it may say it."""

from dataclasses import dataclass, field

from bot.domain.claims import Carrier

BYTES_MAX = 25 * 1024 * 1024
PIXELS_MAX = 16_777_216
"""What NovelAI's own inspector takes (metadata.md 1.2)."""
TEXT_MAX = 4 * 1024 * 1024
"""Bytes of text in one file, unpacked."""
CHUNKS_MAX = 20_000
TEXTS_MAX = 200
SIDE_MAX = 1 << 31
DECODED_SIDE_MAX = 1 << 16
"""A decoder keeps a row and a list of rows; a picture of one row of 16 million pixels costs it three pictures."""
MANIFEST_MAX = 256 * 1024
"""Bytes of Content Credentials that are looked through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a PNG's samples lie: bits of one, colour type, interlacing."""

    depth: int
    colour: int
    interlaced: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """
    One container, walked.

    *texts* are PNG text chunks in their order, *exif* a raw TIFF block, *xmp* a packet, *comment* a JPEG's. *spans* say
    which bytes of the file a decoder may see. *hiding* names the carriers that the pixels could be. *whole* is False
    where pixels are cut off or missing. *recoloured* is whether a colour profile tells a viewer to show other colours.
    """

    format: str
    width: int
    height: int
    spans: tuple[tuple[int, int], ...] = field(repr=False)
    texts: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    exif: bytes | None = field(default=None, repr=False)
    xmp: str | None = field(default=None, repr=False)
    comment: str | None = field(default=None, repr=False)
    manifest: bytes | None = field(default=None, repr=False)
    hiding: tuple[Carrier, ...] = ()
    layout: Layout | None = None
    animated: bool = False
    whole: bool = True
    recoloured: bool = False

    @property
    def pixels(self) -> int:
        """How many there are said to be."""
        return self.width * self.height

    @property
    def small(self) -> bool:
        """Whether the pixels may be touched."""
        return self.pixels <= PIXELS_MAX and max(self.width, self.height) <= DECODED_SIDE_MAX


def decoded(text: bytes) -> str:
    """UTF-8 where it is that, else Latin-1, as PNG has it."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1")
