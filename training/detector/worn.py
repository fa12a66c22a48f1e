"""Shop photos of garments that somebody wears: the shop says what, an earlier detector says where.

Street photos teach what clothes look like from across the road, and that most people out there wear a coat. A shop's
photos of models are nearer and say plainly which garment is for sale, but have no boxes. A detector that confuses a
shirt with a jacket still knows where it is: its best box of the right half of the body gets the shop's class.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from services.detector.engine import LiteRtDetector
from shoplens.domain import Region
from training.detector.evaluate import picture_of
from training.detector.photos import CLASSES, Labelled, read

_UPPER = ("top", "outerwear", "dress", "suit")
_LOWER = ("pants", "shorts", "skirt", "dress")
_CLASS_OF = {
    "Tshirts": "top", "Shirts": "top", "Tops": "top", "Sweaters": "top", "Sweatshirts": "top", "Kurtas": "top",
    "Jackets": "outerwear", "Dresses": "dress", "Jeans": "pants", "Trousers": "pants", "Track Pants": "pants",
    "Leggings": "pants", "Shorts": "shorts", "Skirts": "skirt",
}  # fmt: skip
_RIVALS = {
    "top": _UPPER,
    "outerwear": ("outerwear", "dress", "suit"),  # what is worn under a jacket may show, so a top stays open
    "dress": ("dress", "top", "outerwear", "skirt", "suit"),
    "pants": _LOWER,
    "shorts": _LOWER,
    "skirt": _LOWER,
}
"""For each class, those whose absence its photo shows; of all others nothing is known."""
_PER_TYPE = 110
_SURE = 0.35
_LEAST_AREA = 0.08


def worn(data: Path, detector: LiteRtDetector, random: np.random.Generator) -> list[Labelled]:
    """Photos of ``studio_products`` in which the detector finds the garment, at most ``_PER_TYPE`` an article type."""
    folder = data / "studio_products"
    paths: dict[str, list[str]] = defaultdict(list)
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["articleType"] in _CLASS_OF:
                paths[row["articleType"]].append(row["path"])
    found = []
    for article, candidates in sorted(paths.items()):
        random.shuffle(candidates)
        for path in candidates[:_PER_TYPE]:
            photo = _labelled(read(folder / path), _CLASS_OF[article], detector, path)
            if photo is not None:
                found.append(photo)
    return found


def _labelled(pixels: np.ndarray, category: str, detector: LiteRtDetector, name: str) -> Labelled | None:
    pixels = cv2.resize(pixels, (168, 224), interpolation=cv2.INTER_AREA)  # the shop's shape was 3:4, see its README
    rivals = _RIVALS[category]
    judged = np.array([float(other in rivals) for other in CLASSES], np.float32)
    photo = Labelled(pixels, np.zeros((0, 4), np.float32), np.zeros(0, np.intp), judged, name)
    region = _best(detector.detect(picture_of(photo)), _UPPER if category in _UPPER else _LOWER)
    if region is None:
        return None
    box = np.array([region.box.as_tuple()], np.float32) * np.array([168, 224, 168, 224], np.float32)
    return Labelled(pixels, box, np.array([CLASSES.index(category)]), judged, name)


def _best(regions: Sequence[Region], half: tuple[str, ...]) -> Region | None:
    fitting = [region for region in regions if region.category in half and region.box.area >= _LEAST_AREA]
    best = max(fitting, key=lambda region: region.score, default=None)
    return best if best is not None and best.score >= _SURE else None
