"""Speaks to the pretend NovelAI over its socket, and builds requests that it takes."""

import base64
import io
import json
import struct
import zipfile
from typing import Any

import aiohttp
import msgspec
from PIL import Image

V45 = "nai-diffusion-4-5-full"
V5 = "nai-diffusion-5-full"


def a_body(**parameters: Any) -> dict[str, Any]:
    """A request of V3 that the service takes."""
    wanted = {
        "width": 64,
        "height": 64,
        "steps": 28,
        "scale": 5,
        "seed": 7,
        "sampler": "k_euler",
        "n_samples": 1,
        **parameters,
    }
    return {"input": "1girl", "model": "nai-diffusion-3", "action": "generate", "parameters": wanted}


def a_prompt(text: str = "1girl", *characters: str, centers: bool = True) -> dict[str, Any]:
    """A structured prompt; its characters stand in the middle."""
    at = [{"x": 0.5, "y": 0.5}] if centers else []
    captions = [{"char_caption": character, "centers": at} for character in characters]
    return {"caption": {"base_caption": text, "char_captions": captions}, "use_coords": False, "use_order": True}


def a_structured_body(model: str = V45, *characters: str, **parameters: Any) -> dict[str, Any]:
    """A request of V4 or later that the service takes."""
    prompts = {
        "sampler": "k_euler_ancestral",
        "v4_prompt": a_prompt("1girl", *characters),
        "v4_negative_prompt": a_prompt("lowres", *("" for _ in characters)),
        "negative_prompt": "lowres",
    }
    return {**a_body(**{**prompts, **parameters}), "model": model}


def a_picture(size: tuple[int, int] = (64, 64), colour: str = "teal") -> str:
    """A PNG as base64."""
    return encoded(Image.new("RGB", size, colour))


def encoded(image: Image.Image) -> str:
    """*image* as a PNG in base64."""
    packed = io.BytesIO()
    image.save(packed, "PNG")
    return base64.b64encode(packed.getvalue()).decode()


def opened(image: bytes) -> Image.Image:
    """The picture with its pixels and all its text read."""
    picture = Image.open(io.BytesIO(image))
    picture.load()
    return picture


def comment_of(image: bytes) -> dict[str, Any]:
    """The Comment in a PNG's text."""
    found: dict[str, Any] = json.loads(opened(image).info["Comment"])
    return found


class Wire:
    """A connection to one stand-in."""

    def __init__(self, session: aiohttp.ClientSession, address: str) -> None:
        self._session = session
        self.address = address

    async def post(
        self,
        body: object,
        *,
        path: str = "/ai/generate-image",
        token: str = "pst-standin",
        accept: str = "*/*",
        form: aiohttp.FormData | None = None,
        origin: str | None = None,
    ) -> tuple[int, bytes]:
        """Status and body."""
        headers = {"Authorization": f"Bearer {token}", "Accept": accept}
        if origin is not None:
            headers["Origin"] = origin
        if form is None:
            headers["Content-Type"] = "application/json"
        data = io.BytesIO(json.dumps(body).encode()) if form is None else form
        async with self._session.post(self.address + path, headers=headers, data=data) as response:
            return response.status, await response.read()

    async def get(self, path: str, token: str | None = None) -> tuple[int, Any]:
        """Status and JSON."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with self._session.get(self.address + path, headers=headers) as response:
            return response.status, await response.json()

    async def subscription(self) -> Any:
        """What the account says of itself."""
        status, told = await self.get("/user/subscription", "pst-standin")
        assert 200 == status
        return told

    async def images(self, body: object, path: str = "/ai/generate-image") -> list[bytes]:
        """The pictures of a good request."""
        status, answer = await self.post(body, path=path)
        assert 200 == status, answer[:300]
        with zipfile.ZipFile(io.BytesIO(answer)) as archive:
            return [archive.read(name) for name in archive.namelist()]

    async def events(self, body: dict[str, Any], kind: str = "msgpack") -> list[dict[str, Any]]:
        """The events of a good stream."""
        wanted = {**body, "parameters": {**body["parameters"], "stream": kind}}
        status, answer = await self.post(wanted, path="/ai/generate-image-stream")
        assert 200 == status, answer[:300]
        return unpacked(answer) if kind == "msgpack" else told(answer)


def unpacked(answer: bytes) -> list[dict[str, Any]]:
    """The events of a msgpack stream. Raises ValueError for half a frame."""
    events, at = [], 0
    while at < len(answer):
        [length] = struct.unpack_from(">I", answer, at)
        if at + 4 + length > len(answer):
            raise ValueError("half a frame")
        events.append(msgspec.msgpack.decode(answer[at + 4 : at + 4 + length]))
        at += 4 + length
    return events


def told(answer: bytes) -> list[dict[str, Any]]:
    """The events of SSE, their images decoded."""
    events = []
    for block in filter(None, answer.decode().split("\n\n")):
        name, data = block.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['event_type']}"
        events.append({**event, **({"image": base64.b64decode(event["image"])} if "image" in event else {})})
    return events
