"""The composition root: settings → adapters → services → client."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

import msgspec

from bot.adapters.classifier import open_classifier
from bot.adapters.classifier.nsfwjs import Nsfwjs
from bot.adapters.classifier.pretend import PretendClassifier
from bot.adapters.novelai.client import NovelAIClient
from bot.adapters.pulse import Pulse
from bot.adapters.room import Room
from bot.adapters.store.store import SharedStore, SqlStore, open_store
from bot.adapters.tokenizers import Tokenizers
from bot.client import Naibot, client_for, point_at
from bot.domain.guild import GuildConfig
from bot.imaging.signature import NOVELAI, STANDIN
from bot.ports import Clock, Store
from bot.services import Services
from bot.services.accounts import Accounts
from bot.services.activity import Activity
from bot.services.audit import Audit
from bot.services.backstage import Backstage
from bot.services.bell import Bell
from bot.services.breaker import Breaker
from bot.services.canary import LISTEN_EVERY
from bot.services.cases import Cases
from bot.services.checks import Checks
from bot.services.chronicle import Chronicle
from bot.services.closing import Closing
from bot.services.darkroom import Darkroom
from bot.services.deliveries import Deliveries
from bot.services.departures import Departures
from bot.services.guilds import Guilds
from bot.services.lead import Lead
from bot.services.lookout import Lookout
from bot.services.loops import every, keep_alive
from bot.services.moderation import Moderation
from bot.services.neighbours import LOOK_EVERY, Neighbours
from bot.services.patience import Patience
from bot.services.previews import Previews
from bot.services.privacy import Privacy
from bot.services.restarts import Restarts
from bot.services.sanctions import Sanctions
from bot.services.studio import Studio
from bot.services.upkeep import Upkeep
from bot.services.worker import Pace, Worker
from bot.settings import Settings, is_loopback

log = logging.getLogger(__name__)

TIDY_EVERY = 60.0
ACCOUNTS_EVERY = 60.0
CLOCK_EVERY = 10.0
SEED_BYTES = 64 * 1024
LAST_WORK = 250.0
"""Seconds at the end for the pictures that are being made; an exchange with NovelAI takes 240 at most."""
LAST_WORDS = 25.0
"""Seconds after them for answers and for results that can be shown; who stops the bot waits 300 s for both."""
FIRST_READING = 15.0
"""Seconds that the accounts have to say what they draw for nothing, before the first wish is priced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Store, bell and services of one process, without Discord."""

    settings: Settings
    store: SqlStore
    bell: Bell
    services: Services
    backstage: Backstage


@asynccontextmanager
async def open_house(
    settings: Settings, *, clock: Clock | None = None, pace: Pace | None = None, closing: Closing | None = None
) -> AsyncIterator[House]:
    """
    Open the store and build the services on it; recovered from whatever an earlier process left.

    The *clock* is the store's, unless a test brings one: of processes that share a database all go by one clock.
    Raises `StoreError` ``store.locked`` while another process uses the folder, and what `open_store` and
    `open_classifier` raise.
    """
    async with AsyncExitStack() as stack:
        store = await open_store(settings.data_dir, settings.database_url)
        stack.push_async_callback(store.close)
        clock = clock or store.clock
        clients = [NovelAIClient(settings.novelai_api, token) for token in settings.novelai_tokens]
        for client in clients:
            stack.push_async_callback(client.close)
        bell, closing, pace = Bell(), closing or Closing(), pace or Pace()
        accounts = Accounts(clients, store, store, clock)
        breaker = Breaker(clock)
        patience = Patience(store, accounts, breaker, bell, clock)
        darkroom = Darkroom(trusted_keys(settings))
        stack.callback(darkroom.close)
        classifier = await _classifier(settings, darkroom)
        if classifier is not None:
            stack.callback(classifier.close)
        house = replace(settings.house, checked=isinstance(classifier, Nsfwjs))
        previews = Previews(darkroom, bell)
        guilds = Guilds(store, house, clock)
        moderation = Moderation(store, store, store, store, guilds, bell, clock)
        sanctions = Sanctions(store, guilds, moderation, clock)
        checks = Checks(classifier, guilds, moderation, clock)
        cases = Cases(store, store, store, guilds, moderation, accounts, bell, clock)
        departures = Departures(store, store, guilds, moderation, bell, clock)
        lead = Lead(store, store.holder, clock, is_alone=not store.is_shared)
        workers = tuple(
            Worker(
                client,
                accounts,
                breaker,
                patience,
                previews,
                store,
                store,
                guilds,
                moderation,
                checks,
                sanctions,
                bell,
                closing,
                clock,
                holder=store.holder,
                pace=pace,
            )
            for client in clients
        )
        services = Services(
            studio=Studio(
                store,
                store,
                guilds,
                store,
                moderation,
                sanctions,
                accounts,
                Tokenizers(settings.data_dir),
                bell,
                closing,
                clock,
            ),
            workers=workers,
            deliveries=Deliveries(
                store, store, store, guilds, patience, previews, bell, clock, accounts=len(clients), retry=pace.delivery
            ),
            departures=departures,
            darkroom=darkroom,
            classifier=classifier,
            lookout=Lookout(darkroom, guilds, clock),
            guilds=guilds,
            moderation=moderation,
            sanctions=sanctions,
            checks=checks,
            cases=cases,
            chronicle=Chronicle(store, store, guilds, clock, lead),
            audit=Audit(store, store, moderation, clock),
            privacy=Privacy(store, store, store, store, store, bell, clock),
            accounts=accounts,
            upkeep=Upkeep(store, store, store, departures, cases, house, bell, clock, holder=store.holder),
            activity=Activity(),
            restarts=Restarts(store, clock, settings.house.shards),
            closing=closing,
            lead=lead,
            neighbours=Neighbours(store, guilds, moderation, accounts, bell),
        )
        await _plant(store, settings, clock())
        await services.neighbours.begin()
        await guilds.load()
        await moderation.load()
        await moderation.canary.load()
        await moderation.canary.listen()
        await accounts.load()
        await services.upkeep.recover()
        backstage = Backstage(store, accounts, services.activity, clock)
        yield House(settings=settings, store=store, bell=bell, services=services, backstage=backstage)


async def _classifier(settings: Settings, darkroom: Darkroom) -> Nsfwjs | PretendClassifier | None:
    """The imported one; else the practice room's where NovelAI is the stand-in, which counts as none."""
    found = await asyncio.to_thread(open_classifier, settings.data_dir, darkroom.develop)
    if found is not None:
        log.info("a classifier looks at pictures before they are shown")
        return found
    if is_loopback(settings.novelai_api):
        return PretendClassifier()
    log.warning("pictures are not checked: there is no classifier; servers accept that when they are set up")
    return None


