"""The accounts behind the stand-in's tokens: balance, plan, the V5 bar, and whether one is at work."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.standin.novelai.refusal import MESSAGES, ServiceError

TOKEN = "pst-standin"  # noqa: S105 - the stand-in's, and no secret
ACCOUNTS_MAX = 32
_TOKENS = re.compile(rf"Bearer ({TOKEN}(?:-[a-z0-9]{{1,20}})?)")
_SECONDS_OF_ONE_PERCENT = 7_888


@dataclass(slots=True)
class AccountState:
    """One account; *usage* is the V5 bar in percent, and may fall below nothing."""

    tier: int = 3
    active: bool = True
    anlas: int = 10_000
    usage: float = 100.0
    revoked: bool = False
    """Its token is taken no more: 401 everywhere."""
    busy: bool = False
    free_at: float = 0.0
    """`time.monotonic` before which the account still counts as at work."""
    _seen_at: float = 0.0

    @property
    def is_opus(self) -> bool:
        """Whether small pictures are free."""
        return self.active and self.tier >= 3

    def has_gift(self, *, v5: bool) -> bool:
        """Whether one small picture is free now; for V5 the bar must not be below nothing."""
        return self.is_opus and not (v5 and self.recovered() < 0)

    def recovered(self) -> float:
        """The bar, filled up by the time that went by."""
        now = time.monotonic()
        passed, self._seen_at = now - self._seen_at if self._seen_at else 0.0, now
        self.usage = min(100.0, self.usage + passed / _SECONDS_OF_ONE_PERCENT)
        return self.usage

    def take(self) -> None:
        """Begin to work. Raises `ServiceError` 429 while it does so already or has only just ended."""
        if self.busy or time.monotonic() < self.free_at:
            raise ServiceError(429)
        self.busy = True

    def rest(self, seconds: float) -> None:
        """End the work; the next may begin *seconds* later."""
        self.busy, self.free_at = False, time.monotonic() + seconds

    def afford(self, price: int) -> None:
        """Raises `ServiceError` 402 for too little Anlas, or for a free account that asks for anything."""
        if not self.active:
            raise ServiceError(402, "An active subscription is required")
        if price > self.anlas:
            raise ServiceError(402)

    def told(self) -> dict[str, Any]:
        """What the room's backstage shows, and may `change`."""
        return {"tier": self.tier, "active": self.active, "anlas": self.anlas, "usage": round(self.usage, 2)}

    def change(self, wanted: Mapping[str, Any]) -> None:
        """Set what is named. Raises TypeError, ValueError or AttributeError, and then nothing is changed."""
        tier, active = int(wanted.get("tier", self.tier)), bool(wanted.get("active", self.active))
        anlas, usage = int(wanted.get("anlas", self.anlas)), float(wanted.get("usage", self.usage))
        self.tier, self.active, self.anlas, self.usage = tier, active, anlas, usage

    def subscription(self) -> dict[str, Any]:
        """``/user/subscription`` as seen live 2026-10 (nai-api.md 1.8); the bar is Opus's alone."""
        told: dict[str, Any] = {
            "tier": self.tier,
            "active": self.active,
            "expiresAt": int(time.time()) + 86_400 * 30,
            "accountType": 0,
            "isGracePeriod": False,
            "isPaypal": False,
            "paymentProcessor": None,
            "perks": {
                "maxPriorityActions": 1_000,
                "startPriority": 10,
                "contextTokens": 8_192,
                "unlimitedMaxPriority": self.tier >= 3,
                "moduleTrainingSteps": 10_000,
            },
            "trainingStepsLeft": {"fixedTrainingStepsLeft": self.anlas, "purchasedTrainingSteps": 0},
        }
        return {**told, "usage": self._bar()} if self.is_opus else told

    def _bar(self) -> dict[str, Any]:
        """As captured 2026-10, at 100 % too: a whole percent comes back in about two hours."""
        percent = self.recovered()
        return {
            "percent": int(max(percent, 0)),
            "isNegative": percent < 0,
            "timeUntilNextPercent": _SECONDS_OF_ONE_PERCENT,
        }


class Accounts:
    """One account for ``pst-standin``, and one more for each ``pst-standin-…`` that is used."""

    def __init__(self) -> None:
        self._known: dict[str, AccountState] = {TOKEN: AccountState()}

    @property
    def first(self) -> AccountState:
        """The one behind ``pst-standin``."""
        return self._known[TOKEN]

    def of(self, authorization: str | None) -> AccountState:
        """The account of an ``Authorization`` header. Raises `ServiceError` 401."""
        found = _TOKENS.fullmatch(authorization or "")
        if found is None:
            raise ServiceError(401, MESSAGES[401])
        token = found[1]
        if token not in self._known and len(self._known) >= ACCOUNTS_MAX:
            raise ServiceError(401, MESSAGES[401])
        account = self._known.setdefault(token, AccountState())
        if account.revoked:
            raise ServiceError(401, MESSAGES[401])
        return account
