"""A product's picture becomes what the catalogue keeps of it: its record, its bytes and its vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import structlog

from services.ingest.known import KnownPictures, record
from shoplens import deadlines, metrics
from shoplens.domain import WHOLE_FRAME, Box, ImageSource, IndexedImage, IndexedRegion, Picture, Region
from shoplens.errors import Overloaded, Unavailable
from shoplens.images import content_hash, decode, media_type
from shoplens.ports import Cache, Detector, Encoder, KnownCopies

EXTRACTION: Final = "2"
"""Rises with everything below: what an older one made is not taken for known."""

REGION_SCORE: Final = 0.5
"""Regions that the detector is less sure of are not indexed: a wrong one costs more than it finds."""

MOST_REGIONS: Final = 3
"""Regions indexed beside the whole frame; a look with more garments shows none of them well."""

CLOSE_UPS: Final = ((0.0, 0.0, 0.6, 0.6), (0.4, 0.0, 1.0, 0.6), (0.0, 0.4, 0.6, 1.0), (0.4, 0.4, 1.0, 1.0))
"""Four overlapping corners of the most salient region: shoppers photograph a sleeve, a pocket, a print."""

NEARLY_WHOLE: Final = 0.85
"""A region over this share of the frame adds nothing to the frame itself."""

_TELL_S: Final = 2.0
"""What the finder of copies may take of a write's time; it catches up by itself with what it was not told."""

_log = structlog.get_logger()


class Extractor:
    """Detects and encodes what ``cache`` does not know."""

    def __init__(self, detector: Detector, encoder: Encoder, copies: KnownCopies, cache: Cache) -> None:
        self._detector = detector
        self._encoder = encoder
        self._copies = copies
        self._cache = cache
        self._known: KnownPictures | None = None

    def extract(self, source: ImageSource, content: bytes) -> IndexedImage:
        """The whole frame first, called by its likeliest leaf, then the regions worth finding, then close-ups.

        Raises what ``images.decode`` and the models do.
        """
        known = self._known_pictures()
        hashed = content_hash(content)
        recalled = known.recall(source, content, hashed)
        if recalled is not None:
            self._make_known(hashed, content)
            metrics.PICTURES_COMPUTED.labels(source="known").inc()
            return recalled
        image = self._compute(source, content)
        known.remember(image)
        metrics.PICTURES_COMPUTED.labels(source="computed").inc()
        return image

    def _compute(self, source: ImageSource, content: bytes) -> IndexedImage:
        picture = decode(content)
        self._tell(picture)
        detected = self._detector.detect(picture)
        regions = worth_indexing(detected)
        subject = main_region(detected)
        corners = close_ups(WHOLE_FRAME if subject is None else subject.box)
        boxes = (WHOLE_FRAME, *(region.box for region in regions), *corners)
        features = self._encoder.encode(picture, boxes)
        likeliest = self._encoder.card().categories[int(np.argmax(features[0].categories))]
        categories = (
            likeliest,
            *(region.category for region in regions),
            *(likeliest if subject is None else subject.category for _ in corners),
        )
        return IndexedImage(
            image=record(source, picture),
            content=content,
            media_type=media_type(content),
            regions=tuple(map(IndexedRegion, boxes, categories, features)),
        )

    def _known_pictures(self) -> KnownPictures:
        # Only at the first picture: a service starts before the models that it asks.
        if self._known is None:
            self._known = KnownPictures(self._cache, maker_of(self._detector, self._encoder))
        return self._known

    def _make_known(self, hashed: str, content: bytes) -> None:
        """The finder of copies may be younger than what is known of a picture."""
        try:
            with deadlines.patience(_TELL_S):
                missing = self._copies.missing([hashed])
        except (Unavailable, Overloaded) as error:
            _log.warning("copies_not_asked", content_hash=hashed, problem=str(error))
            return
        if missing:
            self._tell(decode(content))

    def _tell(self, picture: Picture) -> None:
        try:
            with deadlines.patience(_TELL_S):
                self._copies.add(picture)
        except (Unavailable, Overloaded) as error:
            # Selling goes on without; the finder of copies catches up with the catalogue by itself.
            _log.warning("copies_not_told", content_hash=picture.content_hash, problem=str(error))


def maker_of(detector: Detector, encoder: Encoder) -> str:
    """Names everything that the features of a picture depend on, beside its bytes."""
    return f"{EXTRACTION}:{detector.model()}:{encoder.card().model}"


def worth_indexing(regions: Sequence[Region]) -> list[Region]:
    """The best regions that say more than the whole frame does, surest first."""
    sure = [region for region in regions if region.score >= REGION_SCORE and region.box.area <= NEARLY_WHOLE]
    return sorted(sure, key=lambda region: -region.score)[:MOST_REGIONS]


def main_region(regions: Sequence[Region]) -> Region | None:
    """What the picture is about; None where the detector is sure of nothing."""
    return max((region for region in regions if region.score >= REGION_SCORE), key=lambda region: region.salience, default=None)


def close_ups(box: Box) -> tuple[Box, ...]:
    """``CLOSE_UPS`` of a box, in the picture's own coordinates."""
    width, height = box.x1 - box.x0, box.y1 - box.y0
    return tuple(
        Box(box.x0 + width * x0, box.y0 + height * y0, min(1.0, box.x0 + width * x1), min(1.0, box.y0 + height * y1))
        for x0, y0, x1, y1 in CLOSE_UPS
    )
