"""Products: as a shop sends them, and as the catalogue holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

AttributeValue = str | int | float | bool | Sequence[str]


@dataclass(frozen=True, slots=True)
class Price:
    """``amount`` in units (not cents) of the ISO 4217 ``currency``."""

    amount: float
    currency: str


@dataclass(frozen=True, slots=True)
class ImageSource:
    """A product's picture as the shop gives it: ``content`` (encoded bytes) or ``uri``; both, where it is known what the address had."""

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

    def changed(self, changes: Mapping[str, Any]) -> ProductDetails:
        """The same with ``ProductPatch.changes`` applied; ``attributes`` merge, and a None among them removes one."""
        if "attributes" in changes:
            merged = {**self.attributes, **(changes["attributes"] or {})}
            changes = {**changes, "attributes": {name: value for name, value in merged.items() if value is not None}}
        return replace(self, **changes)


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
class ProductPage:
    """Products in the order of their ids; ``next_token`` is empty on the last page."""

    products: tuple[Product, ...]
    next_token: str


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """What became of one product of a bulk import; ``error`` is empty when ``ok``."""

    product_id: str
    ok: bool
    error: str = ""
