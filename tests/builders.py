"""Builders that give a valid thing; a test names only what matters to it."""

import itertools
from dataclasses import replace

from bot.domain.character import parse_characters
from bot.domain.inputs import Img2Img, Inpaint, Reference, Vibe
from bot.domain.job import Application
from bot.domain.model import Model, Smea, UcPreset
from bot.domain.request import SIZES, Context, Generate, Place, Prompt, Requester, Size, default_sampling

GUILD = 100
CHANNEL = 200
LARGE = SIZES["large portrait"]

_keys = itertools.count(1)


def a_requester(
    user_id: int = 1,
    *,
    guild_id: int | None = GUILD,
    channel_id: int = CHANNEL,
    may_moderate: bool = False,
    may_manage: bool = False,
    context: Context = Context.GUILD,
) -> Requester:
    """Somebody in the server and channel of `GUILD` and `CHANNEL`."""
    return Requester(
        user_id=user_id,
        guild_id=guild_id,
        channel_id=channel_id,
        may_moderate=may_moderate,
        may_manage=may_manage,
        context=context,
    )


def a_request(
    text: str = "1girl, cherry blossoms, smile",
    *,
    size: Size = SIZES["portrait"],
    steps: int = 28,
    samples: int = 1,
    smea: Smea = Smea.OFF,
    seed: int | None = None,
    undesired_content: str = "",
    quality_tags: bool = True,
    uc_preset: UcPreset = UcPreset.HEAVY,
    private: bool = False,
    model: Model = Model.V3,
    characters: str = "",
    transparent: bool = False,
    safe: bool = False,
    img2img: Img2Img | None = None,
    inpaint: Inpaint | None = None,
    vibes: tuple[Vibe, ...] = (),
    references: tuple[Reference, ...] = (),
) -> Generate:
    """A picture that is free on Opus; *characters* is the line that people write."""
    prompt = Prompt(
        text=text,
        undesired_content=undesired_content,
        quality_tags=quality_tags,
        uc_preset=uc_preset,
        characters=parse_characters(characters),
        transparent=transparent,
    )
    return Generate(
        prompt=prompt,
        sampling=replace(default_sampling(model), steps=steps, smea=smea, seed=seed),
        size=size,
        samples=samples,
        private=private,
        safe=safe,
        img2img=img2img,
        inpaint=inpaint,
        vibes=vibes,
        references=references,
    )


def a_place(message_id: int | None = 300, *, token: str | None = "token", token_expires: float = 2e9) -> Place:
    """A message in `CHANNEL`."""
    return Place(channel_id=CHANNEL, message_id=message_id, token=token, token_expires=token_expires)


def an_application(
    requester: Requester | None = None,
    request: Generate | None = None,
    *,
    key: str | None = None,
    price: int = 0,
    origin: str | None = None,
    place: Place | None = None,
    interaction: int | None = None,
) -> Application:
    """An application with a key of its own."""
    return Application(
        key=key or f"key-{next(_keys)}",
        requester=requester or a_requester(),
        place=place,
        request=request or a_request(seed=7),
        price=price,
        origin=origin,
        interaction=interaction,
    )
