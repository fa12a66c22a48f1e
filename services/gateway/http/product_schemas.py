"""The product as JSON, described for the OpenAPI document. What comes in is read by :mod:`shoplens.products` alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from services.gateway.http.identifiers import picture_address
from shoplens.domain import Product
from shoplens.products import MAX_ATTRIBUTES, MAX_ID_BYTES, MAX_IMAGES, product_document

PRODUCT_EXAMPLE: dict[str, JsonValue] = {
    "title": "Linen shirt",
    "description": "A light shirt for warm days.",
    "category": "Men/Shirts",
    "brand": "Fjord & Field",
    "price": {"amount": 59.9, "currency": "EUR"},
    "in_stock": True,
    "url": "https://shop.example/p/SKU-1042",
    "attributes": {"material": "linen", "sizes": ["S", "M", "L"]},
    "version": 7,
    "images": [{"id": "front", "uri": "https://shop.example/img/SKU-1042-front.jpg"}],
}
PATCH_EXAMPLE: dict[str, JsonValue] = {"price": {"amount": 39.9, "currency": "EUR"}, "in_stock": False}

AttributeJson = str | bool | int | float | list[str]
_ATTRIBUTES = "Anything else by name: text, a number, true or false, a list of texts."


class PriceJson(BaseModel):
    """A price in whole units, not cents."""

    amount: float = Field(description="In units of the currency: 59.9 is 59 euros 90.", examples=[59.9])
    currency: str = Field(description="ISO 4217, in capitals.", examples=["EUR"])


class ImageIn(BaseModel):
    """A picture of the product: its bytes, or where to fetch it."""

    id: str | None = Field(default=None, description="Within the product; its place (`1`, `2`, …) when left out.", examples=["front"])
    content: str | None = Field(default=None, description="The picture file, base64. Exactly one of `content` and `uri`.")
    uri: str | None = Field(
        default=None, description="Where to fetch it. Private addresses are refused.", examples=["https://shop.example/img/1042.jpg"]
    )
    page_url: str | None = Field(default=None, description="The page that shows the picture.", examples=["https://shop.example/p/1042"])
    creator: str | None = Field(default=None, description="Who made the picture.", examples=["Studio Nord"])
    published_at: datetime | None = Field(default=None, description="When it was published.", examples=["2026-05-31T12:00:00Z"])


class PatchIn(BaseModel):
    """What changes; everything left out stays. ``null`` sets a field back, and takes an attribute away."""

    model_config = ConfigDict(json_schema_extra={"examples": [PATCH_EXAMPLE]})

    title: str | None = Field(default=None, description="As shoppers read it.", examples=["Linen shirt"])
    description: str | None = Field(default=None, description="The longer text.", examples=["A light shirt for warm days."])
    category: str | None = Field(default=None, description="Your own name or path for it; we map it to ours.", examples=["Men/Shirts"])
    brand: str | None = Field(default=None, description="Who makes it.", examples=["Fjord & Field"])
    price: PriceJson | None = Field(default=None, description="What it costs; `null` where that is not said.")
    in_stock: bool | None = Field(default=None, description="True when left out of a whole product.")
    url: str | None = Field(default=None, description="The product's page in your shop.", examples=["https://shop.example/p/SKU-1042"])
    attributes: dict[str, AttributeJson | None] | None = Field(
        default=None, description=_ATTRIBUTES, max_length=MAX_ATTRIBUTES, examples=[{"material": "linen", "sizes": ["S", "M"]}]
    )
    version: int | None = Field(
        default=None,
        ge=0,
        description="Yours, rising. An older one than the stored changes nothing; left out, it is the next.",
        examples=[7],
    )


class ProductIn(PatchIn):
    """A product, whole. Only ``images`` is required."""

    model_config = ConfigDict(json_schema_extra={"examples": [PRODUCT_EXAMPLE]})

    images: list[ImageIn] = Field(min_length=1, max_length=MAX_IMAGES, description="At least one; the first stands for the product.")


class ProductLine(ProductIn):
    """A line of a bulk import: a product with its ``product_id``."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"product_id": "SKU-1042", **PRODUCT_EXAMPLE}]})

    product_id: str = Field(description=f"Your own id: 1 to {MAX_ID_BYTES} bytes, no control characters.", examples=["SKU-1042"])


class EventLine(ProductIn):
    """A line of events: a product, a patch (without images) or a deletion, with its ``product_id``."""

    model_config = ConfigDict(
        json_schema_extra={
            "required": ["product_id"],
            "examples": [
                {"product_id": "SKU-1042", **PRODUCT_EXAMPLE},
                {"product_id": "SKU-1042", "op": "patch", **PATCH_EXAMPLE},
                {"product_id": "SKU-1042", "op": "delete"},
            ],
        }
    )

    product_id: str = Field(description="Your own id.", examples=["SKU-1042"])
    op: Literal["upsert", "patch", "delete"] = Field(default="upsert", description="What happens to the product.")


class ImageOut(BaseModel):
    """A picture that the catalogue holds."""

    id: str = Field(description="Within the product.", examples=["front"])
    image_url: str = Field(
        description="Where it is shown, relative to this server; `?width=320` for a thumbnail.",
        examples=["/v1/products/SKU-1042/images/front"],
    )
    width: int = Field(description="Pixels of the original, upright.", examples=[1200])
    height: int = Field(description="Pixels of the original, upright.", examples=[1600])
    content_hash: str = Field(description="SHA-256 of the file, in hex.")
    uri: str | None = Field(description="Where it was fetched from.")
    page_url: str | None = Field(description="The page that shows it.")
    creator: str | None = Field(description="Who made it.")
    published_at: datetime | None = Field(description="When it was published.")


class ProductOut(BaseModel):
    """A product as the catalogue holds it."""

    product_id: str = Field(description="Your own id.", examples=["SKU-1042"])
    title: str = Field(description="As shoppers read it.", examples=["Linen shirt"])
    description: str = Field(description="The longer text.")
    category: str = Field(description="Your own name for it.", examples=["Men/Shirts"])
    brand: str = Field(description="Who makes it.")
    price: PriceJson | None = Field(description="What it costs; `null` where that is not said.")
    in_stock: bool = Field(description="Whether it can be bought now.")
    url: str = Field(description="The product's page in your shop.")
    attributes: dict[str, AttributeJson] = Field(description=_ATTRIBUTES)
    version: int = Field(description="Yours, or counted by us.", examples=[7])
    node: str = Field(description="Our name for its category: one of /v1/categories.", examples=["shirt"])
    updated_at: datetime = Field(description="When it was last written.")
    images: list[ImageOut] = Field(description="Its pictures; the first stands for the product.")

    @classmethod
    def of(cls, product: Product) -> Self:
        document: dict[str, Any] = product_document(product)
        for image in document["images"]:
            image["image_url"] = picture_address(product.id, image["id"])
        return cls.model_validate(document)


class ProductsOut(BaseModel):
    """A page of products, in the order of their ids."""

    products: list[ProductOut] = Field(description="Those of this page.")
    next_page_token: str = Field(description="Send it as `page_token` for the next page; empty on the last.")


class ImportLineOut(BaseModel):
    """What became of one line of a bulk import."""

    line: int = Field(description="Its number in what was sent, from 1.", examples=[17])
    product_id: str = Field(description="Empty where the line could not be read so far.", examples=["SKU-1042"])
    ok: bool = Field(description="Whether the product can be found now.")
    error: str | None = Field(description="What to correct; `null` when ok.")
