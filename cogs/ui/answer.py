"""Answering one interaction: acknowledged first, refused privately, and never left without a word."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import discord
from discord import ui

from bot import wording
from bot.domain.errors import Forbidden, NaibotError, StoreError
from cogs.ui.requester import Interaction, requester_of

log = logging.getLogger(__name__)

_CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_TOO_LATE = 10062
_ANSWERED_ALREADY = 40060
_STAGE = "stage"


async def acknowledge(interaction: Interaction, *, private: bool) -> int | None:
    """Say "thinking…", publicly or to the one person; returns the id of the message that becomes the answer."""
    response = await interaction.response.defer(ephemeral=private, thinking=True)
    interaction.extras[_STAGE] = "private" if private else "placeholder"
    return response.message_id if response else None


async def acknowledge_press(interaction: Interaction) -> None:
    """Acknowledge a press or a form whose message stays, changes or goes."""
    await interaction.response.defer()
    interaction.extras[_STAGE] = "press"


async def fill_placeholder(interaction: Interaction) -> None:
    """Before a follow-up that is not the answer: it would become the "thinking…" itself, and as private as that."""
    if interaction.extras.get(_STAGE) == "private":
        await interaction.edit_original_response(content="…")


def hand_over(interaction: Interaction) -> None:
    """The placeholder belongs to the courier from here on; whatever else is said is said beside it."""
    interaction.extras[_STAGE] = "handed"


async def note(interaction: Interaction, error: BaseException) -> BaseException:
    """
    Put what the rules refused on record; the error again, with its case where it became one.

    The answer must not depend on it, and may wait for it only where it was acknowledged.
    """
    if not isinstance(error, Forbidden):
        return error
    try:
        if not interaction.response.is_done():
            await acknowledge(interaction, private=True)
        case = await interaction.client.services.sanctions.note_refusal(requester_of(interaction), error)
    except StoreError:
        log.exception("a refusal could not be put on record: %s", error.code)
        return error
    return Forbidden(error.code, **{**error.data, "case": case.id}) if case is not None else error


async def tell(
    interaction: Interaction, text: str, *, view: ui.View | None = None, files: list[discord.File] | None = None
) -> None:
    """Say something to the one person only, wherever the interaction stands."""
    extra: dict[str, Any] = {"view": view} if view else {}
    if not interaction.response.is_done():
        await interaction.response.send_message(text, ephemeral=True, files=files or [], **extra)
        return
    match interaction.extras.get(_STAGE):
        case "private":
            await interaction.edit_original_response(content=text, attachments=files or [], view=view)
            interaction.extras[_STAGE] = "handed"
        case "placeholder":
            # A follow-up that came first would become the public placeholder itself.
            await interaction.edit_original_response(content="…")
            await interaction.followup.send(text, ephemeral=True, files=files or [], **extra)
            await interaction.delete_original_response()
            interaction.extras[_STAGE] = "handed"
        case _:
            await interaction.followup.send(text, ephemeral=True, files=files or [], **extra)


async def show_card(interaction: Interaction, card: ui.LayoutView, files: list[discord.File] | None = None) -> None:
    """Put a card into the answer that was acknowledged, or redraw the card whose control was pressed."""
    await interaction.edit_original_response(view=card, attachments=files or [])
    interaction.extras[_STAGE] = "handed"


async def apologise(interaction: Interaction, error: BaseException, *, view: ui.View | None = None) -> None:
    """Answer an error: its sentence where it is expected, a short code where it is a bug; *view* is its cure."""
    try:
        error = await note(interaction, error)
    except (discord.HTTPException, aiohttp.ClientError, TimeoutError) as failure:
        error = failure
    if isinstance(error, NaibotError) and not isinstance(error, StoreError):
        text = wording.explain(error.code, error.data, interaction.client.mentions)
        view = _together(view, interaction.client.cure_of(error))
    elif isinstance(error, StoreError):
        log.error("the store failed while an interaction was handled", exc_info=error)
        text = wording.say("store.broken")
    elif _is_discord_away(error):
        log.warning("Discord did not take what interaction %s was answered: %s", interaction.id, type(error).__name__)
        text = wording.DISCORD_AWAY
    elif _is_late(error):
        log.warning("interaction %s was answered too late or twice: %s", interaction.id, error)
        return
    else:
        text = _note_bug(interaction, error)
    try:
        await tell(interaction, text, view=view)
    except (discord.HTTPException, aiohttp.ClientError, TimeoutError) as failure:
        log.warning("interaction %s could not be answered: %s", interaction.id, type(failure).__name__)


def _together(first: ui.View | None, second: ui.View | None) -> ui.View | None:
    """The buttons of both in one row."""
    if first is None or second is None:
        return first or second
    for item in second.children:
        first.add_item(item)
    return first


def _is_late(error: BaseException) -> bool:
    return isinstance(error, discord.HTTPException) and error.code in (_TOO_LATE, _ANSWERED_ALREADY)


def _is_discord_away(error: BaseException) -> bool:
    return isinstance(error, (aiohttp.ClientError, TimeoutError, discord.DiscordServerError))


def _note_bug(interaction: Interaction, error: BaseException) -> str:
    code = "".join(secrets.choice(_CODE_LETTERS) for _ in range(4))
    log.error("bug %s in interaction %s", code, interaction.id, exc_info=error)
    interaction.client.services.activity.fail(interaction.id, code)
    return wording.say("failed.bug", id=code)


@asynccontextmanager
async def handled(interaction: Interaction) -> AsyncIterator[None]:
    """Around every handler of a control or a form: counted, and never silent."""
    activity = interaction.client.services.activity
    activity.begin(interaction.id)
    try:
        yield
    except asyncio.CancelledError:
        raise
    except Exception as error:
        await apologise(interaction, error)
    finally:
        activity.end(interaction.id)
