"""What flows between the parts: pictures, regions, features, products, hits and answers.

Everything here is frozen and knows no other part. Arrays are documented by shape, dtype and range.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""``[height, width, 3]``, RGB, 0..255, C-contiguous."""

Vector = NDArray[np.float32]
"""``[width]``, float32."""

AttributeValue = str | int | float | bool | Sequence[str]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle relative to its picture: 0 ≤ x0 < x1 ≤ 1 and 0 ≤ y0 < y1 ≤ 1, origin at the top left."""

    x0: float
    y0: float
    x1: float
    y1: float

    def __post_init__(self) -> None:
        if not (0.0 <= self.x0 < self.x1 <= 1.0 and 0.0 <= self.y0 < self.y1 <= 1.0):
            raise ValueError(f"a box is [x0, y0, x1, y1] with 0 ≤ x0 < x1 ≤ 1 and 0 ≤ y0 < y1 ≤ 1, not {self.as_tuple()}")

    def as_tuple(self) -> tuple[float, float, float, float]:
        return (self.x0, self.y0, self.x1, self.y1)

    @property
    def area(self) -> float:
        """The share of the picture that the box covers, 0..1."""
        return (self.x1 - self.x0) * (self.y1 - self.y0)

    def crop(self, pixels: Pixels) -> Pixels:
        """The pixels inside the box, at least one, as a view."""
        height, width = pixels.shape[:2]
        left, top = min(int(self.x0 * width), width - 1), min(int(self.y0 * height), height - 1)
        right, bottom = max(round(self.x1 * width), left + 1), max(round(self.y1 * height), top + 1)
        return pixels[top:bottom, left:right]


WHOLE_FRAME = Box(0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture: upright, RGB, at most ``images.WORKING_SIDE`` pixels on its longer side.

    ``content_hash`` is the SHA-256 of the bytes it was decoded from, in hex; ``width`` and ``height`` are those of
    the original, upright, in pixels, which may be larger than ``pixels``.
    """

    pixels: Pixels
    content_hash: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Region:
    """A fashion region: where, which group of the taxonomy, and how sure (0..1)."""

    box: Box
    category: str
    score: float

    @property
    def salience(self) -> float:
        """How likely the region is what the photo is about, 0..1: sure, large and near the middle."""
        off_centre = math.hypot((self.box.x0 + self.box.x1 - 1) / 2, (self.box.y0 + self.box.y1 - 1) / 2)
        return self.score * math.sqrt(self.box.area) * (1.0 - off_centre)


@dataclass(frozen=True, slots=True)
class Features:
    """What the encoder makes of one box.

    embedding: ``[embedding_width]`` float32, unit length.
    categories: ``[len(card.categories)]`` float32, a probability for each leaf of the taxonomy, in the card's order.
    colour: ``[colour_width]`` float32, unit length; the similarity of two signatures is their dot product, 0..1.
    content_hash: of the picture that the box was taken from.
    """

    embedding: Vector
    categories: Vector
    colour: Vector
    content_hash: str


@dataclass(frozen=True, slots=True)
class EncoderCard:
    """What an encoder's outputs mean; a catalogue is built for exactly one ``version``."""

    name: str
    version: str
    embedding_width: int
    colour_width: int
    categories: tuple[str, ...]

    @property
    def model(self) -> str:
        return f"{self.name}-{self.version}"


@dataclass(frozen=True, slots=True)
class Price:
    """``amount`` in units (not cents) of the ISO 4217 ``currency``."""

    amount: float
    currency: str


@dataclass(frozen=True, slots=True)
class ImageSource:
    """A product's picture as the shop gives it: exactly one of ``content`` (encoded bytes) and ``uri``."""

    id: str
    content: bytes | None = None
    uri: str | None = None
    page_url: str | None = None
    creator: str | None = None
    published_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ProductImage:
    """A product's picture as the catalogue knows it; ``width`` and ``height`` in pixels of the original."""

    id: str
    content_hash: str
    width: int
    height: int
    uri: str | None = None
    page_url: str | None = None
    creator: str | None = None
    published_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ProductDetails:
    """What a shop says of a product beside its pictures. ``category`` is the shop's own name for it."""

    title: str = ""
    description: str = ""
    category: str = ""
    brand: str = ""
    price: Price | None = None
    in_stock: bool = True
    url: str = ""
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProductDraft:
    """A product on its way in. A ``version`` older than the stored one changes nothing; ``None`` takes the next one."""

    id: str
    details: ProductDetails
    images: tuple[ImageSource, ...]
    version: int | None = None


