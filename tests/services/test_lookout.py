"""Auto-inspect's measure: nobody has more turns than they may, and what is too much is dropped."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.services.darkroom import DOWNLOADS
from bot.services.lookout import IMAGE_BYTES, KEYS_MAX, LOOKING_MAX, Lookout, Throttle
from tests.builders import CHANNEL, GUILD
from tests.conftest import OPEN, Rig
from tests.imaging.pictures import a_picture, png

IMAGE = png(a_picture(), Software="NovelAI", Comment='{"prompt": "1girl", "seed": 1, "steps": 28}')
THREAD = 4_200


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(0, 20)), max_size=60))
def test_no_key_has_more_turns_than_it_may(asked: list[tuple[int, float]]) -> None:
    """In any span of that length, and a key has all of its turns whatever the others do."""
    throttle, now, taken = Throttle(3, 10.0), 0.0, []
    for key, later in asked:
        now += later
        recent = [at for at, who in taken if who == key and now - at < 10.0]
        assert throttle.has_room(key, now) == (len(recent) < 3)
        if throttle.has_room(key, now):
            throttle.take(key, now)
            taken.append((now, key))


def test_a_throttle_stays_small() -> None:
    """However many people there are."""
    throttle = Throttle(1, 60.0)
    for key in range(KEYS_MAX + 50):
        throttle.take(key, 0.0)

    assert (throttle.has_room(0, 1.0), throttle.has_room(KEYS_MAX + 49, 1.0)) == (True, False)


def test_a_clock_that_was_put_back_locks_nobody_out() -> None:
    """Turns of the future are none."""
    throttle = Throttle(1, 60.0)
    throttle.take(1, 1_000.0)

    assert throttle.has_room(1, 500.0)


@pytest.fixture
async def lookout(house: Rig) -> Lookout:
    """Of an operator who allows it, in a server where it is on in one channel."""
    house.guilds.house = replace(house.guilds.house, message_content=True)
    await house.guilds.save(GUILD, replace(OPEN, auto_inspect=(CHANNEL,)))
    return house.house.services.lookout


async def test_it_is_on_where_an_admin_and_the_operator_want_it(house: Rig, lookout: Lookout) -> None:
    """In that channel and its threads, in no other server, and nowhere without the intent."""
    assert lookout.watches(GUILD, CHANNEL)
    assert lookout.watches(GUILD, THREAD, CHANNEL)
    assert not lookout.watches(GUILD, THREAD)
    assert not lookout.watches(GUILD + 1, CHANNEL)

    house.guilds.house = replace(house.guilds.house, message_content=False)
    assert not lookout.watches(GUILD, CHANNEL)


async def test_a_channel_a_server_and_a_person_have_their_measure(house: Rig, lookout: Lookout) -> None:
    """Ten messages a minute, thirty of a server; five questions of a person, thirty of a server."""
    messages = [lookout.takes_message(GUILD, channel) for channel in range(5) for _ in range(12)]
    questions = [lookout.takes_question(GUILD, person) for person in range(9) for _ in range(7)]
    house.clock.advance(61)

    assert ([10, 10, 10, 0, 0], 30) == ([sum(messages[n : n + 12]) for n in range(0, 60, 12)], sum(messages))
    assert (5, 30) == (sum(questions[:7]), sum(questions))
    assert lookout.takes_message(GUILD, 0)
    assert lookout.takes_question(GUILD, 0)


async def test_what_would_have_to_wait_is_dropped(house: Rig, lookout: Lookout) -> None:
    """While it reads as much as it may, and while members' own images take every place."""
    go_on = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        await go_on.wait()
        yield IMAGE

    looking = [asyncio.create_task(lookout.look(slowly)) for _ in range(LOOKING_MAX)]
    await asyncio.sleep(0)
    is_taken = lookout.takes_message(GUILD, CHANNEL)
    asked = [asyncio.create_task(house.house.services.darkroom.inspect(slowly)) for _ in range(DOWNLOADS - LOOKING_MAX)]
    await asyncio.sleep(0)
    is_answered = lookout.takes_question(GUILD, 1)
    for each in looking:
        each.cancel()
    await asyncio.gather(*looking, return_exceptions=True)
    more = [asyncio.create_task(house.house.services.darkroom.inspect(slowly)) for _ in range(LOOKING_MAX)]
    await asyncio.sleep(0)
    is_taken_late = lookout.takes_message(GUILD, CHANNEL)
    go_on.set()
    await asyncio.gather(*asked, *more)

    assert (is_taken, is_taken_late, is_answered) == (False, False, True)
    assert lookout.takes_message(GUILD, CHANNEL)


async def test_only_what_says_something_is_found(lookout: Lookout) -> None:
    """No image, a silent one, and one that goes on beyond what was declared, are nothing."""

    async def read(*pieces: bytes) -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    found = [await lookout.look(lambda data=data: read(*data)) for data in (  # type: ignore[misc]
        (IMAGE,), (png(a_picture()),), (b"no image",), (IMAGE, bytes(IMAGE_BYTES)),
    )]  # fmt: skip

    assert [True, False, False, False] == [each is not None for each in found]
