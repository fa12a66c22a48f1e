"""Indexes of vectors that a shop could use instead, each as its own documentation says, one thread, inner products.

Those that trade recall for time are built once, and asked with the least effort that finds enough.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import faiss
import hnswlib
import numpy as np
from numpy.typing import NDArray
from qdrant_client import QdrantClient, models
from usearch.index import Index

Vectors = NDArray[np.float32]
Search = Callable[[NDArray[np.float32], int], Sequence[int]]
"""A query ``[width]`` and how many → rows, the nearest first."""

Effort = Callable[[int], None]
"""Sets how many rows a search looks at (``ef``)."""

EFFORTS = (16, 32, 64, 128, 256, 512)
_LINKS, _BUILT_WITH = 32, 200
_AT_ONCE = 1_000


def _nothing(_: int) -> None:
    """An exact search has no effort to set."""


def faiss_flat(vectors: Vectors) -> tuple[Search, Effort]:
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return lambda query, limit: [int(row) for row in index.search(query[None], limit)[1][0]], _nothing


def faiss_hnsw(vectors: Vectors) -> tuple[Search, Effort]:
    index = faiss.IndexHNSWFlat(vectors.shape[1], _LINKS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = _BUILT_WITH
    index.add(vectors)

    def effort(ef: int) -> None:
        index.hnsw.efSearch = ef

    return lambda query, limit: [int(row) for row in index.search(query[None], limit)[1][0]], effort


def hnsw_lib(vectors: Vectors) -> tuple[Search, Effort]:
    index = hnswlib.Index("ip", vectors.shape[1])
    index.init_index(len(vectors), M=_LINKS, ef_construction=_BUILT_WITH)
    index.set_num_threads(1)
    index.add_items(vectors)
    return lambda query, limit: [int(row) for row in index.knn_query(query, limit)[0][0]], index.set_ef


def usearch(vectors: Vectors) -> tuple[Search, Effort]:
    index = Index(ndim=vectors.shape[1], metric="ip", dtype="f32", connectivity=_LINKS, expansion_add=_BUILT_WITH)
    index.add(np.arange(len(vectors)), vectors, threads=1)

    def effort(ef: int) -> None:
        index.expansion_search = ef

    def search(query: NDArray[np.float32], limit: int) -> Sequence[int]:
        found: Any = index.search(query, limit, threads=1)
        return [int(row) for row in found.keys]

    return search, effort


def qdrant_local(vectors: Vectors) -> tuple[Search, Effort]:
    """Its local mode, which is meant for development and searches exactly."""
    client = QdrantClient(":memory:")
    client.create_collection("rows", models.VectorParams(size=vectors.shape[1], distance=models.Distance.DOT))
    for start in range(0, len(vectors), _AT_ONCE):
        some = vectors[start : start + _AT_ONCE]
        client.upsert("rows", models.Batch(ids=list(range(start, start + len(some))), vectors=some.tolist()))
    return lambda query, limit: [int(point.id) for point in client.query_points("rows", query, limit=limit).points], _nothing


PEERS: Mapping[str, Callable[[Vectors], tuple[Search, Effort]]] = {
    "faiss_flat": faiss_flat,
    "faiss_hnsw": faiss_hnsw,
    "hnswlib": hnsw_lib,
    "usearch": usearch,
    "qdrant_local": qdrant_local,
}
