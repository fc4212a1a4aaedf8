"""Two images beside each other: every difference is found, and nothing else."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.claims import Carrier, Character, Claim, Inspection, Signature, Verdict
from bot.domain.comparison import SAME_TEXT, compare, compare_texts
from bot.domain.emphasis import WEIGHT_MAX, weighted_tags

CLAIM = Claim(
    carrier=Carrier.PNG_TEXT,
    generator="NovelAI",
    model="NovelAI Diffusion V4.5 Full",
    prompt="1girl, {smile}, hat",
    undesired_content="lowres",
    characters=(Character(prompt="girl, red hair", x=0.3, y=0.5),),
    settings={"seed": 1_234_567, "steps": 28, "sm": False, "width": 832, "height": 1216},
)


def an_inspection(claim: Claim | None = CLAIM, *, width: int = 832) -> Inspection:
    """Of a PNG."""
    claims = (claim,) if claim else ()
    return Inspection(
        format="PNG", width=width, height=1216, size=1, verdict=Verdict.UNSIGNED, claims=claims, notes=()
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("a, {b}, {{c}}, [d]", [1, 1.05, 1.1025, 0.9524]),
        ("1.5::a, b::, c", [1.5, 1.5, 1]),
        ("-2::hat::, .5::x::", [-2, 0.5]),
        ("{a, b}, c", [1.05, 1.05, 1]),
        ("2::{a}::", [2.1]),
        ("1girl, 2.5d", [1, 1]),
        (" , ,{},", []),
    ],
)
def test_novelais_weights(text: str, weights: list[float]) -> None:
    """Brackets multiply, a number holds up to the next ``::``."""
    assert weights == [tag.weight for tag in weighted_tags(text, is_novelai=True)]


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("(a:1.3), ((b)), [c]", [("a", 1.3), ("b", 1.21), ("c", 0.9091)]),
        ("(a, b:0.8), c", [("a", 0.8), ("b", 0.8), ("c", 1)]),
        (r"hatsune miku \(vocaloid\)", [("hatsune miku (vocaloid)", 1)]),
        ("<lora:x:0.8>, (open", [("<lora:x:0.8>", 1), ("open", 1.1)]),
        ("{a}, 1.5::b::", [("{a}", 1), ("1.5::b::", 1)]),
    ],
)
def test_the_web_uis_weights(text: str, tags: list[tuple[str, float]]) -> None:
    """Round brackets; NovelAI's marks mean nothing there."""
    assert tags == [(tag.text, tag.weight) for tag in weighted_tags(text, is_novelai=False)]


def test_no_weight_is_beyond_numbers() -> None:
    """Whatever digits a file has, it can be compared."""
    vast = "9" * 500
    texts = [(f"((a:0):{vast})", False), (f"(a:-{vast})", False), (f"{vast}::a::", True), (f"-{vast}::{{a}}::", True)]

    tags = [weighted_tags(text, is_novelai=is_novelai)[0] for text, is_novelai in texts]
    assert [0, -WEIGHT_MAX, WEIGHT_MAX, -WEIGHT_MAX] == [tag.weight for tag in tags]


def test_tags_are_compared_with_their_weights() -> None:
    """Missing, added, shifted."""
    found = compare_texts("1girl, {smile}, hat, red_hair", "1girl, 1.3::smile::, {cat}, Red  hair")

    assert ["hat"] == [tag.text for tag in found.missing]
    assert [("cat", 1.05)] == [(tag.text, tag.weight) for tag in found.added]
    assert [("smile", 1.05, 1.3)] == [(each.text, each.old, each.new) for each in found.shifted]
    assert not found.is_reordered


def test_what_differs_in_nothing_but_writing_is_said_to() -> None:
    """So that texts which are not the same never look the same."""
    assert compare_texts("a, b", "b, a").is_reordered
    assert compare_texts("a,b", "a, b").is_rewritten
    assert compare_texts("{a}", "1.05::a::").is_rewritten


TAGS = st.lists(st.sampled_from(["a", "b", "c", "a b", "{a}", "[b]", "1.2::c::", "-1::a::", "A"]), max_size=8)
ANY = st.text(alphabet=st.sampled_from("ab,:.-12{}[]()\\|\n _`@<é\u202e\ud800"), max_size=60)


@given(st.one_of(ANY, TAGS.map(", ".join)), st.one_of(ANY, TAGS.map(", ".join)))
def test_texts_are_the_same_exactly_when_nothing_is_found(first: str, second: str) -> None:
    """No difference is swallowed and none invented."""
    assert (first == second) == (not compare_texts(first, second))
    assert (first == second) == (not compare_texts(first, second, is_novelai=(False, False)))


