"""Milvus in memory, to be interrupted at any write."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from services.catalogue.connection import Neighbours, Row

Blow = Callable[[Callable[[float], None]], None]
"""Takes a write, as a function of how much of it is done (0..1), and does what an interruption does."""


class MemoryMilvus:
    """What the catalogue uses of :class:`services.catalogue.connection.Milvus`.

    ``fuse`` writes go well, the next one goes to ``blow``, and all after it go well again. ``writes`` counts them.
    ``searches``: the limit and the expression of each search.
    """

    embedded = None
    name = "memory"

    def __init__(self) -> None:
        self.tables: dict[str, dict[int, Row]] = {}
        self.writes = 0
        self.searches: list[tuple[int, str]] = []
        self.fuse = -1
        self.blow: Blow = lambda write: write(1.0)

    def close(self) -> None:
        """Nothing to close."""

    def collections(self) -> list[str]:
        return list(self.tables)

    def create(self, name: str, *_: object) -> None:
        self.tables[name] = {}

    def load(self, name: str) -> None:
        assert name in self.tables

    def ready(self, name: str, field: str) -> bool:
        return True

    def insert(self, name: str, rows: Sequence[Row]) -> None:
        def write(share: float) -> None:
            for row in rows[: int(len(rows) * share)]:
                assert row["id"] not in self.tables[name], "no row is ever changed in place"
                self.tables[name][row["id"]] = dict(row)

        self._write(write)

    def delete(self, name: str, ids: Sequence[int]) -> None:
        def write(share: float) -> None:
            for number in ids[: int(len(ids) * share)]:
                self.tables[name].pop(number, None)

        self._write(write)

    def rows(self, name: str, ids: Sequence[int], fields: Sequence[str]) -> list[Row]:
        return [{field: self.tables[name][number][field] for field in fields} for number in ids if number in self.tables[name]]

    def scan(self, name: str, fields: Sequence[str], visit: Callable[[list[Row]], None]) -> None:
        for number in list(self.tables[name]):
            visit(self.rows(name, [number], fields))

    def search(self, name: str, probes: NDArray[np.float32], *, limit: int, where: str, **_: object) -> list[Neighbours]:
        named = re.fullmatch(r"base in \[([\d, ]+)\]", where)
        assert named or not where, "the only expression that is understood here"
        bases = {int(number) for number in named[1].split(", ")} if named else None
        rows = {number: row for number, row in self.tables[name].items() if bases is None or row["base"] in bases}
        self.searches.append((limit, where))
        return [self._nearest(rows, probe, limit) for probe in probes]

    def _nearest(self, rows: Mapping[int, Row], probe: NDArray[np.float32], limit: int) -> Neighbours:
        similarities = {number: float(row["embedding"] @ probe) for number, row in rows.items()}
        ids = sorted(similarities, key=lambda number: -similarities[number])[:limit]
        return Neighbours(ids, [similarities[number] for number in ids])

    def _write(self, write: Callable[[float], None]) -> None:
        self.writes += 1
        if self.writes == self.fuse:
            self.blow(write)
        else:
            write(1.0)
