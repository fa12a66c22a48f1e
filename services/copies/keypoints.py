"""Local features: where a picture has corners and blobs, and what each looks like.

SIFT (Lowe 2004) with the Hellinger kernel (RootSIFT, Arandjelović & Zisserman 2012), brought to 64 dimensions by principal
components and to a byte each. A mirror image's features follow from the picture's own by reordering, so that looking for
mirrored copies costs no second extraction.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from shoplens.domain import Pixels

Floats = NDArray[np.float32]

PROJECTION = "keypoints.npz"
"""In the model's folder."""

WIDTH = 64
REFERENCE_SIDE, REFERENCE_MOST = 320, 256
QUERY_SIDE, QUERY_MOST = 384, 400
_SCALE = 200.0
"""Projected components lie within ±0.62, so this brings them to a signed byte."""


@dataclass(frozen=True, slots=True)
class Keypoints:
    """``n`` local features of a picture.

    points: ``[n, 2]`` float32, x and y relative to the picture. sizes: ``[n]`` float32, the diameter in parts of the picture's
    longer side. angles: ``[n]`` float32, radians, clockwise as y points down. descriptors: ``[n, 64]`` int8.
    """

    points: Floats
    sizes: Floats
    angles: Floats
    descriptors: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.points)


@dataclass(frozen=True, slots=True)
class QueryKeypoints:
    """A query's features as it is, and as its mirror image would have them (left and right exchanged)."""

    upright: Keypoints
    mirrored: Keypoints


class KeypointExtractor:
    """Finds local features; safe to call from many threads."""

    def __init__(self, components: Floats, mean: Floats) -> None:
        """``components [128, 64]`` and ``mean [128]``: the projection of RootSIFT, fitted on photos of the trade."""
        self._components, self._mean = components, mean

    @classmethod
    def load(cls, path: Path) -> KeypointExtractor:
        with np.load(path) as arrays:
            return cls(arrays["components"].astype(np.float32), arrays["mean"].astype(np.float32))

    def of_reference(self, pixels: Pixels) -> Keypoints:
        """The strongest features of a catalogue picture."""
        found = _found(pixels, REFERENCE_SIDE, REFERENCE_MOST)
        return self._projected(*found)

    def of_query(self, pixels: Pixels) -> QueryKeypoints:
        """The features of a query; at a larger size, for the copy may be a part of it."""
        points, sizes, angles, raw = _found(pixels, QUERY_SIDE, QUERY_MOST)
        return QueryKeypoints(self._projected(points, sizes, angles, raw), self._mirrored(points, sizes, angles, raw))

    def as_query(self, reference: Keypoints) -> QueryKeypoints:
        """A catalogue picture's features in the place of a query's. Its mirror image is approximate: what is stored is projected."""
        raw: Floats = (reference.descriptors.astype(np.float32) / _SCALE @ self._components.T + self._mean).astype(np.float32)
        return QueryKeypoints(reference, self._mirrored(reference.points, reference.sizes, reference.angles, raw))

    def _mirrored(self, points: Floats, sizes: Floats, angles: Floats, raw: Floats) -> Keypoints:
        places = points * np.array([-1, 1], np.float32) + np.array([1, 0], np.float32)
        return self._projected(places, sizes, np.float32(np.pi) - angles, raw[:, _mirror_order()])

    def _projected(self, points: Floats, sizes: Floats, angles: Floats, raw: Floats) -> Keypoints:
        projected = (raw - self._mean) @ self._components * _SCALE
        return Keypoints(points, sizes, angles, np.clip(np.round(projected), -127, 127).astype(np.int8))


def words(keypoints: Keypoints) -> NDArray[np.uint8]:
    """The signs of the descriptors, ``[n, 8]``: 64 bits by which a feature is looked up."""
    return np.packbits(keypoints.descriptors > 0, axis=1)


def rooted_sift(pixels: Pixels, side: int, most: int) -> Floats:
    """RootSIFT descriptors ``[n, 128]`` of unit length, to fit a projection on."""
    return _found(pixels, side, most)[3]


def _found(pixels: Pixels, side: int, most: int) -> tuple[Floats, Floats, Floats, Floats]:
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    size = (max(16, round(width * scale)), max(16, round(height * scale)))
    grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    found, descriptors = _sift(most).detectAndCompute(grey, None)
    if descriptors is None or not found:
        empty = np.zeros(0, np.float32)
        return np.zeros((0, 2), np.float32), empty, empty, np.zeros((0, 128), np.float32)
    strongest = sorted(range(len(found)), key=lambda row: -found[row].response)[:most]
    kept = [found[row] for row in strongest]
    points = (np.array([point.pt for point in kept], np.float32) + 0.5) / np.array(size, np.float32)
    sizes = np.array([point.size for point in kept], np.float32) / max(size)
    angles = np.radians(np.array([point.angle for point in kept], np.float32))
    raw = np.asarray(descriptors[strongest], np.float32)
    rooted = np.sqrt(raw / (raw.sum(axis=1, keepdims=True) + np.float32(1e-9)))
    return points.astype(np.float32), sizes.astype(np.float32), angles, rooted.astype(np.float32)


def _sift(most: int) -> Any:
    # A new one each time: OpenCV's keeps its pyramids and must not be shared between threads.
    return cv2.SIFT_create(  # type: ignore[attr-defined]
        nfeatures=most, nOctaveLayers=2, contrastThreshold=0.022, edgeThreshold=14
    )


@cache
def _mirror_order() -> NDArray[np.intp]:
    """How SIFT's 4 × 4 × 8 histogram (row, column, orientation) reads in a mirror: rows and orientations run backwards."""
    order = np.arange(128).reshape(4, 4, 8)
    return order[::-1][:, :, (8 - np.arange(8)) % 8].reshape(128)
