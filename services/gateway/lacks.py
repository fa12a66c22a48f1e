"""What a search does without, instead of failing, where a part is away, slow or talks nonsense.

A part that only makes the answer better gets a share of the time; when that is over, or it fails, the answer goes on without it and
says so. A part without which there is no answer makes the search ``Unavailable`` in time, so that the shopper learns it while waiting.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog

from shoplens import deadlines, metrics
from shoplens.domain import Lack
from shoplens.errors import InternalError, Overloaded, Unavailable

HELP_S: Final = 2.5
"""What a part that only helps may take: many times its usual, a quarter of what a search may."""

NEED_S: Final = 5.0
"""What a needed part may take: half of what a search may, so that there is time left to say so."""

ASK_S: Final = 2.5
"""What a needed part may take to say how things stand: who it is, what it holds."""

FAILED: Final = (Unavailable, Overloaded, InternalError)

_log = structlog.get_logger(__name__)


class Lacks:
    """What one answer lacks."""

    def __init__(self) -> None:
        self._lacking: dict[Lack, None] = {}

    @contextmanager
    def without(self, lack: Lack) -> Iterator[None]:
        """What is done inside may fail, or be too late; then the answer lacks it.

        Raises ``DeadlineExceeded`` where the time for the whole answer is over.
        """
        try:
            with deadlines.patience(HELP_S):
                yield
        except FAILED as error:
            self.note(lack, error)

    def note(self, lack: Lack, cause: Exception) -> None:
        """The answer lacks that."""
        if lack not in self._lacking:
            metrics.SEARCHES_DEGRADED.labels(lack.value).inc()
            _log.warning("a search answers without a part", lacking=lack.value, error=str(cause))
        self._lacking[lack] = None

    def lacking(self, lack: Lack) -> bool:
        return lack in self._lacking

    def told(self) -> tuple[Lack, ...]:
        """All of them, in the order in which they were noticed."""
        return tuple(self._lacking)
