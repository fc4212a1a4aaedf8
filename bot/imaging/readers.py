"""From what a file carries to its claims: NovelAI's first, then whoever else recognises its own."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from bot.domain.claims import Carrier, Claim
from bot.imaging.exif import read_exif
from bot.imaging.generators import credentials, others
from bot.imaging.generators.civitai import read_civitai
from bot.imaging.generators.comfyui import read_comfyui
from bot.imaging.generators.fooocus import read_fooocus
from bot.imaging.generators.invokeai import read_invokeai
from bot.imaging.generators.midjourney import read_midjourney
from bot.imaging.generators.novelai import Check, novelai_claim, wrapped_claim
from bot.imaging.generators.reading import Fields, Reading, object_of
from bot.imaging.generators.swarmui import read_swarmui
from bot.imaging.generators.webui import read_webui
from bot.imaging.header import Header
from bot.imaging.stealth import Hidden
from bot.imaging.xmp import read_xmp

COMMENTS_MAX = 4
"""Differing Comment chunks that are each looked at: one is genuine, the others are somebody's addition."""

_READERS: tuple[Callable[[Fields], Reading | None], ...] = (
    others.read_draw_things,
    read_swarmui,
    read_invokeai,
    others.read_tensorart,
    others.read_stability_matrix,
    read_fooocus,
    others.read_easy_diffusion,
    others.read_space,
    read_civitai,
    read_comfyui,
    read_webui,
    read_midjourney,
    credentials.read_source_type,
)


def claims_of(header: Header, hidden: Iterable[Hidden], check: Check) -> Iterator[Claim]:
    """Every claim, carrier by carrier, in the order in which a person is shown one."""
    yield from _text_claims(header.texts, check)
    exif = read_exif(header.exif) if header.exif else {}
    yield from _first(_exif_claim(exif, check), _other(Carrier.EXIF, exif))
    if header.comment:
        yield from _first(_other(Carrier.COMMENT, {"comment": header.comment}))
    if header.xmp:
        yield from _first(_other(Carrier.XMP, read_xmp(header.xmp)))
    for each in hidden:
        claim = wrapped_claim(each.carrier, each.text, {}, check)
        yield from _first(claim, None if claim else _other(each.carrier, _hidden_fields(each.text)))
    if header.manifest:
        yield _claim(Carrier.C2PA, credentials.read_manifest(header.manifest))


def _first(*claims: Claim | None) -> Iterator[Claim]:
    found = next((claim for claim in claims if claim is not None), None)
    if found is not None:
        yield found


def _text_claims(texts: tuple[tuple[str, str], ...], check: Check) -> Iterator[Claim]:
    """Of a repeated keyword the first counts; of repeated Comments each is a claim, and no Source is believed twice."""
    fields: dict[str, str] = {}
    for name, text in texts:
        fields.setdefault(name, text)
    if len({text for name, text in texts if name == "Source"}) > 1:
        del fields["Source"]
    comments = dict.fromkeys(text for name, text in texts if name == "Comment")
    found = [
        claim
        for comment in list(comments)[:COMMENTS_MAX] or [""]
        if (claim := novelai_claim(Carrier.PNG_TEXT, {**fields, "Comment": comment}, check)) is not None
    ]
    yield from found
    others_texts = {name: text for name, text in fields.items() if not (found and name == "Description")}
    yield from _first(_other(Carrier.PNG_TEXT, others_texts))


def _exif_claim(exif: Mapping[str, str], check: Check) -> Claim | None:
    """NovelAI's WebP: an object in the user comment, the Source in ``Software`` (metadata.md 1.1)."""
    comment = exif.get("UserComment", "")
    if not comment:
        return None
    software = exif.get("Software", "")
    is_source = software.startswith(("NovelAI Diffusion", "Stable Diffusion"))
    return wrapped_claim(Carrier.EXIF, comment, {"Source": software} if is_source else {}, check)


def _hidden_fields(text: str) -> dict[str, str]:
    """Web UI's plain text, or an object of texts (ComfyUI's ``prompt`` and ``workflow``)."""
    found = object_of(text)
    if found is None:
        return {"parameters": text}
    inner = {name: value for name, value in found.items() if isinstance(value, str)}
    return {"UserComment": text, **inner}


def _other(carrier: Carrier, texts: Mapping[str, str]) -> Claim | None:
    if not texts:
        return None
    fields = Fields(texts)
    reading = next((found for reader in _READERS if (found := reader(fields)) is not None), None)
    return None if reading is None else _claim(carrier, reading)


def _claim(carrier: Carrier, reading: Reading) -> Claim:
    return Claim(
        carrier=carrier,
        generator=reading.generator,
        model=reading.model,
        prompt=reading.prompt.strip() if reading.prompt else None,
        undesired_content=reading.undesired_content.strip() if reading.undesired_content else None,
        settings=reading.settings,
    )
