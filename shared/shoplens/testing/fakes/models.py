"""A detector and an encoder without a model: colours and a box in the middle."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from shoplens import deadlines
from shoplens.domain import Box, EncoderCard, Features, Picture, Pixels, Region, Vector
from shoplens.errors import UnknownCategory
from shoplens.taxonomy import taxonomy

_GRID = 4
_BINS = 4


class FakeDetector:
    """Implements ``ports.Detector``: one box in the middle of whatever is not of one colour."""

    def model(self) -> str:
        deadlines.check()
        return "fake-1"

    def detect(self, picture: Picture, *, category: str | None = None) -> Sequence[Region]:
        deadlines.check()
        groups = taxonomy().groups
        if category is not None and category not in groups:
            raise UnknownCategory(f"The detector has no category {category!r}; use one of: {', '.join(groups)}.")
        if np.ptp(picture.pixels) == 0:
            return []
        return [Region(Box(0.125, 0.125, 0.875, 0.875), category or groups[0], 0.75)]


class FakeEncoder:
    """Implements ``ports.Encoder``: the embedding is a small thumbnail, the colour signature a histogram.

    Each leaf of the taxonomy is likely as its place in a fixed, random direction says.
    """

    def __init__(self, version: str = "1") -> None:
        self._card = EncoderCard("fake", version, _GRID * _GRID * 3, _BINS**3, tuple(taxonomy().leaves))
        directions = np.random.default_rng(0).normal(size=(len(self._card.categories), self._card.embedding_width))
        self._directions = directions.astype(np.float32)

    def card(self) -> EncoderCard:
        deadlines.check()
        return self._card

    def encode(self, picture: Picture, boxes: Sequence[Box]) -> Sequence[Features]:
        deadlines.check()
        return [self._features(box.crop(picture.pixels), picture.content_hash) for box in boxes]

    def _features(self, crop: Pixels, content_hash: str) -> Features:
        thumbnail = cv2.resize(np.ascontiguousarray(crop), (_GRID, _GRID), interpolation=cv2.INTER_AREA).astype(np.float32)
        embedding = _unit((thumbnail.ravel() - 127.0) / 128.0 + 0.01)
        logits = self._directions @ embedding
        likely = np.exp(logits - logits.max())
        bins = np.ravel_multi_index(tuple((crop // (256 // _BINS)).reshape(-1, 3).T.astype(np.intp)), (_BINS,) * 3)
        colour = _unit(np.bincount(bins, minlength=_BINS**3).astype(np.float32))
        return Features(embedding, np.asarray(likely / likely.sum(), dtype=np.float32), colour, content_hash)


def _unit(vector: Vector) -> Vector:
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)
