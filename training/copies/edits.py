"""Edited copies of a picture, made from a seed, each with where the picture went.

What people do to a picture that they take over: cut it, mirror it, turn it, frame it, shoot a screen, write on it, stick
something over it, set it among others, recolour it, and save it small and badly. The edits follow the image similarity
challenge (Douze et al. 2021, "The 2021 Image Similarity Dataset and Challenge") and what shops report.

An edit takes pixels and gives pixels and a homography, 3 × 3, from relative coordinates (0..1, origin at the top left) of
what it was given to those of what it gave.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from shoplens.domain import Pixels

Homography = NDArray[np.float64]
"""``[3, 3]``, for column vectors ``(x, y, 1)`` in relative coordinates."""

_WORDS = ("SALE", "-50%", "NEW IN", "photo by anna", "www.shop.example", "only today", "© 2024", "#outfit", "M / L / XL", "sold")
_LONGEST = 1600
"""Edits that make a picture larger stop here, in pixels."""


def _same() -> Homography:
    return np.eye(3)


@dataclass(frozen=True, slots=True)
class Edited:
    """An edited copy: its pixels, where the original went (a homography) and what was done, in order."""

    pixels: Pixels
    placed: Homography = field(default_factory=_same)
    kinds: tuple[str, ...] = ()


# ruff: noqa: ARG001  An edit takes what it needs of what all are given.
Strangers = Sequence[Pixels]
Edit = Callable[[Pixels, Generator, Strangers], Edited]


def edited(pixels: Pixels, rng: Generator, strangers: Strangers, kinds: Sequence[str] = (), most: int = 3) -> Edited:
    """``pixels`` after the edits named ``kinds``, or after 1 to ``most`` different ones drawn from all of them.

    ``strangers`` are other pictures, for collages and stickers. Saving small and saving badly come last, as they do in life.
    """
    if not kinds:
        names = sorted(EDITS)
        kinds = [names[i] for i in rng.permutation(len(names))[: rng.integers(1, most + 1)]]
    result = Edited(pixels)
    for kind in sorted(kinds, key=lambda kind: ("shrink", "jpeg").index(kind) + 1 if kind in ("shrink", "jpeg") else 0):
        step = EDITS[kind](result.pixels, rng, strangers)
        result = Edited(np.ascontiguousarray(step.pixels), step.placed @ result.placed, (*result.kinds, kind))
    return result


def crop(pixels: Pixels, rng: Generator, strangers: Strangers) -> Edited:
    """A quarter to nine tenths of the picture's area is kept."""
    height, width = pixels.shape[:2]
    share = rng.uniform(0.25, 0.9)
    stretch = np.exp(rng.uniform(-0.3, 0.3))
    w, h = min(np.sqrt(share * stretch), 1.0), min(np.sqrt(share / stretch), 1.0)
    x, y = rng.uniform(0, 1 - w), rng.uniform(0, 1 - h)
    left, top, right, bottom = round(x * width), round(y * height), round((x + w) * width), round((y + h) * height)
    left, top = min(left, width - 2), min(top, height - 2)
    right, bottom = max(right, left + 2), max(bottom, top + 2)
    return Edited(pixels[top:bottom, left:right], _onto(left / width, top / height, right / width, bottom / height))


def flip(pixels: Pixels, rng: Generator, strangers: Strangers) -> Edited:
    return Edited(pixels[:, ::-1], np.array([[-1.0, 0, 1], [0, 1, 0], [0, 0, 1]]))


def rotate(pixels: Pixels, rng: Generator, strangers: Strangers) -> Edited:
    """Turned by any angle, the corners filled with one colour."""
    height, width = pixels.shape[:2]
    angle = rng.uniform(0, 360)
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    wide = abs(turn[0, 0]) * width + abs(turn[0, 1]) * height
    high = abs(turn[0, 1]) * width + abs(turn[0, 0]) * height
    turn[:, 2] += (wide - width) / 2, (high - height) / 2
    return _warped(pixels, np.vstack([turn, [0, 0, 1]]), round(wide), round(high), _colour(rng))


def perspective(pixels: Pixels, rng: Generator, strangers: Strangers) -> Edited:
    """Seen from the side: each corner moves inwards by up to a fifth."""
    height, width = pixels.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    inwards = rng.uniform(0, 0.2, (4, 2)) * [width, height] * [[1, 1], [-1, 1], [-1, -1], [1, -1]]
    matrix = cv2.getPerspectiveTransform(corners, (corners + inwards).astype(np.float32))
    return _warped(pixels, matrix, width, height, _colour(rng))


