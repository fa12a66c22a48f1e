"""A search of the catalogue beside bare indexes of vectors: ``python -m benchmarks.vectors``, after ``make .venv/.eval``.

The same made vectors for all (:mod:`benchmarks.catalogue`), one caller, in turns query by query, so that a busy machine slows all.
Bare indexes give rows; the catalogue gives products with their details, under the port's rules. Each approximate one is asked with the
least effort that finds 98 in 100 of the ten nearest.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from benchmarks.catalogue import BATCH, CARD, WIDTH, Made, product
from benchmarks.peers.vectors import EFFORTS, PEERS, Effort, Search
from benchmarks.report import publish
from services.catalogue.engine import MilvusCatalogue
from shoplens.domain import RegionQuery, Write

REPORT = Path("build/bench.json")
LIMIT = 10
ENOUGH = 0.98

_console = Console()


@dataclass
class Contender:
    """One index, built. took_ms: of each query."""

    search: Search
    effort: Effort
    build_s: float
    took_ms: list[float] = field(default_factory=list)


def main(rows: Annotated[int, typer.Option(help="Vectors.")] = 100_000) -> None:
    """Build each, ask all in turns, print the table."""
    made = Made.of(rows)
    nearest = np.argsort(-(made.queries @ made.vectors.T), axis=1)[:, :LIMIT]
    with tempfile.TemporaryDirectory(prefix="shoplens-vectors-") as folder:
        begun = time.perf_counter()
        with MilvusCatalogue.open(str(Path(folder) / "catalogue.db"), Path(folder) / "pictures", CARD) as catalogue:
            for start in track(range(0, rows, BATCH), "filling the catalogue", console=_console):
                catalogue.apply([Write(product(row, made.vectors[row], b"one picture for all")) for row in range(start, start + BATCH)])
            contenders = {"shoplens": Contender(_ours(catalogue), lambda _: None, time.perf_counter() - begun)}
            for name, build in PEERS.items():
                _console.print(f"building {name} …")
                begun = time.perf_counter()
                search, effort = build(made.vectors)
                contenders[name] = Contender(search, effort, time.perf_counter() - begun)
            recalls = {name: _with_enough_effort(each, made.queries, nearest) for name, each in contenders.items()}
            _in_turns(list(contenders.values()), made.queries)
    publish(f"{rows:,} vectors of {WIDTH}, the ten nearest", _figures(contenders, recalls), REPORT)


def _figures(contenders: Mapping[str, Contender], recalls: Mapping[str, float]) -> dict[str, float]:
    ours = statistics.median(contenders["shoplens"].took_ms)
    figures = {}
    for name, each in contenders.items():
        figures |= {
            f"vectors_{name}_recall": recalls[name],
            f"vectors_{name}_p50_ms": statistics.median(each.took_ms),
            f"vectors_{name}_p99_ms": float(np.percentile(each.took_ms, 99)),
            f"vectors_{name}_build_s": each.build_s,
        }
        if name in PEERS:
            figures[f"vectors_shoplens_over_{name}"] = ours / statistics.median(each.took_ms)
    return figures


def _ours(catalogue: MilvusCatalogue) -> Search:
    def search(query: NDArray[np.float32], limit: int) -> Sequence[int]:
        hits = catalogue.search(RegionQuery([query], limit=limit, model=CARD.model))
        return [int(hit.product_id.removeprefix("product-")) for hit in hits]

    return search


def _with_enough_effort(contender: Contender, queries: NDArray[np.float32], nearest: NDArray[np.int64]) -> float:
    """The recall with the least effort that finds enough, or with the most there is."""
    recall = 0.0
    for effort in EFFORTS:
        contender.effort(effort)
        found = [len(set(contender.search(query, LIMIT)) & set(wanted.tolist())) for query, wanted in zip(queries, nearest, strict=True)]
        recall = statistics.mean(found) / LIMIT
        if recall >= ENOUGH:
            break
    return recall


def _in_turns(contenders: Sequence[Contender], queries: NDArray[np.float32]) -> None:
    for query in track(queries, "asking all in turns", console=_console):
        for contender in contenders:
            begun = time.perf_counter()
            contender.search(query, LIMIT)
            contender.took_ms.append((time.perf_counter() - begun) * 1000)


if __name__ == "__main__":
    typer.run(main)
