"""The photos that the encoder learns from: which, with which labels, and how they are split.

Two sets teach: ``studio_products`` (shop photos, nearly white background) and ``clothing_cc0`` (phone photos on floors
and hangers). Their own category names become leaves of the taxonomy. The split is by product and by sender, decided
by a hash of the id, so that it is the same everywhere and for ever. ``catalogue_luma`` is for measuring only.
"""

from __future__ import annotations

import csv
import zlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from shoplens.domain import Pixels
from shoplens.taxonomy import taxonomy

HELD_BACK_PERCENT = {"studio_products": 8, "clothing_cc0": 20}
LEAVES = tuple(taxonomy().leaves)
UNLABELLED = -1

# What `Taxonomy.guess` cannot know: data set names that mean another leaf than their words say.
_OWN_NAMES = {
    "Tops": "blouse",
    "Top": "blouse",
    "Jackets": "jacket",
    "Dresses": "dress",
    "Dress": "dress",
    "Shorts": "shorts",
    "Skirts": "skirt",
    "Skirt": "skirt",
    "Pants": "trousers",
    "Shoes": "shoes",
    "Hat": "hat",
    "Watches": "watch",
    "Belts": "belt",
    "Ties": "tie",
    "Sunglasses": "eyewear",
    "Outwear": "jacket",
}
_NOT_FASHION = ("Personal Care", "Free Items", "Sporting Goods")


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo of one product.

    origin: the data set. product: unique over all sets. category: index into ``LEAVES``, or ``UNLABELLED``.
    kin: what hard negatives share; a data set's own type.
    """

    path: Path
    origin: str
    product: str
    category: int
    kin: str
    held_back: bool

    def read(self) -> Pixels:
        """The decoded photo, RGB."""
        pixels = cv2.imread(str(self.path), cv2.IMREAD_COLOR)
        if pixels is None:
            raise FileNotFoundError(f"{self.path}: not there, or not a picture")
        return np.ascontiguousarray(pixels[..., ::-1], dtype=np.uint8)


def _leaf(name: str) -> int:
    tree = taxonomy()
    node = _OWN_NAMES.get(name) or tree.guess(name)
    return LEAVES.index(node) if node in tree.leaves else UNLABELLED


def _held_back(origin: str, key: str) -> bool:
    return zlib.crc32(f"{origin}/{key}".encode()) % 100 < HELD_BACK_PERCENT[origin]


def _rows(folder: Path) -> list[dict[str, str]]:
    manifest = folder / "manifest.csv"
    if not manifest.is_file():
        raise FileNotFoundError(f"{manifest}: the photos to train on are missing; give their folder with --data")
    with manifest.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def training_photos(data: Path) -> list[Photo]:
    """Every photo of the two sets, held-back ones marked."""
    photos = []
    for row in _rows(data / "studio_products"):
        kind, key = row["articleType"], row["product_id"]
        category = UNLABELLED if row["masterCategory"] in _NOT_FASHION else _leaf(kind)
        if kind == "Tshirts" and " polo" in row["title"].lower():
            category = LEAVES.index("polo")
        path = data / "studio_products" / row["path"]
        photos.append(Photo(path, "studio_products", f"studio/{key}", category, kind, _held_back("studio_products", key)))
    for row in _rows(data / "clothing_cc0"):
        kind, sender = row["category"], row["sender_id"]
        path = data / "clothing_cc0" / row["path"]
        photos.append(Photo(path, "clothing_cc0", f"phone/{path.stem}", _leaf(kind), f"phone {kind}", _held_back("clothing_cc0", sender)))
    return photos
