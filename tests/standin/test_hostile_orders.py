"""Whatever stands in a request, the stand-in takes it or refuses it in the service's form: it never breaks."""

import copy
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.standin.novelai import billing, generation, tools
from bot.standin.novelai.order import order_of
from bot.standin.novelai.refusal import ServiceError
from tests.standin.wire import V5, V45, a_body, a_picture, a_structured_body

T = TypeVar("T")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("\ud800") | st.just("png"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
BODIES = [
    a_body(),
    {**a_body(image=a_picture(), strength=0.5, noise=0.1), "action": "img2img"},
    a_structured_body(V45, "girl", reference_image_multiple=["dmliZQ=="], reference_strength_multiple=[0.5]),
    a_structured_body(V5, "girl", "boy", tag_hint_qt=1, upscale={"declared_blur_sigma": 0.3}, image_format="webp"),
    {
        **a_structured_body("nai-diffusion-4-5-full-inpainting", image=a_picture(), mask=a_picture()),
        "action": "infill",
    },
]
FEELING = {"req_type": "emotion", "width": 64, "height": 64, "image": a_picture(), "prompt": "sad;;"}
TOOLS: list[tuple[Callable[[dict[str, Any]], Any], dict[str, Any]]] = [
    (
        tools.augmentation_of,
        {"req_type": "emotion", "width": 64, "height": 64, "image": a_picture(), "prompt": "sad;;"},
    ),
    (tools.upscaling_of, {"image": a_picture(), "model": V5, "declared_blur_sigma": 0}),
    (tools.encoding_of, {"image": a_picture(), "model": V45, "information_extracted": 1}),
]


def _places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in *value* where something else could stand."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, one in inner for place in _places(one, (*at, key)))]


def _replaced(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    if not place:
        return new
    changed = copy.deepcopy(value)
    target = changed
    for key in place[:-1]:
        target = target[key]
    target[place[-1]] = new
    return changed


def _spoilt(body: Any) -> st.SearchStrategy[Any]:
    return st.builds(_replaced, st.just(body), st.sampled_from(_places(body)[1:]), JSON)


@settings(max_examples=400, deadline=None)
@given(st.one_of(map(_spoilt, BODIES)))
def test_pictures(body: dict[str, Any]) -> None:
    """An order that is taken has a price and can be made, whatever is in it."""
    order = _taken(order_of, body)
    if order is not None and order.size[0] * order.size[1] * order.samples <= 256 * 256:
        assert billing.anlas(order.model.id, order.wanted, opus=False) >= 2
        assert order.samples == len(generation.draw_all(order))


@pytest.mark.parametrize(("read", "body"), TOOLS)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_tools(read: Callable[[dict[str, Any]], Any], body: dict[str, Any], data: st.DataObject) -> None:
    """Taken or refused; what is taken can be made."""
    found = _taken(read, data.draw(_spoilt(body)))
    if isinstance(found, tools.Augmentation):
        assert found.made()


def _taken(read: Callable[[dict[str, Any]], T], body: dict[str, Any]) -> T | None:
    """What *read* reads; None where it refuses in the service's form. Anything else that it raises fails the test."""
    try:
        return read(body)
    except ServiceError as refusal:
        said = refusal.as_json()
    assert said["statusCode"] in (400, 500)
    assert said["message"]
    return None
