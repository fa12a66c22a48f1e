"""Pixels brought to another size, the same way wherever a model is fed."""

from __future__ import annotations

import cv2
import numpy as np

from shoplens.domain import Pixels


def scaled(pixels: Pixels, width: int, height: int) -> Pixels:
    """The pixels at ``width`` × ``height``: halved, each pixel the mean of four, while twice too large, then bilinear.

    One step of area averaging to the final size looks the same to a model and takes eight times as long: only exact halving
    has a fast path.
    """
    while pixels.shape[1] >= 2 * width and pixels.shape[0] >= 2 * height:
        pixels = np.asarray(_halved(pixels), dtype=np.uint8)
    if pixels.shape[1] == width and pixels.shape[0] == height:
        return pixels
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def _halved(pixels: Pixels) -> Pixels:
    # An odd last row or column is left out, so that the halving is exact.
    height, width = pixels.shape[0] // 2, pixels.shape[1] // 2
    even = pixels[: 2 * height, : 2 * width]
    return np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
