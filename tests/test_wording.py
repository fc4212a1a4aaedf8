"""Words: bounded, harmless, and there for every error."""

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import wording
from bot.domain.guild import SETTINGS, Group, Spoiler
from bot.domain.model import CAPABILITIES
from bot.services.chronicle import OPERATOR_KINDS, SERVER_KINDS

ROOT = Path(__file__).resolve().parents[1]
ERRORS = {"Mistake", "Refused", "Forbidden", "LimitReached", "UpstreamError", "ClassifierError", "StoreError"}


def _codes(names: set[str] = ERRORS) -> set[str]:
    """Every code with which the source raises one of our errors, or a choice between two codes."""
    found: set[str] = set()
    for path in [*ROOT.glob("bot/**/*.py"), *ROOT.glob("cogs/**/*.py")]:
        if "standin" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in names and node.args:
                found |= _constants(node.args[0])
            elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "code":
                found |= _constants(node.value)
    return found


def _constants(node: ast.AST) -> set[str]:
    match node:
        case ast.Constant(value=str() as code):
            return {code}
        case ast.IfExp(body=body, orelse=orelse):
            return _constants(body) | _constants(orelse)
        case _:
            return set()


def test_every_error_has_its_sentence() -> None:
    """No code in the source is without words."""
    codes = _codes()

    assert len(codes) > 20
    assert not {code for code in codes if not wording.has(code)}


def test_what_the_rules_refuse_has_a_name_in_the_log() -> None:
    """Every code that goes on record."""
    tree = ast.parse((ROOT / "bot/domain/rules.py").read_text())
    codes = {
        code
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise | ast.Assign)
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and wording.has(part.value)
        for code in [part.value]
        if not code.endswith(".only") or code.startswith("nsfw")
    }

    assert len(codes) > 8
    assert not codes - set(wording.REFUSALS)


def test_every_line_of_the_log_has_its_sentence() -> None:
    """For servers and for the operator."""
    assert not [kind for kind in (*SERVER_KINDS, *OPERATOR_KINDS) if not wording.has(f"log.{kind}")]


def test_every_setting_has_words() -> None:
    """A label that fits a form's title, a line of help, its group, and what is dangerous about it."""
    assert set(SETTINGS) == set(wording.SETTING_LABELS) == set(wording.SETTING_HELP)
    assert set(Group) == set(wording.GROUPS)
    assert {key for key, setting in SETTINGS.items() if setting.danger is not None} == set(wording.DANGERS)
    assert all(len(label) <= 45 for label in wording.SETTING_LABELS.values())
    assert {each.value for each in Spoiler} == set(wording.SPOILERS)


def test_every_label_and_title_comes_from_here() -> None:
    """No control, form or description of the cogs holds a text of its own."""
    literal = []
    for path in ROOT.glob("cogs/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            at = {"button": 3, "Form": 3, "TextDisplay": 0, "tell": 1, "ask": 1}.get(name)
            if at is not None and len(node.args) > at and isinstance(node.args[at], ast.Constant):
                literal.append(f"{path.name}:{node.lineno}")

    assert not literal


def test_buttons_fit_a_phone() -> None:
    """At most 20 characters, sentence case; those with a price or a size may be longer."""
    labels = {name: value for name, value in vars(wording).items() if name.startswith("BUTTON_")}

    assert len(labels) > 20
    assert not [v for v in labels.values() if (len(v) > 20 and "{" not in v) or not v[0].isupper()]


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


def test_models_are_called_as_the_catalogue_calls_them() -> None:
    """Every model that can be asked for, and no other."""
    assert wording.MODELS == {model.value: row.name for model, row in CAPABILITIES.items() if row.is_offered}
