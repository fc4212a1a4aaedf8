"""What goes over the wire is what the site sends, and what comes back is believed only as far as it can be checked."""

import base64
import io
import json
import tracemalloc
import zipfile
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.novelai.wire import (
    ANSWER_BYTES,
    HELD,
    StreamForm,
    decode,
    decode_account,
    decode_tags,
    decode_vibe,
    encode,
    path_of,
)
from bot.domain.errors import UpstreamError
from bot.domain.inputs import Img2Img, Inpaint, Input, InputKind, Reference, ReferenceKind, Vibe
from bot.domain.model import CAPABILITIES, Model, Sampler, Smea, UcPreset
from bot.domain.request import Generate, Request
from bot.domain.tags import SuggestedTag
from bot.domain.tools import Direct, DirectorTool, Mood, Upscale
from tests.builders import a_request
from tests.imaging.pictures import a_picture, an_image, png
from tests.shared import shared

NOT_SENT = {"image_format"}
"""Fields of the site that we leave out; the reasons stand at the top of `wire`."""
SOURCE, MASK = Input(InputKind.SOURCE), Input(InputKind.MASK)
IMAGE = an_image(832, 1216)
CANVAS = an_image(1024, 1536)
BASE64 = base64.b64encode(IMAGE).decode()

LISTED = {
    *"""
    params_version width height steps scale sampler noise_schedule seed n_samples cfg_rescale negative_prompt ucPresetId
    qualityPresetId tag_hint_qt tag_hint_uc_preset dynamic_thresholding deliberate_euler_ancestral_bug prefer_brownian
    legacy legacy_v3_extend controlnet_strength add_original_image characterPrompts image mask strength noise
    extra_noise_seed color_correct stream
    """.split()  # noqa: SIM905
}
"""Parameters that every model takes (nai-api.md 1.4)."""
CAPTIONS = {
    "use_coords", "legacy_uc", "normalize_reference_strength_multiple", "inpaintImg2ImgStrength", "v4_prompt",
    "v4_negative_prompt", "img2img",
}  # fmt: skip
VIBES = {"reference_image_multiple", "reference_strength_multiple"}
REFERENCES = {
    "director_reference_images", "director_reference_descriptions", "director_reference_information_extracted",
    "director_reference_strength_values", "director_reference_secondary_strength_values",
}  # fmt: skip
V4_ONLY = CAPTIONS | VIBES | {"autoSmea", "skip_cfg_above_sigma"}
V5_ONLY = CAPTIONS | {"autoSmea", "straight_alpha", "tag_hint_transparent_background"}
V3_ONLY = VIBES | {"sm", "sm_dyn", "skip_cfg_above_sigma", "reference_information_extracted_multiple"}
OF_FAMILY = {"V3": V3_ONLY, "Furry V3": V3_ONLY, "V4": V4_ONLY, "V4.5": V4_ONLY | REFERENCES, "V5": V5_ONLY}


def _zip(*files: tuple[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return packed.getvalue()


def _inputs(request: Request) -> dict[Input, bytes]:
    return {each: CANVAS if each.kind is InputKind.REFERENCE else IMAGE for each in request.inputs}


def _parameters(request: Generate) -> dict[str, Any]:
    found: Any = encode(request)["parameters"]
    return dict(found)


def _captured(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shared("data/captures.json").read_text())[name]["request"]
    return found


CAPTURES: list[tuple[str, str, dict[str, Any]]] = [
    ("c12-v3-txt2img", ", best quality", {"model": Model.V3, "seed": 1234567890}),
    ("c03-v5full-txt2img", ", very aesthetic", {"model": Model.V5_FULL, "seed": 1234567890}),
    (
        "c06-v45full-img2img",
        ", very aesthetic",
        {"model": Model.V4_5_FULL, "seed": 777000111, "img2img": Img2Img(strength=0.7)},
    ),
]


@pytest.mark.parametrize(("name", "tags", "asked"), CAPTURES, ids=[each[0] for each in CAPTURES])
def test_a_captured_live_request_is_encoded_the_same(name: str, tags: str, asked: dict[str, Any]) -> None:
    """Field for field, but for those we leave out on purpose, and the image's bytes."""
    captured = _captured(name)
    request = a_request(captured["input"].split(tags)[0], steps=23, **asked)

    sent = encode(request, _inputs(request))

    wanted = {key: value for key, value in captured["parameters"].items() if key not in NOT_SENT}
    assert wanted | ({"image": BASE64} if request.inputs else {}) == sent["parameters"]
    assert (captured["input"], captured["model"], captured["action"]) == (sent["input"], sent["model"], sent["action"])
    assert {"input", "model", "action", "parameters"} == set(sent) == set(captured) - {"use_new_shared_trial"}


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("d-lineart", Direct(tool=DirectorTool.LINE_ART, width=832, height=1216)),
        ("p1-upscale", Upscale(width=832, height=1216)),
    ],
)
def test_a_captured_tool_is_encoded_the_same(name: str, request_: Request) -> None:
    """Line art and upscaling, image bytes aside."""
    captured = _captured(name)
    captured.pop("use_new_shared_trial", None)

    assert captured | {"image": BASE64} == encode(request_, {SOURCE: IMAGE})
    assert json.loads(shared("data/captures.json").read_text())[name]["path"] == path_of(request_)


