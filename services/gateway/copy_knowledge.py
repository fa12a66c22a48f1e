"""What a search for products may know of copies: whether the photo is a copy of a hit's picture, and which hits copy each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shoplens.domain import Features, Hit, Picture
from shoplens.ports import Copies

ASKED_FROM = 0.6
"""Cosine from which a hit's picture may be the photo, edited; see the encoder's card. To look closer costs as much as to search."""

MOST_ASKED = 6
"""Pictures looked at more closely, the likest first."""


class CopyKnowledge:
    """Asks ``Copies`` what matters to a search."""

    def __init__(self, copies: Copies) -> None:
        self._copies = copies

    def of(self, picture: Picture, probes: Sequence[Features], hits: Sequence[Hit]) -> Mapping[str, float]:
        """The hits' pictures of which the photo is an edited copy, by content hash, with the probability."""
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
        return {copy.content_hash: copy.probability for copy in self._copies.among(picture, likest)}

    def groups(self, hits: Sequence[Hit]) -> Mapping[str, str]:
        """The groups of those hits' pictures that copy others, by content hash."""
        return self._copies.groups(sorted({hit.content_hash for hit in hits}))
