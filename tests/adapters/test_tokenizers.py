"""Tokens are counted as NovelAI's site counts them."""

import asyncio
import hashlib
import html
import json
import logging
import lzma
import re
import time
import zlib
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.tokenizers import Tokenizers, qwen
from bot.adapters.tokenizers.bpe import BytePairs, ranked
from bot.adapters.tokenizers.clip import Clip
from bot.adapters.tokenizers.qwen import Qwen, Table
from bot.adapters.tokenizers.t5 import T5, without_weights
from bot.domain.model import TokenizerKind
from bot.domain.tokens import UNKNOWN_MAX, straddling_tags

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "bot" / "adapters" / "tokenizers"
CLIP = Clip.load()
T5_READER = T5.load()
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}"
    r"| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""Qwen's published expression."""
HOSTILE = {
    "one letter": "a" * 4_000,
    "one word": ("qwertyuiopasdfghjklzxcvbnm" * 200)[:4_000],
    "emoji": "😀" * 4_000,
    "digits": "1" * 4_000,
    "digits and a weight": "1" * 3_998 + "::",
    "commas": "," * 4_000,
    "colons": ":" * 4_000,
    "bars": "|" * 4_000,
    "entities": "&amp;" * 800,
}


@pytest.mark.parametrize(
    ("text", "clip", "t5"),
    [
        ("", 0, 1),
        ("1girl", 2, 3),
        ("1girl, blue eyes", 5, 6),
        ("1girl,  blue eyes", 5, 6),
        ("1girl, blue eyes\nsmile", 6, 7),
        ("1.5::1girl, blue eyes::", 10, 6),
        ("{1girl}, [blue eyes]", 9, 6),
        ("소녀, 파란 눈", 11, 10),
        ("very aesthetic, masterpiece, no text", 7, 8),
        ("nsfw, lowres, bad anatomy", 7, 13),
    ],
)
def test_public_fixtures(text: str, clip: int, t5: int) -> None:
    """Counts that independent ports of the site's tokenizers publish."""
    assert clip == CLIP.read(text).n
    assert t5 == T5_READER.read(text).n


# --- CLIP ------------------------------------------------------------------------------------------------------------


def test_a_tag_has_the_positions_of_its_tokens() -> None:
    """Counted from 0; the comma lies between."""
    [girl, eyes] = CLIP.read("1girl, blue eyes").spans

    assert ("1girl", 0, 1) == (girl.text, girl.first, girl.last)
    assert ("blue eyes", 3, 4) == (eyes.text, eyes.first, eyes.last)


@pytest.mark.parametrize(("before", "cut"), [(73, False), (74, True), (75, False), (149, True), (150, False)])
def test_a_tag_on_v3s_border_is_found(before: int, cut: bool) -> None:
    """``blue eyes`` is two tokens; the borders lie at 75 and 150."""
    [*_, last] = CLIP.read("sky " * (before - 1) + ", blue eyes").spans

    assert before == last.first
    assert cut == (last in straddling_tags([last], 75))


@given(st.lists(st.sampled_from(["1girl", "blue eyes", "very aesthetic", "hair", "smile", "도"]), min_size=1))
def test_plain_tags_and_their_commas_are_the_whole_count(tags: list[str]) -> None:
    """No token is lost between tags."""
    found = CLIP.read(", ".join(tags))

    assert tags == [span.text for span in found.spans]
    assert found.n == sum(span.last - span.first + 1 for span in found.spans) + len(tags) - 1


@given(st.text(st.sampled_from("&#;,amplt4 xAΣİ'’\t"), max_size=60))
def test_a_prompt_is_cleaned_tag_by_tag_as_it_would_be_whole(text: str) -> None:
    """Entities, capitals and white space end at a comma."""
    whole = html.unescape(html.unescape(text)).lower()
    tags = [html.unescape(html.unescape(tag)).lower() for tag in text.split(",")]

    assert whole == ",".join(tags)


