"""The card of an inspection: it says what was found, fits, and is not to be broken out of."""

import json
from dataclasses import replace

import pytest
from discord import ui
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import wording
from bot.domain.claims import Carrier, Character, Claim, Inspection, Note, Signature, Signer, Verdict, noted, to_json
from bot.imaging.jsontext import parse_object
from cogs.ui.inspection import (
    METADATA_BYTES,
    Look,
    card_of,
    cards_of,
    memory_bytes,
    metadata_bytes,
    recalled,
    remembered,
    texts_of,
)

SIGNED = Claim(
    carrier=Carrier.PNG_TEXT,
    generator="NovelAI",
    model="NovelAI Diffusion V4.5 Full",
    prompt="2girls",
    undesired_content="lowres",
    characters=(Character(prompt="girl, red hair", undesired_content="hat", x=0.3, y=0.5), Character(prompt="boy")),
    settings={
        "seed": 0, "steps": 28, "sampler": "k_euler_ancestral", "noise_schedule": "karras", "scale": 5.0,
        "cfg_rescale": 0.0, "request_type": "Img2ImgRequest", "strength": 0.7, "sm": False,
        "skip_cfg_above_sigma": 58.0, "reference_strength_multiple": "[0.6, 0.4]",
    },
    signature=Signature.VALID,
    signer=Signer.NOVELAI,
)  # fmt: skip


def an_inspection(*claims: Claim, verdict: Verdict = Verdict.SIGNED, notes: tuple[Note, ...] = ()) -> Inspection:
    """Of a PNG of 832×1216."""
    return Inspection(format="PNG", width=832, height=1216, size=1_455_174, verdict=verdict, claims=claims, notes=notes)


def test_a_signed_picture_is_shown_as_a_person_wants_it() -> None:
    """Verdict, model and what is not signed of it, kind, texts, places, settings, carriers."""
    text = "\n".join(texts_of(an_inspection(SIGNED), "a.png"))

    for part in (
        wording.VERDICT_SIGNED,
        f"**NovelAI Diffusion V4.5 Full** {wording.MODEL_NOT_SIGNED} · image to image · 832×1216",
        "**Character 1** at B3\n```\ngirl, red hair\n```\n**Undesired for 1**\n```\nhat\n```",
        "**Character 2**\n",
        "seed 0 · 28 steps · Euler Ancestral · karras · Prompt Guidance 5 · rescale 0 · strength 0.7 · Variety+ · "
        "vibe transfer 0.6, 0.4",
        "-# PNG text: valid · 1.4 MB PNG · `a.png`",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("x", "y", "text"),
    [
        (0.1, 0.1, " at A1"),
        (0.9, 0.5, " at E3"),
        (0.37, 0.62, " at 37 %, 62 %"),
        (None, 0.5, ""),
        (1.0, 0.0, " at 100 %, 0 %"),
    ],
)
def test_places_are_fields_or_points(x: float | None, y: float | None, text: str) -> None:
    """V4's grid has names; V5's points have none."""
    assert text == wording.place(x, y)


def test_v5s_model_is_part_of_what_was_signed() -> None:
    """So nothing is said against it."""
    claim = replace(SIGNED, settings={"model_name": "nai-diffusion-5-full"})

    claim = replace(claim, model="nai-diffusion-5-full-medium")

    text = "".join(texts_of(an_inspection(claim), "a.png"))
    assert wording.MODEL_NOT_SIGNED not in text
    assert "**NovelAI Diffusion V5 Full, Medium** ·" in text


def test_another_generators_settings_are_shown_as_it_wrote_them() -> None:
    """And a headline that leaves it to the file."""
    claim = Claim(carrier=Carrier.EXIF, generator="ComfyUI", prompt="a cat", settings={"Steps": 20, "CFG scale": 7.5})

    text = "\n".join(texts_of(an_inspection(claim, verdict=Verdict.UNSIGNED), "a.jpg"))

    assert "🧭 Says it was made with ComfyUI" in text
    assert "Steps 20 · CFG scale 7.5" in text


