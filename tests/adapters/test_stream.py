"""Streams: whatever way a body is cut into pieces, its events are the same, and no length is believed."""

import base64
import itertools
import json
import tracemalloc
from collections.abc import Callable, Iterable, Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.novelai.stream import EVENT_BYTES, PREVIEW_BYTES, Frames, Lines, Making, Parser
from bot.adapters.novelai.wire import HELD, Event
from bot.domain.errors import UpstreamError
from bot.domain.inputs import Img2Img
from bot.domain.model import Model
from bot.domain.request import Picture, Preview
from tests.builders import a_request
from tests.imaging.pictures import a_picture, png

GOOD = png(a_picture(8, 8))
JPEG = b"\xff\xd8\xff\xe0jpeg"
MIB = 1024 * 1024


def frame(**event: object) -> bytes:
    """One frame of msgpack."""
    packed = msgspec.msgpack.encode(event)
    return len(packed).to_bytes(4, "big") + packed


def line(**event: object) -> bytes:
    """One server-sent event."""
    plain = {key: base64.b64encode(v).decode() if isinstance(v, bytes) else v for key, v in event.items()}
    name = plain.pop("event_type")
    return f"event: {name}\ndata: {json.dumps(plain)}\n\n".encode()


EVENTS: list[dict[str, object]] = [
    {"event_type": "intermediate", "samp_ix": 0, "step_ix": 0, "gen_id": 8292275, "sigma": 20000, "image": JPEG},
    {"event_type": "retry"},
    {"event_type": "intermediate", "samp_ix": 0, "step_ix": 21, "gen_id": 8292275, "sigma": 0.31, "image": JPEG},
    {"event_type": "final", "samp_ix": 0, "gen_id": 8292275, "image": GOOD},
]
"""The first, the last and the end of a captured stream (2026-10-01), and the word that other clients know."""
FORMS = pytest.mark.parametrize(("parser", "write"), [(Frames, frame), (Lines, line)])
Write = Callable[..., bytes]


def _events(parser: Parser, pieces: Iterable[bytes]) -> Iterator[Event]:
    for piece in pieces:
        yield from parser.feed(piece)
    yield from parser.end()


def _cut(body: bytes, at: list[int]) -> list[bytes]:
    cuts = [0, *sorted(n % (len(body) + 1) for n in at), len(body)]
    return [body[a:b] for a, b in itertools.pairwise(cuts)]


@FORMS
@given(at=st.lists(st.integers(0, 2_000), max_size=12))
def test_events_are_the_same_however_the_body_is_cut(parser: type[Parser], write: Write, at: list[int]) -> None:
    """A length, a name, an image: any may end in the middle of a piece."""
    body = b"".join(write(**event) for event in EVENTS)

    found = list(_events(parser(), _cut(body, at)))

    assert [event["event_type"] for event in EVENTS] == [event.kind for event in found]
    assert [JPEG, b"", JPEG, GOOD] == [event.image for event in found]
    assert [0, 0, 21, 0] == [event.step for event in found]


@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\n", b""])
def test_other_ends_of_lines_are_read(end: bytes) -> None:
    """CR LF, and a last event that no empty line ends; comments and other fields are passed over."""
    body = b': hello\r\nid: 4\r\nevent: final\r\ndata:{"samp_ix":0}' + end

    [event] = _events(Lines(), [body])

    assert "final" == event.kind


@FORMS
@given(noise=st.binary(max_size=200), at=st.integers(0, 500))
def test_any_bytes_are_events_or_ours_to_name(parser: type[Parser], write: Write, noise: bytes, at: int) -> None:
    """Noise in a stream breaks nothing but the answer."""
    body = b"".join(write(**event) for event in EVENTS)
    try:
        found = list(_events(parser(), [body[:at] + noise + body[at:]]))
    except UpstreamError as error:
        found = []
        told = (error.code, error.billed, error.again)
    else:
        told = ("failed.answer", None, False)

    assert ("failed.answer", None, False) == told
    assert len(found) <= len(EVENTS) + len(noise)


@pytest.mark.parametrize("begin", [b"\xff\xff\xff\xff", b"<html>", b"PK\x03\x04", (EVENT_BYTES + 1).to_bytes(4, "big")])
def test_a_length_is_refused_when_it_is_announced(begin: bytes) -> None:
    """Four GiB, a page, a ZIP: nothing of it is waited for."""
    with pytest.raises(UpstreamError):
        list(Frames().feed(begin))


def _endless(first: bytes) -> Iterator[bytes]:
    yield first
    while True:
        yield b"x" * MIB


