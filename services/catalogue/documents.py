"""Products' documents near at hand, so that a search needs no second question to Milvus.

A document is found by the id of its row, and rows are never changed in place: what is here is true for ever, and the
only question is what to forget. Texts are kept, not objects, which would take three times the room.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

CAPACITY_BYTES = 256 * 2**20

Load = Callable[[Sequence[int]], dict[int, str]]


class Documents:
    """The texts used last, up to ``capacity`` characters (bytes, in Latin text), loaded where missing."""

    def __init__(self, load: Load, *, capacity: int = CAPACITY_BYTES) -> None:
        self._load = load
        self._capacity = capacity
        self._texts: OrderedDict[int, str] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def of(self, numbers: Sequence[int]) -> dict[int, str]:
        """The texts by row id, less those of rows that are gone."""
        with self._lock:
            found = {number: self._texts[number] for number in numbers if number in self._texts}
            for number in found:
                self._texts.move_to_end(number)
        missing = sorted({*numbers} - found.keys())
        if missing:
            loaded = self._load(missing)
            for number, text in loaded.items():
                self.add(number, text)
            found |= loaded
        return found

    def add(self, number: int, text: str) -> None:
        with self._lock:
            if number in self._texts:
                return
            self._texts[number] = text
            self._size += len(text)
            while self._size > self._capacity:
                _, forgotten = self._texts.popitem(last=False)
                self._size -= len(forgotten)

    def forget(self, number: int) -> None:
        with self._lock:
            self._size -= len(self._texts.pop(number, ""))