def test_a_stream_is_asked_for_by_one_field() -> None:
    """And at another address (captured 2026-10-01)."""
    request = a_request(model=Model.V4_5_FULL, seed=7)
    plain, streamed = encode(request), encode(request, stream=StreamForm.MSGPACK)

    assert "msgpack" == streamed["parameters"].pop("stream")
    assert plain == streamed
    assert "/ai/generate-image-stream" == path_of(request, streams=True)


def _everything(model: Model) -> list[Generate]:
    """All that a model can be asked for."""
    row = CAPABILITIES[model]
    people = "girl @B3 // hat | boy" if row.characters and row.undesired_content else "girl" if row.characters else ""
    plain = a_request(model=model, seed=7, steps=row.steps_fixed or 28, characters=people)
    asked = [
        plain,
        replace(
            plain, sampling=replace(plain.sampling, variety=row.variety_sigma is not None, decrisper=row.decrisper)
        ),
        replace(plain, img2img=Img2Img()),
        replace(plain, inpaint=Inpaint()),
        *([replace(plain, prompt=replace(plain.prompt, transparent=True))] if row.transparent else []),
        *([replace(plain, inpaint=Inpaint(strength=0.6))] if row.inpaint_strength else []),
        *([replace(plain, vibes=(Vibe(), Vibe()))] if row.vibes else []),
        *([replace(plain, references=(Reference(),))] if row.references else []),
        *(replace(plain, sampling=replace(plain.sampling, sampler=each)) for each in row.samplers),
        *(replace(plain, sampling=replace(plain.sampling, noise_schedule=each)) for each in row.noise_schedules),
    ]
    return asked


OFFERED = [model for model, row in CAPABILITIES.items() if row.is_offered]


@pytest.mark.parametrize("model", OFFERED)
def test_no_field_is_sent_that_the_facts_do_not_list_for_that_model(model: Model) -> None:
    """Whatever is asked for."""
    for request in _everything(model):
        row = request.row
        family = row.short if row.short.startswith("Furry") else row.short.split()[0]
        sent = set(encode(request, _inputs(request))["parameters"])

        assert not sent - LISTED - OF_FAMILY[family]


def test_characters_stand_where_they_were_put() -> None:
    """Same order everywhere, one centre each, and who has no place gets one of the site's (nai-api.md 2.7)."""
    sent = _parameters(a_request("2girls, 1boy", model=Model.V4_5_FULL, characters="1girl, hat @B3 // red | boy"))

    assert [
        {"prompt": "girl, hat", "uc": "red", "center": {"x": 0.3, "y": 0.5}, "enabled": True},
        {"prompt": "boy", "uc": "", "center": {"x": 0.3, "y": 0.5}, "enabled": True},
    ] == sent["characterPrompts"]
    assert [
        {"char_caption": "girl, hat", "centers": [{"x": 0.3, "y": 0.5}]},
        {"char_caption": "boy", "centers": [{"x": 0.3, "y": 0.5}]},
    ] == sent["v4_prompt"]["caption"]["char_captions"]
    assert ["red", ""] == [each["char_caption"] for each in sent["v4_negative_prompt"]["caption"]["char_captions"]]
    assert sent["use_coords"] is sent["v4_prompt"]["use_coords"] is True


