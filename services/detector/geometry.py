"""Boxes as arrays: fitting a picture into a model's input and back, overlap, and the suppression of duplicates.

A box is a row x0, y0, x1, y1, float32. Everything here is pure.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from shoplens.domain import Pixels
from shoplens.scaling import scaled

Boxes = NDArray[np.float32]
"""``[n, 4]``, x0, y0, x1, y1."""

PADDING = 127
"""The grey around a picture that is fitted into another shape: zero, once normalised."""


@dataclass(frozen=True, slots=True)
class Letterbox:
    """A picture's place in a model's input: scaled without distortion, centred, grey around it; sizes in pixels."""

    input_width: int
    input_height: int
    left: int
    top: int
    width: int
    height: int

    @classmethod
    def fit(cls, picture_width: int, picture_height: int, input_width: int, input_height: int) -> Letterbox:
        """The largest place that a picture of this size can take, at least one pixel each way."""
        scale = min(input_width / picture_width, input_height / picture_height)
        width = min(max(round(picture_width * scale), 1), input_width)
        height = min(max(round(picture_height * scale), 1), input_height)
        return cls(input_width, input_height, (input_width - width) // 2, (input_height - height) // 2, width, height)

    def draw(self, pixels: Pixels) -> Pixels:
        """The picture in its place: ``[input_height, input_width, 3]``."""
        canvas = np.full((self.input_height, self.input_width, 3), PADDING, dtype=np.uint8)
        canvas[self.top : self.top + self.height, self.left : self.left + self.width] = scaled(pixels, self.width, self.height)
        return canvas

    def to_picture(self, boxes: Boxes) -> Boxes:
        """Boxes relative to the input, as boxes relative to the picture, cut at its edges (and perhaps empty then)."""
        size = np.array([self.input_width, self.input_height] * 2, dtype=np.float32)
        offset = np.array([self.left, self.top] * 2, dtype=np.float32)
        extent = np.array([self.width, self.height] * 2, dtype=np.float32)
        return np.asarray(np.clip((boxes * size - offset) / extent, 0.0, 1.0), dtype=np.float32)

    def to_input(self, boxes: Boxes) -> Boxes:
        """The way back: boxes relative to the picture, as boxes relative to the input."""
        size = np.array([self.input_width, self.input_height] * 2, dtype=np.float32)
        offset = np.array([self.left, self.top] * 2, dtype=np.float32)
        extent = np.array([self.width, self.height] * 2, dtype=np.float32)
        return np.asarray((boxes * extent + offset) / size, dtype=np.float32)


def overlaps(a: Boxes, b: Boxes) -> NDArray[np.float32]:
    """Intersection over union of every pair, ``[len(a), len(b)]``, 0..1."""
    meet = np.maximum(np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2]), 0.0)
    common = meet[..., 0] * meet[..., 1]
    union = areas(a)[:, None] + areas(b)[None, :] - common
    return np.asarray(common / np.maximum(union, 1e-12), dtype=np.float32)


def areas(boxes: Boxes) -> NDArray[np.float32]:
    """``[n]``; 0 for a box that is inside out."""
    size = np.maximum(boxes[:, 2:] - boxes[:, :2], 0.0)
    return np.asarray(size[:, 0] * size[:, 1], dtype=np.float32)


def suppress(boxes: Boxes, scores: NDArray[np.float32], threshold: float) -> NDArray[np.intp]:
    """Greedy non-maximum suppression: indices of the boxes to keep, best score first.

    A box goes when it overlaps a better one that stays by more than ``threshold``. Areas and scores are above 0.
    """
    if not len(boxes):
        return np.zeros(0, dtype=np.intp)
    corner_and_size = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1).astype(np.float64)
    kept = cv2.dnn.NMSBoxes(corner_and_size, scores, score_threshold=0.0, nms_threshold=threshold)  # type: ignore[arg-type]
    return np.asarray(kept, dtype=np.intp).reshape(-1)
