"""Made-up shop pictures: cut-outs of single products, laid on plain, shaded and blurred grounds.

Street photos have few watches, ties and hats, and no picture of a thing on its own. A shop's product photos on white
do, and the silhouette gives the box for nothing. A garment that somebody wears is left out: its silhouette is a person.
Bottles, umbrellas and coloured shapes lie among them without a box, for not every silhouette is fashion.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.detector.photos import CLASSES, Labelled, read

_CLASS_OF = {
    "Tshirts": "top", "Shirts": "top", "Tops": "top", "Sweaters": "top", "Sweatshirts": "top", "Kurtas": "top",
    "Jackets": "outerwear", "Dresses": "dress", "Jeans": "pants", "Trousers": "pants", "Track Pants": "pants",
    "Leggings": "pants", "Shorts": "shorts", "Skirts": "skirt", "Casual Shoes": "shoes", "Sports Shoes": "shoes",
    "Heels": "shoes", "Sandals": "shoes", "Flip Flops": "shoes", "Formal Shoes": "shoes", "Flats": "shoes",
    "Handbags": "bag", "Backpacks": "bag", "Clutches": "bag", "Wallets": "bag", "Laptop Bag": "bag",
    "Duffel Bag": "bag", "Caps": "hat", "Hat": "hat", "Sunglasses": "eyewear", "Mufflers": "scarf",
    "Scarves": "scarf", "Stoles": "scarf", "Ties": "tie", "Belts": "belt", "Watches": "watch",
}  # fmt: skip
_NO_FASHION = frozenset(
    {"Perfume and Body Mist", "Deodorant", "Fragrance Gift Set", "Umbrellas", "Cufflinks", "Footballs", "Necklace and Chains"}
)
_SHAPES = 60
_GARMENTS = frozenset({"top", "outerwear", "dress", "pants", "shorts", "skirt"})
_PER_TYPE = 80
_SKIN = 0.05
"""A garment's silhouette with more skin than this has a person in it."""


@dataclass(frozen=True, slots=True)
class CutOut:
    """A product without its ground: pixels uint8 ``[h, w, 3]``, alpha float32 ``[h, w, 1]`` 0..1.

    category: an index into CLASSES, or -1 for what is no fashion and gets no box.
    """

    pixels: NDArray[np.uint8]
    alpha: NDArray[np.float32]
    category: int


def cut_outs(data: Path, random: np.random.Generator) -> list[CutOut]:
    """Cut-outs from ``studio_products``, at most ``_PER_TYPE`` an article type, by class in the order of CLASSES."""
    folder = data / "studio_products"
    paths: dict[str, list[str]] = defaultdict(list)
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["articleType"] in _CLASS_OF.keys() | _NO_FASHION:
                paths[row["articleType"]].append(row["path"])
    found = []
    for article, candidates in sorted(paths.items()):
        random.shuffle(candidates)
        for path in candidates[:_PER_TYPE]:
            cut = _cut(read(folder / path), _CLASS_OF.get(article))
            if cut is not None:
                found.append(cut)
    found += [_shape(random) for _ in range(_SHAPES)]
    return sorted(found, key=lambda cut: cut.category)


def _cut(pixels: NDArray[np.uint8], category: str | None) -> CutOut | None:
    pixels = cv2.resize(pixels, (168, 224), interpolation=cv2.INTER_AREA)  # the shop's shape was 3:4, see its README
    mask = (pixels.min(2) < 242).astype(np.uint8)
    border = np.concatenate([mask[0], mask[:, 0], mask[:, -1]])
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    large = [outline for outline in outlines if cv2.contourArea(outline) > 60]
    if border.mean() > 0.05 or not large:
        return None
    # Through the holes of a belt or a pair of glasses the ground shows; only specks are filled.
    filled = cv2.drawContours(np.zeros_like(mask), large, -1, 1, cv2.FILLED) & cv2.dilate(mask, np.ones((5, 5), np.uint8))
    left, top, width, height = cv2.boundingRect(filled)
    inside = np.s_[top : top + height, left : left + width]
    if category in _GARMENTS and _skin(pixels[inside], filled[inside]) > _SKIN:
        return None
    # One pixel off the edge, which still carries the old ground's white.
    inner = cv2.erode(np.pad(filled, 1), np.ones((3, 3), np.uint8))[1:-1, 1:-1]
    alpha = cv2.GaussianBlur(inner[inside].astype(np.float32), (3, 3), 0)[..., None]
    return CutOut(np.ascontiguousarray(pixels[inside]), alpha, -1 if category is None else CLASSES.index(category))


