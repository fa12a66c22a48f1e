"""Photos of one garment each: the shop or the owner says what it is, an earlier detector says where.

Street photos teach what clothes look like from across the road, and that most people out there wear a coat. A shop's
photos of models are nearer and say plainly which garment is for sale; phone photos show clothes on floors and hangers.
Neither has boxes. A detector that confuses a shirt with a jacket still knows where it is: its best box of the right
half of the body gets the class that was said.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from services.detector.engine import LiteRtDetector
from shoplens.domain import Region
from training.detector.evaluate import picture_of
from training.detector.photos import CLASSES, Labelled, read
from training.splits import held_back

_UPPER = ("top", "outerwear", "dress", "suit")
_LOWER = ("pants", "shorts", "skirt", "dress")
_CLASS_OF = {
    "studio_products": {
        "Tshirts": "top", "Shirts": "top", "Tops": "top", "Sweaters": "top", "Sweatshirts": "top", "Kurtas": "top",
        "Jackets": "outerwear", "Dresses": "dress", "Jeans": "pants", "Trousers": "pants", "Track Pants": "pants",
        "Leggings": "pants", "Shorts": "shorts", "Skirts": "skirt",
    },
    "clothing_cc0": {
        "T-Shirt": "top", "Longsleeve": "top", "Shirt": "top", "Polo": "top", "Hoodie": "top", "Undershirt": "top", "Blouse": "top",
        "Outwear": "outerwear", "Blazer": "outerwear", "Dress": "dress", "Pants": "pants", "Shorts": "shorts", "Skirt": "skirt",
    },
}  # fmt: skip
"""What the data sets' own types are among CLASSES."""
_COLUMNS = {"studio_products": ("articleType", "product_id"), "clothing_cc0": ("category", "sender_id")}
"""Where a data set's manifest says the type, and by what it is split."""
_RIVALS = {
    "top": _UPPER,
    "outerwear": ("outerwear", "dress", "suit"),  # what is worn under a jacket may show, so a top stays open
    "dress": ("dress", "top", "outerwear", "skirt", "suit"),
    "pants": _LOWER,
    "shorts": _LOWER,
    "skirt": _LOWER,
}
"""For each class, those whose absence its photo shows; of all others nothing is known."""
_PER_TYPE = 150
_SURE = 0.35
_LEAST_AREA = 0.08


def garments(data: Path, detector: LiteRtDetector, random: np.random.Generator) -> list[Labelled]:
    """The photos in which the detector finds the garment, at most ``_PER_TYPE`` a type, none that is held back."""
    chosen = [photo for origin in _CLASS_OF for photo in _of_one_garment(data / origin, random)]
    found = (_labelled(path, category, detector) for path, category in track(chosen, "photos of one garment"))
    return [photo for photo in found if photo is not None]


def _of_one_garment(folder: Path, random: np.random.Generator) -> Iterator[tuple[Path, str]]:
    """Photos of a data set and the classes of what they show."""
    classes, (kind, key) = _CLASS_OF[folder.name], _COLUMNS[folder.name]
    paths: dict[str, list[str]] = defaultdict(list)
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row[kind] in classes and not held_back(folder.name, row[key]):
                paths[row[kind]].append(row["path"])
    for type_, candidates in sorted(paths.items()):
        random.shuffle(candidates)
        yield from ((folder / path, classes[type_]) for path in candidates[:_PER_TYPE])


def _labelled(path: Path, category: str, detector: LiteRtDetector) -> Labelled | None:
    pixels = read(path)
    if "studio_products" in path.parts:  # the shop's photos were 3:4 before they were made square, see the data's README
        pixels = cv2.resize(pixels, (168, 224), interpolation=cv2.INTER_AREA)
    rivals = _RIVALS[category]
    judged = np.array([float(other in rivals) for other in CLASSES], np.float32)
    photo = Labelled(pixels, np.zeros((0, 4), np.float32), np.zeros(0, np.intp), judged, path.name)
    region = _best(detector.detect(picture_of(photo)), _UPPER if category in _UPPER else _LOWER)
    if region is None:
        return None
    height, width = pixels.shape[:2]
    box = np.array([region.box.as_tuple()], np.float32) * np.array([width, height, width, height], np.float32)
    return Labelled(pixels, box, np.array([CLASSES.index(category)]), judged, path.name)


def _best(regions: Sequence[Region], half: tuple[str, ...]) -> Region | None:
    fitting = [region for region in regions if region.category in half and region.box.area >= _LEAST_AREA]
    best = max(fitting, key=lambda region: region.score, default=None)
    return best if best is not None and best.score >= _SURE else None
