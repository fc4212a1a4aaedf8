"""The practice room's classifier believes the prompt in a picture."""

import time
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from bot.adapters.classifier.pretend import PretendClassifier
from bot.adapters.novelai.client import NovelAIClient
from bot.domain.errors import ClassifierError
from bot.domain.model import Model
from bot.domain.request import Size
from bot.standin.novelai import NovelAI
from tests.builders import a_request
from tests.imaging.pictures import a_picture, png

SMALL = Size(width=64, height=64)


async def _nothing() -> None:
    return None


@pytest.fixture
async def client(novelai: tuple[NovelAI, str]) -> AsyncIterator[NovelAIClient]:
    """An account at the pretend NovelAI."""
    client = NovelAIClient(novelai[1], "pst-standin")
    yield client
    with suppress(OSError):
        await client.close()


async def _drawn(client: NovelAIClient, prompt: str, model: Model = Model.V3) -> bytes:
    request = a_request(prompt, size=SMALL, steps=1, seed=7, model=model)
    [picture] = await client.run(request, _nothing, deadline=time.monotonic() + 30)
    return picture.data


@pytest.mark.parametrize("model", [Model.V3, Model.V4_5_FULL])
@pytest.mark.parametrize(
    ("prompt", "explicit"),
    [
        ("1girl, sky", 0.0),
        ("1girl, !rated82, sky", 0.82),
        ("!rated40", 0.40),
        ("1girl, !explicit", 0.82),
        ("1girl, !suggestive", 0.5),
        ("1girl, !rated10, !rated90", 0.9),
        ("explicit, rated82, !ratedalot, what!rated82", 0.0),
    ],
)
async def test_a_picture_is_as_explicit_as_its_prompt_says(
    client: NovelAIClient, prompt: str, explicit: float, model: Model
) -> None:
    """The pretend NovelAI draws those tags like any others."""
    rating = await PretendClassifier().rate(await _drawn(client, prompt, model))

    assert pytest.approx(explicit) == rating.explicit
    assert pytest.approx(1 - explicit) == rating.drawing


async def test_it_fails_and_is_slow_when_it_is_told_to(client: NovelAIClient) -> None:
    """So that what happens then can be seen."""
    classifier = PretendClassifier(slow=0.05)
    unrateable, slow = await _drawn(client, "1girl, !unrateable"), await _drawn(client, "1girl, !slowrating")

    with pytest.raises(ClassifierError, match=r"rating\.failed"):
        await classifier.rate(unrateable)
    began = time.monotonic()
    with pytest.raises(ClassifierError, match=r"rating\.slow"):
        await classifier.rate(slow)
    assert time.monotonic() - began >= 0.05


@pytest.mark.parametrize("texts", [{}, {"Comment": "no JSON"}, {"Comment": "[1]"}, {"Comment": '{"prompt": 7}'}])
async def test_an_image_that_says_nothing_is_harmless(texts: dict[str, str]) -> None:
    """Whatever stands in its place."""
    assert (await PretendClassifier().rate(png(a_picture(), **texts))).explicit == 0.0


async def test_what_is_no_image_cannot_be_rated() -> None:
    """As with the real one."""
    with pytest.raises(ClassifierError, match=r"rating\.unreadable"):
        await PretendClassifier().rate(b"no image")
