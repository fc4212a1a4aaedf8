"""What the pretend NovelAI takes and what it refuses, generation by generation, as the real one does."""

import asyncio
import base64
import io
import json
from typing import Any

import aiohttp
import pytest
from PIL import Image

from bot.standin.novelai import NovelAI
from bot.standin.novelai.catalogue import MODELS
from tests.shared import shared
from tests.standin.wire import (
    V5,
    V45,
    Wire,
    a_body,
    a_picture,
    a_prompt,
    a_structured_body,
    comment_of,
    encoded,
    opened,
)

VIBE = base64.b64encode(b"encoding" * 200).decode()
V4_FULL = "nai-diffusion-4-full"


@pytest.mark.parametrize("model", MODELS)
async def test_every_model_makes_pictures(wire: Wire, model: str) -> None:
    """Each with its action, and with its own name in the file."""
    kind = MODELS[model]
    body = a_structured_body(model) if kind.structured else {**a_body(sampler="k_euler_ancestral"), "model": model}
    if kind.only_infills:
        body["action"] = "infill"
        body["parameters"] |= {"image": a_picture(), "mask": a_picture(colour="white")}

    [image] = await wire.images(body)

    assert kind.source == opened(image).info["Source"]


@pytest.mark.parametrize("name", ["c12-v3-txt2img", "c03-v5full-txt2img", "c06-v45full-img2img"])
async def test_what_was_captured_is_taken(wire: Wire, novelai: tuple[NovelAI, str], name: str) -> None:
    """The site's own requests are answered with the same status, file and bill as the real ones."""
    captured = json.loads(shared("data/captures.json").read_text())[name]
    body = captured["request"]
    if "image" in body["parameters"]:
        body["parameters"]["image"] = a_picture((832, 1216))

    [image] = await wire.images(body)

    [call] = novelai[0].calls
    assert (captured["response"]["status"], captured["anlas_spent"]) == (call.status, call.billed)
    assert ("WEBP", (832, 1216)) == (opened(image).format, opened(image).size)


def _with(body: dict[str, Any], **top: Any) -> dict[str, Any]:
    return {**body, **top}


