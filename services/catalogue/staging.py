"""Writes on their way into one commit: each is checked, and sees those before it.

Several writes to one product become one change, so that a burst of price changes costs one row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from services.catalogue import rows
from services.catalogue.connection import Row
from services.catalogue.directory import Directory
from services.catalogue.drafts import check_id, check_images, check_version, document_of, patched
from services.catalogue.kept import Kept
from services.catalogue.ledger import Change, Removal
from services.catalogue.rows import Document
from shoplens.domain import EncoderCard, Position, PreparedPatch, PreparedPut, Product, ProductDeletion, Write
from shoplens.errors import FailedPrecondition, NotFound


@dataclass(frozen=True, slots=True)
class Staged:
    """What a write comes to. ``text`` is the product's document as it will be stored, None where it is gone."""

    changed: bool
    text: str | None = None
    document: Document | None = None

    def product(self) -> Product:
        """As it will be read again: what a put returns equals what a get returns. Raises ``FailedPrecondition`` where it is gone."""
        if self.text is not None:
            return rows.document_from_text(self.text).product
        if self.document is not None:
            return self.document.product
        raise FailedPrecondition("The product was deleted with this version or a newer one; send a version above it.")


@dataclass(frozen=True, slots=True)
class _Standing:
    """A product before a write. ``version``: of the product, or of its deletion where that had one; None where neither is."""

    document: Document | None
    base: int
    version: int | None
    position: Position | None


class Staging:
    """One batch. take: new ids in a row. image_rows: rows of images, whole, by their ids."""

    def __init__(
        self,
        card: EncoderCard,
        directory: Directory,
        documents: Kept[Document],
        take: Callable[[int], int],
        image_rows: Callable[[Sequence[int]], Sequence[Row]],
    ) -> None:
        self._card = card
        self._directory = directory
        self._documents = documents
        self._take = take
        self._image_rows = image_rows
        self._changes: dict[str, Change | Removal] = {}

    @property
    def changes(self) -> list[Change | Removal]:
        """What is to be committed, one for each product."""
        return list(self._changes.values())

    def add(self, write: Write) -> Staged:
        """Raises ``InvalidArgument`` for a write that is wrong, and ``NotFound``; the batch is as before then."""
        change = write.change
        standing = self._standing(change.id)
        if _is_behind(write.position, standing.position):
            return Staged(changed=False, document=standing.document)
        match change:
            case PreparedPut():
                return self._put(change, standing, write.position)
            case PreparedPatch():
                return self._patch(change, standing, write.position)
            case ProductDeletion():
                return self._delete(change, standing, write.position)

    def _put(self, put: PreparedPut, standing: _Standing, position: Position | None) -> Staged:
        check_id(put.id)
        check_version(put.draft.version)
        check_images(self._card, put.images)
        if _is_old(put.draft.version, standing.version):
            return Staged(changed=False, document=standing.document)
        version = put.draft.version if put.draft.version is not None else _next(standing.version)
        document = document_of(put.draft, put.node, put.images, version=version, now=datetime.now(UTC))
        text = rows.document_to_text(document)
        base = self._take(document.rows)
        pictures = tuple(zip(document.files, (image.content for image in put.images), strict=True))
        images = rows.image_rows(base, put.node, put.images)
        self._changes[put.id] = Change(document, text, base, images, pictures, position or standing.position)
        return Staged(changed=True, text=text, document=document)

    def _patch(self, prepared: PreparedPatch, standing: _Standing, position: Position | None) -> Staged:
        patch, before = prepared.patch, standing.document
        check_version(patch.version)
        if before is None or standing.version is None:
            raise missing(patch.id)
        if _is_old(patch.version, standing.version):
            return Staged(changed=False, document=before)
        version = patch.version if patch.version is not None else _next(standing.version)
        document = patched(before, patch, prepared.node, version=version, now=datetime.now(UTC))
        text = rows.document_to_text(document)
        staged = self._changes.get(patch.id)
        images: Sequence[Row] = staged.images if isinstance(staged, Change) else ()
        pictures = staged.pictures if isinstance(staged, Change) else ()
        base = standing.base
        if document.product.node != before.product.node:
            old = images or self._image_rows(range(base, base + before.rows))
            base = self._take(before.rows)
            images = rows.moved_rows(old, base, document.product.node)
        self._changes[patch.id] = Change(document, text, base, images, pictures, position or standing.position)
        return Staged(changed=True, text=text, document=document)

    def _delete(self, deletion: ProductDeletion, standing: _Standing, position: Position | None) -> Staged:
        check_version(deletion.version)
        gone = standing.document is None
        if gone and deletion.version is None:
            if position is None:
                raise missing(deletion.id)
            return Staged(changed=False)
        if deletion.version is not None and standing.version is not None and deletion.version < standing.version:
            return Staged(changed=False, document=standing.document)
        check_id(deletion.id)
        self._changes[deletion.id] = Removal(deletion.id, deletion.version, position or standing.position)
        return Staged(changed=not gone)

    def _standing(self, product_id: str) -> _Standing:
        staged = self._changes.get(product_id)
        if isinstance(staged, Change):
            return _Standing(staged.document, staged.base, staged.document.product.version, staged.position)
        if isinstance(staged, Removal):
            return _Standing(None, 0, staged.version, staged.position)
        entry = self._directory.find(product_id)
        if entry is not None:
            document = self._documents.of([entry.number]).get(entry.number)
            if document is None:
                raise missing(product_id)
            return _Standing(document, entry.base, entry.version, entry.position)
        buried = self._directory.buried(product_id)
        if buried is not None:
            return _Standing(None, 0, buried.version, buried.position)
        return _Standing(None, 0, None, None)


def missing(product_id: str) -> NotFound:
    return NotFound(f"There is no product {product_id!r}; put it first.")


def _is_behind(position: Position | None, last: Position | None) -> bool:
    return position is not None and last is not None and position.log == last.log and position.offset <= last.offset


def _is_old(version: int | None, standing: int | None) -> bool:
    return version is not None and standing is not None and version <= standing


def _next(version: int | None) -> int:
    return 1 if version is None else version + 1