def naive_merges(word: str, ranks: dict[str, int], end: str) -> int:
    """GPT-2's loop as published: the lowest pair everywhere, again and again."""
    parts = [*word[:-1], word[-1] + end]
    while True:
        pairs = [f"{a} {b}" for a, b in pairwise(parts)]
        lowest = min((pair for pair in pairs if pair in ranks), key=ranks.__getitem__, default=None)
        if lowest is None:
            return len(parts)
        merged: list[str] = []
        for part in parts:
            if merged and f"{merged[-1]} {part}" == lowest:
                merged[-1] += part
            else:
                merged.append(part)
        parts = merged


@given(st.text("ab", min_size=1, max_size=24), st.permutations(["a a", "a b", "b a", "aa b", "ab a", "ab ab", "b b"]))
def test_merging_equals_the_published_loop(word: str, merges: list[str]) -> None:
    """Also where a table is in an order that nobody would learn."""
    ranks = ranked(merges)

    assert naive_merges(word, ranks, "") == BytePairs(ranks).count(word)


# --- T5 --------------------------------------------------------------------------------------------------------------

ROWS = lzma.decompress((FOLDER / "t5_unigram.tsv.xz").read_bytes()).decode().splitlines()
PIECES = {piece: float(score) for piece, score in (row.split("\t") for row in ROWS)}
PIECES["<unk>"] = min(PIECES.values()) - 10
"""SentencePiece's score of what it does not know."""


def naive_t5(text: str) -> int:
    """The likeliest cut of each word, by trying every one."""
    cleaned = re.sub(r"-?[0-9]*\.?[0-9]*::", "", re.sub(r"[\[\]{}]", "", text))
    return 1 + sum(_naive_word("▁" + word) for word in re.split(r"[ \n\t]+", cleaned)) if text else 1


def _naive_word(word: str) -> int:
    @cache
    def best(end: int) -> tuple[float, int]:
        """Log score and tokens of the likeliest way to cut what lies before *end*."""
        ways = [(0.0, 0)] if end == 0 else []
        for start in range(end):
            piece = word[start:end]
            if piece in PIECES:
                ways.append((best(start)[0] + PIECES[piece], best(start)[1] + 1))
            elif len(piece) == 1:
                units = len(piece.encode("utf-16-le")) // 2
                ways.append((best(start)[0] + units * PIECES["<unk>"], best(start)[1] + units))
        return max(ways, key=lambda way: way[0])

    return best(len(word))[1]


@given(st.text(st.sampled_from("abcdeilnorst,.:0123{}[]-~<>_ \n소😀"), max_size=40))
def test_t5_equals_the_naive_viterbi(text: str) -> None:
    """Weights, braces, unknown characters and all."""
    assert naive_t5(text) == T5_READER.read(text).n


@given(st.text(":.-19a ", max_size=40))
def test_weights_are_taken_out_as_the_site_does(text: str) -> None:
    """The site's own expression says what is left."""
    assert re.sub(r"-?[0-9]*\.?[0-9]*::", "", text) == without_weights(text)


def test_what_t5_does_not_know_is_named() -> None:
    """Each once, in order, and not endlessly many; an emoji is two tokens, as two units of JavaScript's."""
    assert ("<", "소", "😀") == T5_READER.read(">_<, 소 소, smile 😀").unknown
    assert T5_READER.read("x😀").n == T5_READER.read("x소").n + 1
    assert UNKNOWN_MAX == len(T5_READER.read("".join(map(chr, range(0xAC00, 0xAD00)))).unknown)
    assert () == T5_READER.read("1girl, artist:foo, 1.2::blue eyes::, {{smile}}").unknown


def test_t5_positions() -> None:
    """The comma that hangs on a word is not its tag's."""
    found = T5_READER.read("{1girl},solo, 1.5::blue eyes::")

    assert ["{1girl}", "solo", "1.5::blue eyes::"] == [span.text for span in found.spans]
    assert found.n == sum(span.last - span.first + 1 for span in found.spans) + 2 + 1


# --- V5 --------------------------------------------------------------------------------------------------------------

MERGES = [("g", "i"), ("r", "l"), ("gi", "rl"), ("Ġ", "b"), ("l", "u"), ("lu", "e"), ("Ġb", "lue"), ("Ġ", "e")]
MERGES += [("Ġe", "y"), ("e", "s"), ("Ġey", "es"), (":", ":"), ("Ã", "©")]
WORDS = {"": 0, "1girl": 2, "1girl, blue eyes": 5, "1.2::1girl::, blue": 9, "e\u0301": 1, "é": 1}


