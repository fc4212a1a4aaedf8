"""A short form of the search in ``tests/fuzz_inspect.py``."""

from hypothesis import HealthCheck, given, settings

from tests.fuzz_inspect import build, judge, recipes, seeds


@given(recipes())
@settings(max_examples=1_000, deadline=None, suppress_health_check=[*HealthCheck])
def test_no_recipe_breaks_a_law(recipe: bytes) -> None:
    """An answer or a mistake, soon; signed only what was signed; nothing shown that breaks out or does not fit."""
    judge(build(recipe))


def test_what_the_search_begins_with_breaks_no_law() -> None:
    """One recipe of each kind that works, and the small samples."""
    tried = list(seeds())

    for recipe in tried:
        judge(build(recipe))
    assert len(tried) >= 10
