"""What an admin gives roles and members: limits of their own, something extra, a count from zero."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.domain.allowance import Allowance, target_of
from bot.domain.calendar import Span
from bot.domain.change import Change, What
from bot.domain.errors import Mistake
from bot.domain.request import Requester
from bot.services.guilds import Guilds

TARGETS_MAX = 200
"""Roles and members of one server with limits of their own."""


class Quotas:
    """Makes changes of limits; whoever calls has checked the admin and holds the servers' turn."""

    def __init__(self, guilds: Guilds) -> None:
        self._guilds = guilds

    async def make(self, admin: Requester, change: Change) -> Change:
        """Make one change, on record; the change that takes it back."""
        match change.what:
            case What.LIMITS:
                return await self._allow(admin, change)
            case What.GRANT:
                return await self._grant(admin, change)
            case _:
                return await self._count(admin, change)

    async def _allow(self, admin: Requester, change: Change) -> Change:
        target, stated = target_of(change.name), _mapping(change.value)
        kept = self._guilds.allowances_of(admin.scope)
        if stated and target not in kept and len(kept) >= TARGETS_MAX:
            raise Mistake("limits.many", limit=TARGETS_MAX)
        allowance = Allowance(stated=stated) if stated else None
        kind = "limits.set" if stated else "limits.cleared"
        record = self._guilds.record(kind, admin.scope, admin.user_id, target=str(target), stated=stated)
        before = kept.get(target)
        await self._guilds.allow(admin.scope, target, allowance, record)
        return replace(change, value=dict(before.stated) if before is not None else None)

    async def _grant(self, admin: Requester, change: Change) -> Change:
        value = _mapping(change.value)
        pictures, anlas, reason = int(value["pictures"]), int(value["anlas"]), value.get("reason")
        kind = "member.granted" if min(pictures, anlas) >= 0 else "member.granted.back"
        member = int(change.name)
        data = {"member": member, "pictures": abs(pictures), "anlas": abs(anlas), "reason": reason}
        record = self._guilds.record(kind, admin.scope, admin.user_id, **data)
        whose = Requester(user_id=member, guild_id=admin.scope, channel_id=admin.channel_id)
        await self._guilds.grant(whose, pictures=pictures, anlas=anlas, record=record)
        return replace(change, value={"pictures": -pictures, "anlas": -anlas})

    async def _count(self, admin: Requester, change: Change) -> Change:
        value = _mapping(change.value)
        starts = {Span(span): float(start) for span, start in _mapping(value.get("starts")).items()}
        kind = "member.reset.back" if starts else "member.reset"
        member = int(change.name)
        record = self._guilds.record(kind, admin.scope, admin.user_id, member=member, reason=value.get("reason"))
        before = await self._guilds.count_from(admin.scope, member, starts or None, record)
        return replace(change, value={"starts": {span.value: start for span, start in before.items()}})


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