def packed(bits: int = -15, **changes: object) -> bytes:
    """A table as NovelAI serves it, with what *changes* says."""
    table = {
        "config": {"splitRegex": SPLIT, "normalization": "NFC", "ignoreMerges": False},
        "specialTokens": ["<|end|>"],
        "vocab": {"girl": 1, "[": 2},
        "merges": MERGES,
        **changes,
    }
    stream = zlib.compressobj(wbits=bits)
    return stream.compress(json.dumps(table).encode()) + stream.flush()


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "tokenizers" / qwen.TABLE
    path.parent.mkdir()
    return path


@pytest.mark.parametrize("bits", [-15, 15])
async def test_v5_is_counted_by_the_operators_table(table: Path, tmp_path: Path, bits: int) -> None:
    """Raw deflate, or with zlib's header."""
    table.write_bytes(packed(bits))
    tokenizers = Tokenizers(tmp_path)

    counts = {text: await tokenizers.count(TokenizerKind.QWEN, text, 703) for text in WORDS}

    assert WORDS == {text: count.n for text, count in counts.items()}
    assert not any(count.is_estimate for count in counts.values())
    assert ["1girl", "blue eyes"] == [span.text for span in counts["1girl, blue eyes"].spans]
    assert 3 == Qwen.load(table).read("girl<|end|>girl").n


async def test_without_a_table_v5_is_an_estimate_until_one_comes(table: Path, tmp_path: Path) -> None:
    """3.5 characters a token, said to be a guess; no restart is needed."""
    tokenizers = Tokenizers(tmp_path)
    guess = await tokenizers.count(TokenizerKind.QWEN, "1girl, blue eyes", 703)
    table.write_bytes(packed())

    count = await tokenizers.count(TokenizerKind.QWEN, "1girl, blue eyes", 703)

    assert (5, True, ()) == (guess.n, guess.is_estimate, guess.spans)
    assert (5, False) == (count.n, count.is_estimate)


