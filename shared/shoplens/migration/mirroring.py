"""What writes, into both generations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain

import structlog

from shoplens import metrics
from shoplens.domain import ImportOutcome, Product, ProductDraft, ProductPatch
from shoplens.errors import NotFound, ShoplensError
from shoplens.migration.generations import Generations
from shoplens.ports import Ingest

_log = structlog.get_logger(__name__)


class MirroredIngest:
    """Implements ``ports.Ingest``: into the generation that answers, whose answer counts, and then into the one beside it.

    What fails there fails nobody: it is counted, and mended by the next pass (:mod:`shoplens.migration.mending`).
    """

    def __init__(self, generations: Generations) -> None:
        self._generations = generations

    def put(self, draft: ProductDraft) -> Product:
        with self._generations.using() as pair:
            product = pair.live.ingest.put(draft)
            if pair.other is not None:
                self._beside(partial(pair.other.ingest.put, draft))
            return product

    def put_many(self, drafts: Iterable[ProductDraft]) -> Iterator[ImportOutcome]:
        """As the port says. A long import follows a switch at its next product."""
        rest, done = iter(drafts), False
        while not done:
            with self._generations.using() as pair:
                first = next(rest, None)
                if first is None:
                    return
                part = _Part(chain([first], rest), lambda pair=pair: self._generations.now is pair)  # type: ignore[misc]
                if pair.other is None:
                    yield from pair.live.ingest.put_many(part)
                else:
                    yield from self._both(pair.live.ingest, pair.other.ingest, part)
                done = part.ended

    def patch(self, patch: ProductPatch) -> Product:
        with self._generations.using() as pair:
            product = pair.live.ingest.patch(patch)
            if pair.other is not None:
                self._beside(partial(pair.other.ingest.patch, patch))
            return product

    def delete(self, product_id: str, *, version: int | None = None) -> None:
        with self._generations.using() as pair:
            pair.live.ingest.delete(product_id, version=version)
            if pair.other is not None:
                self._beside(partial(pair.other.ingest.delete, product_id, version=version))

    def _both(self, live: Ingest, other: Ingest, drafts: Iterable[ProductDraft]) -> Iterator[ImportOutcome]:
        waiting: dict[str, ProductDraft] = {}

        def noted() -> Iterator[ProductDraft]:
            for draft in drafts:
                waiting[draft.id] = draft
                yield draft

        for outcome in live.put_many(noted()):
            draft = waiting.pop(outcome.product_id, None)
            if outcome.ok and draft is not None:
                self._beside(partial(other.put, draft))
            yield outcome

    @staticmethod
    def _beside(write: Callable[[], object]) -> None:
        try:
            write()
        except NotFound:
            return  # not there yet, or no more
        except ShoplensError as error:
            metrics.MIRROR_FAILURES.labels(error.reason).inc()
            _log.warning("a write failed in the generation beside; the next pass mends it", reason=error.reason, problem=str(error))


class _Part:
    """Drafts as long as nothing changes. ``ended``: there are no more."""

    def __init__(self, drafts: Iterator[ProductDraft], unchanged: Callable[[], bool]) -> None:
        self._drafts = drafts
        self._unchanged = unchanged
        self._first = True
        self.ended = False

    def __iter__(self) -> Iterator[ProductDraft]:
        # What was taken is given out: the check stands before the taking.
        while self._first or self._unchanged():
            self._first = False
            draft = next(self._drafts, None)
            if draft is None:
                self.ended = True
                return
            yield draft
