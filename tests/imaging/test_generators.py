"""What other generators write of themselves."""

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.claims import Carrier, Claim, Verdict
from bot.imaging.generators import comfyui, webui
from bot.imaging.inspection import inspect_image
from tests.imaging.pictures import a_picture, chunk, png
from tests.shared import shared

JOB = "a7421d2f-b262-44f9-977c-ac23e9c7d3e3"
GRAPH: dict[str, Any] = {
    "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "cats.safetensors"}},
    "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat", "clip": ["1", 1]}},
    "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "a dog", "clip": ["1", 1]}},
    "4": {
        "class_type": "KSampler",
        "inputs": {"seed": 5, "steps": 20, "cfg": 7.5, "sampler_name": "euler", "scheduler": "karras", "denoise": 1.0,
                   "model": ["1", 0], "positive": ["2", 0], "negative": ["3", 0], "latent_image": ["5", 0]},
    },
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64}},
    "6": {"class_type": "SaveImage", "inputs": {"images": ["7", 0]}},
    "7": {"class_type": "VAEDecode", "inputs": {"samples": ["4", 0], "vae": ["1", 2]}},
}  # fmt: skip
FLUX: dict[str, Any] = {
    "1": {"class_type": "UNETLoader", "inputs": {"unet_name": "cats.safetensors"}},
    "2": {"class_type": "PrimitiveStringMultiline", "inputs": {"value": "a cat"}},
    "3": {"class_type": "CLIPTextEncode", "inputs": {"text": ["2", 0]}},
    "4": {"class_type": "FluxGuidance", "inputs": {"guidance": 7.5, "conditioning": ["3", 0]}},
    "5": {"class_type": "BasicGuider", "inputs": {"model": ["1", 0], "conditioning": ["4", 0]}},
    "6": {"class_type": "RandomNoise", "inputs": {"noise_seed": 5}},
    "7": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
    "8": {"class_type": "BasicScheduler", "inputs": {"scheduler": "karras", "steps": 20, "denoise": 1.0}},
    "9": {
        "class_type": "SamplerCustomAdvanced",
        "inputs": {"noise": ["6", 0], "guider": ["5", 0], "sampler": ["7", 0], "sigmas": ["8", 0]},
    },
}
WEBUI = "a cat\nNegative prompt: a dog\nSteps: 20, Sampler: Euler a, CFG scale: 7.5, Seed: 5, Model: cats"
TEXTS: dict[str, tuple[str, dict[str, str]]] = {
    "AUTOMATIC1111": ("AUTOMATIC1111", {"parameters": WEBUI + ", Version: v1.10.1"}),
    "Forge": ("Forge", {"parameters": WEBUI + ", Version: f2.0.1v1.10.1-previous-669-gdfdcbab6"}),
    "reForge": ("reForge", {"parameters": WEBUI + ", Version: f1.0.0v2-v1.10.1RC"}),
    "SD.Next": ("SD.Next", {"parameters": WEBUI + ", App: SD.Next, Version: 56a8aea"}),
    "Civitai's text": ("Civitai", {"parameters": WEBUI + ', Civitai resources: [{"type":"a, b"}]'}),
    "Fooocus' text": ("Fooocus", {"parameters": WEBUI + ", Version: Fooocus v2.5"}),
    "ComfyUI": ("ComfyUI", {"prompt": json.dumps(GRAPH), "workflow": "{}"}),
    "ComfyUI with a guider": ("ComfyUI", {"prompt": json.dumps(FLUX)}),
    "Civitai": (
        "Civitai",
        {"prompt": json.dumps({**GRAPH, "extraMetadata": json.dumps(
            {"prompt": "a cat", "negativePrompt": "a dog", "seed": 5, "steps": 20, "baseModel": "cats"})})},
    ),
    "SwarmUI": (
        "SwarmUI",
        {"parameters": json.dumps({"sui_image_params": {
            "prompt": "a cat", "negativeprompt": "a dog", "model": "cats", "seed": 5, "steps": 20}})},
    ),
    "InvokeAI": (
        "InvokeAI",
        {"invokeai_metadata": json.dumps({
            "positive_prompt": "a cat", "negative_prompt": "a dog", "model": {"model_name": "cats"}, "seed": 5,
            "steps": 20})},
    ),
    "InvokeAI 2": (
        "InvokeAI",
        {"sd-metadata": json.dumps({"model_weights": "cats", "image": {
            "prompt": [{"prompt": "a cat [a dog]", "weight": 1}], "seed": 5, "steps": 20}})},
    ),
    "InvokeAI 1": ("InvokeAI", {"Dream": '"a cat [a dog]" -s 20 -S 5 -W 64 -H 64 -C 7.5 -A k_lms'}),
    "Fooocus": (
        "Fooocus",
        {"fooocus_scheme": "fooocus", "parameters": json.dumps({
            "prompt": "a cat", "negative_prompt": "a dog", "base_model": "cats", "seed": 5, "steps": 20})},
    ),
    "RuinedFooocus": (
        "RuinedFooocus",
        {"parameters": json.dumps({"Prompt": "a cat", "Negative": "a dog", "base_model_name": "cats", "seed": 5,
                                   "steps": 20, "software": "RuinedFooocus"})},
    ),
    "Easy Diffusion": (
        "Easy Diffusion",
        {"prompt": "a cat", "negative_prompt": "a dog", "use_stable_diffusion_model": "cats", "seed": "5"},
    ),
    "TensorArt": (
        "TensorArt",
        {"generation_data": json.dumps({"prompt": "a cat", "negativePrompt": "a dog", "seed": 5, "steps": 20,
                                        "baseModel": {"modelFileName": "cats"}})},
    ),
    "Hugging Face": (
        "Hugging Face space",
        {"parameters": json.dumps({"prompt": "a cat", "negative_prompt": "a dog", "Model": "cats", "seed": 5,
                                   "resolution": "64 x 64"})},
    ),
    "Stability Matrix": (
        "Stability Matrix",
        {"parameters-json": json.dumps({"PositivePrompt": "a cat", "NegativePrompt": "a dog", "ModelName": "cats"}),
         "smproj": "{}"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_a_generator_is_recognised_and_read(name: str) -> None:
    """Who it was, what was wanted, what was not, with which model."""
    generator, texts = TEXTS[name]
    found = inspect_image(png(a_picture(), **texts))

    [claim] = found.claims
    assert (Verdict.UNSIGNED, Carrier.PNG_TEXT, generator) == (found.verdict, claim.carrier, claim.generator)
    assert ("a cat", "" if name == "InvokeAI 1" else "cats") == (claim.prompt, (claim.model or "").partition(".")[0])
    assert claim.undesired_content == (None if name == "ComfyUI with a guider" else "a dog")
    seed = claim.settings.get("seed", claim.settings.get("Seed", 5))
    assert str(seed) == "5"


def test_a_graphs_settings_are_those_of_its_sampler() -> None:
    """By links, whatever the nodes between are called."""
    wanted = {"seed": 5, "steps": 20, "cfg": 7.5, "sampler_name": "euler", "scheduler": "karras", "denoise": 1.0}

    assert wanted == comfyui.reading_of(comfyui.graph_of(GRAPH)).settings
    assert wanted == {"cfg": 7.5, **comfyui.reading_of(comfyui.graph_of(FLUX)).settings}


def test_a_second_pass_has_the_first_ones_seed() -> None:
    """It adds no noise, so its own seed field says nothing."""
    inputs = {**GRAPH["4"]["inputs"], "noise_seed": 0, "steps": 9, "add_noise": "disable", "latent_image": ["4", 0]}
    del inputs["seed"]
    second = {"class_type": "KSamplerAdvanced", "inputs": inputs}
    graph = {**GRAPH, "8": second, "7": {"class_type": "VAEDecode", "inputs": {"samples": ["8", 0]}}}

    found = comfyui.reading_of(comfyui.graph_of(graph))

    assert (5, 9, "a cat") == (found.settings["seed"], found.settings["steps"], found.prompt)


def test_midjourney_is_read_with_its_flags() -> None:
    """A prompt, two dashes before each flag, a job's id."""
    text = f"a lake, dawn --ar 2:1 --tile --v 6.1 Job ID: {JOB}"

    [claim] = inspect_image(png(a_picture(), Description=text, Author="somebody")).claims

    assert ("Midjourney", "Midjourney 6.1", "a lake, dawn") == (claim.generator, claim.model, claim.prompt)
    assert {"ar": "2:1", "tile": True, "v": "6.1", "Job ID": JOB} == claim.settings


@pytest.mark.parametrize(
    ("manifest", "generator"),
    [
        (b"jumbc2pa\0claim_generator_info dname\x78OpenAI Media Service API", "OpenAI"),
        (b"jumbc2pa\0DALL\xc2\xb7E", "DALL·E"),
        (b"jumbc2pa\0some camera", "Content Credentials"),
    ],
)
def test_content_credentials_are_recognised(manifest: bytes, generator: str) -> None:
    """In a PNG, a JPEG and a WebP; their own signature is nothing that we check."""
    plain = png(a_picture())
    jpeg = b"\xff\xd8\xff\xeb" + (len(manifest) + 4).to_bytes(2, "big") + b"JP" + manifest
    jpeg += b"\xff\xc0\0\x0b\x08\0\x10\0\x10\x01\x01\x11\0\xff\xda\0\x02"
    chunks = b"VP8 " + (10).to_bytes(4, "little") + bytes(6) + b"\x10\0\x10\0"
    chunks += b"C2PA" + len(manifest).to_bytes(4, "little") + manifest
    webp = b"RIFF" + (4 + len(chunks)).to_bytes(4, "little") + b"WEBP" + chunks

    for data in (plain[:33] + chunk(b"caBX", manifest) + plain[33:], jpeg, webp):
        [claim] = inspect_image(data).claims
        assert (Carrier.C2PA, generator) == (claim.carrier, claim.generator)


def test_a_source_type_in_xmp_says_a_model_made_it() -> None:
    """IPTC's word for it, without a name."""
    packet = 'Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"'

    [claim] = inspect_image(png(a_picture(), **{"XML:com.adobe.xmp": packet})).claims

    assert (Carrier.XMP, "an AI model") == (claim.carrier, claim.generator)


@pytest.mark.parametrize(
    "texts",
    [
        {"Comment": "Created with GIMP"},
        {"Software": "Adobe Photoshop", "Description": "Steps: none", "Title": "A cat"},
        {"parameters": "  "},
        {"prompt": "{}", "workflow": "{}"},
        {"Comment": '{"prompt": "a", "seed": 1}'},
        {"XML:com.adobe.xmp": '<x xmp:CreatorTool="Adobe Photoshop"/>'},
    ],
)
def test_what_is_no_generator_is_none(texts: dict[str, str]) -> None:
    """Other programs write text too."""
    assert Verdict.NONE is inspect_image(png(a_picture(), **texts)).verdict


def test_a_line_of_settings_is_read_with_its_quotes() -> None:
    """Quoted values, JSON values, a comma in a name, a prompt that begins with the undesired."""
    text = (
        'Negative prompt: a dog, "quoted"\nSteps: 20, Lora hashes: "a: b, c: d", Hashes: {"x": "y, z"}, '
        "Size: 64x64, Seed: 5, Odd, Value: 1.5\nTemplate: a {cat|dog}"
    )

    found = webui.reading_of(text)

    assert (None, ' a dog, "quoted"\n') == (found.prompt, found.undesired_content)
    assert {"Steps": 20, "Lora hashes": '"a: b, c: d"', "Hashes": '{"x": "y, z"}', "Size": "64x64", "Seed": 5,
            "Value": 1.5} == {**found.settings, "Seed": 5}  # fmt: skip


# --- text and graphs that mean harm ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "piece", ['"', ",", ": ", '"a: ', "{", "[", "a: [1,", '\\"', "\nSteps: ", "\nNegative prompt:"]
)
def test_a_line_of_anything_is_read_at_once(piece: str) -> None:
    """No piece, however often repeated, makes reading slow."""
    began = time.monotonic()

    webui.reading_of("x\nSteps: 1, Sampler: y, a: " + piece * 100_000)

    assert time.monotonic() - began < 0.5


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_parameters_are_read(text: str) -> None:
    """Whatever stands there, it is a claim or none, and its words fit."""
    for claim in inspect_image(png(a_picture(), parameters="a\nSteps: 1, Sampler: " + _plain(text))).claims:
        assert isinstance(claim, Claim)


def _plain(text: str) -> str:
    return text.encode(errors="replace").decode().replace("\0", "")


def test_graphs_with_cycles_and_endless_paths_end() -> None:
    """A node is visited once: cycles, and a ladder with 2⁵⁰⁰ ways down it."""
    ladder = {
        str(n): {"class_type": "KSampler", "inputs": {"positive": [str(n + 1), 0], "negative": [str(n + 1), 0],
                                                      "model": [str((n * 7) % 1_000), 0]}}
        for n in range(1_000)
    }  # fmt: skip
    began = time.monotonic()

    comfyui.reading_of(comfyui.graph_of(ladder))
    comfyui.reading_of(comfyui.graph_of({"1": {"class_type": "KSampler", "inputs": {"positive": ["1", 0]}}}))

    assert time.monotonic() - began < 1


def test_links_of_civitai_are_not_followed_nor_shown() -> None:
    """The real file holds signed addresses; none of them gets into a claim."""
    found = inspect_image(shared("samples/other/civitai-upscale.jpg").read_bytes())

    assert ("Civitai", 1311178179) == (found.claims[0].generator, found.claims[0].settings["seed"])
    assert "https://" not in str(found)


def test_a_link_to_the_beginning_of_a_name_leads_nowhere() -> None:
    """However long the name is."""
    graph = {"x" * 80: GRAPH["2"], "1": {"class_type": "KSampler", "inputs": {"positive": ["x" * 100, 0], "seed": 5}}}

    assert {"seed": 5} == comfyui.reading_of(comfyui.graph_of(graph)).settings
