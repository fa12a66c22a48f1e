"""The cores that inference may use: one queue before all the models of a process.

A network gains little from a second thread while other requests wait, and nothing from more threads than cores. So a shopper
who is alone gets all cores, and of a crowd each gets one, as bulk work does: who is alone waits least, a crowd gets most done.
Of a crowd one more computes than there are cores, for each waits for the interpreter's lock before and after, and a core would
idle meanwhile: a sixth more searches on two cores.

Who queues is served by :mod:`shoplens.priorities`, then by the whole request's deadline: as all searches may take equally long, the one
that came first is finished first, instead of all being begun. Work that nobody waits for any more is dropped before inference,
as in the queue of text-embeddings-inference. Batches there are none: eight pictures in one take as long as eight one by one
(``make bench``).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import count as counting
from typing import Final

from shoplens import deadlines, metrics, priorities
from shoplens.errors import DeadlineExceeded, Overloaded

MOST_WAITING: Final = 256
"""More than the servers before it let in; beyond it something is wrong, and waiting would not help."""

BULK_EVERY: Final = 8
"""While shoppers wait all the time, every so many turns one is bulk work's, so that the catalogue stays fresh."""

_LONGEST_S: Final = 600.0


_numbers = counting()


@dataclass(slots=True, order=True)
class _Place:
    """A place in the queue, in its order. turns: how many were given to it, all there are where it was a shopper's and alone."""

    deadline: float
    number: int
    bulk: bool = field(compare=False)
    called: threading.Event = field(default_factory=threading.Event, compare=False)
    turns: int = field(default=0, compare=False)


class Cores:
    """``count`` cores, shared by all models that are given it. Safe to use from many threads."""

    def __init__(self, count: int = 2) -> None:
        """Raises ``ValueError`` for a count below 1."""
        if count < 1:
            raise ValueError(f"inference takes at least one core, not {count}")
        self.count = count
        self._all = count + 1
        self._free = self._all
        self._lock = threading.Lock()
        self._shoppers: list[_Place] = []
        self._bulk: list[_Place] = []
        self._since_bulk = 0

    @contextmanager
    def turn(self) -> Iterator[int]:
        """Wait for a turn; the number of threads to compute with: ``count`` for a shopper who is alone, else 1.

        Raises ``DeadlineExceeded`` where the time ran out in the queue, ``Overloaded`` where that is full.
        """
        mine = self._wait()
        try:
            yield self.count if mine.turns == self._all else 1
        finally:
            with self._lock:
                self._free += mine.turns
                self._serve()

    def _wait(self) -> _Place:
        # Asked before queueing: a place that is left behind would be given a turn that nobody gives back.
        left_s = deadlines.remaining_s(_LONGEST_S)
        mine = _Place(deadlines.whole(), next(_numbers), priorities.is_bulk())
        queue = self._bulk if mine.bulk else self._shoppers
        with self._lock:
            if len(queue) >= MOST_WAITING:
                raise Overloaded("Too much is waiting to be computed; try again shortly.", retry_after_s=1.0)
            heappush(queue, mine)
            self._serve()
        with metrics.INFERENCE_WAIT_SECONDS.time():
            called = mine.called.wait(left_s)
        if not called:
            self._leave(queue, mine)
        return mine

    def _leave(self, queue: list[_Place], mine: _Place) -> None:
        """Give up the place, unless the turn came in the very last moment."""
        with self._lock:
            if mine.turns:
                return
            queue.remove(mine)
            heapify(queue)
            self._tell()
        metrics.INFERENCE_DROPPED.inc()
        raise DeadlineExceeded("The request ran out of time before its turn; try again, or send fewer at once.")

    def _serve(self) -> None:
        """Hand out the turns that are free. Call it with the lock held."""
        while self._free and (self._shoppers or self._bulk):
            called = self._next()
            alone = self._free == self._all and not self._shoppers and not self._bulk
            called.turns = self._all if alone and not called.bulk else 1
            self._free -= called.turns
            called.called.set()
        self._tell()

    def _next(self) -> _Place:
        if not self._shoppers or (self._bulk and self._since_bulk >= BULK_EVERY):
            self._since_bulk = 0
            return heappop(self._bulk)
        self._since_bulk += 1 if self._bulk else 0
        return heappop(self._shoppers)

    def _tell(self) -> None:
        metrics.INFERENCE_WAITING.set(len(self._shoppers) + len(self._bulk))
