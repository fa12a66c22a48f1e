"""Generations of the index: the one that answers, and during a migration another beside it.

A **generation** is everything that belongs to one model: detector, encoder, vectors, weights, and the paths that read and write them.
Two generations know nothing of each other; which of them answers is said here and nowhere else. Whoever uses a pair of them keeps it
open until the call ends, so that no call ever meets a closed or a half-changed one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import structlog

from shoplens.errors import FailedPrecondition
from shoplens.ports import Catalogue, CopySearch, Ingest, Search

LEAVE_S: Final = 60.0
"""So long is waited for calls that still use what is to be closed; none has a later deadline."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation, behind its ports; ``number`` counts from 1. parts: their addresses, where they are services of their own."""

    number: int
    search: Search
    ingest: Ingest
    catalogue: Catalogue
    copies: CopySearch
    close: Callable[[], None]
    parts: Mapping[str, str] | None = None


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
        _log.info("generation switched", live=self._pair.live.number)

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
