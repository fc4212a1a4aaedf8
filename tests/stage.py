"""The real bot in the test's own loop, before both stand-ins, with somebody to press its buttons."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.app import House, open_house
from bot.client import Naibot, client_for, point_at
from bot.domain.guild import GuildConfig, HouseConfig
from bot.domain.job import Delivery, Job
from bot.ports import Clock
from bot.services.loops import every
from bot.services.neighbours import LOOK_EVERY
from bot.services.worker import Pace
from bot.settings import Settings
from bot.standin.discord import Discord, lantern
from bot.standin.discord.components import walk
from bot.standin.discord.interactions import Interaction
from bot.standin.discord.rest import Judge
from bot.standin.novelai import NovelAI

Json = dict[str, Any]
QUICK = Pace(gap=0.0, retry=0.05, settle_retry=0.01)
STUDIO = GuildConfig(channels=(lantern.STUDIO,), unchecked=True, cooldown=0, never_spend=False, anlas_day=100)


@dataclass
class Stage:
    """Bot, house and both services of a test."""

    discord: Discord
    novelai: NovelAI
    house: House
    client: Naibot
    settings: Settings

    async def slash(self, name: str, *, by: int = lantern.ANN, at: int = lantern.STUDIO, **options: Any) -> Interaction:
        """Use a slash command (``mod block``); a value's Discord type is taken from the synced definition."""
        name, _, sub = name.partition(" ")
        commands = self.discord.actions.commands_for(by, at)
        definition = next(c for c in commands if c["name"] == name and c["type"] == 1)
        if sub:
            definition = next(option for option in definition["options"] if option["name"] == sub)
        types = {option["name"]: option["type"] for option in definition.get("options", ())}
        given = [{"name": key, "type": types.get(key, 3), "value": value} for key, value in options.items()]
        given = [{"name": sub, "type": 1, "options": given}] if sub else given
        return await self.discord.actions.act(by, at, {"kind": "slash", "name": name, "options": given})

    async def said(self, name: str, *, by: int = lantern.ANN, at: int = lantern.STUDIO, **options: Any) -> str:
        """Use a slash command; the text that answered, a card's joined."""
        return text_of(await self.answered(await self.slash(name, by=by, at=at, **options)))

    def let_everybody_use_every_command(self) -> None:
        """As an admin of Discord's can, so that only the bot's own checks stand."""
        for command in self.discord.world.commands[None]:
            command["default_member_permissions"] = None

    async def choose(self, message: Json, verb: str, *values: object, by: int = lantern.ANN) -> Interaction:
        """Choose in the select whose id has that verb (and argument)."""
        ids = [part.get("custom_id", "") for part in walk(message["components"])]
        custom_id = next(id_ for id_ in ids if id_.partition(":")[2].partition(":")[2] == verb)
        wish = {"kind": "press", "message": message["id"], "custom_id": custom_id, "values": list(map(str, values))}
        return await self.discord.actions.act(by, int(message["channel_id"]), wish)

    async def fill(self, opener: Interaction, *, by: int = lantern.ANN, **values: str | list[str]) -> Interaction:
        """Submit the form that *opener* opened; what is chosen in a select is a list."""
        await self.until(lambda: opener.form)
        wish = {"kind": "fill", "interaction": str(opener.id), "values": values}
        return await self.discord.actions.act(by, opener.channel_id, wish)

    async def menu(self, name: str, message: Json, *, by: int = lantern.ANN) -> Interaction:
        """Choose from a message's Apps menu."""
        wish = {"kind": "menu", "name": name, "message": message["id"]}
        return await self.discord.actions.act(by, int(message["channel_id"]), wish)

    async def press(self, message: Json, label: str, *, by: int = lantern.ANN) -> Interaction:
        """Press a button by its label."""
        ids = {part.get("label"): part.get("custom_id") for part in walk(message["components"])}
        return await self.press_id(message, ids[label], by=by)

    async def press_id(self, message: Json, custom_id: str | None, *, by: int = lantern.ANN) -> Interaction:
        """Press the button of that id."""
        wish = {"kind": "press", "message": message["id"], "custom_id": custom_id}
        return await self.discord.actions.act(by, int(message["channel_id"]), wish)

    async def until(self, true: Callable[[], object], within: float = 15.0) -> None:
        """Wait until something holds."""
        async with asyncio.timeout(within):
            while not true():
                await asyncio.sleep(0.01)

    async def answered(self, interaction: Interaction) -> Json:
        """The message that answered, once its handlers are through and its jobs delivered; {} where there is none."""
        activity = self.house.services.activity
        async with asyncio.timeout(30):
            while True:
                handling = activity.handlings().get(interaction.id)
                jobs = [job for job in await self.house.store.recent(0.0) if job.interaction == interaction.id]
                is_over = all(not job.state.is_waiting and job.delivery.value != "PENDING" for job in jobs)
                if handling is not None and not handling.handlers and is_over:
                    break
                await asyncio.sleep(0.02)
        shown = self.discord.world.shown.get(interaction.original or 0)
        return shown.message if shown is not None and not shown.deleted else {}

    async def asked(self, prompt: str = "1girl", *, at: int = lantern.STUDIO, **options: Any) -> Interaction:
        """`/generate` of a small picture, up to its waiting message; needs a stage that is not *working*."""
        asked = await self.slash("generate", at=at, prompt=prompt, **{"size": "64x64", **options})
        await self.until(lambda: "in line" in str(self.discord.world.shown.get(asked.original or 0)))
        return asked

    async def drawn(self) -> Job:
        """The next picture is made, and what became of its delivery."""
        [job, *_] = await self.house.store.waiting()
        assert await self.house.services.workers[0].step()
        return await self.delivered(job.id)

    async def delivered(self, job_id: int, within: float = 20.0) -> Job:
        """A job once its delivery is over."""
        async with asyncio.timeout(within):
            while True:
                job = await self.house.store.get(job_id)
                if job is not None and job.delivery not in (Delivery.NONE, Delivery.PENDING):
                    return job
                await asyncio.sleep(0.02)

    def direct_words(self, user_id: int = lantern.ANN) -> list[Json]:
        """The messages of a person's direct messages, newest first."""
        channel = self.discord.world.direct_channel(user_id) or {}
        return [s.message for s in self.discord.world.newest(int(channel["id"])) if not s.deleted]

    def private_words(self, user_id: int = lantern.ANN) -> list[str]:
        """Every text that only this person sees, newest first."""
        return [text_of(s.message) for s in self.discord.world.visible(user_id) if s.to == user_id and not s.deleted]

    def pictures(self) -> list[bytes]:
        """The files of every message that everybody sees, as they were stored."""
        return [
            self.discord.world.blobs[int(file["id"])].data
            for s in self.discord.world.visible(0)
            if not s.deleted
            for file in s.message["attachments"]
        ]


