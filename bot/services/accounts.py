"""What is known of the NovelAI accounts right now; what was not read lately counts as having nothing free."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

from bot.domain.anlas import UNKNOWN, Account, Price, price
from bot.domain.errors import UpstreamError
from bot.domain.request import Request
from bot.ports import Clock, NovelAI

log = logging.getLogger(__name__)

FRESH = 600.0
"""Seconds for which a reading of tier and balance is believed."""


class Accounts:
    """The accounts this process may use, and their last readings."""

    def __init__(self, clients: Sequence[NovelAI], clock: Clock) -> None:
        self.clients = tuple(clients)
        self._clock = clock
        self._readings: dict[str, tuple[float, Account]] = {}
        self._stopped: set[str] = set()

    def known(self, client: NovelAI) -> Account:
        """The last reading, or `UNKNOWN` when it is older than ten minutes or the account was stopped."""
        read_at, account = self._readings.get(client.account_id, (0.0, UNKNOWN))
        is_fresh = self._clock() - read_at <= FRESH
        return account if is_fresh and client.account_id not in self._stopped else UNKNOWN

    async def read(self, client: NovelAI) -> Account:
        """Ask NovelAI now; an account that does not answer is `UNKNOWN`, and the reason is in the log."""
        try:
            account = await client.account()
        except UpstreamError as error:
            log.warning("account %s could not be read: %s", client.account_id, error)
            account = UNKNOWN
        self._readings[client.account_id] = (self._clock(), account)
        return account

    async def read_all(self, within: float) -> None:
        """Ask for every account before anybody is served; one that does not answer in time is `UNKNOWN`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await asyncio.gather(*map(self.read, self.clients))

    async def refresh(self) -> None:
        """
        Ask for what will soon be too old, or could not be read.

        Nobody draws while the bot is idle, and without this the next wish would find nothing free.
        """
        for client in self.clients:
            read_at, account = self._readings.get(client.account_id, (0.0, UNKNOWN))
            if account == UNKNOWN or self._clock() - read_at > FRESH / 2:
                await self.read(client)

    async def fresh(self, client: NovelAI) -> Account:
        """A reading that is not older than ten minutes."""
        if self.known(client) == UNKNOWN and client.account_id not in self._stopped:
            await self.read(client)
        return self.known(client)

    def is_stopped(self, client: NovelAI) -> bool:
        """Whether this account waits for the operator's word."""
        return client.account_id in self._stopped

    def stop(self, client: NovelAI) -> None:
        """Send nothing more to this account until the operator starts the bot again."""
        self.stop_named(client.account_id)

    def stop_named(self, account_id: str) -> None:
        """The same where another process that uses the account found out."""
        self._stopped.add(account_id)

    def cheapest(self, request: Request) -> Price:
        """The lowest price of *request* on any account. Raises `Refused` ``price.refused``."""
        prices = [price(request, self.known(client)) for client in self.clients] or [price(request, UNKNOWN)]
        return min(prices, key=lambda each: each.total)

    @property
    def draws_free(self) -> bool:
        """Whether some account draws small pictures for nothing."""
        return any(self.known(client).draws_free for client in self.clients)
