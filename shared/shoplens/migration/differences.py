"""What two indexes tell differently: product by product, both read once, side by side, in the order of their ids."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from shoplens.domain import Features, Product
from shoplens.errors import NotFound
from shoplens.ports import CatalogueReader

TOLERANCE: Final = 1e-5
"""Vectors that are computed again agree within this."""

_PAGE: Final = 500


class Kind(StrEnum):
    MISSING = "missing"
    """Only the first index has the product."""
    EXTRA = "extra"
    """Only the second has it."""
    DETAILS = "details"
    PICTURES = "pictures"
    VECTORS = "vectors"


@dataclass(frozen=True, slots=True)
class Difference:
    """One product, and what is different about it, in a sentence. ours, theirs: the product in the first and the second index."""

    kind: Kind
    product_id: str
    detail: str
    ours: Product | None = None
    theirs: Product | None = None


@dataclass(frozen=True, slots=True)
class Same:
    """A product that both have, alike."""

    product_id: str


def compared(ours: CatalogueReader, theirs: CatalogueReader, *, vectors: bool = False) -> Iterator[Difference | Same]:
    """One verdict a product. ``vectors``: compare features too, which only makes sense between indexes of one model.

    Raises what the ports raise. What is written meanwhile may show up as a difference that is none a moment later.
    """
    mine, other = products(ours), products(theirs)
    one, two = next(mine, None), next(other, None)
    while one is not None or two is not None:
        if two is None or (one is not None and one.id < two.id):
            assert one is not None
            yield Difference(Kind.MISSING, one.id, "It is not in the second index.", ours=one)
            one = next(mine, None)
        elif one is None or two.id < one.id:
            yield Difference(Kind.EXTRA, two.id, "It is not in the first index.", theirs=two)
            two = next(other, None)
        else:
            yield _difference(one, two) or (_vectors(ours, theirs, one, two) if vectors else None) or Same(one.id)
            one, two = next(mine, None), next(other, None)


def products(catalogue: CatalogueReader) -> Iterator[Product]:
    """All of them, page by page, in the order of their ids."""
    token = ""
    while True:
        page = catalogue.page(size=_PAGE, token=token)
        yield from page.products
        token = page.next_token
        if not token:
            return


def _difference(one: Product, two: Product) -> Difference | None:
    """What a shop said of it; the node is the models' guess where the shop's category says nothing."""
    if one.version != two.version:
        return Difference(Kind.DETAILS, one.id, f"Its version is {one.version} there and {two.version} here.", one, two)
    if one.details != two.details:
        fields = [name for name in one.details.__slots__ if getattr(one.details, name) != getattr(two.details, name)]
        return Difference(Kind.DETAILS, one.id, f"It differs in {', '.join(fields)}.", one, two)
    if one.images != two.images:
        return Difference(Kind.PICTURES, one.id, "Its pictures, or what is said of them, differ.", one, two)
    return None


def _vectors(ours: CatalogueReader, theirs: CatalogueReader, one: Product, two: Product) -> Difference | None:
    try:
        pairs = list(zip(ours.features(one.id), theirs.features(two.id), strict=True))
    except (NotFound, ValueError):
        return Difference(Kind.VECTORS, one.id, "One of the indexes lacks vectors of it.", one, two)
    apart = max((distance(*pair) for pair in pairs), default=0.0)
    if apart > TOLERANCE:
        return Difference(Kind.VECTORS, one.id, f"Its vectors differ by up to {apart:.2g}.", one, two)
    return None


def distance(one: Features, two: Features) -> float:
    """The largest difference of any number of the two."""
    parts = ((one.embedding, two.embedding), (one.colour, two.colour), (one.categories, two.categories))
    if any(np.shape(a) != np.shape(b) for a, b in parts):
        return float("inf")
    return max(float(np.abs(np.asarray(a) - np.asarray(b)).max(initial=0.0)) for a, b in parts)
