"""What Discord says, as domain values: where the answer goes, and what is to be drawn."""

from dataclasses import dataclass, replace
from typing import Any

import discord

from bot.domain.character import parse_characters
from bot.domain.errors import Mistake
from bot.domain.features import model_called
from bot.domain.guild import GuildConfig
from bot.domain.model import CAPABILITIES, NoiseSchedule, Sampler, Smea, UcPreset
from bot.domain.request import (
    Generate,
    Place,
    Prompt,
    default_sampling,
    parse_size,
)
from cogs.ui.requester import Interaction

TOKEN_LIFE = 15 * 60.0
TOKEN_MARGIN = 20.0
"""Seconds before its end at which an interaction's token is no longer relied on."""


def place_of(interaction: Interaction, message_id: int | None, *, ephemeral: bool) -> Place:
    """Where the answer to this interaction is shown."""
    return Place(
        channel_id=interaction.channel_id or 0,
        message_id=message_id,
        token=interaction.token,
        token_expires=interaction.created_at.timestamp() + TOKEN_LIFE - TOKEN_MARGIN,
        file_limit=interaction.filesize_limit,
        ephemeral=ephemeral,
        reachable=_is_reachable(interaction),
    )


def _is_reachable(interaction: Interaction) -> bool:
    """
    Whether the bot itself sees the channel, so that it can edit its messages there after the token has died.

    Commands work in channels that the bot does not see, in servers that it is not in and in group messages.
    """
    if interaction.guild_id is not None:
        return interaction.is_guild_integration() and interaction.app_permissions.view_channel
    return interaction.context.dm_channel


def is_private_message(message: discord.Message | None) -> bool:
    """Whether only one person sees the message that a control stands on."""
    return message is not None and message.flags.ephemeral


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The options of `/generate` as they came; None where left out."""

    prompt: str
    size: str | None = None
    model: str | None = None
    undesired_content: str | None = None
    seed: int | None = None
    steps: int | None = None
    cfg_scale: float | None = None
    sampler: str | None = None
    characters: str | None = None
    quality_tags: bool = True
    uc_preset: str | None = None
    spoiler: bool | None = None
    private: bool = False
    samples: int = 1
    rescale: float | None = None
    noise_schedule: str | None = None
    smea: str | None = None
    decrisper: bool = False
    variety: bool = False
    transparent: bool = False


def request_of(asked: Asked, config: GuildConfig) -> Generate:
    """
    The request, with the server's defaults where nothing was chosen.

    Raises `Mistake` for whatever Discord's client cannot refuse, a forged interaction's values included.
    """
    model = config.model if asked.model is None else model_called(asked.model)
    row = CAPABILITIES[model]
    sampling = default_sampling(model)
    return Generate(
        prompt=Prompt(
            text=asked.prompt,
            undesired_content=asked.undesired_content or "",
            quality_tags=asked.quality_tags,
            uc_preset=_member(UcPreset, "uc_preset", asked.uc_preset, row.nearest_preset(UcPreset.HEAVY)),
            characters=parse_characters(asked.characters or ""),
            transparent=asked.transparent,
        ),
        sampling=replace(
            sampling,
            sampler=_member(Sampler, "sampler", asked.sampler, row.sampler),
            steps=sampling.steps if asked.steps is None else asked.steps,
            cfg_scale=sampling.cfg_scale if asked.cfg_scale is None else asked.cfg_scale,
            prompt_guidance_rescale=asked.rescale or 0.0,
            noise_schedule=_member(NoiseSchedule, "noise_schedule", asked.noise_schedule, row.noise_schedule),
            smea=_member(Smea, "smea", asked.smea, Smea.OFF),
            decrisper=asked.decrisper,
            variety=asked.variety,
            seed=asked.seed,
        ),
        size=config.size if asked.size is None else parse_size(asked.size),
        samples=asked.samples,
        spoiler=bool(asked.spoiler),
        private=asked.private,
    )


def _member(kind: Any, option: str, value: str | None, default: Any) -> Any:
    if value is None:
        return default
    try:
        return kind(value)
    except ValueError as error:
        raise Mistake("option.unknown", option=option, choices=tuple(str(each) for each in kind)) from error
