"""The salient colour signature of an object (after Pinterest's, Jing et al. 2015): which colours, how much of each.

A soft histogram in CIE Lab under the object's mask. Each pixel is shared among the nearest bins of a coarse grid, so
that a slight change of light moves a little mass and not all of it; chroma is compressed by a square root first, for
the eye (and a shop's assortment) has more colours near grey than far from it. The square root of the shares makes the
dot product of two signatures their Bhattacharyya coefficient (Hellinger's affinity): 1 for the same colours in the
same shares, 0 for no colour in common.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from shoplens.domain import Pixels, Vector
from shoplens.scaling import scaled

LIGHTNESS_BINS = 5
CHROMA_BINS = 5
WIDTH = LIGHTNESS_BINS * CHROMA_BINS * CHROMA_BINS

_SIDE = 48
_SHIFT = 3
_STEPS = 256 >> _SHIFT
"""Steps of each of red, green and blue in the table of colours: finer than the bins by far, and than the eye in a photo."""
_CHROMA_REACH = 66.0
"""The chroma of the outermost bins' centres; more saturated pixels count there."""


def _shares(values: NDArray[np.floating], bins: int) -> NDArray[np.float32]:
    """How much of each value, in 0..bins−1, falls to each bin: ``[n]`` to ``[n, bins]``, rows sum to 1."""
    distance = np.abs(np.clip(values, 0, bins - 1)[:, None] - np.arange(bins, dtype=np.float32))
    return np.asarray(np.maximum(0, 1 - distance), dtype=np.float32)


@cache
def _bins() -> NDArray[np.float32]:
    """How much of each colour falls to each bin: ``[_STEPS³, WIDTH]``, by the colour's place in a grid over RGB.

    Worked out once: a picture is then a matter of counting its colours.
    """
    values = (np.arange(_STEPS, dtype=np.float32) + 0.5) / _STEPS
    grid = np.stack(np.meshgrid(values, values, values, indexing="ij"), axis=-1).reshape(1, -1, 3)
    lab = cv2.cvtColor(np.ascontiguousarray(grid), cv2.COLOR_RGB2LAB).reshape(-1, 3)
    chroma = np.linalg.norm(lab[:, 1:], axis=1, keepdims=True)
    compressed = lab[:, 1:] / np.sqrt(np.maximum(chroma, 1e-3) * _CHROMA_REACH)
    lightness = _shares(lab[:, 0] / 100 * (LIGHTNESS_BINS - 1), LIGHTNESS_BINS)
    green_red, blue_yellow = (_shares((compressed[:, axis] + 1) / 2 * (CHROMA_BINS - 1), CHROMA_BINS) for axis in (0, 1))
    return np.asarray(np.einsum("nl,ng,nb->nlgb", lightness, green_red, blue_yellow).reshape(-1, WIDTH), dtype=np.float32)


def colour_signature(pixels: Pixels, mask: NDArray[np.float32]) -> Vector:
    """The signature, ``float32 [125]``, unit length, none negative, of ``pixels`` under ``mask``.

    mask: ``float32 [rows, columns]`` of any size, 0..1, stretched over the pixels; where it is empty, all pixels count.
    """
    small = scaled(pixels, _SIDE, _SIDE).reshape(-1, 3) >> _SHIFT
    weight = cv2.resize(mask, (_SIDE, _SIDE), interpolation=cv2.INTER_LINEAR).reshape(-1)
    if weight.sum() < 1e-3 * weight.size:
        weight = np.ones_like(weight)
    places = (small[:, 0].astype(np.intp) * _STEPS + small[:, 1]) * _STEPS + small[:, 2]
    colours, which = np.unique(places, return_inverse=True)
    histogram = np.bincount(which, weights=weight).astype(np.float32) @ _bins()[colours]
    root = np.sqrt(histogram / histogram.sum())
    return np.asarray(root / np.linalg.norm(root), dtype=np.float32)
