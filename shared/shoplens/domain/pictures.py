"""Pictures, what is found in them, and what the encoder makes of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""``[height, width, 3]``, RGB, 0..255, C-contiguous."""

Vector = NDArray[np.float32]
"""``[width]``, float32."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle relative to its picture: 0 ≤ x0 < x1 ≤ 1 and 0 ≤ y0 < y1 ≤ 1, origin at the top left."""

    x0: float
    y0: float
    x1: float
    y1: float

    def __post_init__(self) -> None:
        if not (0.0 <= self.x0 < self.x1 <= 1.0 and 0.0 <= self.y0 < self.y1 <= 1.0):
            raise ValueError(f"a box is [x0, y0, x1, y1] with 0 ≤ x0 < x1 ≤ 1 and 0 ≤ y0 < y1 ≤ 1, not {self.as_tuple()}")

    def as_tuple(self) -> tuple[float, float, float, float]:
        return (self.x0, self.y0, self.x1, self.y1)

    @property
    def area(self) -> float:
        """The share of the picture that the box covers, 0..1."""
        return (self.x1 - self.x0) * (self.y1 - self.y0)

    def crop(self, pixels: Pixels) -> Pixels:
        """The pixels inside the box, at least one, as a view."""
        height, width = pixels.shape[:2]
        left, top = min(int(self.x0 * width), width - 1), min(int(self.y0 * height), height - 1)
        right, bottom = max(round(self.x1 * width), left + 1), max(round(self.y1 * height), top + 1)
        return pixels[top:bottom, left:right]


WHOLE_FRAME = Box(0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture: upright, RGB, at most ``images.WORKING_SIDE`` pixels on its longer side.

    ``content_hash`` is the SHA-256 of the bytes it was decoded from, in hex; ``width`` and ``height`` are those of
    the original, upright, in pixels, which may be larger than ``pixels``.
    """

    pixels: Pixels
    content_hash: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Region:
    """A fashion region: where, which group of the taxonomy, and how sure (0..1)."""

    box: Box
    category: str
    score: float

    @property
    def salience(self) -> float:
        """How likely the region is what the photo is about, 0..1: sure, large and near the middle."""
        off_centre = math.hypot((self.box.x0 + self.box.x1 - 1) / 2, (self.box.y0 + self.box.y1 - 1) / 2)
        return self.score * math.sqrt(self.box.area) * (1.0 - off_centre)


@dataclass(frozen=True, slots=True)
class Features:
    """What the encoder makes of one box.

    embedding: ``[embedding_width]`` float32, unit length.
    categories: ``[len(card.categories)]`` float32, a probability for each leaf of the taxonomy, in the card's order.
    colour: ``[colour_width]`` float32, unit length; the similarity of two signatures is their dot product, 0..1 or a trifle beyond.
    content_hash: of the picture that the box was taken from.
    """

    embedding: Vector
    categories: Vector
    colour: Vector
    content_hash: str


@dataclass(frozen=True, slots=True)
class EncoderCard:
    """What an encoder's outputs mean; a catalogue is built for exactly one ``version``.

    palette: the colour signature of cloth in each of the lexicon's colours, by name.
    """

    name: str
    version: str
    embedding_width: int
    colour_width: int
    categories: tuple[str, ...]
    palette: Mapping[str, Vector] = field(default_factory=dict, compare=False)

    @property
    def model(self) -> str:
        return f"{self.name}-{self.version}"
