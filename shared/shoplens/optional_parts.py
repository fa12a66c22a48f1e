"""Parts that a service does better with, and can do without.

They are waited for when the service starts, so that its first answers are whole ones, but not for ever; once one has come, or the wait
is over, its absence is told and no longer held against the service. Otherwise a part without which it can answer would take all of it down.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Final

WAITED_S: Final = 60.0


class OptionalParts:
    """Which of the parts in ``names`` may be away now. Safe to use from many threads."""

    def __init__(self, names: Collection[str] = ()) -> None:
        self._names = frozenset(names)
        self._came: set[str] = set()
        self._until = time.monotonic() + WAITED_S

    def came(self, name: str) -> None:
        """That part works."""
        self._came.add(name)

    def may_be_away(self, name: str) -> bool:
        return name in self._names and (name in self._came or time.monotonic() > self._until)
