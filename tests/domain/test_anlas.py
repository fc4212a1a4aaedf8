"""The price is NovelAI's own, to the Anlas."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import wording
from bot.domain.anlas import PICTURE_MAX, UNKNOWN, Account, Price, Usage, is_free_form, price
from bot.domain.errors import Mistake, Refused
from bot.domain.features import offered
from bot.domain.inputs import Img2Img, Inpaint, Reference, Vibe
from bot.domain.model import CAPABILITIES, Model, Smea
from bot.domain.request import FREE_AREA, FREE_STEPS, Generate, Request, Size, free_form
from bot.domain.tools import Direct, DirectorTool, EncodeVibe, Mood, Upscale
from tests.builders import a_request
from tests.shared import SHARED

OPUS = Account(tier=3, active=True, anlas=10_000, usage=Usage(percent=100, is_negative=False))
USED_UP = replace(OPUS, usage=Usage(percent=0, is_negative=True))
LAPSED = replace(OPUS, active=False)
SCROLL = Account(tier=2, active=True, anlas=10_000)

ALL = "all six implementations, run 2026-11-23"
NP = "novelai-python 0.9.0 (2026-10), the web bundle's formula"
FIND = "balance before and after, 2026-09-24"
RECON = "balance before and after, 2026-10-02"
BUNDLE = "web bundle's table, 2026-10-02"


def _drawn(model: Model, width: int, height: int, steps: int, **more: Any) -> Generate:
    return a_request(model=model, size=Size(width=width, height=height), steps=steps, **more)


def _directed(tool: DirectorTool, width: int, height: int) -> Direct:
    return Direct(tool=tool, width=width, height=height, mood=Mood.HAPPY if tool is DirectorTool.EMOTION else None)


V3, V45, V5, MEDIUM = Model.V3, Model.V4_5_FULL, Model.V5_FULL, Model.V5_MEDIUM
FROM_THE_SERVICE: list[tuple[Request, Account, int, str]] = [
    (_drawn(V3, 832, 1216, 28), UNKNOWN, 20, ALL),
    (_drawn(V3, 832, 1216, 28), OPUS, 0, RECON),
    (_drawn(V3, 832, 1216, 28), LAPSED, 20, "nai-api.md 4.1: active"),
    (_drawn(V3, 832, 1216, 28), SCROLL, 20, "nai-api.md 4.1: tier 3"),
    (_drawn(V45, 832, 1216, 23), UNKNOWN, 17, ALL),
    (_drawn(V45, 1024, 1024, 29), OPUS, 21, "novelai-python, novelai-sdk, novelai-api, nkdk"),
    (_drawn(V45, 1024, 1024, 50), OPUS, 34, "novelai-python, novelai-sdk, novelai-api, nkdk"),
    (_drawn(V45, 1088, 1024, 1), OPUS, 4, FIND),
    (_drawn(V45, 1024, 1536, 28), UNKNOWN, 30, ALL),
    (_drawn(V45, 1472, 1472, 28), OPUS, 42, ALL),
    (_drawn(V45, 1920, 1088, 28), UNKNOWN, 40, ALL),
    (_drawn(V45, 2048, 1536, 50), UNKNOWN, 100, "novelai-python, novelai-api, nkdk"),
    (_drawn(V45, 832, 1216, 28, samples=4), OPUS, 60, ALL),
    (_drawn(V45, 64, 64, 1), UNKNOWN, 2, ALL),
    (_drawn(V5, 832, 1216, 23), UNKNOWN, 26, f"{NP}; {BUNDLE}"),
    (_drawn(V5, 832, 1216, 28), UNKNOWN, 30, NP),
    (_drawn(V5, 832, 1216, 28), OPUS, 0, RECON),
    (_drawn(V5, 832, 1216, 28), USED_UP, 30, NP),
    (_drawn(V45, 832, 1216, 28), USED_UP, 0, "nai-api.md 4.1: the bar is V5's"),
    (_drawn(V5, 1088, 1024, 1), OPUS, 6, FIND),
    (_drawn(V5, 1024, 1536, 28), UNKNOWN, 45, NP),
    (_drawn(Model.V5_CURATED, 1472, 1472, 50), UNKNOWN, 104, NP),
    (_drawn(MEDIUM, 832, 1216, 14), UNKNOWN, 17, NP),
    (_drawn(MEDIUM, 1024, 1536, 14), UNKNOWN, 26, BUNDLE),
    (_drawn(V3, 832, 1216, 28, smea=Smea.ON), UNKNOWN, 24, ALL),
    (_drawn(V3, 832, 1216, 28, smea=Smea.DYN), UNKNOWN, 28, ALL),
    (_drawn(V3, 1920, 1088, 50, smea=Smea.ON), UNKNOWN, 81, ALL),
    (_drawn(V3, 2048, 1536, 50, smea=Smea.DYN), UNKNOWN, 140, "novelai-python, novelai-api, nkdk: the cap"),
    (_drawn(V45, 832, 1216, 28, img2img=Img2Img(strength=0.7)), UNKNOWN, 14, ALL),
    (_drawn(V45, 832, 1216, 23, img2img=Img2Img(strength=0.62)), UNKNOWN, 11, ALL),
    (_drawn(V45, 832, 1216, 28, img2img=Img2Img(strength=0.01)), UNKNOWN, 2, ALL),
    (_drawn(V45, 1280, 1856, 28, img2img=Img2Img(strength=0.5)), UNKNOWN, 23, ALL),
    (_drawn(V5, 1280, 1856, 28, img2img=Img2Img(strength=0.5)), UNKNOWN, 35, "nai-api.md 6.5"),
    (_drawn(V45, 832, 1216, 28, inpaint=Inpaint(strength=0.6)), UNKNOWN, 12, "novelai-python, novelai-sdk, nkdk"),
    (_drawn(V45, 832, 1216, 28, inpaint=Inpaint()), UNKNOWN, 20, "nai-api.md 4.1: 1 where nothing is said"),
    (_drawn(V5, 1024, 1536, 28, inpaint=Inpaint(strength=0.5)), UNKNOWN, 23, NP),
    (_drawn(Model.V5_CURATED, 1024, 1536, 28, inpaint=Inpaint()), UNKNOWN, 30, "nai-api.md 6.3: V4.5's model draws"),
    (_drawn(V45, 832, 1216, 28, references=(Reference(),)), OPUS, 5, NP),
    (_drawn(V45, 512, 768, 23, references=(Reference(),)), OPUS, 5, RECON),
    (_drawn(V45, 832, 1216, 28, vibes=(Vibe(),) * 6), UNKNOWN, 24, "novelai-python, novelai-sdk, nkdk"),
    (_drawn(V45, 832, 1216, 28, vibes=(Vibe(encoded=False), Vibe())), OPUS, 2, "nai-api.md 4.1"),
    (_drawn(V3, 832, 1216, 28, vibes=(Vibe(encoded=False),)), OPUS, 0, "nai-api.md 2.8: V3 encodes nothing"),
    (_directed(DirectorTool.LINE_ART, 832, 1216), UNKNOWN, 20, "novelai-python, novelai-sdk, nkdk"),
    (_directed(DirectorTool.LINE_ART, 832, 1216), OPUS, 0, RECON),
    (_directed(DirectorTool.LINE_ART, 1088, 1024), OPUS, 22, "nai-api.md 4.2: free up to a megapixel"),
    (_directed(DirectorTool.REMOVE_BACKGROUND, 832, 1216), OPUS, 65, RECON),
    (_directed(DirectorTool.COLORIZE, 4000, 4000), UNKNOWN, 60, "novelai-python, novelai-sdk, nkdk"),
    (_directed(DirectorTool.EMOTION, 512, 768), UNKNOWN, 20, "novelai-python, novelai-sdk, nkdk"),
    (Upscale(width=832, height=1216), OPUS, 1, RECON),
    (Upscale(width=1024, height=1536), OPUS, 2, BUNDLE),
    (Upscale(width=1472, height=1472), UNKNOWN, 3, "nai-api.md 4.2"),
    (Upscale(width=2048, height=1536), UNKNOWN, 4, "nai-api.md 4.2"),
]
"""Request, account, Anlas, and who says so."""


@pytest.mark.parametrize(("request_", "account", "anlas", "source"), FROM_THE_SERVICE)
def test_known_prices(request_: Request, account: Account, anlas: int, source: str) -> None:
    """Prices that were observed, or on which independent implementations agree."""
    assert anlas == price(request_, account).total, source


def test_a_vibe_is_encoded_for_two() -> None:
    """On every account (balance before and after, 2026-10-02)."""
    assert 2 == price(EncodeVibe(model=V45), OPUS).total


def test_more_than_novelai_takes_is_refused() -> None:
    """V5 at its largest would cost 150 (novelai-python 0.9.0)."""
    with pytest.raises(Refused, match=r"price\.refused"):
        price(_drawn(V5, 2048, 1536, 50), OPUS)
    with pytest.raises(Mistake, match=r"image\.area"):
        Upscale(width=2112, height=1536)


_CASES = SHARED / "data" / "anlas-cases.json"
CASES: list[dict[str, Any]] = json.loads(_CASES.read_text())["cases"] if _CASES.exists() else []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_every_case_of_the_shared_table(case: dict[str, Any]) -> None:
    """Six implementations were run on each; what is recommended is what the service takes."""
    asked = case["request"]
    account = (USED_UP if asked.get("usage_negative") else OPUS) if asked["opus"] else UNKNOWN

    assert case["recommended"] == price(_asked(asked), account).total


def _asked(asked: dict[str, Any]) -> Request:
    if asked["kind"] == "generate":
        return _asked_picture(asked)
    if asked["tool"] == "upscale":
        return Upscale(width=asked["width"], height=asked["height"])
    return _directed(DirectorTool(asked["tool"]), asked["width"], asked["height"])


def _asked_picture(asked: dict[str, Any]) -> Generate:
    action = asked["action"]
    return _drawn(
        next(m for m, row in CAPABILITIES.items() if asked["model"] in (m.value, row.inpainting)),
        asked["width"],
        asked["height"],
        asked["steps"],
        samples=asked["n_samples"],
        smea=Smea.DYN if asked.get("sm_dyn") else Smea.ON if asked.get("sm") else Smea.OFF,
        img2img=Img2Img(strength=asked["strength"]) if action == "img2img" else None,
        inpaint=Inpaint(strength=asked["inpaint_strength"]) if action == "infill" else None,
        vibes=(Vibe(),) * asked.get("vibes", 0),
        references=(Reference(),) * asked.get("char_refs", 0),
    )


def test_a_price_explains_itself() -> None:
    """Its parts are what the total is the sum of, and each has its words."""
    found = price(_drawn(V45, 832, 1216, 28, samples=2, references=(Reference(),)), OPUS)

    assert [("picture", 1, 20), ("free", 1, 0), ("reference", 2, 5)] == [(p.kind, p.n, p.each) for p in found.parts]
    assert 30 == found.total == sum(part.total for part in found.parts)
    assert "2 × precise reference: 10 Anlas" == wording.price_part("reference", 2, 10)


@pytest.mark.parametrize(("request_", "account", "anlas", "source"), FROM_THE_SERVICE)
def test_every_part_has_words(request_: Request, account: Account, anlas: int, source: str) -> None:
    """Whatever a price is made of can be said."""
    found: Price = price(request_, account)

    assert all(wording.price_part(part.kind, part.n, part.total) for part in found.parts)
    assert (anlas, found.is_free) == (sum(part.total for part in found.parts), anlas == 0)


def _built(
    model: Model, width: int, height: int, steps: int, samples: int, is_dyn: bool, references: int, vibes: int
) -> Generate:
    row = CAPABILITIES[model]
    size = Size(width=width * 64, height=height * 64)
    references = references if row.references else 0
    return a_request(
        model=model,
        size=size,
        steps=row.steps_fixed or steps,
        samples=samples,
        smea=Smea.DYN if is_dyn and row.smea else Smea.OFF,
        references=(Reference(),) * references,
        vibes=(Vibe(),) * vibes if row.vibes and not references else (),
    )


REQUESTS = st.builds(
    _built,
    st.sampled_from([model for model, row in CAPABILITIES.items() if row in offered()]),
    st.integers(1, 27),
    st.integers(1, 28),
    st.integers(1, 50),
    st.integers(1, 4),
    st.booleans(),
    st.integers(0, 4),
    st.integers(0, 16),
)


def _total(request: Request, account: Account) -> int | None:
    try:
        return price(request, account).total
    except Refused:
        return None


@given(REQUESTS)
def test_an_account_that_could_not_be_read_has_nothing_free(request: Generate) -> None:
    """On an unknown account everything costs something."""
    total = _total(request, UNKNOWN)

    assert total is None or total >= 2 * request.samples


@given(REQUESTS)
def test_opus_draws_the_first_small_picture_for_nothing_and_no_other(request: Generate) -> None:
    """Free is exactly one picture of at most a megapixel and 28 steps, never more, and never what comes on top."""
    full, opus = _total(request, UNKNOWN), _total(request, OPUS)
    if full is None or opus is None:
        assert full is opus is None
        return

    small = request.size.pixels <= FREE_AREA and request.sampling.steps <= FREE_STEPS

    assert (price(request, UNKNOWN).each if small else 0) == full - opus


@given(REQUESTS)
def test_no_picture_costs_more_than_novelai_takes(request: Generate) -> None:
    """Whatever is priced at all costs at most 140 a picture."""
    assert _total(request, UNKNOWN) is None or price(request, UNKNOWN).each <= PICTURE_MAX


@given(REQUESTS)
def test_the_free_form_costs_opus_nothing(request: Generate) -> None:
    """Whatever was asked, what is offered as free is free, and what is called free is."""
    assert 0 == _total(free_form(request), OPUS)
    assert is_free_form(request) is (_total(request, OPUS) == 0)
