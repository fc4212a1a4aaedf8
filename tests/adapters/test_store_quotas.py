"""Quotas by day and week of a time zone, proved of every adapter: exact under a rush, and true after every change."""

import asyncio
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.store.database import FILE, open_database
from bot.adapters.store.migrate import migrate, shipped_steps
from bot.adapters.store.store import open_store
from bot.domain.admission import Level, Limits, Standing, Ticket, decide
from bot.domain.allowance import Allowance, Caps, Target, Whose
from bot.domain.calendar import Span, Window, window_of
from bot.domain.errors import LimitReached
from bot.domain.guild import GuildConfig
from bot.domain.job import Job, JobState, Settlement
from bot.domain.record import Record
from bot.domain.request import Context
from bot.ports import Store
from tests.adapters.conftest import ADAPTERS, Adapter, adapters, differences
from tests.builders import GUILD, a_request, a_requester, an_application

NOON = 1_800_014_400.0
DAY, WEEK = Span.DAY, Span.WEEK
FREE = Limits(waiting=1_000)
RECORD = Record(at=NOON, kind="test", guild_id=GUILD, actor=9)
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC")


async def _admit(
    store: Store, now: float = NOON, limits: Limits = FREE, *, user: int = 1, guild: int | None = GUILD, price: int = 0
) -> Job:
    context = Context.GUILD if guild is not None else Context.DM
    wish = an_application(a_requester(user, guild_id=guild, context=context), price=price)

    def ticket(standing: Standing) -> Ticket:
        return decide(pictures=wish.pictures, anlas=price, now=now, limits=limits, standing=standing)

    return await store.admit(wish, now, ticket)


async def _usage(store: Store, now: float, level: Level = Level.MEMBER, span: Span = DAY, *, user: int = 1) -> int:
    return (await store.standing(a_requester(user), now)).of(level, span).pictures


def _done(job: Job) -> Settlement:
    return Settlement(state=JobState.DONE, charged_anlas=job.price, charged_pictures=job.pictures, spent=job.price)


# --- a rush


@pytest.mark.parametrize(
    "limits",
    [
        Limits(pictures_day=20, waiting=1_000),
        Limits(pictures_week=20, waiting=1_000),
        Limits(anlas_day=60, waiting=1_000),
        Limits(anlas_week=60, waiting=1_000),
        Limits(budget_day=60, waiting=1_000),
        Limits(person=Caps(pictures_week=20), waiting=1_000),
        Limits(guild=Caps(anlas_week=60), waiting=1_000),
        Limits(house=Caps(anlas_week=60), waiting=1_000),
    ],
)
async def test_of_two_hundred_at_once_exactly_as_many_enter_as_are_left(store: Store, limits: Limits) -> None:
    """Whichever limit it is, by day or week, in pictures or Anlas, whoever's."""
    answers = await asyncio.gather(*(_admit(store, limits=limits, price=3) for _ in range(200)), return_exceptions=True)

    assert 20 == sum(isinstance(answer, Job) for answer in answers)
    assert 180 == sum(isinstance(answer, LimitReached) for answer in answers)


async def test_every_limit_that_applies_must_hold(store: Store) -> None:
    """One person over all servers and direct messages; one server over all its members; the house over all."""
    limits = replace(FREE, person=Caps(pictures_day=3))
    for guild in (GUILD, GUILD + 1, None):
        await _admit(store, limits=limits, guild=guild)
    with pytest.raises(LimitReached, match=r"quota\.everywhere"):
        await _admit(store, limits=limits, guild=GUILD + 2)
    with pytest.raises(LimitReached, match=r"budget\.server"):
        await _admit(store, limits=replace(FREE, guild=Caps(pictures_day=1)), user=2)
    with pytest.raises(LimitReached, match=r"budget\.house"):
        await _admit(store, limits=replace(FREE, house=Caps(pictures_week=3)), user=2, guild=GUILD + 2)

    await _admit(store, limits=limits, user=2)


async def test_a_server_pays_what_was_spent_and_its_member_what_was_charged(store: Store) -> None:
    """A lost picture costs the member nothing and counts against every budget."""
    await _admit(store, price=30)
    job = await store.claim("account", "holder", NOON, 300)
    assert job is not None
    await store.send(job, NOON, 30)
    lost = Settlement(state=JobState.FAILED, charged_anlas=0, charged_pictures=0, spent=30, reason="failed.answer")
    await store.settle(job, NOON, lost)

    standing = await store.standing(a_requester(), NOON)
    levels = {level: {standing.of(level, span).anlas for span in Span} for level in Level}
    mine, theirs = (Level.MEMBER, Level.HOUSE_MEMBER), (Level.GUILD, Level.HOUSE_GUILD, Level.HOUSE)
    assert {level: {0} for level in mine} | {level: {30} for level in theirs} == levels


