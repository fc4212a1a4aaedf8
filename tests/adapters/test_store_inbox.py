"""The law of inboxes, and of servers that left, proved of every adapter of the `Store` port."""

import asyncio
from typing import Any

from bot.domain.admission import Ticket
from bot.domain.guild import GuildConfig
from bot.domain.job import Application, Delivery, Job, JobState, Likeness, Settlement
from bot.domain.record import Record
from bot.domain.request import Picture
from bot.domain.wordlist import Rule
from bot.ports import Store
from tests.builders import GUILD, a_place, a_requester, an_application

NOON = 1_800_014_400.0
DAY = 86_400.0
PICTURE = Picture(data=b"\x89PNG\x00\xff", media_type="image/png", seed=7)


async def _admit(store: Store, application: Application) -> Job:
    return await store.admit(application, NOON, lambda _: Ticket(turn=1))


async def _now(store: Store, job: Job) -> Job:
    current = await store.get(job.id)
    assert current is not None
    return current


async def _sent(store: Store, application: Application | None = None) -> Job:
    await _admit(store, application or an_application())
    job = await store.claim("account", "holder", NOON, 300)
    assert job is not None
    assert await store.send(job, NOON, job.price)
    return job


def _done(job: Job) -> Settlement:
    return Settlement(state=JobState.DONE, charged_anlas=job.price, charged_pictures=job.pictures, spent=job.price)


async def _kept(store: Store, user_id: int = 1, *, until: float = NOON + 7 * DAY, **kept: Any) -> Job:
    """A picture for 30 Anlas in a member's inbox."""
    job = await _sent(store, an_application(a_requester(user_id), price=30, place=a_place()))
    await store.settle(job, NOON, _done(job), [PICTURE])
    assert await store.keep(job.id, NOON, until, **kept)
    return await _now(store, job)


async def test_what_waits_in_the_inbox_is_its_members_and_counts(store: Store) -> None:
    """It is charged as if it were shown; only its member sees and collects it, once."""
    mine, other = await _kept(store), await _kept(store, 2)
    place = a_place(900, token="fresh")

    assert [mine.id] == [job.id for job in await store.inbox(1, 10)]
    assert 1 == await store.in_inbox(1)
    assert (30, 1) == ((await store.standing(a_requester(), NOON)).anlas, (await _now(store, mine)).charged_pictures)
    assert not await store.keep(mine.id, NOON, NOON + DAY)
    assert not await store.collect(other.id, 1, NOON + 1, place, 5)
    taken = await asyncio.gather(*(store.collect(mine.id, 1, NOON + 1, place, 5) for _ in range(3)))
    assert [False, False, True] == sorted(taken)

    offered = await store.next_delivery(NOON + 1, 60)
    assert offered is not None
    assert (mine.id, place, 5, 30) == (offered.id, offered.place, offered.interaction, offered.charged_anlas)
    assert [PICTURE] == list(await store.pictures(mine.id))


async def test_an_inbox_keeps_its_first_end(store: Store) -> None:
    """What was taken out and could not be shown goes back for what is left of its week."""
    job = await _kept(store)
    assert await store.collect(job.id, 1, NOON + 3 * DAY, a_place(), 5)
    assert await store.keep(job.id, NOON + 3 * DAY, NOON + 10 * DAY)

    assert NOON + 7 * DAY == (await _now(store, job)).inbox_until


async def test_after_a_week_the_charge_goes_back_unless_the_pixels_were_shown(store: Store) -> None:
    """A preview is no picture; the same pixels as WebP are."""
    plain, seen = await _kept(store), await _kept(store, shown_as=Likeness.WEBP, message_id=77)
    glimpsed = await _kept(store, shown_as=Likeness.PREVIEW)
    assert [] == list(await store.lapse_inbox(NOON + 7 * DAY - 1))

    assert {plain.id, seen.id, glimpsed.id} == {job.id for job in await store.lapse_inbox(NOON + 7 * DAY)}

    ends = [await _now(store, job) for job in (plain, glimpsed, seen)]
    assert [Delivery.LAPSED, Delivery.LAPSED, Delivery.SHOWN] == [job.delivery for job in ends]
    assert [0, 0, 30] == [job.charged_anlas for job in ends]
    assert 77 == (ends[2].place or a_place()).message_id
    assert [0, 0, 1] == [len(await store.pictures(job.id)) for job in ends]
    assert 30 == (await store.standing(a_requester(), NOON)).anlas
    assert not await store.collect(plain.id, 1, NOON + 8 * DAY, a_place(), 5)


