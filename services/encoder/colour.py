"""The salient colour signature of an object (after Pinterest's, Jing et al. 2015): which colours, how much of each.

A soft histogram in CIE Lab under the object's mask, fine enough to tell navy from black. Each pixel is shared among the
nearest bins of the grid, so that a slight change of light moves a little mass and not all of it; chroma is compressed by a
square root first, for the eye (and a shop's assortment) has more colours near grey than far from it. The square root of the
shares makes the dot product of two histograms their Bhattacharyya coefficient (Hellinger's affinity): 1 for the same colours
in the same shares, 0 for no colour in common. A projection that keeps these products (their first principal axes over many
photos) makes it short; it belongs to the model and lies beside it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from shoplens.domain import Pixels, Vector
from shoplens.lexicon import lexicon
from shoplens.models import ModelError
from shoplens.scaling import scaled

LIGHTNESS_BINS = 12
CHROMA_BINS = 9
BINS = LIGHTNESS_BINS * CHROMA_BINS * CHROMA_BINS

_SIDE = 48
_SHIFT = 3
_STEPS = 256 >> _SHIFT
"""Steps of each of red, green and blue in the table of colours: finer than the bins, and than the eye in a photo."""
_CHROMA_REACH = 66.0
"""The chroma of the outermost bins' centres; more saturated pixels count there."""
_FOLDS, _FADING, _STRAY = 12.0, 0.2, 3.0
"""How cloth varies: standard deviations of its lightness (0..100), of its saturation (a share) and of its hue (Lab)."""


class ColourSignature:
    """From pixels and a mask to the short signature."""

    def __init__(self, projection: NDArray[np.float32]) -> None:
        """``projection``: ``[BINS, width]``."""
        self._projection = projection

    @classmethod
    def load(cls, path: Path) -> ColourSignature:
        """Read a projection, an array file. Raises ModelError where it is none, or one for other bins."""
        try:
            projection = np.load(path, allow_pickle=False).astype(np.float32)
        except (OSError, ValueError) as error:
            raise ModelError(f"{path}: this is no projection of colours ({error})") from error
        if projection.ndim != 2 or projection.shape[0] != BINS:
            raise ModelError(f"{path}: made for other histograms than this engine's: {projection.shape}, not ({BINS}, width)")
        return cls(projection)

    @property
    def width(self) -> int:
        """How long a signature is."""
        return int(self._projection.shape[1])

    def __call__(self, pixels: Pixels, mask: NDArray[np.float32]) -> Vector:
        """The signature, ``float32 [width]``, unit length; two of them are as alike as their dot product says, 0..1 or a trifle beyond.

        mask: ``float32 [rows, columns]`` of any size, 0..1, stretched over the pixels; where it is empty, all pixels count.
        """
        short = colour_histogram(pixels, mask) @ self._projection
        return np.asarray(short / max(float(np.linalg.norm(short)), 1e-9), dtype=np.float32)


def palette(signature: ColourSignature) -> dict[str, Vector]:
    """The signature of cloth in each of the lexicon's colours, by name.

    Cloth is lit unevenly: of plain patches the other views of 457 shop colours came out with an average precision of 0.66,
    of patches with folds 0.76 (mean over ten colour words).
    """
    everywhere = np.ones((2, 2), np.float32)
    return {name: signature(_cloth(rgb), everywhere) for name, rgb in lexicon().colours.items()}


def _cloth(rgb: tuple[int, int, int]) -> Pixels:
    """``uint8 [48, 48, 3]``: a colour under light and shade, always the same."""
    lightness, green_red, blue_yellow = cv2.cvtColor(np.array([[rgb]], np.float32) / 255, cv2.COLOR_RGB2LAB)[0, 0]
    dice = np.random.default_rng(0)
    shape = (_SIDE, _SIDE)
    saturation = np.clip(1 + dice.normal(0, _FADING, shape), 0.3, 2.0)
    lit = np.clip(lightness + dice.normal(0, _FOLDS, shape), 2, 98)
    shades = [lit, *(axis * saturation + dice.normal(0, _STRAY, shape) for axis in (green_red, blue_yellow))]
    cloth = cv2.cvtColor(np.stack(shades, axis=-1).astype(np.float32), cv2.COLOR_LAB2RGB)
    return np.asarray(np.clip(cloth, 0, 1) * 255, dtype=np.uint8)


def colour_histogram(pixels: Pixels, mask: NDArray[np.float32]) -> Vector:
    """The whole histogram's square root, ``float32 [BINS]``, unit length, none negative."""
    small = scaled(pixels, _SIDE, _SIDE).reshape(-1, 3) >> _SHIFT
    weight = cv2.resize(mask, (_SIDE, _SIDE), interpolation=cv2.INTER_LINEAR).reshape(-1)
    if weight.sum() < 1e-3 * weight.size:
        weight = np.ones_like(weight)
    places = (small[:, 0].astype(np.intp) * _STEPS + small[:, 1]) * _STEPS + small[:, 2]
    bins, shares = _table()
    histogram = np.bincount(bins[places].ravel(), weights=(shares[places] * weight[:, None]).ravel(), minlength=BINS)
    root = np.sqrt(histogram / histogram.sum())
    return np.asarray(root / np.linalg.norm(root), dtype=np.float32)


@cache
def _table() -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """For each colour of a grid over RGB the eight bins that share it, ``[_STEPS³, 8]``, and their shares, which sum to 1."""
    values = (np.arange(_STEPS, dtype=np.float32) + 0.5) / _STEPS
    grid = np.stack(np.meshgrid(values, values, values, indexing="ij"), axis=-1).reshape(1, -1, 3)
    lab = cv2.cvtColor(np.ascontiguousarray(grid), cv2.COLOR_RGB2LAB).reshape(-1, 3)
    chroma = np.linalg.norm(lab[:, 1:], axis=1, keepdims=True)
    compressed = lab[:, 1:] / np.sqrt(np.maximum(chroma, 1e-3) * _CHROMA_REACH)
    lightness = _neighbours(lab[:, 0] / 100, LIGHTNESS_BINS)
    green_red, blue_yellow = (_neighbours((compressed[:, axis] + 1) / 2, CHROMA_BINS) for axis in (0, 1))
    bins, shares = [], []
    for light_bin, light_share in lightness:
        for red_bin, red_share in green_red:
            for yellow_bin, yellow_share in blue_yellow:
                bins.append((light_bin * CHROMA_BINS + red_bin) * CHROMA_BINS + yellow_bin)
                shares.append(light_share * red_share * yellow_share)
    return np.stack(bins, axis=1).astype(np.int32), np.stack(shares, axis=1).astype(np.float32)


def _neighbours(values: NDArray[np.floating], bins: int) -> list[tuple[NDArray[np.int32], NDArray[np.float32]]]:
    """The bins below and above each value, 0..1, and how much of it falls to each."""
    place = np.clip(values * (bins - 1), 0, bins - 1)
    below = np.minimum(place.astype(np.int32), bins - 2)
    share = (place - below).astype(np.float32)
    return [(below, 1 - share), (below + 1, share)]