# --- days and weeks


async def test_the_day_ends_at_the_servers_own_midnight_and_the_week_on_its_monday(store: Store) -> None:
    """A server in Kathmandu and one in New York count the same moment on different days."""
    for guild, zone in ((GUILD, "Asia/Kathmandu"), (GUILD + 1, "America/New_York")):
        await store.save(guild, GuildConfig(time_zone=zone), NOON)
        for span in Span:
            end = window_of(span, NOON, ZoneInfo(zone)).end
            await _admit(store, end - 1, guild=guild)
            before, after = [
                (await store.standing(a_requester(guild_id=guild), now)).of(Level.MEMBER, span)
                for now in (end - 1, end)
            ]
            assert (end, 0) == (before.window.end, after.pictures)
            assert before.pictures > 0


async def test_a_day_of_twenty_five_hours_is_one_day(store: Store) -> None:
    """Berlin's last Sunday of October, with two o'clock twice."""
    berlin = ZoneInfo("Europe/Berlin")
    await store.save(GUILD, GuildConfig(time_zone="Europe/Berlin"), NOON)
    midnight = datetime(2026, 10, 25, tzinfo=berlin).timestamp()
    for hour in range(25):
        await _admit(store, midnight + hour * 3_600)

    assert 25 == await _usage(store, midnight + 24 * 3_600)
    assert 0 == await _usage(store, midnight + 25 * 3_600)
    assert 0 == await _usage(store, midnight + 25 * 3_600, span=WEEK)


async def test_a_changed_zone_moves_the_next_midnight_and_no_usage(store: Store) -> None:
    """What was used today counts until the new zone's midnight, once; yesterday's never comes back."""
    yesterday = window_of(DAY, NOON).start - 1
    await _admit(store, yesterday)
    await _admit(store, NOON)
    await store.save(GUILD, GuildConfig(time_zone="Asia/Kathmandu"), NOON + 1)
    end = window_of(DAY, NOON, ZoneInfo("Asia/Kathmandu")).end

    assert end != window_of(DAY, NOON).end
    usage = (await store.standing(a_requester(), NOON + 1)).of(Level.MEMBER)
    assert (1, end) == (usage.pictures, usage.window.end)
    await _admit(store, end - 1)
    assert [2, 0] == [await _usage(store, now) for now in (end - 1, end)]


async def test_a_changed_zone_holds_for_those_who_used_nothing_yet(store: Store) -> None:
    """Their yesterday, which is today in the new zone, does not count a second time."""
    just_before = window_of(DAY, NOON).start - 60
    await _admit(store, just_before)
    await store.save(GUILD, GuildConfig(time_zone="America/New_York"), NOON)

    assert 0 == await _usage(store, NOON)
    await _admit(store, NOON)
    assert 1 == await _usage(store, NOON)


zone_changes = st.lists(
    st.one_of(
        st.sampled_from(ZONES).map(lambda zone: ("zone", zone)),
        st.integers(1, 3).map(lambda user: ("admit", user)),
        st.sampled_from((600.0, 7_200.0, 40_000.0, 200_000.0)).map(lambda seconds: ("wait", seconds)),
    ),
    min_size=3,
    max_size=25,
)


async def _live_through(adapter: Adapter, events: list[tuple[str, object]]) -> None:
    """Admissions and changes of the zone; each member's usage is also counted here, by hand."""
    with tempfile.TemporaryDirectory() as folder:
        async with adapter(Path(folder)) as store:
            now, zone = NOON, "UTC"
            seen: dict[object, list[float]] = {}
            windows: dict[Span, Window] = {}
            for verb, value in events:
                for span in Span:
                    if span not in windows or not windows[span].holds(now):
                        windows[span] = window_of(span, now, ZoneInfo(zone))
                if verb == "wait":
                    now += float(str(value))
                elif verb == "zone" and value != zone:
                    zone = str(value)
                    await store.save(GUILD, GuildConfig(time_zone=zone), now)
                    for span in Span:
                        end = window_of(span, now, ZoneInfo(zone)).end
                        windows[span] = Window(start=windows[span].start, end=end)
                elif verb == "admit":
                    now += 1.0
                    for span in Span:
                        if not windows[span].holds(now):
                            windows[span] = window_of(span, now, ZoneInfo(zone))
                    await _admit(store, now, user=int(str(value)))
                    seen.setdefault(value, []).append(now)
                    for span in Span:
                        expected = sum(windows[span].holds(at) for at in seen[value])
                        usage = (await store.standing(a_requester(int(str(value))), now)).of(Level.MEMBER, span)
                        assert (expected, windows[span]) == (usage.pictures, usage.window)
        assert [] == await differences(Path(folder))