REFUSED: dict[str, tuple[dict[str, Any], int]] = {
    "V5 Curated has no inpainting id": (a_structured_body("nai-diffusion-5-curated-inpainting"), 400),
    "a base model does not infill": (_with(a_structured_body(image=a_picture()), action="infill"), 400),
    "an inpainting model does nothing else": (a_structured_body("nai-diffusion-4-5-full-inpainting"), 400),
    "V3's sampler on V4.5": (a_structured_body(sampler="ddim_v3"), 400),
    "Medium has one sampler": (a_structured_body("nai-diffusion-5-full-medium", sampler="k_euler"), 400),
    "guidance of V1 on V3": (a_body(scale=25), 400),
    "jpeg": (a_body(image_format="jpeg"), 400),
    "a kind of stream": (a_body(stream="websocket"), 400),
    "version 5": (a_body(params_version=5), 400),
    "no prompt block": (_with(a_body(sampler="k_euler"), model=V45), 500),
    "no negative block": (a_structured_body(v4_negative_prompt=None), 500),
    "a prompt block without caption": (a_structured_body(v4_prompt={"use_coords": False}), 500),
    "7 characters on V4.5": (a_structured_body(V45, *["girl"] * 7), 500),
    "7 characters on V4": (a_structured_body(V4_FULL, *["girl"] * 7), 500),
    "no centre on V4.5": (a_structured_body(v4_prompt=a_prompt("2girls", "girl", centers=False)), 500),
    "a centre outside": (
        a_structured_body(
            v4_prompt={
                "caption": {
                    "base_caption": "1girl",
                    "char_captions": [{"char_caption": "girl", "centers": [{"x": 1.5, "y": 0.5}]}],
                }
            }
        ),
        400,
    ),
    "img2img without an image": (_with(a_body(strength=0.5), action="img2img"), 400),
    "an image of another size": (_with(a_body(image=a_picture((128, 64))), action="img2img"), 500),
    "an image that is none": (_with(a_body(image="AAAA"), action="img2img"), 500),
    "an image that is no base64": (_with(a_body(image="data:image/png;base64,AAAA"), action="img2img"), 400),
    "strength 1": (_with(a_body(image=a_picture(), strength=1), action="img2img"), 400),
    "noise 1": (_with(a_body(image=a_picture(), noise=1), action="img2img"), 400),
    "a small mask on V4.5": (
        _with(
            a_structured_body("nai-diffusion-4-5-full-inpainting", image=a_picture(), mask=a_picture((8, 8))),
            action="infill",
        ),
        500,
    ),
    "vibes on V5": (
        a_structured_body(V5, reference_image_multiple=[VIBE], reference_strength_multiple=[0.6]),
        500,
    ),
    "a picture for a vibe on V4.5": (
        a_structured_body(reference_image_multiple=[a_picture()], reference_strength_multiple=[0.6]),
        400,
    ),
    "vibes without strengths": (a_structured_body(reference_image_multiple=[VIBE]), 400),
    "17 vibes": (
        a_structured_body(reference_image_multiple=[VIBE] * 17, reference_strength_multiple=[0.1] * 17),
        400,
    ),
    "vibes on V3 without information": (
        a_body(reference_image_multiple=[a_picture()], reference_strength_multiple=[0.6]),
        400,
    ),
    "a reference on V5": (a_structured_body(V5, director_reference_images=[a_picture()]), 400),
    "a reference without its lists": (a_structured_body(director_reference_images=[a_picture()]), 400),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_refused(wire: Wire, novelai: tuple[NovelAI, str], name: str) -> None:
    """In the service's form, at no cost, and the account is free for the next."""
    body, status = REFUSED[name]
    found, answer = await wire.post(body)

    assert (status, status) == (found, json.loads(answer)["statusCode"]), answer
    assert 10_000 == novelai[0].account.anlas
    assert 200 == (await wire.post(a_body()))[0]


TAKEN: dict[str, dict[str, Any]] = {
    "33 characters on V5": a_structured_body(V5, *["girl"] * 33),
    "6 on V4.5": a_structured_body(V45, *["girl"] * 6),
    "no centre on V5": a_structured_body(V5, v4_prompt=a_prompt("2girls", "girl", centers=False)),
    "a prompt far too long": a_structured_body(v4_prompt=a_prompt("girl, " * 2_000)),
    "guidance 25 on V1": {**a_body(scale=25), "model": "nai-diffusion"},
    "version 3 with its numbers": a_structured_body(params_version=3, ucPreset=0, qualityToggle=True),
    "Variety+ on V5 is ignored": a_structured_body(V5, skip_cfg_above_sigma=58),
    "V2 infills under its own id": {
        **a_body(image=a_picture(), mask=a_picture(colour="white")),
        "model": "nai-diffusion-2",
        "action": "infill",
    },
    "a small mask on V3": {
        **a_body(image=a_picture(), mask=a_picture((8, 8), "white")),
        "model": "nai-diffusion-3-inpainting",
        "action": "infill",
    },
}


@pytest.mark.parametrize("name", TAKEN)
async def test_taken(wire: Wire, name: str) -> None:
    """What one might expect to be refused, and is not."""
    assert 1 == len(await wire.images(TAKEN[name]))


async def test_a_reference_must_lie_on_a_canvas(wire: Wire, novelai: tuple[NovelAI, str]) -> None:
    """1024×1536 costs 5 and shows by its numbers alone; another size is refused."""

    def body(size: tuple[int, int]) -> dict[str, Any]:
        return a_structured_body(
            director_reference_images=[a_picture(size)],
            director_reference_descriptions=[{"caption": {"base_caption": "character", "char_captions": []}}],
            director_reference_information_extracted=[1],
            director_reference_strength_values=[1],
            director_reference_secondary_strength_values=[0.5],
        )

    [image] = await wire.images(body((1024, 1536)))
    comment = comment_of(image)
    assert ([1.0], [0.5]) == (
        comment["director_reference_strengths"],
        comment["director_reference_secondary_strengths"],
    )
    assert 9_995 == novelai[0].account.anlas
    status, answer = await wire.post(body((1024, 1024)))
    assert (400, True) == (status, b"Error encoding v4 director references" in answer)


async def test_the_picture_depends_on_what_was_asked(wire: Wire) -> None:
    """Model, prompt, seed and characters each make another one."""
    bodies = [
        a_structured_body(),
        a_structured_body(V4_FULL),
        a_structured_body(seed=8),
        {**a_structured_body(), "input": "1girl, night"},
        a_structured_body(V45, "girl, red hair"),
    ]
    pictures = [opened((await wire.images(body))[0]).convert("RGB").tobytes() for body in bodies]
    assert len(bodies) == len(set(pictures))


async def test_a_source_shows_through(wire: Wire) -> None:
    """The lower the strength, the nearer to the source."""
    source = Image.new("RGB", (64, 64), "teal")

    async def distance(strength: float) -> float:
        body = {**a_body(image=encoded(source), strength=strength), "action": "img2img"}
        made = opened((await wire.images(body))[0]).convert("RGB")
        return sum(abs(a - b) for a, b in zip(made.tobytes(), source.tobytes(), strict=True))

    assert 0 < await distance(0.2) < await distance(0.5) < await distance(0.9)


async def test_only_the_mask_is_painted(wire: Wire) -> None:
    """White blocks change, the rest is the source to the byte."""
    source, mask = Image.new("RGB", (128, 128), "teal"), Image.new("L", (128, 128))
    mask.paste(255, (32, 48, 96, 128))
    body = a_structured_body(
        "nai-diffusion-4-5-full-inpainting", width=128, height=128, image=encoded(source), mask=encoded(mask)
    )
    made = opened((await wire.images({**body, "action": "infill"}))[0]).convert("RGB")

    outside = Image.composite(source, made, mask)
    assert source.tobytes() == outside.tobytes()
    assert made.crop((32, 48, 96, 128)).tobytes() != source.crop((32, 48, 96, 128)).tobytes()


async def test_a_background_goes_on_v5_alone(wire: Wire) -> None:
    """About seven tenths see-through where the prompt asks for it."""

    async def clear(model: str) -> float:
        body = a_structured_body(model, width=512, height=768)
        made = opened((await wire.images({**body, "input": "1girl, transparent background"}))[0])
        alpha = made.getchannel("A").tobytes()
        return sum(value < 2 for value in alpha) / len(alpha)

    assert 0.6 < await clear(V5) < 0.8
    assert 0 == await clear(V45)


async def test_json_and_seeds(wire: Wire) -> None:
    """Who accepts JSON gets the pictures in base64, each with its seed; the service draws a seed for 0."""
    status, answer = await wire.post(a_body(n_samples=2), accept="application/json")
    rows = json.loads(answer)["images"]
    assert (200, [(0, 7), (1, 8)]) == (status, [(row["index"], row["seed"]) for row in rows])
    assert [7, 8] == [comment_of(base64.b64decode(row["image"]))["seed"] for row in rows]

    _, answer = await wire.post(a_body(seed=0), accept="application/json")
    [row] = json.loads(answer)["images"]
    assert 0 < row["seed"] == comment_of(base64.b64decode(row["image"]))["seed"]


async def test_the_parts_of_a_browser(wire: Wire) -> None:
    """Images come as parts and are named in the JSON; one that is not there, or only remembered, is refused."""
    body = {**a_body(image="image", strength=0.5), "action": "img2img"}

    def form(request: dict[str, Any]) -> aiohttp.FormData:
        parts = aiohttp.FormData()
        picture = io.BytesIO(base64.b64decode(a_picture()))
        parts.add_field("image", picture, filename="blob", content_type="image/png")
        parts.add_field("request", json.dumps(request), filename="blob", content_type="application/json")
        return parts

    status, _ = await wire.post(None, form=form(body))
    assert 200 == status
    status, answer = await wire.post(None, form=form({**a_body(image=a_picture()), "action": "img2img"}))
    assert (400, True) == (status, b"unknown form part" in answer)
    remembered = {**a_body(image_cache_secret_key="abc"), "action": "img2img"}
    status, answer = await wire.post(None, form=form(remembered))
    assert (400, "INVALID_CACHE_KEYS", ["abc"]) == (
        status,
        json.loads(answer)["message"],
        json.loads(answer)["details"]["invalidKeys"],
    )


async def test_accounts_of_their_own(wire: Wire, novelai: tuple[NovelAI, str]) -> None:
    """Each token has its balance and its lock; a page of NovelAI may ask, any other may not."""
    service, _ = novelai
    async with service.hold():
        first = asyncio.create_task(wire.post(a_body()))
        await asyncio.sleep(0.1)
        assert 429 == (await wire.post(a_body()))[0]
        second = asyncio.create_task(wire.post(a_body(width=1024, height=1536), token="pst-standin-two"))
        await asyncio.sleep(0.1)
        assert 401 == (await wire.post(a_body(), token="pst-standin-"))[0]
    assert (200, 200) == ((await first)[0], (await second)[0])
    assert 10_000 == service.account.anlas
    assert (
        9_970
        == (await wire.get("/user/subscription", "pst-standin-two"))[1]["trainingStepsLeft"]["fixedTrainingStepsLeft"]
    )
    assert 200 == (await wire.post(a_body(), origin="https://novelai.net"))[0]
    assert 403 == (await wire.post(a_body(), origin="https://example.org"))[0]


async def test_the_account_needs_rest(wire: Wire, novelai: tuple[NovelAI, str]) -> None:
    """Too soon after the last is refused like a second one at once."""
    service, _ = novelai
    service.pace.rest = 60
    assert [200, 429] == [(await wire.post(a_body()))[0] for _ in range(2)]


async def test_v5_takes_from_the_bar(wire: Wire, novelai: tuple[NovelAI, str]) -> None:
    """A free V5 picture costs a part of it; below nothing V5 is not free any more, and V4.5 still is."""
    service, _ = novelai
    await wire.images(a_structured_body(V5))
    assert service.account.usage == pytest.approx(100 - 1 / 17.3, abs=0.001)
    service.account.usage = 0.01
    await wire.images(a_structured_body(V5))
    assert {"percent": 0, "isNegative": True, "timeUntilNextPercent": 7_888} == (await wire.subscription())["usage"]
    assert 10_000 == service.account.anlas

    await wire.images(a_structured_body(V5))
    await wire.images(a_structured_body())
    assert 9_998 == service.account.anlas


async def test_plans(wire: Wire, novelai: tuple[NovelAI, str]) -> None:
    """Below Opus nothing is free and there is no bar; without a plan nothing is made."""
    service, _ = novelai
    service.account.tier = 2
    await wire.images(a_body())
    assert (9_998, False) == (service.account.anlas, "usage" in await wire.subscription())
    service.account.active = False
    assert 402 == (await wire.post(a_body()))[0]


async def test_what_is_too_dear_is_billed(wire: Wire, novelai: tuple[NovelAI, str]) -> None:
    """The site refuses to ask for more than 140; the service takes it."""
    await wire.images(a_structured_body(V5, width=2048, height=1536, steps=50))
    assert 9_850 == novelai[0].account.anlas
