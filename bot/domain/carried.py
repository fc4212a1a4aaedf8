"""From what an image says of itself to a request of ours: what is carried over, and what has to be left out."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from bot.domain.bounds import AREA_MAX
from bot.domain.character import CHARACTER_MAX, Character, Position, written_characters
from bot.domain.claims import NOVELAI, Claim, Scalar
from bot.domain.claims import Character as Described
from bot.domain.errors import Mistake
from bot.domain.model import CAPABILITIES, Capabilities, Model, NoiseSchedule, Sampler, Smea, UcPreset, model_named
from bot.domain.request import (
    GRID,
    PROMPT_MAX,
    SEED_MAX,
    STEPS_MAX,
    Generate,
    Prompt,
    Sampling,
    Size,
    default_sampling,
)
from bot.domain.sheet import Sheet

SIDE_LIMIT = 100_000
_SAMPLERS: Mapping[str, Sampler] = {
    "eulera": Sampler.EULER_ANCESTRAL,
    "eulerancestral": Sampler.EULER_ANCESTRAL,
    "euler": Sampler.EULER,
    "dpm2sa": Sampler.DPMPP_2S_ANCESTRAL,
    "dpmpp2sa": Sampler.DPMPP_2S_ANCESTRAL,
    "dpmpp2sancestral": Sampler.DPMPP_2S_ANCESTRAL,
    "dpm2msde": Sampler.DPMPP_2M_SDE,
    "dpmpp2msde": Sampler.DPMPP_2M_SDE,
    "dpm2m": Sampler.DPMPP_2M,
    "dpmpp2m": Sampler.DPMPP_2M,
    "dpmsde": Sampler.DPMPP_SDE,
    "dpmppsde": Sampler.DPMPP_SDE,
    "ddim": Sampler.DDIM,
    "ddimv3": Sampler.DDIM,
}
"""The names that NovelAI, AUTOMATIC1111, ComfyUI and InvokeAI have for them, without signs."""
_OTHER_SIGNS = re.compile(r"[^a-z0-9]")
_ENDINGS = ("karras", "exponential", "gpu")
_SIDES = re.compile(r"\D{0,3}(\d{1,5})\D{1,3}(\d{1,5})\D{0,3}", re.ASCII)
_EXTRA = re.compile(r"<(?:lora|lyco|hypernet|embedding|lora-[a-z]{1,10}):[^<>]{0,200}>", re.IGNORECASE)
_WEIGHT = re.compile(r":-?\d{1,2}(?:\.\d{1,3})?\)")
_FROM_AN_IMAGE = ("Img2ImgRequest", "NativeInfillingRequest")


def carried(claim: Claim, *, width: int, height: int, model: Model, size: Size) -> Sheet:
    """
    The request that comes nearest to *claim*, and what of it is left out.

    *width* and *height* are the image's own, for a claim that names none; *model* and *size* are taken where the
    claim's are not ours. The texts are taken as they were sent, so no ready-made text is added to them. Raises
    `Mistake` ``prompt.empty`` where there is no prompt, ``prompt.unreadable`` for half characters.
    """
    return _Carrier(claim, model).sheet((width, height), size)


def characters_line(claim: Claim) -> str:
    """A claim's characters as `/generate` takes them; nothing where there are none."""
    told = [each for each in claim.characters if each.prompt.strip()]
    return " | ".join(written_characters([_described(each)]) if _is_taken(each) else each.prompt for each in told)


def _is_taken(told: Described) -> bool:
    """Whether it is as short as one of ours may be."""
    return len(told.prompt) + len(told.undesired_content) <= CHARACTER_MAX


def _described(told: Described) -> Character:
    position = Position(x=told.x, y=told.y) if told.x is not None and told.y is not None else None
    return Character(prompt=told.prompt, undesired_content=told.undesired_content, position=position)


