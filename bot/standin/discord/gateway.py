"""The gateway: hello, identify, resume, and events to whoever is connected."""

import asyncio
import json
import zlib
from collections import deque
from typing import Any

from aiohttp import WSMsgType, web

from bot.standin.discord import lantern
from bot.standin.discord.messages import heard
from bot.standin.discord.world import Json, World

HEARTBEAT_MS = 41_250
ANSWER_DELAY = 0.05
MESSAGE_CONTENT = 1 << 15
PRIVILEGED = (1 << 1) | (1 << 8) | MESSAGE_CONTENT
NEEDS = {"MESSAGE_CREATE": (1 << 9, 1 << 12), "MESSAGE_REACTION_ADD": (1 << 10, 1 << 13)}
"""The intents without which an event is not told: in servers, and in direct messages."""
REPLAYED = 500
FRAME_MAX = 16_384


class NotConnected(Exception):
    """No client is there to hear an event."""


class Session:
    """One client's session; it outlives its socket, so that a resume misses nothing."""

    def __init__(self, id_: str, shard: list[int] | None, intents: int) -> None:
        self.id = id_
        self.shard = shard
        self.intents = intents
        self.seq = 0
        self.socket: Socket | None = None
        self.is_cut = False
        """Whether the network took the socket away; events then wait for the client to resume."""
        self.sent: deque[Json] = deque(maxlen=REPLAYED)

    def is_of(self, guild_id: int | None) -> bool:
        """Whether events of that server come here; those of no server go to the first shard."""
        return self.shard is None or self.shard[0] == ((guild_id or 0) >> 22) % self.shard[1]

    def hears(self, name: str, guild_id: int | None) -> bool:
        """Whether its intents have that event told."""
        in_guilds, direct = NEEDS.get(name, (0, 0))
        needed = direct if guild_id is None else in_guilds
        return self.intents & needed == needed

    async def dispatch(self, event: str, data: Any) -> None:
        """Number, remember and send an event."""
        self.seq += 1
        frame: Json = {"op": 0, "t": event, "s": self.seq, "d": data}
        self.sent.append(frame)
        if self.socket is not None:
            await self.socket.send(frame)


class Socket:
    """One connection, compressed where the client asked for it."""

    def __init__(self, ws: web.WebSocketResponse, *, compressed: bool) -> None:
        self.ws = ws
        self._packer = zlib.compressobj() if compressed else None

    async def send(self, frame: Json) -> None:
        """Send a frame, if anybody is still there."""
        if self.ws.closed:
            return
        raw = json.dumps(frame, separators=(",", ":"))
        try:
            if self._packer is None:
                await self.ws.send_str(raw)
            else:
                # One shared context, and each message ends on a full flush.
                await self.ws.send_bytes(self._packer.compress(raw.encode()) + self._packer.flush(zlib.Z_SYNC_FLUSH))
        except ConnectionError:
            return


class Gateway:
    """Every session of the application."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._sessions: dict[str, Session] = {}
        self.resumes = 0

    @property
    def is_connected(self) -> bool:
        """Whether some client hears events now."""
        return any(session.socket is not None for session in self._sessions.values())

    async def event(self, name: str, data: Json, guild_id: int | None) -> None:
        """Send an event to the session of its server. Raises `NotConnected`."""
        for session in reversed(list(self._sessions.values())):
            if (session.socket is not None or session.is_cut) and session.is_of(guild_id):
                if session.hears(name, guild_id):
                    await session.dispatch(name, self._told(session, name, data, guild_id))
                return
        raise NotConnected

    def _told(self, session: Session, name: str, data: Json, guild_id: int | None) -> Json:
        if name != "MESSAGE_CREATE":
            return data
        reads = bool(session.intents & MESSAGE_CONTENT)
        return heard(data, is_direct=guild_id is None, reads=reads)

    async def drop(self, code: int = 4000) -> None:
        """Close every socket as a network would (4000), or for good; until they are resumed, sessions keep events."""
        for session in self._sessions.values():
            if (socket := session.socket) is not None:
                session.socket, session.is_cut = None, True
                await socket.ws.close(code=code)

    async def ask_to_reconnect(self) -> None:
        """Ask every client to reconnect and resume."""
        for session in self._sessions.values():
            if session.socket is not None:
                await session.socket.send({"op": 7, "d": None})

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """One client's connection."""
        ws = web.WebSocketResponse(max_msg_size=FRAME_MAX)
        await ws.prepare(request)
        socket = Socket(ws, compressed=request.query.get("compress") == "zlib-stream")
        await socket.send({"op": 10, "d": {"heartbeat_interval": HEARTBEAT_MS}})
        session: Session | None = None
        try:
            async for message in ws:
                if message.type is not WSMsgType.TEXT:
                    await ws.close(code=4002)
                    break
                session = await self._frame(socket, session, _parsed(message.data))
        finally:
            if session is not None and session.socket is socket:
                session.socket = None
        return ws

    async def _frame(self, socket: Socket, session: Session | None, frame: Json) -> Session | None:
        match frame.get("op"):
            case 1:
                # discord.py notes when it sent a heartbeat only afterwards: an answer without any delay, as no network
                # gives it, would look to it as late as the whole interval.
                await asyncio.sleep(ANSWER_DELAY)
                await socket.send({"op": 11})
            case 2 if isinstance(frame.get("d"), dict):
                return await self._identify(socket, frame["d"])
            case 6 if isinstance(frame.get("d"), dict):
                return await self._resume(socket, frame["d"]) or session
            case 3 | 4 | 8 | 31:
                pass
            case _:
                await socket.ws.close(code=4001)
        return session

    async def _identify(self, socket: Socket, data: Json) -> Session | None:
        if data.get("token") != lantern.TOKEN:
            await socket.ws.close(code=4004)
            return None
        intents = int(data.get("intents") or 0)
        if intents & PRIVILEGED & ~(MESSAGE_CONTENT if self._world.grants_content else 0):
            await socket.ws.close(code=4014)
            return None
        session = Session(f"{self._world.snowflake():x}", data.get("shard"), intents)
        self._sessions[session.id] = session
        session.socket = socket
        present = {id_: guild for id_, guild in self._world.guilds.items() if id_ not in self._world.absent}
        guilds = [guild for id_, guild in present.items() if session.is_of(id_)]
        await session.dispatch("READY", self._ready(session, guilds))
        for guild in guilds:
            await session.dispatch("GUILD_CREATE", guild)
        return session

    def _ready(self, session: Session, guilds: list[Json]) -> Json:
        return {
            "v": 10,
            "user": self._world.bot,
            "session_id": session.id,
            "resume_gateway_url": f"{self._world.base.replace('http', 'ws')}/gateway",
            "shard": session.shard or [0, 1],
            "guilds": [{"id": guild["id"], "unavailable": True} for guild in guilds],
            "application": {"id": str(lantern.APPLICATION), "flags": 0},
        }

    async def _resume(self, socket: Socket, data: Json) -> Session | None:
        session = self._sessions.get(data.get("session_id", ""))
        if session is None or data.get("token") != lantern.TOKEN:
            await socket.send({"op": 9, "d": False})
            return None
        session.socket, session.is_cut = socket, False
        for frame in [frame for frame in session.sent if frame["s"] > data.get("seq", 0)]:
            await socket.send(frame)
        self.resumes += 1
        await session.dispatch("RESUMED", {})
        return session


def _parsed(text: str) -> Json:
    """A client's frame; what is none has no op, and closes its connection."""
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return frame if isinstance(frame, dict) else {}
