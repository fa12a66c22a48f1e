"""What the catalogue keeps of a picture, and what it finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shoplens.domain.filters import Filter
from shoplens.domain.pictures import Box, Features, Vector
from shoplens.domain.products import ProductDetails, ProductImage


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
class IndexStatus:
    """The index as it stands: ``version`` names model and generation; ``items`` counts images that can be found.

    ``fresh_as_of``: every write acknowledged before this moment can be found. ``ready``: no index is being built.
    ``revision``: another number after every change of what can be found, for whoever remembers an answer; no order is
    meant, and 0 says that nobody counts.
    """

    version: str
    items: int
    products: int
    fresh_as_of: datetime
    ready: bool
    revision: int = 0


@dataclass(frozen=True, slots=True)
class RegionQuery:
    """What to look for in the catalogue.

    probes: embeddings of ``model``. limit: the most hits for each of them.
    nodes: restricts the search to products of these taxonomy nodes; empty means all.
    only: restricts it to products of which this is true.
    words: adds, for each probe, the ``limit`` nearest of the products whose words fit best; each hit says how well.
    """

    probes: Sequence[Vector]
    limit: int
    model: str
    nodes: Sequence[str] = ()
    only: Filter | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """A catalogue region near a probe.

    probe: which of the query's probes found it.
    similarity: cosine of the two embeddings, −1..1.
    node: the taxonomy's name for the product's category.
    colour: the region's colour signature, as in ``Features``.
    words: how well the product's words fit those that were searched for, 0..1; None where none were.
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
    words: float | None = None
