"""The write path: fetch, decode, detect, encode, and hand to the catalogue, a product whole or not at all."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from itertools import islice
from typing import Final, Protocol

import structlog

from services.ingest.category import node_after, node_of
from services.ingest.extraction import Extractor
from shoplens import deadlines, metrics
from shoplens.domain import ImageSource, ImportOutcome, IndexedImage, Product, ProductDraft, ProductPatch
from shoplens.errors import InternalError, InvalidArgument, NotFound, ShoplensError
from shoplens.ports import Catalogue, Copies, Detector, Encoder

WORKERS: Final = 4
"""Products prepared at once by ``put_many``: enough to hide a picture's download behind another's inference."""

AHEAD: Final = 2 * WORKERS
"""Drafts that ``put_many`` takes before it has answered the first."""

_log = structlog.get_logger()


class PictureSource(Protocol):
    """Where pictures given by address come from: ``shoplens.fetcher.Fetcher``, or a double."""

    def fetch(self, uri: str) -> bytes: ...


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A product ready to be stored; or ``current``, the stored one, where that is as new as the draft."""

    draft: ProductDraft
    images: tuple[IndexedImage, ...] = ()
    current: Product | None = None


@contextmanager
def _counted(operation: str) -> Iterator[None]:
    outcome = InternalError.reason
    try:
        yield
        outcome = "ok"
    except ShoplensError as error:
        outcome = error.reason
        raise
    finally:
        metrics.PRODUCTS_WRITTEN.labels(operation=operation, outcome=outcome).inc()


class Pipeline:
    """Implements ``ports.Ingest``."""

    def __init__(self, detector: Detector, encoder: Encoder, copies: Copies, catalogue: Catalogue, fetcher: PictureSource) -> None:
        self._extractor = Extractor(detector, encoder, copies)
        self._encoder = encoder
        self._catalogue = catalogue
        self._fetcher = fetcher

    def put(self, draft: ProductDraft) -> Product:
        with _counted("put"):
            return self._store(self._prepare(draft))

    def put_many(self, drafts: Iterable[ProductDraft]) -> Iterator[ImportOutcome]:
        """As the port says. Prepares ``WORKERS`` products at once and reads ``AHEAD`` drafts ahead; stores in order."""
        waiting: deque[tuple[ProductDraft, Future[_Prepared]]] = deque()
        pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="ingest")
        try:
            source = iter(drafts)
            while True:
                for draft in islice(source, AHEAD - len(waiting)):
                    waiting.append((draft, pool.submit(copy_context().run, self._prepare, draft)))
                if not waiting:
                    return
                yield self._outcome(*waiting.popleft())
        finally:
            pool.shutdown(cancel_futures=True)

    def patch(self, patch: ProductPatch) -> Product:
        with _counted("patch"):
            return self._catalogue.patch(patch, node=node_after(patch.changes))

    def delete(self, product_id: str) -> None:
        with _counted("delete"):
            self._catalogue.delete(product_id)

    def _outcome(self, draft: ProductDraft, prepared: Future[_Prepared]) -> ImportOutcome:
        try:
            with _counted("put"):
                self._store(prepared.result())
        except ShoplensError as error:
            return ImportOutcome(draft.id, ok=False, error=str(error))
        except Exception:  # noqa: BLE001 - a fault of ours in one product must not cost the rest; the log has it
            _log.exception("product_failed", product_id=draft.id)
            return ImportOutcome(draft.id, ok=False, error="This product met a fault of shoplens; what happened is in its log.")
        return ImportOutcome(draft.id, ok=True)

    def _prepare(self, draft: ProductDraft) -> _Prepared:
        if not draft.images:
            raise InvalidArgument("A product is found by its pictures; send at least one.")
        if draft.version is not None:
            current = self._current(draft.id)
            if current is not None and current.version >= draft.version:
                return _Prepared(draft, current=current)
        return _Prepared(draft, tuple(self._image(source) for source in draft.images))

    def _current(self, product_id: str) -> Product | None:
        try:
            return self._catalogue.get(product_id)
        except NotFound:
            return None

    def _image(self, source: ImageSource) -> IndexedImage:
        """Raises what is wrong with the picture, and says which picture it is."""
        deadlines.check()
        try:
            content = source.content if source.uri is None else self._fetcher.fetch(source.uri)
            if content is None:
                raise InvalidArgument("It has neither content nor uri; send one of them.")
            return self._extractor.extract(source, content)
        except InternalError:
            raise
        except ShoplensError as error:
            raise type(error)(f"Picture {source.id!r}: {error.message}", retry_after_s=error.retry_after_s) from error

    def _store(self, prepared: _Prepared) -> Product:
        if prepared.current is not None:
            return prepared.current
        card = self._encoder.card()
        node = node_of(prepared.draft.details, prepared.images, card.categories)
        return self._catalogue.put(prepared.draft, node, prepared.images, model=card.model)
