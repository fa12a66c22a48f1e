"""The photos that the encoder learns from: which, with which labels, and how they are split.

Three sets teach: ``studio_products`` (shop photos, nearly white background), ``clothing_cc0`` (phone photos on floors
and hangers), and the labelled boxes of ``street_boxes`` (garments worn in the street; the training photos alone). Their
own category names become leaves of the taxonomy, and the shop's words about a product its attributes. The split is by
product and by sender, decided by a hash of the id, so that it is the same everywhere and for ever. ``catalogue_luma`` is
for measuring only.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from shoplens.domain import Pixels
from shoplens.taxonomy import taxonomy
from training.splits import held_back

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

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "gender": ("men", "women", "unisex", "boys", "girls"),
    "colour": (
        "black", "blue", "white", "grey", "brown", "red", "green", "navy blue", "purple", "pink", "beige", "maroon", "yellow",
        "olive", "silver", "steel", "orange", "cream", "gold", "tan", "multi", "charcoal", "khaki", "magenta", "off white", "copper",
    ),
    "season": ("spring", "summer", "fall", "winter"),
    "usage": ("casual", "formal", "sports", "ethnic"),
}  # fmt: skip
"""What a shop says of a product beside its type, in the order in which it is read off, and the values known for each."""
_COLUMNS = {"gender": "gender", "colour": "baseColour", "season": "season", "usage": "usage"}

_STREET_LEAVES = ("dress", "shorts", "skirt", "bag", "hat", "eyewear", "scarf", "tie", "belt", "watch")
"""The region classes that are a leaf of the taxonomy too."""
_LEAST_STREET_SIDE = 40
_STREET_MARGIN = 0.12


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo of one product.

    origin: the data set. product: unique over all sets. category: index into ``LEAVES``, or ``UNLABELLED``.
    kin: what hard negatives share; a data set's own type. look: photos of one look may show the same thing, and are nobody's
    negatives. attributes: for each of ``ATTRIBUTES``, which value, or ``UNLABELLED``. crop: x0, y0, x1, y1 in pixels, where
    only a part of the photo is meant.
    """

    path: Path
    origin: str
    product: str
    category: int
    kin: str
    held_back: bool
    look: str = ""
    attributes: tuple[int, ...] = (UNLABELLED,) * len(ATTRIBUTES)
    crop: tuple[int, int, int, int] | None = None

    def read(self) -> Pixels:
        """The decoded photo, or the part of it that is meant, RGB."""
        pixels = cv2.imread(str(self.path), cv2.IMREAD_COLOR)
        if pixels is None:
            raise FileNotFoundError(f"{self.path}: not there, or not a picture")
        if self.crop is not None:
            x0, y0, x1, y1 = self.crop
            pixels = pixels[y0:y1, x0:x1]
        return np.ascontiguousarray(pixels[..., ::-1], dtype=np.uint8)


def _leaf(name: str) -> int:
    tree = taxonomy()
    node = _OWN_NAMES.get(name) or tree.guess(name)
    return LEAVES.index(node) if node in tree.leaves else UNLABELLED


def _rows(folder: Path, name: str = "manifest.csv") -> list[dict[str, str]]:
    manifest = folder / name
    if not manifest.is_file():
        raise FileNotFoundError(f"{manifest}: the photos to train on are missing; give their folder with --data")
    with manifest.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def training_photos(data: Path) -> list[Photo]:
    """Every photo of the three sets, held-back ones marked."""
    return [*_studio(data / "studio_products"), *_phone(data / "clothing_cc0"), *_street(data / "street_boxes")]


def _studio(folder: Path) -> Iterator[Photo]:
    for row in _rows(folder):
        kind, key = row["articleType"], row["product_id"]
        category = UNLABELLED if row["masterCategory"] in _NOT_FASHION else _leaf(kind)
        if kind == "Tshirts" and " polo" in row["title"].lower():
            category = LEAVES.index("polo")
        yield Photo(
            folder / row["path"], "studio_products", f"studio/{key}", category, kind, held_back("studio_products", key),
            look=f"studio/{row['title']}", attributes=tuple(_value(name, row[column]) for name, column in _COLUMNS.items()),
        )  # fmt: skip


def _phone(folder: Path) -> Iterator[Photo]:
    for row in _rows(folder):
        kind, path = row["category"], folder / row["path"]
        product = f"phone/{path.stem}"
        yield Photo(path, "clothing_cc0", product, _leaf(kind), f"phone {kind}", held_back("clothing_cc0", row["sender_id"]), look=product)


def _street(folder: Path) -> Iterator[Photo]:
    for number, row in enumerate(_rows(folder, "boxes.csv")):
        kind = row["class"]
        crop = _around(row)
        if row["split"] != "train" or min(crop[2] - crop[0], crop[3] - crop[1]) < _LEAST_STREET_SIDE:
            continue
        category = LEAVES.index(kind) if kind in _STREET_LEAVES else UNLABELLED
        product = f"street/{number}"
        # A photo's garments overlap: one's crop may show the other.
        yield Photo(
            folder / row["path"], "street_boxes", product, category, f"street {kind}", False, look=f"street/{row['path']}", crop=crop
        )


def _around(row: Mapping[str, str]) -> tuple[int, int, int, int]:
    """A labelled box and a little around it, within the photo."""
    x0, y0, x1, y1 = (float(row[name]) for name in ("x1", "y1", "x2", "y2"))
    aside, above = (x1 - x0) * _STREET_MARGIN, (y1 - y0) * _STREET_MARGIN
    width, height = int(row["width"]), int(row["height"])
    return max(0, int(x0 - aside)), max(0, int(y0 - above)), min(width, int(x1 + aside)), min(height, int(y1 + above))


def _value(attribute: str, word: str) -> int:
    values = ATTRIBUTES[attribute]
    return values.index(word.lower()) if word.lower() in values else UNLABELLED