def shrink(pixels: Pixels, rng: Generator, strangers: Strangers) -> Edited:
    """A quarter to three quarters as wide."""
    scale = rng.uniform(0.25, 0.75)
    height, width = pixels.shape[:2]
    return Edited(cv2.resize(pixels, (max(8, round(width * scale)), max(8, round(height * scale))), interpolation=cv2.INTER_AREA))


def border(pixels: Pixels, rng: Generator, strangers: Strangers) -> Edited:
    """A frame of one colour, up to a fifth of the picture on each side."""
    height, width = pixels.shape[:2]
    left, right = (rng.uniform(0.02, 0.2, 2) * width).astype(int)
    top, bottom = (rng.uniform(0.02, 0.2, 2) * height).astype(int)
    return _pasted(pixels, _canvas(width + left + right, height + top + bottom, _colour(rng)), left, top)


def screenshot(pixels: Pixels, rng: Generator, strangers: Strangers) -> Edited:
    """The picture in a phone's application: bars above and below, words, round buttons."""
    height, width = pixels.shape[:2]
    above, below, beside = int(rng.uniform(0.12, 0.4) * height), int(rng.uniform(0.15, 0.6) * height), int(rng.uniform(0, 0.08) * width)
    dark = rng.random() < 0.4
    paper, ink = ((18, 18, 20), (235, 235, 235)) if dark else ((250, 250, 250), (25, 25, 25))
    canvas = Image.fromarray(_canvas(width + 2 * beside, height + above + below, paper))
    draw = ImageDraw.Draw(canvas)
    size = max(9, width // 18)
    draw.text((size, above * 0.15), f"{rng.integers(0, 24)}:{rng.integers(10, 60)}", ink, _font(size))
    draw.text((size * 2, above * 0.55), str(rng.choice(_WORDS)), ink, _font(size))
    for i in range(int(rng.integers(2, 6))):
        x, y = size + i * size * 2.2, above + height + below * 0.15
        draw.ellipse((x, y, x + size * 1.4, y + size * 1.4), outline=ink, width=max(1, size // 8))
    for i in range(int(rng.integers(1, 4))):
        draw.text((size, above + height + below * 0.45 + i * size * 1.3), str(rng.choice(_WORDS)), ink, _font(size))
    return _pasted(pixels, np.array(canvas), beside, above)


def collage(pixels: Pixels, rng: Generator, strangers: Strangers) -> Edited:
    """Two by two, the other three of other pictures, each fitted into its cell by its middle."""
    height, width = pixels.shape[:2]
    gap = int(rng.uniform(0, 0.04) * width)
    canvas, mine = _canvas(2 * width + gap, 2 * height + gap, _colour(rng)), int(rng.integers(4))
    for cell in range(4):
        left, top = (cell % 2) * (width + gap), (cell // 2) * (height + gap)
        if cell != mine:
            canvas[top : top + height, left : left + width] = _filling(strangers[rng.integers(len(strangers))], width, height)
    return _pasted(pixels, canvas, (mine % 2) * (width + gap), (mine // 2) * (height + gap))


def jpeg(pixels: Pixels, rng: Generator, strangers: Strangers) -> Edited:
    """Saved at quality 8 to 40."""
    _, coded = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(8, 41))])
    return Edited(cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1])


def grey(pixels: Pixels, rng: Generator, strangers: Strangers) -> Edited:
    return Edited(np.repeat(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2))


def tint(pixels: Pixels, rng: Generator, strangers: Strangers) -> Edited:
    """Another white balance, or all hues turned."""
    if rng.random() < 0.5:
        return Edited(_clipped(pixels * rng.uniform(0.55, 1.35, 3)))
    hsv = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0].astype(int) + rng.integers(5, 176)) % 180
    return Edited(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB))


def light(pixels: Pixels, rng: Generator, strangers: Strangers) -> Edited:
    """Brightness, contrast and gamma."""
    values = (pixels / 255.0) ** np.exp(rng.uniform(-0.6, 0.6))
    return Edited(_clipped(((values - 0.5) * rng.uniform(0.5, 1.6) + 0.5 + rng.uniform(-0.2, 0.2)) * 255))


def blur(pixels: Pixels, rng: Generator, strangers: Strangers) -> Edited:
    """Out of focus, by 0.4 to 1.5 % of the picture's width."""
    return Edited(cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.004, 0.015) * pixels.shape[1]))


