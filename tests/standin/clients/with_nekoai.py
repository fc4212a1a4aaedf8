"""Points `nekoai-api` (JSON, msgpack) at a stand-in: ``with_nekoai.py http://127.0.0.1:PORT``."""

import asyncio
import base64
import sys

from nekoai import NovelAI
from nekoai.constant import Action, Model, Resolution
from nekoai.exceptions import APIError


async def main(address: str) -> None:
    """Generate by ZIP and by msgpack, stream, tools, tags, balance. Its upscaling is the old one, now refused."""
    async with NovelAI(token="pst-standin", host=address, api_host=address) as client:
        for model in (Model.V3, Model.V4_CUR, Model.V4, Model.V4_5):
            [image] = await client.generate_image(
                prompt="night, river", model=model, res_preset=Resolution.NORMAL_PORTRAIT
            )
            print(f"{model.value:34} {len(image.data)} bytes")
        source = base64.b64encode(image.data).decode()
        [image] = await client.generate_image(
            prompt="sunset", model=Model.V4_5, action=Action.IMG2IMG, image=source, strength=0.5,
            width=832, height=1216,
        )  # fmt: skip
        print(f"img2img {len(image.data)} bytes")
        seen = [event async for event in client.generate_image_stream(prompt="starry sky", model=Model.V4_5)]
        kinds = [event.event_type.value for event in seen]
        print(f"stream: {kinds.count('intermediate')} previews, then {kinds[-1]}")
        for tool in (client.lineart, client.sketch, client.declutter, client.background_removal):
            print(f"{tool.__name__} {len((await tool(source)).data)} bytes")
        try:
            await client.upscale(source)
        except APIError as error:
            print("upscale without a model is refused, as the service does:", str(error)[:60].replace("\n", " "))
        print("tags:", await client.suggest_tags("cherry", model=Model.V4_5))
        told = await client.get_subscription()
        print("Anlas:", told["trainingStepsLeft"]["fixedTrainingStepsLeft"])


asyncio.run(main(sys.argv[1]))