@pytest.mark.parametrize(
    ("model", "characters", "is_placed"),
    [
        (Model.V4_5_FULL, "girl | boy", False),
        (Model.V4_5_FULL, "girl @B3", False),
        (Model.V5_FULL, "girl @B3", True),
        (Model.V4_5_FULL, "girl @B3 | boy", True),
    ],
)
def test_the_model_chooses_the_place_where_nobody_does(model: Model, characters: str, is_placed: bool) -> None:
    """Then every centre is the middle; V4.5 places from two characters on."""
    sent = _parameters(a_request(model=model, characters=characters))
    centres = [each["center"] for each in sent["characterPrompts"]]

    assert is_placed is sent["use_coords"]
    assert is_placed or all(centre == {"x": 0.5, "y": 0.5} for centre in centres)


def test_v4_fills_in_what_no_character_shall_have() -> None:
    """The site's own default, and only on V4.0."""
    full, later = (_parameters(a_request(model=m, characters="girl")) for m in (Model.V4_FULL, Model.V4_5_FULL))

    assert ("lowres, aliasing, ", "") == (full["characterPrompts"][0]["uc"], later["characterPrompts"][0]["uc"])


def test_a_mask_goes_to_the_inpainting_model() -> None:
    """V5 Curated's goes to V4.5 Curated's, by whose rules it is then written (live 2026-10-02)."""
    request = a_request(model=Model.V5_CURATED, inpaint=Inpaint(), seed=7, uc_preset=UcPreset.FURRY_FOCUS)
    sent = encode(request, {SOURCE: IMAGE, MASK: IMAGE + b"mask"})
    fields = sent["parameters"]

    assert ("nai-diffusion-4-5-curated-inpainting", "infill") == (sent["model"], sent["action"])
    assert {
        "add_original_image": False,
        "inpaintImg2ImgStrength": 1,
        "strength": 0.7,
        "noise": 0,
    }.items() <= fields.items()
    assert (BASE64, base64.b64encode(IMAGE + b"mask").decode(), 6) == (
        fields["image"],
        fields["mask"],
        fields["extra_noise_seed"],
    )
    assert "heavy" == fields["ucPresetId"]
    assert "straight_alpha" not in fields
    assert "img2img" not in fields


def test_a_strength_for_the_mask_is_sent_thrice() -> None:
    """As the web client does below full strength (nai-api.md 6.3)."""
    request = a_request(model=Model.V4_5_FULL, inpaint=Inpaint(strength=0.6), seed=7)
    fields = encode(request, {SOURCE: IMAGE, MASK: IMAGE})["parameters"]

    assert (0.6, 0.6) == (fields["strength"], fields["inpaintImg2ImgStrength"])
    assert {"strength": 0.6, "noise": 0.0, "color_correct": True} == fields["img2img"]


def test_vibes_are_sent_as_the_model_takes_them() -> None:
    """V4 an encoding, and the client brings the sum down to 1; V3 the picture and what to extract of it."""
    vibes = (Vibe(strength=0.6, information_extracted=0.5), Vibe(strength=-0.9))
    images = {Input(InputKind.VIBE, 0): b"one", Input(InputKind.VIBE, 1): b"two"}
    v4 = encode(a_request(model=Model.V4_5_FULL, vibes=vibes), images)["parameters"]
    v3 = encode(a_request(vibes=vibes), images)["parameters"]

    assert ["b25l", "dHdv"] == v4["reference_image_multiple"] == v3["reference_image_multiple"]
    assert [0.4, -0.6] == pytest.approx(v4["reference_strength_multiple"])
    assert "reference_information_extracted_multiple" not in v4
    assert [0.6, -0.9] == v3["reference_strength_multiple"]
    assert [0.5, 1.0] == v3["reference_information_extracted_multiple"]


def test_a_precise_reference_is_lists_of_one_length() -> None:
    """Fidelity goes over as its opposite (nai-api.md 2.9)."""
    asked = a_request(model=Model.V4_5_FULL, references=(Reference(kind=ReferenceKind.BOTH, fidelity=0.7),))
    sent = encode(asked, {Input(InputKind.REFERENCE): CANVAS})["parameters"]

    assert [base64.b64encode(CANVAS).decode()] == sent["director_reference_images"]
    assert "character&style" == sent["director_reference_descriptions"][0]["caption"]["base_caption"]
    assert ([1], [1.0], [0.3]) == (
        sent["director_reference_information_extracted"],
        sent["director_reference_strength_values"],
        sent["director_reference_secondary_strength_values"],
    )


