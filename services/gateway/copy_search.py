"""Where in the catalogue a picture is used: its copies, and who shows each, in the order that a question needs.

The five uses of reverse image search: where it comes from and what is known of it (best), how it was altered (most changed), a
better version (biggest), who had it last or first (newest, oldest).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC

from shoplens import metrics
from shoplens.domain import CopyMatch, CopyOrder, CopyQuery
from shoplens.ports import CatalogueReader, Copies

MOST_COPIES = 200
"""Pictures looked at for a question, before the products that show them are counted."""


class CatalogueCopySearch:
    """Implements ``ports.CopySearch``."""

    def __init__(self, copies: Copies, catalogue: CatalogueReader) -> None:
        self._copies = copies
        self._catalogue = catalogue

    def copies(self, query: CopyQuery) -> Sequence[CopyMatch]:
        found = self._copies.find(query.picture, limit=MOST_COPIES)
        holders = self._catalogue.holders([copy.content_hash for copy in found])
        matches = [CopyMatch(holder, copy) for copy in found for holder in holders.get(copy.content_hash, ())]
        metrics.COPY_SEARCHES.labels("yes" if matches else "no").inc()
        return sorted(matches, key=_ORDERS[query.order])[: query.top_k]


def _seconds(match: CopyMatch) -> float | None:
    moment = match.holder.image.published_at
    if moment is None:
        return None
    return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).timestamp()


def _oldest(match: CopyMatch) -> float:
    seconds = _seconds(match)
    return math.inf if seconds is None else seconds


def _newest(match: CopyMatch) -> float:
    seconds = _seconds(match)
    return math.inf if seconds is None else -seconds


def _area(match: CopyMatch) -> int:
    return match.holder.image.width * match.holder.image.height


# Sorting keeps the order of equals, which is the likeliest first. What has no date comes last either way.
_ORDERS: Mapping[CopyOrder, Callable[[CopyMatch], float]] = {
    CopyOrder.BEST: lambda match: -match.copy.probability,
    CopyOrder.MOST_CHANGED: lambda match: -match.copy.change.amount,
    CopyOrder.BIGGEST: lambda match: -_area(match),
    CopyOrder.NEWEST: _newest,
    CopyOrder.OLDEST: _oldest,
}
