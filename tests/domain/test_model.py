"""The catalogue is whole, and says of each model what the service's own site says."""

import re
from pathlib import Path

import pytest

from bot import wording
from bot.domain import presets
from bot.domain.errors import Mistake
from bot.domain.features import FEATURES, offered
from bot.domain.model import CAPABILITIES, UC_FALLBACK, Capabilities, Model, Sampler, TokenizerKind, UcPreset, VibeForm
from bot.domain.request import default_sampling
from tests.shared import shared

ROWS = list(CAPABILITIES.values())
BOT = Path(__file__).resolve().parents[2] / "bot"


def test_every_model_has_one_row_of_its_own() -> None:
    """None is missing, and no two are called the same."""
    assert set(Model) == set(CAPABILITIES)
    assert len(ROWS) == len({row.short for row in ROWS}) == len({row.name for row in ROWS})


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.short)
def test_a_row_agrees_with_itself(row: Capabilities) -> None:
    """Its defaults are among its choices, and every preset leads to one that it has."""
    assert row.sampler in row.samplers
    assert row.noise_schedule in row.noise_schedules
    assert row.unscheduled <= set(row.samplers)
    assert row.cfg_scale <= row.cfg_scale_max
    assert (row.tokenizer is TokenizerKind.CLIP) is (row.token_chunk > 0)
    assert all(row.nearest_preset(preset) in row.uc_presets for preset in UcPreset)
    assert all(row.nearest_preset(preset) is preset for preset in row.uc_presets)
    assert row.inpaints_as is None or CAPABILITIES[row.inpaints_as].inpainting == row.inpainting


@pytest.mark.parametrize("model", [model for model, row in CAPABILITIES.items() if row.is_offered])
def test_a_models_defaults_can_be_asked_for(model: Model) -> None:
    """What nobody chose is never a mistake."""
    assert default_sampling(model).sampler in CAPABILITIES[model].samplers


@pytest.mark.parametrize("model", [model for model, row in CAPABILITIES.items() if not row.is_offered])
def test_a_model_that_is_gone_is_refused_with_those_that_are_there(model: Model) -> None:
    """V1 and V2 are known, but nobody knows what they cost."""
    with pytest.raises(Mistake) as caught:
        default_sampling(model)

    sentence = wording.explain(caught.value.code, caught.value.data)
    assert all(row.short in sentence for row in offered())


def test_the_matrix_of_the_site() -> None:
    """What the facts' table says of each family, by the model's short name (nai-api.md 2.2)."""
    by_short = {row.short: row for row in offered()}
    seen = {
        short: (row.characters, row.token_limit, row.smea, row.decrisper, row.variety_sigma, row.vibes, row.references)
        for short, row in by_short.items()
    }

    v3 = (0, 225, True, True, 19.0, VibeForm.PICTURE, False)
    v4 = (6, 512, False, False, 19.0, VibeForm.ENCODING, False)
    v4_5 = (6, 512, False, False, 58.0, VibeForm.ENCODING, True)
    v5 = (32, 1471, False, False, None, None, False)
    assert {
        "V3": v3,
        "Furry V3": v3,
        "V4 Curated": v4,
        "V4 Full": v4,
        "V4.5 Curated": v4_5,
        "V4.5 Full": v4_5,
        "V5 Curated": (32, 703, *v5[2:]),
        "V5 Full": v5,
        "V5 Medium": v5,
    } == seen
    assert {"V5 Curated", "V5 Full", "V5 Medium"} == {short for short, row in by_short.items() if row.usage_bar}
    assert {5.0, 5.5, 6.2, 7.0} == {row.cfg_scale for row in offered()}
    assert all((Sampler.DDIM in row.samplers) is row.smea for row in offered())


def test_presets_are_the_sites_word_for_word() -> None:
    """Every text of ours stands in the facts; of what begins with another one the rest does."""
    facts = shared("facts/nai-api.md").read_text()
    known = set(re.findall(r"`([^`\n]+)`", facts))
    extended = {presets.V5_HUMAN_FOCUS: presets.V5_HEAVY, presets.V3_HUMAN_FOCUS: presets.V3_HEAVY}
    texts = {text for name, text in vars(presets).items() if name.isupper() and text != presets.V1_LIGHT}

    missing = {text for text in texts if not known & {text, f"{text}, ", text.removeprefix(extended.get(text, "\0"))}}

    assert not missing
    assert len(texts) > 20


def test_a_preset_that_a_model_lacks_has_a_chain() -> None:
    """The site's order, and each chain ends somewhere on every model."""
    assert (UcPreset.LIGHT, UcPreset.HEAVY) == UC_FALLBACK[UcPreset.NONE]
    furry = CAPABILITIES[Model.FURRY_V3]
    assert UcPreset.HEAVY is furry.nearest_preset(UcPreset.HUMAN_FOCUS)
    assert UcPreset.HEAVY is CAPABILITIES[Model.V5_MEDIUM].nearest_preset(UcPreset.NONE)


def test_every_feature_has_a_name_and_somebody_who_has_it() -> None:
    """Who is told that a model lacks it reads what it is, and which models have it."""
    for feature, has in FEATURES.items():
        assert feature in wording.OPTION_LABELS
        assert any(has(row) for row in offered())


def test_no_model_is_compared_in_code() -> None:
    """A model is asked what it can do; its name is no argument."""
    comparing = [
        f"{path.name}: {line.strip()}"
        for path in BOT.rglob("*.py")
        if "standin" not in path.parts
        for line in path.read_text().splitlines()
        if re.search(r"(is|is not|==|!=|in \() ?Model\.|case Model\.|\.(startswith|endswith)\(.nai-diff", line)
    ]

    assert not comparing
