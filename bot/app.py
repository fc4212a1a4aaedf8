"""The composition root: settings → adapters → services → client."""

import asyncio
import json
import logging
import os
import secrets
import time
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import msgspec

from bot.adapters.novelai.client import NovelAIClient
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
from bot.services.darkroom import Darkroom
from bot.services.deliveries import Deliveries
from bot.services.guilds import Guilds
from bot.services.loops import every, keep_alive
from bot.services.moderation import Moderation
from bot.services.studio import Studio
from bot.services.upkeep import Upkeep
from bot.services.worker import Pace, Worker
from bot.settings import Settings, is_loopback

log = logging.getLogger(__name__)

TIDY_EVERY = 60.0
ACCOUNTS_EVERY = 60.0
SEED_BYTES = 64 * 1024
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
async def open_house(settings: Settings, *, clock: Clock = time.time, pace: Pace | None = None) -> AsyncIterator[House]:
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
        bell = Bell()
        accounts = Accounts(clients, clock)
        guilds = Guilds(store, settings.house, clock)
        moderation = Moderation(store, store, store, guilds, bell, clock)
        holder = f"{os.getpid()}-{secrets.token_hex(4)}"
        workers = tuple(
            Worker(client, accounts, store, store, guilds, moderation, bell, clock, holder=holder, pace=pace)
            for client in clients
        )
        darkroom = Darkroom(trusted_keys(settings))
        stack.callback(darkroom.close)
        services = Services(
            studio=Studio(store, store, guilds, moderation, accounts, Tokenizers(settings.data_dir), bell, clock),
            workers=workers,
            deliveries=Deliveries(store, store, guilds, bell, clock),
            darkroom=darkroom,
            guilds=guilds,
            moderation=moderation,
            chronicle=Chronicle(store, store, guilds, clock),
            accounts=accounts,
            upkeep=Upkeep(store, store, settings.house, bell, clock),
            activity=Activity(),
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


async def run(settings: Settings, ready: asyncio.Event | None = None) -> None:
    """
    Serve Discord until cancelled; *ready* is set once it is connected.

    Raises `StoreError` where the folder cannot be used, and `LoginRefused`.
    """
    point_at(settings)
    async with open_house(settings) as house, Naibot(settings, house.services, house.store) as client:
        await house.services.accounts.read_all(FIRST_READING)
        background = [asyncio.create_task(work) for work in _background(house, client, ready)]
        try:
            await client.serve()
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)


def _background(house: House, client: Naibot, ready: asyncio.Event | None) -> Iterator[Coroutine[None, None, None]]:
    """What goes on beside the conversation with Discord."""
    services, url = house.services, house.settings.backstage_url
    for n, worker in enumerate(services.workers):
        yield keep_alive(f"worker {n}", worker.run)
    yield every(TIDY_EVERY, "upkeep", services.upkeep.tidy)
    yield every(ACCOUNTS_EVERY, "accounts", services.accounts.refresh)
    if url:
        yield keep_alive("backstage", Room(url, house.backstage.snapshot).run)
    if ready is not None:
        yield _announce(client, ready)


async def _announce(client: Naibot, ready: asyncio.Event) -> None:
    await client.wait_until_ready()
    ready.set()
