"""Director tools, upscaling, vibes, tags and the account: what they take, cost and change."""

import asyncio
import base64
import io
import json
import zipfile
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat

from bot.standin.novelai import NovelAI
from bot.standin.novelai.director import TOOLS
from tests.shared import shared
from tests.standin.wire import V45, Wire, a_body, a_picture, a_structured_body, comment_of, encoded, opened

AUGMENT, UPSCALE, ENCODE = "/ai/augment-image", "/ai/upscale", "/ai/encode-vibe"
SIZE = (256, 192)


def a_scene() -> Image.Image:
    """Something with edges, colours and small things."""
    scene = Image.linear_gradient("L").resize(SIZE).convert("RGB")
    scene.paste((200, 60, 40), (40, 40, 120, 150))
    scene.paste((250, 250, 250), (150, 30, 153, 33))
    return scene


def a_wish(name: str, **fields: Any) -> dict[str, Any]:
    """A request for a director tool."""
    prompt = {"prompt": "happy;;smile"} if name == "emotion" else {}
    body = {"req_type": name, "width": SIZE[0], "height": SIZE[1], "image": encoded(a_scene())}
    return {**body, **prompt, **fields}


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean levels by which two pictures differ."""
    return float(sum(ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).mean) / 3)


@pytest.mark.parametrize("name", TOOLS)
async def test_every_tool_changes_the_picture(wire: Wire, name: str) -> None:
    """It has the source's size, says which tool it was, and is neither the source nor something else altogether."""
    files = await wire.images(a_wish(name), AUGMENT)

    made = opened(files[0])
    assert ("AI augmented image", SIZE, {"req_type": name}) == (made.info["Title"], made.size, comment_of(files[0]))
    assert ("Generation time" in made.info, "Source" in made.info) == (True, False)
    if name != "bg-removal":
        assert ("RGB", 1, True) == (made.mode, len(files), difference(made, a_scene()) > 0.05)


async def test_each_tool_does_its_own(wire: Wire) -> None:
    """Lines are grey, colours come from the prompt, defry weakens, clutter goes, a background becomes see-through."""

    async def made(name: str, **fields: Any) -> list[Image.Image]:
        return [opened(file) for file in await wire.images(a_wish(name, **fields), AUGMENT)]

    for name in ("lineart", "sketch"):
        [drawn] = await made(name)
        red, _, blue = drawn.split()
        assert red.tobytes() == blue.tobytes()
        assert ImageStat.Stat(drawn).mean[0] > 100
    [one], [other] = await made("colorize", prompt="red"), await made("colorize", prompt="blue")
    assert difference(one, other) > 5
    [strong], [weak] = await made("emotion", defry=0), await made("emotion", defry=5)
    assert difference(strong, a_scene()) > difference(weak, a_scene()) > 0
    [tidy] = await made("declutter")
    assert max(tidy.getpixel((151, 31))) < 240  # type: ignore[arg-type]
    [kept] = await made("declutter-keep-bubbles")
    assert (250, 250, 250) == kept.getpixel((151, 31))
    masked, generated, blend = await made("bg-removal")
    assert ("RGBA", "RGB", "RGB") == (masked.mode, generated.mode, blend.mode)
    assert (0, 255) == masked.getchannel("A").getextrema()
    assert (255, 255, 255) == blend.getpixel((0, 0))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (a_wish("pixel-snap"), 400),
        (a_wish("lineart", width=64), 500),
        (a_wish("lineart", image=None), 400),
        (a_wish("lineart", width=1, height=1, image=a_picture((1, 1))), 500),
        (a_wish("emotion", prompt="furious;;"), 400),
        (a_wish("emotion", prompt=None), 400),
        (a_wish("emotion", prompt="happy"), 400),
        (a_wish("colorize", defry=6), 400),
        (a_wish("colorize", prompt="red " * 76), 500),
    ],
)
async def test_tools_refuse(wire: Wire, novelai: tuple[NovelAI, str], body: dict[str, Any], status: int) -> None:
    """Unbilled."""
    assert status == (await wire.post(body, path=AUGMENT))[0]
    assert 10_000 == novelai[0].account.anlas


async def test_what_tools_cost(wire: Wire, novelai: tuple[NovelAI, str]) -> None:
    """On Opus a small picture is free but for its background; without it nothing is."""
    service, _ = novelai
    await wire.images(a_wish("sketch"), AUGMENT)
    assert 10_000 == service.account.anlas
    await wire.images(a_wish("bg-removal"), AUGMENT)
    assert 9_935 == service.account.anlas
    service.account.tier = 1
    await wire.images(a_wish("sketch"), AUGMENT)
    assert 9_915 == service.account.anlas


async def test_a_tool_as_it_was_captured(wire: Wire, novelai: tuple[NovelAI, str]) -> None:
    """The same request, the same texts in the answer."""
    captured = json.loads(shared("data/captures.json").read_text())["d-lineart"]
    body = {**captured["request"], "image": a_picture((832, 1216))}
    [file] = await wire.images(body, AUGMENT)

    png, texts = captured["response"]["png"], dict(captured["response"]["png"]["text"])
    made = opened(file)
    assert (png["width"], png["height"]) == made.size
    assert set(texts) == set(made.info)
    assert texts["Comment"] == comment_of(file)
    assert captured["anlas_spent"] == novelai[0].calls[-1].billed


