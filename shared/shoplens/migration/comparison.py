"""How two generations answer the same photos: shoppers' own, and photos whose product is known."""

from __future__ import annotations

import csv
import queue
import statistics
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import structlog

from shoplens import deadlines, priorities
from shoplens.background import beside
from shoplens.domain import SearchAnswer, SearchQuery
from shoplens.errors import InvalidArgument, ShoplensError
from shoplens.images import decode
from shoplens.migration.generations import Generation, Generations
from shoplens.ports import Search

TOP: Final = 10
EVERY: Final = 10
"""One shopper's photo in so many is looked at by the other generation too, at the priority of bulk work."""

_WAITING: Final = 16
_KEPT: Final = 1_000
_ASKED_S: Final = 10.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Shown:
    query: SearchQuery
    live: int
    products: tuple[str, ...]
    seconds: float


@dataclass(slots=True)
class Agreement:
    """The last thousand photos that both answered. overlap: the share of the first ten that both show."""

    overlap: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))
    same_first: deque[bool] = field(default_factory=lambda: deque(maxlen=_KEPT))
    live_s: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))
    other_s: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))
    failed: int = 0

    def as_json(self) -> dict[str, Any]:
        if not self.overlap:
            return {"photos": 0, "failed": self.failed}
        return {
            "photos": len(self.overlap),
            "overlap_at_10": round(statistics.fmean(self.overlap), 4),
            "same_first": round(statistics.fmean(self.same_first), 4),
            "live_p50_ms": round(1_000 * statistics.median(self.live_s), 1),
            "other_p50_ms": round(1_000 * statistics.median(self.other_s), 1),
            "failed": self.failed,
        }


@dataclass(frozen=True, slots=True)
class Labelled:
    """How often each generation shows the right product of photos that were labelled. R@1 and R@10, 0..1."""

    photos: int
    live: dict[str, float]
    other: dict[str, float]

    def as_json(self) -> dict[str, Any]:
        return {"photos": self.photos, "live": self.live, "other": self.other}


class Shadow:
    """Asks the generation beside what a share of the shoppers asked, in a thread of its own; nobody waits for it."""

    def __init__(self) -> None:
        self._asked: queue.Queue[_Shown] = queue.Queue(_WAITING)
        self._count = 0
        self.agreement = Agreement()

    def reset(self) -> None:
        """What was compared until now was between other generations."""
        self.agreement = Agreement()

    def __call__(self, query: SearchQuery, answer: SearchAnswer, seconds: float, live: int) -> None:
        """Told of a search that was answered. Neither waits nor fails."""
        self._count += 1
        if self._count % EVERY:
            return
        products = tuple(result.product_id for result in answer.ranking.results[:TOP])
        try:
            self._asked.put_nowait(_Shown(query, live, products, seconds))
        except queue.Full:
            _log.debug("a photo is not compared; enough are waiting")

    @contextmanager
    def comparing(self, generations: Generations) -> Iterator[None]:
        def work(stop: threading.Event) -> None:
            while not stop.is_set():
                try:
                    shown = self._asked.get(timeout=0.2)
                except queue.Empty:
                    continue
                with generations.using() as pair:
                    if pair.other is not None and pair.live.number == shown.live:
                        self._compare(shown, pair.other)

        with beside("shadow", work):
            yield

    def _compare(self, shown: _Shown, other: Generation) -> None:
        begun = time.monotonic()
        try:
            with priorities.bulk(), deadlines.within(_ASKED_S):
                answer = other.search.search(shown.query)
        except ShoplensError as error:
            self.agreement.failed += 1
            _log.warning("the generation beside does not answer a shopper's photo", problem=str(error))
            return
        theirs = tuple(result.product_id for result in answer.ranking.results[:TOP])
        most = max(len(shown.products), len(theirs))
        self.agreement.overlap.append(len({*shown.products} & {*theirs}) / most if most else 1.0)
        self.agreement.same_first.append(shown.products[:1] == theirs[:1])
        self.agreement.live_s.append(shown.seconds)
        self.agreement.other_s.append(time.monotonic() - begun)


def labelled_photos(table: Path) -> list[tuple[Path, str]]:
    """A CSV's columns ``photo`` (a path, beside the file or absolute) and ``product_id``. Raises ``InvalidArgument``."""
    try:
        with table.open(encoding="utf-8", newline="") as lines:
            found = [(table.parent / row["photo"], row["product_id"]) for row in csv.DictReader(lines)]
    except (OSError, KeyError, ValueError) as error:
        raise InvalidArgument(f"{table} cannot be read as a CSV with the columns photo and product_id ({error}).") from error
    if not found:
        raise InvalidArgument(f"{table} names no photo.")
    return found


def labelled(photos: list[tuple[Path, str]], live: Search, other: Search) -> Labelled:
    """Ask both for every photo. Raises ``InvalidArgument`` where one cannot be read, and what searching raises."""
    found: dict[str, list[int]] = {"live": [], "other": []}
    for path, product_id in photos:
        try:
            query = SearchQuery(picture=decode(path.read_bytes()), top_k=TOP)
        except OSError as error:
            raise InvalidArgument(f"{path} cannot be read ({error.strerror}).") from error
        for name, search in (("live", live), ("other", other)):
            with priorities.bulk(), deadlines.within(_ASKED_S):
                results = search.search(query).ranking.results
            found[name].append(next((place for place, each in enumerate(results) if each.product_id == product_id), TOP))
    shares = {
        name: {f"r@{top}": round(statistics.fmean(place < top for place in places), 4) for top in (1, TOP)}
        for name, places in found.items()
    }
    return Labelled(len(photos), shares["live"], shares["other"])
