"""Killed at the worst moment, the next start puts everything right."""

import asyncio
import signal
from pathlib import Path

from tests.shell.processes import bot, standin, wait_for
from tests.shell.room import naibot, say


async def test_kill_9_loses_nothing(tmp_path: Path) -> None:
    """
    Killed with one job on the wire and one queued: after the next start both are delivered into their old messages,
    each once, and the ledger adds up.
    """
    data = tmp_path / "d"
    async with standin(tmp_path) as (address, settings):
        async with bot(data, settings) as first:
            typing = [
                asyncio.create_task(naibot("try", "--at", address, *say(line), "--timeout", "90", "--out", str(out)))
                for line, out in (
                    ("/generate prompt:1girl, !slow", tmp_path / "a"),
                    ("/generate prompt:1boy, river", tmp_path / "b"),
                )
            ]
            await wait_for(data, "SENT", 1)
            await wait_for(data, "QUEUED", 1)
            first.send_signal(signal.SIGKILL)
        async with bot(data, settings):
            answers = await asyncio.gather(*typing)
            _, beside, _ = await naibot("check", "--data", str(data), env=settings)
    code, alone, _ = await naibot("check", "--offline", "--data", str(data), env=settings)

    assert [0, 0] == [answer[0] for answer in answers], answers
    assert [1, 1] == [len(list((tmp_path / name).glob("*.png"))) for name in "ab"]
    assert "adds up" in beside
    assert (0, True) == (code, "adds up" in alone)
