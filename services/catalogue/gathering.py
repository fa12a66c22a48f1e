"""Writes that wait for the same turn go together.

A commit costs Milvus Lite two waits for the disk, whether it holds one product or fifty. So whoever gets the turn does
the work of all who wait, and they find it done when theirs comes. Nobody waits for company: alone, a write goes alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Generic, TypeVar

MOST = 64
"""Together at most, so that the one who does the work is not kept long from its own answer."""

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


class _Ticket(Generic[Item, Outcome]):
    def __init__(self, item: Item) -> None:
        self.item = item
        self.outcome: Outcome | None = None


class Gatherer(Generic[Item, Outcome]):
    """``work`` takes items and returns an outcome for each, never None; ``turn`` makes the context that only one is in."""

    def __init__(self, work: Callable[[Sequence[Item]], Sequence[Outcome]], turn: Callable[[], AbstractContextManager[None]]) -> None:
        self._work = work
        self._turn = turn
        self._lock = threading.Lock()
        self._waiting: list[_Ticket[Item, Outcome]] = []

    def submit(self, item: Item) -> Outcome:
        """The item's outcome. Where the work of another's turn failed, it is done again in a turn of one's own."""
        ticket: _Ticket[Item, Outcome] = _Ticket(item)
        with self._lock:
            self._waiting.append(ticket)
        try:
            with self._turn():
                if ticket.outcome is None:
                    self._work_for(self._gather(ticket))
        finally:
            with self._lock:
                if ticket in self._waiting:  # nobody took it, and nobody waits for it any more
                    self._waiting.remove(ticket)
        assert ticket.outcome is not None
        return ticket.outcome

    def _gather(self, mine: _Ticket[Item, Outcome]) -> list[_Ticket[Item, Outcome]]:
        """All who wait, in the order they came, up to ``MOST``, and always oneself."""
        with self._lock:
            others = [ticket for ticket in self._waiting if ticket is not mine][: MOST - 1]
            together = [ticket for ticket in self._waiting if ticket is mine or ticket in others]
            self._waiting = [ticket for ticket in self._waiting if ticket not in together]
        return together if mine in together else [mine, *together]

    def _work_for(self, tickets: Sequence[_Ticket[Item, Outcome]]) -> None:
        for ticket, outcome in zip(tickets, self._work([ticket.item for ticket in tickets]), strict=True):
            ticket.outcome = outcome