@given(TAGS.map(", ".join), TAGS.map(", ".join))
def test_what_is_found_leads_from_one_to_the_other(first: str, second: str) -> None:
    """The first's tags without the missing, with the added and shifted, are the second's."""
    found = compare_texts(first, second)
    one, other = (
        Counter((tag.key, tag.weight) for tag in weighted_tags(text, is_novelai=True)) for text in (first, second)
    )
    one.subtract((tag.key, tag.weight) for tag in found.missing)
    one.update((tag.key, tag.weight) for tag in found.added)
    for shift in found.shifted:
        key = " ".join(shift.text.casefold().split())
        one[key, shift.old] -= 1
        one[key, shift.new] += 1

    assert +one == other
    assert all(n >= 0 for n in one.values())


@given(TAGS.map(", ".join), TAGS.map(", ".join))
def test_the_other_way_round_missing_is_added(first: str, second: str) -> None:
    """Comparing has two directions and one result."""
    there, back = compare_texts(first, second), compare_texts(second, first)

    def counted(tags: object) -> Counter[object]:
        return Counter((tag.key, tag.weight) for tag in tags)  # type: ignore[attr-defined]

    assert counted(there.missing).total() == counted(back.added).total()
    assert len(there.shifted) == len(back.shifted)
    assert there.is_reordered == back.is_reordered


def test_an_image_does_not_differ_from_itself() -> None:
    """And everything it says is counted as the same: size, generator, model, two settings, two texts, a character."""
    found = compare(an_inspection(), an_inspection())

    assert found.is_equal
    assert 8 == found.same


def test_only_what_differs_is_found() -> None:
    """Settings that are off and settings that are not there are the same."""
    other = replace(CLAIM, settings={"seed": 7_654_321, "steps": 28, "scale": 5.5}, prompt="1girl, {smile}")

    found = compare(an_inspection(), an_inspection(other))

    assert [("seed", 1_234_567, 7_654_321), ("scale", None, 5.5)] == [(s.name, s.old, s.new) for s in found.settings]
    assert ["hat"] == [tag.text for tag in found.prompt.missing]
    assert SAME_TEXT == found.undesired_content
    assert () == found.characters


def test_characters_are_compared_one_by_one() -> None:
    """Moved, changed, and there in only one of them."""
    moved = replace(CLAIM.characters[0], x=0.5, prompt="girl, blue hair")
    other = replace(CLAIM, characters=(moved, Character(prompt="boy")))

    first, second = compare(an_inspection(), an_inspection(other)).characters

    assert first.is_moved
    assert ["blue hair"] == [tag.text for tag in first.prompt.added]
    assert second.old is None
    assert ["boy"] == [tag.text for tag in second.prompt.added]
    assert not second.is_moved


def test_another_generators_words_meet_ours() -> None:
    """Names without regard to case, numbers that were written as text, and the size that only repeats the image's."""
    other = Claim(
        carrier=Carrier.EXIF,
        generator="AUTOMATIC1111",
        settings={"Seed": "1234567", "CFG scale": 7.0, "Size": "832x1216"},
    )

    found = compare(an_inspection(replace(CLAIM, settings={"seed": 1_234_567, "scale": 7})), an_inspection(other))

    assert {"generator", "model"} == {each.name for each in found.settings}


def test_what_another_generator_has_no_word_for_is_no_difference() -> None:
    """Only within one generator is a setting that one image lacks a difference."""
    more = replace(CLAIM, settings={**CLAIM.settings, "uncond_scale": 1})

    assert ["uncond_scale"] == [each.name for each in compare(an_inspection(), an_inspection(more)).settings]
    other = compare(an_inspection(), an_inspection(replace(more, generator="ComfyUI", model=None)))
    assert ["generator", "model"] == [each.name for each in other.settings]


def test_a_silent_image_has_only_a_size() -> None:
    """Everything the other says is a difference; two silent ones of a size are the same."""
    assert 0 == compare(an_inspection(None, width=64), an_inspection()).same
    assert compare(an_inspection(None), an_inspection(None)).is_equal


def test_the_valid_claim_is_compared() -> None:
    """As everywhere, and not the one that says something else beside it."""
    signed = replace(CLAIM, carrier=Carrier.ALPHA, signature=Signature.VALID)
    inspection = an_inspection()
    both = replace(inspection, claims=(replace(CLAIM, prompt="lies"), signed))

    assert compare(both, an_inspection()).is_equal


def test_what_is_too_long_is_said_to_differ_and_no_more() -> None:
    """A file's texts cannot keep the bot at work: what is equal is equal, the rest is too long."""
    text = "a," * 10_000
    crowd = tuple(Character(prompt=text + str(n), undesired_content=text) for n in range(32))
    one = replace(CLAIM, prompt=text + "b", characters=crowd)
    other = replace(one, prompt=text + "c", characters=tuple(replace(each, prompt=text + "z") for each in crowd))

    found = compare(an_inspection(one), an_inspection(other))

    assert (["b"], ["c"]) == tuple([tag.text for tag in tags] for tags in (found.prompt.missing, found.prompt.added))
    assert [True] * 32 == [bool(each.prompt) for each in found.characters]
    assert all(each.prompt.is_long for each in found.characters[1:])
    assert not any(each.undesired_content for each in found.characters)
