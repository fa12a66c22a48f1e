"""Generations of the index: the one that answers, and during a migration another beside it.

A **generation** is everything that belongs to one model: detector, encoder, vectors, weights, and the paths that read and write them.
Two generations know nothing of each other; which of them answers is said here and nowhere else. The ports below hand a call to the one
that answers at that moment and keep it open until the call ends, so that no call ever meets a closed or a half-changed one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Final

import structlog

from shoplens import metrics
from shoplens.domain import (
    CopyMatch,
    CopyQuery,
    Features,
    Hit,
    ImageHolder,
    ImportOutcome,
    IndexStatus,
    Look,
    Product,
    ProductDraft,
    ProductPage,
    ProductPatch,
    RegionQuery,
    SearchAnswer,
    SearchQuery,
    StoredPicture,
)
from shoplens.errors import FailedPrecondition, NotFound, ShoplensError
from shoplens.ports import Catalogue, CopySearch, Ingest, Search

LEAVE_S: Final = 60.0
"""So long is waited for calls that still use what is to be closed; none has a later deadline."""

Seen = Callable[[SearchQuery, SearchAnswer, float, int], None]
"""Told of an answer: how many seconds it took, and which generation gave it."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation, behind its ports; ``number`` counts from 1, ``model`` is its encoder's."""

    number: int
    model: str
    search: Search
    ingest: Ingest
    catalogue: Catalogue
    copies: CopySearch
    close: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Pair:
    """What a call uses: the generation that answers, and the one beside it, if any. Never changes; a change makes a new pair."""

    live: Generation
    other: Generation | None = None


class Generations:
    """Which generation answers. Safe to use from many threads."""

    def __init__(self, live: Generation) -> None:
        self._changed = threading.Condition()
        self._pair = Pair(live)
        self._users: dict[int, int] = {}

    @property
    def now(self) -> Pair:
        """To look at; to call anything of it, use :meth:`using`."""
        return self._pair

    @contextmanager
    def using(self) -> Iterator[Pair]:
        """The pair of this moment, which is not closed before the block is left."""
        with self._changed:
            pair = self._pair
            self._users[id(pair)] = self._users.get(id(pair), 0) + 1
        try:
            yield pair
        finally:
            with self._changed:
                self._users[id(pair)] -= 1
                if not self._users[id(pair)]:
                    del self._users[id(pair)]
                self._changed.notify_all()

    def add(self, other: Generation) -> None:
        """Write to ``other`` too from now on; returns once every write knows it. Raises ``FailedPrecondition``."""
        if self._pair.other is not None:
            raise FailedPrecondition("A migration is under way; finish it first.")
        self._change(Pair(self._pair.live, other))

    def switch(self) -> None:
        """The other one answers from now on, and the one that did is kept beside it. Raises ``FailedPrecondition``."""
        with self._changed:
            before = self._pair
            if before.other is None:
                raise FailedPrecondition("There is no second generation to switch to; start a migration first.")
            self._pair = Pair(before.other, before.live)
        _log.info("generation switched", live=self._pair.live.number, model=self._pair.live.model)

    def remove(self) -> None:
        """Write to the live one alone from now on, and close the other once nobody uses it."""
        before = self._pair
        if before.other is not None:
            self._change(Pair(before.live))
            before.other.close()

    def close(self) -> None:
        for generation in (self._pair.live, self._pair.other):
            if generation is not None:
                generation.close()

    def _change(self, after: Pair) -> None:
        """Put a pair in place of the present one, and wait until nobody uses that any more."""
        with self._changed:
            self._pair = after
            until = time.monotonic() + LEAVE_S
            while any(users for pair, users in self._users.items() if pair != id(after)):
                if not self._changed.wait(until - time.monotonic()):
                    _log.warning("calls outlast the change of a generation", waited_s=LEAVE_S)
                    return


