"""All of the pretend Discord on one port: REST, gateway, files and the room."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from bot.standin import guard
from bot.standin.discord import lantern
from bot.standin.discord.actions import Actions
from bot.standin.discord.gateway import Gateway
from bot.standin.discord.interactions import Interactions
from bot.standin.discord.proxy import smaller
from bot.standin.discord.rest import PREFIX, Fault, Judge, Rest
from bot.standin.discord.room import Room
from bot.standin.discord.world import World

BODY_MAX = 200 * 1024 * 1024
FILE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    # A file that is a page, opened by itself, is a picture of a page: it runs nothing and reaches nothing.
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; media-src 'self'; sandbox",
    "Cache-Control": "private, max-age=86400, immutable",
}


class Discord:
    """The service; its parts are public, so that a test may look into the world and break it."""

    def __init__(
        self,
        *,
        judge: Judge | None = None,
        clock: Callable[[], float] = time.time,
        deadline: float = 3.0,
        token_life: float = 900.0,
    ) -> None:
        self.world = World(clock)
        self.interactions = Interactions(self.world, deadline=deadline, life=token_life)
        self.gateway = Gateway(self.world)
        self.rest = Rest(self.world, self.interactions, judge)
        self.actions = Actions(self.world, self.interactions, self.gateway)
        self.room = Room(self.world, self.interactions, self.gateway)

    def fail_next(
        self,
        method: str,
        part: str,
        status: int,
        *,
        times: int = 1,
        after: float = 0.1,
        is_done: bool = False,
        code: int = 0,
    ) -> None:
        """
        Let the next *times* requests of *method* whose path holds *part* fail; status 0 cuts the connection.

        *after* is how many seconds a 429 asks to wait. With *is_done* the request is carried out all the same. *code*
        is Discord's own number of the failure.
        """
        self.rest.faults.append(Fault(method, part, status, times, after, is_done, code))

    async def remove_application(self, guild_id: int) -> None:
        """An admin removes the application from a server; whoever has it as their own may go on using it there."""
        self.world.absent.add(guild_id)
        await self.gateway.event("GUILD_DELETE", {"id": str(guild_id)}, guild_id)

    async def invite_application(self, guild_id: int) -> None:
        """It is back in that server."""
        self.world.absent.discard(guild_id)
        await self.gateway.event("GUILD_CREATE", self.world.guilds[guild_id], guild_id)

    async def delete_channel(self, channel_id: int) -> None:
        """A channel goes, with everything in it."""
        channel = self.world.delete_channel(channel_id)
        await self.gateway.event("CHANNEL_DELETE", channel, int(channel["guild_id"]))

    def add_routes(self, app: web.Application) -> None:
        """Serve everything; *app* must take bodies of `BODY_MAX`."""
        for method, path, handler in (
            ("GET", "/gateway", self.gateway.serve),
            ("GET", "/gateway/", self.gateway.serve),
            ("GET", "/{kind:(?:ephemeral-)?attachments}/{channel}/{id}/{name}", self._file),
            ("GET", "/proxy/{kind:(?:ephemeral-)?attachments}/{channel}/{id}/{name}", self._preview),
            ("*", PREFIX + "/{tail:.*}", self.rest.serve),
        ):
            app.router.add_route(method, path, guard.guarded(handler))
        self.room.add_routes(app)

    def opened_at(self, base: str) -> None:
        """Learn the address under which it is served."""
        self.world.base = base

    @property
    def address(self) -> str:
        """The room's address, with its token."""
        return f"{self.world.base}{self.room.path}"

    def settings(self) -> dict[str, str]:
        """The settings with which `naibot run` meets this service."""
        base = self.world.base
        return {
            "DISCORD_TOKEN": lantern.TOKEN,
            "DISCORD_API": f"{base}{PREFIX}",
            "DISCORD_GATEWAY": f"{base.replace('http', 'ws')}/gateway",
            "BACKSTAGE_URL": f"{self.address}backstage",
            "STANDIN_URL": self.address,
            "GUILDS": f"{lantern.LANTERN},{lantern.NEW_SERVER}",
            "OPERATORS": str(lantern.ADA),
            "MESSAGE_CONTENT": "on" if self.world.grants_content else "off",
        }

    async def _file(self, request: web.Request) -> web.Response:
        """A stored file, while its address has not expired; pages of strangers are never shown as pages."""
        id_ = request.match_info["id"]
        blob = self.world.blobs.get(int(id_)) if id_.isdigit() else None
        try:
            expires = int(request.query.get("ex", "0"), 16)
        except ValueError:
            expires = 0
        if blob is None or expires < self.world.clock():
            return web.Response(status=404, text="This content is no longer available.")
        return web.Response(body=blob.data, headers={"Content-Type": blob.media_type, **FILE_HEADERS})

    async def _preview(self, request: web.Request) -> web.Response:
        """What Discord's proxy makes of a picture: small, lossy, and without what the file said of itself."""
        file = await self._file(request)
        if file.status != 200 or not isinstance(file.body, bytes) or not file.content_type.startswith("image/"):
            return file
        data = await asyncio.to_thread(smaller, file.body)
        headers = {"Content-Type": "image/webp", **FILE_HEADERS}
        return web.Response(body=data, headers=headers) if data else web.Response(status=415)

    @asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator[str]:
        """Serve on loopback; yields the base address."""
        app = web.Application(client_max_size=BODY_MAX)
        self.add_routes(app)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            self.opened_at(f"http://127.0.0.1:{runner.addresses[0][1]}")
            yield self.world.base
        finally:
            await runner.cleanup()
