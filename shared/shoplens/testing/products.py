"""Products made to order, on their way in and ready for the catalogue."""

from __future__ import annotations

from shoplens.domain import (
    WHOLE_FRAME,
    Box,
    ImageSource,
    IndexedImage,
    IndexedRegion,
    Price,
    ProductDetails,
    ProductDraft,
    ProductImage,
)
from shoplens.images import decode
from shoplens.ports import Encoder
from shoplens.testing import pictures

MIDDLE = Box(0.25, 0.25, 0.75, 0.75)


def details(title: str = "Tee", category: str = "T-Shirts") -> ProductDetails:
    return ProductDetails(
        title=title,
        description="Soft, and of one's own choice.",
        category=category,
        brand="Plain",
        price=Price(19.9, "EUR"),
        url="https://shop.example/tee",
        attributes={"sizes": ("S", "M"), "organic": True, "weight_g": 180, "stretch": 0.05, "fit": "regular"},
    )


def draft(product_id: str, seed: int, *, views: int = 1, version: int | None = None, category: str = "T-Shirts") -> ProductDraft:
    """A product with ``views`` pictures, of the seeds from ``seed`` on."""
    images = tuple(ImageSource(str(view + 1), content=pictures.png(seed + view)) for view in range(views))
    return ProductDraft(product_id, details(f"Tee {seed}", category), images, version)


def indexed(encoder: Encoder, wanted: ProductDraft) -> list[IndexedImage]:
    """The draft's pictures as the write path hands them over: the whole frame and its middle, encoded."""
    return [_indexed(encoder, source) for source in wanted.images]


def _indexed(encoder: Encoder, source: ImageSource) -> IndexedImage:
    assert source.content is not None
    picture = decode(source.content)
    frame, middle = encoder.encode(picture, [WHOLE_FRAME, MIDDLE])
    record = ProductImage(source.id, picture.content_hash, picture.width, picture.height)
    regions = (IndexedRegion(WHOLE_FRAME, "t-shirt", frame), IndexedRegion(MIDDLE, "top", middle))
    return IndexedImage(record, source.content, "image/png", regions)
