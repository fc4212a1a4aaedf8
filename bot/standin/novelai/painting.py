"""Draws a landscape from a seed, the words of a prompt and a style: the same of all three, the same picture."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from PIL import Image, ImageChops, ImageDraw, ImageFilter

Colour = tuple[int, int, int]

SKIES: dict[str, tuple[Colour, Colour, Colour]] = {
    # top, middle, horizon
    "day": ((74, 126, 190), (150, 192, 224), (246, 232, 214)),
    "sunset": ((58, 52, 110), (206, 104, 110), (252, 206, 138)),
    "night": ((10, 14, 38), (30, 42, 86), (84, 98, 140)),
    "spring": ((118, 158, 214), (214, 196, 222), (255, 232, 226)),
    "winter": ((120, 140, 168), (188, 202, 218), (236, 240, 246)),
}
HILLS: dict[str, tuple[Colour, Colour]] = {
    # far, near
    "day": ((132, 164, 186), (42, 84, 66)),
    "sunset": ((150, 96, 124), (46, 36, 58)),
    "night": ((44, 56, 96), (12, 18, 34)),
    "spring": ((176, 172, 206), (70, 104, 82)),
    "winter": ((182, 194, 210), (96, 112, 132)),
}
MOODS = (
    ("night", ("night", "moon", "stars", "starry")),
    ("sunset", ("sunset", "dusk", "evening", "sunrise")),
    ("winter", ("snow", "winter", "ice")),
    ("spring", ("cherry", "spring", "blossoms", "petals", "flowers")),
)
PETALS: dict[str, Colour] = {"cherry": (250, 190, 204), "blossoms": (250, 190, 204), "petals": (250, 190, 204),
                             "flowers": (248, 222, 140), "leaves": (224, 140, 60), "autumn": (224, 120, 50),
                             "snow": (255, 255, 255)}  # fmt: skip
BRUSH = 0.9
"""Pixels by which every edge is softened in the end, like a brush."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to be drawn, by the words about them, at a place from 0 to 1."""

    words: frozenset[str]
    x: float
    y: float


def paint(
    width: int, height: int, seed: int, words: Iterable[str], style: str = "", people: Sequence[Person] = ()
) -> Image.Image:
    """An RGB picture of *width* × *height*; without *people* the words say whether there is somebody."""
    known = set(words)
    told = sorted(known), style, [(sorted(person.words), person.x, person.y) for person in people]
    chance = random.Random(f"{seed}:{told}")  # noqa: S311 - a picture, not a secret
    mood = next((name for name, signs in MOODS if known & set(signs)), chance.choice(("day", "sunset", "spring")))
    w, h = width, height
    horizon = int(h * chance.uniform(0.5, 0.64))
    scene = _sky(w, h, mood, chance)
    _light(scene, w, horizon, mood, chance)
    if mood == "night":
        _stars(scene, w, horizon, chance)
    _clouds(scene, w, horizon, mood, chance)
    _hills(scene, w, h, horizon, mood, chance)
    if known & {"river", "sea", "ocean", "lake", "water", "beach"} or chance.random() < 0.85:
        scene = _water(scene, w, h, horizon, mood, chance)
    _ground(scene, w, h, mood, chance)
    _tree(scene, w, h, known, mood, chance)
    if not people and known & {"1girl", "1boy", "girl", "boy", "2girls", "2boys", "woman", "man", "solo"}:
        people = [Person(frozenset(known), chance.uniform(0.38, 0.62), 0.5)]
    for person in sorted(people, key=lambda somebody: somebody.y):
        _figure(scene, w, h, person, mood, chance)
    _petals(scene, w, h, known, chance)
    return _grain(scene.filter(ImageFilter.GaussianBlur(BRUSH)), chance)


def _mix(a: Colour, b: Colour, t: float) -> Colour:
    return tuple(round(x + (y - x) * t) for x, y in zip(a, b, strict=True))  # type: ignore[return-value]


def _sky(w: int, h: int, mood: str, chance: random.Random) -> Image.Image:
    top, middle, low = SKIES[mood]
    turn = chance.uniform(0.3, 0.45)
    column = Image.new("RGB", (1, h))
    for y in range(h):
        t = min(y / (h * 0.62), 1.0)
        colour = _mix(top, middle, t / turn) if t < turn else _mix(middle, low, (t - turn) / (1 - turn))
        column.putpixel((0, y), colour)
    return column.resize((w, h))


def _glow(
    scene: Image.Image, box: tuple[float, float, float, float], colour: Colour, strength: int, blur: float
) -> None:
    mask = Image.new("L", scene.size)
    ImageDraw.Draw(mask).ellipse(box, fill=strength)
    scene.paste(colour, (0, 0), mask.filter(ImageFilter.GaussianBlur(blur)))


