"""What NovelAI does with an image beside drawing: director tools, upscaling, encoding a vibe."""

from dataclasses import dataclass, field
from enum import StrEnum

from bot.domain.bounds import AREA_MAX, check_range, check_text
from bot.domain.errors import Mistake
from bot.domain.features import check_features
from bot.domain.inputs import Input, InputKind
from bot.domain.model import CAPABILITIES, Model

IMAGE_AREA_MAX = 16_777_216
"""Pixels of an image that is given to a tool; the tool itself works on at most `AREA_MAX`."""


class DirectorTool(StrEnum):
    """What NovelAI's director does with an image; the value is the service's id (nai-api.md 6.6)."""

    LINE_ART = "lineart"
    SKETCH = "sketch"
    COLORIZE = "colorize"
    EMOTION = "emotion"
    DECLUTTER = "declutter"
    DECLUTTER_KEEP_BUBBLES = "declutter-keep-bubbles"
    REMOVE_BACKGROUND = "bg-removal"

    @property
    def takes_prompt(self) -> bool:
        """Whether it takes a prompt and defry."""
        return self in (DirectorTool.COLORIZE, DirectorTool.EMOTION)


class Mood(StrEnum):
    """The emotions of the director; the value is the service's word."""

    NEUTRAL = "neutral"
    HAPPY = "happy"
    SAD = "sad"
    ANGRY = "angry"
    SCARED = "scared"
    SURPRISED = "surprised"
    TIRED = "tired"
    EXCITED = "excited"
    NERVOUS = "nervous"
    THINKING = "thinking"
    CONFUSED = "confused"
    SHY = "shy"
    DISGUSTED = "disgusted"
    SMUG = "smug"
    BORED = "bored"
    LAUGHING = "laughing"
    IRRITATED = "irritated"
    AROUSED = "aroused"
    EMBARRASSED = "embarrassed"
    WORRIED = "worried"
    LOVE = "love"
    DETERMINED = "determined"
    HURT = "hurt"
    PLAYFUL = "playful"


DIRECTOR_PROMPT_MAX = 300
"""Characters; over 75 tokens the service answers 500 (nai-api.md 5.4)."""
DEFRY_MAX = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Direct:
    """
    A director tool on an image of *width* × *height* pixels.

    *mood* belongs to emotion and must be there; *prompt* and *defry* (0 to 5, higher is weaker) to it and to colorize.
    """

    tool: DirectorTool
    width: int
    height: int
    prompt: str = field(default="", repr=False)
    mood: Mood | None = None
    defry: int = 0
    spoiler: bool = False
    private: bool = False
    safe: bool = False

    def __post_init__(self) -> None:
        check_image(self.width, self.height)
        check_text("prompt", self.prompt, DIRECTOR_PROMPT_MAX)
        check_range("defry", self.defry, 0, DEFRY_MAX)
        if (self.mood is None) is (self.tool is DirectorTool.EMOTION):
            raise Mistake("tool.mood")
        if (self.prompt.strip() or self.defry) and not self.tool.takes_prompt:
            raise Mistake("tool.prompt")

    @property
    def text(self) -> str:
        """What it is shown as."""
        return self.prompt

    @property
    def pixels(self) -> int:
        """The area of the image."""
        return self.width * self.height

    @property
    def pictures(self) -> int:
        """How many pictures are counted; removing the background gives three views of one."""
        return 1

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The images it needs."""
        return (Input(InputKind.SOURCE),)

    @property
    def prompts(self) -> tuple[str, ...]:
        """Every text that says what to draw."""
        return tuple(text for text in (self.mood or "", self.prompt) if text)

    @property
    def undesired_contents(self) -> tuple[str, ...]:
        """None: the tools take no such text."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Upscale:
    """
    The image of *width* × *height* pixels at twice the sides, by a V5 model (nai-api.md 4.2).

    At most 3,145,728 pixels. The factor was measured on V5 Curated (live 2026-10-02): read the size of the answer.
    """

    width: int
    height: int
    spoiler: bool = False
    private: bool = False
    safe: bool = False

    def __post_init__(self) -> None:
        check_image(self.width, self.height, AREA_MAX)

    @property
    def text(self) -> str:
        """What it is shown as."""
        return ""

    @property
    def pixels(self) -> int:
        """The area of the image."""
        return self.width * self.height

    @property
    def pictures(self) -> int:
        """How many pictures come back."""
        return 1

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The images it needs."""
        return (Input(InputKind.SOURCE),)

    @property
    def prompts(self) -> tuple[str, ...]:
        """None: nothing is described."""
        return ()

    @property
    def undesired_contents(self) -> tuple[str, ...]:
        """None: nothing is described."""
        return ()


def check_image(width: int, height: int, area: int = IMAGE_AREA_MAX) -> None:
    """Raise `Mistake` ``image.area`` unless an image has pixels, and at most *area*."""
    if min(width, height) < 1 or width * height > area:
        raise Mistake("image.area", pixels=area)


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeVibe:
    """Has NovelAI encode an image as a vibe for *model*: paid once, then the encoding may be used again and again."""

    model: Model
    information_extracted: float = 1.0

    def __post_init__(self) -> None:
        check_range("information_extracted", self.information_extracted, 0, 1)
        check_features(CAPABILITIES[self.model], {"vibe_encoding": True})
