"""`naibot run` as an operator meets it: started, stopped, crashed, and read in its log."""

import asyncio
import io
import json
import logging
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

from PIL import Image

from bot import logs
from bot.adapters.store.store import open_store
from bot.ports import STARTS
from bot.services.restarts import SPAN, UNHINDERED, WAIT_MAX, WAIT_MIN, Restarts
from bot.standin.discord import Discord, lantern
from bot.standin.discord.world import Blob
from bot.standin.novelai import NovelAI
from tests.conftest import Clock, Rig
from tests.shell.processes import bot, count, ended, line_of, process, standin, wait_for
from tests.shell.room import naibot, say
from tests.stage import STUDIO, open_stage

SMALL = "512x768"


@asynccontextmanager
async def _saying(address: str, out: Path, *lines: str) -> AsyncIterator["asyncio.Task[tuple[int, str, str]]"]:
    task = asyncio.create_task(naibot("try", "--at", address, *say(*lines), "--timeout", "90", "--out", str(out)))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_drain_finishes_what_was_sent_and_keeps_what_waits(tmp_path: Path) -> None:
    """
    SIGTERM with one job on the wire and one queued: the first is delivered, the second is not begun, who asks
    meanwhile is told, and the next start draws what waited.
    """
    data = tmp_path / "d"
    async with standin(tmp_path) as (address, settings), bot(data, settings) as first, AsyncExitStack() as stack:
        slow = _saying(address, tmp_path / "a", "/generate prompt:1girl, !slow")
        slowly = await stack.enter_async_context(slow)
        await wait_for(data, "SENT", 1)
        queued = _saying(address, tmp_path / "b", "/generate prompt:1boy, river")
        waiting = await stack.enter_async_context(queued)
        await wait_for(data, "QUEUED", 1)
        first.send_signal(signal.SIGTERM)
        assert "Closing" in await line_of(first)
        code, told, _ = await naibot("try", "--at", address, *say("/generate prompt:1girl"))
        assert (0, True) == (code, "I am restarting; nothing was started" in told)
        stopped, out, err = await ended(first)
        assert (0, True) == (stopped, "Stopped" in out), err
        assert (1, 1, 0) == tuple(count(data, state) for state in ("DONE", "QUEUED", "SENT"))
        assert 0 == (await slowly)[0]
        async with bot(data, settings):
            assert 0 == (await waiting)[0]
    assert [1, 1] == [len(list((tmp_path / name).glob("*.png"))) for name in "ab"]
    code, out, _ = await naibot("check", "--ledger", "--data", str(data))
    assert (0, True) == (code, "adds up" in out)


async def test_a_second_signal_stops_at_once(tmp_path: Path) -> None:
    """What was sent stays SENT, and the next start deals with it."""
    data = tmp_path / "d"
    async with (
        standin(tmp_path) as (address, settings),
        bot(data, settings) as running,
        _saying(address, tmp_path / "a", "/generate prompt:1girl, !slow"),
    ):
        await wait_for(data, "SENT", 1)
        running.send_signal(signal.SIGINT)
        await line_of(running)
        running.send_signal(signal.SIGINT)
        stopped, out, _ = await ended(running, within=10)

    assert (0, True, 1) == (stopped, "Stopped" in out, count(data, "SENT"))


async def test_a_job_that_was_only_taken_goes_back(house: Rig) -> None:
    """RUNNING when the house closes: it keeps its turn and its tries, and NovelAI hears nothing."""
    from tests.builders import a_request, a_requester

    job = await house.studio.submit(a_requester(), a_request())
    original = house.house.services.accounts.before

    async def closes_meanwhile(client: object, job: object, *, anew: bool) -> object:
        house.house.services.closing.begin()
        return await original(client, job, anew=anew)  # type: ignore[arg-type]

    house.house.services.accounts.before = closes_meanwhile  # type: ignore[method-assign, assignment]
    await house.worker.step()

    kept = await house.jobs.get(job.id)
    assert kept is not None
    assert ("QUEUED", 0, 0) == (kept.state, kept.tries, len(house.novelai.calls))


async def test_a_crash_loop_waits_before_it_goes_to_discord(house: Rig, clock: Clock) -> None:
    """A few starts are free; then each waits longer, up to five minutes; a stop in order, or an hour, forgets them."""
    restarts = Restarts(house.jobs, clock)
    waits = [await restarts.begin() for _ in range(UNHINDERED + 12)]

    assert [0.0] * UNHINDERED + [WAIT_MIN] == waits[: UNHINDERED + 1]
    assert (sorted(waits), WAIT_MAX) == (waits, waits[-1])
    clock.advance(SPAN + 1)
    assert 0.0 == await restarts.begin()
    for _ in range(UNHINDERED):
        await restarts.begin()
    await restarts.end()
    assert 0.0 == await restarts.begin()
    for damaged in ("[1e400]", "{", '["x"]', "[[]]", "17", "[" * 5_000):
        await house.jobs.remember(STARTS, damaged)
        assert 0.0 == await restarts.begin()


