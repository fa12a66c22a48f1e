"""The finder of copies is told of a picture after its product can be found, once nothing more urgent is to do.

What makes a picture known for copies takes almost as long as finding and encoding its regions. A stream that has a thousand new
products to bring in does that first. What does not fit the queue meanwhile is not lost: the finder catches up with the catalogue by
itself, again and again (:mod:`services.copies.keeping_up`).
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from typing import Final, Self

import structlog

from shoplens import deadlines, priorities
from shoplens.domain import Picture
from shoplens.errors import ShoplensError
from shoplens.ports import KnownCopies

MOST: Final = 32
"""Pictures that wait, of 3 MB at most."""

QUIET_S: Final = 0.5
"""After so long without a new picture, the stream counts as quiet."""

LONGEST_S: Final = 30.0
"""No picture waits longer for quiet, as long as there is room for it."""

_TELL_S: Final = 30.0

_log = structlog.get_logger(__name__)


class Afterwards:
    """Implements ``ports.KnownCopies``, which is all of ``ports.Copies`` that the write path needs."""

    def __init__(self, copies: KnownCopies, *, quiet_s: float = QUIET_S) -> None:
        self._copies = copies
        self._quiet_s = quiet_s
        self._waiting: queue.Queue[tuple[float, Picture]] = queue.Queue(MOST)
        self._last = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="afterwards")
        self._thread.start()

    def add(self, picture: Picture) -> None:
        """Returns at once; the picture is told later, or left to the finder's own catching up where too many wait."""
        self._last = time.monotonic()
        try:
            self._waiting.put_nowait((self._last, picture))
        except queue.Full:
            _log.debug("left to be caught up with", content_hash=picture.content_hash)

    def missing(self, content_hashes: Sequence[str]) -> Sequence[str]:
        return self._copies.missing(content_hashes)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                since, picture = self._waiting.get(timeout=self._quiet_s)
            except queue.Empty:
                continue
            while not self._stop.is_set() and not self._due(since):
                self._stop.wait(self._quiet_s / 5)
            try:
                with deadlines.within(_TELL_S), priorities.bulk():
                    self._copies.add(picture)
            except ShoplensError as error:
                _log.warning("copies_not_told", content_hash=picture.content_hash, problem=str(error))

    def _due(self, since: float) -> bool:
        now = time.monotonic()
        return now - self._last >= self._quiet_s or now - since >= LONGEST_S
