"""What is told of the audit: each line once, the operator's first, a minute's refusals of one kind together."""

from dataclasses import replace

from bot.services.chronicle import Chronicle
from tests.builders import GUILD
from tests.conftest import OPEN, Rig

LOG = 900


async def _refuse(house: Rig, actor: int = 1, code: str = "place") -> None:
    await house.jobs.write(house.clock(), "refused", guild_id=GUILD, actor=actor, data={"code": code, "channel": 5})


async def _chronicle(house: Rig) -> Chronicle:
    await house.guilds.save(GUILD, replace(OPEN, log_channel=LOG))
    chronicle = house.house.services.chronicle
    await chronicle.next()
    return chronicle


async def test_refusals_of_one_kind_within_a_minute_are_two_lines(house: Rig) -> None:
    """The first at once, the others when the minute is over, counted; another kind or person by itself."""
    chronicle = await _chronicle(house)
    for _ in range(4):
        await _refuse(house)
    await _refuse(house, actor=2)
    await _refuse(house, code="word")

    assert [(LOG, 1), (LOG, 1), (LOG, 1)] == [(line.channel_id, len(line.entries)) for line in await chronicle.next()]
    await _refuse(house)
    assert [] == list(await chronicle.next())
    house.clock.advance(61)
    assert [(LOG, 4)] == [(line.channel_id, len(line.entries)) for line in await chronicle.next()]
    await _refuse(house)
    assert [1] == [len(line.entries) for line in await chronicle.next()]


async def test_the_operator_is_told_first_and_servers_without_a_log_not_at_all(house: Rig) -> None:
    """What concerns the account waits behind nobody's refusals."""
    chronicle = await _chronicle(house)
    await _refuse(house)
    await house.jobs.write(house.clock(), "refused", guild_id=GUILD + 1, actor=1, data={"code": "place"})
    await house.jobs.write(house.clock(), "account.stopped", job_id=7)

    assert [None, LOG] == [line.channel_id for line in await chronicle.next()]


async def test_a_line_is_told_once_also_after_a_restart_and_old_ones_never(house: Rig) -> None:
    """The house remembers up to where it read; what was there before the first time is no news."""
    await _refuse(house)
    chronicle = await _chronicle(house)
    assert [] == list(await chronicle.next())
    await _refuse(house)
    again = Chronicle(house.jobs, house.jobs, house.guilds, house.clock)

    assert 1 == len(await again.next())
    assert [] == list(await again.next())
    after = Chronicle(house.jobs, house.jobs, house.guilds, house.clock)
    assert [] == list(await after.next())


async def test_many_lines_are_read_in_portions(house: Rig) -> None:
    """None is lost between two looks."""
    chronicle = await _chronicle(house)
    for actor in range(250):
        await _refuse(house, actor=actor)

    told = [len(await chronicle.next()) for _ in range(4)]

    assert [100, 100, 50, 0] == told
