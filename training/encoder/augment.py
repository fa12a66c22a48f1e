"""Second views of a product made from its one photo: what a shopper's camera and another shop photographer would change.

Framing (up to a close-up of a quarter of the frame), mirror image, rotation, perspective, light, white balance, blur,
compression, and the background, which is replaced with a plain colour, a shade or a patch of floor from another photo.
Hue moves by a few degrees only: a product in another colour is another product.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from shoplens.domain import Pixels
from training.encoder.masks import Mask


@dataclass(frozen=True, slots=True)
class View:
    """pixels: ``uint8 [side, side, 3]``. mask: ``float32 [side, side]`` 0..1, or all −1 where it is not known."""

    pixels: Pixels
    mask: NDArray[np.float32]


def floor_patch(photo: Pixels, rng: Generator) -> Pixels:
    """A corner of a phone photo, where the floor or wall is, a quarter of each side."""
    height, width = photo.shape[0] // 4, photo.shape[1] // 4
    top, left = rng.integers(2) * (photo.shape[0] - height), rng.integers(2) * (photo.shape[1] - width)
    return photo[top : top + height, left : left + width]


def _background(shape: tuple[int, int], floor: Pixels, rng: Generator) -> Pixels:
    height, width = shape
    kind = rng.random()
    if kind < 0.55:
        return cv2.resize(floor, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    if kind < 0.75:
        return np.full((height, width, 3), rng.integers(225, 256), np.uint8)
    corners = rng.integers(0, 256, (1 if kind < 0.85 else 2, 1, 3)).astype(np.uint8)
    return cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.uint8)


def _frame(mask: Mask, rng: Generator, close_up: bool) -> tuple[float, float, float, float]:
    """A crop (x0, y0, x1, y1), relative, may reach outside by a tenth; a close-up stays on the object."""
    area = rng.uniform(0.12, 0.45) if close_up else rng.uniform(0.55, 1.15)
    ratio = np.exp(rng.uniform(-0.35, 0.35))
    width, height = min(np.sqrt(area * ratio), 1.1), min(np.sqrt(area / ratio), 1.1)
    rows, columns = np.nonzero(mask)
    if close_up and len(rows) > 20:
        pick = rng.integers(len(rows))
        x, y = columns[pick] / mask.shape[1], rows[pick] / mask.shape[0]
        x, y = np.clip(x, width / 2, 1 - width / 2), np.clip(y, height / 2, 1 - height / 2)
    else:
        x = 0.5 + rng.uniform(-0.5, 0.5) * abs(1.04 - width)
        y = 0.5 + rng.uniform(-0.5, 0.5) * abs(1.04 - height)
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _warp(
    shape: tuple[int, ...], frame: tuple[float, float, float, float], side: int, rng: Generator, strength: float
) -> NDArray[np.float64]:
    """The homography from the photo to the view: crop, mirror, rotation, a little perspective, in one resampling."""
    height, width = shape[:2]
    x0, y0, x1, y1 = frame
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]) * (width, height)
    centre = corners.mean(axis=0)
    angle = np.deg2rad(rng.normal(0, 9) * strength)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = (corners - centre) @ turn.T + centre
    corners += rng.uniform(-0.05, 0.05, (4, 2)) * strength * np.ptp(corners, axis=0)
    target = np.array([[0, 0], [side, 0], [side, side], [0, side]])
    if rng.random() < 0.5:
        target = target[[1, 0, 3, 2]]
    return np.asarray(cv2.getPerspectiveTransform(corners.astype(np.float32), target.astype(np.float32)))


def _light(pixels: Pixels, rng: Generator, strength: float) -> Pixels:
    x = pixels.astype(np.float32) / 255
    x = x ** np.exp(rng.normal(0, 0.22) * strength)
    x = x * (1 + rng.normal(0, 0.10) * strength) * (1 + rng.normal(0, 0.04, 3) * strength)
    mean = x.mean()
    x = mean + (x - mean) * (1 + rng.uniform(-0.25, 0.2) * strength)
    grey = x.mean(axis=2, keepdims=True)
    x = grey + (x - grey) * (1 + rng.uniform(-0.35, 0.2) * strength)
    if rng.random() < 0.25 * strength:  # light from one side
        ramp = np.linspace(1 - rng.uniform(0, 0.4), 1, x.shape[0], dtype=np.float32)[:: rng.choice([-1, 1])]
        x = x * (ramp[:, None, None] if rng.random() < 0.5 else ramp[None, :, None])
    return (np.clip(x, 0, 1) * 255).astype(np.uint8)


def _camera(pixels: Pixels, rng: Generator, strength: float) -> Pixels:
    kind = rng.random()
    if kind < 0.2 * strength:
        return np.asarray(cv2.GaussianBlur(pixels, (0, 0), float(rng.uniform(0.4, 1.3))), dtype=np.uint8)
    if kind < 0.4 * strength:
        _, code = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 80))])
        return np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), dtype=np.uint8)
    return pixels


def augment(photo: Pixels, mask: Mask, floor: Pixels, side: int, rng: Generator, *, gentle: bool) -> View:
    """One view. ``gentle`` ones resemble a catalogue's main photo; the others what must be found by it."""
    strength = 0.4 if gentle else 1.0
    known = bool(mask.any())
    frame = _frame(mask, rng, close_up=rng.random() < (0.1 if gentle else 0.4))
    warp = _warp(photo.shape, frame, side, rng, strength)
    border = [int(value) for value in photo[0, 0]]
    pixels = cv2.warpPerspective(photo, warp, (side, side), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_CONSTANT, borderValue=border)
    to_photo = np.diag([photo.shape[1] / mask.shape[1], photo.shape[0] / mask.shape[0], 1.0])
    where = cv2.warpPerspective(mask.astype(np.float32), warp @ to_photo, (side, side), flags=cv2.INTER_LINEAR)
    if known and rng.random() < (0.25 if gentle else 0.5):
        soft = cv2.GaussianBlur(where, (0, 0), 0.8)[..., None]
        ground = _background((side, side), floor, rng)
        pixels = (pixels * soft + ground * (1 - soft)).astype(np.uint8)
    pixels = _camera(_light(pixels.astype(np.uint8), rng, strength), rng, strength)
    if rng.random() < (0.0 if gentle else 0.2):  # something in front
        height, width = rng.integers(side // 8, side // 3, 2)
        top, left = rng.integers(0, side - height), rng.integers(0, side - width)
        pixels[top : top + height, left : left + width] = rng.integers(0, 256, 3)
        where[top : top + height, left : left + width] = 0
    return View(pixels, where if known else np.full((side, side), -1, np.float32))