@pytest.mark.parametrize("name", adapters())
@settings(max_examples=12, deadline=None)
@given(events=zone_changes)
def test_usage_is_counted_once_whatever_zones_follow(name: str, events: list[tuple[str, object]]) -> None:
    """
    A window that runs keeps its beginning and gets the new zone's end; the next one follows the new zone.

    So no admission is forgotten before its window ends, and the ledger agrees to the last counter.
    """
    asyncio.run(_live_through(ADAPTERS[name], events))


# --- grants, resets, limits of roles and members


async def test_counted_from_zero_and_back(store: Store) -> None:
    """A reset leaves what the server and the house used; taken back, it counts what it had and what came since."""
    for n in range(3):
        await _admit(store, NOON + n, price=5)
    await store.grant(GUILD, 1, NOON + 3, pictures=2, record=RECORD)
    starts = await store.count_from(GUILD, 1, dict.fromkeys(Span, NOON + 5), NOON + 4, RECORD)

    assert 0 == await _usage(store, NOON + 5)
    await _admit(store, NOON + 6)
    standing = await store.standing(a_requester(), NOON + 6)
    assert (1, 2) == (standing.of(Level.MEMBER, WEEK).pictures, standing.of(Level.MEMBER).extra_pictures)
    assert {4} == {standing.of(level).pictures for level in Level if level is not Level.MEMBER}

    await store.count_from(GUILD, 1, starts, NOON + 7, RECORD)
    assert [4, 4] == [await _usage(store, NOON + 7, span=span) for span in Span]
    assert 2 == (await store.standing(a_requester(), NOON + 7)).of(Level.MEMBER).extra_pictures


async def test_a_job_from_before_a_reset_settles_without_touching_what_is_counted_now(store: Store) -> None:
    """Nothing is given back that is not counted any more."""
    await _admit(store, price=30)
    job = await store.claim("account", "holder", NOON, 300)
    assert job is not None
    await store.count_from(GUILD, 1, dict.fromkeys(Span, NOON + 1), NOON + 0.5, RECORD)
    await _admit(store, NOON + 2)
    await store.send(job, NOON + 3, 30)
    failed = replace(_done(job), state=JobState.FAILED, charged_anlas=0, charged_pictures=0, spent=0)
    await store.settle(job, NOON + 4, failed)

    usage = (await store.standing(a_requester(), NOON + 5)).of(Level.MEMBER)
    assert (1, 0) == (usage.pictures, usage.anlas)


async def test_a_grant_taken_back_takes_no_more_than_there_is(store: Store) -> None:
    """Also when the day is over in between."""
    await store.grant(GUILD, 1, NOON, pictures=2, anlas=5, record=RECORD)
    await store.grant(GUILD, 1, NOON, pictures=-3, anlas=-5, record=RECORD)

    usage = (await store.standing(a_requester(), NOON)).of(Level.MEMBER, WEEK)
    assert (0, 0) == (usage.extra_pictures, usage.extra_anlas)


async def test_allowances_are_kept_and_taken_away(store: Store) -> None:
    """One for each role or member, in place of an older one; no limit is something else than nothing said."""
    role, member = Target(whose=Whose.ROLE, id=2**62), Target(whose=Whose.MEMBER, id=7)
    await store.allow(GUILD, role, Allowance(stated={"pictures_day": 5}), RECORD)
    await store.allow(GUILD, role, Allowance(stated={"pictures_day": None, "waiting": 2}), RECORD)
    await store.allow(GUILD, member, Allowance(stated={"anlas_week": 0}), RECORD)

    kept = {(guild, target): allowance.stated for guild, target, allowance in await store.allowances()}
    assert {(GUILD, role): {"pictures_day": None, "waiting": 2}, (GUILD, member): {"anlas_week": 0}} == kept
    await store.allow(GUILD, role, None, RECORD)
    assert [(GUILD, member)] == [(guild, target) for guild, target, _ in await store.allowances()]


# --- fairness, whatever the number of accounts

