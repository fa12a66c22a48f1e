"""The finder of copies is kept in step with the catalogue, in the background.

What is missing is made known, what is left over is forgotten. It is looked again and again, for a twentieth of the time at most.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import structlog

from services.copies.catching_up import catch_up
from services.copies.forgetting import Forgetful, Leftovers
from shoplens.background import beside
from shoplens.errors import ShoplensError
from shoplens.ports import CatalogueReader, Copies

_NEXT_S = 300.0
_REST = 20
_AGAIN_S, _LONGEST_AGAIN_S = 1.0, 60.0
"""After a failure, so much time passes before the next try; twice as much after each further one."""

_log = structlog.get_logger()


class Finder(Copies, Forgetful, Protocol):
    """A finder of copies whose memory can be changed both ways."""


@contextmanager
def keeping_up(catalogue: CatalogueReader, copies: Finder, *, every_s: float = _NEXT_S) -> Iterator[None]:
    """Look now and then, in a thread of its own; stopped on leaving. every_s: between two rounds, at least."""
    leftovers = Leftovers(copies)

    def work(stop: threading.Event) -> None:
        again_s = _AGAIN_S
        while not stop.is_set():
            begun = time.monotonic()
            try:
                added, forgotten = catch_up(catalogue, copies, stop), leftovers.forget(catalogue, stop)
            except ShoplensError as error:
                _log.warning("copies_not_kept_up", problem=str(error))
                stop.wait(again_s)
                again_s = min(2 * again_s, _LONGEST_AGAIN_S)
                continue
            again_s = _AGAIN_S
            if added or forgotten:
                _log.info("copies_kept_up", added=added, forgotten=forgotten)
            stop.wait(max(every_s, _REST * (time.monotonic() - begun)))

    with beside("keeping-up", work):
        yield