async def test_a_crash_loop_can_be_stopped_while_it_waits(tmp_path: Path) -> None:
    """Killed often, it holds back, asks systemd for the time, and ends at the first signal; Discord heard nothing."""
    data = tmp_path / "d"
    store = await open_store(data)
    for _ in range(UNHINDERED):
        await Restarts(store, time.time).begin()
    await store.close()
    discord = Discord()
    with _systemd(tmp_path) as systemd:
        async with discord.serve():
            env = _environment(discord.settings(), "http://127.0.0.1:1") | {"NOTIFY_SOCKET": systemd.getsockname()}
            async with process("run", "--data", str(data), env=env) as looping:
                assert looping.stderr is not None
                async with asyncio.timeout(30):
                    while b"waiting 5 s" not in await looping.stderr.readline():
                        pass
                looping.send_signal(signal.SIGTERM)
                code, out, _ = await ended(looping, within=4)
        told = _heard(systemd)

    assert (0, True, []) == (code, "Stopped" in out, list(discord.rest.requests))
    assert "EXTEND_TIMEOUT_USEC=65000000" in told
    assert "READY=1" not in told


@contextmanager
def _systemd(folder: Path) -> Iterator[socket.socket]:
    """A notify socket as systemd has one."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(folder / "notify"))
        notified.setblocking(False)
        yield notified


def _heard(notified: socket.socket) -> list[str]:
    heard = []
    while True:
        try:
            heard += notified.recv(1_000).decode().splitlines()
        except BlockingIOError:
            return heard


async def test_a_token_that_discord_refuses_ends_it_in_one_sentence(tmp_path: Path) -> None:
    """Exit 78: starting again cannot help."""
    async with open_stage(tmp_path / "a", working=False) as stage:
        env = _environment(stage.discord.settings(), stage.settings.novelai_api)
        stage.discord.fail_next("GET", "/users/@me", 401)
        code, _, err = await naibot("run", "--data", str(tmp_path / "b"), env=env)

    assert (78, True) == (code, "Copy it anew" in err)
    assert "Traceback" not in err


def _environment(discord: dict[str, str], novelai: str) -> dict[str, str]:
    return {**os.environ, **discord, "NOVELAI_API": novelai, "NOVELAI_TOKENS": "pst-standin"}


async def test_a_discord_that_is_away_is_waited_for(tmp_path: Path) -> None:
    """Started before Discord answers, and before its gateway does: no traceback, and then it serves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with standin(tmp_path) as (_, settings):
        base = settings["NOVELAI_API"]
    moved = {name: value.replace(base.rpartition(":")[2], str(port)) for name, value in settings.items()}
    async with process("run", "--data", str(tmp_path / "d"), env={**moved, "SEED": ""}) as waiting:
        assert waiting.stderr is not None
        async with asyncio.timeout(60):
            while b"Discord cannot be reached" not in await waiting.stderr.readline():
                pass
        async with standin(tmp_path, "--port", str(port)):
            assert "READY naibot" == await line_of(waiting)
        waiting.send_signal(signal.SIGTERM)
        code, _, err = await ended(waiting)

    assert (0, False) == (code, "Traceback" in err), err


async def test_a_gateway_that_is_away_is_waited_for(tmp_path: Path) -> None:
    """discord.py itself stumbles over a gateway it never met; the bot does not."""
    async with standin(tmp_path) as (_, settings):
        lost = {**settings, "DISCORD_GATEWAY": "ws://127.0.0.1:1/gateway"}
        async with process("run", "--data", str(tmp_path / "d"), env=lost) as waiting:
            assert waiting.stderr is not None
            heard = b""
            async with asyncio.timeout(60):
                while b"Discord cannot be reached" not in heard:
                    heard += await waiting.stderr.readline()
            waiting.send_signal(signal.SIGTERM)
            code, _, err = await ended(waiting)

    assert (0, False) == (code, "Traceback" in heard.decode() + err)


async def test_systemd_and_a_health_check_are_told(tmp_path: Path) -> None:
    """READY, WATCHDOG and STOPPING on the notify socket; a file that says that it lives, gone at the end."""
    data = tmp_path / "d"
    with _systemd(tmp_path) as systemd:
        async with standin(tmp_path) as (_, settings):
            assert 1 == (await naibot("check", "--alive", "--data", str(data)))[0]
            async with bot(data, {**settings, "NOTIFY_SOCKET": systemd.getsockname()}) as running:
                assert 0 == (await naibot("check", "--alive", "--data", str(data)))[0]
                running.send_signal(signal.SIGTERM)
                await ended(running)
        told = [line for line in _heard(systemd) if not line.startswith("STATUS")]

    assert ["READY=1", "STOPPING=1"] == [line for line in told if line != "WATCHDOG=1"]
    assert "WATCHDOG=1" in told
    assert 1 == (await naibot("check", "--alive", "--data", str(data)))[0]


async def test_a_closed_pipe_does_not_keep_it_from_being_stopped(tmp_path: Path) -> None:
    """`naibot run | head -1`: nobody reads any more, and the first signal still drains."""
    async with standin(tmp_path) as (_, settings), bot(tmp_path / "d", settings) as running:
        transport = running._transport  # type: ignore[attr-defined]
        transport.get_pipe_transport(1).close()
        await asyncio.sleep(0.1)
        running.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            await running.wait()

    assert 0 == running.returncode


