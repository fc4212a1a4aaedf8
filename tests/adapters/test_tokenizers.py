"""Tokens are counted as NovelAI's site counts them."""

import asyncio
import hashlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.tokenizers import Tokenizers
from bot.adapters.tokenizers.clip import Clip
from bot.domain.model import TokenizerKind

FOLDER = Path(__file__).resolve().parents[2] / "bot" / "adapters" / "tokenizers"
CLIP = Clip.load()


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("", 0),
        ("1girl", 2),
        ("1girl, blue eyes", 5),
        ("1girl,  blue eyes", 5),
        ("1girl, blue eyes\nsmile", 6),
        ("1.5::1girl, blue eyes::", 10),
        ("{1girl}, [blue eyes]", 9),
        ("소녀, 파란 눈", 11),
        ("very aesthetic, masterpiece, no text", 7),
        ("nsfw, lowres, bad anatomy", 7),
    ],
)
def test_public_fixtures(text: str, n: int) -> None:
    """Counts that independent ports of the site's tokenizer publish."""
    assert n == CLIP.count(text, 225).n


def test_what_is_ignored_begins_with_the_first_tag_that_is_cut() -> None:
    """The hint names the part of the member's own text."""
    text = "blue sky, " * 74 + "red hat, green shoes"

    found = CLIP.count(text, 225)

    assert found.is_over
    assert "red hat, green shoes".endswith(found.ignored_from.split("red hat")[-1])
    assert text.endswith(found.ignored_from)


@given(st.text(max_size=300), st.integers(0, 40))
def test_any_text_is_counted(text: str, limit: int) -> None:
    """Whatever people type has a count, and what is ignored is a part of it."""
    found = CLIP.count(text, limit)

    assert found.n >= 0
    assert found.ignored_from in text
    assert found.is_over == (found.n > limit)


async def test_the_table_is_loaded_once_by_many() -> None:
    """Twenty counts at once agree."""
    tokenizers = Tokenizers()

    found = await asyncio.gather(*(tokenizers.count(TokenizerKind.CLIP, "1girl", 225) for _ in range(20)))

    assert {2} == {count.n for count in found}


def test_the_shipped_table_is_the_one_the_readme_names() -> None:
    """Its sha256 stands in the folder's README, its licence beside it."""
    digest = hashlib.sha256((FOLDER / "clip_merges.txt.xz").read_bytes()).hexdigest()

    assert digest in re.findall(r"[0-9a-f]{64}", (FOLDER / "README.md").read_text())
    assert "Copyright (c) 2021 OpenAI" in (FOLDER / "LICENSE.clip").read_text()