def trusted_keys(settings: Settings) -> Mapping[str, bytes]:
    """NovelAI's key; the stand-in's too while NovelAI is the stand-in, never else."""
    return {**NOVELAI, **STANDIN} if is_loopback(settings.novelai_api) else NOVELAI


async def _plant(store: Store, settings: Settings, now: float) -> None:
    """Apply the stand-in's seed once, to an empty store, with a loopback Discord only."""
    if settings.seed is None or not settings.is_practice or not await store.is_empty():
        return
    with settings.seed.open("rb") as file:
        seed = json.loads(file.read(SEED_BYTES))
    for guild_id, values in seed["guilds"].items():
        await store.save(int(guild_id), msgspec.convert(values, GuildConfig), now)


async def run(
    settings: Settings,
    *,
    closing: Closing | None = None,
    pulse: Pulse | None = None,
    ready: asyncio.Event | None = None,
) -> None:
    """
    Serve Discord until *closing* begins and what was sent has come back, or until cancelled.

    *ready* is set once Discord is connected. Raises `StoreError` where the folder cannot be used, `LoginRefused` and
    `IntentsRefused`.
    """
    point_at(settings)
    pulse = pulse or Pulse(settings.data_dir)
    async with (
        open_house(settings, closing=closing) as house,
        client_for(settings, house.services, house.store) as client,
    ):
        beating = asyncio.create_task(pulse.run())
        try:
            if not await _holds_back(house.services, pulse):
                await _serve(house, client, pulse, ready or asyncio.Event())
        except asyncio.CancelledError:
            await house.services.restarts.end()
            raise
        else:
            await house.services.restarts.end()
        finally:
            beating.cancel()
            pulse.stop()