schedules = st.lists(
    st.one_of(
        st.tuples(st.just("admit"), st.integers(1, 5)),
        st.tuples(st.just("admit"), st.integers(1, 5)),
        st.tuples(st.just("claim"), st.integers(0, 2)),
        st.tuples(st.just("finish"), st.integers(0, 2)),
        st.tuples(st.just("hand back"), st.integers(0, 2)),
    ),
    min_size=10,
    max_size=80,
)
RELAXED = frozenset({4, 5})
"""Members who are past their quick pictures."""


@dataclass
class Line:
    """A queue seen from outside: whose jobs wait, which run, and who started since a member could have."""

    store: Store
    accounts: int
    now: float = NOON
    running: dict[int, Job] = field(default_factory=dict)
    waiting: list[Job] = field(default_factory=list)
    since: dict[int, dict[int, set[int]]] = field(default_factory=dict)

    def busy(self, member: int) -> bool:
        """Whether the member has as many running as their server allows."""
        return any(job.user_id == member for job in self.running.values())

    async def admit(self, member: int) -> None:
        """One more job."""
        quick = 0 if member in RELAXED else None
        job = await _admit(self.store, self.now, replace(FREE, quick_day=quick), user=member)
        self.waiting.append(job)
        if not self.busy(member):
            self.since.setdefault(member, {})

    async def claim(self, n: int) -> None:
        """The next job on one account, held against the law."""
        if n >= self.accounts or n in self.running:
            return
        job = await self.store.claim(f"account-{n}", "holder", self.now, 1e6)
        if job is None:
            assert all(self.busy(each.user_id) for each in self.waiting)
            return
        self.waiting = [each for each in self.waiting if each.id != job.id]
        self.running[n] = job
        assert all(len(jobs) <= job.step + 1 for jobs in self.since.pop(job.user_id).values())
        for others in self.since.values():
            others.setdefault(job.user_id, set()).add(job.id)

    async def end(self, n: int, *, back: bool) -> None:
        """A running job ends, or goes back to its place; its member may start again."""
        job = self.running.pop(n, None)
        if job is None:
            return
        if back:
            assert await self.store.hand_back(job, self.now, give_back_try=True)
            self.waiting.append(job)
        else:
            await self.store.send(job, self.now, 0)
            assert await self.store.settle(job, self.now, _done(job))
        if any(each.user_id == job.user_id for each in self.waiting):
            self.since[job.user_id] = {}


