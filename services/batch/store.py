"""Features in Parquet: what was computed of each picture, by its content and by what computed it.

``<root>/maker=<what computed it>/date=<day>/<name>.parquet``, columns ``content_hash`` and ``features`` (the message that the
write path keeps in its cache). A file appears whole, under a name made of what it holds, and is never changed: so a task that
is run again writes the same file again, and whatever dies leaves whole files only. Incremental after Pinterest (Jing et al.
2015): a picture is computed again where its content or its maker is new, and never otherwise.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
from pyarrow import parquet

SCHEMA = pa.schema([("content_hash", pa.string()), ("features", pa.binary())])
GROUP_ROWS = 64
"""Rows that are read together; a picture's features take some 9 KB."""
_GROUPS_KEPT = 64


class FeatureStore:
    """A folder of features. Implements ``ports.Cache``, for who loads them. Safe to use from many threads and processes."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._places: dict[str, dict[str, tuple[Path, int]]] = {}
        self._groups: OrderedDict[tuple[Path, int], pa.Table] = OrderedDict()

    def known(self, maker: str) -> frozenset[str]:
        """The content hashes of all pictures that this maker computed."""
        return frozenset(name for path in self.files(maker) for name in _hashes(path))

    def write(self, maker: str, rows: Sequence[tuple[str, bytes]]) -> Path:
        """Add pictures, ``(content_hash, features)``; on disk once it returns. Raises ``OSError``."""
        ordered = sorted(dict(rows).items())
        name = hashlib.sha256("\n".join(content_hash for content_hash, _ in ordered).encode()).hexdigest()[:32]
        folder = self._root / f"maker={quote(maker, safe='')}" / f"date={datetime.now(UTC):%Y-%m-%d}"
        folder.mkdir(parents=True, exist_ok=True)
        hashes, features = zip(*ordered, strict=True)
        table = pa.table({"content_hash": hashes, "features": features}, schema=SCHEMA)
        descriptor, new = tempfile.mkstemp(dir=folder, prefix=".new-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                parquet.write_table(table, file, row_group_size=GROUP_ROWS, compression="zstd")
                file.flush()
                os.fsync(file.fileno())
            Path(new).replace(folder / f"{name}.parquet")
        except BaseException:
            Path(new).unlink(missing_ok=True)
            raise
        return folder / f"{name}.parquet"

    def get(self, key: str) -> bytes | None:
        """The features behind a key of the write path's: ``features:<maker>:<content hash>``."""
        kind, _, rest = key.partition(":")
        maker, _, content_hash = rest.rpartition(":")
        if kind != "features":
            return None
        with self._lock:
            place = self._index(maker).get(content_hash)
            if place is None:
                return None
            path, row = place
            group = self._group(path, row // GROUP_ROWS)
            value: bytes = group.column("features")[row % GROUP_ROWS].as_py()
            return value

    def set(self, key: str, value: bytes) -> None:
        """Nothing: what is computed one by one is kept by the write path's own cache."""

    def rows(self, maker: str) -> Iterator[tuple[str, bytes]]:
        """Everything that this maker computed, each picture once."""
        seen: set[str] = set()
        for path in self.files(maker):
            for batch in parquet.ParquetFile(path).iter_batches(batch_size=GROUP_ROWS):
                for content_hash, features in zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True):
                    if content_hash not in seen:
                        seen.add(content_hash)
                        yield content_hash, features

    def files(self, maker: str) -> list[Path]:
        """The Parquet files of what this maker computed."""
        return sorted((self._root / f"maker={quote(maker, safe='')}").glob("date=*/*.parquet"))

    def _index(self, maker: str) -> dict[str, tuple[Path, int]]:
        if maker not in self._places:
            self._places[maker] = {name: (path, row) for path in self.files(maker) for row, name in enumerate(_hashes(path))}
        return self._places[maker]

    def _group(self, path: Path, number: int) -> pa.Table:
        key = path, number
        if key not in self._groups:
            self._groups[key] = parquet.ParquetFile(path).read_row_group(number, columns=["features"])
            while len(self._groups) > _GROUPS_KEPT:
                self._groups.popitem(last=False)
        self._groups.move_to_end(key)
        return self._groups[key]


def _hashes(path: Path) -> list[str]:
    found: list[str] = parquet.read_table(path, columns=["content_hash"], partitioning=None).column(0).to_pylist()
    return found
