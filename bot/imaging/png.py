"""PNG: its chunks, its text, and a look at its first column without decoding it."""

import binascii
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.domain.claims import Carrier
from bot.domain.errors import Mistake
from bot.imaging.header import CHUNKS_MAX, MANIFEST_MAX, TEXT_MAX, TEXTS_MAX, Header, Layout, decoded

MAGIC = b"\x89PNG\r\n\x1a\n"
END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
XMP = "XML:com.adobe.xmp"
FAILURE_COST = TEXT_MAX // 16
"""What a text that cannot be unpacked takes from the budget: a hundred broken bombs are work too."""
PEEK_ROWS = 24
"""Of the magic's 120 bits, one a row in the alpha channel: what gets past so many is worth decoding."""
_PIECE = 4_096
_HEAD = struct.Struct(">I4s")
_USUAL_GAMMA = (45_455).to_bytes(4, "big")
_RGB, _GREY_ALPHA, _PALETTE, _RGBA = 2, 4, 3, 6
_CHANNELS = {_RGB: 3, _RGBA: 4}
_MARKS = {
    carrier: bytes(byte >> bit & 1 for byte in mark for bit in range(7, -1, -1))
    for carrier, mark in ((Carrier.ALPHA, b"stealth_png"), (Carrier.RGB, b"stealth_rgb"))
}
"""What both magics of a carrier begin with, bit by bit."""
_RAW_PROFILES = ("Raw profile type exif", "Raw profile type APP1")


def read_png(data: bytes) -> Header:
    """
    Walk the chunks, once; of pixels only the place is noted.

    Raises `Mistake` ``image.broken``, or struct.error, where the first chunk is not IHDR.
    """
    width, height, depth, colour, _, _, interlace = struct.unpack_from(">IIBBBBB", data, 16)
    if data[8:16] != b"\0\0\0\rIHDR":
        raise Mistake("image.broken")
    layout = Layout(depth=depth, colour=colour, interlaced=bool(interlace))
    pixels, words = _Pixels(), _Words()
    for kind, start, end in _chunks(data):
        pixels.see(kind, start, end, is_cut=end > len(data))
        if kind != b"IDAT":
            words.see(kind, memoryview(data)[start + 8 : end - 4])
    return Header(
        format="PNG", width=width, height=height, layout=layout, spans=tuple(pixels.spans), whole=pixels.whole,
        texts=tuple(words.texts), exif=words.exif, xmp=words.xmp, manifest=words.manifest, animated=words.animated,
        recoloured=words.recoloured, hiding=_hiding(colour, has_transparency=b"tRNS" in pixels.seen),
    )  # fmt: skip


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of each chunk up to IEND, a run of IDAT as one; the last may end behind the file."""
    at = run = len(MAGIC)
    last, read = b"", _HEAD.unpack_from
    for _ in range(CHUNKS_MAX):
        if at + _HEAD.size > len(data):
            break
        length, kind = read(data, at)
        if kind != b"IDAT":
            if last == b"IDAT":
                yield last, run, at
            if kind == b"IEND":
                return
            yield kind, at, at + 12 + length
        elif last != b"IDAT":
            run = at
        at, last = at + 12 + length, kind
    if last == b"IDAT":
        yield last, run, at


def _hiding(colour: int, *, has_transparency: bool) -> tuple[Carrier, ...]:
    if colour == _RGBA:
        return Carrier.ALPHA, Carrier.RGB
    if colour == _GREY_ALPHA or (colour == _PALETTE and has_transparency):
        return (Carrier.ALPHA,)
    return (Carrier.RGB,) if colour == _RGB else ()


class _Pixels:
    """Where the chunks lie that a decoder needs: one header, one palette and one run of IDAT, as libpng takes them."""

    def __init__(self) -> None:
        self.spans = [(0, len(MAGIC))]
        self.seen: set[bytes] = set()
        self._is_cut = self._is_over = False

    @property
    def whole(self) -> bool:
        return b"IDAT" in self.seen and not self._is_cut

    def see(self, kind: bytes, start: int, end: int, *, is_cut: bool) -> None:
        if kind == b"IDAT" and not self._is_over:
            self._is_cut = is_cut
            self._keep(kind, start, end)
        elif b"IDAT" in self.seen:
            self._is_over = True
        elif kind in (b"IHDR", b"PLTE", b"tRNS") and kind not in self.seen:
            self._keep(kind, start, end)

    def _keep(self, kind: bytes, start: int, end: int) -> None:
        self.seen.add(kind)
        self.spans.append((start, end))


@dataclass(slots=True)
class _Words:
    """What the other chunks say, within one budget."""

    texts: list[tuple[str, str]] = field(default_factory=list)
    exif: bytes | None = None
    xmp: str | None = None
    manifest: bytes | None = None
    animated: bool = False
    recoloured: bool = False
    budget: int = TEXT_MAX

    def see(self, kind: bytes, body: memoryview) -> None:
        if kind in (b"tEXt", b"zTXt", b"iTXt"):
            if len(self.texts) < TEXTS_MAX and len(body) <= self.budget:
                self._read(kind, bytes(body))
        elif kind == b"eXIf" and len(body) <= self.budget:
            self.exif = self.exif or bytes(body)
        elif kind == b"caBX":
            self.manifest = self.manifest or bytes(body[:MANIFEST_MAX])
        self.animated |= kind == b"acTL"
        self.recoloured |= kind in (b"iCCP", b"cICP") or (kind == b"gAMA" and bytes(body[:4]) != _USUAL_GAMMA)

    def _read(self, kind: bytes, body: bytes) -> None:
        name, text, cost = _text(kind, body, self.budget)
        self.budget -= cost
        if text is None:
            return
        if name == XMP:
            self.xmp = self.xmp or text
        elif name in _RAW_PROFILES:
            self.exif = self.exif or _raw_profile(text)
        else:
            self.texts.append((name, text))


def _text(kind: bytes, body: bytes, budget: int) -> tuple[str, str | None, int]:
    """Keyword, text (None where it cannot be had), and what that took from the budget."""
    keyword, _, rest = body.partition(b"\0")
    name = keyword[:79].decode("latin-1")
    is_packed = kind == b"zTXt" or (kind == b"iTXt" and rest[:1] == b"\1")
    if kind == b"zTXt":
        rest = rest[1:]
    elif kind == b"iTXt":
        rest = rest[2:].split(b"\0", 2)[-1]
    text = inflated(rest, budget) if is_packed else rest
    return (name, None, FAILURE_COST) if text is None else (name, decoded(text), len(text))


def inflated(packed: bytes, budget: int, window: int = zlib.MAX_WBITS) -> bytes | None:
    """At most *budget* bytes; None where there are more, or where the stream is damaged or cut."""
    unpacker = zlib.decompressobj(window)
    try:
        text = unpacker.decompress(packed, budget + 1)
    except zlib.error:
        return None
    return text if unpacker.eof and len(text) <= budget else None


def _raw_profile(text: str) -> bytes | None:
    """ImageMagick's: a name, a length and hexadecimal digits, in lines of their own."""
    digits = "".join(text.split("\n")[3:])
    try:
        return binascii.unhexlify(digits.encode()).removeprefix(b"Exif\0\0")
    except ValueError:
        return None


