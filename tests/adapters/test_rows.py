"""Requests survive the store: what is written is read again, and so is what was written long ago."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.store.rows import KINDS, draft_of, kind_of, to_json
from bot.domain.character import CHARACTER_MAX, Character, Position
from bot.domain.errors import Mistake, StoreError
from bot.domain.inputs import Img2Img, Inpaint, Reference, ReferenceKind, Vibe
from bot.domain.model import CAPABILITIES, Model, Smea
from bot.domain.request import Generate, Request
from bot.domain.tools import Direct, DirectorTool, Mood, Upscale
from tests.builders import a_request, a_requester

OLD = (
    '{"prompt":{"text":"1girl, cherry blossoms, smile","undesired_content":"hat","quality_tags":true,'
    '"uc_preset":"heavy"},'
    '"sampling":{"model":"nai-diffusion-3","sampler":"k_euler_ancestral","steps":28,"cfg_scale":5.0,'
    '"prompt_guidance_rescale":0.0,"noise_schedule":"karras","smea":"off","decrisper":false,"variety":false,"seed":7},'
    '"size":{"width":832,"height":1216},"samples":1,"spoiler":false,"private":false,"safe":false}'
)
"""A row as it was written before there were characters, images and other models."""


def _read(kind: str, text: str) -> Request:
    row = {"id": 1, "requester": to_json(a_requester()), "kind": kind, "request": text, "price": 0, "expires_at": 0.0}
    return draft_of(row).request


def test_an_old_row_is_read() -> None:
    """Nothing that was asked for is lost, and what is new has its default."""
    assert a_request(undesired_content="hat", seed=7) == _read("generate", OLD)


POSITIONS = st.builds(Position, x=st.floats(0, 1), y=st.floats(0, 1))
CHARACTERS = st.builds(
    Character,
    prompt=st.text(min_size=1, max_size=40).filter(str.strip),
    undesired_content=st.text(max_size=20),
    position=st.none() | POSITIONS,
)
STRENGTHS = st.floats(0.01, 0.99)


@st.composite
def _drawings(draw: st.DrawFn) -> Generate:
    """Whatever can be asked of any model."""
    model = draw(st.sampled_from([model for model, row in CAPABILITIES.items() if row.is_offered]))
    row = CAPABILITIES[model]
    plain = a_request(model=model, steps=row.steps_fixed or draw(st.integers(1, 50)), seed=draw(st.integers(1, 2**31)))
    try:
        return replace(
            plain,
            prompt=replace(
                plain.prompt,
                characters=tuple(draw(st.lists(CHARACTERS, max_size=3))),
                transparent=draw(st.booleans()) and row.transparent,
            ),
            sampling=replace(plain.sampling, smea=draw(st.sampled_from(Smea)) if row.smea else Smea.OFF),
            img2img=draw(st.none() | st.builds(Img2Img, strength=STRENGTHS, noise=st.floats(0, 0.99))),
            inpaint=draw(st.none() | st.builds(Inpaint, strength=STRENGTHS | st.just(1.0))),
            vibes=tuple(draw(st.lists(st.builds(Vibe, strength=st.floats(-1, 1), encoded=st.booleans()), max_size=2))),
            references=tuple(draw(st.lists(st.builds(Reference, kind=st.sampled_from(ReferenceKind)), max_size=2))),
        )
    except Mistake:
        return plain


TOOLS = st.builds(
    lambda tool, mood, prompt: Direct(
        tool=tool,
        width=832,
        height=1216,
        mood=mood if tool is DirectorTool.EMOTION else None,
        prompt=prompt if tool.takes_prompt else "",
    ),
    st.sampled_from(DirectorTool),
    st.sampled_from(Mood),
    st.text(max_size=20),
)
UPSCALES = st.builds(Upscale, width=st.integers(1, 1_500), height=st.integers(1, 1_500), private=st.booleans())


@given(_drawings() | TOOLS | UPSCALES)
def test_what_is_written_is_read_again(request: Request) -> None:
    """Every request of every kind."""
    assert request == _read(kind_of(request), to_json(request))


def test_every_kind_of_request_has_its_name() -> None:
    """And the names are those that rows hold."""
    assert {"generate": Generate, "direct": Direct, "upscale": Upscale} == dict(KINDS)


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": {"text": "1girl", "characters": [{"prompt": "girl"}]}},
        {"vibes": [{"strength": 2}]},
        {"img2img": {"strength": 0.5}, "inpaint": {"strength": 1}},
        {"references": [{}]},
        {"sampling": {**json.loads(OLD)["sampling"], "model": "nai-diffusion-2"}},
        {"sampling": {**json.loads(OLD)["sampling"], "model": "nai-diffusion-9"}},
    ],
)
def test_a_row_that_asks_for_what_cannot_be_is_broken(change: dict[str, object]) -> None:
    """Values check themselves, wherever they come from."""
    with pytest.raises(StoreError):
        _read("generate", json.dumps(json.loads(OLD) | change))


def test_a_request_with_all_it_may_hold_is_small() -> None:
    """The rows that the queue reads hold no image."""
    most = a_request("x" * 4_000, model=Model.V4_5_FULL, undesired_content="x" * 4_000, vibes=(Vibe(),) * 16)
    most = replace(most, prompt=replace(most.prompt, characters=(Character(prompt="x" * CHARACTER_MAX),)))

    assert len(to_json(most)) < 16 * 1024
