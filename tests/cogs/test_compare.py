"""`/compare`: it says what differs, fits, is not to be broken out of, and shows everybody only what fits the rules."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from PIL import Image, PngImagePlugin

from bot import wording
from bot.domain.claims import Claim, Note, Signature, Verdict
from bot.domain.comparison import compare
from bot.standin.discord import lantern
from bot.standin.discord.world import Blob
from cogs.ui.comparison import CARD_BYTES, CARD_MAX, WHOLE_BYTES, Side, comparison_card, letter_of, whole_of
from tests.cogs.test_inspection_card import NASTY, SIGNED, an_inspection, inspections
from tests.stage import Stage, open_stage, text_of

UNSIGNED = replace(SIGNED, signature=Signature.ABSENT, signer=None)


def a_side(claim: Claim | None = SIGNED, name: str = "a.png", verdict: Verdict = Verdict.SIGNED) -> Side:
    """One image."""
    claims = (claim,) if claim else ()
    return Side(inspection=an_inspection(*claims, verdict=verdict), name=name)


def test_only_what_differs_is_said() -> None:
    """Two headings with a verdict each, the lines that differ, how many do not."""
    other = replace(
        UNSIGNED,
        prompt="2girls, {smile}",
        settings={**SIGNED.settings, "seed": 7_654_321, "sampler": "k_euler", "skip_cfg_above_sigma": None},
        characters=(replace(SIGNED.characters[0], x=0.5), SIGNED.characters[1]),
    )

    letter = letter_of(a_side(), a_side(other, "b`.png", Verdict.UNSIGNED))

    assert letter.whole is None
    assert [
        f"### First · `a.png`\n{wording.VERDICT_SIGNED}",
        f"### Second · `bˋ.png`\n{wording.VERDICT_UNSIGNED}",
        "**Seed**  0 → 7654321\n**Sampler**  Euler Ancestral → Euler\n**Variety+**  on → –",
        "**Prompt**\n```\n+ smile  ×1.05\n```",
        "**Character 1** · B3 → C3",
        "Same: 12 settings",
    ] == list(letter.texts)


def test_notes_stand_with_their_image() -> None:
    """What makes a verdict less than it seems."""
    side = replace(a_side(), inspection=an_inspection(SIGNED, notes=(Note.FRAMES,)))

    heading = letter_of(side, a_side()).texts[0]

    assert wording.NOTE_FRAMES in heading


def test_images_that_say_nothing_are_said_to() -> None:
    """One, or both."""
    silent = a_side(None, verdict=Verdict.NONE)

    assert wording.say("compare.silent", which="second") in letter_of(a_side(), silent).texts
    assert wording.COMPARE_SILENT_BOTH in letter_of(silent, silent).texts
    assert any(wording.COMPARE_EQUAL in text for text in letter_of(a_side(), a_side()).texts)


def test_what_has_no_room_is_in_the_file() -> None:
    """And the card says so; the file has every tag."""
    tags = [f"tag {n}" for n in range(500)]
    card, [file] = comparison_card(letter_of(a_side(), a_side(replace(SIGNED, prompt=", ".join(tags)))))

    assert wording.COMPARE_WHOLE in str(card.to_components())
    assert [f"+ {tag}" for tag in tags] == [line for line in file.fp.read().decode().splitlines() if line[:2] == "+ "]


@given(inspections(), inspections(), NASTY)
@settings(max_examples=60, deadline=None)
def test_nothing_a_file_says_breaks_out_or_overflows(one: object, other: object, name: str) -> None:
    """Within the house's lengths, every fence closed, nothing outside that pings, links or hides."""
    first, second = Side(inspection=one, name=name), Side(inspection=other, name=name)  # type: ignore[arg-type]
    letter = letter_of(first, second)
    texts = letter.texts

    assert sum(map(len, texts)) <= CARD_MAX + len(wording.COMPARE_WHOLE)
    assert sum(len(text.encode()) for text in texts) <= CARD_BYTES + len(wording.COMPARE_WHOLE.encode())
    for text in texts:
        assert not set(text) & set("\u202e\u2066\u3164")
        assert 0 == text.count("```") % 2
        outside = "".join(text.split("```")[::2]).replace("\\<", "").replace("\\@", "")
        outside = "".join(outside.split("`")[::2]) if text.startswith("### ") else outside
        assert not {"<", "@"} & set(outside)
        assert "](" not in outside
    card, files = comparison_card(letter)
    assert (letter.whole is not None) == bool(files)
    assert len(card.to_components()[0]["components"]) + 1 <= 36
    assert len(whole_of(first, second, compare(first.inspection, second.inspection))) <= WHOLE_BYTES


# --- in Discord ------------------------------------------------------------------------------------------------------


def an_image(prompt: str, seed: int) -> bytes:
    """A small picture with NovelAI's text, unsigned."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Software", "NovelAI")
    info.add_text("Comment", f'{{"prompt": "{prompt}", "seed": {seed}, "steps": 28, "sampler": "k_euler", "uc": ""}}')
    data = io.BytesIO()
    Image.new("RGB", (8, 8)).save(data, "PNG", pnginfo=info)
    return data.getvalue()


def uploaded(stage: Stage, data: bytes, name: str) -> str:
    """The id of a file that somebody put into an option."""
    made = stage.discord.world.attach(lantern.STUDIO, Blob(name, "image/png", data), ephemeral=True)
    stage.discord.world.uploads[made["id"]] = made
    return str(made["id"])


async def compared(stage: Stage, second: bytes, *, share: bool = False) -> str:
    """What the private card says."""
    first = uploaded(stage, an_image("1girl, hat", 1), "a.png")
    asked = await stage.slash("compare", first=first, second=uploaded(stage, second, "b.png"), share=share)
    return text_of(await stage.answered(asked))


async def test_two_images_are_compared(tmp_path: Path) -> None:
    """Privately, with what differs."""
    async with open_stage(tmp_path, working=False) as stage:
        said = await compared(stage, an_image("1girl, cat", 2))

        assert "**Seed**  1 → 2" in said
        assert "− hat\n+ cat" in said
        assert said in stage.private_words()


async def test_shared_it_is_everybodys_if_its_words_are_fit(tmp_path: Path) -> None:
    """Both images' texts pass this place's rules first; else only the one who asked sees it, and is told."""
    async with open_stage(tmp_path, working=False) as stage:
        await stage.said("rules add", by=lantern.ADA, text="cat")
        said = await compared(stage, an_image("1girl, dog", 2), share=True)
        public = [text_of(s.message) for s in stage.discord.world.visible(0, lantern.STUDIO) if s.to is None]
        await compared(stage, an_image("1girl, cat", 2), share=True)

        assert [said] == [text for text in public if "Seed" in text]
        assert wording.SHARE_REFUSED in stage.private_words()
        assert not [
            s for s in stage.discord.world.visible(0, lantern.STUDIO) if s.to is None and "cat" in text_of(s.message)
        ]


@pytest.mark.parametrize("data", [b"", b"nonsense"])
async def test_what_cannot_be_read_is_named(tmp_path: Path, data: bytes) -> None:
    """Which of the two it was."""
    async with open_stage(tmp_path, working=False) as stage:
        said = await compared(stage, data)

        assert said.startswith("Second image: ")