def noise(pixels: Pixels, rng: Generator, strangers: Strangers) -> Edited:
    return Edited(_clipped(pixels + rng.normal(0, rng.uniform(8, 40), pixels.shape)))


def text(pixels: Pixels, rng: Generator, strangers: Strangers) -> Edited:
    """One to four lines of words anywhere."""
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    height, width = pixels.shape[:2]
    for _ in range(int(rng.integers(1, 5))):
        size = max(8, int(width * rng.uniform(0.05, 0.16)))
        where = (rng.uniform(0, 0.7) * width, rng.uniform(0, 0.9) * height)
        draw.text(where, str(rng.choice(_WORDS)), _colour(rng), _font(size), stroke_width=size // 12, stroke_fill=_colour(rng))
    return Edited(np.array(image))


def sticker(pixels: Pixels, rng: Generator, strangers: Strangers) -> Edited:
    """One to three discs or patches of other pictures, each a sixth to two fifths of the picture wide."""
    result, (height, width) = pixels.copy(), pixels.shape[:2]
    for _ in range(int(rng.integers(1, 4))):
        side = max(4, int(min(height, width) * rng.uniform(0.16, 0.4)))
        x, y = int(rng.integers(0, max(1, width - side))), int(rng.integers(0, max(1, height - side)))
        if rng.random() < 0.5:
            cv2.circle(result, (x + side // 2, y + side // 2), side // 2, _colour(rng), -1, cv2.LINE_AA)
        else:
            result[y : y + side, x : x + side] = _filling(strangers[rng.integers(len(strangers))], side, side)[: height - y, : width - x]
    return Edited(result)


EDITS: Mapping[str, Edit] = {
    edit.__name__: edit
    for edit in (
        crop, flip, rotate, perspective, shrink, border, screenshot, collage,
        jpeg, grey, tint, light, blur, noise, text, sticker,
    )
}  # fmt: skip
GEOMETRIC = frozenset({"crop", "flip", "rotate", "perspective", "border", "screenshot", "collage"})
"""Edits that move the picture within its frame."""


def _onto(x0: float, y0: float, x1: float, y1: float) -> Homography:
    """The map that takes the rectangle to the whole frame."""
    return np.array([[1 / (x1 - x0), 0, -x0 / (x1 - x0)], [0, 1 / (y1 - y0), -y0 / (y1 - y0)], [0, 0, 1]])


def _pasted(pixels: Pixels, canvas: Pixels, left: int, top: int) -> Edited:
    height, width = pixels.shape[:2]
    canvas[top : top + height, left : left + width] = pixels
    high, wide = canvas.shape[:2]
    placed = np.linalg.inv(_onto(left / wide, top / high, (left + width) / wide, (top + height) / high))
    if max(high, wide) > _LONGEST:
        scale = _LONGEST / max(high, wide)
        canvas = cv2.resize(canvas, (round(wide * scale), round(high * scale)), interpolation=cv2.INTER_AREA)
    return Edited(canvas, placed)


def _warped(pixels: Pixels, matrix: Homography, wide: int, high: int, colour: tuple[int, int, int]) -> Edited:
    height, width = pixels.shape[:2]
    warped = cv2.warpPerspective(pixels, matrix, (wide, high), flags=cv2.INTER_LINEAR, borderValue=colour)
    return Edited(warped, np.diag([1 / wide, 1 / high, 1.0]) @ matrix @ np.diag([width, height, 1.0]))


def _filling(pixels: Pixels, width: int, height: int) -> Pixels:
    """The middle of a picture, filling ``width`` × ``height``."""
    scale = max(width / pixels.shape[1], height / pixels.shape[0])
    wide, high = max(width, round(pixels.shape[1] * scale)), max(height, round(pixels.shape[0] * scale))
    resized = cv2.resize(pixels, (wide, high), interpolation=cv2.INTER_AREA)
    left, top = (wide - width) // 2, (high - height) // 2
    return resized[top : top + height, left : left + width]


def _canvas(width: int, height: int, colour: tuple[int, int, int]) -> Pixels:
    return np.full((height, width, 3), colour, np.uint8)


def _colour(rng: Generator) -> tuple[int, int, int]:
    """White, black, a grey or any colour, a quarter of the time each."""
    kind = rng.integers(4)
    if kind < 2:
        return (255, 255, 255) if kind == 0 else (0, 0, 0)
    red, green, blue = (int(value) for value in rng.integers(0, 256, 3))
    return (red, red, red) if kind == 2 else (red, green, blue)


@lru_cache(maxsize=128)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _clipped(values: NDArray[np.floating]) -> Pixels:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)