def marked(data: bytes, header: Header) -> tuple[Carrier, ...]:
    """
    Those of ``header.hiding`` that the first column does not rule out.

    Only as many rows are inflated as the magic needs before it differs: one or two of an ordinary picture. What cannot
    be looked at this way (16 bits, interlaced, palettes, fewer rows) is not ruled out.
    """
    layout = header.layout
    if layout is None or layout.depth != 8 or layout.interlaced or header.height < PEEK_ROWS:
        return header.hiding
    channels = _CHANNELS.get(layout.colour)
    if channels is None:
        return header.hiding
    left = list(header.hiding)
    try:
        for row, pixel in enumerate(_first_column(data, header, channels)):
            left = [carrier for carrier in left if _fits(carrier, row, pixel)]
            if not left or row + 1 == PEEK_ROWS:
                break
    except zlib.error:
        return header.hiding
    return tuple(left)


def _fits(carrier: Carrier, row: int, pixel: bytes) -> bool:
    """Whether the lowest bits of the first pixel of a row are those of the magic, while it lasts."""
    bits = _MARKS[carrier]
    values = pixel[3:] if carrier is Carrier.ALPHA else pixel[:3]
    return all(value & 1 == bit for value, bit in zip(values, bits[row * len(values) :], strict=False))


def _first_column(data: bytes, header: Header, channels: int) -> Iterator[bytes]:
    """The pixels at x = 0 of the first rows. Left of them is nothing, so every filter but None and Sub means up."""
    up = bytes(channels)
    for row in _rows(data, header, 1 + header.width * channels):
        by = row[0]
        if by in (2, 4):
            up = bytes((a + b) & 255 for a, b in zip(row[1 : 1 + channels], up, strict=True))
        elif by == 3:
            up = bytes((a + b // 2) & 255 for a, b in zip(row[1 : 1 + channels], up, strict=True))
        else:
            up = row[1 : 1 + channels]
        yield up


def _rows(data: bytes, header: Header, stride: int) -> Iterator[bytes]:
    """The first bytes of each row, still filtered; inflated piece by piece."""
    unpacker, out, skip = zlib.decompressobj(), bytearray(), 0
    for piece in _pieces(data, header):
        rest: bytes | memoryview = piece
        while rest:
            out += unpacker.decompress(rest, stride)
            # What comes behind the end would be gathered, byte for byte, in a text that is copied each time.
            rest = b"" if unpacker.eof else unpacker.unconsumed_tail
            while len(out) - skip >= stride:
                yield bytes(out[skip : skip + 5])
                skip += stride
            del out[:skip]
            skip = 0
        if unpacker.eof:
            return


def _pieces(data: bytes, header: Header) -> Iterator[memoryview]:
    view = memoryview(data)
    start, stop = next((span for span in header.spans if data[span[0] + 4 : span[0] + 8] == b"IDAT"), (0, 0))
    while start < stop:
        end = start + 8 + int.from_bytes(data[start : start + 4], "big")
        for at in range(start + 8, end, _PIECE):
            yield view[at : min(at + _PIECE, end)]
        start = end + 4
