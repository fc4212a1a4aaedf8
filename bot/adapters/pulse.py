"""Tells whoever watches over this process that it lives: a file in the data folder, and systemd's notify socket."""

import asyncio
import logging
import os
import socket
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

FILE = "naibot.alive"
EVERY = 15.0
FRESH = 60.0
"""Seconds after which a file that was not touched means that nothing runs any more."""


class Pulse:
    """
    Beats while the event loop runs.

    *notify* is systemd's ``NOTIFY_SOCKET`` (sd_notify(3)): a path, or an abstract name behind ``@``.
    """

    def __init__(self, folder: Path, notify: str | None = None) -> None:
        self._file = folder / FILE
        self._notify = notify

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            self._beat()
            await asyncio.sleep(EVERY)

    def _beat(self) -> None:
        try:
            os.close(os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
            os.utime(self._file)
        except OSError as error:
            log.warning("the sign of life could not be written: %s", error.strerror)
        self._tell("WATCHDOG=1")

    def ready(self) -> None:
        """Everything here works; a Discord that is away is no reason to be started anew."""
        self._tell("READY=1\nSTATUS=connecting")

    def connected(self) -> None:
        """Discord is connected."""
        self._tell("STATUS=serving")

    def waiting(self, seconds: float, why: str) -> None:
        """The start takes *seconds* longer than a start may."""
        self._tell(f"EXTEND_TIMEOUT_USEC={int((seconds + 60) * 1e6)}\nSTATUS={why}")

    def stopping(self) -> None:
        """Nothing new is taken."""
        self._tell("STOPPING=1\nSTATUS=finishing what was sent")

    def stop(self) -> None:
        """This process ends in order."""
        with suppress(OSError):
            self._file.unlink(missing_ok=True)

    def _tell(self, state: str) -> None:
        if not self._notify:
            return
        address = f"\0{self._notify[1:]}" if self._notify.startswith("@") else self._notify
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as wire:
                wire.setblocking(False)
                wire.sendto(state.encode(), address)
        except OSError as error:
            log.warning("systemd could not be told: %s", error.strerror)


def is_alive(folder: Path, now: float) -> bool:
    """Whether a process gave a sign of life in *folder* within the last minute."""
    try:
        return now - (folder / FILE).stat().st_mtime < FRESH
    except OSError:
        return False
