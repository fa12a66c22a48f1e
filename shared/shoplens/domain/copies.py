"""Copies of a picture: which catalogue pictures are one and the same, edited or not, and how they differ."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shoplens.domain.pictures import Picture
from shoplens.domain.products import ProductImage

Affine = tuple[tuple[float, float, float], tuple[float, float, float]]
"""``((a, b, c), (d, e, f))``: a point ``(x, y)`` goes to ``(a·x + b·y + c, d·x + e·y + f)``."""

SAME_PLACE: Affine = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))


class Recolouring(StrEnum):
    """What was done to all colours alike, beside light, contrast and white balance."""

    NONE = "none"
    HUE = "hue"
    GREY = "grey"


@dataclass(frozen=True, slots=True)
class Change:
    """How a query differs from a catalogue picture.

    flipped: mirrored left to right. overlap: the share of the catalogue picture that the query shows, 0..1.
    query_overlap: the share of the query that shows it, 0..1. affine: from the query's relative coordinates to the catalogue
    picture's; its determinant is negative where ``flipped``. recolouring: of the colours. amount: how much was changed in all,
    0 (nothing) to 1.
    """

    flipped: bool = False
    overlap: float = 1.0
    query_overlap: float = 1.0
    affine: Affine = SAME_PLACE
    recolouring: Recolouring = Recolouring.NONE
    amount: float = 0.0


@dataclass(frozen=True, slots=True)
class Copy:
    """A catalogue picture that is a copy of the query. probability: that it is one, 0..1. exact: the same file, byte for byte."""

    content_hash: str
    probability: float
    change: Change
    exact: bool = False


@dataclass(frozen=True, slots=True)
class ImageHolder:
    """A product's image that shows a certain picture."""

    product_id: str
    image: ProductImage


class CopyOrder(StrEnum):
    """In which order copies are told."""

    BEST = "best"
    MOST_CHANGED = "most_changed"
    BIGGEST = "biggest"
    NEWEST = "newest"
    OLDEST = "oldest"


@dataclass(frozen=True, slots=True)
class CopyQuery:
    """A search for copies. ``top_k`` matches at most."""

    picture: Picture
    order: CopyOrder = CopyOrder.BEST
    top_k: int = 20


@dataclass(frozen=True, slots=True)
class CopyMatch:
    """A product's image that is a copy of the query."""

    holder: ImageHolder
    copy: Copy
