"""Drawn garments: a T-shirt's outline in a colour, with a pattern, on a plain ground."""

from __future__ import annotations

import cv2
import numpy as np

from shoplens.domain import Pixels

COLOURS = {"red": (190, 30, 40), "blue": (30, 60, 180), "green": (40, 140, 60), "black": (25, 25, 28)}
_OUTLINE = np.array(
    [[80, 40], [110, 52], [146, 52], [176, 40], [236, 90], [206, 126], [184, 108], [184, 226], [72, 226], [72, 108], [50, 126], [20, 90]]
)


def garment(colour: str, pattern: str, ground: tuple[int, int, int] = (255, 255, 255)) -> Pixels:
    """``uint8 [256, 256, 3]``; ``pattern`` is plain, stripes or dots."""
    cloth = np.full((256, 256, 3), COLOURS[colour], np.uint8)
    if pattern == "stripes":
        for top in range(44, 256, 28):
            cloth[top : top + 10] = (240, 240, 235)
    if pattern == "dots":
        for y in range(60, 256, 30):
            for x in range(30, 256, 30):
                cv2.circle(cloth, (x, y), 7, (245, 220, 120), -1)
    mask = np.zeros((256, 256), np.uint8)
    cv2.fillPoly(mask, [_OUTLINE], 255)
    return np.where(mask[..., None] > 0, cloth, np.array(ground, np.uint8)).astype(np.uint8)