def test_a_mood_stands_in_front_of_the_tools_prompt() -> None:
    """Emotion and colorize take a prompt and defry, the others neither."""
    emotion = Direct(tool=DirectorTool.EMOTION, width=832, height=1216, mood=Mood.HAPPY, prompt="tears", defry=2)
    colorize = Direct(tool=DirectorTool.COLORIZE, width=832, height=1216, prompt="red hair")

    assert ("happy;;tears", 2) == (
        encode(emotion, {SOURCE: IMAGE})["prompt"],
        encode(emotion, {SOURCE: IMAGE})["defry"],
    )
    assert "red hair" == encode(colorize, {SOURCE: IMAGE})["prompt"]


V4_MASK = a_request(model=Model.V4_FULL, inpaint=Inpaint())


@pytest.mark.parametrize(
    ("request_", "inputs"),
    [
        (a_request(img2img=Img2Img()), {}),
        (a_request(img2img=Img2Img()), {SOURCE: b"JPEG"}),
        (a_request(img2img=Img2Img()), {SOURCE: an_image(831, 1216)}),
        (V4_MASK, {SOURCE: IMAGE}),
        (V4_MASK, {SOURCE: IMAGE, MASK: an_image(104, 152)}),
        (Upscale(width=832, height=1216), {SOURCE: an_image(1216, 832)}),
        (Direct(tool=DirectorTool.SKETCH, width=8, height=8), {SOURCE: IMAGE}),
        (a_request(model=Model.V4_5_FULL, references=(Reference(),)), {Input(InputKind.REFERENCE): IMAGE}),
        (a_request(model=Model.V4_FULL, vibes=(Vibe(),)), {Input(InputKind.VIBE): b""}),
        (a_request(model=Model.V4_FULL, vibes=(Vibe(encoded=False),)), {Input(InputKind.VIBE): b"a picture"}),
    ],
)
def test_what_the_service_would_stumble_over_is_not_sent(request_: Request, inputs: dict[Input, bytes]) -> None:
    """An image that is missing, no PNG or of another size, a vibe that is not encoded: nothing is paid for it."""
    with pytest.raises(UpstreamError) as caught:
        encode(request_, inputs)

    assert (False, False) == (caught.value.billed, caught.value.again)


def test_the_usual_request_has_these_fields() -> None:
    """The same law without the capture: names and values of a plain V3 request."""
    sent = _parameters(a_request(seed=7))

    plain = {"params_version": 4, "width": 832, "height": 1216, "scale": 5.0, "steps": 28, "seed": 7, "n_samples": 1}
    assert plain.items() <= sent.items()
    assert ("k_euler_ancestral", "karras", "heavy") == (sent["sampler"], sent["noise_schedule"], sent["ucPresetId"])
    assert "image_format" not in sent
    assert sent["negative_prompt"].startswith("nsfw, lowres")


def test_options_reach_their_fields() -> None:
    """SMEA, Decrisper, Variety+, presets and a sampler without a schedule."""
    asked = a_request(smea=Smea.DYN, uc_preset=UcPreset.NONE, quality_tags=False)
    asked = replace(asked, sampling=replace(asked.sampling, decrisper=True, variety=True, sampler=Sampler.DDIM))
    sent = _parameters(asked)

    assert (True, True, True, 19.0) == (
        sent["sm"], sent["sm_dyn"], sent["dynamic_thresholding"], sent["skip_cfg_above_sigma"],
    )  # fmt: skip
    assert ("none", "none", 0, 0) == (
        sent["ucPresetId"], sent["qualityPresetId"], sent["tag_hint_uc_preset"], sent["tag_hint_qt"],
    )  # fmt: skip
    assert "noise_schedule" not in sent
    assert "prefer_brownian" not in sent


def test_pictures_come_in_order_with_their_own_seeds() -> None:
    """Picture n has the seed + n, whatever the order of the archive."""
    first, second = png(a_picture(8, 8)), png(a_picture(16, 8))

    pictures = decode(_zip(("image_1.png", second), ("image_0.png", first)), a_request(seed=7, samples=2))

    assert [(first, 7), (second, 8)] == [(picture.data, picture.seed) for picture in pictures]


GOOD = png(a_picture(8, 8))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no zip",
        _zip(),
        _zip(("image_0.png", GOOD), ("image_1.png", GOOD)),
        _zip(("image_0.png", b"<html>")),
        _zip(("image_0.png", GOOD[:-20])),
        _zip(*((f"image_{n}.png", GOOD) for n in range(40))),
        _zip(("image_0.png", bytes(ANSWER_BYTES + 1))),
        _zip(("image_0.png", GOOD))[:-30],
    ],
)
def test_an_answer_that_is_not_what_was_asked_for_is_lost(body: bytes) -> None:
    """Nothing of it is delivered, and nobody can know whether it was billed."""
    with pytest.raises(UpstreamError) as caught:
        decode(body, a_request(seed=7))

    assert ("failed.answer", None, False) == (caught.value.code, caught.value.billed, caught.value.again)