@dataclass(frozen=True, slots=True)
class ProductPatch:
    """Changed details by field name (those of ``ProductDetails``; ``attributes`` merge, a ``None`` in them removes)."""

    id: str
    changes: Mapping[str, Any]
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """A product as the catalogue holds it; ``node`` is the taxonomy's name for its category (leaf, or group)."""

    id: str
    details: ProductDetails
    images: tuple[ProductImage, ...]
    version: int
    node: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class IndexedRegion:
    """One searchable vector of an image: the whole frame, a region that the detector found, or a close-up of one."""

    box: Box
    category: str
    features: Features


@dataclass(frozen=True, slots=True)
class IndexedImage:
    """An image ready for the catalogue: its record, its encoded bytes (to show again) and its vectors.

    ``regions[0]`` is the whole frame.
    """

    image: ProductImage
    content: bytes
    media_type: str
    regions: tuple[IndexedRegion, ...]


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """The bytes of a catalogue picture as they came in."""

    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class ProductPage:
    """Products in the order of their ids; ``next_token`` is empty on the last page."""

    products: tuple[Product, ...]
    next_token: str


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """The index as it stands: ``version`` names model and generation; ``items`` counts images that can be found.

    ``fresh_as_of``: every write acknowledged before this moment can be found. ``ready``: no index is being built.
    """

    version: str
    items: int
    products: int
    fresh_as_of: datetime
    ready: bool


@dataclass(frozen=True, slots=True)
class Hit:
    """A catalogue region near a probe.

    probe: which of the query's probes found it.
    similarity: cosine of the two embeddings, −1..1.
    node: the taxonomy's name for the product's category.
    colour: the region's colour signature, as in ``Features``.
    """

    probe: int
    product_id: str
    image_id: str
    similarity: float
    box: Box
    node: str
    colour: Vector
    content_hash: str
    details: ProductDetails


class Verdict(StrEnum):
    """What the best result is to the photo, surest first."""

    EXACT_COPY = "exact_copy"
    EDITED_COPY = "edited_copy"
    SAME_PRODUCT = "same_product"
    SIMILAR = "similar"
    NO_MATCH = "no_match"


@dataclass(frozen=True, slots=True)
class Scores:
    """The parts of a result's score, each 0..1; ``None`` where a part had nothing to say."""

    visual: float
    category: float | None = None
    colour: float | None = None
    text: float | None = None
    attributes: float | None = None
    business: float | None = None


@dataclass(frozen=True, slots=True)
class Contribution:
    """One part's share of a score: ``weight`` × ``value``. The shares of a result add up to its score."""

    part: str
    weight: float
    value: float


@dataclass(frozen=True, slots=True)
class Result:
    """A product in the answer; ``image_id`` is its picture that matched best, ``node`` the taxonomy's name for its category."""

    product_id: str
    image_id: str
    node: str
    score: float
    scores: Scores
    details: ProductDetails
    explanation: tuple[Contribution, ...] = ()


@dataclass(frozen=True, slots=True)
class CategoryGuess:
    name: str
    probability: float


@dataclass(frozen=True, slots=True)
class RankingQuery:
    """What the ranker needs to know of a query.

    probes: the query's features; a hit names the one that found it.
    category: the shopper's pick (a taxonomy node), or None.
    weights: overrides by part name, each 0..10.
    """

    probes: tuple[Features, ...]
    category: str | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    top_k: int = 20
    explain: bool = False


@dataclass(frozen=True, slots=True)
class Ranking:
    categories: tuple[CategoryGuess, ...]
    verdict: Verdict
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A camera search. Exactly one of ``picture`` and ``product_id``; ``category`` is a taxonomy node."""

    picture: Picture | None = None
    product_id: str | None = None
    box: Box | None = None
    category: str | None = None
    region_score: float | None = None
    top_k: int = 20
    weights: Mapping[str, float] = field(default_factory=dict)
    explain: bool = False


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """``region`` is the index in ``regions`` of the one searched for; ``timings_ms`` by stage."""

    request_id: str
    model: str
    index: IndexStatus
    regions: tuple[Region, ...]
    region: int
    ranking: Ranking
    timings_ms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """What became of one product of a bulk import; ``error`` is empty when ``ok``."""

    product_id: str
    ok: bool
    error: str = ""
