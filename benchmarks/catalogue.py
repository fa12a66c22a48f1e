"""The catalogue against its limit: a search of Milvus Lite through the port, over a bare FAISS index of the same vectors.

Vectors are made: points around 400 centres in 24 dimensions, turned into 192, with noise; queries are drawn alike. Both are
asked in turns in one run, so that a busy machine slows both. ``python -m benchmarks.catalogue`` prints the table alone.
"""

from __future__ import annotations

import hashlib
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import faiss
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from benchmarks.report import publish
from services.catalogue.engine import MilvusCatalogue
from shoplens.domain import (
    WHOLE_FRAME,
    EncoderCard,
    Features,
    Filter,
    IndexedImage,
    IndexedRegion,
    PreparedPut,
    Price,
    ProductDetails,
    ProductDraft,
    ProductImage,
    ProductPatch,
    RegionQuery,
    Vector,
    Write,
)
from shoplens.filters import parse

SIZES = (10_000, 100_000)
WIDTH = 192
QUERIES = 100
LIMITS = (50, 200)
BATCH = 500
WRITES = 50
CARD = EncoderCard("bench", "1", WIDTH, 64, tuple(f"category-{number}" for number in range(40)))
SHARES = {"": 1, "third_": 3, "narrow_": 300}
"""What a filter keeps: everything, one row in 3, one in 300."""

PRICES = 1_000
FILTERS = {"price_1_in_1000_": 1, "price_1_in_100_": 10, "price_1_in_3_": 333}
"""Prices below which a filter looks, of 0 to 999."""

Vectors = NDArray[np.float32]


def _unit(vectors: Vectors) -> Vectors:
    return cast("Vectors", (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32))


@dataclass(frozen=True)
class Made:
    """vectors: ``[rows, WIDTH]``; queries: ``[QUERIES, WIDTH]``; all of unit length."""

    vectors: Vectors
    queries: Vectors

    @classmethod
    def of(cls, rows: int) -> Made:
        rng = np.random.default_rng(0)
        centres, turn = rng.normal(size=(400, 24)), rng.normal(size=(24, WIDTH))
        points = centres[rng.integers(0, len(centres), rows + QUERIES)] + 0.5 * rng.normal(size=(rows + QUERIES, 24))
        vectors = _unit((points @ turn + 0.3 * rng.normal(size=(rows + QUERIES, WIDTH))).astype(np.float32))
        return cls(vectors[:rows], vectors[rows:])


def node_of(row: int) -> str:
    """One row in 300 is ``narrow``, one in 3 is ``narrow`` or ``third``."""
    return "narrow" if row % 300 == 0 else "third" if row % 3 == 0 else "rest"


NODES: dict[str, tuple[str, ...]] = {"": (), "third_": ("narrow", "third"), "narrow_": ("narrow",)}


def product(row: int, embedding: Vector, content: bytes) -> PreparedPut:
    rng = np.random.default_rng(row)
    content_hash = hashlib.sha256(content).hexdigest()
    features = Features(
        embedding, rng.random(len(CARD.categories), dtype=np.float32), _unit(rng.random(64, dtype=np.float32)), content_hash
    )
    image = IndexedImage(ProductImage("1", content_hash, 800, 1200), content, "image/jpeg", (IndexedRegion(WHOLE_FRAME, "top", features),))
    details = ProductDetails(
        title=f"A product with a title of usual length, number {row}",
        description="What a shop says of a product. " * 10,
        category="Women/Tops",
        brand="Brand",
        price=Price(float(row % PRICES), "EUR"),
        url=f"https://shop.example/products/{row}",
        attributes={"colour": "blue", "sizes": ("S", "M", "L"), "material": "cotton"},
    )
    return PreparedPut(ProductDraft(f"product-{row:07}", details, ()), node_of(row), (image,), CARD.model)


