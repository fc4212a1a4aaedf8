"""A line is read as a person means it, and what no client could send is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.standin.say.grammar import (
    Names,
    Unsendable,
    Upload,
    parse_command,
    quote,
    split_post,
    split_values,
    split_verb,
)

COMMANDS: list[dict[str, Any]] = [
    {
        "name": "generate",
        "type": 1,
        "options": [
            {"name": "prompt", "type": 3, "required": True, "min_length": 1, "max_length": 4000},
            {"name": "steps", "type": 4, "min_value": 1, "max_value": 50},
            {"name": "cfg_scale", "type": 10, "min_value": 0, "max_value": 10},
            {"name": "sampler", "type": 3, "choices": [{"name": "Euler", "value": "k_euler"}]},
            {"name": "spoiler", "type": 5},
            {"name": "model", "type": 3},
        ],
    },
    {"name": "inspect", "type": 1, "options": [{"name": "image", "type": 11, "required": True}]},
    {
        "name": "mod",
        "type": 1,
        "options": [{"name": "block", "type": 1, "options": [{"name": "member", "type": 6, "required": True}]}],
    },
    {"name": "rules", "type": 1, "options": [{"name": "channel", "type": 7}]},
]
NAMES = Names(people={"ann": "11", "ben": "12"}, channels={"studio": "31", "new server/general": "41"})


def _given(text: str) -> dict[str, Any]:
    return {option["name"]: option["value"] for option in parse_command(text, COMMANDS, NAMES).options}


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("generate prompt:1girl, cherry blossoms", {"prompt": "1girl, cherry blossoms"}),
        ("generate prompt:1girl, artist:x steps:28", {"prompt": "1girl, artist:x", "steps": 28}),
        ("generate prompt:1.2::x::, y steps:5", {"prompt": "1.2::x::, y", "steps": 5}),
        ("generate prompt:a, model: shot", {"prompt": "a, model: shot"}),
        ("generate prompt:a, model:shot", {"prompt": "a,", "model": "shot"}),
        ("generate steps:5 prompt:a steps:28", {"steps": 5, "prompt": "a steps:28"}),
        ('generate prompt:"a steps:5" steps:6', {"prompt": "a steps:5", "steps": 6}),
        ('generate prompt:"say \\"hi\\" steps:5"', {"prompt": 'say "hi" steps:5'}),
        ('generate prompt:"a" and "b"', {"prompt": '"a" and "b"'}),
        ('generate prompt:"unclosed steps:5', {"prompt": '"unclosed', "steps": 5}),
        ("generate prompt:xsteps:5", {"prompt": "xsteps:5"}),
        ("generate prompt:a sampler:euler spoiler:yes", {"prompt": "a", "sampler": "k_euler", "spoiler": True}),
        ("generate prompt:a sampler:k_euler cfg_scale:5.5", {"prompt": "a", "sampler": "k_euler", "cfg_scale": 5.5}),
        ("generate prompt:@everyone, #studio", {"prompt": "@everyone, #studio"}),
        ("inspect image:@out/a b.png", {"image": Upload("out/a b.png")}),
        ("rules channel:#Studio", {"channel": "31"}),
    ],
)
def test_lines_are_read_as_meant(line: str, values: dict[str, Any]) -> None:
    """Commas, weights, tags with colons and quotes need no care."""
    assert values == _given(line)


def test_a_subcommand_comes_first() -> None:
    """`/mod block member:@Ben` is one option that holds another."""
    [block] = parse_command("mod block member:@Ben", COMMANDS, NAMES).options

    assert ("block", [{"name": "member", "type": 6, "value": "12"}]) == (block["name"], block["options"])


@pytest.mark.parametrize(
    "line",
    [
        "generate",
        "generate steps:5",
        "generate 1girl",
        "generate prompt:",
        "generate prompt:a steps:99",
        "generate prompt:a steps:1.5",
        "generate prompt:a cfg_scale:nan",
        "generate prompt:a sampler:none",
        "generate prompt:a spoiler:perhaps",
        f"generate prompt:{'x' * 4001}",
        "mod",
        "mod fly member:@Ben",
        "mod block member:@Zoe",
        "rules channel:#nowhere",
        "fly",
    ],
)
def test_what_no_client_could_send_is_refused(line: str) -> None:
    """A missing, unknown, misshapen or out-of-range value never leaves."""
    with pytest.raises(Unsendable):
        _given(line)


@given(st.text(min_size=1).filter(lambda text: text.strip()))
def test_any_value_survives_its_quotes(value: str) -> None:
    """Whatever a value holds, wrapped it is read back as it is, and the next option after it."""
    assert {"prompt": value, "steps": "5"} == split_values(f"prompt:{quote(value)} steps:5", ["prompt", "steps"])


@given(st.text(max_size=80))
def test_any_line_is_read_or_refused(text: str) -> None:
    """No line breaks the parser."""
    try:
        verb, rest = split_verb(text)
        if verb == "slash":
            parse_command(rest, COMMANDS, NAMES)
    except Unsendable:
        return


@pytest.mark.parametrize(
    ("line", "verb", "rest"),
    [
        ("/generate prompt:a", "slash", "generate prompt:a"),
        ("press Make it again", "press", "Make it again"),
        ("menu Inspect image", "menu", "Inspect image"),
        ("menu Record @Ann", "menu", "Record @Ann"),
        ("fill Reason:not here", "fill", "Reason:not here"),
        ("post look at this", "post", "look at this"),
    ],
)
def test_verbs(line: str, verb: str, rest: str) -> None:
    """Five things can be said."""
    assert (verb, rest) == split_verb(line)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("hello", ("hello", None)),
        ("image:@a b.png", ("", "a b.png")),
        ("look: artist:x image:@a.png", ("look: artist:x", "a.png")),
        ("noimage:@a.png", ("noimage:@a.png", None)),
        ("image:@a.png text:after", ("after", "a.png")),
    ],
)
def test_a_message_has_a_text_a_file_or_both(text: str, found: tuple[str, str | None]) -> None:
    """The file is named as in an option."""
    assert found == split_post(text)
