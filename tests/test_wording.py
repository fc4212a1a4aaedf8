"""Words: bounded, harmless, and there for every error."""

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import wording

ROOT = Path(__file__).resolve().parents[1]
ERRORS = {"Mistake", "Refused", "LimitReached", "UpstreamError", "StoreError"}


def _codes() -> set[str]:
    """Every code with which the source raises one of our errors."""
    found: set[str] = set()
    for path in [*ROOT.glob("bot/**/*.py"), *ROOT.glob("cogs/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ERRORS and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    found.add(str(first.value))
    return found


def test_every_error_has_its_sentence() -> None:
    """No code in the source is without words."""
    codes = _codes()

    assert len(codes) > 20
    assert not {code for code in codes if not wording.has(code)}


def test_sentences_keep_the_houses_style() -> None:
    """No exclamation marks, no "please", no "oops", no status codes."""
    sentences = [value for name, value in vars(wording).items() if name.isupper() and isinstance(value, str)]

    assert len(sentences) > 80
    assert not [s for s in sentences if "!" in s or re.search(r"\b(please|oops|sorry|error|[45]\d\d)\b", s, re.I)]


@pytest.mark.parametrize(
    ("n", "text"),
    [(1, "Next"), (2, "Second"), (10, "Tenth"), (11, "11th"), (21, "21st"), (112, "112th"), (103, "103rd")],
)
def test_ordinals(n: int, text: str) -> None:
    """Next to Tenth in words, then figures."""
    assert text == wording.ordinal(n)


@given(st.text(max_size=2_000), st.integers(20, 400))
def test_inline_code_cannot_be_left(text: str, limit: int) -> None:
    """A prompt in a line stays in its code, on one line, and within its length."""
    shown = wording.inline(text, limit)

    assert shown.startswith("`")
    assert shown.endswith("`")
    assert "`" not in shown[1:-1]
    assert "\n" not in shown
    assert len(shown) <= limit + 40


@given(st.text(alphabet=st.sampled_from("`\n@<>a\u202e\u200b"), max_size=2_000))
def test_a_fence_cannot_be_closed_from_inside(text: str) -> None:
    """Whatever a prompt holds, there is one fence, and nothing that turns text around."""
    shown = wording.block(text, 400)

    assert 2 == shown.count("```")
    assert "\u202e" not in shown


@given(st.text(max_size=500))
def test_plain_text_mentions_nobody(text: str) -> None:
    """User text in a sentence neither pings nor links."""
    shown = wording.plain(text)

    assert not re.search(r"(?<!\\)[<@`*_\[]", shown)


@given(st.text(max_size=3_000))
def test_alt_text_fits(text: str) -> None:
    """Discord takes 1,024 characters."""
    assert len(wording.alt_text(text, hidden=False)) <= 1_024
