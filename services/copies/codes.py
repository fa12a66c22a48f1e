"""Indexes of binary codes, searched by Hamming distance: FAISS holds them, this module adds to them while they serve.

A code's number is its picture's; several codes may share one. What is asked of an index is small (a few codes, or a few hundred
short ones), so one lock serves readers and the writer.
"""

from __future__ import annotations

import threading

import faiss
import numpy as np
from numpy.typing import NDArray

from services.copies.fingerprint import Codes

Numbers = NDArray[np.int64]
Distances = NDArray[np.int32]


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

    def search(self, codes: Codes, nearest: int) -> tuple[Distances, Numbers]:
        """The ``nearest`` for each of ``codes [n, bits / 8]``: distances and numbers, each ``[n, ≤ nearest]``, nearest first."""
        with self._lock:
            wanted = min(nearest, len(self))
            if wanted == 0:
                return np.zeros((len(codes), 0), np.int32), np.zeros((len(codes), 0), np.int64)
            return self._index.search(np.ascontiguousarray(codes), wanted)


class WordIndex:
    """Short codes in cells about fixed centres (an inverted file, Sivic & Zisserman 2003); only the nearest cells are looked into."""

    def __init__(self, centres: Codes, *, cells: int = 4) -> None:
        """``centres [m, bits / 8]``: fixed, so that an index can grow from nothing. ``cells``: how many are looked into."""
        bits = 8 * centres.shape[1]
        self._centres = faiss.IndexBinaryFlat(bits)
        self._centres.add(np.ascontiguousarray(centres))
        self._index = faiss.IndexBinaryIVF(self._centres, bits, len(centres))
        self._index.nprobe = cells
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def add(self, codes: Codes, numbers: Numbers) -> None:
        """As :meth:`CodeIndex.add`."""
        if len(codes):
            with self._lock:
                self._index.add_with_ids(np.ascontiguousarray(codes), np.ascontiguousarray(numbers, dtype=np.int64))

    def search(self, codes: Codes, nearest: int) -> tuple[Distances, Numbers]:
        """As :meth:`CodeIndex.search`; the number is −1 where the cells held fewer."""
        if not len(codes) or not len(self):
            return np.zeros((len(codes), 0), np.int32), np.zeros((len(codes), 0), np.int64)
        with self._lock:
            return self._index.search(np.ascontiguousarray(codes), nearest)
