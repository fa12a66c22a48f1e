"""Pseudo-masks: where the object is, found without a label, to teach the encoder's mask and to change backgrounds.

A shop photo's background is what joins its near-uniform border; a phone photo's is what GrabCut says is not the thing
in the middle. A mask that covers next to nothing or nearly all is taken for a failure and left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from shoplens.domain import Pixels
from training.encoder.photos import Photo

SIDE = 112
Mask = NDArray[np.uint8]
"""``[112, 112]``, 0 background, 1 object."""


def studio_mask(pixels: Pixels) -> NDArray[np.float32] | None:
    """The object in a photo with a near-uniform border, ``float32 [h, w]`` 0 or 1; None where the border is not one colour."""
    lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB).astype(np.float32)
    border = np.concatenate([lab[:4].reshape(-1, 3), lab[:, :4].reshape(-1, 3), lab[:, -4:].reshape(-1, 3)])
    away = np.abs(lab - np.median(border, axis=0)).max(axis=2)
    if (np.abs(border - np.median(border, axis=0)).max(axis=1) < 12).mean() < 0.6:
        return None
    near = (away < 9).astype(np.uint8)
    _, labels = cv2.connectedComponents(near, connectivity=4)
    edge = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    background = np.isin(labels, edge[edge > 0]) & (near > 0)
    mask = cv2.morphologyEx((~background).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    share = float(mask.mean())
    return mask.astype(np.float32) if 0.03 < share < 0.97 else None


def phone_mask(pixels: Pixels, side: int = 112) -> NDArray[np.float32] | None:
    """The object in a phone photo by GrabCut (Rother et al. 2004), started from all but a margin; ``float32 [side, side]``."""
    small = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA)
    labels = np.zeros((side, side), np.uint8)
    margin = side // 14
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)
    cv2.grabCut(small, labels, (margin, margin, side - 2 * margin, side - 2 * margin), *models, 3, cv2.GC_INIT_WITH_RECT)
    mask = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    return mask if 0.08 < float(mask.mean()) < 0.8 else None


def mask_of(photo: Photo) -> Mask:
    """The photo's pseudo-mask; all zero where no trick gives one that looks right."""
    pixels = photo.read()
    mask = studio_mask(pixels) if photo.origin == "studio_products" else phone_mask(pixels)
    if mask is None:
        return np.zeros((SIDE, SIDE), np.uint8)
    return (cv2.resize(mask, (SIDE, SIDE), interpolation=cv2.INTER_AREA) > 0.5).astype(np.uint8)


def all_masks(photos: Sequence[Photo], cache: Path) -> NDArray[np.uint8]:
    """Masks of all photos, ``uint8 [n, 112, 112]``, kept in ``cache`` (a .npy of packed bits) between runs."""
    if cache.is_file():
        packed = np.load(cache)
        if len(packed) == len(photos):
            return np.unpackbits(packed, axis=-1)
    with ThreadPoolExecutor(2) as pool:
        masks = np.stack(list(track(pool.map(mask_of, photos), "masks", total=len(photos))))
    np.save(cache, np.packbits(masks, axis=-1))
    return masks
