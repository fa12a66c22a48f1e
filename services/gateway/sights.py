"""Photos that came before: a shopper who draws a box, picks a category or adds a word sends the same photo again.

What the models made of it is remembered by two decorators of their ports, and what a search found until it is ranked by
:class:`Sights`, as long as the catalogue stays what it was. A photo is known by its bytes' hash, so what is remembered is what would
be computed; it is forgotten in time all the same, for behind a port a model may be exchanged.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from shoplens.caches import MemoryCache
from shoplens.domain import Box, EncoderCard, Features, Hit, IndexStatus, Picture, Region, SearchQuery
from shoplens.ports import Detector, Encoder

KEPT_S: Final = 600.0
MOST: Final = 10_000
"""Photos, of a few kilobytes each."""

SIGHT_KEPT_S: Final = 60.0
MOST_SIGHTS: Final = 256
"""Searches, of a hundred kilobytes each: their hits."""


class RememberingDetector:
    """Implements ``ports.Detector``."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._seen: MemoryCache[tuple[str, str | None], Sequence[Region]] = MemoryCache("regions", most=MOST, kept_s=KEPT_S)

    def detect(self, picture: Picture, *, category: str | None = None) -> Sequence[Region]:
        return self._seen.get_or((picture.content_hash, category), lambda: tuple(self._detector.detect(picture, category=category)))


class RememberingEncoder:
    """Implements ``ports.Encoder``."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._seen: MemoryCache[tuple[str, Box], Features] = MemoryCache("features", most=2 * MOST, kept_s=KEPT_S)

    def card(self) -> EncoderCard:
        return self._encoder.card()

    def encode(self, picture: Picture, boxes: Sequence[Box]) -> Sequence[Features]:
        known = {box: self._seen.get((picture.content_hash, box)) for box in boxes}
        new = [box for box, features in known.items() if features is None]
        made = dict(zip(new, self._encoder.encode(picture, new), strict=True)) if new else {}
        for box, features in made.items():
            self._seen.set((picture.content_hash, box), features)
        return [known[box] or made[box] for box in boxes]


@dataclass(frozen=True, slots=True)
class Sight:
    """What a search found, until it is ranked.

    found: the photo's regions; chosen: the index of the one searched for. copies: as in ``RankingQuery``; None where that could
    not be asked.
    """

    probes: tuple[Features, ...]
    found: tuple[Region, ...]
    chosen: int
    hits: Sequence[Hit]
    copies: Mapping[str, float] | None


class Sights:
    """The last searches' sights, each as long as nothing changes in the catalogue."""

    def __init__(self) -> None:
        self._kept: MemoryCache[Hashable, Sight] = MemoryCache("sights", most=MOST_SIGHTS, kept_s=SIGHT_KEPT_S)

    def again(self, picture: Picture, query: SearchQuery, card: EncoderCard, status: IndexStatus) -> Sight | None:
        """The same search's sight; None where it is a new one, or the catalogue another."""
        return self._kept.get(_asked(picture, query, card, status)) if status.revision else None

    def remember(self, picture: Picture, query: SearchQuery, card: EncoderCard, status: IndexStatus, sight: Sight) -> None:
        """What lacks something, because a part was away, is not remembered."""
        if status.revision and sight.copies is not None:
            self._kept.set(_asked(picture, query, card, status), sight)


def _asked(picture: Picture, query: SearchQuery, card: EncoderCard, status: IndexStatus) -> Hashable:
    """All that a sight depends on."""
    what = (query.box, query.category, query.region_score, query.top_k, str(query.only), query.text)
    return (picture.content_hash, what, card.model, status.version, status.revision)