def _shape(random: np.random.Generator) -> CutOut:
    """A shaded ellipse or polygon: a ball, a bottle, a box."""
    corners = random.integers(0, 256, (2, 2, 3)).astype(np.uint8)
    height, width = (int(side) for side in random.integers(60, 220, 2))
    pixels = cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR)
    mask = np.zeros((height, width), np.uint8)
    if random.random() < 0.5:
        cv2.ellipse(mask, (width // 2, height // 2), (width // 2 - 1, height // 2 - 1), 0, 0, 360, 1, cv2.FILLED)
    else:
        outline = random.random((int(random.integers(3, 8)), 2)) * [width, height]
        cv2.fillPoly(mask, [cv2.convexHull(outline.astype(np.int32))], 1)
    return CutOut(np.asarray(pixels, np.uint8), mask.astype(np.float32)[..., None], -1)


def _skin(pixels: NDArray[np.uint8], mask: NDArray[np.uint8]) -> float:
    """The share of the silhouette in a skin tone (the usual Cr, Cb rectangle)."""
    _, red, blue = cv2.split(cv2.cvtColor(pixels, cv2.COLOR_RGB2YCrCb))
    tone = (red > 138) & (red < 173) & (blue > 85) & (blue < 127) & (mask > 0)
    return float(tone.sum() / max(int(mask.sum()), 1))


def composite(cuts: list[CutOut], grounds: list[Labelled], random: np.random.Generator) -> Labelled:
    """A random shop picture: mostly one product, sometimes up to four, now and then none."""
    height, width = 480, int(random.choice([320, 360, 480]))
    canvas = _ground(grounds, height, width, random)
    number = int(random.choice([0, 1, 2, 3, 4], p=[0.06, 0.6, 0.14, 0.1, 0.1]))
    boxes, classes = [], []
    cells = [(0.0, 0.0, 1.0, 1.0)] if number <= 1 else [(x, y, 0.5, 0.5) for x in (0.0, 0.5) for y in (0.0, 0.5)]
    random.shuffle(cells)
    by_class: dict[int, list[CutOut]] = defaultdict(list)
    for cut in cuts:
        by_class[cut.category].append(cut)
    for x, y, w, h in cells[:number]:
        group = by_class[int(random.choice(sorted(by_class)))]
        cut = group[int(random.integers(len(group)))]
        box = _paste(canvas, cut, (x * width, y * height, w * width, h * height), random)
        if cut.category >= 0:
            boxes.append(box)
            classes.append(cut.category)
    return Labelled(canvas, np.array(boxes, np.float32).reshape(-1, 4), np.array(classes, np.intp), np.ones(len(CLASSES), np.float32))


def _ground(grounds: list[Labelled], height: int, width: int, random: np.random.Generator) -> NDArray[np.uint8]:
    draw = random.random()
    if draw < 0.5:
        colour = np.full(3, random.integers(225, 256)) if draw < 0.35 else random.integers(0, 256, 3)
        return np.broadcast_to(colour, (height, width, 3)).astype(np.uint8)
    if draw < 0.7:
        corners = random.integers(40, 256, (2, 2, 3)).astype(np.uint8)
        return np.asarray(cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    photo = grounds[int(random.integers(len(grounds)))].pixels
    # The top corners of a street photo hold walls, windows and sky, no clothes; blurred, they are any room.
    patch = photo[: photo.shape[0] // 3, : photo.shape[1] // 3]
    return np.asarray(cv2.GaussianBlur(cv2.resize(patch, (width, height)), (0, 0), random.uniform(2, 8)), np.uint8)


def _paste(
    canvas: NDArray[np.uint8], cut: CutOut, cell: tuple[float, float, float, float], random: np.random.Generator
) -> tuple[float, float, float, float]:
    """Draw the product somewhere in the cell; its box in pixels."""
    x, y, w, h = cell
    rows, columns = cut.pixels.shape[:2]
    scale = min(w / columns, h / rows) * random.uniform(0.45, 0.98)
    width, height = max(int(columns * scale), 4), max(int(rows * scale), 4)
    pixels, alpha = cv2.resize(cut.pixels, (width, height)), cv2.resize(cut.alpha, (width, height))[..., None]
    if random.random() < 0.5:
        pixels, alpha = pixels[:, ::-1], alpha[:, ::-1]
    left, top = int(x + random.uniform(0, w - width)), int(y + random.uniform(0, h - height))
    place = canvas[top : top + height, left : left + width]
    place[:] = (pixels * alpha + place * (1.0 - alpha)).astype(np.uint8)
    return (left, top, left + width, top + height)