def text_of(message: Json) -> str:
    """A plain message's content, or a card's texts joined; "" where there is no message."""
    if not message:
        return ""
    texts = [part["content"] for part in walk(message["components"]) if part["type"] == 10]
    return "\n".join([message["content"], *texts]).strip("\n")


@asynccontextmanager
async def open_stage(
    folder: Path,
    *,
    judge: Judge | None = None,
    working: bool = True,
    config: GuildConfig = STUDIO,
    house: dict[str, Any] | None = None,
    clock: Clock = time.time,
    pace: Pace = QUICK,
    **discord: Any,
) -> AsyncIterator[Stage]:
    """A stage; without *working* nobody makes pictures until the test says so."""
    novelai, pretended = NovelAI(), Discord(judge=judge, clock=clock, **discord)
    async with (
        novelai.serve() as address,
        pretended.serve(),
        play(
            folder, pretended, novelai, address, working=working, config=config, operator=house, clock=clock, pace=pace
        ) as stage,
    ):
        yield stage


@asynccontextmanager
async def play(
    folder: Path,
    discord: Discord,
    novelai: NovelAI,
    address: str,
    *,
    working: bool = True,
    config: GuildConfig = STUDIO,
    operator: dict[str, Any] | None = None,
    database_url: str | None = None,
    clock: Clock = time.time,
    pace: Pace = QUICK,
) -> AsyncIterator[Stage]:
    """A bot on a world that may outlive it."""
    where = discord.settings()
    settings = Settings(
        discord_token=where["DISCORD_TOKEN"],
        novelai_tokens=("pst-standin",),
        discord_api=where["DISCORD_API"],
        discord_gateway=where["DISCORD_GATEWAY"],
        novelai_api=address,
        data_dir=folder,
        database_url=database_url,
        house=HouseConfig(**{"never_spend": False, "guilds": frozenset({lantern.LANTERN}), **(operator or {})}),
    )
    point_at(settings)
    async with open_house(settings, pace=pace, clock=clock) as house:
        await house.services.guilds.save(lantern.LANTERN, config)
        client = client_for(settings, house.services, house.store)
        await house.services.accounts.read(house.services.accounts.clients[0])
        tasks = [asyncio.create_task(client.serve())]
        if house.store.is_shared:
            tasks += [asyncio.create_task(every(LOOK_EVERY, "neighbours", house.services.neighbours.look))]
        if working:
            tasks += [asyncio.create_task(worker.run()) for worker in house.services.workers]
        try:
            async with asyncio.timeout(20):
                while not client.is_ready():
                    await asyncio.sleep(0.01)
            yield Stage(discord, novelai, house, client, settings)
        finally:
            await client.close()
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
