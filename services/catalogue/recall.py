"""How much of what is nearest an approximate index really finds, measured on shoppers' own searches while they go on.

One search in a hundred is asked again, looking at sixty times as many neighbours, which over an HNSW graph finds all but what no search
would; the share of its first ten that the shopper's search had too is the recall. Nobody waits for it: a thread of its own asks, and
what comes while it is busy is let go. An exact index (the embedded one) needs none of this.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import structlog
from numpy.typing import NDArray

from services.catalogue.connection import Milvus, Neighbours
from shoplens import deadlines, metrics
from shoplens.errors import ShoplensError

EVERY: Final = 100
TOP: Final = 10
EXHAUSTIVE: Final = {"ef": 8_192}
_ASKED_S: Final = 10.0
_WAITING: Final = 2

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Search:
    probes: NDArray[np.float32]
    where: str
    found: tuple[tuple[int, ...], ...]


class RecallWatch:
    """Looks after the searches of one collection, ``images``."""

    def __init__(self, milvus: Milvus, images: str, *, every: int = EVERY) -> None:
        self._milvus = milvus
        self._images = images
        self._every = every
        self._count = 0
        self._searches: queue.Queue[_Search | None] = queue.Queue(_WAITING)
        self._thread: threading.Thread | None = None

    def searched(self, probes: NDArray[np.float32], where: str, found: Sequence[Neighbours]) -> None:
        """Told of a search and of what it found. Neither waits nor fails."""
        if self._milvus.embedded is not None:
            return
        self._count += 1
        if self._count % self._every:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="recall", daemon=True)
            self._thread.start()
        try:
            self._searches.put_nowait(_Search(probes, where, tuple(tuple(each.ids[:TOP]) for each in found)))
        except queue.Full:
            _log.debug("a search is not looked after; enough are waiting")

    def close(self) -> None:
        """End the thread, after what it is at."""
        if self._thread is not None:
            self._searches.put(None)
            self._thread.join()

    def _work(self) -> None:
        while (search := self._searches.get()) is not None:
            try:
                with deadlines.within(_ASKED_S):
                    self._look(search)
            except ShoplensError as error:
                _log.debug("recall is not measured", problem=str(error))

    def _look(self, search: _Search) -> None:
        nearest = self._milvus.search(
            self._images, search.probes, field="embedding", limit=TOP, where=search.where, params=dict(EXHAUSTIVE)
        )
        for exact, found in zip(nearest, search.found, strict=True):
            if len(exact.ids):
                metrics.INDEX_RECALL.observe(len({*exact.ids} & {*found}) / len(exact.ids))
