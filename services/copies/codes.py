"""Indexes of binary codes, searched by Hamming distance: FAISS holds them, this module adds to them while they serve.

A code's number is its picture's; several codes may share one. What is asked of an index is small (a few codes, or a few hundred
short ones), so one lock serves readers and the writer.
"""

from __future__ import annotations

import threading
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from services.copies.fingerprint import Codes

Numbers = NDArray[np.int64]
Distances = NDArray[np.int32]


def _by_this_thread() -> None:
    """Whoever asks, searches, and alone: FAISS' threads wait for one another by spinning, so beside other work two take four times as long
    as one. OpenMP keeps the setting for each thread that calls, so it is said before each search.
    """
    faiss.omp_set_num_threads(1)


class CodeIndex:
    """Every code is compared: exact, and the quickest up to a few million. 32 bytes and a number a code of 256 bits."""

    def __init__(self, bits: int = 256) -> None:
        self._index = faiss.IndexBinaryIDMap2(faiss.IndexBinaryFlat(bits))
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def add(self, codes: Codes, numbers: Numbers) -> None:
        """``codes [n, bits / 8]`` by ``numbers [n]``; found by the next search."""
        with self._lock:
            self._index.add_with_ids(np.ascontiguousarray(codes), np.ascontiguousarray(numbers, dtype=np.int64))

    def __contains__(self, number: int) -> bool:
        with self._lock:
            try:
                self._index.reconstruct(number)
            except RuntimeError:
                return False
            return True

    def remove(self, numbers: Numbers) -> None:
        """Forget all codes of these numbers; unknown ones cost nothing."""
        with self._lock:
            self._index.remove_ids(faiss.IDSelectorBatch(np.ascontiguousarray(numbers, dtype=np.int64)))

    def search(self, codes: Codes, nearest: int) -> tuple[Distances, Numbers]:
        """The ``nearest`` for each of ``codes [n, bits / 8]``: distances and numbers, each ``[n, ≤ nearest]``, nearest first."""
        with self._lock:
            wanted = min(nearest, len(self))
            if wanted == 0:
                return np.zeros((len(codes), 0), np.int32), np.zeros((len(codes), 0), np.int64)
            _by_this_thread()
            return self._index.search(np.ascontiguousarray(codes), wanted)


class CellIndex:
    """Codes in cells about fixed centres (an inverted file, Sivic & Zisserman 2003); only the nearest cells are looked into.

    Part of it may be sealed: a file, mapped into memory and never changed. What is added lies beside it, and what is removed from a file
    is still found there until the next sealing. 8 bytes a code for its number.
    """

    def __init__(self, centres: Codes, *, cells: int = 4, sealed: Path | None = None) -> None:
        """``centres [m, bits / 8]``: fixed, so that an index can grow from nothing. ``cells``: how many are looked into.

        sealed: a file that :meth:`seal` wrote. Raises ``RuntimeError`` where it is none, or of other centres.
        """
        self._bits = 8 * centres.shape[1]
        self._centres = faiss.IndexBinaryFlat(self._bits)
        self._centres.add(np.ascontiguousarray(centres))
        self._cells = cells
        self._file = sealed
        self._sealed = self._empty() if sealed is None else self._read(sealed, faiss.IO_FLAG_MMAP)
        self._fresh = self._empty()
        self._gone: set[int] = set()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return int(self._sealed.ntotal + self._fresh.ntotal)

    def add(self, codes: Codes, numbers: Numbers) -> None:
        """As :meth:`CodeIndex.add`."""
        if len(codes):
            with self._lock:
                self._fresh.add_with_ids(np.ascontiguousarray(codes), np.ascontiguousarray(numbers, dtype=np.int64))

    def remove(self, numbers: Numbers) -> None:
        """Forget the codes of these numbers: at once, or where they are sealed, when all is sealed anew."""
        with self._lock:
            self._fresh.remove_ids(np.ascontiguousarray(numbers, dtype=np.int64))
            if self._file is not None:
                self._gone.update(numbers.tolist())

    def search(self, codes: Codes, nearest: int) -> tuple[Distances, Numbers]:
        """As :meth:`CodeIndex.search`; the number is −1 where the cells held fewer."""
        if not len(codes) or not len(self):
            return np.zeros((len(codes), 0), np.int32), np.zeros((len(codes), 0), np.int64)
        wanted = np.ascontiguousarray(codes)
        _by_this_thread()
        with self._lock:
            sealed = self._sealed
            found = [self._fresh.search(wanted, nearest)] if self._fresh.ntotal else []
        # What is sealed never changes, only gives way to another as a whole: many may search it at once.
        if sealed.ntotal:
            found.insert(0, sealed.search(wanted, nearest))
        if len(found) == 1:
            return found[0]
        distances, numbers = (np.concatenate(parts, axis=1) for parts in zip(*found, strict=True))
        order = np.where(numbers < 0, self._bits + 1, distances).argsort(axis=1, kind="stable")[:, :nearest]
        return np.take_along_axis(distances, order, axis=1), np.take_along_axis(numbers, order, axis=1)

    def seal(self, path: Path) -> None:
        """Write all that is there to ``path``, whole or not at all, and go on from it. Raises ``RuntimeError``, ``OSError``."""
        part = path.with_name(path.name + ".part")
        with self._lock:
            if self._file is not None:
                whole = self._read(self._file, 0)
                whole.remove_ids(np.fromiter(self._gone, np.int64))
                self._gone.clear()
                whole.merge_from(self._fresh, 0)
                self._sealed, self._fresh = whole, self._empty()
            else:
                self._sealed, self._fresh = self._fresh, self._empty()
            # Whatever happens to the file, all is in memory now.
            faiss.write_index_binary(self._sealed, str(part))
            part.replace(path)
            self._sealed, self._file = self._read(path, faiss.IO_FLAG_MMAP), path

    def _empty(self) -> faiss.IndexBinaryIVF:
        index = faiss.IndexBinaryIVF(self._centres, self._bits, self._centres.ntotal)
        index.nprobe = self._cells
        return index

    def _read(self, path: Path, flags: int) -> faiss.IndexBinaryIVF:
        index = faiss.read_index_binary(str(path), flags)
        if not isinstance(index, faiss.IndexBinaryIVF) or index.d != self._bits or index.nlist != self._centres.ntotal:
            raise RuntimeError(f"{path} was sealed about other centres")
        index.nprobe = self._cells
        return index
