"""Pictures with enough in them to be known again, drawn from a seed."""

from __future__ import annotations

import cv2
import numpy as np

from shoplens.domain import Pixels


def scene(seed: int, width: int = 240, height: int = 300) -> Pixels:
    """Shapes of many colours and sizes, some with words."""
    rng = np.random.default_rng(seed)
    pixels = np.full((height, width, 3), rng.integers(120, 250, 3), np.uint8)
    for _ in range(45):
        colour = tuple(int(value) for value in rng.integers(0, 256, 3))
        x, y = (int(value) for value in rng.integers(0, (width, height)))
        size = int(rng.integers(6, 50))
        if rng.random() < 0.5:
            cv2.circle(pixels, (x, y), size // 2, colour, -1, cv2.LINE_AA)
        else:
            cv2.rectangle(pixels, (x, y), (x + size, y + int(rng.integers(6, 50))), colour, -1)
    for _ in range(6):
        x, y = (int(value) for value in rng.integers(0, (width, height)))
        cv2.putText(pixels, "".join(rng.choice(list("abcxyz"), 5)), (x - 30, y), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (0, 0, 0), 2, cv2.LINE_AA)
    return pixels