async def test_a_gateway_that_ends_it_waits_for_what_was_sent(tmp_path: Path) -> None:
    """Discord closes for good (its token was made anew): the picture that was being drawn is kept, and shown later."""
    discord, novelai, data = Discord(), NovelAI(slow_seconds=2.0), tmp_path / "d"
    store = await open_store(data)
    await store.save(lantern.LANTERN, STUDIO, time.time())
    await store.close()
    async with (
        novelai.serve() as address,
        discord.serve(),
        bot(data, _environment(discord.settings(), address)) as running,
    ):
        await discord.actions.act(lantern.ANN, lantern.STUDIO, _wish("1girl, !slow"))
        await wait_for(data, "SENT", 1)
        await discord.gateway.drop(4004)
        code, _, err = await ended(running)

    assert (78, True, 1) == (code, "Copy it anew" in err, count(data, "DONE"))


async def test_an_intent_that_is_not_granted_ends_it_with_a_sentence(tmp_path: Path) -> None:
    """Trying again would only spend the day's identifies: exit 78, and what to turn on or off."""
    discord, novelai = Discord(), NovelAI()
    discord.world.grants_content = False
    async with novelai.serve() as address, discord.serve():
        environ = {**_environment(discord.settings(), address), "MESSAGE_CONTENT": "on"}
        code, _, err = await naibot("run", "--data", str(tmp_path / "d"), env=environ)

    assert (78, True, True) == (code, "MESSAGE_CONTENT=off" in err, "Message Content Intent" in err)
    assert "Traceback" not in err


def _wish(prompt: str) -> dict[str, object]:
    return {"kind": "slash", "name": "generate", "options": [{"name": "prompt", "type": 3, "value": prompt}]}


async def test_the_log_in_json_is_json_to_the_last_line(tmp_path: Path) -> None:
    """Every line an object with a time, a level, a logger and a message."""
    wanted = {"LOG_FORMAT": "json", "LOG_LEVEL": "DEBUG"}
    async with standin(tmp_path) as (_, settings), bot(tmp_path / "d", {**settings, **wanted}) as running:
        running.send_signal(signal.SIGTERM)
        _, _, err = await ended(running)

    lines = [json.loads(line) for line in err.splitlines()]
    assert len(lines) > 2
    assert all({"at", "level", "logger", "message"} <= line.keys() for line in lines)
    assert lines[0]["at"].startswith(time.strftime("%Y-", time.gmtime()))


def _with_exif() -> bytes:
    image, file = Image.new("RGB", (64, 64)), io.BytesIO()
    exif = image.getexif()
    exif[0x010E] = "secretly"
    image.save(file, "JPEG", exif=exif)
    return file.getvalue()


async def test_a_session_at_debug_gives_no_secret_away(tmp_path: Path) -> None:
    """
    Pictures, a question, a form, an inspection, dropped and failing calls, a job that NovelAI fails: neither token,
    nor any interaction's, nor a prompt, is in the log.
    """
    heard = io.StringIO()
    async with open_stage(tmp_path) as stage:
        logs.set_up("DEBUG", secrets=stage.settings.secrets)
        [handler] = logging.getLogger().handlers
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(heard)
        asked = [await stage.slash("generate", prompt="secretly, 1girl", size=SMALL)]
        made = await stage.answered(asked[0])
        asked.append(await stage.press(made, "Reroll"))
        await stage.answered(asked[-1])
        asked.append(await stage.slash("generate", prompt="secretly, 1girl", size="1024x1536"))
        await stage.answered(asked[-1])
        asked.append(await stage.slash("generate", prompt="secretly, loli, nude"))
        await stage.answered(asked[-1])
        for method, part, status in (("POST", "/callback", 0), ("PATCH", "/messages/", 500), ("PATCH", "/mess", 429)):
            stage.discord.fail_next(method, part, status)
            asked.append(await stage.slash("generate", prompt="secretly, 1girl", size=SMALL))
            await stage.answered(asked[-1])
        asked.append(await stage.slash("generate", prompt="secretly, !503", size=SMALL))
        await stage.answered(asked[-1])
        await stage.discord.gateway.drop()
        await stage.until(lambda: stage.discord.gateway.resumes == 1)
        asked.append(await stage.menu("Inspect image", made, by=lantern.BEN))
        await stage.answered(asked[-1])
        exif = stage.discord.world.attach(lantern.STUDIO, Blob("x.jpg", "image/jpeg", _with_exif()), ephemeral=True)
        stage.discord.world.uploads[exif["id"]] = exif
        asked.append(await stage.slash("inspect", image=exif["id"]))
        await stage.answered(asked[-1])
        secrets = [*stage.settings.secrets, *(interaction.token for interaction in asked)]
        log = heard.getvalue()

    assert log.count("\n") > 5
    assert len(set(secrets)) > 9
    assert [] == [secret for secret in secrets if secret in log]
    assert "secretly" not in log
