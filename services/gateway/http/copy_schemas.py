"""The answer of a search for copies as JSON, exactly as the contract has it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from services.gateway.http.identifiers import picture_address
from shoplens.domain import Affine, Change, CopyMatch


class ChangeOut(BaseModel):
    """How your picture differs from the catalogue's."""

    flipped: bool = Field(description="Mirrored left to right.", examples=[False])
    overlap: float = Field(description="The share of the catalogue's picture that yours shows, 0..1.", examples=[0.62])
    query_overlap: float = Field(description="The share of your picture that shows the catalogue's, 0..1.", examples=[1.0])
    affine: Affine = Field(
        description="`[[a, b, c], [d, e, f]]`: the point (x, y) of your picture is (a·x + b·y + c, d·x + e·y + f) of the catalogue's; "
        "relative coordinates, 0..1 from the top left, in both. `a·e − b·d` is negative where `flipped`.",
        examples=[[[0.8, 0.0, 0.1], [0.0, 0.8, 0.1]]],
    )
    recolouring: str = Field(description="What was done to all colours: `none`, `hue` or `grey`.", examples=["none"])
    amount: float = Field(description="How much was changed in all, 0 (nothing) to 1.", examples=[0.35])

    @classmethod
    def of(cls, change: Change) -> Self:
        return cls(
            flipped=change.flipped,
            overlap=change.overlap,
            query_overlap=change.query_overlap,
            affine=change.affine,
            recolouring=change.recolouring.value,
            amount=change.amount,
        )


class MatchOut(BaseModel):
    """A product's picture of which yours is a copy."""

    product_id: str = Field(description="Your own id.", examples=["SKU-1042"])
    image_id: str = Field(description="Which of its pictures.", examples=["front"])
    score: float = Field(description="The probability that it is a copy, 0..1; 1 for the very same file.", examples=[0.98])
    change: ChangeOut = Field(description="How your picture differs from it.")
    width: int = Field(description="Of the catalogue's picture, in pixels.", examples=[1200])
    height: int = Field(description="Of the catalogue's picture, in pixels.", examples=[1600])
    page_url: str | None = Field(description="A page that shows it.", examples=["https://shop.example/linen-shirt"])
    creator: str | None = Field(description="Who made it.", examples=["Studio Nord"])
    published_at: datetime | None = Field(description="When it was published.")
    image_url: str = Field(description="Where this server shows the catalogue's picture.")

    @classmethod
    def of(cls, match: CopyMatch) -> Self:
        image = match.holder.image
        return cls(
            product_id=match.holder.product_id,
            image_id=image.id,
            score=match.copy.probability,
            change=ChangeOut.of(match.copy.change),
            width=image.width,
            height=image.height,
            page_url=image.page_url,
            creator=image.creator,
            published_at=image.published_at,
            image_url=picture_address(match.holder.product_id, image.id),
        )


class CopiesOut(BaseModel):
    """Where in the catalogue your picture is used, edited or not."""

    request_id: str = Field(description="Names this request, for support.")
    matches: list[MatchOut] = Field(description="The pictures of which yours is a copy, in the order asked for.")

    @classmethod
    def of(cls, matches: Sequence[CopyMatch], *, request_id: str) -> Self:
        return cls(request_id=request_id, matches=[MatchOut.of(match) for match in matches])
