"""What a search for products may know of copies: whether the photo is a copy of a hit's picture, and which hits copy each other.

A help, not a need: where copies cannot be asked, the search answers without.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog

from shoplens import metrics
from shoplens.domain import Features, Hit, Picture
from shoplens.errors import Overloaded, Unavailable
from shoplens.ports import Copies

ASKED_FROM = 0.6
"""Cosine from which a hit's picture may be the photo, edited; see the encoder's card. To look closer costs as much as to search."""

MOST_ASKED = 6
"""Pictures looked at more closely, the likest first."""

_log = structlog.get_logger(__name__)


class CopyKnowledge:
    """Asks ``Copies`` what matters to a search."""

    def __init__(self, copies: Copies) -> None:
        self._copies = copies

    def of(self, picture: Picture, probes: Sequence[Features], hits: Sequence[Hit]) -> Mapping[str, float] | None:
        """The hits' pictures of which the photo is an edited copy, by content hash, with the probability; None: it could not be asked."""
        same = {probe.content_hash for probe in probes}
        alike: dict[str, float] = {}
        for hit in hits:
            alike[hit.content_hash] = max(hit.similarity, alike.get(hit.content_hash, -1.0))
        if same & alike.keys():
            # It is there byte for byte; no closer look says more.
            return {}
        likest = sorted((name for name, value in alike.items() if value >= ASKED_FROM), key=lambda name: -alike[name])[:MOST_ASKED]
        if not likest:
            return {}
        try:
            return {copy.content_hash: copy.probability for copy in self._copies.among(picture, likest)}
        except (Unavailable, Overloaded) as error:
            self._missed(error)
            return None

    def groups(self, hits: Sequence[Hit]) -> Mapping[str, str]:
        """The groups of those hits' pictures that copy others, by content hash."""
        try:
            return self._copies.groups(sorted({hit.content_hash for hit in hits}))
        except (Unavailable, Overloaded) as error:
            self._missed(error)
            return {}

    def _missed(self, error: Exception) -> None:
        metrics.COPIES_UNKNOWN.inc()
        _log.warning("a search answers without what is known of copies", error=str(error))
