"""Reads the body of a request: JSON, or the parts a browser sends (nai-api.md 1.5)."""

import asyncio
import base64
import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bot.standin.novelai.refusal import ServiceError, invalid

_SINGLE = ("image", "mask", "reference_image")
_MANY = ("reference_image_multiple", "director_reference_images")
_CACHED = ("reference_image_multiple_cached", "director_reference_images_cached")


async def body_of(request: web.Request) -> dict[str, Any]:
    """The JSON object, with every image in it as base64. Raises `ServiceError` 400 or 413."""
    try:
        if request.content_type != "multipart/form-data":
            return await asyncio.to_thread(_object, await request.read())
        parts = await _parts(request)
    except web.HTTPRequestEntityTooLarge as error:
        raise ServiceError(413) from error
    if "request" not in parts:
        raise invalid("the part request is missing")
    return _joined(_object(parts["request"]), parts)


def _object(data: bytes) -> dict[str, Any]:
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise invalid("the body must be JSON") from error
    if not isinstance(body, dict):
        raise invalid("the body must be an object")
    return body


async def _parts(request: web.Request) -> dict[str, bytes]:
    try:
        form = await request.post()
    except (ValueError, AssertionError) as error:
        raise invalid("the parts cannot be read") from error
    return {
        name: part.file.read() if isinstance(part, web.FileField) else str(part).encode() for name, part in form.items()
    }


def _joined(body: dict[str, Any], parts: Mapping[str, bytes]) -> dict[str, Any]:
    """*body*, with the names of parts replaced by what they hold. It has its images at the top or in parameters."""
    parameters = body.get("parameters")
    if isinstance(parameters, dict):
        return {**_filled(body, parts), "parameters": _filled(parameters, parts)}
    return _filled(body, parts)


def _filled(fields: dict[str, Any], parts: Mapping[str, bytes]) -> dict[str, Any]:
    _check_cache(fields)
    single = {name: _part(fields[name], parts) for name in _SINGLE if fields.get(name) is not None}
    many = {
        name: [_part(value, parts) for value in fields[name]] for name in _MANY if isinstance(fields.get(name), list)
    }
    cached = {
        name.removesuffix("_cached"): [_part(entry["data"], parts) for entry in fields[name]]
        for name in _CACHED
        if fields.get(name)
    }
    return {**fields, **single, **many, **cached}


def _part(name: object, parts: Mapping[str, bytes]) -> str:
    if not isinstance(name, str) or name not in parts:
        raise ServiceError(400, "image field references unknown form part")
    return base64.b64encode(parts[name]).decode()


def _check_cache(fields: Mapping[str, Any]) -> None:
    """Nothing is remembered here: an image that is named by its key alone must be sent again, as after a restart."""
    keys = [fields[name] for name in fields if name.endswith("_cache_secret_key") and not _has_data(fields, name)]
    for name in _CACHED:
        entries = fields.get(name) or []
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise invalid(f"{name} must be a list of objects")
        keys += [entry.get("cache_secret_key") for entry in entries if not entry.get("data")]
    if keys:
        raise ServiceError(400, "INVALID_CACHE_KEYS", {"invalidKeys": keys})


def _has_data(fields: Mapping[str, Any], key: str) -> bool:
    return fields.get(key.removesuffix("_cache_secret_key")) is not None
