"""A catalogue in a dict, searched by comparing with everything."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from shoplens import deadlines
from shoplens.domain import (
    Features,
    Hit,
    ImageHolder,
    IndexedImage,
    IndexStatus,
    Position,
    PreparedPatch,
    PreparedPut,
    Product,
    ProductDeletion,
    ProductDetails,
    ProductDraft,
    ProductPage,
    ProductPatch,
    RegionQuery,
    StoredPicture,
    Vector,
    Write,
    WriteOutcome,
)
from shoplens.errors import FailedPrecondition, InvalidArgument, NotFound
from shoplens.filters import facts, matches

_FIELDS = frozenset(field.name for field in fields(ProductDetails))


@dataclass(frozen=True, slots=True)
class _Entry:
    product: Product
    images: tuple[IndexedImage, ...]


class FakeCatalogue:
    """Implements ``ports.Catalogue``. ``model`` is the only one whose vectors it takes."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._entries: dict[str, _Entry] = {}
        self._revision = 1
        self._gone: dict[str, int] = {}
        self._positions: dict[str, Position] = {}
        self._fresh: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def put(self, draft: ProductDraft, node: str, images: Sequence[IndexedImage], *, model: str) -> Product:
        deadlines.check()
        self._require(model)
        with self._lock:
            if not self._put(draft, node, images) and draft.id not in self._entries:
                raise FailedPrecondition("The product was deleted with this version or a newer one; send a version above it.")
            return self._entries[draft.id].product

    def patch(self, patch: ProductPatch, *, node: str | None = None) -> Product:
        deadlines.check()
        with self._lock:
            self._patch(patch, node)
            return self._entries[patch.id].product

    def apply(self, writes: Sequence[Write]) -> Sequence[WriteOutcome]:
        deadlines.check()
        for write in writes:
            if isinstance(write.change, PreparedPut):
                self._require(write.change.model)
        with self._lock:
            return [self._apply(write) for write in writes]

    def mark_fresh(self, marks: Mapping[str, datetime]) -> None:
        deadlines.check()
        self._fresh.update(marks)

    def get(self, product_id: str) -> Product:
        deadlines.check()
        return self._entry(product_id).product

    def delete(self, product_id: str) -> None:
        deadlines.check()
        with self._lock:
            self._entry(product_id)
            del self._entries[product_id]
            self._revision += 1
            self._gone.pop(product_id, None)

    def page(self, *, size: int = 100, token: str = "") -> ProductPage:
        deadlines.check()
        if size < 1:
            raise InvalidArgument("A page holds at least one product.")
        products = [entry.product for _, entry in sorted(self._entries.items()) if entry.product.id > token]
        return ProductPage(tuple(products[:size]), products[size - 1].id if len(products) > size else "")

    def features(self, product_id: str) -> Sequence[Features]:
        deadlines.check()
        return [image.regions[0].features for image in self._entry(product_id).images]

    def picture(self, product_id: str, image_id: str) -> StoredPicture:
        deadlines.check()
        for image in self._entry(product_id).images:
            if image.image.id == image_id:
                return StoredPicture(image.content, image.media_type)
        raise NotFound(f"Product {product_id!r} has no picture {image_id!r}.")

    def holders(self, content_hashes: Sequence[str]) -> Mapping[str, Sequence[ImageHolder]]:
        deadlines.check()
        found: dict[str, list[ImageHolder]] = {}
        for wanted in dict.fromkeys(content_hashes):
            for product_id, entry in sorted(self._entries.items()):
                images = [image.image for image in entry.images if image.image.content_hash == wanted]
                found.setdefault(wanted, []).extend(ImageHolder(product_id, image) for image in images)
        return {content_hash: holders for content_hash, holders in found.items() if holders}

    def search(self, query: RegionQuery) -> Sequence[Hit]:
        deadlines.check()
        self._require(query.model)
        entries = [entry for entry in list(self._entries.values()) if not query.nodes or entry.product.node in query.nodes]
        entries = [entry for entry in entries if query.only is None or matches(query.only, facts(entry.product))]
        hits = []
        for probe, vector in enumerate(query.probes):
            near = [hit for entry in entries for hit in _hits(entry, probe, vector, query.words)]
            near.sort(key=lambda hit: -hit.similarity)
            hits += near[: query.limit] + [hit for hit in near[query.limit :] if hit.words][: query.limit]
        return hits

    def status(self) -> IndexStatus:
        deadlines.check()
        entries = list(self._entries.values())
        return IndexStatus(
            version=f"{self._model}/1",
            items=sum(len(entry.images) for entry in entries),
            products=len(entries),
            fresh_as_of=min([datetime.now(UTC), *self._fresh.values()]),
            ready=True,
            revision=self._revision,
        )

    def _apply(self, write: Write) -> WriteOutcome:
        change, last = write.change, self._positions.get(write.change.id)
        if write.position and last and (write.position.log, write.position.offset) <= (last.log, last.offset):
            return WriteOutcome(changed=False)
        try:
            match change:
                case PreparedPut():
                    changed = self._put(change.draft, change.node, change.images)
                case PreparedPatch():
                    changed = self._patch(change.patch, change.node)
                case ProductDeletion():
                    changed = self._delete(change, write.position)
        except (InvalidArgument, NotFound) as error:
            return WriteOutcome(changed=False, error=error)
        if write.position and changed:
            self._positions[change.id] = write.position
        return WriteOutcome(changed)

    def _put(self, draft: ProductDraft, node: str, images: Sequence[IndexedImage]) -> bool:
        if not images:
            raise InvalidArgument("A product needs at least one image that can be read.")
        known = self._entries.get(draft.id)
        last = self._gone.get(draft.id) if known is None else known.product.version
        if draft.version is not None and last is not None and draft.version <= last:
            return False
        version = _next(last, draft.version)
        product = Product(draft.id, draft.details, tuple(image.image for image in images), version, node, datetime.now(UTC))
        self._entries[draft.id] = _Entry(product, tuple(images))
        self._revision += 1
        self._gone.pop(draft.id, None)
        return True

    def _patch(self, patch: ProductPatch, node: str | None) -> bool:
        known = self._entry(patch.id)
        if patch.version is not None and patch.version <= known.product.version:
            return False
        product = replace(
            known.product,
            details=_changed(known.product.details, patch.changes),
            version=_next(known.product.version, patch.version),
            node=node or known.product.node,
            updated_at=datetime.now(UTC),
        )
        self._entries[patch.id] = replace(known, product=product)
        self._revision += 1
        return True

    def _delete(self, deletion: ProductDeletion, position: Position | None) -> bool:
        known = self._entries.get(deletion.id)
        if known is None and deletion.version is None and position is None:
            raise NotFound(f"There is no product {deletion.id!r}.")
        if known is not None and deletion.version is not None and deletion.version < known.product.version:
            return False
        self._entries.pop(deletion.id, None)
        self._revision += 1
        if deletion.version is not None:
            self._gone[deletion.id] = max(deletion.version, self._gone.get(deletion.id, 0))
        return known is not None

    def _entry(self, product_id: str) -> _Entry:
        found = self._entries.get(product_id)
        if found is None:
            raise NotFound(f"There is no product {product_id!r}.")
        return found

    def _require(self, model: str) -> None:
        if model != self._model:
            raise FailedPrecondition(f"The index was made with {self._model}, not with {model}; build it anew.")


def _next(last: int | None, version: int | None) -> int:
    if version is not None:
        return version
    return 1 if last is None else last + 1


def _changed(details: ProductDetails, changes: Mapping[str, Any]) -> ProductDetails:
    unknown = changes.keys() - _FIELDS
    if unknown:
        raise InvalidArgument(f"A product has no {', '.join(sorted(unknown))} to change.")
    merged = {**details.attributes, **changes.get("attributes", {})}
    kept = {name: value for name, value in merged.items() if value is not None}
    return replace(details, **{**changes, "attributes": kept})


def _hits(entry: _Entry, probe: int, vector: Vector, words: str) -> list[Hit]:
    asked = set(words.lower().split())
    title = set(entry.product.details.title.lower().split())
    return [
        Hit(
            probe=probe,
            product_id=entry.product.id,
            image_id=image.image.id,
            similarity=float(np.dot(vector, region.features.embedding)),
            box=region.box,
            node=entry.product.node,
            colour=region.features.colour,
            content_hash=image.image.content_hash,
            details=entry.product.details,
            words=len(asked & title) / len(asked) if asked else None,
        )
        for image in entry.images
        for region in image.regions
    ]
