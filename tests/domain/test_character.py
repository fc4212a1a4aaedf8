"""Characters are read as people write them, and what cannot be read is explained."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import wording
from bot.domain.character import Character, Position, parse_characters, written_characters
from bot.domain.errors import Mistake
from bot.domain.model import CAPABILITIES, Model
from tests.builders import a_request

B3 = Position(x=0.3, y=0.5)


@pytest.mark.parametrize(
    ("text", "characters"),
    [
        ("", []),
        ("  ", []),
        ("girl, red hair", [Character(prompt="girl, red hair")]),
        (
            "girl, red hair @B3 // hat | boy, tall",
            [
                Character(prompt="girl, red hair", undesired_content="hat", position=B3),
                Character(prompt="boy, tall"),
            ],
        ),
        ("girl, @b3", [Character(prompt="girl", position=B3)]),
        ("girl@B3//hat", [Character(prompt="girl", undesired_content="hat", position=B3)]),
        ("girl @0.3,0.5", [Character(prompt="girl", position=B3)]),
        ("girl @ .25, 1", [Character(prompt="girl", position=Position(x=0.25, y=1))]),
        ("girl, @_@", [Character(prompt="girl, @_@")]),
        ("girl, @_@ @E5", [Character(prompt="girl, @_@", position=Position(x=0.9, y=0.9))]),
        ("||red|blue|| hair | boy", [Character(prompt="||red|blue|| hair"), Character(prompt="boy")]),
        ("girl, source#hug|boy", [Character(prompt="girl, source#hug"), Character(prompt="boy")]),
    ],
)  # fmt: skip
def test_characters_are_read(text: str, characters: list[Character]) -> None:
    """A bar between two, a place behind one, and what it shall not have behind two strokes."""
    assert tuple(characters) == parse_characters(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("girl |", "characters.empty"),
        ("| girl", "characters.empty"),
        ("@B3", "characters.empty"),
        ("// hat", "characters.empty"),
        ("girl @F1", "characters.place"),
        ("girl @A9", "characters.place"),
        ("girl @B3, red hair", "characters.place"),
        ("girl @A1 @B2", "characters.place"),
        ("girl @1.5,0.5", "characters.place"),
        ("girl @5", "characters.place"),
        ("girl \ud83d", "prompt.unreadable"),
        ("x" * 4_001, "option.range"),
    ],
)
def test_what_cannot_be_read_is_explained(text: str, code: str) -> None:
    """The sentence says how it is written."""
    with pytest.raises(Mistake) as caught:
        parse_characters(text)

    assert code == caught.value.code
    assert "Nothing was made" in wording.explain(caught.value.code, caught.value.data)


def test_every_cell_of_the_grid_has_its_middle() -> None:
    """A to E from the left, 1 to 5 from the top, and each says its own name."""
    names = [f"{column}{row}" for column in "ABCDE" for row in range(1, 6)]

    assert names == [str(Position.at(name)) for name in names]
    assert Position(x=0.1, y=0.1) == Position.at("A1")
    assert Position(x=0.9, y=0.3) == Position.at("E2")


@given(st.text(alphabet=st.sampled_from("ab ,@|/#_:.0123456789BE\n"), max_size=40))
def test_any_text_is_characters_or_a_mistake_and_survives_being_written(text: str) -> None:
    """What was read is read again from what is written of it."""
    try:
        found = parse_characters(text)
    except Mistake:
        return

    assert found == parse_characters(written_characters(found))


def test_a_model_without_characters_names_those_with_them() -> None:
    """V3 knows one prompt."""
    with pytest.raises(Mistake) as caught:
        a_request(characters="girl")

    sentence = wording.explain(caught.value.code, caught.value.data)
    assert "V3 has no characters" in sentence
    assert all(row.short in sentence for row in CAPABILITIES.values() if row.characters)


def test_too_many_characters_are_refused_with_who_takes_more() -> None:
    """The seventh on V4.5 answers 500 (live 2026-10-02)."""
    six = " | ".join(["girl"] * 6)
    a_request(model=Model.V4_5_FULL, characters=six)

    with pytest.raises(Mistake) as caught:
        a_request(model=Model.V4_5_FULL, characters=f"{six} | girl")
    assert "6 characters at most. These take more: V5" in wording.explain(caught.value.code, caught.value.data)
    with pytest.raises(Mistake, match=r"characters\.many\.all"):
        a_request(model=Model.V5_FULL, characters=" | ".join(["girl"] * 33))


def test_a_free_place_is_v5s() -> None:
    """V4.5 has a grid."""
    a_request(model=Model.V5_FULL, characters="girl @0.25,0.5")

    with pytest.raises(Mistake) as caught:
        a_request(model=Model.V4_5_FULL, characters="girl @0.25,0.5")
    assert "V4.5 Full has no free positions. These do: V5" in wording.explain(caught.value.code, caught.value.data)


def test_all_characters_together_are_as_long_as_a_prompt() -> None:
    """What is asked about before it is acknowledged is bounded."""
    with pytest.raises(Mistake, match=r"option\.range"):
        a_request(model=Model.V5_FULL, characters=" | ".join(["x" * 2_001] * 2))