class LiveSearch:
    """Implements ``ports.Search``. During a migration ``seen`` is told of every photo's answer, and must not wait."""

    def __init__(self, generations: Generations, seen: Seen | None = None) -> None:
        self._generations = generations
        self._seen = seen

    def search(self, query: SearchQuery) -> SearchAnswer:
        with self._generations.using() as pair:
            begun = time.monotonic()
            answer = pair.live.search.search(query)
            if self._seen is not None and pair.other is not None and query.picture is not None:
                self._seen(query, answer, time.monotonic() - begun, pair.live.number)
            return answer

    def similar(self, product_id: str, *, top_k: int = 20) -> SearchAnswer:
        with self._generations.using() as pair:
            return pair.live.search.similar(product_id, top_k=top_k)

    def look(self, query: SearchQuery) -> Look:
        with self._generations.using() as pair:
            return pair.live.search.look(query)


class LiveCopySearch:
    """Implements ``ports.CopySearch``."""

    def __init__(self, generations: Generations) -> None:
        self._generations = generations

    def copies(self, query: CopyQuery) -> Sequence[CopyMatch]:
        with self._generations.using() as pair:
            return pair.live.copies.copies(query)


class LiveCatalogue:
    """Implements ``ports.CatalogueReader``. Features are of one model, so they are written in a generation of their own."""

    def __init__(self, generations: Generations) -> None:
        self._generations = generations

    def get(self, product_id: str) -> Product:
        with self._generations.using() as pair:
            return pair.live.catalogue.get(product_id)

    def page(self, *, size: int = 100, token: str = "") -> ProductPage:
        with self._generations.using() as pair:
            return pair.live.catalogue.page(size=size, token=token)

    def features(self, product_id: str) -> Sequence[Features]:
        with self._generations.using() as pair:
            return pair.live.catalogue.features(product_id)

    def picture(self, product_id: str, image_id: str) -> StoredPicture:
        with self._generations.using() as pair:
            return pair.live.catalogue.picture(product_id, image_id)

    def holders(self, content_hashes: Sequence[str]) -> Mapping[str, Sequence[ImageHolder]]:
        with self._generations.using() as pair:
            return pair.live.catalogue.holders(content_hashes)

    def search(self, query: RegionQuery) -> Sequence[Hit]:
        with self._generations.using() as pair:
            return pair.live.catalogue.search(query)

    def status(self) -> IndexStatus:
        with self._generations.using() as pair:
            return pair.live.catalogue.status()


class MirroredIngest:
    """Implements ``ports.Ingest``: into the generation that answers, whose answer counts, and then into the one beside it.

    What fails there fails nobody: it is counted, and mended by the next pass (:mod:`services.migration.mending`).
    """

    def __init__(self, generations: Generations) -> None:
        self._generations = generations

    def put(self, draft: ProductDraft) -> Product:
        with self._generations.using() as pair:
            product = pair.live.ingest.put(draft)
            if pair.other is not None:
                self._beside(pair.other.ingest.put, draft)
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
                self._beside(pair.other.ingest.patch, patch)
            return product

    def delete(self, product_id: str, *, version: int | None = None) -> None:
        with self._generations.using() as pair:
            pair.live.ingest.delete(product_id, version=version)
            if pair.other is not None:
                other = pair.other.ingest
                self._beside(lambda name: other.delete(name, version=version), product_id)

    def _both(self, live: Ingest, other: Ingest, drafts: Iterable[ProductDraft]) -> Iterator[ImportOutcome]:
        waiting: dict[str, ProductDraft] = {}

        def noted() -> Iterator[ProductDraft]:
            for draft in drafts:
                waiting[draft.id] = draft
                yield draft

        for outcome in live.put_many(noted()):
            draft = waiting.pop(outcome.product_id, None)
            if outcome.ok and draft is not None:
                self._beside(other.put, draft)
            yield outcome

    @staticmethod
    def _beside(write: Callable[[ProductDraft], object] | Callable[[ProductPatch], object] | Callable[[str], object], what: object) -> None:
        try:
            write(what)  # type: ignore[arg-type]  # each caller brings its own kind
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
