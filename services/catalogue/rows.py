"""Products and regions as rows of Milvus, and back."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from services.catalogue import schema
from services.catalogue.expressions import number_of
from shoplens.domain import (
    Box,
    Features,
    IndexedImage,
    IndexedRegion,
    Position,
    Price,
    Product,
    ProductDetails,
    ProductImage,
    Vector,
)
from shoplens.errors import InvalidArgument

_REGION = struct.Struct("<qI4d")  # base, image, box; the colour signature follows


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A product's image as its document holds it.

    file: the SHA-256 of the bytes, which names their file. regions: how many rows, the whole frame first.
    """

    image: ProductImage
    file: str
    media_type: str
    regions: int


@dataclass(frozen=True, slots=True)
class Document:
    """A product as one row of ``products`` holds it."""

    product: Product
    images: tuple[StoredImage, ...]

    @property
    def rows(self) -> int:
        return sum(image.regions for image in self.images)

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(image.file for image in self.images)

    def whole_frames(self) -> list[int]:
        """Where among the product's rows the whole frame of each image stands."""
        starts, start = [], 0
        for image in self.images:
            starts.append(start)
            start += image.regions
        return starts


@dataclass(frozen=True, slots=True)
class RegionRecord:
    """What a search needs of an image row, in one field, for each field of a hit costs time.

    base: the first id of the product's image rows. image: the place of its image in the product's document.
    """

    base: int
    image: int
    box: Box
    colour: Vector

    def to_text(self) -> str:
        """Packed and in base64: read three times as fast as JSON, 200 of them for each large answer."""
        return base64.b64encode(_REGION.pack(self.base, self.image, *self.box.as_tuple()) + _packed(self.colour)).decode("ascii")

    @classmethod
    def from_text(cls, text: str) -> RegionRecord:
        raw = base64.b64decode(text)
        number, image, *box = _REGION.unpack_from(raw)
        return cls(number, image, Box(*box), np.frombuffer(raw, dtype=np.float32, offset=_REGION.size))


def vector_to_text(vector: Vector) -> str:
    """Little-endian float32 in base64: exact, and a third of what JSON's digits take."""
    return base64.b64encode(_packed(vector)).decode("ascii")


def vector_from_text(text: str) -> Vector:
    return np.frombuffer(base64.b64decode(text), dtype=np.float32)


