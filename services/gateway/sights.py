"""Photos that came before: a shopper who draws a box, picks a category or adds a word sends the same photo again.

What the models made of it is remembered by two decorators of their ports, and what a search found until it is ranked by
:class:`Sights`, which is as good as new while the catalogue stays what it was. A photo is known by its bytes' hash, so what is
remembered is what would be computed; it is forgotten in time all the same, for behind a port a model may be exchanged.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from shoplens import deadlines
from shoplens.caches import MemoryCache
from shoplens.domain import Box, EncoderCard, Features, Hit, IndexStatus, Picture, Region, SearchQuery
from shoplens.errors import Unavailable
from shoplens.ports import Detector, Encoder

KEPT_S: Final = 600.0
MOST: Final = 10_000
"""Photos, of a few kilobytes each."""

CARD_KEPT_S: Final = 1.0
"""So long a card is believed: whoever exchanges an encoder takes longer to start it."""

CARD_S: Final = 1.5
"""What the encoder may take to show its card, where the last one would do."""

MOST_SIGHTS: Final = 256
"""Searches, of a hundred kilobytes each: their hits."""

_log = structlog.get_logger(__name__)


class RememberingDetector:
    """Implements ``ports.Detector``."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._seen: MemoryCache[tuple[str, str | None], Sequence[Region]] = MemoryCache("regions", most=MOST, kept_s=KEPT_S)

    def model(self) -> str:
        return self._detector.model()

    def detect(self, picture: Picture, *, category: str | None = None) -> Sequence[Region]:
        return self._seen.get_or((picture.content_hash, category), lambda: tuple(self._detector.detect(picture, category=category)))


class RememberingEncoder:
    """Implements ``ports.Encoder``."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._seen: MemoryCache[tuple[str, Box], Features] = MemoryCache("features", most=2 * MOST, kept_s=KEPT_S)
        self._last_card: EncoderCard | None = None
        self._card_until = 0.0

    def card(self) -> EncoderCard:
        """The encoder's; while that is away the one it last had, which what is remembered goes with."""
        if self._last_card is not None and time.monotonic() < self._card_until:
            return self._last_card
        if self._last_card is None:
            self._last_card = self._encoder.card()
            return self._last_card
        try:
            with deadlines.patience(CARD_S):
                self._last_card = self._encoder.card()
            self._card_until = time.monotonic() + CARD_KEPT_S
        except Unavailable as error:
            _log.warning("the encoder's last card will do", error=str(error))
        return self._last_card

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

    found: the photo's regions; chosen: the index of the one searched for. copies: as in ``RankingQuery``.
    """

    probes: tuple[Features, ...]
    found: tuple[Region, ...]
    chosen: int
    hits: Sequence[Hit]
    copies: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Known:
    """A sight, and which encoder and which state of the index it is of."""

    card: EncoderCard
    status: IndexStatus
    sight: Sight


class Sights:
    """The last searches' sights: as good as new while nothing changes in the catalogue, and better than nothing while that is away."""

    def __init__(self) -> None:
        self._kept: MemoryCache[Hashable, Known] = MemoryCache("sights", most=MOST_SIGHTS, kept_s=KEPT_S)

    def again(self, picture: Picture, query: SearchQuery, card: EncoderCard, status: IndexStatus) -> Known | None:
        """The same search's sight; None where it is a new one, or encoder or catalogue are others."""
        if not status.revision:
            return None
        known = self._kept.get(_asked(picture, query))
        return known if known is not None and _of(known.card, known.status) == _of(card, status) else None

    def last(self, picture: Picture, query: SearchQuery) -> Known | None:
        """What the same search found last, whatever has changed since."""
        return self._kept.get(_asked(picture, query))

    def remember(self, picture: Picture, query: SearchQuery, known: Known) -> None:
        """What lacks something, because a part was away, is not for remembering."""
        self._kept.set(_asked(picture, query), known)


def _of(card: EncoderCard, status: IndexStatus) -> tuple[str, str, int]:
    return card.model, status.version, status.revision


def _asked(picture: Picture, query: SearchQuery) -> Hashable:
    """All that a sight depends on, beside encoder and catalogue."""
    return (picture.content_hash, query.box, query.category, query.region_score, query.top_k, str(query.only), query.text)