def _light(scene: Image.Image, w: int, horizon: int, mood: str, chance: random.Random) -> None:
    x, y = w * chance.uniform(0.2, 0.8), horizon * chance.uniform(0.3, 0.75)
    r = w * (0.055 if mood == "night" else 0.075)
    colour = (246, 244, 226) if mood in ("night", "winter") else (255, 244, 214)
    _glow(scene, (x - 4 * r, y - 4 * r, x + 4 * r, y + 4 * r), colour, 90, r * 1.6)
    _glow(scene, (x - r, y - r, x + r, y + r), colour, 255, max(r * 0.06, 0.6))


def _stars(scene: Image.Image, w: int, horizon: int, chance: random.Random) -> None:
    draw = ImageDraw.Draw(scene)
    for _ in range(w // 5):
        x, y = chance.randrange(w), int(horizon * chance.random() ** 1.5)
        light = chance.randrange(120, 250)
        draw.point((x, y), fill=(light, light, min(255, light + 20)))


def _clouds(scene: Image.Image, w: int, horizon: int, mood: str, chance: random.Random) -> None:
    mask = Image.new("L", scene.size)
    draw = ImageDraw.Draw(mask)
    for _ in range(chance.randrange(3, 7)):
        x, y = chance.uniform(-0.1, 1.0) * w, chance.uniform(0.12, 0.85) * horizon
        length = w * chance.uniform(0.14, 0.4)
        for _ in range(14):
            dx, dy, r = chance.uniform(0, length), chance.gauss(0, length * 0.045), length * chance.uniform(0.05, 0.13)
            draw.ellipse((x + dx - 1.7 * r, y + dy - r * 0.6, x + dx + 1.7 * r, y + dy + r * 0.6), fill=120)
    colour = _mix(SKIES[mood][2], (255, 255, 255), 0.0 if mood == "night" else 0.45)
    scene.paste(colour, (0, 0), mask.filter(ImageFilter.GaussianBlur(w * 0.013)))


def _ridge(w: int, base: float, rough: float, chance: random.Random) -> list[tuple[float, float]]:
    """A line of hills by halving: coarse shapes first, finer ones on top."""
    points = [base + chance.gauss(0, rough), base + chance.gauss(0, rough)]
    spread = rough
    while len(points) < 65:
        middle = [(a + b) / 2 + chance.gauss(0, spread) for a, b in pairwise(points)]
        points = [point for pair in zip(points, middle, strict=False) for point in pair] + points[-1:]
        spread *= 0.5
    step = w / (len(points) - 1)
    return [(n * step, y) for n, y in enumerate(points)]


def _hills(scene: Image.Image, w: int, h: int, horizon: int, mood: str, chance: random.Random) -> None:
    far, near = HILLS[mood]
    for layer in range(4):
        t = layer / 3
        base = horizon - h * 0.13 * (1 - t) + h * 0.02 * t
        ridge = _ridge(w, base, h * (0.075 - 0.045 * t), chance)
        mask = Image.new("L", scene.size)
        ImageDraw.Draw(mask).polygon([(0, h), *ridge, (w, h)], fill=255)
        scene.paste(_mix(_mix(far, SKIES[mood][2], 0.35 * (1 - t)), near, t * 0.75), (0, 0), mask)
        if layer > 1:
            _woods(scene, ridge, w, _mix(near, SKIES[mood][2], 0.3 - 0.1 * layer + 0.1), chance)
        # Mist lies at the feet of each range.
        _glow(scene, (-w * 0.2, base + h * 0.05, w * 1.2, base + h * 0.11), SKIES[mood][2], int(70 * (1 - t)), h * 0.02)


def _woods(scene: Image.Image, ridge: list[tuple[float, float]], w: int, colour: Colour, chance: random.Random) -> None:
    """Firs along a ridge, in groups."""
    draw = ImageDraw.Draw(scene)
    for x, y in ridge:
        if chance.random() < 0.35:
            continue
        for _ in range(3):
            left, tall = x + chance.gauss(0, w * 0.008), w * chance.uniform(0.012, 0.03)
            for tier in range(3):
                top, half = y - tall + tier * tall * 0.28, tall * (0.14 + 0.09 * tier)
                draw.polygon(
                    [(left, top), (left - half, top + tall * 0.45), (left + half, top + tall * 0.45)], fill=colour
                )


def _water(scene: Image.Image, w: int, h: int, horizon: int, mood: str, chance: random.Random) -> Image.Image:
    shore = int(horizon + h * 0.06)
    depth = h - shore
    mirrored = scene.crop((0, max(shore - depth, 0), w, shore)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    mirrored = mirrored.resize((w, depth)).filter(ImageFilter.GaussianBlur(1.5))
    tint = Image.new("RGB", mirrored.size, _mix(SKIES[mood][0], HILLS[mood][1], 0.4))
    mirrored = Image.blend(mirrored, tint, 0.28)
    waves = ImageDraw.Draw(mirrored)
    for _ in range(w // 4):
        y = int(depth * chance.random() ** 1.6)
        x, length = chance.uniform(0, w), w * chance.uniform(0.01, 0.05) * (0.5 + y / depth)
        at = (min(max(int(x), 0), w - 1), min(y, depth - 1))
        light = _mix(mirrored.getpixel(at), SKIES[mood][2], chance.uniform(0.15, 0.4))  # type: ignore[arg-type]
        waves.line((x, y, x + length, y), fill=light, width=2)
    scene.paste(mirrored, (0, shore))
    return scene


def _ground(scene: Image.Image, w: int, h: int, mood: str, chance: random.Random) -> None:
    ridge = _ridge(w, h * 0.88, h * 0.02, chance)
    near = HILLS[mood][1]
    mask = Image.new("L", scene.size)
    draw = ImageDraw.Draw(mask)
    draw.polygon([(0, h), *ridge, (w, h)], fill=255)
    for x, y in ridge:
        for _ in range(18):
            left = x + chance.uniform(-w / 90, w / 90)
            draw.line(
                (left, y + h * 0.02, left + chance.gauss(0, w * 0.007), y - h * chance.uniform(0.005, 0.028)), fill=230
            )
    shade = Image.new("RGB", (1, h), near)
    for y in range(h):
        shade.putpixel((0, y), _mix(_mix(near, SKIES[mood][1], 0.25), _mix(near, (0, 0, 0), 0.45), y / h))
    scene.paste(shade.resize((w, h)), (0, 0), mask)


def _tree(scene: Image.Image, w: int, h: int, known: set[str], mood: str, chance: random.Random) -> None:
    side = chance.choice((0.1, 0.88))
    bark = _mix(HILLS[mood][1], (40, 24, 20), 0.6)
    draw = ImageDraw.Draw(scene)
    tips: list[tuple[float, float]] = []
    lean = -1 if side > 0.5 else 1
    _branch(draw, (w * side, h * 0.95), lean * 0.16, h * 0.2, w * 0.032, bark, tips, chance)
    blossom = next((PETALS[word] for word in PETALS if word in known), None)
    leaf = blossom or _mix(HILLS[mood][1], (120, 160, 90) if mood not in ("night", "winter") else (40, 60, 80), 0.5)
    for shade, size in ((_mix(leaf, (60, 30, 60), 0.35), 1.25), (leaf, 1.0), (_mix(leaf, (255, 255, 255), 0.35), 0.6)):
        mask = Image.new("L", scene.size)
        crown = ImageDraw.Draw(mask)
        for x, y in tips:
            for _ in range(9):
                r = w * chance.uniform(0.007, 0.024) * size
                cx, cy = x + chance.gauss(0, w * 0.035), y + chance.gauss(0, w * 0.03) - (size < 1) * w * 0.012
                crown.ellipse((cx - r, cy - r * 0.8, cx + r, cy + r * 0.8), fill=220)
        scene.paste(shade, (0, 0), mask.filter(ImageFilter.GaussianBlur(1.1)))


def _branch(
    draw: ImageDraw.ImageDraw, start: tuple[float, float], lean: float, length: float, thick: float, bark: Colour,
    tips: list[tuple[float, float]], chance: random.Random,
) -> None:  # fmt: skip
    end = (start[0] + lean * length, start[1] - length * (1 - abs(lean) * 0.45))
    draw.line((*start, *end), fill=bark, width=max(int(thick), 1))
    if thick < 4.0:
        tips.append(end)
        return
    for turn in (chance.uniform(0.25, 0.6), -chance.uniform(0.15, 0.5)):
        _branch(draw, end, lean + turn, length * chance.uniform(0.62, 0.8), thick * 0.62, bark, tips, chance)


HAIR: tuple[Colour, ...] = ((66, 46, 60), (196, 150, 96), (120, 70, 52), (206, 206, 220), (70, 86, 140), (190, 96, 110))
COAT: tuple[Colour, ...] = ((236, 232, 226), (150, 62, 70), (58, 86, 128), (92, 118, 92), (226, 190, 110))


def _figure(scene: Image.Image, w: int, h: int, person: Person, mood: str, chance: random.Random) -> None:
    """Somebody seen from behind, looking out over the land."""
    x, foot, tall = w * person.x, h * (0.88 + 0.1 * person.y), h * 0.26
    dark = 0.35 if mood == "night" else 0.1
    hair, coat = (_mix(chance.choice(kind), HILLS[mood][1], dark) for kind in (HAIR, COAT))
    skin = _mix((240, 208, 188), HILLS[mood][1], dark)
    head, top = tall * 0.075, foot - tall
    is_boy = bool(person.words & {"1boy", "boy", "2boys", "man"})
    layer = scene.copy()
    draw = ImageDraw.Draw(layer)
    for leg in (-1, 1):
        draw.line(
            (x + leg * head * 0.5, foot - tall * 0.35, x + leg * head * 0.55, foot),
            fill=skin,
            width=max(int(head * 0.5), 2),
        )
        draw.line(
            (x + leg * head * 0.5, foot - tall * 0.08, x + leg * head * 0.6, foot),
            fill=_mix(coat, (20, 20, 30), 0.75),
            width=max(int(head * 0.62), 2),
        )
    hem = head * (1.2 if is_boy else 2.1)
    wind = head * chance.uniform(0.2, 0.8)
    draw.polygon(
        [
            (x - head * 0.9, top + tall * 0.2),
            (x + head * 0.9, top + tall * 0.2),
            (x + hem + wind, foot - tall * 0.3),
            (x - hem, foot - tall * 0.28),
        ],
        fill=coat,
    )
    draw.polygon(
        [
            (x + head * 0.2, top + tall * 0.2),
            (x + head * 0.9, top + tall * 0.2),
            (x + hem + wind, foot - tall * 0.3),
            (x + head * 0.5, foot - tall * 0.29),
        ],
        fill=_mix(coat, (30, 24, 50), 0.22),
    )
    for arm in (-1, 1):
        draw.line(
            (x + arm * head * 0.85, top + tall * 0.22, x + arm * head * 1.25, top + tall * 0.48),
            fill=_mix(coat, (30, 24, 50), 0.12),
            width=max(int(head * 0.55), 2),
        )
    draw.ellipse((x - head, top, x + head, top + head * 2.2), fill=skin if is_boy else hair)
    if is_boy:
        draw.pieslice((x - head * 1.1, top - head * 0.15, x + head * 1.1, top + head * 2.4), 180, 360, fill=hair)
        draw.rectangle((x - head, top + head, x + head, top + head * 1.6), fill=hair)
    if not is_boy:
        draw.polygon(
            [
                (x - head, top + head),
                (x + head, top + head),
                (x + head * 1.15 + wind * 1.4, top + tall * 0.42),
                (x + wind * 0.5, top + tall * 0.47),
                (x - head * 0.95, top + tall * 0.4),
            ],
            fill=hair,
        )
        for strand in range(5):
            sx = x - head * 0.7 + strand * head * 0.35
            draw.line(
                (sx, top + head * 0.8, sx + wind * 0.7, top + tall * 0.38),
                fill=_mix(hair, (255, 255, 255), 0.14),
                width=1,
            )
    scene.paste(layer.filter(ImageFilter.SMOOTH))
    _glow(
        scene,
        (x - head * 3, foot - head * 0.4, x + head * 3, foot + head * 0.5),
        _mix(HILLS[mood][1], (0, 0, 0), 0.6),
        110,
        head * 0.5,
    )


def _petals(scene: Image.Image, w: int, h: int, known: set[str], chance: random.Random) -> None:
    colour = next((PETALS[word] for word in PETALS if word in known), None)
    if known & {"rain", "raining"}:
        _rain(scene, w, h, chance)
    if colour is None:
        return
    for near, amount in ((False, w // 8), (True, w // 32)):
        mask = Image.new("L", scene.size)
        draw = ImageDraw.Draw(mask)
        for _ in range(amount):
            x, y, r = (
                chance.uniform(0, w),
                chance.uniform(0, h),
                chance.uniform(0.6, 1.7) * (3 if near else 1.2) * w / 416,
            )
            tilt = chance.uniform(0.35, 1.0)
            draw.ellipse((x - r, y - r * tilt, x + r, y + r * tilt), fill=170 if near else 210)
        scene.paste(
            _mix(colour, (255, 255, 255), 0.25), (0, 0), mask.filter(ImageFilter.GaussianBlur(1.6 if near else 0.5))
        )


def _rain(scene: Image.Image, w: int, h: int, chance: random.Random) -> None:
    draw = ImageDraw.Draw(scene)
    for _ in range(w // 2):
        x, y = chance.uniform(0, w), chance.uniform(0, h)
        draw.line((x, y, x - w * 0.008, y + h * 0.03), fill=(200, 212, 226))


def _grain(picture: Image.Image, chance: random.Random) -> Image.Image:
    """A breath of paper, from one tile."""
    tile = Image.frombytes("L", (128, 128), chance.randbytes(128 * 128)).point(lambda value: value // 22)
    paper = Image.new("L", picture.size)
    for x in range(0, picture.width, 128):
        for y in range(0, picture.height, 128):
            paper.paste(tile, (x, y))
    return ImageChops.subtract(picture, Image.merge("RGB", (paper,) * 3))
