"""What somebody asks for, who asks, where the answer goes: frozen values that check themselves."""

import math
import re
from dataclasses import dataclass, field, replace
from enum import StrEnum

from bot.domain.bounds import AREA_MAX, check_range, check_text
from bot.domain.character import CHARACTER_MAX, Character
from bot.domain.errors import Mistake
from bot.domain.features import check_choice, check_features, offered
from bot.domain.inputs import REFERENCES_MAX, VIBES_MAX, Img2Img, Inpaint, Input, InputKind, Reference, Vibe
from bot.domain.model import CAPABILITIES, Capabilities, Model, NoiseSchedule, Sampler, Smea, UcPreset
from bot.domain.tools import Direct, Upscale

GRID = 64
"""Sides are multiples of this many pixels (nai-api.md 3)."""
FREE_AREA = 1_048_576
"""Pixels that an Opus account may draw for nothing (nai-api.md 3, live 2026-10)."""
FREE_STEPS = 28
STEPS_MAX = 50
SEED_MAX = 4_294_967_295
SAMPLES_MAX = 4
PROMPT_MAX = 4_000
"""Characters; a form field holds no more, and what can be asked for can be edited."""
FREE_VIBES = 4
"""Vibes that cost nothing once they are encoded (nai-api.md 2.8)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Width and height in pixels, both on the grid of 64."""

    width: int
    height: int

    def __post_init__(self) -> None:
        if min(self.width, self.height) < 1 or max(self.width, self.height) > AREA_MAX // GRID:
            raise Mistake("size.range", low=GRID, high=AREA_MAX // GRID)
        if self.width % GRID or self.height % GRID:
            raise Mistake("size.grid", size=str(Size(width=_snap(self.width), height=_snap(self.height))))
        if self.pixels > AREA_MAX:
            raise Mistake("size.area", size=str(scaled_to(self, AREA_MAX)))

    @property
    def pixels(self) -> int:
        """The area."""
        return self.width * self.height

    def __str__(self) -> str:
        return f"{self.width}×{self.height}"


def _snap(side: float) -> int:
    return max(GRID, math.floor(side / GRID + 0.5) * GRID)


def scaled_to(size: Size, area: int) -> Size:
    """The same aspect at no more than *area* pixels, on the grid; *size* itself where it fits already."""
    if size.pixels <= area:
        return size
    factor = math.sqrt(area / size.pixels)
    width, height = _snap(size.width * factor), _snap(size.height * factor)
    while width * height > area:
        if width >= height:
            width -= GRID
        else:
            height -= GRID
    return Size(width=width, height=height)


SIZES: dict[str, Size] = {
    "portrait": Size(width=832, height=1216),
    "landscape": Size(width=1216, height=832),
    "square": Size(width=1024, height=1024),
    "small portrait": Size(width=512, height=768),
    "small landscape": Size(width=768, height=512),
    "small square": Size(width=640, height=640),
    "large portrait": Size(width=1024, height=1536),
    "large landscape": Size(width=1536, height=1024),
    "large square": Size(width=1472, height=1472),
    "wallpaper portrait": Size(width=1088, height=1920),
    "wallpaper landscape": Size(width=1920, height=1088),
}
"""The site's presets (nai-api.md 3)."""

_SIDES = re.compile(r"(\d{1,5}) ?[x×*, ] ?(\d{1,5})", re.ASCII)
_RATIO = re.compile(r"(\d{1,2}(?:\.\d)?) ?[:/] ?(\d{1,2}(?:\.\d)?)", re.ASCII)


def parse_size(text: str) -> Size:
    """
    Read a size as people write it: ``832x1216``, ``Landscape``, ``2:3``, ``large``.

    A ratio gives the largest free size of that shape. Raises `Mistake` with ``size.unknown``, ``size.grid``,
    ``size.range`` or ``size.area``.
    """
    words = " ".join(text.casefold().replace("-", " ").split())
    if words in ("small", "large", "wallpaper"):
        words += " portrait"
    if words in SIZES:
        return SIZES[words]
    if sides := _SIDES.fullmatch(words):
        return Size(width=int(sides[1]), height=int(sides[2]))
    if ratio := _RATIO.fullmatch(words):
        return _size_of_ratio(float(ratio[1]), float(ratio[2]))
    raise Mistake("size.unknown", example=str(SIZES["portrait"]))


def _size_of_ratio(across: float, up: float) -> Size:
    if not across or not up or not 1 / 8 <= across / up <= 8:
        raise Mistake("size.unknown", example=str(SIZES["portrait"]))
    named = (size for size in SIZES.values() if size.pixels <= FREE_AREA)
    close = [size for size in named if abs(size.width / size.height / (across / up) - 1) < 0.03]
    if close:
        return max(close, key=lambda size: size.pixels)
    height = math.sqrt(FREE_AREA * up / across)
    width = min(_snap(height * across / up), FREE_AREA // GRID)
    return scaled_to(Size(width=width, height=_snap(height)), FREE_AREA)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """
    What the member typed, and which ready-made text goes with it.

    1 to 4,000 and 0 to 4,000 characters of text, and 4,000 in all *characters* together. *transparent* asks for a
    transparent background.
    """

    text: str = field(repr=False)
    undesired_content: str = field(default="", repr=False)
    quality_tags: bool = True
    uc_preset: UcPreset = UcPreset.HEAVY
    characters: tuple[Character, ...] = ()
    transparent: bool = False

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise Mistake("prompt.empty")
        check_text("prompt", self.text, PROMPT_MAX)
        check_text("undesired_content", self.undesired_content, PROMPT_MAX)
        described = sum(len(each.prompt) + len(each.undesired_content) for each in self.characters)
        check_range("characters", described, 0, CHARACTER_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """
    How the model draws.

    *seed* is 1 to 4,294,967,295, or None until the studio draws one. *cfg_scale* is the site's Prompt Guidance.
    """

    model: Model
    sampler: Sampler
    steps: int
    cfg_scale: float
    prompt_guidance_rescale: float
    noise_schedule: NoiseSchedule
    smea: Smea = Smea.OFF
    decrisper: bool = False
    variety: bool = False
    seed: int | None = None

    def __post_init__(self) -> None:
        row = CAPABILITIES[self.model]
        if not row.is_offered:
            raise Mistake("model.gone", model=row.short, models=tuple(each.short for each in offered()))
        check_range("steps", self.steps, 1, STEPS_MAX)
        if row.steps_fixed not in (None, self.steps):
            raise Mistake("option.fixed", option="steps", model=row.short, value=row.steps_fixed)
        check_range("cfg_scale", self.cfg_scale, 0, row.cfg_scale_max)
        check_range("rescale", self.prompt_guidance_rescale, 0, 1)
        if self.seed is not None:
            check_range("seed", self.seed, 1, SEED_MAX)
        self._check_features(row)

    def _check_features(self, row: Capabilities) -> None:
        check_choice(row, "sampler", self.sampler, row.samplers)
        check_choice(row, "noise_schedule", self.noise_schedule, row.noise_schedules)
        asked = {
            "rescale": bool(self.prompt_guidance_rescale),
            "smea": self.smea is not Smea.OFF,
            "decrisper": self.decrisper,
            "variety": self.variety,
        }
        check_features(row, asked)


def default_sampling(model: Model) -> Sampling:
    """What the site would choose for this model, with 28 steps (the most that can be free)."""
    row = CAPABILITIES[model]
    return Sampling(
        model=model,
        sampler=row.sampler,
        steps=row.steps_fixed or FREE_STEPS,
        cfg_scale=row.cfg_scale,
        prompt_guidance_rescale=0.0,
        noise_schedule=row.noise_schedule,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Generate:
    """
    Text to image, or image to image with *img2img* or *inpaint*.

    *spoiler* hides the picture where it is shown; *private* shows it to the member alone. *safe* is set by the studio
    where the place keeps pictures safe (`bot.domain.rules.keeps_safe`).
    """

    prompt: Prompt
    sampling: Sampling
    size: Size
    samples: int = 1
    spoiler: bool = False
    private: bool = False
    safe: bool = False
    img2img: Img2Img | None = None
    inpaint: Inpaint | None = None
    vibes: tuple[Vibe, ...] = ()
    references: tuple[Reference, ...] = ()

    def __post_init__(self) -> None:
        check_range("samples", self.samples, 1, SAMPLES_MAX)
        if self.sampling.seed is not None:
            check_range("seed", self.sampling.seed, 1, SEED_MAX - self.samples + 1)
        check_range("vibes", len(self.vibes), 0, VIBES_MAX)
        check_range("references", len(self.references), 0, REFERENCES_MAX)
        chosen = CAPABILITIES[self.sampling.model]
        check_choice(chosen, "uc_preset", self.prompt.uc_preset, tuple(chosen.uc_presets))
        self._check_features(chosen)
        if self.row is not chosen:
            self._check_features(self.row)
            check_choice(self.row, "noise_schedule", self.sampling.noise_schedule, self.row.noise_schedules)
        self._check_combinations()

    def _check_features(self, row: Capabilities) -> None:
        characters = self.prompt.characters
        asked = {
            "undesired_content": bool(self.prompt.undesired_content.strip())
            or any(each.undesired_content.strip() for each in characters),
            "transparent": self.prompt.transparent,
            "characters": bool(characters),
            "free_positions": any(each.position is not None and not each.position.is_on_grid for each in characters),
            "inpaint": self.inpaint is not None,
            "inpaint_strength": self.inpaint is not None and self.inpaint.strength != 1,
            "vibes": bool(self.vibes),
            "references": bool(self.references),
        }
        check_features(row, asked)
        if len(characters) > row.characters:
            able = tuple(other.short for other in offered() if other.characters >= len(characters))
            code = "characters.many" if able else "characters.many.all"
            raise Mistake(code, model=row.short, limit=row.characters, models=able)

    def _check_combinations(self) -> None:
        """What the site forbids or drops (nai-api.md 1.4, 2.3, 2.8)."""
        if self.img2img is not None and self.inpaint is not None:
            raise Mistake("source.one")
        if self.has_source and self.sampling.smea is not Smea.OFF:
            raise Mistake("option.image", option="smea")
        if self.inpaint is not None and self.sampling.sampler is Sampler.DDIM:
            raise Mistake("option.image", option="sampler")
        if self.vibes and (self.inpaint is not None or self.references):
            raise Mistake("vibes.alone")

    @property
    def row(self) -> Capabilities:
        """What the model can do that really draws: a mask may go to another one."""
        row = CAPABILITIES[self.sampling.model]
        if self.inpaint is not None and row.inpaints_as is not None:
            return CAPABILITIES[row.inpaints_as]
        return row

    @property
    def has_source(self) -> bool:
        """Whether it begins with an image."""
        return self.img2img is not None or self.inpaint is not None

    @property
    def text(self) -> str:
        """What it is shown as."""
        return self.prompt.text

    @property
    def pictures(self) -> int:
        """How many pictures come back."""
        return self.samples

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The images it needs."""
        return (
            *([Input(InputKind.SOURCE)] if self.has_source else []),
            *([Input(InputKind.MASK)] if self.inpaint is not None else []),
            *(Input(InputKind.VIBE, n) for n in range(len(self.vibes))),
            *(Input(InputKind.REFERENCE, n) for n in range(len(self.references))),
        )

    @property
    def prompts(self) -> tuple[str, ...]:
        """Every text that says what to draw."""
        return (self.prompt.text, *(each.prompt for each in self.prompt.characters))

    @property
    def undesired_contents(self) -> tuple[str, ...]:
        """Every text that says what to keep out."""
        own = (self.prompt.undesired_content, *(each.undesired_content for each in self.prompt.characters))
        return tuple(text for text in own if text)

    def with_seed(self, seed: int | None) -> "Generate":
        """The same request with another seed; None lets the studio draw one."""
        return replace(self, sampling=replace(self.sampling, seed=seed))


Request = Generate | Direct | Upscale
"""What can be asked of NovelAI. Matched once in each of `anlas`, `wire` and the replies; nowhere else."""


def free_form(request: Request) -> Request:
    """
    The nearest request that an Opus account draws for nothing; a tool's is itself, whether that is free or not.

    One picture, at most a megapixel and 28 steps, without precise references and without vibes that cost.
    """
    if not isinstance(request, Generate):
        return request
    costs = len(request.vibes) > FREE_VIBES or not all(vibe.encoded for vibe in request.vibes)
    return replace(
        request,
        samples=1,
        size=scaled_to(request.size, FREE_AREA),
        sampling=replace(request.sampling, steps=min(request.sampling.steps, FREE_STEPS)),
        vibes=() if costs else request.vibes,
        references=(),
    )


class Context(StrEnum):
    """Where Discord says a command was used."""

    GUILD = "guild"
    DM = "dm"
    USER_INSTALL = "user_install"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requester:
    """Who asks, and from where: all of Discord that the rules may look at."""

    user_id: int
    guild_id: int | None
    channel_id: int
    parent_id: int | None = None
    role_ids: tuple[int, ...] = ()
    age_restricted: bool = False
    may_moderate: bool = False
    may_manage: bool = False
    context: Context = Context.GUILD
    locale: str = "en-US"

    @property
    def scope(self) -> int:
        """Whose quota counts: the guild's id, or 0, the one scope of direct messages and user installs."""
        return self.guild_id if self.context is Context.GUILD and self.guild_id is not None else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """
    Where the answer is shown.

    *token* belongs to the interaction and is good until *token_expires* (unix seconds); *file_limit* is bytes, and
    holds as long as the token does. *reachable* is whether the bot itself sees the channel: not in a user install.
    """

    channel_id: int
    message_id: int | None = None
    token: str | None = field(default=None, repr=False)
    token_expires: float = 0.0
    file_limit: int = 10 * 1024 * 1024
    ephemeral: bool = False
    reachable: bool = True

    @property
    def needs_token(self) -> bool:
        """Whether the message can be edited by the interaction's token alone."""
        return self.ephemeral or not self.reachable


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Bytes that NovelAI made, exactly as they came; *seed* is this picture's own."""

    data: bytes = field(repr=False)
    media_type: str
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """
    A picture that is being made: *step* of *total_steps* is drawn.

    *picture* is the service's small JPEG as it came (an image from outside: decode it with bounds), None where it sent
    none that can be one; from `bot.services.previews` on it is a small WebP of ours.
    """

    step: int
    total_steps: int
    picture: bytes | None = field(default=None, repr=False)
