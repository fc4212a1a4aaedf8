"""
The README's pictures of `/inspect`, made anew: ``python -m tests.shell.portraits [FOLDER]``.

A picture is drawn in the practice room, and inspected there as it came, painted over, and without its text.
"""

import asyncio
import io
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from PIL import Image, ImageDraw, PngImagePlugin

from tests.shell.browser import Visitor, chromium, visiting
from tests.shell.room import ROOT
from tests.stage import STUDIO, open_stage

FOLDER = ROOT / "deploy" / "pictures"
WISH = {"prompt": "1girl, cherry blossoms, smile", "seed": 1_234_567, "uc_preset": "none", "quality_tags": False}
WINDOW = {"width": 720, "height": 1060}
QUALITY = 85


def painted_over(data: bytes) -> bytes:
    """The picture with a moustache; its text and its alpha channel are kept."""
    image = Image.open(io.BytesIO(data))
    texts = PngImagePlugin.PngInfo()
    for name, text in image.text.items():  # type: ignore[attr-defined]
        texts.add_text(name, text)
    *colours, alpha = image.split()
    changed = Image.merge("RGB", colours)
    middle, height = image.width // 2, image.height // 3
    ImageDraw.Draw(changed).ellipse((middle - 60, height, middle + 60, height + 30), fill=(40, 30, 30))
    return _png(Image.merge("RGBA", (*changed.split(), alpha)), texts)


def without_text(data: bytes) -> bytes:
    """The same pixels, as many sites leave them."""
    return _png(Image.open(io.BytesIO(data)), PngImagePlugin.PngInfo())


def _png(image: Image.Image, texts: PngImagePlugin.PngInfo) -> bytes:
    made = io.BytesIO()
    image.save(made, "PNG", pnginfo=texts)
    return made.getvalue()


async def make(folder: Path) -> None:
    """Write ``signed.jpg``, ``altered.jpg`` and ``stripped.jpg``."""
    with tempfile.TemporaryDirectory() as kept:
        async with open_stage(Path(kept), config=STUDIO) as stage:
            await stage.answered(await stage.slash("generate", **WISH))
            [drawn] = stage.pictures()
            every = {"signed": drawn, "altered": painted_over(drawn), "stripped": without_text(drawn)}
            async with chromium() as browser, visiting(browser, stage.discord.address, viewport=WINDOW) as visitor:
                await _inspect_all(visitor, every, folder)


async def _inspect_all(visitor: Visitor, pictures: Mapping[str, bytes], folder: Path) -> None:
    for name, data in pictures.items():
        await visitor.line.fill("/inspect")
        await visitor.line.press("Enter")
        file = {"name": f"{name}.png", "mimeType": "image/png", "buffer": data}
        await visitor.page.locator("#chips input[type=file]").set_input_files([file])  # type: ignore[list-item]
        await visitor.page.locator("#chips .file").wait_for()
        await visitor.page.locator("#send").click()
        answer = visitor.page.locator(".message.ephemeral").filter(has_text=f"{name}.png").last
        await answer.locator(".card").wait_for()
        await visitor.page.locator("#line").blur()
        await answer.screenshot(path=folder / f"{name}.jpg", type="jpeg", quality=QUALITY)


if __name__ == "__main__":
    asyncio.run(make(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
