"""What reads, of the generation that answers at that moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from shoplens.domain import (
    CopyMatch,
    CopyQuery,
    Features,
    Hit,
    ImageHolder,
    IndexStatus,
    Look,
    Product,
    ProductPage,
    RegionQuery,
    SearchAnswer,
    SearchQuery,
    StoredPicture,
)
from shoplens.migration.generations import Generations

Seen = Callable[[SearchQuery, SearchAnswer, float, int], None]
"""Told of an answer: how many seconds it took, and which generation gave it."""


class LiveSearch:
    """Implements ``ports.Search``. During a migration ``seen`` is told of every photo's answer, and must not wait."""

    def __init__(self, generations: Generations, seen: Seen | None = None) -> None:
        self._generations = generations
        self._seen = seen

    def search(self, query: SearchQuery) -> SearchAnswer:
        with self._generations.using() as pair:
            begun = time.monotonic()
            answer = pair.live.search.search(query)
            if self._seen is not None and pair.other is not None and query.picture is not None:
                self._seen(query, answer, time.monotonic() - begun, pair.live.number)
            return answer

    def similar(self, product_id: str, *, top_k: int = 20) -> SearchAnswer:
        with self._generations.using() as pair:
            return pair.live.search.similar(product_id, top_k=top_k)

    def look(self, query: SearchQuery) -> Look:
        with self._generations.using() as pair:
            return pair.live.search.look(query)


class LiveCopySearch:
    """Implements ``ports.CopySearch``."""

    def __init__(self, generations: Generations) -> None:
        self._generations = generations

    def copies(self, query: CopyQuery) -> Sequence[CopyMatch]:
        with self._generations.using() as pair:
            return pair.live.copies.copies(query)


class LiveCatalogue:
    """Implements ``ports.CatalogueReader``. Features are of one model, so they are written in a generation of their own."""

    def __init__(self, generations: Generations) -> None:
        self._generations = generations

    def get(self, product_id: str) -> Product:
        with self._generations.using() as pair:
            return pair.live.catalogue.get(product_id)

    def page(self, *, size: int = 100, token: str = "") -> ProductPage:
        with self._generations.using() as pair:
            return pair.live.catalogue.page(size=size, token=token)

    def features(self, product_id: str) -> Sequence[Features]:
        with self._generations.using() as pair:
            return pair.live.catalogue.features(product_id)

    def picture(self, product_id: str, image_id: str) -> StoredPicture:
        with self._generations.using() as pair:
            return pair.live.catalogue.picture(product_id, image_id)

    def holders(self, content_hashes: Sequence[str]) -> Mapping[str, Sequence[ImageHolder]]:
        with self._generations.using() as pair:
            return pair.live.catalogue.holders(content_hashes)

    def search(self, query: RegionQuery) -> Sequence[Hit]:
        with self._generations.using() as pair:
            return pair.live.catalogue.search(query)

    def status(self) -> IndexStatus:
        with self._generations.using() as pair:
            return pair.live.catalogue.status()
