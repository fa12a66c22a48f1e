"""The colour signature's projection: the first principal axes of many photos' colour histograms.

Not centred, so that dot products stay what they are in the whole histogram, the Bhattacharyya coefficient.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from services.encoder.colour import colour_histogram
from training.encoder.photos import Photo

WIDTH = 128
_PHOTOS = 3000
_SIDE = 224


def colour_projection(photos: Sequence[Photo], masks: NDArray[np.uint8], seed: int) -> NDArray[np.float16]:
    """``float16 [BINS, 128]``, from training photos under their pseudo-masks."""
    taught = [row for row, photo in enumerate(photos) if not photo.held_back]
    chosen = np.random.default_rng(seed).permutation(taught)[:_PHOTOS]
    histograms = np.stack(
        [
            colour_histogram(cv2.resize(photos[row].read(), (_SIDE, _SIDE)).astype(np.uint8), masks[row].astype(np.float32))
            for row in track(chosen, "colours")
        ]
    )
    _, axes = np.linalg.eigh(histograms.T.astype(np.float64) @ histograms)
    return np.asarray(axes[:, ::-1][:, :WIDTH], dtype=np.float16)
