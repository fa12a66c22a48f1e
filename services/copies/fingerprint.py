"""A picture's perceptual fingerprint: 256 bits that survive saving small and badly, light and a little noise.

After PDQ (Facebook 2019): lightness at 64 × 64, the discrete cosine transform's 16 × 16 lowest frequencies but the constant
ones, each above the median or not. The eight ways to turn and mirror a picture change signs and places of these numbers, so
that all eight fingerprints cost one transform.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from shoplens.domain import Pixels

Codes = NDArray[np.uint8]
"""``[n, 32]``: 256 bits a row."""

_SIDE, _KEPT = 64, 16


def fingerprint(pixels: Pixels) -> Codes:
    """``[1, 32]``, of the picture as it is."""
    return _bits(_frequencies(pixels)[None])


def all_eight(pixels: Pixels) -> Codes:
    """``[8, 32]``: as it is, mirrored left to right, top to bottom, both, and these four with rows and columns exchanged."""
    plain = _frequencies(pixels)
    signs = (-1.0) ** np.arange(1, _KEPT + 1)
    four = [plain, plain * signs, plain * signs[:, None], plain * signs * signs[:, None]]
    return _bits(np.stack([*four, *(frequencies.T for frequencies in four)]))


def _frequencies(pixels: Pixels) -> NDArray[np.float64]:
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float64)
    return np.asarray(_transform() @ small @ _transform().T)


def _bits(frequencies: NDArray[np.float64]) -> Codes:
    flat = frequencies.reshape(len(frequencies), -1)
    return np.packbits(flat > np.median(flat, axis=1, keepdims=True), axis=1)


@cache
def _transform() -> NDArray[np.float64]:
    """Rows 1 to 16 of the 64-point DCT-II."""
    frequency, place = np.arange(1, _KEPT + 1)[:, None], np.arange(_SIDE)[None]
    return np.asarray(np.sqrt(2 / _SIDE) * np.cos(np.pi / 2 / _SIDE * frequency * (2 * place + 1)))
