"""Another colour of the same style, made from one photo, as shops make them: the hardest look-alike that is no copy."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator

from shoplens.domain import Pixels

_KINDS = 5
_NEUTRAL = 0.35
"""Of the dyes, those that are black, white or grey: shops have every style in black."""

_LEAST, _MOST = 0.02, 0.7
"""Of the picture's area, what a recoloured part may take."""


def recoloured(pixels: Pixels, rng: Generator) -> Pixels | None:
    """The picture with one of its parts dyed; None where it has no part of its own colour.

    A part is a cluster of Lab colours (k-means) that is not the ground. Its colours are turned, strengthened and lightened, far
    enough that a shopper would call it another colour; everything else stays to the pixel.
    """
    lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB).astype(np.float32)
    small = cv2.resize(lab, (48, 48), interpolation=cv2.INTER_AREA).reshape(-1, 3)
    cv2.setRNGSeed(int(rng.integers(1 << 30)))
    _, _, centres = cv2.kmeans(small * np.float32([0.5, 1, 1]), _KINDS, None, (cv2.TERM_CRITERIA_MAX_ITER, 12, 0), 1, cv2.KMEANS_PP_CENTERS)
    distances = np.linalg.norm(lab[:, :, None] * np.float32([0.5, 1, 1]) - centres, axis=3)
    kinds = distances.argmin(axis=2)
    edge = np.concatenate([kinds[0], kinds[-1], kinds[:, 0], kinds[:, -1]])
    ground = np.bincount(edge, minlength=_KINDS).argmax()
    shares = np.bincount(kinds.ravel(), minlength=_KINDS) / kinds.size
    choices = [kind for kind in range(_KINDS) if kind != ground and _LEAST < shares[kind] < _MOST]
    if not choices:
        return None
    part = kinds == rng.choice(choices)
    # A garment is one piece: specks of its colour elsewhere stay.
    count, labels, sizes, _ = cv2.connectedComponentsWithStats(part.astype(np.uint8))
    largest = 1 + int(sizes[1:, cv2.CC_STAT_AREA].argmax()) if count > 1 else 0
    if sizes[largest, cv2.CC_STAT_AREA] < _LEAST * part.size:
        return None
    mask = cv2.morphologyEx((labels == largest).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.8)[..., None]
    dyed = _dyed(lab, mask > 0, rng)
    result = np.clip(lab * (1 - soft) + dyed * soft, 0, 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(result, cv2.COLOR_LAB2RGB), dtype=np.uint8)


def _dyed(lab: np.ndarray, part: np.ndarray, rng: Generator) -> np.ndarray:
    """All of the picture in another dye: the part's mean moves to a random colour at least 22 Lab units (OpenCV's) away."""
    mean = lab[part].mean(axis=0)
    while True:
        target = np.array([rng.uniform(25, 235), rng.uniform(70, 190), rng.uniform(70, 200)])
        if rng.random() < _NEUTRAL:
            target = np.array([rng.choice([rng.uniform(20, 70), rng.uniform(90, 235)]), *rng.uniform(122, 134, 2)])
        if np.linalg.norm((target - mean) * [0.6, 1, 1]) > 22:
            break
    contrast = np.sqrt(max(min(target[0], 255 - target[0]), 20) / max(min(mean[0], 255 - mean[0]), 20))
    return (lab - mean) * [min(contrast, 1.4), 0.6, 0.6] + target
