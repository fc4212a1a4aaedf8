"""The price is NovelAI's own, to the Anlas."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.anlas import PICTURE_MAX, UNKNOWN, Account, price
from bot.domain.errors import Refused
from bot.domain.model import Smea
from bot.domain.request import FREE_AREA, FREE_STEPS, Generate, Size
from tests.builders import a_request
from tests.shared import shared

OPUS = Account(tier=3, active=True, anlas=10_000)

FROM_THE_SERVICE = [
    # width, height, steps, samples, Opus, SMEA, Anlas: the cases on which six implementations and live balances agree
    (832, 1216, 28, 1, False, Smea.OFF, 20),
    (832, 1216, 28, 1, True, Smea.OFF, 0),
    (832, 1216, 23, 1, False, Smea.OFF, 17),
    (1024, 1024, 29, 1, True, Smea.OFF, 21),
    (1024, 1024, 50, 1, True, Smea.OFF, 34),
    (1088, 1024, 1, 1, True, Smea.OFF, 4),
    (1024, 1536, 28, 1, True, Smea.OFF, 30),
    (1472, 1472, 28, 1, True, Smea.OFF, 42),
    (1920, 1088, 28, 1, False, Smea.OFF, 40),
    (2048, 1536, 50, 1, False, Smea.OFF, 100),
    (832, 1216, 28, 4, True, Smea.OFF, 60),
    (64, 64, 1, 1, False, Smea.OFF, 2),
    (832, 1216, 28, 1, False, Smea.ON, 24),
    (832, 1216, 28, 1, False, Smea.DYN, 28),
    (1920, 1088, 50, 1, False, Smea.ON, 81),
    (2048, 1536, 50, 1, False, Smea.DYN, 140),
]


@pytest.mark.parametrize(("width", "height", "steps", "samples", "opus", "smea", "anlas"), FROM_THE_SERVICE)
def test_known_prices(width: int, height: int, steps: int, samples: int, opus: bool, smea: Smea, anlas: int) -> None:
    """Prices that were observed, or on which independent implementations agree."""
    request = a_request(size=Size(width=width, height=height), steps=steps, samples=samples, smea=smea)

    assert anlas == price(request, OPUS if opus else UNKNOWN).total


def test_every_v3_case_of_the_shared_table() -> None:
    """Each case of the table that V3 can be asked for costs what the table recommends."""
    cases = json.loads(shared("data/anlas-cases.json").read_text())["cases"]
    text_to_image = [case for case in cases if _is_text_to_image_on_v3(case["request"])]

    wrong = {
        case["id"]: (case["recommended"], found)
        for case in text_to_image
        if (found := _priced(case["request"])) != case["recommended"]
    }

    assert not wrong
    assert len(text_to_image) >= 4


def _is_text_to_image_on_v3(request: dict[str, object]) -> bool:
    return request["kind"] == "generate" and request["action"] == "generate" and request["model"] == "nai-diffusion-3"


def _priced(request: dict[str, int]) -> int:
    smea = Smea.DYN if request.get("sm_dyn") else Smea.ON if request.get("sm") else Smea.OFF
    size = Size(width=request["width"], height=request["height"])
    built = a_request(size=size, steps=request["steps"], samples=request["n_samples"], smea=smea)
    return price(built, OPUS if request["opus"] else UNKNOWN).total


REQUESTS = st.builds(
    lambda w, h, steps, samples, smea: a_request(
        size=Size(width=w * 64, height=h * 64), steps=steps, samples=samples, smea=smea
    ),
    st.integers(1, 27),
    st.integers(1, 28),
    st.integers(1, 50),
    st.integers(1, 4),
    st.sampled_from(Smea),
)


def _total(request: Generate, account: Account) -> int | None:
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
    """Free is exactly one picture of at most a megapixel and 28 steps, and never more."""
    full, opus = _total(request, UNKNOWN), _total(request, OPUS)
    if full is None or opus is None:
        assert full is opus is None
        return

    small = request.size.pixels <= FREE_AREA and request.sampling.steps <= FREE_STEPS

    assert (full // request.samples if small else 0) == full - opus


@given(REQUESTS)
def test_no_picture_costs_more_than_novelai_takes(request: Generate) -> None:
    """Whatever is priced at all costs at most 140 a picture."""
    total = _total(request, UNKNOWN)

    assert total is None or total <= PICTURE_MAX * request.samples