def document_to_text(document: Document) -> str:
    """Raises ``InvalidArgument`` where the product is larger than Milvus can hold, or no text at all (half a character)."""
    product = document.product
    text = json.dumps(
        {
            "id": product.id,
            "node": product.node,
            "version": product.version,
            "updated_at": product.updated_at.isoformat(),
            "details": details_to_json(product.details),
            "images": [_image_to_json(stored) for stored in document.images],
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise InvalidArgument(f"The product {product.id!r} holds half a character (a lone surrogate); send valid Unicode.") from None
    if size > schema.TEXT_BYTES:
        raise InvalidArgument(
            f"The product {product.id!r} takes {size:,} bytes without its pictures and {schema.TEXT_BYTES:,} are the most;"
            " shorten its description or its attributes."
        )
    return text


def document_from_text(text: str) -> Document:
    record = json.loads(text)
    images = tuple(_image_from_json(image) for image in record["images"])
    return Document(
        Product(
            id=record["id"],
            details=details_from_json(record["details"]),
            images=tuple(stored.image for stored in images),
            version=record["version"],
            node=record["node"],
            updated_at=datetime.fromisoformat(record["updated_at"]),
        ),
        images,
    )


def details_to_json(details: ProductDetails) -> dict[str, Any]:
    return {
        "title": details.title,
        "description": details.description,
        "category": details.category,
        "brand": details.brand,
        "price": None if details.price is None else [details.price.amount, details.price.currency],
        "in_stock": details.in_stock,
        "url": details.url,
        "attributes": {name: value if isinstance(value, str | int | float) else list(value) for name, value in details.attributes.items()},
    }


def details_from_json(record: Mapping[str, Any]) -> ProductDetails:
    price = record["price"]
    return ProductDetails(
        **{
            **record,
            "price": None if price is None else Price(*price),
            "attributes": {name: tuple(value) if isinstance(value, list) else value for name, value in record["attributes"].items()},
        }
    )


def product_row(number: int, document: Document, text: str, base: int, position: Position | None) -> dict[str, Any]:
    """The row whose insertion makes a write real; ``text`` is the document's."""
    return {
        "id": number,
        "product_id": document.product.id,
        "version": document.product.version,
        "deleted": False,
        "base": base,
        "rows": document.rows,
        "pictures": " ".join(document.files),
        "document": text,
        **_position_fields(position),
        "stub": schema.STUB,
    }


def tombstone_row(number: int, product_id: str, version: int | None, position: Position | None) -> dict[str, Any]:
    """Says that a product is gone, until its rows are too."""
    return {
        "id": number,
        "product_id": product_id,
        "version": -1 if version is None else version,
        "deleted": True,
        "base": 0,
        "rows": 0,
        "pictures": "",
        "document": "",
        **_position_fields(position),
        "stub": schema.STUB,
    }


def position_of(row: Mapping[str, Any]) -> Position | None:
    """Of the last event that changed the product; None where none did."""
    return Position(str(row["log"]), int(row["offset"])) if row["log"] else None


def _position_fields(position: Position | None) -> dict[str, Any]:
    return {"log": "", "offset": -1} if position is None else {"log": position.log, "offset": position.offset}


def image_rows(base: int, node: str, images: Sequence[IndexedImage]) -> list[dict[str, Any]]:
    """A row for each region of each image, in order, from id ``base`` on."""
    regions = [(place, region) for place, image in enumerate(images) for region in image.regions]
    return [_region_row(base + offset, base, node, place, region) for offset, (place, region) in enumerate(regions)]


def moved_rows(rows: Sequence[Mapping[str, Any]], base: int, node: str) -> list[dict[str, Any]]:
    """The same regions, in the same order, as rows from id ``base`` on, for a product that changed its node."""
    moved = []
    for offset, row in enumerate(sorted(rows, key=lambda row: int(row["id"]))):
        record = replace(RegionRecord.from_text(row["record"]), base=base)
        embedding = np.asarray(row["embedding"], dtype=np.float32)
        moved.append(
            {**row, "id": base + offset, "node": number_of(node), "base": base, "record": record.to_text(), "embedding": embedding}
        )
    return moved


def features_from_row(row: Mapping[str, Any], content_hash: str) -> Features:
    return Features(
        embedding=np.asarray(row["embedding"], dtype=np.float32),
        categories=vector_from_text(row["posterior"]),
        colour=RegionRecord.from_text(row["record"]).colour,
        content_hash=content_hash,
    )


def _packed(vector: Vector) -> bytes:
    return np.ascontiguousarray(vector, dtype=np.float32).tobytes()


def _region_row(number: int, base: int, node: str, place: int, region: IndexedRegion) -> dict[str, Any]:
    features = region.features
    return {
        "id": number,
        "node": number_of(node),
        "base": base,
        "category": region.category,
        "record": RegionRecord(base, place, region.box, features.colour).to_text(),
        "posterior": vector_to_text(features.categories),
        "embedding": np.asarray(features.embedding, dtype=np.float32),
    }


def _image_to_json(stored: StoredImage) -> dict[str, Any]:
    image = stored.image
    return {
        "id": image.id,
        "content_hash": image.content_hash,
        "width": image.width,
        "height": image.height,
        "uri": image.uri,
        "page_url": image.page_url,
        "creator": image.creator,
        "published_at": None if image.published_at is None else image.published_at.isoformat(),
        "file": stored.file,
        "media_type": stored.media_type,
        "regions": stored.regions,
    }


def _image_from_json(record: dict[str, Any]) -> StoredImage:
    published_at = record["published_at"]
    return StoredImage(
        image=ProductImage(
            id=record["id"],
            content_hash=record["content_hash"],
            width=record["width"],
            height=record["height"],
            uri=record["uri"],
            page_url=record["page_url"],
            creator=record["creator"],
            published_at=None if published_at is None else datetime.fromisoformat(published_at),
        ),
        file=record["file"],
        media_type=record["media_type"],
        regions=record["regions"],
    )