class _Carrier:
    """One claim, value by value; what does not fit is noted."""

    def __init__(self, claim: Claim, fallback: Model) -> None:
        self._claim = claim
        self._settings = {_bare(name): value for name, value in reversed(list(claim.settings.items()))}
        self._left: dict[str, int] = {}
        found = model_named(claim.model or "") if self._is_ours else None
        is_known = found is not None and CAPABILITIES[found].is_offered
        self._model = found if found is not None and is_known else fallback
        self._row: Capabilities = CAPABILITIES[self._model]
        if not is_known:
            self._leave("model")

    @property
    def _is_ours(self) -> bool:
        return self._claim.generator == NOVELAI

    def sheet(self, seen: tuple[int, int], size: Size) -> Sheet:
        request = Generate(prompt=self._prompt(), sampling=self._sampling(), size=self._size(seen, size))
        self._leave_out_what_needs_images()
        return Sheet(request=request, left_out=self._left)

    # --- reading -----------------------------------------------------------------------------------------------------

    def _leave(self, what: str, n: int = 1) -> None:
        if n:
            self._left[what] = n

    def _value(self, *names: str) -> Scalar:
        return next((value for name in names if (value := self._settings.get(name)) is not None), None)

    def _number(self, *names: str) -> float | None:
        value = self._value(*names)
        try:
            number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
        except (ValueError, OverflowError):
            return None
        return number if number is not None and math.isfinite(number) else None

    def _is_on(self, name: str) -> bool:
        return self._settings.get(name) is True

    # --- texts -------------------------------------------------------------------------------------------------------

    def _prompt(self) -> Prompt:
        undesired = self._text("undesired_content", self._claim.undesired_content or "")
        if not self._row.undesired_content:
            self._leave("undesired_content", int(bool(undesired.strip())))
            undesired = ""
        return Prompt(
            text=self._text("prompt", self._claim.prompt or ""),
            undesired_content=undesired,
            quality_tags=False,
            uc_preset=self._row.nearest_preset(UcPreset.NONE),
            characters=self._characters(),
            transparent=self._row.transparent and self._is_on("taghinttransparentbackground"),
        )

    def _text(self, name: str, text: str) -> str:
        if not self._is_ours:
            text, extras = _EXTRA.subn("", text)
            self._leave("extras", self._left.get("extras", 0) + extras)
            self._leave("weights", int("weights" in self._left or _WEIGHT.search(text) is not None))
        text = text.strip()
        self._leave(f"{name}.end", int(len(text) > PROMPT_MAX))
        return text[:PROMPT_MAX]

    def _characters(self) -> tuple[Character, ...]:
        told = [each for each in self._claim.characters if each.prompt.strip()]
        kept: list[Character] = []
        for each in told[: self._row.characters]:
            character = self._character(each) if _is_taken(each) else None
            if character is None or len(written_characters([*kept, character])) > CHARACTER_MAX:
                break
            kept.append(character)
        self._leave("characters", len(told) - len(kept))
        return tuple(kept)

    def _character(self, told: Described) -> Character:
        made = _described(told)
        if made.position is not None and not (self._row.free_positions or made.position.is_on_grid):
            self._leave("places")
            made = replace(made, position=None)
        return made if self._row.undesired_content else replace(made, undesired_content="")

    # --- numbers -----------------------------------------------------------------------------------------------------

    def _sampling(self) -> Sampling:
        usual = default_sampling(self._model)
        return replace(
            usual,
            sampler=self._sampler(usual.sampler),
            noise_schedule=self._schedule(usual.noise_schedule),
            steps=self._steps(usual.steps),
            cfg_scale=self._cfg_scale(usual.cfg_scale),
            prompt_guidance_rescale=self._rescale(),
            smea=self._smea(),
            decrisper=self._switch("decrisper", "dynamicthresholding", is_able=self._row.decrisper),
            variety=self._variety(),
            seed=self._seed(),
        )

    def _sampler(self, usual: Sampler) -> Sampler:
        name = _bare(str(self._value("sampler", "samplername") or "")).removeprefix("k")
        for ending in _ENDINGS:
            name = name.removesuffix(ending)
        found = _SAMPLERS.get(name)
        if found in self._row.samplers and found is not None:
            return found
        self._leave("sampler", int(bool(name)))
        return usual

    def _schedule(self, usual: NoiseSchedule) -> NoiseSchedule:
        stated = _bare(str(self._value("noiseschedule", "scheduletype", "scheduler") or self._value("sampler") or ""))
        found = next((each for each in reversed(NoiseSchedule) if stated.endswith(each.value)), None)
        if found is None:
            return usual
        if found not in self._row.noise_schedules:
            self._leave("noise_schedule")
            return usual
        return found

    def _steps(self, usual: int) -> int:
        told = self._number("steps")
        if told is None:
            return usual
        steps = self._row.steps_fixed or max(1, min(STEPS_MAX, int(told)))
        self._leave("steps", int(steps != told))
        return steps

    def _cfg_scale(self, usual: float) -> float:
        told = self._number("scale", "cfgscale", "cfg", "guidancescale", "guidance")
        if told is None:
            return usual
        cfg_scale = max(0.0, min(self._row.cfg_scale_max, told))
        self._leave("cfg_scale", int(cfg_scale != told))
        return cfg_scale

    def _rescale(self) -> float:
        told = self._number("cfgrescale") or 0.0
        if not 0 <= told <= 1 or (told and not self._row.rescale):
            self._leave("rescale")
            return 0.0
        return told

    def _smea(self) -> Smea:
        asked = Smea.DYN if self._is_on("smdyn") else Smea.ON if self._is_on("sm") else Smea.OFF
        if asked is not Smea.OFF and not self._row.smea:
            self._leave("smea")
            return Smea.OFF
        return asked

    def _variety(self) -> bool:
        is_asked = bool(self._number("skipcfgabovesigma"))
        self._leave("variety", int(is_asked and self._row.variety_sigma is None))
        return is_asked and self._row.variety_sigma is not None

    def _switch(self, what: str, name: str, *, is_able: bool) -> bool:
        is_asked = self._is_on(name)
        self._leave(what, int(is_asked and not is_able))
        return is_asked and is_able

    def _seed(self) -> int | None:
        told = self._value("seed", "noiseseed")
        if isinstance(told, str) and told.isascii() and told.isdecimal() and len(told) < 20:
            told = int(told)
        if isinstance(told, int) and not isinstance(told, bool) and 1 <= told <= SEED_MAX:
            return told
        self._leave("seed", int(told is not None))
        return None

    # --- the rest ----------------------------------------------------------------------------------------------------

    def _size(self, seen: tuple[int, int], usual: Size) -> Size:
        told = self._stated_size() or seen
        fitted = _fitted(*told)
        self._leave("size", int(fitted is None or (fitted.width, fitted.height) != told))
        return fitted or usual

    def _stated_size(self) -> tuple[int, int] | None:
        width, height = self._number("width"), self._number("height")
        if width and height:
            return int(min(width, SIDE_LIMIT)), int(min(height, SIDE_LIMIT))
        sides = _SIDES.fullmatch(str(self._value("size", "resolution") or ""))
        return (int(sides[1]), int(sides[2])) if sides else None

    def _leave_out_what_needs_images(self) -> None:
        for what, name in (("vibes", "referencestrengthmultiple"), ("references", "directorreferencestrengths")):
            told = self._settings.get(name)
            self._leave(what, told.count(",") + 1 if isinstance(told, str) and told.strip("[] ") else 0)
        is_over = self._settings.get("requesttype") in _FROM_AN_IMAGE
        self._leave("source", int(self._is_ours and is_over))
        self._leave("upscale", int(self._value("hiresupscale", "hiresupscaler") is not None))


def _bare(name: str) -> str:
    return _OTHER_SIGNS.sub("", name.casefold())


def _fitted(width: int, height: int) -> Size | None:
    """The nearest size that NovelAI draws; None for what is no size of a picture."""
    if min(width, height) < GRID:
        return None
    shrunk = min(1.0, math.sqrt(AREA_MAX / (width * height)))
    sides = list(_on_grid((width, height), shrunk))
    try:
        return Size(width=sides[0], height=sides[1])
    except Mistake:
        return None


def _on_grid(sides: tuple[int, int], factor: float) -> Iterator[int]:
    for side in sides:
        cells = side * factor / GRID
        yield max(1, round(cells) if factor == 1 else math.floor(cells)) * GRID
