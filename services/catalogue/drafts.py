"""What comes in, checked, and turned into the document that is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime

import numpy as np

from services.catalogue import schema
from services.catalogue.rows import Document, StoredImage
from shoplens.domain import EncoderCard, IndexedImage, Product, ProductDetails, ProductDraft, ProductPatch
from shoplens.errors import InvalidArgument

MOST_VERSION = 2**63 - 2
"""One less than an int64 holds, so that there is always a next one."""

_FIELDS = frozenset(field.name for field in fields(ProductDetails))


def check_id(product_id: str) -> None:
    """Raises ``InvalidArgument`` unless the id is 1 to 256 bytes of text."""
    size = len(product_id.encode("utf-8", "surrogatepass"))
    if not 0 < size <= schema.PRODUCT_ID_BYTES:
        raise InvalidArgument(f"A product's id takes 1 to {schema.PRODUCT_ID_BYTES} bytes, not {size}; choose another.")


def check_version(version: int | None) -> None:
    """Raises ``InvalidArgument`` for what does not fit an int64."""
    if version is not None and not 0 <= version <= MOST_VERSION:
        raise InvalidArgument(f"A version is a whole number from 0 to {MOST_VERSION}, not {version}; a time in milliseconds does well.")


def check_images(card: EncoderCard, images: Sequence[IndexedImage]) -> None:
    """Raises ``InvalidArgument`` unless there are images, each with regions whose vectors are as the card says."""
    if not images:
        raise InvalidArgument("A product needs at least one image that can be read.")
    if len({image.image.id for image in images}) < len(images):
        raise InvalidArgument("Two images of the product have the same id; give each its own.")
    for image in images:
        if not image.regions:
            raise InvalidArgument(f"The image {image.image.id!r} comes without features; encode at least its whole frame.")
        for region in image.regions:
            features = region.features
            wanted = (card.embedding_width,), (card.colour_width,), (len(card.categories),)
            if (features.embedding.shape, features.colour.shape, features.categories.shape) != wanted:
                raise InvalidArgument(
                    f"The image {image.image.id!r} has features of another shape than {card.model} makes; encode it again."
                )
            if not np.isfinite(features.embedding).all():
                raise InvalidArgument(f"The image {image.image.id!r} has features that are not numbers; encode it again.")


def document_of(draft: ProductDraft, node: str, images: Sequence[IndexedImage], *, version: int, now: datetime) -> Document:
    product = Product(draft.id, draft.details, tuple(image.image for image in images), version, node, now)
    stored = tuple(
        StoredImage(image.image, hashlib.sha256(image.content).hexdigest(), image.media_type, len(image.regions)) for image in images
    )
    return Document(product, stored)


def patched(document: Document, patch: ProductPatch, node: str | None, *, version: int, now: datetime) -> Document:
    """The document with the patch applied. Raises ``InvalidArgument`` for a field that products do not have."""
    unknown = sorted(patch.changes.keys() - _FIELDS)
    if unknown:
        raise InvalidArgument(f"A product has no field {unknown[0]!r}; it has {', '.join(sorted(_FIELDS))}.")
    product = document.product
    details = product.details.changed(patch.changes)
    return replace(document, product=replace(product, details=details, node=node or product.node, version=version, updated_at=now))
