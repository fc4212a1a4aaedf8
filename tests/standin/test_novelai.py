"""The pretend NovelAI is as strict as the real one, and its pictures hold what a real one's hold."""

import asyncio
import io
import json
from typing import Any

import pytest
from PIL import Image

from bot.imaging.inspection import inspect_image
from bot.imaging.signature import STANDIN
from bot.standin.novelai import NovelAI
from tests.standin.wire import Wire, a_body


async def test_a_picture_is_signed_and_says_its_settings(wire: Wire) -> None:
    """PNG text and alpha carry the same signed Comment."""
    [image] = await wire.images(a_body(width=832, height=1216))

    found = inspect_image(image, trusted=STANDIN)
    assert ("signed", 2, (832, 1216)) == (found.verdict.value, len(found.claims), (found.width, found.height))
    assert {7} == {claim.settings["seed"] for claim in found.claims}
    assert "RGBA" == Image.open(io.BytesIO(image)).mode


async def test_one_seed_is_one_picture(wire: Wire) -> None:
    """The same request draws the same pixels; another seed draws others; samples count up from the seed."""
    first, again = await wire.images(a_body()), await wire.images(a_body())
    two = await wire.images(a_body(n_samples=2))

    def pixels(image: bytes) -> bytes:
        return Image.open(io.BytesIO(image)).convert("RGB").tobytes()

    assert pixels(first[0]) == pixels(again[0]) == pixels(two[0])
    assert pixels(two[0]) != pixels(two[1])
    assert pixels(two[1]) == pixels((await wire.images(a_body(seed=8)))[0])


BAD: list[tuple[dict[str, Any], int]] = [
    ({"width": 65}, 400),
    ({"width": 4096, "height": 4096}, 400),
    ({"steps": 51}, 400),
    ({"steps": 1.5}, 400),
    ({"scale": 11}, 400),
    ({"seed": -1}, 400),
    ({"seed": 2**32}, 400),
    ({"sampler": "k_dpm_fast"}, 400),
    ({"noise_schedule": "fast"}, 400),
    ({"n_samples": 5, "width": 832, "height": 1216}, 400),
    ({"width": True}, 400),
    ({"negative_prompt": 5}, 400),
]


@pytest.mark.parametrize(("wrong", "status"), BAD)
async def test_what_the_service_refuses_is_refused_unbilled(
    wire: Wire, novelai: tuple[NovelAI, str], wrong: dict[str, Any], status: int
) -> None:
    """In the service's own form, and at no cost."""
    found, answer = await wire.post(a_body(**wrong))

    assert (status, status) == (found, json.loads(answer)["statusCode"])
    assert 10_000 == novelai[0].account.anlas


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({**a_body(), "model": "nai-diffusion-9"}, 400),
        ({**a_body(), "input": ""}, 500),
        ({**a_body(), "action": "fly"}, 400),
        ({**a_body(), "model": "nai-diffusion-4-5-full"}, 500),
        ([], 400),
        ({**a_body(), "parameters": None}, 400),
    ],
)
async def test_misshapen_requests(wire: Wire, body: object, status: int) -> None:
    """A missing model, an empty input, a V4 request without its prompt block."""
    assert status == (await wire.post(body))[0]


async def test_unknown_parameters_are_ignored_and_tokens_are_not(wire: Wire) -> None:
    """As the service does."""
    assert 200 == (await wire.post(a_body(whatever=1)))[0]
    assert 401 == (await wire.post(a_body(), token="pst-other"))[0]


async def test_one_generation_at_a_time(wire: Wire, novelai: tuple[NovelAI, str]) -> None:
    """A second one meanwhile gets 429, unbilled, and the first comes through."""
    service, _ = novelai
    async with service.hold():
        first = asyncio.create_task(wire.post(a_body()))
        await asyncio.sleep(0.2)
        second, _ = await wire.post(a_body())
    assert (200, 429) == ((await first)[0], second)


async def test_an_expensive_request_is_billed_and_not_refused(wire: Wire, novelai: tuple[NovelAI, str]) -> None:
    """Large costs 30 even on Opus; an empty account gets 402."""
    service, _ = novelai
    await wire.images(a_body(width=1024, height=1536))
    assert 9_970 == service.account.anlas

    service.account.anlas = 3
    assert 402 == (await wire.post(a_body(width=1024, height=1536)))[0]


@pytest.mark.parametrize("status", [400, 401, 402, 403, 409, 429, 500, 503])
async def test_faults_by_tag_and_by_name(wire: Wire, novelai: tuple[NovelAI, str], status: int) -> None:
    """`!503` in the prompt fails that request; `fail_next` fails the next one; neither is billed."""
    service, _ = novelai
    assert status == (await wire.post({**a_body(), "input": f"1girl, !{status}, sky"}))[0]
    service.fail_next(status)
    assert status == (await wire.post(a_body()))[0]
    assert 200 == (await wire.post(a_body()))[0]
    assert 10_000 == service.account.anlas