BROKEN: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "noise": lambda: bytes(range(256)) * 4,
    "cut": lambda: packed()[:-20],
    "bomb": lambda: zlib.compress(bytes(qwen.TABLE_MAX + 1)),
    "large": lambda: bytes(qwen.PACKED_MAX + 1),
    "no JSON": lambda: zlib.compress(b"<html>"),
    "not UTF-8": lambda: zlib.compress(b'{"config": "\xff"}'),
    "deep": lambda: zlib.compress(b'{"vocab":' + b'{"a":' * 100_000),
    "a list": lambda: zlib.compress(b"[]"),
    "no merges": lambda: packed(merges=[]),
    "flat merges": lambda: packed(merges=["g i"]),
    "bad expression": lambda: packed(config={"splitRegex": "(", "normalization": "NFC"}),
    "other rules": lambda: packed(config={"splitRegex": SPLIT, "normalization": "NFC", "ignoreMerges": True}),
    "too many specials": lambda: packed(specialTokens=["x"] * (qwen.SPECIAL_MAX + 1)),
    "too many values": lambda: packed(vocab=[1] * (qwen.COMMAS_MAX + 1)),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_table_is_an_estimate_and_one_warning(
    table: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Never an exception to a member; a good file later is used."""
    table.write_bytes(BROKEN[kind]())
    reader = Table(table)

    with caplog.at_level(logging.WARNING):
        found = [reader.read("1girl, blue eyes") for _ in range(3)]
    table.write_bytes(packed())

    assert all(reading.is_estimate and reading.n == 5 for reading in found)
    assert 1 == len([record for record in caplog.records if qwen.TABLE in record.getMessage()])
    assert not reader.read("1girl").is_estimate


def test_a_table_whose_expression_hangs_is_put_aside(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The prompt is estimated, and the next one does not wait again."""
    monkeypatch.setattr(qwen, "SPLIT_SECONDS", 0.05)
    table.write_bytes(packed(config={"splitRegex": r"(?:a|aa)+[^a]", "normalization": "NFC"}))
    reader = Table(table)

    assert reader.read("a" * 4_000).is_estimate
    assert reader.read("a").is_estimate


def test_public_fixtures_of_v5() -> None:
    """Counts that independent ports publish, by NovelAI's own table, where somebody put it into ``data/tokenizers``."""
    own = ROOT / "data" / "tokenizers" / qwen.TABLE
    counts = {"1girl": 2, "1girl, blue eyes": 5, "1.2::1girl::, {blue eyes}, [long hair]": 16, "소녀, 파란 눈": 6}
    if not own.exists():
        # It is NovelAI's, so nobody has it here; without it these are estimates, which other tests hold.
        return
    reader = Qwen.load(own)
    assert counts == {text: reader.read(text).n for text in counts}


# --- all of them -----------------------------------------------------------------------------------------------------


@given(st.text(st.characters(), max_size=300))
def test_any_text_is_read(text: str) -> None:
    """Whatever people type, half characters too, has a count, and its tags lie in order within it."""
    for reader in (CLIP, T5_READER):
        found = reader.read(text)

        assert all(0 <= span.first <= span.last < found.n for span in found.spans)
        assert all(a.first <= b.first and a.last <= b.last for a, b in pairwise(found.spans))
        assert all(span.text in text for span in found.spans)


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_prompt_takes_no_time(name: str, tmp_path: Path) -> None:
    """Four thousand characters, far under what anybody notices."""
    tokenizers = Tokenizers(tmp_path)
    began = time.monotonic()

    for kind in TokenizerKind:
        await tokenizers.count(kind, HOSTILE[name], 225)

    assert time.monotonic() - began < 5


async def test_characters_share_the_limit(tmp_path: Path) -> None:
    """The base prompt and every character's add up, each with its own end; positions go on."""
    count = await Tokenizers(tmp_path).count(TokenizerKind.T5, "1girl", 512, characters=("1girl, blue eyes", "소"))

    assert 3 + 6 + 3 == count.n
    assert [(0, 1), (3, 4), (6, 7), (9, 10)] == [(span.first, span.last) for span in count.spans]
    assert ("소",) == count.unknown


async def test_mixed_prompts_are_counted_part_by_part(tmp_path: Path) -> None:
    """V3 reads each part by itself; the others share one limit."""
    tokenizers = Tokenizers(tmp_path)

    assert 5 == (await tokenizers.count(TokenizerKind.CLIP, "1girl|1girl, blue eyes", 225)).n
    assert 9 == (await tokenizers.count(TokenizerKind.T5, "1girl|1girl, blue eyes", 512)).n


async def test_what_is_ignored_begins_after_the_last_tag_that_is_read(tmp_path: Path) -> None:
    """The tag that the limit cuts is not read."""
    text = "blue sky, " * 74 + "red hat, green shoes"

    found = await Tokenizers(tmp_path).count(TokenizerKind.CLIP, text, 224)

    assert found.is_over
    assert found.last_read is not None
    assert "red hat" == found.last_read.text


async def test_the_table_is_loaded_once_by_many(tmp_path: Path) -> None:
    """Twenty counts at once agree."""
    tokenizers = Tokenizers(tmp_path)

    found = await asyncio.gather(*(tokenizers.count(TokenizerKind.CLIP, "1girl", 225) for _ in range(20)))

    assert {2} == {count.n for count in found}


@pytest.mark.parametrize(
    ("table", "licence", "words"),
    [
        ("clip_merges.txt.xz", "LICENSE.clip", "Copyright (c) 2021 OpenAI"),
        ("t5_unigram.tsv.xz", "LICENSE.t5", "Apache License"),
    ],
)
def test_the_shipped_tables_are_those_the_readme_names(table: str, licence: str, words: str) -> None:
    """Their sha256 stand in the folder's README, their licences beside them."""
    digest = hashlib.sha256((FOLDER / table).read_bytes()).hexdigest()

    assert digest in re.findall(r"[0-9a-f]{64}", (FOLDER / "README.md").read_text())
    assert words in (FOLDER / licence).read_text()