def measure() -> dict[str, float]:
    """Times in ms at one caller, recall of the neighbours that an exact search finds (0..1), writes a second."""
    report: dict[str, float] = {}
    made = Made.of(SIZES[-1])
    with tempfile.TemporaryDirectory(prefix="shoplens-bench-") as folder:
        uri, pictures = str(Path(folder) / "catalogue.db"), Path(folder) / "pictures"
        filled = 0
        for size in SIZES:
            with MilvusCatalogue.open(uri, pictures, CARD) as catalogue:
                begun = time.perf_counter()
                for start in track(range(filled, size, BATCH), f"filling to {size:,}"):
                    _fill(catalogue, made, start, start + BATCH)
                report[f"catalogue_{size // 1000}k_batched_rows_per_s"] = (size - filled) / (time.perf_counter() - begun)
                filled = size
                report |= _searches(catalogue, made, size) | _writes(catalogue, made, size)
            begun = time.perf_counter()
            with MilvusCatalogue.open(uri, pictures, CARD) as catalogue:
                catalogue.search(RegionQuery([made.queries[0]], limit=10, model=CARD.model))
                report[f"catalogue_{size // 1000}k_open_s"] = time.perf_counter() - begun
    return report


def _fill(catalogue: MilvusCatalogue, made: Made, start: int, stop: int) -> None:
    prepared = [product(row, made.vectors[row], b"one picture for all") for row in range(start, stop)]
    for outcome in catalogue.apply([Write(each) for each in prepared]):
        if outcome.error is not None:
            raise outcome.error


def _searches(catalogue: MilvusCatalogue, made: Made, size: int) -> dict[str, float]:
    report: dict[str, float] = {}
    faiss.omp_set_num_threads(1)
    for name, share in SHARES.items():
        rows = np.arange(0, size, share)
        bare = faiss.IndexFlatIP(WIDTH)
        bare.add(made.vectors[rows])
        for limit in LIMITS:
            report |= {
                f"catalogue_{size // 1000}k_{name}top{limit}_{figure}": value
                for figure, value in _compared(catalogue, bare, rows, made.queries, limit, nodes=NODES[name]).items()
            }
    for name, below in FILTERS.items():
        rows = np.flatnonzero(np.arange(size) % PRICES < below)
        bare = faiss.IndexFlatIP(WIDTH)
        bare.add(made.vectors[rows])
        only = parse(f"price < {below}")
        compared = _compared(catalogue, bare, rows, made.queries, LIMITS[0], only=only)
        report |= {f"catalogue_{size // 1000}k_{name}top{LIMITS[0]}_{figure}": value for figure, value in compared.items()}
    return report


def _compared(
    catalogue: MilvusCatalogue,
    bare: faiss.IndexFlatIP,
    rows: NDArray[np.int64],
    queries: Vectors,
    limit: int,
    *,
    nodes: Sequence[str] = (),
    only: Filter | None = None,
) -> dict[str, float]:
    """Each query asked of both, one after the other."""
    ours, theirs, recalls = [], [], []
    for query in queries:
        begun = time.perf_counter()
        hits = catalogue.search(RegionQuery([query], limit=limit, nodes=nodes, model=CARD.model, only=only))
        between = time.perf_counter()
        _, neighbours = bare.search(query[None], limit)
        ours.append((between - begun) * 1000)
        theirs.append((time.perf_counter() - between) * 1000)
        wanted = {f"product-{rows[neighbour]:07}" for neighbour in neighbours[0] if neighbour >= 0}
        recalls.append(len(wanted & {hit.product_id for hit in hits}) / len(wanted))
    return {
        "p50_ms": statistics.median(ours),
        "p99_ms": float(np.percentile(ours, 99)),
        "recall": statistics.mean(recalls),
        "over_faiss": statistics.median(ours) / statistics.median(theirs),
    }


def _writes(catalogue: MilvusCatalogue, made: Made, size: int) -> dict[str, float]:
    """Each product with a picture of its own; what was put is put again, patched and deleted."""
    prepared = [product(size * 10 + row, made.vectors[row], f"picture {size} {row}".encode()) for row in range(WRITES)]
    name = f"catalogue_{size // 1000}k"

    def put(each: PreparedPut) -> None:
        catalogue.put(each.draft, each.node, each.images, model=CARD.model)

    return {
        f"{name}_puts_per_s": _rate(put, prepared),
        f"{name}_replacements_per_s": _rate(put, prepared),
        f"{name}_patches_per_s": _rate(lambda each: catalogue.patch(ProductPatch(each.draft.id, {"in_stock": False})), prepared),
        f"{name}_deletions_per_s": _rate(lambda each: catalogue.delete(each.draft.id), prepared),
    }


def _rate(step: Callable[[PreparedPut], object], items: Sequence[PreparedPut]) -> float:
    begun = time.perf_counter()
    for item in items:
        step(item)
    return len(items) / (time.perf_counter() - begun)


if __name__ == "__main__":
    publish("The catalogue, embedded", measure(), Path("build/bench.json"))
