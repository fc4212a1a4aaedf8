"""`naibot run`: settings, signals and exit codes around the composition root."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from bot import app, logs, wording
from bot.adapters.pulse import Pulse
from bot.client import IntentsRefused, LoginRefused
from bot.domain.errors import ClassifierError, StoreError
from bot.services.closing import Closing
from bot.settings import Settings, Unfit, read_settings
from bot.shell import OK, PROBLEM, UNFIT, complain, complaint_of

log = logging.getLogger(__name__)

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
    except ClassifierError as error:
        complain(error.code, error.data)
        return UNFIT
    except LoginRefused:
        complain("login.refused", {})
        return UNFIT
    except IntentsRefused:
        complain("login.intents", {})
        return UNFIT
    except Exception:
        log.critical("it ended on a fault", exc_info=True)
        return PROBLEM
    _say(wording.SHELL_STOPPED)
    return OK


def _say(text: str) -> None:
    """For whoever watches; a closed pipe or a full disk must not keep the bot from being stopped."""
    try:
        print(text, flush=True)
    except (OSError, ValueError):
        # Or the interpreter would fail over the rest of the line at its end.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115


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
            closing.begin()
            _say(wording.SHELL_CLOSING)

    for signal_ in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signal_, stop)
    try:
        await serving
    finally:
        announcing.cancel()


async def _announce(ready: asyncio.Event) -> None:
    await ready.wait()
    _say(wording.SHELL_READY)