async def _schedule(adapter: Adapter, accounts: int, events: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with adapter(Path(folder)) as store:
            line = Line(store=store, accounts=accounts)
            for verb, n in events:
                line.now += 1.0
                if verb == "admit":
                    await line.admit(n)
                elif verb == "claim":
                    await line.claim(n)
                else:
                    await line.end(n, back=verb == "hand back")
            while line.waiting or line.running:
                for n in range(accounts):
                    await line.claim(n)
                for n in range(accounts):
                    await line.end(n, back=False)
        assert [] == await differences(Path(folder))


@pytest.mark.parametrize("name", adapters())
@settings(max_examples=20, deadline=None)
@given(accounts=st.integers(1, 3), events=schedules)
def test_the_law_holds_on_one_to_three_accounts(name: str, accounts: int, events: list[tuple[str, int]]) -> None:
    """
    While a member could start a job, nobody else starts more than the member's step + 1, in either lane.

    A member could start once something of theirs waits and fewer of theirs run than their server allows. Jobs are
    handed back in between, and one that is tried again is still one job. No account is idle while somebody could
    start, and in the end everybody was served.
    """
    asyncio.run(_schedule(ADAPTERS[name], accounts, events))


@pytest.mark.parametrize("accounts", [1, 2, 3])
@pytest.mark.parametrize("running", [1, 3])
async def test_a_flood_of_three_hundred_delays_nobody(store: Store, accounts: int, running: int) -> None:
    """Whenever the others come, at most step + 1 of the flooder's jobs start before their next one does."""
    await store.save(GUILD, GuildConfig(running=running), NOON)
    for _ in range(300):
        await _admit(store, user=1)
    live: list[Job] = []
    floods: dict[int, int] = {}
    for n in range(120):
        now = NOON + n
        if n % 4 == 1:
            visitor = await _admit(store, now, replace(FREE, quick_day=0 if n % 8 == 1 else None), user=100 + n)
            floods[visitor.user_id] = 0
        if len(live) == accounts:
            done = live.pop(n % accounts)
            await store.send(done, now, 0)
            await store.settle(done, now, _done(done))
        free = next(k for k in range(accounts) if f"account-{k}" not in {job.account for job in live})
        job = await store.claim(f"account-{free}", "holder", now, 1e6)
        if job is None:
            continue
        live.append(job)
        if job.user_id == 1:
            floods = {user: count + 1 for user, count in floods.items()}
        else:
            assert floods.pop(job.user_id) <= job.step + 1

    assert len(floods) <= 1


# --- the line


async def test_a_place_is_a_count_by_shape_and_durations_survive_a_restart(tmp_path: Path) -> None:
    """How many of each model and size are before a job; how long the last ones of a shape took."""
    store = await open_store(tmp_path)
    jobs = [await _admit(store, user=n) for n in range(1, 5)]
    shape = f"nai-diffusion-3 {a_request().size}"
    assert {shape: 4} == await store.line()
    assert [{}, {shape: 1}, {shape: 2}, {shape: 3}] == [await store.line(before=job) for job in jobs]
    for n, seconds in enumerate((3.0, 5.0, 9.0)):
        job = await store.claim("account", "holder", NOON, 300)
        assert job is not None
        assert [(shape, NOON)] == list(await store.in_hand())
        await store.send(job, NOON, 0)
        await store.settle(job, NOON + seconds, _done(job))
        assert n + 1 == len(await store.durations(shape, 50))
    await store.close()

    again = await open_store(tmp_path)
    assert [9.0, 5.0] == list(await again.durations(shape, 2))
    assert [] == list(await again.durations("another 64×64", 50))
    assert {shape: 1} == await again.line()
    await again.close()


async def test_what_could_not_start_in_time_ends_at_no_charge(store: Store) -> None:
    """Queued too long; what is being made, and what came later, goes on."""
    late = [await _admit(store, NOON + n, user=n + 1, price=5) for n in range(2)]
    running = await store.claim("account", "holder", NOON, 300)
    fresh = await _admit(store, NOON + 100, user=3)
    assert running is not None
    ended = await store.give_up(NOON + 50, NOON + 101, "failed.late")

    assert [late[1].id] == [job.id for job in ended]
    assert {(JobState.FAILED, "failed.late", 0)} == {(job.state, job.reason, job.charged_anlas) for job in ended}
    assert [fresh.id] == [job.id for job in await store.waiting()]
    offer = await store.next_delivery(NOON + 102, 60)
    assert offer is not None
    assert late[1].id == offer.id
    assert [] == list(await store.give_up(NOON + 50, NOON + 101, "failed.late"))


# --- older databases


async def test_an_older_database_keeps_the_usage_of_its_day_and_finds_that_of_its_week(tmp_path: Path) -> None:
    """What was used and granted today counts on; the week is added up from the jobs."""
    database = await open_database(tmp_path)
    await migrate(database, tmp_path / FILE, shipped_steps()[:2])
    await database.close()
    day = window_of(DAY, NOON).start
    with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as old:
        old.execute("UPDATE house SET day_start = ?, pictures = 1, anlas = 30, now_turn = 2", (day,))
        old.execute("INSERT INTO guilds (id, day_start, pictures, anlas) VALUES (?, ?, 1, 30)", (GUILD, day))
        old.execute(
            "INSERT INTO members (guild_id, user_id, last_turn, day_start, pictures, anlas, extra_pictures) "
            "VALUES (?, 1, 2, ?, 1, 30, 4)",
            (GUILD, day),
        )
        for n, at in enumerate((day - 3_600, NOON - 60), start=1):
            old.execute(
                "INSERT INTO jobs (key, state, guild_id, user_id, requester, kind, price, pictures, charged_anlas, "
                "charged_pictures, spent, turn, admitted_at, claimed_at, settled_at, delivery, account) "
                "VALUES (?, 'DONE', ?, 1, '{}', 'generate', 30, 1, 30, 1, 30, ?, ?, ?, ?, 'SHOWN', 'a')",
                (f"old-{n}", GUILD, n, at, at, at),
            )

    store = await open_store(tmp_path)
    await _admit(store, price=5)
    standing = await store.standing(a_requester(), NOON)
    await store.close()

    own = standing.of(Level.MEMBER)
    assert (2, 35, 4) == (own.pictures, own.anlas, own.extra_pictures)
    assert {(3, 65)} == {(standing.of(level, WEEK).pictures, standing.of(level, WEEK).anlas) for level in Level}
    assert {(2, 35)} == {(standing.of(level).pictures, standing.of(level).anlas) for level in Level}
    assert [] == await differences(tmp_path)
