"""The catalogue engine: :class:`shoplens.ports.Catalogue` on Milvus, embedded or a server.

How rows are laid out is in :mod:`services.catalogue.schema`, in which order they are written and what a crash leaves
in :mod:`services.catalogue.ledger`. One process owns an index: it keeps in memory which products there are, and another
process's writes would not be seen until the next open.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from services.catalogue import rows
from services.catalogue.connection import DEFAULT_DATABASE, Milvus, Row
from services.catalogue.directory import Directory, Entry
from services.catalogue.gathering import Gatherer
from services.catalogue.kept import Nearby
from services.catalogue.ledger import Ledger
from services.catalogue.lookup import Lookup
from services.catalogue.meta import settle_model
from services.catalogue.pausing import Writes
from services.catalogue.pictures import PictureFiles
from services.catalogue.readiness import Readiness
from services.catalogue.searching import MOST_HITS, Searcher
from services.catalogue.staging import Staged, Staging, missing
from services.catalogue.tokens import product_before, token_after
from shoplens import deadlines
from shoplens.domain import (
    EncoderCard,
    Features,
    Hit,
    ImageHolder,
    IndexedImage,
    IndexStatus,
    PreparedPatch,
    PreparedPut,
    Product,
    ProductDeletion,
    ProductDraft,
    ProductPage,
    ProductPatch,
    RegionQuery,
    StoredPicture,
    Write,
    WriteOutcome,
)
from shoplens.errors import DeadlineExceeded, FailedPrecondition, InvalidArgument, NotFound, ShoplensError
from shoplens.metrics import INDEX_ITEMS

MOST_PRODUCTS = 1000
"""The largest page."""
_WRITE_S = 60.0
_LOOKS = 3


class MilvusCatalogue:
    """Products, their pictures and their vectors. Safe to use from many threads; writes go one at a time."""

    @classmethod
    def open(cls, uri: str, pictures: Path, card: EncoderCard, *, database: str = DEFAULT_DATABASE) -> MilvusCatalogue:
        """Open an index, or make one, for the vectors of ``card.model``.

        uri: a file's path (Milvus Lite) or ``http://host:port``. pictures: the folder of the pictures' bytes.
        database: a server's, made where there is none; the embedded store has but one.

        Raises ``FailedPrecondition`` where the index holds another model's vectors, or the file is in use or damaged;
        ``Unavailable`` where no Milvus answers.
        """
        with ExitStack() as opened:
            files = opened.enter_context(closing(PictureFiles(pictures)))
            milvus = opened.enter_context(Milvus(uri, database))
            catalogue = cls(milvus, files, card)
            opened.pop_all()
            return catalogue

    def __init__(self, milvus: Milvus, pictures: PictureFiles, card: EncoderCard) -> None:
        self._milvus = milvus
        self._pictures = pictures
        self._card = card
        self._meta = settle_model(milvus, card)
        self._directory = Directory()
        nearby = Nearby.to(milvus, self._meta.images)
        self._documents = nearby.documents
        self._lookup = Lookup()
        self._ledger = Ledger(milvus, self._meta.images, pictures, self._directory, self._lookup, nearby)
        self._searcher = Searcher(milvus, self._meta.images, self._directory, self._lookup, nearby, lambda: self._ledger.hidden)
        self._readiness = Readiness(lambda: milvus.ready(self._meta.images, "embedding"))
        self._write_lock = threading.Lock()
        self._writes = None if milvus.embedded is None else Writes(milvus.embedded.path)
        self._turns = Gatherer(self._write_all, self._writing)
        self._fresh: dict[str, datetime] = {}
        # What another process counted before must not be taken for this one's.
        self._opened = time.time_ns()
        with self._unpaused():
            self._ledger.recover()
        INDEX_ITEMS.labels(self._card.model).set(self._directory.images)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Finish the write under way, tidy up and disconnect."""
        with self._write_lock, suppress(ShoplensError), self._unpaused():
            self._ledger.flush()
        if self._writes is not None:
            self._writes.close()
        self._searcher.close()
        with suppress(KeyError):  # an index that was removed must not be counted for ever
            INDEX_ITEMS.remove(self._card.model)
        self._milvus.close()
        self._lookup.close()
        self._pictures.close()

    def put(self, draft: ProductDraft, node: str, images: Sequence[IndexedImage], *, model: str) -> Product:
        """As the port says. Raises ``InvalidArgument`` for an impossible id, missing images or features of other widths."""
        self._check_model(model)
        return self._write(Write(PreparedPut(draft, node, tuple(images), model))).product()

    def patch(self, patch: ProductPatch, *, node: str | None = None) -> Product:
        """As the port says; a new ``node`` copies the product's vectors into new rows, everything else leaves them be."""
        return self._write(Write(PreparedPatch(patch, node))).product()

    def apply(self, writes: Sequence[Write]) -> Sequence[WriteOutcome]:
        for write in writes:
            if isinstance(write.change, PreparedPut):
                self._check_model(write.change.model)
        with self._writing():
            return [_outcome(staged) for staged in self._write_all(writes)]

    def mark_fresh(self, marks: Mapping[str, datetime]) -> None:
        self._fresh.update(marks)

    def get(self, product_id: str) -> Product:
        return self._document_of(product_id).product

    def delete(self, product_id: str) -> None:
        self._write(Write(ProductDeletion(product_id)))

    def page(self, *, size: int = 100, token: str = "") -> ProductPage:
        """As the port says. Raises ``InvalidArgument`` for a size outside 1..1000 or a token that is not ours."""
        if not 1 <= size <= MOST_PRODUCTS:
            raise InvalidArgument(f"A page holds 1 to {MOST_PRODUCTS} products, not {size}.")
        entries = self._directory.after(product_before(token), size + 1)
        documents = self._documents.of(entry.number for entry in entries[:size])
        products = tuple(documents[entry.number].product for entry in entries[:size] if entry.number in documents)
        return ProductPage(products, token_after(entries[size - 1].product_id) if len(entries) > size else "")

    def features(self, product_id: str) -> Sequence[Features]:
        for _ in range(_LOOKS):
            entry = self._entry(product_id)
            document = self._document(entry)
            found = {int(row["id"]): row for row in self._image_rows([entry.base + start for start in document.whole_frames()])}
            if len(found) == len(document.images):
                images = zip(document.whole_frames(), document.images, strict=True)
                return [rows.features_from_row(found[entry.base + start], stored.image.content_hash) for start, stored in images]
        raise missing(product_id)

    def picture(self, product_id: str, image_id: str) -> StoredPicture:
        for stored in self._document_of(product_id).images:
            if stored.image.id == image_id:
                return StoredPicture(self._pictures.read(stored.file), stored.media_type)
        raise NotFound(f"The product {product_id!r} has no image {image_id!r}; its images are listed with the product.")

    def holders(self, content_hashes: Sequence[str]) -> Mapping[str, Sequence[ImageHolder]]:
        deadlines.check()
        found: dict[str, list[ImageHolder]] = {}
        for content_hash in dict.fromkeys(content_hashes):
            entries = [entry for name in self._directory.users(content_hash) if (entry := self._directory.find(name)) is not None]
            documents = self._documents.of(entry.number for entry in entries)
            products = [documents[entry.number].product for entry in entries if entry.number in documents]
            images = [(product.id, image) for product in products for image in product.images]
            holders = [ImageHolder(name, image) for name, image in images if image.content_hash == content_hash]
            if holders:
                found[content_hash] = holders
        return found

    def search(self, query: RegionQuery) -> Sequence[Hit]:
        """As the port says, in one call to Milvus, two with words.

        Raises ``InvalidArgument`` for a limit outside 1..16384 or probes of other widths.
        """
        deadlines.check()
        self._check_model(query.model)
        if not 1 <= query.limit <= MOST_HITS:
            raise InvalidArgument(f"A search returns 1 to {MOST_HITS} hits for each probe, not {query.limit}.")
        if any(probe.shape != (self._card.embedding_width,) for probe in query.probes):
            raise InvalidArgument(
                f"A probe has another width than the {self._card.embedding_width} of {self._card.model}; encode it again."
            )
        if not query.probes or not len(self._directory):
            return []
        return self._searcher.nearest(query)

    def status(self) -> IndexStatus:
        now = datetime.now(UTC)
        items = self._directory.images
        INDEX_ITEMS.labels(self._card.model).set(items)
        return IndexStatus(
            version=f"{self._card.model}/{self._meta.generation}",
            items=items,
            products=len(self._directory),
            # A write is acknowledged only once it can be found; what a log tells is so once its reader says it is.
            fresh_as_of=min([now, *list(self._fresh.values())]),
            ready=self._readiness.now(),
            revision=self._opened + self._directory.changes,
        )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        if not self._write_lock.acquire(timeout=deadlines.remaining_s(_WRITE_S)):
            raise DeadlineExceeded("The catalogue was busy with other writes for too long; try again, or send fewer at once.")
        try:
            with self._unpaused():
                yield
        finally:
            INDEX_ITEMS.labels(self._card.model).set(self._directory.images)
            self._write_lock.release()

    def _unpaused(self) -> AbstractContextManager[None]:
        """A write of an embedded index lets nobody copy it meanwhile; a server has means of its own."""
        return nullcontext() if self._writes is None else self._writes.going_on(_WRITE_S)

    def _write(self, write: Write) -> Staged:
        """One write, with all that wait for the same turn."""
        outcome = self._turns.submit(write)
        if isinstance(outcome, ShoplensError):
            raise outcome
        return outcome

    def _write_all(self, writes: Sequence[Write]) -> list[Staged | ShoplensError]:
        staging = Staging(self._card, self._directory, self._documents, self._ledger.take, self._image_rows)
        outcomes: list[Staged | ShoplensError] = []
        for write in writes:
            try:
                outcomes.append(staging.add(write))
            except (InvalidArgument, NotFound) as error:
                outcomes.append(error)
        if staging.changes:
            self._ledger.commit(staging.changes)
        return outcomes

    def _entry(self, product_id: str) -> Entry:
        entry = self._directory.find(product_id)
        if entry is None:
            raise missing(product_id)
        return entry

    def _document_of(self, product_id: str) -> rows.Document:
        for _ in range(_LOOKS):
            entry = self._entry(product_id)
            document = self._documents.of([entry.number]).get(entry.number)
            if document is not None:
                return document
        raise missing(product_id)

    def _document(self, entry: Entry) -> rows.Document:
        document = self._documents.of([entry.number]).get(entry.number)
        if document is None:
            raise missing(entry.product_id)
        return document

    def _image_rows(self, ids: Sequence[int]) -> list[Row]:
        return self._milvus.rows(self._meta.images, ids, ["id", "node", "base", "category", "record", "posterior", "embedding"])

    def _check_model(self, model: str) -> None:
        if model != self._card.model:
            raise FailedPrecondition(
                f"The index holds vectors of {self._card.model}, not of {model}; use that model, or build a new index."
            )


def _outcome(staged: Staged | ShoplensError) -> WriteOutcome:
    if isinstance(staged, ShoplensError):
        return WriteOutcome(changed=False, error=staged)
    return WriteOutcome(changed=staged.changed)
