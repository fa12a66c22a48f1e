"""Which node of the taxonomy a product belongs to: what the shop says, else what its pictures show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from shoplens.domain import IndexedImage, ProductDetails
from shoplens.taxonomy import taxonomy


def node_of(details: ProductDetails, images: Sequence[IndexedImage], leaves: Sequence[str]) -> str:
    """The shop's category, else a category named in the title, else the encoder's likeliest leaf over all pictures.

    leaves: the names of the encoder's category probabilities.
    """
    told = taxonomy().guess(details.category) or taxonomy().guess(details.title)
    if told is not None:
        return told
    seen = np.sum([image.regions[0].features.categories for image in images], axis=0)
    return leaves[int(np.argmax(seen))]


def node_after(changes: Mapping[str, Any]) -> str | None:
    """The node of a product whose category changed; None where the product keeps the one it has."""
    if "category" not in changes:
        return None
    return taxonomy().guess(str(changes["category"])) or taxonomy().guess(str(changes.get("title", "")))
