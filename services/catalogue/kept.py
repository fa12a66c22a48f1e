"""What rows say, near at hand, so that a search asks Milvus for ids and distances alone.

A text is found by the id of its row, and rows are never changed in place: what is here is true for ever, and the only
question is what to forget. A text becomes an object at its first use, for reading 200 documents takes 4 ms.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from services.catalogue import rows, schema
from services.catalogue.connection import Milvus

DOCUMENTS_BYTES = 256 * 2**20
RECORDS_BYTES = 128 * 2**20
"""125,000 regions with a colour signature of 64 numbers."""
ENTRY_BYTES = 256
"""What keeping anything takes besides the thing itself."""

Load = Callable[[Sequence[int]], dict[int, str]]
Read = TypeVar("Read")


class Kept(Generic[Read]):
    """The texts used last, read by ``read``, up to about ``capacity`` bytes, and loaded where missing.

    growth: how many times the memory of its text an object takes.
    """

    def __init__(self, load: Load, read: Callable[[str], Read], *, growth: int, capacity: int) -> None:
        self._load = load
        self._reader = read
        self._growth = growth
        self._capacity = capacity
        self._kept: OrderedDict[int, tuple[str | Read, int]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def of(self, numbers: Iterable[int]) -> dict[int, Read]:
        """What the rows with these ids say, less those that are gone."""
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

    def forget(self, numbers: Iterable[int]) -> None:
        with self._lock:
            for number in numbers:
                self._drop(number)

    def _read(self, number: int, text: str) -> Read:
        read = self._reader(text)
        self._keep(number, read, self._growth * len(text))
        return read

    def _keep(self, number: int, kept: str | Read, size: int) -> None:
        with self._lock:
            self._drop(number)
            self._size += size + ENTRY_BYTES
            self._kept[number] = kept, size + ENTRY_BYTES
            while self._size > self._capacity:
                _, (_, forgotten) = self._kept.popitem(last=False)
                self._size -= forgotten

    def _drop(self, number: int) -> None:
        if number in self._kept:
            self._size -= self._kept.pop(number)[1]


@dataclass(frozen=True, slots=True)
class Nearby:
    """The products' documents, and the records of their image rows."""

    documents: Kept[rows.Document]
    records: Kept[rows.RegionRecord]

    @classmethod
    def to(cls, milvus: Milvus, images: str) -> Nearby:
        """Nothing yet, of what Milvus holds; ``images`` is the collection of the image rows."""

        def load_from(name: str, field: str) -> Load:
            return lambda numbers: {int(row["id"]): str(row[field]) for row in milvus.rows(name, numbers, ["id", field])}

        return cls(
            Kept(load_from(schema.PRODUCTS, "document"), rows.document_from_text, growth=4, capacity=DOCUMENTS_BYTES),
            Kept(load_from(images, "record"), rows.RegionRecord.from_text, growth=2, capacity=RECORDS_BYTES),
        )
