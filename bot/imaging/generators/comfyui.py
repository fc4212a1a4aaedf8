"""
ComfyUI: a graph of nodes, walked upwards from what was saved to the sampler, and from it to texts and settings.

Each walk visits a node once and at most `NODES_MAX` nodes, so that a cycle or a graph with 2⁴⁰ paths costs nothing.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from bot.domain.claims import Scalar
from bot.imaging.generators.reading import Fields, Reading, name_of, object_of, prompt_of, value_of

NODES_MAX = 2_000
TEXTS_MAX = 8
_SETTINGS = {
    "seed": ("seed", "noise_seed"),
    "steps": ("steps",),
    "cfg": ("cfg", "guidance"),
    "sampler_name": ("sampler_name",),
    "scheduler": ("scheduler",),
    "denoise": ("denoise",),
}
_MODELS = ("ckpt_name", "unet_name", "model_name", "base_ckpt_name")
_TEXTS = ("text", "text_g", "text_l", "t5xxl", "prompt", "string", "populated_text", "value", "String", "wildcard_text")
_PIXELS = ("latent_image", "latent", "samples", "image", "images", "pixels", "vae")

Graph = Mapping[str, Mapping[str, Any]]
Walked = tuple[str, Mapping[str, Any]]


def read_comfyui(fields: Fields) -> Reading | None:
    """A graph in ``prompt``, in EXIF, or in a user comment; a workflow alone is only recognised."""
    graph = graph_of(_graph_object(fields))
    if graph:
        return reading_of(graph)
    workflow = _tagged(fields, "workflow") or fields.parsed("UserComment", "comment").get("workflow")
    found = object_of(workflow)
    return Reading(generator="ComfyUI") if found and isinstance(found.get("nodes"), list) else None


def _graph_object(fields: Fields) -> Mapping[str, Any]:
    outer = fields.parsed("UserComment", "comment")
    for candidate in (_tagged(fields, "prompt"), outer.get("prompt"), outer):
        if found := object_of(candidate):
            return found
    return {}


def _tagged(fields: Fields, name: str) -> str:
    """A PNG's chunk, or one of the EXIF texts that begin with the name (``Prompt: {…}``)."""
    if fields.text(name).lstrip()[:1] == "{":
        return fields.text(name)
    for tag in ("Make", "Model", "ImageDescription", "DocumentName"):
        kind, _, rest = fields.text(tag).partition(":")
        if kind.strip().lower() == name:
            return rest.strip()
    return ""


def graph_of(found: Mapping[str, Any]) -> Graph:
    """The nodes among the members of *found*."""
    nodes = {
        name: node
        for name, node in found.items()
        if isinstance(node, dict) and isinstance(node.get("class_type"), str) and isinstance(node.get("inputs"), dict)
    }
    return nodes if len(nodes) <= NODES_MAX else {}


def reading_of(graph: Graph) -> Reading:
    """Prompt, undesired content, model and settings of the sampler that is nearest to the saved picture."""
    sampler = _sampler(graph)
    if sampler is None:
        return Reading(generator="ComfyUI", model=_model(graph, _last(graph)))
    return Reading(
        generator="ComfyUI",
        model=_model(graph, sampler),
        prompt=_prompt(graph, sampler, "positive"),
        undesired_content=_prompt(graph, sampler, "negative"),
        settings=_settings(graph, sampler),
    )


def _last(graph: Graph) -> str:
    """A node that saves or shows, else the last."""
    for name, node in graph.items():
        if node["class_type"].startswith(("SaveImage", "Save Image", "PreviewImage")):
            return name
    return next(reversed(list(graph)))


def _sampler(graph: Graph) -> str | None:
    if not graph:
        return None
    is_sampler = {name for name, node in graph.items() if _samples(node)}
    reached = next((name for name, _ in _upwards(graph, _last(graph)) if name in is_sampler), None)
    return reached or next((name for name in graph if name in is_sampler), None)


def _samples(node: Mapping[str, Any]) -> bool:
    inputs = node["inputs"]
    return ("Sampler" in node["class_type"] and not inputs.keys().isdisjoint(("positive", "guider"))) or {
        "steps",
        "positive",
    } <= inputs.keys()


def _upwards(graph: Graph, start: str, *, leave_out: tuple[str, ...] = ()) -> Iterator[Walked]:
    """*start* and everything it is made from, nearest first."""
    waiting, seen = deque([start]), {start}
    while waiting:
        name = waiting.popleft()
        inputs = graph[name]["inputs"]
        yield name, inputs
        for key, value in inputs.items():
            source = _source(graph, value)
            if source is not None and source not in seen and key not in leave_out:
                seen.add(source)
                waiting.append(source)


def _source(graph: Graph, value: object) -> str | None:
    """The node that a link names: ``["4", 0]``."""
    if not isinstance(value, list) or len(value) != 2 or not isinstance(value[0], str | int):
        return None
    name = str(value[0])
    return name if name in graph else None


def _settings(graph: Graph, sampler: str) -> dict[str, Scalar]:
    """Each from the nearest node that has it; the picture's own history is another sampler's business, but its seed."""
    inputs = graph[_noisy(graph, sampler)]["inputs"]
    seed = next((_plain(graph, inputs[name]) for name in _SETTINGS["seed"] if name in inputs), None)
    found: dict[str, Scalar] = {} if seed is None else {"seed": seed}
    for _, inputs in _upwards(graph, sampler, leave_out=(*_PIXELS, "positive", "negative")):
        for setting, names in _SETTINGS.items():
            value = next((inputs[name] for name in names if name in inputs), None)
            if setting not in found and (plain := _plain(graph, value)) is not None:
                found[setting] = plain
    return found


def _noisy(graph: Graph, sampler: str) -> str:
    """*sampler*, or the nearest above it that adds noise: a second pass has a seed field that it does not use."""
    for name, inputs in _upwards(graph, sampler):
        if _samples(graph[name]) and inputs.get("add_noise") != "disable":
            return name
    return sampler


def _plain(graph: Graph, value: object) -> Scalar:
    """A value, or the one that a node holds to which it is linked."""
    source = _source(graph, value)
    if source is None:
        return value_of(value)
    inputs = graph[source]["inputs"]
    return next((value_of(inputs[name]) for name in ("value", "seed", "int", "float") if name in inputs), None)


def _model(graph: Graph, start: str) -> str | None:
    if not graph:
        return None
    for _, inputs in _upwards(graph, start, leave_out=_PIXELS):
        for name in _MODELS:
            if isinstance(inputs.get(name), str):
                return name_of(inputs[name])
    return None


def _prompt(graph: Graph, sampler: str, side: str) -> str | None:
    """The texts above the *side* of a sampler, or of the guider that has sides in its place."""
    start = next((s for _, i in _upwards(graph, sampler) if (s := _source(graph, i.get(side)))), None)
    if start is None and side == "positive":
        start = next((s for _, i in _upwards(graph, sampler) if (s := _source(graph, i.get("conditioning")))), None)
    if start is None:
        return None
    other = "negative" if side == "positive" else "positive"
    texts: dict[str, None] = {}
    for _, inputs in _upwards(graph, start, leave_out=(other, "clip", "model", *_PIXELS)):
        texts.update(
            dict.fromkeys(value for name in _TEXTS if isinstance(value := inputs.get(name), str) and value.strip())
        )
    return prompt_of("\n".join(list(texts)[:TEXTS_MAX]))
