"""A product's picture becomes what the catalogue keeps of it: its record, its bytes and its vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from shoplens.domain import WHOLE_FRAME, ImageSource, IndexedImage, IndexedRegion, Picture, ProductImage, Region
from shoplens.images import decode, media_type
from shoplens.ports import Detector, Encoder

REGION_SCORE: Final = 0.5
"""Regions that the detector is less sure of are not indexed: a wrong one costs more than it finds."""

MOST_REGIONS: Final = 3
"""Regions indexed beside the whole frame; a look with more garments shows none of them well."""

NEARLY_WHOLE: Final = 0.85
"""A region over this share of the frame adds nothing to the frame itself."""


class Extractor:
    """Detects and encodes; holds no state of its own."""

    def __init__(self, detector: Detector, encoder: Encoder) -> None:
        self._detector = detector
        self._encoder = encoder

    def extract(self, source: ImageSource, content: bytes) -> IndexedImage:
        """The whole frame first, called by its likeliest leaf, then the regions worth finding.

        Raises what ``images.decode`` and the models do.
        """
        picture = decode(content)
        regions = worth_indexing(self._detector.detect(picture))
        features = self._encoder.encode(picture, [WHOLE_FRAME, *(region.box for region in regions)])
        likeliest = self._encoder.card().categories[int(np.argmax(features[0].categories))]
        boxes = (WHOLE_FRAME, *(region.box for region in regions))
        categories = (likeliest, *(region.category for region in regions))
        return IndexedImage(
            image=_record(source, picture),
            content=content,
            media_type=media_type(content),
            regions=tuple(map(IndexedRegion, boxes, categories, features)),
        )


def worth_indexing(regions: Sequence[Region]) -> list[Region]:
    """The best regions that say more than the whole frame does, surest first."""
    sure = [region for region in regions if region.score >= REGION_SCORE and region.box.area <= NEARLY_WHOLE]
    return sorted(sure, key=lambda region: -region.score)[:MOST_REGIONS]


def _record(source: ImageSource, picture: Picture) -> ProductImage:
    return ProductImage(
        id=source.id,
        content_hash=picture.content_hash,
        width=picture.width,
        height=picture.height,
        uri=source.uri,
        page_url=source.page_url,
        creator=source.creator,
        published_at=source.published_at,
    )
