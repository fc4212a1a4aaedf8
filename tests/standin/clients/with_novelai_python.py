"""Points `novelai-python` (multipart, msgpack) at a stand-in: ``with_novelai_python.py http://127.0.0.1:PORT``."""

import asyncio
import base64
import io
import sys

from novelai_python import ApiCredential, GenerateImageInfer, Subscription
from novelai_python.sdk.ai.augment_image import AugmentImageInfer, Moods, ReqType
from novelai_python.sdk.ai.encode_vibe import EncodeVibe
from novelai_python.sdk.ai.generate_image import Character, Model
from novelai_python.sdk.ai.generate_image.schema import PositionMap
from novelai_python.sdk.ai.generate_image.suggest_tags import SuggestTags
from novelai_python.sdk.ai.upscale import Upscale
from novelai_python.tool.image_metadata import ImageMetadata
from PIL import Image
from pydantic import SecretStr

SESSION = ApiCredential(api_token=SecretStr("pst-standin"))
CHARACTERS = [
    Character(prompt="girl, red hair", uc="hat", center=PositionMap.B2),
    Character(prompt="boy, tall", uc="", center=PositionMap.D2),
]


def aimed(request, address):
    """*request*, sent to the stand-in."""
    request.endpoint = address
    return request


async def anlas(address) -> int:
    """What the account has left."""
    told = await aimed(Subscription(), address).request(SESSION)
    return told.trainingStepsLeft.fixedTrainingStepsLeft


async def made(request, address) -> bytes:
    """The first picture of *request*, with what its metadata says; the library's own price must be the bill."""
    price, before = request.calculate_cost(is_opus=True), await anlas(address)
    answer = await aimed(request, address).request(SESSION)
    [(name, data)] = answer.files
    spent = before - await anlas(address)
    assert price == spent, (price, spent)
    said = ImageMetadata.load_image(Image.open(io.BytesIO(data)))
    print(f"{request.model:44} {name} {len(data):8} bytes, {spent:3} Anlas, {said.Source}, {said.used_model}")
    return data


async def main(address: str) -> None:
    """Generate with each generation, over a source and in a mask, stream, upscale, the tools, vibes and tags."""
    for model in (Model.NAI_DIFFUSION_3, Model.NAI_DIFFUSION_4_FULL, Model.NAI_DIFFUSION_4_5_FULL):
        people = [] if model is Model.NAI_DIFFUSION_3 else CHARACTERS
        await made(GenerateImageInfer.build_generate("night, river", model=model, character_prompts=people), address)
    large = {"width": 1024, "height": 1536}
    for model in (Model.NAI_DIFFUSION_5_FULL, Model.NAI_DIFFUSION_5_FULL_MEDIUM, Model.NAI_DIFFUSION_5_CURATED):
        data = await made(
            GenerateImageInfer.build_generate("sunset", model=model, character_prompts=CHARACTERS, **large), address
        )
    source = await made(GenerateImageInfer.build_generate("1girl", model=Model.NAI_DIFFUSION_4_5_FULL), address)
    await made(
        GenerateImageInfer.build_img2img("snow", model=Model.NAI_DIFFUSION_5_FULL, image=source, strength=0.5), address
    )
    mask = io.BytesIO()
    Image.open(io.BytesIO(source)).convert("L").point(lambda _: 255).save(mask, "PNG")
    await made(
        GenerateImageInfer.build_infill(
            "moon", model=Model.NAI_DIFFUSION_4_5_FULL, image=source, mask=mask.getvalue(), strength=0.7
        ),
        address,
    )

    stream = aimed(GenerateImageInfer.build_generate("starry sky", model=Model.NAI_DIFFUSION_5_FULL), address)
    events = [event async for event in stream.request_stream(session=SESSION)]
    assert events[-1].is_final
    print(
        f"stream: {len(events) - 1} previews, first {len(events[0].image)} bytes, final {len(events[-1].image)} bytes"
    )

    larger = await aimed(Upscale(image=source), address).request(SESSION)
    _, picture = larger.files
    size = Image.open(io.BytesIO(source)).size
    print(f"upscale: {size} → {Image.open(io.BytesIO(picture)).size}")

    for tool in ReqType:
        if tool.value == "pixel-snap":  # never leaves the client
            continue
        moods = {"mood": Moods.Happy, "prompt": ""} if tool is ReqType.EMOTION else {}
        ready = AugmentImageInfer.build(image=source, req_type=tool, defry=0, **moods)
        before, price = await anlas(address), ready.calculate_cost(is_opus=True)
        answer = await aimed(ready, address).request(SESSION)
        assert before - price == await anlas(address), tool
        print(f"{tool.value:24} {len(answer.files)} pictures, {price} Anlas")

    vibe = await aimed(EncodeVibe(image=source), address).request(SESSION)
    await made(
        GenerateImageInfer.build_generate(
            "field", model=Model.NAI_DIFFUSION_4_5_FULL,
            reference_image_multiple=[base64.b64encode(vibe.vibe).decode()], reference_strength_multiple=[0.6],
            reference_information_extracted_multiple=[1.0],
        ),
        address,
    )  # fmt: skip
    tags = await aimed(SuggestTags(prompt="cherry"), address).request(SESSION)
    print("tags:", [tag.tag for tag in tags.tags], len(data))


asyncio.run(main(sys.argv[1]))
