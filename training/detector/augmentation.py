"""Other takes of a labelled picture: nearer, farther, cut off, mirrored, in another light, through a worse lens."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from services.detector.geometry import PADDING
from training.detector.photos import Labelled

_FARTHEST, _NEAREST = 0.65, 2.0
"""Zoom against a picture that just fits. Nearer more than farther: the engine's input is larger than training's."""
_VISIBLE = 0.3
"""A box of which less than this share is still in the frame is no longer labelled."""


def letterboxed(photo: Labelled, height: int, width: int) -> Labelled:
    """The picture as the engine would see it, nothing else changed."""
    rows, columns = photo.pixels.shape[:2]
    scale = min(width / columns, height / rows)
    return _warp(photo, scale, scale, (width - columns * scale) / 2, (height - rows * scale) / 2, height, width)


def augmented(photo: Labelled, height: int, width: int, random: np.random.Generator, closer: float = 0.0) -> Labelled:
    """A random take of the picture at the network's input size; with probability ``closer`` of one of its things and what is near."""
    rows, columns = photo.pixels.shape[:2]
    fit = min(width / columns, height / rows)
    zoom = float(np.exp(random.uniform(np.log(_FARTHEST), np.log(_NEAREST)))) if random.random() < 0.8 else 1.0
    stretch = float(np.exp(random.normal(0.0, 0.06)))
    x_scale, y_scale = fit * zoom * stretch, fit * zoom / stretch
    slack_x, slack_y = width - columns * x_scale, height - rows * y_scale
    left = slack_x * random.uniform(0.1, 0.9) if slack_x < 0 else slack_x * random.random()
    top = slack_y * random.random()
    if len(photo.boxes) and random.random() < closer:
        x_scale, y_scale, left, top = _closer(photo, height, width, random)
    taken = _warp(photo, x_scale, y_scale, left, top, height, width)
    if random.random() < 0.5:
        taken = _mirrored(taken)
    pixels = _covered(_worn(_relit(taken.pixels, random), random), random)
    return Labelled(pixels, taken.boxes, taken.classes, taken.judged, photo.name)


def overlaid(one: Labelled, other: Labelled, share: float) -> Labelled:
    """Two takes of one size, the first with ``share`` 0..1 of the light (mixup, Zhang et al. 2019, as for object detection): what
    either shows is there, and a class's absence is known where it is for both."""
    pixels = cv2.addWeighted(one.pixels, share, other.pixels, 1.0 - share, 0.0)
    return Labelled(
        np.asarray(pixels, np.uint8), np.concatenate([one.boxes, other.boxes]), np.concatenate([one.classes, other.classes]),
        one.judged * other.judged, one.name,
    )  # fmt: skip


def _closer(photo: Labelled, height: int, width: int, random: np.random.Generator) -> tuple[float, float, float, float]:
    """Scale and place of a take in which one labelled thing is a tenth to half of the frame: a watch is otherwise ten pixels."""
    x0, y0, x1, y1 = photo.boxes[int(random.integers(len(photo.boxes)))]
    size = np.sqrt((x1 - x0) * (y1 - y0))
    scale = float(np.clip(np.sqrt(height * width) * np.exp(random.uniform(np.log(0.1), np.log(0.5))) / size, 0.5, 4.0))
    x, y = (x0 + x1) / 2 * scale, (y0 + y1) / 2 * scale
    return scale, scale, float(width * random.uniform(0.3, 0.7) - x), float(height * random.uniform(0.3, 0.7) - y)


def _warp(photo: Labelled, x_scale: float, y_scale: float, left: float, top: float, height: int, width: int) -> Labelled:
    matrix = np.array([[x_scale, 0, left + 0.5 * x_scale - 0.5], [0, y_scale, top + 0.5 * y_scale - 0.5]])
    source = photo.pixels
    if x_scale < 0.7:  # warpAffine does not average: blur first what it would skip
        source = cv2.GaussianBlur(source, (0, 0), 0.4 / x_scale)
    pixels = cv2.warpAffine(source, matrix, (width, height), flags=cv2.INTER_LINEAR, borderValue=(PADDING,) * 3)
    moved = photo.boxes * np.array([x_scale, y_scale] * 2, np.float32) + np.array([left, top] * 2, np.float32)
    clipped = np.clip(moved, 0, np.array([width, height] * 2, np.float32))
    size, whole = clipped[:, 2:] - clipped[:, :2], moved[:, 2:] - moved[:, :2]
    seen = size.prod(1) / np.maximum(whole.prod(1), 1e-6)
    keep = (seen > _VISIBLE) & (size.min(1) >= 3)
    return Labelled(np.asarray(pixels, np.uint8), clipped[keep], photo.classes[keep], photo.judged, photo.name)


def _mirrored(photo: Labelled) -> Labelled:
    width = photo.pixels.shape[1]
    boxes = photo.boxes[:, [2, 1, 0, 3]] * np.array([-1, 1, -1, 1], np.float32) + np.array([width, 0, width, 0], np.float32)
    return Labelled(np.ascontiguousarray(photo.pixels[:, ::-1]), boxes, photo.classes, photo.judged, photo.name)


def _relit(pixels: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Brightness, contrast and white balance as one table a channel; then saturation; rarely no colour at all."""
    levels = np.arange(256, dtype=np.float32)
    tint = 0.08 if random.random() < 0.7 else 0.3
    gains = random.uniform(0.7, 1.35) * random.uniform(1 - tint, 1 + tint, 3)
    gamma = np.exp(random.normal(0.0, 0.2))
    table = 255.0 * np.clip(levels[:, None] / 255.0 * gains, 0.0, 1.0) ** gamma
    pixels = cv2.LUT(pixels, table.astype(np.uint8)[:, None, :])
    grey = cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    colour = 0.0 if random.random() < 0.04 else random.uniform(0.6, 1.35)
    return np.asarray(cv2.addWeighted(pixels, colour, grey, 1.0 - colour, 0.0), np.uint8)


def _worn(pixels: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Sometimes out of focus, sometimes badly compressed, sometimes noisy."""
    draw = random.random()
    if draw < 0.12:
        return np.asarray(cv2.GaussianBlur(pixels, (0, 0), random.uniform(0.5, 1.6)), np.uint8)
    if draw < 0.24:
        _, coded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(25, 70))])
        return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    if draw < 0.32:
        noise = random.normal(0.0, random.uniform(3, 12), pixels.shape)
        return np.clip(pixels + noise, 0, 255).astype(np.uint8)
    return pixels


def _covered(pixels: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Sometimes up to four patches of one colour or of noise in the way (random erasing, Zhong et al. 2020)."""
    if random.random() > 0.25:
        return pixels
    rows, columns = pixels.shape[:2]
    for _ in range(int(random.integers(1, 5))):
        height, width = int(rows * random.uniform(0.04, 0.18)), int(columns * random.uniform(0.05, 0.25))
        top, left = int(random.integers(rows - height)), int(random.integers(columns - width))
        patch = pixels[top : top + height, left : left + width]
        patch[:] = random.integers(0, 256, patch.shape if random.random() < 0.3 else 3)
    return pixels
