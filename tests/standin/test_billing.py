"""The stand-in's price, written a second time from the facts, agrees with the shared table."""

import json
from typing import Any

import pytest

from bot.standin.novelai import billing
from tests.shared import shared
from tests.standin.wire import V5, V45


def test_every_case_of_the_table() -> None:
    """Generations, tools and upscaling, each with its factors."""
    cases = json.loads(shared("data/anlas-cases.json").read_text())["cases"]
    found = {case["id"]: _price(case["request"]) for case in cases}

    assert {case["id"]: case["recommended"] for case in cases} == found
    assert len(found) > 35


def _price(request: dict[str, Any]) -> int:
    if request.get("tool") == "upscale":
        return billing.upscale(request["width"], request["height"])
    if "tool" in request:
        return billing.tool(request["tool"], request["width"], request["height"], opus=request["opus"])
    opus = request["opus"] and not ("5-" in request["model"] and request.get("usage_negative"))
    return billing.anlas(request["model"], _parameters(request), opus=opus)


def _parameters(request: dict[str, Any]) -> dict[str, Any]:
    """The case as the parameters of a request."""
    wanted = {name: request[name] for name in ("width", "height", "steps", "n_samples")}
    wanted |= {name: request[name] for name in ("sm", "sm_dyn", "strength") if name in request}
    if "inpaint_strength" in request:
        wanted["inpaintImg2ImgStrength"] = request["inpaint_strength"]
    if request["action"] != "generate":
        wanted["image"] = "…"
    if request["action"] == "infill":
        wanted["mask"] = "…"
    wanted["reference_image_multiple"] = ["…"] * request.get("vibes", 0)
    wanted["director_reference_images"] = ["…"] * request.get("char_refs", 0)
    return wanted


SMALL = {"width": 832, "height": 1216, "steps": 28}


@pytest.mark.parametrize(
    ("model", "wanted", "opus", "price"),
    [
        # Worked by hand from nai-api.md 4; those that the table has not.
        (V45, {**SMALL, "reference_image_multiple": ["…"] * 5}, True, 2),
        (V45, {**SMALL, "director_reference_images": ["…"], "n_samples": 2}, True, 30),
        (V45, {**SMALL, "mask": "…", "image": "…", "strength": 0.5}, False, 20),
        ("nai-diffusion-3", {**SMALL, "sm": True, "image": "…", "strength": 0.5}, False, 10),
        ("nai-diffusion-5-full-medium", {"width": 1024, "height": 1536, "steps": 14}, False, 26),
        (V5, {"width": 2048, "height": 1536, "steps": 50}, False, 150),
        (V5, {**SMALL, "steps": 29}, True, 30),
    ],
)
def test_what_the_table_leaves_out(model: str, wanted: dict[str, Any], opus: bool, price: int) -> None:
    """Surcharges are never free; a mask without a strength costs the whole; what is too dear is billed all the same."""
    assert price == billing.anlas(model, wanted, opus=opus)


@pytest.mark.parametrize(
    ("area", "price"), [((1024, 1024), 1), ((1025, 1024), 2), ((1366, 1280), 3), ((2048, 1195), 4), ((2048, 1536), 4)]
)
def test_upscaling_goes_by_the_source(area: tuple[int, int], price: int) -> None:
    """The steps of 2026-08."""
    assert price == billing.upscale(*area)
