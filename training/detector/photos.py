"""Labelled pictures: the street photos with their boxes, and cut-outs of shop products.

Both are read from the data folder's manifests; what they are and under which licence stands in its README.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

CLASSES = (
    "top", "outerwear", "dress", "pants", "shorts", "skirt", "suit", "shoes",
    "bag", "hat", "eyewear", "scarf", "tie", "belt", "watch",
)  # fmt: skip
"""The groups of the taxonomy that a region can be."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture and its boxes.

    pixels: uint8 ``[height, width, 3]`` RGB; boxes: float32 ``[n, 4]`` pixels; classes: ``[n]`` indices into CLASSES;
    judged: ``[classes]``, whether the absence of a class's box means that none is there.
    """

    pixels: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    classes: NDArray[np.intp]
    judged: NDArray[np.float32]
    name: str = ""


def street_photos(data: Path, split: str) -> list[Labelled]:
    """The photos of ``street_boxes`` of one split, ``train`` or ``val``, every class judged."""
    folder = data / "street_boxes"
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    with (folder / "boxes.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["split"] == split:
                rows[row["path"]].append(row)
    return [
        Labelled(
            pixels=read(folder / path),
            boxes=np.array([[float(row[side]) for side in ("x1", "y1", "x2", "y2")] for row in found], np.float32),
            classes=np.array([CLASSES.index(row["class"]) for row in found]),
            judged=np.ones(len(CLASSES), np.float32),
            name=path,
        )
        for path, found in sorted(rows.items())
    ]


def read(path: Path) -> NDArray[np.uint8]:
    """A picture file as RGB pixels. Raises FileNotFoundError where there is none that can be read."""
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise FileNotFoundError(f"{path}: no picture here")
    return np.ascontiguousarray(pixels[..., ::-1], dtype=np.uint8)


def repeats(photos: list[Labelled], share: float) -> NDArray[np.float64]:
    """How often to show each photo, relative to the others: more where it has a rare class (LVIS, Gupta et al. 2019)."""
    count = Counter(int(index) for photo in photos for index in set(photo.classes.tolist()))
    factor = {index: max(1.0, (share * len(photos) / number) ** 0.5) for index, number in count.items()}
    return np.array([max((factor[int(index)] for index in photo.classes), default=1.0) for photo in photos])
