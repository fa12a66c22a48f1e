"""Whether the index is ready, for whoever asks with every search."""

from __future__ import annotations

import time
from collections.abc import Callable

HOLDS_S = 1.0
"""A store that dies is noticed within this time."""


class Readiness:
    """Believes that what was ready a moment ago still is; that it is not is never taken for granted."""

    def __init__(self, ask: Callable[[], bool], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._clock = clock
        self._until = float("-inf")

    def now(self) -> bool:
        """Raises whatever asking does."""
        begun = self._clock()
        if begun < self._until:
            return True
        ready = self._ask()
        if ready:
            self._until = begun + HOLDS_S
        return ready
