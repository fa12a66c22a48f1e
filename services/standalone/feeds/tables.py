"""Delimited text with a header: CSV and TSV in the encodings and with the separators that shops' tools write."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.standalone.feeds.texts import encoding_of

_LONGEST_FIELD: Final = 4_000_000
_SEPARATORS: Final = "\t,;|"


@dataclass(frozen=True, slots=True)
class Record:
    """A row under its header; ``cells`` maps each column, in lower case with single underscores, to its stripped text."""

    line: int
    cells: Mapping[str, str]
    problem: str = ""

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


class Table:
    """A file of delimited text; its header is read at once, its records as they are asked for."""

    def __init__(self, path: Path) -> None:
        """Raises ``OSError``, and ``ValueError`` where there is no header."""
        self._path = path
        self._encoding = encoding_of(path)
        with path.open(encoding=self._encoding, errors="replace", newline="") as file:
            first = next((line for line in file if line.strip()), "")
        self._separator = max(_SEPARATORS, key=first.count)
        self.columns = tuple(_column(name) for name in next(csv.reader([first], delimiter=self._separator), []))
        if not any(self.columns):
            raise ValueError("there is no header in it")

    def records(self) -> Iterator[Record]:
        """Every row that is not empty; one that cannot be read has its ``problem``."""
        csv.field_size_limit(_LONGEST_FIELD)
        with self._path.open(encoding=self._encoding, errors="replace", newline="") as file:
            reader = csv.reader(file, delimiter=self._separator)
            header_seen = False
            while True:
                line = reader.line_num + 1
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    yield Record(line, {}, f"The row cannot be read ({error}); check its quotes.")
                    continue
                if not any(cell.strip() for cell in cells):
                    continue
                if not header_seen:
                    header_seen = True
                    continue
                yield self._record(line, cells)

    def _record(self, line: int, cells: list[str]) -> Record:
        if len(cells) > len(self.columns) and any(cells[len(self.columns) :]):
            return Record(line, {}, f"The row has {len(cells)} cells under {len(self.columns)} columns; check its quotes and separators.")
        return Record(line, {name: cell.strip() for name, cell in zip(self.columns, cells, strict=False) if name})


def _column(name: str) -> str:
    return "_".join(name.strip().lower().replace("(", " ").replace(")", " ").replace("/", " ").replace("_", " ").split())
