"""
Streams of a picture that forms: frames of msgpack or server-sent events, fed piece by piece (nai-api.md 1.7).

A length in a frame is a claim: what would pass `EVENT_BYTES` is refused when it is announced, and a line that does not
end when it does.
"""

from collections.abc import Callable, Iterator
from typing import Protocol

import msgspec

from bot.adapters.novelai.wire import HELD, Event, broken, pictures_of
from bot.domain.errors import UpstreamError
from bot.domain.request import Generate, Picture, Preview

EVENT_BYTES = HELD // 4
"""Bytes of one event; a final picture is the largest, and no drawn one has more than 12 MiB of pixels."""
FINAL_BYTES = HELD * 3 // 8
"""Bytes of all final pictures; with an event that is being read and one that was, it stays below `HELD`."""
PREVIEW_BYTES = 512 * 1024
"""Bytes of a preview; real ones have 9 to 18 kB (captured 2026-10-01)."""
EVENTS_MAX = 1_000
"""Events of one stream; 50 steps of four pictures are 204."""
_LENGTH = 4
_JPEG = b"\xff\xd8\xff"

Watch = Callable[[Preview], None]


class Parser(Protocol):
    """Turns pieces of a body into events."""

    def feed(self, piece: bytes) -> Iterator[Event]:
        """The events that *piece* completes. Raises `UpstreamError` ``failed.answer``."""

    def end(self) -> Iterator[Event]:
        """What is complete only now that the body has ended; half an event is none."""


class Frames:
    """Repeated: a length of four bytes, the highest first, then one msgpack map."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._decoder = msgspec.msgpack.Decoder(Event)

    def feed(self, piece: bytes) -> Iterator[Event]:
        """See `Parser.feed`."""
        self._held += piece
        while len(self._held) >= _LENGTH:
            length = int.from_bytes(self._held[:_LENGTH], "big")
            if length > EVENT_BYTES:
                raise broken("frame")
            if len(self._held) < _LENGTH + length:
                return
            with memoryview(self._held) as view, view[_LENGTH : _LENGTH + length] as frame:
                event = _decoded(self._decoder.decode, frame)
            del self._held[: _LENGTH + length]
            yield event

    def end(self) -> Iterator[Event]:
        """See `Parser.end`."""
        return iter(())


class Lines:
    """Server-sent events: ``event:`` and ``data:`` lines, an empty line behind each event."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._looked = 0
        self._type, self._data = "", bytearray()
        self._decoder = msgspec.json.Decoder(Event)

    def feed(self, piece: bytes) -> Iterator[Event]:
        """See `Parser.feed`."""
        self._held += piece
        while (end := self._held.find(b"\n", self._looked)) >= 0:
            line = self._held[:end]
            del self._held[: end + 1]
            self._looked = 0
            yield from self._read(line)
        self._looked = len(self._held)
        self._check()

    def end(self) -> Iterator[Event]:
        """See `Parser.end`."""
        line, self._held = self._held, bytearray()
        yield from self._read(line)
        yield from self._read(bytearray())

    def _read(self, line: bytearray) -> Iterator[Event]:
        """A picture is a line, so no copies are made of it."""
        del line[len(line) - line.endswith(b"\r") :]
        if not line:
            yield from self._ended()
        elif line.startswith(b"event:"):
            self._type = line[6:46].decode("ascii", "replace").strip()
        elif line.startswith(b"data:"):
            del line[:5]
            self._data += b"\n" * bool(self._data)
            self._data += line
            self._check()

    def _ended(self) -> Iterator[Event]:
        data, type_ = self._data, self._type
        self._type, self._data = "", bytearray()
        if data:
            event = _decoded(self._decoder.decode, data)
            event.kind = event.kind or type_
            yield event

    def _check(self) -> None:
        if len(self._held) + len(self._data) > EVENT_BYTES:
            raise broken("line")


def _decoded(decode: Callable[[bytearray | memoryview], Event], data: bytearray | memoryview) -> Event:
    try:
        return decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError, OverflowError) as error:
        raise broken("event") from error


def parser_of(content_type: str) -> Parser:
    """The parser for what the service says it sends; what is neither fails at its first bytes."""
    return Lines() if content_type.lower().startswith("text/event-stream") else Frames()


class Making:
    """The pictures of one request while they are made: previews go to *watch*, finals are kept."""

    def __init__(self, request: Generate, watch: Watch) -> None:
        self._request = request
        self._watch = watch
        self._finals: dict[int, bytes] = {}
        self._events = 0
        self._step = 0
        self._steps = _steps_of(request)

    def take(self, event: Event) -> None:
        """
        One event. Raises `UpstreamError`: ``failed.novelai`` for an error inside the stream, which may have been billed
        like a status of 500; ``failed.answer`` for what cannot be.
        """
        self._events += 1
        if self._events > EVENTS_MAX:
            raise broken("events")
        match event.kind:
            case "intermediate":
                self._preview(event)
            case "final":
                self._final(event)
            case "error":
                code = str(event.code)[:40]
                raise UpstreamError("failed.novelai", billed=None, again=False, what="stream", status=code)

    def _final(self, event: Event) -> None:
        if not 0 <= event.sample < self._request.pictures or event.sample in self._finals:
            raise broken("sample")
        if len(event.image) + sum(map(len, self._finals.values())) > FINAL_BYTES:
            raise broken("size")
        self._finals[event.sample] = event.image

    def _preview(self, event: Event) -> None:
        """Of the first picture alone, and never backwards."""
        step = min(event.step + 1, self._steps)
        if event.sample != 0 or step <= self._step:
            return
        self._step = step
        is_one = event.image.startswith(_JPEG) and len(event.image) <= PREVIEW_BYTES
        self._watch(Preview(step=step, total_steps=self._steps, picture=event.image if is_one else None))

    def pictures(self) -> list[Picture]:
        """What was made. Raises `UpstreamError` ``failed.answer`` where the stream ended too early."""
        return pictures_of([self._finals[n] for n in sorted(self._finals)], self._request)


def _steps_of(request: Generate) -> int:
    """An image to begin with takes the part of the steps that its strength says: 16 of 23 at 0.7 (nai-api.md 1.7)."""
    strength = request.img2img.strength if request.img2img is not None else 1.0
    return max(1, int(request.sampling.steps * strength))