async def test_a_request_is_kept_as_long_as_its_picture_waits(store: Store) -> None:
    """Forgotten once it was shown and old enough; not in the inbox, where its line is made of it."""
    kept = await _kept(store)
    assert 0 == await store.forget_requests(NOON + DAY)
    assert await store.collect(kept.id, 1, NOON, a_place(), 5)
    assert await store.shown(kept.id, NOON, None)

    assert 1 == await store.forget_requests(NOON + DAY)


async def test_who_took_a_delivery_holds_it_until_somebody_else_does(store: Store) -> None:
    """The number of tries is the fence; a courier that slept past its lease holds nothing."""
    job = await _sent(store)
    await store.settle(job, NOON, _done(job), [PICTURE])
    first = await store.next_delivery(NOON, 60)
    assert first is not None
    assert await store.hold_delivery(first, NOON + 90)
    assert await store.next_delivery(NOON + 89, 60) is None

    second = await store.next_delivery(NOON + 90, 60)

    assert second is not None
    assert (1, 2) == (first.delivery_tries, second.delivery_tries)
    assert not await store.hold_delivery(first, NOON + 200)
    assert await store.hold_delivery(second, NOON + 200)
    assert await store.retry_delivery(job.id, NOON, give_back_try=True)
    assert 1 == (await _now(store, job)).delivery_tries


async def test_a_fresh_token_is_its_members_to_bring(store: Store) -> None:
    """For what is waited for or could not be shown yet; then it is due at once. Nobody else's, and nothing shown."""
    fresh = a_place(token="fresh", token_expires=NOON + 1_800)
    done = await _sent(store, an_application(a_requester(3), place=a_place(token=None)))
    waiting = await _admit(store, an_application(place=a_place(token_expires=NOON + 900)))
    await store.settle(done, NOON, _done(done), [PICTURE])
    assert await store.retry_delivery(done.id, NOON + 600)

    assert [waiting.id] == [job.id for job in await store.expiring(NOON, NOON + 900)]
    assert not await store.renew_place(waiting.id, 2, fresh)
    assert await store.renew_place(waiting.id, 1, fresh)
    assert await store.renew_place(done.id, 3, fresh)
    assert [] == list(await store.expiring(NOON, NOON + 900))
    offered = await store.next_delivery(NOON + 1, 60)
    assert offered is not None
    assert fresh == offered.place
    assert await store.shown(done.id, NOON, None)
    assert not await store.renew_place(done.id, 3, fresh)


async def test_a_server_that_left_is_forgotten_but_for_its_amounts(store: Store) -> None:
    """Settings, words, blocks, audit, requests and bytes go; the ledger adds up as before; the neighbour keeps all."""
    for guild_id in (GUILD, 999):
        await store.save(guild_id, GuildConfig(), Record(at=NOON, kind="guild.saved", guild_id=guild_id))
        await store.add_word(guild_id, Rule(text="gore"), Record(at=NOON, kind="word.added", guild_id=guild_id))
    job, unseen = await _kept(store), await _kept(store, 2)
    assert await store.collect(job.id, 1, NOON, a_place(), 5)
    assert await store.shown(job.id, NOON, 300)
    neighbours = await _admit(store, an_application(a_requester(5, guild_id=999)))
    assert await store.leave(GUILD, NOON)
    assert not await store.leave(GUILD, NOON + 5)
    assert [] == list(await store.left_before(NOON))
    assert [GUILD] == list(await store.left_before(NOON + 1))

    await store.forget_guild(GUILD, NOON + 31 * DAY)

    assert [] == list(await store.left_before(NOON + 99 * DAY))
    assert {999} == set(await store.configs())
    assert [(999, Rule(text="gore"))] == list(await store.words())
    kept = await _now(store, job)
    assert (None, None, 30, 1) == (kept.request, kept.place, kept.charged_anlas, kept.charged_pictures)
    assert (1, 0, ()) == (kept.requester.user_id, kept.requester.channel_id, kept.requester.role_ids)
    assert [] == list(await store.pictures(job.id))
    assert (Delivery.LAPSED, 0) == ((await _now(store, unseen)).delivery, (await _now(store, unseen)).charged_anlas)
    lines = await store.entries(0, ["guild.saved", "word.added", "job.admitted", "guild.forgotten"], 99)
    assert {999, None} == {line.record.guild_id for line in lines}
    assert (await _now(store, neighbours)).request is not None
    assert 30 == (await store.standing(a_requester(), NOON)).anlas


async def test_a_server_that_comes_back_in_time_is_as_it_was(store: Store) -> None:
    """Nothing is forgotten of it."""
    await store.save(GUILD, GuildConfig(), None)
    await store.leave(GUILD, NOON)

    assert await store.come_back(GUILD)
    assert not await store.come_back(GUILD)
    assert [] == list(await store.left_before(NOON + 99 * DAY))
