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
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import structlog
from pyarrow import parquet

SCHEMA = pa.schema([("content_hash", pa.string()), ("features", pa.binary())])
GROUP_ROWS = 64
"""Rows that are read together; a picture's features take some 9 KB."""
LOOKED_AGAIN_S = 30.0
"""A picture that is not there may have come since: so often at most it is looked for new files."""
_GROUPS_KEPT = 64

_log = structlog.get_logger()


class FeatureStore:
    """A folder of features. Implements ``ports.Cache``, for who loads them. Safe to use from many threads and processes.

    What another process adds is found within ``again_s`` seconds.
    """

    def __init__(self, root: Path, *, again_s: float = LOOKED_AGAIN_S) -> None:
        self._root = root
        self._again_s = again_s
        self._lock = threading.Lock()
        self._places: dict[str, _Places] = {}
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
        """The features behind a key of the write path's: ``features:<maker>:<content hash>``.

        A file that cannot be read is told, and what it holds is not known: a cache never fails its caller.
        """
        kind, _, rest = key.partition(":")
        maker, _, content_hash = rest.rpartition(":")
        if kind != "features":
            return None
        with self._lock:
            places = self._places.setdefault(maker, _Places())
            found = self._found(places, content_hash)
            if found is None and places.looked + self._again_s <= time.monotonic():
                places.look(self.files(maker))
                found = self._found(places, content_hash)
            return found

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

    def _found(self, places: _Places, content_hash: str) -> bytes | None:
        for path, row in places.of(content_hash):
            try:
                group = self._group(path, row // GROUP_ROWS)
            except (OSError, pa.ArrowException) as error:
                _log.warning("features_not_read", file=str(path), problem=str(error))
                continue
            if group.column("content_hash")[row % GROUP_ROWS].as_py() == content_hash:
                value: bytes = group.column("features")[row % GROUP_ROWS].as_py()
                return value
        return None

    def _group(self, path: Path, number: int) -> pa.Table:
        key = path, number
        if key not in self._groups:
            self._groups[key] = parquet.ParquetFile(path).read_row_group(number)
            while len(self._groups) > _GROUPS_KEPT:
                self._groups.popitem(last=False)
        self._groups.move_to_end(key)
        return self._groups[key]


class _Places:
    """Where the pictures of one maker lie: 16 bytes each, so that a hundred million of them fit into a process."""

    def __init__(self) -> None:
        self.looked = float("-inf")
        self._files: list[Path] = []
        self._short: npt.NDArray[np.uint64] = np.empty(0, np.uint64)
        self._file: npt.NDArray[np.uint32] = np.empty(0, np.uint32)
        self._row: npt.NDArray[np.uint32] = np.empty(0, np.uint32)

    def look(self, files: Sequence[Path]) -> None:
        """Learn of those files that are new."""
        self.looked = time.monotonic()
        parts = [(self._short, self._file, self._row)]
        for path in sorted(set(files).difference(self._files)):
            try:
                names = _hashes(path)
            except (OSError, pa.ArrowException) as error:
                _log.warning("features_not_read", file=str(path), problem=str(error))
                continue
            short = np.fromiter(map(_short, names), np.uint64, len(names))
            parts.append((short, np.full(len(names), len(self._files), np.uint32), np.arange(len(names), dtype=np.uint32)))
            self._files.append(path)
        if len(parts) > 1:
            short, file, row = (np.concatenate(columns) for columns in zip(*parts, strict=True))
            order = np.argsort(short, kind="stable")
            self._short, self._file, self._row = short[order], file[order], row[order]

    def of(self, content_hash: str) -> Iterator[tuple[Path, int]]:
        """``(file, row)`` of what may be this picture: its name there is still to be compared."""
        short = np.uint64(_short(content_hash))
        for each in range(np.searchsorted(self._short, short), np.searchsorted(self._short, short, "right")):
            yield self._files[self._file[each]], int(self._row[each])


def _short(content_hash: str) -> int:
    """64 bits that stand for a name."""
    return int.from_bytes(hashlib.blake2b(content_hash.encode(), digest_size=8).digest(), "little")


def _hashes(path: Path) -> list[str]:
    found: list[str] = parquet.read_table(path, columns=["content_hash"], partitioning=None).column(0).to_pylist()
    return found
