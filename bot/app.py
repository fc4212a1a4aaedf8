"""The composition root: settings → adapters → services → client."""

import asyncio
import json
import logging
import os
import secrets
import time
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import msgspec

from bot.adapters.novelai.client import NovelAIClient
from bot.adapters.pulse import Pulse
from bot.adapters.room import Room
from bot.adapters.store.store import open_store
from bot.adapters.tokenizers import Tokenizers
from bot.client import Naibot, point_at
from bot.domain.guild import GuildConfig
from bot.imaging.signature import NOVELAI, STANDIN
from bot.ports import Clock, Store
from bot.services import Services
from bot.services.accounts import Accounts
from bot.services.activity import Activity
from bot.services.backstage import Backstage
from bot.services.bell import Bell
from bot.services.chronicle import Chronicle
from bot.services.closing import Closing
from bot.services.darkroom import Darkroom
from bot.services.deliveries import Deliveries
from bot.services.departures import Departures
from bot.services.guilds import Guilds
from bot.services.loops import every, keep_alive
from bot.services.moderation import Moderation
from bot.services.restarts import Restarts
from bot.services.studio import Studio
from bot.services.upkeep import Upkeep
from bot.services.worker import LEASE, Pace, Worker
from bot.settings import Settings, is_loopback

log = logging.getLogger(__name__)

TIDY_EVERY = 60.0
ACCOUNTS_EVERY = 60.0
SEED_BYTES = 64 * 1024
LAST_WORDS = 30.0
"""Seconds at the end for answers and for results that can be shown."""
FIRST_READING = 15.0
"""Seconds that the accounts have to say what they draw for nothing, before the first wish is priced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Store, bell and services of one process, without Discord."""

    settings: Settings
    store: Store
    bell: Bell
    services: Services
    backstage: Backstage


@asynccontextmanager
async def open_house(
    settings: Settings, *, clock: Clock = time.time, pace: Pace | None = None, closing: Closing | None = None
) -> AsyncIterator[House]:
    """
    Open the store and build the services on it; recovered from whatever an earlier process left.

    Raises `StoreError` ``store.locked`` while another process uses the folder.
    """
    async with AsyncExitStack() as stack:
        store = await open_store(settings.data_dir)
        stack.push_async_callback(store.close)
        clients = [NovelAIClient(settings.novelai_api, token) for token in settings.novelai_tokens]
        for client in clients:
            stack.push_async_callback(client.close)
        bell, closing, pace = Bell(), closing or Closing(), pace or Pace()
        accounts = Accounts(clients, clock)
        guilds = Guilds(store, settings.house, clock)
        moderation = Moderation(store, store, store, guilds, bell, clock)
        departures = Departures(store, store, guilds, moderation, bell, clock)
        holder = f"{os.getpid()}-{secrets.token_hex(4)}"
        workers = tuple(
            Worker(client, accounts, store, store, guilds, moderation, bell, closing, clock, holder=holder, pace=pace)
            for client in clients
        )
        darkroom = Darkroom(trusted_keys(settings))
        stack.callback(darkroom.close)
        services = Services(
            studio=Studio(
                store, store, guilds, moderation, accounts, Tokenizers(settings.data_dir), bell, closing, clock
            ),
            workers=workers,
            deliveries=Deliveries(store, store, guilds, bell, clock, retry=pace.delivery),
            departures=departures,
            darkroom=darkroom,
            guilds=guilds,
            moderation=moderation,
            chronicle=Chronicle(store, store, guilds, clock),
            accounts=accounts,
            upkeep=Upkeep(store, store, departures, settings.house, bell, clock),
            activity=Activity(),
            restarts=Restarts(store, clock),
            closing=closing,
        )
        await _plant(store, settings)
        await guilds.load()
        await moderation.load()
        await services.upkeep.recover()
        backstage = Backstage(store, accounts, services.activity, clock)
        yield House(settings=settings, store=store, bell=bell, services=services, backstage=backstage)


def trusted_keys(settings: Settings) -> Mapping[str, bytes]:
    """NovelAI's key; the stand-in's too while NovelAI is the stand-in, never else."""
    return {**NOVELAI, **STANDIN} if is_loopback(settings.novelai_api) else NOVELAI


async def _plant(store: Store, settings: Settings) -> None:
    """Apply the stand-in's seed once, to an empty store, with a loopback Discord only."""
    if settings.seed is None or not settings.is_practice or not await store.is_empty():
        return
    with settings.seed.open("rb") as file:
        seed = json.loads(file.read(SEED_BYTES))
    for guild_id, values in seed["guilds"].items():
        await store.save(int(guild_id), msgspec.convert(values, GuildConfig))


async def run(
    settings: Settings,
    *,
    closing: Closing | None = None,
    pulse: Pulse | None = None,
    ready: asyncio.Event | None = None,
) -> None:
    """
    Serve Discord until *closing* begins and what was sent has come back, or until cancelled.

    *ready* is set once Discord is connected. Raises `StoreError` where the folder cannot be used, and `LoginRefused`.
    """
    point_at(settings)
    pulse = pulse or Pulse(settings.data_dir)
    async with open_house(settings, closing=closing) as house, Naibot(settings, house.services, house.store) as client:
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
    await services.accounts.read_all(FIRST_READING)
    workers = [asyncio.create_task(keep_alive(f"worker {n}", worker.run)) for n, worker in enumerate(services.workers)]
    others = [asyncio.create_task(work) for work in _background(house, client, pulse, ready)]
    serving = asyncio.create_task(client.serve())
    closing = asyncio.create_task(services.closing.wait())
    try:
        await asyncio.wait({serving, closing}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
        else:
            pulse.stopping()
            await _drain(house, workers)
    finally:
        tasks = [serving, closing, *workers, *others]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _drain(house: House, workers: Sequence[asyncio.Task[None]]) -> None:
    """Wait for the pictures that are being made, for what is being answered, and for what can be shown now."""
    log.info("closing: nothing new is taken; what was sent is waited for")
    services = house.services
    await asyncio.wait(workers, timeout=LEASE)
    try:
        async with asyncio.timeout(LAST_WORDS):
            with house.bell.listen() as listener:
                while services.activity.running or await services.deliveries.undelivered():
                    await listener.next(within=0.1)
    except TimeoutError:
        log.warning("closing: not everything could be shown; the rest follows after the next start")


def _background(
    house: House, client: Naibot, pulse: Pulse, ready: asyncio.Event
) -> Iterator[Coroutine[None, None, None]]:
    """What goes on beside the conversation with Discord."""
    services, url = house.services, house.settings.backstage_url
    yield every(TIDY_EVERY, "upkeep", services.upkeep.tidy)
    yield every(ACCOUNTS_EVERY, "accounts", services.accounts.refresh)
    if url:
        yield keep_alive("backstage", Room(url, house.backstage.snapshot).run)
    yield _announce(client, pulse, ready)


async def _announce(client: Naibot, pulse: Pulse, ready: asyncio.Event) -> None:
    await client.wait_until_ready()
    pulse.connected()
    ready.set()
