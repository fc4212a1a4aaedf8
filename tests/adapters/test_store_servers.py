"""The verbs of servers, proved of every adapter: words, blocks, changes that wait, greetings, lines of the audit."""

import asyncio
from dataclasses import replace

import pytest

from bot.domain.admission import Limits, Standing, Ticket, decide
from bot.domain.case import BOT
from bot.domain.change import Change, What
from bot.domain.guild import Block, GuildConfig
from bot.domain.job import JobState, Settlement
from bot.domain.record import Record
from bot.domain.wordlist import Rule, RuleKind, Then
from bot.ports import Store
from tests.builders import GUILD, a_requester, an_application

NOON = 1_800_014_400.0
DONE = Settlement(state=JobState.DONE, charged_anlas=0, charged_pictures=1, spent=0)


def _turn(standing: Standing) -> Ticket:
    return decide(pictures=1, anlas=0, now=NOON, limits=Limits(), standing=standing)


def _record(kind: str = "test", **data: object) -> Record:
    return Record(at=NOON, kind=kind, guild_id=GUILD, actor=1, data=data)


async def test_a_word_is_on_the_list_once_and_each_change_is_on_record(store: Store) -> None:
    """What changes nothing leaves no line."""
    assert await store.add_word(GUILD, Rule(text="Gore"), _record("word.added", word="Gore"))
    assert not await store.add_word(GUILD, Rule(text="Gore"), _record("word.added", word="Gore"))
    assert [(GUILD, Rule(text="Gore"))] == list(await store.words())
    assert not await store.remove_word(GUILD, "blood", _record("word.removed"))
    assert await store.remove_word(GUILD, "Gore", _record("word.removed"))

    assert [] == list(await store.words())
    lines = await store.entries(0, ("word.added", "word.removed"), 10)
    assert [("word.added", {"word": "Gore"}), ("word.removed", {})] == [
        (line.record.kind, line.record.data) for line in lines
    ]


async def test_a_rule_comes_back_as_it_was_kept_and_one_that_cannot_be_read_holds_up_no_other(store: Store) -> None:
    """Kind and consequence; a row of a newer version, or a damaged one, is left out."""
    rules = [
        Rule(text="a", kind=RuleKind.HARD, then=Then.REVIEW),
        Rule(text="b+", kind=RuleKind.PATTERN, then=Then.LOG),
        Rule(text="c", kind=RuleKind.ALLOWED),
    ]
    for rule in rules:
        assert await store.add_word(GUILD, rule, _record())
    assert not await store.add_word(GUILD, Rule(text="a"), _record())
    assert rules == list(await store.words_of(GUILD))
    async with store._db.tx() as session:  # type: ignore[attr-defined]
        await session.run("UPDATE words SET kind = 'sound' WHERE text = 'b+'")

    assert [rules[0], rules[2]] == list(await store.words_of(GUILD))
    assert [(GUILD, rules[0]), (GUILD, rules[2])] == list(await store.words())


@pytest.mark.parametrize(
    ("until", "by_bot", "kept"),
    [
        (None, NOON + 60, (None, 1)),
        (NOON + 90, NOON + 60, (NOON + 90, 1)),
        (NOON + 30, NOON + 60, (NOON + 60, 0)),
        (NOON + 30, None, (None, 0)),
    ],
)
async def test_a_pause_by_the_bot_shortens_no_block(
    store: Store, until: float | None, by_bot: float | None, kept: tuple[float | None, int]
) -> None:
    """Only what lasts longer takes the place of another; a person's word always does."""
    block = Block(guild_id=GUILD, user_id=7, until=until, reason="a", actor=1)
    await store.block(block, _record())

    await store.block(replace(block, until=by_bot, reason="", actor=BOT), _record())

    assert [kept] == [(each.until, each.actor) for each in await store.blocks()]
    await store.block(replace(block, until=NOON + 5, actor=2), _record())
    assert [(NOON + 5, 2)] == [(each.until, each.actor) for each in await store.blocks()]


async def test_a_block_takes_the_place_of_an_older_one(store: Store) -> None:
    """One for each member and server."""
    block = Block(guild_id=GUILD, user_id=7, until=NOON, reason="a", actor=1)
    await store.block(block, _record())
    await store.block(replace(block, until=None, reason="b"), _record())
    await store.block(replace(block, guild_id=GUILD + 1), _record())

    kept = {(each.guild_id, each.until, each.reason) for each in await store.blocks()}
    assert {(GUILD, None, "b"), (GUILD + 1, NOON, "a")} == kept
    assert await store.unblock(GUILD, 7, _record())
    assert not await store.unblock(GUILD, 7, _record())


async def test_a_kept_change_is_dropped_once_and_cleared_away_in_time(store: Store) -> None:
    """It comes back as it was kept; a forged id is nobody's."""
    change = Change(what=What.SETTING, name="size", value={"width": 64, "height": 128})
    kept = await store.keep_change(GUILD, 1, change, NOON + 10)
    late = await store.keep_change(GUILD, 1, change, NOON)

    assert kept == await store.kept_change(kept.id)
    await store.forget_tokens(NOON + 1)
    assert await store.kept_change(late.id) is None
    assert [False, True] == sorted(await asyncio.gather(*(store.drop_change(kept.id) for _ in range(2))))
    assert await store.kept_change(kept.id) is None
    for forged in (0, 2**63, 10**19):
        assert await store.kept_change(forged) is None


async def test_a_server_is_greeted_once_until_it_was_left(store: Store) -> None:
    """Each kind by itself."""
    await store.note_greeting(GUILD, "asked", NOON)
    await store.note_greeting(GUILD, "asked", NOON)
    assert (frozenset({GUILD}), frozenset()) == (await store.greeted("asked"), await store.greeted("welcome"))

    await store.forget_greetings(GUILD)

    assert frozenset() == await store.greeted("asked")


async def test_settings_and_their_line_are_one_transaction(store: Store) -> None:
    """A line is written with what it says, and read forward from where one was."""
    await store.save(GUILD, GuildConfig(running=2), NOON, _record("setting.changed", key="running"))

    assert 1 == await store.newest_entry()
    [line] = await store.entries(0, ("setting.changed",), 10)
    assert ("running", GUILD, 1) == (line.record.data["key"], line.record.guild_id, line.record.actor)
    assert [] == list(await store.entries(line.id, ("setting.changed",), 10))


async def test_what_a_member_waits_for_and_whether_it_is_their_first(store: Store) -> None:
    """Queued, running and sent ones in fair order; a picture is the first until another was made before it."""
    first = await store.admit(an_application(a_requester(1)), NOON, _turn)
    second = await store.admit(an_application(a_requester(1)), NOON, _turn)
    await store.admit(an_application(a_requester(2)), NOON, _turn)
    running = await store.claim("account-1", "holder-1", NOON, 300.0)

    assert running is not None
    assert [first.id, second.id] == [job.id for job in await store.of_member(GUILD, 1)]
    assert [] == list(await store.of_member(GUILD + 1, 1))
    assert await store.is_first(second)
    await store.send(running, NOON, 0)
    await store.settle(running, NOON, DONE)
    assert await store.is_first(running)
    assert not await store.is_first(second)
    assert 3 == len(await store.last_prompts(GUILD, 10))