@pytest.mark.parametrize("first", [b"", b"data: ", b"event: final\ndata: "])
def test_a_line_without_an_end_is_held_no_longer_than_an_event(first: bytes) -> None:
    """It is given up, and what it held stays below 64 MiB."""
    tracemalloc.start()
    try:
        with pytest.raises(UpstreamError):
            list(_events(Lines(), _endless(first)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < HELD


@FORMS
def test_many_large_finals_are_not_held(parser: type[Parser], write: Write) -> None:
    """Four pictures as large as an event may be: given up below 64 MiB."""
    large = bytes(11 * MIB)
    making = Making(a_request(model=Model.V4_5_FULL, seed=7, samples=4), lambda preview: None)

    def pieces() -> Iterator[bytes]:
        for n in range(4):
            body = write(event_type="final", samp_ix=n, image=large)
            yield from (body[at : at + MIB] for at in range(0, len(body), MIB))

    tracemalloc.start()
    try:
        with pytest.raises(UpstreamError):
            _take_all(making, _events(parser(), pieces()))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    # What the test itself writes is held too: the image, and one event of it, in base64 as text and as bytes.
    assert peak < HELD + len(large) * (2 if write is frame else 6)


def _take_all(making: Making, events: Iterable[Event]) -> None:
    for event in events:
        making.take(event)


def _made(*events: Event, samples: int = 1, img2img: Img2Img | None = None) -> tuple[list[Preview], list[Picture]]:
    seen: list[Preview] = []
    making = Making(a_request(model=Model.V4_5_FULL, seed=7, samples=samples, steps=23, img2img=img2img), seen.append)
    _take_all(making, events)
    return seen, making.pictures()


def _step(n: int, image: bytes = JPEG, sample: int = 0) -> Event:
    return Event(kind="intermediate", step=n, image=image, sample=sample)


def _final(n: int = 0, image: bytes = GOOD) -> Event:
    return Event(kind="final", sample=n, image=image)


def test_previews_go_forward_and_the_end_is_the_real_file() -> None:
    """Steps count from 1; one that goes back, or belongs to another picture, is not shown."""
    seen, [picture] = _made(_step(0), _step(4), _step(3), _step(9, sample=1), _step(21), _final())

    assert [(1, 23, JPEG), (5, 23, JPEG), (22, 23, JPEG)] == [(p.step, p.total_steps, p.picture) for p in seen]
    assert (GOOD, 7) == (picture.data, picture.seed)


def test_an_image_to_begin_with_takes_fewer_steps() -> None:
    """23 at 0.7 gave 16 frames (nai-api.md 1.7); the bar never passes its end."""
    seen, _ = _made(_step(15), _step(40), _final(), img2img=Img2Img(strength=0.7))

    assert [(16, 16)] == [(p.step, p.total_steps) for p in seen]


@pytest.mark.parametrize("image", [b"", b"<html>", JPEG + bytes(PREVIEW_BYTES)])
def test_what_is_no_preview_is_a_step_alone(image: bytes) -> None:
    """The bar moves, and nothing odd is handed on."""
    seen, _ = _made(_step(0, image), _final())

    assert [(1, None)] == [(p.step, p.picture) for p in seen]


def test_several_pictures_come_in_their_order() -> None:
    """Whichever was ready first, each has its own seed."""
    other = png(a_picture(16, 8))

    _, pictures = _made(_final(1, other), _final(0), samples=2)

    assert [(GOOD, 7), (other, 8)] == [(picture.data, picture.seed) for picture in pictures]


@pytest.mark.parametrize(
    "events",
    [
        [],
        [_step(0)],
        [_final(), _final()],
        [_final(1)],
        [_final(-1)],
        [_final(0, b"<html>")],
        [_final(0, GOOD[:-4])],
    ],
)
def test_a_stream_without_its_picture_is_lost(events: list[Event]) -> None:
    """Ended early, said twice, of another request, or no picture: nobody knows whether it was billed."""
    with pytest.raises(UpstreamError) as caught:
        _made(*events)

    assert ("failed.answer", None, False) == (caught.value.code, caught.value.billed, caught.value.again)


def test_an_error_inside_a_stream_counts_as_a_broken_generation() -> None:
    """It arrives in a 200 and means what a 500 means (nai-api.md 7)."""
    with pytest.raises(UpstreamError) as caught:
        _made(_step(0), Event(kind="error", code=500))

    assert ("failed.novelai", None, False) == (caught.value.code, caught.value.billed, caught.value.again)