def test_content_credentials_are_not_vouched_for() -> None:
    """With and without a name that is known."""
    for generator, headline in (("OpenAI", "made with OpenAI"), ("Content Credentials", wording.VERDICT_CREDENTIALS)):
        claim = Claim(carrier=Carrier.C2PA, generator=generator)
        text = texts_of(an_inspection(claim, verdict=Verdict.UNSIGNED), "a.png")[0]
        assert headline in text
        assert wording.VERDICT_CREDENTIALS_LINE in text


def test_settings_that_contradict_each_other_unsigned_are_not_called_signed() -> None:
    """The note fits what is shown."""
    other = replace(SIGNED, signature=Signature.INVALID, signer=None)

    text = "".join(texts_of(an_inspection(other, verdict=Verdict.ALTERED, notes=(Note.DISAGREE,)), "a.png"))

    assert wording.NOTE_DISAGREE_UNSIGNED in text
    assert wording.NOTE_DISAGREE not in text


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("notes", [(), tuple(Note)])
def test_every_verdict_and_note_has_its_words(verdict: Verdict, notes: tuple[Note, ...]) -> None:
    """A card can be made of each."""
    claims = () if verdict is Verdict.NONE else (SIGNED,)

    assert card_of(an_inspection(*claims, verdict=verdict, notes=notes), "a.png").to_components()


def test_a_remark_more_stands_in_its_place() -> None:
    """That only a preview was at hand is no verdict, and is said once."""
    found = noted(noted(an_inspection(SIGNED, notes=(Note.FRAMES,)), Note.PREVIEW), Note.PREVIEW)

    assert (Note.PREVIEW, Note.FRAMES) == found.notes
    assert 1 == "\n".join(texts_of(found, "a.png")).count(wording.NOTE_PREVIEW)


NASTY = st.text(alphabet=st.sampled_from("`@<>#*_|~[]()\n\\-:/ aé\u202e\u200b\u2066\u3164\ud800𝕏😀"), max_size=3_000)
SCALARS = st.one_of(NASTY, st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False))


@st.composite
def inspections(draw: st.DrawFn) -> Inspection:
    """Of claims that say anything."""
    claim = Claim(
        carrier=draw(st.sampled_from(Carrier)),
        generator=draw(st.one_of(st.just("NovelAI"), NASTY)),
        model=draw(NASTY),
        prompt=draw(NASTY) * draw(st.integers(1, 8)),
        undesired_content=draw(NASTY),
        characters=tuple(
            Character(prompt=draw(NASTY), undesired_content=draw(NASTY), x=0.2, y=0.9)
            for _ in range(draw(st.integers(0, 6)))
        ),
        settings=draw(st.dictionaries(NASTY, SCALARS, max_size=20)),
        signature=draw(st.sampled_from(Signature)),
        added=tuple(draw(st.lists(NASTY, max_size=3))),
    )
    return an_inspection(claim, notes=tuple(draw(st.sets(st.sampled_from(Note)))))


@given(inspections(), NASTY)
@settings(max_examples=60, deadline=None)
def test_nothing_a_file_says_breaks_out_or_overflows(inspection: Inspection, name: str) -> None:
    """Within Discord's length, every fence closed, nothing outside that pings, links or hides."""
    texts = texts_of(inspection, name)

    assert sum(map(len, texts)) <= 4_000
    for text in texts:
        text.encode()
        assert not set(text) & set("\u202e\u2066\u3164")
        assert 0 == text.count("```") % 2
        outside = "".join(text.split("```")[::2]).partition("-# ")[0].replace("\\<", "").replace("\\@", "")
        assert not {"<", "@"} & set(outside)
        assert "](" not in outside


