"""A search: Milvus says which rows are near, memory says what they show and whether anyone may see them.

A filter is answered by the :class:`Lookup`, and Milvus looks among the products that it leaves. Where it leaves very many,
naming them takes longer than looking a little deeper and leaving out what does not fit: the answer is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.catalogue import expressions, rows, schema
from services.catalogue.connection import Milvus, Neighbours
from services.catalogue.directory import Directory
from services.catalogue.kept import Nearby
from services.catalogue.lookup import Lookup
from services.catalogue.recall import RecallWatch
from shoplens.domain import Filter, Hit, RegionQuery
from shoplens.filters import facts, matches

MOST_HITS = 16_384
"""The largest limit of a search, which is Milvus'."""

MOST_NAMED = 8_192
"""Products that Milvus is given by number: 30 ms over 200,000 rows; 4,000 take 16, and no filter at all 18."""

MOST_WORDED = 2_000
"""Products, the best by words, among which the nearest are looked for too."""

_LOOKS = 3
_SPARE = 1.5
"""How much deeper than the filter's share says a search looks, for near things have much in common."""


class Searcher:
    """Finds the regions of present products.

    images: the collection to look in. hidden: how many rows lie in it that no search may show.
    """

    def __init__(
        self, milvus: Milvus, images: str, directory: Directory, lookup: Lookup, nearby: Nearby, hidden: Callable[[], int]
    ) -> None:
        self._milvus = milvus
        self._images = images
        self._directory = directory
        self._lookup = lookup
        self._nearby = nearby
        self._hidden = hidden
        self._recall = RecallWatch(milvus, images)

    def close(self) -> None:
        self._recall.close()

    def nearest(self, query: RegionQuery) -> list[Hit]:
        """Up to ``query.limit`` hits for each probe, the probes in order, the most similar first; with words twice as many."""
        allowed = None if query.only is None else self._lookup.matching(query.only)
        if allowed is not None and not allowed:
            return []
        found = self._allowed(query, allowed)
        return self._worded(query, found) if query.words else _in_order(found)

    def _allowed(self, query: RegionQuery, allowed: Sequence[int] | None) -> list[_Found]:
        if allowed is None:
            return self._look(query)
        if len(allowed) > MOST_NAMED:
            share = len(allowed) / max(len(self._directory), 1)
            found = self._look(query, deeper=int(query.limit / share * _SPARE))
            if len(found) >= query.limit * len(query.probes):
                return found
        return self._look(query, among=allowed)

    def _worded(self, query: RegionQuery, near: Sequence[_Found]) -> list[Hit]:
        """With the nearest of those that the words fit best, and each hit's words told."""
        worth = self._lookup.worded(query.words, limit=MOST_WORDED, wanted=query.only)
        found = {(each.hit.probe, each.row): each for each in near}
        if worth:
            found |= {(each.hit.probe, each.row): each for each in self._look(query, among=sorted(worth))}
        return _in_order(replace(each, hit=replace(each.hit, words=worth.get(each.base, 0.0))) for each in found.values())

    def _look(self, query: RegionQuery, *, among: Sequence[int] | None = None, deeper: int = 0) -> list[_Found]:
        """Up to ``query.limit`` for each probe. among: the bases of the products to look among. deeper: rows asked for beyond that."""
        nodes = expressions.one_of("node", query.nodes)
        where = nodes if among is None else expressions.both(nodes, expressions.named("base", among))
        probes = np.stack(query.probes).astype(np.float32, copy=False)
        found: list[_Found] = []
        ask = min(query.limit + deeper, MOST_HITS)
        for look in range(_LOOKS):
            changes = self._directory.changes
            params = schema.search_params(embedded=self._milvus.embedded is not None, limit=ask, filtered=bool(where))
            raw = self._milvus.search(self._images, probes, field="embedding", limit=ask, where=where, params=params)
            if not look:
                self._recall.searched(probes, where, raw)
            shown, superseded = self._shown(raw, query.only)
            found = [each for of_probe in shown for each in of_probe[: query.limit]]
            too_few = any(len(of_probe) < min(query.limit, len(near.ids)) for of_probe, near in zip(shown, raw, strict=True))
            # A row left out was superseded: its successor may be further down, or was written while we looked.
            if not superseded or (not too_few and self._directory.changes == changes):
                break
            ask = min(ask + self._hidden(), MOST_HITS)
        return found

    def _shown(self, found: Sequence[Neighbours], only: Filter | None) -> tuple[list[list[_Found]], bool]:
        """The hits of each probe whose rows are a present product's that the filter fits; and whether any row was superseded."""
        records = self._nearby.records.of(number for of_probe in found for number in of_probe.ids)
        products = self._products({record.base for record in records.values()})
        fitting = products if only is None else {base: each for base, each in products.items() if matches(only, facts(each.product))}
        seen = {number: (record, fitting[record.base]) for number, record in records.items() if record.base in fitting}
        shown = [
            [
                _Found(number, seen[number][0].base, _hit(probe, similarity, *seen[number]))
                for number, similarity in zip(of_probe.ids, of_probe.similarities, strict=True)
                if number in seen
            ]
            for probe, of_probe in enumerate(found)
        ]
        asked = {number for of_probe in found for number in of_probe.ids}
        return shown, len(records) < len(asked) or any(record.base not in products for record in records.values())

    def _products(self, bases: Collection[int]) -> Mapping[int, rows.Document]:
        """The present products whose image rows begin at these ids."""
        entries = {base: self._directory.of_base(base) for base in bases}
        documents = self._nearby.documents.of(entry.number for entry in entries.values() if entry is not None)
        return {base: documents[entry.number] for base, entry in entries.items() if entry is not None and entry.number in documents}


@dataclass(frozen=True, slots=True)
class _Found:
    """A hit, its row's id and the first id of its product's rows."""

    row: int
    base: int
    hit: Hit


def _in_order(found: Iterable[_Found]) -> list[Hit]:
    return sorted((each.hit for each in found), key=lambda hit: (hit.probe, -hit.similarity))


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
