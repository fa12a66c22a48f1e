"""A search: Milvus says which rows are near, memory says what they show and whether anyone may see them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from services.catalogue import rows, schema
from services.catalogue.connection import Milvus, Neighbours
from services.catalogue.directory import Directory
from services.catalogue.kept import Nearby
from shoplens.domain import Hit

MOST_HITS = 16_384
"""The largest limit of a search, which is Milvus'."""
_LOOKS = 3


class Searcher:
    """Finds the regions of present products.

    images: the collection to look in. hidden: how many rows lie in it that no search may show.
    """

    def __init__(self, milvus: Milvus, images: str, directory: Directory, nearby: Nearby, hidden: Callable[[], int]) -> None:
        self._milvus = milvus
        self._images = images
        self._directory = directory
        self._nearby = nearby
        self._hidden = hidden

    def nearest(self, probes: NDArray[np.float32], *, limit: int, where: str) -> list[Hit]:
        """Up to ``limit`` hits for each probe, the probes in order, the most similar first."""
        hits: list[Hit] = []
        ask = limit
        for _ in range(_LOOKS):
            changes = self._directory.changes
            params = schema.search_params(embedded=self._milvus.embedded is not None, limit=ask, filtered=bool(where))
            found = self._milvus.search(self._images, probes, field="embedding", limit=ask, where=where, params=params)
            shown = self._shown(found)
            hits = [hit for of_probe in shown for hit in of_probe[:limit]]
            left_out = any(len(of_probe) < len(raw.ids) for of_probe, raw in zip(shown, found, strict=True))
            too_few = any(len(of_probe) < min(limit, len(raw.ids)) for of_probe, raw in zip(shown, found, strict=True))
            # A row left out was superseded: its successor may be further down, or was written while we looked.
            if not left_out or (not too_few and self._directory.changes == changes):
                break
            ask = min(limit + self._hidden(), MOST_HITS)
        return hits

    def _shown(self, found: Sequence[Neighbours]) -> list[list[Hit]]:
        """The hits of each probe whose rows are a product's present ones."""
        records = self._nearby.records.of(number for of_probe in found for number in of_probe.ids)
        entries = {base: self._directory.of_base(base) for base in {record.base for record in records.values()}}
        documents = self._nearby.documents.of(entry.number for entry in entries.values() if entry is not None)
        products = {base: documents[entry.number] for base, entry in entries.items() if entry is not None and entry.number in documents}
        seen = {number: (record, products[record.base]) for number, record in records.items() if record.base in products}
        return [
            [
                _hit(probe, similarity, *seen[number])
                for number, similarity in zip(of_probe.ids, of_probe.similarities, strict=True)
                if number in seen
            ]
            for probe, of_probe in enumerate(found)
        ]


def _hit(probe: int, similarity: float, record: rows.RegionRecord, document: rows.Document) -> Hit:
    product, image = document.product, document.product.images[record.image]
    return Hit(
        probe=probe,
        product_id=product.id,
        image_id=image.id,
        similarity=min(1.0, max(-1.0, similarity)),
        box=record.box,
        node=product.node,
        colour=record.colour,
        content_hash=image.content_hash,
        details=product.details,
    )
