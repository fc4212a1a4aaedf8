"""`naibot run`: settings, signals and exit codes around the composition root."""

import asyncio
import signal
from collections.abc import Mapping
from pathlib import Path

from bot import app, logs, wording
from bot.adapters.pulse import Pulse
from bot.client import LoginRefused
from bot.domain.errors import StoreError
from bot.services.closing import Closing
from bot.settings import Settings, Unfit, read_settings
from bot.shell import OK, PROBLEM, UNFIT, complain, complaint_of

UNFIT_STORE = ("store.newer", "store.tampered")


def run(environ: Mapping[str, str], data: Path | None) -> int:
    """Serve Discord until told to stop; the exit code."""
    try:
        settings = read_settings(environ, data)
    except Unfit as unfit:
        for code, about in unfit.problems:
            complain(code, about)
        return UNFIT
    logs.set_up(settings.log_level, settings.log_format, settings.secrets)
    pulse = Pulse(settings.data_dir, environ.get("NOTIFY_SOCKET"))
    try:
        asyncio.run(_serve(settings, pulse))
    except asyncio.CancelledError:
        pass
    except StoreError as error:
        complain(*complaint_of(error))
        return UNFIT if error.code in UNFIT_STORE else PROBLEM
    except LoginRefused:
        complain("login.refused", {})
        return UNFIT
    print(wording.SHELL_STOPPED, flush=True)
    return OK


async def _serve(settings: Settings, pulse: Pulse) -> None:
    closing, ready = Closing(), asyncio.Event()
    serving = asyncio.create_task(app.run(settings, closing=closing, pulse=pulse, ready=ready))
    announcing = asyncio.create_task(_announce(ready))
    loop = asyncio.get_running_loop()

    def stop() -> None:
        """The first signal drains, the second stops."""
        if closing.has_begun:
            serving.cancel()
        else:
            print(wording.SHELL_CLOSING, flush=True)
            closing.begin()

    for signal_ in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signal_, stop)
    try:
        await serving
    finally:
        announcing.cancel()


async def _announce(ready: asyncio.Event) -> None:
    await ready.wait()
    print(wording.SHELL_READY, flush=True)