async def _holds_back(services: Services, pulse: Pulse) -> bool:
    """Wait, if this is a crash loop, before Discord is spoken to; whether the house was closed meanwhile."""
    wait = await services.restarts.begin()
    if not wait:
        return False
    log.warning("started often without having been stopped: waiting %.0f s before going to Discord", wait)
    pulse.waiting(wait, "holding back after several crashes")
    return await services.closing.comes_within(wait)


async def _serve(house: House, client: Naibot, pulse: Pulse, ready: asyncio.Event) -> None:
    services = house.services
    pulse.ready()
    reading = asyncio.create_task(services.accounts.read_all(FIRST_READING))
    closing = asyncio.create_task(services.closing.wait())
    tasks: list[asyncio.Task[None]] = [reading, closing]
    try:
        await asyncio.wait({reading, closing}, return_when=asyncio.FIRST_COMPLETED)
        if services.closing.has_begun:
            return
        workers = [
            asyncio.create_task(keep_alive(f"worker {n}", worker.run)) for n, worker in enumerate(services.workers)
        ]
        serving = asyncio.create_task(client.serve())
        tasks += [serving, *workers, *map(asyncio.create_task, _background(house, client, pulse, ready))]
        await asyncio.wait({serving, closing}, return_when=asyncio.FIRST_COMPLETED)
        # Also where Discord ended the conversation for good: what is being paid for just now is waited for.
        services.closing.begin()
        pulse.stopping()
        await _drain(house, workers, can_show=client.is_ready() and not serving.done())
        if serving.done():
            serving.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _drain(house: House, workers: Sequence[asyncio.Task[None]], *, can_show: bool) -> None:
    """Wait for the pictures that are being made, for what is being answered, and for what can be shown now."""
    log.info("closing: nothing new is taken; what was sent is waited for")
    await asyncio.wait(workers, timeout=LAST_WORK)
    if not can_show:
        return
    try:
        async with asyncio.timeout(LAST_WORDS):
            await _until_all_is_said(house)
    except TimeoutError:
        log.warning("closing: not everything could be shown; the rest follows after the next start")


async def _until_all_is_said(house: House) -> None:
    services = house.services
    with house.bell.listen() as listener:
        while services.activity.running or await services.deliveries.undelivered():
            await listener.next(within=0.1)


def _background(
    house: House, client: Naibot, pulse: Pulse, ready: asyncio.Event
) -> Iterator[Coroutine[None, None, None]]:
    """What goes on beside the conversation with Discord."""
    services, url = house.services, house.settings.backstage_url
    yield every(TIDY_EVERY, "upkeep", services.upkeep.tidy)
    yield every(ACCOUNTS_EVERY, "accounts", services.accounts.refresh)
    yield every(LISTEN_EVERY, "canary", services.moderation.canary.listen)
    if isinstance(house.store, SharedStore):
        yield every(LOOK_EVERY, "neighbours", services.neighbours.look)
        yield every(CLOCK_EVERY, "database's clock", house.store.set_clock)
    if url:
        yield keep_alive("backstage", Room(url, house.backstage.snapshot).run)
    yield _announce(client, pulse, ready)


async def _announce(client: Naibot, pulse: Pulse, ready: asyncio.Event) -> None:
    await client.wait_until_ready()
    pulse.connected()
    ready.set()