async def test_upscaling_as_it_was_captured(wire: Wire, novelai: tuple[NovelAI, str]) -> None:
    """Twice the size for 1 Anlas, RGBA, and the texts of the source go over."""
    captured = json.loads(shared("data/captures.json").read_text())["p1-upscale"]
    [source] = await wire.images(a_structured_body(width=832, height=1216))
    body = {**captured["request"], "image": base64.b64encode(source).decode()}
    [file] = await wire.images(body, UPSCALE)

    png, made = captured["response"]["png"], opened(file)
    assert ((png["width"], png["height"]), "RGBA") == (made.size, made.mode)
    assert set(png["text"]) <= set(made.info)
    assert comment_of(source) == comment_of(file)
    assert captured["anlas_spent"] == novelai[0].calls[-1].billed
    assert difference(made.resize((832, 1216)), opened(source)) < 8


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"model": V45}, "doesn't support standalone upscaling"),
        ({"model": "nai-diffusion-9"}, "doesn't exist"),
        ({"model": None}, "doesn't exist"),
        ({"declared_blur_sigma": 0.2}, "declared_blur_sigma"),
        ({"image": None}, "image"),
        ({"image": a_picture((2_048, 1_600))}, "too large"),
    ],
)
async def test_upscaling_refuses(wire: Wire, wrong: dict[str, Any], said: str) -> None:
    """Other models than V5's, and what is too large."""
    good = {"image": a_picture(), "model": "nai-diffusion-5-full", "declared_blur_sigma": 0}
    status, answer = await wire.post({**good, **wrong}, path=UPSCALE)
    assert (400, True) == (status, said in json.loads(answer)["message"])


async def test_upscaling_answers_with_json_too(wire: Wire) -> None:
    """To who accepts it."""
    body = {"image": a_picture(), "model": "nai-diffusion-5-full", "declared_blur_sigma": 0.35}
    _, answer = await wire.post(body, path=UPSCALE, accept="application/json")
    [row] = json.loads(answer)["images"]
    assert (128, 128) == opened(base64.b64decode(row["image"])).size


async def test_a_vibe_is_encoded_once_and_used(wire: Wire, novelai: tuple[NovelAI, str]) -> None:
    """2 Anlas for the encoding; it changes the picture, and stands whole in the text but not in alpha."""
    service, _ = novelai
    body = {"image": a_picture(), "model": V45, "information_extracted": 0.7}
    (status, vibe), (_, again) = await wire.post(body, path=ENCODE), await wire.post(body, path=ENCODE)
    _, other = await wire.post({**body, "information_extracted": 1}, path=ENCODE)
    assert (200, 48_918, True, False) == (status, len(vibe), vibe == again, vibe == other)
    assert 9_994 == service.account.anlas

    encoding = base64.b64encode(vibe).decode()
    size = {"width": 256, "height": 256}
    lent = a_structured_body(reference_image_multiple=[encoding], reference_strength_multiple=[0.6], **size)
    [with_it], [without] = await wire.images(lent), await wire.images(a_structured_body(**size))
    assert difference(opened(with_it), opened(without)) > 1
    assert ([encoding], [0.6]) == (
        comment_of(with_it)["reference_image_multiple"],
        comment_of(with_it)["reference_strength_multiple"],
    )
    assert 9_994 == service.account.anlas


@pytest.mark.parametrize("wrong", [{"model": "nai-diffusion-5-full"}, {"model": "nai-diffusion-3"}, {"image": "?"}])
async def test_encoding_refuses(wire: Wire, wrong: dict[str, Any]) -> None:
    """Models without encoded vibes."""
    body = {"image": a_picture(), "model": V45, "information_extracted": 1, **wrong}
    assert 400 == (await wire.post(body, path=ENCODE))[0]


async def test_tags_need_no_token(wire: Wire) -> None:
    """Objects in English, a bare list in Japanese."""
    path = f"/ai/generate-image/suggest-tags?model={V45}&prompt="
    status, told = await wire.get(f"{path}1girl, cherry")
    assert (200, [{"tag": "cherry blossoms", "count": 10_000, "confidence": 0.4}]) == (status, told["tags"])
    _, told = await wire.get(f"{path}%E5%A4%9C&lang=jp")
    assert [("夜", "night"), ("夜空", "night sky")] == [(row["jp_tag"], row["en_tag"]) for row in told]
    assert 400 == (await wire.get("/ai/generate-image/suggest-tags?model=x&prompt=a"))[0]


async def test_the_subscription_has_the_live_shape(wire: Wire) -> None:
    """The keys of nai-api.md 1.8, and what was captured."""
    captured = json.loads(shared("data/captures.json").read_text())["subscription"]["seen"]
    told = await wire.subscription()
    assert set(captured) <= set(told)
    assert {name: set(value) for name, value in captured.items() if isinstance(value, dict)} == {
        name: set(told[name]) for name, value in captured.items() if isinstance(value, dict)
    }
    assert captured["usage"] == told["usage"]
    assert 401 == (await wire.get("/user/data", "pst-other"))[0]
    assert told == {**(await wire.get("/user/data", "pst-standin"))[1]["subscription"], "expiresAt": told["expiresAt"]}


async def test_tools_wait_their_turn(wire: Wire, novelai: tuple[NovelAI, str]) -> None:
    """They hold the account as a picture does, and fail on request as one does."""
    service, _ = novelai
    async with service.hold():
        first = asyncio.create_task(wire.post(a_wish("sketch"), path=AUGMENT))
        await asyncio.sleep(0.1)
        assert 429 == (await wire.post(a_body()))[0]
    assert 200 == (await first)[0]
    assert 503 == (await wire.post(a_wish("colorize", prompt="red, !503"), path=AUGMENT))[0]
    service.fail_next("emptyzip")
    _, answer = await wire.post(a_wish("sketch"), path=AUGMENT)
    assert [] == zipfile.ZipFile(io.BytesIO(answer)).namelist()
