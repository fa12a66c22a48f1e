"""The write path for those who wait for its answer: a product whole or not at all."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from itertools import islice
from typing import Final

import structlog

from services.ingest.category import node_after
from services.ingest.preparation import Preparation
from shoplens import metrics, priorities
from shoplens.domain import ImportOutcome, PreparedPut, Product, ProductDeletion, ProductDraft, ProductPatch, Write, WriteOutcome
from shoplens.errors import InternalError, NotFound, ShoplensError
from shoplens.ports import Catalogue

WORKERS: Final = 4
"""Products prepared at once by ``put_many``: enough to hide a picture's download behind another's inference."""

AHEAD: Final = 4 * WORKERS
"""Drafts that ``put_many`` takes before it has answered the first."""

MOST_BYTES: Final = 32 << 20
"""Bytes of pictures that ``put_many`` stores at once."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A product ready to be stored; or ``current``, the stored one, where that is as new as what was sent."""

    put: PreparedPut | None = None
    current: Product | None = None

    def size(self) -> int:
        """Bytes of pictures."""
        return 0 if self.put is None else sum(len(image.content) for image in self.put.images)


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


def _ready(waiting: deque[tuple[ProductDraft, Future[_Prepared]]]) -> list[tuple[ProductDraft, Future[_Prepared]]]:
    """Takes the first, once it is prepared or failed, and those behind it that are by then."""
    size = 0
    ready: list[tuple[ProductDraft, Future[_Prepared]]] = []
    while waiting and (not ready or waiting[0][1].done()):
        _, prepared = waiting[0]
        size += 0 if prepared.exception() else prepared.result().size()
        if ready and size > MOST_BYTES:
            break
        ready.append(waiting.popleft())
    return ready


class Pipeline:
    """Implements ``ports.Ingest``."""

    def __init__(self, preparation: Preparation, catalogue: Catalogue) -> None:
        self._preparation = preparation
        self._catalogue = catalogue

    def put(self, draft: ProductDraft) -> Product:
        with _counted("put"):
            return self._store(self._prepare(draft))

    def put_many(self, drafts: Iterable[ProductDraft]) -> Iterator[ImportOutcome]:
        """As the port says. Prepares ``WORKERS`` products at once and reads ``AHEAD`` drafts ahead; stores in order.

        What is ready when its turn comes is stored together: a commit costs the same for one product as for a dozen, and those
        whose features are known are ready faster than any commit is.
        """
        waiting: deque[tuple[ProductDraft, Future[_Prepared]]] = deque()
        pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="ingest")
        try:
            source = iter(drafts)
            while True:
                for draft in islice(source, AHEAD - len(waiting)):
                    with priorities.bulk():
                        waiting.append((draft, pool.submit(copy_context().run, self._prepare, draft)))
                if not waiting:
                    return
                ready = _ready(waiting)
                stored = self._store_together([prepared for _, prepared in ready])
                for draft, prepared in ready:
                    yield self._outcome(draft, prepared, stored.get(prepared))
        finally:
            pool.shutdown(cancel_futures=True)

    def patch(self, patch: ProductPatch) -> Product:
        with _counted("patch"):
            return self._catalogue.patch(patch, node=node_after(patch.changes))

    def delete(self, product_id: str, *, version: int | None = None) -> None:
        with _counted("delete"):
            if version is None:
                self._catalogue.delete(product_id)
                return
            (outcome,) = self._catalogue.apply([Write(ProductDeletion(product_id, version))])
            if outcome.error is not None:
                raise outcome.error

    def _store_together(self, prepared: Sequence[Future[_Prepared]]) -> dict[Future[_Prepared], WriteOutcome]:
        """What became of those that were stored; of none where they cannot be together, and each goes alone."""
        writes = {each: Write(put) for each in prepared if each.exception() is None and (put := each.result().put) is not None}
        if len(writes) < 2:
            return {}
        try:
            return dict(zip(writes, self._catalogue.apply(list(writes.values())), strict=True))
        except Exception as error:  # noqa: BLE001 - whatever it is, each goes alone then, and its own error is its own
            _log.info("products_not_stored_together", products=len(writes), problem=str(error))
            return {}

    def _outcome(self, draft: ProductDraft, prepared: Future[_Prepared], stored: WriteOutcome | None) -> ImportOutcome:
        try:
            with _counted("put"):
                if stored is None:
                    self._store(prepared.result())
                elif stored.error is not None:
                    raise stored.error
        except ShoplensError as error:
            return ImportOutcome(draft.id, ok=False, error=str(error))
        except Exception:  # noqa: BLE001 - a fault of ours in one product must not cost the rest; the log has it
            _log.exception("product_failed", product_id=draft.id)
            return ImportOutcome(draft.id, ok=False, error="This product met a fault of shoplens; what happened is in its log.")
        return ImportOutcome(draft.id, ok=True)

    def _prepare(self, draft: ProductDraft) -> _Prepared:
        if draft.images and draft.version is not None:
            current = self._current(draft.id)
            if current is not None and current.version >= draft.version:
                return _Prepared(current=current)
        return _Prepared(self._preparation.prepare(draft))

    def _current(self, product_id: str) -> Product | None:
        try:
            return self._catalogue.get(product_id)
        except NotFound:
            return None

    def _store(self, prepared: _Prepared) -> Product:
        if prepared.put is None:
            assert prepared.current is not None
            return prepared.current
        put = prepared.put
        return self._catalogue.put(put.draft, put.node, put.images, model=put.model)
