"""Points `novelai-sdk` (JSON, SSE) at a stand-in: ``with_novelai_sdk.py http://127.0.0.1:PORT``."""

import base64
import io
import sys

from novelai import NovelAI
from novelai.types import (
    Character,
    CharacterReference,
    ControlNet,
    ControlNetImage,
    GenerateImageParams,
    GenerateImageStreamParams,
    I2iParams,
    InpaintParams,
)
from novelai.types.user.tags import SuggestTagsParams
from novelai.types.user.tools import UpscaleParams
from PIL import Image

PEOPLE = [Character(prompt="girl, red hair", position="B3"), Character(prompt="boy", negative_prompt="hat")]


def main(address: str) -> None:
    """Generate, over a source, in a mask, with references and vibes; stream, upscale, tools, tags, balance."""
    client = NovelAI(api_key="pst-standin", image_base=address)
    for model in ("nai-diffusion-3", "nai-diffusion-4-full", "nai-diffusion-4-5-full", "nai-diffusion-5-full"):
        people = None if model == "nai-diffusion-3" else PEOPLE
        [image] = client.image.generate(GenerateImageParams(prompt="night, river", model=model, characters=people))
        print(f"{model:24} {image.size} {image.format} {image.info.get('Source')}")
    source = image.convert("RGB")
    mask = Image.new("L", source.size)
    mask.paste(255, (200, 200, 520, 720))
    full = "nai-diffusion-4-5-full"
    reference = CharacterReference(image=source.resize((1024, 1536)), type="character", fidelity=0.5)
    vibe = ControlNet(images=[ControlNetImage(image=source)])
    told = {
        "img2img": {"model": full, "i2i": I2iParams(image=source, strength=0.5)},
        "inpaint": {"model": full, "inpaint": InpaintParams(image=source, mask=mask)},
        "reference": {"model": full, "character_references": [reference]},
        "vibe": {"model": full, "controlnet": vibe},
        "webp": {"model": full, "image_format": "webp"},
    }
    for name, parameters in told.items():
        before = client.user.get_anlas()
        [image] = client.image.generate(GenerateImageParams(prompt="sunset", **parameters))
        print(f"{name:12} {image.size} {image.format}, {before - client.user.get_anlas()} Anlas")

    chunks = list(client.image.generate_stream(GenerateImageStreamParams(prompt="starry sky", model=full)))
    final = Image.open(io.BytesIO(base64.b64decode(chunks[-1].image)))
    assert "final" == chunks[-1].event_type
    print(f"stream: {len(chunks) - 1} previews, final {final.size} {final.format}")

    [larger] = client.tools.upscale(UpscaleParams(image=source))
    print(f"upscale: {source.size} → {larger.size}")
    for name, made in {
        "line art": client.tools.line_art(source),
        "sketch": client.tools.sketch(source),
        "background": client.tools.remove_background(source),
        "declutter": client.tools.declutter(source),
        "colorize": client.tools.colorize(source, prompt="red"),
        "emotion": client.tools.emotion(source, emotion="happy"),
    }.items():
        print(f"{name:12} {[image.mode for image in made]}")
    tags = client.image.suggest_tags(SuggestTagsParams(prompt="cherry"))
    print("tags:", [tag.tag for tag in tags], "Anlas:", client.user.get_anlas())


main(sys.argv[1])
