"""Products' documents near at hand, so that a search needs no second question to Milvus.

A document is found by the id of its row, and rows are never changed in place: what is here is true for ever, and the
only question is what to forget. A text becomes an object at its first use, for reading 200 texts takes 4 ms.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

from services.catalogue.rows import Document, document_from_text

CAPACITY_BYTES = 256 * 2**20
_OBJECT_WEIGHT = 4
"""An object takes about four times the memory of its text."""

Load = Callable[[Sequence[int]], dict[int, str]]


class Documents:
    """The documents used last, up to about ``capacity`` bytes, loaded where missing."""

    def __init__(self, load: Load, *, capacity: int = CAPACITY_BYTES) -> None:
        self._load = load
        self._capacity = capacity
        self._kept: OrderedDict[int, tuple[str | Document, int]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def of(self, numbers: Iterable[int]) -> dict[int, Document]:
        """The documents by row id, less those of rows that are gone."""
        wanted = set(numbers)
        with self._lock:
            found = {number: self._kept[number][0] for number in wanted if number in self._kept}
            for number in found:
                self._kept.move_to_end(number)
        missing = sorted(wanted - found.keys())
        if missing:
            found |= self._load(missing)
        return {number: self._read(number, kept) if isinstance(kept, str) else kept for number, kept in found.items()}

    def add(self, number: int, text: str) -> None:
        """Keep a text, unread."""
        self._keep(number, text, len(text))

    def forget(self, number: int) -> None:
        with self._lock:
            self._size -= self._kept.pop(number, ("", 0))[1]

    def _read(self, number: int, text: str) -> Document:
        document = document_from_text(text)
        self._keep(number, document, _OBJECT_WEIGHT * len(text))
        return document

    def _keep(self, number: int, kept: str | Document, weight: int) -> None:
        with self._lock:
            self._size += weight - self._kept.pop(number, ("", 0))[1]
            self._kept[number] = kept, weight
            while self._size > self._capacity:
                _, (_, forgotten) = self._kept.popitem(last=False)
                self._size -= forgotten