@given(st.lists(st.one_of(inspections(), st.none()), min_size=2, max_size=4), NASTY, st.booleans())
@settings(max_examples=40, deadline=None)
def test_a_card_of_several_is_within_every_bound(found: list[Inspection | None], name: str, shared: bool) -> None:
    """Characters, bytes (Discord answers 500 over 10,170) and parts; a heading and a verdict for each."""
    looks = [Look(name=name, inspection=each, error=None if each else ("image.type", "No."), url="u") for each in found]

    card = cards_of(looks, shared=shared)

    texts = [item.content for item in card.walk_children() if isinstance(item, ui.TextDisplay)]
    assert sum(map(len, texts)) <= 3_200
    assert sum(len(text.encode()) for text in texts) <= 9_500
    assert len(list(card.walk_children())) <= 36
    assert len(memory_bytes(looks)) <= METADATA_BYTES
    for n, text in enumerate(texts[: len(looks)], 1):
        assert text.startswith(f"### Image {n} of {len(looks)} · `")
        assert text.splitlines()[1].startswith("**")


@given(st.lists(st.one_of(inspections(), st.none()), min_size=1, max_size=4))
@settings(max_examples=30, deadline=None)
def test_the_memory_of_several_is_read_back(found: list[Inspection | None]) -> None:
    """Names, addresses, verdicts and errors, image by image, through the parser of strangers' files."""
    looks = [
        Look(name=str(n), inspection=each, error=None if each else ("image.type", "No."), url=f"https://x/{n}")
        for n, each in enumerate(found)
    ]

    again = recalled(parse_object(memory_bytes(looks).decode()))

    assert [(look.name, look.url, look.error) for look in looks] == [
        (look.name, look.url, look.error) for look in again
    ]
    assert [each and each.verdict for each in found] == [look.inspection and look.inspection.verdict for look in again]


def test_of_several_long_ones_each_keeps_what_its_buttons_need() -> None:
    """Four of the longest that a reader lets through, in characters of four bytes."""
    characters = tuple(Character(prompt="😀" * 20_000, undesired_content="😀" * 20_000) for _ in range(32))
    settings_ = {f"{n}" * 200: "😀" * 500 for n in range(100)}
    long = replace(SIGNED, prompt="😀" * 20_000, undesired_content="\x01" * 20_000, characters=characters)
    long = replace(long, settings=settings_, added=("😀" * 500,) * 100)
    looks = [Look(name="😀" * 500, inspection=an_inspection(long), url="u" * 3_000)] * 4

    again = recalled(parse_object(memory_bytes(looks).decode()))

    assert 4 == len(again)
    assert all(look.claim is not None and (look.claim.prompt or "").startswith("😀" * 80) for look in again)


def test_two_of_ordinary_length_are_shown_whole() -> None:
    """A neighbour that says little leaves its room to the other."""
    long = replace(SIGNED, prompt="a" * 850, characters=())
    looks = [Look(name="a", inspection=an_inspection(long)), Look(name="b", error=("image.type", "No."))]

    texts = [item.content for item in cards_of(looks).walk_children() if isinstance(item, ui.TextDisplay)]

    assert "a" * 850 in texts[0]
    assert "**⚠️ Cannot be read**\nNo." in texts[1]


@given(inspections())
@settings(max_examples=30, deadline=None)
def test_the_cards_memory_is_read_back(inspection: Inspection) -> None:
    """It stays within what the buttons read; a small one is kept whole."""
    body = metadata_bytes(inspection, "a.png")

    found, name = remembered(json.loads(body))
    assert len(body) <= METADATA_BYTES
    assert "a.png" == name
    assert to_json(found)["verdict"] == to_json(inspection)["verdict"]


def test_a_memory_that_is_too_long_keeps_what_is_shown() -> None:
    """The other claims go first, then the ends of long texts."""
    long = replace(SIGNED, prompt="猫" * 20_000, undesired_content="犬" * 20_000)
    longer = replace(long, characters=tuple(Character(prompt="魚" * 20_000) for _ in range(32)))

    for inspection in (an_inspection(long, long, long), an_inspection(longer)):
        body = metadata_bytes(inspection, "a.png")
        assert len(body) <= METADATA_BYTES
        found, _ = remembered(json.loads(body))
        assert (found.claims[0].prompt or "").startswith("猫" * 4_000)