@given(st.binary(max_size=300), st.integers(0, 200))
def test_any_bytes_are_pictures_or_lost(noise: bytes, at: int) -> None:
    """Noise in an archive breaks nothing but the answer."""
    good = _zip(("image_0.png", GOOD))
    try:
        [picture] = decode(good[:at] + noise + good[at:], a_request(seed=7))
    except UpstreamError:
        return
    assert GOOD == picture.data


def _json(*images: tuple[int, bytes]) -> bytes:
    listed = [{"image": base64.b64encode(data).decode(), "index": n, "seed": 1} for n, data in images]
    return json.dumps({"images": listed}).encode()


def test_json_holds_pictures_too() -> None:
    """In the order of their index."""
    other = png(a_picture(16, 8))

    pictures = decode(_json((1, other), (0, GOOD)), a_request(seed=7, samples=2))

    assert [(GOOD, 7), (other, 8)] == [(picture.data, picture.seed) for picture in pictures]


def test_a_webp_is_a_picture_of_its_length() -> None:
    """Not asked for, but it is whole when it is as long as it says."""
    packed = io.BytesIO()
    a_picture(8, 8).save(packed, "WEBP", lossless=True)

    [picture] = decode(_zip(("image_0.webp", packed.getvalue())), a_request(seed=7))
    assert "image/webp" == picture.media_type
    with pytest.raises(UpstreamError):
        decode(_zip(("image_0.webp", packed.getvalue()[:-2])), a_request(seed=7))


def test_removing_a_background_gives_three_views() -> None:
    """Masked, generated, blend; fewer are not what was paid for."""
    tool = Direct(tool=DirectorTool.REMOVE_BACKGROUND, width=8, height=8)

    assert 3 == len(decode(_zip(*((f"image_{n}.png", GOOD) for n in range(3))), tool))
    with pytest.raises(UpstreamError):
        decode(_zip(("image_0.png", GOOD)), tool)


def _bomb(files: int, size: int) -> bytes:
    return _zip(*((f"image_{n}.png", bytes(size)) for n in range(files)))


@pytest.mark.parametrize(("files", "size"), [(1, 300 * 1024 * 1024), (8, 30 * 1024 * 1024)])
def test_a_bomb_is_held_nowhere(files: int, size: int) -> None:
    """Packed and unpacked together stay below 64 MiB, however much the archive would unpack to."""
    body = _bomb(files, size)
    tracemalloc.start()
    try:
        with pytest.raises(UpstreamError):
            decode(body, a_request(seed=7, samples=min(files, 4)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(body) + peak < HELD


KEYS = st.sampled_from(["images", "image", "index", "tags", "tag", "tier", "active", "trainingStepsLeft", "usage"])
JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner),
    max_leaves=8,
)


@given(JSON)
def test_any_json_is_an_answer_or_ours_to_name(value: object) -> None:
    """No shape of JSON breaks anything but the answer."""
    body = json.dumps(value).encode()
    for read in (decode_account, decode_tags, lambda body: decode(body, a_request(seed=7))):
        try:
            read(body)
        except UpstreamError:
            continue


def test_tags_are_read_in_both_forms() -> None:
    """An object for English, a bare list for Japanese (nai-api.md 1.3); a tag without end is none."""
    english = b'{"tags": [{"tag": "hat", "count": 9, "confidence": 0.5}, {"tag": "%s"}]}' % (b"x" * 101)

    assert (SuggestedTag(tag="hat", count=9, confidence=0.5),) == decode_tags(english)
    assert (SuggestedTag(tag="hat", japanese="boshi"),) == decode_tags(
        b'[{"jp_tag": "boshi", "en_tag": "hat", "power": 1}]'
    )


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"message": "no"}', bytes(1024 * 1024 + 1)])
def test_what_is_no_vibe(body: bytes) -> None:
    """A page, an error or far too much."""
    with pytest.raises(UpstreamError):
        decode_vibe(body)
    assert b"\x01vibe" == decode_vibe(b"\x01vibe")
