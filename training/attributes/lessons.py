"""What the reader of attributes learns from: the shop photos' features, as the encoder that ships makes them, and the shop's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from rich.progress import track

from services.encoder.engine import LiteRtEncoder
from shoplens.domain import WHOLE_FRAME, Box, Features, Picture, Pixels
from training.encoder.photos import ATTRIBUTES, Photo, training_photos

READ = {"gender": "gender", "occasion": "usage", "season": "season", "colour": "colour"}
"""What is read, in order, the surest first, by the lexicon's names, and what the photos' manifest calls it."""
_VALUES = {"fall": "autumn", "sports": "sport"}
"""The lexicon's names of values that the shop names otherwise."""
VIEWS = 3
"""Of each photo: the whole, a part of it, and a part of its mirror image in another light."""


def values() -> dict[str, tuple[str, ...]]:
    """The values of each attribute that is read, by the lexicon's names."""
    return {name: tuple(_VALUES.get(value, value) for value in ATTRIBUTES[called]) for name, called in READ.items()}


@dataclass(frozen=True, slots=True)
class Lessons:
    """Of ``n`` photos. embedding, categories, colour: ``[n, VIEWS, width]``, of each view. kinds: ``[n]``, index of the true category, or
    −1. labels: ``[n, attributes]``, index of the value in :func:`values`, or −1. held_back: ``[n]``, who measures and does not teach.
    """

    embedding: NDArray[np.float32]
    categories: NDArray[np.float32]
    colour: NDArray[np.float32]
    kinds: NDArray[np.int32]
    labels: NDArray[np.int32]
    held_back: NDArray[np.bool_]


def lessons(data: Path, encoder: LiteRtEncoder, seed: int) -> Lessons:
    """All photos of ``studio_products``."""
    return _of([photo for photo in training_photos(data) if photo.origin == "studio_products"], encoder, seed)


def held_back(data: Path, encoder: LiteRtEncoder, seed: int = 0) -> Lessons:
    """Those of products that teach nothing."""
    photos = [photo for photo in training_photos(data) if photo.origin == "studio_products" and photo.held_back]
    return _of(photos, encoder, seed)


def _of(photos: Sequence[Photo], encoder: LiteRtEncoder, seed: int) -> Lessons:
    rng = np.random.default_rng(seed)
    seen = [_views(photo, encoder, rng) for photo in track(photos, "features of shop photos")]
    parts = {name: np.array([[getattr(each, name) for each in views] for views in seen]) for name in ("embedding", "categories", "colour")}
    order = [list(ATTRIBUTES).index(called) for called in READ.values()]
    return Lessons(
        **parts,
        kinds=np.array([photo.category for photo in photos], np.int32),
        labels=np.array([[photo.attributes[row] for row in order] for photo in photos], np.int32),
        held_back=np.array([photo.held_back for photo in photos]),
    )


def _views(photo: Photo, encoder: LiteRtEncoder, rng: Generator) -> list[Features]:
    pixels = photo.read()
    light = rng.uniform(0.75, 1.25) * rng.uniform(0.95, 1.05, 3)
    mirrored = np.clip(cv2.flip(pixels, 1) * light, 0, 255).astype(np.uint8)
    return [*encoder.encode(_picture(pixels), [WHOLE_FRAME, _part(rng)]), *encoder.encode(_picture(mirrored), [_part(rng)])]


def _part(rng: Generator) -> Box:
    side = rng.uniform(0.75, 1.0)
    x, y = (float(rng.uniform(0, 1 - side)) for _ in range(2))
    return Box(x, y, x + side, y + side)


def _picture(pixels: Pixels) -> Picture:
    return Picture(pixels, content_hash="", width=pixels.shape[1], height=pixels.shape[0])
